//! What leaves: takes instances from the buffer's outbox and delivers them to destinations, with proof.
//!
//! | room | what it is for |
//! |---|---|
//! | `forwarder`, `planner`, `destination` | one supervised task a destination: what next, how much at once, whether at all |
//! | `deliver`, `verification`, `outcome` | STOW-RS: verdicts for each instance from answers, queries and retrievals |
//! | `stow/` | one STOW-RS request: the body that streams, the answer that is read |
//! | `dicomweb/` | QIDO-RS and WADO-RS as far as proof needs them; DICOM JSON and XML answers |
//! | `folder` | a folder as destination |
//! | `breaker`, `refusals`, `backoff`, `batch_size`, `limiter` | when, whose fault, how often, how large, how fast (pure) |
//! | `auth`, `transport` | credentials, TLS, HTTP client |
//! | `echo`, `probe`, `health`, `metrics` | how a destination is |
//!
//! It does not know how the buffer stores, how modalities send, or who asks over HTTP. Invariants: an instance is delivered only with
//! proof ([`relaypacs_domain::Proof`]); the bytes that leave are those that came; nothing is dropped, what cannot be delivered is held
//! with its reason; memory does not grow with an object or a queue; secrets appear in no log, error or `Debug`.

mod auth;
mod backoff;
mod batch_size;
mod breaker;
mod config;
mod content;
mod deliver;
mod destination;
mod dicomweb;
mod documents;
pub mod duration;
mod echo;
mod file_hash;
mod folder;
mod forwarder;
mod health;
mod limiter;
mod metrics;
mod outcome;
mod planner;
mod probe;
mod refusals;
pub mod size;
mod stow;
#[cfg(test)]
mod testing;
mod transport;

pub use backoff::RetryConfig;
pub use config::{AuthConfig, AuthKind, ConfigError, DestinationConfig, Kind, MatchConfig, Verify};
pub use documents::Document;
pub use forwarder::{ChangeError, Forwarder};
pub use health::{DestinationHealth, EchoReport, EchoStep, Paused, PausedBy, State};
pub use metrics::Metrics;
