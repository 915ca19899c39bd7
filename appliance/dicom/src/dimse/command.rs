//! Command sets (PS3.7 §6.3.1, annex E): elements of group 0000 in implicit VR little endian.
//!
//! | bytes | meaning |
//! |---|---|
//! | 2 | group, always 0000 |
//! | 2 | element |
//! | 4 | length of the value |
//! | n | value; UIDs padded with NUL, texts with a space |
//!
//! Reading takes what is there: order and padding are not tested, elements that nobody needs are skipped.

use relaypacs_domain::{Uid, UidError};

use super::{Refusal, Status, field};

/// Longest Error Comment (VR LO).
const MAX_COMMENT: usize = 64;
/// (0000,0800): no data set follows.
const NO_DATA_SET: u16 = 0x0101;
/// (0000,0800): one follows; any other value than [`NO_DATA_SET`] says so.
const DATA_SET_FOLLOWS: u16 = 0x0001;
/// (0000,0700) HIGH.
const PRIORITY_HIGH: u16 = 0x0001;

mod element {
    pub(super) const GROUP_LENGTH: u16 = 0x0000;
    pub(super) const AFFECTED_SOP_CLASS: u16 = 0x0002;
    pub(super) const COMMAND_FIELD: u16 = 0x0100;
    pub(super) const MESSAGE_ID: u16 = 0x0110;
    pub(super) const RESPONDED_TO: u16 = 0x0120;
    pub(super) const PRIORITY: u16 = 0x0700;
    pub(super) const DATA_SET_TYPE: u16 = 0x0800;
    pub(super) const STATUS: u16 = 0x0900;
    pub(super) const ERROR_COMMENT: u16 = 0x0902;
    pub(super) const AFFECTED_SOP_INSTANCE: u16 = 0x1000;
}

/// A command set, as far as this box needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// Command Field (0000,0100).
    pub(crate) field: u16,
    /// Message ID (0000,0110).
    pub(crate) message_id: Option<u16>,
    /// Message ID Being Responded To (0000,0120).
    pub(crate) responded_to: Option<u16>,
    /// Affected SOP Class UID (0000,0002); `None`: absent.
    pub(crate) sop_class: Option<Result<Uid, UidError>>,
    /// Affected SOP Instance UID (0000,1000); `None`: absent.
    pub(crate) sop_instance: Option<Result<Uid, UidError>>,
    /// Priority (0000,0700) is HIGH.
    pub(crate) priority_high: bool,
    /// A data set follows.
    pub(crate) has_data_set: bool,
    /// Status (0000,0900).
    pub(crate) status: Option<u16>,
    /// Error Comment (0000,0902), bounded.
    pub(crate) error_comment: Option<String>,
}

/// Why bytes are no command set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("the command set ends inside an element")]
    Truncated,
    #[error("an element of group {0:04x} stands in a command set")]
    Group(u16),
    #[error("the command set lacks (0000,{0:04x})")]
    Missing(u16),
}

impl Command {
    /// Reads a whole command set.
    pub(crate) fn read(mut bytes: &[u8]) -> Result<Self, CommandError> {
        let mut command_field = None;
        let mut data_set_type = None;
        let mut command = Self {
            field: 0,
            message_id: None,
            responded_to: None,
            sop_class: None,
            sop_instance: None,
            priority_high: false,
            has_data_set: false,
            status: None,
            error_comment: None,
        };
        while let Some((number, value)) = next_element(&mut bytes)? {
            match number {
                element::AFFECTED_SOP_CLASS => command.sop_class = Some(Uid::from_value(value)),
                element::COMMAND_FIELD => command_field = unsigned_short(value),
                element::MESSAGE_ID => command.message_id = unsigned_short(value),
                element::RESPONDED_TO => command.responded_to = unsigned_short(value),
                element::PRIORITY => command.priority_high = unsigned_short(value) == Some(PRIORITY_HIGH),
                element::DATA_SET_TYPE => data_set_type = unsigned_short(value),
                element::STATUS => command.status = unsigned_short(value),
                element::ERROR_COMMENT => command.error_comment = Some(comment(&String::from_utf8_lossy(value))),
                element::AFFECTED_SOP_INSTANCE => command.sop_instance = Some(Uid::from_value(value)),
                _ => {}
            }
        }
        command.field = command_field.ok_or(CommandError::Missing(element::COMMAND_FIELD))?;
        command.has_data_set = data_set_type.ok_or(CommandError::Missing(element::DATA_SET_TYPE))? != NO_DATA_SET;
        Ok(command)
    }
}

