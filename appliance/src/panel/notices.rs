//! The buffer's events as the panel's: hints that something has changed, without patient data.

use std::sync::Arc;

use relaypacs_domain::{EventKind, Uid};
use relaypacs_panel_core::{
    Text,
    wire::{Event, EventCode, Level},
};
use tokio_util::sync::CancellationToken;

use super::Shared;

/// Events read at once.
const AT_ONCE: usize = 64;

/// Passes events on until `stop`. What came before is not told: the status has what counts.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut newest = shared.app.buffer.newest_event();
    let mut seen = *newest.borrow_and_update();
    while let Some(Ok(())) = stop.run_until_cancelled(newest.changed()).await {
        let latest = *newest.borrow_and_update();
        shared.changed.notify_one();
        if shared.events.receiver_count() == 0 {
            seen = latest;
            continue;
        }
        // A burst is not told one by one: the oldest are skipped.
        seen = seen.max(latest.saturating_sub(AT_ONCE as u64));
        let asked = shared.clone();
        let read = tokio::task::spawn_blocking(move || told(&asked, seen)).await;
        for event in read.unwrap_or_default() {
            // Nobody may be listening any more.
            let _ = shared.events.send(event);
        }
        seen = latest;
    }
}

fn told(shared: &Shared, since: u64) -> Vec<Event> {
    let events = match shared.app.buffer.changes(since, AT_ONCE) {
        Ok(events) => events,
        Err(error) => {
            tracing::debug!(%error, "the panel's events cannot be read");
            return Vec::new();
        }
    };
    events.iter().filter_map(|event| notice(shared, &event.kind)).collect()
}

fn notice(shared: &Shared, kind: &EventKind) -> Option<Event> {
    let modality = |study: &Uid| {
        let found = shared.app.buffer.study_in_short(study).ok().flatten();
        found.and_then(|study| study.modalities.first().cloned()).unwrap_or_default()
    };
    let (code, level, about) = match kind {
        EventKind::StudyArriving { study } => (EventCode::StudyArriving, Level::Info, modality(study)),
        EventKind::StudyComplete { study, .. } => (EventCode::StudyComplete, Level::Info, modality(study)),
        EventKind::StudyDelivered { study, .. } => (EventCode::StudyDelivered, Level::Info, modality(study)),
        EventKind::StudyHeld { study, .. } => (EventCode::StudyHeld, Level::Error, study.as_ref().map(modality).unwrap_or_default()),
        EventKind::DestinationDown { destination } => (EventCode::DestinationDown, Level::Error, destination.to_string()),
        EventKind::DestinationUp { destination } => (EventCode::DestinationUp, Level::Info, destination.to_string()),
        EventKind::DiskLow => (EventCode::Alert(relaypacs_panel_core::wire::Code::E31), Level::Warning, String::new()),
        EventKind::DiskFull => (EventCode::Alert(relaypacs_panel_core::wire::Code::E32), Level::Error, String::new()),
        _ => return None,
    };
    Some(Event { code, level, about: Text::new(&about) })
}
