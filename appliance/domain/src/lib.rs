//! Words and rules of RelayPACS Edge.
//!
//! Everything here is data and pure functions: no I/O but reading the clock ([`Clock`]), no runtime, no protocol, no storage. Every other
//! crate may use this one; it uses none of them. Types that hold text or identifiers check them when built, so that whoever holds a
//! [`Uid`] or an [`AeTitle`] may rely on it (bounded length, safe as a path segment, safe in a log line).

mod ae_title;
mod clock;
mod delivery;
mod destination;
mod event;
mod facts;
mod object;
mod problem;
mod role;
mod service_level;
mod timestamp;
mod uid;

pub use ae_title::{AeTitle, AeTitleError};
pub use clock::{Clock, ManualClock};
pub use delivery::{Delivery, DeliveryState, Failure, FailureCode, HeldReason, Proof, ProofKind, Step, Verdict};
pub use destination::{DestinationName, DestinationNameError, MatchRule, Routing};
pub use event::{Event, EventKind};
pub use facts::HeaderFacts;
pub use object::{Flag, Identity, ObjectId, Sha256, Source, SourceKind};
pub use problem::{Alert, AlertCode, Severity};
pub use role::{Action, NotificationId, Principal, ReportId, Role, SessionId, UnknownRole, UploadId, UserId};
pub use service_level::{ServiceLevel, UnknownServiceLevel};
pub use timestamp::Timestamp;
pub use uid::{Uid, UidError};
