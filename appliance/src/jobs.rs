//! What runs by the clock, in the site's time zone.
//!
//! Two things are no jobs, because a time of day would make them worse. Retention and compaction run all the time in bounded steps inside the
//! buffer: room that is free at two at night only would be missing at noon. Counts of the statistics are made in the transaction that makes
//! the counted thing a fact, so there is nothing to roll up; the nightly job forgets what its studies left behind.

use relaypacs_buffer::Buffer;
use relaypacs_clinic::{
    Schedule,
    schedule::{Job, PatternError},
};
use relaypacs_domain::Uid;
use relaypacs_http::App;

/// Studies looked at between two steps of a job.
const STUDIES_AT_ONCE: usize = 1000;

/// Adds every job.
pub(crate) fn add(app: &App, schedule: &Schedule) {
    match all(app) {
        Ok(jobs) => jobs.into_iter().for_each(|job| schedule.add(job)),
        Err(error) => tracing::error!(%error, "a job's times cannot be read"),
    }
}

fn all(app: &App) -> Result<Vec<Job>, PatternError> {
    Ok(vec![clean_up(app)?, report_sync(app)?, audit_check(app)?, statistics(app)?, certificate(app)?, scrub(app)?])
}

/// Sessions and uploads that are over.
fn clean_up(app: &App) -> Result<Job, PatternError> {
    let clinic = app.clinic.clone();
    Job::new("clean-up", "0 2 * * *", move || {
        let clinic = clinic.clone();
        async move {
            let sessions = clinic.sessions.sweep().await.map_err(|error| error.to_string())?;
            let uploads = clinic.uploads.sweep().await.map_err(|error| error.to_string())?;
            Ok(format!("{sessions} sessions and {uploads} uploads were over"))
        }
    })
}

/// Reports at the PACS.
fn report_sync(app: &App) -> Result<Job, PatternError> {
    let reports = app.clinic.reports.clone();
    Job::new("report-sync", "*/5 * * * *", move || {
        let reports = reports.clone();
        async move {
            let round = reports.sync_due().await.map_err(|error| error.to_string())?;
            let text = format!("{} studies looked at, {} reports taken, {} not answered", round.looked_at, round.taken, round.failed);
            if round.failed > 0 && round.failed == round.looked_at { Err(text) } else { Ok(text) }
        }
    })
}

/// The chain of the audit trail.
fn audit_check(app: &App) -> Result<Job, PatternError> {
    let audit = app.clinic.audit.clone();
    Job::new("audit-check", "30 2 * * *", move || {
        let audit = audit.clone();
        async move {
            let report = audit.verify().await.map_err(|error| error.to_string())?;
            if report.faults.is_empty() {
                Ok(format!("{} entries, chain intact", report.entries))
            } else {
                Err("the chain is broken".into())
            }
        }
    })
}

/// What of which study is counted already, of studies that the history has forgotten.
fn statistics(app: &App) -> Result<Job, PatternError> {
    let (statistics, buffer) = (app.clinic.statistics.clone(), app.buffer.clone());
    Job::new("statistics-roll-up", "45 2 * * *", move || {
        let (statistics, buffer) = (statistics.clone(), buffer.clone());
        async move {
            let (mut known, mut forgotten, mut after) = (0, 0, None);
            loop {
                let page = statistics.studies(after, STUDIES_AT_ONCE).await.map_err(|error| error.to_string())?;
                let Some(last) = page.last().cloned() else { break };
                after = Some(last);
                let buffer = buffer.clone();
                let asked = tokio::task::spawn_blocking(move || without_history(&buffer, page)).await.map_err(|error| error.to_string())?;
                let (kept, gone) = asked?;
                (known, forgotten) = (known + kept, forgotten + gone.len());
                statistics.forget_studies(gone).await.map_err(|error| error.to_string())?;
            }
            Ok(format!("{known} studies are known, {forgotten} were forgotten"))
        }
    })
}

/// How many of these studies buffer or history know, and those that they do not know.
fn without_history(buffer: &Buffer, studies: Vec<Uid>) -> Result<(usize, Vec<Uid>), String> {
    let (mut known, mut gone) = (0, Vec::new());
    for study in studies {
        match buffer.ledger(&study, None, 1).map_err(|error| error.to_string())? {
            Some(_) => known += 1,
            None => gone.push(study),
        }
    }
    Ok((known, gone))
}

/// The TLS certificate.
fn certificate(app: &App) -> Result<Job, PatternError> {
    let tls = app.tls.clone();
    Job::new("certificate-renewal", "17 3,15 * * *", move || {
        let tls = tls.clone();
        async move {
            let Some(tls) = tls else { return Ok("HTTPS is off".into()) };
            if tls.acme_is_due() {
                tls.renew_by_acme().await.map_err(|error| error.to_string())?;
                return Ok("the ACME service issued a certificate".into());
            }
            let looked = tokio::task::spawn_blocking(move || tls.refresh()).await.map_err(|error| error.to_string())?;
            let changed = looked.map_err(|error| error.to_string())?;
            Ok(if changed { "another certificate is in force" } else { "the certificate stays" }.into())
        }
    })
}

/// Every byte of the buffer, read back whole once a week beside the slow scrub.
fn scrub(app: &App) -> Result<Job, PatternError> {
    let buffer = app.buffer.clone();
    let job = Job::new("scrub", "0 4 * * 0", move || {
        let buffer = buffer.clone();
        async move {
            let report = buffer.scrub().await.map_err(|error| error.to_string())?;
            let text = format!("{} objects read, {} damaged", report.objects, report.damaged.len());
            if report.damaged.is_empty() { Ok(text) } else { Err(text) }
        }
    })?;
    Ok(job.at_most(std::time::Duration::from_hours(20)))
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::{Arc, atomic::AtomicBool},
    };

    use relaypacs_clinic::schedule::Outcome;
    use relaypacs_dicom::KnownModalities;

    use super::*;
    use crate::{appliance::Appliance, config::Config};

    /// Every job of a box of this configuration, done once: name and outcome.
    async fn done(text: &str) -> Vec<(&'static str, Outcome)> {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::from_text(Path::new("relaypacs.toml"), text, &[]).unwrap();
        let data = dir.path().join("data");
        let appliance =
            tokio::task::spawn_blocking(move || Appliance::open(config, &data, Arc::new(|_: &str| Ok(()))).unwrap()).await.unwrap();
        let app = appliance.app(&relaypacs_dicom::Metrics::default(), &Arc::new(AtomicBool::new(true)), KnownModalities::default());
        let mut outcomes = Vec::new();
        for job in all(&app).unwrap() {
            outcomes.push((job.name(), job.run().await));
        }
        outcomes
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_job_does_its_work_on_a_new_box_and_says_what_it_did() {
        let outcomes = done("[dicom]\nport = 0\n[http]\nport = 0\nplain_port = 0").await;
        let expected = [
            ("clean-up", "0 sessions and 0 uploads were over"),
            ("report-sync", "0 studies looked at, 0 reports taken, 0 not answered"),
            ("audit-check", "0 entries, chain intact"),
            ("statistics-roll-up", "0 studies are known, 0 were forgotten"),
            ("certificate-renewal", "HTTPS is off"),
            ("scrub", "0 objects read, 0 damaged"),
        ];
        let expected: Vec<_> = expected.iter().map(|(name, text)| (*name, Ok((*text).to_owned()))).collect();
        assert_eq!(outcomes, expected);
    }
}
