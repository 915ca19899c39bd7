//! A storage SCP over a sink in memory, and a peer that speaks PDUs by hand.
#![allow(dead_code, unreachable_pub, reason = "every test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed test fails")]

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use relaypacs_dicom::{Metrics, ObjectSink, Peer, ScpOptions, Sink, StoreError, StoreRequest, Unavailable, file_meta, serve};
use relaypacs_domain::{HeaderFacts, Identity, Uid};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

pub const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
pub const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
pub const VERIFICATION: &str = "1.2.840.10008.1.1";
pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub const IMPLICIT: &str = "1.2.840.10008.1.2";
/// Long enough never to be reached by a test that passes.
pub const PATIENCE: Duration = Duration::from_mins(1);

pub fn uid(text: &str) -> Uid {
    text.parse().expect("a UID")
}

// ---- the sink

#[derive(Debug, Clone)]
pub struct Stored {
    pub peer: Peer,
    pub request: StoreRequest,
    pub bytes: Vec<u8>,
    pub facts: HeaderFacts,
    pub parsed: bool,
}

/// Keeps objects in memory, fails where it is told to.
#[derive(Default)]
pub struct Memory {
    pub stored: Mutex<Vec<Stored>>,
    pub unavailable: Mutex<Option<Unavailable>>,
    pub fail_begin: Mutex<Option<StoreError>>,
    /// The write that brings an object to this size fails.
    pub fail_write: Mutex<Option<(usize, StoreError)>>,
    pub fail_commit: Mutex<Option<StoreError>>,
    /// A commit takes a permit first, where there is one.
    pub commit_gate: Mutex<Option<Arc<Semaphore>>>,
    /// Objects that are neither committed nor gone.
    pub in_flight: Arc<AtomicUsize>,
    pub ended: watch::Sender<Vec<u64>>,
    /// Bytes written so far, kept or not.
    pub written: watch::Sender<usize>,
}

pub struct Object {
    memory: Arc<Memory>,
    peer: Peer,
    request: StoreRequest,
    bytes: Vec<u8>,
    live: Arc<AtomicUsize>,
}

impl Drop for Object {
    fn drop(&mut self) {
        self.live.fetch_sub(1, Ordering::SeqCst);
    }
}

/// `Sink` needs `Arc<Memory>` inside objects.
pub struct MemorySink(pub Arc<Memory>);

impl Sink for MemorySink {
    type Object = Object;

    fn ready(&self) -> Result<(), Unavailable> {
        self.0.unavailable.lock().unwrap().map_or(Ok(()), Err)
    }

    fn begin(&self, peer: &Peer, request: &StoreRequest) -> Result<Object, StoreError> {
        if let Some(error) = self.0.fail_begin.lock().unwrap().clone() {
            return Err(error);
        }
        self.0.in_flight.fetch_add(1, Ordering::SeqCst);
        Ok(Object {
            memory: self.0.clone(),
            peer: peer.clone(),
            request: request.clone(),
            bytes: Vec::new(),
            live: self.0.in_flight.clone(),
        })
    }

    fn ended(&self, peer: &Peer) {
        self.0.ended.send_modify(|ended| ended.push(peer.association));
    }
}

impl ObjectSink for Object {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.bytes.extend_from_slice(bytes);
        self.memory.written.send_modify(|written| *written += bytes.len());
        match self.memory.fail_write.lock().unwrap().clone() {
            Some((size, error)) if self.bytes.len() >= size => Err(error),
            _ => Ok(()),
        }
    }

    async fn commit(mut self, facts: HeaderFacts, parsed: bool) -> Result<(), StoreError> {
        let gate = self.memory.commit_gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.acquire().await.expect("an open gate").forget();
        }
        if let Some(error) = self.memory.fail_commit.lock().unwrap().clone() {
            return Err(error);
        }
        let stored =
            Stored { peer: self.peer.clone(), request: self.request.clone(), bytes: std::mem::take(&mut self.bytes), facts, parsed };
        self.memory.stored.lock().unwrap().push(stored);
        Ok(())
    }
}

