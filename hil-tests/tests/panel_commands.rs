//! What a panel may ask of the real box: each command once where it can be done and once in every state in which it cannot, and the audit trail's
//! word on each. Without keys, which tests/panel.rs presses.

use std::{collections::BTreeSet, fs};

use relaypacs_hil_tests::{
    appliance::{Appliance, Setup},
    data::{Kind, study, write_set},
    panel::{BarePanel, SHOWS_WITHIN},
    peers::StowSink,
    place::Folder,
    senders::Sender,
    uploads::{add_user, sign_in},
    wait,
    web::Web,
};
use relaypacs_panel_core::wire::{Action, NetworkPlan, Outcome, Status, Verdict};
use serde_json::{Value, json};

/// Every command, naming things that are not there.
fn all() -> Vec<Action> {
    let actions = vec![
        Action::TestDestination(200),
        Action::TestPeer(200),
        Action::TestAll,
        Action::Retry(4_711),
        Action::RetryAll,
        Action::Pause(200),
        Action::Resume(200),
        Action::SetNetwork(NetworkPlan::Dhcp),
        Action::KeepNetwork,
        Action::RevertNetwork,
        Action::ShowSetupCode,
        Action::Support,
        Action::Update,
        Action::Rollback,
        Action::AcknowledgeUpdate,
        Action::Reboot,
        Action::ShutDown,
        Action::ResetCode,
        Action::Reset { digits: 1, lose_studies: true },
    ];
    let names: BTreeSet<_> = actions.iter().map(Action::as_str).collect();
    assert_eq!(names.len(), 19, "each once");
    actions
}

/// An administrator who reads the audit trail.
struct Reader(Web);

impl Reader {
    fn new(appliance: &Appliance) -> Self {
        add_user(appliance, "boss", "admin");
        Self(Web::new(appliance.http_port()).signed_in(&sign_in(appliance.web(), "boss")))
    }

    /// What the trail has of the panel once it has so many entries: action and outcome, oldest first.
    fn audited(&self, entries: usize) -> Vec<(String, String)> {
        let mut all = Vec::new();
        wait::for_true("the audit trail has it", SHOWS_WITHIN, || {
            let page = self.0.get("/api/v1/audit?actor=panel&limit=200").json();
            all = page["entries"].as_array().cloned().unwrap_or_default();
            all.len() >= entries
        });
        all.sort_by_key(|entry| entry["seq"].as_u64());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        all.iter().map(|entry| (text(&entry["action"]), text(&entry["outcome"]))).collect()
    }

    /// Asks for all of a table in its order; each must meet its verdict, and the trail must say the same. `before`: entries that it has.
    fn check(&self, panel: &mut BarePanel, table: &[(Action, Verdict)], before: usize) -> usize {
        for (action, expected) in table {
            let answer = panel.ask(action);
            assert_eq!(answer.verdict, *expected, "{action:?}");
            let may_fail = matches!(action, Action::TestDestination(_) | Action::TestPeer(_));
            assert!(may_fail || !matches!(answer.outcome, Some(Outcome::Failed { .. })), "{action:?}: {answer:?}");
        }
        let outcome = |verdict: &Verdict| if *verdict == Verdict::Accepted { "done" } else { "refused" };
        let expected: Vec<_> = table.iter().map(|(action, verdict)| (action.as_str().to_owned(), outcome(verdict).to_owned())).collect();
        assert_eq!(self.audited(before + table.len())[before..], expected);
        before + table.len()
    }
}

fn panel_section(lines: &str) -> String {
    format!("[panel]\n{lines}")
}

