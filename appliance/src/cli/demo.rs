//! `relaypacs demo`: the main job in one go on this machine: a scanner, the box, a PACS, and the proof.
//!
//! Nothing is simulated but the patient: the box is the product with its defaults, the scanner sends over real C-STORE, the PACS is a small
//! STOW-RS receiver that stores to disk. What is printed comes from the box's own ledger and from the bytes on the receiver's disk.

mod login;
mod multipart;
mod phantom;
mod receiver;
mod report;
mod setup;

use std::{path::PathBuf, time::Duration};

use clap::Args;
use relaypacs_dicom::ScuOptions;
use relaypacs_domain::{AeTitle, Clock};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use self::{
    login::Login,
    phantom::Study,
    receiver::Receiver,
    setup::{CALLING_AE, Setup},
};
use super::{
    Arguments, Exit, Fault, Output,
    send::{self, Summary},
    serve,
};
use crate::{
    appliance::{Appliance, Running},
    logs,
};

/// Where the demo keeps everything.
const DIRECTORY: &str = "relaypacs-demo";
/// The proof must come within this time.
const PROOF_COMES: Duration = Duration::from_mins(2);

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Ends when all is proven (exit code 0) or not (1), instead of going on running
    #[arg(long)]
    once: bool,
    /// Slices of the CT
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=500))]
    slices: u16,
}

pub(crate) fn run(arguments: &Arguments, command: &Demo) -> Result<(), Fault> {
    let directory = arguments.data_dir.clone().unwrap_or_else(|| DIRECTORY.into());
    let setup = Setup::new(&directory, &arguments.set)?;
    let log = logs::start(&setup.config.log.level, setup.config.log.format).map_err(Fault::failed)?;
    let runtime = super::runtime()?;
    let _inside = runtime.enter();
    let receiver = Receiver::new(directory.join("pacs"), setup.receiver_url.clone())
        .map_err(|error| Fault::failed(format!("{}: {error}", directory.display())).hint("name another folder with --data-dir"))?;
    let appliance = Appliance::open(setup.config, &directory, log).map_err(|error| serve::cannot_start(&error))?;
    let stop = CancellationToken::new();
    let login = runtime.block_on(Login::make(appliance.clinic()))?;
    let story = Story {
        output: arguments.output(),
        login,
        directory,
        running: appliance.running(),
        receiver: receiver.clone(),
        receiver_url: setup.receiver_url,
        slices: usize::from(command.slices),
    };
    runtime.block_on(async {
        tokio::spawn(serve::wait_for_signals(stop.clone())?);
        let pacs = tokio::spawn(receiver.serve(setup.receiver, stop.clone()));
        let running = tokio::spawn(appliance.run(stop.clone(), |_| {}));
        let told = tokio::select! {
            told = story.tell() => told,
            () = stop.cancelled() => Err(Fault::failed("interrupted before all was proven")),
        };
        if told.is_ok() && !command.once {
            story.goes_on()?;
            stop.cancelled().await;
        }
        stop.cancel();
        // What a panicking task said is on standard error already.
        let _ = running.await;
        let _ = pacs.await;
        told
    })
}

/// What is told, step by step.
struct Story {
    output: Output,
    login: Login,
    directory: PathBuf,
    running: Running,
    receiver: Receiver,
    receiver_url: String,
    slices: usize,
}

impl Story {
    async fn tell(&self) -> Result<(), Fault> {
        report::places(self.output, &self.running, &self.receiver_url, &self.directory)?;
        let study = self.scan().await?;
        report::scanned(self.output, &study)?;
        let summary = self.push(&study).await?;
        report::sent(self.output, &summary, study.slices.len())?;
        let ledger = self.proven_ledger(&study).await?;
        let proof = report::compare(&study, &ledger, &self.receiver);
        report::proof(self.output, &study, &proof)?;
        if proof.is_complete() { Ok(()) } else { Err(Fault::failed("not every instance is proven; the table above says which")) }
    }

    async fn scan(&self) -> Result<Study, Fault> {
        let (folder, slices, now) = (self.directory.join("modality"), self.slices, Clock::system().now());
        let made = tokio::task::spawn_blocking(move || phantom::generate(&folder, slices, &calling_ae(), now)).await;
        match made {
            Ok(Ok(study)) => Ok(study),
            Ok(Err(error)) => Err(Fault::failed(format!("the CT cannot be written: {error}"))),
            Err(_) => Err(Fault::failed("the CT cannot be made")),
        }
    }

    async fn push(&self, study: &Study) -> Result<Summary, Fault> {
        let address = self.running.dicom.first().ok_or_else(|| Fault::new(Exit::Configuration, "the demo needs dicom.port"))?;
        let options = ScuOptions {
            address: address.to_string(),
            calling_ae: calling_ae(),
            called_ae: setup::called_ae(),
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_mins(1),
        };
        let files = study.slices.iter().map(|slice| slice.file.clone()).collect();
        let bytes = study.slices.iter().map(|slice| slice.bytes).sum();
        let found = send::Found { files, bytes, passed_over: 0 };
        let summary = send::send(options, &found, 1, |_, _| Ok(())).await?;
        match summary.failed {
            0 => Ok(summary),
            failed => {
                Err(Fault::failed(format!("{failed} of {} instances were refused: {}", study.slices.len(), summary.broken.join("; "))))
            }
        }
    }

    /// The study's ledger once every instance is delivered, or as it is when that takes too long.
    async fn proven_ledger(&self, study: &Study) -> Result<Value, Fault> {
        let address = self.running.http.first().ok_or_else(|| Fault::new(Exit::Configuration, "the demo needs http.plain_port"))?;
        let url = format!("http://{address}/api/v1/studies/{}/ledger?limit=500", study.uid);
        let client = reqwest::Client::new();
        let began = tokio::time::Instant::now();
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        loop {
            looks.tick().await;
            let answer = client
                .get(&url)
                .bearer_auth(&self.login.token)
                .timeout(Duration::from_secs(20))
                .send()
                .await
                .and_then(reqwest::Response::error_for_status);
            let ledger: Value = match answer {
                Ok(answer) => answer.json().await.map_err(|error| Fault::failed(format!("the box's ledger cannot be read: {error}")))?,
                Err(error) => return Err(Fault::failed(format!("the box does not show its ledger: {error}"))),
            };
            if report::is_delivered(&ledger, study.slices.len()) || began.elapsed() > PROOF_COMES {
                return Ok(ledger);
            }
        }
    }

    fn goes_on(&self) -> Result<(), Fault> {
        report::goes_on(self.output, &self.running, &self.directory, &self.login)
    }
}

#[expect(clippy::expect_used, reason = "a constant that every run of the demo reads")]
fn calling_ae() -> AeTitle {
    CALLING_AE.parse().expect("the demo's AE title is one")
}
