//! The HTTP client of push and webhook: TLS by ring, no redirects, no proxies of the environment, short waits.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::ChannelError;

const CONNECT: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(20);

/// A client; `public_only`: it connects to addresses of the public Internet alone (the endpoint was named by somebody who may not reach
/// into the clinic's network through this box).
pub(super) fn client(field: &'static str, public_only: bool) -> Result<reqwest::Client, ChannelError> {
    let fault = |error: &dyn std::fmt::Display| ChannelError { field, reason: error.to_string() };
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(&error))?
        .with_platform_verifier()
        .map_err(|error| fault(&error))?
        .with_no_client_auth();
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT)
        .timeout(WHOLE);
    let builder = if public_only { builder.dns_resolver(PublicOnly) } else { builder };
    builder.build().map_err(|error| fault(&error))
}

/// Resolves names to public addresses only. (Addresses written as such are refused where endpoints are taken.)
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.filter(|found| is_public(found.ip())).collect();
            if found.is_empty() {
                return Err("the name has no public address".into());
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether an address belongs to the public Internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let benchmark = a == 198 && (18..20).contains(&b);
            let special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast();
            !(special || v4.is_documentation() || v4.is_multicast() || shared || benchmark || a == 0 || a >= 240)
        }
        IpAddr::V6(v6) => {
            let first = v6.segments()[0];
            let unique_local = first & 0xFE00 == 0xFC00;
            let link_local = first & 0xFFC0 == 0xFE80;
            !(v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || unique_local
                || link_local
                || first == 0x2001 && v6.segments()[1] == 0xDB8)
        }
    }
}
