//! How large a request may be now: what is configured, less what the line and the destination have shown not to bear.
//!
//! A request that breaks, or fails as a whole, halves the size (so that a line that cuts every connection after a while still gets
//! something through, and one bad instance takes ever fewer others with it); each good one doubles it again. A 413 sets a lasting ceiling.

use std::sync::{Mutex, PoisonError};

/// The size of one destination's requests in bytes.
#[derive(Debug)]
pub(crate) struct BatchSize {
    most: u64,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    current: u64,
    ceiling: u64,
}

impl BatchSize {
    /// Requests never get smaller than this on purpose (they hold at least one instance anyway).
    const LEAST: u64 = 128 << 10;

    pub(crate) fn new(most: u64) -> Self {
        Self { most, state: Mutex::new(State { current: most, ceiling: most }) }
    }

    /// What a request may hold now.
    pub(crate) fn current(&self) -> u64 {
        self.with(|state| state.current)
    }

    /// A request of `bytes` broke or failed as a whole.
    pub(crate) fn failed(&self, bytes: u64) {
        self.with(|state| state.current = (bytes / 2).clamp(Self::LEAST, state.current));
    }

    /// A request of `bytes` was refused as too large.
    pub(crate) fn too_large(&self, bytes: u64) {
        self.with(|state| {
            state.ceiling = state.ceiling.min((bytes / 2).max(Self::LEAST));
            state.current = state.current.min(state.ceiling);
        });
    }

    /// A request went well.
    pub(crate) fn succeeded(&self) {
        let most = self.most;
        self.with(|state| state.current = state.current.saturating_mul(2).min(state.ceiling).min(most));
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shrinks_on_trouble_grows_on_success_and_remembers_what_is_too_large() {
        let size = BatchSize::new(64 << 20);
        size.failed(64 << 20);
        assert_eq!(size.current(), 32 << 20);
        size.failed(1 << 20);
        assert_eq!(size.current(), 512 << 10);
        size.failed(1000);
        assert_eq!(size.current(), 128 << 10);
        (0..20).for_each(|_| size.succeeded());
        assert_eq!(size.current(), 64 << 20);
        size.too_large(20 << 20);
        (0..20).for_each(|_| size.succeeded());
        assert_eq!(size.current(), 10 << 20, "a receiver's limit does not grow by itself");
    }
}
