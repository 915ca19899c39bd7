//! Who may associate, and how many at a time: titles, allow-list, limits, and the exact rejects (PS3.8 §9.3.4).

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use relaypacs_domain::AeTitle;
use tokio_util::sync::CancellationToken;

use super::{negotiation::APPLICATION_CONTEXT, options::ScpOptions, request::Request};
use crate::Unavailable;

/// An A-ASSOCIATE-RJ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reject {
    ProtocolVersion,
    ApplicationContext,
    CalledTitle,
    CallingTitle,
    TooMany,
    TooManyOfPeer,
    Unavailable(Unavailable),
}

impl Reject {
    /// Result, source and reason (PS3.8 table 9-21).
    const fn codes(self) -> [u8; 3] {
        match self {
            Self::ProtocolVersion => [1, 2, 2],
            Self::ApplicationContext => [1, 1, 2],
            Self::CalledTitle => [1, 1, 7],
            Self::CallingTitle => [1, 1, 3],
            Self::TooMany | Self::TooManyOfPeer => [2, 3, 2],
            Self::Unavailable(_) => [2, 3, 1],
        }
    }

    /// The whole PDU.
    pub(crate) const fn pdu(self) -> [u8; 10] {
        let [result, source, reason] = self.codes();
        [3, 0, 0, 0, 0, 4, 0, result, source, reason]
    }

    /// Label in metrics.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::ProtocolVersion => "protocol_version",
            Self::ApplicationContext => "application_context",
            Self::CalledTitle => "called_ae",
            Self::CallingTitle => "calling_ae",
            Self::TooMany => "too_many",
            Self::TooManyOfPeer => "too_many_of_peer",
            Self::Unavailable(Unavailable::Full) => "disk_full",
            Self::Unavailable(Unavailable::Closing) => "closing",
            Self::Unavailable(Unavailable::Failing) => "storage_failing",
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProtocolVersion => f.write_str("protocol version 1 is not offered"),
            Self::ApplicationContext => f.write_str("the application context is not DICOM's"),
            Self::CalledTitle => f.write_str("the called AE title is not this box's"),
            Self::CallingTitle => f.write_str("the calling AE title is not admitted from this address"),
            Self::TooMany => f.write_str("too many associations in all"),
            Self::TooManyOfPeer => f.write_str("too many associations of this peer"),
            Self::Unavailable(why) => fmt::Display::fmt(why, f),
        }
    }
}

/// Checks version, application context and titles. Gives called and calling title and how many associations the peer may have.
pub(crate) fn check(request: &Request, address: IpAddr, options: &ScpOptions) -> Result<(AeTitle, AeTitle, usize), Reject> {
    if !request.version_1 {
        return Err(Reject::ProtocolVersion);
    }
    if request.rq.application_context_name.trim_end_matches('\0') != APPLICATION_CONTEXT {
        return Err(Reject::ApplicationContext);
    }
    let called = AeTitle::from_value(&request.called).ok().filter(|title| *title == options.ae_title).ok_or(Reject::CalledTitle)?;
    let calling = AeTitle::from_value(&request.calling).map_err(|_| Reject::CallingTitle)?;
    let known = options.modalities.all();
    if known.is_empty() {
        return Ok((called, calling, options.max_associations_per_peer));
    }
    let from_here = |admitted: Option<IpAddr>| admitted.is_none_or(|admitted| admitted.to_canonical() == address);
    let modality = known.iter().find(|modality| modality.ae_title == calling && from_here(modality.address));
    let limit = modality.ok_or(Reject::CallingTitle)?.max_associations;
    Ok((called, calling, limit.unwrap_or(options.max_associations_per_peer)))
}

/// Counts the open associations, in all and per peer (calling title and address).
#[derive(Debug, Default)]
pub(crate) struct Admission {
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_peer: HashMap<(AeTitle, IpAddr), usize>,
}

