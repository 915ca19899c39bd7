//! From chunks to objects: every file is judged, and what is DICOM becomes an object of the bytes that are in the log already.
//!
//! That the completion has begun is noted durably first; after a crash it begins anew, and what was committed before is known again by its
//! digest and its upload. At the end one transaction says what became of it; then the parts are given up.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use relaypacs_buffer::{NewObject, StoredInstance};
use relaypacs_domain::{HeaderFacts, ReportId, Source, Timestamp, Uid, UploadId};
use serde::{Deserialize, Serialize};

use super::{
    Completion, HistoryForm, UploadError, Uploads,
    active::{Active, FilePlan, Phase, Progress},
    archive, directory, duplicates, history,
    row::{self, RowState},
    scan::{FileScan, Found, Instance, Scanned},
    tell,
};

/// What became of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// In a word.
    pub status: OutcomeStatus,
    /// File by file, in their order; of an archive, its entries.
    pub files: Vec<FileOutcome>,
    /// What the sender should know.
    pub warnings: Vec<String>,
    /// The studies it brought.
    pub studies: Vec<Uid>,
    /// Their reports, in the same order.
    pub reports: Vec<ReportId>,
    /// Data sets' bytes taken over.
    pub bytes: u64,
    /// When.
    pub at: Timestamp,
}

/// How an upload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutcomeStatus {
    /// All that is DICOM was taken over.
    Success,
    /// Some was, some was not.
    PartialSuccess,
    /// Nothing was.
    Failed,
}

impl OutcomeStatus {
    /// The name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::PartialSuccess => "partial_success",
            Self::Failed => "failed",
        }
    }
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOutcome {
    /// Its name in the upload.
    pub id: String,
    /// Of an archive's entry: its name there.
    pub entry: Option<String>,
    /// In a word.
    pub status: FileStatus,
    /// Which instance it is.
    pub sop_instance: Option<Uid>,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileStatus {
    /// Taken over.
    Success,
    /// The box had the same instance already.
    Duplicate,
    /// Nothing to send.
    NotDicom,
    /// Not taken over.
    Failed,
}

impl FileStatus {
    /// The name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Duplicate => "duplicate",
            Self::NotDicom => "not_dicom",
            Self::Failed => "failed",
        }
    }
}

/// What a completion has gathered so far.
#[derive(Default)]
pub(super) struct Gathered {
    /// Instances of this upload, by UID and digest.
    seen: HashSet<(Uid, [u8; 32])>,
    /// Of each study, the facts of one instance.
    pub(super) studies: BTreeMap<Uid, HeaderFacts>,
    pub(super) bytes: u64,
    pub(super) warnings: Vec<String>,
    /// What DICOMDIRs name.
    directories: HashSet<Uid>,
}

/// A completion under way.
pub(super) struct Job {
    pub(super) uploads: Uploads,
    pub(super) active: Arc<Active>,
    pub(super) gathered: Mutex<Gathered>,
    pub(super) budget: archive::Budget,
}

/// Files looked at at once.
const AT_ONCE: usize = 64;
/// Up to so many files …
const SMALL_FILES: usize = 500;
/// … and bytes, a completion is waited for however long it takes.
const SMALL_BYTES: u64 = 256 << 20;
/// The others are waited for so long.
const PATIENCE: Duration = Duration::from_secs(1);
/// Warnings kept at most.
const MOST_WARNINGS: usize = 100;

