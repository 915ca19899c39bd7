//! Who people are and what each role may do.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What somebody is to the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Uploads studies and reads the reports on them.
    Clinician,
    /// Uploads studies and watches over everything the modalities send.
    Radiographer,
    /// Reads studies and writes reports.
    Radiologist,
    /// Runs the box.
    Admin,
}

/// A text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a role is clinician, radiographer, radiologist or admin, not {0:?}")]
pub struct UnknownRole(String);

/// What can be asked of the box. Whether the *object* of a question is the asker's own is told apart where the object is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Ask anything that every signed-in person may: one's own account, system state, totals, notifications.
    UseTheBox,
    /// Begin an upload.
    Upload,
    /// See uploads, and reports of uploads, of other people.
    SeeAllUploads,
    /// See every study in the buffer, its ledger and its pictures (clinicians: those of their own uploads).
    SeeAllStudies,
    /// See the reports of studies that came by C-STORE.
    SeeModalityReports,
    /// Retry or prioritise a study, test a destination.
    SteerForwarding,
    /// Write reports.
    WriteReports,
    /// Users, invites, destinations, modalities, audit, certificate, statistics export.
    Administer,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::Clinician, Self::Radiographer, Self::Radiologist, Self::Admin];

    /// The name used in the API, tokens and the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clinician => "clinician",
            Self::Radiographer => "radiographer",
            Self::Radiologist => "radiologist",
            Self::Admin => "admin",
        }
    }

    /// Whether this role may do something at all (the role matrix of the product, in one place).
    pub const fn may(self, action: Action) -> bool {
        match action {
            Action::UseTheBox => true,
            Action::Upload => matches!(self, Self::Clinician | Self::Radiographer | Self::Admin),
            Action::SeeAllUploads | Action::WriteReports => matches!(self, Self::Radiologist | Self::Admin),
            Action::SeeAllStudies | Action::SeeModalityReports => matches!(self, Self::Radiographer | Self::Radiologist | Self::Admin),
            Action::SteerForwarding => matches!(self, Self::Radiographer | Self::Admin),
            Action::Administer => matches!(self, Self::Admin),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| UnknownRole(text.chars().take(32).collect()))
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    };
}

id!(
    /// Names an account for good (its username may be given to nobody else either).
    UserId
);
id!(
    /// Names a session: one sign-in on one device.
    SessionId
);
id!(
    /// Names an upload.
    UploadId
);
id!(
    /// Names a report.
    ReportId
);
id!(
    /// Names a notification.
    NotificationId
);

/// Who is asking: an account, through one of its sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The account.
    pub user: UserId,
    /// Its name.
    pub username: String,
    /// What it may do.
    pub role: Role,
    /// The session it asks through.
    pub session: SessionId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_roles_are_each_other_s_inverse() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!("Admin".parse::<Role>().is_err());
    }

    #[test]
    fn only_admins_may_everything() {
        let all = [
            Action::UseTheBox,
            Action::Upload,
            Action::SeeAllUploads,
            Action::SeeAllStudies,
            Action::SeeModalityReports,
            Action::SteerForwarding,
            Action::WriteReports,
            Action::Administer,
        ];
        for role in Role::ALL {
            assert_eq!(all.iter().all(|action| role.may(*action)), role == Role::Admin, "{role}");
        }
    }
}
