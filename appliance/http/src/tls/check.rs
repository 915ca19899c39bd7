//! Whether a certificate may be taken into use: it can be read, its key belongs to it, its chain holds together, and it is good today.

use std::{fmt::Write, net::IpAddr, path::Path, sync::Arc};

use relaypacs_domain::Timestamp;
use ring::digest;
use rustls::{
    client::danger::ServerCertVerifier,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    sign::CertifiedKey,
};
use rustls_platform_verifier::Verifier;
use x509_parser::{extensions::GeneralName, prelude::*};

/// Most certificates of a chain.
const MAX_CHAIN: usize = 10;

/// Why a certificate cannot be taken into use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// There is no certificate in the text.
    #[error("there is no certificate in it: PEM, the server's own certificate first, is expected")]
    NoCertificate,
    /// More certificates than a chain has.
    #[error("a chain has at most {MAX_CHAIN} certificates")]
    TooMany,
    /// A certificate cannot be read.
    #[error("certificate {0} of the chain cannot be read")]
    Unreadable(usize),
    /// There is no private key in the text, or not one that can be used.
    #[error("there is no usable private key in it: PEM (PKCS#8, PKCS#1 or SEC1) without a passphrase is expected")]
    NoKey,
    /// The key belongs to another certificate.
    #[error("the key does not belong to the certificate")]
    OtherKey,
    /// The chain is broken.
    #[error("certificate {0} of the chain was not issued by the next one")]
    BrokenChain(usize),
    /// Its time has not come, or is over.
    #[error("certificate {which} of the chain is good from {from} to {to} only")]
    Date {
        /// Which, from 1.
        which: usize,
        /// From when.
        from: Timestamp,
        /// Until when.
        to: Timestamp,
    },
    /// It is no server's.
    #[error("the first certificate is a certificate authority's, not a server's")]
    Authority,
    /// It names nobody.
    #[error("the certificate names no host (subjectAltName)")]
    NoName,
}

/// A certificate that may be taken into use.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(super) key: CertifiedKey,
    pub(super) facts: Facts,
}

/// What a certificate says.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) names: Vec<String>,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    pub(super) sha256: String,
}

impl Checked {
    /// Reads chain and key and checks them at `now`.
    pub(crate) fn read(chain_pem: &str, key_pem: &str, now: Timestamp, provider: &CryptoProvider) -> Result<Self, Unfit> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain_pem.as_bytes()).take(MAX_CHAIN + 1).collect();
        let chain: Vec<CertificateDer<'static>> =
            chain.into_iter().enumerate().map(|(n, der)| der.map_err(|_| Unfit::Unreadable(n + 1))).collect::<Result<_, _>>()?;
        if chain.is_empty() {
            return Err(Unfit::NoCertificate);
        }
        if chain.len() > MAX_CHAIN {
            return Err(Unfit::TooMany);
        }
        let facts = facts_of(&chain, now)?;
        let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(|_| Unfit::NoKey)?;
        let key = provider.key_provider.load_private_key(key).map_err(|_| Unfit::NoKey)?;
        let key = CertifiedKey::new(chain, key);
        key.keys_match().map_err(|_| Unfit::OtherKey)?;
        Ok(Self { key, facts })
    }
}

/// What a PEM certificate says, whatever today's date is.
pub(super) fn facts(pem: &str) -> Result<Facts, Unfit> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| Unfit::NoCertificate)?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| Unfit::Unreadable(1))?;
    Ok(said_by(&certificate, &der))
}

fn facts_of(chain: &[CertificateDer<'static>], now: Timestamp) -> Result<Facts, Unfit> {
    let read = chain.iter().enumerate().map(|(n, der)| {
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| Unfit::Unreadable(n + 1))?;
        if rest.is_empty() { Ok(certificate) } else { Err(Unfit::Unreadable(n + 1)) }
    });
    let read: Vec<X509Certificate<'_>> = read.collect::<Result<_, _>>()?;
    for (n, certificate) in read.iter().enumerate() {
        let (from, to) = validity(certificate);
        if !(from..=to).contains(&now) {
            return Err(Unfit::Date { which: n + 1, from, to });
        }
        if let Some(issuer) = read.get(n + 1)
            && (certificate.issuer() != issuer.subject() || certificate.verify_signature(Some(issuer.public_key())).is_err())
        {
            return Err(Unfit::BrokenChain(n + 1));
        }
    }
    let (Some(own), Some(der)) = (read.first(), chain.first()) else { return Err(Unfit::NoCertificate) };
    if own.is_ca() {
        return Err(Unfit::Authority);
    }
    let facts = said_by(own, der);
    if facts.names.is_empty() { Err(Unfit::NoName) } else { Ok(facts) }
}

fn said_by(certificate: &X509Certificate<'_>, der: &CertificateDer<'_>) -> Facts {
    let (not_before, not_after) = validity(certificate);
    Facts {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        names: names(certificate),
        not_before,
        not_after,
        sha256: fingerprint(der),
    }
}

fn validity(certificate: &X509Certificate<'_>) -> (Timestamp, Timestamp) {
    let at = |time: ASN1Time| Timestamp::from_millis(time.timestamp().saturating_mul(1000));
    (at(certificate.validity().not_before), at(certificate.validity().not_after))
}

/// DNS names and addresses of subjectAltName.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_string()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|octets| IpAddr::from(octets).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|octets| IpAddr::from(octets).to_string()),
            _ => None,
        },
        _ => None,
    };
    extension.value.general_names.iter().filter_map(name).collect()
}

/// SHA-256, lower-case hex.
pub(super) fn fingerprint(der: &[u8]) -> String {
    digest::digest(&digest::SHA256, der).as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether the chain leads to a root of the system or of the file `more` for a name the certificate bears.
pub(super) fn is_trusted(checked: &Checked, more: Option<&Path>) -> bool {
    let extra: Vec<CertificateDer<'static>> =
        more.and_then(|path| CertificateDer::pem_file_iter(path).ok()).into_iter().flatten().filter_map(Result::ok).collect();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let Ok(verifier) = Verifier::new_with_extra_roots(extra, provider) else { return false };
    let Some((own, intermediates)) = checked.key.cert.split_first() else { return false };
    let mut names = checked.facts.names.iter().map(|name| name.replacen("*.", "any.", 1));
    names.any(|name| {
        ServerName::try_from(name).is_ok_and(|name| verifier.verify_server_cert(own, intermediates, &name, &[], UnixTime::now()).is_ok())
    })
}
