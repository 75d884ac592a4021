//! FHIR search in PostgreSQL: the statements come from [`crate::sql::search`].

use std::collections::HashMap;

use agreements::Permit;
use fhir::search::Query;
use kernel::{HospitalId, RecordKey, ResourceId};

use super::read;
use super::session::{Connections, Snapshot};
use super::values::{int, text};
use crate::sql::search::{CursorKey, Includes, Leader, Place, RARE, Search, by_numbers};
use crate::sql::{Statement, Value, records, unsigned};
use crate::{SearchPage, StoreError, Stored};

impl Connections {
    /// Runs one search in a snapshot of its own.
    pub async fn search(
        &self,
        cursors: &CursorKey,
        permit: &Permit,
        hospital: &HospitalId,
        query: &Query,
    ) -> Result<SearchPage, StoreError> {
        let s = Search::new(&self.dialect, permit, hospital, query)?;
        let from = s.from(cursors)?;
        let reach = self.reach_within(permit, hospital).await?;
        let mut run = Run {
            snapshot: self.snapshot(&reach).await?,
            s: &s,
        };
        let leader = run.leader().await?;
        let mut page = SearchPage::default();
        if s.counted() {
            page.total = Some(run.count(leader).await?);
        }
        if s.only_counted() {
            return Ok(page);
        }
        let mut places = run.places(leader, from, s.limit() + 1).await?;
        page.next = s.cut(&mut places, cursors)?;
        page.matches = run.records(&places).await?;
        if !query.includes.is_empty() || !query.revincludes.is_empty() {
            page.includes = run.includes(&page.matches).await?;
        }
        Ok(page)
    }
}

struct Run<'a> {
    snapshot: Snapshot,
    s: &'a Search<'a>,
}

impl Run<'_> {
    /// Counts a few index rows of each condition, all at once, and picks the rarest.
    async fn leader(&mut self) -> Result<Leader, StoreError> {
        let otherwise = self.s.without_rare();
        if self.s.query.clauses.len() == 1 && matches!(otherwise, Leader::Streamed(_)) {
            // Read off the index in order, however many there are.
            return Ok(otherwise);
        }
        let (numbers, probes): (Vec<usize>, Vec<Statement>) = (0..self.s.query.clauses.len())
            .filter_map(|n| Some((n, self.s.probe(n, RARE)?)))
            .unzip();
        let mut best: Option<(i64, usize)> = None;
        for (rows, n) in self.snapshot.read(&probes).await?.iter().zip(numbers) {
            let found = rows.first().map_or(Ok(RARE), |r| int(r, 0))?;
            if found < best.map_or(RARE, |(rows, _)| rows) {
                best = Some((found, n));
            }
        }
        Ok(best.map_or(otherwise, |(_, n)| Leader::Rare(n)))
    }

    async fn count(&mut self, leader: Leader) -> Result<u64, StoreError> {
        let rows = self.snapshot.rows(self.s.count(leader)).await?;
        let n = rows.first().map_or(Ok(0), |r| int(r, 0))?;
        Ok(unsigned(n))
    }

    /// Where the next `wanted` matches after `after` stand, in order.
    async fn places(
        &mut self,
        leader: Leader,
        mut after: Option<Place>,
        wanted: usize,
    ) -> Result<Vec<Place>, StoreError> {
        let mut out: Vec<Place> = Vec::with_capacity(wanted.min(64));
        let several = self.s.places(leader, after.as_ref())?.len();
        let mut nth = several;
        while nth > 0 && out.len() < wanted {
            // The statements left to run are the last ones: those before have given all they have.
            let mut left = self.s.places(leader, after.as_ref())?;
            let at = left.len().saturating_sub(nth);
            let mut statement = left.swap_remove(at);
            // An index may give a record twice, so that a full answer may be short of matches.
            let limit = wanted - out.len() + 4;
            statement.text.push_str(&format!(" LIMIT {limit}"));
            let rows = self.snapshot.rows(statement).await?;
            for r in &rows {
                let record = int(r, 0)?;
                if out.last().is_some_and(|p| p.record == record) {
                    continue;
                }
                let keys = (1..=self.s.query.sort.len())
                    .map(|i| r.try_get::<_, Value>(i))
                    .collect::<Result<_, _>>()?;
                out.push(Place { keys, record });
                if out.len() == wanted {
                    return Ok(out);
                }
            }
            if rows.len() < limit {
                nth -= 1;
            } else {
                after = out.last().cloned();
            }
        }
        Ok(out)
    }

    /// The current versions of records that were found in this snapshot.
    async fn records(&mut self, places: &[Place]) -> Result<Vec<Stored>, StoreError> {
        let numbers: Vec<i64> = places.iter().map(|p| p.record).collect();
        let rows = self
            .snapshot
            .rows(by_numbers(self.s.dialect, &numbers))
            .await?;
        let mut found = HashMap::with_capacity(rows.len());
        for r in &rows {
            let id = ResourceId::new(text(r, 6)?)
                .map_err(|_| StoreError::Damaged("a record's key is not valid".into()))?;
            let key = RecordKey::new(self.s.hospital.clone(), self.s.kind.clone(), id);
            found.insert(int(r, 7)?, read::version(r)?.stored(key)?);
        }
        Ok(numbers.iter().filter_map(|n| found.remove(n)).collect())
    }

    async fn includes(&mut self, matches: &[Stored]) -> Result<Vec<Stored>, StoreError> {
        let s = self.s;
        let mut all = Includes::new(s.dialect, s.hospital, s.query, matches);
        while let Some(mut round) = all.round() {
            let statements = std::mem::take(&mut round.statements);
            for rows in self.snapshot.read(&statements).await? {
                for r in &rows {
                    round.take(s.hospital, text(r, 0)?, text(r, 1)?)?;
                }
            }
            let keys = all.fresh(round);
            let statements: Vec<Statement> = keys
                .iter()
                .map(|k| records::get(s.dialect, s.permit, k, None))
                .collect();
            for (rows, key) in self.snapshot.read(&statements).await?.iter().zip(keys) {
                if let Some(r) = rows.first() {
                    all.add(read::version(r)?.stored(key)?)?;
                }
            }
        }
        Ok(all.included)
    }
}
