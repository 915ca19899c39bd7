//! The service on a real store and a real buffer: the normal case, everything that is refused, restarts, races.

mod archives;
pub(crate) mod files;
mod limits;
mod lives;

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use md5::{Digest, Md5};
use relaypacs_buffer::Options;
use relaypacs_domain::{
    Clock, DestinationName, ManualClock, MatchRule, ObjectId, Proof, ProofKind, Role, Routing, ServiceLevel, SessionId, Timestamp, Uid,
    UserId, Verdict,
};
use sha2::Sha256;
use uuid::Uuid;

use self::files::{data_set, file, small_file};
use super::*;

const CHUNK: usize = CHUNK_MIN as usize;

/// A box: store, buffer, service.
struct Rig {
    dir: tempfile::TempDir,
    hand: Arc<ManualClock>,
    options: UploadOptions,
    buffer: Buffer,
    uploads: Uploads,
    live: Live,
}

impl Rig {
    async fn new() -> Self {
        Self::with(UploadOptions::default()).await
    }

    async fn with(options: UploadOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hand = Arc::new(ManualClock::default());
        hand.advance(Duration::from_secs(1_790_000_000));
        Self::open(dir, hand, options).await
    }

    async fn open(dir: tempfile::TempDir, hand: Arc<ManualClock>, options: UploadOptions) -> Self {
        let clock = Clock::manual(hand.clone());
        let buffer = open_buffer(dir.path(), clock.clone()).await;
        let routing = Routing(vec![("pacs".parse().unwrap(), MatchRule::default())]);
        buffer.set_routing(routing).await.unwrap();
        let store = Store::open(dir.path()).unwrap();
        let live = Live::new(clock.clone());
        let vapid = crate::notifications::VapidKey::open(dir.path()).unwrap();
        let notifications = Notifications::open(store.clone(), live.clone(), vapid).unwrap();
        let reports = Reports::open(crate::reports::Parts {
            store: store.clone(),
            buffer: buffer.clone(),
            clock: clock.clone(),
            live: live.clone(),
            notifications: notifications.clone(),
            users_with: Arc::new(|_: &[Role]| Vec::new()),
            letterhead: Letterhead::default(),
            zone: jiff::tz::TimeZone::UTC,
        })
        .unwrap();
        crate::statistics::Statistics::open(store.clone(), clock.clone(), "UTC").unwrap();
        let neighbours = Neighbours { live: live.clone(), notifications, reports };
        let uploads = Uploads::new(store, buffer.clone(), clock, options.clone(), neighbours);
        Self { dir, hand, options, buffer, uploads, live }
    }

    /// Stops the box as a kill would (what is in memory is lost) and starts it again.
    async fn restart(self) -> Self {
        let Self { dir, hand, options, buffer, uploads, live } = self;
        drop((uploads, live));
        buffer.close().await;
        drop(buffer);
        Self::open(dir, hand, options).await
    }

    async fn begin(&self, files: &[(&str, &[u8])]) -> Begun {
        self.uploads.init(&dr_a(), None, request(files)).await.unwrap()
    }

    async fn send(&self, upload: UploadId, file: &str, index: u32, bytes: &[u8]) -> Result<ChunkReceipt, UploadError> {
        self.send_expecting(upload, file, index, bytes, Expected::default()).await
    }

    async fn send_expecting(
        &self,
        upload: UploadId,
        file: &str,
        index: u32,
        bytes: &[u8],
        expected: Expected,
    ) -> Result<ChunkReceipt, UploadError> {
        let mut receiving = self.uploads.receive(upload, file, index, expected).await?;
        for piece in bytes.chunks(40_000) {
            receiving.write(piece).await?;
        }
        receiving.submit().await?.durable().await
    }

    async fn send_file(&self, upload: UploadId, file: &str, bytes: &[u8]) {
        for (index, chunk) in (0..).zip(bytes.chunks(CHUNK)) {
            self.send(upload, file, index, chunk).await.unwrap();
        }
    }

