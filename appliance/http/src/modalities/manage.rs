//! Adding, changing, deleting and trying modalities. A change holds for the next association.

use axum::{
    Json as Answer,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use relaypacs_clinic::{
    audit::{AuditFact, Outcome},
    settings::{KeptModality, Put},
};
use relaypacs_dicom::ScuOptions;
use relaypacs_domain::{Action, AeTitle, ServiceLevel};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Modality, listed};
use crate::{
    admin::forwarding::Echo,
    app::{App, KnownModality},
    caller::{Admin, Caller, From},
    destinations::merge,
    extract::{Json, misfit},
    problem::{Code, Problem, ProblemBody},
};

/// Longest description in characters.
const MAX_DESCRIPTION: usize = 200;
/// Longest wait for a modality, for each step.
const ECHO_TIMEOUT: Duration = Duration::from_secs(5);

/// The routes of this part.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(add)).routes(routes!(one, change, delete)).routes(routes!(echo))
}

/// Settings of a modality, as in `[[modality]]` of the configuration. PATCH: a field that is absent stays, null sets it back.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ModalitySettings {
    /// Its AE title; fixed once it is added.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 16, example = "CT1")]
    ae_title: Option<AeTitle>,
    /// It must send from this address.
    #[schema(value_type = Option<String>, example = "192.168.1.20")]
    address: Option<IpAddr>,
    /// The port on which it answers a C-ECHO.
    #[schema(minimum = 1, maximum = 65535, example = 104)]
    port: Option<u16>,
    /// How urgent its studies are, whatever they say themselves.
    #[schema(value_type = Option<String>, example = "routine")]
    service_level: Option<ServiceLevel>,
    /// Its associations at a time.
    #[schema(minimum = 1, maximum = 4096, example = 4)]
    max_associations: Option<usize>,
    /// For people.
    #[schema(max_length = 200, example = "CT, ground floor")]
    description: Option<String>,
}

