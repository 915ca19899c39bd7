//! Certificates from an ACME service (RFC 8555) with the HTTP-01 challenge: the service asks port 80 of each name for a token.
//!
//! The account's key is kept in `acme-account.json` (0600). A renewal comes due when a third of the certificate's life is left.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, KeyPair};

use super::{Source, Tls, TlsError, files};

/// Tokens at once: one a name of an order.
const MAX_TOKENS: usize = 100;

/// The ACME service.
#[derive(Debug, Clone)]
pub struct AcmeOptions {
    /// URL of its directory, https.
    pub directory: String,
    /// Host names to ask for; each leads to this box.
    pub names: Vec<String>,
    /// Where the service writes to (`mailto:` is added).
    pub contact: Option<String>,
    /// Certificate (PEM) of the authority to trust for the directory instead of the system's.
    pub ca_file: Option<PathBuf>,
}

/// Why there is no certificate from the service.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    /// No service is configured.
    #[error("no ACME service is configured")]
    Off,
    /// The service, or the way to it, failed.
    #[error("the ACME service: {0}")]
    Service(#[from] instant_acme::Error),
    /// The service could not see the challenge's answer.
    #[error("the ACME service did not accept the order ({0:?}): does each name lead to this box, with port 80 open to the service?")]
    Refused(OrderStatus),
    /// The service does not offer HTTP-01.
    #[error("the ACME service offers no http-01 challenge for {0}")]
    NoChallenge(String),
    /// What came cannot be kept.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The account cannot be kept.
    #[error("the ACME account cannot be read: {0}")]
    Account(#[from] serde_json::Error),
}

/// Answers to open challenges, by token. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Challenges(Arc<RwLock<HashMap<String, String>>>);

impl Challenges {
    /// The answer for a token.
    pub fn answer(&self, token: &str) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    fn open(&self, token: &str, answer: &str) {
        let mut open = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if open.len() < MAX_TOKENS {
            open.insert(token.into(), answer.into());
        }
    }

    fn close(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Tls {
    /// Whether an ACME certificate is due: a service is configured and there is none in force, or a third of its life or less is left.
    pub fn acme_is_due(&self) -> bool {
        let Some(acme) = &self.0.options.acme else { return false };
        let current = self.current();
        match current.source {
            Source::File | Source::Upload => false,
            Source::Box => true,
            Source::Acme => {
                let life = current.not_after.as_millis() - current.not_before.as_millis();
                let left = current.not_after.as_millis() - self.0.clock.now().as_millis();
                left <= life / 3 || !acme.names.iter().all(|name| current.names.contains(name))
            }
        }
    }

    /// Gets a certificate from the ACME service and puts it in force.
    pub async fn renew_by_acme(&self) -> Result<(), AcmeError> {
        let Some(acme) = self.0.options.acme.clone() else { return Err(AcmeError::Off) };
        let account = self.acme_account(&acme).await?;
        let ended = self.order(&account, &acme).await;
        self.0.challenges.close();
        let (chain, key) = ended?;
        let tls = self.clone();
        let kept = tokio::task::spawn_blocking(move || tls.keep(Source::Acme, &chain, &key)).await;
        match kept {
            Ok(kept) => {
                kept?;
                Ok(())
            }
            Err(broken) => Err(TlsError::File { path: self.0.options.dir.clone(), source: std::io::Error::other(broken) }.into()),
        }
    }

    async fn order(&self, account: &Account, acme: &AcmeOptions) -> Result<(String, String), AcmeError> {
        let names: Vec<Identifier> = acme.names.iter().cloned().map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&names)).await?;
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let name = authorization.identifier().to_string();
            let mut challenge = authorization.challenge(ChallengeType::Http01).ok_or(AcmeError::NoChallenge(name))?;
            self.0.challenges.open(&challenge.token, challenge.key_authorization().as_str());
            challenge.set_ready().await?;
        }
        let retries = RetryPolicy::new().timeout(Duration::from_mins(2));
        match order.poll_ready(&retries).await? {
            OrderStatus::Ready => {}
            other => return Err(AcmeError::Refused(other)),
        }
        let key = KeyPair::generate().map_err(TlsError::from)?;
        let params = CertificateParams::new(acme.names.clone()).map_err(TlsError::from)?;
        let request = params.serialize_request(&key).map_err(TlsError::from)?;
        order.finalize_csr(request.der()).await?;
        Ok((order.poll_certificate(&retries).await?, key.serialize_pem()))
    }

    /// The account of an earlier run with the same service, or a new one.
    async fn acme_account(&self, acme: &AcmeOptions) -> Result<Account, AcmeError> {
        let builder = || match &acme.ca_file {
            Some(file) => Account::builder_with_root(file),
            None => Account::builder(),
        };
        let path = self.0.options.dir.join("acme-account.json");
        if let Ok(text) = files::read(&path) {
            let kept: Kept = serde_json::from_str(&text)?;
            if kept.directory == acme.directory {
                return Ok(builder()?.from_credentials(kept.credentials).await?);
            }
        }
        let contact = acme.contact.as_ref().map(|address| format!("mailto:{address}"));
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let wanted = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let (account, credentials) = builder()?.create(&wanted, acme.directory.clone(), None).await?;
        files::write(&path, &serde_json::to_string(&Kept { directory: acme.directory.clone(), credentials })?)?;
        Ok(account)
    }
}

/// The account as kept.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    directory: String,
    credentials: AccountCredentials,
}
