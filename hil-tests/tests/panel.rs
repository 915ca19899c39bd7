//! The front panel on the real box: what it shows of a study's way, what its buttons do, who survives whom.

use std::{fs, path::Path, process::Command, time::Instant};

use relaypacs_hil_tests::{
    appliance::{Appliance, Setup},
    data::{Kind, Sample, study, write_set},
    panel::{Line, Panel, SHOWS_WITHIN, contains, keep},
    peers::{Orthanc, StowSink},
    place::{Folder, repository},
    senders::Sender,
    uploads::{add_user, sign_in},
    wait,
    web::Web,
};
use reqwest::Method;
use rustix::process::Signal;
use serde_json::json;

fn samples(folder: &Folder, kind: Kind, number: u64, n: u32) -> Vec<Sample> {
    write_set(&folder.join(&format!("study-{number}")), study(kind, number, n, 1).map(|image| image.side(64)))
}

fn frames(name: &str) -> std::path::PathBuf {
    repository().join("firmware/panel/tests/frames").join(name)
}

#[test]
fn a_study_is_seen_arriving_waiting_and_delivered() {
    let folder = Folder::new();
    let mut sink = StowSink::stopped(&folder, "pacs", &[]);
    let appliance = Setup::new(&folder).dicom("study_idle = \"3s\"").stow("pacs", &sink.url(), "").start();
    add_user(&appliance, "boss", "admin");
    let mut panel = Panel::start(&folder, "panel", &appliance);
    panel.until("a status", |status| status["ae_title"] == "RELAYPACS");
    panel.go("LastStudy");
    panel.shows("no study yet");
    Sender::Storescu.send(appliance.dicom(), &samples(&folder, Kind::Ct, 1, 5));
    let arriving = panel.shows("arriving");
    assert!(arriving.contains("CT ") && arriving.contains("images") && arriving.contains("STORESCU"), "{arriving}");
    panel.shows("5 images");
    panel.shows("queued");
    panel.until("the PACS is missed", |status| status["alerts"][0]["code"] == "E21");
    panel.go("Home");
    panel.ask("hold back 1600");
    panel.go("Destinations");
    panel.shows("DOWN");
    panel.press("ok");
    let failed = panel.shows("FAILED");
    assert!(failed.contains("connect"), "the first failing step is named: {failed}");
    panel.press("back");
    keep(&panel.recorded(), &frames("pacs-away.bin"));
    sink.switch_on();
    panel.go("LastStudy");
    let delivered = panel.shows("delivered");
    assert!(delivered.contains("5/5"), "{delivered}");
    assert_eq!(sink.arrivals().len(), 5);
    panel.go("Destinations");
    panel.press("ok");
    panel.shows("answers");
    keep(&panel.recorded(), &frames("echo.bin"));
    panel.until("the PACS is known to be back", |status| {
        status["alerts"].as_array().is_some_and(|all| all.iter().all(|a| a["code"] != "E21"))
    });
    let heard = panel.heard();
    for event in ["StudyArriving", "StudyComplete", "StudyDelivered", "DestinationUp"] {
        assert!(heard.iter().any(|text| text.contains(event)), "{event} was told: {heard:?}");
    }
    // Privacy: nothing of the patient, not even the study's number, was ever on the link.
    let recorded = panel.recorded();
    assert!(contains(&recorded, b"STORESCU"), "the recording is read as meant");
    for secret in [&b"ller^Gen"[..], b"M\xFCller", "Müller".as_bytes(), b"P0000001", b"19700101", b"2.25."] {
        assert!(!contains(&recorded, secret), "{secret:?} was on the link");
    }
}

