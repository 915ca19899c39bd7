//! Destinations and modalities that an admin added over the API, kept in `clinic.redb` beside those of the configuration file.
//!
//! What a destination's settings mean is not known here: they are kept as the JSON object that the API took. Its secrets (password, token,
//! keys) are kept apart, encrypted by the box's own key ([`crate::keys::Secrets`]), and handed out only to whoever connects to it. Each change is
//! durable together with its entry in the audit trail.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, net::IpAddr};

use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError};
use relaypacs_domain::{AeTitle, DestinationName, ServiceLevel};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    Store, StoreError,
    audit::{AuditFact, append_in},
    keys::Secrets,
    store::{decode, encode},
};

/// Most destinations and most modalities that are kept.
pub const MOST: usize = 256;

const DESTINATIONS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("settings_destinations");
const MODALITIES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("settings_modalities");

/// A destination as it is kept.
#[derive(Clone, PartialEq)]
pub struct KeptDestination {
    /// Its name.
    pub name: DestinationName,
    /// Its settings: a JSON object without secrets.
    pub settings: Value,
    /// Its secrets by name.
    pub secrets: BTreeMap<String, String>,
}

/// A modality as it is kept; the fields are those of the configuration's `[[modality]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptModality {
    /// Its AE title.
    pub ae_title: AeTitle,
    /// It must send from this address.
    pub address: Option<IpAddr>,
    /// The port on which it answers.
    pub port: Option<u16>,
    /// How urgent its studies are.
    pub service_level: Option<ServiceLevel>,
    /// Its associations at a time.
    pub max_associations: Option<usize>,
    /// For people.
    pub description: Option<String>,
}

/// Why settings were not changed or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The name is taken.
    #[error("{0} is there already")]
    Taken(String),
    /// There is none of this name.
    #[error("there is no {0} among those kept in the box")]
    Unknown(String),
    /// There are as many as can be kept.
    #[error("the box keeps {MOST} at most")]
    TooMany,
    /// The secrets were encrypted with another box's key.
    #[error("the secrets of {0} cannot be decrypted: set them again")]
    Sealed(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether a change may begin something or must find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It must not be there yet.
    New,
    /// It must be there.
    Changed,
}

/// What admins set over the API. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Settings {
    store: Store,
    secrets: Secrets,
}

#[derive(Serialize, Deserialize)]
struct Row {
    settings: String,
    sealed: Vec<u8>,
}

impl Settings {
    pub(crate) fn new(store: Store, secrets: Secrets) -> Self {
        Self { store, secrets }
    }

    /// Every destination, by name. One whose secrets cannot be decrypted is an error of its own. Blocking, briefly.
    pub fn destinations(&self) -> Result<Vec<Result<KeptDestination, SettingsError>>, StoreError> {
        let rows: Vec<(String, Row)> = self.store.read_blocking(|transaction| rows(transaction, DESTINATIONS))?;
        Ok(rows.into_iter().map(|(name, row)| self.opened(&name, &row)).collect())
    }

    /// One destination. Blocking, briefly.
    pub fn destination(&self, name: &DestinationName) -> Result<Option<KeptDestination>, SettingsError> {
        let rows: Vec<(String, Row)> = self.store.read_blocking(|transaction| rows(transaction, DESTINATIONS))?;
        rows.into_iter().find(|(found, _)| found == name.as_str()).map(|(name, row)| self.opened(&name, &row)).transpose()
    }

    /// Keeps a destination, with the audit trail's entry.
    pub async fn put_destination(&self, kept: &KeptDestination, put: Put, fact: AuditFact) -> Result<(), SettingsError> {
        let unreadable = |error: serde_json::Error| StoreError::Failed(error.to_string());
        let secrets = Zeroizing::new(serde_json::to_vec(&kept.secrets).map_err(unreadable)?);
        let sealed = self.secrets.seal(&context(kept.name.as_str()), &secrets).map_err(|error| StoreError::Failed(error.to_string()))?;
        let row = encode("settings_destinations", &Row { settings: kept.settings.to_string(), sealed })?;
        self.put(DESTINATIONS, kept.name.to_string(), row, put, fact).await
    }

