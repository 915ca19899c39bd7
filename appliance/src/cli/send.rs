//! `relaypacs send`: sends DICOM files by C-STORE, as a modality does.

mod files;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Args;
use indicatif::ProgressBar;
use relaypacs_dicom::{ScuOptions, SendOutcome};
use relaypacs_domain::AeTitle;
use serde_json::json;
use tokio::{sync::mpsc, task::JoinSet};

pub(crate) use self::files::Found;
use super::{Arguments, Exit, Fault, Output, format, runtime};

#[derive(Debug, Args)]
pub(crate) struct Send {
    /// Files and folders; what is not DICOM in a folder is passed over
    #[arg(value_name = "FILE|DIR", required = true)]
    paths: Vec<PathBuf>,
    /// Where to send
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    to: String,
    /// Our AE title
    #[arg(long, value_name = "AE_TITLE", default_value = "RELAYPACS_SCU")]
    calling: AeTitle,
    /// The other side's AE title
    #[arg(long, value_name = "AE_TITLE", default_value = "RELAYPACS")]
    called: AeTitle,
    /// Associations at a time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    associations: u8,
    /// Seconds to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

/// How a sending went.
#[derive(Debug, Clone, Default)]
pub(crate) struct Summary {
    /// Instances answered with success or a warning.
    pub(crate) stored: u64,
    /// Instances refused or not sent.
    pub(crate) failed: u64,
    /// Whether the other side itself refused one.
    pub(crate) refused: bool,
    /// Data set bytes of the stored ones.
    pub(crate) bytes: u64,
    /// From the first connection to the last answer.
    pub(crate) took: Duration,
    /// Why associations ended early, each once.
    pub(crate) broken: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, command: &Send) -> Result<(), Fault> {
    let output = arguments.output();
    let found = files::find(&command.paths)?;
    if found.passed_over > 0 {
        output.remark(format_args!("{} passed over: not DICOM", format::count(found.passed_over, "file", "files")));
    }
    if found.files.is_empty() {
        return Err(
            Fault::new(Exit::Failed, "there is no DICOM file to send").hint("DICOM files begin with 128 bytes and the letters DICM")
        );
    }
    let wait = Duration::from_secs(command.timeout.clamp(1, 86_400));
    let options = ScuOptions {
        address: command.to.clone(),
        calling_ae: command.calling.clone(),
        called_ae: command.called.clone(),
        connect_timeout: wait.min(Duration::from_secs(30)),
        timeout: wait,
    };
    let bar = output.bytes_bar(found.bytes);
    let summary = runtime()?
        .block_on(send(options, &found, usize::from(command.associations), |outcome, summary| told(output, &bar, outcome, summary)))?;
    bar.finish_and_clear();
    ended(output, &summary)
}

/// Sends files over several associations at a time; `told` hears of each answer.
pub(crate) async fn send(
    options: ScuOptions,
    found: &Found,
    associations: usize,
    mut told: impl FnMut(&SendOutcome, &Summary) -> Result<(), Fault>,
) -> Result<Summary, Fault> {
    let began = Instant::now();
    // Room for every answer: telling one never waits.
    let (outcomes, mut answers) = mpsc::channel(found.files.len().max(1));
    let options = Arc::new(options);
    let mut senders = JoinSet::new();
    for share in shares(&found.files, associations) {
        let (options, outcomes) = (options.clone(), outcomes.clone());
        senders.spawn(async move {
            let tell = |outcome: &SendOutcome| {
                // Nobody listens any more when the command is being ended.
                let _ = outcomes.try_send(outcome.clone());
            };
            relaypacs_dicom::send(&options, &share, tell).await
        });
    }
    drop(outcomes);
    let mut summary = Summary::default();
    while let Some(outcome) = answers.recv().await {
        summary.count(&outcome);
        summary.took = began.elapsed();
        told(&outcome, &summary)?;
    }
    while let Some(ended) = senders.join_next().await {
        if let Ok(Err(error)) = ended {
            summary.broken.push(error.to_string());
        }
    }
    summary.broken.sort();
    summary.broken.dedup();
    summary.failed = (found.files.len() as u64).saturating_sub(summary.stored);
    summary.took = began.elapsed();
    Ok(summary)
}

/// The files dealt out to associations, so that each has about as much to do.
fn shares(files: &[PathBuf], associations: usize) -> Vec<Vec<PathBuf>> {
    let associations = associations.clamp(1, files.len().max(1));
    (0..associations).map(|nth| files.iter().skip(nth).step_by(associations).cloned().collect()).collect()
}

impl Summary {
    fn count(&mut self, outcome: &SendOutcome) {
        if is_stored(outcome) {
            self.stored += 1;
            self.bytes += outcome.bytes;
        } else {
            self.failed += 1;
            self.refused |= outcome.result.is_ok();
        }
    }

    /// Instances and megabytes per second.
    pub(crate) fn rate(&self) -> String {
        let seconds = self.took.as_secs_f64().max(1e-9);
        format!("{:.0} instances/s, {:.1} MB/s", self.stored as f64 / seconds, self.bytes as f64 / seconds / 1e6)
    }
}

/// An address with its port; whether the host has one is seen when connecting.
fn host_and_port(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0) => Ok(text.to_owned()),
        _ => Err("HOST:PORT is expected, for example 192.0.2.10:11112".into()),
    }
}

