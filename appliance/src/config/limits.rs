//! `[limits]`: how often and how much may be asked of the API.

use std::time::Duration;

use relaypacs_http::{Rate, Rates};
use serde::{Deserialize, Serialize};

use super::values::Span;

/// `[limits]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Sign-in, by address.
    pub(crate) login: Rate,
    /// Registering and refreshing tokens, by address.
    pub(crate) tokens: Rate,
    /// Beginning an upload, by user.
    pub(crate) upload_init: Rate,
    /// Chunks and batches, by user.
    pub(crate) chunk: Rate,
    /// Completing an upload, by user.
    pub(crate) complete: Rate,
    /// Statistics, by user.
    pub(crate) stats: Rate,
    /// Errors of the page, by user.
    pub(crate) telemetry: Rate,
    /// Everything else, by user or address.
    pub(crate) other: Rate,
    /// Connections at a time of each listener.
    pub(crate) max_connections: usize,
    /// Connections at a time from one address.
    pub(crate) max_connections_per_address: usize,
    /// For a handshake, for a request's head, for an idle connection.
    pub(crate) header_timeout: Span,
    /// A client that takes nothing for this long is cut off.
    pub(crate) stall_timeout: Span,
}

impl Default for Limits {
    fn default() -> Self {
        let rates = Rates::default();
        let listener = relaypacs_http::Limits::default();
        Self {
            login: rates.login,
            tokens: rates.tokens,
            upload_init: rates.upload_init,
            chunk: rates.chunk,
            complete: rates.complete,
            stats: rates.stats,
            telemetry: rates.telemetry,
            other: rates.other,
            max_connections: listener.max_connections,
            max_connections_per_address: listener.max_connections_per_address,
            header_timeout: Span(Duration::from_secs(15)),
            stall_timeout: Span(Duration::from_secs(30)),
        }
    }
}

impl Limits {
    /// How often.
    pub(crate) fn rates(&self) -> Rates {
        Rates {
            login: self.login,
            tokens: self.tokens,
            upload_init: self.upload_init,
            chunk: self.chunk,
            complete: self.complete,
            stats: self.stats,
            telemetry: self.telemetry,
            other: self.other,
        }
    }

    /// How much of a listener.
    pub(crate) fn listener(&self) -> relaypacs_http::Limits {
        relaypacs_http::Limits {
            max_connections: self.max_connections,
            max_connections_per_address: self.max_connections_per_address,
            header_read_timeout: self.header_timeout.0,
            stall_timeout: self.stall_timeout.0,
            ..relaypacs_http::Limits::default()
        }
    }
}
