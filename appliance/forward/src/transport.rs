//! The HTTP client of one destination: TLS by ring, HTTP/1.1, connections kept, no redirects (a body that streams cannot be sent twice),
//! and what its errors mean.

use std::{error::Error as _, io, path::Path, sync::Arc, time::Duration};

use relaypacs_domain::{Failure, FailureCode};
use rustls::{ClientConfig, RootCertStore, crypto::CryptoProvider};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::config::ClientCertificate;

/// A file of the TLS configuration that cannot be used: the key that names it and why.
#[derive(Debug)]
pub(crate) struct TlsFileError {
    pub(crate) field: &'static str,
    pub(crate) file: String,
    pub(crate) rule: String,
}

/// How to build a client.
#[derive(Debug, Clone)]
pub(crate) struct TransportOptions {
    pub(crate) connections: usize,
    pub(crate) connect_timeout: Duration,
    pub(crate) stall_timeout: Duration,
}

/// TLS towards a destination: the CA file's authorities if there is one, else the system's; the client certificate if there is one.
pub(crate) fn tls_config(ca_file: Option<&Path>, client: Option<&ClientCertificate>) -> Result<ClientConfig, TlsFileError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| bad_file("ca_file", Path::new(""), error))?;
    let builder = match ca_file {
        Some(file) => builder.with_root_certificates(roots(file)?),
        None => builder.with_platform_verifier().map_err(|error| bad_file("ca_file", Path::new("the system's certificates"), error))?,
    };
    match client {
        None => Ok(builder.with_no_client_auth()),
        Some(files) => {
            let (chain, key) = identity(files, &provider)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| bad_file("auth.cert_file", &files.cert_file, error))
        }
    }
}

/// TLS for a destination that uses none: nobody is trusted.
pub(crate) fn no_tls() -> Result<ClientConfig, TlsFileError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| bad_file("ca_file", Path::new(""), error))?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn bad_file(field: &'static str, file: &Path, error: impl std::fmt::Display) -> TlsFileError {
    TlsFileError { field, file: file.display().to_string(), rule: error.to_string() }
}

fn roots(file: &Path) -> Result<RootCertStore, TlsFileError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates("ca_file", file)? {
        store.add(certificate).map_err(|error| bad_file("ca_file", file, error))?;
    }
    Ok(store)
}

fn certificates(field: &'static str, file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFileError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).map_err(|error| bad_file(field, file, error))?.collect();
    let found = found.map_err(|error| bad_file(field, file, error))?;
    if found.is_empty() {
        return Err(bad_file(field, file, "holds no PEM certificate"));
    }
    Ok(found)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(files: &ClientCertificate, provider: &CryptoProvider) -> Result<Identity, TlsFileError> {
    let chain = certificates("auth.cert_file", &files.cert_file)?;
    let key = PrivateKeyDer::from_pem_file(&files.key_file).map_err(|error| bad_file("auth.key_file", &files.key_file, error))?;
    provider.key_provider.load_private_key(key.clone_key()).map_err(|error| bad_file("auth.key_file", &files.key_file, error))?;
    Ok((chain, key))
}

/// Builds the client; `tls` as from [`tls_config`].
pub(crate) fn client(tls: ClientConfig, options: &TransportOptions) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .user_agent(concat!("RelayPACS/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.connect_timeout)
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(15))
        .tcp_user_timeout(options.stall_timeout)
        .pool_max_idle_per_host(options.connections)
        .pool_idle_timeout(Duration::from_secs(30))
        .build()
}

/// What an error of the client means. Never holds the URL.
pub(crate) fn failure(error: &reqwest::Error) -> Failure {
    let mut texts = Vec::new();
    let mut code = if error.is_connect() { FailureCode::Connect } else { FailureCode::Line };
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if is_tls(cause) {
            code = FailureCode::Tls;
        } else if error.is_connect() && text.starts_with("dns error") {
            code = FailureCode::Dns;
        }
        // hyper's outer layers repeat what the inner ones say better
        if !matches!(text.as_str(), "client error (Connect)" | "client error (SendRequest)") && !texts.contains(&text) {
            texts.push(text);
        }
        source = cause.source();
    }
    if texts.is_empty() {
        texts.push(if error.is_timeout() { "timed out".into() } else { "the line broke".into() });
    }
    Failure::new(code, texts.join(": "))
}

fn is_tls(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.is::<rustls::Error>()
        || cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .is_some_and(<dyn std::error::Error + Send + Sync + 'static>::is::<rustls::Error>)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_file_is_named_with_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, "no certificate").unwrap();
        let error = tls_config(Some(&file), None).unwrap_err();
        assert_eq!((error.field, error.rule.as_str()), ("ca_file", "holds no PEM certificate"));
        let error = tls_config(Some(&folder.path().join("absent.pem")), None).unwrap_err();
        assert!(error.file.ends_with("absent.pem") && error.rule.contains("No such file"), "{error:?}");
    }

    #[tokio::test]
    async fn a_refused_connection_and_an_unknown_name_are_told_apart() {
        let options = TransportOptions { connections: 1, connect_timeout: Duration::from_secs(5), stall_timeout: Duration::from_secs(5) };
        let client = client(no_tls().unwrap(), &options).unwrap();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = client.get(format!("http://{closed}/secret")).send().await.unwrap_err();
        let seen = failure(&error);
        assert_eq!(seen.code, FailureCode::Connect, "{seen:?}");
        assert!(seen.detail.contains("refused") && !seen.detail.contains("secret"), "{seen:?}");
        let error = client.get("http://no-such-host.invalid/").send().await.unwrap_err();
        assert_eq!(failure(&error).code, FailureCode::Dns);
    }
}
