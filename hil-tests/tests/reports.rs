//! From a study to its report: a modality sends, the box forwards and makes the report; somebody writes a structured report or a PDF at the
//! PACS (a real Orthanc, objects made by DCMTK); the box takes it over, tells everybody at once and prints it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use relaypacs_hil_tests::{
    appliance::{Appliance, Setup},
    data::{Kind, study},
    part10::{Object, STUDY},
    peers::{Orthanc, StowSink},
    place::Folder,
    process::{self, Process},
    senders::CALLED,
    wait,
    web::Web,
    wire::{Association, Priority, Proposal},
};
use reqwest::Method;
use serde_json::{Value, json};

const WITHIN: Duration = Duration::from_secs(60);
const PASSWORD: &str = "Correct-Horse-7";

fn store(appliance: &Appliance, objects: &[Object]) {
    let mut association = Association::open(appliance.dicom(), &Proposal::for_objects(CALLED, "CT1", objects)).expect("an association");
    for object in objects {
        assert_eq!(association.store(object, Priority::Medium).expect("an answer").status, 0);
    }
    association.release().expect("a release");
}

/// The first admin of a new box; gives the access token.
fn first_admin(appliance: &Appliance) -> String {
    let code = appliance.cli(&["setup-code"]);
    let new = json!({"username": "ada", "email": "ada@clinic.example", "password": PASSWORD, "setup_code": code.trim()});
    let answer = appliance.web().ask(Method::POST, "/api/v1/auth/register", Some(&new));
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["access_token"].as_str().expect("a token").to_string()
}

/// The admin's client.
fn signed_in(appliance: &Appliance, token: &str) -> Web {
    Web::new(appliance.http_port()).signed_in(token)
}

fn good(web: &Web, method: Method, path: &str, body: Option<&Value>) -> Value {
    let answer = web.ask(method.clone(), path, body);
    assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
    answer.json()
}

/// An open stream of server-sent events, written to a file by curl.
struct Stream {
    file: PathBuf,
    process: Process,
}

impl Stream {
    fn open(appliance: &Appliance, folder: &Folder, name: &str, path: &str, last: Option<&str>) -> Self {
        let file = folder.join(name);
        let mut command = Command::new("curl");
        command.args(["-sN", "-o"]).arg(&file);
        if let Some(last) = last {
            command.args(["-H", &format!("Last-Event-ID: {last}")]);
        }
        command.arg(format!("http://127.0.0.1:{}{path}", appliance.http_port()));
        let process = Process::start("curl", &command, &folder.join(&format!("{name}.log")));
        let stream = Self { file, process };
        wait::for_true("the stream is open", WITHIN, || stream.events().iter().any(|event| event.name == "connected"));
        stream
    }

    fn events(&self) -> Vec<Event> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        let whole = text.rfind("\n\n").map_or("", |end| &text[..end]);
        whole.split("\n\n").filter_map(Event::read).collect()
    }

    fn until(&self, what: &str, fits: impl Fn(&Event) -> bool) -> Event {
        wait::until(what, WITHIN, || self.events().into_iter().find(|event| fits(event)))
    }
}

#[derive(Debug, Clone)]
struct Event {
    id: String,
    name: String,
    data: Value,
}

impl Event {
    fn read(text: &str) -> Option<Self> {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_string);
        let data = serde_json::from_str(&field("data: ")?).expect("events carry JSON");
        Some(Self { id: field("id: ").expect("every event has an id"), name: field("event: ")?, data })
    }
}

