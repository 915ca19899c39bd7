//! Reading what a request says; what cannot be read becomes a [`Problem`].

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{StatusCode, request::Parts},
};
use relaypacs_domain::Uid;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The query string. Unknown parameters are refused by the target type.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::unreadable(rejection.body_text())),
        }
    }
}

/// A JSON body of bounded size.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        use axum::extract::rejection::JsonRejection;
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(JsonRejection::JsonDataError(error)) => Err(Problem::invalid("", error.body_text())),
            Err(JsonRejection::JsonSyntaxError(error)) => Err(Problem::unreadable(error.body_text())),
            // The only other fault of a body is that it broke off or brought nothing for too long.
            Err(JsonRejection::BytesRejection(error)) if error.status() != StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Problem::of_status(StatusCode::REQUEST_TIMEOUT))
            }
            Err(rejection) => Err(Problem::of_status(rejection.status())),
        }
    }
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
