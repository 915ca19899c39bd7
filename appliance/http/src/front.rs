//! What is decided from a request's path before any route is looked for: trailing slashes, legacy mounts, and the web page.
//!
//! - A path answers with and without a trailing slash.
//! - The paths of the original product (`/auth`, `/totp`, `/upload`, `/reports`, `/notifications`) are the same handlers as under `/api/v1`;
//!   their answers say that they are deprecated (RFC 9745), until when they stay (RFC 8594), and what follows them.
//! - Where such a path is also an address of the web page, a browser that opens it gets the page. Every other path that no route knows is
//!   the page's, too, but never one under `/api`.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header, uri::PathAndQuery},
    response::Response,
};
use tower::ServiceExt;
use utoipa::openapi::{Deprecated, OpenApi, path::Operation};

/// First parts of the legacy paths.
const LEGACY: [&str; 5] = ["/auth", "/totp", "/upload", "/reports", "/notifications"];
/// Where the API is mounted.
const MOUNT: &str = "/api/v1";
/// Deprecated from the first release on: 2026-11-23 (RFC 9745 §2.1).
const DEPRECATED: HeaderValue = HeaderValue::from_static("@1795392000");
/// Legacy paths stay until then.
const SUNSET: HeaderValue = HeaderValue::from_static("Fri, 31 Dec 2027 23:59:59 GMT");

/// The path as the client asked it, where it was rewritten.
#[derive(Debug, Clone)]
pub(crate) struct AskedPath(pub(crate) Arc<str>);

#[derive(Clone)]
struct Front {
    routes: Router,
    page: Option<Router>,
}

/// `routes` behind the front; `page` answers what browsers open.
pub(crate) fn front(routes: Router, page: Option<Router>) -> Router {
    Router::new().fallback(answer).with_state(Front { routes, page })
}

async fn answer(State(front): State<Front>, mut request: Request) -> Response {
    let path = request.uri().path();
    let bare = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    let legacy = is_legacy(bare);
    let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
    if let Some(page) = front.page.as_ref().filter(|_| legacy && is_get && is_opened_by_a_browser(request.headers())) {
        let mut response = served(page.clone(), request).await;
        vary(response.headers_mut());
        return response;
    }
    let successor = legacy.then(|| format!("{MOUNT}{bare}"));
    if successor.is_some() || bare.len() != path.len() {
        let asked: Arc<str> = path.into();
        let target = successor.clone().unwrap_or_else(|| bare.into());
        if let Some(uri) = with_path(request.uri(), &target) {
            request.extensions_mut().insert(AskedPath(asked));
            *request.uri_mut() = uri;
        }
    }
    let mut response = served(front.routes, request).await;
    if let Some(successor) = successor {
        deprecate(response.headers_mut(), &successor);
        if is_get {
            vary(response.headers_mut());
        }
    }
    response
}

/// Whether a path is one of the page's: none of the API's, nor what programs fetch of a box with HTTPS. Asked for paths that no route knows.
pub(crate) fn is_the_pages(method: &Method, path: &str) -> bool {
    let is_a_programs = path == "/api" || path == "/ca.crt" || path.starts_with("/api/") || path.starts_with("/.well-known/");
    matches!(*method, Method::GET | Method::HEAD) && !is_a_programs
}

async fn served(router: Router, request: Request) -> Response {
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn is_legacy(path: &str) -> bool {
    LEGACY.iter().any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// A navigation, or somebody who would rather read than parse.
fn is_opened_by_a_browser(headers: &HeaderMap) -> bool {
    let says =
        |name: HeaderName, word: &str| headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|text| text.contains(word));
    says(HeaderName::from_static("sec-fetch-mode"), "navigate") || says(header::ACCEPT, "text/html")
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

fn deprecate(headers: &mut HeaderMap, successor: &str) {
    headers.insert(HeaderName::from_static("deprecation"), DEPRECATED);
    headers.insert(HeaderName::from_static("sunset"), SUNSET);
    if let Ok(link) = HeaderValue::from_str(&format!("<{successor}>; rel=\"successor-version\"")) {
        headers.append(header::LINK, link);
    }
}

fn vary(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Accept, Sec-Fetch-Mode"));
}

/// Adds the legacy mounts to the contract.
pub(crate) fn add_legacy(contract: &mut OpenApi) {
    let paths = &mut contract.paths.paths;
    let mounts: Vec<_> = paths
        .iter()
        .filter_map(|(path, item)| {
            let legacy = path.strip_prefix(MOUNT).filter(|legacy| is_legacy(legacy))?;
            Some((legacy.to_string(), item.clone()))
        })
        .collect();
    for (path, mut item) in mounts {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch, &mut item.head];
        operations.into_iter().flatten().for_each(mark);
        paths.insert(path, item);
    }
}

fn mark(operation: &mut Operation) {
    operation.tags = Some(vec!["legacy".into()]);
    operation.deprecated = Some(Deprecated::True);
    operation.operation_id = operation.operation_id.take().map(|id| format!("{id}_legacy"));
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        routing::{get, post},
    };
    use http_body_util::BodyExt;

    use super::*;

    async fn ask(method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
        let routes = Router::new()
            .route("/api/v1/reports", get(|uri: Uri| async move { format!("list {}", uri.query().unwrap_or("-")) }))
            .route("/api/v1/auth/login", post(|| async { "in" }))
            .route("/healthz", get(|| async { "ok" }));
        let page = Router::new().fallback(|| async { "page" });
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = front(routes, Some(page)).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        (head.status.as_u16(), head.headers, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn legacy_paths_are_the_same_handlers_and_say_so() {
        let (status, headers, text) = ask("GET", "/reports/?status=ready", &[("accept", "application/json")]).await;
        assert_eq!((status, text.as_str()), (200, "list status=ready"));
        assert_eq!(headers["deprecation"], "@1795392000");
        assert_eq!(headers["sunset"], "Fri, 31 Dec 2027 23:59:59 GMT");
        assert_eq!(headers["link"], "</api/v1/reports>; rel=\"successor-version\"");
        assert_eq!(headers["vary"], "Accept, Sec-Fetch-Mode");
        let (status, headers, _) = ask("POST", "/auth/login", &[]).await;
        assert_eq!((status, headers.contains_key("deprecation"), headers.contains_key("vary")), (200, true, false));
        let (status, headers, text) = ask("GET", "/api/v1/reports/", &[]).await;
        assert_eq!((status, headers.contains_key("deprecation"), text.as_str()), (200, false, "list -"));
        assert_eq!(ask("GET", "/healthz/", &[]).await.2, "ok");
    }

    #[tokio::test]
    async fn a_browser_that_opens_a_legacy_path_gets_the_page() {
        for headers in [&[("sec-fetch-mode", "navigate")][..], &[("accept", "text/html,application/xhtml+xml;q=0.9")]] {
            let (status, told, text) = ask("GET", "/reports", headers).await;
            assert_eq!((status, text.as_str(), told["vary"].to_str().unwrap()), (200, "page", "Accept, Sec-Fetch-Mode"));
            assert_eq!(ask("POST", "/auth/login", headers).await.2, "in");
            assert_eq!(ask("GET", "/api/v1/reports", headers).await.2, "list -", "never under /api");
        }
        assert_eq!(ask("GET", "/reportsx", &[("accept", "text/html")]).await.0, 404, "left to the routes' own fallback");
    }
}
