//! One connection from accept to close: the acceptor's side of PS3.8 §9.2.
//!
//! ```text
//! Sta2  awaiting A-ASSOCIATE-RQ   ARTIM from accept     → Sta6, or reject/abort → Sta13, or close
//! Sta6  established               idle timeout          → release or abort → Sta13, or lost
//! Sta13 awaiting close            ARTIM                 → closed
//! ```
//!
//! In Sta2 and Sta13 the socket sits in the [`Lobby`], in Sta6 it has a [`Slot`](super::admission::Slot).

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{
    admission::{Admission, Lobby, Reject, Seat, Slot, check},
    link::{Broken, Link, Opening, Stream},
    negotiation::{acceptance, negotiate},
    options::ScpOptions,
    pdu::{PDV_HEADER, PduReader, Piece, RELEASE_RP, append_command},
    request::{Request, printable},
    session::{Exchange, Session},
    violation::{AbortReason, Violation},
};
use crate::{Metrics, Peer, Sink, Unavailable};

/// One read brings at most this much; also what an association handles before the others get their turn. 256 KiB were no cheaper in CPU and
/// cost 12 MB more for 64 associations.
const READ_BUFFER: usize = 64 << 10;

/// What all connections of a listener share.
pub(crate) struct Shared<S> {
    pub(crate) options: Arc<ScpOptions>,
    pub(crate) sink: Arc<S>,
    pub(crate) metrics: Metrics,
    pub(crate) admission: Arc<Admission>,
    pub(crate) lobby: Arc<Lobby>,
    /// No new associations, no new messages.
    pub(crate) stop: CancellationToken,
    /// Objects in flight are given up, too.
    pub(crate) give_up: CancellationToken,
}

/// An accepted association.
struct Established<S: Sink> {
    session: Session<S>,
    /// What the peer receives at most; `None`: anything.
    peer_max_pdu: Option<u32>,
    slot: Slot,
}

/// How an association ended.
enum End {
    Released,
    PeerAborted(u8, u8),
    Lost,
    Idle,
    Violated(Violation),
    Stopped,
}

impl End {
    const fn label(&self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::PeerAborted(..) => "aborted_by_peer",
            Self::Lost => "lost",
            Self::Idle => "idle_timeout",
            Self::Violated(_) => "protocol_error",
            Self::Stopped => "stopped",
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::PeerAborted(source, reason) => Some(format!("source {source}, reason {reason}")),
            Self::Violated(violation) => Some(violation.to_string()),
            Self::Released | Self::Lost | Self::Idle | Self::Stopped => None,
        }
    }
}

impl From<Broken> for End {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Lost => Self::Lost,
            Broken::Idle => Self::Idle,
        }
    }
}

impl From<Violation> for End {
    fn from(violation: Violation) -> Self {
        Self::Violated(violation)
    }
}

/// What a handshake led to.
enum Handshake<S: Sink> {
    Established(Box<Established<S>>),
    /// The peer was told why not and has to close.
    Refused,
    /// Nobody is there any more.
    Gone,
}

/// Serves one connection until it is closed.
pub(crate) async fn serve_connection<S: Sink, T: Stream>(shared: Arc<Shared<S>>, stream: T, number: u64, address: SocketAddr) {
    let mut link = Link::new(stream, shared.options.idle_timeout);
    let address = SocketAddr::new(address.ip().to_canonical(), address.port());
    let seat = shared.lobby.enter(number, address.ip());
    let artim = Instant::now() + shared.options.artim;
    let handshake = tokio::select! {
        biased;
        () = seat.taken() => Ok(Handshake::Gone),
        () = shared.give_up.cancelled() => Ok(Handshake::Gone),
        handshake = timeout_at(artim, shake_hands(&shared, &mut link, number, address)) => handshake,
    };
    match handshake {
        Ok(Handshake::Established(established)) => {
            drop(seat);
            let linger = exchange(&shared, &mut link, *established).await;
            if linger {
                let seat = shared.lobby.enter(number, address.ip());
                await_close(&shared, link, &seat).await;
            }
        }
        Ok(Handshake::Refused) => await_close(&shared, link, &seat).await,
        Ok(Handshake::Gone) => tracing::debug!(association = number, %address, "closed before an association was asked for"),
        Err(_) => {
            shared.metrics.rejected("", "artim", "no association was asked for in time");
            tracing::info!(association = number, %address, outcome = "artim", "no association was asked for in time");
        }
    }
}

