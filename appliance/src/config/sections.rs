//! The sections of the configuration and their defaults. A default written here is the one `configs/relaypacs.toml` shows (tested).

use std::{net::IpAddr, path::PathBuf, time::Duration};

use relaypacs_domain::{AeTitle, ServiceLevel};
use relaypacs_http::Network;
use serde::{Deserialize, Serialize};

use super::values::{Auto, Bind, Size, Span};

/// `[dicom]`: the entrance for modalities.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Dicom {
    /// Local addresses it listens on.
    pub(crate) bind: Bind,
    /// TCP port; 0 = off.
    pub(crate) port: u16,
    /// TCP port for DICOM over TLS; 0 = off. Served once the box has certificates.
    pub(crate) tls_port: u16,
    /// The box's AE title.
    pub(crate) ae_title: AeTitle,
    /// Associations at a time, all peers together.
    pub(crate) max_associations: usize,
    /// Associations at a time of one peer (AE title and address).
    pub(crate) max_associations_per_peer: usize,
    /// Connections that have not yet asked for an association.
    pub(crate) max_unassociated: usize,
    /// A silent association is aborted after this time.
    pub(crate) idle_timeout: Span,
    /// ARTIM timer (PS3.8 §9.1.4).
    pub(crate) artim: Span,
    /// Largest P-DATA-TF PDU that peers may send.
    pub(crate) max_pdu: Size,
    /// A study is complete this long after the last association that fed it ended.
    pub(crate) study_idle: Span,
}

/// `[http]`: API, page and monitoring.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    /// Local addresses it listens on.
    pub(crate) bind: Bind,
    /// HTTPS port; 0 = off.
    pub(crate) port: u16,
    /// Plain HTTP port; 0 = off. Full service on loopback only.
    pub(crate) plain_port: u16,
    /// Proxies whose `Forwarded` and `X-Forwarded-For` are believed.
    pub(crate) trusted_proxies: Vec<Network>,
    /// Who may read `/metrics` and `/readyz`.
    pub(crate) monitoring_networks: Vec<Network>,
    /// PEM file with the TLS certificate and its chain, kept by somebody else; empty: the box's own.
    pub(crate) cert_file: PathBuf,
    /// PEM file with that certificate's private key.
    pub(crate) key_file: PathBuf,
    /// PEM file with authorities that the clinic's browsers trust beside the system's: a certificate of theirs turns HSTS on.
    pub(crate) trusted_roots_file: PathBuf,
}

/// `[buffer]`: what is kept, how much and how long.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Buffer {
    /// Most bytes for studies; auto: 80 % of the file system.
    pub(crate) max_bytes: Auto<Size>,
    /// Bytes of the file system left alone; auto: 5 %, at most 1 GiB.
    pub(crate) reserve_bytes: Auto<Size>,
    /// Size of one segment file.
    pub(crate) segment_bytes: Size,
    /// How long a study stays after its last proof.
    pub(crate) retention: Span,
    /// How long the ledger remembers studies that are gone.
    pub(crate) history: Span,
}

/// `[[modality]]`: a sender that is known. Once there is one, only known ones may send.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Modality {
    /// Its AE title.
    pub(crate) ae_title: AeTitle,
    /// It must send from this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<IpAddr>,
    /// The port on which it answers (for storage commitment and echo).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) port: Option<u16>,
    /// How urgent its studies are; else each study says so itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) service_level: Option<ServiceLevel>,
    /// Its associations at a time; else `dicom.max_associations_per_peer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_associations: Option<usize>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}

/// `[log]`: what the box writes about itself.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// A level, then levels of single modules: `info,dicom=debug`.
    pub(crate) level: String,
    /// How lines look.
    pub(crate) format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// `[site]`: the box in its clinic.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Site {
    /// The box's name; empty: the machine's host name.
    pub(crate) name: String,
    /// IANA time zone in which people see times; empty: the machine's.
    pub(crate) time_zone: String,
    /// PNG file with the facility's logo, for printed reports; empty: none.
    pub(crate) logo: PathBuf,
}

impl Default for Dicom {
    fn default() -> Self {
        Self {
            bind: Bind::All,
            port: 11112,
            tls_port: 2762,
            #[expect(clippy::expect_used, reason = "a constant that a test reads")]
            ae_title: "RELAYPACS".parse().expect("the default is an AE title"),
            max_associations: 128,
            max_associations_per_peer: 64,
            max_unassociated: 256,
            idle_timeout: Span(Duration::from_mins(1)),
            artim: Span(Duration::from_secs(30)),
            max_pdu: Size(256 * 1024),
            study_idle: Span(Duration::from_secs(10)),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "constants that a test reads")]
        let loopback = ["127.0.0.0/8", "::1/128"].map(|network| network.parse().expect("the default is a network"));
        Self {
            bind: Bind::All,
            port: 8443,
            plain_port: 8080,
            trusted_proxies: Vec::new(),
            monitoring_networks: loopback.into(),
            cert_file: PathBuf::new(),
            key_file: PathBuf::new(),
            trusted_roots_file: PathBuf::new(),
        }
    }
}

impl Default for Buffer {
    fn default() -> Self {
        const DAY: u64 = 86_400;
        const YEAR: u64 = 31_557_600;
        Self {
            max_bytes: Auto::Auto,
            reserve_bytes: Auto::Auto,
            segment_bytes: Size(64 * 1024 * 1024),
            retention: Span(Duration::from_secs(DAY)),
            history: Span(Duration::from_secs(2 * YEAR)),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::Auto }
    }
}
