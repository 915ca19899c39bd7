//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// The front panel of RelayPACS Edge: shows how the box is and takes its buttons.
///
/// Reads `[panel]` of the box's configuration (`display`, `buttons`, `evdev`, `socket`); what is said here wins. Without a display it runs
/// on the terminal: arrows, Enter and Esc are the four keys, `h` holds OK until any other key, `l` is a long OK, `b` a long BACK, `q` ends.
#[derive(Debug, Parser)]
#[command(name = "relaypacs-panel", version)]
pub struct Args {
    /// The box's configuration file; only its section [panel] is read
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The box's panel socket
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// auto, none, console, framebuffer[:DEVICE], ssd1306:BUS[,ADDRESS], ssd1306-spi:DEVICE,DC[,RESET], st7789:…, ili9341:…
    #[arg(long, value_name = "SPEC")]
    pub display: Option<String>,
    /// auto, none, terminal, evdev, gpio[:UP,DOWN,OK,BACK] (names of lines)
    #[arg(long, value_name = "SPEC")]
    pub buttons: Option<String>,
    /// Input device for evdev
    #[arg(long, value_name = "DEVICE")]
    pub evdev: Option<PathBuf>,
    /// Folder in which a request for a restart is left when the box does not answer; without it none is offered
    #[arg(long, value_name = "DIR")]
    pub requests: Option<PathBuf>,
    /// Draws every screen of every situation for both displays as PNG files into a folder, and ends
    #[arg(long, value_name = "DIR")]
    pub png: Option<PathBuf>,
    /// Draws all of them into one PNG file, and ends
    #[arg(long, value_name = "FILE")]
    pub contact_sheet: Option<PathBuf>,
    /// Draw what these recorded frames say instead of the built-in situations
    #[arg(long, value_name = "FILE")]
    pub frames: Option<PathBuf>,
    /// Writes every byte that comes from the box to a file, for --frames
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Prints the manual page, and ends
    #[arg(long)]
    pub man: bool,
    /// Takes keys and questions as lines on standard input and answers in JSON lines: for tests (`help` lists them)
    #[arg(long)]
    pub script: bool,
}
