//! What a run of requests gave: verdicts for instances, a signal for the destination. And what failure reasons mean.

use std::time::Duration;

use relaypacs_domain::{Failure, FailureCode, HeldReason, ObjectId, Verdict};

use crate::{backoff::Backoff, breaker::Signal, content::Part};

/// One instance to deliver, with what is known of earlier attempts.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) part: Part,
    pub(crate) attempts: u32,
    pub(crate) last_failure: Option<FailureCode>,
    pub(crate) pending_for: Duration,
    /// The box holds an older object with other bytes under the same SOP Instance UID.
    pub(crate) later_version: bool,
    /// The box holds or held other bytes under the same SOP Instance UID, older or younger ones.
    pub(crate) other_versions: bool,
}

/// What a run gave. Items without a verdict were not tried.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) verdicts: Vec<(ObjectId, Verdict)>,
    pub(crate) signal: Signal,
    /// What went wrong with the destination, if something did.
    pub(crate) failure: Option<Failure>,
}

impl Item {
    /// Another try after its backoff, or held when the horizon has passed.
    pub(crate) fn again(&self, failure: Failure, backoff: &Backoff) -> Verdict {
        self.again_after(failure, backoff.delay(self.attempts), backoff)
    }

    /// Another try when the destination is fit again (the breaker sees to that), or held when the horizon has passed.
    pub(crate) fn again_after(&self, failure: Failure, after: Duration, backoff: &Backoff) -> Verdict {
        if !backoff.is_over(self.pending_for) {
            return Verdict::Retry { failure, after };
        }
        let not_verified = failure.code == FailureCode::NotVerified;
        Verdict::Hold(if not_verified { HeldReason::NotVerified } else { HeldReason::RetryHorizon }, failure)
    }

    /// Held, its horizon having passed while it was not tried: for what the last attempt showed, else for what is wrong with the destination.
    pub(crate) fn overdue(&self, destination: &Failure) -> Verdict {
        match self.last_failure {
            Some(code @ FailureCode::NotVerified) => {
                Verdict::Hold(HeldReason::NotVerified, Failure::new(code, "named as stored, but never found there"))
            }
            _ => Verdict::Hold(HeldReason::RetryHorizon, destination.clone()),
        }
    }

    /// Whether being named as stored may be about another version: this one is a later one, or it was tried before and a later one may have
    /// been sent since. (A version that was never tried is always sent before later ones.)
    pub(crate) fn may_be_mistaken(&self) -> bool {
        self.later_version || (self.other_versions && self.attempts > 0)
    }

    /// Whether the last attempt may have delivered it although nothing proves so.
    pub(crate) fn may_be_there(&self) -> bool {
        match self.last_failure {
            Some(FailureCode::Line | FailureCode::Answer | FailureCode::NotNamed | FailureCode::NotVerified) => true,
            Some(FailureCode::Http(status)) => !matches!(status, 401 | 403 | 404 | 405 | 406 | 413 | 415 | 429),
            Some(
                FailureCode::Dns
                | FailureCode::Connect
                | FailureCode::Tls
                | FailureCode::Auth
                | FailureCode::Dicom(_)
                | FailureCode::OtherBytes
                | FailureCode::Io
                | FailureCode::Unreadable
                | FailureCode::Configuration,
            )
            | None => false,
        }
    }

    /// Whether it may be what makes a receiver refuse a whole request: it goes alone then.
    pub(crate) fn is_suspect(&self) -> bool {
        matches!(self.last_failure, Some(FailureCode::Answer | FailureCode::NotNamed | FailureCode::Http(400 | 409 | 422)))
    }
}

/// What a FailureReason (0008,1197) asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It will never be taken.
    Permanent,
    /// The receiver has that UID already; whether with these bytes has to be seen.
    Duplicate,
    /// Not authorised: new credentials may help.
    Credentials,
    /// It may be taken later.
    Again,
}

/// PS3.4 B.2.3, PS3.7 Annex C, PS3.18 Table I.2-2, and what receivers use beside them (45070: Microsoft's duplicate).
pub(crate) const fn judge(reason: u16) -> Judgement {
    match reason {
        0x0111 | 45070 => Judgement::Duplicate,
        0x0124 => Judgement::Credentials,
        0x0122 | 0xA900..=0xA9FF | 0xC000..=0xCFFF => Judgement::Permanent,
        _ => Judgement::Again,
    }
}

/// A failure with its reason in words where the standard has some.
pub(crate) fn dicom_failure(reason: u16) -> Failure {
    let words = match reason {
        0x0110 => "processing failure",
        0x0111 | 45070 => "duplicate SOP instance",
        0x0112 => "no such object instance",
        0x0117 => "invalid object instance",
        0x0122 => "SOP class not supported",
        0x0124 => "not authorised",
        0x0131 => "duplicate transaction UID",
        0xA700..=0xA7FF => "out of resources",
        0xA900..=0xA9FF => "data set does not match SOP class",
        0xC122 => "transfer syntax not supported",
        0xC409 => "study UID differs from the URL's",
        0xC000..=0xCFFF => "cannot understand",
        _ => "failed",
    };
    Failure::new(FailureCode::Dicom(reason), format!("the destination answered {reason:04X} ({words})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_permanent_or_not_as_the_rules_say() {
        let check = |reason, expected| assert_eq!(judge(reason), expected, "{reason:04X}");
        for reason in [0xC000, 0xC122, 0xC409, 0xC499, 0xCFFF, 0xA900, 0xA9FF, 0x0122] {
            check(reason, Judgement::Permanent);
        }
        for reason in [0xA700, 0xA7FF, 0x0110, 0x0112, 0, 0xFFFF] {
            check(reason, Judgement::Again);
        }
        check(0x0124, Judgement::Credentials);
        check(45070, Judgement::Duplicate);
    }

    #[test]
    fn after_the_horizon_nothing_is_tried_again_by_itself() {
        let backoff = Backoff::new(crate::backoff::RetryConfig::default()).unwrap();
        let item = |pending_for| Item {
            part: crate::testing::part(1, b""),
            attempts: 3,
            last_failure: None,
            pending_for,
            later_version: false,
            other_versions: false,
        };
        let failure = || dicom_failure(0xA700);
        assert!(matches!(item(Duration::from_mins(1)).again(failure(), &backoff), Verdict::Retry { .. }));
        let eight_days = Duration::from_hours(192);
        assert_eq!(item(eight_days).again(failure(), &backoff), Verdict::Hold(HeldReason::RetryHorizon, failure()));
    }
}
