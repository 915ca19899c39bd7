//! The certificate the box shows: its own CA's leaf, one that was uploaded, one from files, or one from an ACME service.
//!
//! | file in `tls/` of the data directory (0600) | what it is |
//! |---|---|
//! | `ca.pem`, `ca.key` | the box's own CA, made on first start, 10 years |
//! | `leaf.pem`, `leaf.key` | its leaf, 397 days: host name, `.local`, addresses; re-issued when one of them changes and before it ends |
//! | `uploaded.pem`, `uploaded.key` | what an admin uploaded |
//! | `acme.pem`, `acme.key`, `acme-account.json` | what the ACME service issued |
//!
//! In force is the first of: the files of the configuration, the uploaded one, the ACME one, the leaf; one that is not usable (expired, key
//! does not match) is passed over with an error in the log, so that the box is always reached. Changes take effect with the next handshake.
//! Private keys appear in no log, error or answer.

mod acme;
mod ca;
mod check;
mod files;
mod resolver;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use relaypacs_domain::{Clock, Timestamp};
use rustls::{ServerConfig, crypto::CryptoProvider, sign::CertifiedKey};

pub use acme::{AcmeError, AcmeOptions, Challenges};
pub(crate) use check::{Checked, Unfit};
use resolver::InForce;

/// What a [`Tls`] is opened with.
#[derive(Debug, Clone)]
pub struct TlsOptions {
    /// Where certificates and keys are kept; made (0700) when missing.
    pub dir: PathBuf,
    /// Names under which the box is reached, without `.local`.
    pub names: Vec<String>,
    /// Addresses under which the box is reached beside those of its interfaces.
    pub addresses: Vec<IpAddr>,
    /// Certificate chain and key (PEM) that somebody else keeps; they win over everything else.
    pub files: Option<(PathBuf, PathBuf)>,
    /// Certificates (PEM) that browsers of the clinic trust beside the system's; decides about HSTS only.
    pub trusted_roots: Option<PathBuf>,
    /// Where certificates come from by themselves.
    pub acme: Option<AcmeOptions>,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A certificate cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
    /// The TLS library refuses what it was given.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] rustls::Error),
    /// What was to be taken into use cannot be.
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

/// Where the certificate in force comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The box's own CA.
    Box,
    /// Files of the configuration.
    File,
    /// An admin's upload.
    Upload,
    /// The ACME service.
    Acme,
}

/// The certificate in force.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// Where it comes from.
    pub source: Source,
    /// Whom it names (the subject, RFC 4514).
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// Names and addresses it is good for.
    pub names: Vec<String>,
    /// From when it is good.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// SHA-256 of the certificate (DER), lower-case hex.
    pub sha256: String,
    /// Whether it leads to a root that browsers trust.
    pub trusted: bool,
}

/// The certificates of the box. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Tls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: TlsOptions,
    clock: Clock,
    provider: Arc<CryptoProvider>,
    resolver: Arc<InForce>,
    /// One change at a time.
    changing: Mutex<()>,
    in_force: RwLock<Certificate>,
    authority: RwLock<ca::Authority>,
    challenges: Challenges,
}

impl Tls {
    /// Opens what is there and makes what is missing. Blocks on the disk.
    pub fn open(options: TlsOptions, clock: Clock) -> Result<Self, TlsError> {
        files::prepare(&options.dir)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let authority = ca::Authority::open(&options.dir, clock.now())?;
        let (certificate, key) = choose(&options, &authority, &clock, &provider)?;
        Ok(Self(Arc::new(Inner {
            options,
            clock,
            provider,
            resolver: Arc::new(InForce::new(key)),
            changing: Mutex::new(()),
            in_force: RwLock::new(certificate),
            authority: RwLock::new(authority),
            challenges: Challenges::default(),
        })))
    }

    /// The certificate in force.
    pub fn current(&self) -> Certificate {
        self.0.in_force.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The box's own CA certificate, PEM.
    pub fn ca_pem(&self) -> String {
        self.0.authority.read().unwrap_or_else(PoisonError::into_inner).pem.clone()
    }

    /// SHA-256 of the box's own CA certificate (DER), lower-case hex.
    pub fn ca_sha256(&self) -> String {
        self.0.authority.read().unwrap_or_else(PoisonError::into_inner).sha256.clone()
    }

    /// The answers to open ACME challenges (RFC 8555 §8.3).
    pub fn challenges(&self) -> &Challenges {
        &self.0.challenges
    }

    /// What the listeners shake hands with: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(self.0.provider.clone())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.0.resolver.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Looks again at files, names, addresses and dates; re-issues the leaf where they ask for it. `true`: another certificate is in force
    /// now. Blocks on the disk.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        let inner = &self.0;
        let _one = inner.changing.lock().unwrap_or_else(PoisonError::into_inner);
        inner.apply()
    }