    async fn send_all(&self, files: &[(&str, &[u8])]) -> UploadId {
        let begun = self.begin(files).await;
        for (file, bytes) in files {
            self.send_file(begun.upload, file, bytes).await;
        }
        begun.upload
    }

    async fn complete(&self, upload: UploadId) -> Outcome {
        match self.uploads.complete(upload).await.unwrap() {
            Completion::Done(outcome) => *outcome,
            Completion::Processing => self.wait_for(upload).await,
        }
    }

    async fn wait_for(&self, upload: UploadId) -> Outcome {
        for _ in 0..10_000 {
            if let Some(outcome) = self.uploads.status(upload, false).await.unwrap().outcome {
                return outcome;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the completion does not come to an end");
    }

    /// The data set stored under a SOP Instance UID.
    async fn stored(&self, sop_instance: &str) -> Vec<Vec<u8>> {
        self.buffer.settled().await.unwrap();
        let mut found = Vec::new();
        for instance in self.buffer.instances(&sop_instance.parse().unwrap()).unwrap() {
            found.push(self.read(instance.object).await);
        }
        found
    }

    async fn read(&self, object: ObjectId) -> Vec<u8> {
        let mut reader = self.buffer.read(object).unwrap();
        let mut all = Vec::new();
        while let Some(piece) = reader.next().await.unwrap() {
            all.extend_from_slice(&piece);
        }
        all
    }

    /// The PACS takes everything that is queued.
    async fn deliver(&self) {
        let proof = || Proof::new(ProofKind::Stow, Timestamp::from_millis(1), "stored", Some("https://pacs/studies/1.9.1"));
        self.settle(|| Verdict::Proven(proof())).await;
    }

    /// Everything that is queued ends so.
    async fn settle(&self, verdict: impl Fn() -> Verdict) {
        self.buffer.settled().await.unwrap();
        let limits = relaypacs_buffer::ClaimLimits { max_bytes: u64::MAX, max_instances: 50, at_least: None };
        let pacs: DestinationName = "pacs".parse().unwrap();
        while let Some(claim) = self.buffer.claim(&pacs, limits).unwrap() {
            let verdicts = claim.items.iter().map(|item| (item.object, verdict())).collect();
            self.buffer.settle(claim, verdicts).await.unwrap();
        }
    }
}

async fn open_buffer(dir: &Path, clock: Clock) -> Buffer {
    let options = Options {
        dir: PathBuf::from(dir),
        max_bytes: Some(256 << 20),
        reserve_bytes: Some(0),
        segment_bytes: 16 << 20,
        retention: Duration::from_hours(1),
        history: Duration::from_hours(1000),
    };
    tokio::task::spawn_blocking(move || Buffer::open(options, clock).unwrap().0).await.unwrap()
}

fn person(number: u128, name: &str, role: Role) -> Principal {
    Principal { user: UserId(Uuid::from_u128(number)), username: name.into(), role, session: SessionId(Uuid::from_u128(number)) }
}

fn dr_a() -> Principal {
    person(1, "dr_a", Role::Clinician)
}

fn request(files: &[(&str, &[u8])]) -> NewUpload {
    NewUpload {
        patient: Patient {
            name: "DOE^JANE".into(),
            study_date: "2026-01-15".into(),
            modality: "CT".into(),
            service_level: ServiceLevel::Emergency,
            age: None,
            gender: None,
            study_description: None,
            study_instance_uid: None,
        },
        total_files: files.len() as u64,
        total_bytes: files.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
        clinical_history: None,
        files: Some(
            files
                .iter()
                .map(|(id, bytes)| FileDeclaration {
                    id: (*id).into(),
                    name: format!("DICOM/{id}.dcm"),
                    bytes: bytes.len() as u64,
                    sha256: None,
                })
                .collect(),
        ),
        chunk_size: Some(u64::from(CHUNK_MIN)),
        force: false,
    }
}

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn statuses(outcome: &Outcome) -> Vec<(&str, FileStatus)> {
    outcome.files.iter().map(|file| (file.id.as_str(), file.status)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_uploaded_is_stored_byte_for_byte_queued_and_reported() {
    let rig = Rig::new().await;
    let (big, small) = (small_file(1, 3 * CHUNK + 1000), small_file(2, 500));
    let upload = rig.send_all(&[("a", &big), ("b.dcm", &small)]).await;
    let status = rig.uploads.status(upload, false).await.unwrap();
    assert_eq!(
        (status.state, status.progress_percent, status.chunks_received, status.chunks_total),
        (UploadState::Uploading, 100, 5, Some(5))
    );
    let outcome = rig.complete(upload).await;
    assert_eq!(outcome.status, OutcomeStatus::Success, "{outcome:?}");
    assert_eq!(statuses(&outcome), [("a", FileStatus::Success), ("b.dcm", FileStatus::Success)]);
    assert_eq!((outcome.studies.len(), outcome.reports.len()), (1, 1));
    assert_eq!(rig.stored("1.2.3.1").await, [data_set(1, 1, 3 * CHUNK + 1000)]);
    assert_eq!(rig.stored("1.2.3.2").await, [data_set(1, 2, 500)]);
    assert!(rig.buffer.parts(upload).await.unwrap().is_empty(), "the parts are given up");
    // Asked again, the answer is the same; chunks are no longer taken.
    assert_eq!(rig.complete(upload).await, outcome);
    assert!(matches!(rig.send(upload, "b.dcm", 0, &small).await, Err(UploadError::Closed(_))));
    assert!(matches!(rig.uploads.delete(upload).await, Err(UploadError::Closed(_))));
    let status = rig.uploads.status(upload, false).await.unwrap();
    assert_eq!((status.state, status.pacs_status, status.pacs_receipt_id), (UploadState::Complete, PacsStatus::Queued, None));
    let study = rig.buffer.study(&"1.9.1".parse().unwrap()).unwrap().unwrap().study;
    assert!(study.complete && study.service_level == ServiceLevel::Emergency && study.source == relaypacs_domain::SourceKind::Http);

    rig.deliver().await;
    let status = rig.uploads.status(upload, false).await.unwrap();
    assert_eq!((status.pacs_status, status.pacs_receipt_id.as_deref()), (PacsStatus::Delivered, Some("https://pacs/studies/1.9.1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_may_come_in_any_order_at_once_again_and_after_a_restart() {
    let mut rig = Rig::new().await;
    let bytes = small_file(1, 5 * CHUNK);
    let chunks: Vec<Vec<u8>> = bytes.chunks(CHUNK).map(<[u8]>::to_vec).collect();
    let begun = rig.begin(&[("a", &bytes)]).await;
    let upload = begun.upload;
    let tasks: Vec<_> = [5_u32, 1, 3]
        .into_iter()
        .map(|index| {
            let (uploads, chunk) = (rig.uploads.clone(), chunks[index as usize].clone());
            tokio::spawn(async move {
                let mut receiving = uploads.receive(upload, "a", index, Expected::default()).await.unwrap();
                receiving.write(&chunk).await.unwrap();
                receiving.submit().await.unwrap().durable().await.unwrap()
            })
        })
        .collect();
    for task in tasks {
        assert!(!task.await.unwrap().existed);
    }
    assert!(rig.send(upload, "a", 3, &chunks[3]).await.unwrap().existed);
    rig = rig.restart().await;
    let status = rig.uploads.status(upload, true).await.unwrap();
    assert_eq!(status.files[0].received_chunks, [1, 3, 5]);
    assert!(rig.send(upload, "a", 1, &chunks[1]).await.unwrap().existed);
    let mut other = chunks[1].clone();
    other[77] ^= 1;
    let refused = rig.send(upload, "a", 1, &other).await;
    assert!(matches!(&refused, Err(UploadError::Differs { file, index: 1 }) if file == "a"), "{refused:?}");
    let early = rig.uploads.complete(upload).await;
    let Err(UploadError::Incomplete { missing, .. }) = early else { panic!("{early:?}") };
    assert_eq!(missing, [MissingChunks { file: "a".into(), chunks: vec![0, 2, 4] }]);
    for index in [4, 0, 2] {
        rig.send(upload, "a", index, &chunks[index as usize]).await.unwrap();
    }
    assert_eq!(rig.complete(upload).await.status, OutcomeStatus::Success);
    assert_eq!(rig.stored("1.2.3.1").await, [data_set(1, 1, 5 * CHUNK)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_requests_with_one_chunk_both_are_told_the_truth() {
    let rig = Rig::new().await;
    let bytes = small_file(1, 1000);
    let mut other = bytes.clone();
    other[900] ^= 1;
    for (second, same) in [(&bytes, true), (&other, false)] {
        let upload = rig.begin(&[("a", &bytes)]).await.upload;
        let mut one = rig.uploads.receive(upload, "a", 0, Expected::default()).await.unwrap();
        let mut two = rig.uploads.receive(upload, "a", 0, Expected::default()).await.unwrap();
        one.write(&bytes).await.unwrap();
        two.write(second).await.unwrap();
        let (one, two) = (one.submit().await.unwrap(), two.submit().await.unwrap());
        assert!(!one.durable().await.unwrap().existed);
        match two.durable().await {
            Ok(receipt) => assert!(same && receipt.existed),
            Err(why) => assert!(!same && matches!(why, UploadError::Differs { .. }), "{why:?}"),
        }
        assert_eq!(rig.buffer.parts(upload).await.unwrap().len(), 1, "the other one's bytes are given up");
        rig.uploads.delete(upload).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_are_compared_whenever_they_are_sent() {
    let rig = Rig::new().await;
    let bytes = small_file(1, 1000);
    let upload = rig.begin(&[("a", &bytes)]).await.upload;
    let md5 = Some(Md5::digest(&bytes).into());
    let sha256 = Some(Sha256::digest(&bytes).into());
    let wrong = rig.send_expecting(upload, "a", 0, &bytes, Expected { md5: Some([0; 16]), ..Expected::default() }).await;
    assert!(matches!(&wrong, Err(UploadError::Checksum("MD5"))), "{wrong:?}");
    let wrong = rig.send_expecting(upload, "a", 0, &bytes, Expected { sha256: Some([0; 32]), ..Expected::default() }).await;
    assert!(matches!(&wrong, Err(UploadError::Checksum("SHA-256"))), "{wrong:?}");
    assert!(rig.uploads.status(upload, false).await.unwrap().files[0].received_chunks.is_empty());
    let good = rig.send_expecting(upload, "a", 0, &bytes, Expected { md5, sha256, bytes: Some(bytes.len() as u64) }).await.unwrap();
    assert!(good.verified && !good.existed);
    // A file's own digest holds for all of it.
    for (digest, status) in [([9; 32], FileStatus::Failed), (Sha256::digest(&bytes).into(), FileStatus::Success)] {
        let mut asked = request(&[("a", &bytes)]);
        asked.force = true;
        asked.files.as_mut().unwrap()[0].sha256 = Some(digest);
        let upload = rig.uploads.init(&dr_a(), None, asked).await.unwrap().upload;
        rig.send(upload, "a", 0, &bytes).await.unwrap();
        assert_eq!(statuses(&rig.complete(upload).await), [("a", status)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_not_announced_are_taken_as_they_come() {
    let rig = Rig::new().await;
    let (one, two) = (small_file(1, CHUNK + 10), small_file(2, 10));
    let mut asked = request(&[("a", &one), ("b", &two)]);
    asked.files = None;
    let upload = rig.uploads.init(&dr_a(), None, asked).await.unwrap().upload;
    rig.send_file(upload, "a", &one).await;
    assert_eq!(rig.uploads.status(upload, false).await.unwrap().chunks_total, None);
    let early = rig.uploads.complete(upload).await;
    assert!(matches!(early, Err(UploadError::Incomplete { .. })), "{early:?}");
    rig.send_file(upload, "b", &two).await;
    let third = rig.send(upload, "c", 0, &two).await;
    assert!(matches!(&third, Err(UploadError::Invalid { pointer, .. }) if pointer == "file_id"), "{third:?}");
    let more = rig.send(upload, "b", 1, &two).await;
    assert!(matches!(&more, Err(UploadError::Invalid { pointer, .. }) if pointer == "/total_size_bytes"), "{more:?}");
    assert_eq!(rig.complete(upload).await.status, OutcomeStatus::Success);
    assert_eq!(rig.stored("1.2.3.1").await, [data_set(1, 1, CHUNK + 10)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_file_gets_its_own_answer() {
    let rig = Rig::new().await;
    let good = small_file(1, 100);
    let without_preamble = small_file(2, 100)[128..].to_vec();
    let bare = data_set(2, 3, 100);
    let cut = small_file(4, 5000)[..3000].to_vec();
    let other_version = small_file(1, 200);
    let zip = zip_of(&[
        ("../../etc/passwd", &small_file(5, 300)),
        ("readme.txt", b"not an image"),
        ("again.dcm", &good),
        ("nested.zip", &zip_of(&[("x.dcm", &small_file(6, 10))])),
        ("bomb.dcm", &file("1.2.840.10008.1.2.1", &[vec![0; 40 << 20]])),
    ]);
    let letter = b"Dear colleague".to_vec();
    let files: Vec<(&str, &[u8])> = vec![
        ("good", &good),
        ("same", &good),
        ("version", &other_version),
        ("nopreamble", &without_preamble),
        ("bare", &bare),
        ("cut", &cut),
        ("zip", &zip),
        ("letter", &letter),
    ];
    let upload = rig.send_all(&files).await;
    let outcome = rig.complete(upload).await;
    assert_eq!(outcome.status, OutcomeStatus::PartialSuccess);
    let of = |id: &str| outcome.files.iter().filter(|file| file.id == id).collect::<Vec<_>>();
    for (id, status) in [
        ("nopreamble", FileStatus::Success),
        ("bare", FileStatus::Success),
        ("cut", FileStatus::Failed),
        ("version", FileStatus::Success),
        ("letter", FileStatus::NotDicom),
    ] {
        assert_eq!(of(id)[0].status, status, "{id}: {:?}", of(id));
    }
    let twins: Vec<_> = ["good", "same"]
        .iter()
        .map(|id| of(id)[0].status)
        .chain(of("zip").iter().filter(|file| file.entry.as_deref() == Some("again.dcm")).map(|file| file.status))
        .collect();
    assert_eq!(twins.iter().filter(|status| **status == FileStatus::Success).count(), 1, "{twins:?}");
    let entries: Vec<_> = of("zip").iter().map(|file| (file.entry.clone().unwrap(), file.status)).collect();
    assert_eq!(entries[0], ("../../etc/passwd".into(), FileStatus::Success));
    assert_eq!(entries[1], ("readme.txt".into(), FileStatus::NotDicom));
    assert_eq!(entries[3], ("nested.zip".into(), FileStatus::Failed));
    assert_eq!(entries[4], ("bomb.dcm".into(), FileStatus::Failed));
    assert_eq!(outcome.studies.len(), 2, "two studies in one upload");
    assert_eq!(outcome.reports.len(), 2);
    assert_eq!(rig.stored("1.2.3.2").await, [data_set(1, 2, 100)]);
    assert_eq!(rig.stored("1.2.3.3").await, [bare]);
    assert_eq!(rig.stored("1.2.3.5").await, [data_set(1, 5, 300)]);
    assert_eq!(rig.stored("1.2.3.1").await.len(), 2, "both versions");
    assert!(rig.stored("1.2.3.4").await.is_empty(), "what is cut off reaches nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_instance_by_two_ways_is_one() {
    let rig = Rig::new().await;
    let bytes = small_file(1, 1000);
    let mut writer = rig.buffer.begin().unwrap();
    writer.write(&data_set(1, 1, 1000)).await.unwrap();
    let uid = |text: &str| text.parse::<Uid>().unwrap();
    let object = relaypacs_buffer::NewObject {
        identity: relaypacs_domain::Identity {
            sop_class: uid("1.2.840.10008.5.1.4.1.1.2"),
            sop_instance: uid("1.2.3.1"),
            transfer_syntax: uid("1.2.840.10008.1.2.1"),
            study: Some(uid("1.9.1")),
            series: Some(uid("1.9.1.1")),
        },
        facts: relaypacs_domain::HeaderFacts::default(),
        source: relaypacs_domain::Source::Dicom {
            calling_ae: "CT1".parse().unwrap(),
            called_ae: "RELAYPACS".parse().unwrap(),
            address: [127, 0, 0, 1].into(),
        },
        service_level: ServiceLevel::Routine,
        flags: vec![],
    };
    writer.commit(object).await.unwrap();
    let upload = rig.send_all(&[("a", &bytes)]).await;
    let outcome = rig.complete(upload).await;
    assert_eq!((outcome.status, statuses(&outcome)), (OutcomeStatus::Success, vec![("a", FileStatus::Duplicate)]));
    assert_eq!(rig.stored("1.2.3.1").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_medium_s_index_is_understood() {
    let rig = Rig::new().await;
    let image = small_file(1, 100);
    let directory = file(
        "1.2.840.10008.1.2.1",
        &[
            files::text(0x0004_1511, b"UI", "1.2.3.1"),
            files::text(0x0004_1511, b"UI", "1.2.3.99"),
            files::text(0x0008_0016, b"UI", "1.2.840.10008.1.3.10"),
        ],
    );
    let upload = rig.send_all(&[("DICOMDIR", &directory), ("a", &image)]).await;
    let outcome = rig.complete(upload).await;
    assert_eq!(outcome.status, OutcomeStatus::Success);
    assert_eq!(statuses(&outcome), [("DICOMDIR", FileStatus::NotDicom), ("a", FileStatus::Success)]);
    assert!(outcome.warnings.iter().any(|warning| warning.contains("names 2 instances; 1 of them")), "{:?}", outcome.warnings);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clinical_history_travels_with_each_study_once() {
    let mut rig = Rig::new().await;
    let (one, two) = (small_file(1, 100), file("1.2.840.10008.1.2.1", &[data_set(2, 2, 100)]));
    let mut asked = request(&[("a", &one), ("b", &two)]);
    asked.clinical_history = Some("Fell from a ladder.\nPain in the left wrist — Übelkeit.".into());
    let upload = rig.uploads.init(&dr_a(), None, asked).await.unwrap().upload;
    rig.send_file(upload, "a", &one).await;
    rig.send_file(upload, "b", &two).await;
    let outcome = rig.complete(upload).await;
    assert_eq!(outcome.status, OutcomeStatus::Success, "{outcome:?}");
    rig = rig.restart().await;
    for study in ["1.9.1", "1.9.2"] {
        let detail = rig.buffer.study(&study.parse().unwrap()).unwrap().unwrap();
        assert_eq!(detail.study.instances, 2);
        let series = detail.series.iter().find(|series| series.modality.as_deref() == Some("SR")).unwrap();
        let bytes = rig.read(series.instances[0].object).await;
        let syntax = dicom_transfer_syntax_registry::entries::EXPLICIT_VR_LITTLE_ENDIAN.erased();
        let object = dicom_object::InMemDicomObject::read_dataset_with_ts(&bytes[..], &syntax).unwrap();
        let content = object.element(dicom_dictionary_std::tags::CONTENT_SEQUENCE).unwrap();
        let text = content.items().unwrap().last().unwrap().element(dicom_dictionary_std::tags::TEXT_VALUE).unwrap().to_str().unwrap();
        assert!(text.contains("left wrist — Übelkeit"), "{text}");
        assert_eq!(object.element(dicom_dictionary_std::tags::PATIENT_ID).unwrap().to_str().unwrap(), "P1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clinical_history_is_an_encapsulated_pdf_where_that_is_asked() {
    use dicom_dictionary_std::tags;
    let letterhead = Letterhead { facility: "Inselspital".into(), ..Letterhead::default() };
    let rig = Rig::with(UploadOptions { history: HistoryForm::Pdf, letterhead, ..UploadOptions::default() }).await;
    let bytes = small_file(1, 100);
    let mut asked = request(&[("a", &bytes)]);
    asked.clinical_history = Some("Fell from a ladder.".into());
    let upload = rig.uploads.init(&dr_a(), None, asked).await.unwrap().upload;
    rig.send_file(upload, "a", &bytes).await;
    assert_eq!(rig.complete(upload).await.status, OutcomeStatus::Success);
    rig.buffer.settled().await.unwrap();
    let detail = rig.buffer.study(&"1.9.1".parse().unwrap()).unwrap().unwrap();
    let series = detail.series.iter().find(|series| series.modality.as_deref() == Some("DOC")).unwrap();
    let stored = rig.read(series.instances[0].object).await;
    let syntax = dicom_transfer_syntax_registry::entries::EXPLICIT_VR_LITTLE_ENDIAN.erased();
    let object = dicom_object::InMemDicomObject::read_dataset_with_ts(&stored[..], &syntax).unwrap();
    assert_eq!(object.element(tags::SOP_CLASS_UID).unwrap().to_str().unwrap(), "1.2.840.10008.5.1.4.1.1.104.1");
    assert_eq!(object.element(tags::INSTITUTION_NAME).unwrap().to_str().unwrap(), "Inselspital");
    let pdf = object.element(tags::ENCAPSULATED_DOCUMENT).unwrap().to_bytes().unwrap();
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() % 2 == 0, "{}", pdf.len());
    // The standard's own validator, where it is installed (Debian: dicom3tools).
    let (folder, file) = (tempfile::tempdir().unwrap(), "history.dcm");
    let meta = dicom_object::FileMetaTableBuilder::new().transfer_syntax("1.2.840.10008.1.2.1");
    object.with_meta(meta).unwrap().write_to_file(folder.path().join(file)).unwrap();
    if let Ok(judged) = std::process::Command::new("dciodvfy").arg(folder.path().join(file)).output() {
        let said = String::from_utf8_lossy(&judged.stderr).into_owned();
        assert!(said.contains("EncapsulatedPDF") && !said.contains("Error - "), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_box_may_want_a_digest_of_every_chunk() {
    let rig = Rig::with(UploadOptions { require_checksum: true, ..UploadOptions::default() }).await;
    let bytes = small_file(1, 100);
    let upload = rig.begin(&[("a", &bytes)]).await.upload;
    let without = rig.send(upload, "a", 0, &bytes).await;
    assert!(matches!(&without, Err(UploadError::Invalid { pointer, .. }) if pointer == "Content-Digest"), "{without:?}");
    let expected = Expected { sha256: Some(Sha256::digest(&bytes).into()), ..Expected::default() };
    assert!(rig.send_expecting(upload, "a", 0, &bytes, expected).await.unwrap().verified);
}
