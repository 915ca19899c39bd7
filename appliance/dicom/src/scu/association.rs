//! The requestor's side of an association (PS3.8 §9.2: Sta4 to Sta7).

use std::{future::Future, net::SocketAddr, time::Duration};

use dicom_ul::pdu::{
    AssociationAC, AssociationRQ, Pdu, PresentationContextProposed, PresentationContextResultReason, UserVariableItem, read_pdu, write_pdu,
};
use relaypacs_domain::Uid;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::{ScuError, ScuOptions};
use crate::{
    association::{
        negotiation::APPLICATION_CONTEXT,
        pdu::{Fragment, PDU_HEADER, PDV_HEADER, Part, PduReader, Piece, RELEASE_RQ},
    },
    dimse::Command,
    part10::{IMPLEMENTATION_CLASS_UID, implementation_version_name},
};

/// Longest P-DATA-TF that is sent, whatever the peer takes.
const MAX_SENT_PDU: u32 = 256 << 10;
/// Longest P-DATA-TF that is offered for answers.
const MAX_PDU: u32 = 16 << 10;
/// Longest A-ASSOCIATE-AC that is read.
const MAX_ACCEPTANCE: u32 = 512 << 10;
/// Longest command set that is read of an answer.
const MAX_ANSWER: usize = 16 << 10;
/// A-ABORT by the service user.
const ABORT: [u8; 10] = [7, 0, 0, 0, 0, 4, 0, 0, 0, 0];

/// SOP class and transfer syntax of a proposed presentation context.
pub(super) type Proposal = (Uid, Uid);

/// Resolves `host:port`.
pub(super) async fn resolve(options: &ScuOptions) -> Result<Vec<SocketAddr>, ScuError> {
    let addresses: Vec<SocketAddr> = within(options.connect_timeout, "dns", lookup_host(&options.address)).await?.collect();
    if addresses.is_empty() { Err(ScuError::at("dns", "the name has no address")) } else { Ok(addresses) }
}

/// Connects to the first address that answers.
pub(super) async fn connect(options: &ScuOptions, addresses: &[SocketAddr]) -> Result<TcpStream, ScuError> {
    let stream = within(options.connect_timeout, "tcp", TcpStream::connect(addresses)).await?;
    stream.set_nodelay(true).map_err(|error| ScuError::at("tcp", error.to_string()))?;
    Ok(stream)
}

/// Awaits I/O with a time limit.
async fn within<V>(limit: Duration, step: &'static str, work: impl Future<Output = std::io::Result<V>>) -> Result<V, ScuError> {
    match timeout(limit, work).await {
        Err(_) => Err(ScuError::at(step, format!("no answer within {} s", limit.as_secs_f64()))),
        Ok(Err(error)) => Err(ScuError::at(step, error.to_string())),
        Ok(Ok(value)) => Ok(value),
    }
}

/// An association that we asked for.
pub(super) struct Associated {
    stream: TcpStream,
    reader: PduReader,
    timeout: Duration,
    peer_max_pdu: u32,
    /// By position in what was proposed.
    accepted: Vec<bool>,
    /// Implementation version name of the peer.
    pub(super) implementation: Option<String>,
    message_id: u16,
    out: Vec<u8>,
}

/// Id of the n-th proposed presentation context.
const fn context_id(position: usize) -> u8 {
    (position * 2 + 1) as u8
}

impl Associated {
    /// Asks for an association with one presentation context a proposal (at most 128).
    pub(super) async fn request(mut stream: TcpStream, options: &ScuOptions, proposals: &[Proposal]) -> Result<Self, ScuError> {
        let fail = |detail: String| ScuError::at("association", detail);
        let mut request = Vec::with_capacity(4 << 10);
        write_pdu(&mut request, &rq(options, proposals)).map_err(|error| fail(error.to_string()))?;
        within(options.timeout, "association", stream.write_all(&request)).await?;
        let ac = within(options.timeout, "association", read_acceptance(&mut stream)).await?.map_err(fail)?;
        let is_accepted = |position| {
            let id = context_id(position);
            ac.presentation_contexts.iter().any(|context| context.id == id && context.reason == PresentationContextResultReason::Acceptance)
        };
        let accepted = (0..proposals.len()).map(is_accepted).collect();
        let mut associated = Self {
            stream,
            reader: PduReader::new(MAX_PDU as usize, MAX_PDU),
            timeout: options.timeout,
            peer_max_pdu: MAX_SENT_PDU,
            accepted,
            implementation: None,
            message_id: 0,
            out: Vec::new(),
        };
        for item in ac.user_variables {
            match item {
                UserVariableItem::MaxLength(length) if length > 0 => associated.peer_max_pdu = length.min(MAX_SENT_PDU),
                UserVariableItem::ImplementationVersionName(name) => associated.implementation = Some(name),
                _ => {}
            }
        }
        if associated.peer_max_pdu <= PDV_HEADER as u32 + 1 {
            return Err(fail(format!("the peer takes PDUs of at most {} bytes", associated.peer_max_pdu)));
        }
        Ok(associated)
    }

    /// Id of the presentation context of the n-th proposal, where accepted.
    pub(super) fn context(&self, position: usize) -> Option<u8> {
        self.accepted.get(position).is_some_and(|accepted| *accepted).then(|| context_id(position))
    }

    /// A new message id.
    pub(super) fn next_message_id(&mut self) -> u16 {
        self.message_id = self.message_id.wrapping_add(1).max(1);
        self.message_id
    }

    /// Longest fragment that fits into one PDU, even.
    pub(super) fn room(&self) -> usize {
        (self.peer_max_pdu as usize - PDV_HEADER) & !1
    }

