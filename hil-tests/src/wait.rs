//! Waiting for conditions. Bounded, so that a broken promise ends a test; the bounds are generous and never what is tested.

use std::{
    thread,
    time::{Duration, Instant},
};

const STEP: Duration = Duration::from_millis(20);

/// Asks until there is an answer; `None` when `limit` has passed.
pub fn until_or<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if begin.elapsed() >= limit {
            return None;
        }
        thread::sleep(STEP);
    }
}

/// Asks until there is an answer; panics with what did not happen after `limit`.
pub fn until<T>(what: &str, limit: Duration, ask: impl FnMut() -> Option<T>) -> T {
    until_or(limit, ask).unwrap_or_else(|| panic!("not within {limit:?}: {what}"))
}

/// Asks until it is true.
pub fn for_true(what: &str, limit: Duration, mut ask: impl FnMut() -> bool) {
    until(what, limit, || ask().then_some(()));
}
