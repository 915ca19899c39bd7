//! The front panel's end in the daemon: a socket on which panels hear how the box is and ask for what their buttons mean.
//!
//! ```text
//! App::box_status ─► observe ─► Status (watch: the latest only) ─┐
//! Buffer events ───► notices (a ring of 16, oldest dropped) ─────┼─► session (one task a panel) ─► frames
//! frames ─► session ─► commands (allowed? locked? known?) ─► Ack, Done ┘           every command ─► audit trail
//! ```
//! No task of the box waits for a panel: a session that cannot write for 5 s, sends eight bad frames in a row or a frame without end is
//! closed. Without a panel nothing is computed. What a panel may not show is left out here, not there.

mod commands;
mod hours;
mod lock;
mod machine;
mod network;
mod notices;
mod observe;
mod requests;
mod session;
mod socket;
#[cfg(test)]
mod tests;
mod update;

use std::{
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use relaypacs_http::App;
use relaypacs_panel_core::wire::{Capabilities, Event, Status};
use tokio::{
    sync::{Notify, broadcast, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use self::{commands::Handles, lock::Pin, network::NetworkChange, requests::Requests};
use crate::{
    config::{Config, PanelLock, StudyLabel},
    listeners::ListenError,
    tasks::supervise,
};

/// Panels at a time.
const MOST_PANELS: usize = 4;
/// Events that a panel may miss before the oldest is dropped.
const EVENTS: usize = 16;

/// The panel's socket, open and not yet served.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

/// Opens the socket; `None`: it is off.
pub(crate) fn open(config: &Config, directory: &Path) -> Result<Option<Socket>, ListenError> {
    socket::open(&config.panel, directory)
}

/// What all sessions share.
struct Shared {
    app: App,
    capabilities: Capabilities,
    lock: PanelLock,
    label: StudyLabel,
    time_zone: jiff::tz::TimeZone,
    /// Ports that the panel shows.
    tls_dicom_port: u16,
    https_port: u16,
    pin: Pin,
    handles: Mutex<Handles>,
    requests: Requests,
    network: NetworkChange,
    status: watch::Sender<Option<Arc<Status>>>,
    events: broadcast::Sender<Event>,
    /// Something was done: look at the box again soon.
    changed: Notify,
    sessions: AtomicUsize,
    reset_code: Mutex<Option<commands::ResetCode>>,
    /// Times the box ended without being shut down.
    unclean_stops: u16,
}

/// Starts the panel's services, each supervised on its own.
pub(crate) fn start(
    services: &mut JoinSet<()>,
    config: &Config,
    app: &App,
    socket: Option<Socket>,
    unclean_stops: u16,
    stop: &CancellationToken,
) {
    let Some(socket) = socket else { return };
    let shared = Arc::new(Shared::new(config, app.clone(), unclean_stops));
    let (observed, token) = (shared.clone(), stop.clone());
    services.spawn(supervise("panel status", app.http.clone(), stop.clone(), move || observe::run(observed.clone(), token.clone())));
    let (noticed, token) = (shared.clone(), stop.clone());
    services.spawn(supervise("panel events", app.http.clone(), stop.clone(), move || notices::run(noticed.clone(), token.clone())));
    let (reverting, token) = (shared.clone(), stop.clone());
    services.spawn(supervise("panel network", app.http.clone(), stop.clone(), move || {
        let (shared, token) = (reverting.clone(), token.clone());
        async move {
            while shared.network.goes_back(&shared.requests, &token).await {
                shared.changed.notify_one();
                commands::audit_return(&shared).await;
            }
        }
    }));
    let token = stop.clone();
    services.spawn(supervise("panel socket", app.http.clone(), stop.clone(), move || {
        socket::serve(socket.listener.try_clone(), socket.path.clone(), shared.clone(), token.clone())
    }));
}

impl Shared {
    fn new(config: &Config, app: App, unclean_stops: u16) -> Self {
        let panel = &config.panel;
        let zone = &config.site.time_zone;
        // The rules have checked a zone that is set.
        let time_zone =
            if zone.is_empty() { jiff::tz::TimeZone::system() } else { jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC) };
        Self {
            capabilities: panel.capabilities(),
            lock: panel.lock,
            label: panel.study_label,
            time_zone,
            tls_dicom_port: 0,
            https_port: if app.tls.is_some() { config.http.port } else { 0 },
            pin: Pin::new(panel.pin_file.clone(), app.clock.clone()),
            handles: Mutex::default(),
            requests: Requests::new(panel.requests.clone()),
            network: NetworkChange::new(app.clock.clone(), panel.network_confirm.0),
            status: watch::Sender::new(None),
            events: broadcast::Sender::new(EVENTS),
            changed: Notify::new(),
            sessions: AtomicUsize::new(0),
            reset_code: Mutex::default(),
            unclean_stops,
            app,
        }
    }

    /// A place for one more panel, given back when it is dropped; `None`: there are enough.
    fn seat(self: &Arc<Self>) -> Option<Seat> {
        let taken = self.sessions.fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| (open < MOST_PANELS).then_some(open + 1));
        taken.is_ok().then(|| Seat(self.clone()))
    }
}

/// A panel's place.
struct Seat(Arc<Shared>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.sessions.fetch_sub(1, Ordering::AcqRel);
    }
}
