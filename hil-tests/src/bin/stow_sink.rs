//! STOW-RS receiver that plays several archives and their faults.

use std::error::Error;

use clap::Parser;
use relaypacs_hil_tests::sink::{self, Options};

/// What can go wrong on demand; kept beside the code that does it.
const FAULTS: &str = include_str!("../sink/fault.rs");

/// STOW-RS receiver for tests: answers as real archives do, fails on demand, writes down what it got.
#[derive(Parser)]
#[command(after_help = faults())]
struct Cli {
    #[command(flatten)]
    options: Options,
}

/// The table of faults from the module's own documentation.
fn faults() -> String {
    let lines = FAULTS.lines().map_while(|l| l.strip_prefix("//!"));
    lines.map(|l| l.strip_prefix(' ').unwrap_or(l)).collect::<Vec<_>>().join("\n")
}

fn main() -> Result<(), Box<dyn Error>> {
    sink::run(Cli::parse().options)
}
