//! What systemd is told: ready, stopping, and a heartbeat while the runtime answers.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

/// The box takes studies.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The box is shutting down.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Sends the heartbeat that `WatchdogSec=` asks for, at half its interval, until `stop`. It comes from the runtime's own workers: when
/// those hang, it stops and systemd starts the box anew.
pub(crate) async fn heartbeat(stop: CancellationToken) {
    let Some(interval) = sd_notify::watchdog_enabled().filter(|interval| *interval > Duration::ZERO) else {
        return stop.cancelled().await;
    };
    let mut beat = tokio::time::interval(interval / 2);
    while stop.run_until_cancelled(beat.tick()).await.is_some() {
        tell(&[NotifyState::Watchdog]);
    }
}

/// Tells systemd something. Without systemd there is no socket and nothing happens.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd cannot be told how the box is");
    }
}
