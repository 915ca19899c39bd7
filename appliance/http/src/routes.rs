//! The two faces of the box: what TCP callers reach, and what the command line reaches over the admin socket.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
};
use tower::ServiceExt;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    admin::routes as operator_routes,
    app::App,
    audit, auth, certificate, destinations, docs,
    forwarded::note_client,
    front::{add_legacy, front, is_the_pages},
    health, inspect,
    limits::{ANSWER_TIMEOUT, BODY_TIMEOUT, Gate, MAX_BODY_BYTES, gated},
    metrics, modalities,
    network::Network,
    notifications,
    observe::observe,
    peer::monitoring_only,
    plain,
    problem::Problem,
    rate::limited,
    reports, stats, streams, studies, system, system_public, telemetry, totp, uploads, users,
};

/// What TCP callers reach: health and metrics, and the read routes for callers on the box itself.
pub fn public(app: App) -> Router {
    let networks: Arc<[Network]> = app.info.monitoring_networks.as_slice().into();
    let (mut router, mut contract) = public_routes(networks).split_for_parts();
    docs::refuse(&mut contract);
    docs::secure(&mut contract);
    docs::add_examples(&mut contract);
    add_legacy(&mut contract);
    if let Some(tls) = &app.tls {
        router = router.merge(plain::routes(tls.clone()));
    }
    let (page, proxies) = (app.entrance.page.clone(), app.entrance.trusted_proxies.as_slice().into());
    let routes = router.merge(docs::route(&contract)).layer(middleware::from_fn_with_state(app.clone(), limited));
    let routes = match page.clone() {
        Some(page) => routes.fallback(move |request: Request| page_or_nothing(page.clone(), request)),
        None => routes.fallback(|| async { Problem::of_status(StatusCode::NOT_FOUND) }),
    };
    let client = middleware::from_fn_with_state::<_, Arc<[Network]>, _>(proxies, note_client);
    front(finish(routes, app).layer(client), page)
}

/// What the command line reaches over the admin socket: the read routes, and what an operator may do. Whoever can open the socket may ask.
pub fn admin(app: App) -> Router {
    let (router, contract) = admin_routes().split_for_parts();
    finish(router.merge(docs::route(&contract)).fallback(|| async { Problem::of_status(StatusCode::NOT_FOUND) }), app)
}

/// The contract of [`public`].
pub fn openapi() -> OpenApi {
    let mut contract = public_routes(Arc::new([])).into_openapi();
    docs::refuse(&mut contract);
    docs::secure(&mut contract);
    docs::add_examples(&mut contract);
    add_legacy(&mut contract);
    contract
}

/// The contract of [`admin`].
pub fn admin_openapi() -> OpenApi {
    admin_routes().into_openapi()
}

fn public_routes(networks: Arc<[Network]>) -> OpenApiRouter<App> {
    let monitoring = health::monitoring_routes().merge(metrics::routes());
    OpenApiRouter::with_openapi(docs::head())
        .merge(health::open_routes())
        .merge(monitoring.layer(middleware::from_fn_with_state(networks, monitoring_only)))
        .merge(system_public::routes())
        .merge(telemetry::routes())
        .merge(auth::routes())
        .merge(certificate::routes())
        .merge(totp::routes())
        .merge(users::routes())
        .merge(audit::routes())
        .merge(uploads::routes())
        .merge(inspect::routes())
        .merge(studies::peoples_routes())
        .merge(people_routes())
        .merge(read_routes())
}

fn admin_routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(docs::head())
        .merge(health::open_routes())
        .merge(health::monitoring_routes())
        .merge(metrics::routes())
        .merge(read_routes())
        .merge(operator_routes())
}

/// What people are told, with the limits of questions to the catalogue; streams end by themselves.
fn people_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(reports::routes())
        .merge(notifications::routes())
        .merge(stats::routes())
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ANSWER_TIMEOUT))
        .merge(streams::routes())
}

/// Everything that only reads, with the limits of questions to the catalogue.
fn read_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(system::routes())
        .merge(studies::routes())
        .merge(destinations::routes())
        .merge(modalities::routes())
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ANSWER_TIMEOUT))
        .layer(middleware::from_fn_with_state(Gate::default(), gated))
}

/// A path that no route knows: the page's, or nobody's.
async fn page_or_nothing(page: Router, request: Request) -> Response {
    if !is_the_pages(request.method(), request.uri().path()) {
        return Problem::of_status(StatusCode::NOT_FOUND).into_response();
    }
    match page.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// What holds for every route.
fn finish(router: Router<App>, app: App) -> Router {
    let observed = (app.http.clone(), app.entrance.telemetry.clone());
    router
        .with_state(app)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
        .layer(middleware::from_fn_with_state(observed, observe))
}
