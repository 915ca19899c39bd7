//! All services of people, joined.

use std::{path::PathBuf, time::Duration};

use relaypacs_buffer::Buffer;
use relaypacs_domain::Clock;

use crate::{
    Accounts, Audit, Sessions, Store, StoreError, Tokens, Totp,
    accounts::{live::Live, password::Hasher},
    keys::{self, KeyFileError, Secrets},
    tokens::TokenOptions,
};

/// What the services are made with.
#[derive(Debug, Clone)]
pub struct ClinicOptions {
    /// The data directory; it exists and is the box's alone.
    pub data_dir: PathBuf,
    /// What this box calls itself in tokens (`iss`).
    pub issuer: String,
    /// What people call it: shown by authenticator apps.
    pub site: String,
    /// Life of an access token.
    pub access_ttl: Duration,
    /// Life of a refresh token.
    pub refresh_ttl: Duration,
    /// Life of an upload token.
    pub upload_ttl: Duration,
    /// Cost of bcrypt: 12; tests take 4.
    pub password_cost: u32,
}

impl Default for ClinicOptions {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("."),
            issuer: "relaypacs".into(),
            site: "RelayPACS".into(),
            access_ttl: Duration::from_mins(15),
            refresh_ttl: Duration::from_hours(7 * 24),
            upload_ttl: Duration::from_hours(24),
            password_cost: 12,
        }
    }
}

/// The services do not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key file.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The password threads.
    #[error("the threads that check passwords cannot start: {0}")]
    Threads(std::io::Error),
}

/// The services. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Clinic {
    /// Who may use the box.
    pub accounts: Accounts,
    /// Who uses it.
    pub sessions: Sessions,
    /// What they prove it with.
    pub tokens: Tokens,
    /// Their second factor.
    pub totp: Totp,
    /// What they did.
    pub audit: Audit,
    /// Encryption at rest for the services' secrets.
    pub secrets: Secrets,
    /// Where all of it is kept.
    pub store: Store,
    pub(crate) data_dir: PathBuf,
}

impl Clinic {
    /// Opens store and keys, making them on first start, and starts the services. Blocking, up to some seconds on first start.
    pub fn open(options: &ClinicOptions, _buffer: Buffer, clock: Clock) -> Result<Self, OpenError> {
        let folder = keys::folder(&options.data_dir)?;
        let secrets = Secrets::open(&folder)?;
        let store = Store::open(&options.data_dir)?;
        let live = Live::read(&store)?;
        let hasher = Hasher::start(options.password_cost).map_err(OpenError::Threads)?;
        let token_options = TokenOptions {
            issuer: options.issuer.clone(),
            access_ttl: options.access_ttl,
            refresh_ttl: options.refresh_ttl,
            upload_ttl: options.upload_ttl,
        };
        let tokens = Tokens::open(&folder, token_options, clock.clone())?;
        let audit = Audit::new(store.clone(), clock.clone());
        let accounts = Accounts::new(store.clone(), clock.clone(), secrets.clone(), live.clone(), hasher);
        let totp = Totp::new(store.clone(), clock.clone(), secrets.clone(), live.clone(), accounts.throttle().clone(), &options.site);
        let sessions = Sessions::new(store.clone(), clock, secrets.clone(), live, accounts.clone(), tokens.clone(), totp.clone());
        Ok(Self { accounts, sessions, tokens, totp, audit, secrets, store, data_dir: options.data_dir.clone() })
    }
}

impl std::fmt::Debug for Clinic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clinic").finish_non_exhaustive()
    }
}
