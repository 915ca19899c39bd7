//! `GET /system`: what the panel and the page's status bar show.

use std::net::IpAddr;

use axum::{Json, extract::State};
use relaypacs_clinic::schedule::JobStatus;
use relaypacs_domain::{Action, Alert, ServiceLevel};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::{App, BoxInfo},
    box_status::BoxStatus,
    caller::Caller,
    destinations::StateName,
    problem::{Problem, ProblemBody},
    time::Time,
    tls::Certificate,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(system))
}

/// The box at one moment.
#[derive(Debug, Serialize, ToSchema)]
struct System {
    /// The release.
    version: String,
    /// Which build of it.
    build: String,
    /// The machine's name.
    node_name: String,
    /// Seconds the daemon has been running.
    uptime_s: u64,
    /// Whether it takes and keeps studies now.
    ready: bool,
    /// The box's wall clock.
    time: Time,
    /// Whether that clock follows a time server; null: the kernel does not say.
    #[schema(required)]
    clock_synchronised: Option<bool>,
    /// The addresses under which scanners and people reach the box.
    #[schema(value_type = Vec<String>)]
    addresses: Vec<IpAddr>,
    /// The AE title scanners call.
    ae_title: String,
    /// The port scanners call; 0: off.
    dicom_port: u16,
    /// The buffer's share of the disk.
    disk: Disk,
    /// What waits for all destinations; null while the catalogue cannot be read.
    #[schema(required)]
    queue: Option<SystemQueue>,
    /// Every destination's state.
    destinations: Vec<DestinationState>,
    /// What needs somebody, worst first.
    alerts: Vec<AlertBody>,
    /// Jobs that run by the clock.
    schedule: Vec<ScheduledJob>,
    /// The TLS certificate in force; null while HTTPS is off.
    #[schema(required)]
    certificate: Option<SystemCertificate>,
}

/// The buffer's share of the disk, in bytes.
#[derive(Debug, Serialize, ToSchema)]
struct Disk {
    /// What the buffer may take.
    total: u64,
    /// What it holds.
    used: u64,
    /// What it leaves to everybody else.
    reserve: u64,
    /// Days until it refuses studies, filling as in the last hour or day; absent: it does not fill, or is watched too short a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    days_left: Option<f64>,
}

/// What waits for all destinations together.
#[derive(Debug, Serialize, ToSchema)]
struct SystemQueue {
    /// Studies with something waiting.
    studies: u64,
    /// Instances waiting.
    instances: u64,
    /// Their bytes.
    bytes: u64,
    /// Seconds the oldest has been waiting; null: nothing waits.
    #[schema(required)]
    oldest_s: Option<u64>,
    /// Held instances, which need somebody.
    held: u64,
    /// The same by service level, most urgent first.
    levels: Vec<LevelQueue>,
}

/// What waits of one service level.
#[derive(Debug, Serialize, ToSchema)]
struct LevelQueue {
    /// `stat`, `emergency`, `routine` or `subspecialty`.
    #[schema(value_type = String)]
    service_level: &'static str,
    /// Instances waiting.
    instances: u64,
    /// Seconds the oldest has been waiting; null: nothing waits.
    #[schema(required)]
    oldest_s: Option<u64>,
}

/// A destination's state in short.
#[derive(Debug, Serialize, ToSchema)]
struct DestinationState {
    /// Its name.
    name: String,
    /// Whether it answers.
    state: StateName,
}

/// Something that needs somebody.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alert)]
pub(crate) struct AlertBody {
    /// Which, as on the panel.
    #[schema(value_type = String, pattern = "^E[0-9]{2}$", example = "E21")]
    code: &'static str,
    /// How bad it is.
    severity: SeverityName,
    /// Since when.
    since: Time,
    /// What, in a sentence.
    text: String,
    /// What somebody can do.
    #[schema(value_type = String)]
    what_to_do: &'static str,
}

/// How bad an alert is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum SeverityName {
    /// The box works; somebody should look.
    Warning,
    /// Something does not work.
    Error,
}

/// A job that runs by the clock.
#[derive(Debug, Serialize, ToSchema)]
struct ScheduledJob {
    /// Its name.
    job: String,
    /// When it last ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_run: Option<Time>,
    /// How that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    /// Whether it runs now.
    running: bool,
    /// When it runs next; null: never again.
    #[schema(required)]
    next_run: Option<Time>,
}

