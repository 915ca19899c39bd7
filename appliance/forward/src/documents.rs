//! Documents that others have put into a study at the destinations (reports): found by QIDO-RS, fetched by WADO-RS.

use relaypacs_domain::{DestinationName, Failure, Uid};

use crate::{Forwarder, dicomweb::item::Item};

/// An object of a study at a destination, named so that it can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it is.
    pub destination: DestinationName,
    /// The study that was asked for.
    pub study: Uid,
    /// Its series.
    pub series: Uid,
    /// Its SOP class: one of those asked for.
    pub sop_class: Uid,
    /// Its SOP Instance UID.
    pub sop_instance: Uid,
}

/// Documents told of one study and class at most.
const MOST: usize = 100;

impl Forwarder {
    /// Asks every destination with a DICOMweb service for objects of these classes in a study. One that does not answer takes nothing from
    /// the others: it is told beside what they know.
    pub async fn find_documents(&self, study: &Uid, classes: &[Uid]) -> (Vec<Document>, Vec<(DestinationName, Failure)>) {
        let (mut found, mut failed) = (Vec::new(), Vec::new());
        for destination in self.all() {
            let service = match destination.dicomweb() {
                None => continue,
                Some(Ok(service)) => service,
                Some(Err(failure)) => {
                    failed.push((destination.name.clone(), failure));
                    continue;
                }
            };
            for class in classes {
                match service.find_of_class(study, class).await {
                    Ok(items) => {
                        found.extend(items.into_iter().take(MOST).filter_map(|item| document(&destination.name, study, class, item)));
                    }
                    Err(failure) => {
                        failed.push((destination.name.clone(), failure));
                        break;
                    }
                }
            }
        }
        (found, failed)
    }

    /// Fetches a document as a Part-10 file; `None`: it is not given out, or has more than `most_bytes`.
    pub async fn fetch_document(&self, document: &Document, most_bytes: u64) -> Result<Option<Vec<u8>>, Failure> {
        let found = self.all().into_iter().find(|destination| destination.name == document.destination);
        let Some(service) = found.and_then(|destination| destination.dicomweb()) else { return Ok(None) };
        service?.retrieve_file(&document.study, &document.series, &document.sop_instance, most_bytes).await
    }
}

fn document(destination: &DestinationName, study: &Uid, class: &Uid, item: Item) -> Option<Document> {
    Some(Document {
        destination: destination.clone(),
        study: study.clone(),
        series: item.series?,
        sop_class: class.clone(),
        sop_instance: item.sop_instance?,
    })
}
