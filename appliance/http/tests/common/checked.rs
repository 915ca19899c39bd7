//! Answers held against the contract.

use std::collections::BTreeSet;

use axum::Router;
use relaypacs_http::Peer;
use serde_json::Value;

use super::{TestBox, Told, ask_as, from, get, post, schema, send};

/// Asks routes and holds each answer against the document; remembers what was asked.
pub struct Checked {
    document: Value,
    router: Router,
    asked: BTreeSet<String>,
}

impl Checked {
    /// Of the admin socket.
    pub fn new(test_box: &TestBox) -> Self {
        let document = serde_json::to_value(relaypacs_http::admin_openapi()).unwrap();
        Self { document, router: test_box.admin(), asked: BTreeSet::new() }
    }

    /// Of the network's entrance.
    pub fn public(test_box: &TestBox) -> Self {
        let document = serde_json::to_value(relaypacs_http::openapi()).unwrap();
        Self { document, router: test_box.public(), asked: BTreeSet::new() }
    }

    /// Asks from elsewhere with an access token, if there is one, at a path that stands for `template`.
    pub async fn ask(&mut self, token: &str, method: &str, template: &str, path: &str, body: Option<Value>, status: u16) -> Value {
        let told = match token {
            "" => send(&self.router, from("203.0.113.9"), method, path, body, &[]).await,
            token => ask_as(&self.router, token, method, path, body).await,
        };
        self.judge(&method.to_lowercase(), template, status, &told)
    }

    pub async fn get(&mut self, template: &str, path: &str, status: u16) -> Value {
        let told = get(&self.router, Peer::AdminSocket, path).await;
        self.judge("get", template, status, &told)
    }

    pub async fn post(&mut self, template: &str, body: Value, status: u16) -> Value {
        let told = post(&self.router, template, body).await;
        self.judge("post", template, status, &told)
    }

    /// Asks over the admin socket, any method, at a path that stands for `template`.
    pub async fn socket(&mut self, method: &str, template: &str, path: &str, body: Option<Value>, status: u16) -> Value {
        let told = send(&self.router, Peer::AdminSocket, method, path, body, &[]).await;
        self.judge(&method.to_lowercase(), template, status, &told)
    }

    /// Holds an answer against the document.
    pub fn judge(&mut self, method: &str, template: &str, status: u16, told: &Told) -> Value {
        let place = format!("{method} {template} {status}");
        assert_eq!(told.status, status, "{place}: {}", told.text);
        let promised = &self.document["paths"][template][method]["responses"][status.to_string()];
        assert!(promised.is_object(), "{place} is not in the contract");
        self.asked.insert(place.clone());
        let Some((kind, body)) = promised["content"].as_object().and_then(|content| content.iter().next()) else {
            assert_eq!(told.text, "", "{place} promises no body");
            return Value::Null;
        };
        assert_eq!(told.headers["content-type"], kind.as_str(), "{place}");
        if !kind.contains("json") {
            return Value::Null;
        }
        let lines: Vec<Value> = if kind == "application/jsonl" {
            told.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        } else {
            vec![told.json()]
        };
        for line in &lines {
            assert_eq!(schema::faults(&self.document, &body["schema"], line), Vec::<String>::new(), "{place}: {line}");
        }
        if kind == "application/jsonl" { Value::Array(lines) } else { lines.into_iter().next().unwrap() }
    }

    /// Every promised success that was not seen.
    pub fn not_asked(&self) -> Vec<String> {
        let paths = self.document["paths"].as_object().unwrap().iter();
        let all = paths.flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.flat_map(move |(method, operation)| {
                let statuses = operation["responses"].as_object().unwrap().keys();
                statuses.filter(|status| status.starts_with('2')).map(move |status| format!("{method} {path} {status}"))
            })
        });
        all.filter(|place| !self.asked.contains(place)).collect()
    }
}
