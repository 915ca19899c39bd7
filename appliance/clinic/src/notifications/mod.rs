//! What people are told: kept until they delete it, shown at once on open pages, sent on by push, e-mail and webhook.
//!
//! A notification is added in the transaction of what it tells about ([`Notifications::add_in`]); once that is durable,
//! [`Notifications::announce`] shows it. What goes out of the box says what kind of thing happened and never whose study it was.
//!
//! | table | row |
//! |---|---|
//! | `notifications` | (user, notification) → [`Notification`] |
//! | `notifications_unread` | (user, notification) → () |
//! | `notifications_outbox`, `notifications_push` | in [`channels`] |

mod channels;
mod kind;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use relaypacs_domain::{NotificationId, ReportId, Timestamp, Uid, UploadId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Notify;
use uuid::Uuid;

use channels::{Content, Letter};

pub use crate::live::Audience;
pub use channels::{
    ChannelError, ChannelOptions, Channels, FindRecipient, MailOptions, MailSecurity, PushError, Recipient, Subscription, VapidKey,
    WebhookOptions,
};
pub use kind::NotificationKind;

use crate::{
    Store, StoreError,
    ids::new_id,
    live::{Live, LiveEvent, LiveKind},
    store::{decode, encode},
};

type Key = (u128, u128);
const ROWS: TableDefinition<'static, Key, &[u8]> = TableDefinition::new("notifications");
const UNREAD: TableDefinition<'static, Key, ()> = TableDefinition::new("notifications_unread");
const ROWS_NAME: &str = "notifications";

/// Notifications kept for one person; the oldest go first.
const MAX_PER_USER: usize = 1000;
/// Longest title in characters.
const MAX_TITLE: usize = 120;
/// Longest message in characters.
const MAX_MESSAGE: usize = 500;

/// The service. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Notifications {
    store: Store,
    live: Live,
    vapid: VapidKey,
    channels: Arc<OnceLock<Channels>>,
    /// Wakes the task that sends letters out.
    letters: Arc<Notify>,
}

/// Something to tell.
#[derive(Debug, Clone)]
pub struct NewNotification {
    /// What kind of thing happened.
    pub kind: NotificationKind,
    /// In a few words (cut to 120 characters).
    pub title: String,
    /// In a sentence (cut to 500 characters). Shown to signed-in people only, so it may name the patient.
    pub message: String,
    /// The upload it is about.
    pub upload: Option<UploadId>,
    /// The report it is about.
    pub report: Option<ReportId>,
    /// The study it is about.
    pub study: Option<Uid>,
    /// When it happened.
    pub at: Timestamp,
}

/// What somebody was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Its name.
    pub id: NotificationId,
    /// Who was told.
    pub user: UserId,
    /// What kind of thing happened.
    pub kind: NotificationKind,
    /// In a few words.
    pub title: String,
    /// In a sentence.
    pub message: String,
    /// The upload it is about.
    pub upload: Option<UploadId>,
    /// The report it is about.
    pub report: Option<ReportId>,
    /// The study it is about.
    pub study: Option<Uid>,
    /// Whether it was read.
    pub is_read: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A page of somebody's notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationPage {
    /// Newest first.
    pub notifications: Vec<Notification>,
    /// How many are unread in all.
    pub unread_count: u64,
    /// How many match in all.
    pub total: u64,
}

