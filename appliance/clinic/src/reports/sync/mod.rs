//! Reports that were written at a PACS: looked for in the study by schedule and when somebody asks, and taken over.
//!
//! Taken over are only complete structured reports of three classes and encapsulated PDFs, never an object that this box received or made,
//! never key objects, CAD results or doses, and never over a text that somebody wrote on the box. Of several the one that was written last.
//! A PACS that is asked in vain is asked more and more seldom: every five minutes on the first day, hourly in the first week, every six
//! hours in the first month, then daily; after 90 days no more. A report that is there is looked after for a week, for amendments.

mod data_set;
mod document;
mod structured;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use redb::{ReadTransaction, WriteTransaction};
use relaypacs_domain::{DestinationName, Failure, ReportId, Timestamp, Uid};
use uuid::Uuid;

pub(super) use document::Said;

use super::{
    Origin, Report, ReportError, ReportStatus, Reports, Viewer,
    news::{News, What},
    tables::{OPEN, ROWS, TEXTS, Tables, row},
};
use crate::{
    StoreError,
    pacs::{Pacs, PacsDocument},
};

/// Largest object fetched, in bytes.
const MAX_BYTES: u64 = 32 << 20;
/// Objects of one study fetched at one look.
const MAX_FETCHED: usize = 16;
/// Studies looked at in one scheduled round; further ones wait for the next.
const MAX_STUDIES: usize = 500;
/// Studies looked at at once.
const AT_ONCE: usize = 4;
/// Pages of the ledger read to know the box's own objects.
const MAX_LEDGER_PAGES: usize = 100;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What a scheduled round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SyncRound {
    /// Studies looked at.
    pub looked_at: usize,
    /// Reports that are new or amended.
    pub taken: usize,
    /// Studies for which a PACS did not answer.
    pub failed: usize,
}

/// Why a PACS could not be asked now.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SyncError {
    /// The report cannot be given.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// No destination can be asked: there is none with DICOMweb.
    #[error("no destination can be asked for reports: none speaks DICOMweb")]
    NoPacs,
    /// None answered.
    #[error("{destination} did not answer: {}", .failure.detail)]
    NoAnswer {
        /// Who was asked.
        destination: DestinationName,
        /// What went wrong.
        failure: Failure,
    },
}

impl From<StoreError> for SyncError {
    fn from(error: StoreError) -> Self {
        Self::Report(error.into())
    }
}

impl Reports {
    /// Says where the PACS are. Once, at start.
    pub fn connect(&self, pacs: Arc<dyn Pacs>) {
        // A second one would be a fault of the caller's that a test of the box shows.
        let _ = self.0.pacs.set(pacs);
    }

    /// Asks the PACS now whether they have a report on this one's study; gives the report as it is then.
    pub async fn sync(&self, viewer: Viewer, id: ReportId) -> Result<(Report, bool), SyncError> {
        let (report, _) = self.report(viewer, id).await?;
        let Some(pacs) = self.0.pacs.get() else { return Err(SyncError::NoPacs) };
        let looked = self.look(pacs, &report.study).await?;
        match looked.failed {
            Some((destination, failure)) if looked.taken == 0 => Err(SyncError::NoAnswer { destination, failure }),
            _ => Ok(self.report(viewer, id).await?),
        }
    }

    /// Looks after all reports that are due. For the schedule: every five minutes.
    pub async fn sync_due(&self) -> Result<SyncRound, StoreError> {
        let Some(pacs) = self.0.pacs.get() else { return Ok(SyncRound::default()) };
        let now = self.0.clock.now();
        let studies: BTreeSet<Uid> = self.0.store.read(move |transaction| due(transaction, now)).await?;
        let mut round = SyncRound::default();
        let looks = studies.into_iter().map(|study| async move { self.look(pacs, &study).await });
        let mut looks = std::pin::pin!(futures_util::StreamExt::buffer_unordered(futures_util::stream::iter(looks), AT_ONCE));
        while let Some(looked) = futures_util::StreamExt::next(&mut looks).await {
            let looked = looked?;
            round.looked_at += 1;
            round.taken += looked.taken;
            round.failed += usize::from(looked.failed.is_some());
        }
        Ok(round)
    }

