//! Tries a STOW-RS destination step by step and says which step fails first: `dns`, `tcp`, `tls`, `auth`, `service`.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use relaypacs_domain::{Failure, FailureCode};
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use tokio::time::{Instant, timeout};

use crate::{
    dicomweb::Service,
    folder::Folder,
    health::{EchoReport, EchoStep},
};

/// Tries a DICOMweb service. Nothing is stored.
pub(crate) async fn service(service: &Service) -> EchoReport {
    let mut report = EchoReport::default();
    let _ = steps(service, &mut report).await; // the report holds the failure
    report
}

/// The report on a service that cannot be tried, because a file that it needs cannot be used.
pub(crate) fn unusable(failure: Failure) -> EchoReport {
    let mut report = EchoReport::default();
    let step = if failure.detail.starts_with("ca_file") { "tls" } else { "auth" };
    let _ = report.note(step, Instant::now(), Err(failure));
    report
}

/// Tries a folder: a file is written, synced and removed.
pub(crate) async fn folder(folder: &Folder) -> EchoReport {
    let mut report = EchoReport::default();
    let began = Instant::now();
    let tried = folder.write_test().await;
    let _ = report.note("service", began, tried.map(|()| "a file was written, synced and removed".to_string()));
    report
}

/// The first failing step has ended it.
struct Failed;

impl EchoReport {
    fn note(&mut self, step: &'static str, began: Instant, result: Result<String, Failure>) -> Result<(), Failed> {
        let ok = result.is_ok();
        let detail = result.unwrap_or_else(|failure| failure.detail);
        self.steps.push(EchoStep { step, ok, took: began.elapsed(), detail: Some(detail) });
        if ok { Ok(()) } else { Err(Failed) }
    }
}

async fn steps(service: &Service, report: &mut EchoReport) -> Result<(), Failed> {
    let host = service.base.host_str().unwrap_or_default().to_string();
    let port = service.base.port_or_known_default().unwrap_or(80);
    let longest = service.connect_timeout();

    let began = Instant::now();
    let found = resolve(&host, port, longest).await;
    let (address, result) = match found {
        Ok(address) => (Some(address), Ok(address.ip().to_string())),
        Err(failure) => (None, Err(failure)),
    };
    report.note("dns", began, result)?;
    let Some(address) = address else { return Err(Failed) };

    let began = Instant::now();
    report.note("tcp", began, connect(address, longest).await)?;

    if service.base.scheme() == "https" {
        let began = Instant::now();
        report.note("tls", began, handshake(host, address, service.tls(), longest).await)?;
    }

    let began = Instant::now();
    let credentials = service.authorizer.authorization(&service.http()).await.map(|_| ());
    let answer = match credentials {
        Ok(()) => service.ping().await.map(|status| status.as_u16()),
        Err(failure) => return report.note("auth", began, Err(failure)),
    };
    match answer {
        Ok(status @ (401 | 403)) => {
            let failure = Failure::new(FailureCode::Http(status), format!("HTTP {status}: the destination refuses us"));
            report.note("auth", began, Err(failure))
        }
        Ok(status) => {
            report.note("auth", began, Ok("accepted".into()))?;
            report.note("service", began, judged(status))
        }
        Err(failure) if failure.code == FailureCode::Auth => report.note("auth", began, Err(failure)),
        Err(failure) => {
            report.note("auth", began, Ok("credentials at hand".into()))?;
            report.note("service", began, Err(failure))
        }
    }
}

fn judged(status: u16) -> Result<String, Failure> {
    match status {
        200..=299 => Ok(format!("the query was answered {status}")),
        // a store-only service need not offer queries
        400 | 405 | 501 => Ok(format!("the service answers, though not queries ({status})")),
        404 => Err(Failure::new(FailureCode::Http(404), "HTTP 404: there is no DICOMweb service at this URL")),
        _ => Err(Failure::new(FailureCode::Http(status), format!("the query was answered {status}"))),
    }
}

/// The first address of a host; IPv6 addresses may stand in brackets.
pub(crate) async fn resolve(host: &str, port: u16, longest: Duration) -> Result<SocketAddr, Failure> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let looked_up = timeout(longest, tokio::net::lookup_host((bare, port))).await;
    let mut found = match looked_up {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Err(Failure::new(FailureCode::Dns, error.to_string())),
        Err(_) => return Err(Failure::new(FailureCode::Dns, "no answer from the name server")),
    };
    found.next().ok_or_else(|| Failure::new(FailureCode::Dns, "the name has no address"))
}

/// Opens and closes a TCP connection.
pub(crate) async fn connect(address: SocketAddr, longest: Duration) -> Result<String, Failure> {
    match timeout(longest, tokio::net::TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok(format!("connected to {address}")),
        Ok(Err(error)) => Err(Failure::new(FailureCode::Connect, format!("{address}: {error}"))),
        Err(_) => Err(Failure::new(FailureCode::Connect, format!("{address}: no answer"))),
    }
}

async fn handshake(host: String, address: SocketAddr, tls: ClientConfig, longest: Duration) -> Result<String, Failure> {
    let done = tokio::task::spawn_blocking(move || blocking_handshake(&host, address, tls, longest));
    match done.await {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(error)) => Err(Failure::new(FailureCode::Tls, error.to_string())),
        Err(_) => Err(Failure::new(FailureCode::Tls, "the check broke off")),
    }
}

/// A TLS handshake with timeouts on every read and write.
fn blocking_handshake(host: &str, address: SocketAddr, tls: ClientConfig, longest: Duration) -> io::Result<String> {
    let name = ServerName::try_from(host.trim_start_matches('[').trim_end_matches(']').to_string()).map_err(io::Error::other)?;
    let mut tls = ClientConnection::new(Arc::new(tls), name).map_err(io::Error::other)?;
    let mut socket = TcpStream::connect_timeout(&address, longest)?;
    socket.set_read_timeout(Some(longest))?;
    socket.set_write_timeout(Some(longest))?;
    while tls.is_handshaking() {
        tls.complete_io(&mut socket)?;
    }
    let version = match tls.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    };
    Ok(format!("{version}, certificate trusted"))
}