/// A Basic Text SR of the study, written by DCMTK.
fn structured_report(folder: &Path, study: &str, instance: &str, words: &str) -> PathBuf {
    let code = |value: &str, meaning: &str| {
        format!("(fffe,e000) na\n(0008,0100) SH [{value}]\n(0008,0102) SH [DCM]\n(0008,0104) LO [{meaning}]\n(fffe,e00d) na\n")
    };
    let name = |value: &str, meaning: &str| format!("(0040,a043) SQ\n{}(fffe,e0dd) na\n", code(value, meaning));
    let text = |meaning: &str, words: &str| {
        let name = name("121071", meaning);
        format!("(fffe,e000) na\n(0040,a010) CS [CONTAINS]\n(0040,a040) CS [TEXT]\n{name}(0040,a160) UT [{words}]\n(fffe,e00d) na\n")
    };
    let dump = [
        "(0008,0005) CS [ISO_IR 192]\n(0008,0016) UI [1.2.840.10008.5.1.4.1.1.88.11]\n",
        &format!("(0008,0018) UI [{instance}]\n"),
        "(0008,0020) DA [20261123]\n(0008,0023) DA [20261123]\n(0008,0030) TM [101500]\n(0008,0033) TM [101500]\n(0008,0050) SH [A-77]\n",
        "(0008,0060) CS [SR]\n(0008,0090) PN [House^Gregory]\n(0010,0010) PN [DOE^JANE]\n(0010,0020) LO [P-1]\n(0010,0030) DA [19610402]\n(0010,0040) CS [F]\n",
        &format!("(0020,000d) UI [{study}]\n(0020,000e) UI [{instance}.9]\n"),
        "(0020,0010) SH [1]\n(0020,0011) IS [9]\n(0020,0013) IS [1]\n(0040,a040) CS [CONTAINER]\n",
        &name("126000", "Imaging Report"),
        "(0040,a050) CS [SEPARATE]\n(0040,a073) SQ\n(fffe,e000) na\n(0040,a030) DT [20261123101500]\n(0040,a075) PN [Roe^Richard]\n(fffe,e00d) na\n(fffe,e0dd) na\n",
        "(0040,a491) CS [COMPLETE]\n(0040,a493) CS [VERIFIED]\n(0040,a730) SQ\n",
        &text("Findings", "Lunge überall frei. Πνεύμονες καθαροί."),
        &text("Impression", words),
        "(fffe,e0dd) na\n",
    ]
    .concat();
    let (from, to) = (folder.join("sr.dump"), folder.join("sr.dcm"));
    fs::write(&from, dump).expect("the test's folder");
    process::run(Command::new("dump2dcm").arg("-q").arg("+te").arg(&from).arg(&to));
    to
}

/// The one report, once there is one.
fn only_report(web: &Web) -> Value {
    wait::until("the report is there", WITHIN, || {
        let page = good(web, Method::GET, "/api/v1/reports", None);
        (page["total"] == 1).then(|| page["reports"][0].clone())
    })
}

