//! Other people's clients with the running box: requests made from its own contract, the examples of the documentation as they are written, and
//! a browser's end of web push, and a clinic's mail server.

use std::{
    fmt::Write as _,
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use relaypacs_hil_tests::{
    appliance::{Appliance, Setup},
    data::{Kind, study},
    part10::Object,
    peers::StowSink,
    place::{Folder, free_port, installed, python, repository},
    process::{Process, run},
    senders::CALLED,
    uploads::{add_user, sign_in},
    wire::{Association, Priority, Proposal},
};
use serde_json::{Value, json};

/// No limits: scripts are quicker than people.
const NO_LIMITS: &str = "[limits]\nlogin = \"off\"\ntokens = \"off\"\nupload_init = \"off\"\nchunk = \"off\"\ncomplete = \"off\"\nstats = \"off\"\nother = \"off\"";

fn base(appliance: &Appliance) -> String {
    format!("http://127.0.0.1:{}", appliance.http_port())
}

fn images(count: u32) -> Vec<Object> {
    study(Kind::Ct, 1, count, 1).map(|image| image.side(64).object()).collect()
}

fn store(appliance: &Appliance, objects: &[Object]) {
    let mut association = Association::open(appliance.dicom(), &Proposal::for_objects(CALLED, "CT1", objects)).expect("an association");
    for object in objects {
        assert_eq!(association.store(object, Priority::Medium).expect("an answer").status, 0);
    }
    association.release().expect("a release");
}

/// Requests that schemathesis makes from `/openapi.json`, by an admin and by nobody: no server error, no answer outside the contract.
#[test]
fn no_answer_is_outside_the_contract() {
    let folder = Folder::new();
    let sink = StowSink::start(&folder, "pacs", &[]);
    let appliance = Setup::new(&folder).section(NO_LIMITS).stow("pacs", &sink.url(), "").start();
    add_user(&appliance, "ada", "admin");
    store(&appliance, &images(2));
    let token = sign_in(appliance.web(), "ada");
    run(python("clients/contract.py").args([base(&appliance).as_str(), "20"]).current_dir(folder.path()));
    run(python("clients/contract.py").args([base(&appliance).as_str(), "60", &token]).current_dir(folder.path()));
    let log = appliance.log();
    assert!(!log.contains("panicked"), "{log}");
}

/// The blocks of a page, in one script for bash; Python runs as a script of its own.
fn script(page: &str) -> String {
    let mut script = String::from("set -euo pipefail\n");
    for (number, block) in page.split("\n```").skip(1).step_by(2).enumerate() {
        let (language, code) = block.split_once('\n').expect("a block has a first line");
        match language {
            "sh" => writeln!(script, "{code}").expect("text grows"),
            "python" => writeln!(script, "cat >block{number}.py <<'END_OF_BLOCK'\n{code}\nEND_OF_BLOCK\npython3 block{number}.py")
                .expect("text grows"),
            other => panic!("block {number} is {other:?}"),
        }
    }
    script
}

#[test]
fn the_examples_of_the_documentation_run_as_they_are_written() {
    let folder = Folder::new();
    let sink = StowSink::start(&folder, "pacs1", &[]);
    let https = free_port();
    let appliance = Setup::new(&folder).https(https).stow("pacs1", &sink.url(), "").start();
    add_user(&appliance, "ada", "admin");
    let images = images(1);
    fs::write(folder.join("image.dcm"), &images[0].file).expect("the test's folder");
    run(Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=127.0.0.1"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE", "-keyout", "key.pem", "-out", "chain.pem"])
        .stderr(Stdio::null())
        .current_dir(folder.path()));
    // A refusal ends curl, and so the script.
    fs::write(folder.join(".curlrc"), "fail-with-body\n").expect("the test's folder");
    let page = fs::read_to_string(repository().join("appliance/http/CLIENTS.md")).expect("the page");
    let script = script(&page);
    assert!(script.matches("curl").count() >= 10 && script.contains("import os, requests"), "{script}");
    fs::write(folder.join("page.sh"), script).expect("the test's folder");
    let python = installed("venv/bin");
    let path = format!("{}:{}", python.display(), std::env::var("PATH").expect("a path"));
    let told = run(Command::new("bash")
        .arg("page.sh")
        .envs([("PLAIN", base(&appliance)), ("BOX", format!("https://127.0.0.1:{https}")), ("PATH", path)])
        .env("CURL_HOME", folder.path())
        .current_dir(folder.path()));
    assert!(told.contains("\"status\":\"success\"") && told.contains("\"failed_step\":\"dns\""), "{told}");
}

#[test]
fn a_push_is_decrypted_by_another_implementation_and_names_no_patient() {
    let folder = Folder::new();
    let sink = StowSink::start(&folder, "pacs", &[]);
    let appliance = Setup::new(&folder).section("[push]\nprivate = true").stow("pacs", &sink.url(), "").start();
    add_user(&appliance, "ada", "admin");
    let token = sign_in(appliance.web(), "ada");
    let log = folder.join("push.log");
    let mut command = python("clients/push.py");
    command.args([base(&appliance), token]);
    let mut browser = Process::start("push.py", &command, &log);
    let says = |word: &str| fs::read_to_string(&log).unwrap_or_default().contains(word).then_some(());
    browser.until("subscribes", Duration::from_secs(60), || says("subscribed"));
    store(&appliance, &images(2));
    let status = relaypacs_hil_tests::wait::until("a push is taken", Duration::from_secs(130), || browser.ended());
    assert!(status.success(), "{}", browser.log_tail());
}

/// The first sign-in finds the mail server out of order: the letter is tried again.
#[test]
fn a_letter_reaches_a_mail_server_that_was_out_of_order_and_names_no_patient() {
    let folder = Folder::new();
    let log = folder.join("mail.log");
    let mut command = python("clients/mail.py");
    command.args(["box", "mail-secret-7"]).current_dir(folder.path());
    let mut server = Process::start("mail.py", &command, &log);
    let port = server.until("listens", Duration::from_secs(60), || {
        let said: Value = serde_json::from_str(fs::read_to_string(&log).ok()?.lines().next()?).ok()?;
        said["port"].as_u64()
    });
    fs::write(folder.join("mail-password"), "mail-secret-7\n").expect("the test's folder");
    let file = |name: &str| folder.join(name).display().to_string();
    let mail = format!(
        "[mail]\nhost = \"127.0.0.1\"\nport = {port}\nuser = \"box\"\npassword_file = \"{}\"\nca_file = \"{}\"\n\
         from = \"RelayPACS <relaypacs@clinic.example>\"\nfirst_retry = \"100ms\"\n[site]\nname = \"St. Elsewhere\"",
        file("mail-password"),
        file("mail-ca.pem")
    );
    let sink = StowSink::start(&folder, "pacs", &[]);
    let appliance = Setup::new(&folder).section(&mail).stow("pacs", &sink.url(), "").start();
    add_user(&appliance, "ada", "admin");
    let token = sign_in(appliance.web(), "ada");
    let wanted = json!({"preferences": {"notify": {"email": true, "push": false, "types": ["report_assigned"]}}});
    let headers = [("Authorization", format!("Bearer {token}")), ("Content-Type", "application/json".into())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(appliance.web().try_ask("PATCH", "/api/v1/auth/me", &headers, wanted.to_string()).expect("an answer").status, 200);
    store(&appliance, &images(2));
    let status = relaypacs_hil_tests::wait::until("a letter is taken", Duration::from_secs(130), || server.ended());
    assert!(status.success(), "{}", server.log_tail());
    assert!(!appliance.log().contains("mail-secret-7"));
}
