//! What accounts refuse.

use std::time::Duration;

use super::password::{Busy, PasswordFault};
use crate::{StoreError, keys::SecretError};

/// Why an account could not be made, changed or used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccountError {
    /// A field breaks a rule.
    #[error("{rule}")]
    Field {
        /// Which: a path of names, such as `preferences/theme`.
        field: &'static str,
        /// The rule.
        rule: String,
    },
    /// The password breaks a rule.
    #[error(transparent)]
    Password(#[from] PasswordFault),
    /// Somebody has or had the name.
    #[error("the username is taken")]
    NameTaken,
    /// No such account.
    #[error("there is no such account")]
    Unknown,
    /// No such invite.
    #[error("there is no such invite")]
    NoInvite,
    /// The set-up code or invite is wrong, used, or over.
    #[error("the code is wrong, used, or over")]
    Code,
    /// The first admin exists: there are no set-up codes any more.
    #[error("the box has an admin already; accounts come from admins")]
    SetUp,
    /// It would leave nobody to administer the box.
    #[error("this is the last admin who can sign in: make somebody else an admin first")]
    LastAdmin,
    /// The current password is wrong.
    #[error("the current password is wrong")]
    WrongPassword,
    /// Too many failures.
    #[error("too many failed attempts")]
    Locked {
        /// Until the next attempt.
        wait: Duration,
    },
    /// As many accounts or invites as there may be.
    #[error("the box has as many accounts or invites as it can keep")]
    Full,
    /// Too many passwords wait to be hashed.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// A secret cannot be made or read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