// ---- the box

pub struct Scp {
    pub address: SocketAddr,
    pub memory: Arc<Memory>,
    pub metrics: Metrics,
    pub stop: CancellationToken,
    pub task: JoinHandle<()>,
}

pub fn options() -> ScpOptions {
    ScpOptions {
        ae_title: "RELAYPACS".parse().expect("a title"),
        max_associations: 128,
        max_associations_per_peer: 64,
        max_unassociated: 256,
        idle_timeout: PATIENCE,
        artim: PATIENCE,
        max_pdu: 256 << 10,
        modalities: relaypacs_dicom::KnownModalities::default(),
    }
}

impl Scp {
    pub async fn start() -> Self {
        Self::with(options()).await
    }

    pub async fn with(options: ScpOptions) -> Self {
        Self::draining(options, PATIENCE).await
    }

    pub async fn draining(options: ScpOptions, drain: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (memory, metrics, stop) = (Arc::new(Memory::default()), Metrics::default(), CancellationToken::new());
        let task =
            tokio::spawn(serve(listener, Arc::new(options), Arc::new(MemorySink(memory.clone())), metrics.clone(), stop.clone(), drain));
        Self { address, memory, metrics, stop, task }
    }

    pub fn stored(&self) -> Vec<Stored> {
        self.memory.stored.lock().unwrap().clone()
    }

    /// Waits until so many associations have ended.
    pub async fn ended(&self, count: usize) {
        let mut ended = self.memory.ended.subscribe();
        within(ended.wait_for(|ended| ended.len() >= count)).await.expect("the sink lives");
    }

    /// Waits until so many bytes of data sets have come.
    pub async fn written(&self, count: usize) {
        let mut written = self.memory.written.subscribe();
        within(written.wait_for(|written| *written >= count)).await.expect("the sink lives");
    }

    pub fn metrics_text(&self) -> String {
        let mut registry = prometheus_client::registry::Registry::default();
        self.metrics.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
        text
    }
}

/// Awaits, but not for ever.
pub async fn within<V>(work: impl Future<Output = V>) -> V {
    tokio::time::timeout(PATIENCE, work).await.expect("it takes too long")
}

// ---- a peer by hand

pub fn item(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind, 0], &(value.len() as u16).to_be_bytes()[..], value].concat()
}

pub fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 0], &(body.len() as u32).to_be_bytes()[..], body].concat()
}

pub fn pdv(context: u8, flags: u8, bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32 + 2).to_be_bytes()[..], &[context, flags], bytes].concat()
}

pub const COMMAND_LAST: u8 = 3;
pub const COMMAND_MORE: u8 = 1;
pub const DATA_LAST: u8 = 2;
pub const DATA_MORE: u8 = 0;

/// A command set from elements of group 0000.
pub fn command(elements: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (number, value) in elements {
        body.extend([0, 0]);
        body.extend(number.to_le_bytes());
        body.extend(((value.len() + value.len() % 2) as u32).to_le_bytes());
        body.extend(*value);
        body.extend(std::iter::repeat_n(0, value.len() % 2));
    }
    [&[0, 0, 0, 0, 4, 0, 0, 0], &(body.len() as u32).to_le_bytes()[..], &body].concat()
}

pub fn store_rq(id: u16, class: &str, instance: &str) -> Vec<u8> {
    let id = id.to_le_bytes();
    command(&[(2, class.as_bytes()), (0x100, &[1, 0]), (0x110, &id), (0x700, &[0, 0]), (0x800, &[1, 0]), (0x1000, instance.as_bytes())])
}

pub fn echo_rq(id: u16) -> Vec<u8> {
    command(&[(2, VERIFICATION.as_bytes()), (0x100, &[0x30, 0]), (0x110, &id.to_le_bytes()), (0x800, &[1, 1])])
}

/// The values of a command set.
pub fn values(bytes: &[u8]) -> std::collections::BTreeMap<u16, Vec<u8>> {
    let (mut at, mut values) = (0, std::collections::BTreeMap::new());
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        assert_eq!(bytes[at..at + 2], [0, 0]);
        values.insert(u16::from_le_bytes([bytes[at + 2], bytes[at + 3]]), bytes[at + 8..at + 8 + length].to_vec());
        at += 8 + length;
    }
    values
}

