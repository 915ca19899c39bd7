//! A-ASSOCIATE-RQ: from bytes to what is asked (PS3.8 §9.3.2). Pure.
//!
//! dicom-ul decodes the items. Two things are done before: the fixed fields are read from the bytes, so that a bad title leads to the
//! reject that names it, and items of unknown types are taken out, which PS3.8 §9.3.1 asks receivers to ignore.

use dicom_ul::pdu::{AssociationRQ, Pdu, UserVariableItem, read_pdu};

use super::{pdu::PDU_HEADER, violation::Violation};

/// Longest A-ASSOCIATE-RQ that is read, apart from any limit on P-DATA: 128 contexts with 13 transfer syntaxes each have 47 KB, with all
/// registered ones 250 KB.
pub(crate) const MAX_ASSOCIATE: u32 = 512 << 10;

/// Protocol version, reserved, two titles, reserved (PS3.8 table 9-11).
const FIXED: usize = 68;
const CALLED: std::ops::Range<usize> = 4..20;
const CALLING: std::ops::Range<usize> = 20..36;

/// Longest description of what is wrong with a request, in characters.
const MAX_WORDS: usize = 160;

const APPLICATION_CONTEXT: u8 = 0x10;
const PROPOSED_CONTEXT: u8 = 0x20;
const ABSTRACT_SYNTAX: u8 = 0x30;
const TRANSFER_SYNTAX: u8 = 0x40;
const USER_INFORMATION: u8 = 0x50;
/// Bytes of PDU header and of an item's header.
const ITEM_HEADER: usize = 4;

/// What a peer asks for.
#[derive(Debug)]
pub(crate) struct Request {
    /// Bit 0 of the protocol version is set.
    pub(crate) version_1: bool,
    /// 16 bytes as sent.
    pub(crate) called: Vec<u8>,
    /// 16 bytes as sent.
    pub(crate) calling: Vec<u8>,
    /// Everything else.
    pub(crate) rq: AssociationRQ,
}

impl Request {
    /// Reads the PDU after its header.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Violation> {
        let (fixed, items) = body.split_at_checked(FIXED).ok_or_else(|| cut("the fixed fields"))?;
        let mut pdu = Vec::with_capacity(PDU_HEADER + body.len());
        pdu.extend_from_slice(&[1, 0, 0, 0, 0, 0]);
        pdu.extend_from_slice(fixed);
        keep_known_items(items, &mut pdu)?;
        let length = (pdu.len() - PDU_HEADER) as u32;
        pdu[2..PDU_HEADER].copy_from_slice(&length.to_be_bytes());
        match read_pdu(pdu.as_slice(), MAX_ASSOCIATE, true) {
            Ok(Some(Pdu::AssociationRQ(rq))) => {
                Ok(Self { version_1: fixed[1] & 1 == 1, called: fixed[CALLED].to_vec(), calling: fixed[CALLING].to_vec(), rq })
            }
            Ok(_) => Err(cut("an item")),
            Err(error) => Err(Violation::Associate(error.to_string().chars().take(MAX_WORDS).collect())),
        }
    }

    /// Maximum length the peer receives; `None`: unlimited.
    pub(crate) fn max_pdu(&self) -> Option<u32> {
        let offered = self
            .rq
            .user_variables
            .iter()
            .find_map(|item| if let UserVariableItem::MaxLength(length) = item { Some(*length) } else { None });
        offered.filter(|length| *length > 0)
    }

    /// Implementation version name as sent, bounded and printable.
    pub(crate) fn implementation(&self) -> Option<String> {
        self.rq.user_variables.iter().find_map(|item| match item {
            UserVariableItem::ImplementationVersionName(name) => Some(printable(name.as_bytes())),
            _ => None,
        })
    }
}

fn cut(what: &str) -> Violation {
    Violation::Associate(format!("it ends inside {what}"))
}

/// At most 16 characters that are safe in a log line.
pub(crate) fn printable(text: &[u8]) -> String {
    let trimmed = text.trim_ascii_start();
    let end = trimmed.iter().rposition(|b| !matches!(b, 0 | b' ')).map_or(0, |last| last + 1);
    trimmed[..end.min(16)].iter().map(|b| if (b' '..=b'~').contains(b) { char::from(*b) } else { '?' }).collect()
}