#[test]
fn a_report_written_at_the_pacs_reaches_the_page_and_the_printer() {
    let folder = Folder::new();
    let orthanc = Orthanc::start(&folder, "orthanc", &json!({}));
    let report_section = "[report]\nfacility = \"Kreisklinik Musterstadt\"\naddress = [\"Hauptstraße 1\"]\n";
    let appliance = Setup::new(&folder).stow("orthanc", &orthanc.url(), "").section(report_section).start();
    let token = first_admin(&appliance);
    let web = signed_in(&appliance, &token);
    let stream = Stream::open(&appliance, &folder, "events", &format!("/api/v1/events?token={token}"), None);

    let objects: Vec<Object> = study(Kind::Ct, 1, 3, 1).map(|i| i.side(64).object()).collect();
    let uid = objects[0].uid(STUDY).expect("a study");
    store(&appliance, &objects);
    appliance.delivered(objects.len());
    let report = only_report(&web);
    let id = report["id"].as_str().expect("an id").to_string();
    assert_eq!((&report["study_instance_uid"], &report["user_id"]), (&json!(uid), &Value::Null));
    stream.until("the study's arrival is told", |event| event.name == "study" && event.data["study_instance_uid"] == json!(uid));
    stream.until("the report is told", |event| event.name == "report" && event.data["id"] == json!(id));
    wait::for_true("it waits for reading once it is delivered", WITHIN, || {
        good(&web, Method::GET, &format!("/api/v1/reports/{id}"), None)["status"] == "pending"
    });
    let early = web.ask(Method::GET, &format!("/api/v1/reports/{id}/download"), None);
    assert_eq!((early.status, &early.json()["code"]), (404, &json!("report_not_ready")));

    good(&web, Method::POST, &format!("/api/v1/reports/{id}/sync"), None);
    let before = good(&web, Method::GET, &format!("/api/v1/reports/{id}"), None);
    assert_eq!(before["status"], "pending", "nobody has written anything");
    orthanc.import(&structured_report(&folder.join(""), &uid, "1.2.826.0.1.3680043.10.1", "Kein Infiltrat. 正常"));
    let ready = good(&web, Method::POST, &format!("/api/v1/reports/{id}/sync"), None);
    assert_eq!((&ready["status"], &ready["is_read"]), (&json!("ready"), &json!(false)), "{ready}");
    assert_eq!(ready["radiologist_name"], "Richard Roe");
    let text = ready["report_text"].as_str().expect("a text");
    assert!(text.contains("Lunge überall frei. Πνεύμονες καθαροί.") && text.contains("Kein Infiltrat. 正常"), "{text}");
    let told = stream.until("everybody is notified", |event| event.name == "notification" && event.data["type"] == "report_ready");
    assert_eq!(told.data["related_report_id"], json!(id));

    let pdf = web.ask(Method::GET, &format!("/api/v1/reports/{id}/download"), None);
    assert_eq!(pdf.status, 200);
    let file = folder.join("report.pdf");
    fs::write(&file, &pdf.body).expect("the test's folder");
    let printed = process::run(Command::new("pdftotext").args(["-enc", "UTF-8"]).arg(&file).arg("-"));
    for wanted in [
        "Kreisklinik Musterstadt",
        "Hauptstraße 1",
        "Lunge überall frei",
        "Πνεύμονες",
        "Richard Roe",
        "1961-04-02",
        "A0000001",
        "Page 1 of 1",
    ] {
        assert!(printed.contains(wanted), "{wanted} in {printed}");
    }

    // Read marks, and what a restart keeps.
    good(&web, Method::POST, &format!("/api/v1/reports/{id}/read"), None);
    let page = good(&web, Method::GET, "/api/v1/reports?status=ready", None);
    assert_eq!((&page["reports"][0]["is_read"], &page["unread"]["ready"]), (&json!(true), &json!(0)));
}

#[test]
fn a_pdf_at_the_pacs_is_handed_out_as_it_is_and_the_box_s_own_objects_are_none() {
    let folder = Folder::new();
    let orthanc = Orthanc::start(&folder, "orthanc", &json!({}));
    let appliance = Setup::new(&folder).stow("orthanc", &orthanc.url(), "").start();
    let token = first_admin(&appliance);
    let web = signed_in(&appliance, &token);
    let objects: Vec<Object> = study(Kind::Ct, 1, 2, 1).map(|i| i.side(64).object()).collect();
    let uid = objects[0].uid(STUDY).expect("a study");
    // A report that came through this box is the modality's business, not a radiologist's answer.
    let own = structured_report(&folder.join(""), &uid, "1.2.826.0.1.3680043.10.2", "Sent through the box");
    let own = Object::new(fs::read(own).expect("DCMTK wrote it")).expect("a DICOM file");
    store(&appliance, &objects);
    store(&appliance, &[own]);
    appliance.delivered(objects.len() + 1);
    let id = only_report(&web)["id"].as_str().expect("an id").to_string();
    let after = good(&web, Method::POST, &format!("/api/v1/reports/{id}/sync"), None);
    assert_eq!(after["report_text"], Value::Null, "{after}");

    let (pdf, dicom) = (folder.join("befund.pdf"), folder.join("befund.dcm"));
    fs::write(
        &pdf,
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
    )
    .expect("the test's folder");
    process::run(
        Command::new("pdf2dcm")
            .args(["-q", "+t", "Befund", "+pn", "DOE^JANE", "+pi", "P-1", "-k"])
            .arg(format!("StudyInstanceUID={uid}"))
            .arg(&pdf)
            .arg(&dicom),
    );
    orthanc.import(&dicom);
    let ready = good(&web, Method::POST, &format!("/api/v1/reports/{id}/sync"), None);
    assert_eq!((&ready["status"], &ready["report_text"]), (&json!("ready"), &json!("Befund")), "{ready}");
    let handed_out = web.ask(Method::GET, &format!("/api/v1/reports/{id}/download"), None);
    assert_eq!(handed_out.body, fs::read(&pdf).expect("the test's PDF"));
}

