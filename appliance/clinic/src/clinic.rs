//! All services of people, joined.

use std::{path::PathBuf, sync::Arc, time::Duration};

use relaypacs_buffer::Buffer;
use relaypacs_domain::{Clock, Role};

use crate::{
    Accounts, Audit, Schedule, Sessions, Settings, Store, StoreError, Tokens, Totp,
    accounts::{live::Live as LivePeople, password::Hasher},
    events::{self, Events},
    keys::{self, KeyFileError, Secrets},
    live::Live,
    migrate::{self, MigrateError},
    notifications::{ChannelError, ChannelOptions, Channels, FindRecipient, Notifications, Recipient, VapidKey},
    reports::{self, Reports, pdf::Letterhead},
    statistics::{Statistics, zone_of},
    tokens::TokenOptions,
    uploads::{Neighbours, UploadOptions, Uploads},
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
    /// The site's time zone (IANA name; empty: the machine's): days of statistics, times of jobs, printed times.
    pub time_zone: String,
    /// What is on every printed report.
    pub letterhead: Letterhead,
    /// Limits and choices of uploads.
    pub uploads: UploadOptions,
    /// By which ways notifications leave the box.
    pub channels: ChannelOptions,
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
            time_zone: String::new(),
            letterhead: Letterhead::default(),
            uploads: UploadOptions::default(),
            channels: ChannelOptions::default(),
        }
    }
}

/// The services do not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its schema.
    #[error(transparent)]
    Schema(#[from] MigrateError),
    /// A key file.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A way out for notifications.
    #[error(transparent)]
    Channel(#[from] ChannelError),
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
    /// What they upload.
    pub uploads: Uploads,
    /// What radiologists say of it.
    pub reports: Reports,
    /// What they are told, for keeps.
    pub notifications: Notifications,
    /// What becomes of what happens in the buffer.
    pub events: Events,
    /// What they are told, at once.
    pub live: Live,
    /// How much of everything there was.
    pub statistics: Statistics,
    /// What runs by the clock.
    pub schedule: Schedule,
    /// Destinations and modalities that admins added.
    pub settings: Settings,
    /// Encryption at rest for the services' secrets.
    pub secrets: Secrets,
    /// Where all of it is kept.
    pub store: Store,
    pub(crate) data_dir: PathBuf,
}

impl Clinic {
    /// Opens store and keys, making them on first start, and starts the services. Blocking, up to some seconds on first start.
    pub fn open(options: &ClinicOptions, buffer: Buffer, clock: Clock) -> Result<Self, OpenError> {
        let folder = keys::folder(&options.data_dir)?;
        let secrets = Secrets::open(&folder)?;
        migrate::prepare(&options.data_dir)?;
        let store = Store::open(&options.data_dir)?;
        let people = LivePeople::read(&store)?;
        let hasher = Hasher::start(options.password_cost).map_err(OpenError::Threads)?;
        let token_options = TokenOptions {
            issuer: options.issuer.clone(),
            access_ttl: options.access_ttl,
            refresh_ttl: options.refresh_ttl,
            upload_ttl: options.upload_ttl,
        };
        let tokens = Tokens::open(&folder, token_options, clock.clone())?;
        let audit = Audit::new(store.clone(), clock.clone());
        let accounts = Accounts::new(store.clone(), clock.clone(), secrets.clone(), people.clone(), hasher);
        let totp = Totp::new(store.clone(), clock.clone(), secrets.clone(), people.clone(), accounts.throttle().clone(), &options.site);
        let zone = zone_of(&options.time_zone);
        let live = Live::new(clock.clone());
        let vapid = VapidKey::open(&folder)?;
        let notifications = Notifications::open(store.clone(), live.clone(), vapid.clone())?;
        notifications.connect(Channels::new(options.channels.clone(), vapid, clock.clone(), recipients(accounts.clone()))?);
        let sessions = Sessions::new(
            store.clone(),
            clock.clone(),
            secrets.clone(),
            people,
            (accounts.clone(), tokens.clone(), totp.clone()),
            notifications.clone(),
        );
        let everybody = accounts.clone();
        let reports = Reports::open(reports::Parts {
            store: store.clone(),
            buffer: buffer.clone(),
            clock: clock.clone(),
            live: live.clone(),
            notifications: notifications.clone(),
            users_with: Arc::new(move |roles: &[Role]| everybody.users_with(roles)),
            letterhead: options.letterhead.clone(),
            zone: zone.clone(),
        })?;
        let neighbours = Neighbours { live: live.clone(), notifications: notifications.clone(), reports: reports.clone() };
        let upload_options = UploadOptions { letterhead: options.letterhead.clone(), ..options.uploads.clone() };
        let uploads = Uploads::new(store.clone(), buffer.clone(), clock.clone(), upload_options, neighbours);
        let everybody = accounts.clone();
        let events = Events::open(events::Parts {
            store: store.clone(),
            buffer,
            clock: clock.clone(),
            live: live.clone(),
            notifications: notifications.clone(),
            reports: reports.clone(),
            uploads: uploads.clone(),
            users_with: Arc::new(move |roles: &[Role]| everybody.users_with(roles)),
        })?;
        let statistics = Statistics::open(store.clone(), clock.clone(), &options.time_zone)?;
        let schedule = Schedule::new(store.clone(), clock, zone);
        let settings = Settings::new(store.clone(), secrets.clone());
        let data_dir = options.data_dir.clone();
        Ok(Self {
            accounts,
            sessions,
            tokens,
            totp,
            audit,
            uploads,
            reports,
            notifications,
            events,
            live,
            statistics,
            schedule,
            settings,
            secrets,
            store,
            data_dir,
        })
    }
}

/// Looks people up for letters: who cannot sign in gets none.
fn recipients(accounts: Accounts) -> Arc<FindRecipient> {
    Arc::new(move |user| {
        let accounts = accounts.clone();
        Box::pin(async move {
            let account = accounts.find(user).await.ok().filter(|account| account.is_active)?;
            let notify = account.preferences.notify;
            Some(Recipient { email: account.email, wants_push: notify.push, wants_email: notify.email, types: notify.types })
        })
    })
}

impl std::fmt::Debug for Clinic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clinic").finish_non_exhaustive()
    }
}
