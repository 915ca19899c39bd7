//! A box for tests: a real buffer in a temporary folder, a real forwarder, the real routes.

#![allow(dead_code, unreachable_pub, reason = "each test program uses its part of it")]

pub mod checked;
pub mod schema;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request},
};
use http_body_util::BodyExt;
use relaypacs_buffer::{Buffer, ClaimLimits, NewObject, Options, Placed, StudyQuery};
use relaypacs_clinic::{
    Clinic, ClinicOptions,
    accounts::{Grant, NewAccount, Origin},
};
use relaypacs_domain::{Clock, HeaderFacts, Identity, ManualClock, Principal, Role, ServiceLevel, SessionId, Source, Uid, UserId, Verdict};
use relaypacs_forward::{DestinationConfig, Forwarder};
use relaypacs_http::{App, BoxInfo, Entrance, KnownModality, Page, Parts, Peer, Rates, Tls};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

/// Names that must appear in study bodies only.
pub const PATIENT: [&str; 2] = ["SECRET^PATIENT", "PID4711"];

/// A box without listeners.
pub struct TestBox {
    pub app: App,
    pub dir: TempDir,
    pub log_filters: Arc<Mutex<Vec<String>>>,
    /// Whom the DICOM entrance was last told to know.
    pub admitted: Arc<Mutex<Vec<String>>>,
    hand: Arc<ManualClock>,
}

/// A password that keeps the rules.
pub const PASSWORD: &str = "Correct-Horse-7";