#[test]
fn each_command_is_done_where_it_can_be_and_on_record() {
    let folder = Folder::new();
    let requests = folder.join("requests");
    fs::create_dir_all(&requests).expect("the test's folder");
    let sink = StowSink::stopped(&folder, "pacs", &[]);
    let retry = r#"retry = { first = "100ms", max = "200ms", horizon = "1s" }"#;
    let setup = Setup::new(&folder).section(&panel_section(&format!("requests = \"{}\"", requests.display())));
    let modality = "[[modality]]\nae_title = \"CT1\"\naddress = \"127.0.0.1\"\nport = 1\n[[modality]]\nae_title = \"STORESCU\"";
    let appliance = setup.section(modality).stow("pacs", &sink.url(), retry).start();
    let mut panel = BarePanel::connect(&appliance);
    let code = panel.ask(&Action::ShowSetupCode);
    assert!((code.verdict, code.code.map(|code| code.len())) == (Verdict::Accepted, Some(9)), "the first start");
    let reader = Reader::new(&appliance);
    Sender::Storescu.send(appliance.dicom(), &write_set(&folder.join("study"), study(Kind::Ct, 1, 2, 1).map(|image| image.side(64))));
    let whole = |status: &Status| !status.held.is_empty() && status.queue.is_some_and(|queue| queue.studies == 0);
    let status = panel.until("the study is held", whole);
    assert!(status.storage.waiting > 0, "what is held is not told as delivered");
    let held = status.held[0].handle;
    let sound = NetworkPlan::Static { address: [192, 0, 2, 7], prefix: 24, gateway: [192, 0, 2, 1], dns: [0; 4] };
    let unsound = NetworkPlan::Static { address: [192, 0, 2, 7], prefix: 24, gateway: [192, 0, 3, 1], dns: [0; 4] };
    let table = [
        (Action::ShowSetupCode, Verdict::NotAvailable), // there is an administrator
        (Action::TestDestination(0), Verdict::Accepted),
        (Action::TestPeer(0), Verdict::Accepted),
        (Action::TestPeer(1), Verdict::Unknown), // nobody knows its port
        (Action::TestAll, Verdict::Accepted),
        (Action::Pause(0), Verdict::Accepted), // so that what is retried waits
        (Action::Retry(held), Verdict::Accepted),
        (Action::Retry(held), Verdict::Unknown), // it is not held any more
        (Action::RetryAll, Verdict::Accepted),
        (Action::SetNetwork(unsound), Verdict::Invalid),
        (Action::KeepNetwork, Verdict::Unknown),
        (Action::RevertNetwork, Verdict::Unknown),
        (Action::SetNetwork(NetworkPlan::Dhcp), Verdict::Accepted),
        (Action::KeepNetwork, Verdict::Accepted),
        (Action::KeepNetwork, Verdict::Unknown),
        (Action::SetNetwork(sound), Verdict::Accepted),
        (Action::RevertNetwork, Verdict::Accepted),
        (Action::RevertNetwork, Verdict::Unknown),
        (Action::Support, Verdict::Accepted),
        (Action::Update, Verdict::Accepted),
        (Action::Rollback, Verdict::Accepted),
        (Action::AcknowledgeUpdate, Verdict::Unknown), // none failed
        (Action::Reboot, Verdict::Accepted),
        (Action::ShutDown, Verdict::Accepted),
        (Action::Reset { digits: 1, lose_studies: true }, Verdict::Unknown), // no digits were shown
    ];
    let before = reader.check(&mut panel, &table, 1);
    for file in ["support-bundle", "update", "rollback", "reboot", "shut-down"] {
        assert!(requests.join(file).exists(), "{file}");
    }
    assert!(!requests.join("acknowledge-update").exists() && !requests.join("factory-reset").exists());
    // Digits that are shown: wrong ones, the loss, the right ones, and once only.
    let shown = panel.ask(&Action::ResetCode).code.expect("digits");
    let digits: u16 = shown.parse().expect("digits");
    let reset = |digits, lose_studies| Action::Reset { digits, lose_studies };
    let table = [
        (reset((digits + 1) % 10_000, true), Verdict::Invalid),
        (reset(digits, false), Verdict::WouldLose(1)),
        (reset(digits, true), Verdict::Accepted),
        (reset(digits, true), Verdict::Unknown), // they hold once
    ];
    let before = reader.check(&mut panel, &table, before + 1);
    assert!(requests.join("factory-reset").exists());
    fs::write(requests.join("update-state.json"), r#"{"failed": {"version": "2.1.0"}}"#).expect("the test's folder");
    reader.check(&mut panel, &[(Action::AcknowledgeUpdate, Verdict::Accepted), (Action::Resume(0), Verdict::Accepted)], before);
    assert!(requests.join("acknowledge-update").exists());
    // The digits are not on record.
    let record = reader.0.get("/api/v1/audit?actor=panel&limit=200").text();
    let object = format!("\"object\":\"{shown}");
    assert!(!record.contains(&object), "{record}");
}

#[test]
fn what_the_configuration_does_not_allow_is_refused_and_on_record() {
    let folder = Folder::new();
    let appliance = Setup::new(&folder).section(&panel_section("allow = [\"view\"]")).start();
    let reader = Reader::new(&appliance);
    let mut panel = BarePanel::connect(&appliance);
    let table: Vec<_> = all().into_iter().map(|action| (action, Verdict::NotAllowed)).collect();
    reader.check(&mut panel, &table, 0);
}

#[test]
fn a_locked_panel_does_nothing_before_its_pin_and_that_is_on_record() {
    let folder = Folder::new();
    let pin = folder.join("pin");
    fs::write(&pin, "1203\n").expect("the test's folder");
    let appliance = Setup::new(&folder).section(&panel_section(&format!("lock = \"actions\"\npin_file = \"{}\"", pin.display()))).start();
    let reader = Reader::new(&appliance);
    let mut panel = BarePanel::connect(&appliance);
    let mut table: Vec<_> = all().into_iter().map(|action| (action, Verdict::Locked)).collect();
    table.extend([
        (Action::Unlock { pin: 1_204, len: 4 }, Verdict::WrongPin(4)),
        (Action::TestAll, Verdict::Locked),
        (Action::Unlock { pin: 1_203, len: 4 }, Verdict::Accepted),
        (Action::TestAll, Verdict::Accepted),
        (Action::Lock, Verdict::Accepted),
        (Action::TestAll, Verdict::Locked),
    ]);
    reader.check(&mut panel, &table, 0);
}

#[test]
fn without_a_helper_for_the_machine_its_commands_are_not_available() {
    let folder = Folder::new();
    let appliance = Setup::new(&folder).start();
    let reader = Reader::new(&appliance);
    let mut panel = BarePanel::connect(&appliance);
    let verdict = |action: &Action| match action {
        Action::TestAll | Action::RetryAll => Verdict::Accepted,
        Action::TestDestination(_) | Action::TestPeer(_) | Action::Retry(_) | Action::Pause(_) | Action::Resume(_) => Verdict::Unknown,
        Action::KeepNetwork | Action::RevertNetwork => Verdict::Unknown,
        _ => Verdict::NotAvailable,
    };
    let table: Vec<_> = all().into_iter().map(|action| (action.clone(), verdict(&action))).collect();
    reader.check(&mut panel, &table, 0);
}

#[test]
fn a_network_that_nobody_confirms_goes_back_by_itself() {
    let folder = Folder::new();
    let requests = folder.join("requests");
    fs::create_dir_all(&requests).expect("the test's folder");
    let lines = format!("network_confirm = \"2s\"\nrequests = \"{}\"", requests.display());
    let appliance = Setup::new(&folder).section(&panel_section(&lines)).start();
    let reader = Reader::new(&appliance);
    let mut panel = BarePanel::connect(&appliance);
    let asked =
        || serde_json::from_slice::<Value>(&fs::read(requests.join("network-request.json")).unwrap_or_default()).unwrap_or_default();
    let plan = NetworkPlan::Static { address: [192, 0, 2, 7], prefix: 24, gateway: [192, 0, 2, 1], dns: [192, 0, 2, 1] };
    assert_eq!(panel.ask(&Action::SetNetwork(plan)).outcome, Some(Outcome::Good));
    let went_back = |status: &Status| status.network.reverts_in_s == 0 && asked() == json!({ "request": 1, "method": "revert" });
    panel.until("the way back is asked for", went_back);
    let expected = [("set_network", "done"), ("revert_network", "done")].map(|(action, outcome)| (action.to_owned(), outcome.to_owned()));
    assert_eq!(reader.audited(2), expected);
    // The next change waits anew.
    assert_eq!(panel.ask(&Action::SetNetwork(NetworkPlan::Dhcp)).outcome, Some(Outcome::Good));
    assert_eq!(asked()["request"], 2);
    panel.until("it goes back, too", |_| asked() == json!({ "request": 2, "method": "revert" }));
    assert_eq!(panel.ask(&Action::KeepNetwork).verdict, Verdict::Unknown, "too late");
}

#[test]
fn the_panel_knows_how_often_the_box_was_not_shut_down() {
    let folder = Folder::new();
    let mut appliance = Setup::new(&folder).start();
    let counted = |appliance: &Appliance| BarePanel::connect(appliance).until("a status", |status| status.now.0 > 0).storage.unclean_stops;
    assert_eq!(counted(&appliance), 0);
    appliance.kill();
    appliance.start();
    assert_eq!(counted(&appliance), 1);
    assert!(appliance.stop().success());
    appliance.start();
    assert_eq!(counted(&appliance), 1, "an orderly stop is none");
}
