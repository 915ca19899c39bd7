//! Who sees which study: radiographers, radiologists and admins all, clinicians those of their own uploads. What somebody may not see does not
//! exist for them.

use std::collections::HashSet;

use relaypacs_domain::{Action, Uid};

use super::no_such_study;
use crate::{app::App, caller::Caller, problem::Problem};

/// Refuses (404) a study that the caller may not see.
pub(super) async fn may_see(app: &App, caller: &Caller, study: &Uid) -> Result<(), Problem> {
    if caller.role().may(Action::SeeAllStudies) {
        return Ok(());
    }
    let uploads = app.clinic.uploads.of_study(study.clone()).await?;
    if uploads.iter().any(|(_, owner)| *owner == caller.id()) { Ok(()) } else { Err(no_such_study()) }
}

/// The studies that the caller may see; `None`: all.
pub(super) async fn visible(app: &App, caller: &Caller) -> Result<Option<HashSet<Uid>>, Problem> {
    if caller.role().may(Action::SeeAllStudies) {
        return Ok(None);
    }
    Ok(Some(app.clinic.uploads.studies_of(caller.id()).await?))
}
