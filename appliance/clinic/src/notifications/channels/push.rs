//! Web push (RFC 8030): which browsers, and sending to one.
//!
//! `notifications_push`: (user, SHA-256 of the endpoint) → [`Subscription`].

use std::time::Duration;

use base64::{
    Engine as _,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use relaypacs_domain::{Clock, UserId};
use reqwest::{StatusCode, Url, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    ChannelError, Sent,
    client::{client, is_public},
    encrypt::encrypt,
    vapid::VapidKey,
};
use crate::{
    StoreError,
    store::{decode, encode},
};

type Key = (u128, [u8; 32]);
const PUSH: TableDefinition<'static, Key, &[u8]> = TableDefinition::new("notifications_push");
const NAME: &str = "notifications_push";

/// Browsers of one person; the oldest subscriptions go beyond that.
const MAX_PER_USER: usize = 10;
/// Longest endpoint in bytes.
const MAX_ENDPOINT: usize = 2048;
/// How long a push service keeps a message for a browser that is off, in seconds.
const TTL_S: &str = "86400";

/// A browser to which somebody wants pushes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    endpoint: String,
    /// P-256, uncompressed.
    key: Vec<u8>,
    secret: [u8; 16],
}

/// A subscription cannot be taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PushError {
    /// A field breaks a rule.
    #[error("{rule}")]
    Field {
        /// Which.
        field: &'static str,
        /// The rule.
        rule: &'static str,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Subscription {
    /// From what a browser gives: an `https` URL, a P-256 key and a secret of 16 bytes, both base64url.
    pub fn new(endpoint: &str, p256dh: &str, auth: &str) -> Result<Self, PushError> {
        let wrong = |field, rule| PushError::Field { field, rule };
        let url = Url::parse(endpoint).ok().filter(|url| endpoint.len() <= MAX_ENDPOINT && url.has_host());
        let url = url.filter(|url| matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none());
        let url = url.ok_or_else(|| wrong("endpoint", "an endpoint is an https URL of at most 2048 bytes"))?;
        let key = decoded(p256dh).filter(|key| key.len() == 65 && key[0] == 4);
        let key = key.ok_or_else(|| wrong("keys/p256dh", "a key is an uncompressed P-256 point in base64url"))?;
        let secret = decoded(auth).and_then(|secret| secret.try_into().ok());
        let secret = secret.ok_or_else(|| wrong("keys/auth", "a secret has 16 bytes in base64url"))?;
        Ok(Self { endpoint: url.into(), key, secret })
    }

    /// Whether the endpoint is one that any account may name: HTTPS to a name or a public address.
    fn is_public(&self) -> bool {
        let Ok(url) = Url::parse(&self.endpoint) else { return false };
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        url.scheme() == "https" && host.parse().is_ok_and(is_public) | (host.parse::<std::net::IpAddr>().is_err() && host.contains('.'))
    }
}

impl std::fmt::Debug for Subscription {
    /// An endpoint is a secret: whoever knows it can write to it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).or_else(|_| URL_SAFE.decode(text)).ok()
}

pub(super) fn open_table(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(PUSH).map_err(StoreError::failed).map(drop)
}

pub(in crate::notifications) fn subscribe(
    transaction: &WriteTransaction,
    user: UserId,
    subscription: &Subscription,
) -> Result<(), StoreError> {
    let mut table = transaction.open_table(PUSH).map_err(StoreError::failed)?;
    table.insert(key(user, &subscription.endpoint), encode(NAME, subscription)?.as_slice()).map_err(StoreError::failed)?;
    let mine: Result<Vec<Key>, StoreError> = table
        .range(all_of(user))
        .map_err(StoreError::failed)?
        .map(|row| row.map(|(key, _)| key.value()).map_err(StoreError::failed))
        .collect();
    let fresh = key(user, &subscription.endpoint);
    for old in mine?.into_iter().filter(|known| *known != fresh).skip(MAX_PER_USER - 1) {
        table.remove(old).map_err(StoreError::failed)?;
    }
    Ok(())
}

