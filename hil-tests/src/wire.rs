//! The sending half of DICOM's upper layer, as plain as can be: for load, for senders that misbehave, and for two bare receivers.
//!
//! Knows nothing of the product's own code: what tests the box must not share its mistakes. Source: PS3.8 §9.3 (PDUs), PS3.7 §9.3 and annex E (commands).

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::part10::{Object, text};

/// Longest PDU taken from a peer.
const LONGEST_PDU: usize = 16 << 20;
/// Bytes gathered before they are written to the socket.
const WRITE_AT: usize = 1 << 20;
/// How long an answer may take before the peer counts as dead.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// Verification SOP class.
pub const VERIFICATION: &str = "1.2.840.10008.1.1";
/// Explicit VR Little Endian.
pub const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";

// ---- PDUs and items

/// An item or sub-item of an A-ASSOCIATE PDU.
pub fn item(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind, 0], &(value.len() as u16).to_be_bytes()[..], value].concat()
}

/// A PDU.
pub fn pdu(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind, 0], &(value.len() as u32).to_be_bytes()[..], value].concat()
}

/// A P-DATA-TF PDU's header and that of its only PDV.
fn data_header(context: u8, flags: u8, len: usize) -> [u8; 12] {
    let mut h = [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, context, flags];
    h[2..6].copy_from_slice(&(len as u32 + 6).to_be_bytes());
    h[6..10].copy_from_slice(&(len as u32 + 2).to_be_bytes());
    h
}

/// User information: maximum length, implementation class UID and version name.
pub fn user_information(max_pdu: u32) -> Vec<u8> {
    item(0x50, &[item(0x51, &max_pdu.to_be_bytes()), item(0x52, b"2.25.99887766"), item(0x55, b"BLAST")].concat())
}

/// Reads one PDU: its type and the bytes after the length.
pub fn read_pdu(from: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 6];
    from.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[2], head[3], head[4], head[5]]) as usize;
    if length > LONGEST_PDU {
        return Err(other(format!("PDU of {length} bytes")));
    }
    let mut value = vec![0; length];
    from.read_exact(&mut value)?;
    Ok((head[0], value))
}

/// The items in a run of them; stops at the first that does not fit.
pub fn items(b: &[u8]) -> Vec<(u8, &[u8])> {
    let (mut i, mut out) = (0, vec![]);
    while i + 4 <= b.len() {
        let end = i + 4 + usize::from(u16::from_be_bytes([b[i + 2], b[i + 3]]));
        let Some(value) = b.get(i + 4..end) else { break };
        out.push((b[i], value));
        i = end;
    }
    out
}

// ---- command sets

/// A command set in Implicit VR Little Endian with its group length.
pub fn command(elements: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = vec![];
    for (number, value) in elements {
        element(&mut body, *number, value);
    }
    let mut out = vec![];
    element(&mut out, 0, &(body.len() as u32).to_le_bytes());
    out.extend(body);
    out
}

fn element(out: &mut Vec<u8>, number: u16, value: &[u8]) {
    out.extend([0, 0]);
    out.extend(number.to_le_bytes());
    out.extend((value.len() as u32).to_le_bytes());
    out.extend(value);
}

/// The values of a command set by element number; stops at the first that does not fit.
pub fn command_values(b: &[u8]) -> BTreeMap<u16, &[u8]> {
    let (mut i, mut out) = (0, BTreeMap::new());
    while i + 8 <= b.len() {
        let end = i + 8 + u32::from_le_bytes([b[i + 4], b[i + 5], b[i + 6], b[i + 7]]) as usize;
        let Some(value) = b.get(i + 8..end) else { break };
        out.insert(u16::from_le_bytes([b[i + 2], b[i + 3]]), value);
        i = end;
    }
    out
}

/// A US value, 0xFFFF when absent.
pub fn number(values: &BTreeMap<u16, &[u8]>, tag: u16) -> u16 {
    values.get(&tag).filter(|v| v.len() >= 2).map_or(0xFFFF, |v| u16::from_le_bytes([v[0], v[1]]))
}

