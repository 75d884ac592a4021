//! FHIR search in SQLite: the statements come from [`crate::sql::search`].

#[cfg(test)]
mod plan_tests;

use agreements::Permit;
use fhir::search::Query;
use kernel::{HospitalId, RecordKey, ResourceId};
use rusqlite::types::Value as Owned;
use rusqlite::{Connection, Row, params_from_iter};

use super::read;
use crate::sql::search::{Chains, CursorKey, Includes, Leader, PROBES, Place, Search, by_number};
use crate::sql::{Dialect, Statement, unsigned};
use crate::{SearchPage, StoreError, Stored};

/// Runs one search in the snapshot of `conn`.
pub(crate) fn search(
    conn: &Connection,
    dialect: &Dialect,
    cursors: &CursorKey,
    permit: &Permit,
    hospital: &HospitalId,
    query: &Query,
) -> Result<SearchPage, StoreError> {
    let s = Search::new(dialect, permit, hospital, query)?;
    let simpler = simpler(conn, &s)?;
    let mut s = match &simpler {
        Some(query) => s.simpler(query),
        None => s,
    };
    let leader = leader(conn, &mut s)?;
    let mut page = SearchPage::default();
    if s.counted() {
        page.total = Some(unsigned(number(conn, s.count(leader))?));
    }
    if s.only_counted() {
        return Ok(page);
    }
    let from = s.from(cursors)?;
    let mut places;
    if let Some(statement) = s.page(leader, from.as_ref()) {
        (places, page.matches) = at_once(conn, &s, &statement)?;
        page.next = s.cut(&mut places, cursors)?;
        page.matches.truncate(places.len());
    } else {
        places = self::places(conn, &s, leader, from.as_ref(), s.limit() + 1)?;
        page.next = s.cut(&mut places, cursors)?;
        page.matches = records(conn, &s, &places)?;
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

/// Looks up where chains lead to.
fn simpler(conn: &Connection, s: &Search<'_>) -> Result<Option<Query>, StoreError> {
    let mut chains = Chains::new(s);
    for step in chains.steps() {
        let mut found = Vec::with_capacity(step.statements.len());
        for st in &step.statements {
            let mut prepared = conn.prepare_cached(&st.text)?;
            let ids = prepared.query_map(params_from_iter(&st.values), |r| r.get(0))?;
            found.push(ids.collect::<Result<Vec<String>, _>>()?);
        }
        chains.take(&step, found);
    }
    Ok(chains.query())
}

/// Where the conditions whose records stand in order all may match; an empty window when they cannot.
fn window(conn: &Connection, s: &Search<'_>) -> Result<Option<(i64, i64)>, StoreError> {
    let all: Vec<Statement> = (0..s.query.clauses.len())
        .filter_map(|n| s.ends(n))
        .collect();
    if all.len() < 2 {
        return Ok(None);
    }
    let mut window = (i64::MIN, i64::MAX);
    for st in all {
        let (first, last): (Option<i64>, Option<i64>) = conn
            .prepare_cached(&st.text)?
            .query_row(params_from_iter(st.values), |r| Ok((r.get(0)?, r.get(1)?)))?;
        window.0 = window.0.max(first.unwrap_or(i64::MAX));
        window.1 = window.1.min(last.unwrap_or(i64::MIN));
    }
    Ok(Some(window))
}

/// Counts a few index rows of each condition and picks the rarest: a few at first, more when none is that rare.
fn leader(conn: &Connection, s: &mut Search<'_>) -> Result<Leader, StoreError> {
    if let Some(known) = s.known() {
        return Ok(known);
    }
    let window = window(conn, s)?;
    s.within(window);
    for bound in PROBES {
        let mut best: Option<(i64, usize)> = None;
        for n in 0..s.query.clauses.len() {
            let most = best.map_or(bound, |(rows, _)| rows);
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
        if let Some((_, n)) = best {
            return Ok(Leader::Rare(n));
        }
    }
    Ok(s.without_rare())
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

/// A page and the place after it, read together with the content.
fn at_once(
    conn: &Connection,
    s: &Search<'_>,
    statement: &Statement,
) -> Result<(Vec<Place>, Vec<Stored>), StoreError> {
    let wanted = s.limit() + 1;
    let mut places: Vec<Place> = Vec::with_capacity(wanted.min(64));
    let mut found = Vec::with_capacity(wanted.min(64));
    let mut st = conn.prepare_cached(&statement.text)?;
    let mut rows = st.query(params_from_iter(&statement.values))?;
    while places.len() < wanted
        && let Some(r) = rows.next()?
    {
        let record: i64 = r.get(0)?;
        if places.last().is_some_and(|p| p.record == record) {
            continue;
        }
        // The last one only says that there is more.
        if places.len() < s.limit() {
            found.push(stored(s, r, 1)?);
        }
        let keys = Vec::new();
        places.push(Place { keys, record });
    }
    Ok((places, found))
}

/// The version whose columns begin with the given one, with the id after them.
fn stored(s: &Search<'_>, r: &Row<'_>, from: usize) -> Result<Stored, StoreError> {
    let id = ResourceId::new(
        r.get_ref(from + 6)?
            .as_str()
            .map_err(rusqlite::Error::from)?,
    )
    .map_err(|_| StoreError::Damaged("a record's key is not valid".into()))?;
    let key = RecordKey::new(s.hospital.clone(), s.kind.clone(), id);
    read::version(r, from)?.stored(key)
}

/// The current versions of records that were found in this snapshot.
fn records(conn: &Connection, s: &Search<'_>, places: &[Place]) -> Result<Vec<Stored>, StoreError> {
    let mut st = conn.prepare_cached(&by_number(s.dialect, 0).text)?;
    let mut out = Vec::with_capacity(places.len());
    for place in places {
        let mut rows = st.query([place.record])?;
        let Some(r) = rows.next()? else {
            continue;
        };
        out.push(stored(s, r, 0)?);
    }
    Ok(out)
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
            if let Some(found) = read::get(conn, s.dialect, s.permit, &key, None)? {
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
    let simpler = simpler(conn, &s)?;
    let mut s = match &simpler {
        Some(query) => s.simpler(query),
        None => s,
    };
    let leader = leader(conn, &mut s)?;
    let mut out = format!("{leader:?}");
    let statements = match s.page(leader, None) {
        Some(page) => vec![page],
        None => s.places(leader, None)?,
    };
    for statement in statements {
        let mut st = conn.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.text))?;
        let mut rows = st.query(params_from_iter(statement.values))?;
        while let Some(r) = rows.next()? {
            out.push('\n');
            out.push_str(&r.get::<_, String>(3)?);
        }
    }
    Ok(out)
}
