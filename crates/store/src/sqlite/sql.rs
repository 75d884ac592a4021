//! Building statements: text with numbered parameters, so that no value is ever spliced into SQL.

use jiff::Timestamp;
use rusqlite::types::Value;

use crate::StoreError;

/// Values bound so far, in order.
#[derive(Debug, Default)]
pub(crate) struct Binds(pub Vec<Value>);

impl Binds {
    /// Binds a value and gives the text that stands for it (`?7`).
    pub fn bind(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("?{}", self.0.len())
    }
    /// The number of a hospital by its name: NULL, which equals nothing, when there is none.
    pub fn hospital(&mut self, name: &str) -> String {
        let name = self.bind(name.to_owned());
        format!("(SELECT num FROM hospital WHERE name = {name})")
    }
    pub fn kind(&mut self, name: &str) -> String {
        let name = self.bind(name.to_owned());
        format!("(SELECT num FROM kind WHERE name = {name})")
    }
}

/// Instants are stored as microseconds since 1970 in UTC.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(crate) fn instant(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A version, position or size as SQLite's signed number.
pub(crate) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
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
                    C::DiskFull
                    | C::ReadOnly
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
