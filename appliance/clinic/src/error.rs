//! Why a service could not do what it was asked, as far as all services have it in common.

/// A fault of the store. What a service refuses has its own error type that wraps this one.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The store failed; it is opened anew.
    #[error("the clinic's store failed: {0}")]
    Failed(String),
    /// A row does not decode; names its table, never its content.
    #[error("a row of {table} cannot be read: {error}")]
    Row {
        /// Its table.
        table: &'static str,
        /// What is wrong.
        error: String,
    },
    /// The box is shutting down.
    #[error("the box is shutting down")]
    Closing,
}

impl StoreError {
    /// Any error of redb.
    pub(crate) fn failed(error: impl Into<redb::Error>) -> Self {
        Self::Failed(error.into().to_string())
    }
}
