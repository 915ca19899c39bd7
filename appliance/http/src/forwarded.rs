//! The address a request really comes from: the connection's, or what a trusted proxy says.
//!
//! `X-Forwarded-For` and `Forwarded` (RFC 7239) can be written by anybody; they count only when the connection comes from a configured proxy,
//! and only from the right, up to the first address that is none of the proxies.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};

use crate::{network::Network, peer::Peer};

/// The address of whoever asks, as far as trusted proxies tell. Put into every request of a TCP entrance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// Notes the address of whoever asks.
pub(crate) async fn note_client(State(proxies): State<Arc<[Network]>>, mut request: Request, next: Next) -> Response {
    if let Some(address) = Peer::of(&request).and_then(Peer::address) {
        let client = client(address, request.headers(), &proxies);
        request.extensions_mut().insert(ClientAddress(client));
    }
    next.run(request).await
}

/// The address behind a connection from `peer`.
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut seen = peer;
    for hop in hops(headers).into_iter().rev() {
        if !trusted(seen) {
            return seen;
        }
        let Some(hop) = hop else { return seen };
        seen = hop;
    }
    seen
}

/// What the headers tell, from the client to the last proxy; `None` for what is no address.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let texts = |name| headers.get_all(name).into_iter().filter_map(|value: &axum::http::HeaderValue| value.to_str().ok());
    if headers.contains_key(header::FORWARDED) {
        let parts = texts(header::FORWARDED).flat_map(|value| value.split(','));
        return parts.map(|part| part.split(';').find_map(|pair| address(pair.trim().strip_prefix("for=")?))).collect();
    }
    texts(header::HeaderName::from_static("x-forwarded-for")).flat_map(|value| value.split(',')).map(address).collect()
}

/// An address, also quoted, in brackets, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    let plain = text.parse::<IpAddr>().ok();
    plain.or_else(|| text.rsplit_once(':').and_then(|(address, _)| address.parse().ok())).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxies: Vec<Network> = ["10.0.0.0/8", "127.0.0.1"].map(|network| network.parse().unwrap()).into();
        let check = |peer: &str, pairs: &[(&'static str, &str)], expected: &str| {
            let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            assert_eq!(client(peer.parse().unwrap(), &headers, &proxies), expected.parse::<IpAddr>().unwrap(), "{peer} {pairs:?}");
        };
        check("203.0.113.9", &[], "203.0.113.9");
        check("203.0.113.9", &[("x-forwarded-for", "192.0.2.1")], "203.0.113.9");
        check("10.0.0.1", &[("x-forwarded-for", "192.0.2.1")], "192.0.2.1");
        check("10.0.0.1", &[("x-forwarded-for", "8.8.8.8, 192.0.2.1, 10.0.0.2")], "192.0.2.1");
        check("10.0.0.1", &[("x-forwarded-for", "rubbish")], "10.0.0.1");
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &[("forwarded", "for=8.8.8.8, for=\"[2001:db8::7]:4711\";proto=https")], "2001:db8::7");
        check("127.0.0.1", &[("forwarded", "for=192.0.2.1:9;by=10.0.0.1"), ("x-forwarded-for", "1.1.1.1")], "192.0.2.1");
        check("10.0.0.1", &[("forwarded", "for=unknown")], "10.0.0.1");
    }
}
