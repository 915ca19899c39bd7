//! How often somebody may ask: a limit a kind of request, counted by user, or by address where nobody is signed in.
//!
//! The generic cell rate algorithm (crate `governor`): a burst of the whole number, then evenly. Answers carry `RateLimit-Policy` and
//! `RateLimit` (draft-ietf-httpapi-ratelimit-headers), refusals also `Retry-After`. Admins are exempt, but not at sign-in, where nobody is
//! anybody yet. IPv6 addresses count by their /64. Memory is bounded: beyond [`MAX_KEYS`] at once, all further callers share one count.

use std::{fmt, net::IpAddr, num::NonZeroU32, str::FromStr, sync::Arc, time::Duration};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};
use relaypacs_domain::{Role, UserId};
use serde::{Deserialize, Serialize};

use crate::{app::App, forwarded::ClientAddress, problem::Problem, telemetry};

/// Callers counted at once by each limit.
const MAX_KEYS: usize = 20_000;

/// So many requests a time: `"20/min"`, `"5/s"`, `"100/h"`; `"off"`: as many as one likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    /// How many; 0: as many as one likes.
    count: u32,
    per: Per,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Per {
    Second,
    Minute,
    Hour,
}

/// A text that is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a rate is written like \"20/min\", \"5/s\" or \"100/h\" (1 to 1000000), or \"off\"")]
pub struct RateError;

impl Rate {
    /// So many a minute.
    pub const fn a_minute(count: u32) -> Self {
        Self { count, per: Per::Minute }
    }

    fn quota(self) -> Option<Quota> {
        let count = NonZeroU32::new(self.count)?;
        Quota::with_period(self.per.duration() / self.count).map(|quota| quota.allow_burst(count))
    }
}

impl Per {
    const fn duration(self) -> Duration {
        match self {
            Self::Second => Duration::from_secs(1),
            Self::Minute => Duration::from_mins(1),
            Self::Hour => Duration::from_hours(1),
        }
    }
}

impl FromStr for Rate {
    type Err = RateError;
    fn from_str(text: &str) -> Result<Self, RateError> {
        if text.trim() == "off" {
            return Ok(Self { count: 0, per: Per::Minute });
        }
        let (count, per) = text.split_once('/').ok_or(RateError)?;
        let count = count.trim().parse().map_err(|_| RateError)?;
        let per = match per.trim() {
            "s" => Per::Second,
            "min" => Per::Minute,
            "h" => Per::Hour,
            _ => return Err(RateError),
        };
        if (1..=1_000_000).contains(&count) { Ok(Self { count, per }) } else { Err(RateError) }
    }
}

impl TryFrom<String> for Rate {
    type Error = RateError;
    fn try_from(text: String) -> Result<Self, RateError> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = match self.per {
            Per::Second => "s",
            Per::Minute => "min",
            Per::Hour => "h",
        };
        if self.count == 0 { f.write_str("off") } else { write!(f, "{}/{per}", self.count) }
    }
}

/// The limits of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Sign-in, per address.
    pub login: Rate,
    /// Registering and refreshing tokens, per address.
    pub tokens: Rate,
    /// Beginning an upload, per user.
    pub upload_init: Rate,
    /// Chunks and batches, per user.
    pub chunk: Rate,
    /// Completing an upload, per user.
    pub complete: Rate,
    /// Statistics, per user.
    pub stats: Rate,
    /// Errors of the page, per user.
    pub telemetry: Rate,
    /// Everything else of the API, per user or address.
    pub other: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            login: Rate::a_minute(5),
            tokens: Rate::a_minute(60),
            upload_init: Rate::a_minute(20),
            chunk: Rate::a_minute(2000),
            complete: Rate::a_minute(10),
            stats: Rate::a_minute(10),
            telemetry: Rate::a_minute(30),
            other: Rate::a_minute(6000),
        }
    }
}

/// Which limit a request falls under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Login,
    Tokens,
    UploadInit,
    Chunk,
    Complete,
    Stats,
    Telemetry,
    Other,
}

impl Kind {
    /// The kind of a request for a route's template.
    fn of(method: &Method, route: &str) -> Self {
        let route = route.strip_prefix("/api/v1").unwrap_or(route);
        match (method.as_str(), route) {
            ("POST", "/auth/login") => Self::Login,
            ("POST", "/auth/register" | "/auth/refresh") => Self::Tokens,
            ("POST", "/upload/init") => Self::UploadInit,
            ("PUT" | "POST", "/upload/{id}/chunk" | "/upload/{id}/batch" | "/upload/{upload_id}/chunk" | "/upload/{upload_id}/batch") => {
                Self::Chunk
            }
            ("POST", "/upload/{id}/complete" | "/upload/{upload_id}/complete") => Self::Complete,
            ("GET", "/upload/stats" | "/upload/stats/trend" | "/upload/stats/export") => Self::Stats,
            ("POST", "/telemetry") => Self::Telemetry,
            _ => Self::Other,
        }
    }

    /// Whether somebody without a session is anybody here.
    const fn by_address(self) -> bool {
        matches!(self, Self::Login | Self::Tokens)
    }
}

