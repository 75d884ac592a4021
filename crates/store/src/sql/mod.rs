//! What the back ends say alike: the text of their statements and the values bound to it, written once.
//!
//! A back end brings a [`Dialect`], runs a [`Statement`] on its driver, and reads the rows. How rows are written is
//! the back end's own affair: one row after the other for SQLite, whole groups at once for PostgreSQL.

pub(crate) mod audit;
pub(crate) mod blobs;
pub mod columns;
pub(crate) mod feed;
pub(crate) mod images;
pub(crate) mod index;
pub(crate) mod names;
pub(crate) mod permit;
pub(crate) mod policy;
pub(crate) mod records;
pub(crate) mod search;

use std::sync::Arc;

use jiff::Timestamp;

use self::names::Names;

/// A value that is bound to a statement or read from a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Integer(n)
    }
}
impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Integer(i64::from(b))
    }
}
impl From<f64> for Value {
    fn from(x: f64) -> Self {
        Self::Real(x)
    }
}
impl From<String> for Value {
    fn from(t: String) -> Self {
        Self::Text(t)
    }
}
impl From<&str> for Value {
    fn from(t: &str) -> Self {
        Self::Text(t.to_owned())
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::Null, Into::into)
    }
}

/// Whose SQL is written.
#[derive(Debug, Clone)]
pub(crate) enum Dialect {
    Sqlite,
    /// With the numbers of names that are known already.
    SqliteKnowing(Arc<Names>),
    /// With the numbers of names that are known already.
    Postgres(Arc<Names>),
}

impl Dialect {
    /// No values yet.
    pub fn binds(&self) -> Binds {
        Binds {
            values: Vec::new(),
            dialect: self.clone(),
        }
    }

    /// Joins in the order written: PostgreSQL is told so by `join_collapse_limit`.
    pub const fn join(&self) -> &'static str {
        match self {
            Self::Sqlite | Self::SqliteKnowing(_) => "CROSS JOIN",
            Self::Postgres(_) => "JOIN",
        }
    }

    /// Holds SQLite to one index; PostgreSQL finds it by its statistics.
    pub fn indexed_by(&self, index: &str) -> String {
        match self {
            Self::Sqlite | Self::SqliteKnowing(_) => format!(" INDEXED BY {index}"),
            Self::Postgres(_) => String::new(),
        }
    }

    /// What is asked of `record r` beside a place, so that it need not be looked at again for its content.
    pub const fn beside(&self) -> &'static str {
        match self {
            Self::Sqlite | Self::SqliteKnowing(_) => "",
            Self::Postgres(_) => ", r.id AS id, r.current AS current",
        }
    }

    /// Whether `text` holds `part`.
    pub fn contains(&self, text: &str, part: &str) -> String {
        match self {
            Self::Sqlite | Self::SqliteKnowing(_) => format!("instr({text}, {part}) > 0"),
            Self::Postgres(_) => format!("strpos({text}, {part}) > 0"),
        }
    }

    /// Keeps SQLite from choosing an index for the condition that follows.
    pub const fn no_index(&self) -> &'static str {
        match self {
            Self::Sqlite | Self::SqliteKnowing(_) => "+",
            Self::Postgres(_) => "",
        }
    }
}

/// Values bound so far, in order. No value is ever spliced into the text.
#[derive(Debug)]
pub(crate) struct Binds {
    pub values: Vec<Value>,
    pub dialect: Dialect,
}

impl Binds {
    /// Binds a value and gives the text that stands for it (`?7`, or `$7` with its type).
    pub fn bind(&mut self, value: impl Into<Value>) -> String {
        let value = value.into();
        let n = self.values.len() + 1;
        let text = match &self.dialect {
            Dialect::Sqlite | Dialect::SqliteKnowing(_) => format!("?{n}"),
            Dialect::Postgres(_) => match &value {
                Value::Null => return "NULL".to_owned(),
                Value::Integer(_) => format!("${n}::int8"),
                Value::Real(_) => format!("${n}::float8"),
                Value::Text(_) => format!("${n}::text"),
                Value::Blob(_) => format!("${n}::bytea"),
            },
        };
        self.values.push(value);
        text
    }
    /// The number of a hospital by its name: NULL, which equals nothing, when there is none.
    pub fn hospital(&mut self, name: &str) -> String {
        let known = self.known().and_then(|n| n.hospital(name));
        self.named(known, "hospital", "name", name)
    }
    pub fn kind(&mut self, name: &str) -> String {
        let known = self.known().and_then(|n| n.kind(name));
        self.named(known, "kind", "name", name)
    }
    /// The stored number of a search parameter.
    pub fn param(&mut self, code: &str) -> String {
        let known = self.known().and_then(|n| n.param(code));
        self.named(known, "param", "code", code)
    }

    fn known(&self) -> Option<&Names> {
        match &self.dialect {
            Dialect::Sqlite => None,
            Dialect::SqliteKnowing(names) | Dialect::Postgres(names) => Some(names),
        }
    }

    fn named(&mut self, known: Option<i64>, table: &str, column: &str, name: &str) -> String {
        if let Some(n) = known {
            return self.bind(n);
        }
        let name = self.bind(name.to_owned());
        format!("(SELECT num FROM {table} WHERE {column} = {name})")
    }

    pub fn statement(self, text: impl Into<String>) -> Statement {
        Statement {
            text: text.into(),
            values: self.values,
        }
    }
}

/// A statement ready to be run.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub text: String,
    pub values: Vec<Value>,
}

/// Instants are stored as microseconds since 1970 in UTC.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(crate) fn instant(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A version, position or size as a signed number.
pub(crate) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