/// Why a notification could not be changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotificationError {
    /// There is none of this name among the asker's.
    #[error("there is no such notification")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Notifications {
    /// Opens the service. Blocking.
    pub fn open(store: Store, live: Live, vapid: VapidKey) -> Result<Self, StoreError> {
        store.write_blocking(|transaction| {
            transaction.open_table(ROWS).map_err(StoreError::failed)?;
            transaction.open_table(UNREAD).map_err(StoreError::failed)?;
            channels::open_tables(transaction)
        })?;
        Ok(Self { store, live, vapid, channels: Arc::default(), letters: Arc::default() })
    }

    /// Says by which ways notifications leave the box. Once, at start.
    pub fn connect(&self, channels: Channels) {
        // A second one would be a fault of the caller's; the first stays.
        let _ = self.channels.set(channels);
    }

    /// Tells these people, durably with the rest of the transaction. Give what it returns to [`Notifications::announce`] after the commit.
    pub fn add_in(transaction: &WriteTransaction, to: &[UserId], new: &NewNotification) -> Result<Vec<Notification>, StoreError> {
        let mut rows = transaction.open_table(ROWS).map_err(StoreError::failed)?;
        let mut unread = transaction.open_table(UNREAD).map_err(StoreError::failed)?;
        let mut added = Vec::with_capacity(to.len());
        for user in to {
            let notification = new.to(*user);
            let key = (user.0.as_u128(), notification.id.0.as_u128());
            rows.insert(key, encode(ROWS_NAME, &notification)?.as_slice()).map_err(StoreError::failed)?;
            unread.insert(key, ()).map_err(StoreError::failed)?;
            for old in beyond(&rows, *user)? {
                rows.remove(old).map_err(StoreError::failed)?;
                unread.remove(old).map_err(StoreError::failed)?;
            }
            added.push(notification);
        }
        drop((rows, unread));
        if !to.is_empty() {
            let content = new.outside();
            let people = to.iter().map(|user| Letter::Person { user: *user, content: content.clone() });
            let webhook = Letter::Webhook { id: new_id(new.at), content: content.clone() };
            channels::note(transaction, people.chain([webhook]).collect())?;
        }
        Ok(added)
    }

    /// Shows what was added, after the commit: on open pages at once, and by the channels that are configured.
    pub fn announce(&self, added: Vec<Notification>) {
        for notification in added {
            let user = notification.user;
            self.live.publish(LiveEvent { audience: Audience::User(user), kind: LiveKind::Notification, json: notification.to_json() });
            self.tell_unread(user);
        }
        self.letters.notify_one();
    }

    /// Tells these people on its own.
    pub async fn add(&self, to: Vec<UserId>, new: NewNotification) -> Result<(), StoreError> {
        let added = self.store.write(move |transaction| Self::add_in(transaction, &to, &new)).await?;
        self.announce(added);
        Ok(())
    }

    /// A page of somebody's notifications, newest first; `limit` at most 200.
    pub async fn list(&self, user: UserId, unread_only: bool, limit: usize, offset: usize) -> Result<NotificationPage, StoreError> {
        self.store
            .read(move |transaction| {
                let rows = transaction.open_table(ROWS).map_err(StoreError::failed)?;
                let unread = transaction.open_table(UNREAD).map_err(StoreError::failed)?;
                let mut page = NotificationPage { notifications: Vec::new(), unread_count: unread_of(transaction, user)?, total: 0 };
                for row in rows.range(all_of(user)).map_err(StoreError::failed)?.rev() {
                    let (key, value) = row.map_err(StoreError::failed)?;
                    let is_unread = unread.get(key.value()).map_err(StoreError::failed)?.is_some();
                    if unread_only && !is_unread {
                        continue;
                    }
                    let at = usize::try_from(page.total).unwrap_or(usize::MAX);
                    if at >= offset && page.notifications.len() < limit.min(200) {
                        let notification: Notification = decode(ROWS_NAME, value.value())?;
                        page.notifications.push(Notification { is_read: !is_unread, ..notification });
                    }
                    page.total += 1;
                }
                Ok(page)
            })
            .await
    }

    /// How many of somebody's notifications are unread.
    pub async fn unread_count(&self, user: UserId) -> Result<u64, StoreError> {
        self.store.read(move |transaction| unread_of(transaction, user)).await
    }

    /// Marks one as read or unread; gives it as it is then.
    pub async fn mark(&self, user: UserId, id: NotificationId, read: bool) -> Result<Notification, NotificationError> {
        let marked = self
            .store
            .write(move |transaction| {
                let rows = transaction.open_table(ROWS).map_err(StoreError::failed)?;
                let mut unread = transaction.open_table(UNREAD).map_err(StoreError::failed)?;
                let key = (user.0.as_u128(), id.0.as_u128());
                let row = rows.get(key).map_err(StoreError::failed)?.ok_or(NotificationError::NotFound)?;
                let notification: Notification = decode(ROWS_NAME, row.value())?;
                if read {
                    unread.remove(key).map_err(StoreError::failed)?;
                } else {
                    unread.insert(key, ()).map_err(StoreError::failed)?;
                }
                Ok::<_, NotificationError>(Notification { is_read: read, ..notification })
            })
            .await?;
        self.tell_unread(user);
        Ok(marked)
    }

    /// Marks all of somebody's notifications as read; gives how many were not.
    pub async fn mark_all_read(&self, user: UserId) -> Result<u64, StoreError> {
        let marked = self
            .store
            .write(move |transaction| {
                let mut unread = transaction.open_table(UNREAD).map_err(StoreError::failed)?;
                let mut marked = 0;
                unread
                    .retain_in(all_of(user), |_, ()| {
                        marked += 1;
                        false
                    })
                    .map_err(StoreError::failed)?;
                Ok::<u64, StoreError>(marked)
            })
            .await?;
        self.tell_unread(user);
        Ok(marked)
    }

    /// Deletes one.
    pub async fn delete(&self, user: UserId, id: NotificationId) -> Result<(), NotificationError> {
        self.store
            .write(move |transaction| {
                let mut rows = transaction.open_table(ROWS).map_err(StoreError::failed)?;
                let mut unread = transaction.open_table(UNREAD).map_err(StoreError::failed)?;
                let key = (user.0.as_u128(), id.0.as_u128());
                unread.remove(key).map_err(StoreError::failed)?;
                let removed = rows.remove(key).map_err(StoreError::failed)?.is_some();
                if removed { Ok(()) } else { Err(NotificationError::NotFound) }
            })
            .await?;
        self.tell_unread(user);
        Ok(())
    }

    /// Pushes what somebody is told to a browser of theirs, too.
    pub async fn subscribe(&self, user: UserId, subscription: Subscription) -> Result<(), StoreError> {
        self.store.write(move |transaction| channels::subscribe(transaction, user, &subscription)).await
    }

    /// Pushes no more to a browser.
    pub async fn unsubscribe(&self, user: UserId, endpoint: String) -> Result<(), StoreError> {
        self.store.write(move |transaction| channels::unsubscribe(transaction, user, &endpoint)).await
    }

    /// The public key with which pushes are signed: P-256 uncompressed, base64url.
    pub fn vapid_key(&self) -> String {
        self.vapid.public()
    }

    /// Tells open pages how many are unread.
    fn tell_unread(&self, user: UserId) {
        match self.store.read_blocking(|transaction| unread_of(transaction, user)) {
            Ok(count) => {
                let audience = Audience::User(user);
                self.live.publish(LiveEvent { audience, kind: LiveKind::UnreadCount, json: json!({"count": count}) });
            }
            Err(error) => tracing::warn!(%error, "unread notifications cannot be counted"),
        }
    }
}