/// A UID value with its padding byte.
pub fn padded(uid: &str) -> Vec<u8> {
    let mut v = uid.as_bytes().to_vec();
    if v.len() % 2 == 1 {
        v.push(0);
    }
    v
}

// ---- associations

/// How PDUs are put on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writing {
    /// TCP_NODELAY, large writes.
    #[default]
    Fast,
    /// Nagle on, header and data of each PDU written apart: as most modalities do.
    Nagle,
    /// Command and the first data in one PDU, as some toolkits send.
    Merged,
}

/// What to ask for when opening an association.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Called AE title.
    pub called: String,
    /// Calling AE title.
    pub calling: String,
    /// Abstract and transfer syntax of each context; the first has id 1, the second 3 …
    pub contexts: Vec<(String, String)>,
    /// Longest PDU we take.
    pub max_pdu: u32,
    /// How to write.
    pub writing: Writing,
}

impl Proposal {
    /// A context for each class and syntax among the objects, and Verification.
    pub fn for_objects<'a>(called: &str, calling: &str, objects: impl IntoIterator<Item = &'a Object>) -> Self {
        let mut contexts = vec![(VERIFICATION.to_string(), "1.2.840.10008.1.2".to_string())];
        for o in objects {
            let context = (o.meta.class.clone(), o.meta.syntax.clone());
            if !contexts.contains(&context) {
                contexts.push(context);
            }
        }
        Self { called: called.into(), calling: calling.into(), contexts, max_pdu: 131_072, writing: Writing::Fast }
    }

    /// The value of the A-ASSOCIATE-RQ.
    pub fn request(&self) -> Vec<u8> {
        let mut rq = vec![0, 1, 0, 0];
        rq.extend(format!("{:16.16}{:16.16}", self.called, self.calling).bytes());
        rq.extend([0; 32]);
        rq.extend(item(0x10, b"1.2.840.10008.3.1.1.1"));
        for (i, (class, syntax)) in self.contexts.iter().enumerate() {
            let head = [(2 * i + 1) as u8, 0, 0, 0];
            rq.extend(item(0x20, &[&head[..], &item(0x30, class.as_bytes()), &item(0x40, syntax.as_bytes())].concat()));
        }
        rq.extend(user_information(self.max_pdu));
        rq
    }
}

/// Why there is no association.
#[derive(Debug)]
pub enum Refusal {
    /// A-ASSOCIATE-RJ (PS3.8 table 9-21).
    Rejected {
        /// 1 permanent, 2 transient.
        result: u8,
        /// 1 user, 2 provider (ACSE), 3 provider (presentation).
        source: u8,
        /// Diagnosis.
        reason: u8,
    },
    /// A-ABORT.
    Aborted {
        /// 0 user, 2 provider.
        source: u8,
        /// Reason.
        reason: u8,
    },
    /// Anything else.
    Io(io::Error),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected { result, source, reason } => write!(f, "rejected ({result},{source},{reason})"),
            Self::Aborted { source, reason } => write!(f, "aborted ({source},{reason})"),
            Self::Io(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<io::Error> for Refusal {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

/// C-STORE's Priority (0000,0700).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Priority {
    /// 0000H.
    #[default]
    Medium,
    /// 0001H.
    High,
    /// 0002H.
    Low,
}

/// What a C-STORE was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Status (0000,0900).
    pub status: u16,
    /// Error Comment (0000,0902).
    pub comment: String,
}

/// What travels in one C-STORE.
struct Outgoing<'a> {
    class: &'a str,
    instance: &'a str,
    syntax: &'a str,
    len: u64,
}

/// An open association, as its requestor.
pub struct Association {
    /// The socket, for tests that misuse it.
    pub socket: TcpStream,
    proposal: Proposal,
    accepted: HashSet<u8>,
    fragment: usize,
    message_id: u16,
}

