//! The way to the collector: a bounded queue, and one request at a time. What does not find room, or cannot be sent, is dropped: errors are
//! in the box's log all the same.

use std::{sync::Arc, time::Duration};

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::StatusCode;
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use sentry::{Envelope, Transport, TransportFactory, TransportOptions, types::Dsn};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::TelemetryError;

/// Events that wait at most.
const WAITING: usize = 64;
/// For a connection, and for a whole request.
const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(15);
/// Pause after a request that failed, and the longest one a collector can ask for.
const PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);
/// What is queued at the end may still leave within this time.
const LAST: Duration = Duration::from_secs(2);

/// Where the SDK puts events.
pub(super) struct Queue(mpsc::Sender<Envelope>);

impl TransportFactory for Queue {
    fn create_transport_with_options(&self, _: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(Self(self.0.clone()))
    }
}

impl Transport for Queue {
    fn send_envelope(&self, envelope: Envelope) {
        // Full: a flood of errors says no more than its beginning.
        let _ = self.0.try_send(envelope);
    }
}

/// What takes them to the collector.
pub(super) struct Outgoing {
    queue: Mutex<mpsc::Receiver<Envelope>>,
    client: reqwest::Client,
    url: String,
    auth: String,
}

impl Outgoing {
    pub(super) fn new(dsn: &Dsn, agent: &str) -> Result<(Self, Queue), TelemetryError> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let outgoing = Self {
            queue: Mutex::new(receiver),
            client: client(agent)?,
            url: dsn.envelope_api_url().to_string(),
            auth: dsn.to_auth(Some(agent)).to_string(),
        };
        Ok((outgoing, Queue(sender)))
    }

    pub(super) async fn run(&self, stop: CancellationToken) {
        let mut queue = self.queue.lock().await;
        while let Some(Some(envelope)) = stop.run_until_cancelled(queue.recv()).await {
            if let Err(pause) = self.send(&envelope).await {
                stop.run_until_cancelled(tokio::time::sleep(pause)).await;
            }
        }
        let rest = async {
            while let Ok(envelope) = queue.try_recv() {
                if self.send(&envelope).await.is_err() {
                    return;
                }
            }
        };
        // What did not leave by then is in the log.
        let _ = tokio::time::timeout(LAST, rest).await;
    }

    /// Sends one; `Err`: no further one before so long.
    async fn send(&self, envelope: &Envelope) -> Result<(), Duration> {
        let mut body = Vec::new();
        if envelope.to_writer(&mut body).is_err() {
            return Ok(());
        }
        let request = self.client.post(&self.url).header("x-sentry-auth", &self.auth).header(CONTENT_TYPE, "application/x-sentry-envelope");
        match request.body(body).send().await {
            Ok(answer) if answer.status() == StatusCode::TOO_MANY_REQUESTS || answer.status().is_server_error() => {
                let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
                Err(asked.map_or(PAUSE, Duration::from_secs).min(LONGEST_PAUSE))
            }
            Ok(answer) => {
                if !answer.status().is_success() {
                    tracing::warn!(status = answer.status().as_u16(), "the error collector refused a report: check [sentry] dsn");
                }
                Ok(())
            }
            Err(error) => {
                tracing::warn!(error = %error.without_url(), "the error collector cannot be reached");
                Err(PAUSE)
            }
        }
    }
}

/// TLS by ring, no redirects, no proxies of the environment.
fn client(agent: &str) -> Result<reqwest::Client, TelemetryError> {
    let fault = |error: &dyn std::fmt::Display| TelemetryError::Client(error.to_string());
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(&error))?
        .with_platform_verifier()
        .map_err(|error| fault(&error))?
        .with_no_client_auth();
    let builder = reqwest::Client::builder().tls_backend_preconfigured(tls).redirect(reqwest::redirect::Policy::none()).no_proxy();
    builder.user_agent(agent).connect_timeout(CONNECT).timeout(WHOLE).build().map_err(|error| fault(&error))
}
