//! Where a request comes from, for what is open to the box itself and to monitoring without an account.
//!
//! A connection is known to come from the box when its peer address is loopback *and* no proxy says that it passes somebody else's request
//! on *and* the `Host` it names is the box itself (else any web page could reach the API through a name that resolves to 127.0.0.1).
//! Callers on the admin socket were let in by the file permissions of that socket.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};

use crate::{forwarded::ClientAddress, network::Network, problem::Problem};

/// Where a request comes from. Put into every request by [`crate::serve`] and [`crate::serve_unix`]; a request without it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A TCP connection from this address.
    Tcp(SocketAddr),
    /// The admin socket, which only the box's own user can open.
    AdminSocket,
}

impl Peer {
    pub(crate) fn of(request: &Request) -> Option<Self> {
        request.extensions().get().copied()
    }

    /// Its address; `None`: it came by the admin socket.
    pub(crate) fn address(self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip().to_canonical()),
            Self::AdminSocket => None,
        }
    }

    /// Whether it is a caller on the box itself.
    fn is_on_the_box(self, headers: &HeaderMap) -> bool {
        match self.address() {
            None => true,
            Some(address) => address.is_loopback() && !is_passed_on(headers) && names_the_box(headers),
        }
    }
}

/// Lets in callers on the box itself and from the configured monitoring networks.
pub(crate) async fn monitoring_only(State(networks): State<Arc<[Network]>>, request: Request, next: Next) -> Result<Response, Problem> {
    if may_monitor(&request, &networks) {
        return Ok(next.run(request).await);
    }
    Err(Problem::local_only("only the box itself and the networks in [http] monitoring_networks may ask this"))
}

/// Behind a proxy that is trusted it is the client's address that counts; what another one passes on comes from nobody known. The box's own
/// addresses are no network here: a name that resolves to them, or a proxy on the box, is not the box.
fn may_monitor(request: &Request, networks: &[Network]) -> bool {
    let Some(peer) = Peer::of(request) else { return false };
    if peer.is_on_the_box(request.headers()) {
        return true;
    }
    let client = request.extensions().get::<ClientAddress>().map(|client| client.0).or_else(|| peer.address());
    let is_passed_on_by_a_stranger = is_passed_on(request.headers()) && client == peer.address();
    let address = client.filter(|address| !address.is_loopback() && !is_passed_on_by_a_stranger);
    address.is_some_and(|address| networks.iter().any(|network| network.contains(address)))
}

fn is_passed_on(headers: &HeaderMap) -> bool {
    headers.contains_key(header::FORWARDED) || headers.contains_key("x-forwarded-for") || headers.contains_key("x-real-ip")
}

/// Whether `Host` is a loopback address or `localhost`. A request without one comes from no browser.
fn names_the_box(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let name = host_name(host);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The host of `host[:port]` or `[v6][:port]`, without brackets.
fn host_name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map_or(rest, |(name, _)| name);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_a_direct_caller_on_the_box_that_names_it_is_local() {
        let check = |address: &str, pairs: &[(&'static str, &str)], expected| {
            let peer = Peer::Tcp(SocketAddr::new(address.parse().unwrap(), 4711));
            assert_eq!(peer.is_on_the_box(&headers(pairs)), expected, "{address} {pairs:?}");
        };
        check("127.0.0.1", &[], true);
        check("127.0.0.1", &[("host", "127.0.0.1:8080")], true);
        check("::1", &[("host", "[::1]:8080")], true);
        check("::ffff:127.0.0.1", &[("host", "localhost")], true);
        check("127.0.0.1", &[("host", "LOCALHOST:8080")], true);
        check("127.0.0.1", &[("host", "evil.example:8080")], false);
        check("127.0.0.1", &[("host", "127.0.0.1.evil.example")], false);
        check("127.0.0.1", &[("x-forwarded-for", "10.0.0.7")], false);
        check("127.0.0.1", &[("forwarded", "for=10.0.0.7")], false);
        check("192.168.1.7", &[("host", "127.0.0.1:8080")], false);
        check("::ffff:192.168.1.7", &[], false);
    }
}
