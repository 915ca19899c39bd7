use relaypacs_forward::{Kind, Paused};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

/// A box where all is well, at second 10,000.
fn well() -> BoxStatus {
    BoxStatus {
        time: at(10_000),
        uptime: Duration::from_mins(1),
        checks: Vec::new(),
        usage: Usage { total: 1000, used: 100, ..Usage::default() },
        queue: Some(Queue::default()),
        destinations: vec![destination(State::Up, None)],
        peers: vec![peer(9_000, None)],
        clock_synchronised: Some(true),
        alerts: Vec::new(),
    }
}

fn destination(state: State, last_error: Option<Failure>) -> DestinationHealth {
    DestinationHealth {
        name: "pacs1".parse().unwrap(),
        kind: Kind::Stow,
        url: None,
        path: None,
        paused: None,
        state,
        since: at(8_000),
        latency: None,
        last_error,
        last_delivery: None,
        next_try: None,
    }
}

fn paused(by: PausedBy) -> DestinationHealth {
    DestinationHealth { paused: Some(Paused { by }), ..destination(State::Up, None) }
}

fn peer(last_seen: i64, refused: Option<i64>) -> PeerSeen {
    PeerSeen {
        calling_ae: "MR2".into(),
        last_seen: at(last_seen),
        associations_open: 0,
        instances: 0,
        last_refusal: refused.map(|when| (at(when), "calling AE title not recognised".into())),
    }
}

fn alerts(change: impl FnOnce(&mut BoxStatus)) -> Vec<(&'static str, Timestamp, String)> {
    let mut status = well();
    change(&mut status);
    let alerts = status.derive_alerts(&AlertMemory::default(), Vec::new());
    alerts.into_iter().map(|alert| (alert.code.as_str(), alert.since, alert.text)).collect()
}

fn codes(change: impl FnOnce(&mut BoxStatus)) -> Vec<&'static str> {
    alerts(change).into_iter().map(|(code, _, _)| code).collect()
}

#[test]
fn all_well_needs_nobody() {
    assert_eq!(codes(|_| ()), Vec::<&str>::new());
}

#[test]
fn a_rejection_is_shown_until_the_sender_is_accepted_or_an_hour_is_over() {
    let check =
        |last_seen, refused, expected: &[&str]| assert_eq!(codes(|status| status.peers = vec![peer(last_seen, Some(refused))]), expected);
    check(9_990, 9_990, &["E11"]);
    check(9_995, 9_990, &[]);
    check(6_400, 6_400, &["E11"]);
    check(6_399, 6_399, &[]);
    let told = alerts(|status| status.peers = vec![peer(9_990, Some(9_990))]);
    assert_eq!(told[0].1, at(9_990));
    assert!(told[0].2.contains("MR2") && told[0].2.contains("not recognised"), "{told:?}");
}

#[test]
fn a_destination_that_takes_nothing_is_told_with_its_reason() {
    let refused = |code| Some(Failure::new(code, "no"));
    let check = |health: DestinationHealth, expected: &[&str]| assert_eq!(codes(|status| status.destinations = vec![health]), expected);
    check(destination(State::Unknown, None), &[]);
    check(destination(State::Up, refused(FailureCode::Connect)), &[]);
    check(destination(State::Down, refused(FailureCode::Connect)), &["E21"]);
    check(destination(State::Down, None), &["E21"]);
    check(destination(State::Down, refused(FailureCode::Http(401))), &["E22"]);
    check(destination(State::Down, refused(FailureCode::Auth)), &["E22"]);
    check(paused(PausedBy::Operator), &[]);
    check(paused(PausedBy::Box { reason: Failure::new(FailureCode::Http(403), "no") }), &["E22"]);
    check(paused(PausedBy::Box { reason: Failure::new(FailureCode::Http(415), "no") }), &["E21"]);
    let told = alerts(|status| status.destinations = vec![destination(State::Down, refused(FailureCode::Connect))]);
    assert_eq!(told, [("E21", at(8_000), "pacs1 cannot be reached (connect: no)".to_string())]);
}

#[test]
fn held_full_and_unsynchronised_are_told_worst_first() {
    assert_eq!(codes(|status| status.usage.low = true), ["E31"]);
    let everything = |status: &mut BoxStatus| {
        status.usage = Usage { total: 1000, used: 960, low: true, refusing: true, ..Usage::default() };
        status.queue = Some(Queue { held_instances: 3, held_studies: 1, ..Queue::default() });
        status.clock_synchronised = Some(false);
    };
    assert_eq!(codes(everything), ["E23", "E32", "E41"]);
    let no_share = |status: &mut BoxStatus| status.usage = Usage { total: 0, used: 0, low: true, refusing: true, ..Usage::default() };
    assert!(alerts(no_share).iter().any(|(code, _, text)| *code == "E32" && text.contains("no room for studies")));
    assert_eq!(codes(|status| status.clock_synchronised = None), Vec::<&str>::new());
    assert_eq!(codes(|status| status.queue = None), Vec::<&str>::new());
}

#[test]
fn an_alert_keeps_its_time_until_it_is_over() {
    let memory = AlertMemory::default();
    let low = |time, low| {
        let mut status = BoxStatus { time: at(time), ..well() };
        status.usage.low = low;
        status.derive_alerts(&memory, Vec::new()).first().map(|alert| (alert.code, alert.since))
    };
    assert_eq!(low(10, true), Some((AlertCode::E31, at(10))));
    assert_eq!(low(20, true), Some((AlertCode::E31, at(10))));
    assert_eq!(low(30, false), None);
    assert_eq!(low(40, true), Some((AlertCode::E31, at(40))));
}

#[test]
fn readiness_names_what_fails() {
    let check = |health: Health, refusing, listening, expected: &[&str]| {
        let usage = Usage { refusing, ..Usage::default() };
        let failed: Vec<_> = checks(&health, &usage, listening).into_iter().filter(|c| c.failed.is_some()).map(|c| c.name).collect();
        assert_eq!(failed, expected);
    };
    check(Health::Good, false, true, &[]);
    check(Health::CatalogueDown("EIO".into()), false, true, &["catalogue"]);
    check(Health::LogDown("EIO".into()), true, false, &["catalogue", "disk", "dicom"]);
}

#[test]
fn a_condition_is_an_alert_while_it_is_set() {
    let (conditions, memory) = (Conditions::default(), AlertMemory::default());
    let codes =
        |conditions: &Conditions| well().derive_alerts(&memory, conditions.all()).into_iter().map(|alert| alert.code).collect::<Vec<_>>();
    conditions.set(AlertCode::E72, Some("the panel's display does not answer".into()));
    assert_eq!(codes(&conditions), [AlertCode::E72]);
    conditions.set(AlertCode::E72, None);
    assert_eq!(codes(&conditions), []);
}
