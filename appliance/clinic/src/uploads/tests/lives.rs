//! Time, restarts and ends.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_expires_after_its_last_chunk_by_the_box_s_own_time() {
    let mut rig = Rig::new().await;
    let bytes = small_file(1, CHUNK);
    let upload = rig.begin(&[("a", &bytes)]).await.upload;
    rig.hand.advance(Duration::from_hours(71));
    assert_eq!(rig.uploads.sweep().await.unwrap(), 0);
    rig.send(upload, "a", 0, &bytes[..CHUNK]).await.unwrap();
    // A restart and a jump of the wall clock change nothing.
    rig = rig.restart().await;
    rig.hand.advance(Duration::from_hours(71));
    assert_eq!(rig.uploads.sweep().await.unwrap(), 0);
    assert_eq!(rig.buffer.parts(upload).await.unwrap().len(), 1);
    rig.hand.advance(Duration::from_hours(1));
    assert_eq!(rig.uploads.sweep().await.unwrap(), 1);
    assert!(rig.buffer.parts(upload).await.unwrap().is_empty(), "its room is free");
    assert_eq!(rig.uploads.status(upload, false).await.unwrap().state, UploadState::Expired);
    assert!(matches!(rig.send(upload, "a", 1, &bytes[CHUNK..]).await, Err(UploadError::Closed("expired"))));
    assert!(matches!(rig.uploads.complete(upload).await, Err(UploadError::Closed("expired"))));
    rig.uploads.delete(upload).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_upload_is_gone_with_its_bytes() {
    let rig = Rig::new().await;
    let bytes = small_file(1, 2 * CHUNK);
    let upload = rig.send_all(&[("a", &bytes)]).await;
    let receiving = rig.uploads.receive(upload, "a", 0, Expected::default()).await;
    rig.uploads.delete(upload).await.unwrap();
    assert!(rig.buffer.uploads_with_parts().await.unwrap().is_empty());
    assert!(matches!(rig.uploads.status(upload, false).await, Err(UploadError::Unknown)));
    assert!(matches!(rig.send(upload, "a", 0, &bytes[..CHUNK]).await, Err(UploadError::Unknown)));
    drop(receiving);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_was_cut_off_goes_on_and_stores_nothing_twice() {
    let mut rig = Rig::new().await;
    let files: Vec<Vec<u8>> = (1..6).map(|number| small_file(number, 1000 * number as usize)).collect();
    let named: Vec<(String, &[u8])> = (1..).zip(&files).map(|(number, bytes)| (format!("f{number}"), bytes.as_slice())).collect();
    let named: Vec<(&str, &[u8])> = named.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let upload = rig.send_all(&named).await;
    // The box goes down after two instances were committed and before anything was answered.
    let store = rig.uploads.inner.store.clone();
    store.write(move |tx| row::set_state_in(tx, upload, row::RowState::Processing, None)).await.unwrap();
    drop(store);
    let active = rig.uploads.active(upload).await.unwrap();
    let plans = active.begin_completing().unwrap();
    for plan in plans.iter().take(2) {
        let scan::Found::Instance(instance) = &plan.scanned.as_ref().unwrap().found else { panic!() };
        let new = relaypacs_buffer::NewObject {
            identity: instance.identity.clone(),
            facts: instance.facts.clone(),
            source: relaypacs_domain::Source::Http { upload, username: "dr_a".into(), address: None },
            service_level: ServiceLevel::Emergency,
            flags: vec![],
        };
        rig.buffer.compose(&plan.parts, instance.offset..plan.bytes, instance.sha256, new).await.unwrap();
    }
    drop((plans, active));
    rig.deliver().await;
    rig = rig.restart().await;
    assert_eq!(rig.uploads.status(upload, false).await.unwrap().state, UploadState::Processing);
    assert_eq!(rig.uploads.resume().await.unwrap(), 1);
    let outcome = rig.wait_for(upload).await;
    assert_eq!(outcome.status, OutcomeStatus::Success);
    assert!(outcome.files.iter().all(|file| file.status == FileStatus::Success), "{:?}", outcome.files);
    for number in 1..6 {
        let stored = rig.stored(&format!("1.2.3.{number}")).await;
        assert_eq!(stored, [data_set(1, number, 1000 * number as usize)]);
    }
    let ledger = rig.buffer.ledger(&"1.9.1".parse().unwrap(), None, 100).unwrap().unwrap();
    assert!(ledger.entries.iter().all(|entry| entry.notes.is_empty()), "nothing was sent again: {:?}", ledger.entries);
    assert_eq!(rig.complete(upload).await, outcome);
}

/// Otherwise a disk that unfinished uploads alone have filled would stay full until they expire.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_arrived_is_completed_with_its_history_though_the_box_is_full() {
    let rig = Rig::new().await;
    let bytes = small_file(1, 100);
    let mut asked = request(&[("a", &bytes)]);
    asked.clinical_history = Some("Fell from a ladder.".into());
    let upload = rig.uploads.init(&dr_a(), None, asked).await.unwrap().upload;
    rig.send_file(upload, "a", &bytes).await;
    let other = UploadId(Uuid::from_u128(99));
    let piece = vec![0; 4 << 20];
    for index in 0.. {
        let Ok(mut writer) = rig.buffer.begin_part() else { break };
        writer.write(&piece).await.unwrap();
        writer.commit_part(relaypacs_buffer::PartKey { upload: other, file: "x".into(), index }).durable().await.unwrap();
    }
    assert!(rig.buffer.usage().refusing);
    assert_eq!(rig.complete(upload).await.status, OutcomeStatus::Success);
    rig.buffer.settled().await.unwrap();
    assert_eq!(rig.buffer.study(&"1.9.1".parse().unwrap()).unwrap().unwrap().study.instances, 2, "the image and the history");
}

