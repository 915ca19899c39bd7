//! Bodies of sign-in and accounts.

use relaypacs_clinic::{
    accounts::{Account, Notify, Preferences},
    sessions::{Session, SignedIn},
};
use relaypacs_domain::{Role, SessionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{problem::Problem, time::Time};

/// What somebody is to the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Role, example = "clinician")]
pub(crate) enum RoleName {
    /// Uploads studies and reads the reports on them.
    Clinician,
    /// Uploads studies and watches over everything the modalities send.
    Radiographer,
    /// Reads studies and writes reports.
    Radiologist,
    /// Runs the box.
    Admin,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::Clinician => Self::Clinician,
            Role::Radiographer => Self::Radiographer,
            Role::Radiologist => Self::Radiologist,
            Role::Admin => Self::Admin,
        }
    }
}

impl From<RoleName> for Role {
    fn from(role: RoleName) -> Self {
        match role {
            RoleName::Clinician => Self::Clinician,
            RoleName::Radiographer => Self::Radiographer,
            RoleName::Radiologist => Self::Radiologist,
            RoleName::Admin => Self::Admin,
        }
    }
}

/// A pair of tokens.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenPair {
    /// For `Authorization: Bearer`.
    #[schema(example = "eyJhbGciOiJSUzI1NiJ9.eyJ0eXAiOiJhY2Nlc3MifQ.c2lnbmVk")]
    access_token: String,
    /// For one exchange at `/auth/refresh`.
    #[schema(example = "eyJhbGciOiJSUzI1NiJ9.eyJ0eXAiOiJyZWZyZXNoIn0.c2lnbmVk")]
    refresh_token: String,
    /// Always `bearer`.
    #[schema(value_type = String, example = "bearer")]
    token_type: &'static str,
    /// Seconds until the access token is over.
    #[schema(example = 900)]
    expires_in: u64,
}

impl From<SignedIn> for TokenPair {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            access_token: signed_in.access_token,
            refresh_token: signed_in.refresh_token,
            token_type: "bearer",
            expires_in: signed_in.expires_in.as_secs(),
        }
    }
}

/// A new account.
#[derive(Deserialize, ToSchema)]
pub(super) struct UserCreate {
    /// Letters, digits, `_` and `-`; taken for good, in any case.
    #[schema(min_length = 3, max_length = 50, pattern = "^[A-Za-z0-9_-]+$", example = "ada")]
    pub(super) username: String,
    /// An e-mail address.
    #[schema(max_length = 254, example = "ada@clinic.example")]
    pub(super) email: String,
    /// Who it is.
    #[schema(max_length = 200, example = "Ada Lovelace")]
    pub(super) full_name: Option<String>,
    /// At least one upper-case letter, lower-case letter, digit and other character; not containing the username.
    #[schema(min_length = 12, max_length = 128, format = Password, example = "Correct-Horse-7")]
    pub(super) password: String,
    /// Only an admin chooses; default `clinician`.
    pub(super) role: Option<RoleName>,
    /// The code that makes the first admin.
    #[schema(max_length = 64, example = "K7RM-2WPX")]
    pub(super) setup_code: Option<String>,
    /// The code of an invite.
    #[schema(max_length = 64, example = "K7RM-2WPX-9QTH-4ZNB")]
    pub(super) invite: Option<String>,
}

