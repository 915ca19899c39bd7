//! The front panel on a microcontroller: the same core, a UART for the link, a port of four buttons, an SSD1306 picture in RAM.
//!
//! Made for the size check: registers lie at fixed addresses as on no chip in particular, so that nothing is optimised away, and the picture is
//! written out byte by byte as a display would take it. A board's own program replaces [`board`]; with the feature `stack` one takes its place that
//! finds out in an emulator how much stack all this needs.
//!
//! thumbv6m-none-eabi, Rust 1.95: 64,428 bytes of flash, 5,808 bytes of static RAM, 7,220 bytes of stack at its deepest in the play of `stack.rs`;
//! asked are 64 KiB of flash and 16 KiB of RAM. thumbv7em-none-eabihf: 60,176 bytes of flash. `hil-tests/run.sh` holds both to it.

#![no_std]
#![no_main]

use core::{mem::MaybeUninit, panic::PanicInfo};

use relaypacs_panel_core::{
    Text,
    buttons::{DEBOUNCE_MS, Key},
    paint::{self, MonoFrame, Moving},
    ui::{Abilities, EN, Layout, Output, Panel},
    wire::{DisplayKind, FrameReader, FromPanel, MAX_FRAME, MINOR, PanelHello, encode},
};

#[cfg_attr(feature = "stack", path = "stack.rs")]
mod board;

/// What lives as long as the program; static, so that `size` counts it.
struct Program {
    panel: Panel,
    reader: FrameReader,
    frame: MonoFrame,
    out: [u8; MAX_FRAME],
    sequence: u16,
    alive_at: u32,
    buttons: u8,
}

/// In RAM only: filled at the start instead of being copied from flash.
static mut PROGRAM: MaybeUninit<Program> = MaybeUninit::uninit();

/// Each part keeps its own stack frame (`inline(never)`), so that it is gone when the next part begins.
impl Program {
    #[inline(never)]
    fn begin() -> &'static mut Self {
        // SAFETY: the only reference there ever is: there is one core, no interrupt, and this function is called once.
        let program = unsafe { &mut *(&raw mut PROGRAM) };
        program.write(Self {
            panel: Panel::new(&EN, Abilities { local_requests: false }, DEBOUNCE_MS, 0),
            reader: FrameReader::new(),
            frame: MonoFrame::new(),
            out: [0; MAX_FRAME],
            sequence: 0,
            alive_at: 0,
            buttons: 0,
        })
    }

    fn step(&mut self) {
        let now = board::now_ms();
        self.hear(now);
        self.act(now);
        if self.panel.take_dirty() {
            self.draw(now);
        }
    }

    #[inline(never)]
    fn hear(&mut self, now: u32) {
        while let Some(byte) = board::receive() {
            match self.reader.take(&[byte]).1 {
                None => {}
                Some(Err(error)) => self.panel.hear_noise(error),
                Some(Ok(frame)) => match frame.message() {
                    Ok(message) => self.panel.hear(now, message),
                    Err(error) => self.panel.hear_nonsense(now, error),
                },
            }
        }
    }

    #[inline(never)]
    fn act(&mut self, now: u32) {
        let buttons = board::buttons();
        for key in Key::ALL {
            if (buttons ^ self.buttons) & key.bit() != 0 {
                self.panel.edge(now, key, buttons & key.bit() != 0);
            }
        }
        self.buttons = buttons;
        self.panel.tick(now);
        while let Some(output) = self.panel.next_output() {
            if let Output::Send(command) = output {
                self.send(&FromPanel::Command(command));
            }
        }
        if now.wrapping_sub(self.alive_at) >= 1_000 {
            self.alive_at = now;
            let alive = self.panel.alive(true);
            self.send(&FromPanel::Alive(alive));
        }
    }

    #[inline(never)]
    fn draw(&mut self, now: u32) {
        let page = self.panel.page(now, Layout::MONO);
        let pressed = paint::pressed_keys(|key| self.panel.looks_pressed(key));
        let Ok(()) = paint::mono(&page, Moving { now_ms: now, pressed, shift: paint::shift(now) }, &mut self.frame);
        self.frame.0.iter().for_each(|byte| board::display(*byte));
    }

    fn send(&mut self, message: &FromPanel) {
        if let Ok(len) = encode(message, self.sequence, &mut self.out) {
            self.sequence = self.sequence.wrapping_add(1);
            self.out[..len].iter().for_each(|byte| board::send(*byte));
        }
    }
}

/// Where the chip begins: the vector table's second word.
#[unsafe(link_section = ".vectors")]
#[used]
static RESET: unsafe extern "C" fn() -> ! = Reset;

unsafe extern "C" {
    static mut _data: u32;
    static mut _edata: u32;
    static _load: u32;
    static mut _bss: u32;
    static mut _ebss: u32;
}

/// Fills RAM and runs for ever.
///
/// # Safety
/// To be called once, by the chip.
#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "the linker script's name")]
pub unsafe extern "C" fn Reset() -> ! {
    // SAFETY: the linker script's symbols bound whole words of RAM that nobody uses yet; `_load` is their image in flash.
    unsafe {
        let (mut from, mut to) = (&raw const _load, &raw mut _data);
        while to < &raw mut _edata {
            to.write_volatile(from.read());
            (from, to) = (from.add(1), to.add(1));
        }
        let mut zero = &raw mut _bss;
        while zero < &raw mut _ebss {
            zero.write_volatile(0);
            zero = zero.add(1);
        }
    }
    board::start();
    let program = Program::begin();
    let hello = PanelHello { minor: MINOR, display: DisplayKind::Mono, build: Text::new(env!("CARGO_PKG_VERSION")) };
    program.send(&FromPanel::Hello(hello));
    loop {
        program.step();
    }
}

/// A mistake: stop, the watchdog starts anew.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
