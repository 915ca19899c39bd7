//! Ways out of the box for notifications: web push, e-mail, webhook.
//!
//! What is to go out is noted in the transaction of the notification (`notifications_outbox`) and taken off once it has gone or cannot, so a
//! restart loses nothing. Each letter is tried seven times within about a day. What goes out says what kind of thing happened and
//! names report and study by their ids, never a patient.

mod client;
mod encrypt;
mod mail;
mod outbox;
mod push;
#[cfg(test)]
mod tests;
mod vapid;
mod webhook;

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, future::BoxFuture, stream};
use relaypacs_domain::{Clock, UserId};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

pub use mail::{MailOptions, MailSecurity};
pub(super) use outbox::{Letter, note, open_tables};
pub use push::{PushError, Subscription};
pub(super) use push::{subscribe, unsubscribe};
pub use vapid::VapidKey;
pub use webhook::WebhookOptions;

use super::{NotificationKind, Notifications};
use crate::StoreError;
use mail::Mailer;
use outbox::Due;
use push::Pusher;
use webhook::Webhook;

/// Letters sent at once.
const AT_ONCE: usize = 8;
/// How often it is looked for letters that are due again, if none is due before.
const EVERY: Duration = Duration::from_secs(5);

/// By which ways notifications leave the box.
#[derive(Debug, Clone, Default)]
pub struct ChannelOptions {
    /// The site's name, as e-mails give it.
    pub site: String,
    /// Whom a push service may write to about this box: `mailto:…` or `https://…`; empty: nobody is named.
    pub push_contact: String,
    /// Whether push services may be in the clinic's own network or speak plain HTTP.
    pub push_private: bool,
    /// E-mail, where it is configured.
    pub mail: Option<MailOptions>,
    /// A webhook, where it is configured.
    pub webhook: Option<WebhookOptions>,
}

/// A way cannot be used as it is configured.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct ChannelError {
    /// Which setting.
    pub field: &'static str,
    /// Why not.
    pub reason: String,
}

/// Whom a letter is for, and how they want to be told.
#[derive(Debug, Clone, Default)]
pub struct Recipient {
    /// Where they get mail.
    pub email: String,
    /// Whether they want pushes.
    pub wants_push: bool,
    /// Whether they want e-mails.
    pub wants_email: bool,
    /// Of these types; empty: of all.
    pub types: Vec<String>,
}

/// Looks a recipient up; `None`: there is nobody, or they cannot sign in any more.
pub type FindRecipient = dyn Fn(UserId) -> BoxFuture<'static, Option<Recipient>> + Send + Sync;

/// The ways out, ready to be used.
pub struct Channels {
    clock: Clock,
    find: Arc<FindRecipient>,
    push: Pusher,
    mail: Option<Mailer>,
    webhook: Option<Webhook>,
}

/// What came of sending a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sent {
    /// It is there, or nobody wants it.
    Done,
    /// It may be taken later; not before this time, where the other side said so.
    Later(Option<Duration>, String),
    /// It will never be taken.
    Never(String),
}

impl Channels {
    /// Makes the ways ready; nothing is sent yet.
    pub fn new(options: ChannelOptions, key: VapidKey, clock: Clock, find: Arc<FindRecipient>) -> Result<Self, ChannelError> {
        let ChannelOptions { site, push_contact, push_private, mail, webhook } = options;
        Ok(Self {
            push: Pusher::new(key, push_contact, push_private, clock.clone())?,
            mail: mail.map(|options| Mailer::new(options, &site)).transpose()?,
            webhook: webhook.map(|options| Webhook::new(options, clock.clone())).transpose()?,
            clock,
            find,
        })
    }
}

