//! What people see at once: events on their way to open pages and other clients (server-sent events without the HTTP).
//!
//! One bounded ring holds the newest events; a follower is a cursor into it and a filter by who is asking, so that a thousand open streams
//! cost a thousand cursors and no queue. Whoever reads too slowly, or comes back after too long, is told to ask for everything anew.
//!
//! Invariants: nobody is told what they may not see; memory is bounded by the ring; nothing here is the truth: what must not be lost is in
//! the store, and a restart begins a new ring.

mod follower;
mod ring;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use relaypacs_domain::{Clock, Role, UserId};
use tokio::sync::watch;

pub use follower::{Follower, Told};
use ring::{Entry, Ring};

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// One person.
    User(UserId),
    /// Everybody in one of these roles.
    Roles(&'static [Role]),
    /// One person, and everybody in one of these roles.
    UserAndRoles(UserId, &'static [Role]),
}

impl Audience {
    /// Whether somebody belongs to it.
    pub fn includes(&self, user: UserId, role: Role) -> bool {
        match self {
            Self::User(one) => *one == user,
            Self::Roles(roles) => roles.contains(&role),
            Self::UserAndRoles(one, roles) => *one == user || roles.contains(&role),
        }
    }
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LiveKind {
    /// An upload went on.
    Upload,
    /// A report was made or changed.
    Report,
    /// A new notification.
    Notification,
    /// How many notifications of a user are unread.
    UnreadCount,
    /// A study in the buffer went on.
    Study,
    /// A destination went down or came back.
    Destination,
}

impl LiveKind {
    /// The event's name on the stream.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Report => "report",
            Self::Notification => "notification",
            Self::UnreadCount => "unread_count",
            Self::Study => "study",
            Self::Destination => "destination",
        }
    }
}

/// Something to tell.
#[derive(Debug, Clone)]
pub struct LiveEvent {
    /// Whom.
    pub audience: Audience,
    /// What about.
    pub kind: LiveKind,
    /// What: the body of the API for that thing.
    pub json: serde_json::Value,
}

/// Who follows, and what they want to hear of.
#[derive(Debug, Clone, Copy)]
pub struct Listener {
    /// The account.
    pub user: UserId,
    /// Its role.
    pub role: Role,
    /// The kinds it is told.
    pub kinds: &'static [LiveKind],
}

/// The hub. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Live(Arc<Hub>);

pub(crate) struct Hub {
    clock: Clock,
    ring: Mutex<Ring>,
    /// Number of the newest entry; its end ends all streams.
    newest: watch::Sender<Option<u64>>,
}

impl Live {
    /// A hub without events.
    pub fn new(clock: Clock) -> Self {
        let epoch = clock.now().as_millis().unsigned_abs();
        Self(Arc::new(Hub { clock, ring: Mutex::new(Ring::new(epoch)), newest: watch::Sender::new(Some(0)) }))
    }

    /// Tells everybody of its audience who listens.
    pub fn publish(&self, event: LiveEvent) {
        let LiveEvent { audience, kind, json } = event;
        self.0.add(Entry { audience, kind, json: Arc::from(json.to_string()) });
    }

    /// Ends all streams: the box is shutting down.
    pub fn close(&self) {
        self.0.newest.send_replace(None);
    }

    /// Listens. `last` is the id of the last event the client has seen (`Last-Event-ID`), where it has one: what it missed is told first.
    pub fn follow(&self, listener: Listener, last: Option<&str>) -> Follower {
        Follower::new(self.0.clone(), listener, last)
    }
}

impl Hub {
    fn add(&self, entry: Entry) {
        let newest = self.ring().add(self.clock.boot(), entry);
        self.newest.send_if_modified(|seq| match seq {
            Some(seq) => {
                // Two who add at once may arrive here in either order.
                *seq = newest.max(*seq);
                true
            }
            None => false,
        });
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // A panic inside the few lines of queue work leaves a ring that is at worst short of an event.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
