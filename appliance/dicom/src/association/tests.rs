//! Whole connections over memory: the same bytes, however they arrive, give the same objects.

use std::sync::{Arc, Mutex};

use dicom_ul::pdu::{AssociationRQ, Pdu, PresentationContextProposed, UserVariableItem, write_pdu};
use proptest::{collection::vec, prelude::*};
use relaypacs_domain::HeaderFacts;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use super::{
    ScpOptions,
    acceptor::{Shared, serve_connection},
    admission::Lobby,
    negotiation::APPLICATION_CONTEXT,
    pdu::RELEASE_RQ,
};
use crate::{Metrics, ObjectSink, Peer, Sink, StoreError, StoreRequest, Unavailable, dimse::command::store_request};

const CLASS: &str = "1.2.840.10008.5.1.4.1.1.2";

/// SOP Instance UID and bytes of each object that was committed.
type Objects = Vec<(String, Vec<u8>)>;

#[derive(Default)]
struct Kept(Arc<Mutex<Objects>>);

struct Object {
    instance: String,
    bytes: Vec<u8>,
    kept: Arc<Mutex<Objects>>,
}

impl Sink for Kept {
    type Object = Object;
    fn ready(&self) -> Result<(), Unavailable> {
        Ok(())
    }
    fn begin(&self, _: &Peer, request: &StoreRequest) -> Result<Object, StoreError> {
        Ok(Object { instance: request.sop_instance.to_string(), bytes: Vec::new(), kept: self.0.clone() })
    }
    fn ended(&self, _: &Peer) {}
}

impl ObjectSink for Object {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
    async fn commit(self, _: HeaderFacts, _: bool) -> Result<(), StoreError> {
        self.kept.lock().unwrap().push((self.instance, self.bytes));
        Ok(())
    }
}

/// One C-STORE: the data set, where its command set is cut, how its data set is cut, and how many PDVs share a PDU.
#[derive(Debug, Clone)]
struct Message {
    data: Vec<u8>,
    command_cut: prop::sample::Index,
    data_cuts: Vec<usize>,
    pdvs_a_pdu: usize,
}

impl Message {
    fn strategy() -> impl Strategy<Value = Self> {
        (vec(any::<u8>(), 0..3000), any::<prop::sample::Index>(), vec(0usize..700, 1..6), 1usize..5)
            .prop_map(|(data, command_cut, data_cuts, pdvs_a_pdu)| Self { data, command_cut, data_cuts, pdvs_a_pdu })
    }

    fn bytes(&self, id: u16) -> Vec<u8> {
        let command = store_request(id, &CLASS.parse().unwrap(), &format!("1.2.3.{id}").parse().unwrap());
        let (head, tail) = command.split_at(self.command_cut.index(command.len()));
        let mut pdvs = vec![(1, head), (3, tail)];
        let mut rest = self.data.as_slice();
        // Cuts of 0 make empty fragments; one that is not shows that the end comes.
        for cut in self.data_cuts.iter().cycle().take(3000) {
            let (part, after) = rest.split_at((*cut).min(rest.len()));
            rest = after;
            pdvs.push((if rest.is_empty() { 2 } else { 0 }, part));
            if rest.is_empty() {
                break;
            }
        }
        if !rest.is_empty() {
            pdvs.push((2, rest));
        }
        let pdv = |(flags, bytes): &(u8, &[u8])| [&(bytes.len() as u32 + 2).to_be_bytes()[..], &[1, *flags], bytes].concat();
        let bodies = pdvs.chunks(self.pdvs_a_pdu).map(|pdvs| pdvs.iter().map(pdv).collect::<Vec<_>>().concat());
        bodies.map(|body| [&[4, 0][..], &(body.len() as u32).to_be_bytes(), &body].concat()).collect::<Vec<_>>().concat()
    }
}

fn request() -> Vec<u8> {
    let mut bytes = Vec::new();
    let context =
        PresentationContextProposed { id: 1, abstract_syntax: CLASS.into(), transfer_syntaxes: vec!["1.2.840.10008.1.2.1".into()] };
    let rq = AssociationRQ {
        protocol_version: 1,
        calling_ae_title: "HAND".into(),
        called_ae_title: "RELAYPACS".into(),
        application_context_name: APPLICATION_CONTEXT.into(),
        presentation_contexts: vec![context],
        user_variables: vec![UserVariableItem::MaxLength(0)],
    };
    write_pdu(&mut bytes, &Pdu::AssociationRQ(rq)).unwrap();
    bytes
}

