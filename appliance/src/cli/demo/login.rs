//! Somebody who may look at the demo's page: an admin with a new password at every run.

use relaypacs_clinic::{
    Clinic,
    accounts::{AccountError, Grant, NewAccount, Origin},
};
use relaypacs_domain::{Principal, Role, SessionId, UserId};
use uuid::Uuid;

use crate::cli::Fault;

/// The demo's account.
const USERNAME: &str = "demo";

/// How to sign in.
pub(super) struct Login {
    pub(super) username: &'static str,
    pub(super) password: String,
    /// An access token for the demo's own questions.
    pub(super) token: String,
}

impl Login {
    /// Makes the account, or gives the one of an earlier run another password.
    pub(super) async fn make(clinic: &Clinic) -> Result<Self, Fault> {
        let failed = |error: &dyn std::fmt::Display| Fault::failed(format!("the demo's account cannot be made: {error}"));
        let code = clinic.secrets.code(3).map_err(|error| failed(&error))?;
        let password = format!("{code}-x7");
        let from = Origin::default();
        let user = match clinic.accounts.find_by_name(USERNAME).await {
            Ok(account) => {
                clinic.accounts.reset_password(USERNAME, account.id, &password, &from).await.map_err(|error| failed(&error))?;
                account.id
            }
            Err(AccountError::Unknown) => {
                let new = NewAccount {
                    username: USERNAME.into(),
                    email: "demo@invalid".into(),
                    full_name: Some("Demo".into()),
                    password: password.clone(),
                    role: Some(Role::Admin),
                };
                clinic.accounts.register(new, Grant::Admin(operator()), &from).await.map_err(|error| failed(&error))?.id
            }
            Err(error) => return Err(failed(&error)),
        };
        let token = clinic.sessions.begin_new(user, &from).await.map_err(|error| failed(&error))?.access_token;
        Ok(Self { username: USERNAME, password, token })
    }
}

/// Whoever starts a box may make accounts on it.
fn operator() -> Principal {
    Principal { user: UserId(Uuid::nil()), username: "operator".into(), role: Role::Admin, session: SessionId(Uuid::nil()) }
}
