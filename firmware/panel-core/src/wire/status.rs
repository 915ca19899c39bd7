//! The box at one moment, small enough for one frame at its fullest.

use heapless::Vec;
use serde::{Deserialize, Serialize};

use super::message::{Address, Level};
use crate::Text;

/// A bounded list.
pub type List<T, const N: usize> = Vec<T, N, u8>;

/// A point of time: seconds since 1970-01-01T00:00 *on the clinic's clock*, so that a panel needs no time zones. 0: never, or not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Moment(pub u32);

/// The box at one moment. The daemon leaves out what the panel may not show.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Status {
    /// The clinic's clock.
    pub now: Moment,
    /// Seconds the daemon has been running.
    pub uptime_s: u32,
    /// The box in one word.
    pub word: Word,
    /// Whether the panel is locked. [`Lock::All`]: everything below but the word is empty.
    pub lock: Lock,
    /// No administrator exists yet: the set-up code is offered.
    pub first_start: bool,
    /// The box's name.
    pub name: Text<24>,
    /// The AE title that scanners call.
    pub ae_title: Text<16>,
    /// The port that scanners call; 0: off.
    pub dicom_port: u16,
    /// The port for DICOM over TLS; 0: off.
    pub tls_port: u16,
    /// What waits; `None`: the box cannot say.
    pub queue: Option<Queue>,
    /// What last reached a destination.
    pub last_sent: Option<LastSent>,
    /// The study that came last.
    pub last_study: Option<LastStudy>,
    /// Destinations, worst first.
    pub destinations: List<Destination, 8>,
    /// Further destinations that found no room.
    pub more_destinations: u8,
    /// Scanners seen, latest first.
    pub peers: List<Peer, 4>,
    /// Further scanners that found no room.
    pub more_peers: u8,
    /// Held studies, newest first.
    pub held: List<Held, 4>,
    /// What needs somebody, worst first.
    pub alerts: List<Alert, 10>,
    /// The network.
    pub network: Network,
    /// The disk and the machine.
    pub storage: Storage,
    /// The program.
    pub software: Software,
    /// How much waited in each of the last 24 hours, oldest first, as parts of 255 of `history_most`.
    pub history: [u8; 24],
    /// Most studies that waited within those hours.
    pub history_most: u32,
}

/// The box in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Word {
    /// All well.
    #[default]
    Ok,
    /// It receives, and somebody must act.
    Degraded,
    /// It accepts no images.
    Stopped,
}

/// Whether the panel asks for its PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Lock {
    /// Everything may be seen and done.
    #[default]
    Open,
    /// Actions need the PIN.
    Actions,
    /// Seeing anything but the word needs it too.
    All,
}

/// What waits for all destinations together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Queue {
    /// Studies that wait.
    pub studies: u32,
    /// Studies being sent.
    pub sending: u32,
    /// Studies held.
    pub held: u32,
    /// Bytes that wait.
    pub bytes: u64,
    /// Seconds the oldest has been waiting.
    pub oldest_s: u32,
}

/// What last reached a destination.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LastSent {
    /// When it was proven.
    pub at: Moment,
    /// Its modality.
    pub modality: Text<8>,
}

/// The study that came last.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LastStudy {
    /// Its modality.
    pub modality: Text<8>,
    /// Who sent it.
    pub ae_title: Text<16>,
    /// When its first image came.
    pub at: Moment,
    /// Images so far.
    pub images: u32,
    /// Their bytes.
    pub bytes: u64,
    /// How far it is.
    pub state: StudyState,
    /// Images proven, at all destinations together.
    pub done: u32,
    /// Images to be proven, at all destinations together.
    pub total: u32,
    /// What the configuration allows of its name; else empty.
    pub label: Text<24>,
}

/// How far a study is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum StudyState {
    /// Images are still coming.
    #[default]
    Arriving,
    /// It waits.
    Queued,
    /// It is being sent.
    Sending,
    /// It is at all its destinations, proven.
    Delivered,
    /// It needs somebody.
    Held,
}

/// A destination.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Destination {
    /// Names it in commands.
    pub handle: u8,
    /// Its name.
    pub name: Text<24>,
    /// How it is.
    pub state: DestinationState,
    /// Since when.
    pub since: Moment,
    /// How long its last answer took, in milliseconds; 0: not known.
    pub latency_ms: u16,
    /// Studies that wait for it.
    pub waiting: u32,
    /// Studies held for it.
    pub held: u16,
    /// Seconds to its next try; 0: none is due.
    pub next_try_s: u16,
    /// What went wrong last, while something is wrong.
    pub failure: Option<FailureKind>,
}

/// How a destination is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DestinationState {
    /// It answered last time.
    Up,
    /// It cannot be reached, or fails.
    Down,
    /// It refuses the box.
    Refused,
    /// Somebody paused it.
    Paused,
    /// Nothing was asked of it yet.
    #[default]
    Unknown,
}

/// What went wrong at a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum FailureKind {
    /// The name could not be resolved.
    #[default]
    Name,
    /// Nobody takes connections.
    Connect,
    /// TLS failed.
    Tls,
    /// The line broke or stalled.
    Line,
    /// Credentials could not be had or were refused.
    Login,
    /// This HTTP status.
    Http(u16),
    /// It refused the studies.
    Refused,
    /// It answered nonsense.
    Answer,
    /// The disk or folder could not be written.
    Disk,
}

