//! `relaypacs-panel`: parses the command line and calls one function.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use relaypacs_panel::{args::Args, gallery, run};

fn main() -> ExitCode {
    let args = Args::parse();
    if args.man {
        return match clap_mangen::Man::new(Args::command()).render(&mut std::io::stdout()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let ended = match (&args.png, &args.contact_sheet) {
        (Some(folder), _) => gallery::write_all(folder, args.frames.as_deref()).map_err(|error| error.to_string()),
        (None, Some(file)) => gallery::write_sheet(file, args.frames.as_deref()).map_err(|error| error.to_string()),
        (None, None) => run::run(&args).map_err(|error| error.to_string()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("relaypacs-panel: {error}");
            ExitCode::FAILURE
        }
    }
}