/// What somebody types to sign in.
#[derive(Deserialize, ToSchema)]
pub(super) struct LoginRequest {
    /// The account's name, in any case.
    #[schema(example = "ada")]
    pub(super) username: String,
    /// Its password.
    #[schema(format = Password, example = "Correct-Horse-7")]
    pub(super) password: String,
    /// Six digits of the authenticator app, or a recovery code; needed when the second factor is on.
    #[schema(example = "123456")]
    pub(super) totp_code: Option<String>,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
pub(super) struct RefreshRequest {
    /// As it came with the last pair.
    #[schema(example = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ…")]
    pub(super) refresh_token: String,
    /// A name of this exchange: 16 to 64 random letters and digits, kept beside the token before it is sent. Where the answer is lost, the same
    /// token with the same name is answered again, while that answer is unused; without a name, for a minute.
    #[schema(min_length = 16, max_length = 64, pattern = "^[A-Za-z0-9_-]+$", example = "9f86d081884c7d659a2feaa0c55ad015")]
    #[serde(default)]
    pub(super) attempt: Option<String>,
}

impl RefreshRequest {
    /// The name of the exchange, once it is known to be one.
    pub(super) fn attempt(&self) -> Result<Option<&str>, Problem> {
        let is_name = |name: &str| (16..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        match self.attempt.as_deref() {
            Some(name) if !is_name(name) => Err(Problem::invalid("/attempt", "16 to 64 letters, digits, - and _")),
            name => Ok(name),
        }
    }
}

/// What else is to end with the session.
#[derive(Default, Deserialize, ToSchema)]
pub(super) struct LogoutRequest {
    /// Its session ends too.
    #[schema(example = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ…")]
    pub(super) refresh_token: Option<String>,
}

/// Another password.
#[derive(Deserialize, ToSchema)]
pub(super) struct ChangePassword {
    /// The one in use.
    #[schema(format = Password, example = "Correct-Horse-7")]
    pub(super) current_password: String,
    /// The new one; the rules are those of `UserCreate`.
    #[schema(min_length = 12, max_length = 128, format = Password, example = "Battery-Staple-8")]
    pub(super) new_password: String,
}

/// What to change of oneself; absent fields stay.
#[derive(Deserialize, ToSchema)]
pub(super) struct MePatch {
    /// Who it is.
    #[schema(max_length = 200)]
    pub(super) full_name: Option<String>,
    /// Where mail goes.
    #[schema(max_length = 254)]
    pub(super) email: Option<String>,
    /// Only those that change.
    pub(super) preferences: Option<PreferencesPatch>,
}

/// Preferences to change; absent ones stay.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PreferencesPatch {
    /// A language tag (BCP 47).
    #[schema(max_length = 35, example = "pt-BR")]
    language: Option<String>,
    #[schema(example = "dark")]
    theme: Option<String>,
    /// Null: the site's.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "Europe/Lisbon")]
    time_zone: Option<Option<String>>,
    default_service_level: Option<String>,
    density: Option<String>,
    notify: Option<NotifyPatch>,
}

#[derive(Deserialize, ToSchema)]
struct NotifyPatch {
    push: Option<bool>,
    email: Option<bool>,
    types: Option<Vec<String>>,
}

/// A value that is there, null or not.
fn given<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

impl PreferencesPatch {
    /// The preferences after the change.
    pub(crate) fn over(self, before: Preferences) -> Preferences {
        let notify = self.notify.unwrap_or(NotifyPatch { push: None, email: None, types: None });
        Preferences {
            language: self.language.unwrap_or(before.language),
            theme: self.theme.unwrap_or(before.theme),
            time_zone: self.time_zone.unwrap_or(before.time_zone),
            default_service_level: self.default_service_level.unwrap_or(before.default_service_level),
            density: self.density.unwrap_or(before.density),
            notify: Notify {
                push: notify.push.unwrap_or(before.notify.push),
                email: notify.email.unwrap_or(before.notify.email),
                types: notify.types.unwrap_or(before.notify.types),
            },
        }
    }
}

/// What somebody chose.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preferences)]
pub(crate) struct PreferencesBody {
    /// A language tag.
    #[schema(example = "en")]
    language: String,
    /// `system`, `light` or `dark`.
    #[schema(example = "system")]
    theme: String,
    /// An IANA name; absent: the site's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Europe/Lisbon")]
    time_zone: Option<String>,
    /// What uploads start with.
    #[schema(example = "routine")]
    default_service_level: String,
    /// `comfortable` or `compact`.
    #[schema(example = "comfortable")]
    density: String,
    /// How to be told.
    notify: NotifyBody,
}

#[derive(Debug, Serialize, ToSchema)]
struct NotifyBody {
    /// By web push.
    push: bool,
    /// By e-mail.
    email: bool,
    /// Of these notification types; empty: of all.
    types: Vec<String>,
}

impl From<Preferences> for PreferencesBody {
    fn from(preferences: Preferences) -> Self {
        let Preferences { language, theme, time_zone, default_service_level, density, notify } = preferences;
        let notify = NotifyBody { push: notify.push, email: notify.email, types: notify.types };
        Self { language, theme, time_zone, default_service_level, density, notify }
    }
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserResponse {
    /// Its id.
    #[schema(format = "uuid", example = "01997a00-0000-7000-8000-000000000001")]
    id: String,
    /// Its name.
    #[schema(example = "ada")]
    username: String,
    /// Where it gets mail.
    #[schema(example = "ada@clinic.example")]
    email: String,
    /// Who it is.
    #[schema(example = "Ada Lovelace")]
    full_name: String,
    /// What it may do.
    role: RoleName,
    /// Whether it can sign in.
    is_active: bool,
    /// Whether its second factor is on.
    totp_enabled: bool,
    /// Whether it has to wait after failed sign-ins.
    locked: bool,
    /// What it chose.
    preferences: PreferencesBody,
    /// When it was made.
    created_at: Time,
    /// When it got the password it has.
    password_changed_at: Time,
}

impl From<Account> for UserResponse {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.to_string(),
            username: account.username,
            email: account.email,
            full_name: account.full_name,
            role: account.role.into(),
            is_active: account.is_active,
            totp_enabled: account.totp_enabled,
            locked: account.is_locked,
            preferences: account.preferences.into(),
            created_at: Time(account.created_at),
            password_changed_at: Time(account.password_changed_at),
        }
    }
}

/// A device that is signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(super) struct SessionBody {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// When it signed in.
    created_at: Time,
    /// When it last asked for something, to the minute.
    last_seen_at: Time,
    /// When it is signed out by itself.
    expires_at: Time,
    /// From where.
    #[schema(example = "192.0.2.7")]
    address: String,
    /// What it says it is.
    #[schema(example = "Mozilla/5.0")]
    user_agent: String,
    /// Whether it is the one that asks.
    current: bool,
}

impl SessionBody {
    pub(super) fn new(session: Session, asks: SessionId) -> Self {
        Self {
            current: session.id == asks,
            id: session.id.to_string(),
            created_at: Time(session.created_at),
            last_seen_at: Time(session.last_seen_at),
            expires_at: Time(session.expires_at),
            address: session.address,
            user_agent: session.user_agent,
        }
    }
}

/// The keys that tokens are signed with (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Jwks {
    /// The signing one last.
    keys: Vec<JwkBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Jwk)]
struct JwkBody {
    #[schema(value_type = String, example = "RSA")]
    kty: &'static str,
    #[serde(rename = "use")]
    #[schema(value_type = String, example = "sig")]
    usage: &'static str,
    #[schema(value_type = String, example = "RS256")]
    alg: &'static str,
    kid: String,
    n: String,
    #[schema(example = "AQAB")]
    e: String,
}

impl From<Vec<relaypacs_clinic::tokens::Jwk>> for Jwks {
    fn from(keys: Vec<relaypacs_clinic::tokens::Jwk>) -> Self {
        let body =
            |key: relaypacs_clinic::tokens::Jwk| JwkBody { kty: key.kty, usage: key.usage, alg: key.alg, kid: key.kid, n: key.n, e: key.e };
        Self { keys: keys.into_iter().map(body).collect() }
    }
}