impl Admission {
    /// Takes a place, which is given back when the slot is dropped.
    pub(crate) fn admit(self: &Arc<Self>, calling: &AeTitle, address: IpAddr, in_all: usize, of_peer: usize) -> Result<Slot, Reject> {
        let peer = (calling.clone(), address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.total >= in_all {
            return Err(Reject::TooMany);
        }
        if open.by_peer.get(&peer).is_some_and(|count| *count >= of_peer) || of_peer == 0 {
            return Err(Reject::TooManyOfPeer);
        }
        open.total += 1;
        *open.by_peer.entry(peer.clone()).or_default() += 1;
        Ok(Slot { admission: self.clone(), peer })
    }

    /// How many are open.
    pub(crate) fn open(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).total
    }
}

/// The place of one association.
#[derive(Debug)]
pub(crate) struct Slot {
    admission: Arc<Admission>,
    peer: (AeTitle, IpAddr),
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.admission.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total = open.total.saturating_sub(1);
        if let Some(count) = open.by_peer.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                open.by_peer.remove(&self.peer);
            }
        }
    }
}

/// Sockets without an association: before the handshake is over and while the peer is to close (PS3.8 states Sta2 and Sta13). When it is
/// full, the oldest of the address with most sockets leaves, so that nobody who only sits there keeps others out.
#[derive(Debug)]
pub(crate) struct Lobby {
    max: usize,
    seats: Mutex<BTreeMap<u64, (IpAddr, CancellationToken)>>,
}

impl Lobby {
    /// For at most `max` sockets.
    pub(crate) fn new(max: usize) -> Self {
        Self { max: max.max(1), seats: Mutex::default() }
    }

    /// Takes a seat; `number` grows with every call.
    pub(crate) fn enter(self: &Arc<Self>, number: u64, address: IpAddr) -> Seat {
        let leave = CancellationToken::new();
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if seats.len() >= self.max {
            let mut by_address: HashMap<IpAddr, (usize, u64)> = HashMap::new();
            for (number, (address, _)) in seats.iter() {
                by_address.entry(*address).or_insert((0, *number)).0 += 1;
            }
            let busiest = by_address.into_values().max_by_key(|(count, oldest)| (*count, std::cmp::Reverse(*oldest)));
            if let Some((_, leave)) = busiest.and_then(|(_, oldest)| seats.remove(&oldest)) {
                leave.cancel();
            }
        }
        seats.insert(number, (address, leave.clone()));
        Seat { lobby: self.clone(), number, leave }
    }
}

/// The place of a socket without an association.
#[derive(Debug)]
pub(crate) struct Seat {
    lobby: Arc<Lobby>,
    number: u64,
    leave: CancellationToken,
}

impl Seat {
    /// Ends when the seat is needed by somebody else.
    pub(crate) async fn taken(&self) {
        self.leave.cancelled().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.lobby.seats.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn limits_count_in_all_and_per_peer_and_places_come_back() {
        let admission = Arc::new(Admission::default());
        let title: AeTitle = "CT1".parse().expect("a title");
        let first = admission.admit(&title, address(1), 3, 2).expect("a place");
        let _second = admission.admit(&title, address(1), 3, 2).expect("a place");
        assert_eq!(admission.admit(&title, address(1), 3, 2).err(), Some(Reject::TooManyOfPeer));
        let _other_address = admission.admit(&title, address(2), 3, 2).expect("a place");
        assert_eq!(admission.admit(&title, address(3), 3, 2).err(), Some(Reject::TooMany));
        drop(first);
        assert_eq!(admission.open(), 2);
        assert!(admission.admit(&title, address(1), 3, 2).is_ok());
    }

    #[test]
    fn a_full_lobby_shows_the_oldest_of_the_busiest_address_out() {
        let lobby = Arc::new(Lobby::new(3));
        let good = lobby.enter(1, address(1));
        let idle: Vec<Seat> = (2..=3).map(|n| lobby.enter(n, address(2))).collect();
        let next = lobby.enter(4, address(2));
        let shown_out = |seat: &Seat| seat.leave.is_cancelled();
        assert_eq!((shown_out(&good), shown_out(&idle[0]), shown_out(&idle[1]), shown_out(&next)), (false, true, false, false));
        drop(idle);
        drop(next);
        let _more: Vec<Seat> = (5..=6).map(|n| lobby.enter(n, address(3))).collect();
        assert!(!shown_out(&good));
    }
}