impl Notifications {
    /// Sends what is noted until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let sent = match self.channels.get() {
                Some(channels) => self.send_due(channels).await,
                None => Ok(0),
            };
            match sent {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::warn!(%error, "notifications cannot be sent out now"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.letters.notified() => {}
                () = tokio::time::sleep(self.pause().await) => {}
            }
        }
    }

    /// How long to wait for the next letter that is tried again.
    async fn pause(&self) -> Duration {
        let next = self.store.read(outbox::next_due).await.ok().flatten();
        let (Some(next), Some(channels)) = (next, self.channels.get()) else { return EVERY };
        let left = next.as_millis().saturating_sub(channels.clock.now().as_millis());
        // One that is due at once could not be noted or sent: not in a tight loop.
        u64::try_from(left).ok().filter(|left| *left > 0).map_or(EVERY, |left| Duration::from_millis(left).min(EVERY))
    }

    /// Sends the letters that are due, at most a batch; gives how many.
    async fn send_due(&self, channels: &Channels) -> Result<usize, StoreError> {
        let now = channels.clock.now();
        let due = self.store.read(move |transaction| outbox::due(transaction, now)).await?;
        let count = due.len();
        let sending = due.into_iter().map(|due| async move {
            let sent = self.deliver(channels, &due.letter).await;
            (due, sent)
        });
        let mut sending = std::pin::pin!(stream::iter(sending).buffer_unordered(AT_ONCE));
        while let Some((due, sent)) = sending.next().await {
            self.settle(channels, due, sent).await?;
        }
        Ok(count)
    }

    async fn settle(&self, channels: &Channels, due: Due, sent: Sent) -> Result<(), StoreError> {
        let now = channels.clock.now();
        match &sent {
            Sent::Done => {}
            Sent::Later(_, why) => {
                tracing::info!(way = due.letter.way(), tries = due.tries + 1, why, "a notification could not be sent out");
            }
            Sent::Never(why) => tracing::warn!(way = due.letter.way(), why, "a notification is not taken"),
        }
        let first = channels.mail.as_ref().filter(|_| matches!(due.letter, Letter::Mail { .. })).map(|mailer| mailer.first_retry);
        self.store.write(move |transaction| outbox::settle(transaction, &due, &sent, first, now)).await
    }

    async fn deliver(&self, channels: &Channels, letter: &Letter) -> Sent {
        match letter {
            Letter::Person { user, content } => {
                let Some(recipient) = (channels.find)(*user).await else { return Sent::Done };
                let wanted = recipient.types.is_empty() || recipient.types.iter().any(|kind| kind == content.kind.as_str());
                if !wanted {
                    return Sent::Done;
                }
                let (user, content) = (*user, content.clone());
                let email = (recipient.wants_email && channels.mail.is_some()).then_some(recipient.email);
                // Each way gets a letter of its own, so that one that fails is not sent again by the others.
                let split = move |transaction: &redb::WriteTransaction| {
                    outbox::split(transaction, user, recipient.wants_push, email.as_deref(), &content)
                };
                match self.store.write(split).await {
                    Ok(()) => Sent::Done,
                    Err(error) => Sent::Later(None, error.to_string()),
                }
            }
            Letter::Push { user, endpoint, content } => {
                let (of, at) = (*user, endpoint.clone());
                let found = self.store.read(move |transaction| push::find(transaction, of, &at)).await;
                let Ok(Some(subscription)) = found else { return Sent::Done };
                let (sent, gone) = channels.push.send(&subscription, &content.outside()).await;
                if gone && let Err(error) = self.unsubscribe(*user, endpoint.clone()).await {
                    tracing::warn!(%error, "a subscription that is gone cannot be forgotten");
                }
                sent
            }
            Letter::Mail { to, content } => match &channels.mail {
                Some(mailer) => mailer.send(to, content.kind).await,
                None => Sent::Done,
            },
            Letter::Webhook { id, content } => match &channels.webhook {
                Some(webhook) => webhook.send(*id, content).await,
                None => Sent::Done,
            },
        }
    }
}

/// What may be said of a notification outside.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Content {
    pub(super) kind: NotificationKind,
    pub(super) upload: Option<relaypacs_domain::UploadId>,
    pub(super) report: Option<relaypacs_domain::ReportId>,
    pub(super) study: Option<relaypacs_domain::Uid>,
    pub(super) at: relaypacs_domain::Timestamp,
}

impl Content {
    /// The body of a push or a webhook.
    pub(super) fn outside(&self) -> Value {
        let (title, message) = self.kind.outside();
        let mut data = json!({"type": self.kind.as_str(), "title": title, "body": message, "created_at": self.at.to_string()});
        if let Some(members) = data.as_object_mut() {
            let named = [
                ("related_upload_id", self.upload.map(|id| id.to_string())),
                ("related_report_id", self.report.map(|id| id.to_string())),
                ("related_study_uid", self.study.as_ref().map(ToString::to_string)),
            ];
            members.extend(named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
        }
        data
    }
}
