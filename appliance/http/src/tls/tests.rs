use std::{fs, sync::Arc};

use rcgen::{CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use relaypacs_domain::ManualClock;
use tempfile::TempDir;

use super::*;

/// 2026-11-23.
const TODAY: i64 = 1_795_392_000_000;
const DAY: std::time::Duration = std::time::Duration::from_hours(24);

struct Kept {
    dir: TempDir,
    clock: Arc<ManualClock>,
}

impl Kept {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        clock.set_wall(Timestamp::from_millis(TODAY));
        Self { dir: tempfile::tempdir().unwrap(), clock }
    }
    fn options(&self, names: &[&str]) -> TlsOptions {
        TlsOptions {
            dir: self.dir.path().join("tls"),
            names: names.iter().map(ToString::to_string).collect(),
            addresses: vec!["192.0.2.10".parse().unwrap()],
            files: None,
            trusted_roots: None,
            acme: None,
        }
    }
    fn open(&self, names: &[&str]) -> Tls {
        self.open_with(self.options(names))
    }
    fn open_with(&self, options: TlsOptions) -> Tls {
        Tls::open(options, Clock::manual(self.clock.clone())).unwrap()
    }
}

/// An authority of somebody else.
struct Foreign {
    params: CertificateParams,
    key: KeyPair,
    pem: String,
}

impl Foreign {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Clinic CA");
        let pem = params.self_signed(&key).unwrap().pem();
        Self { params, key, pem }
    }
    /// A chain and its key, good for these years.
    fn issue(&self, name: &str, years: (i32, i32)) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_string()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&key, &Issuer::from_params(&self.params, &self.key)).unwrap();
        (format!("{}{}", leaf.pem(), self.pem), key.serialize_pem())
    }
}

