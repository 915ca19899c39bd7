//! When a study is complete. No modality says so (PS3.4 B.4: closing an association means nothing), so it is told by silence: some seconds
//! after the last association that fed the study ended, or a minute after its last instance while one is still open or none is known.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use relaypacs_buffer::Buffer;
use relaypacs_domain::{Clock, Uid};
use tokio_util::sync::CancellationToken;

/// Silence that completes a study while an association that fed it is open, or when none is known (after a restart).
const LONG_IDLE: Duration = Duration::from_mins(1);
/// Studies remembered for one association; further ones are told by [`LONG_IDLE`] alone.
const MAX_STUDIES_PER_ASSOCIATION: usize = 1024;
/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Who feeds which study.
#[derive(Debug)]
pub(crate) struct Completion {
    clock: Clock,
    study_idle: Duration,
    feeding: Mutex<Feeding>,
}

#[derive(Debug, Default)]
struct Feeding {
    /// Studies that each open association has fed.
    associations: HashMap<u64, HashSet<Uid>>,
    /// How many open associations feed each study, and when (boot time) the last one ended.
    studies: HashMap<Uid, Fed>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Fed {
    open: usize,
    last_ended: Duration,
}

impl Completion {
    /// `study_idle`: silence after the last association that fed a study.
    pub(crate) fn new(clock: Clock, study_idle: Duration) -> Self {
        Self { clock, study_idle, feeding: Mutex::default() }
    }

    /// An association stored an instance of a study.
    pub(crate) fn fed(&self, association: u64, study: &Uid) {
        let mut feeding = self.feeding();
        let studies = feeding.associations.entry(association).or_default();
        if studies.len() < MAX_STUDIES_PER_ASSOCIATION && studies.insert(study.clone()) {
            feeding.studies.entry(study.clone()).or_default().open += 1;
        }
    }

    /// An association ended.
    pub(crate) fn ended(&self, association: u64) {
        let now = self.clock.boot();
        let mut feeding = self.feeding();
        for study in feeding.associations.remove(&association).unwrap_or_default() {
            if let Some(fed) = feeding.studies.get_mut(&study) {
                fed.open = fed.open.saturating_sub(1);
                fed.last_ended = now;
            }
        }
    }

    /// Which of these studies (with the time since their last instance) are complete. Forgets what it knew of studies not in the list.
    fn complete(&self, incomplete: Vec<(Uid, Duration)>) -> Vec<Uid> {
        let now = self.clock.boot();
        let mut feeding = self.feeding();
        let listed: HashSet<&Uid> = incomplete.iter().map(|(study, _)| study).collect();
        feeding.studies.retain(|study, fed| fed.open > 0 || listed.contains(study));
        let is_complete = |study: &Uid, idle: Duration| match feeding.studies.get(study) {
            Some(fed) if fed.open == 0 => now.saturating_sub(fed.last_ended) >= self.study_idle,
            Some(_) | None => idle >= LONG_IDLE.max(self.study_idle),
        };
        incomplete.into_iter().filter(|(study, idle)| is_complete(study, *idle)).map(|(study, _)| study).collect()
    }

    /// Marks studies complete in the buffer until `stop`.
    pub(crate) async fn watch(&self, buffer: &Buffer, stop: CancellationToken) {
        let mut looks = tokio::time::interval(EVERY);
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            let asked = buffer.clone();
            let incomplete = match tokio::task::spawn_blocking(move || asked.incomplete_studies()).await {
                Ok(Ok(incomplete)) => incomplete,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "incomplete studies cannot be listed");
                    continue;
                }
                Err(_) => return,
            };
            let mut failed = Vec::new();
            for study in self.complete(incomplete) {
                match buffer.mark_complete(&study).await {
                    Ok(()) => tracing::debug!(%study, "study complete"),
                    Err(error) => failed.push(error),
                }
            }
            // A full disk refuses all of them, each time: one line tells it.
            if let Some(error) = failed.first() {
                tracing::warn!(studies = failed.len(), %error, "studies cannot be marked complete");
            }
        }
    }

    fn feeding(&self) -> MutexGuard<'_, Feeding> {
        // A panic inside a few lines of map work leaves at worst a count off by one, which LONG_IDLE makes good.
        self.feeding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use relaypacs_domain::ManualClock;

    use super::*;

    const IDLE: Duration = Duration::from_secs(10);
    const NOT_YET: Duration = Duration::from_secs(9);
    const NOT_LONG_YET: Duration = Duration::from_secs(59);
    const SECOND: Duration = Duration::from_secs(1);

    fn study() -> Uid {
        "1.2.3".parse().unwrap()
    }

    fn completion() -> (Completion, Arc<ManualClock>) {
        let hand = Arc::new(ManualClock::default());
        (Completion::new(Clock::manual(hand.clone()), IDLE), hand)
    }

    fn is_complete(completion: &Completion, idle: Duration) -> bool {
        !completion.complete(vec![(study(), idle)]).is_empty()
    }

    #[test]
    fn ten_seconds_after_the_last_association_that_fed_it() {
        let (completion, hand) = completion();
        completion.fed(1, &study());
        completion.fed(2, &study());
        completion.ended(1);
        hand.advance(IDLE);
        assert!(!is_complete(&completion, IDLE), "association 2 is still open");
        completion.ended(2);
        hand.advance(NOT_YET);
        assert!(!is_complete(&completion, IDLE));
        hand.advance(SECOND);
        assert!(is_complete(&completion, IDLE));
    }

    #[test]
    fn a_minute_of_silence_while_an_association_stays_open_or_after_a_restart() {
        let (completion, _) = completion();
        assert!(!is_complete(&completion, NOT_LONG_YET));
        assert!(is_complete(&completion, LONG_IDLE));
        completion.fed(1, &study());
        assert!(!is_complete(&completion, NOT_LONG_YET));
        assert!(is_complete(&completion, LONG_IDLE));
    }

    #[test]
    fn another_association_that_takes_up_the_study_keeps_it_open() {
        let (completion, hand) = completion();
        completion.fed(1, &study());
        completion.ended(1);
        hand.advance(NOT_YET);
        completion.fed(2, &study());
        hand.advance(IDLE);
        assert!(!is_complete(&completion, IDLE));
    }

    #[test]
    fn what_is_complete_is_forgotten() {
        let (completion, _) = completion();
        completion.fed(1, &study());
        completion.ended(1);
        assert!(completion.complete(Vec::new()).is_empty());
        assert!(completion.feeding().studies.is_empty() && completion.feeding().associations.is_empty());
    }
}
