//! Adding, changing, deleting and trying destinations.

#![expect(unused_qualifications, reason = "utoipa writes one beside a path parameter")]

use axum::{
    Json as Answer,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use relaypacs_clinic::{
    audit::{AuditFact, Outcome},
    settings::{KeptDestination, Put, SettingsError},
};
use relaypacs_domain::{Action, DestinationName};
use relaypacs_forward::ChangeError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::net::IpAddr;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Destination, ManagedBy, kept::Asked, one};
use crate::{
    admin::forwarding::{Echo, no_such_destination},
    app::App,
    caller::{Admin, Caller, From},
    extract::{Json, Query},
    problem::{Code, Problem, ProblemBody},
};

/// The routes of this part.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, change, delete)).routes(routes!(add)).routes(routes!(echo))
}

/// Settings of a destination, as in `[[destination]]` of the configuration; secrets stand here instead of in files. A field that is absent has its
/// default (POST) or stays (PATCH); PATCH with null sets it back.
#[derive(Serialize, ToSchema)]
struct DestinationSettings {
    /// Its name; fixed once it is added.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$", example = "pacs")]
    name: Option<String>,
    /// What it is, such as `stow` or `folder`.
    #[schema(example = "stow")]
    kind: Option<String>,
    /// Base URL of the DICOMweb service (kind `stow`).
    #[schema(example = "https://pacs.example/dicom-web")]
    url: Option<String>,
    /// The folder (kind `folder`), absolute; it must exist.
    path: Option<String>,
    /// Which objects it takes; absent: all.
    #[serde(rename = "match")]
    matching: Option<MatchSettings>,
    /// How the box proves who it is.
    auth: Option<AuthSettings>,
    /// PEM certificates of the authorities to trust for it instead of the system's.
    ca: Option<String>,
    /// Most requests at once.
    #[schema(minimum = 1, maximum = 64, example = 4)]
    max_requests: Option<u32>,
    /// Most bytes of one request, such as `64MiB`.
    #[schema(example = "64MiB")]
    max_request_bytes: Option<String>,
    /// Most megabits per second; 0: no limit.
    #[schema(minimum = 0, example = 0)]
    mbit_per_s: Option<f64>,
    /// Longest wait for a connection, such as `10s`.
    #[schema(example = "10s")]
    connect_timeout: Option<String>,
    /// Longest time without progress, such as `60s`.
    #[schema(example = "60s")]
    stall_timeout: Option<String>,
    /// When an instance is tried again.
    retry: Option<RetrySettings>,
    /// How it is verified that it has what it says it stored: `none`, `qido` or `retrieve`.
    #[schema(example = "none")]
    verify: Option<String>,
    /// PATCH: whether nothing is sent to it until this is false again, over restarts, too; also for one of the configuration file.
    paused: Option<bool>,
}

/// Which objects a destination takes: everything that is asked must hold; an empty list or text asks nothing.
#[derive(Serialize, ToSchema)]
struct MatchSettings {
    /// The sender's AE title is one of these.
    calling_ae: Option<Vec<String>>,
    /// The modality is one of these.
    modality: Option<Vec<String>>,
    /// It came by this entrance: `dicom`, `http`, or empty for both.
    source: Option<String>,
}

/// How the box proves who it is. Secrets are never shown again.
#[derive(Serialize, ToSchema)]
struct AuthSettings {
    /// `none`, `basic`, `bearer`, `oauth2` or `certificate`.
    #[schema(example = "basic")]
    kind: Option<String>,
    /// User name (`basic`).
    user: Option<String>,
    /// Password (`basic`).
    #[schema(format = Password)]
    password: Option<String>,
    /// Token (`bearer`).
    #[schema(format = Password)]
    token: Option<String>,
    /// Token endpoint (`oauth2`).
    token_url: Option<String>,
    /// Client identifier (`oauth2`).
    client_id: Option<String>,
    /// The client's secret (`oauth2`).
    #[schema(format = Password)]
    client_secret: Option<String>,
    /// Scopes, separated by spaces (`oauth2`).
    scope: Option<String>,
    /// PEM client certificate with its chain.
    certificate: Option<String>,
    /// PEM private key of the client certificate.
    #[schema(format = Password)]
    key: Option<String>,
}

/// When an instance is tried again.
#[derive(Serialize, ToSchema)]
struct RetrySettings {
    /// At most this long after the first failure.
    #[schema(example = "5s")]
    first: Option<String>,
    /// At most this long after later ones.
    #[schema(example = "10m")]
    max: Option<String>,
    /// After this time it is held for somebody to look at.
    #[schema(example = "7d")]
    horizon: Option<String>,
}

/// A destination with its settings.
#[derive(Serialize, ToSchema)]
struct DestinationDetail {
    /// How it is.
    #[serde(flatten)]
    destination: Destination,
    /// Its settings without secrets; absent for those of the configuration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    settings: Option<Value>,
    /// Which secrets are set.
    secrets: Vec<String>,
}

