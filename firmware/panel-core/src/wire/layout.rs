//! Which bytes stand for what: fields in their order, variants by their numbers. What is here is the protocol; see [`super::VERSION`].

use super::{
    coding::{Coded, Reader, coded},
    command::{Action, Capabilities, Command, NetworkPlan},
    frame::Cobs,
    message::{Ack, Address, Alive, BoxHello, Bye, DisplayKind, Done, Event, EventCode, Level, Outcome, PanelHello, Secret, Step, Verdict},
    status::{
        Alert, Code, Destination, DestinationState, FailureKind, Held, HeldReason, Io, LastSent, LastStudy, Lock, Moment, Network, Peer,
        Queue, Refusal, Software, Status, Storage, StudyState, Update, Word,
    },
};

impl Coded for Moment {
    fn put(&self, to: &mut Cobs<'_>) {
        self.0.put(to);
    }

    fn get(&mut self, from: &mut Reader<'_>) {
        self.0.get(from);
    }
}

impl Coded for Capabilities {
    fn put(&self, to: &mut Cobs<'_>) {
        self.0.put(to);
    }

    fn get(&mut self, from: &mut Reader<'_>) {
        self.0.get(from);
    }
}

coded! {
    struct BoxHello { minor, capabilities }
    struct PanelHello { minor, display, build }
    struct Event { code, level, about }
    struct Ack { id, verdict }
    struct Done { id, outcome, took_ms }
    struct Secret { id, code, expires_s }
    struct Command { id, action }
    struct Alive { stuck_keys, display_ok, dropped }

    struct Status {
        now, uptime_s, word, lock, first_start, name, ae_title, dicom_port, tls_port, queue, last_sent, last_study, destinations,
        more_destinations, peers, more_peers, held, alerts, network, storage, software, history, history_most,
    }
    struct Queue { studies, sending, held, bytes, oldest_s }
    struct LastSent { at, modality }
    struct LastStudy { modality, ae_title, at, images, bytes, state, done, total, label }
    struct Destination { handle, name, state, since, latency_ms, waiting, held, next_try_s, failure }
    struct Peer { handle, ae_title, at, images, connected, refused, can_test }
    struct Held { handle, modality, at, images, reason, label }
    struct Alert { code, since, about }
    struct Network {
        address, prefix, dhcp, link, mbit, gateway, dns, clock, mac, host, https_port, fingerprint, reverts_in_s,
    }
    struct Storage { total, used, waiting, days_left, wear_percent, celsius, undervoltage, unclean_stops, low, refusing }
    struct Software { version, build, slot, update }
}

coded! {
    enum DisplayKind { 0 = Mono, 1 = Colour, 2 = Console }
    enum EventCode {
        0 = StudyArriving, 1 = StudyComplete, 2 = StudyDelivered, 3 = StudyHeld, 4 = DestinationDown, 5 = DestinationUp, 6 = Alert(code),
        7 = Other,
    }
    enum Level { 0 = Info, 1 = Warning, 2 = Error }
    enum Verdict {
        0 = Accepted, 1 = NotAllowed, 2 = Locked, 3 = NotAvailable, 4 = Unknown, 5 = Busy, 6 = Invalid, 7 = WrongPin(left),
        8 = Wait(seconds), 9 = WouldLose(studies),
    }
    enum Outcome { 0 = Good, 1 = Count(count), 2 = Some { good, asked }, 3 = Failed { step, detail } }
    enum Step { 0 = Name, 1 = Connect, 2 = Tls, 3 = Login, 4 = Service, 5 = Box, 6 = Time }
    enum Bye { 0 = Version(version), 1 = Full, 2 = Misbehaved, 3 = Stopping }
    enum Action {
        0 = TestDestination(handle), 1 = TestPeer(handle), 2 = TestAll, 3 = Retry(handle), 4 = RetryAll, 5 = Pause(handle),
        6 = Resume(handle), 7 = SetNetwork(plan), 8 = KeepNetwork, 9 = RevertNetwork, 10 = ShowSetupCode, 11 = Support, 12 = Update,
        13 = Rollback, 14 = AcknowledgeUpdate, 15 = Reboot, 16 = ShutDown, 17 = ResetCode, 18 = Reset { digits, lose_studies },
        19 = Unlock { pin, len }, 20 = Lock,
    }
    enum Address { 0 = V4(octets), 1 = V6(octets) }
    enum NetworkPlan { 0 = Dhcp, 1 = Static { address, prefix, gateway, dns } }

    enum Word { 0 = Ok, 1 = Degraded, 2 = Stopped }
    enum Lock { 0 = Open, 1 = Actions, 2 = All }
    enum StudyState { 0 = Arriving, 1 = Queued, 2 = Sending, 3 = Delivered, 4 = Held }
    enum DestinationState { 0 = Up, 1 = Down, 2 = Refused, 3 = Paused, 4 = Unknown }
    enum FailureKind {
        0 = Name, 1 = Connect, 2 = Tls, 3 = Line, 4 = Login, 5 = Http(status), 6 = Refused, 7 = Answer, 8 = Disk,
    }
    enum Refusal { 0 = CallingTitle, 1 = CalledTitle, 2 = Address, 3 = Busy, 4 = Full, 5 = Protocol }
    enum HeldReason {
        0 = NoDestination, 1 = DestinationGone, 2 = OtherVersion, 3 = Refused, 4 = TooLarge, 5 = TooLong, 6 = Unreadable, 7 = NotVerified,
    }
    enum Code {
        0 = E11, 1 = E21, 2 = E22, 3 = E23, 4 = E31, 5 = E32, 6 = E41, 7 = E51, 8 = E61, 9 = E71, 10 = E72, 11 = Other(number),
    }
    enum Io { 0 = Unknown, 1 = Good, 2 = Bad }
    enum Update { 0 = None, 1 = Running(percent), 2 = Ready(version), 3 = RolledBack { failed, at } }
}
