//! FHIR search compiled to SQL.
//!
//! The permit is part of every statement, so that neither a match, an include nor a count shows what may not be
//! read. Which condition leads is decided by counting a few rows of each in the index: the rarest leads, the others
//! are tested on the records it gives. Without a rare one, records are read in their order until a page is full.

mod clause;
mod cursor;
mod include;
#[cfg(test)]
mod plan_tests;
mod sort;
mod value;

use agreements::Permit;
use fhir::search::Query;
use fhir::search::params::ParamId;
use fhir::search::query::{SortKey, Summary, Total};
use kernel::{HospitalId, Kind, RecordKey, ResourceId, limits};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use self::clause::Scope;
pub(crate) use self::cursor::CursorKey;
use self::cursor::Place;
use super::permit_sql::{CURRENT, condition};
use super::read::{COLUMNS, stored};
use super::sql::{Binds, unsigned};
use crate::{SearchPage, StoreError, Stored};

/// A condition with fewer index rows than this leads the search.
const RARE: i64 = 2_000;

/// Runs one search in the snapshot of `conn`.
pub(crate) fn search(
    conn: &Connection,
    cursors: &CursorKey,
    permit: &Permit,
    hospital: &HospitalId,
    query: &Query,
) -> Result<SearchPage, StoreError> {
    let kind = Kind::new(query.kind)
        .map_err(|_| StoreError::Search(format!("{} is no resource type", query.kind)))?;
    let run = Run {
        conn,
        permit,
        hospital,
        kind: &kind,
        query,
    };
    let leader = run.leader()?;
    let mut page = SearchPage::default();
    let counted = query.summary == Summary::Count || query.count == 0;
    if counted || query.total != Total::None {
        page.total = Some(run.count(&leader)?);
    }
    if counted {
        return Ok(page);
    }
    let fingerprint = cursor::fingerprint(hospital, query);
    let from = query
        .cursor
        .as_deref()
        .map(|text| cursors.open(text, &fingerprint))
        .transpose()?;
    let limit = query.count.min(limits::PAGE_SIZE_MAX) as usize;
    let mut places = run.places(&leader, from.as_ref(), limit + 1)?;
    if places.len() > limit {
        places.truncate(limit);
        page.next = places
            .last()
            .map(|p| cursors.seal(p, &fingerprint))
            .transpose()?;
    }
    for place in &places {
        page.matches.extend(run.record(place.record)?);
    }
    if !query.includes.is_empty() || !query.revincludes.is_empty() {
        page.includes = include::includes(conn, permit, hospital, query, &page.matches)?;
    }
    Ok(page)
}

/// How the records of a search are come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leader {
    /// The clause of this place gives few records.
    Rare(usize),
    /// The clause of this place gives many, in the order of their records.
    Streamed(usize),
    /// All records of the kind in their order.
    Scan,
}

struct Run<'a> {
    conn: &'a Connection,
    permit: &'a Permit,
    hospital: &'a HospitalId,
    kind: &'a Kind,
    query: &'a Query,
}

