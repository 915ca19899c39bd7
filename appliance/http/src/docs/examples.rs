//! Each refusal of the contract has an example body, with the code that goes with it.

use serde_json::{Value, json};
use utoipa::openapi::{
    OpenApi, RefOr, Response,
    path::{Operation, PathItem},
};

use crate::problem::Code;

const MEDIA_TYPE: &str = "application/problem+json";

/// Adds the examples that are missing.
pub(crate) fn add_examples(contract: &mut OpenApi) {
    for (path, item) in &mut contract.paths.paths {
        for operation in operations(item) {
            for (status, answer) in &mut operation.responses.responses {
                if let RefOr::T(answer) = answer {
                    add_example(path, status, answer);
                }
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}

fn add_example(path: &str, status: &str, answer: &mut Response) {
    let (Ok(status), Some(RefOr::T(content))) = (status.parse::<u16>(), answer.content.get_mut(MEDIA_TYPE)) else { return };
    if content.example.is_none() {
        content.example = Some(example(path, status, &answer.description));
    }
}

/// A refusal as it may come.
fn example(path: &str, status: u16, description: &str) -> Value {
    let code = code(path, status, description);
    let reason = axum::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error");
    let mut body = json!({
        "type": code.map_or("about:blank", Code::kind),
        "title": code.map_or(reason, Code::title),
        "status": status,
        "detail": description,
        "instance": path,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    });
    if let Some(code) = code {
        body["code"] = json!(code.name());
    }
    body
}

/// The code that the description names (`code X`), else the one that goes with the status.
fn code(path: &str, status: u16, description: &str) -> Option<Code> {
    let named = description.split("code ").skip(1).find_map(|rest| {
        let name = rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next()?;
        Code::ALL.iter().copied().find(|code| code.name() == name)
    });
    let usual = match status {
        400 => Some(Code::Unreadable),
        401 if path.ends_with("/auth/login") => Some(Code::InvalidCredentials),
        401 => Some(Code::Unauthorized),
        403 => Some(Code::Forbidden),
        409 => Some(Code::Conflict),
        413 => Some(Code::TooLarge),
        422 => Some(Code::Invalid),
        429 => Some(Code::RateLimited),
        503 => Some(Code::Unavailable),
        507 => Some(Code::DiskFull),
        _ => None,
    };
    named.or(usual)
}
