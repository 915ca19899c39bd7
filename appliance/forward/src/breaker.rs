//! Whether anything is sent to a destination now: a pure state machine over time.
//!
//! ```text
//! Closed ──line lost, or 3 failures in a row──► Open ──probe answered──► HalfOpen ──proof──► Closed
//!   ▲ │                                          ▲                          │
//!   │ └──refused (401, 403, 404, 415 …)──► Refused └────────trial failed──────┘
//!   └───────────────proof────────────────────┘  one instance after 30 s, then up to every 5 min
//! ```
//! Time is handed in as the duration since some fixed moment (monotonic), so tests need no clock. While *open*, the line is probed every
//! second. A trial that fails although its probe succeeded means that the service is in trouble, not the line: the next one waits longer.

use std::time::Duration;

/// What may be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permit {
    /// Send as much as the limits allow.
    Send,
    /// Send one instance and report how it went; nothing else meanwhile.
    Trial,
    /// Ask whether the destination answers at all, and report.
    Probe,
    /// Do nothing for this long.
    Wait(Duration),
}

/// How a request went, as far as the destination as a whole is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// It took an instance, with proof.
    Proof,
    /// It answered sensibly about single instances without taking any.
    Judged,
    /// No connection.
    Unreachable,
    /// The line broke, or the service failed or answered nonsense.
    Failed,
    /// It asked to be left alone for this long.
    Busy(Duration),
    /// It refuses us as a whole.
    Refused,
}

/// What a probe showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probed {
    /// It answered a query.
    Answered,
    /// Somebody takes connections, but answers no query.
    Connected,
    /// Nobody is there.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    /// `connected`: probes in a row that got a connection and no answer.
    Open {
        probe_at: Duration,
        trials: u32,
        connected: u32,
        probing: bool,
    },
    HalfOpen {
        trials: u32,
        trying: bool,
    },
    Refused {
        try_at: Duration,
        tries: u32,
        trying: bool,
    },
}

/// The state machine of one destination.
#[derive(Debug)]
pub(crate) struct Breaker {
    state: State,
    /// Nothing is sent before this moment (Retry-After).
    not_before: Duration,
}

impl Breaker {
    /// Failures in a row after which nothing is sent until a probe succeeds.
    const FAILURES: u32 = 3;
    /// Connections without an answer in a row after which an instance is tried.
    const CONNECTED: u32 = 10;
    const PROBE_EVERY: Duration = Duration::from_secs(1);
    const LONGEST_TRIAL_WAIT: Duration = Duration::from_mins(1);
    const FIRST_TRY: Duration = Duration::from_secs(30);
    const LONGEST_TRY: Duration = Duration::from_mins(5);
    /// Retry-After beyond this is cut: a typing error must not stop a destination for a year.
    const LONGEST_BUSY: Duration = Duration::from_hours(1);

    pub(crate) const fn new() -> Self {
        Self { state: State::Closed { failures: 0 }, not_before: Duration::ZERO }
    }

    /// What may be done at `now`. A granted probe or trial is to be reported by [`Self::probed`] or [`Self::report`].
    pub(crate) fn permit(&mut self, now: Duration) -> Permit {
        if now < self.not_before {
            return Permit::Wait(self.not_before.saturating_sub(now));
        }
        match &mut self.state {
            State::Closed { .. } => Permit::Send,
            State::Open { probing: true, .. } | State::HalfOpen { trying: true, .. } | State::Refused { trying: true, .. } => {
                Permit::Wait(Self::PROBE_EVERY)
            }
            State::Open { probe_at, probing, .. } => wait_or(now, *probe_at, probing, Permit::Probe),
            State::HalfOpen { trying, .. } => wait_or(now, now, trying, Permit::Trial),
            State::Refused { try_at, trying, .. } => wait_or(now, *try_at, trying, Permit::Trial),
        }
    }

    /// How long until something is tried again; `None`: nothing is being waited for.
    pub(crate) fn next_try(&self, now: Duration) -> Option<Duration> {
        let at = match self.state {
            State::Open { probe_at, .. } => probe_at,
            State::Refused { try_at, .. } => try_at,
            State::Closed { .. } | State::HalfOpen { .. } => Duration::ZERO,
        };
        Some(at.max(self.not_before).saturating_sub(now)).filter(|wait| !wait.is_zero())
    }

