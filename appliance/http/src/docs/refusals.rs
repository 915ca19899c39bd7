//! What stands before every handler refuses requests too; the contract says so of each operation, where the operation does not itself.

use utoipa::openapi::{
    OpenApi, Ref, RefOr, Response,
    content::ContentBuilder,
    path::{Operation, PathItem},
    response::ResponseBuilder,
};

/// Adds to each operation what the reading of its request and the limits may answer.
pub(crate) fn refuse(contract: &mut OpenApi) {
    for (path, item) in &mut contract.paths.paths {
        let is_limited = path.starts_with("/api/");
        for operation in operations(item) {
            let takes_json = operation.request_body.as_ref().is_some_and(|body| match body {
                RefOr::T(body) => body.content.contains_key("application/json"),
                RefOr::Ref(_) => false,
            });
            let has_parameters = operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty());
            if takes_json || has_parameters {
                add(operation, "400", "the request cannot be read");
            }
            if takes_json {
                add(operation, "413", "the body is too large");
                add(operation, "415", "the body must be application/json");
            }
            if is_limited {
                add(operation, "429", "too many requests; Retry-After says when to come back");
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}

fn add(operation: &mut Operation, status: &str, description: &str) {
    operation.responses.responses.entry(status.into()).or_insert_with(|| RefOr::T(problem(description)));
}

fn problem(description: &str) -> Response {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", body).build()
}
