//! Services that must not take each other down: one that panics is reported and started again, more slowly each time.

use std::{
    any::Any,
    time::{Duration, Instant},
};

use relaypacs_http::HttpMetrics;
use tokio_util::sync::CancellationToken;

/// Pauses before restarts, from the first to the longest.
#[derive(Debug, Clone, Copy)]
struct Pauses {
    first: Duration,
    longest: Duration,
}

const PAUSES: Pauses = Pauses { first: Duration::from_secs(1), longest: Duration::from_mins(1) };
/// A service that ran this long counts as healthy: its next restart comes quickly again.
const HEALTHY: Duration = Duration::from_mins(5);

/// Runs a service until `stop`. `start` is called for every start; what the service held is gone by then (nothing of a panicked service is
/// used again but what `start` clones).
pub(crate) async fn supervise<F, S>(name: &'static str, metrics: HttpMetrics, stop: CancellationToken, start: F)
where
    F: FnMut() -> S,
    S: Future<Output = ()> + Send + 'static,
{
    supervise_with(PAUSES, name, stop, start, || metrics.service_restarted(name)).await;
}

async fn supervise_with<F, S>(pauses: Pauses, name: &'static str, stop: CancellationToken, mut start: F, restarting: impl Fn())
where
    F: FnMut() -> S,
    S: Future<Output = ()> + Send + 'static,
{
    let mut pause = pauses.first;
    loop {
        let began = Instant::now();
        let ended = tokio::spawn(start()).await;
        if let Err(failed) = ended {
            let reason = failed.try_into_panic().map_or_else(|_| "it was cancelled".to_owned(), |panic| said(panic.as_ref()));
            tracing::error!(service = name, reason, pause_s = pause.as_secs(), "a service failed; it is started again");
        } else if !stop.is_cancelled() {
            tracing::error!(service = name, pause_s = pause.as_secs(), "a service ended by itself; it is started again");
        }
        if began.elapsed() > HEALTHY {
            pause = pauses.first;
        }
        if stop.is_cancelled() || stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
        restarting();
        pause = (pause * 2).min(pauses.longest);
    }
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no reason given".into()).chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn a_service_that_panics_is_started_again_and_stops_when_asked() {
        let (stop, starts) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let (stopper, counter) = (stop.clone(), starts.clone());
        let pauses = Pauses { first: Duration::from_millis(1), longest: Duration::from_millis(2) };
        let start = move || {
            let (stopper, nth) = (stopper.clone(), counter.fetch_add(1, Ordering::SeqCst));
            async move {
                assert!(nth >= 3, "panic {nth}");
                stopper.cancel();
            }
        };
        let restarts = AtomicUsize::new(0);
        supervise_with(pauses, "test", stop, start, || {
            restarts.fetch_add(1, Ordering::SeqCst);
        })
        .await;
        assert_eq!((starts.load(Ordering::SeqCst), restarts.load(Ordering::SeqCst)), (4, 3));
    }
}