/// Splits the next element off. `None` at the end.
fn next_element<'a>(bytes: &mut &'a [u8]) -> Result<Option<(u16, &'a [u8])>, CommandError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let (head, rest) = bytes.split_first_chunk::<8>().ok_or(CommandError::Truncated)?;
    let [g0, g1, e0, e1, l0, l1, l2, l3] = *head;
    let group = u16::from_le_bytes([g0, g1]);
    if group != 0 {
        return Err(CommandError::Group(group));
    }
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    let (value, rest) = rest.split_at_checked(length).ok_or(CommandError::Truncated)?;
    *bytes = rest;
    Ok(Some((u16::from_le_bytes([e0, e1]), value)))
}

fn unsigned_short(value: &[u8]) -> Option<u16> {
    value.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

/// A text as Error Comment may hold it: at most 64 printable ASCII characters, no backslash.
fn comment(text: &str) -> String {
    let printable = |c: char| if (' '..='~').contains(&c) && c != '\\' { c } else { '?' };
    text.trim_matches(['\0', ' ']).chars().take(MAX_COMMENT).map(printable).collect()
}

/// Builds a command set; elements must be added in ascending order.
struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// With room for the group length, which comes first.
    fn new() -> Self {
        let mut writer = Self { bytes: Vec::with_capacity(256) };
        writer.element(element::GROUP_LENGTH, &[0; 4], 0);
        writer
    }

    fn element(&mut self, number: u16, value: &[u8], padding: u8) {
        let odd = value.len() % 2;
        let length = (value.len() + odd) as u32;
        self.bytes.extend_from_slice(&[0, 0]);
        self.bytes.extend_from_slice(&number.to_le_bytes());
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.extend(std::iter::repeat_n(padding, odd));
    }

    fn short(mut self, number: u16, value: u16) -> Self {
        self.element(number, &value.to_le_bytes(), 0);
        self
    }

    fn uid(mut self, number: u16, value: Option<&Uid>) -> Self {
        if let Some(uid) = value {
            self.element(number, uid.as_str().as_bytes(), 0);
        }
        self
    }

    fn text(mut self, number: u16, value: Option<&str>) -> Self {
        if let Some(text) = value {
            self.element(number, text.as_bytes(), b' ');
        }
        self
    }

    fn finish(mut self) -> Vec<u8> {
        let after_group_length = (self.bytes.len() - 12) as u32;
        self.bytes[8..12].copy_from_slice(&after_group_length.to_le_bytes());
        self.bytes
    }
}

/// What every answer repeats of its request.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// Field of the request.
    pub(crate) field: u16,
    /// Message ID of the request.
    pub(crate) message_id: u16,
    pub(crate) sop_class: Option<Uid>,
    pub(crate) sop_instance: Option<Uid>,
}

impl Reply {
    /// `None` when the request names no message, so that no answer is possible.
    pub(crate) fn to(command: &Command) -> Option<Self> {
        Some(Self {
            field: command.field,
            message_id: command.message_id?,
            sop_class: command.sop_class.clone().and_then(Result::ok),
            sop_instance: command.sop_instance.clone().and_then(Result::ok),
        })
    }

    /// The answer's command set.
    pub(crate) fn with(&self, outcome: Result<(), &Refusal>) -> Vec<u8> {
        let status = outcome.map_or_else(|refusal| refusal.status, |()| Status::Success);
        let words = outcome.err().map(|refusal| comment(&refusal.comment));
        Writer::new()
            .uid(element::AFFECTED_SOP_CLASS, self.sop_class.as_ref())
            .short(element::COMMAND_FIELD, self.field | field::RESPONSE)
            .short(element::RESPONDED_TO, self.message_id)
            .short(element::DATA_SET_TYPE, NO_DATA_SET)
            .short(element::STATUS, status.code())
            .text(element::ERROR_COMMENT, words.as_deref())
            .uid(element::AFFECTED_SOP_INSTANCE, self.sop_instance.as_ref())
            .finish()
    }
}