    /// Takes a command set; it leaves with the next [`Associated::write`].
    pub(super) fn put_command(&mut self, context: u8, command: &[u8]) {
        crate::association::pdu::append_command(&mut self.out, context, command, self.peer_max_pdu);
    }

    /// Room for a data set fragment of `len` bytes at the end of what leaves next.
    pub(super) fn put_data(&mut self, context: u8, last: bool, len: usize) -> &mut [u8] {
        let header = crate::association::pdu::p_data_header(context, Part::DataSet, last, len);
        self.out.extend_from_slice(&header);
        let at = self.out.len();
        self.out.resize(at + len, 0);
        &mut self.out[at..]
    }

    /// Sends what was put, in one go.
    pub(super) async fn write(&mut self, step: &'static str) -> Result<(), ScuError> {
        let sent = within(self.timeout, step, self.stream.write_all(&self.out)).await;
        self.out.clear();
        sent
    }

    /// The answer to a message.
    pub(super) async fn answer(&mut self, step: &'static str, message_id: u16) -> Result<Command, ScuError> {
        let mut bytes = Vec::new();
        loop {
            match self.reader.next().map_err(|violation| ScuError::at(step, violation.to_string()))? {
                Some(Piece::Fragment(Fragment { part: Part::Command, bytes: more, last, .. })) => {
                    if bytes.len() + more.len() > MAX_ANSWER {
                        return Err(ScuError::at(step, "the answer is too long"));
                    }
                    bytes.extend_from_slice(more);
                    if last {
                        break;
                    }
                }
                Some(Piece::Fragment(_)) => return Err(ScuError::at(step, "the answer begins with a data set")),
                Some(Piece::Abort(source, reason)) => {
                    return Err(ScuError::at(step, format!("the peer aborted the association (source {source}, reason {reason})")));
                }
                Some(Piece::ReleaseRequest | Piece::ReleaseResponse) => {
                    return Err(ScuError::at(step, "the peer released the association"));
                }
                None => self.read(step).await?,
            }
        }
        let command = Command::read(&bytes).map_err(|error| ScuError::at(step, error.to_string()))?;
        if command.responded_to != Some(message_id) || command.status.is_none() {
            return Err(ScuError::at(step, "the answer belongs to another message"));
        }
        Ok(command)
    }

    async fn read(&mut self, step: &'static str) -> Result<(), ScuError> {
        let count = within(self.timeout, step, self.stream.read(self.reader.space())).await?;
        if count == 0 {
            return Err(ScuError::at(step, "the peer closed the connection"));
        }
        self.reader.filled(count);
        Ok(())
    }

    /// Ends it in order. An error here means that the peer is gone already, which changes nothing.
    pub(super) async fn release(mut self) {
        if within(self.timeout, "release", self.stream.write_all(&RELEASE_RQ)).await.is_err() {
            return;
        }
        while !matches!(self.reader.next(), Ok(Some(Piece::ReleaseResponse | Piece::Abort(..))) | Err(_)) {
            if self.read("release").await.is_err() {
                return;
            }
        }
    }

    /// Ends it at once.
    pub(super) async fn abort(mut self) {
        drop(within(self.timeout, "abort", self.stream.write_all(&ABORT)).await);
    }
}

fn rq(options: &ScuOptions, proposals: &[Proposal]) -> Pdu {
    let propose = |(position, (class, syntax)): (usize, &Proposal)| PresentationContextProposed {
        id: context_id(position),
        abstract_syntax: class.to_string(),
        transfer_syntaxes: vec![syntax.to_string()],
    };
    Pdu::AssociationRQ(AssociationRQ {
        protocol_version: 1,
        calling_ae_title: options.calling_ae.to_string(),
        called_ae_title: options.called_ae.to_string(),
        application_context_name: APPLICATION_CONTEXT.into(),
        presentation_contexts: proposals.iter().enumerate().map(propose).collect(),
        user_variables: vec![
            UserVariableItem::MaxLength(MAX_PDU),
            UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.into()),
            UserVariableItem::ImplementationVersionName(implementation_version_name().into()),
        ],
    })
}

/// Reads the answer to an A-ASSOCIATE-RQ; the inner error says why there is no association.
async fn read_acceptance(stream: &mut TcpStream) -> std::io::Result<Result<AssociationAC, String>> {
    let mut pdu = vec![0; PDU_HEADER];
    stream.read_exact(&mut pdu).await?;
    let length = u32::from_be_bytes([pdu[2], pdu[3], pdu[4], pdu[5]]);
    if length > MAX_ACCEPTANCE {
        return Ok(Err(format!("the answer claims {length} bytes")));
    }
    if stream.take(u64::from(length)).read_to_end(&mut pdu).await? < length as usize {
        return Ok(Err("the peer closed the connection inside its answer".into()));
    }
    Ok(match read_pdu(pdu.as_slice(), MAX_ACCEPTANCE, true) {
        Ok(Some(Pdu::AssociationAC(ac))) => Ok(ac),
        Ok(Some(Pdu::AssociationRJ(rj))) => {
            let [.., result, source, reason] = pdu.as_slice() else { return Ok(Err("rejected".into())) };
            Err(format!("rejected: {} (result {result}, source {source}, reason {reason})", rj.source))
        }
        Ok(Some(Pdu::AbortRQ { .. })) => Err("the peer aborted".into()),
        Ok(_) => Err("the answer is no A-ASSOCIATE PDU".into()),
        Err(error) => Err(error.to_string()),
    })
}
