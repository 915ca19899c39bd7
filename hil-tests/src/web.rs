//! HTTP for tests: blocking, loopback, no TLS.

use std::{net::IpAddr, path::Path, time::Duration};

use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// A client of one server.
pub struct Web {
    runtime: Runtime,
    client: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e} in an answer with {}: {}", self.status, self.text()))
    }
}

impl Web {
    /// A client of `http://127.0.0.1:port`.
    pub fn new(port: u16) -> Self {
        // The product's provider; a second installation in the same test process changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { runtime, client: builder().build().expect("a client"), base: format!("http://127.0.0.1:{port}"), token: None }
    }

    /// A client of the Unix socket at `path`.
    pub fn over_socket(path: &Path) -> Self {
        let mut web = Self::new(80);
        web.client = builder().unix_socket(path).build().expect("a client");
        web
    }

    /// The same server, asked from another address of this machine.
    #[must_use]
    pub fn asked_from(mut self, address: IpAddr) -> Self {
        self.client = builder().local_address(address).build().expect("a client");
        self
    }

    /// Every request carries this access token.
    #[must_use]
    pub fn signed_in(mut self, token: &str) -> Self {
        self.token = Some(token.to_string());
        self
    }

    /// Any request, with a JSON body where one is given, whatever the answer.
    pub fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let what = format!("{method} {}{path}", self.base);
        let request = self.request(method, path);
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        };
        self.send(request).unwrap_or_else(|e| panic!("{what}: {e}"))
    }

    /// GET; `None` when there is no answer.
    pub fn try_get(&self, path: &str) -> Option<Answer> {
        self.send(self.request(Method::GET, path)).ok()
    }

    /// GET with an answer in the 200s.
    pub fn get(&self, path: &str) -> Answer {
        self.good(Method::GET, path, None)
    }

    /// POST with an answer in the 200s.
    pub fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.good(Method::POST, path, Some(body.into()))
    }

    /// DELETE with an answer in the 200s.
    pub fn delete(&self, path: &str) -> Answer {
        self.good(Method::DELETE, path, None)
    }

    /// Any request; `None` when there is no answer.
    pub fn try_ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Option<Answer> {
        let mut request = self.request(method.parse().expect("a method"), path).body(body.into());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).ok()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    fn good(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Answer {
        let what = format!("{method} {}{path}", self.base);
        let request = self.request(method, path);
        let request = match body {
            Some(body) => request.body(body),
            None => request,
        };
        let answer = self.send(request).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!((200..300).contains(&answer.status), "{what}: {} {}", answer.status, answer.text());
        answer
    }

    fn send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        self.runtime.block_on(async {
            let response = request.send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
        })
    }
}

/// A fresh connection each time: between calls nobody is there to notice that the server closed an idle one.
fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(Duration::from_secs(60))
}
