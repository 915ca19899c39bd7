//! The layers, their messages, and the annotated example held against the code.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value as Json;

use super::*;

/// The annotated example, as it is installed.
const EXAMPLE: &str = include_str!("../../../configs/relaypacs.toml");

fn from(text: &str, variables: &[(&str, &str)], settings: &[&str]) -> Result<Config, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
    Config::load(Some(file.path()), variables, &settings)
        .map_err(|problems| problems.to_string().replace(&file.path().display().to_string(), "FILE"))
}

#[track_caller]
fn check_error(text: &str, variables: &[(&str, &str)], settings: &[&str], expected: &str) {
    match from(text, variables, settings) {
        Ok(_) => panic!("taken, though expected: {expected}"),
        Err(error) => assert!(error.contains(expected), "said:     {error}\nexpected: {expected}"),
    }
}

const PACS: &str = "[[destination]]\nname = \"pacs\"\nkind = \"stow\"\nurl = \"http://127.0.0.1:1/rs\"\n";

#[test]
fn later_sources_win() {
    let port = |variables: &[(&str, &str)], settings: &[&str]| from("[dicom]\nport = 1", variables, settings).unwrap().dicom.port;
    assert_eq!(from("", &[], &[]).unwrap().dicom.port, 11112);
    assert_eq!(port(&[], &[]), 1);
    assert_eq!(port(&[("RELAYPACS_DICOM__PORT", "2")], &[]), 2);
    assert_eq!(port(&[("RELAYPACS_DICOM__PORT", "2")], &["dicom.port=3"]), 3);
}

#[test]
fn environment_and_arguments_reach_every_shape() {
    let config = from(
        PACS,
        &[
            ("RELAYPACS_DESTINATION__0__MAX_REQUESTS", "2"),
            ("RELAYPACS_DESTINATION__1__URL", "http://127.0.0.1:2/rs"),
            ("RELAYPACS_DESTINATION__1__NAME", "second"),
            ("RELAYPACS_DESTINATION__1__KIND", "stow"),
            ("RELAYPACS_HTTP__MONITORING_NETWORKS", "10.0.0.0/8, 192.168.1.7"),
            ("RELAYPACS_DATA_DIR", "/elsewhere"),
        ],
        &[
            "destination.1.match.calling_ae=[\"CT1\", \"MR1\"]",
            "dicom.bind=127.0.0.1",
            "buffer.max_bytes=10GiB",
            "destination.0.retry.first=1s",
        ],
    )
    .unwrap();
    let names: Vec<_> = config.destination.iter().map(|destination| destination.name.as_str()).collect();
    assert_eq!(names, ["pacs", "second"]);
    assert_eq!(config.destination[0].max_requests, 2);
    assert_eq!(config.destination[1].matching.calling_ae.len(), 2);
    assert_eq!(config.http.monitoring_networks.len(), 2);
    assert_eq!(config.buffer.max_bytes.fixed(), Some(Size(10 << 30)));
    assert_eq!(config.dicom.bind.addresses().map(<[_]>::len), Some(1));
}

#[test]
fn an_unknown_name_is_an_error_with_the_nearest_known_one() {
    check_error("[dicom]\nprot = 104", &[], &[], "FILE:2: dicom: unknown key \"prot\"; did you mean \"port\"?");
    check_error("\n[dicon]\nport = 104", &[], &[], "unknown section \"dicon\"; did you mean \"dicom\"?");
    check_error(
        "",
        &[("RELAYPACS_HTTP__PLAINPORT", "1")],
        &[],
        "environment RELAYPACS_HTTP__PLAINPORT: http: unknown key \"plainport\"; did you mean \"plain_port\"?",
    );
    check_error(
        "",
        &[],
        &["buffer.retension=1d"],
        "--set buffer.retension: buffer: unknown key \"retension\"; did you mean \"retention\"?",
    );
    check_error(
        &format!("{PACS}max_request = 1"),
        &[],
        &[],
        "FILE:5: destination.0: unknown key \"max_request\"; did you mean \"max_requests\"?",
    );
    check_error(&PACS.replace("stow", "stov"), &[], &[], "FILE:3: destination.0.kind: unknown value \"stov\"; did you mean \"stow\"?");
    check_error("[site]\nxyzzy = 1", &[], &[], "unknown key \"xyzzy\"; known are: name, time_zone");
}

