//! Reading what a request says; what cannot be read becomes a [`Problem`].

use std::error::Error;

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Request, rejection::JsonRejection},
    http::{StatusCode, request::Parts},
};
use relaypacs_domain::Uid;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

pub(crate) mod misfit;

/// The query string. Unknown parameters are refused by the target type.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => {
                Err(beneath(&rejection).map_or_else(|| Problem::unreadable("the query string cannot be read"), misfit::of_query))
            }
        }
    }
}

/// A JSON body of bounded size.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(JsonRejection::JsonDataError(error)) => Err(of_body(&error)),
            Err(JsonRejection::JsonSyntaxError(error)) => Err(of_body(&error)),
            // The only other fault of a body is that it broke off or brought nothing for too long.
            Err(JsonRejection::BytesRejection(error)) if error.status() != StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Problem::of_status(StatusCode::REQUEST_TIMEOUT))
            }
            Err(rejection) => Err(Problem::of_status(rejection.status())),
        }
    }
}

/// What axum's reader of JSON found: it says so with the path to the field, or where the text is no JSON.
fn of_body(error: &dyn Error) -> Problem {
    match (beneath(error), beneath(error)) {
        (Some(error), _) => misfit::of_body(error),
        (None, Some(error)) => misfit::no_json("body", error),
        (None, None) => Problem::unreadable("the body is no JSON"),
    }
}

/// What an error came from, at whatever depth.
fn beneath<E: Error + 'static>(error: &dyn Error) -> Option<&E> {
    std::iter::successors(error.source(), |&error| error.source()).find_map(|error| error.downcast_ref())
}

/// A UID in the path.
pub(crate) struct PathUid(pub(crate) Uid);

impl<S: Send + Sync> FromRequestParts<S> for PathUid {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|rejection| Problem::unreadable(rejection.body_text()))?;
        text.parse().map(Self).map_err(|error| Problem::invalid("uid", format!("{error}")))
    }
}

/// An id (UUID) in the path.
pub(crate) struct PathId(pub(crate) uuid::Uuid);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|rejection| Problem::unreadable(rejection.body_text()))?;
        text.parse().map(Self).map_err(|_| Problem::invalid("id", "an id is a UUID such as 01997a00-0000-7000-8000-000000000001"))
    }
}