    /// Looks for reports on one study at every PACS and takes the newest over.
    async fn look(&self, pacs: &Arc<dyn Pacs>, study: &Uid) -> Result<Looked, StoreError> {
        let classes: Vec<Uid> = document::CLASSES.iter().filter_map(|class| class.parse().ok()).collect();
        let answer = pacs.documents(study, &classes).await;
        let mut failed = answer.failed.into_iter().next();
        let own = if answer.documents.is_empty() { HashSet::new() } else { self.own(study).await };
        let known = self.known(study).await?;
        let mut seen = HashSet::new();
        let fresh = answer.documents.into_iter().filter(|found| !own.contains(&found.sop_instance) && !known.contains(&found.sop_instance));
        let fresh: Vec<PacsDocument> = fresh.filter(|found| seen.insert(found.sop_instance.clone())).take(MAX_FETCHED).collect();
        let mut newest: Option<Said> = None;
        for found in &fresh {
            match pacs.fetch(found, MAX_BYTES).await {
                Ok(Some(file)) => match document::read(&file, study, &found.sop_instance) {
                    Ok(said) if newest.as_ref().is_none_or(|known| known.said_at <= said.said_at) => newest = Some(said),
                    Ok(_) => {}
                    Err(why) => tracing::debug!(%study, instance = %found.sop_instance, %why, "an object at the PACS is not taken over"),
                },
                Ok(None) => tracing::debug!(%study, instance = %found.sop_instance, "the PACS does not give an object out"),
                Err(failure) => failed = failed.or(Some((found.destination.clone(), failure))),
            }
        }
        let (of, at, heard) = (study.clone(), self.0.clock.now(), failed.is_none());
        let taken = self.0.store.write(move |transaction| settle(transaction, &of, newest.as_ref(), at, heard)).await?;
        if taken > 0 {
            tracing::info!(%study, reports = taken, "a report was taken over from the PACS");
            self.poke();
        }
        Ok(Looked { taken, failed })
    }

    /// What this box received or made of a study.
    async fn own(&self, study: &Uid) -> HashSet<Uid> {
        let (buffer, study) = (self.0.buffer.clone(), study.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let mut own = HashSet::new();
            let mut cursor: Option<String> = None;
            for _ in 0..MAX_LEDGER_PAGES {
                let Ok(Some(page)) = buffer.ledger(&study, cursor.as_deref(), 1000) else { break };
                own.extend(page.entries.into_iter().map(|entry| entry.sop_instance_uid));
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            own
        });
        asked.await.unwrap_or_default()
    }

    /// What is taken over already by every report on the study.
    async fn known(&self, study: &Uid) -> Result<HashSet<Uid>, StoreError> {
        let study = study.clone();
        self.0
            .store
            .read(move |transaction| {
                let reports = super::listing::of_study(transaction, &study)?;
                let instance = |report: &Report| match &report.origin {
                    Origin::Structured { instance } | Origin::Document { instance } => Some(instance.clone()),
                    Origin::Nowhere | Origin::Written => None,
                };
                let taken: Vec<_> = reports.iter().map(instance).collect();
                let all_have_one = !taken.is_empty() && taken.iter().all(|one| one.is_some() && *one == taken[0]);
                Ok(if all_have_one { taken.into_iter().flatten().collect() } else { HashSet::new() })
            })
            .await
    }
}

/// What a look brought.
struct Looked {
    taken: usize,
    failed: Option<(DestinationName, Failure)>,
}

