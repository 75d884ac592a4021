//! FHIR search in PostgreSQL: the statements come from [`crate::sql::search`].

use agreements::Permit;
use fhir::search::Query;
use kernel::{HospitalId, RecordKey, ResourceId};
use tokio_postgres::Row;

use super::read;
use super::session::{Connections, Snapshot};
use super::values::{int, text};
use crate::sql::search::{
    Chains, CursorKey, Includes, Leader, PROBES, Place, RARE, Search, with_content,
};
use crate::sql::{Statement, Value, records, unsigned};
use crate::{SearchPage, StoreError, Stored};

/// Where the columns of a place begin, after those of its content.
const PLACE: usize = 7;

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
            snapshot: self.snapshot(&reach),
        };
        let simpler = run.simpler(&s).await?;
        let mut s = match &simpler {
            Some(query) => s.simpler(query),
            None => s,
        };
        let leader = run.leader(&mut s).await?;
        let mut page = SearchPage::default();
        if s.only_counted() {
            let rows = run.snapshot.read_last(&[s.count(leader)]).await?;
            page.total = rows.first().map(|r| counted(r)).transpose()?;
            return Ok(page);
        }
        let (total, found) = run.matches(&s, leader, from).await?;
        let (mut places, matches): (Vec<Place>, Vec<Stored>) = found.into_iter().unzip();
        page.total = total;
        page.next = s.cut(&mut places, cursors)?;
        page.matches = matches;
        page.matches.truncate(places.len());
        if includes(&s) {
            page.includes = run.includes(&s, &page.matches).await?;
        }
        Ok(page)
    }
}

fn includes(s: &Search<'_>) -> bool {
    !s.query.includes.is_empty() || !s.query.revincludes.is_empty()
}

fn counted(rows: &[Row]) -> Result<u64, StoreError> {
    rows.first().map_or(Ok(0), |r| int(r, 0)).map(unsigned)
}

/// A row of [`with_content`]: the number in its order, then what was found.
fn found(s: &Search<'_>, r: &Row) -> Result<(i64, (Place, Stored)), StoreError> {
    let id = ResourceId::new(text(r, PLACE - 1)?)
        .map_err(|_| StoreError::Damaged("a record's key is not valid".into()))?;
    let key = RecordKey::new(s.hospital.clone(), s.kind.clone(), id);
    let first = PLACE + 2;
    let keys = (first..first + s.query.sort.len())
        .map(|i| r.try_get::<_, Value>(i))
        .collect::<Result<_, _>>()?;
    let place = Place {
        keys,
        record: int(r, PLACE + 1)?,
    };
    Ok((int(r, PLACE)?, (place, read::version(r)?.stored(key)?)))
}

struct Run<'a> {
    snapshot: Snapshot<'a>,
}

impl Run<'_> {
    /// Looks up where chains lead to.
    async fn simpler(&mut self, s: &Search<'_>) -> Result<Option<Query>, StoreError> {
        let mut chains = Chains::new(s);
        let steps = chains.steps();
        let all: Vec<Statement> = steps.iter().flat_map(|s| s.statements.clone()).collect();
        if all.is_empty() {
            return Ok(None);
        }
        let mut answers = self.snapshot.read(&all).await?.into_iter();
        for step in &steps {
            let ids = answers
                .by_ref()
                .take(step.statements.len())
                .map(|rows| rows.iter().map(|r| Ok(text(r, 0)?.to_owned())).collect())
                .collect::<Result<Vec<Vec<String>>, StoreError>>()?;
            chains.take(step, ids);
        }
        Ok(chains.query())
    }

    /// Counts a few index rows of each condition where all may match, and picks the rarest: a few at first, more when
    /// none is that rare.
    async fn leader(&mut self, s: &mut Search<'_>) -> Result<Leader, StoreError> {
        if let Some(known) = s.known() {
            return Ok(known);
        }
        let otherwise = s.without_rare();
        if s.query.clauses.len() == 1 && matches!(otherwise, Leader::Streamed(_)) {
            // Read off the index in order, however many there are.
            return Ok(otherwise);
        }
        // One condition alone has no rival: it leads unless it is met by very many.
        let bounds: &[i64] = match s.query.clauses.as_slice() {
            [_] => &[RARE],
            _ => &[PROBES[0], RARE],
        };
        for most in bounds.iter().copied() {
            let Some(survey) = s.survey(most) else { break };
            let rows = self.snapshot.rows(survey.statement).await?;
            let Some(r) = rows.first() else { break };
            if survey.windowed {
                s.within(Some((int(r, 0)?, int(r, 1)?)));
            }
            let mut best: Option<(i64, usize)> = None;
            for (i, clause) in survey.clauses.into_iter().enumerate() {
                let rows = int(r, i + 2)?;
                if rows < best.map_or(most, |(rows, _)| rows) {
                    best = Some((rows, clause));
                }
            }
            if let Some((_, clause)) = best {
                return Ok(Leader::Rare(clause));
            }
        }
        Ok(otherwise)
    }

    /// All that match in number, if that is asked for; and the matches after a place in order, one more than a page holds.
    async fn matches(
        &mut self,
        s: &Search<'_>,
        leader: Leader,
        mut after: Option<Place>,
    ) -> Result<(Option<u64>, Vec<(Place, Stored)>), StoreError> {
        let wanted = s.limit() + 1;
        let mut count = s.counted().then(|| s.count(leader));
        let mut total = None;
        let mut out: Vec<(Place, Stored)> = Vec::with_capacity(wanted.min(64));
        // The statements left to run are the last ones: those before have given all they have.
        let mut left = s.places(leader, after.as_ref())?;
        let several = left.len();
        let mut nth = several;
        while nth > 0 && out.len() < wanted {
            let at = left.len().saturating_sub(nth);
            let limit = wanted - out.len();
            let places = left.swap_remove(at);
            let mut asked = vec![with_content(places, s.streams(leader), limit)];
            asked.extend(count.take());
            let mut answers = if several == 1 && !includes(s) {
                self.snapshot.read_last(&asked).await?
            } else {
                self.snapshot.read(&asked).await?
            };
            if answers.len() > 1 {
                total = answers.pop().map(|rows| counted(&rows)).transpose()?;
            }
            let rows = answers.pop().unwrap_or_default();
            let mut page = rows
                .iter()
                .map(|r| found(s, r))
                .collect::<Result<Vec<_>, _>>()?;
            page.sort_unstable_by_key(|(nth, _)| *nth);
            for (_, (place, stored)) in page {
                // The index of values may give a record twice, and then the answer is short of matches.
                if out.last().is_none_or(|(p, _)| p.record != place.record) {
                    out.push((place, stored));
                }
            }
            if rows.len() < limit {
                nth -= 1;
            } else {
                after = out.last().map(|(place, _)| place.clone());
            }
            if nth > 0 && out.len() < wanted {
                left = s.places(leader, after.as_ref())?;
            }
        }
        Ok((total, out))
    }

    async fn includes(
        &mut self,
        s: &Search<'_>,
        matches: &[Stored],
    ) -> Result<Vec<Stored>, StoreError> {
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
