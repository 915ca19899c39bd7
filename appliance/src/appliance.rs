//! The composition root: opens the buffer, connects the services, supervises them and shuts down in order.
//!
//! Everything that can fail at start is done in [`Appliance::open`], before anything is served: data directory, lock and recovery, listeners,
//! destinations. [`Appliance::run`] serves until it is told to stop; then nothing new is accepted, what is under way may end, and the buffer
//! is checkpointed.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use relaypacs_buffer::{Buffer, OpenError, Options, Recovery};
use relaypacs_clinic::{Clinic, ClinicOptions, uploads::Uploads};
use relaypacs_dicom::{KnownModalities, ScpOptions};
use relaypacs_domain::Clock;
use relaypacs_forward::Forwarder;
use relaypacs_http::{App, BoxInfo, KnownModality, Page, Parts, Telemetry, Tls};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    completion::Completion,
    config::{Config, channels},
    data_dir, jobs,
    listeners::{self, ListenError},
    logs, notify, pacs, panel,
    sink::BufferSink,
    tasks::supervise,
    web,
};

/// The release.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Which build of it.
const BUILD: &str = match option_env!("RELAYPACS_BUILD") {
    Some(build) => build,
    None => "unknown",
};
/// Objects in flight may end within this time after the stop.
const DRAIN: Duration = Duration::from_secs(12);
/// How often uploads that nobody goes on with are looked for.
const SWEEP_UPLOADS: Duration = Duration::from_mins(1);
/// All services must have ended within this time after the stop; what has not is cut off.
const SERVICES_END: Duration = Duration::from_secs(16);
/// The last checkpoint must be written within this time.
const BUFFER_CLOSES: Duration = Duration::from_secs(3);

/// A box that is open and not yet serving.
pub(crate) struct Appliance {
    config: Config,
    directory: PathBuf,
    clock: Clock,
    buffer: Buffer,
    recovery: Recovery,
    forwarder: Forwarder,
    clinic: Clinic,
    dicom: Vec<TcpListener>,
    http: Vec<TcpListener>,
    https: Vec<TcpListener>,
    tls: Option<Tls>,
    telemetry: Telemetry,
    admin: UnixListener,
    panel: Option<panel::Socket>,
    log: logs::Change,
}

