//! What is refused, and how.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_belong_to_an_upload_is_refused() {
    let rig = Rig::new().await;
    let bytes = small_file(1, CHUNK + 100);
    let upload = rig.begin(&[("a", &bytes)]).await.upload;
    let refused = async |file: &str, index, bytes: &[u8]| match rig.send(upload, file, index, bytes).await {
        Err(UploadError::Invalid { pointer, .. }) => pointer,
        Err(UploadError::TooLarge(_)) => "too large".into(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused("../../x", 0, b"x").await, "file_id");
    assert_eq!(refused("other", 0, b"x").await, "file_id");
    assert_eq!(refused("a", 2, b"x").await, "chunk_index");
    assert_eq!(refused("a", u32::MAX, b"x").await, "chunk_index");
    assert_eq!(refused("a", 0, &bytes[..CHUNK - 1]).await, "Content-Length");
    assert_eq!(refused("a", 1, &bytes[..CHUNK]).await, "Content-Length");
    assert_eq!(refused("a", 0, &bytes[..=CHUNK]).await, "too large");
    assert_eq!(refused("a", 1, b"").await, "Content-Length");
    let nobody = UploadId(Uuid::from_u128(5));
    assert!(matches!(rig.send(nobody, "a", 0, b"x").await, Err(UploadError::Unknown)));
    assert!(matches!(rig.uploads.status(nobody, false).await, Err(UploadError::Unknown)));
    assert!(matches!(rig.uploads.complete(nobody).await, Err(UploadError::Unknown)));
    assert!(matches!(rig.uploads.delete(nobody).await, Err(UploadError::Unknown)));
    // A chunk that is broken off leaves nothing.
    let mut receiving = rig.uploads.receive(upload, "a", 0, Expected::default()).await.unwrap();
    receiving.write(&bytes[..1000]).await.unwrap();
    drop(receiving);
    assert!(rig.uploads.status(upload, false).await.unwrap().files[0].received_chunks.is_empty());
    rig.send_file(upload, "a", &bytes).await;
    assert_eq!(rig.complete(upload).await.status, OutcomeStatus::Success);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_study_uploaded_before_is_refused_for_thirty_days_unless_it_is_forced() {
    let mut rig = Rig::new().await;
    let bytes = small_file(1, 100);
    let begun = rig.begin(&[("a", &bytes)]).await;
    // What was begun only does not count.
    rig.begin(&[("a", &bytes)]).await;
    rig.send_file(begun.upload, "a", &bytes).await;
    rig.complete(begun.upload).await;
    rig = rig.restart().await;
    let mut again = request(&[("a", &bytes)]);
    again.patient.name = "doe  jane".into();
    again.patient.modality = "ct".into();
    match rig.uploads.init(&person(2, "dr_b", Role::Clinician), None, again.clone()).await {
        Err(UploadError::Duplicate { upload, uploaded_by, uploaded_at }) => {
            assert_eq!((upload, uploaded_by.as_str()), (begun.upload, "dr_a"));
            assert!(uploaded_at.as_millis() > 0);
        }
        other => panic!("{other:?}"),
    }
    let mut other_day = again.clone();
    other_day.patient.study_date = "20260116".into();
    rig.uploads.init(&dr_a(), None, other_day).await.unwrap();
    let mut forced = again.clone();
    forced.force = true;
    rig.uploads.init(&dr_a(), None, forced).await.unwrap();
    rig.hand.advance(Duration::from_hours(30 * 24));
    assert!(rig.uploads.init(&dr_a(), None, again.clone()).await.is_err());
    rig.hand.advance(Duration::from_secs(1));
    rig.uploads.init(&dr_a(), None, again).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_nothing_usable_fails_and_counts_for_no_duplicate() {
    let rig = Rig::new().await;
    let upload = rig.send_all(&[("a", b"a letter")]).await;
    let outcome = rig.complete(upload).await;
    assert_eq!((outcome.status, outcome.studies.len()), (OutcomeStatus::Failed, 0));
    let status = rig.uploads.status(upload, false).await.unwrap();
    assert_eq!((status.state, status.pacs_status), (UploadState::Failed, PacsStatus::Failed));
    assert!(status.files[0].error.is_some());
    rig.begin(&[("a", b"a letter")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_begins_uploads_without_end() {
    let rig = Rig::new().await;
    let mut asked = request(&[("a", b"x")]);
    asked.force = true;
    let mut begun = Vec::new();
    for _ in 0..MOST_UNFINISHED {
        let rig = rig.uploads.clone();
        let asked = asked.clone();
        begun.push(tokio::spawn(async move { rig.init(&dr_a(), None, asked).await.unwrap().upload }));
    }
    let mut uploads = Vec::new();
    for one in begun {
        uploads.push(one.await.unwrap());
    }
    assert!(matches!(rig.uploads.init(&dr_a(), None, asked.clone()).await, Err(UploadError::TooMany(_))));
    rig.uploads.init(&person(2, "dr_b", Role::Clinician), None, asked.clone()).await.unwrap();
    rig.uploads.delete(uploads[0]).await.unwrap();
    rig.uploads.init(&dr_a(), None, asked).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_there_is_room_for_does_not_begin() {
    let options = UploadOptions { max_bytes: 1 << 40, ..UploadOptions::default() };
    let rig = Rig::with(options).await;
    let mut asked = request(&[("a", b"x")]);
    asked.files = None;
    asked.total_bytes = 250 << 20;
    assert!(matches!(rig.uploads.init(&dr_a(), None, asked.clone()).await, Err(UploadError::Full)));
    asked.total_bytes = 100 << 20;
    rig.uploads.init(&dr_a(), None, asked).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_their_own_uploads_and_radiologists_all() {
    let rig = Rig::new().await;
    let bytes = small_file(1, 100);
    let mine = rig.send_all(&[("a", &bytes)]).await;
    rig.complete(mine).await;
    rig.hand.advance(Duration::from_secs(1));
    let mut asked = request(&[("a", &bytes)]);
    asked.force = true;
    let other = rig.uploads.init(&person(2, "dr_b", Role::Clinician), None, asked).await.unwrap().upload;
    let list = async |who: &Principal, state| {
        let page = rig.uploads.list(who, state, 0, 50).await.unwrap();
        assert_eq!(page.total, page.uploads.len() as u64);
        page.uploads.into_iter().map(|upload| (upload.upload, upload.state)).collect::<Vec<_>>()
    };
    assert_eq!(list(&dr_a(), None).await, [(mine, UploadState::Complete)]);
    assert_eq!(list(&person(9, "rad", Role::Radiologist), None).await, [(other, UploadState::Pending), (mine, UploadState::Complete)]);
    assert_eq!(list(&person(9, "adm", Role::Admin), Some(UploadState::Complete)).await, [(mine, UploadState::Complete)]);
    assert_eq!(list(&person(9, "rt", Role::Radiographer), None).await, []);
    assert_eq!(rig.uploads.owner(other).await.unwrap(), UserId(Uuid::from_u128(2)));
    assert_eq!(rig.uploads.of_study("1.9.1".parse().unwrap()).await.unwrap(), [(mine, dr_a().user)]);
}
