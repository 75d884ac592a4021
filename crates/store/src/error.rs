//! What can go wrong in the store. No variant carries patient data.

use kernel::{ErrorCode, RecordKey};

/// Errors of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A precondition of the batch did not hold; nothing was written.
    #[error("{key} is at version {found:?}, not as expected")]
    Precondition { key: RecordKey, found: Option<u64> },
    /// Another write holds this unique lookup value.
    #[error("already taken: {name}")]
    Duplicate { name: String },
    /// What is to be written is not what it says it is.
    #[error("{0}")]
    Invalid(String),
    /// A bound was met.
    #[error("too much: {what}")]
    TooMuch { what: &'static str },
    /// The search cannot be answered as asked.
    #[error("search: {0}")]
    Search(String),
    /// The cursor is not one of ours or does not belong to this query.
    #[error("the page address is not valid")]
    Cursor,
    /// The disk is full, or the bound on the database is met. Nothing was acknowledged; reading goes on.
    #[error("there is no room to write: {0}")]
    Full(String),
    /// Disk read-only or away, or the writer has stopped. Nothing was acknowledged.
    #[error("the store cannot serve now: {0}")]
    Unavailable(String),
    /// What was read does not verify (blob hash, cipher tag, schema).
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    #[error("store: {0}")]
    Internal(String),
}

/// A database of a later version of Karez: this one would not understand what it holds.
pub(crate) fn newer_schema(applied: i64, known: i64) -> StoreError {
    StoreError::Unavailable(format!(
        "the database was written by a newer Karez (schema {applied}); this one knows schema {known}. \
         Start the newer version, or restore a backup from before the upgrade"
    ))
}

impl StoreError {
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Precondition { .. } => ErrorCode::PreconditionFailed,
            Self::Duplicate { .. } => ErrorCode::Conflict,
            Self::TooMuch { .. } => ErrorCode::TooMuch,
            Self::Search(_) | Self::Invalid(_) => ErrorCode::Invalid,
            Self::Cursor => ErrorCode::Malformed,
            Self::Unavailable(_) => ErrorCode::Unavailable,
            Self::Full(_) => ErrorCode::Full,
            Self::Damaged(_) | Self::Internal(_) => ErrorCode::Internal,
        }
    }
}