/// An answer.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Told {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl TestBox {
    /// A box with `destinations`, each in the words of the configuration.
    pub async fn new(destinations: Value) -> Self {
        Self::with(destinations, None).await
    }

    /// The same with certificates.
    pub async fn with(destinations: Value, tls: Option<Tls>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            dir: dir.path().join("data"),
            max_bytes: Some(64 << 20),
            reserve_bytes: Some(1 << 20),
            segment_bytes: 1 << 20,
            retention: Duration::from_hours(1),
            history: Duration::from_hours(1),
        };
        let clock = Clock::system();
        let opened = {
            let clock = clock.clone();
            tokio::task::spawn_blocking(move || Buffer::open(options, clock)).await.unwrap()
        };
        let (buffer, _) = opened.unwrap();
        let destinations: Vec<DestinationConfig> = serde_json::from_value(destinations).unwrap();
        let file_destinations = destinations.iter().map(|destination| destination.name.clone()).collect();
        let forwarder = Forwarder::new(buffer.clone(), clock.clone(), destinations).unwrap();
        buffer.set_routing(forwarder.routing()).await.unwrap();
        let log_filters = Arc::new(Mutex::new(Vec::new()));
        let admitted = Arc::new(Mutex::new(Vec::new()));
        let admitting = admitted.clone();
        // People's time is moved by hand; it starts with the machine's.
        let hand = Arc::new(ManualClock::default());
        hand.set_wall(clock.now());
        let heard = log_filters.clone();
        let clinic = open_clinic(dir.path().join("data"), buffer.clone(), Clock::manual(hand.clone())).await;
        let app = App::new(Parts {
            buffer,
            forwarder,
            clinic,
            scp: relaypacs_dicom::Metrics::default(),
            clock,
            info: BoxInfo {
                version: "0.1.0".into(),
                build: "test".into(),
                node_name: "box".into(),
                ae_title: "RELAYPACS".parse().unwrap(),
                dicom_port: 11112,
                page: Page { address: Some("192.0.2.7".parse().unwrap()), https_port: 8443, plain_port: 8080 },
                monitoring_networks: vec!["192.0.2.0/24".parse().unwrap()],
                file_destinations,
                data_dir: dir.path().join("data"),
                modalities: vec![KnownModality {
                    ae_title: "CT1".parse().unwrap(),
                    address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                    port: Some(104),
                    service_level: None,
                    max_associations: Some(4),
                    description: Some("CT room 1".into()),
                }],
            },
            dicom_listening: Arc::new(AtomicBool::new(true)),
            log_filter: Arc::new(move |filter| {
                if filter == "rubbish" {
                    return Err("rubbish is no log filter".into());
                }
                heard.lock().unwrap().push(filter.into());
                Ok(())
            }),
            tls,
            entrance: Entrance { rates: unlimited(), ..Entrance::default() },
            admit: Arc::new(move |known| {
                admitting.lock().unwrap().clone_from(&known.into_iter().map(|known| known.ae_title.to_string()).collect());
            }),
        });
        Self { app, dir, log_filters, admitted, hand }
    }

    /// One folder destination, one STOW destination where nobody listens.
    pub async fn with_two_destinations() -> Self {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("archive");
        let made = Self::new(json!([
            {"name": "archive", "kind": "folder", "path": folder},
            {"name": "pacs1", "kind": "stow", "url": format!("http://{nobody}/dicom-web")},
        ]))
        .await;
        drop(dir);
        made
    }

    /// Signs somebody of this role in (`the-clinician`, `the-admin` …; made if not there yet) and gives the access token.
    pub async fn sign_in(&self, role: Role) -> String {
        self.sign_in_as(&format!("the-{role}"), role).await
    }

    /// As [`TestBox::sign_in`], with a name: several people of one role.
    pub async fn sign_in_as(&self, username: &str, role: Role) -> String {
        let accounts = &self.app.clinic.accounts;
        let user = if let Ok(account) = accounts.find_by_name(username).await {
            account.id
        } else {
            let new = NewAccount {
                username: username.into(),
                email: format!("{username}@clinic.example"),
                full_name: None,
                password: PASSWORD.into(),
                role: Some(role),
            };
            accounts.register(new, Grant::Admin(operator()), &Origin::default()).await.unwrap().id
        };
        self.app.clinic.sessions.begin_new(user, &Origin::default()).await.unwrap().access_token
    }

    /// What people's clock shows, in seconds since 1970.
    pub fn now_s(&self) -> i64 {
        Clock::manual(self.hand.clone()).now().as_millis() / 1000
    }

    /// Lets time pass for accounts, tokens and what else people do.
    pub fn wait(&self, time: Duration) {
        self.hand.advance(time);
    }

    /// The box's services behind another entrance.
    pub fn with_entrance(&self, entrance: Entrance) -> App {
        self.app.clone().behind(entrance)
    }

    pub fn public(&self) -> Router {
        relaypacs_http::public(self.app.clone())
    }

    pub fn admin(&self) -> Router {
        relaypacs_http::admin(self.app.clone())
    }

    pub fn listening(&self, listening: bool) {
        self.app.dicom_listening.store(listening, Ordering::Relaxed);
    }

    /// Has the buffer take one object. `study` `None`: its header could not be read.
    pub async fn store(&self, study: Option<&str>, sop: &str, modality: &str) -> Placed {
        let uid = |text: &str| text.parse::<Uid>().unwrap();
        let mut writer = self.app.buffer.begin().unwrap();
        writer.write(format!("data set of {sop}").as_bytes()).await.unwrap();
        let facts = HeaderFacts {
            patient_name: Some(PATIENT[0].into()),
            patient_id: Some(PATIENT[1].into()),
            study_instance_uid: study.map(uid),
            series_instance_uid: study.map(|study| uid(&format!("{study}.1"))),
            sop_instance_uid: Some(uid(sop)),
            study_date: Some("20261123".into()),
            study_description: Some("Thorax".into()),
            modality: Some(modality.into()),
            rows: Some(512),
            columns: Some(512),
            instance_number: Some(1),
            ..HeaderFacts::default()
        };
        let object = NewObject {
            identity: Identity {
                sop_class: uid("1.2.840.10008.5.1.4.1.1.2"),
                sop_instance: uid(sop),
                transfer_syntax: uid("1.2.840.10008.1.2.1"),
                study: study.map(uid),
                series: facts.series_instance_uid.clone(),
            },
            facts: if study.is_some() { facts } else { HeaderFacts::default() },
            source: Source::Dicom {
                calling_ae: "CT1".parse().unwrap(),
                called_ae: "RELAYPACS".parse().unwrap(),
                address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            },
            service_level: ServiceLevel::Routine,
            flags: if study.is_some() { Vec::new() } else { vec![relaypacs_domain::Flag::Unparsed] },
        };
        let mut work = self.app.buffer.work();
        let before = self.instances();
        let placed = writer.commit(object).await.unwrap();
        // The catalogue follows the log at once, but not in the same moment.
        while self.instances() == before {
            tokio::time::timeout(Duration::from_secs(30), work.changed()).await.expect("the catalogue follows").unwrap();
        }
        placed
    }

    fn instances(&self) -> u64 {
        let page = self.app.buffer.studies(&StudyQuery { limit: 500, ..StudyQuery::default() }).unwrap();
        page.studies.iter().map(|study| study.instances).sum()
    }

    /// Ends the next attempt to a destination with `verdict` for all its instances; gives their number.
    pub async fn settle(&self, destination: &str, verdict: Verdict) -> usize {
        let name = destination.parse().unwrap();
        let most = ClaimLimits { max_bytes: 1 << 20, max_instances: 100, at_least: None };
        let Some(claim) = self.app.buffer.claim(&name, most).unwrap() else { return 0 };
        let verdicts: Vec<_> = claim.items.iter().map(|item| (item.object, verdict.clone())).collect();
        let count = verdicts.len();
        self.app.buffer.settle(claim, verdicts).await.unwrap();
        count
    }
}

