//! CONTRACT SKELETON: the signatures that the other crates rely on. The two dicom helpers move each item into its own room
//! (association/, dimse/, header/, part10.rs, scu/, metrics.rs) and fill it in; names and shapes stay.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use relaypacs_domain::*;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

// ---------- Storage SCP ----------

/// Limits and names of the SCP (PS3.8).
#[derive(Debug, Clone)]
pub struct ScpOptions {
    pub ae_title: AeTitle,
    pub max_associations: usize,
    pub max_associations_per_peer: usize,
    pub max_unassociated: usize,
    pub idle_timeout: Duration,
    pub artim: Duration,
    /// Largest P-DATA-TF we offer to receive, in bytes.
    pub max_pdu: u32,
    /// Empty: every calling AE may send. Else only these, each with its own settings.
    pub modalities: Vec<Modality>,
}

/// A modality that is known by configuration.
#[derive(Debug, Clone)]
pub struct Modality {
    pub ae_title: AeTitle,
    /// It must come from this address, where given.
    pub address: Option<std::net::IpAddr>,
    pub service_level: Option<ServiceLevel>,
    pub max_associations: Option<usize>,
}

/// Who is connected.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The box's own number of the association, for logs.
    pub association: u64,
    pub calling_ae: AeTitle,
    pub called_ae: AeTitle,
    pub address: SocketAddr,
    /// Implementation version name, as sent.
    pub implementation: Option<String>,
}

/// What one C-STORE says before its data set comes.
#[derive(Debug, Clone)]
pub struct StoreRequest {
    pub sop_class: Uid,
    pub sop_instance: Uid,
    pub transfer_syntax: Uid,
    /// Priority (0000,0700) is HIGH.
    pub priority_high: bool,
}

/// Where received objects go. Implemented by the daemon over the buffer, and in memory by tests.
pub trait Sink: Send + Sync + 'static {
    type Object: ObjectSink;
    /// Asked before an association is accepted; `Err` = transient reject.
    fn ready(&self) -> Result<(), Unavailable>;
    /// A C-STORE begins.
    fn begin(&self, peer: &Peer, request: &StoreRequest) -> Result<Self::Object, StoreError>;
    /// An association ended (its stored objects are committed or gone).
    fn ended(&self, peer: &Peer);
}

/// One object being received. Dropped before `commit`: nothing of it may remain.
pub trait ObjectSink: Send {
    /// Appends data set bytes; waits while the disk is behind.
    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Makes the object durable; after `Ok` the sender gets 0000. `facts`: what the scanner read; `None`: the header did not parse.
    fn commit(self, facts: HeaderFacts, parsed: bool) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Why nothing is accepted now: association rejected (2,3,1), transient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    #[error("the disk reserve is reached")]
    Full,
    #[error("shutting down")]
    Closing,
    #[error("storage fails")]
    Failing,
}

/// Why one object is not kept: A700, 0110 …
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A700.
    #[error("out of resources: {0}")]
    OutOfResources(String),
    /// 0110.
    #[error("processing failure: {0}")]
    Processing(String),
}

/// Serves associations until `stop`; then accepts no more (transient reject), lets objects in flight end (at most `drain`), aborts the rest.
pub async fn serve<S: Sink>(_listener: TcpListener, _options: Arc<ScpOptions>, _sink: Arc<S>, _metrics: Metrics, _stop: CancellationToken, _drain: Duration) {
    todo!()
}

/// What the SCP has seen lately: who sends, who was rejected and why (bounded). Read by API, panel and CLI.
/// (Lives in `Metrics` or beside it: `metrics.peers()`.)
#[derive(Debug, Clone)]
pub struct PeerSeen {
    pub calling_ae: String,
    pub last_seen: Timestamp,
    pub associations_open: usize,
    pub instances: u64,
    pub last_refusal: Option<(Timestamp, String)>,
}

#[derive(Debug, Clone, Default)]
pub struct Metrics {
    _private: (),
}
impl Metrics {
    pub fn register(&self, _registry: &mut prometheus_client::registry::Registry) {
        todo!()
    }
    pub fn peers(&self) -> Vec<PeerSeen> {
        todo!()
    }
}

// ---------- header scanner ----------

/// Reads header facts from a data set while its bytes stream past: bounded memory, never fails, never asks for more.
pub struct HeaderScanner {
    _private: (),
}
impl HeaderScanner {
    pub fn new(_transfer_syntax: &Uid) -> Self {
        todo!()
    }
    /// Looks at the next bytes of the data set.
    pub fn feed(&mut self, _bytes: &[u8]) {
        todo!()
    }
    /// Whether further bytes would be ignored (all wanted elements seen or given up).
    pub fn is_done(&self) -> bool {
        todo!()
    }
    /// The facts, and whether the header could be parsed as far as needed (a study UID was read).
    pub fn finish(self) -> (HeaderFacts, bool) {
        todo!()
    }
}

// ---------- Part 10 ----------

/// Preamble, `DICM` and file meta group (PS3.10 §7.1) that stand before the data set in a Part-10 file. Always the same bytes for the
/// same arguments.
pub fn file_meta(_identity: &Identity, _calling_ae: Option<&AeTitle>) -> Vec<u8> {
    todo!()
}

/// What a Part-10 file's meta group says, and where its data set begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMeta {
    pub sop_class: Uid,
    pub sop_instance: Uid,
    pub transfer_syntax: Uid,
    pub data_set_offset: u64,
}
/// Reads the meta group of a file (bounded).
pub fn read_file_meta(_file: &mut impl std::io::Read) -> Result<FileMeta, Part10Error> {
    todo!()
}
#[derive(Debug, thiserror::Error)]
pub enum Part10Error {
    #[error("not a DICOM file: {0}")]
    NotDicom(&'static str),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Implementation Class UID (2.25.…) and version name (`RELAYPACS_<major>.<minor>`).
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.0";
pub fn implementation_version_name() -> &'static str {
    todo!()
}

// ---------- SCU ----------

#[derive(Debug, Clone)]
pub struct ScuOptions {
    pub address: String,
    pub calling_ae: AeTitle,
    pub called_ae: AeTitle,
    pub connect_timeout: Duration,
    pub timeout: Duration,
}
/// C-ECHO: how long each step took, and which failed first.
pub async fn echo(_options: &ScuOptions) -> EchoReport {
    todo!()
}
#[derive(Debug, Clone, Default)]
pub struct EchoReport {
    /// `dns`, `tcp`, `association`, `echo` in order; stops at the first that fails.
    pub steps: Vec<EchoStep>,
}
#[derive(Debug, Clone)]
pub struct EchoStep {
    pub step: &'static str,
    pub ok: bool,
    pub took: Duration,
    pub detail: Option<String>,
}
/// Sends Part-10 files over one association per call; `progress` hears of each answer.
pub async fn send(_options: &ScuOptions, _files: &[std::path::PathBuf], _progress: impl FnMut(&SendOutcome) + Send) -> Result<(), ScuError> {
    todo!()
}
#[derive(Debug, Clone)]
pub struct SendOutcome {
    pub file: std::path::PathBuf,
    pub sop_instance: Option<Uid>,
    pub bytes: u64,
    /// The C-STORE status, or why it was not sent.
    pub result: Result<u16, String>,
}
#[derive(Debug, thiserror::Error)]
pub enum ScuError {
    #[error("{step}: {detail}")]
    Association { step: &'static str, detail: String },
}
