//! One panel: what it is told, what it asks, and when it has to go.

use std::{collections::VecDeque, io, sync::Arc, time::Duration};

use relaypacs_domain::AlertCode;
use relaypacs_panel_core::wire::{
    Ack, Action, Alive, BoxHello, Bye, Capability, Command, FrameError, FrameReader, FromBox, FromPanel, Lock, MAX_FRAME, MINOR,
    MessageError, Status, VERSION, Verdict, encode,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixStream, unix::OwnedWriteHalf},
    sync::{broadcast::error::RecvError, mpsc},
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Seat, Shared, commands, lock::Tried};
use crate::config::PanelLock;

/// A panel that takes nothing for this long is closed.
const UNREAD: Duration = Duration::from_secs(5);
/// Bytes that the kernel may hold for a panel: a few statuses.
const SEND_BUFFER: usize = 8 * 1024;
/// Bad frames in a row after which a panel is closed.
const BAD_FRAMES: u32 = 8;
/// Commands whose ids are remembered.
const REMEMBERED: usize = 16;
/// Commands under way for one panel.
const AT_ONCE: usize = 4;
/// Answers of commands that wait to be written.
const ANSWERS: usize = 16;
/// A panel that was unlocked locks again without a command for this long.
const LOCKS_AFTER: Duration = Duration::from_mins(5);

/// Why a session ends.
enum End {
    /// The panel has gone.
    Gone,
    /// It is told so.
    Told(Bye),
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// The writing end, which never waits for long.
struct Writer {
    half: OwnedWriteHalf,
    sequence: u16,
}

impl Writer {
    async fn send(&mut self, message: &FromBox) -> Result<(), End> {
        let mut frame = [0; MAX_FRAME];
        let Ok(len) = encode(message, self.sequence, &mut frame) else {
            tracing::error!("a message to the panel does not fit a frame");
            return Ok(());
        };
        self.sequence = self.sequence.wrapping_add(1);
        match timeout(UNREAD, self.half.write_all(&frame[..len])).await {
            Ok(written) => Ok(written?),
            // Half a frame may have gone: nothing more can be said.
            Err(_) => {
                tracing::warn!("a panel does not read and is closed");
                Err(End::Gone)
            }
        }
    }
}

/// Tells a panel that there are enough.
pub(super) async fn turn_away(stream: UnixStream) {
    let mut writer = Writer { half: stream.into_split().1, sequence: 0 };
    // It may have gone.
    let _ = writer.send(&FromBox::Bye(Bye::Full)).await;
}

struct Session {
    shared: Arc<Shared>,
    writer: Writer,
    answers: mpsc::Sender<FromBox>,
    under_way: JoinSet<()>,
    /// The last ids with their verdicts: an id is carried out once.
    known: VecDeque<(u16, Verdict)>,
    unlocked_until: Option<Instant>,
    greeted: bool,
    bad_frames: u32,
}

/// Talks to one panel until it ends, goes or the box stops.
pub(super) async fn run(stream: UnixStream, shared: Arc<Shared>, seat: Seat, stop: CancellationToken) {
    // The kernel is not to hold minutes of statuses for a panel that does not read.
    if let Err(error) = socket2::SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER) {
        tracing::debug!(%error, "the panel socket keeps its send buffer");
    }
    let (mut reading, half) = stream.into_split();
    let (answers, mut answered) = mpsc::channel(ANSWERS);
    let mut status = shared.status.subscribe();
    let mut events = shared.events.subscribe();
    let mut session = Session {
        shared: shared.clone(),
        writer: Writer { half, sequence: 0 },
        answers,
        under_way: JoinSet::new(),
        known: VecDeque::new(),
        unlocked_until: None,
        greeted: false,
        bad_frames: 0,
    };
    let (mut reader, mut buffer) = (FrameReader::new(), [0; 1024]);
    shared.changed.notify_one();
    let ended = async {
        session.writer.send(&FromBox::Hello(BoxHello { minor: MINOR, capabilities: shared.capabilities })).await?;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err::<(), End>(End::Told(Bye::Stopping)),
                Some(answer) = answered.recv() => session.writer.send(&answer).await?,
                read = reading.read(&mut buffer) => match read? {
                    0 => return Err(End::Gone),
                    len => session.take(&mut reader, &buffer[..len]).await?,
                },
                changed = status.changed() => {
                    let latest = status.borrow_and_update().clone();
                    if let (Ok(()), Some(latest)) = (changed, latest) {
                        let shown = session.shown(&latest);
                        session.writer.send(&FromBox::Status(shown)).await?;
                    }
                }
                event = events.recv() => match event {
                    Ok(event) if session.may_look() => session.writer.send(&FromBox::Event(event)).await?,
                    Ok(_) => {}
                    Err(RecvError::Lagged(missed)) => tracing::debug!(missed, "a panel missed events"),
                    Err(RecvError::Closed) => return Err(End::Told(Bye::Stopping)),
                },
                Some(_) = session.under_way.join_next() => {}
            }
        }
    }
    .await;
    if let Err(End::Told(bye)) = ended {
        // It may have gone.
        let _ = session.writer.send(&FromBox::Bye(bye)).await;
    }
    session.under_way.shutdown().await;
    // What this panel said about itself holds no longer.
    shared.app.conditions.set(AlertCode::E71, None);
    shared.app.conditions.set(AlertCode::E72, None);
    drop(seat);
    tracing::info!("a panel is gone");
}

