//! Changing the network from the panel: a validated request for the root helper, and the way back if nobody confirms.
//!
//! `network-request.json`: `{"request": 7, "revert_after_s": 60, "method": "dhcp"}`, or with `"method": "static", "address": "192.0.2.7/24",
//! "gateway": "192.0.2.1", "dns": ["192.0.2.1"]`; then `{"request": 7, "method": "keep"}` or `{"request": 7, "method": "revert"}`. The helper keeps
//! what was before until it is told to keep the new one, and goes back by itself should the daemon not live to say so. The 60 s are
//! `panel.network_confirm`.

use std::{
    io,
    net::Ipv4Addr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use relaypacs_domain::Clock;
use relaypacs_panel_core::wire::NetworkPlan;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::requests::{Request, Requests};

/// The change under way, if there is one.
pub(super) struct NetworkChange {
    clock: Clock,
    /// A change that nobody confirms goes back after this time.
    confirm_within: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    number: u64,
    /// Boot time at which it goes back.
    until: Option<Duration>,
}

impl NetworkChange {
    pub(super) fn new(clock: Clock, confirm_within: Duration) -> Self {
        Self { clock, confirm_within, state: Mutex::default() }
    }

    /// Seconds until the change goes back; 0: there is none.
    pub(super) fn reverts_in_s(&self) -> u16 {
        let until = self.state.lock().unwrap_or_else(PoisonError::into_inner).until;
        until.map_or(0, |until| u16::try_from(until.saturating_sub(self.clock.boot()).as_secs()).unwrap_or(u16::MAX).max(1))
    }

    /// Asks for a change.
    pub(super) async fn ask(&self, requests: &Requests, plan: &NetworkPlan) -> io::Result<()> {
        let number = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.number += 1;
            state.until = Some(self.clock.boot() + self.confirm_within);
            state.number
        };
        let asked = requests.leave(Request::Network, body(number, plan, self.confirm_within).to_string().into_bytes()).await;
        if asked.is_err() {
            self.state.lock().unwrap_or_else(PoisonError::into_inner).until = None;
        }
        asked
    }

    /// Ends the change under way: keeps the new network, or goes back. `false`: there is none.
    pub(super) async fn end(&self, requests: &Requests, keep: bool) -> io::Result<bool> {
        let ended = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.until.take().map(|_| state.number)
        };
        let Some(number) = ended else { return Ok(false) };
        let method = if keep { "keep" } else { "revert" };
        requests.leave(Request::Network, json!({ "request": number, "method": method }).to_string().into_bytes()).await.map(|()| true)
    }

    /// Waits for a change that nobody confirms and goes back then. `false`: `stop` came first.
    pub(super) async fn goes_back(&self, requests: &Requests, stop: &CancellationToken) -> bool {
        let mut look = tokio::time::interval(Duration::from_millis(500));
        while stop.run_until_cancelled(look.tick()).await.is_some() {
            let over = {
                let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.until.is_some_and(|until| self.clock.boot() >= until)
            };
            if !over {
                continue;
            }
            match self.end(requests, false).await {
                // Somebody decided just now.
                Ok(false) => {}
                Ok(true) => {
                    tracing::warn!("nobody confirmed the changed network: back to the one before");
                    return true;
                }
                Err(error) => tracing::error!(%error, "the network cannot be changed back; the helper does it by itself"),
            }
        }
        false
    }
}

/// The request as the helper reads it.
fn body(number: u64, plan: &NetworkPlan, confirm_within: Duration) -> Value {
    let revert_after_s = confirm_within.as_secs();
    match plan {
        NetworkPlan::Dhcp => json!({ "request": number, "revert_after_s": revert_after_s, "method": "dhcp" }),
        NetworkPlan::Static { address, prefix, gateway, dns } => {
            let some = |octets: &[u8; 4]| Some(Ipv4Addr::from(*octets)).filter(|address| !address.is_unspecified());
            json!({
                "request": number,
                "revert_after_s": revert_after_s,
                "method": "static",
                "address": format!("{}/{prefix}", Ipv4Addr::from(*address)),
                "gateway": some(gateway),
                "dns": some(dns).into_iter().collect::<Vec<_>>(),
            })
        }
    }
}

/// Whether a plan makes sense: a host's address in a network in which the gateway is.
pub(super) fn is_sound(plan: &NetworkPlan) -> bool {
    let NetworkPlan::Static { address, prefix, gateway, dns } = plan else { return true };
    if !(1..=30).contains(prefix) {
        return false;
    }
    let mask = u32::MAX << (32 - u32::from(*prefix));
    let host = |octets: &[u8; 4]| {
        let address = Ipv4Addr::from(*octets);
        let bits = u32::from(address);
        let usable = !address.is_loopback() && !address.is_multicast() && !address.is_unspecified() && octets[0] < 240 && octets[0] > 0;
        usable && bits & !mask != 0 && bits & !mask != !mask
    };
    let inside = |octets: &[u8; 4]| u32::from_be_bytes(*octets) & mask == u32::from_be_bytes(*address) & mask;
    let name_server = |octets: &[u8; 4]| *octets == [0; 4] || (octets[0] > 0 && octets[0] < 224 && octets[0] != 127);
    host(address) && (*gateway == [0; 4] || (host(gateway) && inside(gateway) && gateway != address)) && name_server(dns)
}
