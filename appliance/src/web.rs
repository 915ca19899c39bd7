//! The HTTP entrances: plain and encrypted listeners over the same routes, and the certificates' keeping.

use std::{io, net::TcpListener, path::Path, time::Duration};

use axum::Router;
use relaypacs_domain::Clock;
use relaypacs_http::{
    AcmeOptions, App, Entrance, Limits, PlainRules, Secured, Telemetry, Tls, TlsError, TlsOptions, over_plain, over_tls, serve,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{config::Config, tasks::supervise};

/// How often files, names and addresses are looked at again.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// The box's certificates; `None` while HTTPS is off. Blocks on the disk.
pub(crate) fn tls(config: &Config, directory: &Path, clock: &Clock) -> Result<Option<Tls>, TlsError> {
    if config.http.port == 0 {
        return Ok(None);
    }
    let file = |path: &Path| (!path.as_os_str().is_empty()).then(|| path.to_owned());
    let acme = &config.acme;
    let options = TlsOptions {
        dir: directory.join("tls"),
        names: names(config),
        addresses: config.http.bind.addresses().unwrap_or_default().to_vec(),
        files: file(&config.http.cert_file).zip(file(&config.http.key_file)),
        trusted_roots: file(&config.http.trusted_roots_file),
        acme: (!acme.directory.is_empty()).then(|| AcmeOptions {
            directory: acme.directory.clone(),
            names: acme.names.clone(),
            contact: (!acme.contact.is_empty()).then(|| acme.contact.clone()),
            ca_file: file(&acme.ca_file),
        }),
    };
    Tls::open(options, clock.clone()).map(Some)
}

/// How callers by TCP are treated.
pub(crate) fn entrance(config: &Config, telemetry: Telemetry) -> Entrance {
    Entrance {
        rates: config.limits.rates(),
        trusted_proxies: config.http.trusted_proxies.clone(),
        page: Some(relaypacs_http::page()),
        telemetry,
    }
}

/// The machine's name and the site's.
fn names(config: &Config) -> Vec<String> {
    let mut names = vec![rustix::system::uname().nodename().to_string_lossy().into_owned()];
    if !config.site.name.is_empty() && !names.contains(&config.site.name) {
        names.push(config.site.name.clone());
    }
    names
}

/// Starts the listeners, each supervised on its own.
pub(crate) fn start(
    services: &mut JoinSet<()>,
    config: &Config,
    app: &App,
    plain: Vec<TcpListener>,
    encrypted: Vec<TcpListener>,
    stop: &CancellationToken,
) {
    let rules = PlainRules {
        https_port: (config.http.port != 0).then_some(config.http.port),
        trusted_proxies: config.http.trusted_proxies.clone(),
        monitoring_networks: config.http.monitoring_networks.clone(),
    };
    let limits = config.limits.listener();
    let router = relaypacs_http::public(app.clone());
    for listener in plain {
        let (router, token) = (over_plain(router.clone(), rules.clone()), stop.clone());
        services.spawn(supervise("http", app.http.clone(), stop.clone(), move || {
            plain_service(listener.try_clone(), router.clone(), limits, token.clone())
        }));
    }
    let Some(tls) = &app.tls else { return };
    for listener in encrypted {
        let (router, tls, token) = (over_tls(router.clone(), tls.clone()), tls.clone(), stop.clone());
        services.spawn(supervise("https", app.http.clone(), stop.clone(), move || {
            encrypted_service(listener.try_clone(), tls.clone(), router.clone(), limits, token.clone())
        }));
    }
    let (tls, token) = (tls.clone(), stop.clone());
    services.spawn(supervise("certificates", app.http.clone(), stop.clone(), move || keep(tls.clone(), token.clone())));
}

async fn plain_service(listener: io::Result<TcpListener>, router: Router, limits: Limits, stop: CancellationToken) {
    match listener.and_then(tokio::net::TcpListener::from_std) {
        Ok(listener) => serve(listener, router, limits, stop).await,
        Err(error) => tracing::error!(%error, "the HTTP listener cannot be used"),
    }
}

async fn encrypted_service(listener: io::Result<TcpListener>, tls: Tls, router: Router, limits: Limits, stop: CancellationToken) {
    let secured = listener.and_then(tokio::net::TcpListener::from_std).map(|listener| Secured::new(listener, &tls));
    match secured {
        Ok(Ok(secured)) => serve(secured, router, limits, stop).await,
        Ok(Err(error)) => tracing::error!(%error, "the HTTPS listener cannot be used"),
        Err(error) => tracing::error!(%error, "the HTTPS listener cannot be used"),
    }
}

async fn renew(tls: &Tls) {
    match tls.renew_by_acme().await {
        Ok(()) => tracing::info!("the ACME service issued a certificate"),
        Err(error) => tracing::error!(%error, "no certificate from the ACME service; the schedule tries again"),
    }
}

/// Looks at files, names and addresses again and again.
async fn keep(tls: Tls, stop: CancellationToken) {
    let mut first = true;
    while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
        // Later tries are the schedule's.
        if std::mem::take(&mut first) && tls.acme_is_due() {
            renew(&tls).await;
        }
        let tls = tls.clone();
        match tokio::task::spawn_blocking(move || tls.refresh()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!(%error, "the TLS certificates cannot be looked at"),
            Err(error) => tracing::error!(%error, "looking at the TLS certificates broke off"),
        }
    }
}
