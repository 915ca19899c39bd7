//! Who works on what: claims live in memory only. After a restart nothing is claimed and every unsettled delivery is due again.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use relaypacs_domain::{DestinationName, Uid};
use tokio::sync::watch;

/// All leases of a buffer.
#[derive(Debug)]
pub(crate) struct Leases {
    held: Mutex<Held>,
    work: watch::Sender<u64>,
}

/// What is claimed now.
#[derive(Debug, Default)]
pub(super) struct Held {
    objects: HashSet<(DestinationName, u64)>,
    instances: HashSet<(DestinationName, Uid)>,
    studies: HashMap<(DestinationName, u64), usize>,
}

/// The deliveries of one claim. Dropping it gives them back.
#[derive(Debug)]
pub(crate) struct Lease {
    leases: Arc<Leases>,
    destination: DestinationName,
    study: u64,
    items: Vec<(u64, Uid)>,
}

impl Leases {
    pub(super) fn new() -> Self {
        Self { held: Mutex::default(), work: watch::Sender::new(0) }
    }

    /// Locked while a claim is chosen: two claimers never choose the same row.
    pub(super) fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes when work may have become due.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.work.subscribe()
    }

    /// Wakes the workers.
    pub(super) fn announce(&self) {
        self.work.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Leases chosen rows. `held` is the lock under which they were chosen.
    pub(super) fn take(self: &Arc<Self>, held: &mut Held, destination: &DestinationName, study: u64, items: Vec<(u64, Uid)>) -> Lease {
        for (object, instance) in &items {
            held.objects.insert((destination.clone(), *object));
            held.instances.insert((destination.clone(), instance.clone()));
        }
        *held.studies.entry((destination.clone(), study)).or_default() += items.len();
        Lease { leases: self.clone(), destination: destination.clone(), study, items }
    }

    /// Whether something of a study is on its way to a destination.
    pub(super) fn is_forwarding(&self, destination: &DestinationName, study: u64) -> bool {
        self.lock().studies.contains_key(&(destination.clone(), study))
    }

    /// The studies of which something is on its way.
    pub(super) fn forwarding(&self) -> HashSet<u64> {
        self.lock().studies.keys().map(|(_, study)| *study).collect()
    }
}

impl Held {
    pub(super) fn has_object(&self, destination: &DestinationName, object: u64) -> bool {
        self.objects.contains(&(destination.clone(), object))
    }

    pub(super) fn has_instance(&self, destination: &DestinationName, instance: &Uid) -> bool {
        self.instances.contains(&(destination.clone(), instance.clone()))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        {
            let mut held = self.leases.lock();
            for (object, instance) in self.items.drain(..) {
                held.objects.remove(&(self.destination.clone(), object));
                held.instances.remove(&(self.destination.clone(), instance));
                let key = (self.destination.clone(), self.study);
                if let Some(count) = held.studies.get_mut(&key) {
                    *count -= 1;
                    if *count == 0 {
                        held.studies.remove(&key);
                    }
                }
            }
        }
        self.leases.announce();
    }
}
