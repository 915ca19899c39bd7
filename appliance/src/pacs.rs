//! The destinations as the services of people see them: joins the forwarder to the clinic's services, which do not know each other.

use std::sync::Arc;

use futures_util::{FutureExt, future::BoxFuture};
use relaypacs_clinic::{
    Clinic,
    pacs::{DestinationState, Pacs, PacsAnswer, PacsDocument},
};
use relaypacs_domain::{Failure, Uid};
use relaypacs_forward::{Document, Forwarder, State};
use relaypacs_http::HttpMetrics;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::tasks::supervise;

/// The forwarder's destinations.
struct Destinations(Forwarder);

impl Pacs for Destinations {
    fn documents<'a>(&'a self, study: &'a Uid, classes: &'a [Uid]) -> BoxFuture<'a, PacsAnswer> {
        async move {
            let (found, failed) = self.0.find_documents(study, classes).await;
            PacsAnswer { documents: found.into_iter().map(told).collect(), failed }
        }
        .boxed()
    }

    fn fetch<'a>(&'a self, document: &'a PacsDocument, most_bytes: u64) -> BoxFuture<'a, Result<Option<Vec<u8>>, Failure>> {
        let asked = Document {
            destination: document.destination.clone(),
            study: document.study.clone(),
            series: document.series.clone(),
            sop_class: document.sop_class.clone(),
            sop_instance: document.sop_instance.clone(),
        };
        async move { self.0.fetch_document(&asked, most_bytes).await }.boxed()
    }

    fn destinations(&self) -> Vec<DestinationState> {
        let all = self.0.destinations().into_iter();
        all.map(|health| DestinationState { name: health.name, down: health.state == State::Down }).collect()
    }
}

fn told(document: Document) -> PacsDocument {
    let Document { destination, study, series, sop_class, sop_instance } = document;
    PacsDocument { destination, study, series, sop_class, sop_instance }
}

/// Starts what follows the buffer's events, looks after the destinations and tells people; ends all streams at `stop`.
pub(crate) fn start(services: &mut JoinSet<()>, metrics: &HttpMetrics, clinic: &Clinic, forwarder: &Forwarder, stop: &CancellationToken) {
    let pacs: Arc<dyn Pacs> = Arc::new(Destinations(forwarder.clone()));
    clinic.reports.connect(pacs.clone());
    let (events, token) = (clinic.events.clone(), stop.clone());
    services.spawn(supervise("events", metrics.clone(), stop.clone(), move || {
        let (events, token) = (events.clone(), token.clone());
        async move { events.run(token).await }
    }));
    let (events, token) = (clinic.events.clone(), stop.clone());
    services.spawn(supervise("destination watch", metrics.clone(), stop.clone(), move || {
        let (events, pacs, token) = (events.clone(), pacs.clone(), token.clone());
        async move { events.watch_destinations(pacs, token).await }
    }));
    let (reports, token) = (clinic.reports.clone(), stop.clone());
    services.spawn(supervise("report news", metrics.clone(), stop.clone(), move || {
        let (reports, token) = (reports.clone(), token.clone());
        async move { reports.run(token).await }
    }));
    let (notifications, token) = (clinic.notifications.clone(), stop.clone());
    services.spawn(supervise("notifications", metrics.clone(), stop.clone(), move || {
        let (notifications, token) = (notifications.clone(), token.clone());
        async move { notifications.run(token).await }
    }));
    let (live, token) = (clinic.live.clone(), stop.clone());
    services.spawn(async move {
        token.cancelled().await;
        // Open streams would hold their connections, and those the end.
        live.close();
    });
}
