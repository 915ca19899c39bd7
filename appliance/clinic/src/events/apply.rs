//! What an event causes, in one transaction with the cursor.

use std::time::Duration;

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata, WriteTransaction};
use relaypacs_buffer::Study;
use relaypacs_domain::{DestinationName, Event, EventKind, HeldReason, SourceKind, Timestamp, Uid, UserId};

use super::{BUFFER, CURSOR, TOLD};
use crate::{
    StoreError,
    notifications::{NewNotification, Notification, NotificationKind, Notifications},
    reports::{self, Details, NewReport},
    statistics::{self, StudyArrived},
};

/// What is older than this is followed but not notified: a box that was off for long, or that met its clinic late, does not ring for it all.
const TOO_OLD_MS: i64 = 86_400_000;
/// The same trouble is told again after this time.
const AGAIN_MS: i64 = 86_400_000;
/// Troubles remembered at most; then the older ones go.
const MAX_TOLD: u64 = 10_000;

/// How far following is.
pub(super) struct Followed {
    pub(super) cursor: u64,
    /// There may be more to follow at once.
    pub(super) more: bool,
}

/// The number of the last event followed.
pub(super) fn cursor(transaction: &ReadTransaction) -> Result<u64, StoreError> {
    let table = transaction.open_table(CURSOR).map_err(StoreError::failed)?;
    Ok(table.get(BUFFER).map_err(StoreError::failed)?.map_or(0, |seq| seq.value()))
}

pub(super) fn set_cursor(transaction: &WriteTransaction, seq: u64) -> Result<(), StoreError> {
    let mut table = transaction.open_table(CURSOR).map_err(StoreError::failed)?;
    table.insert(BUFFER, seq).map_err(StoreError::failed)?;
    Ok(())
}

/// Applies events that follow `cursor`. Nothing happens if they were followed meanwhile.
pub(super) fn apply(
    transaction: &WriteTransaction,
    cursor: u64,
    events: &[(Event, Option<Study>)],
    technicians: &[UserId],
    now: Timestamp,
) -> Result<Vec<Notification>, StoreError> {
    let followed = {
        let table = transaction.open_table(CURSOR).map_err(StoreError::failed)?;

        table.get(BUFFER).map_err(StoreError::failed)?.map_or(0, |seq| seq.value())
    };
    let Some(last) = events.last().map(|(event, _)| event.seq).filter(|_| followed == cursor) else { return Ok(Vec::new()) };
    let mut added = Vec::new();
    for (event, study) in events {
        cause(transaction, event, study.as_ref())?;
        let recent = now.as_millis().saturating_sub(event.at.as_millis()) <= TOO_OLD_MS;
        if let Some((key, letter)) = letter(event).filter(|_| recent)
            && first_time(transaction, &key, event.at)?
        {
            added.extend(Notifications::add_in(transaction, technicians, &letter)?);
        }
    }
    set_cursor(transaction, last)?;
    Ok(added)
}

/// Reports and statistics.
fn cause(transaction: &WriteTransaction, event: &Event, study: Option<&Study>) -> Result<(), StoreError> {
    match (&event.kind, study) {
        (EventKind::StudyComplete { study: uid, bytes, .. }, Some(study)) => {
            if study.source == SourceKind::Dicom {
                arrived(transaction, uid, *bytes, event.at, study)?;
            }
            let details = Details {
                patient_id: study.patient_id.clone(),
                study_date: study.study_date.clone(),
                accession_number: study.accession_number.clone(),
                ..Details::default()
            };
            reports::describe_in(transaction, uid, &details)
        }
        (EventKind::StudyDelivered { study: uid, destination }, study) => {
            if let Some(delay) = study.and_then(|study| delay(study, destination)) {
                statistics::record_delivery_in(transaction, uid, destination, event.at, delay)?;
            }
            forget(transaction, uid, Some(destination))?;
            reports::delivered_in(transaction, uid, event.at)
        }
        (EventKind::GivenUp { study, destination }, _) => forget(transaction, study, Some(destination)),
        _ => Ok(()),
    }
}