/// A C-ECHO-RQ.
pub(crate) fn echo_request(message_id: u16, verification: &Uid) -> Vec<u8> {
    Writer::new()
        .uid(element::AFFECTED_SOP_CLASS, Some(verification))
        .short(element::COMMAND_FIELD, field::C_ECHO_RQ)
        .short(element::MESSAGE_ID, message_id)
        .short(element::DATA_SET_TYPE, NO_DATA_SET)
        .finish()
}

/// A C-STORE-RQ with medium priority.
pub(crate) fn store_request(message_id: u16, sop_class: &Uid, sop_instance: &Uid) -> Vec<u8> {
    Writer::new()
        .uid(element::AFFECTED_SOP_CLASS, Some(sop_class))
        .short(element::COMMAND_FIELD, field::C_STORE_RQ)
        .short(element::MESSAGE_ID, message_id)
        .short(element::PRIORITY, 0)
        .short(element::DATA_SET_TYPE, DATA_SET_FOLLOWS)
        .uid(element::AFFECTED_SOP_INSTANCE, Some(sop_instance))
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(text: &str) -> Uid {
        text.parse().expect("a UID")
    }

    #[test]
    fn a_store_request_is_read_as_written() {
        let bytes = store_request(7, &uid("1.2.3"), &uid("1.2.4.5"));
        let command = Command::read(&bytes).expect("a command set");
        assert_eq!((command.field, command.message_id, command.has_data_set), (field::C_STORE_RQ, Some(7), true));
        assert_eq!((command.sop_class, command.sop_instance), (Some(Ok(uid("1.2.3"))), Some(Ok(uid("1.2.4.5")))));
        assert!(!command.priority_high);
    }

    #[test]
    fn an_answer_repeats_the_request_and_bounds_its_comment() {
        let request = Command::read(&store_request(9, &uid("1.2.3"), &uid("1.2.4"))).expect("a command set");
        let refusal = Refusal::new(Status::OutOfResources, "é\\".to_owned() + &"x".repeat(100));
        let answer = Reply::to(&request).expect("a message id").with(Err(&refusal));
        let length = u32::from_le_bytes(answer[8..12].try_into().expect("four bytes"));
        assert_eq!(length as usize, answer.len() - 12, "group length");
        let read = Command::read(&answer).expect("a command set");
        assert_eq!((read.field, read.responded_to, read.status), (0x8001, Some(9), Some(0xA700)));
        assert_eq!(read.error_comment.expect("a comment"), "??".to_owned() + &"x".repeat(62));
        assert!(!read.has_data_set);
    }

    #[test]
    fn what_is_no_command_set_is_named() {
        let check = |bytes: &[u8], expected| assert_eq!(Command::read(bytes), Err(expected));
        check(b"", CommandError::Missing(0x0100));
        check(&[0, 0, 0, 1, 2], CommandError::Truncated);
        check(&[0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0], CommandError::Truncated);
        check(&[8, 0, 0x18, 0, 0, 0, 0, 0], CommandError::Group(8));
        check(&[0, 0, 0, 1, 2, 0, 0, 0, 1, 0], CommandError::Missing(0x0800));
    }

    #[test]
    fn a_garbled_uid_is_told_from_an_absent_one() {
        let mut bytes = Writer::new().short(element::COMMAND_FIELD, 1).short(element::DATA_SET_TYPE, 0).finish();
        assert_eq!(Command::read(&bytes).expect("a command set").sop_instance, None);
        bytes.extend_from_slice(&[0, 0, 0, 0x10, 4, 0, 0, 0]);
        bytes.extend_from_slice(b"1.x3");
        assert!(matches!(Command::read(&bytes).expect("a command set").sop_instance, Some(Err(_))));
    }
}
