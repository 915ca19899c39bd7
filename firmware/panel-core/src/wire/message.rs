//! The messages, both ways, and which kind byte each has.

use serde::{Deserialize, Serialize};

use super::{
    coding::Coded as _,
    command::{Capabilities, Command},
    frame::{Cobs, Message, MessageError, payload},
    status::{Code, Status},
};
use crate::Text;

/// What the daemon says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is no allocator to put the large one behind a pointer")]
pub enum FromBox {
    /// First of all.
    Hello(BoxHello),
    /// How the box is: every second, and on change.
    Status(Status),
    /// Something happened.
    Event(Event),
    /// A command was accepted, or why not.
    Ack(Ack),
    /// A command has ended.
    Done(Done),
    /// Something to be shown and forgotten.
    Secret(Secret),
    /// The last message on this link.
    Bye(Bye),
}

/// What a panel says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromPanel {
    /// First of all.
    Hello(PanelHello),
    /// Somebody pressed keys for this.
    Command(Command),
    /// Every second.
    Alive(Alive),
}

/// The daemon's greeting.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BoxHello {
    /// What the daemon's protocol has more than [`super::VERSION`].
    pub minor: u8,
    /// What panels may do.
    pub capabilities: Capabilities,
}

/// A panel's greeting.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PanelHello {
    /// What the panel's protocol has more than [`super::VERSION`].
    pub minor: u8,
    /// What it shows on.
    pub display: DisplayKind,
    /// Which build of the panel's program.
    pub build: Text<24>,
}

/// What a panel shows on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DisplayKind {
    /// 128 × 64, on or off.
    #[default]
    Mono,
    /// 320 × 240 in colour.
    Colour,
    /// A text terminal.
    Console,
}

/// Something happened. An event is a hint: what counts is in the next status.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Event {
    /// What.
    pub code: EventCode,
    /// How bad it is.
    pub level: Level,
    /// About what: a modality, a destination; else empty.
    pub about: Text<24>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum EventCode {
    /// The first image of a study came.
    StudyArriving,
    /// No more images of a study are expected.
    StudyComplete,
    /// A study is proven at a destination.
    StudyDelivered,
    /// A study needs somebody.
    StudyHeld,
    /// A destination stopped answering.
    DestinationDown,
    /// A destination answers again.
    DestinationUp,
    /// An alert was raised.
    Alert(Code),
    /// Anything else that is in the box's events.
    #[default]
    Other,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Level {
    /// Good or indifferent.
    #[default]
    Info,
    /// Somebody should look.
    Warning,
    /// Something does not work.
    Error,
}

/// Whether a command is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ack {
    /// The command's id.
    pub id: u16,
    /// Accepted, or why not.
    pub verdict: Verdict,
}

/// Accepted, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Verdict {
    /// It begins; [`Done`] tells its end.
    Accepted,
    /// `panel.allow` does not have it.
    NotAllowed,
    /// The PIN is needed first.
    Locked,
    /// The box cannot do this here.
    #[default]
    NotAvailable,
    /// What it names is not there (any more).
    Unknown,
    /// Another of its kind is still running.
    Busy,
    /// A value makes no sense.
    Invalid,
    /// Wrong PIN; so many tries are left.
    WrongPin(u8),
    /// Too many wrong tries; wait so many seconds.
    Wait(u16),
    /// So many studies would be lost and the command does not say that this is meant.
    WouldLose(u32),
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Done {
    /// The command's id.
    pub id: u16,
    /// How.
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Outcome {
    /// Well.
    #[default]
    Good,
    /// Well, and it touched so many.
    Count(u32),
    /// So many of so many destinations answered.
    Some {
        /// Answered.
        good: u8,
        /// Asked.
        asked: u8,
    },
    /// Not well.
    Failed {
        /// The step that failed first.
        step: Step,
        /// What was seen there.
        detail: Text<48>,
    },
}

/// A step of reaching another system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Step {
    /// Resolving the name.
    Name,
    /// Connecting.
    Connect,
    /// TLS.
    Tls,
    /// Credentials.
    Login,
    /// The service itself.
    Service,
    /// Within the box.
    #[default]
    Box,
    /// It did not end in time.
    Time,
}

