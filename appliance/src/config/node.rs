//! A configuration as written: a tree of values, each of which knows where it came from.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use super::problem::Problem;

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A line of a file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// `--set` with this key.
    Argument(String),
}

/// A value and where it was set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) origin: Origin,
    pub(crate) value: Value,
}

/// A value as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// From environment or command line: what it is to be decides the key it is for.
    Text(String),
    String(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
}

/// Most elements a list may be given one by one (`RELAYPACS_DESTINATION__0__URL`).
const MAX_INDEX: usize = 256;

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Argument(key) => write!(f, "--set {key}"),
        }
    }
}

impl Node {
    /// An empty table.
    pub(crate) fn table(origin: Origin) -> Self {
        Self { origin, value: Value::Table(BTreeMap::new()) }
    }

    /// The node at a dotted path, list elements by number.
    pub(crate) fn find(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |node, key| match &node.value {
            Value::Table(table) => table.get(key),
            Value::List(list) => list.get(key.parse::<usize>().ok()?),
            Value::Text(_) | Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Bool(_) => None,
        })
    }

    /// Sets one value deep in the tree, making tables and list elements (named by number) on the way.
    pub(crate) fn set(&mut self, path: &[String], value: Self) -> Result<(), Problem> {
        let Some((key, rest)) = path.split_first() else {
            *self = value;
            return Ok(());
        };
        let origin = value.origin.clone();
        let index = key.parse::<usize>().ok();
        if let (Value::Table(table), Some(_)) = (&self.value, index)
            && table.is_empty()
        {
            self.value = Value::List(Vec::new());
        }
        let next = match (&mut self.value, index) {
            (Value::Table(table), _) => table.entry(key.clone()).or_insert_with(|| Self::table(origin.clone())),
            (Value::List(list), Some(index)) => element(list, index, &origin)?,
            (Value::List(_), None) => {
                return Err(Problem::at(key, Some(&origin), "this is a list: name the element by its number, from 0"));
            }
            (Value::Text(_) | Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Bool(_), _) => {
                return Err(Problem::at(key, Some(&origin), format!("there is nothing below it: it is set at {}", self.origin)));
            }
        };
        next.set(rest, value).map_err(|problem| problem.inside(key, &origin))
    }
}

fn element<'a>(list: &'a mut Vec<Node>, index: usize, origin: &Origin) -> Result<&'a mut Node, Problem> {
    if index > list.len() || index >= MAX_INDEX {
        let next = list.len().min(MAX_INDEX - 1);
        return Err(Problem::at(&index.to_string(), Some(origin), format!("elements are numbered without gaps: the next one is {next}")));
    }
    if index == list.len() {
        list.push(Node::table(origin.clone()));
    }
    Ok(&mut list[index])
}
