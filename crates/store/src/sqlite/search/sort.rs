//! The order of a search, and where a page goes on: by the values of the last match, so that a page is right
//! whatever was written in between.

use fhir::search::query::{Sort, SortKey};
use rusqlite::types::Value;

use super::cursor::Place;
use super::value;
use crate::StoreError;
use crate::sqlite::sql::Binds;

/// `SELECT record, keys… FROM … WHERE … ORDER BY …`. Records without a value come last; ties are broken by the
/// record's number, in the direction of the first key, so that the order is whole.
pub(super) fn ordered(
    sort: &[Sort],
    from: &str,
    which: &str,
    after: Option<&Place>,
    binds: &mut Binds,
) -> Result<String, StoreError> {
    let descending = sort.first().is_some_and(|s| s.descending);
    if let Some(p) = after
        && p.keys.len() != sort.len()
    {
        return Err(StoreError::Cursor);
    }
    let (op, dir) = if descending {
        ("<", "DESC")
    } else {
        (">", "ASC")
    };
    match sort {
        [] => {
            let on = after.map_or_else(String::new, |p| {
                format!(" AND r.record > {}", binds.bind(p.record))
            });
            Ok(format!(
                "SELECT r.record FROM {from} WHERE {which}{on} ORDER BY r.record"
            ))
        }
        // Never missing and in an index: read off in order.
        [
            Sort {
                by: SortKey::LastUpdated,
                ..
            },
        ] => {
            let on = after.map_or_else(String::new, |p| {
                let at = p.keys.first().cloned().unwrap_or(Value::Null);
                let (at, record) = (binds.bind(at), binds.bind(p.record));
                format!(" AND (r.at, r.record) {op} ({at}, {record})")
            });
            Ok(format!(
                "SELECT r.record, r.at FROM {from} WHERE {which}{on} ORDER BY r.at {dir}, r.record {dir}"
            ))
        }
        _ => {
            let mut keys = Vec::new();
            let mut order = Vec::new();
            for (n, s) in sort.iter().enumerate() {
                keys.push(format!("{} AS s{n}", key(s, binds)?));
                let dir = if s.descending { "DESC" } else { "ASC" };
                order.push(format!("s{n} IS NULL, s{n} {dir}"));
            }
            let on = after.map_or_else(String::new, |p| {
                format!(" WHERE {}", beyond(sort, p, descending, binds))
            });
            Ok(format!(
                "SELECT * FROM (SELECT r.record AS record, {} FROM {from} WHERE {which}){on} ORDER BY {}, record {dir}",
                keys.join(", "),
                order.join(", ")
            ))
        }
    }
}

fn key(s: &Sort, binds: &mut Binds) -> Result<String, StoreError> {
    Ok(match s.by {
        SortKey::Id => "r.id".to_owned(),
        SortKey::LastUpdated => "r.at".to_owned(),
        SortKey::Param { param, kind } => {
            let Some((table, column)) = value::sort_column(kind) else {
                return Err(StoreError::Search(format!(
                    "_sort: {} has no order",
                    param.code()
                )));
            };
            let end = if s.descending { "max" } else { "min" };
            format!(
                "(SELECT {end}(i.{column}) FROM {table} i WHERE i.record = r.record AND i.param = {})",
                value::param(param, binds)
            )
        }
    })
}

/// What comes after a place: a later first key, or the same and a later second one, and so on to the record.
fn beyond(sort: &[Sort], place: &Place, descending: bool, binds: &mut Binds) -> String {
    let mut any = Vec::new();
    let mut equal = String::new();
    for (n, (s, v)) in sort.iter().zip(&place.keys).enumerate() {
        if *v == Value::Null {
            // Nothing comes after a missing value in this key.
            equal.push_str(&format!("s{n} IS NULL AND "));
            continue;
        }
        let v = binds.bind(v.clone());
        let op = if s.descending { "<" } else { ">" };
        any.push(format!("({equal}(s{n} IS NULL OR s{n} {op} {v}))"));
        equal.push_str(&format!("s{n} = {v} AND "));
    }
    let op = if descending { "<" } else { ">" };
    any.push(format!("({equal}record {op} {})", binds.bind(place.record)));
    format!("({})", any.join(" OR "))
}
