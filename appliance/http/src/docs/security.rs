//! Which token each operation asks for, as the contract says it; `tests/roles.rs` holds every route to it.

use utoipa::openapi::{
    Components, OpenApi,
    path::{Operation, PathItem},
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};

/// `Authorization: Bearer` with an access token.
const ACCESS: &str = "access";
/// `X-Upload-Token` with the token of one upload.
const UPLOAD: &str = "upload";
/// `?token=` with an access token, on streams.
const STREAM: &str = "stream";

/// Says of each operation what it asks for: those that answer 401 ask for an access token, some take another in its place.
pub(crate) fn secure(contract: &mut OpenApi) {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some("An access token."));
    let upload = ApiKeyValue::with_description("X-Upload-Token", "The token of this upload; the Authorization header takes it as well.");
    let stream = ApiKeyValue::with_description("token", "An access token, for browsers' EventSource, which sends no headers.");
    let schemes = &mut contract.components.get_or_insert_with(Components::new).security_schemes;
    schemes.insert(ACCESS.into(), SecurityScheme::Http(bearer.build()).into());
    schemes.insert(UPLOAD.into(), SecurityScheme::ApiKey(ApiKey::Header(upload)).into());
    schemes.insert(STREAM.into(), SecurityScheme::ApiKey(ApiKey::Query(stream)).into());
    for (path, item) in &mut contract.paths.paths {
        for operation in operations(item).filter(|operation| operation.responses.responses.contains_key("401")) {
            operation.security = asks_for(path);
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}

/// What an operation on `path` that may answer 401 takes; `None`: its 401 is about something in the request.
fn asks_for(path: &str) -> Option<Vec<SecurityRequirement>> {
    let one = |name: &str| SecurityRequirement::new(name, [""; 0]);
    let alternatives = match path {
        _ if path.ends_with("/auth/login") || path.ends_with("/auth/refresh") => return None,
        _ if path.ends_with("/auth/register") => vec![SecurityRequirement::default(), one(ACCESS)],
        _ if path.contains("/upload/{") && !path.contains("/reports/") => vec![one(UPLOAD), one(ACCESS)],
        _ if path.ends_with("/stream") || path.ends_with("/events") => vec![one(ACCESS), one(STREAM)],
        _ => vec![one(ACCESS)],
    };
    Some(alternatives)
}
