//! Accepts connections, counts them, and shuts down in order.

use std::{io::ErrorKind, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    task::{JoinError, JoinSet},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    acceptor::{Shared, serve_connection},
    admission::Lobby,
    options::ScpOptions,
    socket::QuickAck,
};
use crate::{Metrics, Sink};

/// Wait after a failed accept: it is out of descriptors, or of memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What the last connections have for their last word after the drain.
const LAST_WORD: Duration = Duration::from_secs(2);

/// Serves associations until `stop`; then accepts no more (new ones get the transient reject), lets objects in flight end (at most
/// `drain`), aborts the rest and returns when all are closed.
///
/// An association that has no object in flight when `stop` comes is aborted at once; the sender has got an answer to all it sent.
pub async fn serve<S: Sink>(
    listener: TcpListener,
    options: Arc<ScpOptions>,
    sink: Arc<S>,
    metrics: Metrics,
    stop: CancellationToken,
    drain: Duration,
) {
    let shared = Arc::new(Shared {
        lobby: Arc::new(Lobby::new(options.max_unassociated)),
        options,
        sink,
        metrics,
        admission: Arc::default(),
        give_up: CancellationToken::new(),
        stop,
    });
    let mut connections = JoinSet::new();
    accept(&listener, &shared, &mut connections, drain).await;
    drop(listener);
    shared.give_up.cancel();
    let all = async {
        while let Some(ended) = connections.join_next().await {
            notice(ended);
        }
    };
    if tokio::time::timeout(LAST_WORD, all).await.is_err() {
        connections.shutdown().await;
    }
}

/// Accepts until the drain is over.
async fn accept<S: Sink>(listener: &TcpListener, shared: &Arc<Shared<S>>, connections: &mut JoinSet<()>, drain: Duration) {
    let mut number = 0;
    let mut until: Option<Instant> = None;
    let mut pause = false;
    loop {
        if until.is_some() && shared.admission.open() == 0 {
            return;
        }
        tokio::select! {
            biased;
            () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => return,
            () = shared.stop.cancelled(), if until.is_none() => until = Some(Instant::now() + drain),
            Some(ended) = connections.join_next() => notice(ended),
            () = sleep(ACCEPT_PAUSE), if pause => pause = false,
            accepted = listener.accept(), if !pause => match accepted {
                Ok((stream, address)) => {
                    number += 1;
                    if let Ok(stream) = QuickAck::new(stream) {
                        connections.spawn(serve_connection(shared.clone(), stream, number, address));
                    } // else the peer is gone already
                }
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted) => {}
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    pause = true;
                }
            },
        }
    }
}

/// A panic ends its own connection only; the panic itself was reported by the hook.
fn notice(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "an association ended by a fault of the box");
    }
}
