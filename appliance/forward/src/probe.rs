//! Asks whether a destination answers at all: a TCP connection, then a cheap query.
//!
//! After an outage the first packet decides how soon it is noticed: a connection attempt sends its packets after 1, 3, 7 … seconds. So a
//! new attempt is begun every second, and the first that succeeds counts.

use std::{net::SocketAddr, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use relaypacs_domain::{Failure, FailureCode};
use tokio::time::{Instant, interval, timeout};

use crate::{
    breaker::Probed,
    dicomweb::Service,
    echo::{connect, resolve},
};

const EVERY: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(10);

/// What was found out, with the time the query took or the reason why there is no answer.
pub(crate) type Finding = (Probed, Result<Duration, Failure>);

/// Probes a DICOMweb service.
pub(crate) async fn service(service: &Service) -> Finding {
    if let Err(failure) = reachable(service).await {
        return (Probed::Nothing, Err(failure));
    }
    match query(service).await {
        Ok(took) => (Probed::Answered, Ok(took)),
        // no TLS, no line: not even the trial could be sent
        Err(failure) if matches!(failure.code, FailureCode::Tls | FailureCode::Connect) => (Probed::Nothing, Err(failure)),
        Err(failure) => (Probed::Connected, Err(failure)),
    }
}

async fn reachable(service: &Service) -> Result<(), Failure> {
    let longest = service.connect_timeout().min(LONGEST);
    let host = service.base.host_str().unwrap_or_default();
    let address = resolve(host, service.base.port_or_known_default().unwrap_or(80), longest).await?;
    first_connection(address, longest).await
}

async fn query(service: &Service) -> Result<Duration, Failure> {
    let began = Instant::now();
    let answer = timeout(LONGEST, service.ping()).await;
    let status = answer.map_err(|_| Failure::new(FailureCode::Line, "no answer to a query"))??.as_u16();
    match status {
        // what a proxy says when there is nothing behind it; anything else comes from somebody who is at home
        502..=504 => Err(Failure::new(FailureCode::Http(status), format!("a query was answered {status}"))),
        _ => Ok(began.elapsed()),
    }
}

/// The first attempt that ends decides: refused is refused, and none can end by time before all others have had theirs.
async fn first_connection(address: SocketAddr, longest: Duration) -> Result<(), Failure> {
    let end = Instant::now() + longest;
    let (mut attempts, mut ticks) = (FuturesUnordered::new(), interval(EVERY));
    loop {
        tokio::select! {
            _ = ticks.tick() => attempts.push(connect(address, end.saturating_duration_since(Instant::now()))),
            Some(result) = attempts.next() => return result.map(|_| ()),
        }
    }
}
