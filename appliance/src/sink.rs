//! Where received objects go: from the DICOM entrance into the buffer. The two crates do not know each other; this joins them.

use std::sync::Arc;

use relaypacs_buffer::{Buffer, Health, NewObject, Refused, WriteError, Writer};
use relaypacs_dicom::{KnownModalities, ObjectSink, Peer, Sink, StoreError, StoreRequest, Unavailable};
use relaypacs_domain::{Flag, HeaderFacts, Identity, ServiceLevel, Source};
use tokio_util::sync::CancellationToken;

use crate::completion::Completion;

/// The buffer as the DICOM entrance sees it.
pub(crate) struct BufferSink {
    buffer: Buffer,
    completion: Arc<Completion>,
    /// What is known about single modalities' urgency.
    modalities: KnownModalities,
    stop: CancellationToken,
}

/// One object on its way into the buffer.
pub(crate) struct Incoming {
    writer: Writer,
    completion: Arc<Completion>,
    association: u64,
    source: Source,
    request: StoreRequest,
    configured_level: Option<ServiceLevel>,
}

impl BufferSink {
    /// After `stop`, associations are refused as transient.
    pub(crate) fn new(buffer: Buffer, completion: Arc<Completion>, modalities: KnownModalities, stop: CancellationToken) -> Self {
        Self { buffer, completion, modalities, stop }
    }
}

impl Sink for BufferSink {
    type Object = Incoming;

    fn ready(&self) -> Result<(), Unavailable> {
        if self.stop.is_cancelled() {
            return Err(Unavailable::Closing);
        }
        match self.buffer.health() {
            Health::LogDown(_) => Err(Unavailable::Failing),
            Health::Good | Health::CatalogueDown(_) if self.buffer.usage().refusing => Err(Unavailable::Full),
            Health::Good | Health::CatalogueDown(_) => Ok(()),
        }
    }

    fn begin(&self, peer: &Peer, request: &StoreRequest) -> Result<Incoming, StoreError> {
        Ok(Incoming {
            writer: self.buffer.begin().map_err(|why| refused(&why))?,
            completion: self.completion.clone(),
            association: peer.association,
            source: Source::Dicom {
                calling_ae: peer.calling_ae.clone(),
                called_ae: peer.called_ae.clone(),
                address: peer.address.ip().to_canonical(),
            },
            request: request.clone(),
            configured_level: self
                .modalities
                .all()
                .iter()
                .find(|known| known.ae_title == peer.calling_ae)
                .and_then(|known| known.service_level),
        })
    }

    fn ended(&self, peer: &Peer) {
        self.completion.ended(peer.association);
    }
}

impl ObjectSink for Incoming {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.writer.write(bytes).await.map_err(|why| unwritten(&why))
    }

    async fn commit(self, facts: HeaderFacts, parsed: bool) -> Result<(), StoreError> {
        let study = facts.study_instance_uid.clone();
        let object = described(self.request, self.source, self.configured_level, facts, parsed);
        self.writer.commit(object).await.map_err(|why| unwritten(&why))?;
        if let Some(study) = study {
            self.completion.fed(self.association, &study);
        }
        Ok(())
    }
}

/// What the buffer is told about an object. Class, instance and transfer syntax are the command set's and the context's; study and series
/// can only come from the header.
fn described(request: StoreRequest, source: Source, level: Option<ServiceLevel>, facts: HeaderFacts, parsed: bool) -> NewObject {
    let flags = if parsed && facts.study_instance_uid.is_some() { Vec::new() } else { vec![Flag::Unparsed] };
    NewObject {
        identity: Identity {
            sop_class: request.sop_class,
            sop_instance: request.sop_instance,
            transfer_syntax: request.transfer_syntax,
            study: facts.study_instance_uid.clone(),
            series: facts.series_instance_uid.clone(),
        },
        service_level: ServiceLevel::of_store(level, request.priority_high, facts.requested_procedure_priority.as_deref()),
        facts,
        source,
        flags,
    }
}

fn refused(why: &Refused) -> StoreError {
    match why {
        Refused::Full | Refused::Closing => StoreError::OutOfResources(why.to_string()),
        Refused::LogDown(_) => StoreError::Processing("storage fails".into()),
    }
}

fn unwritten(why: &WriteError) -> StoreError {
    match why {
        WriteError::Full | WriteError::Closing => StoreError::OutOfResources(why.to_string()),
        WriteError::Log(_) => StoreError::Processing("storage fails".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use relaypacs_domain::Uid;

    use super::*;

    fn uid(text: &str) -> Uid {
        text.parse().unwrap()
    }

    fn request() -> StoreRequest {
        StoreRequest {
            sop_class: uid("1.2.1"),
            sop_instance: uid("1.2.2"),
            transfer_syntax: uid("1.2.840.10008.1.2.1"),
            priority_high: false,
        }
    }

    fn source() -> Source {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Source::Dicom { calling_ae: "CT1".parse().unwrap(), called_ae: "RELAYPACS".parse().unwrap(), address }
    }

    fn facts() -> HeaderFacts {
        HeaderFacts {
            sop_class_uid: Some(uid("1.2.1")),
            sop_instance_uid: Some(uid("1.2.2")),
            study_instance_uid: Some(uid("1.2.3")),
            ..HeaderFacts::default()
        }
    }

    #[test]
    fn what_is_unusual_is_flagged() {
        let check = |facts: HeaderFacts, parsed, expected: &[Flag]| {
            assert_eq!(described(request(), source(), None, facts, parsed).flags, expected);
        };
        check(facts(), true, &[]);
        check(HeaderFacts::default(), false, &[Flag::Unparsed]);
        check(HeaderFacts { study_instance_uid: None, ..facts() }, true, &[Flag::Unparsed]);
    }

    #[test]
    fn the_command_set_names_the_object_and_the_header_its_study() {
        let object = described(request(), source(), None, HeaderFacts { sop_instance_uid: Some(uid("9.9")), ..facts() }, true);
        assert_eq!(object.identity.sop_instance, uid("1.2.2"));
        assert_eq!(object.identity.study, Some(uid("1.2.3")));
    }

    #[test]
    fn the_modality_s_setting_outranks_what_it_sends() {
        let urgent = StoreRequest { priority_high: true, ..request() };
        assert_eq!(described(urgent.clone(), source(), None, facts(), true).service_level, ServiceLevel::Stat);
        assert_eq!(described(urgent, source(), Some(ServiceLevel::Routine), facts(), true).service_level, ServiceLevel::Routine);
    }

    #[test]
    fn nothing_of_the_disk_is_told_to_the_sender() {
        let error = unwritten(&WriteError::Log("/data/relaypacs/seg-1: EIO".into()));
        assert_eq!(error, StoreError::Processing("storage fails".into()));
    }
}