async fn await_close<S: Sink, T: Stream>(shared: &Shared<S>, link: Link<T>, seat: &Seat) {
    tokio::select! {
        () = seat.taken() => {}
        () = link.await_close(shared.options.artim, &shared.stop) => {}
    }
}

/// Sta2: reads the request and answers it.
async fn shake_hands<S: Sink, T: Stream>(shared: &Shared<S>, link: &mut Link<T>, number: u64, address: SocketAddr) -> Handshake<S> {
    let request = match link.opening().await {
        Ok(Opening::Gone) => return Handshake::Gone,
        Ok(Opening::Request(body)) => Request::read(&body),
        Err(violation) => Err(violation),
    };
    let answered = match &request {
        Ok(request) => decide(shared, request, number, address),
        Err(violation) => Err(Refused::Violated(violation.clone())),
    };
    let refused = match answered {
        Ok((established, acceptance)) if link.write(&acceptance).await.is_ok() => return Handshake::Established(Box::new(established)),
        Ok(_) => return Handshake::Gone,
        Err(refused) => refused,
    };
    let calling_ae = request.map(|request| printable(&request.calling)).unwrap_or_default();
    let (label, outcome, reason) = match &refused {
        Refused::Rejected(reject) => (reject.label(), "rejected", reject.to_string()),
        Refused::Violated(violation) => ("protocol_error", "aborted", violation.to_string()),
    };
    shared.metrics.rejected(&calling_ae, label, &reason);
    tracing::warn!(association = number, calling_ae, %address, outcome, reason, "association refused");
    match refused {
        Refused::Rejected(reject) => {
            let _ = link.write(&reject.pdu()).await; // the peer may be gone already
        }
        Refused::Violated(violation) => link.abort(violation.reason()).await,
    }
    Handshake::Refused
}

/// Why an association does not come about.
enum Refused {
    Rejected(Reject),
    Violated(Violation),
}

impl From<Reject> for Refused {
    fn from(reject: Reject) -> Self {
        Self::Rejected(reject)
    }
}

impl From<Violation> for Refused {
    fn from(violation: Violation) -> Self {
        Self::Violated(violation)
    }
}

/// Whether the request is accepted: first what lasts (titles), then what passes (limits, room). Gives the association and its
/// A-ASSOCIATE-AC.
fn decide<S: Sink>(shared: &Shared<S>, request: &Request, number: u64, address: SocketAddr) -> Result<(Established<S>, Vec<u8>), Refused> {
    let options = &shared.options;
    let peer_max_pdu = request.max_pdu();
    if let Some(length) = peer_max_pdu.filter(|length| *length <= PDV_HEADER as u32) {
        return Err(Violation::PeerMaxPdu(length).into());
    }
    let (called_ae, calling_ae, of_peer) = check(request, address.ip(), options)?;
    let (contexts, results) = negotiate(&request.rq.presentation_contexts)?;
    if shared.stop.is_cancelled() {
        return Err(Reject::Unavailable(Unavailable::Closing).into());
    }
    let slot = shared.admission.admit(&calling_ae, address.ip(), options.max_associations, of_peer)?;
    shared.sink.ready().map_err(Reject::Unavailable)?;
    let acceptance = acceptance(request, &contexts, results, options.offered_max_pdu())?;
    let peer = Peer { association: number, calling_ae, called_ae, address, implementation: request.implementation() };
    let session = Session::new(shared.sink.clone(), shared.metrics.clone(), contexts, peer);
    Ok((Established { session, peer_max_pdu, slot }, acceptance))
}