#[test]
fn a_wrong_value_names_field_value_rule_and_source() {
    check_error("[dicom]\n\nport = 70000", &[], &[], "FILE:3: dicom.port: 70000 does not do; expected a whole number from 0 to 65535");
    check_error("[dicom]\nport = \"high\"", &[], &[], "FILE:2: dicom.port: expected a whole number from 0 to 65535, not \"high\"");
    check_error(
        "",
        &[("RELAYPACS_DICOM__PORT", "high")],
        &[],
        "environment RELAYPACS_DICOM__PORT: dicom.port: expected a number, not \"high\"",
    );
    check_error("[dicom]\nae_title = \"AN_AE_TITLE_TOO_LONG\"", &[], &[], "FILE:2: dicom.ae_title: an AE title has at most 16 characters");
    check_error("[dicom]\nidle_timeout = \"60\"", &[], &[], "FILE:2: dicom.idle_timeout: a duration is written like \"10s\"");
    check_error("[buffer]\nmax_bytes = \"lots\"", &[], &[], "FILE:2: buffer.max_bytes: a size is a whole number with a unit");
    check_error(
        "[http]\ntrusted_proxies = [\"10.0.0.0/33\"]",
        &[],
        &[],
        "FILE:2: http.trusted_proxies.0: a network ends with its prefix length",
    );
    check_error("[dicom]\nmax_pdu = \"1KiB\"", &[], &[], "FILE:2: dicom.max_pdu: 1KiB is out of range: 4KiB to 1MiB");
    check_error("[dicom]\nartim = \"0s\"", &[], &[], "FILE:2: dicom.artim: 0s is out of range: 1s to 10m");
    check_error(
        "",
        &[],
        &["dicom.max_associations=0"],
        "--set dicom.max_associations: dicom.max_associations: 0 is out of range: 1 to 4096",
    );
    check_error(
        "[log]\nlevel = \"loud\"",
        &[],
        &[],
        "FILE:2: log.level: a log level is off, error, warn, info, debug or trace, not \"loud\"",
    );
    check_error("[site]\ntime_zone = \"Mars/Olympus\"", &[], &[], "FILE:2: site.time_zone: \"Mars/Olympus\" is no time zone");
    check_error("[dicom]\nport = ", &[], &[], "FILE:2: ");
}

#[test]
fn what_does_not_fit_together_is_an_error() {
    check_error("[dicom]\nport = 8080", &[], &[], "http.plain_port: port 8080 is taken by dicom.port");
    check_error(&format!("{PACS}{PACS}"), &[], &[], "FILE:6: destination.1.name: a destination named pacs is there already");
    check_error(
        "[[modality]]\nae_title = \"CT1\"\n[[modality]]\nae_title = \"CT1\"",
        &[],
        &[],
        "modality.1.ae_title: a modality with AE title CT1",
    );
    check_error("[[destination]]\nname = \"pacs\"\nkind = \"stow\"", &[], &[], "FILE:1: destination.0.url: ");
    check_error("[[destination]]\nname = \"pacs\"", &[], &[], "destination.0: the key \"kind\" is missing");
    check_error("[buffer]\nmax_bytes = \"100MiB\"", &[], &[], "buffer.max_bytes: 100MiB is too little: at least four segments (256MiB)");
}

#[test]
fn settings_that_are_none_are_refused() {
    check_error("", &[], &["dicom.port"], "a setting is written section.key=value");
    check_error("", &[], &["port=1"], "a key is written section.key");
    check_error("", &[], &["destination.5.name=x"], "elements are numbered without gaps: the next one is 0");
    check_error("[dicom]\nport = 1", &[], &["dicom.port.x=1"], "there is nothing below it: it is set at FILE:2");
    check_error(PACS, &[], &["destination.name=x"], "this is a list: name the element by its number, from 0");
}

#[test]
fn port_0_is_taken_everywhere() {
    let config = from("[dicom]\nport = 0\ntls_port = 0\n[http]\nport = 0\nplain_port = 0", &[], &[]).unwrap();
    assert_eq!((config.dicom.port, config.http.plain_port), (0, 0));
}

/// The example with every commented setting (`#key = value`, `#[[table]]`; prose has a space behind the `#`) put in force.
fn example_in_force() -> String {
    let in_force = |line: &'static str| match line.strip_prefix('#') {
        Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => setting,
        _ => line,
    };
    EXAMPLE.lines().map(in_force).collect::<Vec<_>>().join("\n")
}

