//! PDUs of an established association, read from one reused buffer (PS3.8 §9.3).
//!
//! ```text
//! PDU:  type (1)  reserved (1)  length (4, big endian)  then for P-DATA-TF any number of
//! PDV:  length (4, big endian)  context id (1)  flags (1)  fragment (length - 2)
//! flags: bit 0 = command, else data set; bit 1 = last fragment; the others are not tested
//! ```
//!
//! The reader needs no whole PDU in memory: a fragment is handed on in as many pieces as the reads brought it, so a PDU may be larger than
//! the buffer and a length that lies costs nothing. Nothing is copied but the at most eleven bytes of a header cut in two by a read.

use super::violation::Violation;

/// PDU types.
pub(crate) mod kind {
    pub(crate) const ASSOCIATE_RQ: u8 = 1;
    pub(crate) const ASSOCIATE_AC: u8 = 2;
    pub(crate) const ASSOCIATE_RJ: u8 = 3;
    pub(crate) const P_DATA: u8 = 4;
    pub(crate) const RELEASE_RQ: u8 = 5;
    pub(crate) const RELEASE_RP: u8 = 6;
    pub(crate) const ABORT: u8 = 7;
}

/// Bytes of a PDU header.
pub(crate) const PDU_HEADER: usize = 6;
/// Bytes of a PDV header: length, context id, flags.
pub(crate) const PDV_HEADER: usize = 6;
/// The whole A-RELEASE-RQ.
pub(crate) const RELEASE_RQ: [u8; 10] = [kind::RELEASE_RQ, 0, 0, 0, 0, 4, 0, 0, 0, 0];
/// The whole A-RELEASE-RP.
pub(crate) const RELEASE_RP: [u8; 10] = [kind::RELEASE_RP, 0, 0, 0, 0, 4, 0, 0, 0, 0];

const FLAG_COMMAND: u8 = 1;
const FLAG_LAST: u8 = 2;
/// PDV length counts context id and flags.
const PDV_OVERHEAD: u32 = 2;

/// What a fragment is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Command,
    DataSet,
}

impl Part {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::DataSet => "data set",
        }
    }
}

/// A piece of a message as it lies in the buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fragment<'a> {
    pub(crate) context: u8,
    pub(crate) part: Part,
    pub(crate) bytes: &'a [u8],
    /// The command set or data set ends with these bytes.
    pub(crate) last: bool,
}

/// What comes next on an established association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Fragment(Fragment<'a>),
    ReleaseRequest,
    ReleaseResponse,
    /// With source and reason.
    Abort(u8, u8),
}

/// What the reader waits for.
#[derive(Debug, Clone, Copy)]
enum Awaiting {
    PduHeader,
    /// `left`: bytes of the PDU that are still to come.
    PdvHeader {
        left: u32,
    },
    /// `left`: bytes of the fragment; `after`: bytes of the PDU after it.
    Fragment {
        context: u8,
        flags: u8,
        left: u32,
        after: u32,
    },
    /// The four bytes of an A-RELEASE or A-ABORT.
    Body {
        kind: u8,
    },
}

/// Reads pieces of messages out of a buffer that the caller fills: [`PduReader::space`], [`PduReader::filled`], then
/// [`PduReader::next`] until it gives `None`.
#[derive(Debug)]
pub(crate) struct PduReader {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    max_pdu: u32,
    awaiting: Awaiting,
}

impl PduReader {
    /// `buffer_bytes`: how much one read may bring, at least 16; `max_pdu`: longest P-DATA-TF that was offered.
    pub(crate) fn new(buffer_bytes: usize, max_pdu: u32) -> Self {
        Self { buffer: vec![0; buffer_bytes.max(16)], start: 0, end: 0, max_pdu, awaiting: Awaiting::PduHeader }
    }

