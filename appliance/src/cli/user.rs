//! `relaypacs user …`: accounts from the command line, for whoever runs the box.

use std::io::{self, IsTerminal, Read};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{Arguments, Fault, Output, client::BoxClient, table};

/// Longest password read from standard input, in bytes.
const MOST_INPUT: u64 = 1024;

#[derive(Debug, Args)]
pub(crate) struct User {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the accounts
    List,
    /// Makes an account; prints its password unless `--password-stdin` gives one
    Add(Add),
    /// Switches an account off; its sessions end
    Disable(Named),
    /// Takes the second factor of an account away, for somebody who lost it
    #[command(name = "reset-2fa")]
    Reset2fa(Named),
    /// Sets another password; prints it unless `--password-stdin` gives one
    ResetPassword(Password),
}

#[derive(Debug, Args)]
struct Add {
    /// 3 to 50 of A-Z a-z 0-9 _ -
    #[arg(value_name = "NAME")]
    username: String,
    /// What it may do
    #[arg(long, value_enum)]
    role: Role,
    /// Where it gets mail
    #[arg(long)]
    email: Option<String>,
    /// Who it is
    #[arg(long, value_name = "TEXT")]
    full_name: Option<String>,
    /// Takes the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Args)]
struct Named {
    /// The account's name
    #[arg(value_name = "NAME")]
    username: String,
}

#[derive(Debug, Args)]
struct Password {
    /// The account's name
    #[arg(value_name = "NAME")]
    username: String,
    /// Takes the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    Clinician,
    Radiographer,
    Radiologist,
    Admin,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Clinician => "clinician",
            Self::Radiographer => "radiographer",
            Self::Radiologist => "radiologist",
            Self::Admin => "admin",
        }
    }
}

pub(crate) fn run(arguments: &Arguments, user: &User) -> Result<(), Fault> {
    let output = arguments.output();
    match &user.command {
        Command::List => list(output, &BoxClient::connect(arguments)?.get("/admin/users")?),
        Command::Add(add) => {
            let password = typed(add.password_stdin)?;
            let body = json!({
                "username": add.username, "role": add.role.as_str(), "email": add.email, "full_name": add.full_name, "password": password,
            });
            added(output, &BoxClient::connect(arguments)?.post("/admin/users", &body)?, "made")
        }
        Command::Disable(named) => changed(arguments, "/admin/users/disable", named, "is switched off"),
        Command::Reset2fa(named) => changed(arguments, "/admin/users/reset-2fa", named, "signs in without a second factor"),
        Command::ResetPassword(asked) => {
            let password = typed(asked.password_stdin)?;
            let body = json!({"username": asked.username, "password": password});
            added(output, &BoxClient::connect(arguments)?.post("/admin/users/reset-password", &body)?, "has another password")
        }
    }
}

fn list(output: Output, all: &Value) -> Result<(), Fault> {
    if output.json {
        return output.object(all);
    }
    let mut shown = table::new(&["NAME", "ROLE", "FULL NAME", "E-MAIL", "ACTIVE", "SECOND FACTOR"]);
    for user in all.as_array().into_iter().flatten() {
        let text = |key: &str| user[key].as_str().unwrap_or_default().to_owned();
        let yes = |key: &str| if user[key] == json!(true) { "yes" } else { "no" }.to_owned();
        shown.add_row([text("username"), text("role"), text("full_name"), text("email"), yes("is_active"), yes("totp_enabled")]);
    }
    output.line(shown)
}

/// What was made: the password alone on standard output, if the box made it.
fn added(output: Output, answer: &Value, what: &str) -> Result<(), Fault> {
    if output.json {
        return output.object(answer);
    }
    let name = answer["user"]["username"].as_str().unwrap_or("?");
    output.remark(format_args!("{name} ({}) {what}", answer["user"]["role"].as_str().unwrap_or("?")));
    match answer["password"].as_str() {
        Some(password) => {
            output.remark("its password, shown only now:");
            output.line(password)
        }
        None => Ok(()),
    }
}

fn changed(arguments: &Arguments, path: &str, named: &Named, what: &str) -> Result<(), Fault> {
    let answer = BoxClient::connect(arguments)?.post(path, &json!({"username": named.username}))?;
    let output = arguments.output();
    if output.json {
        return output.object(&answer);
    }
    output.line(format_args!("{} {what}", answer["username"].as_str().unwrap_or("?")))
}

/// The first line of standard input, if it is to be read.
fn typed(from_stdin: bool) -> Result<Option<String>, Fault> {
    if !from_stdin {
        return Ok(None);
    }
    let input = io::stdin();
    if input.is_terminal() {
        return Err(Fault::failed("--password-stdin reads a file or a pipe: what is typed would show on the terminal"));
    }
    let mut text = String::new();
    input.lock().take(MOST_INPUT).read_to_string(&mut text).map_err(|error| Fault::failed(format!("standard input: {error}")))?;
    Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
}
