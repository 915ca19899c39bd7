//! The layers, their messages, and the annotated example held against the code.

use std::{collections::BTreeSet, path::Path, time::Duration};

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
fn every_shape_of_value_is_read_and_a_wrong_shape_is_named() {
    let config = from(
        "[dicom]\nbind = [\"127.0.0.1\", \"::1\"]\n[http]\nplain_port = 0\n[buffer]\nmax_bytes = 1073741824\nreserve_bytes = \"auto\"",
        &[("RELAYPACS_SENTRY__SAMPLE_RATE", "0.25"), ("RELAYPACS_PUSH__PRIVATE", "true")],
        &["http.bind=127.0.0.1, ::1", "limits.login=off"],
    )
    .unwrap();
    assert_eq!(config.dicom.bind.addresses().map(<[_]>::len), Some(2));
    assert_eq!(config.http.bind.addresses().map(<[_]>::len), Some(2));
    assert_eq!(config.buffer.max_bytes.fixed(), Some(Size(1 << 30)));
    assert_eq!(config.buffer.reserve_bytes.fixed(), None);
    assert!(config.push.private && (config.sentry.sample_rate - 0.25).abs() < f32::EPSILON);
    check_error("[dicom]\nbind = []", &[], &[], "FILE:2: dicom.bind: an empty list listens nowhere; port 0 turns a listener off");
    check_error(
        "[dicom]\nbind = \"here\"",
        &[],
        &[],
        "FILE:2: dicom.bind: expected \"all\", an IP address or a list of them, not \"here\"",
    );
    check_error(
        "[dicom]\nbind = true",
        &[],
        &[],
        "FILE:2: dicom.bind: expected \"all\", an IP address or a list of IP addresses, not true",
    );
    check_error("[dicom]\nport = [1]", &[], &[], "FILE:2: dicom.port: expected a whole number from 0 to 65535, not a list");
    check_error("[dicom]\nport = {a = 1}", &[], &[], "FILE:2: dicom.port: expected a whole number from 0 to 65535, not a table");
    check_error("[dicom]\nport = 1.5", &[], &[], "FILE:2: dicom.port: expected a whole number from 0 to 65535, not 1.5");
    check_error("dicom = 1", &[], &[], "expected a table of keys, not 1");
    check_error("[log]\nformat = 1", &[], &[], "FILE:2: log.format: expected a word");
    check_error("[push]\nprivate = \"yes\"", &[], &[], "FILE:2: push.private: ");
    check_error("", &[("RELAYPACS_PUSH__PRIVATE", "yes")], &[], "push.private: expected true or false, not \"yes\"");
    check_error("[buffer]\nmax_bytes = \"some\"", &[], &[], "; or \"auto\"");
    check_error("[dicom]\nport = 99999999999999999999", &[], &[], "99999999999999999999 is too large a number");
    check_error("", &[], &["dicom.bind=[\"127.0.0.1\""], "--set dicom.bind: ");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let load = |path: &Path| Config::load(Some(path), std::iter::empty(), &[]).unwrap_err().to_string();
    assert!(load(&folder.path().join("none.toml")).contains("none.toml: No such file"));
    let large = folder.path().join("large.toml");
    std::fs::write(&large, vec![b'\n'; (1 << 20) + 1]).unwrap();
    assert!(load(&large).ends_with("large.toml: larger than 1 MiB"));
}

#[test]
fn everything_wrong_is_said_at_once() {
    let text = "[dicom]\nartim = \"0s\"\n[limits]\nmax_connections = 1\n[uploads]\nmax_files = 20000\n[site]\nname = \"a\\nb\"\n";
    let said = from(text, &[], &[]).unwrap_err();
    assert_eq!(said.lines().count(), 4, "{said}");
    for key in ["dicom.artim", "limits.max_connections", "uploads.max_files", "site.name"] {
        assert!(said.contains(key), "{said}");
    }
}