/// Admits a modality. From the first one on, only modalities that are listed may send.
#[utoipa::path(post, path = "/api/v1/modalities", operation_id = "add_modality", tag = "modalities", request_body = ModalitySettings, responses(
    (status = 201, description = "added", body = Modality, headers(("Location" = String, description = "its path"))),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "it is there already", body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, description = "the body is too large", body = ProblemBody, content_type = "application/problem+json"),
    (status = 415, description = "the body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field makes no sense", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn add(
    State(app): State<App>,
    Admin(admin): Admin,
    From(from): From,
    Json(asked): Json<ModalitySettings>,
) -> Result<Response, Problem> {
    let caller = Caller(admin);
    let kept = checked(asked)?;
    let _one_at_a_time = app.changing.lock().await;
    if app.info.modalities.iter().any(|known| known.ae_title == kept.ae_title) {
        return Err(Problem::coded(StatusCode::CONFLICT, Code::Taken, format!("{} stands in the configuration file", kept.ae_title)));
    }
    let fact = fact(&app, &caller, "add_modality", &kept.ae_title, from.address);
    app.clinic.settings.put_modality(&kept, Put::New, fact).await?;
    app.admit_known()?;
    let path = format!("/api/v1/modalities/{}", kept.ae_title.as_str().replace(' ', "%20"));
    let mut response = (StatusCode::CREATED, Answer(shown(&app, kept.ae_title.as_str())?)).into_response();
    if let Ok(location) = HeaderValue::from_str(&path) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// A modality that is listed: configured, or seen since the daemon started.
#[utoipa::path(get, path = "/api/v1/modalities/{ae_title}", operation_id = "modality", tag = "modalities",
    params(("ae_title" = String, Path, description = "its AE title", example = "CT1")), responses(
    (status = 200, description = "who it is and when it last sent", body = Modality),
    (status = 400, description = "the path cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such modality", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn one(State(app): State<App>, caller: Caller, Path(ae_title): Path<String>) -> Result<Answer<Modality>, Problem> {
    caller.may(Action::UseTheBox)?;
    shown(&app, &ae_title).map(Answer)
}

/// Changes a modality that is kept in the box: a merge patch (RFC 7396).
#[utoipa::path(patch, path = "/api/v1/modalities/{ae_title}", operation_id = "change_modality", tag = "modalities",
    params(("ae_title" = String, Path, description = "its AE title", example = "CT1")), request_body = ModalitySettings, responses(
    (status = 200, description = "changed; holds for the next association", body = Modality),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such modality", body = ProblemBody, content_type = "application/problem+json"),
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
    Path(ae_title): Path<String>,
    Json(patch): Json<Map<String, Value>>,
) -> Result<Answer<Modality>, Problem> {
    let caller = Caller(admin);
    let _one_at_a_time = app.changing.lock().await;
    let before = kept(&app, &ae_title)?;
    let mut settings = json!(before);
    merge(&mut settings, Value::Object(patch));
    let asked: ModalitySettings = misfit::fit(settings)?;
    let after = checked(asked)?;
    if after.ae_title != before.ae_title {
        return Err(Problem::invalid("/ae_title", "a modality keeps its AE title: delete it and add another"));
    }
    let fact = fact(&app, &caller, "change_modality", &after.ae_title, from.address);
    app.clinic.settings.put_modality(&after, Put::Changed, fact).await?;
    app.admit_known()?;
    Ok(Answer(shown(&app, after.ae_title.as_str())?))
}

/// Deletes a modality that is kept in the box. Its open associations go on; once none is listed, every calling AE title may send again.
#[utoipa::path(delete, path = "/api/v1/modalities/{ae_title}", operation_id = "delete_modality", tag = "modalities",
    params(("ae_title" = String, Path, description = "its AE title", example = "CT1")), responses(
    (status = 204, description = "deleted"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such modality", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "it stands in the configuration file", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn delete(
    State(app): State<App>,
    Admin(admin): Admin,
    From(from): From,
    Path(ae_title): Path<String>,
) -> Result<StatusCode, Problem> {
    let caller = Caller(admin);
    let _one_at_a_time = app.changing.lock().await;
    let kept = kept(&app, &ae_title)?;
    let fact = fact(&app, &caller, "delete_modality", &kept.ae_title, from.address);
    app.clinic.settings.remove_modality(&kept.ae_title, fact).await?;
    app.admit_known()?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a modality a C-ECHO and names the first step that fails.
#[utoipa::path(post, path = "/api/v1/modalities/{ae_title}/echo", operation_id = "try_modality", tag = "modalities",
    params(("ae_title" = String, Path, description = "its AE title", example = "CT1")), responses(
    (status = 200, description = "tried; ok says how it went", body = Echo),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for radiographers and admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such modality", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "its address or port is not set", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn echo(State(app): State<App>, caller: Caller, Path(ae_title): Path<String>) -> Result<Answer<Echo>, Problem> {
    caller.may(Action::SteerForwarding)?;
    let known = app.known_modalities()?.into_iter().find(|known| known.ae_title.as_str() == ae_title);
    let known = known.ok_or_else(|| no_such(&ae_title))?;
    let (Some(address), Some(port)) = (known.address, known.port) else {
        return Err(Problem::conflict(format!("address and port of {ae_title} must be set before it can be called")));
    };
    let options = ScuOptions {
        address: SocketAddr::new(address, port).to_string(),
        calling_ae: app.info.ae_title.clone(),
        called_ae: known.ae_title,
        connect_timeout: ECHO_TIMEOUT,
        timeout: ECHO_TIMEOUT,
    };
    Ok(Answer(relaypacs_dicom::echo(&options).await.into()))
}

fn checked(asked: ModalitySettings) -> Result<KeptModality, Problem> {
    let ae_title = asked.ae_title.ok_or_else(|| Problem::invalid("/ae_title", "an AE title is needed"))?;
    if asked.port == Some(0) {
        return Err(Problem::invalid("/port", "a port is 1 to 65535"));
    }
    if asked.max_associations.is_some_and(|most| !(1..=4096).contains(&most)) {
        return Err(Problem::invalid("/max_associations", "a modality has 1 to 4096 associations at a time"));
    }
    if asked.description.as_ref().is_some_and(|text| text.chars().count() > MAX_DESCRIPTION) {
        return Err(Problem::invalid("/description", "a description has at most 200 characters"));
    }
    Ok(KeptModality {
        ae_title,
        address: asked.address,
        port: asked.port,
        service_level: asked.service_level,
        max_associations: asked.max_associations,
        description: asked.description,
    })
}

fn kept(app: &App, ae_title: &str) -> Result<KeptModality, Problem> {
    if app.info.modalities.iter().any(|known| known.ae_title.as_str() == ae_title) {
        return Err(Problem::read_only(format!("{ae_title} stands in the configuration file: change it there")));
    }
    app.clinic.settings.modalities()?.into_iter().find(|kept| kept.ae_title.as_str() == ae_title).ok_or_else(|| no_such(ae_title))
}

fn shown(app: &App, ae_title: &str) -> Result<Modality, Problem> {
    listed(app)?.into_iter().find(|found| found.ae_title == ae_title).ok_or_else(|| no_such(ae_title))
}

fn no_such(ae_title: &str) -> Problem {
    Problem::not_found(format!("no modality is listed under the AE title {}", ae_title.chars().take(16).collect::<String>()))
}

fn fact(app: &App, caller: &Caller, action: &'static str, ae_title: &AeTitle, address: Option<IpAddr>) -> AuditFact {
    let (at, actor) = (app.clock.now(), caller.0.username.clone());
    AuditFact { at, actor, action, object: format!("modality {ae_title}"), outcome: Outcome::Done, address }
}

impl std::convert::From<KeptModality> for KnownModality {
    fn from(kept: KeptModality) -> Self {
        Self {
            ae_title: kept.ae_title,
            address: kept.address,
            port: kept.port,
            service_level: kept.service_level,
            max_associations: kept.max_associations,
            description: kept.description,
        }
    }
}
