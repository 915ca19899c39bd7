//! Delivers a batch of instances by STOW-RS and decides, instance by instance, what came of it.
//!
//! 1. An instance is delivered only if it is named in ReferencedSOPSequence (0008,1199). A status proves nothing.
//! 2. Named in FailedSOPSequence (0008,1198): held or tried again by its reason; not authorised: new credentials once.
//! 3. Named in neither: sent alone once, then QIDO-RS is asked, then it waits for its backoff. A QIDO-RS hit says nothing about bytes:
//!    where the box holds two versions of a UID, and where a receiver says *duplicate*, the instance is retrieved and compared.
//! 4. 401 (after new credentials), 403, 404, 415 and the like concern the destination: everything is kept, the breaker pauses it. 413:
//!    the batch is split, a single instance is held. 429, 503: Retry-After. Other 5xx, a broken or stalled line: the outcome is unknown;
//!    the next attempt begins with QIDO-RS.
//! 5. Where the destination's configuration asks for it, what is named as stored counts only when it is found there too (`verification`).
//!
//! Nothing here repeats without end: every loop takes an item away or ends the run.

mod verification;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use relaypacs_domain::{DestinationName, Failure, FailureCode, HeldReason, ObjectId, Proof, ProofKind, Uid, Verdict};
use tokio::time::Instant;

use self::verification::Listed;
use crate::{
    backoff::Backoff,
    batch_size::BatchSize,
    breaker::Signal,
    config::Verify,
    content::{ContentError, Part},
    dicomweb::{Retrieved, Service},
    metrics::Metrics,
    outcome::{Item, Judgement, Outcome, dicom_failure, judge},
    stow::{Reply, Sending, Sent, answer::Named, request::Progress},
};

/// What delivering to one STOW-RS destination needs.
pub(crate) struct StowDestination<'a> {
    pub(crate) name: &'a DestinationName,
    pub(crate) service: &'a Service,
    pub(crate) backoff: &'a Backoff,
    pub(crate) size: &'a BatchSize,
    pub(crate) metrics: &'a Metrics,
    pub(crate) verify: Verify,
}

/// Instances that go in one request.
struct Job {
    items: Vec<Item>,
    /// What became of them earlier in this run: they have been tried, so they need a verdict.
    tried: Option<Failure>,
    /// New credentials have been fetched for them.
    renewed: bool,
}

impl Job {
    fn new(items: Vec<Item>) -> Self {
        Self { items, tried: None, renewed: false }
    }

    fn bytes(&self) -> u64 {
        self.items.iter().map(|item| item.part.bytes).sum()
    }
}

/// One run over one batch.
struct Run<'a> {
    to: &'a StowDestination<'a>,
    sending: &'a Sending,
    study: Option<Uid>,
    jobs: VecDeque<Job>,
    verdicts: Vec<(ObjectId, Verdict)>,
    /// Named as stored in the answer that is being read, and still to be verified.
    listed: Vec<Listed>,
    failure: Option<Failure>,
    proven: bool,
    /// Instances sent alone that were neither named nor found, in a row.
    misses: u32,
}

/// The run is over for all: the destination is at fault, not an instance.
struct Stop(Signal);

impl StowDestination<'_> {
    /// Instances sent alone in vain before the rest of a batch waits for its backoff instead.
    const MISSES: u32 = 2;
    /// More uncertain instances of one series than this are looked up by one query for the whole series.
    const SINGLE_QUERIES: usize = 4;

    /// Delivers `items`, all of one study.
    pub(crate) async fn deliver(&self, items: Vec<Item>, study: Option<Uid>, sending: &Sending) -> Outcome {
        let mut run = Run {
            to: self,
            sending,
            study,
            jobs: VecDeque::new(),
            verdicts: Vec::with_capacity(items.len()),
            listed: Vec::new(),
            failure: None,
            proven: false,
            misses: 0,
        };
        let ended = run.go(items).await;
        run.outcome(ended.err().map(|Stop(signal)| signal))
    }
}