    /// A granted trial was not used: there was nothing to send.
    pub(crate) fn unused(&mut self) {
        if let State::HalfOpen { trying, .. } | State::Refused { trying, .. } = &mut self.state {
            *trying = false;
        }
    }

    /// Whoever was granted a probe or a trial will not report (a panic): both may be granted again.
    pub(crate) fn abandoned(&mut self, now: Duration) {
        self.unused();
        if let State::Open { probe_at, probing: probing @ true, .. } = &mut self.state {
            (*probe_at, *probing) = (now + Self::PROBE_EVERY, false);
        }
    }

    /// A probe ended.
    pub(crate) fn probed(&mut self, now: Duration, probed: Probed) {
        let probe_at = now + Self::PROBE_EVERY;
        self.state = match (self.state, probed) {
            (State::Open { trials, .. }, Probed::Answered) => State::HalfOpen { trials, trying: false },
            // a service that only stores may leave queries unanswered: it is tried now and then all the same
            (State::Open { trials, connected, .. }, Probed::Connected) if connected + 1 >= Self::CONNECTED => {
                State::HalfOpen { trials: trials.max(1), trying: false }
            }
            (State::Open { trials, connected, .. }, Probed::Connected) => {
                State::Open { probe_at, trials, connected: connected + 1, probing: false }
            }
            (State::Open { trials, .. } | State::HalfOpen { trials, .. }, Probed::Nothing) => {
                State::Open { probe_at, trials, connected: 0, probing: false }
            }
            (State::Closed { .. }, Probed::Nothing) => State::Open { probe_at, trials: 0, connected: 0, probing: false },
            (other, _) => other,
        };
    }

    /// A request ended (a trial, or one that began before the state changed).
    #[expect(clippy::match_same_arms, reason = "a line a transition")]
    pub(crate) fn report(&mut self, now: Duration, signal: Signal) {
        self.state = match (signal, self.state) {
            // proof of a request that began before the refusal says nothing about it
            (Signal::Proof, state @ State::Refused { trying: false, .. }) => state,
            // not_before stays: what one request in flight got does not undo what another was told
            (Signal::Proof, _) => State::Closed { failures: 0 },
            (Signal::Judged, State::HalfOpen { .. }) => State::Closed { failures: 0 },
            (Signal::Judged, State::Refused { tries, .. }) => Self::refused(now, tries),
            (Signal::Judged, other) => other,
            (Signal::Busy(wait), state) => {
                let state = busy(state);
                let trials = if let State::HalfOpen { trials, .. } = state { trials } else { 0 };
                let wait = wait.max(Self::trial_wait(trials)).min(Self::LONGEST_BUSY);
                self.not_before = self.not_before.max(now + wait);
                state
            }
            (Signal::Refused, State::Refused { tries, trying: true, .. }) => Self::refused(now, tries + 1),
            (Signal::Refused, state @ State::Refused { .. }) => state,
            (Signal::Refused, _) => Self::refused(now, 0),
            (Signal::Unreachable | Signal::Failed, State::Refused { tries, .. }) => Self::refused(now, tries),
            (Signal::Unreachable, State::Closed { .. }) => Self::open(now, 0),
            (Signal::Unreachable, State::HalfOpen { trials, .. }) => Self::open(now, trials),
            (Signal::Failed, State::Closed { failures }) if failures + 1 < Self::FAILURES => State::Closed { failures: failures + 1 },
            (Signal::Failed, State::Closed { .. }) => Self::open(now, 0),
            (Signal::Failed, State::HalfOpen { trials, .. }) => Self::open(now, trials + 1),
            (Signal::Unreachable | Signal::Failed, state @ State::Open { .. }) => state,
        };
    }

    /// Somebody lifted the pause: try at once.
    pub(crate) fn resume(&mut self) {
        self.not_before = Duration::ZERO;
        match &mut self.state {
            State::Refused { .. } => self.state = State::HalfOpen { trials: 0, trying: false },
            State::Open { probe_at, .. } => *probe_at = Duration::ZERO,
            State::Closed { .. } | State::HalfOpen { .. } => {}
        }
    }

    /// Whether the destination refuses us as a whole.
    pub(crate) const fn is_refused(&self) -> bool {
        matches!(self.state, State::Refused { .. })
    }

    /// Whether the destination can do its work, as far as is known.
    pub(crate) const fn is_working(&self) -> bool {
        matches!(self.state, State::Closed { .. } | State::HalfOpen { trials: 0, .. })
    }

