//! What the routes stand on: the services of the box and what is known about the box itself.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use axum::Router;
use prometheus_client::registry::Registry;
use relaypacs_buffer::Buffer;
use relaypacs_clinic::{Clinic, StoreError};
use relaypacs_domain::{AeTitle, Clock, DestinationName, ServiceLevel};
use relaypacs_forward::Forwarder;

use crate::{
    box_status::{AlertMemory, Conditions},
    destinations::SecretFiles,
    metrics::{AtScrape, HttpMetrics},
    network::Network,
    problem::Problem,
    rate::{RateLimits, Rates},
    system::own_addresses,
    telemetry::Telemetry,
    tls::Tls,
};

/// Sets the log filter (`tracing_subscriber::EnvFilter` syntax) of the running daemon; `Err` says what is wrong with the text.
pub type LogFilter = dyn Fn(&str) -> Result<(), String> + Send + Sync;

/// What an [`App`] is made of.
pub struct Parts {
    /// What survives.
    pub buffer: Buffer,
    /// What leaves.
    pub forwarder: Forwarder,
    /// What people do.
    pub clinic: Clinic,
    /// What the SCP measures and whom it has seen.
    pub scp: relaypacs_dicom::Metrics,
    /// The time.
    pub clock: Clock,
    /// About this box.
    pub info: BoxInfo,
    /// Whether the SCP listens; set by whoever runs it.
    pub dicom_listening: Arc<AtomicBool>,
    /// How to change the log filter.
    pub log_filter: Arc<LogFilter>,
    /// The TLS certificates; `None`: HTTPS is off.
    pub tls: Option<Tls>,
    /// How callers by TCP are treated.
    pub entrance: Entrance,
    /// Tells the DICOM entrance which modalities are known from now on.
    pub admit: Arc<Admit>,
}

/// Tells the DICOM entrance which modalities are known from now on; none: every calling AE title may send.
pub type Admit = dyn Fn(Vec<KnownModality>) + Send + Sync;

/// How callers by TCP are treated.
#[derive(Debug, Clone, Default)]
pub struct Entrance {
    /// How often they may ask.
    pub rates: Rates,
    /// Proxies whose word about a caller's address is believed.
    pub trusted_proxies: Vec<Network>,
    /// What answers browsers: every path with the page or one of its files; `None`: there is no page.
    pub page: Option<Router>,
    /// Where errors are reported.
    pub telemetry: Telemetry,
}

/// What does not change while the daemon runs.
#[derive(Debug, Clone)]
pub struct BoxInfo {
    /// The release, `major.minor.patch`.
    pub version: String,
    /// Which build of it: a commit, a date, or `unknown`.
    pub build: String,
    /// The machine's name.
    pub node_name: String,
    /// The box's own AE title.
    pub ae_title: AeTitle,
    /// The port on which the SCP listens; 0: it is off.
    pub dicom_port: u16,
    /// Where the page is reached.
    pub page: Page,
    /// Who else than the box itself may read `/metrics` and `/readyz`.
    pub monitoring_networks: Vec<Network>,
    /// The modalities of the configuration file.
    pub modalities: Vec<KnownModality>,
    /// The destinations of the configuration file.
    pub file_destinations: Vec<DestinationName>,
    /// The data directory.
    pub data_dir: PathBuf,
}

/// Where people reach the page.
#[derive(Debug, Clone, Copy, Default)]
pub struct Page {
    /// The address the page is bound to; `None`: every address of the machine.
    pub address: Option<IpAddr>,
    /// The port of HTTPS; 0: off.
    pub https_port: u16,
    /// The port of plain HTTP; 0: off.
    pub plain_port: u16,
}

/// A modality of the configuration (`[[modality]]`).
#[derive(Debug, Clone)]
pub struct KnownModality {
    /// Its AE title.
    pub ae_title: AeTitle,
    /// Where it must come from, where that is set.
    pub address: Option<IpAddr>,
    /// Where it listens for a C-ECHO, where that is set.
    pub port: Option<u16>,
    /// The service level of what it sends, where that is set.
    pub service_level: Option<ServiceLevel>,
    /// How many associations it may have at once, where that is set.
    pub max_associations: Option<usize>,
    /// What people call it.
    pub description: Option<String>,
}

