//! Listening sockets: on every address or on some, with a name for errors.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::Path,
};

use socket2::{Domain, Protocol, Socket, Type};

use crate::{config::Bind, data_dir};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// A listener could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("{what} cannot listen on {address}: {source}")]
pub(crate) struct ListenError {
    /// The configuration's key.
    pub(crate) what: &'static str,
    /// Where it was to listen.
    pub(crate) address: String,
    /// Why not.
    pub(crate) source: io::Error,
}

/// Opens the listeners of one port. Port 0: none. All addresses: one socket for IPv6 and IPv4, or IPv4 alone on a machine without IPv6.
pub(crate) fn tcp(what: &'static str, bind: &Bind, port: u16) -> Result<Vec<TcpListener>, ListenError> {
    if port == 0 {
        return Ok(Vec::new());
    }
    let open = |address: SocketAddr| listen(address).map_err(|source| ListenError { what, address: address.to_string(), source });
    match bind.addresses() {
        Some(addresses) => addresses.iter().map(|address| open(SocketAddr::new(*address, port))).collect(),
        None => match listen(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))) {
            Ok(listener) => Ok(vec![listener]),
            Err(error) if matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => {
                Err(ListenError { what, address: format!("port {port}"), source: error })
            }
            Err(_) => Ok(vec![open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))?]),
        },
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Opens the admin socket in the data directory, mode 0600. One that an earlier run left behind is replaced: the directory's lock has been
/// taken before, so nobody serves it.
pub(crate) fn admin(directory: &Path) -> Result<UnixListener, ListenError> {
    let path = data_dir::admin_socket(directory);
    let open = || {
        data_dir::check_socket_path(&path)?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    open().map_err(|source| ListenError { what: "the admin socket", address: path.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, TcpStream};

    use super::*;

    /// A port that was free a moment ago.
    fn free_port() -> u16 {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
    }

    #[test]
    fn all_addresses_include_ipv4_loopback() {
        let port = free_port();
        let listeners = tcp("dicom.port", &Bind::All, port).unwrap();
        assert_eq!(listeners.len(), 1);
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    }

    #[test]
    fn port_0_is_off_and_a_taken_port_is_named() {
        let loopback = Bind::Only(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]);
        assert!(tcp("dicom.port", &loopback, 0).unwrap().is_empty());
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = tcp("dicom.port", &loopback, port).unwrap_err();
        assert!(error.to_string().starts_with(&format!("dicom.port cannot listen on 127.0.0.1:{port}: ")), "{error}");
        assert_eq!(error.source.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn the_admin_socket_is_closed_to_others_and_replaces_a_stale_one() {
        let directory = tempfile::tempdir().unwrap();
        drop(admin(directory.path()).unwrap());
        let _listener = admin(directory.path()).unwrap();
        let mode = data_dir::admin_socket(directory.path()).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
