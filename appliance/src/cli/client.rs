//! Talks to the running box: HTTP over its admin socket.

use std::{io, os::unix::net::UnixStream, path::Path, time::Duration};

use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

use super::{Arguments, Exit, Fault, runtime};
use crate::data_dir::{self, Found};

/// A connection to the box.
pub(crate) struct BoxClient {
    client: Client,
    runtime: tokio::runtime::Runtime,
}

/// Longest line of progress in bytes.
const MAX_LINE: usize = 64 * 1024;
/// How long the box may take to answer a question.
const QUESTION: Duration = Duration::from_mins(1);
/// How long work that reads or writes everything may take.
const WORK: Duration = Duration::from_hours(7 * 24);

impl BoxClient {
    /// Finds the box and makes sure that it listens.
    pub(crate) fn connect(arguments: &Arguments) -> Result<Self, Fault> {
        let directory = match data_dir::for_client(arguments.data_dir.as_deref()) {
            Found::Directory(directory) => directory,
            Found::Closed => return Err(closed(Path::new(data_dir::SYSTEM))),
        };
        let socket = data_dir::admin_socket(&directory);
        UnixStream::connect(&socket).map_err(|error| unreachable(&directory, &error))?;
        let client = Client::builder()
            .unix_socket(socket)
            .build()
            .map_err(|error| Fault::failed(format!("the HTTP client cannot start: {error}")))?;
        Ok(Self { client, runtime: runtime()? })
    }

    /// Asks for a resource.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Fault> {
        self.ask(Method::GET, path, None, QUESTION)
    }

    /// Asks for something to be done.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        self.ask(Method::POST, path, Some(body), QUESTION)
    }

    /// Asks for something to be done that may take long.
    pub(crate) fn post_work(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        self.ask(Method::POST, path, Some(body), WORK)
    }

    /// Asks for long work that reports its progress in JSON lines; each is handed to `progress`.
    pub(crate) fn post_lines(&self, path: &str, body: &Value, mut progress: impl FnMut(&Value)) -> Result<(), Fault> {
        let request = self.client.post(format!("http://localhost{path}")).json(body).timeout(WORK);
        self.runtime.block_on(async {
            let mut answer = request.send().await.map_err(|error| broken(&error))?;
            if !answer.status().is_success() {
                let (status, bytes) = (answer.status(), answer.bytes().await.map_err(|error| broken(&error))?);
                return Err(refused(path, status, &bytes));
            }
            let mut rest = Vec::new();
            while let Some(piece) = answer.chunk().await.map_err(|error| broken(&error))? {
                rest.extend_from_slice(&piece);
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = rest.drain(..=end).collect();
                    progress(&serde_json::from_slice(&line).unwrap_or(Value::Null));
                }
                if rest.len() > MAX_LINE {
                    return Err(Fault::failed("the box's answer cannot be read: a line does not end"));
                }
            }
            Ok(())
        })
    }

    fn ask(&self, method: Method, path: &str, body: Option<&Value>, within: Duration) -> Result<Value, Fault> {
        let mut request = self.client.request(method, format!("http://localhost{path}")).timeout(within);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.runtime.block_on(async {
            let answer = request.send().await.map_err(|error| broken(&error))?;
            let status = answer.status();
            let bytes = answer.bytes().await.map_err(|error| broken(&error))?;
            if !status.is_success() {
                return Err(refused(path, status, &bytes));
            }
            if bytes.is_empty() {
                return Ok(Value::Null);
            }
            serde_json::from_slice(&bytes).map_err(|error| Fault::failed(format!("the box's answer cannot be read: {error}")))
        })
    }
}

/// Whether a box runs on the data directory (it answers on its socket).
pub(crate) fn is_running(directory: &Path) -> bool {
    UnixStream::connect(data_dir::admin_socket(directory)).is_ok()
}

pub(crate) fn closed(directory: &Path) -> Fault {
    Fault::new(Exit::NotAllowed, format!("{} is closed to this user", directory.display())).hint("run as root or relaypacs")
}

fn unreachable(directory: &Path, error: &io::Error) -> Fault {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return closed(directory);
    }
    Fault::new(Exit::NotRunning, format!("no box runs on {}", directory.display()))
        .hint("start it with `systemctl start relaypacs` or `relaypacs serve`, or name its data directory with --data-dir")
}

fn broken(error: &reqwest::Error) -> Fault {
    if error.is_timeout() {
        return Fault::new(Exit::TryLater, "the box does not answer in time").hint("try again; `relaypacs status` shows how it is");
    }
    Fault::new(Exit::NotRunning, "the box went away before it answered").hint("see its log: `journalctl -u relaypacs`")
}

/// A problem document (RFC 9457) about a path as a fault.
fn refused(path: &str, status: StatusCode, body: &[u8]) -> Fault {
    let problem: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text = |key: &str| problem[key].as_str().map(str::to_owned);
    let message = text("detail").or_else(|| text("title")).unwrap_or_else(|| format!("the box answered {status}"));
    let exit = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::NotAllowed,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE => Exit::TryLater,
        _ => Exit::Failed,
    };
    let fault = Fault::new(exit, message);
    match status {
        StatusCode::NOT_FOUND if path.starts_with("/admin/users") => fault.hint("`relaypacs user list` lists the accounts"),
        StatusCode::NOT_FOUND => fault.hint("`relaypacs studies` lists the studies, `relaypacs status` the destinations"),
        _ => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_document_becomes_a_sentence_and_an_exit_code() {
        let check_at = |path, status: StatusCode, body: &str, expected: &Fault| {
            assert_eq!(format!("{:?}", refused(path, status, body.as_bytes())), format!("{expected:?}"));
        };
        let check = |status, body: &str, expected: &Fault| check_at("/admin/retry", status, body, expected);
        let nobody = Fault::failed("there is no such account").hint("`relaypacs user list` lists the accounts");
        check_at("/admin/users/disable", StatusCode::NOT_FOUND, r#"{"detail":"there is no such account"}"#, &nobody);
        let unknown = Fault::failed("no such study").hint("`relaypacs studies` lists the studies, `relaypacs status` the destinations");
        check(StatusCode::NOT_FOUND, r#"{"title":"Not found","detail":"no such study"}"#, &unknown);
        check(StatusCode::CONFLICT, r#"{"title":"Conflict","detail":"not an empty folder"}"#, &Fault::failed("not an empty folder"));
        check(StatusCode::SERVICE_UNAVAILABLE, r#"{"title":"Busy"}"#, &Fault::new(Exit::TryLater, "Busy"));
        check(StatusCode::BAD_GATEWAY, "<html>", &Fault::failed("the box answered 502 Bad Gateway"));
    }
}
