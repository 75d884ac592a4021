//! Reading records and documents in SQLite: the statements come from [`crate::sql::records`].

use agreements::Permit;
use bytes::Bytes;
use kernel::{HospitalId, Kind, RecordKey, ResourceId};
use rusqlite::{Connection, Row, params_from_iter};

use crate::sql::records::{self, Documents, History, Version};
use crate::sql::{Dialect, Statement};
use crate::{DocQuery, HistoryPage, StoreError, Stored};

/// One version from a row that has [`records::COLUMNS`] from the given column on.
pub(crate) fn version(r: &Row<'_>, from: usize) -> Result<Version, StoreError> {
    Ok(Version {
        version: r.get(from)?,
        at: r.get(from + 1)?,
        deleted: r.get(from + 2)?,
        class: r.get(from + 3)?,
        patient: r.get(from + 4)?,
        body: Bytes::from(r.get::<_, Vec<u8>>(from + 5)?),
    })
}

/// Every row of a statement whose columns after the version are given to `key`.
fn all(
    conn: &Connection,
    st: Statement,
    key: impl Fn(&Row<'_>) -> Result<RecordKey, StoreError>,
) -> Result<Vec<Stored>, StoreError> {
    let mut prepared = conn.prepare_cached(&st.text)?;
    let mut rows = prepared.query(params_from_iter(st.values))?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        out.push(version(r, 0)?.stored(key(r)?)?);
    }
    Ok(out)
}

fn text<'r>(r: &'r Row<'_>, i: usize) -> Result<&'r str, StoreError> {
    Ok(r.get_ref(i)?.as_str().map_err(rusqlite::Error::from)?)
}

pub(crate) fn get(
    conn: &Connection,
    dialect: &Dialect,
    permit: &Permit,
    key: &RecordKey,
    version: Option<u64>,
) -> Result<Option<Stored>, StoreError> {
    let st = records::get(dialect, permit, key, version);
    Ok(all(conn, st, |_| Ok(key.clone()))?.pop())
}

pub(crate) fn get_many(
    conn: &Connection,
    dialect: &Dialect,
    permit: &Permit,
    keys: &[RecordKey],
) -> Result<Vec<Stored>, StoreError> {
    let mut out = Vec::with_capacity(keys.len());
    for key in keys {
        out.extend(get(conn, dialect, permit, key, None)?);
    }
    Ok(out)
}

pub(crate) fn history(
    conn: &Connection,
    permit: &Permit,
    key: &RecordKey,
    after: Option<&str>,
    limit: u32,
) -> Result<HistoryPage, StoreError> {
    let history = History::new(&Dialect::Sqlite, permit, key, after, limit)?;
    let rows = all(conn, history.statement.clone(), |_| Ok(key.clone()))?;
    Ok(history.page(rows))
}

pub(crate) fn records_of(
    conn: &Connection,
    permit: &Permit,
    hospital: &HospitalId,
    patient: &ResourceId,
    kinds: &[Kind],
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    let st = records::records_of(&Dialect::Sqlite, permit, hospital, patient, kinds, limit);
    all(conn, st, |r| {
        records::key(hospital.as_str(), text(r, 6)?, text(r, 7)?)
    })
}

pub(crate) fn documents(
    conn: &Connection,
    permit: &Permit,
    query: &DocQuery,
) -> Result<Vec<Stored>, StoreError> {
    let documents = Documents::new(&Dialect::Sqlite, permit, query)?;
    let key = |r: &Row<'_>| records::key(text(r, 6)?, query.kind.as_str(), text(r, 7)?);
    let mut found = all(conn, documents.page(), key)?;
    if let Some(rest) = documents.rest(&mut found) {
        found.extend(all(conn, rest, key)?);
    }
    Ok(found)
}