#[test]
fn retry_sends_held_studies_to_an_orthanc_that_is_back() {
    let folder = Folder::new();
    let orthanc = Orthanc::start(&folder, "orthanc", &json!({}));
    let line = Line::closed(orthanc.http_port());
    let url = format!("http://127.0.0.1:{}/dicom-web", line.port());
    let retry = r#"retry = { first = "100ms", max = "300ms", horizon = "1s" }"#;
    let appliance = Setup::new(&folder).stow("orthanc", &url, retry).start();
    add_user(&appliance, "boss", "admin");
    let samples = samples(&folder, Kind::Mr, 2, 4);
    Sender::Storescu.send(appliance.dicom(), &samples);
    let mut panel = Panel::start(&folder, "panel", &appliance);
    let status = panel.until("the study is held", |status| status["held"][0]["images"] == 4);
    assert_eq!((&status["held"][0]["reason"], &status["held"][0]["label"]), (&json!("TooLong"), &json!("")));
    assert_eq!(status["word"], "Degraded");
    keep(&panel.recorded(), &frames("held.bin"));
    line.open();
    panel.go("Queue");
    let page = panel.shows(">MR");
    assert!(page.contains("tried long"), "{page}");
    panel.press("ok");
    panel.shows("done: 4");
    appliance.delivered(samples.len());
    assert_eq!(orthanc.holds().len(), 4);
    panel.until("nothing is held", |status| status["held"].as_array().is_some_and(Vec::is_empty));
    assert_eq!(audited(&appliance).last(), Some(&("retry".to_owned(), "done".to_owned())), "the command is on record");
}

#[test]
fn a_rejected_scanner_is_named_with_its_reason() {
    let folder = Folder::new();
    let appliance = Setup::new(&folder).section("[[modality]]\nae_title = \"CT1\"").start();
    add_user(&appliance, "boss", "admin");
    let mut panel = Panel::start(&folder, "panel", &appliance);
    let port = appliance.dicom().port().to_string();
    let echo =
        |aet: &str, aec: &str| Command::new("echoscu").args(["-aet", aet, "-aec", aec, "127.0.0.1", &port]).output().expect("echoscu runs");
    assert!(!echo("MR2", "RELAYPACS").status.success());
    panel.go("Scanners");
    let page = panel.shows("REJECTED MR2");
    assert!(page.contains("E11 unknown AE title"), "{page}");
    assert!(!echo("CT1", "WRONG").status.success());
    panel.until("the wrong called title is told", |status| {
        status["peers"]
            .as_array()
            .is_some_and(|peers| peers.iter().any(|peer| peer["ae_title"] == "CT1" && peer["refused"] == "CalledTitle"))
    });
    panel.until("the alert names the scanner", |status| {
        status["alerts"].as_array().is_some_and(|all| all.iter().any(|a| a["about"] == "MR2"))
    });
    keep(&panel.recorded(), &frames("scanner-silent.bin"));
    assert!(echo("CT1", "RELAYPACS").status.success());
    panel.until("it was let in since", |status| {
        status["peers"].as_array().is_some_and(|peers| peers.iter().any(|peer| peer["ae_title"] == "CT1" && peer["refused"].is_null()))
    });
}

#[test]
fn a_scanner_with_a_known_port_is_asked_by_c_echo() {
    let folder = Folder::new();
    let orthanc = Orthanc::start(&folder, "orthanc", &json!({}));
    let modality = format!("[[modality]]\nae_title = \"ORTHANC\"\naddress = \"127.0.0.1\"\nport = {}", orthanc.dicom_port());
    let appliance = Setup::new(&folder).section(&modality).start();
    let port = appliance.dicom().port().to_string();
    let known = Command::new("echoscu").args(["-aet", "ORTHANC", "-aec", "RELAYPACS", "127.0.0.1", &port]).status().expect("echoscu runs");
    assert!(known.success());
    let mut panel = Panel::start(&folder, "panel", &appliance);
    panel.until("the scanner can be tested", |status| status["peers"][0]["can_test"] == true);
    panel.go("Scanners");
    panel.press("ok");
    panel.shows("answers");
}