/// Why a box cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The data directory cannot be made or closed to others.
    #[error("the data directory {path} cannot be used: {source}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The buffer does not open.
    #[error(transparent)]
    Buffer(#[from] OpenError),
    /// Accounts and what else people do does not open.
    #[error(transparent)]
    Clinic(#[from] relaypacs_clinic::OpenError),
    /// A port or socket cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A destination is configured wrongly (a certificate file that is missing, say).
    #[error(transparent)]
    Destination(#[from] relaypacs_forward::ConfigError),
    /// There is no TLS certificate.
    #[error(transparent)]
    Tls(#[from] relaypacs_http::TlsError),
    /// Errors cannot be reported as configured.
    #[error(transparent)]
    Telemetry(#[from] relaypacs_http::TelemetryError),
}

/// What a running box tells about itself.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    /// Where modalities connect.
    pub(crate) dicom: Vec<SocketAddr>,
    /// Where the API answers without TLS.
    pub(crate) http: Vec<SocketAddr>,
    /// Where it answers with TLS.
    pub(crate) https: Vec<SocketAddr>,
    /// What opening the buffer found.
    pub(crate) recovery: Recovery,
}

impl Appliance {
    /// Opens everything. Blocks on the disk: call it from a thread that may. Must be called within a runtime.
    pub(crate) fn open(config: Config, directory: &Path, log: logs::Change) -> Result<Self, StartError> {
        let unusable = |source| StartError::Directory { path: directory.to_owned(), source };
        data_dir::prepare(directory).map_err(unusable)?;
        raise_descriptor_limit();
        let directory = directory.canonicalize().map_err(unusable)?;
        let clock = Clock::system();
        let (buffer, recovery) = Buffer::open(options(&config, &directory), clock.clone())?;
        report(&recovery);
        let clinic = Clinic::open(&clinic_options(&config, &directory), buffer.clone(), clock.clone())?;
        // Who is admitted must be known before anybody is: unreadable must not mean everybody.
        clinic.settings.modalities().map_err(relaypacs_clinic::OpenError::from)?;
        let mut destinations = config.destination.clone();
        destinations.extend(relaypacs_http::kept_destinations(&clinic.settings, &directory, &config.destination));
        let forwarder = Forwarder::new(buffer.clone(), clock.clone(), destinations)?;
        let admin = listeners::admin(&directory)?;
        let panel = panel::open(&config, &directory)?;
        let dicom = listeners::tcp("dicom.port", &config.dicom.bind, config.dicom.port)?;
        let http = listeners::tcp("http.plain_port", &config.http.bind, config.http.plain_port)?;
        let https = listeners::tcp("http.port", &config.http.bind, config.http.port)?;
        let tls = web::tls(&config, &directory, &clock)?;
        let telemetry =
            config.sentry.options(VERSION, BUILD).map_or_else(|| Ok(Telemetry::default()), |options| Telemetry::new(&options))?;
        Ok(Self { config, directory, clock, buffer, recovery, forwarder, clinic, dicom, http, https, tls, telemetry, admin, panel, log })
    }

    /// What people do with it.
    pub(crate) fn clinic(&self) -> &Clinic {
        &self.clinic
    }

    /// What it will tell about itself.
    pub(crate) fn running(&self) -> Running {
        let addresses = |listeners: &[TcpListener]| listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        Running {
            dicom: addresses(&self.dicom),
            http: addresses(&self.http),
            https: addresses(&self.https),
            recovery: self.recovery.clone(),
        }
    }

    /// Serves until `stop`, then ends everything within 20 s. `ready` is called once studies are taken.
    pub(crate) async fn run(self, stop: CancellationToken, ready: impl FnOnce(&Running)) {
        let running = self.running();
        if let Err(error) = self.buffer.set_routing(self.forwarder.routing()).await {
            tracing::error!(%error, "destinations cannot be told to the catalogue");
        }
        let (buffer, directory) = (self.buffer.clone(), self.directory.clone());
        let unclean_stops = data_dir::begin_run(&directory).unwrap_or_else(|error| {
            tracing::warn!(%error, "whether the box was shut down the last time cannot be told");
            0
        });
        let mut services = self.start(unclean_stops, &stop);
        notify::ready();
        tracing::info!(dicom = ?running.dicom, http = ?running.http, https = ?running.https, data_dir = %directory.display(), "the box takes studies");
        ready(&running);
        stop.cancelled().await;
        notify::stopping();
        tracing::info!("shutting down");
        let ended = tokio::time::timeout(SERVICES_END, async { while services.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            tracing::warn!(left = services.len(), "services did not end in time and are cut off");
            services.shutdown().await;
        }
        if tokio::time::timeout(BUFFER_CLOSES, buffer.close()).await.is_err() {
            tracing::warn!("the last checkpoint did not end in time; the next start reads a little more of the log");
        }
        // Gone or never there: nothing to do about either.
        let _ = std::fs::remove_file(data_dir::admin_socket(&directory));
        if let Err(error) = data_dir::end_run(&directory) {
            tracing::warn!(%error, "the next start will take this for an unclean stop");
        }
        tracing::info!("stopped");
    }

    /// What the HTTP resources answer from.
    pub(crate) fn app(&self, scp: &relaypacs_dicom::Metrics, dicom_listening: &Arc<AtomicBool>, admitted: KnownModalities) -> App {
        App::new(Parts {
            buffer: self.buffer.clone(),
            forwarder: self.forwarder.clone(),
            clinic: self.clinic.clone(),
            scp: scp.clone(),
            clock: self.clock.clone(),
            info: about(&self.config, &self.directory),
            dicom_listening: dicom_listening.clone(),
            log_filter: self.log.clone(),
            tls: self.tls.clone(),
            entrance: web::entrance(&self.config, self.telemetry.clone()),
            admit: Arc::new(move |known| admitted.set(known.iter().map(modality))),
        })
    }

    /// Starts all services, each supervised on its own.
    fn start(self, unclean_stops: u16, stop: &CancellationToken) -> JoinSet<()> {
        let mut services = JoinSet::new();
        let completion = Arc::new(Completion::new(self.clock.clone(), self.config.dicom.study_idle.0));
        let scp = relaypacs_dicom::Metrics::default();
        let dicom_listening = Arc::new(AtomicBool::new(false));
        let modalities = KnownModalities::default();
        let app = self.app(&scp, &dicom_listening, modalities.clone());
        let metrics = app.http.clone();
        self.telemetry.watch_panics();
        let (telemetry, token) = (self.telemetry, stop.clone());
        services.spawn(supervise("error reports", metrics.clone(), stop.clone(), move || {
            let (telemetry, token) = (telemetry.clone(), token.clone());
            async move { telemetry.run(token).await }
        }));
        if let Err(error) = app.admit_known() {
            tracing::error!(%error, "modalities kept in the box cannot be read");
        }
        let sink = Arc::new(BufferSink::new(self.buffer.clone(), completion.clone(), modalities.clone(), stop.clone()));
        let options = Arc::new(scp_options(&self.config, modalities));
        for listener in self.dicom {
            let (sink, options, scp, token, listening) =
                (sink.clone(), options.clone(), scp.clone(), stop.clone(), dicom_listening.clone());
            services.spawn(supervise("dicom", metrics.clone(), stop.clone(), move || {
                dicom_service(listener.try_clone(), options.clone(), sink.clone(), scp.clone(), token.clone(), listening.clone())
            }));
        }
        pacs::start(&mut services, &metrics, &self.clinic, &self.forwarder, stop);
        panel::start(&mut services, &self.config, &app, self.panel, unclean_stops, stop);
        web::start(&mut services, &self.config, &app, self.http, self.https, stop);
        let (router, token, admin) = (relaypacs_http::admin(app.clone()), stop.clone(), self.admin);
        services.spawn(supervise("admin socket", metrics.clone(), stop.clone(), move || {
            admin_service(admin.try_clone(), router.clone(), token.clone())
        }));
        let (forwarder, token) = (self.forwarder, stop.clone());
        services.spawn(supervise("forward", metrics.clone(), stop.clone(), move || {
            let (forwarder, token) = (forwarder.clone(), token.clone());
            async move { forwarder.run(token).await }
        }));
        let (buffer, token) = (self.buffer, stop.clone());
        services.spawn(supervise("completion", metrics.clone(), stop.clone(), move || {
            let (completion, buffer, token) = (completion.clone(), buffer.clone(), token.clone());
            async move { completion.watch(&buffer, token).await }
        }));
        let (uploads, token) = (self.clinic.uploads.clone(), stop.clone());
        services.spawn(supervise("uploads", metrics.clone(), stop.clone(), move || keep_up(uploads.clone(), token.clone())));
        jobs::add(&app, &self.clinic.schedule);
        let (schedule, token) = (self.clinic.schedule.clone(), stop.clone());
        services.spawn(supervise("schedule", metrics.clone(), stop.clone(), move || {
            let (schedule, token) = (schedule.clone(), token.clone());
            async move { schedule.run(token).await }
        }));
        let token = stop.clone();
        services.spawn(supervise("heartbeat", metrics.clone(), stop.clone(), move || notify::heartbeat(token.clone())));
        services
    }
}

/// Goes on with completions that were cut off, and sweeps up after uploads that nobody goes on with.
async fn keep_up(uploads: Uploads, stop: CancellationToken) {
    let mut pause = tokio::time::interval(SWEEP_UPLOADS);
    while stop.run_until_cancelled(pause.tick()).await.is_some() {
        match uploads.sweep().await {
            Ok(0) => {}
            Ok(expired) => tracing::info!(expired, "uploads that nobody went on with have expired"),
            Err(error) => tracing::warn!(%error, "uploads could not be looked after; it is tried again"),
        }
    }
}

/// Serves one DICOM listener and tells whether it does.
async fn dicom_service(
    listener: io::Result<TcpListener>,
    options: Arc<ScpOptions>,
    sink: Arc<BufferSink>,
    metrics: relaypacs_dicom::Metrics,
    stop: CancellationToken,
    listening: Arc<AtomicBool>,
) {
    /// Says "not listening" however the service ends.
    struct Until(Arc<AtomicBool>);
    impl Drop for Until {
        fn drop(&mut self) {
            self.0.store(false, Ordering::Relaxed);
        }
    }
    match listener.and_then(tokio::net::TcpListener::from_std) {
        Ok(listener) => {
            listening.store(true, Ordering::Relaxed);
            let _until = Until(listening);
            relaypacs_dicom::serve(listener, options, sink, metrics, stop, DRAIN).await;
        }
        Err(error) => tracing::error!(%error, "the DICOM listener cannot be used"),
    }
}

async fn admin_service(listener: io::Result<UnixListener>, router: axum::Router, stop: CancellationToken) {
    match listener.and_then(tokio::net::UnixListener::from_std) {
        Ok(listener) => relaypacs_http::serve_unix(listener, router, stop).await,
        Err(error) => tracing::error!(%error, "the admin socket cannot be used"),
    }
}

/// The buffer's options as configured.
pub(crate) fn options(config: &Config, directory: &Path) -> Options {
    // What becomes of a study when it is complete is asked of the buffer. (It keeps a minute and a half by itself.)
    let idle = config.dicom.study_idle.0;
    let least = if idle > Duration::from_mins(1) { idle + Duration::from_secs(30) } else { Duration::ZERO };
    Options {
        dir: directory.to_owned(),
        max_bytes: config.buffer.max_bytes.fixed().map(|size| size.0),
        reserve_bytes: config.buffer.reserve_bytes.fixed().map(|size| size.0),
        segment_bytes: config.buffer.segment_bytes.0,
        retention: config.buffer.retention.0.max(least),
        history: config.buffer.history.0,
    }
}

/// What accounts, uploads and reports are made with.
pub(crate) fn clinic_options(config: &Config, directory: &Path) -> ClinicOptions {
    let site = config.site.name.as_str();
    let site = if site.is_empty() { "RelayPACS".to_owned() } else { format!("RelayPACS {site}") };
    ClinicOptions {
        data_dir: directory.to_owned(),
        site,
        time_zone: config.site.time_zone.clone(),
        letterhead: config.report.letterhead(&config.site),
        access_ttl: config.accounts.access_ttl.0,
        refresh_ttl: config.accounts.refresh_ttl.0,
        upload_ttl: config.accounts.upload_ttl.0,
        uploads: config.uploads.options(),
        channels: channels(&config.site, &config.mail, &config.webhook, &config.push),
        ..ClinicOptions::default()
    }
}

/// A modality as the DICOM entrance knows it.
fn modality(known: &KnownModality) -> relaypacs_dicom::Modality {
    relaypacs_dicom::Modality {
        ae_title: known.ae_title.clone(),
        address: known.address,
        service_level: known.service_level,
        max_associations: known.max_associations,
    }
}

fn scp_options(config: &Config, modalities: KnownModalities) -> ScpOptions {
    ScpOptions {
        ae_title: config.dicom.ae_title.clone(),
        max_associations: config.dicom.max_associations,
        max_associations_per_peer: config.dicom.max_associations_per_peer,
        max_unassociated: config.dicom.max_unassociated,
        idle_timeout: config.dicom.idle_timeout.0,
        artim: config.dicom.artim.0,
        // The rules hold it to 1 MiB at most.
        max_pdu: u32::try_from(config.dicom.max_pdu.0).unwrap_or(u32::MAX),
        modalities,
    }
}

fn about(config: &Config, directory: &Path) -> BoxInfo {
    let host = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    let known = |modality: &crate::config::Modality| KnownModality {
        ae_title: modality.ae_title.clone(),
        address: modality.address,
        port: modality.port,
        service_level: modality.service_level,
        max_associations: modality.max_associations,
        description: modality.description.clone(),
    };
    BoxInfo {
        version: VERSION.into(),
        build: BUILD.into(),
        node_name: if config.site.name.is_empty() { host() } else { config.site.name.clone() },
        ae_title: config.dicom.ae_title.clone(),
        dicom_port: config.dicom.port,
        page: Page {
            address: config.http.bind.addresses().and_then(|addresses| addresses.first().copied()),
            https_port: config.http.port,
            plain_port: config.http.plain_port,
        },
        monitoring_networks: config.http.monitoring_networks.clone(),
        modalities: config.modality.iter().map(known).collect(),
        file_destinations: config.destination.iter().map(|destination| destination.name.clone()).collect(),
        data_dir: directory.to_owned(),
    }
}

/// Each segment and each connection takes a descriptor: takes as many as the system allows instead of the usual 1,024.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, current = limit.current, "the limit of open files cannot be raised");
    }
}

/// Names each object that opening the buffer found damaged.
fn report(recovery: &Recovery) {
    for damage in &recovery.damaged {
        tracing::error!(
            segment = damage.segment,
            offset = damage.offset,
            sop_instance = damage.sop_instance.as_ref().map(tracing::field::display),
            what = damage.what,
            "an acknowledged object can no longer be read: send it again from the modality"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_delivered_stays_until_its_study_can_be_told_complete() {
        let retention = |text: &str| {
            let config = Config::from_text(Path::new("relaypacs.toml"), text, &[]).unwrap();
            options(&config, Path::new("data")).retention
        };
        let check = |study_idle: &str, expected: Duration| {
            assert_eq!(
                retention(&format!("[dicom]\nstudy_idle = \"{study_idle}\"\n[buffer]\nretention = \"0s\"")),
                expected,
                "{study_idle}"
            );
        };
        check("10s", Duration::ZERO);
        check("1m", Duration::ZERO);
        check("5m", Duration::from_secs(330));
        assert_eq!(retention(""), Duration::from_hours(24));
    }
}