#[test]
fn the_first_start_makes_an_authority_and_a_leaf_that_stay() {
    let kept = Kept::new();
    let tls = kept.open(&["edge1"]);
    let first = tls.current();
    assert_eq!((first.source, first.trusted), (Source::Box, false));
    for name in ["edge1", "edge1.local", "localhost", "127.0.0.1", "::1", "192.0.2.10"] {
        assert!(first.names.iter().any(|found| found == name), "{name} is not in {:?}", first.names);
    }
    let days = |from: Timestamp, to: Timestamp| (to.as_millis() - from.as_millis()) / 86_400_000;
    assert_eq!(days(first.not_before, first.not_after), 397);
    let authority = check::facts(&tls.ca_pem()).unwrap();
    assert_eq!(days(authority.not_before, authority.not_after), 3652);
    assert_eq!((&authority.subject, &authority.sha256), (&first.issuer, &tls.ca_sha256()));

    let again = kept.open(&["edge1"]);
    assert_eq!((again.current().sha256, again.ca_pem()), (first.sha256, tls.ca_pem()));
    for file in ["ca.key", "leaf.key"] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(kept.dir.path().join("tls").join(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
}

#[test]
fn the_leaf_is_issued_anew_when_a_name_changes_or_its_end_is_near() {
    let kept = Kept::new();
    let first = kept.open(&["edge1"]);
    let renamed = kept.open(&["edge2"]);
    assert_ne!(renamed.current().sha256, first.current().sha256);
    assert!(renamed.current().names.contains(&"edge2.local".to_string()));
    assert!(!renamed.refresh().unwrap(), "nothing changed");
    kept.clock.advance(DAY * 370);
    assert!(renamed.refresh().unwrap(), "its end is near");
    assert_eq!(renamed.ca_pem(), first.ca_pem(), "the authority stays");
}

#[test]
fn a_box_whose_clock_is_not_set_makes_certificates_that_are_good_later() {
    let kept = Kept::new();
    kept.clock.set_wall(Timestamp::from_millis(0));
    let key = kept.open(&["edge1"]);
    let made = key.ca_pem();
    kept.clock.set_wall(Timestamp::from_millis(TODAY));
    key.refresh().unwrap();
    assert_eq!(key.ca_pem(), made, "the authority is still good");
    assert!(key.current().not_after > Timestamp::from_millis(TODAY));
}

#[test]
fn what_does_not_hold_together_is_not_taken() {
    let kept = Kept::new();
    let tls = kept.open(&["edge1"]);
    let before = tls.current();
    let (clinic, other) = (Foreign::new(), Foreign::new());
    let (chain, key) = clinic.issue("pacs.clinic.example", (2026, 2028));
    let (old, old_key) = clinic.issue("pacs.clinic.example", (2020, 2021));
    let (_, other_key) = clinic.issue("pacs.clinic.example", (2026, 2028));
    let leaf = chain.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap().to_string();
    let check = |chain: &str, key: &str, expected: &str| {
        let error = tls.take(chain, key).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}, not {expected}");
        assert_eq!(tls.current().sha256, before.sha256, "{expected}");
    };
    check("", &key, "no certificate");
    check(&chain, "", "no usable private key");
    check(&chain, &other_key, "the key does not belong");
    check(&old, &old_key, "is good from 2020-01-01");
    check(&format!("{leaf}{}", other.pem), &key, "certificate 1 of the chain was not issued by the next one");
    check(&other.pem, &other.key.serialize_pem(), "a certificate authority's");
    check(&leaf.repeat(11), &key, "at most 10");
    check(&chain.replacen("MII", "AAA", 1), &key, "certificate 1");
}

#[test]
fn an_uploaded_certificate_is_in_force_at_once_and_after_a_restart_until_it_is_given_up_or_over() {
    let kept = Kept::new();
    let tls = kept.open(&["edge1"]);
    let own = tls.current();
    let (chain, key) = Foreign::new().issue("pacs.clinic.example", (2026, 2028));
    let taken = tls.take(&chain, &key).unwrap();
    assert_eq!((taken.source, taken.names), (Source::Upload, vec!["pacs.clinic.example".to_string()]));
    assert_eq!(kept.open(&["edge1"]).current().sha256, taken.sha256);
    kept.clock.advance(DAY * 800);
    assert!(tls.refresh().unwrap());
    assert_eq!(tls.current().source, Source::Box, "an uploaded one that is over is passed over");
    kept.clock.set_wall(Timestamp::from_millis(TODAY));
    tls.refresh().unwrap();
    assert_eq!(tls.current().sha256, taken.sha256);
    assert!(tls.give_up().unwrap() && !tls.give_up().unwrap());
    assert_eq!(tls.current().issuer, own.issuer);
}

#[test]
fn files_win_and_are_read_again() {
    let kept = Kept::new();
    let clinic = Foreign::new();
    let (chain_path, key_path) = (kept.dir.path().join("chain.pem"), kept.dir.path().join("key.pem"));
    let write = |(chain, key): (String, String)| {
        fs::write(&chain_path, chain).unwrap();
        fs::write(&key_path, key).unwrap();
    };
    write(clinic.issue("one.example", (2026, 2028)));
    let options = TlsOptions { files: Some((chain_path.clone(), key_path.clone())), ..kept.options(&["edge1"]) };
    let tls = kept.open_with(options);
    assert_eq!((tls.current().source, &*tls.current().names[0]), (Source::File, "one.example"));
    write(clinic.issue("two.example", (2026, 2028)));
    assert!(tls.refresh().unwrap());
    assert_eq!(tls.current().names, ["two.example"]);
    fs::write(&chain_path, "rubbish").unwrap();
    assert!(tls.refresh().unwrap());
    assert_eq!(tls.current().source, Source::Box, "the box is still reached");
}

#[test]
fn only_what_leads_to_a_known_root_counts_as_trusted() {
    let kept = Kept::new();
    let clinic = Foreign::new();
    let roots = kept.dir.path().join("roots.pem");
    fs::write(&roots, &clinic.pem).unwrap();
    let (chain, key) = clinic.issue("pacs.clinic.example", (2020, 4000));
    assert!(!kept.open(&["edge1"]).take(&chain, &key).unwrap().trusted);
    let tls = kept.open_with(TlsOptions { trusted_roots: Some(roots), ..kept.options(&["edge1"]) });
    assert!(tls.current().trusted);
}
