//! `/openapi.json`, the contract made from the code, and two pages that show it: Swagger UI at `/docs`, ReDoc at `/redoc`.
//!
//! Both pages come from the box whole; no script, style, font or picture is loaded from elsewhere. Their bundles write style elements and
//! start a worker from a blob, which the Content-Security-Policy allows on these two pages alone.

mod examples;
mod refusals;
mod security;

use std::{borrow::Cow, fmt::Write, io::Read, sync::Arc};

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use utoipa_swagger_ui::Config;

pub(crate) use examples::add_examples;
pub(crate) use refusals::refuse;
pub(crate) use security::secure;

use crate::problem::{Code, Problem};

/// The path of the contract.
pub(crate) const PATH: &str = "/openapi.json";

/// What the two pages may load: everything from the box, style elements, and a worker of their own.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; \
     connect-src 'self'; worker-src 'self' blob:; child-src blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

const SWAGGER_PAGE: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>RelayPACS Edge API</title><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>
"#;
const SWAGGER_START: &str = r##"window.ui = SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null, persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis], layout: "BaseLayout",
});
"##;
const REDOC_PAGE: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>RelayPACS Edge API</title></head>
<body><div id="redoc"></div><script src="/redoc/redoc.standalone.js"></script><script src="/redoc/start.js"></script></body></html>
"#;
const REDOC_START: &str = r#"Redoc.init("/openapi.json", { hideDownloadButtons: false, disableSearch: false }, document.getElementById("redoc"));
"#;
/// The npm package's bundle; see `assets/README.md`.
const REDOC_BUNDLE: &[u8] = include_bytes!("../assets/redoc.standalone.js.gz");

/// The head of a contract whose paths are still to be added.
pub(crate) fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("RelayPACS Edge")
        .version("1")
        .description(Some(description()))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    OpenApiBuilder::new().info(info).build()
}

/// What holds for every operation, with the codes of refusals.
fn description() -> String {
    let mut text = String::from(include_str!("docs/description.md"));
    for code in Code::ALL {
        let _ = writeln!(text, "| `{}` | {} |", code.name(), code.meaning().trim());
    }
    text
}

/// The contract and its two pages.
pub(crate) fn route<S: Clone + Send + Sync + 'static>(contract: &OpenApi) -> Router<S> {
    let text: Arc<str> = contract.to_pretty_json().unwrap_or_default().into();
    let answer = move || {
        let text = text.clone();
        async move { ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text.to_string()) }
    };
    let config = Arc::new(Config::from(PATH));
    let swagger = move |Path(file): Path<String>| {
        let config = config.clone();
        async move { swagger_file(&file, config) }
    };
    Router::new()
        .route(PATH, get(answer))
        .route("/docs", get(|| async { page(SWAGGER_PAGE) }))
        .route("/docs/start.js", get(|| async { script(SWAGGER_START) }))
        .route("/docs/{file}", get(swagger))
        .route("/redoc", get(|| async { page(REDOC_PAGE) }))
        .route("/redoc/start.js", get(|| async { script(REDOC_START) }))
        .route("/redoc/redoc.standalone.js", get(|headers: HeaderMap| async move { redoc_bundle(&headers) }))
}

fn page(text: &'static str) -> Response {
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, POLICY)], text).into_response()
}

fn script(text: impl Into<Cow<'static, str>>) -> Response {
    file(HeaderValue::from_static("text/javascript; charset=utf-8"), text.into().into_owned().into_bytes())
}

fn file(kind: HeaderValue, bytes: impl Into<Vec<u8>>) -> Response {
    let keep = HeaderValue::from_static("public, max-age=86400");
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, keep)], bytes.into()).into_response()
}

/// Style sheet and bundle of Swagger UI; none of its pages.
fn swagger_file(name: &str, config: Arc<Config<'_>>) -> Result<Response, Problem> {
    if !matches!(name, "swagger-ui.css" | "swagger-ui-bundle.js") {
        return Err(Problem::of_status(StatusCode::NOT_FOUND));
    }
    match utoipa_swagger_ui::serve(name, config) {
        Ok(Some(found)) => {
            let kind = HeaderValue::from_str(&found.content_type).map_err(|error| Problem::internal(error.to_string()))?;
            let mut response = file(kind, found.bytes.into_owned());
            if found.gzpipped {
                response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            Ok(response)
        }
        Ok(None) => Err(Problem::of_status(StatusCode::NOT_FOUND)),
        Err(error) => Err(Problem::internal(error.to_string())),
    }
}

/// Compressed as it is kept, or unpacked for a client that does not take that.
fn redoc_bundle(headers: &HeaderMap) -> Response {
    let kind = HeaderValue::from_static("text/javascript; charset=utf-8");
    let takes_gzip = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("gzip"));
    let mut response = if takes_gzip {
        let mut response = file(kind, REDOC_BUNDLE);
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    } else {
        let mut plain = Vec::new();
        match flate2::read::GzDecoder::new(REDOC_BUNDLE).read_to_end(&mut plain) {
            Ok(_) => file(kind, plain),
            Err(error) => return Problem::internal(error.to_string()).into_response(),
        }
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}
