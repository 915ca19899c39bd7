//! RelayPACS Edge: the daemon and the command line, in one program.
//!
//! `main` reads the command line, calls one function and maps what it answers to an exit code: 0 done, 1 failed, 2 wrong usage, 64 bad
//! configuration, 69 the box is not running, 75 try later, 77 not allowed.

mod appliance;
mod cli;
mod completion;
mod config;
mod data_dir;
mod jobs;
mod listeners;
mod logs;
mod notify;
mod pacs;
mod panel;
mod sink;
mod tasks;
mod web;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match cli::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => fault.report(arguments.json),
    }
}