/// Whether the other side keeps it: success or a warning (PS3.7 C).
fn is_stored(outcome: &SendOutcome) -> bool {
    matches!(outcome.result, Ok(status) if status == 0 || status & 0xF000 == 0xB000)
}

fn told(output: Output, bar: &ProgressBar, outcome: &SendOutcome, summary: &Summary) -> Result<(), Fault> {
    bar.inc(outcome.bytes);
    bar.set_message(format!("{:.0} instances/s", summary.stored as f64 / summary.took.as_secs_f64().max(1e-9)));
    let status = outcome.result.as_ref().ok().map(|status| format!("{status:04X}"));
    if output.json {
        return output.json_line(&json!({
            "file": outcome.file, "sop_instance_uid": outcome.sop_instance, "bytes": outcome.bytes,
            "stored": is_stored(outcome), "status": status, "error": outcome.result.as_ref().err(),
        }));
    }
    if !is_stored(outcome) {
        let why = match &outcome.result {
            Ok(status) => format!("answered {status:04X}{}", meaning(*status)),
            Err(error) => error.clone(),
        };
        bar.suspend(|| output.remark(format_args!("{}: {why}", outcome.file.display())));
    }
    Ok(())
}

fn ended(output: Output, summary: &Summary) -> Result<(), Fault> {
    if output.json {
        output.json_line(&json!({
            "stored": summary.stored, "failed": summary.failed, "bytes": summary.bytes,
            "seconds": summary.took.as_secs_f64(), "broken": summary.broken,
        }))?;
    } else if summary.stored > 0 {
        let (count, bytes) = (format::count(summary.stored, "instance", "instances"), format::bytes(summary.bytes));
        output.line(format_args!("{count} stored ({bytes}) in {}: {}", format::took(summary.took), summary.rate()))?;
    }
    if summary.failed == 0 && summary.broken.is_empty() {
        return Ok(());
    }
    let mut why = vec![format!("{} not stored", format::count(summary.failed, "instance", "instances"))];
    why.extend(summary.broken.iter().cloned());
    let first = if summary.refused {
        "the other side refused them: mend there what its answer says"
    } else {
        "check address and AE titles with `relaypacs echo HOST:PORT AE_TITLE`"
    };
    Err(Fault::failed(why.join("; ")).hint(format!("{first}, then send again: what is stored already is stored once")))
}

/// What a failure of C-STORE says (PS3.4 table B.2-1, PS3.7 C).
fn meaning(status: u16) -> &'static str {
    match status {
        0x0110 => " (processing failure)",
        0x0122 => " (SOP class not supported)",
        0x0124 => " (not authorised)",
        0xA700..=0xA7FF => " (out of resources: it has no room)",
        0xA900..=0xA9FF => " (data set does not match SOP class)",
        0xC000..=0xCFFF => " (cannot understand)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_goes_to_one_association() {
        let check = |files: usize, associations: usize, expected: &[usize]| {
            let files: Vec<PathBuf> = (0..files).map(|nth| nth.to_string().into()).collect();
            let shares = shares(&files, associations);
            assert_eq!(shares.iter().map(Vec::len).collect::<Vec<_>>(), expected);
            let mut all: Vec<PathBuf> = shares.concat();
            all.sort();
            let mut files = files;
            files.sort();
            assert_eq!(all, files);
        };
        check(5, 2, &[3, 2]);
        check(1, 4, &[1]);
        check(4, 1, &[4]);
    }

    #[test]
    fn where_to_send_has_a_port() {
        let check = |text: &str, expected| assert_eq!(host_and_port(text).is_ok(), expected, "{text}");
        check("127.0.0.1:11112", true);
        check("box.example.org:104", true);
        check("[::1]:104", true);
        check("127.0.0.1", false);
        check("box:dicom", false);
        check("box:0", false);
        check(":104", false);
    }

    #[test]
    fn a_warning_is_stored_and_a_refusal_is_not() {
        let check = |result: Result<u16, String>, expected| {
            let outcome = SendOutcome { file: PathBuf::new(), sop_instance: None, bytes: 1, result };
            assert_eq!(is_stored(&outcome), expected);
        };
        check(Ok(0x0000), true);
        check(Ok(0xB000), true);
        check(Ok(0xA700), false);
        check(Ok(0x0110), false);
        check(Err("no context".into()), false);
    }

    #[test]
    fn what_was_refused_is_mended_at_the_other_side_and_what_was_not_sent_at_the_line() {
        let check = |result: Result<u16, String>, says: &str| {
            let mut summary = Summary::default();
            summary.count(&SendOutcome { file: PathBuf::new(), sop_instance: None, bytes: 1, result });
            let fault = format!("{:?}", ended(Output { json: false }, &summary).unwrap_err());
            assert!(fault.contains(says) && fault.contains("stored once"), "{fault}");
        };
        check(Ok(0xA700), "the other side refused");
        check(Err("no context".into()), "relaypacs echo");
        assert_eq!(meaning(0xA701), " (out of resources: it has no room)");
    }
}
