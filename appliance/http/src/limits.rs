//! Every limit of the HTTP entrance in one place.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tokio::sync::Semaphore;

use crate::problem::Problem;

/// Limits of a listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once; further ones wait in the kernel's queue.
    pub max_connections: usize,
    /// Connections at once from one address; further ones are closed. Callers on the box itself are not counted.
    pub max_connections_per_address: usize,
    /// A request's head must arrive within this time; an idle connection is closed after it.
    pub header_read_timeout: Duration,
    /// A client that takes no byte of its answer for this long is cut off.
    pub stall_timeout: Duration,
    /// How long requests under way may take to end after `stop`.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 2048,
            max_connections_per_address: 128,
            header_read_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

/// Largest request head in bytes.
pub(crate) const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Most bytes of a body that are read at once: every piece costs a system call and a round through all layers. A connection that brings
/// little reads into less.
pub(crate) const READ_BYTES: usize = 128 * 1024;

/// Largest JSON body in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;

/// A request whose body brings nothing for this long is refused.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a question to the catalogue may take before the caller is told to try later.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Questions to the catalogue at once; each holds a thread of the blocking pool.
const MAX_QUESTIONS: usize = 32;

/// Lets a bounded number of requests in at once.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_QUESTIONS)))
    }
}

/// Refuses requests beyond the gate's number: 503 with `Retry-After`.
pub(crate) async fn gated(State(gate): State<Gate>, request: Request, next: Next) -> Result<Response, Problem> {
    match gate.0.try_acquire() {
        Ok(_permit) => Ok(next.run(request).await),
        Err(_) => Err(Problem::unavailable("too many requests are being answered at once", 1)),
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware, routing::get};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn one_request_too_many_is_told_to_come_back() {
        let gate = Gate::default();
        let router = Router::new().route("/", get(|| async { "in" })).layer(middleware::from_fn_with_state(gate.clone(), gated));
        let ask = || router.clone().oneshot(Request::new(Body::empty()));
        let held = gate.0.acquire_many(u32::try_from(MAX_QUESTIONS).unwrap()).await.unwrap();
        assert_eq!(ask().await.unwrap().status(), 503);
        drop(held);
        assert_eq!(ask().await.unwrap().status(), 200);
    }
}
