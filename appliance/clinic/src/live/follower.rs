//! One stream: a cursor into the ring.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Hub, Listener, LiveKind};

/// What a follower is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// What was missed cannot be told any more: ask for everything anew.
    Reset {
        /// Names the place from which it goes on.
        id: String,
    },
    /// Something happened.
    Event {
        /// Names it, for coming back.
        id: String,
        /// What about.
        kind: LiveKind,
        /// Its body, JSON.
        json: Arc<str>,
    },
}

/// A stream of events to one listener.
pub struct Follower {
    hub: Arc<Hub>,
    listener: Listener,
    cursor: u64,
    reset: bool,
    news: watch::Receiver<Option<u64>>,
}

impl Follower {
    pub(super) fn new(hub: Arc<Hub>, listener: Listener, last: Option<&str>) -> Self {
        let news = hub.newest.subscribe();
        let (cursor, reset) = {
            let mut ring = hub.ring();
            ring.prune(hub.clock.boot());
            let resumed = last.and_then(|id| ring.resume(id, &listener));
            (resumed.unwrap_or(ring.newest()), last.is_some() && resumed.is_none())
        };
        Self { hub, listener, cursor, reset, news }
    }

    /// Names the place where it stands.
    pub fn id(&self) -> String {
        self.hub.ring().id(self.cursor)
    }

    /// Waits for what is next; `None`: the stream is over (the box is shutting down). May be dropped at any point and
    /// asked again: nothing is skipped.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            self.news.borrow_and_update().as_ref()?;
            if std::mem::take(&mut self.reset) {
                return Some(Told::Reset { id: self.id() });
            }
            if let Some(told) = self.step() {
                return Some(told);
            }
            self.news.changed().await.ok()?;
        }
    }

    /// Goes through the ring up to the next thing to tell; `None`: there is nothing now.
    fn step(&mut self) -> Option<Told> {
        let ring = self.hub.ring();
        loop {
            match ring.after(self.cursor) {
                Err(()) => {
                    self.cursor = ring.newest();
                    return Some(Told::Reset { id: ring.id(self.cursor) });
                }
                Ok(None) => return None,
                Ok(Some((seq, entry))) => {
                    self.cursor = seq;
                    if entry.is_for(&self.listener) {
                        return Some(Told::Event { id: ring.id(seq), kind: entry.kind, json: entry.json.clone() });
                    }
                }
            }
        }
    }
}