#[test]
fn the_first_start_shows_a_set_up_code_that_makes_the_admin() {
    let folder = Folder::new();
    let appliance = Setup::new(&folder).start();
    let mut panel = Panel::start(&folder, "panel", &appliance);
    panel.shows("FIRST START");
    keep(&panel.recorded(), &frames("first-start.bin"));
    panel.ask("hold ok 1700");
    let page = panel.shows("SET-UP CODE");
    let code = page.lines().find_map(|line| line.strip_prefix("== ")?.strip_suffix(" ==")).expect("a code").to_owned();
    assert_eq!((code.len(), code.as_bytes()[4]), (9, b'-'), "{code}");
    assert!(!appliance.log().contains(&code), "a code is never logged");
    let mut body = json!({ "username": "ada", "email": "ada@clinic.example", "password": "Correct-horse-7", "full_name": "Ada" });
    body["setup_code"] = json!(code);
    let made = appliance.web().ask(Method::POST, "/api/v1/auth/register", Some(&body));
    assert!((200..300).contains(&made.status), "{} {}", made.status, made.text());
    panel.press("back");
    panel.until("the box has an admin", |status| status["first_start"] == false);
    // From now on there is none to be had.
    panel.go("Actions");
    for _ in 0..10 {
        if panel.page().contains(">set-up code") {
            break;
        }
        panel.press("down");
    }
    panel.ask("hold ok 1700");
    panel.shows("NOT AVAILABLE");
}

#[test]
fn a_locked_panel_shows_its_word_and_asks_for_the_pin() {
    let folder = Folder::new();
    let pin = folder.join("pin");
    fs::write(&pin, "1203\n").expect("the test's folder");
    let appliance = Setup::new(&folder).section(&format!("[panel]\nlock = \"all\"\npin_file = \"{}\"", pin.display())).start();
    let mut panel = Panel::start(&folder, "panel", &appliance);
    panel.shows("LOCKED");
    assert_eq!(panel.status()["ae_title"], "", "the daemon leaves out what is locked");
    let type_in = |panel: &mut Panel, digits: [u32; 4]| {
        panel.press("ok");
        for digit in digits {
            (0..digit).for_each(|_| panel.press("up"));
            panel.press("ok");
        }
        panel.ask("hold ok 1700");
    };
    type_in(&mut panel, [1, 2, 0, 4]);
    panel.shows("WRONG PIN");
    panel.press("back");
    type_in(&mut panel, [1, 2, 0, 3]);
    panel.until("it is open", |status| status["ae_title"] == "RELAYPACS");
}

#[test]
fn the_network_is_asked_for_and_goes_back_unless_it_is_kept() {
    let folder = Folder::new();
    let requests = folder.join("requests");
    fs::create_dir_all(&requests).expect("the test's folder");
    let appliance = Setup::new(&folder).section(&format!("[panel]\nrequests = \"{}\"", requests.display())).start();
    let mut panel = Panel::start(&folder, "panel", &appliance);
    panel.until("a status", |status| status["ae_title"] == "RELAYPACS");
    let asked = || {
        serde_json::from_slice::<serde_json::Value>(&fs::read(requests.join("network-request.json")).unwrap_or_default())
            .unwrap_or_default()
    };
    panel.go("Network");
    panel.press("ok");
    panel.press("ok");
    panel.shows("sure?");
    assert!(asked().is_null(), "nothing before the confirmation");
    panel.press("ok");
    panel.shows("DONE");
    assert_eq!((&asked()["method"], &asked()["revert_after_s"]), (&json!("dhcp"), &json!(60)));
    panel.press("back");
    panel.until("the countdown", |status| status["network"]["reverts_in_s"].as_u64().is_some_and(|left| left > 0));
    panel.go("Network");
    panel.shows("KEEP?");
    panel.press("ok");
    panel.shows("DONE");
    assert_eq!(asked()["method"], "keep");
}

/// Selects a row of ACTIONS. On a loaded machine a press may become too long to count: it is done again.
fn choose(panel: &mut Panel, row: &str) {
    panel.go("Actions");
    for _ in 0..60 {
        if panel.page().contains(&format!(">{row}\n")) {
            return;
        }
        if panel.ask("state")["screen"] != "Actions" {
            panel.go("Actions");
        }
        panel.press("down");
    }
    panic!("there is no {row}");
}

