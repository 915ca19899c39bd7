//! What differs between the encrypted and the plain entrance.
//!
//! Plain HTTP gives full service only to callers on the box itself and to proxies that are trusted to have encrypted before; everybody else is
//! sent to HTTPS, but gets what must be had without it: the box's CA certificate and answers to ACME challenges, and, for the configured
//! monitoring networks, `/metrics`, `/readyz` and `/healthz` (no patient data in them).

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header, uri::Authority},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{network::Network, peer::Peer, problem::Problem, tls::Tls};

/// How long browsers are to come by HTTPS only: two years (RFC 6797).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// Who gets what over plain HTTP.
#[derive(Debug, Clone)]
pub struct PlainRules {
    /// Where HTTPS is served; `None`: nowhere.
    pub https_port: Option<u16>,
    /// Proxies that encrypt before they pass on.
    pub trusted_proxies: Vec<Network>,
    /// Who may read `/metrics` and `/readyz`.
    pub monitoring_networks: Vec<Network>,
}

/// `router` as it is served with TLS: with HSTS once the certificate is one that browsers trust.
pub fn over_tls(router: Router, tls: Tls) -> Router {
    router.layer(middleware::from_fn_with_state(tls, strict_transport))
}

/// `router` as it is served without TLS.
pub fn over_plain(router: Router, rules: PlainRules) -> Router {
    router.layer(middleware::from_fn_with_state(Arc::new(rules), redirect))
}

/// `/ca.crt` and the answers to ACME challenges.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(tls: Tls) -> Router<S> {
    let authority = tls.clone();
    let ca = move || {
        let authority = authority.clone();
        async move {
            let name = HeaderValue::from_static("attachment; filename=\"relaypacs-ca.crt\"");
            let kind = HeaderValue::from_static("application/x-x509-ca-cert");
            ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], authority.ca_pem())
        }
    };
    let challenge = move |Path(token): Path<String>| {
        let answer = tls.challenges().answer(&token);
        async move { answer.ok_or_else(|| Problem::not_found("no such challenge is open")) }
    };
    Router::new().route("/ca.crt", get(ca)).route("/.well-known/acme-challenge/{token}", get(challenge))
}

async fn strict_transport(State(tls): State<Tls>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if tls.current().trusted {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    response
}

async fn redirect(State(rules): State<Arc<PlainRules>>, request: Request, next: Next) -> Response {
    if rules.serves(&request) {
        return next.run(request).await;
    }
    let Some(target) = rules.target(&request).and_then(|target| HeaderValue::from_str(&target).ok()) else {
        let problem = Problem::local_only("plain HTTP is for programs on the box itself; the box serves others by HTTPS only");
        return problem.answer(request.uri().path(), &uuid::Uuid::new_v4().simple().to_string());
    };
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    response.headers_mut().insert(header::LOCATION, target);
    // Not for good: the port may change.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl PlainRules {
    /// Whether the request is answered here.
    fn serves(&self, request: &Request) -> bool {
        let path = request.uri().path();
        if path == "/ca.crt" || path.starts_with("/.well-known/acme-challenge/") {
            return true;
        }
        let Some(peer) = Peer::of(request) else { return false };
        let Some(address) = peer.address() else { return true };
        let within = |networks: &[Network]| networks.iter().any(|network| network.contains(address));
        let encrypted_before = || {
            let scheme = request.headers().get("x-forwarded-proto");
            within(&self.trusted_proxies) && scheme.is_none_or(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"))
        };
        let monitors = || matches!(path, "/metrics" | "/readyz" | "/healthz") && within(&self.monitoring_networks);
        address.is_loopback() || encrypted_before() || monitors()
    }

    /// Where the request is sent: the same host, path and query at the HTTPS port.
    fn target(&self, request: &Request) -> Option<String> {
        let port = self.https_port?;
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let authority: Authority = host.or_else(|| request.uri().authority().map(Authority::as_str))?.parse().ok()?;
        let host = authority.host();
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        Some(if port == 443 { format!("https://{host}{path}") } else { format!("https://{host}:{port}{path}") })
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::body::Body;
    use tower::ServiceExt;

    use super::*;

    fn rules() -> PlainRules {
        PlainRules {
            https_port: Some(8443),
            trusted_proxies: vec!["198.51.100.1".parse().unwrap()],
            monitoring_networks: vec!["192.0.2.0/24".parse().unwrap()],
        }
    }

    async fn ask(rules: PlainRules, from: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let router = over_plain(Router::new().fallback(|| async { "served" }), rules);
        let mut request = Request::builder().method(method).uri(path).extension(Peer::Tcp(SocketAddr::new(from.parse().unwrap(), 1)));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn only_callers_on_the_box_are_served_in_the_clear() {
        let check = async |from: &str, path: &str, headers: &[(&str, &str)], status: u16| {
            assert_eq!(ask(rules(), from, "GET", path, headers).await.status(), status, "{from} {path} {headers:?}");
        };
        check("127.0.0.1", "/api/v1/studies", &[], 200).await;
        check("::1", "/", &[], 200).await;
        check("203.0.113.9", "/api/v1/studies", &[("host", "box")], 308).await;
        check("203.0.113.9", "/ca.crt", &[("host", "box")], 200).await;
        check("203.0.113.9", "/.well-known/acme-challenge/abc", &[("host", "box")], 200).await;
        check("203.0.113.9", "/metrics", &[("host", "box")], 308).await;
        check("192.0.2.7", "/metrics", &[("host", "box")], 200).await;
        check("192.0.2.7", "/api/v1/studies", &[("host", "box")], 308).await;
        check("198.51.100.1", "/", &[("host", "box"), ("x-forwarded-proto", "https")], 200).await;
        check("198.51.100.1", "/", &[("host", "box"), ("x-forwarded-proto", "http")], 308).await;
        check("203.0.113.9", "/", &[("host", "box"), ("x-forwarded-proto", "https")], 308).await;
        check("203.0.113.9", "/", &[], 403).await;
    }

    #[tokio::test]
    async fn the_redirect_keeps_host_path_and_query() {
        let check = async |port: Option<u16>, host: &str, path: &str, expected: Option<&str>| {
            let told = ask(PlainRules { https_port: port, ..rules() }, "203.0.113.9", "POST", path, &[("host", host)]).await;
            assert_eq!(told.headers().get("location").map(|to| to.to_str().unwrap()), expected, "{host} {path}");
        };
        check(Some(8443), "box.local:8080", "/a/b?c=d", Some("https://box.local:8443/a/b?c=d")).await;
        check(Some(443), "[2001:db8::1]:80", "/", Some("https://[2001:db8::1]/")).await;
        check(Some(8443), "box\tlocal", "/", None).await;
        check(None, "box", "/", None).await;
    }
}
