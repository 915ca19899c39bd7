//! One instance on its way to one destination: the state machine, as a pure function.
//!
//! ```text
//! Queued ──Retry──► Retrying ──Proven──► Delivered ──SentAgain──► Queued
//!   │ ▲                │ ▲
//!   └─┴──Hold──► Held ─┴─┘ (RetryNow)      any but Delivered ──GiveUp──► GivenUp
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How far an instance is on its way to a destination. `forwarding` of the API is not a state: it is a claim on a queued or retrying one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeliveryState {
    /// Waits for its turn; never tried since it was queued.
    Queued,
    /// Was tried and waits for its next turn.
    Retrying(Failure),
    /// Needs somebody: never tried again by itself, never dropped.
    Held(HeldReason, Option<Failure>),
    /// Proven to be at the destination.
    Delivered(Proof),
    /// Somebody decided that it need not arrive.
    GivenUp,
}

/// One instance on its way to one destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was sent or tried to be sent.
    pub attempts: u32,
    /// When it was last tried.
    pub last_sent_at: Option<Timestamp>,
    /// What the destination last answered about it (bounded, without patient data).
    pub answer: Option<String>,
}

/// What happened to a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// An attempt ended.
    Tried {
        /// When it ended.
        at: Timestamp,
        /// How it ended.
        verdict: Verdict,
    },
    /// Somebody asked for another try now.
    RetryNow,
    /// Somebody gave it up.
    GiveUp,
    /// It cannot go on, without an attempt (no such destination, unreadable).
    Hold(HeldReason),
    /// The sender sent a delivered instance again.
    SentAgain,
}

/// How one attempt ended for one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It is there.
    Proven(Proof),
    /// It may get there later.
    Retry {
        /// What went wrong.
        failure: Failure,
        /// Not before this much time has passed.
        after: Duration,
    },
    /// It will not get there by trying again.
    Hold(HeldReason, Failure),
}

/// Why the box believes that an instance arrived. Kept in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What kind of proof.
    pub kind: ProofKind,
    /// When it was given.
    pub at: Timestamp,
    /// What exactly was seen, in a short sentence (bounded, without patient data).
    pub detail: String,
    /// RetrieveURL (0008,1190) the destination gave for the instance or its study.
    pub retrieve_url: Option<String>,
}

/// Kinds of proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProofKind {
    /// Named in ReferencedSOPSequence (0008,1199) of a STOW-RS answer.
    Stow,
    /// Found by QIDO-RS.
    Qido,
    /// Retrieved and equal byte for byte.
    Retrieve,
    /// Written, synced, renamed, directory synced and read back.
    File,
    /// Entity tag of an object store equal to that of the bytes.
    Etag,
}

/// Why an instance needs somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldReason {
    /// No destination is configured, or none takes it.
    NoDestination,
    /// Its destination is no longer configured.
    DestinationNotConfigured,
    /// The destination holds other bytes under this SOP Instance UID.
    OtherVersionAtPacs,
    /// The destination refused it for good.
    Refused,
    /// Larger than the destination takes.
    TooLarge,
    /// The retry horizon passed.
    RetryHorizon,
    /// Its bytes can no longer be read from the disk.
    Unreadable,
    /// The destination said that it stored it, but does not have it, or not as it was sent.
    NotVerified,
}

/// What went wrong in an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// For programs.
    pub code: FailureCode,
    /// For people, in a short sentence (bounded, without patient data).
    pub detail: String,
}

/// What went wrong, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FailureCode {
    /// The name could not be resolved.
    Dns,
    /// No connection.
    Connect,
    /// TLS failed.
    Tls,
    /// The line broke or stalled in mid-request; the outcome is unknown.
    Line,
    /// Credentials could not be had or were refused.
    Auth,
    /// An HTTP status that settles nothing.
    Http(u16),
    /// A DICOM failure reason (0008,1197) or status.
    Dicom(u16),
    /// The answer could not be read.
    Answer,
    /// The answer does not name the instance.
    NotNamed,
    /// The destination gave back other bytes.
    OtherBytes,
    /// Writing to a folder failed.
    Io,
    /// Reading from the buffer failed.
    Unreadable,
    /// Named as stored, but not found afterwards.
    NotVerified,
    /// What its configuration needs cannot be used now: a file that is missing, say.
    Configuration,
}

