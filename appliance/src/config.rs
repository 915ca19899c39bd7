//! The typed configuration: defaults, then one TOML file, then the environment, then `--set`.
//!
//! Keys and defaults are in [`sections`]; `configs/relaypacs.toml` explains each and is tested against them. Every value remembers where it
//! was set, so that a wrong one is reported with file and line, variable or argument. Unknown keys are errors. This module opens no socket
//! and no data directory.

mod acme;
mod de;
mod limits;
mod node;
mod panel;
mod people;
mod problem;
mod rules;
mod sections;
mod sentry;
mod show;
mod sources;
#[cfg(test)]
mod tests;
mod uploads;
mod values;

use std::path::{Path, PathBuf};

use relaypacs_forward::DestinationConfig;

pub(crate) use acme::Acme;
pub(crate) use limits::Limits;
pub(crate) use node::Origin;
use node::{Node, Value};
pub(crate) use panel::{Panel, PanelLock, StudyLabel};
pub(crate) use people::{Mail, Push, Report, Webhook, channels};
pub(crate) use problem::{Problem, Problems, nearest};
pub(crate) use sections::{Buffer, Dicom, Http, Log, LogFormat, Modality, Site};
pub(crate) use sentry::Sentry;
pub(crate) use show::show;
pub(crate) use uploads::{Accounts, Uploads};
pub(crate) use values::Bind;
#[cfg(test)]
pub(crate) use values::Size;

/// Where the configuration file is looked for when none is named.
pub(crate) const DEFAULT_FILE: &str = "/etc/relaypacs/relaypacs.toml";

/// What the box is told to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    pub(crate) dicom: Dicom,
    pub(crate) http: Http,
    pub(crate) buffer: Buffer,
    pub(crate) destination: Vec<DestinationConfig>,
    pub(crate) modality: Vec<Modality>,
    pub(crate) log: Log,
    pub(crate) site: Site,
    pub(crate) acme: Acme,
    pub(crate) limits: Limits,
    pub(crate) accounts: Accounts,
    pub(crate) uploads: Uploads,
    pub(crate) report: Report,
    pub(crate) mail: Mail,
    pub(crate) webhook: Webhook,
    pub(crate) push: Push,
    pub(crate) sentry: Sentry,
    pub(crate) panel: Panel,
    /// Where it came from, for showing and for messages.
    pub(crate) written: Written,
}

/// The configuration as written, before defaults.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
    tree: Node,
}

/// Names of the sections, for messages.
const SECTIONS: &[&str] = &[
    "dicom",
    "http",
    "buffer",
    "destination",
    "modality",
    "log",
    "site",
    "acme",
    "limits",
    "accounts",
    "uploads",
    "report",
    "mail",
    "webhook",
    "push",
    "sentry",
    "panel",
];

impl Config {
    /// Reads and checks the configuration. `file`: the one named on the command line; without it the default file, if there is one.
    pub(crate) fn load(
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
        settings: &[String],
    ) -> Result<Self, Problems> {
        let file = file.map(Path::to_owned).or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists()));
        let mut tree = match &file {
            Some(path) => sources::file(path)?,
            None => empty(),
        };
        sources::environment(&mut tree, variables)?;
        for setting in settings {
            sources::argument(&mut tree, setting)?;
        }
        Self::from_tree(tree, file)
    }

    /// Reads and checks a configuration from the text of a file named `path`, then `settings`.
    pub(crate) fn from_text(path: &Path, text: &str, settings: &[String]) -> Result<Self, Problems> {
        let mut tree = sources::parse(path, text)?;
        for setting in settings {
            sources::argument(&mut tree, setting)?;
        }
        Self::from_tree(tree, Some(path.to_owned()))
    }

    fn from_tree(tree: Node, file: Option<PathBuf>) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let mut config = Self { written: Written { file, tree }, ..Self::default() };
        let tree = config.written.tree.clone();
        if let Value::Table(sections) = &tree.value {
            for (name, node) in sections {
                if let Err(problem) = config.read(name, node) {
                    problems.push(problem);
                }
            }
        }
        if problems.is_empty() {
            problems = rules::broken(&config);
        }
        if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
    }

    fn read(&mut self, name: &str, node: &Node) -> Result<(), Problem> {
        let within = |problem: Problem| problem.inside(name, &node.origin);
        match name {
            "dicom" => self.dicom = de::read(node).map_err(within)?,
            "http" => self.http = de::read(node).map_err(within)?,
            "buffer" => self.buffer = de::read(node).map_err(within)?,
            "destination" => self.destination = de::read(node).map_err(within)?,
            "modality" => self.modality = de::read(node).map_err(within)?,
            "log" => self.log = de::read(node).map_err(within)?,
            "site" => self.site = de::read(node).map_err(within)?,
            "acme" => self.acme = de::read(node).map_err(within)?,
            "limits" => self.limits = de::read(node).map_err(within)?,
            "accounts" => self.accounts = de::read(node).map_err(within)?,
            "uploads" => self.uploads = de::read(node).map_err(within)?,
            "report" => self.report = de::read(node).map_err(within)?,
            "mail" => self.mail = de::read(node).map_err(within)?,
            "webhook" => self.webhook = de::read(node).map_err(within)?,
            "push" => self.push = de::read(node).map_err(within)?,
            "sentry" => self.sentry = de::read(node).map_err(within)?,
            "panel" => self.panel = de::read(node).map_err(within)?,
            other => {
                let mut problem = Problem::unknown("section", other, SECTIONS);
                problem.origin = Some(node.origin.clone());
                return Err(problem);
            }
        }
        Ok(())
    }

    /// Where a key was set, if it was.
    pub(crate) fn origin(&self, path: &str) -> Option<&Origin> {
        self.written.tree.find(path).map(|node| &node.origin)
    }
}

impl Default for Written {
    fn default() -> Self {
        Self { file: None, tree: empty() }
    }
}

/// A configuration that says nothing.
fn empty() -> Node {
    Node::table(Origin::Argument(String::new()))
}