/// Begins a factory reset and types the digits that it shows, until they were taken.
fn type_reset_digits(panel: &mut Panel) {
    for _ in 0..5 {
        choose(panel, "factory reset");
        while panel.page().contains(">factory reset\n") {
            panel.press("ok");
        }
        let page = panel.shows("type these digits");
        let digits = |line: &&str| line.len() == 4 && line.bytes().all(|byte| byte.is_ascii_digit());
        let digits = page.lines().map(str::trim).find(digits).expect("four digits").to_owned();
        for digit in digits.bytes() {
            (b'0'..digit).for_each(|_| panel.press("up"));
            panel.press("ok");
        }
        if panel.page().contains("will be LOST") {
            return;
        }
    }
    panic!("the digits are not taken; the panel shows\n{}", panel.page());
}

/// What the audit trail has of the panel: action and outcome, oldest first.
fn audited(appliance: &Appliance) -> Vec<(String, String)> {
    let web = Web::new(appliance.http_port()).signed_in(&sign_in(appliance.web(), "boss"));
    let page = web.get("/api/v1/audit?actor=panel&limit=200").json();
    let entries = page["entries"].as_array().unwrap_or_else(|| panic!("no entries in {page}"));
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mut all: Vec<_> = entries.iter().map(|entry| (entry["seq"].as_u64(), text(&entry["action"]), text(&entry["outcome"]))).collect();
    all.sort();
    all.into_iter().map(|(_, action, outcome)| (action, outcome)).collect()
}

#[test]
fn what_changes_the_machine_is_held_for_asked_for_and_on_record() {
    let folder = Folder::new();
    let requests = folder.join("requests");
    fs::create_dir_all(&requests).expect("the test's folder");
    let sink = StowSink::stopped(&folder, "pacs", &[]);
    let appliance =
        Setup::new(&folder).section(&format!("[panel]\nrequests = \"{}\"", requests.display())).stow("pacs", &sink.url(), "").start();
    add_user(&appliance, "boss", "admin");
    Sender::Storescu.send(appliance.dicom(), &samples(&folder, Kind::Ct, 5, 2));
    let mut panel = Panel::start(&folder, "panel", &appliance);
    panel.until("a study waits", |status| status["queue"]["studies"] == 1);
    for (row, file) in [("previous release", "rollback"), ("reboot", "reboot"), ("shut down", "shut-down")] {
        choose(&mut panel, row);
        panel.press("ok");
        panel.shows("hold OK");
        panel.ask("hold ok 2000");
        assert!(!requests.join(file).exists(), "{row}: let go too early");
        choose(&mut panel, row);
        panel.press("ok");
        panel.ask("hold ok 3300");
        panel.shows("DONE");
        assert!(requests.join(file).exists(), "{row}");
        panel.press("back");
    }
    for (row, file) in [("support file to USB", "support-bundle"), ("update from USB", "update")] {
        choose(&mut panel, row);
        panel.press("ok");
        if row.starts_with("update") {
            panel.shows("sure?");
            panel.press("ok");
        }
        panel.shows("DONE");
        assert!(requests.join(file).exists(), "{row}");
        panel.press("back");
    }
    // A factory reset: digits, the loss, ten seconds.
    type_reset_digits(&mut panel);
    assert!(panel.shows("will be LOST").contains("1 studies NOT SENT"));
    panel.press("ok");
    panel.shows("hold OK");
    panel.ask("hold ok 4000");
    assert!(!requests.join("factory-reset").exists(), "let go after four seconds");
    type_reset_digits(&mut panel);
    panel.press("ok");
    panel.ask("hold ok 10500");
    panel.shows("DONE");
    assert!(requests.join("factory-reset").exists());
    let done = audited(&appliance);
    for action in ["rollback", "reboot", "shut_down", "support_bundle", "update", "reset_code", "factory_reset"] {
        assert!(done.iter().any(|(known, outcome)| known == action && outcome == "done"), "{action} is not in {done:?}");
    }
}