#[test]
fn figures_notifications_and_streams_hold_over_a_restart() {
    let folder = Folder::new();
    let sink = StowSink::start(&folder, "pacs", &[]);
    let mut appliance = Setup::new(&folder).stow("pacs", &sink.url(), "").start();
    let token = first_admin(&appliance);
    let objects: Vec<Object> = study(Kind::Ct, 1, 2, 1).map(|i| i.side(64).object()).collect();
    store(&appliance, &objects);
    appliance.delivered(objects.len());
    let web = signed_in(&appliance, &token);
    let stats = wait::until("the study is counted", WITHIN, || {
        let stats = good(&web, Method::GET, "/api/v1/upload/stats?period=1w", None);
        (stats["total_uploads"] == 1 && stats["destinations"]["pacs"]["delivered"] == 1).then_some(stats)
    });
    assert_eq!((&stats["source"], &stats["modality"]), (&json!({"dicom": 1, "http": 0}), &json!({"CT": 1})));
    let trend = good(&web, Method::GET, "/api/v1/upload/stats/trend?period=1w", None);
    let counts: Vec<_> = trend["data"].as_array().expect("days").iter().map(|day| day["count"].as_u64()).collect();
    assert_eq!(counts.iter().flatten().sum::<u64>(), 1);
    assert_eq!(counts.len(), 7, "every day, true zeros and nothing invented");
    let csv = web.ask(Method::GET, "/api/v1/upload/stats/export?period=all", None).text();
    assert!(csv.starts_with("date,count,failed,bytes,modality,service_level,source\n") && csv.contains(",CT,routine,dicom"), "{csv}");

    let listed = wait::until("the admin is told", WITHIN, || {
        let page = good(&web, Method::GET, "/api/v1/notifications", None);
        (page["total"] == 1).then_some(page)
    });
    let id = listed["notifications"][0]["id"].as_str().expect("an id").to_string();
    assert_eq!((&listed["notifications"][0]["type"], &listed["unread_count"]), (&json!("report_assigned"), &json!(1)));
    let stream = Stream::open(&appliance, &folder, "before", &format!("/api/v1/notifications/stream?token={token}"), None);
    let connected = stream.until("it is open", |event| event.name == "connected").id;
    good(&web, Method::PATCH, &format!("/api/v1/notifications/{id}/read"), None);
    stream.until("the count is told", |event| event.name == "unread_count" && event.data["count"] == 0);
    let again = Stream::open(&appliance, &folder, "again", &format!("/api/v1/notifications/stream?token={token}"), Some(&connected));
    again.until("what was missed is told again", |event| event.name == "unread_count" && event.data["count"] == 0 && event.id != connected);

    assert!(appliance.stop().success(), "open streams do not hold up the end");
    appliance.start();
    let after = good(&web, Method::GET, "/api/v1/upload/stats?period=1w", None);
    assert_eq!(after, stats, "nothing is forgotten and nothing counted twice");
    let listed = good(&web, Method::GET, "/api/v1/notifications", None);
    assert_eq!((&listed["total"], &listed["notifications"][0]["is_read"]), (&json!(1), &json!(true)));
    assert_eq!(good(&web, Method::GET, "/api/v1/reports", None)["total"], 1);
    let other_run = Stream::open(&appliance, &folder, "after", &format!("/api/v1/notifications/stream?token={token}"), Some(&connected));
    other_run.until("another run cannot tell what was missed", |event| event.name == "reset");

    let mut ends = Stream::open(&appliance, &folder, "ends", &format!("/api/v1/events?token={token}"), None);
    good(&web, Method::POST, "/api/v1/auth/logout", Some(&json!({})));
    wait::for_true("the stream ends with the session", WITHIN, || ends.process.ended().is_some());
    assert_eq!(web.ask(Method::GET, "/api/v1/notifications", None).status, 401, "a logged-out token is good for nothing");
}
