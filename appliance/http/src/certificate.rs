//! The TLS certificate in force: seen, replaced, given up.

use axum::{Json as Answer, extract::State, http::StatusCode};
use relaypacs_clinic::audit::Outcome;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::{Admin, Caller, From},
    extract::Json,
    problem::{Problem, ProblemBody},
    time::Time,
    tls::{Certificate, Source, Tls, TlsError},
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, replace, give_up))
}

/// The TLS certificate in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Certificate)]
pub(crate) struct CertificateBody {
    /// Where it comes from.
    source: CertificateOrigin,
    /// Whom it names.
    #[schema(example = "CN=edge1")]
    subject: String,
    /// Who issued it.
    #[schema(example = "CN=RelayPACS box CA 0f1e2d3c")]
    issuer: String,
    /// Names and addresses it is good for.
    names: Vec<String>,
    /// From when it is good.
    not_before: Time,
    /// Until when.
    not_after: Time,
    /// SHA-256 of the certificate.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    /// Whether it leads to an authority that browsers trust; then browsers are told to come by HTTPS only (HSTS).
    trusted: bool,
    /// SHA-256 of the box's own authority (`/ca.crt`), as the panel shows it.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    ca_sha256: String,
}

/// Where a certificate comes from.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CertificateOrigin {
    /// The box's own authority.
    Box,
    /// Files of the configuration.
    File,
    /// An upload.
    Upload,
    /// An ACME service.
    Acme,
}

/// A certificate to take into use.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CertificateUpload {
    /// PEM: the server's own certificate first, then each issuer; at most 10.
    #[schema(max_length = 60000, example = "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n")]
    certificate: String,
    /// PEM: its private key (PKCS#8, PKCS#1 or SEC1) without a passphrase. It is never shown again.
    #[schema(max_length = 20000, format = Password, example = "-----BEGIN PRIVATE KEY-----\nMIGH…\n-----END PRIVATE KEY-----\n")]
    key: String,
}

/// The TLS certificate in force.
#[utoipa::path(get, path = "/api/v1/system/certificate", operation_id = "certificate", tag = "system", responses(
    (status = 200, description = "the certificate in force", body = CertificateBody),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "HTTPS is off", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn show(State(app): State<App>, _: Admin) -> Result<Answer<CertificateBody>, Problem> {
    let tls = tls(&app)?;
    Ok(Answer(CertificateBody::new(&tls.current(), tls)))
}

/// Takes another certificate into use at once, after checking that key and chain belong together and are good today.
#[utoipa::path(put, path = "/api/v1/system/certificate", operation_id = "replace_certificate", tag = "system", request_body = CertificateUpload,
    responses(
    (status = 200, description = "in force from the next connection on", body = CertificateBody),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "HTTPS is off, or the configuration names certificate files", body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, description = "the body is too large", body = ProblemBody, content_type = "application/problem+json"),
    (status = 415, description = "the body is not JSON", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "it cannot be taken into use; detail says why", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn replace(
    State(app): State<App>,
    Admin(admin): Admin,
    From(from): From,
    Json(upload): Json<CertificateUpload>,
) -> Result<Answer<CertificateBody>, Problem> {
    let caller = Caller(admin);
    let tls = tls(&app)?.clone();
    if tls.current().source == Source::File {
        return Err(Problem::read_only("the configuration names certificate files ([http] cert_file), and they win: change those"));
    }
    let taken = app.ask(move |_| tls.take(&upload.certificate, &upload.key)).await;
    let outcome = if taken.is_ok() { Outcome::Done } else { Outcome::Refused };
    let object = taken.as_ref().map_or_else(|_| "certificate".into(), |taken| format!("certificate {}", taken.sha256));
    app.clinic.audit.note(&caller.0.username, "replace_certificate", object, outcome, from.address).await?;
    Ok(Answer(CertificateBody::new(&taken?, self::tls(&app)?)))
}

/// Gives an uploaded certificate up: the ACME service's or the box's own is in force again.
#[utoipa::path(delete, path = "/api/v1/system/certificate", operation_id = "give_certificate_up", tag = "system", responses(
    (status = 204, description = "given up"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "none was uploaded", body = ProblemBody, content_type = "application/problem+json"),
    (status = 409, description = "HTTPS is off", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn give_up(State(app): State<App>, Admin(admin): Admin, From(from): From) -> Result<StatusCode, Problem> {
    let caller = Caller(admin);
    let tls = tls(&app)?.clone();
    if !app.ask(move |_| tls.give_up()).await? {
        return Err(Problem::not_found("no certificate was uploaded"));
    }
    app.clinic.audit.note(&caller.0.username, "give_certificate_up", "certificate", Outcome::Done, from.address).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn tls(app: &App) -> Result<&Tls, Problem> {
    app.tls.as_ref().ok_or_else(|| Problem::conflict("HTTPS is off ([http] port = 0)"))
}

impl CertificateBody {
    fn new(certificate: &Certificate, tls: &Tls) -> Self {
        Self {
            source: match certificate.source {
                Source::Box => CertificateOrigin::Box,
                Source::File => CertificateOrigin::File,
                Source::Upload => CertificateOrigin::Upload,
                Source::Acme => CertificateOrigin::Acme,
            },
            subject: certificate.subject.clone(),
            issuer: certificate.issuer.clone(),
            names: certificate.names.clone(),
            not_before: Time(certificate.not_before),
            not_after: Time(certificate.not_after),
            sha256: certificate.sha256.clone(),
            trusted: certificate.trusted,
            ca_sha256: tls.ca_sha256(),
        }
    }
}

impl std::convert::From<TlsError> for Problem {
    fn from(error: TlsError) -> Self {
        match error {
            TlsError::Unfit(why) => Self::invalid("/certificate", why.to_string()),
            TlsError::File { .. } | TlsError::Make(_) | TlsError::Rustls(_) => Self::internal(error.to_string()),
        }
    }
}
