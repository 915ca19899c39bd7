//! Whose fault a refusal is: the destination's, or that of one study.
//!
//! A status such as 403 concerns the destination until shown otherwise. It is shown otherwise when, after a study was refused, an instance of
//! another study is proven: a study that is refused once more then is at fault itself, and what was refused is held. Knows no clock.

use std::time::Duration;

use relaypacs_domain::Uid;

/// The studies that one destination has refused. `None` stands for instances whose study could not be read.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Vec<Refusal>);

#[derive(Debug)]
struct Refusal {
    study: Option<Uid>,
    /// When another study was last proven since.
    other_proven: Option<Duration>,
}

impl Refusals {
    /// Most studies that are remembered; the longest known one is forgotten first.
    const MOST: usize = 64;
    /// What was proven longer ago than this says nothing about a refusal now.
    const FRESH: Duration = Duration::from_mins(10);

    /// A study was refused. Answers whether that is its own fault.
    pub(crate) fn refused(&mut self, now: Duration, study: Option<&Uid>) -> bool {
        if let Some(known) = self.0.iter_mut().find(|known| known.study.as_ref() == study) {
            let own_fault = known.other_proven.is_some_and(|at| now.saturating_sub(at) < Self::FRESH);
            known.other_proven = known.other_proven.filter(|_| own_fault);
            return own_fault;
        }
        if self.0.len() == Self::MOST {
            self.0.remove(0);
        }
        self.0.push(Refusal { study: study.cloned(), other_proven: None });
        false
    }

    /// Something of a study is proven.
    pub(crate) fn proven(&mut self, now: Duration, study: Option<&Uid>) {
        self.0.retain(|known| known.study.as_ref() != study);
        self.0.iter_mut().for_each(|known| known.other_proven = Some(now));
    }

    /// The studies that were refused and not taken since.
    pub(crate) fn studies(&self) -> Vec<Option<Uid>> {
        self.0.iter().map(|known| known.study.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn uid(text: &str) -> Uid {
        text.parse().unwrap()
    }

    #[test]
    fn a_study_is_at_fault_when_another_was_taken_since_it_was_refused() {
        let (mut refusals, a, b) = (Refusals::default(), uid("1.1"), uid("1.2"));
        refusals.proven(MINUTE, Some(&b));
        assert!(!refusals.refused(MINUTE, Some(&a)), "what was taken before says nothing");
        assert!(!refusals.refused(2 * MINUTE, Some(&a)), "refused again: it may be the destination");
        assert!(!refusals.refused(2 * MINUTE, Some(&b)), "another refused too: it looks like the destination");
        refusals.proven(3 * MINUTE, Some(&b));
        assert!(refusals.refused(3 * MINUTE, Some(&a)));
        assert!(refusals.refused(4 * MINUTE, Some(&a)), "its next batch too");
        assert!(!refusals.refused(20 * MINUTE, Some(&a)), "much later the destination may have changed its mind about all");
        assert!(!refusals.refused(20 * MINUTE, Some(&a)));
        refusals.proven(21 * MINUTE, Some(&a));
        assert!(refusals.studies().is_empty());
    }

    #[test]
    fn instances_without_a_study_are_one_study_and_few_are_remembered() {
        let mut refusals = Refusals::default();
        assert!(!refusals.refused(MINUTE, None));
        refusals.proven(MINUTE, Some(&uid("1.1")));
        assert!(refusals.refused(MINUTE, None));
        for number in 0..100 {
            refusals.refused(MINUTE, Some(&uid(&format!("1.2.{number}"))));
        }
        assert_eq!(refusals.studies().len(), Refusals::MOST);
    }
}
