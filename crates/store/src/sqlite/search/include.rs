//! `_include` and `_revinclude` (FHIR R4 §3.1.1.5.4), each included resource under the permit, and bounded.

use std::collections::HashSet;

use agreements::Permit;
use fhir::search::Query;
use fhir::search::query::Include;
use kernel::{HospitalId, Kind, RecordKey, ResourceId, limits};
use rusqlite::{Connection, params_from_iter};

use super::value;
use crate::sqlite::read;
use crate::sqlite::sql::Binds;
use crate::{StoreError, Stored};

/// How often `:iterate` goes on from what was included.
const ROUNDS_MAX: usize = 8;

pub(super) fn includes(
    conn: &Connection,
    permit: &Permit,
    hospital: &HospitalId,
    query: &Query,
    matches: &[Stored],
) -> Result<Vec<Stored>, StoreError> {
    let mut seen: HashSet<RecordKey> = matches.iter().map(|m| m.key.clone()).collect();
    let mut out: Vec<Stored> = Vec::new();
    let mut from: Vec<RecordKey> = matches.iter().map(|m| m.key.clone()).collect();
    for round in 0..ROUNDS_MAX {
        let mut keys = Vec::new();
        for i in query.includes.iter().filter(|i| round == 0 || i.iterate) {
            for key in from.iter().filter(|k| k.kind.as_str() == i.source) {
                forward(conn, hospital, key, i, &mut keys)?;
            }
        }
        for i in query.revincludes.iter().filter(|i| round == 0 || i.iterate) {
            let wanted = |k: &&RecordKey| i.target.is_none_or(|t| k.kind.as_str() == t);
            for key in from.iter().filter(wanted) {
                backward(conn, hospital, key, i, &mut keys)?;
            }
        }
        from.clear();
        for key in keys {
            if !seen.insert(key.clone()) {
                continue;
            }
            let Some(found) = read::get(conn, permit, &key, None)?.filter(|s| !s.deleted) else {
                continue;
            };
            if out.len() == limits::INCLUDES_MAX {
                return Err(StoreError::TooMuch {
                    what: "included resources",
                });
            }
            out.push(found);
            from.push(key);
        }
        if from.is_empty() {
            break;
        }
    }
    Ok(out)
}

/// What the record points at.
fn forward(
    conn: &Connection,
    hospital: &HospitalId,
    key: &RecordKey,
    i: &Include,
    keys: &mut Vec<RecordKey>,
) -> Result<(), StoreError> {
    let mut binds = Binds::default();
    let mut text = format!(
        "SELECT i.target_kind, i.target FROM index_reference i WHERE i.record = (SELECT record FROM record \
         WHERE hospital = {} AND kind = {} AND id = {}) AND i.param = {} AND i.identifier = 0 AND i.base IS NULL \
         AND i.target_kind IS NOT NULL",
        binds.hospital(hospital.as_str()),
        binds.kind(key.kind.as_str()),
        binds.bind(key.id.as_str().to_owned()),
        value::param(i.param, &mut binds),
    );
    if let Some(target) = i.target {
        text.push_str(&format!(
            " AND i.target_kind = {}",
            binds.bind(target.to_owned())
        ));
    }
    collect(conn, hospital, &text, binds, keys)
}

/// What points at the record.
fn backward(
    conn: &Connection,
    hospital: &HospitalId,
    key: &RecordKey,
    i: &Include,
    keys: &mut Vec<RecordKey>,
) -> Result<(), StoreError> {
    let mut binds = Binds::default();
    let source = binds.bind(i.source.to_owned());
    let text = format!(
        "SELECT {source}, r.id FROM index_reference i CROSS JOIN record r ON r.record = i.record \
         WHERE i.hospital = {} AND i.kind = {} AND i.param = {} AND i.target = {} AND i.target_kind = {} \
         AND i.base IS NULL AND i.identifier = 0 ORDER BY i.record",
        binds.hospital(hospital.as_str()),
        binds.kind(i.source),
        value::param(i.param, &mut binds),
        binds.bind(key.id.as_str().to_owned()),
        binds.bind(key.kind.as_str().to_owned()),
    );
    collect(conn, hospital, &text, binds, keys)
}

/// Reads (kind, id) rows. References to no valid key lead nowhere and are passed over.
fn collect(
    conn: &Connection,
    hospital: &HospitalId,
    text: &str,
    binds: Binds,
    keys: &mut Vec<RecordKey>,
) -> Result<(), StoreError> {
    let mut st = conn.prepare_cached(text)?;
    let mut rows = st.query(params_from_iter(binds.0))?;
    while let Some(r) = rows.next()? {
        let kind = r.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        let id = r.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        if let (Ok(kind), Ok(id)) = (Kind::new(kind), ResourceId::new(id)) {
            keys.push(RecordKey::new(hospital.clone(), kind, id));
        }
        // Unreadable ones count too: the bound is on work, and must not tell how many may be read.
        if keys.len() > limits::INCLUDES_MAX * 4 {
            return Err(StoreError::TooMuch {
                what: "references to include",
            });
        }
    }
    Ok(())
}
