//! The page: its files, and its first document for every other address. Which addresses are the page's is decided in [`crate::front`].

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse, Response},
};
use relaypacs_web_ui::File;

use crate::{problem::Problem, security::guard};

/// Answers every path with a file of the page or its first document; a file that is gone with an update is not found.
pub fn page() -> Router {
    Router::new().fallback(answer).layer(map_response(|mut response: Response| async {
        guard(response.headers_mut());
        response
    }))
}

async fn answer(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    match File::find(path) {
        Some(file) => send(file, request.headers()),
        None if path.starts_with("assets/") => Problem::of_status(StatusCode::NOT_FOUND).into_response(),
        None => send(File::index(), request.headers()),
    }
}

/// A file in the smallest form its client takes; 304 when the client has it (RFC 9110 §13.1.2).
fn send(file: &'static File, asked: &HeaderMap) -> Response {
    let accepted = asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let (encoding, bytes) = match file.form(accepted) {
        Ok(form) => form,
        Err(error) => return Problem::internal(error.to_string()).into_response(),
    };
    let tag = match encoding.token() {
        Some(token) => format!("\"{}-{token}\"", file.sha256),
        None => format!("\"{}\"", file.sha256),
    };
    let known = asked.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let fresh = known.is_some_and(|tags| tags.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    let mut response = if fresh { StatusCode::NOT_MODIFIED.into_response() } else { Body::from(Bytes::from_owner(bytes)).into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(file.cache_control()));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if !fresh {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
        if let Some(token) = encoding.token() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(token));
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(path: &str, headers: &[(&str, &str)]) -> Response {
        let request = headers.iter().fold(Request::builder().uri(path), |request, (name, value)| request.header(*name, *value));
        page().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    fn header_of(response: &Response, name: &str) -> String {
        response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    #[tokio::test]
    async fn every_address_is_the_page_and_asked_for_again() {
        for path in ["/", "/studies/1.2.3", "/settings", "/no/such/place", "/index.html"] {
            let response = ask(path, &[]).await;
            assert_eq!((response.status(), header_of(&response, "cache-control").as_str()), (StatusCode::OK, "no-cache"), "{path}");
            assert!(header_of(&response, "content-type").starts_with("text/html"), "{path}");
            assert!(header_of(&response, "content-security-policy").contains("default-src 'none'"), "{path}");
        }
        assert_eq!(ask("/assets/gone-1234.js", &[]).await.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn assets_are_kept_for_ever_and_sent_small() {
        let script = File::all().iter().find(|file| file.path.starts_with("assets/index-") && file.path.ends_with(".js")).unwrap();
        let path = format!("/{}", script.path);
        let response = ask(&path, &[("accept-encoding", "gzip, br")]).await;
        assert_eq!(header_of(&response, "content-encoding"), "br");
        assert_eq!(header_of(&response, "vary"), "Accept-Encoding");
        assert!(header_of(&response, "cache-control").contains("immutable"));
        let tag = header_of(&response, "etag");
        let small = to_bytes(response.into_body(), usize::MAX).await.unwrap().len();
        let plain = to_bytes(ask(&path, &[]).await.into_body(), usize::MAX).await.unwrap().len();
        assert!(small * 2 < plain, "{small} of {plain}");
        let again = ask(&path, &[("accept-encoding", "gzip, br"), ("if-none-match", &tag)]).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert!(to_bytes(again.into_body(), 1).await.unwrap().is_empty());
    }
}
