//! What the caller was told, and by which ways they are told when no page is open.

#![expect(unused_qualifications, reason = "the code that utoipa's macro makes of the query names its type in full")]

use axum::{Json as Answer, extract::State, http::StatusCode};
use relaypacs_clinic::notifications::{Notification, NotificationError, PushError, Subscription};
use relaypacs_domain::{NotificationId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::Caller,
    extract::{Json, PathId, Query},
    problem::{Problem, ProblemBody},
    time::Time,
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read_all))
        .routes(routes!(delete))
        .routes(routes!(read))
        .routes(routes!(unread))
        .routes(routes!(subscribe, unsubscribe))
        .routes(routes!(vapid_key))
        .route("/api/v1/notifications/", axum::routing::get(list))
}

/// Something that somebody was told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notification)]
struct NotificationBody {
    /// Its name.
    #[schema(format = "uuid", example = "01997a00-0000-7000-8000-000000000001")]
    id: String,
    /// Who was told.
    #[schema(format = "uuid", example = "01997a00-0000-7000-8000-000000000001")]
    user_id: String,
    /// What kind of thing happened.
    #[schema(value_type = NotificationType)]
    notification_type: &'static str,
    /// The same.
    #[serde(rename = "type")]
    #[schema(value_type = NotificationType)]
    kind: &'static str,
    /// In a few words.
    #[schema(example = "Report ready")]
    title: String,
    /// In a sentence.
    #[schema(example = "The report on CT, Chest can be read.")]
    message: String,
    /// The upload it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    related_upload_id: Option<String>,
    /// The report it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    related_report_id: Option<String>,
    /// The study it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    related_study_uid: Option<String>,
    /// Whether it was read.
    is_read: bool,
    /// When it was made.
    created_at: Time,
}

/// Kinds of notifications.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "stands in the schema only; the values come from the clinic's services")]
enum NotificationType {
    UploadComplete,
    UploadFailed,
    ReportAssigned,
    ReportReady,
    AdditionalDataRequired,
    PacsUnreachable,
    PacsRecovered,
    DiskLow,
    Security,
    StudyHeld,
}

/// A page of notifications.
#[derive(Debug, Serialize, ToSchema)]
struct Notifications {
    /// Newest first.
    notifications: Vec<NotificationBody>,
    /// How many are unread in all.
    unread_count: u64,
    /// How many match in all.
    total: u64,
}

/// Which notifications.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NotificationsQuery {
    /// At most this many.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: usize,
    /// After this many.
    #[param(minimum = 0, maximum = 1_000_000, default = 0)]
    offset: usize,
    /// Only unread ones.
    #[param(default = false)]
    unread_only: bool,
}