/// How to delete.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HowToDelete {
    /// Give up, for good, what waits for it. Without it, a destination with work queued is not deleted.
    #[serde(default)]
    give_up: bool,
}

/// A destination with its settings.
#[utoipa::path(get, path = "/api/v1/destinations/{name}", operation_id = "destination", tag = "destinations",
    params(("name" = String, Path, description = "its name", example = "pacs")), responses(
    (status = 200, description = "the destination", body = DestinationDetail),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such destination", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn show(State(app): State<App>, _: Admin, Path(name): Path<String>) -> Result<Answer<DestinationDetail>, Problem> {
    let name = parsed(&name)?;
    let detail = app.ask(move |app| {
        let destination = one(app, &name)?.ok_or_else(|| no_such_destination(&name))?;
        let kept = match destination.managed {
            ManagedBy::Box => app.clinic.settings.destination(&name)?,
            ManagedBy::File => None,
        };
        let secrets = kept.iter().flat_map(|kept| kept.secrets.keys().cloned()).collect();
        Ok::<_, Problem>(DestinationDetail { destination, settings: kept.map(|kept| kept.settings), secrets })
    });
    Ok(Answer(detail.await?))
}

/// Adds a destination; it is used at once, and what is held for want of one is matched again.
#[utoipa::path(post, path = "/api/v1/destinations", operation_id = "add_destination", tag = "destinations", request_body = DestinationSettings,
    responses(
    (status = 201, description = "added", body = Destination, headers(("Location" = String, description = "its path"))),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "the name is taken", body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, description = "the body is too large", body = ProblemBody, content_type = "application/problem+json"),
    (status = 415, description = "the body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field makes no sense", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn add(
    State(app): State<App>,
    Admin(admin): Admin,
    From(from): From,
    Json(body): Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    let caller = Caller(admin);
    let kept = Asked::read(body)?.begin()?;
    let _one_at_a_time = app.changing.lock().await;
    if one(&app, &kept.name)?.is_some() {
        return Err(Problem::coded(StatusCode::CONFLICT, Code::Taken, format!("a destination named {} is there already", kept.name)));
    }
    let fact = fact(&app, &caller, "add_destination", &kept.name, from.address);
    let name = kept.name.clone();
    put(&app, kept, Put::New, fact).await?;
    let shown = app.ask(move |app| one(app, &name)?.ok_or_else(|| no_such_destination(&name))).await?;
    let location = HeaderValue::from_str(&format!("/api/v1/destinations/{}", shown.name)).ok();
    let mut response = (StatusCode::CREATED, Answer(shown)).into_response();
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Changes a destination that is kept in the box: a merge patch (RFC 7396). Secrets that are not named stay. `paused` alone is taken for one
/// of the configuration file, too.
#[utoipa::path(patch, path = "/api/v1/destinations/{name}", operation_id = "change_destination", tag = "destinations",
    params(("name" = String, Path, description = "its name", example = "pacs")), request_body = DestinationSettings, responses(
    (status = 200, description = "changed and in use", body = Destination),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such destination", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "it stands in the configuration file", body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, description = "the body is too large", body = ProblemBody, content_type = "application/problem+json"),
    (status = 415, description = "the body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field makes no sense", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn change(
    State(app): State<App>,
    Admin(admin): Admin,
    From(from): From,
    Path(name): Path<String>,
    Json(mut body): Json<Map<String, Value>>,
) -> Result<Answer<Destination>, Problem> {
    let caller = Caller(admin);
    let name = parsed(&name)?;
    let paused = match body.remove("paused") {
        None => None,
        Some(Value::Bool(paused)) => Some(paused),
        Some(_) => return Err(Problem::invalid("/paused", "paused is true or false")),
    };
    let _one_at_a_time = app.changing.lock().await;
    if paused.is_none() || !body.is_empty() {
        let before = kept(&app, &name)?;
        let fact = fact(&app, &caller, "change_destination", &name, from.address);
        put(&app, Asked::read(body)?.change(before)?, Put::Changed, fact).await?;
    }
    if let Some(paused) = paused {
        set_paused(&app, &caller, &name, paused, from.address).await?;
    }
    Ok(Answer(app.ask(move |app| one(app, &name)?.ok_or_else(|| no_such_destination(&name))).await?))
}

/// Deletes a destination that is kept in the box. One with work queued is refused unless that is given up.
#[utoipa::path(delete, path = "/api/v1/destinations/{name}", operation_id = "delete_destination", tag = "destinations",
    params(("name" = String, Path, description = "its name", example = "pacs"), HowToDelete), responses(
    (status = 204, description = "deleted"),
    (status = 400, description = "the query cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such destination", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "it stands in the configuration file, or work is queued for it", body = ProblemBody,
        content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn delete(
    State(app): State<App>,
    Admin(admin): Admin,
    From(from): From,
    Path(name): Path<String>,
    Query(how): Query<HowToDelete>,
) -> Result<StatusCode, Problem> {
    let caller = Caller(admin);
    let name = parsed(&name)?;
    let _one_at_a_time = app.changing.lock().await;
    kept(&app, &name)?;
    let wanted = name.clone();
    let queue = app.ask(move |app| app.buffer.queue(&wanted)).await?;
    if queue.instances > 0 && !how.give_up {
        let text = format!("{} instances wait for {name}: let them leave, or give them up with give_up=true", queue.instances);
        return Err(Problem::coded(StatusCode::CONFLICT, Code::InUse, text));
    }
    // Nothing more is sent before anything is given up; the settings go last, so that a crash in between loses no order.
    app.forwarder.remove(&name).await?;
    let given_up = if how.give_up { app.buffer.give_up_all(&name).await? } else { 0 };
    let mut fact = fact(&app, &caller, "delete_destination", &name, from.address);
    if given_up > 0 {
        fact.object = format!("{}, {given_up} instances given up", fact.object);
    }
    app.clinic.settings.remove_destination(&name, fact).await?;
    if app.buffer.paused().contains(&name) {
        app.buffer.set_paused(&name, false).await?; // another one of that name is not to begin paused
    }
    app.ask(move |app| {
        app.secret_files.tidy(&name, None);
        Ok::<_, Problem>(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tries a destination step by step without storing anything, and names the first step that fails.
#[utoipa::path(post, path = "/api/v1/destinations/{name}/echo", operation_id = "try_destination", tag = "destinations",
    params(("name" = String, Path, description = "its name", example = "pacs")), responses(
    (status = 200, description = "tried; ok says how it went", body = Echo),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for radiographers and admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such destination", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn echo(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Answer<Echo>, Problem> {
    caller.may(Action::SteerForwarding)?;
    let name = parsed(&name)?;
    let report = app.forwarder.echo(&name).await.ok_or_else(|| no_such_destination(&name))?;
    Ok(Answer(report.into()))
}

/// Lets nothing leave for a destination, or lets it go on; recorded in the audit trail.
pub(crate) async fn set_paused(
    app: &App,
    caller: &Caller,
    name: &DestinationName,
    paused: bool,
    address: Option<IpAddr>,
) -> Result<(), Problem> {
    let is_known = if paused { app.forwarder.pause(name).await? } else { app.forwarder.resume(name).await? };
    if !is_known {
        return Err(no_such_destination(name));
    }
    let action = if paused { "pause_destination" } else { "resume_destination" };
    app.clinic.audit.record(fact(app, caller, action, name, address)).await?;
    Ok(())
}

/// Writes the secrets' files, checks everything, keeps it, and lets the forwarder use it.
async fn put(app: &App, kept: KeptDestination, put: Put, fact: AuditFact) -> Result<(), Problem> {
    let writing = kept.clone();
    let config = app.ask(move |app| app.secret_files.write(&writing)).await?;
    let stored = app.clinic.settings.put_destination(&kept, put, fact).await;
    let in_use = stored.is_ok().then(|| config.clone());
    if stored.is_ok() {
        app.forwarder.put(&config).await?;
    }
    // The files of what was there before, or those just written when it could not be kept.
    if in_use.is_some() {
        let name = kept.name.clone();
        app.ask(move |app| {
            app.secret_files.tidy(&name, in_use.as_ref());
            Ok::<_, Problem>(())
        })
        .await?;
    }
    Ok(stored?)
}

fn kept(app: &App, name: &DestinationName) -> Result<KeptDestination, Problem> {
    if app.info.file_destinations.contains(name) {
        return Err(Problem::read_only(format!("{name} stands in the configuration file: change it there")));
    }
    app.clinic.settings.destination(name)?.ok_or_else(|| no_such_destination(name))
}

fn fact(app: &App, caller: &Caller, action: &'static str, name: &DestinationName, address: Option<IpAddr>) -> AuditFact {
    let (at, actor) = (app.clock.now(), caller.0.username.clone());
    AuditFact { at, actor, action, object: format!("destination {name}"), outcome: Outcome::Done, address }
}

fn parsed(name: &str) -> Result<DestinationName, Problem> {
    name.parse().map_err(|_| Problem::not_found("no destination has such a name"))
}

impl std::convert::From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Taken(_) => Self::coded(StatusCode::CONFLICT, Code::Taken, error.to_string()),
            SettingsError::TooMany => Self::conflict(error.to_string()),
            SettingsError::Unknown(_) => Self::not_found(error.to_string()),
            SettingsError::Sealed(_) => Self::conflict(error.to_string()),
            SettingsError::Store(error) => error.into(),
        }
    }
}

impl std::convert::From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Config(error) => Self::invalid("", error.to_string()),
            ChangeError::Catalogue(error) => error.into(),
        }
    }
}