impl Uploads {
    /// Completes an upload, once and for all. When it is done the instances are durable and queued; nobody waits for a PACS. Asked again, it
    /// gives the same answer.
    pub async fn complete(&self, upload: UploadId) -> Result<Completion, UploadError> {
        let active = self.active(upload).await?;
        let phase = active.state().phase;
        let mut small = true;
        match phase {
            Phase::Finished => return Ok(Completion::Done(Box::new(self.outcome(upload).await?))),
            Phase::Completing => {}
            Phase::Open | Phase::Expired | Phase::Deleted => {
                let plans = active.begin_completing()?;
                let is_archive = |plan: &FilePlan| match &plan.scanned {
                    Some(scanned) => matches!(scanned.found, Found::Zip),
                    None => plan.name.to_ascii_lowercase().ends_with(".zip"),
                };
                small = plans.len() <= SMALL_FILES && active.row.total_bytes <= SMALL_BYTES && !plans.iter().any(is_archive);
                tokio::spawn(self.clone().run(active.clone(), plans));
            }
        }
        let mut progress = active.progress.subscribe();
        let ended = progress.wait_for(|progress| !matches!(progress, Progress::Waiting));
        let ended = if small { ended.await.ok() } else { tokio::time::timeout(PATIENCE, ended).await.ok().and_then(Result::ok) };
        match ended.as_deref() {
            Some(Progress::Done(outcome)) => Ok(Completion::Done(Box::new((**outcome).clone()))),
            Some(Progress::Failed(why)) => Err(why.clone()),
            Some(Progress::Waiting) | None => Ok(Completion::Processing),
        }
    }

    /// Goes on with completions that a stop of the box cut off.
    pub async fn resume(&self) -> Result<usize, UploadError> {
        let unfinished = self.inner.store.read(row::unfinished).await?;
        let mut resumed = 0;
        for (upload, _) in unfinished.into_iter().filter(|(_, processing)| *processing) {
            let Some(active) = self.active_if_any(upload).await else { continue };
            if active.state().phase == Phase::Open {
                match active.begin_completing() {
                    Ok(plans) => {
                        tokio::spawn(self.clone().run(active.clone(), plans));
                        resumed += 1;
                    }
                    // A part was lost on the disk meanwhile: its sender must send it again.
                    Err(why) => tracing::warn!(%upload, error = %why, "a completion cannot go on"),
                }
            }
        }
        Ok(resumed)
    }

    pub(super) async fn outcome(&self, upload: UploadId) -> Result<Outcome, UploadError> {
        let outcome = self.inner.store.read(move |tx| row::outcome(tx, upload)).await?;
        outcome.ok_or_else(|| UploadError::Unavailable("what became of the upload is not known".into()))
    }

    pub(super) async fn run(self, active: Arc<Active>, plans: Vec<FilePlan>) {
        let _permit = self.inner.completing.clone().acquire_owned().await;
        let upload = active.upload;
        // On a task of its own: one that panics (an odd file) is told like any other failure, and keeps nobody waiting.
        let done = tokio::spawn(self.clone().run_to_the_end(active.clone(), plans)).await;
        match done.unwrap_or_else(|_| Err(UploadError::Unavailable("completing the upload broke off".into()))) {
            Ok(outcome) => {
                active.state().phase = Phase::Finished;
                active.progress.send_replace(Progress::Done(Arc::new(outcome)));
                self.forget(upload);
            }
            Err(why) => {
                tracing::warn!(%upload, error = %why, "an upload could not be completed now; it is tried again");
                self.look_for_parts(&active).await;
                active.state().phase = Phase::Open;
                active.progress.send_replace(Progress::Failed(why));
            }
        }
    }

    async fn run_to_the_end(self, active: Arc<Active>, plans: Vec<FilePlan>) -> Result<Outcome, UploadError> {
        let upload = active.upload;
        if let Some(outcome) = self.note_processing(upload).await? {
            self.tell(&active, &outcome).await;
            return Ok(outcome);
        }
        self.inner.buffer.settled().await?;
        let budget = archive::Budget::new(self.inner.options.max_bytes, u64::from(self.inner.options.max_files));
        let job = Arc::new(Job { uploads: self.clone(), active: active.clone(), gathered: Mutex::default(), budget });
        let mut files = Vec::new();
        let mut judged = stream::iter(plans).map(|plan| job.clone().file(plan)).buffered(AT_ONCE);
        while let Some(outcomes) = judged.next().await {
            files.extend(outcomes?);
        }
        drop(judged);
        job.compare_directories(&files);
        job.add_history().await?;
        let outcome = self.finish(&job, files).await?;
        // It is over, whatever becomes of this: silence tells a study complete, too, and the sweep releases what stays behind.
        for study in &outcome.studies {
            if let Err(error) = self.inner.buffer.mark_complete(study).await {
                tracing::warn!(%upload, %study, %error, "a study cannot be marked complete now");
            }
        }
        if let Err(error) = self.inner.buffer.release_parts(&active.parts()).await {
            tracing::warn!(%upload, %error, "the chunks of an upload cannot be released now");
        }
        self.tell(&active, &outcome).await;
        Ok(outcome)
    }