/// The TLS certificate in short.
#[derive(Debug, Serialize, ToSchema)]
struct SystemCertificate {
    /// Who issued it.
    issuer: String,
    /// Until when it is good.
    not_after: Time,
    /// SHA-256 of the certificate.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
}

/// Version, disk, queue, alerts: what the panel and the page's status bar show.
#[utoipa::path(get, path = "/api/v1/system", operation_id = "system", tag = "system", responses(
    (status = 200, description = "the box at this moment", body = System),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn system(State(app): State<App>, caller: Caller) -> Result<Json<System>, Problem> {
    caller.may(Action::UseTheBox)?;
    let info = app.info.clone();
    let (status, addresses) = app.ask(|app| Ok::<_, Problem>((app.box_status(), own_addresses()))).await?;
    let mut system = System::new(&info, &status, addresses);
    system.schedule = app.clinic.schedule.status().into_iter().map(ScheduledJob::from).collect();
    system.certificate = app.tls.as_ref().map(|tls| SystemCertificate::from(tls.current()));
    Ok(Json(system))
}

impl System {
    fn new(info: &BoxInfo, status: &BoxStatus, addresses: Vec<IpAddr>) -> Self {
        Self {
            version: info.version.clone(),
            build: info.build.clone(),
            node_name: info.node_name.clone(),
            uptime_s: status.uptime.as_secs(),
            ready: status.is_ready(),
            time: Time(status.time),
            clock_synchronised: status.clock_synchronised,
            addresses,
            ae_title: info.ae_title.to_string(),
            dicom_port: info.dicom_port,
            disk: Disk {
                total: status.usage.total,
                used: status.usage.used,
                reserve: status.usage.reserve,
                days_left: status.usage.refuses_in.map(|left| (left.as_secs_f64() / 8640.0).floor() / 10.0),
            },
            queue: status.queue.as_ref().map(|queue| SystemQueue {
                studies: queue.studies,
                instances: queue.instances,
                bytes: queue.bytes,
                oldest_s: queue.oldest.map(|age| age.as_secs()),
                held: queue.held_instances,
                levels: ServiceLevel::ALL
                    .into_iter()
                    .zip(queue.by_level.into_iter().zip(queue.oldest_by_level))
                    .map(|(level, (instances, oldest))| LevelQueue {
                        service_level: level.as_str(),
                        instances,
                        oldest_s: oldest.map(|age| age.as_secs()),
                    })
                    .collect(),
            }),
            destinations: status
                .destinations
                .iter()
                .map(|destination| DestinationState { name: destination.name.to_string(), state: destination.state.into() })
                .collect(),
            alerts: status.alerts.iter().map(AlertBody::from).collect(),
            schedule: Vec::new(),
            certificate: None,
        }
    }
}

impl From<JobStatus> for ScheduledJob {
    fn from(status: JobStatus) -> Self {
        Self {
            job: status.job.into(),
            last_run: status.last_run.map(Time),
            result: status.result,
            running: status.running,
            next_run: status.next_run.map(Time),
        }
    }
}

impl From<Certificate> for SystemCertificate {
    fn from(certificate: Certificate) -> Self {
        Self { issuer: certificate.issuer, not_after: Time(certificate.not_after), sha256: certificate.sha256 }
    }
}

impl From<&Alert> for AlertBody {
    fn from(alert: &Alert) -> Self {
        Self {
            code: alert.code.as_str(),
            severity: match alert.code.severity() {
                relaypacs_domain::Severity::Warning => SeverityName::Warning,
                relaypacs_domain::Severity::Error => SeverityName::Error,
            },
            since: Time(alert.since),
            text: alert.text.clone(),
            what_to_do: alert.code.what_to_do(),
        }
    }
}

/// The addresses of the machine's interfaces, without loopback and IPv6 link-local ones; at most 32.
pub(crate) fn own_addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addresses: Vec<IpAddr> = interfaces.iter().map(if_addrs::Interface::ip).filter(|address| is_reachable(*address)).collect();
    addresses.sort();
    addresses.dedup();
    addresses.truncate(32);
    addresses
}

fn is_reachable(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_loopback() && !address.is_link_local(),
        IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local(),
    }
}
