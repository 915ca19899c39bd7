//! The newest events, bounded by number, bytes and age, numbered without gaps.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{Audience, Listener, LiveKind};

/// Entries kept at most.
const MAX_ENTRIES: usize = 8192;
/// Bytes of their bodies at most.
const MAX_BYTES: usize = 4 << 20;
/// Age (boot time) at most.
const MAX_AGE: Duration = Duration::from_hours(24);
/// Events told again to one client at most.
pub(super) const MAX_REPLAY: usize = 1000;

/// Something that happened.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) audience: Audience,
    pub(super) kind: LiveKind,
    pub(super) json: Arc<str>,
}

pub(super) struct Ring {
    /// Tells ids of this run of the box from those of others.
    epoch: u64,
    entries: VecDeque<(Duration, Entry)>,
    /// Number of the first entry kept; that of the very first is 1.
    first: u64,
    bytes: usize,
}

impl Ring {
    pub(super) fn new(epoch: u64) -> Self {
        Self { epoch, entries: VecDeque::new(), first: 1, bytes: 0 }
    }

    /// Appends at a boot time; gives the number.
    pub(super) fn add(&mut self, now: Duration, entry: Entry) -> u64 {
        self.bytes += entry.bytes();
        self.entries.push_back((now, entry));
        self.prune(now);
        self.newest()
    }

    /// Forgets what is too old or too much.
    pub(super) fn prune(&mut self, now: Duration) {
        let too_much = |ring: &Self| {
            let old = ring.entries.front().is_some_and(|(at, _)| now.saturating_sub(*at) > MAX_AGE);
            old || ring.entries.len() > MAX_ENTRIES || (ring.bytes > MAX_BYTES && ring.entries.len() > 1)
        };
        while too_much(self) {
            let Some((_, entry)) = self.entries.pop_front() else { return };
            self.bytes -= entry.bytes();
            self.first += 1;
        }
    }

    /// Number of the newest entry; 0: there was none.
    pub(super) fn newest(&self) -> u64 {
        self.first + self.entries.len() as u64 - 1
    }

    /// The next entry after `cursor` and its number; `Err`: entries after it are gone already.
    pub(super) fn after(&self, cursor: u64) -> Result<Option<(u64, &Entry)>, ()> {
        if cursor + 1 < self.first {
            return Err(());
        }
        let index = usize::try_from(cursor + 1 - self.first).unwrap_or(usize::MAX);
        Ok(self.entries.get(index).map(|(_, entry)| (cursor + 1, entry)))
    }

    /// The text that names an entry.
    pub(super) fn id(&self, seq: u64) -> String {
        format!("{:x}-{seq}", self.epoch)
    }

    /// The number in such a text, if it is of this run and what follows can still be told to this listener.
    pub(super) fn resume(&self, id: &str, listener: &Listener) -> Option<u64> {
        let (epoch, seq) = id.split_once('-')?;
        let seq: u64 = seq.parse().ok()?;
        if u64::from_str_radix(epoch, 16).ok()? != self.epoch || seq > self.newest() || seq + 1 < self.first {
            return None;
        }
        let missed = self.entries.iter().skip(usize::try_from(seq + 1 - self.first).ok()?);
        let told = missed.filter(|(_, entry)| entry.is_for(listener)).count();
        (told <= MAX_REPLAY).then_some(seq)
    }
}

impl Entry {
    pub(super) fn is_for(&self, listener: &Listener) -> bool {
        listener.kinds.contains(&self.kind) && self.audience.includes(listener.user, listener.role)
    }

    fn bytes(&self) -> usize {
        const ROW: usize = 96;
        self.json.len() + ROW
    }
}