    /// Notes that the completion has begun. Gives what became of the upload if that is written down: it happens once, also where the box
    /// could not tell whether it was written.
    async fn note_processing(&self, upload: UploadId) -> Result<Option<Outcome>, UploadError> {
        let is_over = self.inner.store.write(move |tx| match row::load_in(tx, upload)?.ok_or(UploadError::Unknown)?.state {
            RowState::Open | RowState::Processing => row::set_state_in(tx, upload, RowState::Processing, None).map(|_| false),
            RowState::Complete | RowState::Failed => Ok(true),
            RowState::Expired => Err(UploadError::Closed("expired")),
        });
        Ok(if is_over.await? { Some(self.outcome(upload).await?) } else { None })
    }

    /// Writes down what became of the upload, in one transaction with everything that follows from it.
    async fn finish(&self, job: &Job, files: Vec<FileOutcome>) -> Result<Outcome, UploadError> {
        let active = &job.active;
        let outcome = job.outcome(files, self.inner.clock.now());
        let (upload, owner, key) = (active.upload, active.row.owner, active.row.study_key);
        let before = duplicates::Before { upload, at: outcome.at, by: active.row.username.clone() };
        let row = active.row.clone();
        let studies = job.gathered().studies.clone();
        self.inner
            .store
            .write(move |tx| {
                let failed = outcome.status == OutcomeStatus::Failed;
                let state = if failed { RowState::Failed } else { RowState::Complete };
                row::set_state_in(tx, upload, state, Some(outcome.at))?;
                let mut outcome = outcome.clone();
                outcome.reports = tell::assign_in(tx, upload, &row, &studies, outcome.at)?;
                row::finish_in(tx, upload, owner, &outcome)?;
                if !failed {
                    duplicates::note_in(tx, &key, &before)?;
                }
                tell::count_in(tx, &row, &outcome)?;
                Ok(outcome)
            })
            .await
    }
}

impl Job {
    /// Judges a file and takes it over.
    async fn file(self: Arc<Self>, mut plan: FilePlan) -> Result<Vec<FileOutcome>, UploadError> {
        if plan.bytes == 0 {
            return Ok(vec![plan.ended(FileStatus::NotDicom, None, Some("it is empty".into()))]);
        }
        let Scanned { found, whole } = match plan.scanned.take() {
            Some(scanned) => *scanned,
            None => self.read_back(&plan).await?,
        };
        if plan.sha256.is_some() && plan.sha256 != whole {
            let error = "its SHA-256 is not the one that was announced".into();
            return Ok(vec![plan.ended(FileStatus::Failed, None, Some(error))]);
        }
        match found {
            Found::Instance(instance) => Ok(vec![self.take_over(&plan, *instance).await?]),
            Found::NotDicom(why) => Ok(vec![plan.ended(FileStatus::NotDicom, None, Some(why.into()))]),
            Found::Unusable(why) => Ok(vec![plan.ended(FileStatus::Failed, None, Some(why))]),
            Found::Directory => {
                let directory = directory::read(self.uploads.inner.buffer.read_parts(&plan.parts)?).await?;
                self.gathered().note_directory(directory);
                let why = "it is the index of a medium (DICOMDIR), which is not sent on";
                Ok(vec![plan.ended(FileStatus::NotDicom, None, Some(why.into()))])
            }
            Found::Zip => archive::take_over(self, plan).await,
        }
    }

