//! The encrypted entrance as clients see it: HTTP/2 and HTTP/1.1, certificates that change while it runs, HSTS, and a real ACME service.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

mod common;

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use axum::{Router, routing::get};
use relaypacs_domain::Clock;
use relaypacs_http::{AcmeOptions, CertificateSource, Limits, PlainRules, Secured, Tls, TlsOptions, over_plain, over_tls, serve};
use reqwest::{Client, Version};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

fn options(dir: &TempDir) -> TlsOptions {
    TlsOptions {
        dir: dir.path().join("tls"),
        names: vec!["edge1".into()],
        addresses: Vec::new(),
        files: None,
        trusted_roots: None,
        acme: None,
    }
}

/// A box's certificates served on a free loopback port.
struct Served {
    address: SocketAddr,
    stop: CancellationToken,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn served(tls: &Tls, router: Router) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let secured = Secured::new(listener, tls).unwrap();
    tokio::spawn(serve(secured, over_tls(router, tls.clone()), Limits::default(), stop.clone()));
    Served { address, stop }
}

/// A client that trusts this authority only and speaks what `protocols` names.
fn client(ca_pem: &str, protocols: &[&[u8]]) -> Client {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Client::builder().tls_backend_preconfigured(config).no_proxy().build().unwrap()
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

#[tokio::test]
async fn who_trusts_the_boxs_authority_is_served_by_http_2_and_1_1() {
    let dir = tempfile::tempdir().unwrap();
    let tls = Tls::open(options(&dir), Clock::system()).unwrap();
    let served = served(&tls, hello()).await;
    for (protocol, expected) in [(&b"h2"[..], Version::HTTP_2), (b"http/1.1", Version::HTTP_11)] {
        let told = client(&tls.ca_pem(), &[protocol]).get(format!("https://{}/", served.address)).send().await.unwrap();
        assert_eq!((told.version(), told.status().as_u16()), (expected, 200));
        assert!(!told.headers().contains_key("strict-transport-security"), "the box's own certificate is none that browsers trust");
    }
    let other = Tls::open(TlsOptions { dir: dir.path().join("other"), ..options(&dir) }, Clock::system()).unwrap();
    assert!(client(&other.ca_pem(), &[b"h2"]).get(format!("https://{}/", served.address)).send().await.is_err());
}

/// A chain of a clinic's own authority for localhost, with that authority.
fn clinic() -> (String, String, String) {
    let authority = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "Clinic CA");
    let ca = params.self_signed(&authority).unwrap().pem();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut leaf = rcgen::CertificateParams::new(vec!["localhost".to_string(), "127.0.0.1".to_string()]).unwrap();
    leaf.use_authority_key_identifier_extension = true;
    let leaf = leaf.signed_by(&key, &rcgen::Issuer::new(params, authority)).unwrap().pem();
    (format!("{leaf}{ca}"), key.serialize_pem(), ca)
}

#[tokio::test]
async fn another_certificate_is_in_force_at_once_and_a_trusted_one_brings_hsts() {
    let dir = tempfile::tempdir().unwrap();
    let (chain, key, ca) = clinic();
    let roots = dir.path().join("roots.pem");
    std::fs::write(&roots, &ca).unwrap();
    let tls = Tls::open(TlsOptions { trusted_roots: Some(roots), ..options(&dir) }, Clock::system()).unwrap();
    let served = served(&tls, hello()).await;
    let url = format!("https://{}/", served.address);
    let before = client(&tls.ca_pem(), &[b"h2"]);
    assert_eq!(before.get(&url).send().await.unwrap().status(), 200);
    tls.take(&chain, &key).unwrap();
    let told = client(&ca, &[b"h2"]).get(&url).send().await.unwrap();
    assert_eq!(told.headers()["strict-transport-security"], "max-age=63072000");
    assert_eq!(before.get(&url).send().await.unwrap().status(), 200, "a connection that is open goes on");
    assert!(client(&tls.ca_pem(), &[b"h2"]).get(&url).send().await.is_err(), "the old one is not shown any more");
}

/// Debian's `pebble`: Let's Encrypt's own ACME server for tests.
struct Pebble(Child);