/// As after a fault of the disk in the midst of writing it down, or just behind that.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_written_down_as_over_is_not_completed_anew() {
    let rig = Rig::new().await;
    let bytes = small_file(1, 100);
    let upload = rig.send_all(&[("a", &bytes)]).await;
    let active = rig.uploads.active(upload).await.unwrap();
    let outcome = rig.complete(upload).await;
    active.state().phase = active::Phase::Open;
    let plans = active.begin_completing().unwrap();
    rig.uploads.clone().run(active.clone(), plans).await;
    let again = active.progress.borrow().clone();
    assert!(matches!(&again, active::Progress::Done(again) if **again == outcome), "{again:?}");
    assert_eq!(rig.uploads.status(upload, false).await.unwrap().state, UploadState::Complete);
    assert_eq!(rig.complete(upload).await, outcome);
}

/// The scrub gives a chunk up that the disk has damaged, while the upload is under way.
#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_the_buffer_gave_up_is_missing_and_can_be_sent_again() {
    let rig = Rig::new().await;
    let bytes = small_file(1, 2 * CHUNK);
    let give_up = async |upload: UploadId| {
        let part = rig.buffer.parts(upload).await.unwrap().into_iter().find(|part| part.key.index == 1).unwrap();
        rig.buffer.release_parts(&[part.object]).await.unwrap();
    };
    let upload = rig.send_all(&[("a", &bytes)]).await;
    give_up(upload).await;
    assert!(matches!(rig.uploads.complete(upload).await, Err(UploadError::Unavailable(_))));
    let refused = rig.uploads.complete(upload).await;
    let missing = [MissingChunks { file: "a".into(), chunks: vec![1] }];
    assert!(matches!(&refused, Err(UploadError::Incomplete { missing: told, .. }) if *told == missing), "{refused:?}");
    let chunk = &bytes[CHUNK..2 * CHUNK];
    assert!(!rig.send(upload, "a", 1, chunk).await.unwrap().existed);
    // Now its sender notices first, who sends it once more.
    give_up(upload).await;
    assert!(matches!(rig.send(upload, "a", 1, chunk).await, Err(UploadError::Unavailable(_))));
    assert!(!rig.send(upload, "a", 1, chunk).await.unwrap().existed);
    assert_eq!(rig.complete(upload).await.status, OutcomeStatus::Success);
    assert_eq!(rig.stored("1.2.3.1").await, [data_set(1, 1, 2 * CHUNK)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_that_panics_keeps_nobody_waiting() {
    let rig = Rig::new().await;
    let bytes = small_file(1, 100);
    let upload = rig.send_all(&[("a", &bytes)]).await;
    let active = rig.uploads.active(upload).await.unwrap();
    let mut plans = active.begin_completing().unwrap();
    let Some(scan::Scanned { found: scan::Found::Instance(instance), .. }) = plans[0].scanned.as_deref_mut() else { panic!() };
    instance.offset = u64::MAX; // a fault that there is not
    rig.uploads.clone().run(active.clone(), plans).await;
    assert!(matches!(&*active.progress.borrow(), active::Progress::Failed(UploadError::Unavailable(_))));
    assert_eq!(active.state().phase, active::Phase::Open, "it is tried again");
}

/// A damaged disk lost a chunk of an upload that was to be completed, and its sender is gone.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_can_never_be_completed_expires_and_one_that_cannot_be_read_stops_no_other() {
    let rig = Rig::new().await;
    let bytes = small_file(1, CHUNK);
    let (lost, good, odd) = (rig.send_all(&[("a", &bytes)]).await, rig.send_all(&[("a", &bytes)]).await, rig.begin(&[("a", &bytes)]).await);
    let store = rig.uploads.inner.store.clone();
    for upload in [lost, good] {
        store.write(move |tx| row::set_state_in(tx, upload, row::RowState::Processing, None)).await.unwrap();
    }
    let garble = move |tx: &redb::WriteTransaction| {
        let table = redb::TableDefinition::<u128, &[u8]>::new("uploads");
        tx.open_table(table).unwrap().insert(odd.upload.0.as_u128(), b"?".as_slice()).unwrap();
        Ok::<_, UploadError>(())
    };
    store.write(garble).await.unwrap();
    drop(store);
    let part = rig.buffer.parts(lost).await.unwrap()[0].object;
    rig.buffer.release_parts(&[part]).await.unwrap();
    let rig = rig.restart().await;
    rig.hand.advance(Duration::from_hours(71));
    assert_eq!(rig.uploads.sweep().await.unwrap(), 0);
    assert_eq!(rig.wait_for(good).await.status, OutcomeStatus::Success);
    assert_eq!(rig.uploads.status(lost, false).await.unwrap().state, UploadState::Processing, "its chunk may be sent again");
    rig.hand.advance(Duration::from_hours(1));
    assert_eq!(rig.uploads.sweep().await.unwrap(), 1);
    assert_eq!(rig.uploads.status(lost, false).await.unwrap().state, UploadState::Expired);
    assert!(rig.buffer.parts(lost).await.unwrap().is_empty(), "its room is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_a_crash_left_behind_are_swept_up() {
    let rig = Rig::new().await;
    let bytes = small_file(1, 100);
    let upload = rig.send_all(&[("a", &bytes)]).await;
    rig.complete(upload).await;
    for (upload, file) in [(upload, "a"), (UploadId(Uuid::from_u128(99)), "x")] {
        let mut writer = rig.buffer.begin_part().unwrap();
        writer.write(b"left").await.unwrap();
        let key = relaypacs_buffer::PartKey { upload, file: file.into(), index: 0 };
        writer.commit_part(key).durable().await.unwrap();
    }
    assert_eq!(rig.buffer.uploads_with_parts().await.unwrap().len(), 2);
    rig.uploads.sweep().await.unwrap();
    assert!(rig.buffer.uploads_with_parts().await.unwrap().is_empty());
    assert_eq!(rig.stored("1.2.3.1").await, [data_set(1, 1, 100)]);
}

/// What the owner was told for keeps, as soon as it is so many.
async fn letters(rig: &Rig, count: usize) -> Vec<(&'static str, String)> {
    let notifications = &rig.uploads.inner.neighbours.notifications;
    for _ in 0..2000 {
        let page = notifications.list(dr_a().user, false, 10, 0).await.unwrap();
        if page.notifications.len() >= count {
            return page.notifications.into_iter().map(|letter| (letter.kind.as_str(), letter.title)).collect();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("nobody was told");
}

/// The follower of the buffer's events, as the box runs it.
fn followed(rig: &Rig) -> tokio_util::sync::CancellationToken {
    let inner = &rig.uploads.inner;
    let parts = crate::events::Parts {
        store: inner.store.clone(),
        buffer: rig.buffer.clone(),
        clock: inner.clock.clone(),
        live: rig.live.clone(),
        notifications: inner.neighbours.notifications.clone(),
        reports: inner.neighbours.reports.clone(),
        uploads: rig.uploads.clone(),
        users_with: Arc::new(|_: &[Role]| Vec::new()),
    };
    let (events, stop) = (crate::events::Events::open(parts).unwrap(), tokio_util::sync::CancellationToken::new());
    tokio::spawn({
        let stop = stop.clone();
        async move { events.run(stop).await }
    });
    stop
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_hear_when_their_studies_are_delivered_once() {
    let rig = Rig::new().await;
    let stop = followed(&rig);
    let bytes = small_file(1, 100);
    let upload = rig.send_all(&[("a", &bytes)]).await;
    rig.complete(upload).await;
    rig.deliver().await;
    assert_eq!(letters(&rig, 1).await, [("upload_complete", "An upload was delivered".to_owned())]);
    // What a crash between telling and noting how far events were followed would do.
    for _ in 0..3 {
        rig.uploads.study_went_on(&"1.9.1".parse().unwrap()).await.unwrap();
    }
    assert_eq!(letters(&rig, 1).await.len(), 1);
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_hear_when_their_studies_are_held_and_when_they_are_delivered_after_all() {
    let rig = Rig::new().await;
    let stop = followed(&rig);
    let bytes = small_file(1, 100);
    let upload = rig.send_all(&[("a", &bytes)]).await;
    rig.complete(upload).await;
    let failure = || relaypacs_domain::Failure::new(relaypacs_domain::FailureCode::Http(409), "refused");
    rig.settle(|| Verdict::Hold(relaypacs_domain::HeldReason::Refused, failure())).await;
    assert_eq!(letters(&rig, 1).await, [("upload_failed", "An upload is held".to_owned())]);
    rig.buffer.retry(&"1.9.1".parse().unwrap(), None).await.unwrap();
    rig.deliver().await;
    let both: std::collections::BTreeSet<_> = letters(&rig, 2).await.into_iter().map(|letter| letter.0).collect();
    assert_eq!(both.into_iter().collect::<Vec<_>>(), ["upload_complete", "upload_failed"]);
    stop.cancel();
}

/// A PACS that has everything before the upload is written down as complete: its news came when nobody knew yet whose study it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_pacs_that_is_quicker_than_the_completion_is_told_of() {
    let rig = Rig::new().await;
    let bytes = small_file(1, 100);
    let upload = rig.send_all(&[("a", &bytes)]).await;
    let active = rig.uploads.active(upload).await.unwrap();
    let outcome = rig.complete(upload).await;
    rig.deliver().await;
    rig.uploads.tell(&active, &outcome).await;
    assert_eq!(letters(&rig, 1).await, [("upload_complete", "An upload was delivered".to_owned())]);
}
