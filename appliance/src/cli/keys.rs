//! `relaypacs keys rotate`: tokens are signed with a new key from now on.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Arguments, Fault, client::BoxClient};

#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Signs tokens with a new key; what the old ones signed stays good until its time is over
    Rotate(Rotate),
}

#[derive(Debug, Args)]
struct Rotate {
    /// Removes the old keys: everybody has to sign in again
    #[arg(long)]
    forget_old: bool,
}

pub(crate) fn run(arguments: &Arguments, keys: &Keys) -> Result<(), Fault> {
    let Command::Rotate(rotate) = &keys.command;
    let answer = BoxClient::connect(arguments)?.post_work("/admin/keys/rotate", &json!({"forget": rotate.forget_old}))?;
    let output = arguments.output();
    if output.json {
        return output.object(&answer);
    }
    let kid = answer["kid"].as_str().unwrap_or("?");
    if rotate.forget_old {
        return output.line(format_args!("Tokens are signed with {kid}; everybody signs in again."));
    }
    output.line(format_args!("Tokens are signed with {kid}; those given out before stay good until their time is over."))
}