/// Somebody a token names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    user: UserId,
    role: Role,
}

/// Who is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    User(UserId),
    Address(IpAddr),
    /// Everybody beyond the bound.
    Crowd,
}

type Counter = RateLimiter<Key, DefaultKeyedStateStore<Key>, DefaultClock, StateInformationMiddleware>;

/// One limit and its counts.
struct Limit {
    name: &'static str,
    rate: Rate,
    counter: Option<Counter>,
}

/// All limits with their counts. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(crate) struct RateLimits(Arc<[Limit; 8]>);

/// What the answer says about the limit.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    policy: HeaderValue,
    left: HeaderValue,
}

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

impl RateLimits {
    /// Nothing counted yet.
    pub(crate) fn new(rates: &Rates) -> Self {
        let limit = |name, rate: Rate| {
            let counter = rate.quota().map(|quota| RateLimiter::keyed(quota).with_middleware());
            Limit { name, rate, counter }
        };
        Self(Arc::new([
            limit("login", rates.login),
            limit("tokens", rates.tokens),
            limit("upload-init", rates.upload_init),
            limit("chunk", rates.chunk),
            limit("complete", rates.complete),
            limit("stats", rates.stats),
            limit("telemetry", rates.telemetry),
            limit("other", rates.other),
        ]))
    }

    /// Counts a request of `who` (when signed in) from `address`. `Ok(None)`: it is not limited.
    pub(crate) fn take(
        &self,
        method: &Method,
        route: &str,
        who: Option<Counted>,
        address: Option<IpAddr>,
    ) -> Result<Option<Standing>, Problem> {
        let kind = Kind::of(method, route);
        let user = who.filter(|_| !kind.by_address());
        if user.is_some_and(|who| who.role == Role::Admin) {
            return Ok(None);
        }
        let Some(key) = user.map(|who| Key::User(who.user)).or_else(|| address.map(|address| Key::Address(subscriber(address)))) else {
            return Ok(None); // the admin socket
        };
        self.0[kind as usize].take(key)
    }
}

impl Limit {
    fn take(&self, key: Key) -> Result<Option<Standing>, Problem> {
        let Some(counter) = &self.counter else { return Ok(None) };
        let key = bounded(counter, key);
        match counter.check_key(&key) {
            Ok(state) => {
                let left = state.remaining_burst_capacity();
                let used = self.rate.count.saturating_sub(left);
                let until_full = self.rate.per.duration() * used / self.rate.count.max(1);
                Ok(Some(self.standing(left, until_full.as_secs_f64().ceil() as u64)))
            }
            Err(refused) => {
                let wait = refused.wait_time_from(DefaultClock::default().now());
                let seconds = u32::try_from(wait.as_secs_f64().ceil() as u64).unwrap_or(u32::MAX).max(1);
                let standing = self.standing(0, seconds.into());
                let detail = format!("at most {} requests of this kind are taken; come back in {seconds} s", self.rate);
                Err(Problem::too_many(detail, seconds).header(POLICY, standing.policy).header(LEFT, standing.left))
            }
        }
    }

    fn standing(&self, left: u32, reset_s: u64) -> Standing {
        let window = self.rate.per.duration().as_secs();
        let value = |text: String| HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
        Standing {
            policy: value(format!("\"{}\";q={};w={window}", self.name, self.rate.count)),
            left: value(format!("\"{}\";r={left};t={reset_s}", self.name)),
        }
    }
}

impl Standing {
    /// Adds the headers.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        headers.insert(POLICY, self.policy);
        headers.insert(LEFT, self.left);
    }
}

/// Whoever a valid token names; who has none is counted by address, and refused by the handler if it must be.
fn who(app: &App, headers: &HeaderMap) -> Option<Counted> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION).and_then(|value| value.split_once(' ')).map(|(_, token)| token.trim());
    let signed_in = || app.clinic.sessions.principal(bearer?).ok().map(|principal| Counted { user: principal.user, role: principal.role });
    let uploading = || {
        let token = text(HeaderName::from_static("x-upload-token")).or(bearer)?;
        let owner = app.clinic.tokens.check_upload(token).ok()?.owner;
        app.clinic.accounts.role(owner).map(|role| Counted { user: owner, role })
    };
    signed_in().or_else(uploading)
}

/// The key itself, or the crowd's when too many are counted and none has been idle long enough to be forgotten.
fn bounded(counter: &Counter, key: Key) -> Key {
    if counter.len() < MAX_KEYS {
        return key;
    }
    counter.retain_recent();
    if counter.len() < MAX_KEYS { key } else { Key::Crowd }
}

/// The part of an address that one subscriber has: all of IPv4, the first 64 bits of IPv6.
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