/// The studies of all reports that are due, at most a round's worth.
fn due(transaction: &ReadTransaction, now: Timestamp) -> Result<BTreeSet<Uid>, StoreError> {
    let open = transaction.open_table(OPEN).map_err(StoreError::failed)?;
    let rows = transaction.open_table(ROWS).map_err(StoreError::failed)?;
    let texts = transaction.open_table(TEXTS).map_err(StoreError::failed)?;
    let mut waiting: Vec<(i64, u128)> = Vec::new();
    for line in redb::ReadableTable::iter(&open).map_err(StoreError::failed)? {
        let (id, due) = line.map_err(StoreError::failed)?;
        // What is due later than the longest pause was noted by a clock that was wrong.
        if due.value() <= now.as_millis() || due.value() > now.as_millis() + 2 * DAY_MS {
            waiting.push((due.value(), id.value()));
        }
    }
    waiting.sort_unstable();
    let mut studies = BTreeSet::new();
    for (_, id) in waiting {
        if studies.len() >= MAX_STUDIES {
            break;
        }
        studies.extend(row(&rows, &texts, ReportId(Uuid::from_u128(id)))?.map(|report| report.study));
    }
    Ok(studies)
}

/// Takes over what was found into every report on the study, and notes when to look again.
fn settle(transaction: &WriteTransaction, study: &Uid, said: Option<&Said>, at: Timestamp, heard: bool) -> Result<usize, StoreError> {
    let mut tables = Tables::open(transaction)?;
    let mut taken = 0;
    for id in tables.of_study(study)? {
        let Some(before) = tables.report(id)? else { continue };
        let mut now = before.clone();
        if let Some(said) = said.filter(|said| is_news(&before, said)) {
            now = took_over(&before, said, at);
            tables.replace(&before, &now)?;
            tables.keep_document(id, said.document.as_deref())?;
            tables.tell(&News { report: id, what: What::Ready, actor: None, at })?;
            taken += 1;
        }
        tables.ask_at(id, next_look(&now, at, heard))?;
    }
    Ok(taken)
}

/// Whether what was found is another and later word than what the report says.
fn is_news(report: &Report, said: &Said) -> bool {
    match &report.origin {
        Origin::Nowhere => true,
        Origin::Written => false,
        Origin::Structured { .. } | Origin::Document { .. } => report.origin != said.origin && report.said_at <= said.said_at,
    }
}

/// The report with what was found. It becomes ready by way of pending, whatever it was.
fn took_over(before: &Report, said: &Said, at: Timestamp) -> Report {
    let mut report = before.clone();
    for next in [ReportStatus::Pending, ReportStatus::Ready] {
        if report.status.may_become(next) {
            report.status = next;
        }
    }
    report.origin = said.origin.clone();
    report.text.clone_from(&said.text);
    report.radiologist_name = said.radiologist_name.clone().or(report.radiologist_name);
    report.said_at.clone_from(&said.said_at);
    report.details.learn(said.details.clone());
    report.updated_at = at;
    report
}

/// When to look again, from how old the report is; `None`: no more.
fn next_look(report: &Report, now: Timestamp, heard: bool) -> Option<i64> {
    let age = |since: Timestamp| now.as_millis().saturating_sub(since.as_millis());
    let pause = match (report.status, &report.origin) {
        (_, Origin::Written) if report.status == ReportStatus::Ready => return None,
        (ReportStatus::Ready, _) if age(report.updated_at) > 7 * DAY_MS => return None,
        (ReportStatus::Ready, _) => HOUR_MS,
        _ => match age(report.created_at) / DAY_MS {
            ..1 => 5 * MINUTE_MS - 10_000,
            1..7 => HOUR_MS,
            7..30 => 6 * HOUR_MS,
            30..90 => DAY_MS,
            _ => return None,
        },
    };
    // Who did not answer is asked at the next round.
    Some(now.as_millis() + if heard { pause } else { pause.min(5 * MINUTE_MS - 10_000) })
}

/// Longest time somebody waits for the PACS when they ask.
pub const LONGEST_WAIT: Duration = Duration::from_secs(15);
