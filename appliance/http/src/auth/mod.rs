//! Signing in and out, and one's own account.
//!
//! - [`sign_in`]: register, login, refresh, logout, the public keys.
//! - [`me`]: who one is, the password, the devices signed in, everything the box holds on oneself.

mod bodies;
mod me;
mod sign_in;

use axum::http::StatusCode;
use relaypacs_clinic::{accounts::AccountError, sessions::SignInError, totp::TotpError};
use utoipa_axum::router::OpenApiRouter;

#[allow(unused_imports, reason = "taken by users")]
pub(crate) use self::bodies::{RoleName, UserResponse};
use crate::{
    app::App,
    problem::{Code, Problem},
};

/// The routes of this resource.
pub(crate) fn routes() -> OpenApiRouter<App> {
    sign_in::routes().merge(me::routes())
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        let told = error.to_string();
        match error {
            AccountError::Field { field, .. } => Self::invalid(format!("/{field}"), told),
            AccountError::Password(_) => Self::invalid("/password", told),
            AccountError::NameTaken => Self::coded(StatusCode::CONFLICT, Code::Taken, told),
            AccountError::Unknown | AccountError::NoInvite => Self::not_found(told),
            AccountError::Code => Self::forbidden(told),
            AccountError::WrongPassword => Self::forbidden(told.clone()).and("/current_password", told),
            AccountError::SetUp | AccountError::LastAdmin | AccountError::Full => Self::conflict(told),
            AccountError::Locked { wait } => {
                let seconds = u32::try_from(wait.as_secs() + 1).unwrap_or(u32::MAX);
                Self::too_many(format!("{told}: try again in {seconds} s; an admin can unlock an account before"), seconds)
            }
            AccountError::Busy(_) => Self::unavailable(told, 2),
            AccountError::Secret(_) => Self::internal(told),
            AccountError::Store(_) => Self::unavailable("the box cannot keep this now", 5).caused_by(told),
        }
    }
}

impl From<relaypacs_clinic::StoreError> for Problem {
    fn from(error: relaypacs_clinic::StoreError) -> Self {
        AccountError::from(error).into()
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Wrong => Self::invalid_credentials(),
            SignInError::CodeNeeded => Self::totp_required(),
            SignInError::Disabled => Self::coded(StatusCode::FORBIDDEN, Code::AccountDisabled, error.to_string()),
            SignInError::Token(_) | SignInError::Ended | SignInError::Reused { .. } => Self::unauthorized(error.to_string()),
            SignInError::Account(error) => error.into(),
        }
    }
}

impl From<TotpError> for Problem {
    fn from(error: TotpError) -> Self {
        match error {
            TotpError::WrongCode => Self::forbidden(error.to_string()),
            TotpError::On | TotpError::Off => Self::conflict(error.to_string()),
            TotpError::Account(error) => error.into(),
        }
    }
}
