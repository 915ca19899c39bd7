//! The HTTP API of the box.
//!
//! One module a resource ([`studies`], [`destinations`], [`system`] …), each with its routes, bodies and thin handlers: they ask the buffer
//! or the forwarder and put the answer into the contract's words. What holds for every request (who may ask, limits, trace ids, problem
//! details, counting) stands once, in [`peer`], [`limits`], [`observe`] and [`problem`].
//!
//! This crate does not know how anything is stored, received or sent; it knows no configuration file and opens no listener: it is handed
//! both. Status codes are named here and nowhere below.
//!
//! Invariants: no answer, log line or metric label carries patient data except the study bodies themselves, which only callers on the box
//! get; every refusal from 400 on is a problem detail with a trace id; every question has a size, a time and a number-at-once limit.

mod admin;
mod app;
mod audit;
mod auth;
mod box_status;
mod caller;
mod certificate;
mod clock_sync;
mod destinations;
mod docs;
mod extract;
mod forwarded;
mod front;
mod health;
mod inspect;
mod limits;
mod metrics;
mod modalities;
mod network;
mod notifications;
mod observe;
mod peer;
mod plain;
mod problem;
mod rate;
mod reports;
mod routes;
mod security;
mod serve;
mod stall;
mod stats;
mod streams;
mod studies;
mod system;
mod system_public;
mod telemetry;
mod time;
mod tls;
mod totp;
mod uploads;
mod users;
mod web_ui;

pub use app::{Admit, App, BoxInfo, Entrance, KnownModality, LogFilter, Page, Parts};
pub use box_status::{BoxStatus, Check, Conditions};
pub use destinations::kept_destinations;
pub use limits::Limits;
pub use metrics::HttpMetrics;
pub use network::{Network, NetworkError};
pub use peer::Peer;
pub use plain::{PlainRules, over_plain, over_tls};
pub use rate::{Rate, RateError, Rates};
pub use routes::{admin, admin_openapi, openapi, public};
pub use serve::{Accept, Protocol, Secured, serve, serve_unix};
pub use telemetry::{Telemetry, TelemetryError, TelemetryOptions, check_dsn};
pub use tls::{AcmeError, AcmeOptions, Certificate, Challenges, Source as CertificateSource, Tls, TlsError, TlsOptions};
pub use web_ui::page;