/// Making RSA keys takes a while: the boxes of all tests share one pair, unless a test makes its own.
async fn open_clinic(data_dir: PathBuf, buffer: Buffer, clock: Clock) -> Clinic {
    let shared = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("token-1.pk8");
    let own = data_dir.join("keys/token-1.pk8");
    tokio::task::spawn_blocking(move || {
        if shared.exists() {
            std::fs::create_dir_all(own.parent().unwrap()).unwrap();
            std::fs::copy(&shared, &own).unwrap();
        }
        let options = ClinicOptions { data_dir, password_cost: 4, ..ClinicOptions::default() };
        let clinic = Clinic::open(&options, buffer, clock).unwrap();
        if !shared.exists() {
            let mine = shared.with_extension(std::process::id().to_string());
            std::fs::copy(&own, &mine).unwrap();
            std::fs::rename(&mine, &shared).unwrap();
        }
        clinic
    })
    .await
    .unwrap()
}

/// A test does in a second what people do in a day; limits have tests of their own.
fn unlimited() -> Rates {
    let off = || "off".parse().unwrap();
    Rates { login: off(), tokens: off(), upload_init: off(), chunk: off(), complete: off(), stats: off(), telemetry: off(), other: off() }
}

/// Who asks over the admin socket.
fn operator() -> Principal {
    let nobody = uuid::Uuid::nil();
    Principal { user: UserId(nobody), username: "operator".into(), role: Role::Admin, session: SessionId(nobody) }
}

/// The header that an access token goes into.
pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// A caller on the box itself.
pub fn loopback() -> Peer {
    Peer::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4711))
}

/// A caller from elsewhere.
pub fn from(address: &str) -> Peer {
    Peer::Tcp(SocketAddr::new(address.parse().unwrap(), 4711))
}

pub async fn get(router: &Router, peer: Peer, path: &str) -> Told {
    send(router, peer, "GET", path, None, &[]).await
}

/// GET with an access token, from elsewhere.
pub async fn get_as(router: &Router, token: &str, path: &str) -> Told {
    send(router, from("203.0.113.9"), "GET", path, None, &[("authorization", &bearer(token))]).await
}

/// Any method with an access token, from elsewhere.
pub async fn ask_as(router: &Router, token: &str, method: &str, path: &str, body: Option<Value>) -> Told {
    send(router, from("203.0.113.9"), method, path, body, &[("authorization", &bearer(token))]).await
}

pub async fn post(router: &Router, path: &str, body: Value) -> Told {
    send(router, Peer::AdminSocket, "POST", path, Some(body), &[]).await
}

pub async fn send(router: &Router, peer: Peer, method: &str, path: &str, body: Option<Value>, headers: &[(&str, &str)]) -> Told {
    let mut request = Request::builder().method(method).uri(path).extension(peer);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = match body {
        Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    };
    let (head, body) = router.clone().oneshot(request.unwrap()).await.unwrap().into_parts();
    // A stream of events has no end of its own: its first piece tells that it is one.
    let is_stream = head.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
    let bytes = if is_stream { first_piece(body).await } else { body.collect().await.unwrap().to_bytes() };
    Told { status: head.status.as_u16(), headers: head.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

async fn first_piece(mut body: Body) -> axum::body::Bytes {
    body.frame().await.unwrap().unwrap().into_data().unwrap()
}
