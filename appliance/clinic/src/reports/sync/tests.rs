use std::sync::{Mutex, PoisonError};

use futures_util::{FutureExt, future::BoxFuture};
use relaypacs_domain::{AeTitle, FailureCode, HeaderFacts, Identity, ReportId, ServiceLevel, Source, UserId};

use super::*;
use crate::{
    pacs::{DestinationState, PacsAnswer},
    reports::tests::{Bench, NOW, OWNER, RADIOLOGIST, bench},
};

const BASIC_TEXT: &str = "1.2.840.10008.5.1.4.1.1.88.11";
const ENCAPSULATED_PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";
const STUDY: &str = "1.2.3";

/// Explicit VR little endian.
fn element(tag: u32, vr: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = [(tag >> 16) as u16, tag as u16].iter().flat_map(|half| half.to_le_bytes()).collect::<Vec<u8>>();
    bytes.extend(vr.as_bytes());
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(if vr == "UI" || vr == "OB" { 0 } else { b' ' });
    }
    if matches!(vr, "SQ" | "UT" | "OB") {
        bytes.extend([0, 0]);
        bytes.extend((value.len() as u32).to_le_bytes());
    } else {
        bytes.extend((value.len() as u16).to_le_bytes());
    }
    bytes.extend(value);
    bytes
}

fn sequence(tag: u32, items: &[Vec<u8>]) -> Vec<u8> {
    let value: Vec<u8> =
        items.iter().flat_map(|item| [b"\xFE\xFF\x00\xE0".as_slice(), &(item.len() as u32).to_le_bytes(), item].concat()).collect();
    element(tag, "SQ", &value)
}

fn code(tag: u32, value: &str, scheme: &str, meaning: &str) -> Vec<u8> {
    let item = [
        element(0x0008_0100, "SH", value.as_bytes()),
        element(0x0008_0102, "SH", scheme.as_bytes()),
        element(0x0008_0104, "LO", meaning.as_bytes()),
    ];
    sequence(tag, &[item.concat()])
}

fn content(kind: &str, relationship: &str, name: (&str, &str), rest: Vec<u8>) -> Vec<u8> {
    [
        element(0x0040_A010, "CS", relationship.as_bytes()),
        element(0x0040_A040, "CS", kind.as_bytes()),
        code(0x0040_A043, name.0, "DCM", name.1),
        rest,
    ]
    .concat()
}

fn text(name: &str, value: &str) -> Vec<u8> {
    content("TEXT", "CONTAINS", ("0", name), element(0x0040_A160, "UT", value.as_bytes()))
}

fn container(name: &str, items: &[Vec<u8>]) -> Vec<u8> {
    content("CONTAINER", "CONTAINS", ("0", name), sequence(0x0040_A730, items))
}

fn file(class: &str, instance: &str, body: &[Vec<u8>]) -> Vec<u8> {
    let identity = Identity {
        sop_class: class.parse().unwrap(),
        sop_instance: instance.parse().unwrap(),
        transfer_syntax: "1.2.840.10008.1.2.1".parse().unwrap(),
        study: None,
        series: None,
    };
    let mut file = relaypacs_dicom::file_meta(&identity, None);
    file.extend(element(0x0008_0005, "CS", b"ISO_IR 192"));
    file.extend(element(0x0008_0016, "UI", class.as_bytes()));
    file.extend(element(0x0008_0018, "UI", instance.as_bytes()));
    file.extend(body.concat());
    file
}

struct Sr {
    instance: &'static str,
    completion: &'static str,
    title: (&'static str, &'static str),
    date: &'static str,
    words: &'static str,
}

const SR: Sr = Sr { instance: "9.1", completion: "COMPLETE", title: ("126000", "Imaging Report"), date: "20261123", words: "No finding." };