impl NewNotification {
    /// What may be said of it outside the box.
    fn outside(&self) -> Content {
        Content { kind: self.kind, upload: self.upload, report: self.report, study: self.study.clone(), at: self.at }
    }

    fn to(&self, user: UserId) -> Notification {
        let cut = |text: &str, most| text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most).collect();
        Notification {
            id: NotificationId(new_id(self.at)),
            user,
            kind: self.kind,
            title: cut(&self.title, MAX_TITLE),
            message: cut(&self.message, MAX_MESSAGE),
            upload: self.upload,
            report: self.report,
            study: self.study.clone(),
            is_read: false,
            created_at: self.at,
        }
    }
}

impl Notification {
    /// The body of the API.
    pub fn to_json(&self) -> serde_json::Value {
        let mut body = json!({
            "id": self.id,
            "user_id": self.user,
            "notification_type": self.kind.as_str(),
            "type": self.kind.as_str(),
            "title": self.title,
            "message": self.message,
            "is_read": self.is_read,
            "created_at": self.created_at.to_string(),
        });
        let mut also = |name: &str, value: Option<String>| {
            if let (Some(value), Some(body)) = (value, body.as_object_mut()) {
                body.insert(name.into(), value.into());
            }
        };
        also("related_upload_id", self.upload.map(|id| id.to_string()));
        also("related_report_id", self.report.map(|id| id.to_string()));
        also("related_study_uid", self.study.as_ref().map(ToString::to_string));
        body
    }
}

/// The keys of everything that is somebody's.
fn all_of(user: UserId) -> std::ops::RangeInclusive<Key> {
    let user = user.0.as_u128();
    (user, Uuid::nil().as_u128())..=(user, Uuid::max().as_u128())
}

fn unread_of(transaction: &ReadTransaction, user: UserId) -> Result<u64, StoreError> {
    let unread = transaction.open_table(UNREAD).map_err(StoreError::failed)?;
    Ok(unread.range(all_of(user)).map_err(StoreError::failed)?.count() as u64)
}

/// The keys of somebody's oldest notifications beyond the limit.
fn beyond(rows: &impl ReadableTable<Key, &'static [u8]>, user: UserId) -> Result<Vec<Key>, StoreError> {
    let newest_first = rows.range(all_of(user)).map_err(StoreError::failed)?.rev();
    newest_first.skip(MAX_PER_USER).map(|row| row.map(|(key, _)| key.value()).map_err(StoreError::failed)).collect()
}