impl Run<'_> {
    async fn go(&mut self, items: Vec<Item>) -> Result<(), Stop> {
        let (unsure, mut batch): (Vec<_>, Vec<_>) = items.into_iter().partition(Item::may_be_there);
        let mut alone = self.look_up(unsure).await?;
        batch.extend(alone.extract_if(.., |item| !item.is_suspect()));
        alone.extend(batch.extract_if(.., |item| item.later_version));
        if !batch.is_empty() {
            self.jobs.push_back(Job::new(batch));
        }
        self.jobs.extend(alone.into_iter().map(|item| Job::new(vec![item])));
        while let Some(job) = self.jobs.pop_front() {
            self.send(job).await?;
        }
        Ok(())
    }

    fn outcome(mut self, stop: Option<Signal>) -> Outcome {
        // what was tried and then not reached again keeps what was seen of it
        let failure = self.failure.clone();
        for job in std::mem::take(&mut self.jobs) {
            if let Some(tried) = job.tried {
                job.items.iter().for_each(|item| self.again(item, tried.clone()));
            }
        }
        let signal = match stop {
            Some(signal) => signal,
            None if self.proven => Signal::Proof,
            None if service_fails(&self.verdicts) => Signal::Failed,
            None => Signal::Judged,
        };
        Outcome { verdicts: self.verdicts, signal, failure }
    }

    // ---------- one request ----------

    async fn send(&mut self, job: Job) -> Result<(), Stop> {
        let parts: Vec<Part> = job.items.iter().map(|item| item.part.clone()).collect();
        let (progress, began) = (Arc::new(Progress::new()), Instant::now());
        let sent = self.to.service.store(&parts, self.study.as_ref(), self.sending, &progress).await;
        self.to.metrics.request(self.to.name, &sent, progress.sent_bytes(), began.elapsed());
        match sent {
            Sent::Answered(reply) => self.answered(job, reply).await,
            Sent::NotConnected(failure) => {
                // a token endpoint in trouble is a service that fails behind a good line
                let no_line = matches!(failure.code, FailureCode::Dns | FailureCode::Connect | FailureCode::Tls);
                Err(self.stop_all(&job, failure, if no_line { Signal::Unreachable } else { Signal::Failed }))
            }
            Sent::NoCredentials(failure) => Err(self.stop_all(&job, failure, Signal::Refused)),
            Sent::Broken(failure) => {
                self.to.size.failed(job.bytes());
                job.items.iter().for_each(|item| self.again(item, failure.clone()));
                Err(self.stop(failure, Signal::Failed))
            }
            Sent::Unreadable(object, error) => {
                self.unreadable(job, object, &error);
                Ok(())
            }
        }
    }

    /// Takes the instance that cannot be read out of the job and puts the others back.
    fn unreadable(&mut self, mut job: Job, object: ObjectId, error: &ContentError) {
        for item in job.items.extract_if(.., |item| item.part.object == object).collect::<Vec<_>>() {
            let failure = Failure::new(FailureCode::Unreadable, error.to_string());
            match error {
                ContentError::Lost(_) => self.settle(&item, Verdict::Hold(HeldReason::Unreadable, failure)),
                ContentError::Io(_) => self.again(&item, failure),
            }
        }
        if !job.items.is_empty() {
            self.jobs.push_front(job);
        }
    }

    async fn answered(&mut self, mut job: Job, reply: Reply) -> Result<(), Stop> {
        let whole = job.bytes();
        let single = job.items.len() == 1;
        let mut rest = Vec::new();
        let mut proven = false;
        for item in std::mem::take(&mut job.items) {
            let named = reply.answer.as_ref().ok().and_then(|answer| answer.about(&item.part.identity.sop_instance)).cloned();
            let other = reply.answer.as_ref().ok().and_then(|answer| answer.other_failure).filter(|_| single);
            match (named, other) {
                (Some(Named::Stored { retrieve_url, warning }), _) => {
                    proven = true;
                    self.stored(&item, &reply, retrieve_url, warning).await;
                }
                (Some(Named::Failed { reason: Some(reason) }), _) | (None, Some(reason)) => {
                    self.failed(item, reason, job.renewed, reply.generation).await;
                }
                (Some(Named::Failed { reason: None }), _) => {
                    self.again(&item, Failure::new(FailureCode::Answer, "the destination names it as failed without a reason"));
                }
                (Some(Named::Contradicted), _) => self.contradicted(&item).await,
                (None, None) => rest.push(item),
            }
        }
        if proven {
            self.misses = 0;
            self.to.size.succeeded();
        }
        let listed = std::mem::take(&mut self.listed);
        if let Err(stop) = self.verify(listed).await {
            let failure = status_failure(&reply);
            for item in &rest {
                self.again(item, failure.clone());
            }
            return Err(stop);
        }
        if rest.is_empty() {
            return Ok(());
        }
        self.unnamed(Job { items: rest, ..job }, &reply, whole, single).await
    }

    /// What an answer that does not name these instances means for them.
    async fn unnamed(&mut self, job: Job, reply: &Reply, whole: u64, single: bool) -> Result<(), Stop> {
        let failure = status_failure(reply);
        match reply.status {
            401 if !job.renewed && self.to.service.authorizer.renew(reply.generation).await => {
                self.jobs.push_front(Job { tried: Some(failure), renewed: true, ..job });
                Ok(())
            }
            300..=399 | 401 | 403..=407 | 411 | 415 | 501 => Err(self.stop_all(&job, failure, Signal::Refused)),
            413 => {
                self.too_large(job, failure, whole);
                Ok(())
            }
            429 | 503 => {
                let wait = reply.retry_after.unwrap_or_else(|| self.to.backoff.ceiling(0));
                Err(self.stop_all(&job, failure, Signal::Busy(wait)))
            }
            500..=599 => {
                self.to.size.failed(whole);
                job.items.iter().for_each(|item| self.again(item, failure.clone()));
                Err(self.stop(failure, Signal::Failed))
            }
            _ if single => {
                self.missed_alone(job, failure).await;
                Ok(())
            }
            _ => self.send_alone(job, reply, failure).await,
        }
    }

    /// Splits a batch in two; an instance that is too large by itself is held.
    fn too_large(&mut self, mut job: Job, failure: Failure, whole: u64) {
        self.to.size.too_large(whole);
        if let [item] = job.items.as_slice() {
            let item = item.clone();
            return self.settle(&item, Verdict::Hold(HeldReason::TooLarge, failure));
        }
        let (half, mut bytes) = (job.bytes() / 2, 0);
        let mut fits = |item: &Item| {
            bytes += item.part.bytes;
            bytes <= half
        };
        let at = job.items.iter().take_while(|item| fits(item)).count().clamp(1, job.items.len() - 1);
        let second = job.items.split_off(at);
        self.jobs.push_front(Job { items: second, tried: Some(failure.clone()), renewed: job.renewed });
        self.jobs.push_front(Job { tried: Some(failure), ..job });
    }

    /// Rule 3: each of them alone once; where the answer could not be read at all, QIDO-RS is asked first.
    async fn send_alone(&mut self, job: Job, reply: &Reply, failure: Failure) -> Result<(), Stop> {
        let items = if reply.answer.is_err() { self.look_up(job.items).await? } else { job.items };
        for item in items.into_iter().rev() {
            self.jobs.push_front(Job { items: vec![item], tried: Some(failure.clone()), renewed: job.renewed });
        }
        Ok(())
    }

    /// An instance that was sent alone was not named: QIDO-RS, then backoff.
    async fn missed_alone(&mut self, job: Job, failure: Failure) {
        for item in &job.items {
            if let Ok(Some(proof)) = self.is_there(item).await {
                self.prove(item, proof);
            } else {
                self.misses += 1;
                self.again(item, failure.clone());
            }
        }
        self.failure = Some(failure);
        if self.misses >= StowDestination::MISSES {
            // the others that were tried together with it wait too; what was not tried yet is
            let (tried, fresh): (Vec<_>, Vec<_>) = std::mem::take(&mut self.jobs).into_iter().partition(|job| job.tried.is_some());
            self.jobs.extend(fresh);
            for job in tried {
                let failure = job.tried.unwrap_or_else(|| Failure::new(FailureCode::NotNamed, "the answer does not name it"));
                job.items.iter().for_each(|item| self.again(item, failure.clone()));
            }
        }
    }

    // ---------- what an answer says about one instance ----------

    async fn stored(&mut self, item: &Item, reply: &Reply, url: Option<String>, warning: Option<u16>) {
        if item.may_be_mistaken() {
            return self.compare(item, None).await;
        }
        let warning = warning.map(|warning| format!(", warning {warning:04X}")).unwrap_or_default();
        let detail = format!("named in ReferencedSOPSequence, HTTP {}{warning}", reply.status);
        let url = url.or_else(|| reply.answer.as_ref().ok().and_then(|answer| answer.retrieve_url.clone()));
        let proof = Proof::new(ProofKind::Stow, self.sending.clock.now(), detail, url.as_deref());
        match self.to.verify {
            Verify::None => self.prove(item, proof),
            Verify::Qido | Verify::Retrieve => self.listed.push(Listed { item: item.clone(), proof }),
        }
    }

    async fn failed(&mut self, item: Item, reason: u16, renewed: bool, generation: u64) {
        let failure = dicom_failure(reason);
        match judge(reason) {
            Judgement::Permanent => self.settle(&item, Verdict::Hold(HeldReason::Refused, failure)),
            Judgement::Duplicate => self.compare(&item, Some(failure)).await,
            Judgement::Credentials if !renewed && self.to.service.authorizer.renew(generation).await => {
                self.jobs.push_front(Job { items: vec![item], tried: Some(failure), renewed: true });
            }
            Judgement::Credentials | Judgement::Again => self.again(&item, failure),
        }
    }

    async fn contradicted(&mut self, item: &Item) {
        if let Ok(Some(proof)) = self.is_there(item).await {
            self.prove(item, proof);
        } else {
            let detail = "the answer names it as stored and as failed";
            self.again(item, Failure::new(FailureCode::Answer, detail));
        }
    }

    /// Retrieves what the destination holds under the UID: proven if it is equal, held if not. `refusal`: the destination said that it
    /// has the UID already; `None`: the box itself has or had another version of it.
    async fn compare(&mut self, item: &Item, refusal: Option<Failure>) {
        let held = |reason, detail: &str| Verdict::Hold(reason, Failure::new(FailureCode::OtherBytes, detail));
        let other = HeldReason::OtherVersionAtPacs;
        let verdict = match (self.to.service.retrieve(&item.part.identity, item.part.bytes).await, refusal) {
            (Ok(Retrieved::DataSet(sha256)), _) if sha256 == item.part.sha256 => return self.prove(item, self.retrieved()),
            (Ok(Retrieved::DataSet(_)), _) => held(other, "the destination holds other bytes under its UID"),
            (Ok(Retrieved::Nothing), None) => {
                held(other, "another version of its UID may have been sent; what is there cannot be retrieved to compare it")
            }
            (Ok(Retrieved::Nothing), Some(refusal)) => Verdict::Hold(HeldReason::Refused, refusal),
            (Err(failure), _) => return self.again(item, failure),
        };
        self.settle(item, verdict);
    }

    // ---------- asking the destination ----------

    /// Whether an instance is at the destination although no answer proved it.
    async fn is_there(&self, item: &Item) -> Result<Option<Proof>, Failure> {
        if self.needs_bytes(item) {
            let found = self.to.service.retrieve(&item.part.identity, item.part.bytes).await?;
            return Ok((found == Retrieved::DataSet(item.part.sha256)).then(|| self.retrieved()));
        }
        let found = self.to.service.find(&item.part.identity).await?;
        Ok(found.then(|| self.queried()))
    }

    /// Settles those that are there already and gives back the others. A destination that cannot be asked is simply sent to again.
    async fn look_up(&mut self, items: Vec<Item>) -> Result<Vec<Item>, Stop> {
        let (singles, by_series) = group(items, StowDestination::SINGLE_QUERIES, |item| self.needs_bytes(item));
        let mut absent = Vec::new();
        for (study, series, items) in by_series {
            let found = self.asked(self.to.service.find_series(&study, &series).await)?;
            let found = found.unwrap_or_default();
            let (there, not) = items.into_iter().partition(|item: &Item| found.contains(&item.part.identity.sop_instance));
            absent.extend::<Vec<_>>(not);
            for item in &there {
                self.prove(item, self.queried());
            }
        }
        for item in singles {
            match self.asked(self.is_there(&item).await)?.flatten() {
                Some(proof) => self.prove(&item, proof),
                None => absent.push(item),
            }
        }
        Ok(absent)
    }

    /// An answer, nothing (it does not know), or the end of the run because there is no line.
    fn asked<T>(&mut self, answer: Result<T, Failure>) -> Result<Option<T>, Stop> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(failure) => match failure.code {
                FailureCode::Dns | FailureCode::Connect | FailureCode::Tls => Err(self.stop(failure, Signal::Unreachable)),
                FailureCode::Line => Err(self.stop(failure, Signal::Failed)),
                FailureCode::Auth => Err(self.stop(failure, Signal::Refused)),
                _ => Ok(None),
            },
        }
    }

    fn queried(&self) -> Proof {
        Proof::new(ProofKind::Qido, self.sending.clock.now(), "found by QIDO-RS", None)
    }

    fn retrieved(&self) -> Proof {
        Proof::new(ProofKind::Retrieve, self.sending.clock.now(), "retrieved, SHA-256 equal", None)
    }

    // ---------- verdicts ----------

    fn settle(&mut self, item: &Item, verdict: Verdict) {
        if let Verdict::Retry { failure, .. } | Verdict::Hold(_, failure) = &verdict {
            self.failure = Some(failure.clone());
        }
        self.verdicts.push((item.part.object, verdict));
    }

    fn prove(&mut self, item: &Item, proof: Proof) {
        self.proven = true;
        self.verdicts.push((item.part.object, Verdict::Proven(proof)));
    }

    fn again(&mut self, item: &Item, failure: Failure) {
        self.settle(item, item.again(failure, self.to.backoff));
    }

    fn stop(&mut self, failure: Failure, signal: Signal) -> Stop {
        self.failure = Some(failure);
        Stop(signal)
    }

    /// The destination is at fault: the instances wait for it, not for a backoff of their own.
    fn stop_all(&mut self, job: &Job, failure: Failure, signal: Signal) -> Stop {
        for item in &job.items {
            self.settle(item, item.again_after(failure.clone(), Duration::ZERO, self.to.backoff));
        }
        self.stop(failure, signal)
    }
}