fn example(text: &str) -> Config {
    Config::from_text(Path::new("configs/relaypacs.toml"), text, &[]).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Every key of a JSON tree, dotted, list elements not counted.
fn keys(prefix: &str, value: &Json, into: &mut BTreeSet<String>) {
    match value {
        Json::Object(entries) => entries.iter().for_each(|(key, value)| keys(&format!("{prefix}.{key}"), value, into)),
        Json::Array(list) if list.iter().any(Json::is_object) => list.iter().for_each(|value| keys(prefix, value, into)),
        _ => {
            into.insert(prefix.trim_start_matches('.').to_owned());
        }
    }
}

#[test]
fn the_example_as_installed_is_the_defaults() {
    assert_eq!(show(&example(EXAMPLE)), show(&Config::default()));
}

#[test]
fn the_example_s_commented_settings_are_the_code_s_defaults() {
    let (shown, mut expected) = (show(&example(&example_in_force())), show(&Config::default()));
    // Lists have no defaults of their own: what the example's elements say beside their examples is compared with the barest element.
    expected["modality"] = shown["modality"].clone();
    let bare = example("[[destination]]\nname = \"pacs\"\nkind = \"stow\"\nurl = \"https://pacs.example/dicom-web\"\n");
    expected["destination"] = shown["destination"].clone();
    for key in ["max_requests", "max_request_bytes", "mbit_per_s", "connect_timeout", "stall_timeout", "retry", "verify"] {
        expected["destination"][0][key] = show(&bare)["destination"][0][key].clone();
    }
    assert_eq!(shown, expected);
}

#[test]
fn the_example_explains_every_key_of_the_code() {
    let written = EXAMPLE.lines().collect::<Vec<_>>();
    let (mut known, mut missing) = (BTreeSet::new(), Vec::new());
    keys("", &show(&example(&example_in_force())), &mut known);
    // Keys that the shown form leaves out while they are unset are found by asking the code what it knows.
    for (section, name) in
        [("destination", "[[destination]]\nname=\"a\"\nkind=\"stow\"\nurl=\"http://a/\"\n"), ("modality", "[[modality]]\nae_title=\"A\"\n")]
    {
        known.extend(asked(&format!("{name}xyzzy = 1"), section));
    }
    known.extend(asked(&format!("{PACS}[destination.auth]\nxyzzy = 1"), "destination.auth"));
    for section in [
        "dicom", "http", "buffer", "log", "site", "acme", "limits", "accounts", "uploads", "report", "mail", "webhook", "push", "sentry",
        "panel",
    ] {
        known.extend(asked(&format!("[{section}]\nxyzzy = 1"), section));
    }
    for key in &known {
        let last = key.rsplit('.').next().unwrap();
        let is_explained = |line: &&str| {
            let setting = line.trim_start_matches('#');
            setting.split_once(" = ").is_some_and(|(name, value)| {
                name == last
                    || (name.contains("auth") || name.contains("match") || name.contains("retry")) && value.contains(&format!("{last} = "))
            })
        };
        if !["match", "auth", "retry"].contains(&last) && !written.iter().any(is_explained) {
            missing.push(key.clone());
        }
    }
    assert!(missing.is_empty(), "not in configs/relaypacs.toml: {missing:?}");
    assert!(known.len() > 50, "only {} keys were found", known.len());
}

/// The keys that the code names when it is given one it does not know.
fn asked(text: &str, prefix: &str) -> Vec<String> {
    let error = Config::from_text(Path::new("asked"), text, &[]).unwrap_err().to_string();
    let (_, known) = error.split_once("known are: ").unwrap_or_else(|| panic!("{error}"));
    known.split(", ").map(|key| format!("{prefix}.{key}")).collect()
}

#[test]
fn every_setting_of_the_example_stands_under_a_comment() {
    let lines: Vec<&str> = EXAMPLE.lines().collect();
    for pair in lines.windows(2) {
        let is_setting = |line: &str| line.strip_prefix('#').unwrap_or(line).split_once(" = ").is_some_and(|(name, _)| !name.contains(' '));
        let is_comment = pair[0].starts_with("# ") || is_setting(pair[0]) || pair[0].trim_start_matches('#').starts_with('[');
        assert!(!is_setting(pair[1]) || is_comment, "no comment above: {}", pair[1]);
    }
}
