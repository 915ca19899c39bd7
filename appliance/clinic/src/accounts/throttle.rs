//! Lock-out: who fails again and again waits longer and longer.
//!
//! Counted are failures of a name from an address, of an address, and of a name from everywhere. Names are counted as typed, whether an
//! account has them or not, so that waiting tells nothing. One person's mistyping locks that person at that address only; to lock a name
//! everywhere takes many more failures. All of it is forgotten an hour after the last failure, and when the daemon restarts.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use relaypacs_domain::Clock;

/// Names and addresses remembered at once.
const MOST: usize = 10_000;
/// The first wait.
const FIRST: Duration = Duration::from_secs(30);
/// The longest wait.
const LONGEST: Duration = Duration::from_mins(15);
/// Failures are forgotten this long after the last one.
const FORGET: Duration = Duration::from_hours(1);

/// Who failed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Pair(String, Option<IpAddr>),
    Address(IpAddr),
    Name(String),
}

impl Key {
    /// Failures without consequence.
    const fn free(&self) -> u32 {
        match self {
            Self::Pair(..) => 4,
            Self::Address(_) | Self::Name(_) => 19,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    /// Boot time.
    last: Duration,
    /// Boot time.
    locked_until: Duration,
}

/// Counts failures. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Throttle {
    clock: Clock,
    failures: Arc<Mutex<HashMap<Key, Failures>>>,
}

impl Throttle {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, failures: Arc::default() }
    }

    /// How long `name` from `address` has to wait; `None`: it may try.
    pub(crate) fn wait(&self, name: &str, address: Option<IpAddr>) -> Option<Duration> {
        let now = self.clock.boot();
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let until = keys(name, address).filter_map(|key| failures.get(&key)).map(|found| found.locked_until).max()?;
        until.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// A failure of `name` from `address`; gives the wait that follows, if one does.
    pub(crate) fn failed(&self, name: &str, address: Option<IpAddr>) -> Option<Duration> {
        let now = self.clock.boot();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() + 3 > MOST {
            make_room(&mut failures, now);
        }
        for key in keys(name, address) {
            let free = key.free();
            let found = failures.entry(key).or_insert(Failures { count: 0, last: now, locked_until: Duration::ZERO });
            if now.saturating_sub(found.last) > FORGET {
                found.count = 0;
            }
            found.count = found.count.saturating_add(1);
            found.last = now;
            if let Some(beyond) = found.count.checked_sub(free + 1) {
                let wait = FIRST.saturating_mul(1 << beyond.min(10)).min(LONGEST);
                found.locked_until = now + wait;
            }
        }
        drop(failures);
        self.wait(name, address)
    }

    /// `name` signed in from `address`: what it failed before counts no more. The address's other failures stay.
    pub(crate) fn succeeded(&self, name: &str, address: Option<IpAddr>) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys(name, address).filter(|key| !matches!(key, Key::Address(_))) {
            failures.remove(&key);
        }
    }

    /// An admin lets `name` try again, from everywhere.
    pub(crate) fn forgive(&self, name: &str) {
        let name = normal(name);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.retain(|key, _| !matches!(key, Key::Pair(found, _) | Key::Name(found) if *found == name));
    }

    /// Whether `name` has to wait, from anywhere.
    pub(crate) fn is_locked(&self, name: &str) -> bool {
        let (name, now) = (normal(name), self.clock.boot());
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures
            .iter()
            .any(|(key, found)| matches!(key, Key::Pair(locked, _) | Key::Name(locked) if *locked == name) && found.locked_until > now)
    }
}

fn keys(name: &str, address: Option<IpAddr>) -> impl Iterator<Item = Key> {
    let (name, address) = (normal(name), address.map(network));
    [Some(Key::Pair(name.clone(), address)), address.map(Key::Address), Some(Key::Name(name))].into_iter().flatten()
}

fn normal(name: &str) -> String {
    name.chars().take(64).collect::<String>().to_ascii_lowercase()
}

/// An IPv6 caller has 2^64 addresses: its network counts.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)).into(),
    }
}

/// Forgets what is over; if that is not enough, the quarter that failed longest ago.
fn make_room(failures: &mut HashMap<Key, Failures>, now: Duration) {
    failures.retain(|_, found| now.saturating_sub(found.last) <= FORGET);
    if failures.len() + 3 > MOST {
        let mut last: Vec<Duration> = failures.values().map(|found| found.last).collect();
        last.sort_unstable();
        let border = last[last.len() / 4];
        failures.retain(|_, found| found.last > border || found.locked_until > now);
        if failures.len() + 3 > MOST {
            failures.clear(); // ten thousand locks at once: memory goes first
        }
    }
}

#[cfg(test)]
mod tests {
    use relaypacs_domain::ManualClock;

    use super::*;

    fn throttle() -> (Throttle, Arc<ManualClock>) {
        let hand = Arc::new(ManualClock::default());
        (Throttle::new(Clock::manual(hand.clone())), hand)
    }

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));
    const THERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)));

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour_and_are_forgotten() {
        let (throttle, hand) = throttle();
        let mut waits = Vec::new();
        for _ in 0..11 {
            let wait = throttle.failed("ada", HERE);
            waits.push(wait.map_or(0, |wait| wait.as_secs()));
            hand.advance(wait.unwrap_or_default());
            assert_eq!(throttle.wait("ada", HERE), None);
        }
        assert_eq!(waits, [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900]);
        hand.advance(FORGET + Duration::from_secs(1));
        assert_eq!(throttle.failed("ada", HERE), None);
    }

    #[test]
    fn one_address_s_failures_lock_nobody_elsewhere_until_there_are_many() {
        let (throttle, _) = throttle();
        for _ in 0..5 {
            throttle.failed("Ada", HERE);
        }
        assert!(throttle.wait("ADA", HERE).is_some() && throttle.is_locked("ada"));
        assert_eq!((throttle.wait("ada", THERE), throttle.wait("bob", HERE)), (None, None));
        for nth in 0..15 {
            throttle.failed(&format!("name{nth}"), HERE);
        }
        assert!(throttle.wait("bob", HERE).is_some(), "the address tries many names");
        assert_eq!(throttle.wait("bob", THERE), None);
    }

    #[test]
    fn a_name_tried_from_everywhere_is_locked_everywhere_until_forgiven() {
        let (throttle, _) = throttle();
        for nth in 0..20 {
            throttle.failed("ada", Some(IpAddr::from([198, 51, 100, nth])));
        }
        assert!(throttle.wait("ada", HERE).is_some());
        throttle.forgive("ada");
        assert_eq!((throttle.wait("ada", HERE), throttle.is_locked("ada")), (None, false));
    }

    #[test]
    fn a_success_forgives_the_name_and_not_the_address() {
        let (throttle, _) = throttle();
        for nth in 0..19 {
            throttle.failed(&format!("name{nth}"), HERE);
        }
        throttle.succeeded("name1", HERE);
        assert!(throttle.failed("name1", HERE).is_some());
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_as_one_and_memory_is_bounded() {
        let (throttle, hand) = throttle();
        for nth in 0..5_u16 {
            throttle.failed("ada", Some(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, nth, 0, 0, 1).into()));
        }
        assert!(throttle.wait("ada", Some("2001:db8:0:1::99".parse().unwrap())).is_some());
        for nth in 0..20_000_u32 {
            throttle.failed(&format!("name{nth}"), Some(IpAddr::from(nth.to_be_bytes())));
            hand.advance(Duration::from_millis(1));
        }
        assert!(throttle.failures.lock().unwrap().len() <= MOST);
    }
}
