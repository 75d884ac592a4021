//! Values and errors between PostgreSQL and the rest of the store.

use std::borrow::Cow;
use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Error as Failure, Row};

use crate::StoreError;
use crate::sql::Value;

/// The longest text an index can hold, bytes: entries of a b-tree are bounded at about 2,700.
const INDEXED_BYTES_MAX: usize = 1_000;

/// A text as it is kept in an index and looked for there: without NUL, which PostgreSQL cannot store, and cut where
/// an index ends. What is looked for is cut alike, so that a long value is still found.
pub(crate) fn indexed(text: &str) -> Cow<'_, str> {
    let mut end = text.len().min(INDEXED_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let cut = text.get(..end).unwrap_or_default();
    if cut.contains('\0') {
        Cow::Owned(cut.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(cut)
    }
}

type Boxed = Box<dyn Error + Sync + Send>;

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Boxed> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(n) => n.to_sql(ty, out),
            Self::Real(x) => x.to_sql(ty, out),
            Self::Text(t) => indexed(t).as_ref().to_sql(ty, out),
            Self::Blob(b) => b.as_slice().to_sql(ty, out),
        }
    }
    // Every placeholder is written with the type of its value.
    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::FLOAT8, Type::TEXT, Type::BYTEA].contains(ty)
    }
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Boxed> {
        Ok(match *ty {
            Type::INT2 => Self::Integer(i16::from_sql(ty, raw)?.into()),
            Type::INT4 => Self::Integer(i32::from_sql(ty, raw)?.into()),
            Type::INT8 => Self::Integer(i64::from_sql(ty, raw)?),
            Type::FLOAT8 => Self::Real(f64::from_sql(ty, raw)?),
            Type::BYTEA => Self::Blob(Vec::from_sql(ty, raw)?),
            _ => Self::Text(String::from_sql(ty, raw)?),
        })
    }
    fn from_sql_null(_: &Type) -> Result<Self, Boxed> {
        Ok(Self::Null)
    }
    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A whole number of any width.
pub(crate) fn int(r: &Row, i: usize) -> Result<i64, StoreError> {
    match r.try_get::<_, Value>(i)? {
        Value::Integer(n) => Ok(n),
        _ => Err(StoreError::Damaged(format!("column {i} has another type"))),
    }
}

pub(crate) fn text(r: &Row, i: usize) -> Result<&str, StoreError> {
    Ok(r.try_get(i)?)
}

pub(crate) fn maybe_text(r: &Row, i: usize) -> Result<Option<String>, StoreError> {
    Ok(r.try_get(i)?)
}

pub(crate) fn bytes(r: &Row, i: usize) -> Result<&[u8], StoreError> {
    Ok(r.try_get(i)?)
}

/// What a failure means for whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The server or the way to it is at fault; it may be back soon.
    Lost,
    /// Another transaction was in the way: the same again may go through.
    Again,
    /// Anything else.
    Other,
}

pub(crate) fn meaning(e: &Failure) -> Meaning {
    let Some(state) = e.code() else {
        // No answer of the server's: the connection is at fault, unless a value could not be read.
        return if e.is_closed() || is_io(e) {
            Meaning::Lost
        } else {
            Meaning::Other
        };
    };
    match state {
        &SqlState::T_R_SERIALIZATION_FAILURE
        | &SqlState::T_R_DEADLOCK_DETECTED
        | &SqlState::LOCK_NOT_AVAILABLE => Meaning::Again,
        // Read-only: a standby, or a primary that was stood down.
        &SqlState::READ_ONLY_SQL_TRANSACTION => Meaning::Lost,
        // Its own work is in the way of nobody: this is a bound, not a fault.
        &SqlState::QUERY_CANCELED => Meaning::Other,
        // Classes: connection, authorization at connecting, resources, operator intervention, system.
        s if ["08", "28", "53", "57", "58"].contains(&s.code().get(..2).unwrap_or_default()) => {
            Meaning::Lost
        }
        _ => Meaning::Other,
    }
}

fn is_io(e: &Failure) -> bool {
    let mut source = e.source();
    while let Some(s) = source {
        if s.is::<std::io::Error>() {
            return true;
        }
        source = s.source();
    }
    false
}

impl From<Failure> for StoreError {
    /// The server's own words may quote values, so that only the state and the names it gives go on.
    fn from(e: Failure) -> Self {
        let said = match e.as_db_error() {
            Some(d) => {
                let at = d.constraint().or(d.table()).unwrap_or_default();
                format!("PostgreSQL {} {at}", d.code().code())
                    .trim_end()
                    .to_owned()
            }
            // A fault of the line holds no values, and its cause is what mends it: a refused certificate, a closed port.
            None => match e.source().filter(|_| is_io(&e)) {
                Some(cause) => format!("PostgreSQL: {e}: {cause}"),
                None => format!("PostgreSQL: {e}"),
            },
        };
        match (meaning(&e), e.code()) {
            (Meaning::Lost | Meaning::Again, _) => Self::Unavailable(said),
            (_, Some(&SqlState::QUERY_CANCELED)) => Self::TooMuch {
                what: "work for one query",
            },
            (_, Some(&SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED)) => {
                Self::Damaged(said)
            }
            _ => Self::Internal(said),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_holds_no_nul() {
        assert_eq!(indexed("abc"), "abc");
        assert_eq!(indexed("a\0c"), "a\u{fffd}c");
        let long = "库".repeat(400);
        assert_eq!(indexed(&long).len(), 999);
    }
}