/// A scanner that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Peer {
    /// Names it in commands.
    pub handle: u8,
    /// Its AE title.
    pub ae_title: Text<16>,
    /// When it was last seen.
    pub at: Moment,
    /// Images taken from it since the daemon started.
    pub images: u32,
    /// Whether it is connected now.
    pub connected: bool,
    /// Why it was rejected last, unless it was accepted since.
    pub refused: Option<Refusal>,
    /// Its host and port are known: it can be asked by C-ECHO.
    pub can_test: bool,
}

/// Why an association was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Refusal {
    /// It calls from a title that is not admitted.
    #[default]
    CallingTitle,
    /// It calls another title than the box's.
    CalledTitle,
    /// It comes from another address than its own.
    Address,
    /// Too many associations.
    Busy,
    /// The disk is full.
    Full,
    /// It speaks something else.
    Protocol,
}

/// A held study.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Held {
    /// Names it in commands.
    pub handle: u32,
    /// Its modality.
    pub modality: Text<8>,
    /// When its first image came.
    pub at: Moment,
    /// Its images.
    pub images: u32,
    /// Why.
    pub reason: HeldReason,
    /// What the configuration allows of its name; else empty.
    pub label: Text<24>,
}

/// Why a study is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum HeldReason {
    /// No destination takes it.
    #[default]
    NoDestination,
    /// Its destination is no longer configured.
    DestinationGone,
    /// The PACS holds something else under its number.
    OtherVersion,
    /// The PACS refused it.
    Refused,
    /// Larger than the PACS takes.
    TooLarge,
    /// Tried for too long.
    TooLong,
    /// Its bytes can no longer be read.
    Unreadable,
    /// It did not come back from the PACS as it was sent.
    NotVerified,
}

/// Something that needs somebody.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Alert {
    /// Which.
    pub code: Code,
    /// Since when.
    pub since: Moment,
    /// What it is about: a destination, an AE title; else empty.
    pub about: Text<20>,
}

/// The codes that panel, UI, API and CLI share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Code {
    /// An association was rejected.
    #[default]
    E11,
    /// A destination cannot be reached.
    E21,
    /// A destination refuses our credentials.
    E22,
    /// Studies are held.
    E23,
    /// The disk is getting full.
    E31,
    /// The reserve is reached.
    E32,
    /// The clock is not synchronised.
    E41,
    /// An update was rolled back.
    E51,
    /// Too hot, or too little voltage.
    E61,
    /// A key of the panel is stuck.
    E71,
    /// The panel's display does not answer.
    E72,
    /// One that this panel has no words for, by its number.
    Other(u8),
}

impl Code {
    /// How bad it is.
    pub const fn level(self) -> Level {
        match self {
            Self::E11 | Self::E31 | Self::E41 | Self::E51 | Self::E61 | Self::E71 | Self::E72 | Self::Other(_) => Level::Warning,
            Self::E21 | Self::E22 | Self::E23 | Self::E32 => Level::Error,
        }
    }
}

/// The network as the box sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Network {
    /// The address scanners and people use; `None`: the box has none.
    pub address: Option<Address>,
    /// Length of its network's prefix; 0: not known.
    pub prefix: u8,
    /// Whether it came from DHCP.
    pub dhcp: Option<bool>,
    /// Whether a cable is in and the other end is on.
    pub link: Option<bool>,
    /// Speed of the link in Mbit/s; 0: not known.
    pub mbit: u16,
    /// Whether the gateway answers.
    pub gateway: Io,
    /// Whether a name server is known.
    pub dns: Io,
    /// Whether the clock follows a time server.
    pub clock: Io,
    /// Hardware address; zeros: not known.
    pub mac: [u8; 6],
    /// The machine's name, as in `NAME.local`.
    pub host: Text<24>,
    /// HTTPS port; 0: off.
    pub https_port: u16,
    /// First bytes of the certificate's SHA-256, to compare with the browser's; zeros: none.
    pub fingerprint: [u8; 8],
    /// Seconds until a changed address goes back unless it is confirmed; 0: none was changed.
    pub reverts_in_s: u16,
}

/// Whether something works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Io {
    /// Nobody knows.
    #[default]
    Unknown,
    /// It does.
    Good,
    /// It does not.
    Bad,
}

/// The disk and the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Storage {
    /// Bytes the box may use for studies.
    pub total: u64,
    /// Bytes in use.
    pub used: u64,
    /// Bytes of them that wait or are held; the rest is delivered and freed when needed.
    pub waiting: u64,
    /// Days until it is full at the pace of the last hours; `None`: it is not filling.
    pub days_left: Option<u16>,
    /// Wear of the flash in percent of its life.
    pub wear_percent: Option<u8>,
    /// Temperature in °C.
    pub celsius: Option<i8>,
    /// Whether the supply's voltage is too low.
    pub undervoltage: Option<bool>,
    /// Times the box ended without being shut down.
    pub unclean_stops: u16,
    /// The low mark is passed.
    pub low: bool,
    /// The reserve is reached: nothing is accepted.
    pub refusing: bool,
}

/// The program.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Software {
    /// The release.
    pub version: Text<24>,
    /// Which build of it.
    pub build: Text<12>,
    /// The slot it runs from; empty: there are none.
    pub slot: Text<8>,
    /// What an update does or did.
    pub update: Update,
}

/// What an update does or did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Update {
    /// Nothing.
    #[default]
    None,
    /// It is being installed; percent.
    Running(u8),
    /// It is installed; the next start runs it.
    Ready(Text<16>),
    /// The release did not get well and the box went back.
    RolledBack {
        /// The release that failed.
        failed: Text<16>,
        /// When.
        at: Moment,
    },
}