/// Counts every request of the API, refuses one too many, and tells the others how they stand.
pub(crate) async fn limited(State(app): State<App>, request: Request, next: Next) -> Result<Response, Problem> {
    let Some(route) = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).filter(|route| route.starts_with("/api/")) else {
        return Ok(next.run(request).await);
    };
    let address = request.extensions().get::<ClientAddress>().map(|client| client.0);
    let who = who(&app, request.headers());
    if let Some(who) = who {
        telemetry::asked_by(who.user.0);
    }
    let standing = app.rates.take(request.method(), route, who, address)?;
    let mut response = next.run(request).await;
    if let Some(standing) = standing {
        standing.tell(response.headers_mut());
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn somebody(role: Role) -> Counted {
        Counted { user: UserId(Uuid::now_v7()), role }
    }

    fn rates() -> Rates {
        Rates { login: "3/h".parse().unwrap(), upload_init: "2/h".parse().unwrap(), chunk: "off".parse().unwrap(), ..Rates::default() }
    }

    #[test]
    fn rates_are_read_and_shown() {
        for text in ["5/min", "2000/min", "10/s", "100/h", "off"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for text in ["", "5", "0/min", "5/day", "-1/min", "9999999/s"] {
            assert_eq!(text.parse::<Rate>(), Err(RateError), "{text:?}");
        }
    }

    #[test]
    fn one_too_many_is_told_when_to_come_back() {
        let limits = RateLimits::new(&rates());
        let login = |address: &str| limits.take(&Method::POST, "/api/v1/auth/login", None, Some(address.parse().unwrap()));
        for left in ["2", "1", "0"] {
            let mut headers = HeaderMap::new();
            login("192.0.2.1").unwrap().unwrap().tell(&mut headers);
            assert_eq!(headers["ratelimit-policy"], "\"login\";q=3;w=3600");
            assert!(headers["ratelimit"].to_str().unwrap().starts_with(&format!("\"login\";r={left};t=")), "{headers:?}");
        }
        let refused = login("192.0.2.1").unwrap_err().answer("/", "0");
        assert_eq!(refused.status(), 429);
        let wait: u32 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=1200).contains(&wait), "{wait}");
        assert!(refused.headers()["ratelimit"].to_str().unwrap().starts_with("\"login\";r=0;"));
        assert!(login("192.0.2.2").is_ok(), "others are not held up");
    }

    #[test]
    fn users_count_for_themselves_and_admins_not_at_all() {
        let limits = RateLimits::new(&rates());
        let init = |who: Counted| limits.take(&Method::POST, "/upload/init", Some(who), Some("192.0.2.1".parse().unwrap()));
        let (mary, john, admin) = (somebody(Role::Clinician), somebody(Role::Clinician), somebody(Role::Admin));
        assert!(init(mary).is_ok() && init(mary).is_ok() && init(mary).is_err());
        assert!(init(john).is_ok(), "behind the same address");
        for _ in 0..10 {
            assert!(init(admin).unwrap().is_none());
        }
        let login = || limits.take(&Method::POST, "/auth/login", Some(admin), Some("192.0.2.1".parse().unwrap()));
        assert!((0..3).all(|_| login().is_ok()) && login().is_err(), "at sign-in nobody is an admin yet");
    }

    #[test]
    fn what_is_off_is_not_limited_and_a_subscriber_counts_once() {
        let limits = RateLimits::new(&rates());
        let chunk = || limits.take(&Method::PUT, "/api/v1/upload/{id}/chunk", None, Some("192.0.2.1".parse().unwrap()));
        assert!((0..5000).all(|_| chunk().unwrap().is_none()));
        let login = |address: &str| limits.take(&Method::POST, "/api/v1/auth/login", None, Some(address.parse().unwrap()));
        assert!(["2001:db8::1", "2001:db8::2", "2001:db8::3"].iter().all(|address| login(address).is_ok()));
        assert!(login("2001:db8::4").is_err() && login("2001:db8:0:1::4").is_ok());
    }

    #[test]
    fn memory_is_bounded() {
        let limits = RateLimits::new(&rates());
        for n in 0..(MAX_KEYS as u32 + 100) {
            let _ = limits.take(&Method::POST, "/auth/login", None, Some(IpAddr::V4(n.into())));
        }
        let counter = limits.0[0].counter.as_ref().unwrap();
        assert!(counter.len() <= MAX_KEYS + 1, "{}", counter.len());
    }

    #[test]
    fn each_numbered_limit_of_the_contract_has_its_kind() {
        let check = |method: Method, route: &str, expected| assert_eq!(Kind::of(&method, route), expected, "{route}");
        check(Method::POST, "/api/v1/auth/login", Kind::Login);
        check(Method::POST, "/api/v1/auth/refresh", Kind::Tokens);
        check(Method::POST, "/api/v1/upload/init", Kind::UploadInit);
        check(Method::PUT, "/api/v1/upload/{id}/chunk", Kind::Chunk);
        check(Method::POST, "/api/v1/upload/{id}/batch", Kind::Chunk);
        check(Method::POST, "/api/v1/upload/{id}/complete", Kind::Complete);
        check(Method::GET, "/api/v1/upload/stats/trend", Kind::Stats);
        check(Method::POST, "/api/v1/telemetry", Kind::Telemetry);
        check(Method::GET, "/api/v1/studies", Kind::Other);
    }
}