impl HeldReason {
    /// The name used in API, CLI and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoDestination => "no_destination",
            Self::DestinationNotConfigured => "destination_not_configured",
            Self::OtherVersionAtPacs => "other_version_at_pacs",
            Self::Refused => "refused",
            Self::TooLarge => "too_large",
            Self::RetryHorizon => "retry_horizon",
            Self::Unreadable => "unreadable",
            Self::NotVerified => "not_verified",
        }
    }

    /// What somebody can do about it.
    pub const fn what_to_do(self) -> &'static str {
        match self {
            Self::NoDestination => "add a destination that takes it; it is queued by itself then",
            Self::DestinationNotConfigured => "configure the destination again, or release the study",
            Self::OtherVersionAtPacs => "compare both versions at the PACS, then release the study or retry after removing the other one",
            Self::Refused => "read the reason, mend it at the PACS, then retry",
            Self::TooLarge => "raise the limit of the PACS or its proxy, then retry",
            Self::RetryHorizon => "mend the line or the PACS, then retry",
            Self::Unreadable => "check the disk; send the instance again from the modality",
            Self::NotVerified => "see what became of it at the PACS, which said it was stored; mend that, then retry",
        }
    }
}

impl FailureCode {
    /// A short stable name such as `http-503` or `dicom-A700`.
    pub fn name(self) -> String {
        match self {
            Self::Dns => "dns".into(),
            Self::Connect => "connect".into(),
            Self::Tls => "tls".into(),
            Self::Line => "line".into(),
            Self::Auth => "auth".into(),
            Self::Http(status) => format!("http-{status}"),
            Self::Dicom(reason) => format!("dicom-{reason:04X}"),
            Self::Answer => "answer".into(),
            Self::NotNamed => "not-named".into(),
            Self::OtherBytes => "other-bytes".into(),
            Self::Io => "io".into(),
            Self::Unreadable => "unreadable".into(),
            Self::NotVerified => "not-verified".into(),
            Self::Configuration => "configuration".into(),
        }
    }
}

impl Failure {
    /// Longest detail in characters.
    pub const MAX_DETAIL: usize = 200;

    /// A failure with its detail cut to [`Self::MAX_DETAIL`] and control characters replaced, since it may come from a peer.
    pub fn new(code: FailureCode, detail: impl AsRef<str>) -> Self {
        Self { code, detail: bounded(detail.as_ref()) }
    }
}