#[test]
fn what_the_updater_says_shows_until_it_was_read() {
    let folder = Folder::new();
    let requests = folder.join("requests");
    fs::create_dir_all(&requests).expect("the test's folder");
    let state = requests.join("update-state.json");
    fs::write(&state, r#"{"slot": "A", "installing_percent": 62}"#).expect("the test's folder");
    let appliance = Setup::new(&folder).section(&format!("[panel]\nrequests = \"{}\"", requests.display())).start();
    add_user(&appliance, "boss", "admin");
    let mut panel = Panel::start(&folder, "panel", &appliance);
    assert!(panel.shows("UPDATING").contains("62 %"));
    fs::write(&state, r#"{"slot": "A", "failed": {"version": "2.1.0", "at": "2026-11-23T03:12:00Z"}}"#).expect("the test's folder");
    panel.until("the alert", |status| status["alerts"].as_array().is_some_and(|all| all.iter().any(|alert| alert["code"] == "E51")));
    panel.go("Software");
    assert!(panel.shows("2.1.0 failed").contains("slot A"));
    keep(&panel.recorded(), &frames("software.bin"));
    panel.press("ok");
    panel.shows("DONE");
    assert!(requests.join("acknowledge-update").exists());
    fs::remove_file(&state).expect("the test's folder");
    panel.until("it is over", |status| status["software"]["update"] == "None");
}

#[test]
fn a_disk_that_fills_is_said_with_what_waits() {
    let folder = Folder::new();
    let sink = StowSink::stopped(&folder, "pacs", &[]);
    let setup = Setup::new(&folder).buffer("max_bytes = \"96MiB\"\nsegment_bytes = \"8MiB\"\nretention = \"24h\"");
    let appliance = setup.stow("pacs", &sink.url(), "").start();
    add_user(&appliance, "boss", "admin");
    let mut panel = Panel::start(&folder, "panel", &appliance);
    panel.until("a status", |status| status["ae_title"] == "RELAYPACS");
    for number in 0..60 {
        let samples = write_set(&folder.join(&format!("study-{number}")), study(Kind::Ct, 100 + number, 10, 1));
        // The one that is refused says so; the panel says it, too.
        let sent = Sender::Storescu.command(appliance.dicom(), samples.iter().map(|sample| sample.path.as_path())).output();
        println!("study {number}: {}", sent.expect("storescu runs").status);
        if panel.status()["storage"]["refusing"] == true {
            break;
        }
        fs::remove_dir_all(folder.join(&format!("study-{number}"))).expect("the test's folder");
    }
    let status = panel.until("the box refuses", |status| status["storage"]["refusing"] == true);
    assert_eq!((&status["word"], &status["alerts"][0]["code"]), (&json!("Stopped"), &json!("E32")));
    panel.go("Storage");
    let page = panel.shows("FULL: A700");
    assert!(page.contains("waiting"), "{page}");
    keep(&panel.recorded(), &frames("disk-low.bin"));
}

#[test]
fn all_is_well_and_the_box_can_be_found() {
    let folder = Folder::new();
    let sink = StowSink::start(&folder, "pacs", &[]);
    let appliance = Setup::new(&folder).stow("pacs", &sink.url(), "").start();
    add_user(&appliance, "boss", "admin");
    let mut panel = Panel::start(&folder, "panel", &appliance);
    Sender::Storescu.send(appliance.dicom(), &samples(&folder, Kind::Ct, 6, 12));
    panel.go("LastStudy");
    panel.shows("delivered");
    panel.until("it was sent", |status| status["last_sent"]["modality"] == "CT" && status["queue"]["studies"] == 0);
    keep(&panel.recorded(), &frames("well.bin"));
    panel.go("Network");
    let status = panel.status();
    let page = panel.page();
    match &status["network"]["address"]["V4"] {
        serde_json::Value::Array(octets) => {
            let address = octets.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
            assert!(page.replace('\n', "").contains(&address), "{address} in {page}");
        }
        _ => assert!(page.contains("NO ADDRESS") || page.contains(':'), "{page}"),
    }
    keep(&panel.recorded(), &frames("find-the-box.bin"));
}

#[test]
fn a_box_that_dies_is_said_and_one_that_is_back_is_shown() {
    let folder = Folder::new();
    let mut appliance = Setup::new(&folder).start();
    let mut panel = Panel::start(&folder, "panel", &appliance);
    panel.until("a status", |status| status["ae_title"] == "RELAYPACS");
    for round in 0..3 {
        let killed = Instant::now();
        appliance.kill();
        let page = panel.shows("BOX NOT ANSWERING");
        println!("round {round}: said after {:?}", killed.elapsed());
        assert!(page.contains("since "), "{page}");
        appliance.start();
        let back = Instant::now();
        wait::for_true("the panel is back", SHOWS_WITHIN, || panel.ask("state")["link"] == "Up");
        println!("round {round}: back {:?} after the box was ready", back.elapsed());
    }
    // A service that does not come back can be asked for at the machine.
    appliance.kill();
    panel.shows("BOX NOT ANSWERING");
    panel.press("ok");
    panel.ask("hold ok 3300");
    panel.shows("asked for");
    assert!(panel.requests.join("restart-service").exists());
}

#[test]
fn a_panel_that_is_killed_or_stuck_costs_the_box_nothing() {
    let folder = Folder::new();
    let sink = StowSink::start(&folder, "pacs", &[]);
    let appliance = Setup::new(&folder).stow("pacs", &sink.url(), "").start();
    let samples = samples(&folder, Kind::Ct, 3, 40);
    let send = |what: &str| {
        let began = Instant::now();
        Sender::Storescu.send(appliance.dicom(), &samples);
        println!("{what}: 40 instances in {:?}", began.elapsed());
    };
    send("no panel");
    let panels: Vec<Panel> = (0..4).map(|n| Panel::start(&folder, &format!("panel-{n}"), &appliance)).collect();
    wait::for_true("four panels are connected", SHOWS_WITHIN, || appliance.log().matches("the panel says what it is").count() == 4);
    send("four panels");
    panels.iter().for_each(|panel| panel.signal(Signal::STOP));
    send("four stuck panels");
    wait::for_true("stuck panels are closed", SHOWS_WITHIN, || appliance.log().matches("does not read").count() == 4);
    send("after they were closed");
    panels[0].signal(Signal::KILL);
    panels[1..].iter().for_each(|panel| panel.signal(Signal::CONT));
    wait::for_true("those that live are back", SHOWS_WITHIN, || appliance.log().matches("the panel says what it is").count() >= 7);
    appliance.delivered(40);
}

#[test]
fn nonsense_on_the_socket_ends_that_connection_and_no_other() {
    use std::{
        io::{Read as _, Write as _},
        os::unix::net::UnixStream,
    };
    let folder = Folder::new();
    let appliance = Setup::new(&folder).start();
    let mut panel = Panel::start(&folder, "panel", &appliance);
    panel.until("a status", |status| status["ae_title"] == "RELAYPACS");
    let socket = appliance.data_dir().join("panel.sock");
    for nonsense in [vec![1u8; 4096], b"\x05junk\0".repeat(20), vec![0xff; 1536]] {
        let mut stream = UnixStream::connect(&socket).expect("the socket is open");
        stream.set_read_timeout(Some(SHOWS_WITHIN)).expect("a timeout");
        // It may be closed while we write.
        let _ = stream.write_all(&nonsense);
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        assert!(ended.is_ok() || ended.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset), "it was closed");
    }
    panel.press("down");
    assert_eq!(panel.ask("state")["link"], "Up");
    assert!(Path::new(&socket).exists());
}

/// Figures for the record: key to pixel, memory, idle processor time. Only what must never happen is asserted.
#[test]
fn figures() {
    let folder = Folder::new();
    let appliance = Setup::new(&folder).start();
    let mut panel = Panel::start(&folder, "panel", &appliance);
    panel.until("a status", |status| status["ae_title"] == "RELAYPACS");
    for _ in 0..30 {
        panel.press("down");
    }
    let latency = panel.ask("state")["latency"].clone();
    let began = (Instant::now(), panel.ticks());
    std::thread::sleep(std::time::Duration::from_secs(10));
    let used = panel.ticks() - began.1;
    println!("key to pixel: {latency}; idle: {used} ticks of 10 ms in {:?}; RSS {} KiB", began.0.elapsed(), panel.memory("VmRSS") / 1024);
    assert_eq!(latency["edges"].as_u64().map(|edges| edges > 0), Some(true));
}
