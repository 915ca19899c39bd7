//! DIMSE over an established association: fragments in, answers out. Knows the sink, no sockets.

use std::{sync::Arc, time::Instant};

use relaypacs_domain::{HeaderFacts, Uid};

use super::{
    message::{AfterCommand, AwaitingCommand, AwaitingDataSet},
    negotiation::{Context, Contexts},
    pdu::Fragment,
    violation::Violation,
};
use crate::{
    HeaderScanner, Metrics, ObjectSink, Peer, Sink, StoreRequest,
    dimse::{Command, Refusal, Status, command::Reply, field},
};

/// What an established association exchanges.
pub(crate) struct Session<S: Sink> {
    sink: Arc<S>,
    metrics: Metrics,
    contexts: Contexts,
    pub(crate) peer: Peer,
    /// Instances kept.
    pub(crate) instances: u64,
    /// Bytes of data sets that came, kept or not.
    pub(crate) bytes: u64,
}

/// Where the exchange stands.
pub(crate) enum Exchange<O> {
    Command(AwaitingCommand),
    DataSet(AwaitingDataSet, Operation<O>),
}

impl<O> Default for Exchange<O> {
    fn default() -> Self {
        Self::Command(AwaitingCommand::default())
    }
}

impl<O> Exchange<O> {
    /// Nothing of a message has come: a good moment to end.
    pub(crate) fn is_between_messages(&self) -> bool {
        matches!(self, Self::Command(state) if state.is_between_messages())
    }
}

/// What is done with the data set that comes.
pub(crate) enum Operation<O> {
    Store(Box<Store<O>>),
    /// It is read and thrown away; the answer is ready.
    Discard(Vec<u8>),
}

/// A C-STORE whose data set comes.
pub(crate) struct Store<O> {
    reply: Reply,
    began: Instant,
    bytes: u64,
    kept: Result<InFlight<O>, Refusal>,
}

/// An object as long as nothing speaks against it.
struct InFlight<O> {
    object: O,
    scanner: HeaderScanner,
    sop_class: Uid,
    sop_instance: Uid,
}

/// A command set to send on a presentation context.
pub(crate) struct Answer {
    pub(crate) context: u8,
    pub(crate) command: Vec<u8>,
}

impl<S: Sink> Session<S> {
    pub(crate) fn new(sink: Arc<S>, metrics: Metrics, contexts: Contexts, peer: Peer) -> Self {
        Self { sink, metrics, contexts, peer, instances: 0, bytes: 0 }
    }

    /// Takes the next fragment of `exchange` and gives the answer that is due after it, if any.
    pub(crate) async fn handle(&mut self, exchange: &mut Exchange<S::Object>, fragment: Fragment<'_>) -> Result<Option<Answer>, Violation> {
        let context = fragment.context;
        match exchange {
            Exchange::Command(state) => match std::mem::take(state).handle(&fragment)? {
                AfterCommand::More(more) => {
                    *state = more;
                    Ok(None)
                }
                AfterCommand::Complete { context, command } => self.command(exchange, context, &command),
            },
            Exchange::DataSet(state, operation) => {
                state.check(&fragment)?;
                self.bytes += fragment.bytes.len() as u64;
                if let Operation::Store(store) = operation {
                    store.take(fragment.bytes).await;
                }
                if !fragment.last {
                    return Ok(None);
                }
                let command = match std::mem::take(exchange) {
                    Exchange::DataSet(_, Operation::Store(store)) => self.finish(*store).await,
                    Exchange::DataSet(_, Operation::Discard(answer)) => answer,
                    Exchange::Command(_) => return Ok(None),
                };
                Ok(Some(Answer { context, command }))
            }
        }
    }

    /// A command set is complete: answers it, or begins to take its data set.
    fn command(&mut self, exchange: &mut Exchange<S::Object>, context: u8, command: &Command) -> Result<Option<Answer>, Violation> {
        let Some(negotiated) = self.contexts.of(context) else { return Err(Violation::UnknownContext(context)) };
        if command.field == field::C_CANCEL_RQ {
            return Ok(None); // nothing that could be cancelled is ever going on; PS3.7 §9.3.2.3 wants no answer
        }
        if command.field & field::RESPONSE != 0 {
            return Err(Violation::UnexpectedResponse(command.field));
        }
        let reply = Reply::to(command).ok_or(Violation::NoMessageId)?;
        let operation = match command.field {
            field::C_STORE_RQ => Operation::Store(Box::new(self.begin(reply, command, negotiated))),
            field::C_ECHO_RQ => {
                self.metrics.echoed();
                Operation::Discard(reply.with(Ok(())))
            }
            _ => Operation::Discard(reply.with(Err(&Refusal::new(Status::UnrecognisedOperation, "only C-STORE and C-ECHO are offered")))),
        };
        if command.has_data_set {
            *exchange = Exchange::DataSet(AwaitingDataSet::on(context), operation);
            return Ok(None);
        }
        let command = match operation {
            Operation::Discard(answer) => answer,
            Operation::Store(store) => self.refuse(&store, &Refusal::new(Status::CannotUnderstand, "a C-STORE without data set")),
        };
        Ok(Some(Answer { context, command }))
    }