/// Copies the items this box knows to `out`, inside presentation contexts too.
fn keep_known_items(mut items: &[u8], out: &mut Vec<u8>) -> Result<(), Violation> {
    while let Some(item) = next_item(&mut items)? {
        match item.kind {
            APPLICATION_CONTEXT | USER_INFORMATION => out.extend_from_slice(item.whole),
            PROPOSED_CONTEXT => keep_known_sub_items(item.value, out)?,
            _ => {}
        }
    }
    Ok(())
}

fn keep_known_sub_items(context: &[u8], out: &mut Vec<u8>) -> Result<(), Violation> {
    let (head, mut sub_items) = context.split_at_checked(4).ok_or_else(|| cut("a presentation context"))?;
    let at = out.len();
    out.extend_from_slice(&[PROPOSED_CONTEXT, 0, 0, 0]);
    out.extend_from_slice(head);
    while let Some(item) = next_item(&mut sub_items)? {
        if matches!(item.kind, ABSTRACT_SYNTAX | TRANSFER_SYNTAX) {
            out.extend_from_slice(item.whole);
        }
    }
    let length = (out.len() - at - ITEM_HEADER) as u16; // at most what the item had
    out[at + 2..at + ITEM_HEADER].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

struct Item<'a> {
    kind: u8,
    value: &'a [u8],
    whole: &'a [u8],
}

fn next_item<'a>(bytes: &mut &'a [u8]) -> Result<Option<Item<'a>>, Violation> {
    let all = *bytes;
    if all.is_empty() {
        return Ok(None);
    }
    let [kind, _, l0, l1] = *all.first_chunk::<ITEM_HEADER>().ok_or_else(|| cut("an item header"))?;
    let length = ITEM_HEADER + usize::from(u16::from_be_bytes([l0, l1]));
    let (whole, rest) = all.split_at_checked(length).ok_or_else(|| cut("an item"))?;
    *bytes = rest;
    Ok(Some(Item { kind, value: &whole[ITEM_HEADER..], whole }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(kind: u8, value: &[u8]) -> Vec<u8> {
        [&[kind, 0], &(value.len() as u16).to_be_bytes()[..], value].concat()
    }

    fn body(items: &[Vec<u8>]) -> Vec<u8> {
        [&[0, 1, 0, 0][..], b"RELAYPACS       ", b"CT 1            ", &[0; 32], &items.concat()].concat()
    }

    #[test]
    fn unknown_items_are_left_out() {
        let context =
            item(0x20, &[&[1, 0, 0, 0][..], &item(0x30, b"1.2.3"), &item(0x41, b"new"), &item(0x40, b"1.2.840.10008.1.2")].concat());
        let user = item(0x50, &[item(0x51, &[0; 4]), item(0x5F, b"new"), item(0x55, b"BAD\x1bNAME")].concat());
        let request = Request::read(&body(&[item(0x10, b"1.2.840.10008.3.1.1.1"), item(0x77, b"new"), context, user])).expect("a request");
        assert!(request.version_1);
        assert_eq!((request.called.as_slice(), request.calling.as_slice()), (&b"RELAYPACS       "[..], &b"CT 1            "[..]));
        assert_eq!(request.rq.presentation_contexts.len(), 1);
        assert_eq!(request.rq.presentation_contexts[0].transfer_syntaxes, ["1.2.840.10008.1.2"]);
        assert_eq!(request.max_pdu(), None, "0 means unlimited");
        assert_eq!(request.implementation().as_deref(), Some("BAD?NAME"));
    }

    #[test]
    fn one_cut_anywhere_is_a_violation() {
        let context = item(0x20, &[&[1, 0, 0, 0][..], &item(0x30, b"1.2.3"), &item(0x40, b"1.2.840.10008.1.2")].concat());
        let items = [item(0x10, b"1.2.840.10008.3.1.1.1"), context, item(0x50, &item(0x51, &[0; 4]))];
        let whole = body(&items);
        let ends: Vec<usize> = (0..=items.len()).map(|n| FIXED + items[..n].concat().len()).collect();
        for length in (0..whole.len()).filter(|length| !ends.contains(length)) {
            assert!(Request::read(&whole[..length]).is_err(), "cut at {length}");
        }
        assert!(Request::read(&whole).is_ok());
    }
}
