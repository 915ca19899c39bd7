//! Errors that the box reports to a Sentry service (or any collector of its envelope protocol), when one is configured.
//!
//! - What is reported: panics, and answers that are the box's own fault ([`crate::observe`]); errors of the page, which come by
//!   `POST /telemetry` ([`relay`]), since the page may talk to the box only.
//! - All of it goes the same way: [`scrub`] (an allow-list: what is not known to be harmless is left out), sampling, a bounded queue,
//!   and one request at a time to the collector ([`outgoing`]). A collector that is slow or away costs events, never requests.
//!
//! Nobody but the configuration says where events go: what the page's envelope names as its collector is not looked at.

mod outgoing;
mod relay;
mod scrub;
#[cfg(test)]
mod tests;

use std::{
    panic::{self, PanicHookInfo},
    sync::{Arc, OnceLock},
};

use sentry::{
    Client, ClientOptions, Level,
    integrations::panic::PanicIntegration,
    protocol::{Context, Event, Exception, Map, OsContext, User},
    types::Dsn,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::outgoing::Outgoing;
pub(crate) use self::relay::routes;

/// What is configured about error tracking.
#[derive(Debug, Clone)]
pub struct TelemetryOptions {
    /// Where errors are reported: `https://PUBLIC_KEY@host/path/PROJECT`.
    pub dsn: String,
    /// What the collector files them under, such as `production`.
    pub environment: String,
    /// Which part of them is reported, from 0 to 1.
    pub sample_rate: f32,
    /// The box's release.
    pub version: String,
    /// Which build of it.
    pub build: String,
}

/// Why errors cannot be reported.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The DSN is none.
    #[error("a DSN is written like \"https://PUBLIC_KEY@sentry.example/1\": {0}")]
    Dsn(String),
    /// The rate is none.
    #[error("the part of errors that is reported is a number from 0 to 1, not {0}")]
    Rate(f32),
    /// There is no HTTP client.
    #[error("the client for the collector cannot be made: {0}")]
    Client(String),
}

/// The way to the collector. Cheap to clone; all clones are one. The default is off: everything given to it is forgotten.
#[derive(Clone, Default)]
pub struct Telemetry(Option<Arc<Inner>>);

struct Inner {
    client: Client,
    dsn: String,
    build: String,
    outgoing: Outgoing,
}

/// Whether a text is a DSN.
pub fn check_dsn(text: &str) -> Result<(), TelemetryError> {
    read_dsn(text).map(drop)
}

fn read_dsn(text: &str) -> Result<Dsn, TelemetryError> {
    let dsn: Dsn = text.parse().map_err(|error: sentry::types::ParseDsnError| TelemetryError::Dsn(error.to_string()))?;
    // It is told to every page: the old kind with a secret in it is none to be told.
    if dsn.secret_key().is_some() { Err(TelemetryError::Dsn("it holds a secret key; leave that out".into())) } else { Ok(dsn) }
}

/// What is being answered while something goes wrong.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// The route's template.
    pub(crate) route: String,
    pub(crate) trace_id: String,
    /// The upload it is about.
    pub(crate) upload: Option<Uuid>,
    /// Who asks, once that is known.
    pub(crate) user: OnceLock<Uuid>,
}

tokio::task_local! {
    /// The request that the task answers.
    pub(crate) static ASKED: Arc<Asked>;
}

/// Notes who asks the request that is being answered.
pub(crate) fn asked_by(user: Uuid) {
    // Outside a request nobody asks; and who asks does not change.
    let _ = ASKED.try_with(|asked| asked.user.set(user));
}

impl Telemetry {
    /// Ready to report; nothing leaves before [`Telemetry::run`].
    pub fn new(options: &TelemetryOptions) -> Result<Self, TelemetryError> {
        let dsn = read_dsn(&options.dsn)?;
        if !(0.0..=1.0).contains(&options.sample_rate) {
            return Err(TelemetryError::Rate(options.sample_rate));
        }
        let agent = format!("relaypacs/{}", options.version);
        let (outgoing, queue) = Outgoing::new(&dsn, &agent)?;
        let settings = ClientOptions::new()
            .dsn(&options.dsn)
            .release(format!("relaypacs@{}", options.version))
            .environment(options.environment.clone())
            .sample_rate(options.sample_rate)
            .max_breadcrumbs(0)
            .user_agent(agent)
            .before_send(|event| Some(scrub::event(event)))
            .transport(queue);
        let inner = Inner { client: Client::with_options(settings), dsn: options.dsn.clone(), build: options.build.clone(), outgoing };
        Ok(Self(Some(Arc::new(inner))))
    }

    /// Where the page's errors are from: told in public while reporting is on.
    pub(crate) fn dsn(&self) -> Option<&str> {
        self.0.as_deref().map(|inner| inner.dsn.as_str())
    }

    /// Sends what is reported until `stop`, then what is still queued, for at most two seconds.
    pub async fn run(&self, stop: CancellationToken) {
        match &self.0 {
            Some(inner) => inner.outgoing.run(stop).await,
            None => stop.cancelled().await,
        }
    }

    /// Reports every panic of the process from now on, wherever it is caught. Called once.
    pub fn watch_panics(&self) {
        let Some(inner) = self.0.clone() else { return };
        let next = panic::take_hook();
        panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            inner.report(PanicIntegration::new().event_from_panic_info(info));
            next(info);
        }));
    }

    /// Reports a request that the box could not answer; `cause` is what the log says.
    pub(crate) fn failed(&self, status: u16, cause: &str) {
        let Some(inner) = &self.0 else { return };
        let exception = Exception { ty: format!("Answer {status}"), value: Some(cause.into()), ..Exception::default() };
        let tags = Map::from([("status".to_owned(), status.to_string())]);
        inner.report(Event { level: Level::Error, exception: vec![exception].into(), tags, ..Event::default() });
    }

    /// Passes an error of the page on.
    pub(crate) fn pass_on(&self, mut event: Event<'static>, user: Uuid) {
        let Some(inner) = &self.0 else { return };
        event.tags = Map::from([("part".to_owned(), "page".to_owned())]);
        event.user = Some(User { id: Some(user.to_string()), ..User::default() });
        event.environment = None;
        inner.client.capture_event(event, None);
    }
}

impl Inner {
    /// Adds what every event of the box itself says, and gives it away.
    fn report(&self, mut event: Event<'static>) {
        let mut tag = |name: &str, value: String| event.tags.insert(name.to_owned(), value);
        tag("part", "box".into());
        tag("build", self.build.clone());
        tag("arch", std::env::consts::ARCH.into());
        let asked = ASKED.try_with(Arc::clone).ok();
        if let Some(asked) = &asked {
            tag("method", asked.method.clone());
            tag("route", asked.route.clone());
            tag("trace_id", asked.trace_id.clone());
            if let Some(upload) = asked.upload {
                tag("upload", upload.to_string());
            }
        }
        event.user = asked.and_then(|asked| asked.user.get().copied()).map(|id| User { id: Some(id.to_string()), ..User::default() });
        let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
        let os = OsContext { name: Some("Linux".into()), kernel_version: Some(kernel), ..OsContext::default() };
        event.contexts.insert("os".to_owned(), Context::Os(Box::new(os)));
        self.client.capture_event(event, None);
    }
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").field("on", &self.0.is_some()).finish()
    }
}