    /// Takes a chain and its key into use, after checking that they belong together, lead from one to the next and are good today. Blocks on
    /// the disk.
    pub fn take(&self, chain_pem: &str, key_pem: &str) -> Result<Certificate, TlsError> {
        self.keep(Source::Upload, chain_pem, key_pem)
    }

    /// Gives up an uploaded certificate. `false`: there was none. Blocks on the disk.
    pub fn give_up(&self) -> Result<bool, TlsError> {
        let inner = &self.0;
        let _one = inner.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = files::remove(&inner.options.dir, "uploaded")?;
        inner.apply()?;
        Ok(gone)
    }

    /// Checks a chain with its key, writes both and puts them in force.
    fn keep(&self, source: Source, chain_pem: &str, key_pem: &str) -> Result<Certificate, TlsError> {
        let inner = &self.0;
        Checked::read(chain_pem, key_pem, inner.clock.now(), &inner.provider)?;
        let _one = inner.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let name = if source == Source::Acme { "acme" } else { "uploaded" };
        files::write_pair(&inner.options.dir, name, chain_pem, key_pem)?;
        inner.apply()?;
        Ok(self.current())
    }
}

impl Inner {
    /// Chooses anew. Called with `changing` held.
    fn apply(&self) -> Result<bool, TlsError> {
        let authority = ca::Authority::open(&self.options.dir, self.clock.now())?;
        let (certificate, key) = choose(&self.options, &authority, &self.clock, &self.provider)?;
        *self.authority.write().unwrap_or_else(PoisonError::into_inner) = authority;
        let mut in_force = self.in_force.write().unwrap_or_else(PoisonError::into_inner);
        let changed = in_force.sha256 != certificate.sha256;
        if changed {
            tracing::info!(source = ?certificate.source, sha256 = certificate.sha256, "another TLS certificate is in force");
            self.resolver.set(key);
        }
        *in_force = certificate;
        Ok(changed)
    }
}

/// The first certificate that is usable, in the order of the module's table.
fn choose(
    options: &TlsOptions,
    authority: &ca::Authority,
    clock: &Clock,
    provider: &CryptoProvider,
) -> Result<(Certificate, Arc<CertifiedKey>), TlsError> {
    let dir = &options.dir;
    let kept = |name: &str| (dir.join(format!("{name}.pem")), dir.join(format!("{name}.key")));
    let places = [
        (Source::File, options.files.clone()),
        (Source::Upload, Some(kept("uploaded"))),
        (Source::Acme, options.acme.is_some().then(|| kept("acme"))),
    ];
    for (source, place) in places {
        let Some((chain, key)) = place else { continue };
        if source != Source::File && !chain.exists() {
            continue;
        }
        match read(&chain, &key, clock, provider) {
            Ok(checked) => return Ok(in_force(source, checked, options)),
            Err(error) => tracing::error!(?source, %error, "a TLS certificate cannot be used; the next one is taken"),
        }
    }
    let (chain, key) = authority.leaf(dir, &options.names, &options.addresses, clock.now())?;
    Ok(in_force(Source::Box, Checked::read(&chain, &key, ca::believed(clock.now()), provider)?, options))
}

fn read(chain: &Path, key: &Path, clock: &Clock, provider: &CryptoProvider) -> Result<Checked, TlsError> {
    Ok(Checked::read(&files::read(chain)?, &files::read(key)?, clock.now(), provider)?)
}

fn in_force(source: Source, checked: Checked, options: &TlsOptions) -> (Certificate, Arc<CertifiedKey>) {
    let trusted = source != Source::Box && check::is_trusted(&checked, options.trusted_roots.as_deref());
    let Checked { key, facts } = checked;
    let certificate = Certificate {
        source,
        subject: facts.subject,
        issuer: facts.issuer,
        names: facts.names,
        not_before: facts.not_before,
        not_after: facts.not_after,
        sha256: facts.sha256,
        trusted,
    };
    (certificate, Arc::new(key))
}
