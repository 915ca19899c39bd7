//! `relaypacs check`: is the configuration good, and what is in effect.

use std::{
    fmt::Write,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use relaypacs_forward::{DestinationConfig, Forwarder};
use serde_json::{Value, json};

use super::{Arguments, Exit, Fault};
use crate::{
    config::{self, Config},
    data_dir,
};

pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let config = arguments.load()?;
    let directory = data_dir::for_daemon(arguments.data_dir.as_deref());
    let (shown, mut notes) = (config::show(&config), notes(&config));
    notes.extend(try_destinations(&config)?);
    let output = arguments.output();
    if output.json {
        return output.object(&json!({"ok": true, "file": config.written.file, "data_dir": directory, "config": shown, "notes": notes}));
    }
    output.line(heading(&config, &directory))?;
    output.line(as_toml(&shown))?;
    for note in notes {
        output.line(format_args!("note: {note}"))?;
    }
    output.line("The configuration is good.")
}

/// What works otherwise than somebody might think.
pub(crate) fn notes(config: &Config) -> Vec<String> {
    let mut notes = Vec::new();
    if config.http.port == 0 && config.http.plain_port != 0 {
        notes.push("http.port is 0: only programs on the box itself and trusted proxies reach API and page".into());
    }
    if config.dicom.tls_port != 0 {
        notes.push(format!("dicom.tls_port {} is not opened: DICOM over TLS comes with a later release", config.dicom.tls_port));
    }
    if config.destination.is_empty() {
        notes.push("there is no destination: every study is kept and held until one is added".into());
    }
    if config.modality.is_empty() {
        notes.push("no modality is listed: every calling AE title may send".into());
    }
    if config.dicom.port == 0 {
        notes.push("dicom.port is 0: no modality can send".into());
    }
    notes
}

/// Whether the box could use these destinations: their secrets and certificates are read. What this user may not read is noted, for the
/// box may run as another one.
fn try_destinations(config: &Config) -> Result<Vec<String>, Fault> {
    let mut notes = Vec::new();
    for destination in &config.destination {
        let closed = closed_files(destination);
        if closed.is_empty() {
            Forwarder::check(destination).map_err(|error| Fault::new(Exit::Configuration, error.to_string()).hint(MEND))?;
        }
        let name = &destination.name;
        notes.extend(closed.iter().map(|file| format!("destination {name}: {} is closed to this user; not checked", file.display())));
    }
    Ok(notes)
}

const MEND: &str = "this destination gets nothing like this: put the file there, or change the key; the running box sees it by itself";

fn closed_files(destination: &DestinationConfig) -> Vec<&Path> {
    let auth = &destination.auth;
    let files = [&destination.ca_file, &auth.password_file, &auth.token_file, &auth.client_secret_file, &auth.cert_file, &auth.key_file];
    let is_closed = |file: &&Path| File::open(file).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    files.into_iter().flatten().map(PathBuf::as_path).filter(is_closed).collect()
}

fn heading(config: &Config, directory: &Path) -> String {
    let file = config.written.file.as_ref().map_or_else(|| "no file".into(), |file| file.display().to_string());
    format!("# in effect, from {file}, environment and --set; data directory {}\n", directory.display())
}

/// The effective configuration as the file would say it. (Not through a TOML serializer: sections come in the order of the example.)
fn as_toml(shown: &Value) -> String {
    let mut text = String::new();
    for name in ["site", "dicom", "http", "buffer", "log"] {
        table(&mut text, &format!("[{name}]"), &shown[name]);
    }
    for name in ["destination", "modality"] {
        for element in shown[name].as_array().into_iter().flatten() {
            table(&mut text, &format!("[[{name}]]"), element);
        }
    }
    text
}

fn table(text: &mut String, heading: &str, entries: &Value) {
    // Writing to a String does not fail.
    let _ = writeln!(text, "{heading}");
    for (key, value) in entries.as_object().into_iter().flatten() {
        let _ = writeln!(text, "{key} = {}", inline(value));
    }
    text.push('\n');
}

/// A value as TOML writes it on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key} = {}", inline(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::String(text) => toml::Value::String(text.clone()).to_string(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_that_would_not_start_is_not_called_good() {
        let written = |key: &str| format!("[[destination]]\nname = \"pacs\"\nkind = \"stow\"\nurl = \"https://127.0.0.1:1/rs\"\n{key}\n");
        let check = |key: &str| try_destinations(&Config::from_text(Path::new("a.toml"), &written(key), &[]).unwrap());
        assert_eq!(check("").unwrap(), Vec::<String>::new());
        for key in ["auth = { kind = \"basic\", user = \"u\", password_file = \"/nowhere/x\" }", "ca_file = \"/nowhere/x\""] {
            let fault = format!("{:?}", check(key).unwrap_err());
            assert!(fault.contains("exit: Configuration") && fault.contains("/nowhere/x"), "{fault}");
        }
    }

    #[test]
    fn what_is_printed_is_a_configuration_that_means_the_same() {
        let text = "[dicom]\nport = 104\n[[destination]]\nname = \"pacs\"\nkind = \"stow\"\nurl = \"http://127.0.0.1:1/rs\"\n[[modality]]\nae_title = \"CT1\"\n";
        let config = Config::from_text(Path::new("a.toml"), text, &[]).unwrap();
        let printed = as_toml(&config::show(&config));
        let again = Config::from_text(Path::new("b.toml"), &printed, &[]).unwrap();
        assert_eq!(config::show(&config), config::show(&again), "{printed}");
    }
}
