//! No board: a daemon's frames and a technician's keys, played to the same program in an emulator, and how deep the stack went.
//!
//! ```text
//! qemu-system-arm -M netduino2 -nographic -semihosting -kernel relaypacs-panel-mcu      (flash and RAM lie there where link.x wants them)
//! ```
//! The stack is painted before the program begins and looked at in the end. The daemon sends the fullest status there is in ever other
//! situations, accepts most commands and sometimes says nothing for a while; keys are pressed at random, short, long and for very long. What
//! is needed for the play lies in memory of its own.

use core::{
    arch::asm,
    fmt::Write as _,
    mem::MaybeUninit,
    ptr::{read_volatile, write_volatile},
};

use relaypacs_panel_core::{
    Text,
    wire::{
        Ack, Action, Address, Alert, BoxHello, Capabilities, Code, Destination, DestinationState, Done, FailureKind, FrameReader, FromBox,
        FromPanel, Held, LastSent, LastStudy, Lock, MAX_FRAME, Moment, Outcome, Peer, Queue, Refusal, Secret, Status, Step, Update,
        Verdict, encode,
    },
};

/// What the stack is filled with.
const PAINT: u32 = 0x5AFE_57AC;
/// Bytes below the painter's own stack that it leaves alone.
const OWN: usize = 256;
/// Steps of the play.
const STEPS: u32 = 20_000;
/// Milliseconds from one step to the next.
const STEP_MS: u32 = 50;

unsafe extern "C" {
    static mut _ebss: u32;
    static mut _stack: u32;
}

/// The play.
struct Play {
    step: u32,
    random: u32,
    buttons: u8,
    /// Step at which the keys change.
    keys_at: u32,
    /// Step until which nothing is sent.
    silent_until: u32,
    status: FromBox,
    frame: [u8; MAX_FRAME],
    len: usize,
    sent: usize,
    reader: FrameReader,
    answers: [Option<FromBox>; 2],
    commands: u32,
}

/// Beyond the RAM that a board has, so that the program finds as much as there.
#[unsafe(link_section = ".play")]
static mut PLAY: MaybeUninit<Play> = MaybeUninit::uninit();

/// The play. Nothing calls back into this module, so there is one reference at a time.
#[allow(static_mut_refs, reason = "one core, no interrupts")]
fn play() -> &'static mut Play {
    // SAFETY: one core, no interrupts, nothing in this module calls itself while it holds the reference, and `start` came first.
    unsafe { PLAY.assume_init_mut() }
}

/// Sets the play up, then paints the stack.
pub fn start() {
    set_up();
    let here: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) here) };
    let mut at = &raw mut _ebss;
    while (at as usize) < here - OWN {
        // SAFETY: between static memory and the stack in use there is nothing.
        unsafe { write_volatile(at, PAINT) };
        at = at.wrapping_add(1);
    }
}

/// On a stack of its own, which is gone when the rest is painted.
#[inline(never)]
fn set_up() {
    let play = Play {
        step: 0,
        random: 1,
        buttons: 0,
        keys_at: 20,
        silent_until: 0,
        status: FromBox::Status(fullest()),
        frame: [0; MAX_FRAME],
        len: 0,
        sent: 0,
        reader: FrameReader::new(),
        answers: [None, None],
        commands: 0,
    };
    // SAFETY: nobody has a reference yet.
    unsafe { (&raw mut PLAY).write(MaybeUninit::new(play)) };
}

/// The step's time; ends the play after the last.
pub fn now_ms() -> u32 {
    let play = play();
    play.step += 1;
    if play.step == STEPS {
        report(play.commands);
    }
    if play.step >= play.keys_at {
        play.keys();
    }
    play.step * STEP_MS
}

/// The keys that are down.
pub fn buttons() -> u8 {
    play().buttons
}

/// The next byte of a frame, if one is due: a hello, then a status every second and answers to commands.
pub fn receive() -> Option<u8> {
    let play = play();
    if play.sent == play.len {
        play.next_frame()?;
    }
    play.sent += 1;
    play.frame.get(play.sent - 1).copied()
}

/// Hears the panel: what it asks for is answered.
pub fn send(byte: u8) {
    let play = play();
    let Some(Ok(frame)) = play.reader.take(&[byte]).1 else { return };
    if let Ok(FromPanel::Command(command)) = frame.message() {
        play.commands += 1;
        play.answer(command.id, &command.action);
    }
}

/// Nobody looks.
pub fn display(_: u8) {}