impl Sr {
    fn file(&self) -> Vec<u8> {
        let observer = content("PNAME", "HAS OBS CONTEXT", ("121008", "Person Observer Name"), element(0x0040_A123, "PN", b"Roe^Richard"));
        let number = [element(0x0040_A30A, "DS", b"8"), code(0x0040_08EA, "mm", "UCUM", "millimeter")];
        let size = content("NUM", "CONTAINS", ("0", "Diameter"), sequence(0x0040_A300, &[[number[1].clone(), number[0].clone()].concat()]));
        let image = content("IMAGE", "CONTAINS", ("0", "Source"), Vec::new());
        let body = [
            element(0x0008_0023, "DA", self.date.as_bytes()),
            element(0x0008_0033, "TM", b"101500.25"),
            element(0x0010_0020, "LO", b"P-1"),
            element(0x0020_000D, "UI", STUDY.as_bytes()),
            code(0x0040_A043, self.title.0, "DCM", self.title.1),
            element(0x0040_A491, "CS", self.completion.as_bytes()),
            sequence(
                0x0040_A730,
                &[observer, container("Findings", &[text("Finding", "Lunge überall frei"), size, image]), text("Impression", self.words)],
            ),
        ];
        file(BASIC_TEXT, self.instance, &body)
    }
}

fn pdf_file(instance: &str, date: &str) -> Vec<u8> {
    let body = [
        element(0x0008_0023, "DA", date.as_bytes()),
        element(0x0020_000D, "UI", STUDY.as_bytes()),
        element(0x0042_0010, "ST", b"Befund"),
        element(0x0042_0011, "OB", b"%PDF-1.4 x"),
        element(0x0042_0012, "LO", b"application/pdf"),
        element(0x0042_0015, "UL", &9_u32.to_le_bytes()),
    ];
    file(ENCAPSULATED_PDF, instance, &body)
}

/// A PACS that has what a test puts there. (The real one is in `hil-tests`.)
#[derive(Default)]
struct Shelf {
    files: Mutex<Vec<(&'static str, String, Vec<u8>)>>,
    away: Mutex<bool>,
}

impl Shelf {
    fn put(&self, class: &'static str, instance: &str, file: Vec<u8>) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).push((class, instance.into(), file));
    }
}

impl Pacs for Shelf {
    fn documents<'a>(&'a self, study: &'a Uid, classes: &'a [Uid]) -> BoxFuture<'a, PacsAnswer> {
        let destination: DestinationName = "pacs".parse().unwrap();
        async move {
            if *self.away.lock().unwrap() {
                return PacsAnswer { documents: Vec::new(), failed: vec![(destination, Failure::new(FailureCode::Connect, "away"))] };
            }
            let files = self.files.lock().unwrap();
            let found = files.iter().filter(|(class, ..)| study.as_str() == STUDY && classes.iter().any(|asked| asked.as_str() == *class));
            let documents = found.map(|(class, instance, _)| PacsDocument {
                destination: destination.clone(),
                study: study.clone(),
                series: "9".parse().unwrap(),
                sop_class: class.parse().unwrap(),
                sop_instance: instance.parse().unwrap(),
            });
            PacsAnswer { documents: documents.collect(), failed: Vec::new() }
        }
        .boxed()
    }
    fn fetch<'a>(&'a self, document: &'a PacsDocument, _: u64) -> BoxFuture<'a, Result<Option<Vec<u8>>, Failure>> {
        let files = self.files.lock().unwrap();
        let found = files.iter().find(|(_, instance, _)| *instance == document.sop_instance.as_str()).map(|(.., file)| file.clone());
        async move { Ok(found) }.boxed()
    }
    fn destinations(&self) -> Vec<DestinationState> {
        Vec::new()
    }
}

async fn with_pacs() -> (Bench, Arc<Shelf>, ReportId) {
    let bench = bench().await;
    let shelf = Arc::new(Shelf::default());
    bench.reports.connect(shelf.clone());
    let id = bench.assign(STUDY, Some(1), Some(OWNER.user)).await;
    (bench, shelf, id)
}

