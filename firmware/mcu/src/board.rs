//! The hardware: five registers.

use core::ptr::{read_volatile, write_volatile};

const BASE: usize = 0x4000_0000;

fn read(register: usize) -> u32 {
    // SAFETY: a register of the board, aligned, always readable.
    unsafe { read_volatile((BASE + register * 4) as *const u32) }
}

fn write(register: usize, value: u32) {
    // SAFETY: a register of the board, aligned, always writable.
    unsafe { write_volatile((BASE + register * 4) as *mut u32, value) }
}

/// Milliseconds since the start, wrapping.
pub fn now_ms() -> u32 {
    read(0)
}

/// Four buttons, a bit each, pressed is 1.
pub fn buttons() -> u8 {
    read(1) as u8
}

/// A byte that came over the UART.
pub fn receive() -> Option<u8> {
    let value = read(2);
    (value & 0x100 != 0).then_some(value as u8)
}

/// Sends a byte over the UART.
pub fn send(byte: u8) {
    write(3, u32::from(byte));
}

/// Sends a byte to the display.
pub fn display(byte: u8) {
    write(4, u32::from(byte));
}

/// Before anything else runs.
pub fn start() {}