impl Association {
    /// Connects and negotiates.
    pub fn open(peer: SocketAddr, proposal: &Proposal) -> Result<Self, Refusal> {
        let mut socket = TcpStream::connect(peer)?;
        socket.set_nodelay(proposal.writing != Writing::Nagle)?;
        socket.set_read_timeout(Some(ANSWER_WITHIN))?;
        socket.write_all(&pdu(1, &proposal.request()))?;
        let (kind, ac) = read_pdu(&mut socket)?;
        match kind {
            2 if ac.len() >= 68 => {}
            3 if ac.len() >= 4 => return Err(Refusal::Rejected { result: ac[1], source: ac[2], reason: ac[3] }),
            7 if ac.len() >= 4 => return Err(Refusal::Aborted { source: ac[2], reason: ac[3] }),
            _ => return Err(other(format!("PDU {kind} instead of A-ASSOCIATE-AC")).into()),
        }
        let (mut max, mut accepted) = (16_384_usize, HashSet::new());
        for (kind, value) in items(&ac[68..]) {
            match kind {
                0x21 if value.get(2) == Some(&0) => {
                    accepted.insert(value[0]);
                }
                0x50 => {
                    if let Some((_, v)) = items(value).into_iter().find(|(k, v)| *k == 0x51 && v.len() == 4) {
                        max = u32::from_be_bytes([v[0], v[1], v[2], v[3]]) as usize;
                    }
                }
                _ => {}
            }
        }
        if max == 0 || max > 1 << 20 {
            max = 1 << 20;
        }
        Ok(Self { socket, proposal: proposal.clone(), accepted, fragment: (max - 6) & !1, message_id: 0 })
    }

    /// Sends one object and waits for the answer. 0122 without asking when its context was refused.
    pub fn store(&mut self, object: &Object, priority: Priority) -> io::Result<Stored> {
        let data = object.data_set();
        let meta = &object.meta;
        let what = Outgoing { class: &meta.class, instance: &meta.instance, syntax: &meta.syntax, len: data.len() as u64 };
        self.send(&what, priority, &mut &data[..])
    }

    /// Sends an object whose data set comes from a reader of exactly `len` bytes.
    pub fn store_from(&mut self, class: &str, instance: &str, len: u64, data_set: &mut impl Read) -> io::Result<Stored> {
        self.send(&Outgoing { class, instance, syntax: EXPLICIT_LE, len }, Priority::Medium, data_set)
    }

    /// The id of an accepted context.
    pub fn context(&self, class: &str, syntax: &str) -> Option<u8> {
        let place = self.proposal.contexts.iter().position(|c| c.0 == class && c.1 == syntax)?;
        Some((2 * place + 1) as u8).filter(|id| self.accepted.contains(id))
    }

    /// Writes a C-STORE-RQ command and nothing after it, for senders that then misbehave. Gives the context.
    pub fn begin_store(&mut self, class: &str, instance: &str, syntax: &str) -> io::Result<u8> {
        let context = self.context(class, syntax).ok_or_else(|| other("context not accepted".into()))?;
        let rq = self.store_command(class, instance, Priority::Medium);
        self.socket.write_all(&data_header(context, 3, rq.len()))?;
        self.socket.write_all(&rq)?;
        Ok(context)
    }

    /// Writes one PDV of a data set.
    pub fn data(&mut self, context: u8, last: bool, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(&data_header(context, if last { 2 } else { 0 }, bytes.len()))?;
        self.socket.write_all(bytes)
    }

    /// C-ECHO.
    pub fn echo(&mut self) -> io::Result<u16> {
        let context = self.context(VERIFICATION, "1.2.840.10008.1.2").ok_or_else(|| other("no context for C-ECHO".into()))?;
        self.message_id = self.message_id.wrapping_add(1).max(1);
        let id = self.message_id;
        let rq = command(&[(2, padded(VERIFICATION)), (0x100, vec![0x30, 0]), (0x110, id.to_le_bytes().into()), (0x800, vec![1, 1])]);
        self.socket.write_all(&[&data_header(context, 3, rq.len())[..], &rq].concat())?;
        Ok(self.answer()?.status)
    }

