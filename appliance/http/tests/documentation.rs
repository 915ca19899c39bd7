//! The contract is complete enough to work with: every operation says what it does, shows what goes in and out, and names its refusals.

#![allow(clippy::unwrap_used, reason = "a test's helpers end the test")]

use serde_json::Value;

/// Whether a schema, or anything within it, shows an example.
fn shows(contract: &Value, schema: &Value, depth: u32) -> bool {
    if depth > 8 {
        return false;
    }
    let within = |schema: &Value| shows(contract, schema, depth + 1);
    if ["example", "examples", "enum", "const", "default"].iter().any(|key| schema.get(key).is_some()) {
        return true;
    }
    if let Some(name) = schema["$ref"].as_str() {
        return within(&contract["components"]["schemas"][name.rsplit('/').next().unwrap()]);
    }
    schema["properties"].as_object().is_some_and(|properties| properties.values().any(within))
        || schema.get("items").is_some_and(within)
        || ["oneOf", "anyOf", "allOf"].iter().any(|key| schema[*key].as_array().is_some_and(|all| all.iter().any(within)))
}

fn has_example(contract: &Value, content: &Value) -> bool {
    content.get("example").is_some() || content.get("examples").is_some() || shows(contract, &content["schema"], 0)
}

#[test]
fn every_operation_shows_what_goes_in_and_out_and_names_its_refusals() {
    let contract = serde_json::to_value(relaypacs_http::openapi()).unwrap();
    let mut missing = Vec::new();
    let mut count = 0;
    for (path, item) in contract["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/api/")) {
        for (method, operation) in item.as_object().unwrap() {
            count += 1;
            let mut lacks = |what: String| missing.push(format!("{method} {path}: {what}"));
            if operation["summary"].as_str().is_none_or(str::is_empty) || operation["tags"].as_array().is_none_or(Vec::is_empty) {
                lacks("no summary or tag".into());
            }
            let bodies = operation["requestBody"]["content"].as_object().into_iter().flatten();
            for (kind, content) in bodies.filter(|(kind, _)| kind.as_str() == "application/json") {
                if !has_example(&contract, content) {
                    lacks(format!("no example of its {kind} body"));
                }
            }
            let answers = operation["responses"].as_object().unwrap();
            if !answers.keys().any(|status| status.starts_with('2')) || !answers.contains_key("429") {
                lacks("no success or no 429".into());
            }
            for (status, answer) in answers {
                for (kind, content) in answer["content"].as_object().into_iter().flatten() {
                    let is_text =
                        ["application/json", "application/problem+json", "text/event-stream", "text/csv"].contains(&kind.as_str());
                    if is_text && !has_example(&contract, content) {
                        lacks(format!("no example of its {status} {kind}"));
                    }
                    if kind == "application/problem+json"
                        && content["example"]["status"].as_u64().map(|s| s.to_string()).as_ref() != Some(status)
                    {
                        lacks(format!("the example of {status} is none"));
                    }
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(count >= 80, "{count}");
}