    /// Looks at a file that did not come in order, or came before the box was started.
    async fn read_back(&self, plan: &FilePlan) -> Result<Scanned, UploadError> {
        let mut pieces = self.uploads.inner.buffer.read_parts(&plan.parts)?;
        let mut scan = FileScan::new(plan.sha256.is_some());
        while let Some(bytes) = pieces.next().await? {
            scan.feed(&bytes);
            tokio::task::yield_now().await;
        }
        Ok(scan.finish())
    }

    /// Makes an object of a file's data set.
    async fn take_over(&self, plan: &FilePlan, instance: Instance) -> Result<FileOutcome, UploadError> {
        let (sop_instance, offset, sha256) = (instance.identity.sop_instance.clone(), instance.offset, instance.sha256);
        let Some(status) = self.is_wanted(&instance)? else {
            return Ok(plan.ended(FileStatus::Duplicate, Some(sop_instance), None));
        };
        let is_ours = status == Wanted::Ours;
        if !is_ours {
            self.uploads.inner.buffer.compose(&plan.parts, offset..plan.bytes, sha256, self.new_object(&instance)).await?;
        }
        self.gathered().count(&instance, plan.bytes - offset);
        let status = if status == Wanted::Known { FileStatus::Duplicate } else { FileStatus::Success };
        Ok(plan.ended(status, Some(sop_instance), None))
    }

    /// Whether an instance is to be committed; `None`: another file of the upload is the same.
    pub(super) fn is_wanted(&self, instance: &Instance) -> Result<Option<Wanted>, UploadError> {
        let sop_instance = &instance.identity.sop_instance;
        if !self.gathered().seen.insert((sop_instance.clone(), instance.sha256.0)) {
            return Ok(None);
        }
        let known = self.uploads.inner.buffer.instances(sop_instance)?;
        let same = |known: &&StoredInstance| {
            known.sha256 == instance.sha256 && known.identity.transfer_syntax == instance.identity.transfer_syntax
        };
        Ok(Some(match known.iter().find(same) {
            None => Wanted::New,
            // From before a crash in the midst of completing.
            Some(known) if known.source.upload() == Some(self.active.upload) => Wanted::Ours,
            Some(_) => Wanted::Known,
        }))
    }

    /// An instance as the buffer takes it.
    pub(super) fn new_object(&self, instance: &Instance) -> NewObject {
        NewObject {
            identity: instance.identity.clone(),
            facts: instance.facts.clone(),
            source: self.source(),
            service_level: self.active.row.patient.service_level,
            flags: Vec::new(),
        }
    }

    pub(super) fn source(&self) -> Source {
        let row = &self.active.row;
        Source::Http { upload: self.active.upload, username: row.username.clone(), address: row.address }
    }

    pub(super) fn gathered(&self) -> std::sync::MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what a DICOMDIR names that was not uploaded.
    fn compare_directories(&self, files: &[FileOutcome]) {
        let named = std::mem::take(&mut self.gathered().directories);
        if named.is_empty() {
            return;
        }
        let there: HashSet<&Uid> = files.iter().filter_map(|file| file.sop_instance.as_ref()).collect();
        let missing = named.iter().filter(|uid| !there.contains(uid)).count();
        if missing > 0 {
            let total = named.len();
            self.gathered()
                .warn(format!("the medium's index (DICOMDIR) names {total} instances; {missing} of them are not in this upload"));
        }
    }

    /// Sends what the sender wrote along with each study.
    async fn add_history(&self) -> Result<(), UploadError> {
        let Some(text) = &self.active.row.clinical_history else { return Ok(()) };
        let studies: Vec<(Uid, HeaderFacts)> = self.gathered().studies.clone().into_iter().collect();
        for (study, facts) in studies {
            match self.history(text, &study, &facts).await {
                Ok(object) => self.store_history(object).await?,
                Err(why) => {
                    tracing::error!(upload = %self.active.upload, error = why, "the clinical history could not be made an object");
                    self.gathered().warn("the clinical history could not be sent along as a DICOM object".into());
                }
            }
        }
        Ok(())
    }

