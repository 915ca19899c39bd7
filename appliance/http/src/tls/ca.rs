//! The box's own certificate authority and the leaf it issues.
//!
//! A box without a set clock (a Pi before the network answers) must not make certificates that were over long ago: earlier than
//! [`EARLIEST`] counts as [`EARLIEST`]; once the clock is right, a leaf that does not fit is issued again.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, date_time_ymd,
};
use relaypacs_domain::Timestamp;

use super::{
    TlsError, check,
    files::{read, write, write_pair},
};
use crate::system::own_addresses;

/// Days an authority is good for: ten years.
const CA_DAYS: i64 = 3652;
/// Days a leaf is good for: browsers take at most 398.
const LEAF_DAYS: i64 = 397;
/// A leaf with less than this left is issued again.
const RENEW_DAYS: i64 = 30;
/// A clock that says less than 2026-01-01 is not set.
const EARLIEST: Timestamp = Timestamp::from_millis(1_767_225_600_000);

const DAY_MS: i64 = 86_400_000;

/// The time that dates are held against: a clock that is not set counts as [`EARLIEST`].
pub(super) fn believed(now: Timestamp) -> Timestamp {
    now.max(EARLIEST)
}

/// The box's own certificate authority.
#[derive(Debug)]
pub(super) struct Authority {
    /// Its certificate.
    pub(super) pem: String,
    /// SHA-256 of the certificate.
    pub(super) sha256: String,
    key: KeyPair,
}

impl Authority {
    /// Reads it, or makes it on first start and when it is over.
    pub(super) fn open(dir: &Path, now: Timestamp) -> Result<Self, TlsError> {
        let (pem_path, key_path) = (dir.join("ca.pem"), dir.join("ca.key"));
        if pem_path.exists() && key_path.exists() {
            let (pem, key) = (read(&pem_path)?, KeyPair::from_pem(&read(&key_path)?)?);
            let facts = check::facts(&pem)?;
            if facts.not_after > believed(now) {
                return Ok(Self { pem, sha256: facts.sha256, key });
            }
            tracing::warn!("the box's own certificate authority is over: another one is made and must be trusted anew");
        }
        let key = KeyPair::generate()?;
        let mut params = authority(&key);
        good_for(&mut params, now, CA_DAYS);
        let certificate = params.self_signed(&key)?;
        write(&key_path, &key.serialize_pem())?;
        write(&pem_path, &certificate.pem())?;
        let sha256 = check::fingerprint(certificate.der());
        tracing::info!(sha256, "the box made its own certificate authority");
        Ok(Self { pem: certificate.pem(), sha256, key })
    }

    /// The leaf's chain and key (PEM): the one that is there, or a new one when it does not fit names, addresses, authority or date.
    pub(super) fn leaf(&self, dir: &Path, names: &[String], addresses: &[IpAddr], now: Timestamp) -> Result<(String, String), TlsError> {
        let wanted = wanted(names, addresses);
        if let (Ok(chain), Ok(key)) = (read(&dir.join("leaf.pem")), read(&dir.join("leaf.key")))
            && self.still_fits(&chain, &key, &wanted, now)
        {
            return Ok((chain, key));
        }
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.subject_alt_names = wanted.iter().map(|name| alternative(name)).collect::<Result<_, _>>()?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, names.first().map_or("RelayPACS", String::as_str));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        good_for(&mut params, now, LEAF_DAYS);
        let certificate = params.signed_by(&key, &Issuer::new(authority(&self.key), &self.key))?;
        let (chain, key) = (format!("{}{}", certificate.pem(), self.pem), key.serialize_pem());
        write_pair(dir, "leaf", &chain, &key)?;
        Ok((chain, key))
    }

    fn still_fits(&self, chain: &str, key: &str, wanted: &BTreeSet<String>, now: Timestamp) -> bool {
        let provider = rustls::crypto::ring::default_provider();
        let soon = Timestamp::from_millis(believed(now).as_millis() + RENEW_DAYS * DAY_MS);
        let good = |at| check::Checked::read(chain, key, at, &provider).ok();
        good(soon).is_some()
            && chain.ends_with(&self.pem)
            && good(believed(now)).is_some_and(|checked| wanted.iter().all(|name| checked.facts.names.contains(name)))
    }
}

/// What the authority's certificate says, its dates excepted. The name is made from the key.
fn authority(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let name = format!("RelayPACS box CA {}", &check::fingerprint(key.public_key_raw())[..8]);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// From a day ago (clocks of clients differ) for so many days.
fn good_for(params: &mut CertificateParams, now: Timestamp, days: i64) {
    let from = believed(now).as_millis() / DAY_MS - 1;
    let epoch = date_time_ymd(1970, 1, 1);
    let day = |n: i64| epoch + std::time::Duration::from_secs(86_400 * n.unsigned_abs());
    params.not_before = day(from);
    params.not_after = day(from + days);
}

/// All names and addresses of the leaf: as given, with `.local`, the loopback ones, and those of the interfaces.
fn wanted(names: &[String], addresses: &[IpAddr]) -> BTreeSet<String> {
    let mut wanted = BTreeSet::from(["localhost".to_string(), Ipv4Addr::LOCALHOST.to_string(), Ipv6Addr::LOCALHOST.to_string()]);
    for name in names.iter().map(|name| name.to_ascii_lowercase()).filter(|name| is_host_name(name)) {
        if !name.contains('.') {
            wanted.insert(format!("{name}.local"));
        }
        wanted.insert(name);
    }
    let interfaces = own_addresses();
    wanted.extend(addresses.iter().chain(&interfaces).filter(|address| !address.is_unspecified()).map(ToString::to_string));
    wanted
}

/// Letters, digits, hyphens and dots, as a certificate can bear.
fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

fn alternative(name: &str) -> Result<SanType, rcgen::Error> {
    match name.parse::<IpAddr>() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => Ok(SanType::DnsName(name.try_into()?)),
    }
}