#[tokio::test]
async fn a_complete_structured_report_becomes_the_report() {
    let (bench, shelf, id) = with_pacs().await;
    let (report, _) = bench.reports.sync(OWNER, id).await.unwrap();
    assert_eq!((report.status, report.text), (ReportStatus::Assigned, None), "there is none yet");
    shelf.put(BASIC_TEXT, "9.1", SR.file());
    bench.hand.advance(Duration::from_secs(1));
    let (report, is_read) = bench.reports.sync(OWNER, id).await.unwrap();
    assert_eq!((report.status, is_read), (ReportStatus::Ready, false));
    assert_eq!(report.text.as_deref(), Some("Findings:\nLunge überall frei\nDiameter: 8 mm\n\nImpression:\nNo finding."));
    assert_eq!(report.radiologist_name.as_deref(), Some("Richard Roe"));
    assert_eq!((report.details.patient_id.as_deref(), report.said_at.as_deref()), (Some("P-1"), Some("20261123101500")));
    while bench.reports.tell_news().await.unwrap() > 0 {}
    assert_eq!(bench.told(OWNER).await, ["report_ready", "report_assigned"]);
    bench.reports.sync(OWNER, id).await.unwrap();
    assert_eq!(bench.reports.tell_news().await.unwrap(), 0, "it is taken over once");
    let download = bench.reports.download(OWNER, id).await.unwrap();
    assert!(download.pdf.starts_with(b"%PDF-"));
}

#[tokio::test]
async fn a_later_one_amends_and_an_earlier_one_does_not() {
    let (bench, shelf, id) = with_pacs().await;
    shelf.put(BASIC_TEXT, "9.1", SR.file());
    bench.reports.sync(OWNER, id).await.unwrap();
    shelf.put(BASIC_TEXT, "9.2", Sr { instance: "9.2", date: "20261101", words: "Old", ..SR }.file());
    assert!(bench.reports.sync(OWNER, id).await.unwrap().0.text.unwrap().contains("No finding."));
    shelf.put(ENCAPSULATED_PDF, "9.3", pdf_file("9.3", "20261124"));
    let (report, _) = bench.reports.sync(OWNER, id).await.unwrap();
    assert_eq!((report.text.as_deref(), report.status), (Some("Befund"), ReportStatus::Ready));
    assert_eq!(bench.reports.download(OWNER, id).await.unwrap().pdf, b"%PDF-1.4 ", "as received, without the padding");
}

#[tokio::test]
async fn what_is_no_report_is_left_alone() {
    let (bench, shelf, id) = with_pacs().await;
    shelf.put(BASIC_TEXT, "9.1", Sr { completion: "PARTIAL", ..SR }.file());
    shelf.put(BASIC_TEXT, "9.2", Sr { instance: "9.2", title: ("113701", "X-Ray Radiation Dose Report"), ..SR }.file());
    shelf.put(BASIC_TEXT, "9.3", Sr { instance: "9.3", title: ("113000", "Of Interest"), ..SR }.file());
    shelf.put(BASIC_TEXT, "9.4", Sr { instance: "9.5", ..SR }.file());
    shelf.put(BASIC_TEXT, "9.6", b"no DICOM".to_vec());
    shelf.put("1.2.840.10008.5.1.4.1.1.88.67", "9.7", Sr { instance: "9.7", ..SR }.file());
    let (report, _) = bench.reports.sync(OWNER, id).await.unwrap();
    assert_eq!((report.status, report.origin), (ReportStatus::Assigned, Origin::Nowhere));
}

