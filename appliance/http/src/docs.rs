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
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};

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
/// What the two pages load, from npm packages: path, media type, the file as gzip. See `assets/README.md`.
const BUNDLES: [(&str, &str, &[u8]); 3] = [
    ("/docs/swagger-ui.css", "text/css; charset=utf-8", include_bytes!("../assets/swagger-ui.css.gz")),
    ("/docs/swagger-ui-bundle.js", SCRIPT, include_bytes!("../assets/swagger-ui-bundle.js.gz")),
    ("/redoc/redoc.standalone.js", SCRIPT, include_bytes!("../assets/redoc.standalone.js.gz")),
];
const SCRIPT: &str = "text/javascript; charset=utf-8";

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
    let pages = Router::new()
        .route(PATH, get(answer))
        .route("/docs", get(|| async { page(SWAGGER_PAGE) }))
        .route("/docs/start.js", get(|| async { script(SWAGGER_START) }))
        .route("/redoc", get(|| async { page(REDOC_PAGE) }))
        .route("/redoc/start.js", get(|| async { script(REDOC_START) }));
    BUNDLES.into_iter().fold(pages, |routes, (path, kind, packed)| {
        routes.route(path, get(move |headers: HeaderMap| async move { bundle(kind, packed, &headers) }))
    })
}

fn page(text: &'static str) -> Response {
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, POLICY)], text).into_response()
}

fn script(text: &'static str) -> Response {
    file(SCRIPT, text.as_bytes().into())
}

fn file(kind: &'static str, bytes: Cow<'static, [u8]>) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=86400")];
    (headers.map(|(name, value)| (name, HeaderValue::from_static(value))), bytes).into_response()
}

/// Compressed as it is kept, or unpacked for a client that does not take that.
fn bundle(kind: &'static str, packed: &'static [u8], headers: &HeaderMap) -> Response {
    let takes_gzip = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("gzip"));
    let mut response = if takes_gzip {
        let mut response = file(kind, packed.into());
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    } else {
        let mut plain = Vec::new();
        match flate2::read::GzDecoder::new(packed).read_to_end(&mut plain) {
            Ok(_) => file(kind, plain.into()),
            Err(error) => return Problem::internal(error.to_string()).into_response(),
        }
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}