    /// The history as an object of a study.
    async fn history(&self, text: &str, study: &Uid, facts: &HeaderFacts) -> Result<history::Object, String> {
        let options = &self.uploads.inner.options;
        let row = &self.active.row;
        let form = match options.history {
            HistoryForm::Sr => history::Form::Sr,
            HistoryForm::Pdf => {
                let (letterhead, printed) = (options.letterhead.clone(), history::printed(facts, row, text));
                let drawn = tokio::task::spawn_blocking(move || crate::reports::pdf::draw(&letterhead, &printed)).await;
                history::Form::Pdf(drawn.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?)
            }
        };
        let institution = options.letterhead.facility.as_str();
        let made = history::Made { upload: self.active.upload, study, facts, row, institution, text, form };
        made.object().map_err(str::to_owned)
    }

    async fn store_history(&self, object: history::Object) -> Result<(), UploadError> {
        let buffer = &self.uploads.inner.buffer;
        // The same UID is ours, from before a crash.
        if !buffer.instances(&object.identity.sop_instance)?.is_empty() {
            return Ok(());
        }
        let mut writer = buffer.begin_addition()?;
        writer.write(&object.bytes).await?;
        let new = NewObject {
            identity: object.identity,
            facts: object.facts,
            source: self.source(),
            service_level: self.active.row.patient.service_level,
            flags: Vec::new(),
        };
        writer.commit(new).await?;
        Ok(())
    }

    fn outcome(&self, files: Vec<FileOutcome>, at: Timestamp) -> Outcome {
        let count = |wanted: &[FileStatus]| files.iter().filter(|file| wanted.contains(&file.status)).count();
        let (taken, failed) = (count(&[FileStatus::Success, FileStatus::Duplicate]), count(&[FileStatus::Failed]));
        let status = match (taken, failed) {
            (0, _) => OutcomeStatus::Failed,
            (_, 0) => OutcomeStatus::Success,
            _ => OutcomeStatus::PartialSuccess,
        };
        let mut gathered = self.gathered();
        let not_dicom = count(&[FileStatus::NotDicom]);
        if not_dicom > 0 && taken > 0 {
            gathered.warn(format!("{not_dicom} of the files are not DICOM images and were left out"));
        }
        let studies: Vec<Uid> = gathered.studies.keys().cloned().collect();
        if studies.len() > 1 {
            gathered.warn(format!("the files belong to {} studies", studies.len()));
        }
        let announced = self.active.row.patient.study_instance_uid.as_deref();
        if announced.is_some_and(|uid| !studies.is_empty() && !studies.iter().any(|study| study.as_str() == uid)) {
            gathered.warn("none of the files belongs to the study that was announced".into());
        }
        Outcome { status, files, warnings: std::mem::take(&mut gathered.warnings), studies, reports: Vec::new(), bytes: gathered.bytes, at }
    }
}

/// What is to be done with an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Nobody has it.
    New,
    /// The box has it; it is committed all the same, so that the ledger says who sent it again.
    Known,
    /// This upload committed it already.
    Ours,
}

impl Gathered {
    /// An instance was taken over.
    pub(super) fn count(&mut self, instance: &Instance, bytes: u64) {
        self.bytes += bytes;
        if let Some(study) = &instance.identity.study {
            self.studies.entry(study.clone()).or_insert_with(|| instance.facts.clone());
        }
    }

    pub(super) fn warn(&mut self, warning: String) {
        if self.warnings.len() < MOST_WARNINGS {
            self.warnings.push(warning);
        }
    }

    pub(super) fn note_directory(&mut self, instances: Vec<Uid>) {
        self.directories.extend(instances);
    }
}

impl FilePlan {
    pub(super) fn ended(&self, status: FileStatus, sop_instance: Option<Uid>, error: Option<String>) -> FileOutcome {
        FileOutcome { id: self.id.clone(), entry: None, status, sop_instance, error }
    }
}