/// Whether verdicts without any proof speak of a service in trouble rather than of one or two odd instances.
fn service_fails(verdicts: &[(ObjectId, Verdict)]) -> bool {
    let retries =
        || verdicts.iter().filter_map(|(_, verdict)| if let Verdict::Retry { failure, .. } = verdict { Some(failure) } else { None });
    // what the box could not read is no fault of the destination
    let retries = || retries().filter(|failure| failure.code != FailureCode::Unreadable);
    let in_trouble =
        |failure: &Failure| matches!(failure.code, FailureCode::Dicom(0xA700..=0xA7FF) | FailureCode::Answer | FailureCode::NotVerified);
    retries().count() > StowDestination::MISSES as usize || retries().any(in_trouble)
}

type OfSeries = (Uid, Uid, Vec<Item>);

/// Parts items into those to ask for one by one and those of series that have more than `singles` of them. A query for a series is no help
/// where bytes are needed.
fn group(items: Vec<Item>, singles: usize, needs_bytes: impl Fn(&Item) -> bool) -> (Vec<Item>, Vec<OfSeries>) {
    let mut by_series: HashMap<(Uid, Uid), Vec<Item>> = HashMap::new();
    let mut alone = Vec::new();
    for item in items {
        match (&item.part.identity.study, &item.part.identity.series) {
            (Some(study), Some(series)) if !needs_bytes(&item) => {
                by_series.entry((study.clone(), series.clone())).or_default().push(item);
            }
            _ => alone.push(item),
        }
    }
    let mut whole = Vec::new();
    for ((study, series), items) in by_series {
        if items.len() > singles { whole.push((study, series, items)) } else { alone.extend(items) }
    }
    (alone, whole)
}

/// The failure an answer without the instance's name stands for.
fn status_failure(reply: &Reply) -> Failure {
    let status = reply.status;
    let http = |words: &str| Failure::new(FailureCode::Http(status), format!("HTTP {status}{words}"));
    match (status, &reply.answer) {
        (401, _) => http(": the destination refuses our credentials"),
        (403, _) => http(": the destination does not allow us to store"),
        (404, _) => http(": there is no STOW-RS service at this URL"),
        (413, _) => http(": larger than the destination takes"),
        (415, _) => http(": the destination does not take DICOM"),
        (429 | 300..=399 | 500..=599, _) => http(""),
        (_, Ok(answer)) => {
            Failure::new(FailureCode::NotNamed, format!("HTTP {status}, the answer names {} others but not this one", answer.len()))
        }
        (200..=299, Err(why)) => Failure::new(FailureCode::Answer, format!("HTTP {status}, {why}")),
        (_, Err(_)) => http(""),
    }
}

#[cfg(test)]
mod tests;