pub(in crate::notifications) fn unsubscribe(transaction: &WriteTransaction, user: UserId, endpoint: &str) -> Result<(), StoreError> {
    let mut table = transaction.open_table(PUSH).map_err(StoreError::failed)?;
    table.remove(key(user, endpoint)).map_err(StoreError::failed).map(drop)
}

/// Where somebody's browsers are.
pub(super) fn endpoints(transaction: &WriteTransaction, user: UserId) -> Result<Vec<String>, StoreError> {
    let table = transaction.open_table(PUSH).map_err(StoreError::failed)?;
    let rows = table.range(all_of(user)).map_err(StoreError::failed)?;
    let endpoint = |row: &[u8]| Ok(decode::<Subscription>(NAME, row)?.endpoint);
    rows.map(|row| row.map_err(StoreError::failed).and_then(|(_, row)| endpoint(row.value()))).collect()
}

pub(super) fn find(transaction: &ReadTransaction, user: UserId, endpoint: &str) -> Result<Option<Subscription>, StoreError> {
    let table = transaction.open_table(PUSH).map_err(StoreError::failed)?;
    let row = table.get(key(user, endpoint)).map_err(StoreError::failed)?;
    row.map(|row| decode(NAME, row.value())).transpose()
}

fn key(user: UserId, endpoint: &str) -> Key {
    (user.0.as_u128(), Sha256::digest(endpoint.as_bytes()).into())
}

fn all_of(user: UserId) -> std::ops::RangeInclusive<Key> {
    (user.0.as_u128(), [0; 32])..=(user.0.as_u128(), [0xFF; 32])
}

/// Sends to push services.
pub(super) struct Pusher {
    key: VapidKey,
    contact: String,
    private: bool,
    http: reqwest::Client,
    clock: Clock,
}

impl Pusher {
    pub(super) fn new(key: VapidKey, contact: String, private: bool, clock: Clock) -> Result<Self, ChannelError> {
        Ok(Self { key, contact, private, http: client("push", !private)?, clock })
    }

    /// Sends one message; the second says whether the subscription is gone for good.
    pub(super) async fn send(&self, subscription: &Subscription, content: &Value) -> (Sent, bool) {
        if !self.private && !subscription.is_public() {
            return (Sent::Never("the endpoint is not in the public Internet".into()), true);
        }
        let Ok(url) = Url::parse(&subscription.endpoint) else { return (Sent::Never("the endpoint is no URL".into()), true) };
        let Ok(body) = encrypt(content.to_string().as_bytes(), &subscription.key, &subscription.secret) else {
            return (Sent::Never("the browser's key cannot be used".into()), true);
        };
        let Some(authorization) = self.key.authorization(&url.origin().ascii_serialization(), &self.contact, self.clock.now()) else {
            return (Sent::Later(None, "no randomness".into()), false);
        };
        let request = self
            .http
            .post(url)
            .header(header::AUTHORIZATION, authorization)
            .header(header::CONTENT_ENCODING, "aes128gcm")
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header("ttl", TTL_S)
            .header("urgency", "high")
            .body(body);
        match request.send().await {
            Ok(response) => judged(response.status(), retry_after(&response)),
            Err(error) => (Sent::Later(None, without_url(error)), false),
        }
    }
}

fn judged(status: StatusCode, retry_after: Option<Duration>) -> (Sent, bool) {
    let told = format!("answered {}", status.as_u16());
    match status.as_u16() {
        200..=299 => (Sent::Done, false),
        404 | 410 => (Sent::Done, true),
        408 | 425 | 429 | 500..=599 => (Sent::Later(retry_after, told), false),
        _ => (Sent::Never(told), false),
    }
}

/// `Retry-After` in seconds; a date is not read.
pub(super) fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// What went wrong, without the address, which is a secret.
pub(super) fn without_url(error: reqwest::Error) -> String {
    error.without_url().to_string()
}