    /// Where the next bytes go. Never empty once [`PduReader::next`] has given `None`.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.buffer[self.end..]
    }

    /// Says that `count` bytes were put into [`PduReader::space`].
    pub(crate) fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.buffer.len());
    }

    /// The next piece; `None`: more bytes are needed.
    pub(crate) fn next(&mut self) -> Result<Option<Piece<'_>>, Violation> {
        loop {
            match self.awaiting {
                Awaiting::PduHeader => {
                    let Some(header) = self.take::<PDU_HEADER>() else { return Ok(None) };
                    self.awaiting = self.pdu_header(header)?;
                }
                Awaiting::PdvHeader { left: 0 } => self.awaiting = Awaiting::PduHeader,
                Awaiting::PdvHeader { left } => {
                    if left < PDV_HEADER as u32 {
                        return Err(Violation::PdvLength { length: PDV_OVERHEAD, left });
                    }
                    let Some(header) = self.take::<PDV_HEADER>() else { return Ok(None) };
                    self.awaiting = pdv_header(header, left)?;
                }
                Awaiting::Fragment { context, flags, left, after } => {
                    return Ok(self.fragment(context, flags, left, after).map(Piece::Fragment));
                }
                Awaiting::Body { kind } => {
                    let Some([_, _, source, reason]) = self.take::<4>() else { return Ok(None) };
                    self.awaiting = Awaiting::PduHeader;
                    return Ok(Some(match kind {
                        kind::RELEASE_RQ => Piece::ReleaseRequest,
                        kind::RELEASE_RP => Piece::ReleaseResponse,
                        _ => Piece::Abort(source, reason),
                    }));
                }
            }
        }
    }

    fn pdu_header(&self, header: [u8; PDU_HEADER]) -> Result<Awaiting, Violation> {
        let [kind, _, length @ ..] = header;
        let length = u32::from_be_bytes(length);
        let limited = |limit| if length > limit { Err(Violation::PduLength { kind, length, limit }) } else { Ok(()) };
        match kind {
            kind::P_DATA => limited(self.max_pdu).map(|()| Awaiting::PdvHeader { left: length }),
            kind::RELEASE_RQ | kind::RELEASE_RP | kind::ABORT if length == 4 => Ok(Awaiting::Body { kind }),
            kind::RELEASE_RQ | kind::RELEASE_RP | kind::ABORT => Err(Violation::PduLength { kind, length, limit: 4 }),
            kind::ASSOCIATE_RQ | kind::ASSOCIATE_AC | kind::ASSOCIATE_RJ => {
                Err(Violation::UnexpectedPdu { got: kind, expected: "P-DATA-TF, A-RELEASE or A-ABORT" })
            }
            _ => Err(Violation::UnknownPdu(kind)),
        }
    }

    /// As much of the fragment as has come; `None`: nothing has.
    fn fragment(&mut self, context: u8, flags: u8, left: u32, after: u32) -> Option<Fragment<'_>> {
        let here = (self.end - self.start).min(left as usize);
        if here == 0 && left > 0 {
            return None;
        }
        let left = left - here as u32;
        self.awaiting = if left == 0 { Awaiting::PdvHeader { left: after } } else { Awaiting::Fragment { context, flags, left, after } };
        let from = self.start;
        self.start += here;
        let part = if flags & FLAG_COMMAND == 0 { Part::DataSet } else { Part::Command };
        Some(Fragment { context, part, bytes: &self.buffer[from..from + here], last: left == 0 && flags & FLAG_LAST != 0 })
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = *self.buffer[self.start..self.end].first_chunk::<N>()?;
        self.start += N;
        Some(bytes)
    }
}

fn pdv_header(header: [u8; PDV_HEADER], left: u32) -> Result<Awaiting, Violation> {
    let [l0, l1, l2, l3, context, flags] = header;
    let length = u32::from_be_bytes([l0, l1, l2, l3]);
    if length < PDV_OVERHEAD || length > left - 4 {
        return Err(Violation::PdvLength { length, left: left - 4 });
    }
    Ok(Awaiting::Fragment { context, flags, left: length - PDV_OVERHEAD, after: left - 4 - length })
}

/// Appends a P-DATA-TF with one PDV to `out`, header and fragment.
pub(crate) fn append_p_data(out: &mut Vec<u8>, context: u8, part: Part, last: bool, fragment: &[u8]) {
    out.extend_from_slice(&p_data_header(context, part, last, fragment.len()));
    out.extend_from_slice(fragment);
}

/// The twelve bytes before a fragment that is alone in its P-DATA-TF.
pub(crate) fn p_data_header(context: u8, part: Part, last: bool, fragment_bytes: usize) -> [u8; PDU_HEADER + PDV_HEADER] {
    let [p0, p1, p2, p3] = ((fragment_bytes + PDV_HEADER) as u32).to_be_bytes();
    let [v0, v1, v2, v3] = (fragment_bytes as u32 + PDV_OVERHEAD).to_be_bytes();
    let flags = if part == Part::Command { FLAG_COMMAND } else { 0 } | if last { FLAG_LAST } else { 0 };
    [kind::P_DATA, 0, p0, p1, p2, p3, v0, v1, v2, v3, context, flags]
}

/// Appends a whole command set, cut into PDUs that a peer with this maximum takes (`max_pdu` > 6).
pub(crate) fn append_command(out: &mut Vec<u8>, context: u8, command: &[u8], max_pdu: u32) {
    let room = (max_pdu as usize).saturating_sub(PDV_HEADER).max(1);
    let mut fragments = command.chunks(room).peekable();
    while let Some(fragment) = fragments.next() {
        append_p_data(out, context, Part::Command, fragments.peek().is_none(), fragment);
    }
}

#[cfg(test)]
mod tests;