#[test]
fn the_ways_by_which_people_are_told_are_checked() {
    let good = "[mail]\nhost = \"mail.example\"\nfrom = \"box@clinic.example\"\nuser = \"box\"\npassword_file = \"/run/secret\"\n\
        [webhook]\nurl = \"https://hooks.example/x\"\nsecret_file = \"/run/hook\"\ntypes = [\"report_ready\"]\n\
        [push]\ncontact = \"mailto:it@clinic.example\"\n";
    let options = |text: &str| {
        let config = from(text, &[], &[]).unwrap();
        channels(&config.site, &config.mail, &config.webhook, &config.push)
    };
    let told = options(good);
    let (mail, webhook) = (told.mail.unwrap(), told.webhook.unwrap());
    assert_eq!((mail.port, mail.user.as_str(), mail.password_file.as_deref()), (587, "box", Some(Path::new("/run/secret"))));
    assert_eq!((webhook.url.as_str(), webhook.types.len()), ("https://hooks.example/x", 1));
    assert_eq!(told.push_contact, "mailto:it@clinic.example");
    let port = |lines: &str| options(&format!("[mail]\nhost = \"m.example\"\nfrom = \"a@b.example\"\n{lines}")).mail.unwrap().port;
    assert_eq!([port("security = \"tls\""), port("security = \"none\""), port("port = 2525")], [465, 25, 2525]);
    let first_retry =
        |lines: &str| options(&format!("[mail]\nhost = \"m.example\"\nfrom = \"a@b.example\"\n{lines}")).mail.unwrap().first_retry;
    assert_eq!([first_retry(""), first_retry("first_retry = \"200ms\"")], [Duration::from_secs(5), Duration::from_millis(200)]);
    let nobody = options("");
    assert!(nobody.mail.is_none() && nobody.webhook.is_none());

    check_error("[mail]\nhost = \"m\"", &[], &[], "mail.from: names who sends");
    check_error(&good.replace("[webhook]", "first_retry = \"2h\"\n[webhook]"), &[], &[], "mail.first_retry: is 100ms to 1h, not 2h");
    check_error(&good.replace("password_file = \"/run/secret\"", ""), &[], &[], "mail.password_file: a user needs a password");
    check_error(
        &good.replace("[webhook]", "security = \"none\"\n[webhook]"),
        &[],
        &[],
        "mail.security: a password is not sent over an open line",
    );
    check_error(&good.replace("https://hooks", "ftp://hooks"), &[], &[], "webhook.url: \"ftp://hooks.example/x\" is no http or https URL");
    check_error(&good.replace("secret_file = \"/run/hook\"", ""), &[], &[], "webhook.secret_file: calls are signed");
    check_error(&good.replace("report_ready", "report_red"), &[], &[], "webhook.types: \"report_red\" is no type of notification");
    check_error(&good.replace("mailto:", ""), &[], &[], "push.contact: a contact begins with mailto: or https://");
}

#[test]
fn what_is_printed_on_reports_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let logo = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        format!("[site]\nlogo = {:?}", path.display().to_string())
    };
    check_error(&logo("text.png", b"no picture"), &[], &[], "site.logo: ");
    check_error(&logo("large.png", &vec![0; (4 << 20) + 1]), &[], &[], "has 4194305 bytes; at most 4194304 are taken");
    check_error("[site]\nlogo = \"/nowhere.png\"", &[], &[], "site.logo: /nowhere.png: No such file");
    check_error(&format!("[report]\nfacility = \"{}\"", "x".repeat(121)), &[], &[], "report.facility: a name has at most 120 characters");
    check_error(
        "[report]\naddress = [\"1\", \"2\", \"3\", \"4\", \"5\", \"6\"]",
        &[],
        &[],
        "report.address: an address has at most five lines",
    );
    check_error(&format!("[report]\nfonts = [{}]", "\"f\",".repeat(17)), &[], &[], "report.fonts: names at most 16 files");
    let config = from("[site]\nname = \"St. Anna\"\n[report]\npaper = \"letter\"\naddress = [\"Main St 1\"]", &[], &[]).unwrap();
    let letterhead = config.report.letterhead(&config.site);
    assert_eq!((letterhead.facility.as_str(), letterhead.address.len(), letterhead.logo.is_none()), ("St. Anna", 1, true));
}

#[test]
fn services_on_the_network_are_checked() {
    let acme = "[acme]\ndirectory = \"https://acme.example/dir\"\nnames = [\"box.clinic.example\"]\n";
    assert_eq!(from(acme, &[], &[]).unwrap().acme.names, ["box.clinic.example"]);
    check_error(&acme.replace("https", "http"), &[], &[], "acme.directory: \"http://acme.example/dir\" is no https URL");
    check_error("[acme]\ndirectory = \"https://acme.example/dir\"", &[], &[], "acme.names: names the host names to ask for, 1 to 100");
    check_error(&acme.replace("box.", "*."), &[], &[], "acme.names: \"*.clinic.example\" is no host name that HTTP-01 can prove");
    let sentry = "[sentry]\ndsn = \"https://key@errors.example/7\"\nenvironment = \"ward-3\"\n";
    let options = from(sentry, &[], &[]).unwrap().sentry.options("1.2.3", "abc").unwrap();
    assert_eq!((options.environment.as_str(), options.version.as_str()), ("ward-3", "1.2.3"));
    assert!(from("", &[], &[]).unwrap().sentry.options("1", "2").is_none());
    check_error(&sentry.replace("key@", ""), &[], &[], "sentry.dsn: ");
    check_error(&sentry.replace("ward-3", "ward 3"), &[], &[], "sentry.environment: an environment has 1 to 64 letters");
    check_error(&format!("{sentry}sample_rate = 1.5"), &[], &[], "sentry.sample_rate: 1.5 is out of range: 0 to 1");
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