    fn open(now: Duration, trials: u32) -> State {
        State::Open { probe_at: now + Self::trial_wait(trials), trials, connected: 0, probing: false }
    }

    fn trial_wait(trials: u32) -> Duration {
        Self::PROBE_EVERY.saturating_mul(1 << trials.min(6)).min(Self::LONGEST_TRIAL_WAIT)
    }

    fn refused(now: Duration, tries: u32) -> State {
        let wait = Self::FIRST_TRY.saturating_mul(1 << tries.min(4)).min(Self::LONGEST_TRY);
        State::Refused { try_at: now + wait, tries, trying: false }
    }
}

fn wait_or(now: Duration, at: Duration, busy: &mut bool, permit: Permit) -> Permit {
    if now < at {
        return Permit::Wait(at.saturating_sub(now));
    }
    *busy = true;
    permit
}

/// After being asked to wait: one instance first, then all again. A trial that is told so once more makes the next one wait longer.
fn busy(state: State) -> State {
    match state {
        State::Closed { .. } => State::HalfOpen { trials: 0, trying: false },
        State::HalfOpen { trials, trying } => State::HalfOpen { trials: trials.saturating_add(u32::from(trying)), trying: false },
        State::Refused { try_at, tries, .. } => State::Refused { try_at, tries, trying: false },
        State::Open { .. } => state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_lost_line_is_probed_at_once_when_somebody_resumes() {
        let mut breaker = Breaker::new();
        breaker.probed(at(0), Probed::Nothing);
        assert_eq!(breaker.permit(at(0)), Permit::Wait(at(1)));
        breaker.resume();
        assert_eq!(breaker.permit(at(0)), Permit::Probe);
        breaker.resume();
        assert_eq!(breaker.permit(at(0)), Permit::Wait(at(1)), "one probe at a time");
    }

    #[test]
    fn a_lost_line_is_probed_every_second_and_tried_with_one_instance() {
        let mut breaker = Breaker::new();
        assert_eq!(breaker.permit(at(0)), Permit::Send);
        breaker.report(at(0), Signal::Unreachable);
        assert!(!breaker.is_working());
        assert_eq!(breaker.permit(at(0)), Permit::Wait(at(1)));
        for second in 1..20 {
            assert_eq!(breaker.permit(at(second)), Permit::Probe);
            assert_eq!(breaker.permit(at(second)), Permit::Wait(at(1)), "one probe at a time");
            breaker.probed(at(second), Probed::Nothing);
        }
        assert_eq!(breaker.permit(at(20)), Permit::Probe);
        breaker.probed(at(20), Probed::Answered);
        assert!(breaker.is_working());
        assert_eq!(breaker.permit(at(20)), Permit::Trial, "at once: a stat study must not wait");
        assert_eq!(breaker.permit(at(20)), Permit::Wait(at(1)), "one trial at a time");
        breaker.report(at(21), Signal::Proof);
        assert_eq!(breaker.permit(at(21)), Permit::Send);
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_proof_between_does_not() {
        let mut breaker = Breaker::new();
        for _ in 0..10 {
            breaker.report(at(0), Signal::Failed);
            breaker.report(at(0), Signal::Failed);
            breaker.report(at(0), Signal::Proof);
        }
        assert_eq!(breaker.permit(at(0)), Permit::Send);
        (0..3).for_each(|_| breaker.report(at(0), Signal::Failed));
        assert_eq!(breaker.permit(at(0)), Permit::Wait(at(1)));
    }

    #[test]
    fn a_service_that_fails_behind_a_good_line_is_tried_ever_less() {
        let mut breaker = Breaker::new();
        (0..3).for_each(|_| breaker.report(at(0), Signal::Failed));
        let (mut now, mut waits) = (at(0), vec![]);
        for _ in 0..9 {
            let Permit::Wait(wait) = breaker.permit(now) else { panic!("no wait") };
            waits.push(wait.as_secs());
            now += wait;
            assert_eq!(breaker.permit(now), Permit::Probe);
            breaker.probed(now, Probed::Answered);
            assert_eq!(breaker.permit(now), Permit::Trial);
            breaker.report(now, Signal::Failed);
            assert!(!breaker.is_working());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn a_service_that_answers_no_query_is_tried_now_and_then() {
        let mut breaker = Breaker::new();
        breaker.probed(at(0), Probed::Connected);
        assert_eq!(breaker.permit(at(0)), Permit::Send, "no reason to stop");
        breaker.report(at(0), Signal::Unreachable);
        for second in 1..=10 {
            assert_eq!(breaker.permit(at(second)), Permit::Probe);
            breaker.probed(at(second), Probed::Connected);
        }
        assert_eq!(breaker.permit(at(11)), Permit::Trial);
        assert!(!breaker.is_working(), "only a proof says so");
        breaker.report(at(11), Signal::Proof);
        assert!(breaker.is_working());
    }

    #[test]
    fn a_refusal_is_tried_after_half_a_minute_then_up_to_every_five() {
        let mut breaker = Breaker::new();
        breaker.report(at(0), Signal::Refused);
        breaker.report(at(0), Signal::Refused); // a second request in flight
        let (mut now, mut waits) = (at(0), vec![]);
        for _ in 0..6 {
            assert!(breaker.is_refused());
            let Permit::Wait(wait) = breaker.permit(now) else { panic!("no wait") };
            waits.push(wait.as_secs());
            now += wait;
            assert_eq!(breaker.permit(now), Permit::Trial);
            breaker.report(now, Signal::Refused);
        }
        assert_eq!(waits, [30, 60, 120, 240, 300, 300]);
        breaker.report(now, Signal::Proof);
        assert!(breaker.is_refused(), "a request that began before says nothing about it");
        now += at(300);
        assert_eq!(breaker.permit(now), Permit::Trial);
        breaker.report(now, Signal::Proof);
        assert!(!breaker.is_refused());
        assert_eq!(breaker.permit(now), Permit::Send);
    }

    #[test]
    fn resume_tries_at_once() {
        let mut breaker = Breaker::new();
        breaker.report(at(0), Signal::Refused);
        breaker.resume();
        assert_eq!(breaker.permit(at(0)), Permit::Trial);
        breaker.unused();
        assert_eq!(breaker.permit(at(1)), Permit::Trial, "an unused trial is offered again");
    }

    #[test]
    fn retry_after_is_kept_and_bounded() {
        let mut breaker = Breaker::new();
        breaker.report(at(0), Signal::Busy(at(7)));
        assert_eq!(breaker.permit(at(3)), Permit::Wait(at(4)));
        breaker.report(at(3), Signal::Proof);
        assert_eq!(breaker.permit(at(3)), Permit::Wait(at(4)), "what another request got does not undo it");
        assert_eq!(breaker.permit(at(7)), Permit::Send);
        breaker.report(at(7), Signal::Busy(at(u64::from(u32::MAX))));
        assert_eq!(breaker.permit(at(7)), Permit::Wait(at(3600)));
        breaker.report(at(3607), Signal::Busy(at(0)));
        assert_eq!(breaker.permit(at(3607)), Permit::Wait(at(1)), "a receiver that says 0 is not hammered");
    }

    #[test]
    fn a_destination_that_stays_busy_gets_one_instance_ever_less_often() {
        let mut breaker = Breaker::new();
        (0..4).for_each(|_| breaker.report(at(0), Signal::Busy(at(5)))); // four requests at once
        assert!(breaker.is_working());
        let (mut now, mut waits) = (at(0), vec![]);
        for _ in 0..8 {
            let Permit::Wait(wait) = breaker.permit(now) else { panic!("no wait") };
            waits.push(wait.as_secs());
            now += wait;
            assert_eq!(breaker.permit(now), Permit::Trial);
            breaker.report(now, Signal::Busy(at(5)));
        }
        assert_eq!(waits, [5, 5, 5, 8, 16, 32, 60, 60]);
        assert!(!breaker.is_working());
        now += at(60);
        assert_eq!(breaker.permit(now), Permit::Trial);
        breaker.report(now, Signal::Proof);
        assert_eq!(breaker.permit(now), Permit::Send);
    }

    #[test]
    fn a_probe_or_trial_that_never_reports_is_granted_again() {
        let mut breaker = Breaker::new();
        breaker.report(at(0), Signal::Unreachable);
        assert_eq!(breaker.permit(at(1)), Permit::Probe);
        breaker.abandoned(at(1));
        assert_eq!(breaker.permit(at(2)), Permit::Probe);
        breaker.probed(at(2), Probed::Answered);
        assert_eq!(breaker.permit(at(2)), Permit::Trial);
        breaker.abandoned(at(2));
        assert_eq!(breaker.permit(at(2)), Permit::Trial);
    }
}
