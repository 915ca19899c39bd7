//! `/openapi.json`: the contract, made from the code.

use std::{fmt::Write, sync::Arc};

use axum::{
    Router,
    http::{HeaderValue, header},
    routing::get,
};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};

use crate::problem::Code;

/// The path of the contract.
pub(crate) const PATH: &str = "/openapi.json";

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
    let mut text = String::from(
        "What the box took in, where it stands and the proof that it arrived. Calls under /api/v1 carry an \
         access token of /auth/login as `Authorization: Bearer`. Refusals are problem details (RFC 9457), times RFC 3339 in UTC.\n\n\
         ## Codes of refusals\n\n| code | status and meaning |\n|---|---|\n",
    );
    for code in Code::ALL {
        let _ = writeln!(text, "| `{}` | {} |", code.name(), code.meaning().trim());
    }
    text
}

/// The route that answers with `contract`.
pub(crate) fn route<S: Clone + Send + Sync + 'static>(contract: &OpenApi) -> Router<S> {
    let text: Arc<str> = contract.to_pretty_json().unwrap_or_default().into();
    let answer = move || {
        let text = text.clone();
        async move { ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text.to_string()) }
    };
    Router::new().route(PATH, get(answer))
}
