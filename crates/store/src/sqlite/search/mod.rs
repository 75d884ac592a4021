//! FHIR search in SQLite: the statements come from [`crate::sql::search`].

#[cfg(test)]
mod plan_tests;

use agreements::Permit;
use fhir::search::Query;
use kernel::{HospitalId, RecordKey, ResourceId};
use rusqlite::types::Value as Owned;
use rusqlite::{Connection, params_from_iter};

use super::read;
use crate::sql::search::{CursorKey, Includes, Leader, Place, RARE, Search, by_number};
use crate::sql::{Dialect, Statement, unsigned};
use crate::{SearchPage, StoreError, Stored};

/// Runs one search in the snapshot of `conn`.
pub(crate) fn search(
    conn: &Connection,
    cursors: &CursorKey,
    permit: &Permit,
    hospital: &HospitalId,
    query: &Query,
) -> Result<SearchPage, StoreError> {
    let s = Search::new(&Dialect::Sqlite, permit, hospital, query)?;
    let leader = leader(conn, &s)?;
    let mut page = SearchPage::default();
    if s.counted() {
        page.total = Some(unsigned(number(conn, s.count(leader))?));
    }
    if s.only_counted() {
        return Ok(page);
    }
    let from = s.from(cursors)?;
    let mut places = places(conn, &s, leader, from.as_ref(), s.limit() + 1)?;
    page.next = s.cut(&mut places, cursors)?;
    for place in &places {
        page.matches.extend(record(conn, &s, place.record)?);
    }
    if !query.includes.is_empty() || !query.revincludes.is_empty() {
        page.includes = includes(conn, &s, &page.matches)?;
    }
    Ok(page)
}

fn number(conn: &Connection, st: Statement) -> Result<i64, StoreError> {
    let n = conn
        .prepare_cached(&st.text)?
        .query_row(params_from_iter(st.values), |r| r.get(0))?;
    Ok(n)
}

/// Counts a few index rows of each condition and picks the rarest.
fn leader(conn: &Connection, s: &Search<'_>) -> Result<Leader, StoreError> {
    let mut best: Option<(i64, usize)> = None;
    for n in 0..s.query.clauses.len() {
        let most = best.map_or(RARE, |(rows, _)| rows);
        let Some(probe) = s.probe(n, most) else {
            continue;
        };
        let rows = number(conn, probe)?;
        if rows < most {
            best = Some((rows, n));
        }
        if rows == 0 {
            break;
        }
    }
    Ok(best.map_or_else(|| s.without_rare(), |(_, n)| Leader::Rare(n)))
}

/// Where the next `wanted` matches after `after` stand, in order.
fn places(
    conn: &Connection,
    s: &Search<'_>,
    leader: Leader,
    after: Option<&Place>,
    wanted: usize,
) -> Result<Vec<Place>, StoreError> {
    let mut out: Vec<Place> = Vec::with_capacity(wanted.min(64));
    for statement in s.places(leader, after)? {
        let mut st = conn.prepare_cached(&statement.text)?;
        let mut rows = st.query(params_from_iter(statement.values))?;
        // Stepped only as far as needed instead of LIMIT, because an index may give a record twice.
        while out.len() < wanted
            && let Some(r) = rows.next()?
        {
            let record: i64 = r.get(0)?;
            if out.last().is_some_and(|p| p.record == record) {
                continue;
            }
            let keys = (1..=s.query.sort.len())
                .map(|i| r.get::<_, Owned>(i).map(Into::into))
                .collect::<Result<_, _>>()?;
            out.push(Place { keys, record });
        }
    }
    Ok(out)
}

/// The current version of a record that was found in this snapshot.
fn record(conn: &Connection, s: &Search<'_>, record: i64) -> Result<Option<Stored>, StoreError> {
    let statement = by_number(s.dialect, record);
    let mut st = conn.prepare_cached(&statement.text)?;
    let mut rows = st.query(params_from_iter(statement.values))?;
    let Some(r) = rows.next()? else {
        return Ok(None);
    };
    let id = ResourceId::new(r.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?)
        .map_err(|_| StoreError::Damaged("a record's key is not valid".into()))?;
    let key = RecordKey::new(s.hospital.clone(), s.kind.clone(), id);
    read::version(r)?.stored(key).map(Some)
}

fn includes(
    conn: &Connection,
    s: &Search<'_>,
    matches: &[Stored],
) -> Result<Vec<Stored>, StoreError> {
    let mut all = Includes::new(s.dialect, s.hospital, s.query, matches);
    while let Some(mut round) = all.round() {
        for statement in std::mem::take(&mut round.statements) {
            let mut st = conn.prepare_cached(&statement.text)?;
            let mut rows = st.query(params_from_iter(statement.values))?;
            while let Some(r) = rows.next()? {
                let kind = r.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
                let id = r.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
                round.take(s.hospital, kind, id)?;
            }
        }
        for key in all.fresh(round) {
            if let Some(found) = read::get(conn, s.permit, &key, None)? {
                all.add(found)?;
            }
        }
    }
    Ok(all.included)
}

/// The plan SQLite makes for a search, for tests.
#[cfg(test)]
pub(crate) fn plan(
    conn: &Connection,
    permit: &Permit,
    hospital: &HospitalId,
    query: &Query,
) -> Result<String, StoreError> {
    let s = Search::new(&Dialect::Sqlite, permit, hospital, query)?;
    let leader = leader(conn, &s)?;
    let mut out = format!("{leader:?}");
    for statement in s.places(leader, None)? {
        let mut st = conn.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.text))?;
        let mut rows = st.query(params_from_iter(statement.values))?;
        while let Some(r) = rows.next()? {
            out.push('\n');
            out.push_str(&r.get::<_, String>(3)?);
        }
    }
    Ok(out)
}