/// How many were marked.
#[derive(Debug, Serialize, ToSchema)]
struct Marked {
    /// How many were unread.
    #[schema(example = 3)]
    marked: u64,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
struct Deleted {
    /// Its name.
    #[schema(format = "uuid", example = "01997a00-0000-7000-8000-000000000001")]
    id: String,
}

/// A browser's push subscription, as `PushSubscription.toJSON()` gives it.
#[derive(Deserialize, ToSchema)]
struct PushSubscription {
    /// Where to push.
    #[schema(max_length = 2048, example = "https://push.example/abc")]
    endpoint: String,
    /// The browser's keys.
    keys: PushKeys,
    /// When it ends; not used.
    #[serde(rename = "expirationTime")]
    #[allow(dead_code, reason = "part of what browsers send")]
    expiration_time: Option<f64>,
}

/// A browser's keys, base64url.
#[derive(Deserialize, ToSchema)]
struct PushKeys {
    /// Its public key, P-256 uncompressed.
    #[schema(max_length = 128)]
    p256dh: String,
    /// Its authentication secret, 16 bytes.
    #[schema(max_length = 64)]
    auth: String,
}

/// Which subscription to end.
#[derive(Deserialize, ToSchema)]
struct PushEndpoint {
    /// Where it pushed.
    #[schema(max_length = 2048, example = "https://push.example/abc")]
    endpoint: String,
}

/// The key with which the box signs pushes.
#[derive(Serialize, ToSchema)]
struct VapidKey {
    /// P-256 uncompressed, base64url: the `applicationServerKey` of `pushManager.subscribe`.
    #[schema(example = "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM")]
    key: String,
}

/// The caller's notifications.
#[utoipa::path(get, path = "/api/v1/notifications", operation_id = "list_notifications", tag = "notifications", params(NotificationsQuery),
    responses(
    (status = 200, description = "a page of notifications", body = Notifications),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a value makes no sense", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(State(app): State<App>, caller: Caller, Query(asked): Query<NotificationsQuery>) -> Result<Answer<Notifications>, Problem> {
    if !(1..=200).contains(&asked.limit) {
        return Err(Problem::invalid("limit", "the limit is a number from 1 to 200"));
    }
    if asked.offset > 1_000_000 {
        return Err(Problem::invalid("offset", "the offset is a number up to 1000000"));
    }
    let page = app.clinic.notifications.list(caller.id(), asked.unread_only, asked.limit, asked.offset).await?;
    let notifications = page.notifications.into_iter().map(NotificationBody::from).collect();
    Ok(Answer(Notifications { notifications, unread_count: page.unread_count, total: page.total }))
}

/// A page of somebody's notifications, for the export of one's own data; and how many there are.
pub(crate) async fn own(app: &App, user: UserId, offset: usize) -> Result<(serde_json::Value, u64), Problem> {
    let page = app.clinic.notifications.list(user, false, 200, offset).await?;
    let notifications: Vec<NotificationBody> = page.notifications.into_iter().map(NotificationBody::from).collect();
    Ok((serde_json::to_value(notifications).unwrap_or_default(), page.total))
}

/// Marks one as read.
#[utoipa::path(patch, path = "/api/v1/notifications/{id}/read", operation_id = "read_notification", tag = "notifications",
    params(("id" = String, Path, format = "uuid", description = "a notification")), responses(
    (status = 200, description = "the notification, read", body = NotificationBody),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such notification of the caller's", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn read(State(app): State<App>, caller: Caller, PathId(id): PathId) -> Result<Answer<NotificationBody>, Problem> {
    Ok(Answer(app.clinic.notifications.mark(caller.id(), NotificationId(id), true).await?.into()))
}

/// Marks one as unread.
#[utoipa::path(patch, path = "/api/v1/notifications/{id}/unread", operation_id = "unread_notification", tag = "notifications",
    params(("id" = String, Path, format = "uuid", description = "a notification")), responses(
    (status = 200, description = "the notification, unread", body = NotificationBody),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such notification of the caller's", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn unread(State(app): State<App>, caller: Caller, PathId(id): PathId) -> Result<Answer<NotificationBody>, Problem> {
    Ok(Answer(app.clinic.notifications.mark(caller.id(), NotificationId(id), false).await?.into()))
}

/// Marks all of the caller's notifications as read.
#[utoipa::path(patch, path = "/api/v1/notifications/read-all", operation_id = "read_all_notifications", tag = "notifications", responses(
    (status = 200, description = "how many were unread", body = Marked),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn read_all(State(app): State<App>, caller: Caller) -> Result<Answer<Marked>, Problem> {
    Ok(Answer(Marked { marked: app.clinic.notifications.mark_all_read(caller.id()).await? }))
}

/// Deletes one.
#[utoipa::path(delete, path = "/api/v1/notifications/{id}", operation_id = "delete_notification", tag = "notifications",
    params(("id" = String, Path, format = "uuid", description = "a notification")), responses(
    (status = 200, description = "deleted", body = Deleted),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "no such notification of the caller's", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "not an id", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn delete(State(app): State<App>, caller: Caller, PathId(id): PathId) -> Result<Answer<Deleted>, Problem> {
    app.clinic.notifications.delete(caller.id(), NotificationId(id)).await?;
    Ok(Answer(Deleted { id: id.to_string() }))
}

/// Pushes what the caller is told to this browser too. What is pushed names no patient.
#[utoipa::path(post, path = "/api/v1/notifications/push-subscriptions", operation_id = "subscribe_push", tag = "notifications",
    request_body = PushSubscription, responses(
    (status = 201, description = "subscribed"),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "only somebody with an account has this", body = ProblemBody, content_type = "application/problem+json"),
    (status = 415, description = "the body is no JSON", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field breaks a rule", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn subscribe(State(app): State<App>, caller: Caller, Json(asked): Json<PushSubscription>) -> Result<StatusCode, Problem> {
    let who = caller.person()?;
    let subscription = Subscription::new(&asked.endpoint, &asked.keys.p256dh, &asked.keys.auth)?;
    app.clinic.notifications.subscribe(who.user, subscription).await?;
    Ok(StatusCode::CREATED)
}

/// Pushes no more to this browser.
#[utoipa::path(delete, path = "/api/v1/notifications/push-subscriptions", operation_id = "unsubscribe_push", tag = "notifications",
    request_body = PushEndpoint, responses(
    (status = 204, description = "not subscribed, whether it was or not"),
    (status = 400, description = "the body cannot be read", body = ProblemBody, content_type = "application/problem+json"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 415, description = "the body is no JSON", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "a field breaks a rule", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn unsubscribe(State(app): State<App>, caller: Caller, Json(asked): Json<PushEndpoint>) -> Result<StatusCode, Problem> {
    app.clinic.notifications.unsubscribe(caller.id(), asked.endpoint).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The public key with which the box signs pushes (RFC 8292).
#[utoipa::path(get, path = "/api/v1/notifications/vapid-key", operation_id = "vapid_key", tag = "notifications", responses(
    (status = 200, description = "the key", body = VapidKey),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn vapid_key(State(app): State<App>, _: Caller) -> Answer<VapidKey> {
    Answer(VapidKey { key: app.clinic.notifications.vapid_key() })
}

impl Default for NotificationsQuery {
    fn default() -> Self {
        Self { limit: 50, offset: 0, unread_only: false }
    }
}

impl From<Notification> for NotificationBody {
    fn from(notification: Notification) -> Self {
        Self {
            id: notification.id.to_string(),
            user_id: notification.user.to_string(),
            notification_type: notification.kind.as_str(),
            kind: notification.kind.as_str(),
            title: notification.title,
            message: notification.message,
            related_upload_id: notification.upload.map(|id| id.to_string()),
            related_report_id: notification.report.map(|id| id.to_string()),
            related_study_uid: notification.study.map(String::from),
            is_read: notification.is_read,
            created_at: Time(notification.created_at),
        }
    }
}

impl From<NotificationError> for Problem {
    fn from(error: NotificationError) -> Self {
        match error {
            NotificationError::NotFound => Self::not_found(error.to_string()),
            NotificationError::Store(error) => error.into(),
        }
    }
}

impl From<PushError> for Problem {
    fn from(error: PushError) -> Self {
        match error {
            PushError::Field { field, .. } => Self::invalid(format!("/{field}"), error.to_string()),
            PushError::Store(error) => error.into(),
        }
    }
}