    /// Forgets a destination, with the audit trail's entry.
    pub async fn remove_destination(&self, name: &DestinationName, fact: AuditFact) -> Result<(), SettingsError> {
        self.remove(DESTINATIONS, name.to_string(), fact).await
    }

    /// Every modality, by AE title. Blocking, briefly.
    pub fn modalities(&self) -> Result<Vec<KeptModality>, StoreError> {
        let rows = self.store.read_blocking(|transaction| rows::<KeptModality>(transaction, MODALITIES))?;
        Ok(rows.into_iter().map(|(_, kept)| kept).collect())
    }

    /// Keeps a modality, with the audit trail's entry.
    pub async fn put_modality(&self, kept: &KeptModality, put: Put, fact: AuditFact) -> Result<(), SettingsError> {
        let row = encode("settings_modalities", kept)?;
        self.put(MODALITIES, kept.ae_title.to_string(), row, put, fact).await
    }

    /// Forgets a modality, with the audit trail's entry.
    pub async fn remove_modality(&self, ae_title: &AeTitle, fact: AuditFact) -> Result<(), SettingsError> {
        self.remove(MODALITIES, ae_title.to_string(), fact).await
    }

    async fn put(&self, table: Table, name: String, row: Vec<u8>, put: Put, fact: AuditFact) -> Result<(), SettingsError> {
        let change = move |transaction: &redb::WriteTransaction| {
            let mut table = transaction.open_table(table).map_err(StoreError::failed)?;
            let is_there = table.get(name.as_str()).map_err(StoreError::failed)?.is_some();
            match put {
                Put::New if is_there => return Err(SettingsError::Taken(name.clone())),
                Put::New if redb::ReadableTableMetadata::len(&table).map_err(StoreError::failed)? >= MOST as u64 => {
                    return Err(SettingsError::TooMany);
                }
                Put::Changed if !is_there => return Err(SettingsError::Unknown(name.clone())),
                Put::New | Put::Changed => {}
            }
            table.insert(name.as_str(), row.as_slice()).map_err(StoreError::failed)?;
            Ok(append_in(transaction, &fact)?)
        };
        self.store.write(change).await
    }

    async fn remove(&self, table: Table, name: String, fact: AuditFact) -> Result<(), SettingsError> {
        let change = move |transaction: &redb::WriteTransaction| {
            let mut table = transaction.open_table(table).map_err(StoreError::failed)?;
            if table.remove(name.as_str()).map_err(StoreError::failed)?.is_none() {
                return Err(SettingsError::Unknown(name.clone()));
            }
            Ok(append_in(transaction, &fact)?)
        };
        self.store.write(change).await
    }

    fn opened(&self, name: &str, row: &Row) -> Result<KeptDestination, SettingsError> {
        let sealed = || SettingsError::Sealed(name.to_owned());
        let unreadable = |error: String| StoreError::Row { table: "settings_destinations", error };
        let plain = Zeroizing::new(self.secrets.open_sealed(&context(name), &row.sealed).map_err(|_| sealed())?);
        Ok(KeptDestination {
            name: name.parse().map_err(|error: relaypacs_domain::DestinationNameError| unreadable(error.to_string()))?,
            settings: serde_json::from_str(&row.settings).map_err(|error| unreadable(error.to_string()))?,
            secrets: serde_json::from_slice(&plain).map_err(|_| sealed())?,
        })
    }
}

type Table = TableDefinition<'static, &'static str, &'static [u8]>;

/// Secrets open only under the name they were sealed for.
fn context(name: &str) -> String {
    format!("destination {name}")
}

fn rows<T: DeserializeOwned>(transaction: &ReadTransaction, table: Table) -> Result<Vec<(String, T)>, StoreError> {
    let table = match transaction.open_table(table) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::failed(error)),
    };
    let mut found = Vec::new();
    for row in table.iter().map_err(StoreError::failed)?.take(MOST) {
        let (name, bytes) = row.map_err(StoreError::failed)?;
        found.push((name.value().to_owned(), decode("settings", bytes.value())?));
    }
    Ok(found)
}

impl fmt::Debug for KeptDestination {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptDestination").field("name", &self.name).field("settings", &self.settings).finish_non_exhaustive()
    }
}