pub fn short(values: &std::collections::BTreeMap<u16, Vec<u8>>, number: u16) -> Option<u16> {
    values.get(&number).map(|value| u16::from_le_bytes([value[0], value[1]]))
}

/// What an A-ASSOCIATE-RQ says; the fields are changed by tests.
#[derive(Clone)]
pub struct Rq {
    pub version: u16,
    pub called: [u8; 16],
    pub calling: [u8; 16],
    pub application_context: String,
    pub contexts: Vec<(u8, String, Vec<String>)>,
    pub max_pdu: u32,
    pub user_items: Vec<u8>,
    pub extra_items: Vec<u8>,
}

pub fn title(text: &str) -> [u8; 16] {
    let mut title = [b' '; 16];
    title[..text.len()].copy_from_slice(text.as_bytes());
    title
}

impl Default for Rq {
    fn default() -> Self {
        Self {
            version: 1,
            called: title("RELAYPACS"),
            calling: title("HAND"),
            application_context: "1.2.840.10008.3.1.1.1".into(),
            contexts: vec![(1, CT.into(), vec![EXPLICIT.into()]), (3, VERIFICATION.into(), vec![IMPLICIT.into()])],
            max_pdu: 16384,
            user_items: Vec::new(),
            extra_items: Vec::new(),
        }
    }
}

impl Rq {
    pub fn from(calling: &str) -> Self {
        Self { calling: title(calling), ..Self::default() }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut body = [&self.version.to_be_bytes()[..], &[0, 0], &self.called, &self.calling, &[0; 32]].concat();
        body.extend(item(0x10, self.application_context.as_bytes()));
        body.extend(&self.extra_items);
        for (id, class, syntaxes) in &self.contexts {
            let mut context = vec![*id, 0, 0, 0];
            context.extend(item(0x30, class.as_bytes()));
            for syntax in syntaxes {
                context.extend(item(0x40, syntax.as_bytes()));
            }
            body.extend(item(0x20, &context));
        }
        let user =
            [item(0x51, &self.max_pdu.to_be_bytes()), item(0x52, b"1.2.3.4"), self.user_items.clone(), item(0x55, b"HAND_1")].concat();
        body.extend(item(0x50, &user));
        pdu(1, &body)
    }
}

pub struct Wire(pub TcpStream);

