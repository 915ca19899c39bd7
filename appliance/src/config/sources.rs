//! The three places a configuration comes from, in rising order of precedence: file, environment, `--set`.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    node::{Node, Origin, Value},
    problem::{Problem, Problems},
};

/// Prefix of environment variables.
const PREFIX: &str = "RELAYPACS_";
/// Largest configuration file, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// Reads a TOML file.
pub(crate) fn file(path: &Path) -> Result<Node, Problems> {
    let unreadable = |error: std::io::Error| Problem { path: Vec::new(), origin: None, message: format!("{}: {error}", path.display()) };
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_string(&mut text)).map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE {
        return Err(Problem { path: Vec::new(), origin: None, message: format!("{}: larger than 1 MiB", path.display()) }.into());
    }
    parse(path, &text)
}

/// Parses the text of a TOML file named `path`.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Node, Problems> {
    let lines = Lines { path: path.to_owned(), ends: text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at).collect() };
    let table = DeTable::parse(text).map_err(|error| Problem {
        path: Vec::new(),
        origin: Some(lines.origin(error.span().map_or(0, |span| span.start))),
        message: error.message().to_owned(),
    })?;
    Ok(Node { origin: lines.origin(0), value: Value::Table(lines.table(table.get_ref())?) })
}

/// Takes every variable named `RELAYPACS_SECTION__KEY`; others that begin with `RELAYPACS_` (without a double underscore) are not settings.
pub(crate) fn environment(tree: &mut Node, variables: impl Iterator<Item = (String, String)>) -> Result<(), Problems> {
    let mut settings: Vec<(String, Vec<String>, String)> = variables
        .filter_map(|(name, value)| {
            let key = name.strip_prefix(PREFIX)?.to_ascii_lowercase();
            let path: Vec<String> = key.split("__").map(str::to_owned).collect();
            (path.len() > 1).then_some((name, path, value))
        })
        .collect();
    // Elements of a list come in order of their number, whatever the order of the environment.
    settings.sort_by_key(|(_, path, _)| path.iter().map(|part| (part.parse::<usize>().unwrap_or(0), part.clone())).collect::<Vec<_>>());
    for (name, path, text) in settings {
        tree.set(&path, written(&text, &Origin::Environment(name))?)?;
    }
    Ok(())
}

/// Takes `section.key=value` from the command line.
pub(crate) fn argument(tree: &mut Node, setting: &str) -> Result<(), Problems> {
    let Some((key, text)) = setting.split_once('=') else {
        return Err(Problem::at(setting, Some(&Origin::Argument(setting.to_owned())), "a setting is written section.key=value").into());
    };
    let path: Vec<String> = key.trim().split('.').map(str::to_owned).collect();
    if path.len() < 2 || path.iter().any(String::is_empty) {
        return Err(Problem::at(key, Some(&Origin::Argument(key.to_owned())), "a key is written section.key").into());
    }
    tree.set(&path, written(text, &Origin::Argument(key.trim().to_owned()))?)?;
    Ok(())
}

/// A value given as text: a list or table as TOML writes it, anything else as it stands.
fn written(text: &str, origin: &Origin) -> Result<Node, Problem> {
    if !text.starts_with(['[', '{', '"']) {
        return Ok(Node { origin: origin.clone(), value: Value::Text(text.to_owned()) });
    }
    let document = format!("value = {text}");
    let parsed = DeTable::parse(&document).map_err(|error| Problem {
        path: Vec::new(),
        origin: Some(origin.clone()),
        message: error.message().to_owned(),
    })?;
    match parsed.get_ref().get("value") {
        Some(value) => Fixed(origin).node(value),
        None => Ok(Node { origin: origin.clone(), value: Value::Text(text.to_owned()) }),
    }
}

/// Gives each parsed value its origin.
trait Place {
    fn origin(&self, at: usize) -> Origin;

    fn table(&self, table: &DeTable<'_>) -> Result<BTreeMap<String, Node>, Problem> {
        table
            .iter()
            .map(|(key, value)| {
                Ok((key.get_ref().to_string(), self.node(value).map_err(|p| p.inside(key.get_ref(), &self.origin(key.span().start)))?))
            })
            .collect()
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Result<Node, Problem> {
        let origin = self.origin(value.span().start);
        let wrong = |message: String| Problem { path: Vec::new(), origin: Some(origin.clone()), message };
        let value = match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Integer(number) => Value::Integer(
                i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| wrong(format!("{number} is too large a number")))?,
            ),
            DeValue::Float(number) => Value::Float(number.as_str().parse().map_err(|_| wrong(format!("{number} is not a number")))?),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Datetime(time) => Value::String(time.to_string()),
            DeValue::Array(list) => Value::List(list.iter().map(|value| self.node(value)).collect::<Result<_, _>>()?),
            DeValue::Table(table) => Value::Table(self.table(table)?),
        };
        Ok(Node { origin, value })
    }
}

/// Origins are lines of a file.
struct Lines {
    path: PathBuf,
    ends: Vec<usize>,
}

impl Place for Lines {
    fn origin(&self, at: usize) -> Origin {
        Origin::File { path: self.path.clone(), line: self.ends.partition_point(|end| *end < at) + 1 }
    }
}

/// All origins are the same.
struct Fixed<'a>(&'a Origin);

impl Place for Fixed<'_> {
    fn origin(&self, _: usize) -> Origin {
        self.0.clone()
    }
}
