//! Rows to be written, gathered column by column, so that any number of them is one statement.

use bytes::{Bytes, BytesMut};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::values::indexed;
use crate::sql::Value;
use crate::sql::index::Part;

/// One column's values. The type is PostgreSQL's.
#[derive(Debug, Clone)]
pub(crate) enum Column {
    Int8(Vec<Option<i64>>),
    Float8(Vec<Option<f64>>),
    Text(Vec<Option<String>>),
    Bytea(Vec<Option<Raw>>),
}

/// Bytes that are bound without being copied first.
#[derive(Debug, Clone)]
pub(crate) struct Raw(Bytes);

impl ToSql for Raw {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        (&*self.0).to_sql(ty, out)
    }
    fn accepts(ty: &Type) -> bool {
        *ty == Type::BYTEA
    }
    to_sql_checked!();
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    Int,
    Real,
    Text,
    Bytes,
}

impl Column {
    const fn new(holds: Holds) -> Self {
        match holds {
            Holds::Int => Self::Int8(Vec::new()),
            Holds::Real => Self::Float8(Vec::new()),
            Holds::Text => Self::Text(Vec::new()),
            Holds::Bytes => Self::Bytea(Vec::new()),
        }
    }
    const fn array(&self) -> &'static str {
        match self {
            Self::Int8(_) => "int8[]",
            Self::Float8(_) => "float8[]",
            Self::Text(_) => "text[]",
            Self::Bytea(_) => "bytea[]",
        }
    }
    fn param(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Int8(v) => v,
            Self::Float8(v) => v,
            Self::Text(v) => v,
            Self::Bytea(v) => v,
        }
    }
    /// A value of another type than the column's counts as missing, which NOT NULL refuses.
    fn push(&mut self, value: Cell) {
        match self {
            Self::Int8(v) => v.push(match value {
                Cell::Int(n) => Some(n),
                _ => None,
            }),
            Self::Float8(v) => v.push(match value {
                Cell::Real(x) => Some(x),
                _ => None,
            }),
            Self::Text(v) => v.push(match value {
                Cell::Text(t) => Some(t),
                _ => None,
            }),
            Self::Bytea(v) => v.push(match value {
                Cell::Bytes(b) => Some(Raw(b)),
                _ => None,
            }),
        }
    }
}

/// One value of a row.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    None,
    Int(i64),
    Real(f64),
    Text(String),
    Bytes(Bytes),
}

impl From<i64> for Cell {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}
impl From<&str> for Cell {
    /// What stands in no index: whole, but for NUL, which PostgreSQL cannot store.
    fn from(t: &str) -> Self {
        Self::Text(t.replace('\0', "\u{fffd}"))
    }
}
impl From<Bytes> for Cell {
    fn from(b: Bytes) -> Self {
        Self::Bytes(b)
    }
}
impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::None, Into::into)
    }
}
impl From<Part<'_>> for Cell {
    fn from(part: Part<'_>) -> Self {
        match part {
            Part::Null => Self::None,
            Part::Integer(n) => Self::Int(n),
            Part::Real(x) => Self::Real(x),
            Part::Text(t) => Self::Text(indexed(t).into_owned()),
        }
    }
}
impl From<Value> for Cell {
    /// Texts of these are in an index.
    fn from(v: Value) -> Self {
        match v {
            Value::Null => Self::None,
            Value::Integer(n) => Self::Int(n),
            Value::Real(x) => Self::Real(x),
            Value::Text(t) => Self::Text(indexed(&t).into_owned()),
            Value::Blob(b) => Self::Bytes(b.into()),
        }
    }
}

/// Rows of one table.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    names: Vec<&'static str>,
    columns: Vec<Column>,
    count: usize,
}

impl Rows {
    pub fn new(columns: &[(&'static str, Holds)]) -> Self {
        Self {
            names: columns.iter().map(|(name, _)| *name).collect(),
            columns: columns
                .iter()
                .map(|(_, holds)| Column::new(*holds))
                .collect(),
            count: 0,
        }
    }

    pub fn push(&mut self, row: impl IntoIterator<Item = Cell>) {
        for (column, value) in self.columns.iter_mut().zip(row) {
            column.push(value);
        }
        self.count += 1;
    }

    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// `unnest(…)` with each column as one parameter.
    pub fn unnest(&self) -> String {
        let arrays: Vec<String> = self
            .columns
            .iter()
            .enumerate()
            .map(|(i, c)| format!("${}::{}", i + 1, c.array()))
            .collect();
        format!("unnest({})", arrays.join(", "))
    }

    /// The whole as one INSERT; `rest` may say what happens on conflict.
    pub fn insert(&self, table: &str, rest: &str) -> String {
        format!(
            "INSERT INTO {table} ({}) SELECT * FROM {} {rest}",
            self.names.join(", "),
            self.unnest()
        )
    }

    pub fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.columns.iter().map(Column::param).collect()
    }
}

/// A statement with what is bound to it.
#[derive(Debug)]
pub(crate) struct Bulk {
    pub text: String,
    pub rows: Rows,
}

impl Bulk {
    /// None when there is nothing to write.
    pub fn insert(table: &str, rows: Rows, rest: &str) -> Option<Self> {
        (!rows.is_empty()).then(|| Self {
            text: rows.insert(table, rest),
            rows,
        })
    }

    /// Puts the rows' other columns into those of a table whose first column is theirs.
    pub fn update(table: &str, rows: Rows) -> Option<Self> {
        let (key, columns) = rows.names.split_first()?;
        if rows.is_empty() {
            return None;
        }
        let set: Vec<String> = columns.iter().map(|n| format!("{n} = k.{n}")).collect();
        Some(Self {
            text: format!(
                "UPDATE {table} t SET {} FROM {} AS k({}) WHERE t.{key} = k.{key}",
                set.join(", "),
                rows.unnest(),
                rows.names.join(", "),
            ),
            rows,
        })
    }

    /// Deletes the rows of a table whose `columns` are those of one of the rows.
    pub fn delete(table: &str, rows: Rows) -> Option<Self> {
        if rows.is_empty() {
            return None;
        }
        let on: Vec<String> = rows
            .names
            .iter()
            .map(|n| format!("t.{n} = k.{n}"))
            .collect();
        Some(Self {
            text: format!(
                "DELETE FROM {table} t USING {} AS k({}) WHERE {}",
                rows.unnest(),
                rows.names.join(", "),
                on.join(" AND ")
            ),
            rows,
        })
    }
}