/// Sta6 and its end; whether the peer is still there and has to close.
async fn exchange<S: Sink, T: Stream>(shared: &Shared<S>, link: &mut Link<T>, established: Established<S>) -> bool {
    let Established { mut session, peer_max_pdu, slot } = established;
    let began = Instant::now();
    let mut open = shared.metrics.accepted(&session.peer.calling_ae);
    let ended = Ended { sink: shared.sink.clone(), peer: session.peer.clone() };
    let end = tokio::select! {
        biased;
        () = shared.give_up.cancelled() => Stopped,
        end = run(shared, link, &mut session, peer_max_pdu) => end,
    };
    open.ends(end.label());
    report(&session, began.elapsed(), &end);
    // Its objects are committed or gone, its place is free before the peer reads our last word: it may associate again at once.
    drop((ended, open, slot, session));
    match end {
        Released => link.write(&RELEASE_RP).await.is_ok(),
        Idle | Stopped => {
            link.abort(AbortReason::NotSpecified).await;
            true
        }
        Violated(violation) => {
            link.abort(violation.reason()).await;
            true
        }
        PeerAborted(..) | Lost => false,
    }
}

use End::{Idle, Lost, PeerAborted, Released, Stopped, Violated};

/// Tells the sink, whatever way the association ends.
struct Ended<S: Sink> {
    sink: Arc<S>,
    peer: Peer,
}

impl<S: Sink> Drop for Ended<S> {
    fn drop(&mut self) {
        self.sink.ended(&self.peer);
    }
}

/// The one line of an association.
fn report<S: Sink>(session: &Session<S>, took: Duration, end: &End) {
    let Peer { association, calling_ae, called_ae, address, implementation } = &session.peer;
    tracing::info!(
        association,
        %calling_ae,
        %called_ae,
        %address,
        implementation,
        instances = session.instances,
        bytes = session.bytes,
        seconds = (took.as_secs_f64() * 1e3).round() / 1e3,
        outcome = end.label(),
        detail = end.detail(),
        "association ended"
    );
}

/// Sta6: reads, hands on and answers until something ends it.
async fn run<S: Sink, T: Stream>(shared: &Shared<S>, link: &mut Link<T>, session: &mut Session<S>, peer_max_pdu: Option<u32>) -> End {
    let mut reader = PduReader::new(READ_BUFFER, shared.options.offered_max_pdu());
    let mut state = Exchange::default();
    let mut answers = Vec::new();
    let mut since_yield = 0;
    loop {
        let read = tokio::select! {
            biased;
            () = shared.stop.cancelled(), if state.is_between_messages() => return Stopped,
            read = link.read(reader.space()) => read,
        };
        match read {
            Ok(count) => {
                reader.filled(count);
                since_yield += count;
            }
            Err(broken) => return broken.into(),
        }
        loop {
            let fragment = match reader.next() {
                Ok(None) => break,
                Ok(Some(Piece::Fragment(fragment))) => fragment,
                Ok(Some(Piece::ReleaseRequest)) => return Released,
                Ok(Some(Piece::ReleaseResponse)) => return Violation::UnexpectedPdu { got: 6, expected: "no answer to a release" }.into(),
                Ok(Some(Piece::Abort(source, reason))) => return PeerAborted(source, reason),
                Err(violation) => return violation.into(),
            };
            match session.handle(&mut state, fragment).await {
                Ok(None) => {}
                Ok(Some(answer)) => {
                    answers.clear();
                    append_command(&mut answers, answer.context, &answer.command, peer_max_pdu.unwrap_or(u32::MAX));
                    if let Err(broken) = link.write(&answers).await {
                        return broken.into();
                    }
                }
                Err(violation) => return violation.into(),
            }
        }
        if since_yield >= READ_BUFFER {
            since_yield = 0;
            tokio::task::yield_now().await; // a fast sender must not keep others from their turn
        }
    }
}
