//! `relaypacs openapi`, `completions`, `man`: what is generated from the program itself.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, Fault};

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Writes relaypacs.1, relaypacs-status.1 and so on into this folder
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(crate) fn openapi(arguments: &Arguments) -> Result<(), Fault> {
    arguments.output().object(&relaypacs_http::openapi())
}

pub(crate) fn completions(_: &Arguments, command: &Completions) -> Result<(), Fault> {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut Arguments::command(), "relaypacs", &mut script);
    Ok(io::stdout().write_all(&script)?)
}

pub(crate) fn man(arguments: &Arguments, command: &Man) -> Result<(), Fault> {
    let Some(directory) = &command.directory else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
        return Ok(io::stdout().write_all(&page)?);
    };
    let unwritable = |error: io::Error| Fault::failed(format!("{}: {error}", directory.display()));
    std::fs::create_dir_all(directory).map_err(unwritable)?;
    clap_mangen::generate_to(Arguments::command(), directory).map_err(unwritable)?;
    arguments.output().line(format_args!("manual pages written to {}", directory.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
