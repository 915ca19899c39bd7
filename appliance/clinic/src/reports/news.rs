//! News of reports: noted with the change, told once.

use std::time::Duration;

use redb::{ReadTransaction, WriteTransaction};
use relaypacs_domain::{ReportId, Role, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{
    Report, Reports,
    tables::{NEWS, NEWS_NAME, ROWS, TEXTS, row},
};
use crate::{
    StoreError,
    live::{Audience, LiveEvent, LiveKind},
    notifications::{NewNotification, Notification, NotificationKind, Notifications},
    store::decode,
};

/// Who reads reports on uploads, beside the owner.
const READERS: &[Role] = &[Role::Radiologist, Role::Admin];
/// Who reads reports on what modalities sent.
const MODALITY_READERS: &[Role] = &[Role::Radiographer, Role::Radiologist, Role::Admin];
/// Told at a time.
const BATCH: usize = 64;
/// How often it is looked for news that nobody has pointed at.
const EVERY: Duration = Duration::from_secs(1);
/// What is older than this (wall clock) is shown but no longer notified: a box that was off for long does not ring for everything.
const TOO_OLD_MS: i64 = 86_400_000;

/// Something that happened to a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct News {
    pub(super) report: ReportId,
    pub(super) what: What,
    /// Who did it: they need no notification.
    pub(super) actor: Option<UserId>,
    pub(super) at: Timestamp,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum What {
    Assigned,
    Changed,
    Ready,
    AdditionalDataRequired,
}

impl Reports {
    /// Tells news until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        loop {
            let told = match self.tell_news().await {
                Ok(told) => told,
                Err(error) => {
                    tracing::warn!(%error, "news of reports cannot be told now");
                    0
                }
            };
            if stop.is_cancelled() {
                return;
            }
            if told < BATCH {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = self.0.news.notified() => {}
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
        }
    }

    /// Tells the oldest news, at most a batch; gives how many.
    pub(crate) async fn tell_news(&self) -> Result<usize, StoreError> {
        let waiting = self.0.store.read(waiting).await?;
        let (Some((last, ..)), told) = (waiting.last().cloned(), waiting.len()) else { return Ok(0) };
        let now = self.0.clock.now();
        let letters: Vec<(Vec<UserId>, NewNotification)> = waiting
            .iter()
            .filter(|(_, news, _)| now.as_millis().saturating_sub(news.at.as_millis()) <= TOO_OLD_MS)
            .filter_map(|(_, news, report)| Some((self.recipients(news, report), letter(news, report)?)))
            .collect();
        let added = self.0.store.write(move |transaction| settle(transaction, last, &letters)).await?;
        for (_, _, report) in &waiting {
            self.0.live.publish(LiveEvent { audience: audience(report), kind: LiveKind::Report, json: report.to_json(false) });
        }
        self.0.notifications.announce(added);
        Ok(told)
    }

    fn recipients(&self, news: &News, report: &Report) -> Vec<UserId> {
        let roles: &[Role] = match (report.user, news.what) {
            (None, _) => MODALITY_READERS,
            // Who uploaded it waits for it; who reads it must know that there is something to read.
            (Some(_), What::Assigned) => &[Role::Radiologist],
            (Some(_), _) => &[],
        };
        let mut users: Vec<UserId> = report.user.into_iter().collect();
        if !roles.is_empty() {
            users.extend((self.0.users_with)(roles));
        }
        users.retain(|user| news.actor != Some(*user));
        users.sort_unstable();
        users.dedup();
        users
    }
}

fn waiting(transaction: &ReadTransaction) -> Result<Vec<(u64, News, Report)>, StoreError> {
    let news = transaction.open_table(NEWS).map_err(StoreError::failed)?;
    let rows = transaction.open_table(ROWS).map_err(StoreError::failed)?;
    let texts = transaction.open_table(TEXTS).map_err(StoreError::failed)?;
    let mut waiting = Vec::new();
    for line in news.range::<u64>(..).map_err(StoreError::failed)?.take(BATCH) {
        let (number, line) = line.map_err(StoreError::failed)?;
        let line: News = decode(NEWS_NAME, line.value())?;
        if let Some(report) = row(&rows, &texts, line.report)? {
            waiting.push((number.value(), line, report));
        }
    }
    Ok(waiting)
}

/// Adds the notifications and takes the news off, in one.
fn settle(transaction: &WriteTransaction, last: u64, letters: &[(Vec<UserId>, NewNotification)]) -> Result<Vec<Notification>, StoreError> {
    let mut news = transaction.open_table(NEWS).map_err(StoreError::failed)?;
    news.retain_in(..=last, |_, _| false).map_err(StoreError::failed)?;
    let mut added = Vec::new();
    for (to, letter) in letters {
        added.extend(Notifications::add_in(transaction, to, letter)?);
    }
    Ok(added)
}

fn letter(news: &News, report: &Report) -> Option<NewNotification> {
    let about = about(report);
    let (kind, title, message) = match news.what {
        What::Changed => return None,
        What::Assigned => {
            (NotificationKind::ReportAssigned, "Study waits for its report", format!("{about} is on the box and waits for its report."))
        }
        What::Ready => (NotificationKind::ReportReady, "Report ready", format!("The report on {about} can be read.")),
        What::AdditionalDataRequired => {
            (NotificationKind::AdditionalDataRequired, "More data needed", format!("The radiologist needs more on {about}."))
        }
    };
    Some(NewNotification {
        kind,
        title: title.into(),
        message,
        upload: report.upload,
        report: Some(report.id),
        study: Some(report.study.clone()),
        at: news.at,
    })
}

/// A study in a few words, for signed-in people.
fn about(report: &Report) -> String {
    let name = report.patient_name.as_deref().map(|name| name.replace('^', " ").trim().to_owned()).filter(|name| !name.is_empty());
    let what = report.study_description.as_deref().filter(|text| !text.is_empty());
    [Some(report.modality.as_str()), what, name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn audience(report: &Report) -> Audience {
    match report.user {
        Some(owner) => Audience::UserAndRoles(owner, READERS),
        None if report.upload.is_some() => Audience::Roles(READERS),
        None => Audience::Roles(MODALITY_READERS),
    }
}