/// The services behind the routes. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct App {
    /// What survives.
    pub buffer: Buffer,
    /// What leaves.
    pub forwarder: Forwarder,
    /// What people do.
    pub clinic: Clinic,
    /// What the SCP measures and whom it has seen.
    pub scp: relaypacs_dicom::Metrics,
    /// The time.
    pub clock: Clock,
    /// About this box.
    pub info: Arc<BoxInfo>,
    /// Every metric of the box.
    pub registry: Arc<Registry>,
    /// Whether the SCP listens.
    pub dicom_listening: Arc<AtomicBool>,
    /// How to change the log filter.
    pub log_filter: Arc<LogFilter>,
    /// The TLS certificates; `None`: HTTPS is off.
    pub tls: Option<Tls>,
    pub(crate) entrance: Arc<Entrance>,
    pub(crate) rates: RateLimits,
    pub(crate) admit: Arc<Admit>,
    pub(crate) secret_files: SecretFiles,
    /// One change of destinations or modalities at a time.
    pub(crate) changing: Arc<tokio::sync::Mutex<()>>,
    /// What the routes measure.
    pub http: HttpMetrics,
    /// What other parts of the daemon see that needs somebody.
    pub conditions: Conditions,
    /// Boot time when the app was made, for the uptime.
    pub(crate) started: Duration,
    pub(crate) alert_memory: Arc<AlertMemory>,
}

impl App {
    /// Joins the services and registers the metrics of all of them.
    pub fn new(parts: Parts) -> Self {
        let Parts { buffer, forwarder, clinic, scp, clock, info, dicom_listening, log_filter, tls, entrance, admit } = parts;
        let info = Arc::new(info);
        let secret_files = SecretFiles::new(&info.data_dir);
        let http = HttpMetrics::default();
        let mut registry = Registry::default();
        buffer.metrics().register(&mut registry);
        forwarder.metrics().register(&mut registry);
        scp.register(&mut registry);
        http.register(&mut registry);
        AtScrape {
            buffer: buffer.clone(),
            forwarder: forwarder.clone(),
            scp: scp.clone(),
            statistics: clinic.statistics.clone(),
            info: info.clone(),
        }
        .register(&mut registry);
        let started = clock.boot();
        Self {
            buffer,
            forwarder,
            clinic,
            scp,
            clock,
            info,
            registry: Arc::new(registry),
            dicom_listening,
            log_filter,
            tls,
            rates: RateLimits::new(&entrance.rates),
            admit,
            secret_files,
            changing: Arc::default(),
            entrance: Arc::new(entrance),
            http,
            conditions: Conditions::default(),
            started,
            alert_memory: Arc::default(),
        }
    }

    /// The address of the page without a path, for people to type or scan.
    pub fn page_url(&self) -> String {
        let page = self.info.page;
        let address = page.address.or_else(|| own_addresses().into_iter().next()).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        match (page.https_port, page.plain_port) {
            (0, plain) => format!("http://{}", SocketAddr::new(address, plain)),
            (https, _) => format!("https://{}", SocketAddr::new(address, https)),
        }
    }

    /// Modalities of the configuration file and of the box; the file's win.
    pub fn known_modalities(&self) -> Result<Vec<KnownModality>, StoreError> {
        let mut known = self.info.modalities.clone();
        for kept in self.clinic.settings.modalities()? {
            if !known.iter().any(|other| other.ae_title == kept.ae_title) {
                known.push(kept.into());
            }
        }
        Ok(known)
    }

    /// Tells the DICOM entrance who is known now.
    pub fn admit_known(&self) -> Result<(), StoreError> {
        (self.admit)(self.known_modalities()?);
        Ok(())
    }

    /// The same services behind another entrance, nothing counted yet.
    #[must_use]
    pub fn behind(mut self, entrance: Entrance) -> Self {
        self.rates = RateLimits::new(&entrance.rates);
        self.entrance = Arc::new(entrance);
        self
    }

    /// Runs a question to the catalogue off the async workers.
    pub(crate) async fn ask<T, E>(&self, question: impl FnOnce(&Self) -> Result<T, E> + Send + 'static) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: Into<Problem> + Send + 'static,
    {
        let app = self.clone();
        match tokio::task::spawn_blocking(move || question(&app)).await {
            Ok(answer) => answer.map_err(Into::into),
            Err(failed) => Err(Problem::internal(format!("a question to the catalogue did not end: {failed}"))),
        }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("info", &self.info).finish_non_exhaustive()
    }
}
