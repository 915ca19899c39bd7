//! The command line: what can be typed, and one file for each command.
//!
//! Commands that need the running box talk to it over `<data-dir>/admin.sock`; those that work without it say so in their help. Results go to
//! standard output (`--json`: as JSON with the API's field names), everything else to standard error.

mod backup;
mod check;
mod client;
mod complain;
mod demo;
mod destinations;
mod echo;
mod format;
mod generate;
mod keys;
mod log;
mod migrate;
mod output;
mod queue;
mod restore;
mod retry;
mod scrub;
mod send;
mod serve;
mod setup_code;
mod status;
mod stopped;
mod studies;
mod table;
mod user;
mod verify;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(crate) use complain::{Exit, Fault};
pub(crate) use output::Output;

use crate::config::Config;

/// Receives studies from modalities, keeps them safe on its own disk and forwards them to the PACS, with proof.
#[derive(Debug, Parser)]
#[command(name = "relaypacs", version, about, max_term_width = 110, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// Configuration file [default: /etc/relaypacs/relaypacs.toml if there]
    #[arg(long, global = true, help_heading = "Options of every command", value_name = "FILE", env = "RELAYPACS_CONFIG", hide_env = true)]
    pub(crate) config: Option<PathBuf>,
    /// Data directory [default: /var/lib/relaypacs if writable, else ./relaypacs-data]
    #[arg(long, global = true, help_heading = "Options of every command", value_name = "DIR", env = "RELAYPACS_DATA_DIR", hide_env = true)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Sets one key of the configuration, over file and environment
    #[arg(long, global = true, help_heading = "Options of every command", value_name = "SECTION.KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Prints JSON for scripts
    #[arg(long, global = true, help_heading = "Options of every command")]
    pub(crate) json: bool,
    #[command(subcommand)]
    command: Command,
}

/// What `--help` says about how commands end.
const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage, 64 bad configuration, 69 the box is not running, 75 try later, 77 not allowed.\n\
    Settings come from the file, then from RELAYPACS_SECTION__KEY in the environment, then from --set.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the box in the foreground
    Serve,
    /// Shows the whole job on this machine: a scanner, the box, a PACS, and the proof
    Demo(demo::Demo),
    /// Shows how the box is
    Status,
    /// Lists studies, or shows one
    Studies(studies::Studies),
    /// Shows what waits for each destination, and what is held
    Queue,
    /// Tries held or waiting work again now
    Retry(retry::Retry),
    /// Changes how urgent a study is
    Priority(retry::Priority),
    /// Gives up work that is held for a destination (recorded in the ledger)
    Release(retry::Release),
    /// Sends DICOM files by C-STORE, like a modality (needs no box)
    Send(send::Send),
    /// Tests a destination of the box, or any DICOM node directly
    Echo(echo::Echo),
    /// Lets nothing leave for a destination until it is resumed (restarts do not end it)
    Pause(destinations::Pause),
    /// Lets a destination go on
    Resume(destinations::Resume),
    /// Lists, makes and changes accounts
    User(user::User),
    /// Prints the code that makes the first admin
    SetupCode,
    /// Changes the keys that sign-ins are signed with
    Keys(keys::Keys),
    /// Changes the log levels of the running box
    Log(log::Log),
    /// Checks the configuration and prints what is in effect (needs no box)
    Check,
    /// Reads all that is kept, rebuilds the index from it and compares (needs a stopped box)
    Verify(verify::Verify),
    /// Reads all live objects back and reports damage
    Scrub,
    /// Copies the box's data into an empty folder while it runs
    Backup(backup::Backup),
    /// Fills an empty data directory from a backup (needs a stopped box)
    Restore(restore::Restore),
    /// Brings the data to another schema version (needs a stopped box)
    Migrate(migrate::Migrate),
    /// Prints the API's description (OpenAPI 3.1, JSON; needs no box)
    Openapi,
    /// Prints a completion script for a shell
    Completions(generate::Completions),
    /// Prints the manual page (roff), or writes one per command into a folder
    Man(generate::Man),
}

/// Does what was typed.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    // The one crypto provider of the product; a second installation is refused, which only tests could see.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match &arguments.command {
        Command::Serve => serve::run(arguments),
        Command::Demo(command) => demo::run(arguments, command),
        Command::Status => status::run(arguments),
        Command::Studies(command) => studies::run(arguments, command),
        Command::Queue => queue::run(arguments),
        Command::Retry(command) => retry::retry(arguments, command),
        Command::Priority(command) => retry::priority(arguments, command),
        Command::Release(command) => retry::release(arguments, command),
        Command::Send(command) => send::run(arguments, command),
        Command::Echo(command) => echo::run(arguments, command),
        Command::Pause(command) => destinations::pause(arguments, command),
        Command::Resume(command) => destinations::resume(arguments, command),
        Command::User(command) => user::run(arguments, command),
        Command::SetupCode => setup_code::run(arguments),
        Command::Keys(command) => keys::run(arguments, command),
        Command::Log(command) => log::run(arguments, command),
        Command::Check => check::run(arguments),
        Command::Verify(command) => verify::run(arguments, command),
        Command::Scrub => scrub::run(arguments),
        Command::Backup(command) => backup::run(arguments, command),
        Command::Restore(command) => restore::run(arguments, command),
        Command::Migrate(command) => migrate::run(arguments, command),
        Command::Openapi => generate::openapi(arguments),
        Command::Completions(command) => generate::completions(arguments, command),
        Command::Man(command) => generate::man(arguments, command),
    }
}

impl Arguments {
    /// The effective configuration.
    pub(crate) fn load(&self) -> Result<Config, Fault> {
        Config::load(self.config.as_deref(), environment(), &self.set).map_err(|problems| {
            Fault::new(Exit::Configuration, problems.to_string()).hint("mend it; `relaypacs check` says when it is good")
        })
    }

    /// Where results go.
    pub(crate) fn output(&self) -> Output {
        Output { json: self.json }
    }
}

/// The environment, without what is no text.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// A runtime for a command that asks over a socket.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Fault> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Fault::failed(format!("the async runtime cannot start: {error}")))
}
