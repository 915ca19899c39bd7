//! Reports: what a radiologist says about a study, from the moment the box has the study until the report can be read and printed.
//!
//! A report is made for every upload and for every study that a modality sent ([`assign_in`], in the transaction that makes it a fact),
//! written on the box or taken over from a PACS, and read by those who may. Every change leaves a line of news in the same transaction; the
//! service's task ([`Reports::run`]) turns each into notifications and live events exactly once, also after a restart.
//!
//! ```text
//! assigned ──► pending ──► ready          any ──► additional_data_required ──► pending
//!                 ▲          │
//!                 └──────────┘ amended
//! ```
//!
//! | table | row |
//! |---|---|
//! | `reports` | report → [`Report`] |
//! | `reports_texts` | report → its text |
//! | `reports_documents` | report → the PDF that came from a PACS, as received |
//! | `reports_by_key` | (Study Instance UID, upload or nil) → report |
//! | `reports_by_scope` | (owner, or one of two well-known scopes; status; report) → () |
//! | `reports_read` | (report, user) → (): the user has seen it as it is |
//! | `reports_read_by_user` | (user, status, report) → () |
//! | `reports_open` | report → when to ask the PACS next |
//! | `reports_news` | number → [`news::News`] |

mod assign;
mod changes;
mod listing;
mod news;
pub mod pdf;
pub(crate) mod print;
mod row;
mod status;
pub mod sync;
mod tables;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::{Arc, OnceLock};

use jiff::tz::TimeZone;
use relaypacs_buffer::Buffer;
use relaypacs_domain::{Clock, ReportId, Role, UploadId, UserId};
use tokio::sync::Notify;

pub use assign::{NewReport, assign_in, delivered_in, describe_in};
pub use changes::ReportChange;
pub use listing::{ReportPage, Unread};
pub use print::{Download, DownloadError};
pub use row::{Details, Origin, Report};
pub use status::{ReportStatus, UnknownStatus};
pub use sync::{SyncError, SyncRound};
use tables::Tables;

use crate::{Store, StoreError, live::Live, notifications::Notifications, pacs::Pacs};

/// Who has one of these roles, for notifications.
pub type UsersWith = dyn Fn(&[Role]) -> Vec<UserId> + Send + Sync;

/// The service. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Reports(Arc<Inner>);

struct Inner {
    store: Store,
    buffer: Buffer,
    letterhead: pdf::Letterhead,
    zone: TimeZone,
    pacs: OnceLock<Arc<dyn Pacs>>,
    clock: Clock,
    live: Live,
    notifications: Notifications,
    users_with: Arc<UsersWith>,
    /// Wakes the task that tells news.
    news: Notify,
}

/// What the service is made of.
pub struct Parts {
    /// Where reports are kept.
    pub store: Store,
    /// What this box received and made.
    pub buffer: Buffer,
    /// The time.
    pub clock: Clock,
    /// Who is told at once.
    pub live: Live,
    /// Who is told for keeps.
    pub notifications: Notifications,
    /// Who has a role.
    pub users_with: Arc<UsersWith>,
    /// What is on every printed report.
    pub letterhead: pdf::Letterhead,
    /// The zone in which printed times are.
    pub zone: TimeZone,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    /// The account.
    pub user: UserId,
    /// Its role.
    pub role: Role,
}

/// Why a report could not be given or changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReportError {
    /// There is no such report, or the asker may not see it.
    #[error("there is no such report")]
    NotFound,
    /// The status cannot follow the present one.
    #[error("a report that is {from} cannot become {to}; it can become {}", .from.next_names())]
    Transition {
        /// What it is.
        from: ReportStatus,
        /// What was asked.
        to: ReportStatus,
    },
    /// A ready report is changed only by taking it back to pending.
    #[error("a ready report is amended by setting its status to pending in the same change")]
    Ready,
    /// A report without a text cannot be ready.
    #[error("a report needs a text before it is ready")]
    Empty,
    /// A text is too long.
    #[error("{field} has at most {most} characters")]
    TooLong {
        /// Which.
        field: &'static str,
        /// The limit in characters.
        most: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Reports {
    /// Opens the service. Blocking.
    pub fn open(parts: Parts) -> Result<Self, StoreError> {
        let Parts { store, buffer, clock, live, notifications, users_with, letterhead, zone } = parts;
        store.write_blocking(|transaction| Tables::open(transaction).map(drop))?;
        let (pacs, news) = (OnceLock::new(), Notify::new());
        Ok(Self(Arc::new(Inner { store, buffer, letterhead, zone, pacs, clock, live, notifications, users_with, news })))
    }

    /// A report, if the viewer may see it, and whether they have read it.
    pub async fn report(&self, viewer: Viewer, id: ReportId) -> Result<(Report, bool), ReportError> {
        self.0.store.read(move |transaction| listing::one(transaction, viewer, id)).await
    }

    /// The report on an upload, if the viewer may see it: the first of several.
    pub async fn of_upload(&self, viewer: Viewer, upload: UploadId) -> Result<(Report, bool), ReportError> {
        self.0.store.read(move |transaction| listing::of_upload(transaction, viewer, upload)).await
    }

    /// The reports on an upload, in the order in which they were made, whoever may see them.
    pub async fn ids_of_upload(&self, upload: UploadId) -> Result<Vec<ReportId>, StoreError> {
        self.0.store.read(move |transaction| listing::ids_of_upload(transaction, upload)).await
    }

    /// The viewer's reports, newest first; `limit` at most 200.
    pub async fn list(&self, viewer: Viewer, status: Option<ReportStatus>, limit: usize, offset: usize) -> Result<ReportPage, StoreError> {
        self.0.store.read(move |transaction| listing::list(transaction, viewer, status, limit.min(200), offset)).await
    }

    /// The viewer has read the report as it is.
    pub async fn mark_read(&self, viewer: Viewer, id: ReportId) -> Result<(), ReportError> {
        self.0.store.write(move |transaction| changes::mark_read(transaction, viewer, id)).await
    }

    /// A radiologist (the caller sees to that) writes or judges a report.
    pub async fn change(&self, viewer: Viewer, id: ReportId, change: ReportChange) -> Result<Report, ReportError> {
        change.check()?;
        let at = self.0.clock.now();
        let changed = self.0.store.write(move |transaction| changes::change_in(transaction, viewer, id, &change, at)).await?;
        self.poke();
        Ok(changed)
    }

    /// Reports were assigned or delivered in somebody's transaction that is now durable: tell the news now and not at the next look.
    pub fn poke(&self) {
        self.0.news.notify_one();
    }
}