/// Something to be shown and forgotten.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Secret {
    /// The command that asked for it.
    pub id: u16,
    /// What to show.
    pub code: Text<16>,
    /// How long it holds, in seconds.
    pub expires_s: u16,
}

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Secret").field("id", &self.id).field("expires_s", &self.expires_s).finish_non_exhaustive()
    }
}

/// Why the link ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Bye {
    /// The other side speaks another version; this is ours.
    Version(u8),
    /// Too many panels.
    Full,
    /// The panel did not read, or sent nonsense.
    Misbehaved,
    /// The daemon ends.
    #[default]
    Stopping,
}

/// An IP address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Address {
    /// IPv4.
    V4([u8; 4]),
    /// IPv6.
    V6([u8; 16]),
}

impl Default for Address {
    /// `0.0.0.0`: none in particular.
    fn default() -> Self {
        Self::V4([0; 4])
    }
}

impl core::fmt::Display for Address {
    /// IPv6 as in RFC 5952: the longest run of zeros, the first of several, is `::`.
    fn fmt(&self, to: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let octets = match self {
            Self::V4([a, b, c, d]) => return write!(to, "{a}.{b}.{c}.{d}"),
            Self::V6(octets) => octets,
        };
        let group = |at: usize| u16::from_be_bytes([octets[2 * at], octets[2 * at + 1]]);
        let zeros = |from: usize| (from..8).take_while(|at| group(*at) == 0).count();
        let from = (0..8).rev().max_by_key(|from| zeros(*from)).unwrap_or(0);
        let left_out = if zeros(from) > 1 { from..from + zeros(from) } else { 8..8 };
        for at in (0..8).filter(|at| !left_out.contains(at)) {
            let colon = if at == left_out.end {
                "::"
            } else if at > 0 {
                ":"
            } else {
                ""
            };
            write!(to, "{colon}{:x}", group(at))?;
        }
        to.write_str(if !left_out.is_empty() && left_out.end == 8 { "::" } else { "" })
    }
}

/// The panel's own state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Alive {
    /// Keys that are stuck, a bit each in the order UP, DOWN, OK, BACK.
    pub stuck_keys: u8,
    /// Whether the display takes pictures.
    pub display_ok: bool,
    /// Frames that could not be read since the link began.
    pub dropped: u16,
}

impl Message for FromBox {
    fn kind(&self) -> u8 {
        match self {
            Self::Hello(_) => 1,
            Self::Status(_) => 2,
            Self::Event(_) => 3,
            Self::Ack(_) => 4,
            Self::Done(_) => 5,
            Self::Secret(_) => 6,
            Self::Bye(_) => 7,
        }
    }

    fn write(&self, to: &mut Cobs<'_>) {
        match self {
            Self::Hello(it) => it.put(to),
            Self::Status(it) => it.put(to),
            Self::Event(it) => it.put(to),
            Self::Ack(it) => it.put(to),
            Self::Done(it) => it.put(to),
            Self::Secret(it) => it.put(to),
            Self::Bye(it) => it.put(to),
        }
    }

    // A status moves on its way; the room for that is given back before anything else happens.
    #[inline(never)]
    fn read(kind: u8, bytes: &[u8]) -> Result<Self, MessageError> {
        Ok(match kind {
            1 => Self::Hello(payload(bytes)?),
            2 => Self::Status(payload(bytes)?),
            3 => Self::Event(payload(bytes)?),
            4 => Self::Ack(payload(bytes)?),
            5 => Self::Done(payload(bytes)?),
            6 => Self::Secret(payload(bytes)?),
            7 => Self::Bye(payload(bytes)?),
            other => return Err(MessageError::Kind(other)),
        })
    }
}

impl Message for FromPanel {
    fn kind(&self) -> u8 {
        match self {
            Self::Hello(_) => 0x81,
            Self::Command(_) => 0x82,
            Self::Alive(_) => 0x83,
        }
    }

    fn write(&self, to: &mut Cobs<'_>) {
        match self {
            Self::Hello(it) => it.put(to),
            Self::Command(it) => it.put(to),
            Self::Alive(it) => it.put(to),
        }
    }

    fn read(kind: u8, bytes: &[u8]) -> Result<Self, MessageError> {
        Ok(match kind {
            0x81 => Self::Hello(payload(bytes)?),
            0x82 => Self::Command(payload(bytes)?),
            0x83 => Self::Alive(payload(bytes)?),
            other => return Err(MessageError::Kind(other)),
        })
    }
}