#[tokio::test]
async fn the_box_s_own_objects_are_never_taken_for_reports() {
    let (bench, shelf, id) = with_pacs().await;
    let object = relaypacs_buffer::NewObject {
        identity: Identity {
            sop_class: BASIC_TEXT.parse().unwrap(),
            sop_instance: "9.1".parse().unwrap(),
            transfer_syntax: "1.2.840.10008.1.2.1".parse().unwrap(),
            study: Some(STUDY.parse().unwrap()),
            series: Some("9".parse().unwrap()),
        },
        facts: HeaderFacts::default(),
        source: Source::Dicom {
            calling_ae: "SR".parse::<AeTitle>().unwrap(),
            called_ae: "RELAYPACS".parse().unwrap(),
            address: std::net::Ipv4Addr::LOCALHOST.into(),
        },
        service_level: ServiceLevel::Routine,
        flags: Vec::new(),
    };
    let mut writer = bench.buffer.begin().unwrap();
    writer.write(b"SR").await.unwrap();
    writer.commit(object).await.unwrap();
    // The catalogue follows the acknowledgement.
    let study: Uid = STUDY.parse().unwrap();
    while bench.buffer.ledger(&study, None, 1).unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    shelf.put(BASIC_TEXT, "9.1", SR.file());
    assert_eq!(bench.reports.sync(OWNER, id).await.unwrap().0.origin, Origin::Nowhere);
}

#[tokio::test]
async fn a_text_written_on_the_box_stays() {
    let (bench, shelf, id) = with_pacs().await;
    let set =
        |status, text: Option<&str>| super::super::ReportChange { status: Some(status), text: text.map(Into::into), ..Default::default() };
    bench.reports.change(RADIOLOGIST, id, set(ReportStatus::Pending, Some("Mine"))).await.unwrap();
    bench.reports.change(RADIOLOGIST, id, set(ReportStatus::Ready, None)).await.unwrap();
    shelf.put(BASIC_TEXT, "9.1", SR.file());
    assert_eq!(bench.reports.sync(OWNER, id).await.unwrap().0.text.as_deref(), Some("Mine"));
}

#[tokio::test]
async fn a_pacs_that_does_not_answer_is_told_and_asked_again() {
    let (bench, shelf, id) = with_pacs().await;
    *shelf.away.lock().unwrap() = true;
    assert!(matches!(bench.reports.sync(OWNER, id).await, Err(SyncError::NoAnswer { .. })));
    shelf.put(BASIC_TEXT, "9.1", SR.file());
    *shelf.away.lock().unwrap() = false;
    bench.hand.advance(Duration::from_mins(10));
    assert_eq!(bench.reports.sync_due().await.unwrap(), SyncRound { looked_at: 1, taken: 1, failed: 0 });
    assert_eq!(bench.reports.sync_due().await.unwrap(), SyncRound::default(), "not before an hour");
    bench.hand.advance(Duration::from_hours(1));
    assert_eq!(bench.reports.sync_due().await.unwrap(), SyncRound { looked_at: 1, taken: 0, failed: 0 });
    bench.hand.advance(Duration::from_hours(24 * 8));
    bench.reports.sync_due().await.unwrap();
    bench.hand.advance(Duration::from_hours(24 * 8));
    assert_eq!(bench.reports.sync_due().await.unwrap(), SyncRound::default(), "a week after it was ready it is left alone");
}

#[test]
fn the_pace_slows_down() {
    let report = |age: i64| Report {
        id: ReportId(Uuid::nil()),
        upload: None,
        study: STUDY.parse().unwrap(),
        user: None::<UserId>,
        status: ReportStatus::Pending,
        patient_name: None,
        modality: "CT".into(),
        study_description: None,
        service_level: ServiceLevel::Routine,
        radiologist_name: None,
        origin: Origin::Nowhere,
        details: crate::reports::Details::default(),
        said_at: None,
        created_at: Timestamp::from_millis(NOW.as_millis() - age),
        updated_at: NOW,
        text: None,
    };
    let check = |age: i64, expected: Option<i64>| {
        assert_eq!(next_look(&report(age), NOW, true).map(|due| due - NOW.as_millis()), expected, "{age}");
    };
    check(0, Some(290_000));
    check(2 * DAY_MS, Some(HOUR_MS));
    check(10 * DAY_MS, Some(6 * HOUR_MS));
    check(40 * DAY_MS, Some(DAY_MS));
    check(91 * DAY_MS, None);
    assert_eq!(next_look(&report(40 * DAY_MS), NOW, false), Some(NOW.as_millis() + 290_000), "who did not answer is asked soon");
}