/// Sends all of it over a pipe that takes at most `pipe` bytes at a time, reads all answers, and gives what was kept.
async fn converse(stream: Vec<u8>, pipe: usize) -> (Objects, Vec<u8>) {
    let kept = Kept::default();
    let objects = kept.0.clone();
    let minute = std::time::Duration::from_mins(1);
    let options = ScpOptions {
        ae_title: "RELAYPACS".parse().unwrap(),
        max_associations: 1,
        max_associations_per_peer: 1,
        max_unassociated: 1,
        idle_timeout: minute,
        artim: minute,
        max_pdu: 1 << 20,
        modalities: crate::KnownModalities::default(),
    };
    let shared = Arc::new(Shared {
        options: Arc::new(options),
        sink: Arc::new(kept),
        metrics: Metrics::default(),
        admission: Arc::default(),
        lobby: Arc::new(Lobby::new(1)),
        stop: CancellationToken::new(),
        give_up: CancellationToken::new(),
    });
    let (ours, theirs) = tokio::io::duplex(pipe);
    let (mut read, mut write) = tokio::io::split(theirs);
    let scp = serve_connection(shared, ours, 1, "127.0.0.1:1".parse().unwrap());
    let send = async move {
        // An end that closed early takes no more.
        let _ = write.write_all(&stream).await;
        let _ = write.shutdown().await;
    };
    let receive = async move {
        let mut answers = Vec::new();
        let _ = read.read_to_end(&mut answers).await;
        answers
    };
    let ((), (), answers) = tokio::join!(scp, send, receive);
    let kept = std::mem::take(&mut *objects.lock().unwrap());
    (kept, answers)
}

fn block_on<V>(work: impl Future<Output = V>) -> V {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn objects_arrive_as_sent_however_they_are_cut(messages in vec(Message::strategy(), 1..5), pipe in 1usize..5000) {
        let mut stream = request();
        let mut expected = Vec::new();
        for (message, id) in messages.iter().zip(1u16..) {
            stream.extend(message.bytes(id));
            expected.push((format!("1.2.3.{id}"), message.data.clone()));
        }
        stream.extend(RELEASE_RQ);
        let (kept, answers) = block_on(converse(stream, pipe));
        prop_assert_eq!(kept, expected);
        prop_assert!(answers.ends_with(&[6, 0, 0, 0, 0, 4, 0, 0, 0, 0]), "released");
    }

    #[test]
    fn a_conversation_cut_anywhere_keeps_whole_objects_only(messages in vec(Message::strategy(), 1..4), at in any::<prop::sample::Index>()) {
        let mut stream = request();
        let mut ends = Vec::new();
        for (message, id) in messages.iter().zip(1u16..) {
            stream.extend(message.bytes(id));
            ends.push(stream.len());
        }
        stream.truncate(at.index(stream.len()));
        let whole = ends.iter().filter(|end| **end <= stream.len()).count();
        let (kept, _) = block_on(converse(stream, 1000));
        prop_assert_eq!(kept.len(), whole);
        for ((_, bytes), message) in kept.iter().zip(&messages) {
            prop_assert_eq!(bytes, &message.data);
        }
    }

    #[test]
    fn any_bytes_end_in_order(noise in vec(any::<u8>(), 0..400), after_request in any::<bool>()) {
        let stream = if after_request { [request(), noise].concat() } else { noise };
        let (kept, _) = block_on(converse(stream, 64));
        prop_assert!(kept.is_empty());
    }

    /// A request with bytes changed is answered with an AC, an RJ, an abort, or the end; nothing else, and nothing panics.
    #[test]
    fn a_garbled_request_gets_an_answer(changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut stream = request();
        for (index, value) in changes {
            let at = index.index(stream.len());
            stream[at] = value;
        }
        let (_, answers) = block_on(converse(stream, 64));
        prop_assert!(matches!(answers.first(), None | Some(2 | 3 | 7)), "{:?}", answers);
    }
}
