//! Whether the destination has what it names as stored: `verify` of its configuration.
//!
//! A receiver may index what it stored a moment later, so it is asked three times within a little more than a second. What is not found by
//! then is tried again like any other failure (the next attempt asks before it sends), and is held as `not_verified` when the retry horizon
//! has passed. Bytes that differ do not become the right ones by waiting: they are held at once.

use std::{collections::HashSet, time::Duration};

use relaypacs_domain::{Failure, FailureCode, HeldReason, Proof, ProofKind, Uid, Verdict};
use tokio::time::sleep;

use super::{Run, Stop, StowDestination, group};
use crate::{config::Verify, dicomweb::Retrieved, outcome::Item};

/// Pauses before each look.
const PAUSES: [Duration; 3] = [Duration::ZERO, Duration::from_millis(200), Duration::from_secs(1)];

/// Instances missing in a row after which the others of a look are not asked for.
const MOST_MISSES: u32 = 16;

/// An instance that was named as stored, with the proof that is.
pub(super) struct Listed {
    pub(super) item: Item,
    pub(super) proof: Proof,
}

/// What one look at the destination showed.
enum Seen {
    There(Proof),
    /// Other bytes under its UID.
    Altered,
    Missing,
}

impl Run<'_> {
    /// Proves what was named as stored and is found; gives every other one its verdict.
    pub(super) async fn verify(&mut self, mut listed: Vec<Listed>) -> Result<(), Stop> {
        for pause in PAUSES {
            if listed.is_empty() {
                return Ok(());
            }
            if !pause.is_zero() {
                sleep(pause).await;
            }
            listed = self.look_for(listed).await?;
        }
        for Listed { item, proof } in listed {
            let by = if self.needs_bytes(&item) { "cannot be retrieved" } else { "is not found by QIDO-RS" };
            let detail = format!("{}, but it {by}", proof.detail);
            self.again(&item, Failure::new(FailureCode::NotVerified, detail));
        }
        Ok(())
    }

    /// Looks for each; gives back those that are not there. After a few in a row that are missing the rest is not asked for any more.
    async fn look_for(&mut self, listed: Vec<Listed>) -> Result<Vec<Listed>, Stop> {
        let found = match self.found_by_series(&listed).await {
            Ok(found) => found,
            Err(failure) => return self.unanswered(&listed, failure),
        };
        let (mut missing, mut misses) = (Vec::new(), 0);
        let mut listed = listed.into_iter();
        while let Some(one) = listed.next() {
            let seen = if found.contains(&one.item.part.identity.sop_instance) {
                Ok(Seen::There(also(&one.proof, ProofKind::Qido, "and found by QIDO-RS")))
            } else if misses < MOST_MISSES {
                self.seen(&one).await
            } else {
                Ok(Seen::Missing)
            };
            match seen {
                Ok(Seen::There(proof)) => {
                    misses = 0;
                    self.prove(&one.item, proof);
                }
                Ok(Seen::Altered) => {
                    let detail = "the destination gives back other bytes than it was sent";
                    self.settle(&one.item, Verdict::Hold(HeldReason::NotVerified, Failure::new(FailureCode::OtherBytes, detail)));
                }
                Ok(Seen::Missing) => {
                    misses += 1;
                    missing.push(one);
                }
                Err(failure) => {
                    missing.push(one);
                    missing.extend(listed);
                    return self.unanswered(&missing, failure);
                }
            }
        }
        Ok(missing)
    }

    /// Those that queries for whole series find, where there are enough of one series and bytes are not asked for.
    async fn found_by_series(&self, listed: &[Listed]) -> Result<HashSet<Uid>, Failure> {
        let items = listed.iter().map(|one| one.item.clone()).collect();
        let (_, by_series) = group(items, StowDestination::SINGLE_QUERIES, |item| self.needs_bytes(item));
        let mut found = HashSet::new();
        for (study, series, _) in by_series {
            found.extend(self.to.service.find_series(&study, &series).await?);
        }
        Ok(found)
    }

    async fn seen(&self, one: &Listed) -> Result<Seen, Failure> {
        let part = &one.item.part;
        if !self.needs_bytes(&one.item) {
            let found = self.to.service.find(&part.identity).await?;
            return Ok(if found { Seen::There(also(&one.proof, ProofKind::Qido, "and found by QIDO-RS")) } else { Seen::Missing });
        }
        Ok(match self.to.service.retrieve(&part.identity, part.bytes).await? {
            Retrieved::DataSet(sha256) if sha256 == part.sha256 => {
                Seen::There(also(&one.proof, ProofKind::Retrieve, "and retrieved, SHA-256 equal"))
            }
            Retrieved::DataSet(_) => Seen::Altered,
            Retrieved::Nothing => Seen::Missing,
        })
    }

    /// The destination does not say: all that is left is tried again.
    fn unanswered(&mut self, listed: &[Listed], failure: Failure) -> Result<Vec<Listed>, Stop> {
        for one in listed {
            self.again(&one.item, failure.clone());
        }
        self.asked::<()>(Err(failure)).map(|_| Vec::new())
    }

    /// Whether only its bytes prove that an instance is there. (What has no study or series cannot be retrieved.)
    pub(super) fn needs_bytes(&self, item: &Item) -> bool {
        let identity = &item.part.identity;
        item.other_versions || (self.to.verify == Verify::Retrieve && identity.study.is_some() && identity.series.is_some())
    }
}

/// A proof that says more than `proof`.
fn also(proof: &Proof, kind: ProofKind, what: &str) -> Proof {
    Proof::new(kind, proof.at, format!("{}, {what}", proof.detail), proof.retrieve_url.as_deref())
}
