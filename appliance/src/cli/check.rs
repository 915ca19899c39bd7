//! `relaypacs check`: is the configuration good, and what is in effect.

use std::{fmt::Write, path::Path};

use serde_json::{Value, json};

use super::{Arguments, Fault};
use crate::{
    config::{self, Config},
    data_dir,
};

pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let config = arguments.load()?;
    let directory = data_dir::for_daemon(arguments.data_dir.as_deref());
    let (shown, notes) = (config::show(&config), notes(&config));
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
    if config.http.port != 0 {
        notes.push(format!("http.port {} is not opened: HTTPS comes with a later release", config.http.port));
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
    fn what_is_printed_is_a_configuration_that_means_the_same() {
        let text = "[dicom]\nport = 104\n[[destination]]\nname = \"pacs\"\nkind = \"stow\"\nurl = \"http://127.0.0.1:1/rs\"\n[[modality]]\nae_title = \"CT1\"\n";
        let config = Config::from_text(Path::new("a.toml"), text, &[]).unwrap();
        let printed = as_toml(&config::show(&config));
        let again = Config::from_text(Path::new("b.toml"), &printed, &[]).unwrap();
        assert_eq!(config::show(&config), config::show(&again), "{printed}");
    }
}
