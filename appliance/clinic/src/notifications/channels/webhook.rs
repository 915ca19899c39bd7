//! A webhook (Standard Webhooks 1.0): signed, named by an id that stays the same over all tries.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use relaypacs_domain::Clock;
use reqwest::{Url, header};
use ring::hmac;
use serde_json::json;
use uuid::Uuid;

use super::{
    ChannelError, Content, Sent,
    client::client,
    push::{retry_after, without_url},
};
use crate::notifications::NotificationKind;

/// Where a webhook is.
#[derive(Debug, Clone)]
pub struct WebhookOptions {
    /// Its URL.
    pub url: String,
    /// The file with its secret: `whsec_` and base64, or at least 24 characters.
    pub secret_file: PathBuf,
    /// Of these types; empty: of all.
    pub types: Vec<NotificationKind>,
}

/// The webhook.
pub(super) struct Webhook {
    url: Url,
    key: hmac::Key,
    types: Vec<NotificationKind>,
    http: reqwest::Client,
    clock: Clock,
}

impl Webhook {
    pub(super) fn new(options: WebhookOptions, clock: Clock) -> Result<Self, ChannelError> {
        let fault = |field, reason: String| ChannelError { field, reason };
        let url = Url::parse(&options.url).map_err(|error| fault("webhook.url", error.to_string()))?;
        let read = std::fs::read_to_string(&options.secret_file);
        let secret = read.map_err(|error| fault("webhook.secret_file", format!("{}: {error}", options.secret_file.display())))?;
        let key = signing_key(secret.trim()).map_err(|reason| fault("webhook.secret_file", reason))?;
        Ok(Self { url, key, types: options.types, http: client("webhook", false)?, clock })
    }

    pub(super) async fn send(&self, id: Uuid, content: &Content) -> Sent {
        if !self.types.is_empty() && !self.types.contains(&content.kind) {
            return Sent::Done;
        }
        let body = json!({"type": content.kind.as_str(), "timestamp": content.at.to_string(), "data": content.outside()}).to_string();
        let (id, at) = (format!("msg_{}", id.simple()), (self.clock.now().as_millis() / 1000).to_string());
        let request = self
            .http
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-signature", signature(&self.key, &id, &at, &body))
            .header("webhook-id", id)
            .header("webhook-timestamp", at)
            .body(body);
        match request.send().await {
            Ok(response) if response.status().is_success() => Sent::Done,
            // Gone: the receiver wants no more of this one (Standard Webhooks).
            Ok(response) if response.status().as_u16() == 410 => Sent::Never("answered 410".into()),
            Ok(response) => Sent::Later(retry_after(&response), format!("answered {}", response.status().as_u16())),
            Err(error) => Sent::Later(None, without_url(error)),
        }
    }
}

fn signing_key(secret: &str) -> Result<hmac::Key, String> {
    let bytes = match secret.strip_prefix("whsec_") {
        Some(encoded) => STANDARD.decode(encoded).map_err(|error| format!("after whsec_ comes base64: {error}"))?,
        None => secret.as_bytes().to_vec(),
    };
    if !(24..=64).contains(&bytes.len()) {
        return Err("a secret has 24 to 64 bytes".into());
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

fn signature(key: &hmac::Key, id: &str, at: &str, body: &str) -> String {
    let tag = hmac::sign(key, format!("{id}.{at}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_specification() {
        // The example of the Standard Webhooks specification's libraries.
        let key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(signing_key("short").is_err());
        assert!(signing_key("whsec_***").is_err());
    }
}