impl Drop for Pebble {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Pebble {
    /// Starts it; its directory's URL and the authority of its own certificate are told.
    fn start(dir: &Path, challenge_port: u16) -> (Self, String, std::path::PathBuf) {
        let (chain, key, ca) = clinic();
        let put = |name: &str, text: &str| {
            std::fs::write(dir.join(name), text).unwrap();
            dir.join(name)
        };
        let (chain, key, ca) = (put("pebble.pem", &chain), put("pebble.key", &key), put("pebble-ca.pem", &ca));
        let port = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (listen, manage) = (port(), port());
        let config = serde_json::json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{listen}"), "managementListenAddress": format!("127.0.0.1:{manage}"),
            "certificate": chain, "privateKey": key, "httpPort": challenge_port, "tlsPort": port(),
            "ocspResponderURL": "", "externalAccountBindingRequired": false,
        }});
        let config = put("pebble.json", &config.to_string());
        let mut child = Command::new("pebble")
            .args(["-config", config.to_str().unwrap(), "-strict"])
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_WFE_NONCEREJECT", "0")
            .env("PEBBLE_AUTHZREUSE", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("pebble (Debian package pebble) is installed");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.by_ref().take(200).map_while(Result::ok).any(|line| line.contains("ACME directory available"));
        assert!(ready, "pebble did not start");
        std::thread::spawn(move || lines.for_each(drop));
        (Self(child), format!("https://127.0.0.1:{listen}/dir"), ca)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acme_service_issues_a_certificate_that_is_put_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (_pebble, directory, ca_file) = Pebble::start(dir.path(), port);
    let acme =
        AcmeOptions { directory, names: vec!["localhost".into()], contact: Some("it@clinic.example".into()), ca_file: Some(ca_file) };
    let options = TlsOptions { acme: Some(acme), ..options(&dir) };
    let tls = Tls::open(options.clone(), Clock::system()).unwrap();
    assert_eq!((tls.current().source, tls.acme_is_due()), (CertificateSource::Box, true));

    // The box's plain entrance, where the service asks; it is told off from everything else.
    let test_box = common::TestBox::with(serde_json::json!([]), Some(tls.clone())).await;
    let rules = PlainRules { https_port: Some(8443), trusted_proxies: Vec::new(), monitoring_networks: Vec::new() };
    let stop = CancellationToken::new();
    let plain = tokio::spawn(serve(listener, over_plain(test_box.public(), rules), Limits::default(), stop.clone()));
    tls.renew_by_acme().await.unwrap();
    let issued = tls.current();
    assert_eq!((issued.source, issued.names, tls.acme_is_due()), (CertificateSource::Acme, vec!["localhost".to_string()], false));
    assert!(issued.issuer.contains("Pebble"), "{}", issued.issuer);

    // After a restart it is still there, and the account is taken again.
    let again = Tls::open(options, Clock::system()).unwrap();
    assert_eq!(again.current().sha256, issued.sha256);
    let account = std::fs::read_to_string(dir.path().join("tls/acme-account.json")).unwrap();
    tls.renew_by_acme().await.unwrap();
    assert_ne!(tls.current().sha256, issued.sha256);
    assert_eq!(std::fs::read_to_string(dir.path().join("tls/acme-account.json")).unwrap(), account);

    // With the answer out of reach, the service refuses, and what is in force stays.
    stop.cancel();
    plain.await.unwrap();
    let before = tls.current();
    assert!(tls.renew_by_acme().await.is_err());
    assert_eq!(tls.current().sha256, before.sha256);
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_authority_is_offered_and_every_answer_guards_the_browser() {
    let dir = tempfile::tempdir().unwrap();
    let tls = Tls::open(options(&dir), Clock::system()).unwrap();
    let test_box = common::TestBox::with(serde_json::json!([]), Some(tls.clone())).await;
    let told = common::get(&test_box.public(), common::from("203.0.113.9"), "/ca.crt").await;
    assert_eq!((told.status, &told.text), (200, &tls.ca_pem()));
    assert_eq!(told.headers["content-type"], "application/x-x509-ca-cert");
    for path in ["/ca.crt", "/healthz", "/nowhere", "/api/v1/studies"] {
        let told = common::get(&test_box.public(), common::from("203.0.113.9"), path).await;
        assert_eq!(told.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(told.headers["referrer-policy"], "no-referrer", "{path}");
        let policy = told.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    let told = common::get(&test_box.public(), common::loopback(), "/.well-known/acme-challenge/nothing").await;
    assert_eq!(told.status, 404);
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_sees_and_replaces_the_certificate_and_nobody_else() {
    use relaypacs_domain::Role;
    let dir = tempfile::tempdir().unwrap();
    let tls = Tls::open(options(&dir), Clock::system()).unwrap();
    let test_box = common::TestBox::with(serde_json::json!([]), Some(tls.clone())).await;
    let public = test_box.public();
    let path = "/api/v1/system/certificate";
    let (admin, clinician) = (test_box.sign_in(Role::Admin).await, test_box.sign_in(Role::Clinician).await);
    let ask = async |token: &str, method: &str, body: Option<serde_json::Value>| {
        let bearer = format!("Bearer {token}");
        common::send(&public, common::from("203.0.113.9"), method, path, body, &[("authorization", &bearer)]).await
    };
    assert_eq!(common::get(&public, common::from("203.0.113.9"), path).await.status, 401);
    assert_eq!(ask(&clinician, "GET", None).await.status, 403);
    let shown = ask(&admin, "GET", None).await.json();
    assert_eq!((&shown["source"], &shown["sha256"]), (&"box".into(), &tls.current().sha256.into()));

    let (chain, key, _) = clinic();
    let (_, other_key, _) = clinic();
    let bad = ask(&admin, "PUT", Some(serde_json::json!({"certificate": chain, "key": other_key}))).await;
    assert_eq!((bad.status, &bad.json()["errors"][0]["detail"]), (422, &"the key does not belong to the certificate".into()));
    assert_eq!(ask(&clinician, "PUT", Some(serde_json::json!({"certificate": chain, "key": key}))).await.status, 403);
    assert_eq!(tls.current().source, CertificateSource::Box);
    let taken = ask(&admin, "PUT", Some(serde_json::json!({"certificate": chain, "key": key}))).await;
    assert_eq!((taken.status, &taken.json()["source"]), (200, &"upload".into()));
    assert!(!taken.text.contains("PRIVATE KEY"));
    assert_eq!(tls.current().source, CertificateSource::Upload);
    assert_eq!(ask(&admin, "DELETE", None).await.status, 204);
    assert_eq!((ask(&admin, "DELETE", None).await.status, tls.current().source), (404, CertificateSource::Box));
    let told = test_box.app.clinic.audit.export(1, 100).await.unwrap();
    let actions: Vec<_> = told.iter().map(|entry| entry.action.as_str()).filter(|action| action.contains("certificate")).collect();
    assert_eq!(actions, ["replace_certificate", "replace_certificate", "give_certificate_up"]);
    test_box.app.buffer.close().await;
}
