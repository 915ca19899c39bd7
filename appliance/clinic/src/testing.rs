//! A clinic for the tests of its services: real store, real keys, a real buffer, and a clock that is moved by hand.

use std::{path::Path, sync::Arc, time::Duration};

use relaypacs_buffer::{Buffer, Options};
use relaypacs_domain::{Clock, ManualClock, Principal, Role, Timestamp};
use tempfile::TempDir;

use crate::{
    Clinic, ClinicOptions, OpenError,
    accounts::{Grant, NewAccount, Origin},
    sessions::{Credentials, SignInError, SignedIn},
};

/// A password that keeps the rules.
pub(crate) const PASSWORD: &str = "Correct-Horse-7";

/// The clinic and what it stands on.
pub(crate) struct Box {
    pub(crate) clinic: Clinic,
    pub(crate) hand: Arc<ManualClock>,
    pub(crate) dir: TempDir,
    buffer: Buffer,
}

impl Box {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hand = Arc::new(ManualClock::default());
        hand.set_wall(Timestamp::from_millis(1_795_400_010_000));
        let options = Options {
            dir: dir.path().to_owned(),
            max_bytes: Some(16 << 20),
            reserve_bytes: Some(1 << 20),
            segment_bytes: 1 << 20,
            retention: Duration::from_hours(1),
            history: Duration::from_hours(1),
        };
        let clock = Clock::manual(hand.clone());
        let opened = tokio::task::spawn_blocking(move || Buffer::open(options, clock)).await.unwrap();
        let buffer = opened.unwrap().0;
        let clinic = open(&dir, &buffer, &hand).await;
        Self { clinic, hand, dir, buffer }
    }

    /// The clinic as it is after a restart of the daemon.
    pub(crate) async fn restarted(self) -> Self {
        let Self { clinic, hand, dir, buffer } = self;
        drop(clinic);
        let clinic = open(&dir, &buffer, &hand).await;
        Self { clinic, hand, dir, buffer }
    }

    /// The clinic of a new box over files that `place` puts into its data directory.
    pub(crate) async fn over(place: impl FnOnce(&Path)) -> Self {
        let Self { clinic, hand, dir, buffer } = Self::new().await;
        drop(clinic);
        drop(open(&dir, &buffer, &hand).await); // the file of before is closed
        std::fs::remove_file(dir.path().join(crate::FILE)).unwrap();
        std::fs::remove_dir_all(dir.path().join(crate::keys::FOLDER)).unwrap();
        place(dir.path());
        let clinic = open(&dir, &buffer, &hand).await;
        Self { clinic, hand, dir, buffer }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Clock::manual(self.hand.clone()).now()
    }

    /// What `username` says of a new account.
    pub(crate) fn new_account(username: &str) -> NewAccount {
        NewAccount {
            username: username.into(),
            email: format!("{username}@clinic.example"),
            full_name: Some("Ada Lovelace".into()),
            password: PASSWORD.into(),
            role: None,
        }
    }

    /// An account of this role, signed in.
    pub(crate) async fn somebody(&self, username: &str, role: Role) -> Principal {
        let grant = Grant::Admin(operator());
        let new = NewAccount { role: Some(role), ..Self::new_account(username) };
        let account = self.clinic.accounts.register(new, grant, &Origin::default()).await.unwrap();
        self.clinic.sessions.begin_new(account.id, &Origin::default()).await.unwrap().principal
    }

    pub(crate) async fn sign_in(&self, username: &str, password: &str, code: Option<&str>) -> Result<SignedIn, SignInError> {
        let with = Credentials { username: username.into(), password: password.into(), totp_code: code.map(str::to_owned) };
        self.clinic.sessions.sign_in(&with, &Origin::default()).await
    }
}

/// Who asks over the admin socket.
pub(crate) fn operator() -> Principal {
    Principal {
        user: relaypacs_domain::UserId(uuid::Uuid::nil()),
        username: "operator".into(),
        role: Role::Admin,
        session: relaypacs_domain::SessionId(uuid::Uuid::nil()),
    }
}

async fn open(dir: &TempDir, buffer: &Buffer, hand: &Arc<ManualClock>) -> Clinic {
    let options =
        ClinicOptions { data_dir: dir.path().to_owned(), site: "RelayPACS test".into(), password_cost: 4, ..ClinicOptions::default() };
    let (buffer, clock) = (buffer.clone(), Clock::manual(hand.clone()));
    let opened = move || {
        // An earlier one closes its file on its own threads.
        for _ in 0..1_000_000 {
            match Clinic::open(&options, buffer.clone(), clock.clone()) {
                Err(error @ (OpenError::Store(_) | OpenError::Schema(_))) if error.to_string().contains("already open") => {
                    std::thread::yield_now();
                }
                opened => return opened.unwrap(),
            }
        }
        panic!("somebody keeps the store open");
    };
    tokio::task::spawn_blocking(opened).await.unwrap()
}
