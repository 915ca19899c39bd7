//! `relaypacs setup-code`: the code that makes the first admin. Standard output is the code alone.

use serde_json::json;

use super::{Arguments, Fault, client::BoxClient};

pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let answer = BoxClient::connect(arguments)?.post("/admin/setup-code", &json!({}))?;
    let output = arguments.output();
    if output.json {
        return output.object(&answer);
    }
    let text = |key: &str| answer[key].as_str().unwrap_or("?");
    output.remark(format_args!("The first admin is made at {} with this code, once, until {}:", text("url"), text("expires_at")));
    output.line(text("code"))
}
