//! The search index of one record: one row per value, in the table of its type.

use std::sync::LazyLock;

use fhir::index::IndexEntry;
use fhir::search::params::ParamId;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ToSql, params_from_iter};

use super::session::Session;
use crate::StoreError;
use crate::sql::index::{self, PLACE, Part, Row, TABLES};

impl ToSql for Part<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(n) => ValueRef::Integer(*n),
            Self::Real(x) => ValueRef::Real(*x),
            Self::Text(t) => ValueRef::Text(t.as_bytes()),
        }))
    }
}

/// What writes a row of each table, in the order of [`TABLES`].
static INSERTS: LazyLock<[String; TABLES.len()]> = LazyLock::new(|| {
    TABLES.map(|table| {
        let columns = [PLACE, table.columns].concat();
        let marks: Vec<String> = (1..=columns.len()).map(|n| format!("?{n}")).collect();
        format!(
            "INSERT INTO {} ({}) VALUES ({})",
            table.name,
            columns.join(", "),
            marks.join(", ")
        )
    })
});

/// Writes the entries of a record that has none.
pub(crate) fn put(
    s: &mut Session,
    record: i64,
    hospital: i64,
    kind: i64,
    entries: &[IndexEntry],
) -> Result<(), StoreError> {
    let patient = index::patient(entries);
    for (seq, e) in entries.iter().enumerate() {
        let param = s.param(e.param)?;
        let place = index::place(record, param, seq, hospital, kind, e);
        let row = Row::of(e, patient);
        let insert = INSERTS.get(row.table).map_or("", String::as_str);
        let values = place.into_iter().map(Part::from).chain(row.parts());
        s.conn
            .prepare_cached(insert)?
            .execute(params_from_iter(values))?;
    }
    Ok(())
}

/// Removes all entries of a record.
pub(crate) fn clear(s: &Session, record: i64) -> Result<(), StoreError> {
    for table in TABLES {
        s.conn
            .prepare_cached(&format!("DELETE FROM {} WHERE record = ?1", table.name))?
            .execute([record])?;
    }
    Ok(())
}

impl Session {
    /// The stored number of a search parameter's code. The table's own numbers may change with the table; these
    /// never do.
    fn param(&mut self, id: ParamId) -> Result<i64, StoreError> {
        if let Some(n) = self.params.get(&id.number()) {
            return Ok(*n);
        }
        let n: i64 = self
            .conn
            .prepare_cached(
                "INSERT INTO param (code) VALUES (?1) ON CONFLICT (code) DO UPDATE SET code = excluded.code RETURNING num",
            )?
            .query_row([id.code()], |r| r.get(0))?;
        self.learn_param(id.number(), id.code(), n);
        Ok(n)
    }
}
