//! The socket: where it lies, who may connect, and a task for each panel.

use std::{
    io,
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Shared, Socket, session};
use crate::{config::Panel, data_dir, listeners::ListenError};

/// The socket's name in its directory.
const NAME: &str = "panel.sock";
/// Where the panel's group may reach it.
const RUNTIME_MODE: u32 = 0o660;
/// Where only the box's own user may.
const PRIVATE_MODE: u32 = 0o600;

/// Opens the socket that the configuration names; `None`: it is off.
pub(super) fn open(panel: &Panel, directory: &Path) -> Result<Option<Socket>, ListenError> {
    let runtime = std::env::var_os("RUNTIME_DIRECTORY").filter(|path| !path.is_empty()).map(PathBuf::from);
    let (path, mode) = match (panel.socket.as_str(), runtime) {
        ("off", _) => return Ok(None),
        ("", Some(runtime)) => (runtime.join(NAME), RUNTIME_MODE),
        ("", None) => (directory.join(NAME), PRIVATE_MODE),
        (named, _) => (PathBuf::from(named), RUNTIME_MODE),
    };
    let listen = || {
        data_dir::check_socket_path(&path)?;
        match std::fs::remove_file(&path) {
            // One that an earlier run left behind: the data directory's lock says that nobody serves it.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    match listen() {
        Ok(listener) => Ok(Some(Socket { listener, path })),
        Err(source) => Err(ListenError { what: "the panel socket", address: path.display().to_string(), source }),
    }
}

/// Serves panels until `stop`.
pub(super) async fn serve(listener: io::Result<UnixListener>, path: PathBuf, shared: Arc<Shared>, stop: CancellationToken) {
    let listener = match listener.and_then(tokio::net::UnixListener::from_std) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the panel socket cannot be used"),
    };
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = sessions.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let peer = stream.peer_cred().ok();
                    let (uid, pid) = (peer.map(|peer| peer.uid()), peer.and_then(|peer| peer.pid()));
                    if let Some(seat) = shared.seat() {
                        tracing::info!(uid, pid, "a panel is connected");
                        sessions.spawn(session::run(stream, shared.clone(), seat, stop.clone()));
                    } else {
                        tracing::warn!(uid, pid, "a panel was turned away: there are enough");
                        sessions.spawn(session::turn_away(stream));
                    }
                }
                // Out of descriptors, say: not a reason to spin.
                Err(error) => {
                    tracing::warn!(%error, "a panel could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                }
            },
        }
    }
    while sessions.join_next().await.is_some() {}
    // Gone or never there: nothing to do about either.
    let _ = std::fs::remove_file(&path);
}