impl Run<'_> {
    fn scope(&self, binds: &mut Binds) -> Scope {
        Scope {
            hospital: binds.hospital(self.hospital.as_str()),
            kind: binds.kind(self.kind.as_str()),
            kind_name: self.query.kind,
        }
    }

    /// Counts a few index rows of each condition and picks the rarest.
    fn leader(&self) -> Result<Leader, StoreError> {
        let mut best: Option<(i64, usize)> = None;
        for (n, c) in self.query.clauses.iter().enumerate() {
            let mut binds = Binds::default();
            let scope = self.scope(&mut binds);
            let Some(found) = clause::records(c, &scope, &mut binds) else {
                continue;
            };
            let records = found.records;
            let most = best.map_or(RARE, |(rows, _)| rows);
            let text = format!("SELECT count(*) FROM (SELECT 1 FROM ({records}) LIMIT {most})");
            let rows: i64 = self
                .conn
                .prepare_cached(&text)?
                .query_row(params_from_iter(binds.0), |r| r.get(0))?;
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
        let streamed = self.query.clauses.iter().position(clause::streamed);
        Ok(match streamed {
            Some(n) if self.query.sort.is_empty() => Leader::Streamed(n),
            _ => Leader::Scan,
        })
    }

    /// FROM and WHERE: every record that matches and may be read. A streamed leader may give a record twice.
    fn body(&self, leader: Leader, binds: &mut Binds) -> (String, String) {
        let scope = self.scope(binds);
        let leading = match leader {
            Leader::Rare(n) | Leader::Streamed(n) => self.query.clauses.get(n).map(|c| (n, c)),
            Leader::Scan => None,
        };
        let found = leading.and_then(|(n, c)| Some((n, clause::records(c, &scope, binds)?)));
        let index = match self.query.sort.as_slice() {
            [s] if s.by == SortKey::LastUpdated => "record_changed",
            _ => "record_order",
        };
        let skip = found.as_ref().and_then(|(n, f)| f.exact.then_some(*n));
        let from = match (leader, found) {
            (_, None) => format!("record r INDEXED BY {index}"),
            (Leader::Streamed(_), Some((_, f))) => {
                format!(
                    "({}) d CROSS JOIN record r ON r.record = d.record",
                    f.records
                )
            }
            (_, Some((_, f))) => format!(
                "(SELECT DISTINCT record FROM ({})) d CROSS JOIN record r ON r.record = d.record",
                f.records
            ),
        };
        let mut all = vec![
            format!("r.hospital = {}", scope.hospital),
            format!("r.kind = {}", scope.kind),
            "r.deleted = 0".to_owned(),
        ];
        for (n, c) in self.query.clauses.iter().enumerate() {
            if Some(n) != skip {
                all.push(clause::holds(c, &scope, binds));
            }
        }
        all.push(condition(self.permit, CURRENT, binds));
        (from, all.join(" AND "))
    }

    fn count(&self, leader: &Leader) -> Result<u64, StoreError> {
        // A stream may give a record twice; as a set it does not.
        let leader = match leader {
            Leader::Streamed(n) => Leader::Rare(*n),
            other => *other,
        };
        let mut binds = Binds::default();
        let (from, which) = self.body(leader, &mut binds);
        let n: i64 = self
            .conn
            .prepare_cached(&format!("SELECT count(*) FROM {from} WHERE {which}"))?
            .query_row(params_from_iter(binds.0), |r| r.get(0))?;
        Ok(unsigned(n))
    }

    /// Where the next `wanted` matches after `after` stand, in order.
    fn places(
        &self,
        leader: &Leader,
        after: Option<&Place>,
        wanted: usize,
    ) -> Result<Vec<Place>, StoreError> {
        let mut out: Vec<Place> = Vec::with_capacity(wanted.min(64));
        for (text, binds) in self.statements(leader, after)? {
            let mut st = self.conn.prepare_cached(&text)?;
            let mut rows = st.query(params_from_iter(binds.0))?;
            // Stepped only as far as needed instead of LIMIT, because an index may give a record twice.
            while out.len() < wanted
                && let Some(r) = rows.next()?
            {
                let record: i64 = r.get(0)?;
                if out.last().is_some_and(|p| p.record == record) {
                    continue;
                }
                let keys = (1..=self.query.sort.len())
                    .map(|i| r.get::<_, Value>(i))
                    .collect::<Result<_, _>>()?;
                out.push(Place { keys, record });
            }
        }
        Ok(out)
    }

    /// The statements that give the places, one after the other.
    fn statements(
        &self,
        leader: &Leader,
        after: Option<&Place>,
    ) -> Result<Vec<(String, Binds)>, StoreError> {
        let sort = self.query.sort.as_slice();
        if let Some(p) = after
            && p.keys.len() != sort.len()
        {
            return Err(StoreError::Cursor);
        }
        if *leader == Leader::Scan
            && let [key] = sort
            && let SortKey::Param { param, kind } = key.by
            && let Some(column) = value::sort_column(kind)
        {
            return Ok(self.by_value(param, column, key.descending, after));
        }
        let mut binds = Binds::default();
        let (from, which) = self.body(*leader, &mut binds);
        let number = match leader {
            Leader::Streamed(_) => "d.record",
            _ => "r.record",
        };
        let text = sort::ordered(sort, number, &from, &which, after, &mut binds)?;
        Ok(vec![(text, binds)])
    }

    /// All records in the order of one parameter, read off its index: first those that have a value, then the rest.
    fn by_value(
        &self,
        param: ParamId,
        column: value::Column,
        descending: bool,
        after: Option<&Place>,
    ) -> Vec<(String, Binds)> {
        let key = after.and_then(|p| p.keys.first().map(|k| (k, p.record)));
        let mut out = Vec::new();
        if !matches!(key, Some((Value::Null, _))) {
            let mut binds = Binds::default();
            let scope = self.scope(&mut binds);
            let (_, which) = self.body(Leader::Scan, &mut binds);
            let param = value::param(param, &mut binds);
            let text =
                sort::with_value(column, &scope, &param, &which, descending, key, &mut binds);
            out.push((text, binds));
        }
        let mut binds = Binds::default();
        let (from, which) = self.body(Leader::Scan, &mut binds);
        let param = value::param(param, &mut binds);
        let from_record = match key {
            Some((Value::Null, record)) => Some(record),
            _ => None,
        };
        let text = sort::without_value(
            column,
            &param,
            &from,
            &which,
            descending,
            from_record,
            &mut binds,
        );
        out.push((text, binds));
        out
    }

    /// The current version of a record that was found in this snapshot.
    fn record(&self, record: i64) -> Result<Option<Stored>, StoreError> {
        let text = format!(
            "SELECT {COLUMNS}, r.id FROM record r CROSS JOIN version v ON v.row = r.current WHERE r.record = ?1"
        );
        let mut st = self.conn.prepare_cached(&text)?;
        let mut rows = st.query([record])?;
        let Some(r) = rows.next()? else {
            return Ok(None);
        };
        let id = ResourceId::new(r.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?)
            .map_err(|_| StoreError::Damaged("a record's key is not valid".into()))?;
        let key = RecordKey::new(self.hospital.clone(), self.kind.clone(), id);
        stored(key, r).map(Some)
    }
}

/// The plan SQLite makes for a search, for tests.
#[cfg(test)]
pub(crate) fn plan(
    conn: &Connection,
    permit: &Permit,
    hospital: &HospitalId,
    query: &Query,
) -> Result<String, StoreError> {
    let kind = Kind::new(query.kind).map_err(|_| StoreError::Search(String::new()))?;
    let run = Run {
        conn,
        permit,
        hospital,
        kind: &kind,
        query,
    };
    let leader = run.leader()?;
    let mut out = format!("{leader:?}");
    for (text, binds) in run.statements(&leader, None)? {
        let mut st = conn.prepare(&format!("EXPLAIN QUERY PLAN {text}"))?;
        let mut rows = st.query(params_from_iter(binds.0))?;
        while let Some(r) = rows.next()? {
            out.push('\n');
            out.push_str(&r.get::<_, String>(3)?);
        }
    }
    Ok(out)
}