    fn begin(&self, reply: Reply, command: &Command, context: &Context) -> Store<S::Object> {
        let kept = self.admit(command, context).and_then(|request| {
            let object = self.sink.begin(&self.peer, &request)?;
            let scanner = HeaderScanner::new(&request.transfer_syntax);
            Ok(InFlight { object, scanner, sop_class: request.sop_class, sop_instance: request.sop_instance })
        });
        Store { reply, began: Instant::now(), bytes: 0, kept }
    }

    /// Whether the command set says enough, and something that was negotiated.
    fn admit(&self, command: &Command, context: &Context) -> Result<StoreRequest, Refusal> {
        let uid = |value: &Option<Result<Uid, _>>, name: &str| match value {
            Some(Ok(uid)) => Ok(uid.clone()),
            Some(Err(why)) => Err(Refusal::new(Status::CannotUnderstand, format!("{name}: {why}"))),
            None => Err(Refusal::new(Status::CannotUnderstand, format!("the command set lacks the {name} UID"))),
        };
        let sop_class = uid(&command.sop_class, "SOP class")?;
        let sop_instance = uid(&command.sop_instance, "SOP instance")?;
        if !self.contexts.stores_class(&sop_class) {
            return Err(Refusal::new(Status::NotAuthorised, "the SOP class was not negotiated"));
        }
        let transfer_syntax = context.transfer_syntax.clone();
        Ok(StoreRequest { sop_class, sop_instance, transfer_syntax, priority_high: command.priority_high })
    }

    /// The data set is complete: makes it durable and says so, or why not.
    async fn finish(&mut self, store: Store<S::Object>) -> Vec<u8> {
        let Store { reply, began, bytes, kept } = store;
        let outcome = match kept {
            Ok(in_flight) => in_flight.commit().await,
            Err(refusal) => Err(refusal),
        };
        let status = outcome.as_ref().map_or_else(|refusal| refusal.status, |()| Status::Success);
        self.metrics.stored(&self.peer.calling_ae, status.as_str(), outcome.is_ok().then_some(bytes), began.elapsed());
        match &outcome {
            Ok(()) => self.instances += 1,
            Err(refusal) => log_refusal(&self.peer, refusal),
        }
        reply.with(outcome.as_ref().copied())
    }

    fn refuse(&self, store: &Store<S::Object>, refusal: &Refusal) -> Vec<u8> {
        self.metrics.stored(&self.peer.calling_ae, refusal.status.as_str(), None, store.began.elapsed());
        log_refusal(&self.peer, refusal);
        store.reply.with(Err(refusal))
    }
}

fn log_refusal(peer: &Peer, refusal: &Refusal) {
    tracing::warn!(
        association = peer.association,
        calling_ae = %peer.calling_ae,
        status = refusal.status.as_str(),
        reason = refusal.comment,
        "C-STORE refused"
    );
}

impl<O: ObjectSink> Store<O> {
    /// Hands the next bytes on; after the first failure they are thrown away, and what came of the object goes.
    async fn take(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        let Ok(in_flight) = &mut self.kept else { return };
        if bytes.is_empty() {
            return;
        }
        if !in_flight.scanner.is_done() {
            in_flight.scanner.feed(bytes);
        }
        if let Err(error) = in_flight.object.write(bytes).await {
            self.kept = Err(error.into());
        }
    }
}

impl<O: ObjectSink> InFlight<O> {
    async fn commit(self) -> Result<(), Refusal> {
        let (facts, parsed) = self.scanner.finish();
        agree(&facts, &self.sop_class, &self.sop_instance)?;
        Ok(self.object.commit(facts, parsed).await?)
    }
}

/// Data set and command set must name the same object; what the data set does not say speaks against nothing.
fn agree(facts: &HeaderFacts, sop_class: &Uid, sop_instance: &Uid) -> Result<(), Refusal> {
    let check = |found: &Option<Uid>, expected: &Uid, what| match found {
        Some(found) if found != expected => {
            Err(Refusal::new(Status::DataSetMismatch, format!("{what} of data set and command set differ")))
        }
        _ => Ok(()),
    };
    check(&facts.sop_class_uid, sop_class, "SOP class")?;
    check(&facts.sop_instance_uid, sop_instance, "SOP instance")
}
