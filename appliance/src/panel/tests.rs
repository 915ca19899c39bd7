//! Rules that need no box.

use std::{sync::Arc, time::Duration};

use relaypacs_domain::{Clock, ManualClock};
use relaypacs_panel_core::wire::NetworkPlan;
use tokio_util::sync::CancellationToken;

use super::{
    lock::{Pin, Tried},
    network::{NetworkChange, is_sound},
    requests::Requests,
    update::{self, UpdateState},
};

const CONFIRM_WITHIN: Duration = Duration::from_mins(1);

fn plan(address: [u8; 4], prefix: u8, gateway: [u8; 4]) -> NetworkPlan {
    NetworkPlan::Static { address, prefix, gateway, dns: [192, 168, 1, 1] }
}

#[test]
fn a_network_must_make_sense() {
    let check = |plan: NetworkPlan, sound| assert_eq!(is_sound(&plan), sound, "{plan:?}");
    check(NetworkPlan::Dhcp, true);
    check(plan([192, 168, 1, 50], 24, [192, 168, 1, 1]), true);
    check(plan([192, 168, 1, 50], 24, [0; 4]), true);
    check(plan([192, 168, 1, 50], 24, [192, 168, 2, 1]), false);
    check(plan([192, 168, 1, 50], 24, [192, 168, 1, 50]), false);
    check(plan([192, 168, 1, 0], 24, [192, 168, 1, 1]), false);
    check(plan([192, 168, 1, 255], 24, [192, 168, 1, 1]), false);
    check(plan([127, 0, 0, 1], 8, [0; 4]), false);
    check(plan([239, 0, 0, 1], 8, [0; 4]), false);
    check(plan([192, 168, 1, 50], 31, [0; 4]), false);
    check(plan([192, 168, 1, 50], 0, [0; 4]), false);
}

#[tokio::test]
async fn five_wrong_pins_are_followed_by_five_minutes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pin");
    std::fs::write(&file, "0417\n").unwrap();
    let hand = Arc::new(ManualClock::default());
    let pin = Pin::new(file.clone(), Clock::manual(hand.clone()));
    assert_eq!(pin.check(417, 4).await, Tried::Right);
    assert_eq!(pin.check(417, 5).await, Tried::Wrong { left: 4 }, "leading zeros count");
    for left in [3, 2, 1] {
        assert_eq!(pin.check(1, 4).await, Tried::Wrong { left });
    }
    assert_eq!(pin.check(1, 4).await, Tried::Locked { seconds: 300 });
    assert!(matches!(pin.check(417, 4).await, Tried::Wait { .. }), "the right one waits, too");
    hand.advance(Duration::from_secs(301));
    assert_eq!(pin.check(417, 4).await, Tried::Right);
    std::fs::write(&file, "12").unwrap();
    assert_eq!(pin.check(12, 2).await, Tried::Unreadable);
}

#[tokio::test]
async fn a_network_that_nobody_confirms_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let requests = Requests::new(folder.path().to_owned());
    let hand = Arc::new(ManualClock::default());
    let change = NetworkChange::new(Clock::manual(hand.clone()), CONFIRM_WITHIN);
    let asked =
        || serde_json::from_slice::<serde_json::Value>(&std::fs::read(folder.path().join("network-request.json")).unwrap()).unwrap();
    change.ask(&requests, &plan([192, 168, 1, 50], 24, [192, 168, 1, 1])).await.unwrap();
    assert_eq!(asked()["address"], "192.168.1.50/24");
    assert_eq!(asked()["revert_after_s"], 60);
    assert!(change.end(&requests, true).await.unwrap());
    assert_eq!(asked(), serde_json::json!({ "request": 1, "method": "keep" }));
    assert!(!change.end(&requests, true).await.unwrap(), "there is none any more");

    change.ask(&requests, &NetworkPlan::Dhcp).await.unwrap();
    hand.advance(CONFIRM_WITHIN);
    assert!(change.goes_back(&requests, &CancellationToken::new()).await);
    assert_eq!(asked(), serde_json::json!({ "request": 2, "method": "revert" }));
    assert_eq!(change.reverts_in_s(), 0);
}

#[test]
fn what_the_updater_says_is_read_and_nonsense_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let check = |text: &str, expected: &UpdateState| {
        std::fs::write(folder.path().join("update-state.json"), text).unwrap();
        assert_eq!(&update::look(Some(folder.path())), expected, "{text}");
    };
    assert_eq!(update::look(Some(folder.path())), UpdateState::default());
    let slot = UpdateState { slot: "A".into(), ..UpdateState::default() };
    check(r#"{"slot": "A", "later": 1}"#, &slot);
    check(r#"{"slot": "A", "installing_percent": 62}"#, &UpdateState { installing_percent: Some(62), ..slot.clone() });
    let failed = update::Failed { version: "2.1.0".into(), at: Some("2026-11-23T03:12:00Z".into()) };
    check(r#"{"slot": "A", "failed": {"version": "2.1.0", "at": "2026-11-23T03:12:00Z"}}"#, &UpdateState { failed: Some(failed), ..slot });
    for nonsense in ["", "{", "[]", r#"{"installing_percent": 900}"#, &format!("{{\"slot\": \"{}\"}}", "A".repeat(5_000))] {
        check(nonsense, &UpdateState::default());
    }
}

#[tokio::test]
async fn without_a_folder_no_request_is_made() {
    let requests = Requests::new(std::path::PathBuf::new());
    assert!(!requests.are_possible());
    let change = NetworkChange::new(Clock::system(), CONFIRM_WITHIN);
    assert!(change.ask(&requests, &NetworkPlan::Dhcp).await.is_err());
    assert_eq!(change.reverts_in_s(), 0);
}