    /// A-RELEASE, waiting for the answer.
    pub fn release(mut self) -> io::Result<()> {
        self.socket.write_all(&pdu(5, &[0; 4]))?;
        match read_pdu(&mut self.socket)?.0 {
            6 => Ok(()),
            kind => Err(other(format!("PDU {kind} instead of A-RELEASE-RP"))),
        }
    }

    fn store_command(&mut self, class: &str, instance: &str, priority: Priority) -> Vec<u8> {
        self.message_id = self.message_id.wrapping_add(1).max(1);
        command(&[
            (0x0002, padded(class)),
            (0x0100, vec![1, 0]),
            (0x0110, self.message_id.to_le_bytes().into()),
            (0x0700, vec![priority as u8, 0]),
            (0x0800, vec![0, 0]),
            (0x1000, padded(instance)),
        ])
    }

    fn send(&mut self, what: &Outgoing<'_>, priority: Priority, data: &mut impl Read) -> io::Result<Stored> {
        let Some(context) = self.context(what.class, what.syntax) else {
            return Ok(Stored { status: 0x0122, comment: "context not accepted".into() });
        };
        let rq = self.store_command(what.class, what.instance, priority);
        let mut left = what.len;
        let mut out = Vec::with_capacity(WRITE_AT + self.fragment + 64);
        match self.proposal.writing {
            Writing::Merged => left -= merged_start(&mut out, context, &rq, self.fragment, left, data)?,
            Writing::Nagle => {
                self.socket.write_all(&data_header(context, 3, rq.len()))?;
                self.socket.write_all(&rq)?;
            }
            Writing::Fast => {
                out.extend(data_header(context, 3, rq.len()));
                out.extend(&rq);
            }
        }
        while left > 0 {
            let n = (self.fragment as u64).min(left) as usize;
            left -= n as u64;
            let header = data_header(context, if left == 0 { 2 } else { 0 }, n);
            if self.proposal.writing == Writing::Nagle {
                self.socket.write_all(&header)?;
                out.clear();
            } else {
                out.extend(header);
            }
            let at = out.len();
            out.resize(at + n, 0);
            data.read_exact(&mut out[at..])?;
            if out.len() >= WRITE_AT || self.proposal.writing == Writing::Nagle {
                self.socket.write_all(&out)?;
                out.clear();
            }
        }
        self.socket.write_all(&out)?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<Stored> {
        let (kind, value) = read_pdu(&mut self.socket)?;
        if kind != 4 {
            return Err(other(format!("PDU {kind} {:?} instead of a response", &value[..value.len().min(4)])));
        }
        let values = command_values(value.get(6..).unwrap_or_default());
        if number(&values, 0x0120) != self.message_id {
            return Err(other("answer to another message id".into()));
        }
        Ok(Stored { status: number(&values, 0x0900), comment: values.get(&0x0902).map(|v| text(v)).unwrap_or_default() })
    }
}

/// Command and the first data in one PDU; gives how much of the data went into it.
fn merged_start(out: &mut Vec<u8>, context: u8, rq: &[u8], fragment: usize, len: u64, data: &mut impl Read) -> io::Result<u64> {
    let first = (len as usize).min(fragment.saturating_sub(rq.len() + 6) & !1);
    out.extend([4, 0]);
    out.extend(((rq.len() + first + 12) as u32).to_be_bytes());
    out.extend(&data_header(context, 3, rq.len())[6..]);
    out.extend(rq);
    out.extend(&data_header(context, if first as u64 == len { 2 } else { 0 }, first)[6..]);
    let at = out.len();
    out.resize(at + first, 0);
    data.read_exact(&mut out[at..])?;
    Ok(first as u64)
}

fn other(what: String) -> io::Error {
    io::Error::other(what)
}
