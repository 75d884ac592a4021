//! The search index of one record: one row per value, in the table of its type.

use fhir::index::{IndexEntry, IndexValue, RefTarget};
use fhir::search::params::ParamId;
use rusqlite::params;

use super::session::Session;
use crate::StoreError;
use crate::sql::index::TABLES;
use crate::sql::signed;

/// Writes the entries of a record that has none.
pub(crate) fn put(
    s: &mut Session,
    record: i64,
    hospital: i64,
    kind: i64,
    entries: &[IndexEntry],
) -> Result<(), StoreError> {
    for (seq, e) in entries.iter().enumerate() {
        let place = Place {
            record,
            param: s.param(e.param)?,
            seq: signed(seq as u64),
            hospital,
            kind,
            group: e.group,
            part: e.part,
        };
        put_one(s, &place, &e.value)?;
    }
    Ok(())
}

struct Place {
    record: i64,
    param: i64,
    seq: i64,
    hospital: i64,
    kind: i64,
    group: u16,
    part: u8,
}

macro_rules! insert {
    ($s:expr, $p:expr, $table:literal, $columns:literal, $marks:literal, $($value:expr),+) => {{
        $s.conn
            .prepare_cached(concat!(
                "INSERT INTO ", $table, " (record, param, seq, hospital, kind, grp, part, ", $columns,
                ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ", $marks, ")"
            ))?
            .execute(params![
                $p.record, $p.param, $p.seq, $p.hospital, $p.kind, $p.group, $p.part, $($value),+
            ])?;
    }};
}

fn put_one(s: &Session, p: &Place, value: &IndexValue) -> Result<(), StoreError> {
    match value {
        IndexValue::Token { system, code, text } => {
            insert!(
                s,
                p,
                "index_token",
                "system, code, text",
                "?8, ?9, ?10",
                system,
                code,
                text
            );
        }
        IndexValue::Str { folded, exact } => {
            insert!(
                s,
                p,
                "index_string",
                "folded, exact",
                "?8, ?9",
                folded,
                exact
            );
        }
        IndexValue::Date { low_us, high_us } => {
            insert!(s, p, "index_date", "low, high", "?8, ?9", low_us, high_us);
        }
        IndexValue::Number { low, high } => {
            insert!(s, p, "index_number", "low, high", "?8, ?9", low, high);
        }
        IndexValue::Quantity {
            low,
            high,
            system,
            code,
            unit,
        } => {
            insert!(
                s,
                p,
                "index_quantity",
                "low, high, system, code, unit",
                "?8, ?9, ?10, ?11, ?12",
                low,
                high,
                system,
                code,
                unit
            );
        }
        IndexValue::Reference(target) => {
            let (base, kind, id) = match target {
                RefTarget::Local { kind, id } => (None, Some(*kind), id),
                RefTarget::Remote { base, kind, id } => (Some(base), Some(*kind), id),
                RefTarget::Url(url) => (None, None, url),
            };
            insert!(
                s,
                p,
                "index_reference",
                "identifier, base, target_kind, target",
                "?8, ?9, ?10, ?11",
                false,
                base,
                kind,
                id
            );
        }
        IndexValue::RefIdentifier { system, value } => {
            insert!(
                s,
                p,
                "index_reference",
                "identifier, base, target_kind, target",
                "?8, ?9, ?10, ?11",
                true,
                system,
                None::<&str>,
                value
            );
        }
        IndexValue::Uri(uri) => insert!(s, p, "index_uri", "uri", "?8", uri),
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
        self.params.insert(id.number(), n);
        Ok(n)
    }
}