/// A study that a modality sent is complete: counted, and to be reported.
fn arrived(transaction: &WriteTransaction, uid: &Uid, bytes: u64, at: Timestamp, study: &Study) -> Result<(), StoreError> {
    let modality = study.modalities.first().cloned().unwrap_or_default();
    let counted = StudyArrived { study: uid.clone(), bytes, at, modality: modality.clone(), service_level: study.service_level };
    statistics::record_study_in(transaction, &counted)?;
    let new = NewReport {
        upload: None,
        study: uid.clone(),
        user: None,
        patient_name: study.patient_name.clone(),
        modality,
        study_description: study.description.clone(),
        service_level: study.service_level,
        at,
    };
    reports::assign_in(transaction, &new).map(drop)
}

/// From the acknowledgement of the first instance to the proof of the last.
fn delay(study: &Study, destination: &DestinationName) -> Option<Duration> {
    let delivery = study.deliveries.iter().find(|delivery| delivery.destination.as_ref() == Some(destination))?;
    let millis = delivery.proven_at?.as_millis().saturating_sub(study.received_at.as_millis());
    u64::try_from(millis).ok().map(Duration::from_millis)
}

/// What technicians are told of an event, and what names the trouble.
fn letter(event: &Event) -> Option<(String, NewNotification)> {
    let new = |kind, title: &str, message: String, study: Option<&Uid>| NewNotification {
        kind,
        title: title.into(),
        message,
        upload: None,
        report: None,
        study: study.cloned(),
        at: event.at,
    };
    match &event.kind {
        EventKind::StudyHeld { study, destination, reason } => {
            let key = held_key(study.as_ref(), destination.as_ref());
            let message = held_message(destination.as_ref(), *reason);
            Some((key, new(NotificationKind::StudyHeld, "Study held", message, study.as_ref())))
        }
        EventKind::DiskLow => {
            let message = "The buffer is filling up. Studies are still taken; see what waits and why.".into();
            Some(("disk_low".into(), new(NotificationKind::DiskLow, "Disk filling up", message, None)))
        }
        EventKind::DiskFull => {
            let message = "The buffer is full: no more studies are taken until some are delivered.".into();
            Some(("disk_full".into(), new(NotificationKind::DiskLow, "Disk full", message, None)))
        }
        _ => None,
    }
}

fn held_message(destination: Option<&DestinationName>, reason: HeldReason) -> String {
    let (why, what) = (reason.as_str().replace('_', " "), reason.what_to_do());
    match destination {
        Some(destination) => format!("A study is held for {destination} ({why}): {what}."),
        None => format!("A study is held ({why}): {what}."),
    }
}

fn held_key(study: Option<&Uid>, destination: Option<&DestinationName>) -> String {
    let (study, destination) = (study.map_or("", Uid::as_str), destination.map_or("", DestinationName::as_str));
    format!("held|{study}|{destination}")
}

/// Whether this trouble was not told lately; notes that it is now.
fn first_time(transaction: &WriteTransaction, key: &str, at: Timestamp) -> Result<bool, StoreError> {
    let mut told = transaction.open_table(TOLD).map_err(StoreError::failed)?;
    let last = told.get(key).map_err(StoreError::failed)?.map(|at| at.value());
    // A clock that was ahead does not silence the box for longer.
    if last.is_some_and(|last| at.as_millis().abs_diff(last) < AGAIN_MS.unsigned_abs()) {
        return Ok(false);
    }
    if told.len().map_err(StoreError::failed)? >= MAX_TOLD {
        told.retain(|_, last| at.as_millis().saturating_sub(last) < AGAIN_MS).map_err(StoreError::failed)?;
    }
    told.insert(key, at.as_millis()).map_err(StoreError::failed)?;
    Ok(true)
}

/// A trouble is over: should it come again, it is told again.
fn forget(transaction: &WriteTransaction, study: &Uid, destination: Option<&DestinationName>) -> Result<(), StoreError> {
    let mut told = transaction.open_table(TOLD).map_err(StoreError::failed)?;
    told.remove(held_key(Some(study), destination).as_str()).map_err(StoreError::failed)?;
    Ok(())
}