impl Play {
    fn random(&mut self, below: u32) -> u32 {
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.random >> 16) % below
    }

    /// Any key, for any time; OK and DOWN more often than others.
    fn keys(&mut self) {
        if self.buttons != 0 {
            self.buttons = 0;
            self.keys_at = self.step + 2 + self.random(4);
            return;
        }
        self.buttons = [1, 2, 2, 4, 4, 4, 8][self.random(7) as usize];
        let times = [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 35, 35, 70, 220];
        self.keys_at = self.step + times[self.random(16) as usize];
    }

    fn next_frame(&mut self) -> Option<()> {
        let answer = self.answers.iter_mut().find_map(Option::take);
        let message = match &answer {
            Some(answer) => answer,
            None if self.step == 1 => &FromBox::Hello(BoxHello { minor: 0, capabilities: Capabilities::ALL }),
            None if self.step % 20 == 0 && self.step > self.silent_until => {
                self.change();
                &self.status
            }
            None => return None,
        };
        self.len = encode(message, self.step as u16, &mut self.frame).ok()?;
        self.sent = 0;
        // Once a step.
        self.step += u32::from(answer.is_none());
        Some(())
    }

    /// Another situation.
    fn change(&mut self) {
        let (which, silence) = (self.random(16), self.random(40));
        if silence == 0 {
            self.silent_until = self.step + 100;
        }
        let FromBox::Status(status) = &mut self.status else { return };
        status.first_start = which == 0;
        status.lock = if which == 1 { Lock::All } else { Lock::Open };
        status.network.reverts_in_s = if which < 4 { 60 } else { 0 };
        status.software.update = match which {
            5 => Update::Running(62),
            6 => Update::Ready(Text::new("2.1.0")),
            _ => Update::RolledBack { failed: Text::new("wwwwwwwwwwwwwwww"), at: Moment(1) },
        };
        let v4 = Address::V4([192, 168, 100, 100]);
        status.network.address = Some(if which % 2 == 0 { v4 } else { Address::V6([0x2A; 16]) });
        if which == 7 {
            status.alerts.clear();
        } else if status.alerts.is_empty() {
            status.alerts.extend((0..10).map(|number| Alert {
                code: Code::Other(number),
                since: Moment(1),
                about: Text::new("wwwwwwwwww"),
            }));
        }
    }

    fn answer(&mut self, id: u16, action: &Action) {
        let long = Text::new("certificate expired 2026-01-01, the peer is unknown");
        let outcome = if self.random(2) == 0 { Outcome::Good } else { Outcome::Failed { step: Step::Tls, detail: long } };
        let verdict = match self.random(8) {
            0 => Verdict::Locked,
            1 => Verdict::WrongPin(3),
            _ => Verdict::Accepted,
        };
        let second = match action {
            Action::ShowSetupCode | Action::ResetCode => FromBox::Secret(Secret { id, code: Text::new("K7RM-2WPX"), expires_s: 600 }),
            _ => FromBox::Done(Done { id, outcome, took_ms: 4_000_000_000 }),
        };
        self.answers = [Some(FromBox::Ack(Ack { id, verdict })), Some(second)];
    }
}

/// A status with every list and text full.
fn fullest() -> Status {
    let (at, long) = (Moment(1_795_442_700), "wwwwwwwwwwwwwwwwwwwwwwww");
    let mut status = Status { now: at, name: Text::new(long), ae_title: Text::new(long), dicom_port: 11_112, ..Status::default() };
    status.queue = Some(Queue { studies: 4_000_000_000, sending: 9, held: 9, bytes: u64::MAX, oldest_s: 4_000_000_000 });
    status.last_sent = Some(LastSent { at, modality: Text::new(long) });
    status.last_study =
        Some(LastStudy { modality: Text::new(long), ae_title: Text::new(long), at, label: Text::new(long), ..LastStudy::default() });
    for handle in 0..10 {
        let _ = status.destinations.push(Destination {
            handle,
            name: Text::new(long),
            state: DestinationState::Down,
            waiting: 4_000_000_000,
            next_try_s: 60_000,
            failure: Some(FailureKind::Http(503)),
            ..Destination::default()
        });
        let _ = status.peers.push(Peer {
            handle,
            ae_title: Text::new(long),
            at,
            refused: (handle % 2 == 0).then_some(Refusal::Protocol),
            can_test: handle == 1,
            ..Peer::default()
        });
        let _ = status.held.push(Held { handle: 1, modality: Text::new(long), at, label: Text::new(long), ..Held::default() });
        let _ = status.alerts.push(Alert { code: Code::E21, since: at, about: Text::new(long) });
    }
    status.network.host = Text::new(long);
    status.network.https_port = 8_443;
    (status.storage.total, status.storage.used, status.storage.celsius) = (u64::MAX, u64::MAX / 2, Some(85));
    status.software.version = Text::new(long);
    status
}

/// Says how much of the stack was never touched, and ends.
fn report(commands: u32) -> ! {
    let (bottom, top) = (&raw const _ebss, &raw const _stack as usize);
    let mut at = bottom;
    // SAFETY: the painted words, up to the first that was used.
    while (at as usize) < top && unsafe { read_volatile(at) } == PAINT {
        at = at.wrapping_add(1);
    }
    let mut line = Text::<64>::default();
    let _ = write!(line, "stack {} bytes of {}, {commands} commands", top - at as usize, top - bottom as usize);
    line.as_str().bytes().chain([b'\n']).for_each(|byte| semihosting(0x03, &raw const byte as usize));
    semihosting(0x18, 0x2_0026);
    loop {}
}

/// A call of the emulator: 0x03 writes a character, 0x18 ends.
fn semihosting(call: usize, argument: usize) {
    // SAFETY: the emulator takes the breakpoint; it reads the byte that the argument points to.
    unsafe { asm!("bkpt #0xAB", inout("r0") call => _, in("r1") argument) };
}
