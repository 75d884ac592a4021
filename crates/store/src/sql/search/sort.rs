//! The order of a search, and where a page goes on: by the values of the last match, so that a page is right
//! whatever was written in between.

use fhir::search::query::{Sort, SortKey};

use super::clause::Scope;
use super::cursor::Place;
use super::value;
use crate::StoreError;
use crate::sql::{Binds, Value};

/// `number` is the column that holds the record's number in the order it comes.
/// `SELECT record, keys… FROM … WHERE … ORDER BY …`. Records without a value come last; ties are broken by the
/// record's number, in the direction of the first key, so that the order is whole.
pub(super) fn ordered(
    sort: &[Sort],
    kind: &str,
    number: &str,
    from: &str,
    which: &str,
    after: Option<&Place>,
    binds: &mut Binds,
) -> Result<String, StoreError> {
    let descending = sort.first().is_some_and(|s| s.descending);
    let (op, dir) = if descending {
        ("<", "DESC")
    } else {
        (">", "ASC")
    };
    let beside = binds.dialect.beside();
    match sort {
        [] => {
            let on = after.map_or_else(String::new, |p| {
                format!(" AND {number} > {}", binds.bind(p.record))
            });
            Ok(format!(
                "SELECT {number}{beside} FROM {from} WHERE {which}{on} ORDER BY {number}"
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
                "SELECT r.record, r.at{beside} FROM {from} WHERE {which}{on} ORDER BY r.at {dir}, r.record {dir}"
            ))
        }
        _ => {
            let mut keys = Vec::new();
            let mut order = Vec::new();
            for (n, s) in sort.iter().enumerate() {
                keys.push(format!("{} AS s{n}", key(s, kind, "r.record", binds)?));
                order.push(direction(n, s));
            }
            let on = after.map_or_else(String::new, |p| {
                format!(" WHERE {}", beyond(sort, p, descending, binds))
            });
            Ok(format!(
                "SELECT * FROM (SELECT r.record AS record, {}{beside} FROM {from} WHERE {which}) AS found{on} ORDER BY {}, record {dir}",
                keys.join(", "),
                order.join(", ")
            ))
        }
    }
}

/// Not `s0 IS NULL, s0`, for which the value would be looked up twice.
fn direction(n: usize, s: &Sort) -> String {
    let dir = if s.descending { "DESC" } else { "ASC" };
    format!("s{n} {dir} NULLS LAST")
}

/// As [`ordered`], by values of the index alone: the records that `records` gives are sorted first, and then looked at one
/// after the other until a page is full. For a condition that gives few, of which most may be read.
pub(super) fn sorted_first(
    sort: &[Sort],
    kind: &str,
    records: &str,
    which: &str,
    after: Option<&Place>,
    binds: &mut Binds,
) -> Result<String, StoreError> {
    let descending = sort.first().is_some_and(|s| s.descending);
    let mut keys = Vec::new();
    let mut order = Vec::new();
    for (n, s) in sort.iter().enumerate() {
        keys.push(format!("{} AS s{n}", key(s, kind, "f.record", binds)?));
        order.push(direction(n, s));
    }
    order.push(format!(
        "record {}",
        if descending { "DESC" } else { "ASC" }
    ));
    let on = after.map_or_else(String::new, |p| {
        format!(" WHERE {}", beyond(sort, p, descending, binds))
    });
    let beside = binds.dialect.beside();
    let inner = order.join(", ");
    let outer: Vec<String> = order.iter().map(|o| format!("c.{o}")).collect();
    Ok(format!(
        "SELECT c.*{beside} FROM (SELECT * FROM (SELECT f.record AS record, {} FROM (SELECT DISTINCT record FROM ({records}) AS found) f) \
         AS k{on} ORDER BY {inner}) c {} record r ON r.record = c.record WHERE {which} ORDER BY {}",
        keys.join(", "),
        binds.dialect.join(),
        outer.join(", ")
    ))
}

/// The value that the record of a number is sorted by.
fn key(s: &Sort, kind_name: &str, record: &str, binds: &mut Binds) -> Result<String, StoreError> {
    Ok(match s.by {
        SortKey::Id => "r.id".to_owned(),
        SortKey::LastUpdated => "r.at".to_owned(),
        SortKey::Param { param, kind } => {
            let Some(value::Column { table, column, .. }) = value::sort_column(kind) else {
                return Err(StoreError::Search(format!(
                    "_sort: {} has no order",
                    param.code()
                )));
            };
            let end = if s.descending { "max" } else { "min" };
            format!(
                "(SELECT {end}(i.{column}) FROM {table} i WHERE i.record = {record} AND i.param {})",
                value::params(param, kind_name, binds)
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

/// The values that records are read off by.
pub(super) struct Values {
    pub column: value::Column,
    /// The bound id of the patient they all are about, where the rows name one.
    pub patient: Option<String>,
    /// The number of the parameter.
    pub param: String,
}

/// The records that have a value, read off the index of the values: (value, record) in order.
pub(super) fn with_value(
    of: &Values,
    scope: &Scope<'_>,
    which: &str,
    descending: bool,
    after: Option<(&Value, i64)>,
    binds: &mut Binds,
) -> String {
    let value::Column {
        table,
        column,
        index,
    } = of.column;
    let param = &of.param;
    let (op, dir, end) = if descending {
        ("<", "DESC", "max")
    } else {
        (">", "ASC", "min")
    };
    let on = after.map_or_else(String::new, |(v, record)| {
        let (v, record) = (binds.bind(v.clone()), binds.bind(record));
        format!(" AND (o.{column}, o.record) {op} ({v}, {record})")
    });
    let (index, patient) = match &of.patient {
        None => (index, String::new()),
        Some(id) => ("index_date_patient", format!(" AND o.patient = {id}")),
    };
    let (join, indexed) = (binds.dialect.join(), binds.dialect.indexed_by(index));
    let beside = binds.dialect.beside();
    // A record with several values stands where its first one does.
    format!(
        "SELECT o.record, o.{column}{beside} FROM {table} o{indexed} {join} record r ON r.record = o.record \
         WHERE o.hospital = {} AND o.kind = {}{patient} AND o.param = {param} AND o.{column} = \
         (SELECT {end}(i.{column}) FROM {table} i WHERE i.record = o.record AND i.param = {param}) AND {which}{on} \
         ORDER BY o.{column} {dir}, o.record {dir}",
        scope.hospital, scope.kind,
    )
}

/// The records that have none, after those that have.
pub(super) fn without_value(
    c: value::Column,
    param: &str,
    from: &str,
    which: &str,
    descending: bool,
    after: Option<i64>,
    binds: &mut Binds,
) -> String {
    let table = c.table;
    let (op, dir) = if descending {
        ("<", "DESC")
    } else {
        (">", "ASC")
    };
    let on = after.map_or_else(String::new, |record| {
        format!(" AND r.record {op} {}", binds.bind(record))
    });
    let beside = binds.dialect.beside();
    format!(
        "SELECT r.record, NULL{beside} FROM {from} WHERE {which} AND NOT EXISTS \
         (SELECT 1 FROM {table} i WHERE i.record = r.record AND i.param = {param}){on} ORDER BY r.record {dir}"
    )
}
