//! What the box writes about itself: lines for people on a terminal, JSON otherwise, on standard error.
//!
//! Levels are set for the whole product and for single modules, and may be changed while it runs. No patient data reaches a log line: the
//! domain types' `Debug` leaves it out, and nothing here formats a header.

use std::{
    io::{self, IsTerminal},
    str::FromStr,
    sync::Arc,
};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer, Registry, filter::Targets, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt};

use crate::config::{LogFormat, nearest};

/// The product's own modules by the names people use for them, and their crates.
const MODULES: [(&str, &str); 6] = [
    ("dicom", "relaypacs_dicom"),
    ("buffer", "relaypacs_buffer"),
    ("forward", "relaypacs_forward"),
    ("clinic", "relaypacs_clinic"),
    ("http", "relaypacs_http"),
    ("daemon", "relaypacs::"),
];

/// Libraries whose lines somebody may want to see: they cannot be found out at run time.
const LIBRARIES: [&str; 12] =
    ["axum", "dicom_ul", "h2", "hyper", "hyper_util", "redb", "reqwest", "rustls", "tokio", "tokio_util", "tower", "tower_http"];

/// Changes the levels of the running log.
pub(crate) type Change = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// Reads `info,dicom=debug`: a level for the product, then levels of modules (`dicom buffer forward clinic http daemon`, or the path of a module of
/// the product or of a library it is made of). What other libraries say is logged from `warn` on.
pub(crate) fn directives(text: &str) -> Result<Targets, String> {
    let mut targets = Targets::new().with_default(LevelFilter::WARN).with_target("relaypacs", LevelFilter::INFO);
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        targets = match part.split_once('=') {
            None => targets.with_target("relaypacs", level(part)?),
            Some((module, text)) => targets.with_target(target(module.trim())?, level(text.trim())?),
        };
    }
    Ok(targets)
}

fn level(text: &str) -> Result<LevelFilter, String> {
    let known = ["off", "error", "warn", "info", "debug", "trace"].contains(&text);
    let level = known.then(|| LevelFilter::from_str(text).ok()).flatten();
    level.ok_or_else(|| format!("a log level is off, error, warn, info, debug or trace, not {text:?}"))
}

fn target(module: &str) -> Result<String, String> {
    if let Some((_, target)) = MODULES.iter().find(|(name, _)| *name == module) {
        return Ok((*target).to_owned());
    }
    let is_path = module.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':'));
    let root = module.split("::").next().unwrap_or_default();
    let ours = MODULES.iter().any(|(_, target)| target.trim_end_matches(':') == root) || root == "relaypacs_domain";
    if is_path && (ours || LIBRARIES.contains(&root)) {
        return Ok(module.to_owned());
    }
    let names: Vec<&str> = MODULES.iter().map(|(name, _)| *name).chain(LIBRARIES).collect();
    let hint = nearest(module, &names).map_or_else(|| format!("they are {}", names.join(", ")), |near| format!("did you mean {near:?}?"));
    Err(format!("{module:?} is no module; {hint}"))
}

/// Starts logging to standard error. Called once.
pub(crate) fn start(level: &str, format: LogFormat) -> Result<Change, String> {
    let (filter, handle) = reload::Layer::new(directives(level)?);
    let human = match format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    let lines: Box<dyn Layer<Registry> + Send + Sync> = if human {
        fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).boxed()
    } else {
        fmt::layer().json().flatten_event(true).with_current_span(true).with_span_list(false).with_writer(io::stderr).boxed()
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).try_init().map_err(|error| format!("logging cannot start: {error}"))?;
    Ok(Arc::new(move |text: &str| {
        let targets = directives(text)?;
        handle.reload(targets).map_err(|error| error.to_string())?;
        tracing::info!(levels = text, "log levels changed");
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn levels_are_set_by_module() {
        let targets = directives("warn, dicom=trace,hyper=off").unwrap();
        let check = |target: &str, level: Level, expected| assert_eq!(targets.would_enable(target, &level), expected, "{target} {level}");
        check("relaypacs_dicom::association", Level::TRACE, true);
        check("relaypacs_forward", Level::INFO, false);
        assert!(directives("clinic=debug").unwrap().would_enable("relaypacs_clinic::schedule", &Level::DEBUG));
        check("relaypacs::appliance", Level::WARN, true);
        check("reqwest", Level::WARN, true);
        check("reqwest", Level::INFO, false);
        check("hyper", Level::ERROR, false);
        assert!(directives("relaypacs_buffer::segment=trace,h2::codec=debug").is_ok());
    }

    #[test]
    fn nonsense_is_refused_with_the_rule() {
        let check = |text: &str, said: &str| {
            let error = directives(text).unwrap_err();
            assert!(error.contains(said), "{text:?}: {error}");
        };
        check("loud", "off, error, warn, info, debug or trace");
        check("dicom=loud", "\"loud\"");
        check("5", "\"5\"");
        check("di com=info", "is no module; did you mean \"dicom\"?");
        check("forwrd=debug", "did you mean \"forward\"?");
        check("relaypacs_dicon::association=debug", "is no module");
        check("xyz=info", "they are dicom, buffer, forward, clinic, http, daemon");
        check("=info", "is no module");
    }
}
