use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use relaypacs_domain::ManualClock;
use serde_json::json;
use uuid::Uuid;

use super::*;

const ALL: &[LiveKind] = &[LiveKind::Upload, LiveKind::Report, LiveKind::Notification, LiveKind::Study];

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

fn listener(n: u128, role: Role) -> Listener {
    Listener { user: user(n), role, kinds: ALL }
}

fn live() -> (Live, Arc<ManualClock>) {
    let hand = Arc::new(ManualClock::default());
    (Live::new(Clock::manual(hand.clone())), hand)
}

fn say(live: &Live, audience: Audience, n: u64) {
    live.publish(LiveEvent { audience, kind: LiveKind::Report, json: json!(n) });
}

/// What is there to be told at once.
fn told(follower: &mut Follower) -> Vec<String> {
    std::iter::from_fn(|| follower.next().now_or_never().flatten())
        .map(|told| match told {
            Told::Reset { .. } => "reset".into(),
            Told::Event { json, .. } => json.to_string(),
        })
        .collect()
}

#[test]
fn everybody_is_told_what_is_theirs_and_nothing_else() {
    let (live, _) = live();
    let mut one = live.follow(listener(1, Role::Clinician), None);
    let mut other = live.follow(listener(2, Role::Clinician), None);
    let mut admin = live.follow(listener(3, Role::Admin), None);
    say(&live, Audience::User(user(1)), 1);
    say(&live, Audience::Roles(&[Role::Admin]), 2);
    say(&live, Audience::UserAndRoles(user(2), &[Role::Admin]), 3);
    live.publish(LiveEvent { audience: Audience::User(user(1)), kind: LiveKind::Destination, json: json!(4) });
    assert_eq!(told(&mut one), ["1"], "and not 4, which it did not ask for");
    assert_eq!(told(&mut other), ["3"]);
    assert_eq!(told(&mut admin), ["2", "3"]);
}

#[test]
fn what_was_missed_is_told_again() {
    let (live, _) = live();
    let mut first = live.follow(listener(1, Role::Clinician), None);
    say(&live, Audience::User(user(1)), 1);
    let Some(Some(Told::Event { id, .. })) = first.next().now_or_never() else { panic!("nothing told") };
    drop(first);
    say(&live, Audience::User(user(1)), 2);
    say(&live, Audience::User(user(2)), 3);
    let mut again = live.follow(listener(1, Role::Clinician), Some(&id));
    assert_eq!(again.id(), id);
    assert_eq!(told(&mut again), ["2"]);
}

#[test]
fn what_cannot_be_told_any_more_is_a_reset() {
    let (live, hand) = live();
    let check = |last: &str, expected: &[&str], why: &str| {
        assert_eq!(told(&mut live.follow(listener(1, Role::Clinician), Some(last))), expected, "{why}");
    };
    let start = live.follow(listener(1, Role::Clinician), None).id();
    check(&start, &[], "nothing was missed");
    check("", &["reset"], "no id at all");
    check("ffff-1", &["reset"], "another run of the box");
    check(&start.replace("-0", "-7"), &["reset"], "a number that was never given");
    for n in 0..=1000 {
        say(&live, Audience::User(user(1)), n);
    }
    check(&start, &["reset"], "more than a thousand");
    let before = live.follow(listener(1, Role::Clinician), None).id();
    say(&live, Audience::User(user(1)), 1);
    check(&before, &["1"], "just one");
    hand.advance(Duration::from_secs(24 * 3600 + 1));
    check(&before, &["reset"], "older than a day");
}

#[test]
fn a_slow_listener_is_reset_and_goes_on() {
    let (live, _) = live();
    let mut slow = live.follow(listener(1, Role::Clinician), None);
    for n in 0..9000 {
        say(&live, Audience::User(user(1)), n);
    }
    assert_eq!(told(&mut slow), ["reset"]);
    say(&live, Audience::User(user(1)), 1);
    assert_eq!(told(&mut slow), ["1"]);
}

#[test]
fn the_ring_is_bounded_in_bytes() {
    let (live, _) = live();
    let mut slow = live.follow(listener(1, Role::Clinician), None);
    for _ in 0..100 {
        live.publish(LiveEvent { audience: Audience::User(user(1)), kind: LiveKind::Report, json: json!("x".repeat(100_000)) });
    }
    assert_eq!(told(&mut slow), ["reset"]);
}

#[tokio::test]
async fn the_end_of_the_box_ends_all_streams() {
    let (live, _) = live();
    let mut one = live.follow(listener(1, Role::Clinician), None);
    let mut other = live.follow(listener(2, Role::Clinician), None);
    assert!(other.next().now_or_never().is_none());
    live.close();
    assert_eq!((one.next().await, other.next().await), (None, None));
}