impl Session {
    /// Bytes from the panel.
    async fn take(&mut self, reader: &mut FrameReader, mut bytes: &[u8]) -> Result<(), End> {
        while !bytes.is_empty() {
            let (taken, frame) = reader.take(bytes);
            bytes = &bytes[taken..];
            match frame.map(|frame| frame.map(|frame| frame.message::<FromPanel>())) {
                None => {}
                Some(Ok(Ok(message))) => {
                    self.bad_frames = 0;
                    self.message(message).await?;
                }
                Some(Ok(Err(MessageError::Version(theirs)))) => {
                    tracing::warn!(theirs, ours = VERSION, "a panel speaks another version");
                    return Err(End::Told(Bye::Version(VERSION)));
                }
                Some(Err(FrameError::TooLong)) => return Err(self.misbehaved("sent a frame without end")),
                Some(Ok(Err(_)) | Err(_)) => {
                    self.bad_frames += 1;
                    if self.bad_frames >= BAD_FRAMES {
                        return Err(self.misbehaved("sent nonsense"));
                    }
                }
            }
        }
        Ok(())
    }

    fn misbehaved(&self, what: &'static str) -> End {
        tracing::warn!(what, bad_frames = self.bad_frames, "a panel is closed");
        End::Told(Bye::Misbehaved)
    }

    async fn message(&mut self, message: FromPanel) -> Result<(), End> {
        match message {
            FromPanel::Hello(hello) => {
                tracing::info!(display = ?hello.display, build = %hello.build, "the panel says what it is");
                self.greeted = true;
                self.latest().await
            }
            FromPanel::Alive(alive) => {
                self.alive(alive);
                Ok(())
            }
            FromPanel::Command(command) if self.greeted => self.command(command).await,
            FromPanel::Command(_) => Err(self.misbehaved("asked for something before its hello")),
        }
    }

    /// The status at hand, so that a panel need not wait for the next.
    async fn latest(&mut self) -> Result<(), End> {
        let latest = self.shared.status.borrow().clone();
        match latest {
            Some(latest) => {
                let shown = self.shown(&latest);
                self.writer.send(&FromBox::Status(shown)).await
            }
            None => Ok(()),
        }
    }

    fn alive(&self, alive: Alive) {
        let conditions = &self.shared.app.conditions;
        let stuck = (alive.stuck_keys != 0).then(|| "a key of the panel is stuck; it is ignored".to_owned());
        conditions.set(AlertCode::E71, stuck);
        let dark = (!alive.display_ok).then(|| "the panel's display does not answer".to_owned());
        conditions.set(AlertCode::E72, dark);
    }

    async fn command(&mut self, command: Command) -> Result<(), End> {
        let id = command.id;
        if let Some((_, verdict)) = self.known.iter().find(|(known, _)| *known == id) {
            let verdict = *verdict;
            return self.writer.send(&FromBox::Ack(Ack { id, verdict })).await;
        }
        let verdict = self.decide(&command).await;
        if self.known.len() == REMEMBERED {
            self.known.pop_front();
        }
        self.known.push_back((id, verdict));
        self.writer.send(&FromBox::Ack(Ack { id, verdict })).await?;
        commands::audit(&self.shared, &command.action, verdict).await;
        if verdict != Verdict::Accepted {
            return Ok(());
        }
        match command.action {
            Action::Unlock { .. } | Action::Lock => self.latest().await,
            action => {
                let (shared, answers) = (self.shared.clone(), self.answers.clone());
                self.under_way.spawn(async move { commands::carry_out(&shared, id, action, &answers).await });
                Ok(())
            }
        }
    }

    /// Whether a command is carried out.
    async fn decide(&mut self, command: &Command) -> Verdict {
        if let Some(needed) = command.action.needs() {
            if !self.shared.capabilities.has(needed) {
                return Verdict::NotAllowed;
            }
            if self.lock() != Lock::Open {
                return Verdict::Locked;
            }
            // Somebody is at work.
            self.unlocked_until = self.unlocked_until.map(|_| Instant::now() + LOCKS_AFTER);
        }
        match &command.action {
            Action::Unlock { pin, len } => match self.shared.pin.check(*pin, *len).await {
                Tried::Right => {
                    self.unlocked_until = Some(Instant::now() + LOCKS_AFTER);
                    Verdict::Accepted
                }
                Tried::Wrong { left } => Verdict::WrongPin(left),
                Tried::Locked { seconds } => {
                    commands::tell_of_wrong_pins(&self.shared).await;
                    Verdict::Wait(seconds)
                }
                Tried::Wait { seconds } => Verdict::Wait(seconds),
                Tried::Unreadable => Verdict::NotAvailable,
            },
            Action::Lock => {
                self.unlocked_until = None;
                Verdict::Accepted
            }
            _ if self.under_way.len() >= AT_ONCE => Verdict::Busy,
            action => commands::check(&self.shared, action),
        }
    }

    /// What the panel may not do now.
    fn lock(&self) -> Lock {
        let unlocked = self.unlocked_until.is_some_and(|until| Instant::now() < until);
        match self.shared.lock {
            _ if unlocked => Lock::Open,
            PanelLock::Off => Lock::Open,
            PanelLock::Actions => Lock::Actions,
            PanelLock::All => Lock::All,
        }
    }

    fn may_look(&self) -> bool {
        self.shared.capabilities.has(Capability::View) && self.lock() != Lock::All
    }

    /// What this panel may see of a status.
    fn shown(&self, status: &Status) -> Status {
        let lock = self.lock();
        if self.may_look() {
            return Status { lock, ..status.clone() };
        }
        // Its word and the time show always.
        Status { now: status.now, word: status.word, lock: Lock::All, ..Status::default() }
    }
}
