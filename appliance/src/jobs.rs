//! What runs by the clock, in the site's time zone. (Retention, compaction and a slow scrub run all the time inside the buffer; day buckets of
//! the statistics are written with the events themselves.)

use relaypacs_clinic::{
    Schedule,
    schedule::{Job, PatternError},
};
use relaypacs_http::App;

/// Adds every job.
pub(crate) fn add(app: &App, schedule: &Schedule) {
    match all(app) {
        Ok(jobs) => jobs.into_iter().for_each(|job| schedule.add(job)),
        Err(error) => tracing::error!(%error, "a job's times cannot be read"),
    }
}

fn all(app: &App) -> Result<Vec<Job>, PatternError> {
    Ok(vec![clean_up(app)?, report_sync(app)?, audit_check(app)?, certificate(app)?, scrub(app)?])
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
