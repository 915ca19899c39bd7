//! The two text formats: OpenMetrics 1.0 as the registry writes it, and Prometheus' own 0.0.4 made from it.
//!
//! | | OpenMetrics | Prometheus 0.0.4 |
//! |---|---|---|
//! | family of a counter `x_total` | `# TYPE x counter` | `# TYPE x_total counter` |
//! | family of an info `x_info` | `# TYPE x info` | `# TYPE x_info gauge` |
//! | no type known | `unknown` | `untyped` |
//! | unit | `# UNIT x seconds` | – |
//! | end | `# EOF` | – |
//!
//! Our metrics carry no exemplars, so sample lines are the same in both.

use std::fmt;

use prometheus_client::{encoding::text, registry::Registry};

/// Everything in the registry as OpenMetrics 1.0.
pub(super) fn open_metrics(registry: &Registry) -> Result<String, fmt::Error> {
    let mut out = String::with_capacity(64 * 1024);
    text::encode(&mut out, registry)?;
    Ok(out)
}

/// OpenMetrics text as Prometheus' text format 0.0.4.
pub(super) fn prometheus_text(open_metrics: &str) -> String {
    let mut out = String::with_capacity(open_metrics.len());
    let mut help: Option<(&str, &str)> = None;
    for line in open_metrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let (suffix, kind) = family(kind);
            if let Some((_, text)) = help.take().filter(|(named, _)| *named == name) {
                push(&mut out, &["# HELP ", name, suffix, " ", text]);
            }
            push(&mut out, &["# TYPE ", name, suffix, " ", kind]);
        } else if !line.starts_with('#') {
            push(&mut out, &[line]);
        }
    }
    out
}

/// What a family of an OpenMetrics type is called and is in the older format.
fn family(kind: &str) -> (&'static str, &str) {
    match kind {
        "counter" => ("_total", "counter"),
        "info" => ("_info", "gauge"),
        "stateset" => ("", "gauge"),
        "unknown" => ("", "untyped"),
        same => ("", same),
    }
}

fn push(out: &mut String, parts: &[&str]) {
    out.extend(parts.iter().copied());
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use prometheus_client::{
        metrics::{counter::Counter, gauge::Gauge, info::Info},
        registry::Unit,
    };

    use super::*;

    #[test]
    fn families_are_renamed_and_samples_kept() {
        let mut registry = Registry::default();
        let counter: Counter = Counter::default();
        counter.inc_by(3);
        registry.register("things", "Things counted", counter);
        registry.register_with_unit("waited", "Waited", Unit::Seconds, Gauge::<i64>::default());
        registry.register("build", "Build", Info::new([("version", "0.1.0")]));
        let expected = "# HELP things_total Things counted.\n# TYPE things_total counter\nthings_total 3\n\
             # HELP waited_seconds Waited.\n# TYPE waited_seconds gauge\nwaited_seconds 0\n\
             # HELP build_info Build.\n# TYPE build_info gauge\nbuild_info{version=\"0.1.0\"} 1\n";
        let open = open_metrics(&registry).unwrap();
        assert_eq!(prometheus_text(&open), expected);
        assert!(open.ends_with("# EOF\n"));
    }
}
