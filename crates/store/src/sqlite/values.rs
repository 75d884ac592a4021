//! Values and errors between SQLite and the rest of the store.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};

use crate::StoreError;
use crate::sql::Value;

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            // No statement of SQLite is given a list.
            Self::Null => ValueRef::Null,
            Self::Integer(n) => ValueRef::Integer(*n),
            Self::Real(x) => ValueRef::Real(*x),
            Self::Text(t) => ValueRef::Text(t.as_bytes()),
            Self::Blob(b) => ValueRef::Blob(b),
        }))
    }
}

impl From<Owned> for Value {
    fn from(v: Owned) -> Self {
        match v {
            Owned::Null => Self::Null,
            Owned::Integer(n) => Self::Integer(n),
            Owned::Real(x) => Self::Real(x),
            Owned::Text(t) => Self::Text(t),
            Owned::Blob(b) => Self::Blob(b),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    /// SQLite's messages name tables and columns, never values, except where a value cannot be converted; those
    /// are cut to the column.
    fn from(e: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as C;
        match &e {
            rusqlite::Error::SqliteFailure(f, text) => {
                let text = text.clone().unwrap_or_else(|| f.to_string());
                match f.code {
                    C::DiskFull => Self::Full(text),
                    C::ReadOnly
                    | C::SystemIoFailure
                    | C::CannotOpen
                    | C::PermissionDenied
                    | C::OutOfMemory
                    | C::FileLockingProtocolFailed
                    | C::DatabaseBusy
                    | C::DatabaseLocked => Self::Unavailable(text),
                    C::DatabaseCorrupt | C::NotADatabase => Self::Damaged(text),
                    C::OperationInterrupted => Self::TooMuch {
                        what: "work for one query",
                    },
                    _ => Self::Internal(text),
                }
            }
            rusqlite::Error::FromSqlConversionFailure(column, _, _)
            | rusqlite::Error::InvalidColumnType(column, _, _) => {
                Self::Damaged(format!("column {column} has another type"))
            }
            _ => Self::Internal(e.to_string()),
        }
    }
}