impl Proof {
    /// A proof with its texts bounded like a [`Failure`]'s.
    pub fn new(kind: ProofKind, at: Timestamp, detail: impl AsRef<str>, retrieve_url: Option<&str>) -> Self {
        Self {
            kind,
            at,
            detail: bounded(detail.as_ref()),
            retrieve_url: retrieve_url.filter(|url| url.len() <= 1024).map(ToString::to_string),
        }
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(Failure::MAX_DETAIL).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl Default for Delivery {
    fn default() -> Self {
        Self { state: DeliveryState::Queued, attempts: 0, last_sent_at: None, answer: None }
    }
}

impl Delivery {
    /// Whether nothing more is to be done: delivered or given up.
    pub const fn is_settled(&self) -> bool {
        matches!(self.state, DeliveryState::Delivered(_) | DeliveryState::GivenUp)
    }

    /// Whether it waits for its turn (and may be claimed when its time has come).
    pub const fn is_waiting(&self) -> bool {
        matches!(self.state, DeliveryState::Queued | DeliveryState::Retrying(_))
    }

    /// The delivery after `step`. Steps that make no sense in a state change nothing: a late verdict never takes a proof back, a given-up
    /// delivery stays given up unless a late proof shows that it arrived after all.
    #[must_use]
    pub fn after(&self, step: &Step) -> Self {
        let mut next = self.clone();
        match step {
            Step::Tried { at, verdict } => {
                next.attempts = next.attempts.saturating_add(1);
                next.last_sent_at = Some(*at);
                next.answer = Some(verdict.answer());
                if let Some(state) = self.state.judged(verdict) {
                    next.state = state;
                }
            }
            Step::RetryNow if matches!(self.state, DeliveryState::Held(..) | DeliveryState::Retrying(_)) => {
                next.state = DeliveryState::Queued;
            }
            Step::GiveUp if !self.is_settled() => next.state = DeliveryState::GivenUp,
            Step::Hold(reason) if !self.is_settled() => next.state = DeliveryState::Held(*reason, None),
            Step::SentAgain if self.is_settled() => next.state = DeliveryState::Queued,
            Step::RetryNow | Step::GiveUp | Step::Hold(_) | Step::SentAgain => {}
        }
        next
    }
}

impl DeliveryState {
    fn judged(&self, verdict: &Verdict) -> Option<Self> {
        match (self, verdict) {
            (Self::Delivered(_), _) => None,
            (_, Verdict::Proven(proof)) => Some(Self::Delivered(proof.clone())),
            (Self::GivenUp, _) => None,
            (_, Verdict::Retry { failure, .. }) => Some(Self::Retrying(failure.clone())),
            (_, Verdict::Hold(reason, failure)) => Some(Self::Held(*reason, Some(failure.clone()))),
        }
    }
}

impl Verdict {
    fn answer(&self) -> String {
        match self {
            Self::Proven(proof) => proof.detail.clone(),
            Self::Retry { failure, .. } | Self::Hold(_, failure) => format!("{}: {}", failure.code.name(), failure.detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof() -> Proof {
        Proof::new(ProofKind::Stow, Timestamp::from_millis(1), "stored", None)
    }
    fn tried(verdict: Verdict) -> Step {
        Step::Tried { at: Timestamp::from_millis(2), verdict }
    }
    fn failure() -> Failure {
        Failure::new(FailureCode::Http(503), "busy\r\nplease wait")
    }

    #[test]
    fn a_failure_carries_no_control_characters() {
        assert_eq!(failure().detail, "busy  please wait");
    }

    #[test]
    fn a_proof_is_never_taken_back() {
        let delivered = Delivery::default().after(&tried(Verdict::Proven(proof())));
        assert!(delivered.is_settled());
        for step in [tried(Verdict::Hold(HeldReason::Refused, failure())), Step::GiveUp, Step::RetryNow, Step::Hold(HeldReason::Unreadable)]
        {
            assert_eq!(delivered.after(&step).state, delivered.state, "{step:?}");
        }
        assert_eq!(delivered.after(&Step::SentAgain).state, DeliveryState::Queued);
    }

    #[test]
    fn held_work_goes_on_when_somebody_says_so() {
        let held = Delivery::default().after(&tried(Verdict::Hold(HeldReason::Refused, failure())));
        assert!(!held.is_waiting());
        assert_eq!(held.after(&Step::RetryNow).state, DeliveryState::Queued);
        assert_eq!(held.after(&Step::GiveUp).state, DeliveryState::GivenUp);
    }

    #[test]
    fn a_late_proof_counts_even_when_given_up() {
        let given_up = Delivery::default().after(&Step::GiveUp);
        assert_eq!(given_up.after(&tried(Verdict::Retry { failure: failure(), after: Duration::ZERO })).state, DeliveryState::GivenUp);
        assert_eq!(given_up.after(&tried(Verdict::Proven(proof()))).state, DeliveryState::Delivered(proof()));
    }

    #[test]
    fn attempts_are_counted_and_answers_kept() {
        let once = Delivery::default().after(&tried(Verdict::Retry { failure: failure(), after: Duration::from_secs(5) }));
        assert_eq!((once.attempts, once.answer.as_deref()), (1, Some("http-503: busy  please wait")));
        assert!(once.is_waiting());
    }
}
