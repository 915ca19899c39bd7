//! How much came and how well it went.

#![expect(unused_qualifications, reason = "the code that utoipa's macro makes of the query names its type in full")]

use std::{convert::Infallible, str::FromStr};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use relaypacs_clinic::statistics::{COLUMNS, Period, Statistics};
use relaypacs_domain::Action;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    caller::Caller,
    extract::Query,
    problem::{Problem, ProblemBody},
};

/// Days read at a time for the export.
const DAYS_AT_ONCE: usize = 64;

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(stats)).routes(routes!(trend)).routes(routes!(export))
}

/// Which period, ending today in the site's time zone.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PeriodQuery {
    /// 7 or 14 days, one, three or six calendar months, or everything; absent: `1m`.
    #[param(value_type = Option<PeriodName>, example = "1m")]
    period: Option<String>,
}

/// Periods.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Period)]
#[expect(dead_code, reason = "stands in the schema only; the values come from the clinic's services")]
enum PeriodName {
    #[serde(rename = "1w")]
    OneWeek,
    #[serde(rename = "2w")]
    TwoWeeks,
    #[serde(rename = "1m")]
    OneMonth,
    #[serde(rename = "3m")]
    ThreeMonths,
    #[serde(rename = "6m")]
    SixMonths,
    #[serde(rename = "all")]
    All,
}

/// Totals of a period.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands in the schema only; the clinic's service writes it")]
struct Stats {
    #[schema(value_type = PeriodName)]
    period: String,
    /// Uploads and C-STORE studies, failed ones included.
    #[schema(example = 120)]
    total_uploads: u64,
    /// Those that were taken.
    #[schema(example = 119)]
    successful_uploads: u64,
    /// Those that were not.
    #[schema(example = 1)]
    failed_uploads: u64,
    /// Share of those taken in percent; 0 where there are none.
    #[schema(minimum = 0, maximum = 100, example = 99.2)]
    success_rate: f64,
    /// Their bytes.
    total_bytes: u64,
    /// How many of each modality.
    modality: std::collections::BTreeMap<String, u64>,
    /// How many of each service level.
    service_level: std::collections::BTreeMap<String, u64>,
    /// How many by each entrance, `http` and `dicom`.
    source: std::collections::BTreeMap<String, u64>,
    /// How long studies took to each destination.
    destinations: std::collections::BTreeMap<String, DestinationStats>,
    /// When something was last counted; with nothing counted yet, now.
    #[schema(value_type = String, format = DateTime)]
    last_updated: String,
}

/// How long studies took, from the acknowledgement of their first instance to the proof of their last.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands in the schema only; the clinic's service writes it")]
struct DestinationStats {
    /// Studies delivered.
    delivered: u64,
    /// Half of them took no longer, in seconds.
    delay_p50_s: f64,
    /// 95 % of them took no longer, in seconds.
    delay_p95_s: f64,
}

/// A period day by day.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands in the schema only; the clinic's service writes it")]
struct Trend {
    #[schema(value_type = PeriodName)]
    period: String,
    /// Every day, oldest first, without gaps.
    data: Vec<TrendDay>,
    summary: TrendSummary,
}

/// One day in the site's time zone.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands in the schema only; the clinic's service writes it")]
struct TrendDay {
    #[schema(format = Date, example = "2026-11-23")]
    date: String,
    /// What came, failed ones included.
    count: u64,
    /// What was not taken.
    failed: u64,
    /// Its bytes.
    bytes: u64,
}

/// All days of a trend together.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands in the schema only; the clinic's service writes it")]
struct TrendSummary {
    /// What came, failed ones included.
    count: u64,
    /// What was not taken.
    failed: u64,
    /// Its bytes.
    bytes: u64,
    /// What came on an average day.
    average_per_day: f64,
    /// The day on which most came; null: nothing came.
    #[schema(required, format = Date)]
    busiest_day: Option<String>,
}

/// Totals of a period.
#[utoipa::path(get, path = "/api/v1/upload/stats", operation_id = "stats", tag = "statistics", params(PeriodQuery), responses(
    (status = 200, description = "the totals", body = Stats),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "no such period", body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, description = "too often", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn stats(State(app): State<App>, _: Caller, Query(asked): Query<PeriodQuery>) -> Result<Response, Problem> {
    Ok(json(app.clinic.statistics.stats_json(asked.period()?)?.as_ref()))
}

/// A period day by day; days without anything are zeros.
#[utoipa::path(get, path = "/api/v1/upload/stats/trend", operation_id = "stats_trend", tag = "statistics", params(PeriodQuery), responses(
    (status = 200, description = "every day of the period", body = Trend),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "no such period", body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, description = "too often", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn trend(State(app): State<App>, _: Caller, Query(asked): Query<PeriodQuery>) -> Result<Response, Problem> {
    Ok(json(app.clinic.statistics.trend_json(asked.period()?)?.as_ref()))
}

/// A period as a table, a line for each day, modality, service level and source.
#[utoipa::path(get, path = "/api/v1/upload/stats/export", operation_id = "stats_export", tag = "statistics", params(PeriodQuery), responses(
    (status = 200, description = "a table, streamed", content_type = "text/csv", body = String,
        example = "date,count,failed,bytes,modality,service_level,source\n2026-11-23,12,0,3221225472,CT,routine,dicom\n"),
    (status = 401, description = "sign in first", body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, description = "for admins", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "no such period", body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, description = "too often", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "not now", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn export(State(app): State<App>, caller: Caller, Query(asked): Query<PeriodQuery>) -> Result<Response, Problem> {
    caller.may(Action::Administer)?;
    let period = asked.period()?;
    let head = stream::once(async { Bytes::from(format!("{}\n", COLUMNS.join(","))) });
    let days = stream::unfold((app.clinic.statistics.clone(), None), move |(statistics, after)| next_days(statistics, period, after));
    let body = Body::from_stream(head.chain(days).map(Ok::<Bytes, Infallible>));
    let disposition = format!("attachment; filename=\"relaypacs_stats_{period}.csv\"");
    let disposition = HeaderValue::from_str(&disposition).map_err(|error| Problem::internal(error.to_string()))?;
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], body).into_response())
}

/// The next days of the export and where it goes on; `None`: there are no more.
async fn next_days(statistics: Statistics, period: Period, after: Option<i64>) -> Option<(Bytes, (Statistics, Option<i64>))> {
    let days = match statistics.rows(period, after, DAYS_AT_ONCE).await {
        Ok(days) => days,
        Err(error) => {
            tracing::warn!(%error, "an export of statistics ended early");
            return None;
        }
    };
    let last = days.last()?.0;
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    for row in days.iter().flat_map(|(_, rows)| rows) {
        writer.serialize(row).ok()?;
    }
    Some((Bytes::from(writer.into_inner().ok()?), (statistics, Some(last))))
}

impl PeriodQuery {
    fn period(&self) -> Result<Period, Problem> {
        match &self.period {
            None => Ok(Period::OneMonth),
            Some(text) => Period::from_str(text).map_err(|error| Problem::invalid("period", error.to_string())),
        }
    }
}

fn json(text: &str) -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], Body::from(text.to_owned())).into_response()
}