impl Wire {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("nodelay");
        Self(stream)
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        within(self.0.write_all(bytes)).await.expect("the peer reads");
    }

    /// The next PDU; `None`: closed.
    pub async fn pdu(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 6];
        within(self.0.read_exact(&mut head)).await.ok()?;
        let mut body = vec![0; u32::from_be_bytes(head[2..6].try_into().unwrap()) as usize];
        within(self.0.read_exact(&mut body)).await.ok()?;
        Some((head[0], body))
    }

    pub async fn associate(address: SocketAddr, rq: &Rq) -> Self {
        let mut wire = Self::connect(address).await;
        wire.send(&rq.bytes()).await;
        let (kind, body) = wire.pdu().await.expect("an answer");
        assert_eq!(kind, 2, "accepted, not {kind} {:?}", &body[..body.len().min(4)]);
        wire
    }

    /// The answer of one message, put together from its PDVs.
    pub async fn answer(&mut self) -> (u8, std::collections::BTreeMap<u16, Vec<u8>>) {
        let mut bytes = Vec::new();
        loop {
            let (kind, body) = self.pdu().await.expect("an answer");
            assert_eq!(kind, 4, "P-DATA, not {kind} {body:?}");
            let mut rest = body.as_slice();
            while !rest.is_empty() {
                let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
                let (context, flags) = (rest[4], rest[5]);
                bytes.extend(&rest[6..4 + length]);
                rest = &rest[4 + length..];
                if flags == COMMAND_LAST {
                    assert!(rest.is_empty(), "nothing after the answer");
                    return (context, values(&bytes));
                }
                assert_eq!(flags, COMMAND_MORE);
            }
        }
    }

    /// Sends an object in one PDU for the command and one for the data set; gives the status.
    pub async fn store(&mut self, id: u16, class: &str, instance: &str, data: &[u8]) -> u16 {
        let rq = pdu(4, &pdv(1, COMMAND_LAST, &store_rq(id, class, instance)));
        let data: Vec<u8> = data
            .chunks(16 << 10)
            .map(|part| (part.as_ptr_range().end == data.as_ptr_range().end, part))
            .flat_map(|(last, part)| pdu(4, &pdv(1, if last { DATA_LAST } else { DATA_MORE }, part)))
            .collect();
        self.send(&[rq, data].concat()).await;
        let (_, answer) = self.answer().await;
        assert_eq!(short(&answer, 0x120), Some(id), "message id");
        assert_eq!(short(&answer, 0x100), Some(0x8001));
        short(&answer, 0x900).expect("a status")
    }

    pub async fn release(&mut self) {
        self.send(&pdu(5, &[0; 4])).await;
        assert_eq!(self.pdu().await, Some((6, vec![0; 4])));
    }

    /// Expects an A-ABORT with source 2 and this reason, then the end.
    pub async fn expect_abort(&mut self, reason: u8) {
        assert_eq!(self.pdu().await, Some((7, vec![0, 0, 2, reason])));
    }

    /// Expects the other side to close.
    pub async fn expect_close(&mut self) {
        let mut rest = [0; 64];
        // A reset is a close, too.
        let count = within(self.0.read(&mut rest)).await.unwrap_or(0);
        assert_eq!(count, 0, "nothing more: {:?}", &rest[..count]);
    }
}

// ---- data

fn element(out: &mut Vec<u8>, tag: (u16, u16), vr: [u8; 2], value: &[u8]) {
    out.extend(tag.0.to_le_bytes());
    out.extend(tag.1.to_le_bytes());
    out.extend(vr);
    let length = value.len() + value.len() % 2;
    if matches!(&vr, b"OB" | b"OW" | b"UN") {
        out.extend([0, 0]);
        out.extend((length as u32).to_le_bytes());
    } else {
        out.extend((length as u16).to_le_bytes());
    }
    out.extend(value);
    let padding = if vr == *b"UI" { 0 } else { b' ' };
    out.extend(std::iter::repeat_n(padding, value.len() % 2));
}

/// A small data set in explicit VR little endian with `pixels` bytes of pixel data.
pub fn data_set(class: &str, instance: &str, pixels: usize) -> Vec<u8> {
    let mut out = Vec::new();
    element(&mut out, (8, 0x16), *b"UI", class.as_bytes());
    element(&mut out, (8, 0x18), *b"UI", instance.as_bytes());
    element(&mut out, (8, 0x60), *b"CS", b"CT");
    element(&mut out, (0x10, 0x10), *b"PN", b"TEST^HAND");
    element(&mut out, (0x10, 0x20), *b"LO", b"P1");
    element(&mut out, (0x20, 0x0D), *b"UI", b"1.2.826.0.1.1");
    element(&mut out, (0x20, 0x0E), *b"UI", b"1.2.826.0.1.2");
    element(&mut out, (0x28, 0x10), *b"US", &[16, 0]);
    element(&mut out, (0x28, 0x11), *b"US", &[16, 0]);
    element(&mut out, (0x7FE0, 0x10), *b"OW", &(0..pixels).map(|n| (n * 7 % 251) as u8).collect::<Vec<_>>());
    out
}

/// A Part-10 file of [`data_set`].
pub fn write_file(folder: &Path, name: &str, class: &str, syntax: &str, instance: &str, data: &[u8]) -> PathBuf {
    let identity = Identity { sop_class: uid(class), sop_instance: uid(instance), transfer_syntax: uid(syntax), study: None, series: None };
    let mut bytes = file_meta(&identity, None);
    bytes.extend(data);
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a temporary file");
    path
}
