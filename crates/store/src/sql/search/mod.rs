//! FHIR search compiled to SQL.
//!
//! The permit is part of every statement, so that neither a match, an include nor a count shows what may not be
//! read. Which condition leads is decided by counting a few rows of each in the index: the rarest leads, the others
//! are tested on the records it gives. Without a rare one, records are read in their order until a page is full.
//!
//! A patient and a code are asked for together more often than anything else: an index holds both.
//!
//! Where several conditions stand in the index in the order of their records, none can match before the last of their
//! first records, nor after the first of their last ones. What came together (an imported record, a visit) lies together,
//! so this window is often narrow: a common code leads within the few records of one patient.

mod chain;
mod clause;
mod cursor;
mod include;
mod sort;
mod survey;
mod value;

use agreements::Permit;
use fhir::search::Query;
use fhir::search::params::ParamId;
use fhir::search::query::{SortKey, Summary, Total};
use kernel::{HospitalId, Kind, limits};

pub(crate) use self::chain::Chains;
use self::clause::Scope;
pub(crate) use self::cursor::{CursorKey, Place};
pub(crate) use self::include::Includes;
use super::index::dated_by_patient;
use super::permit::{CURRENT, condition_at};
use super::{Binds, Dialect, Statement, Value, records};
use crate::StoreError;

/// A condition with fewer index rows than this leads the search.
pub(crate) const RARE: i64 = 2_000;
/// How many rows are counted at first, then, and at last, until a condition proves rare.
pub(crate) const PROBES: [i64; 3] = [64, 512, RARE];

/// The current version of a record by its number: [`records::COLUMNS`], then the id.
pub(crate) fn by_number(dialect: &Dialect, record: i64) -> Statement {
    let mut binds = dialect.binds();
    let text = format!(
        "SELECT {}, r.id FROM record r {} version v ON v.row = r.current WHERE r.record = {}",
        records::COLUMNS,
        dialect.join(),
        binds.bind(record),
    );
    binds.statement(text)
}

/// The content of the places that `places` gives, at most `limit`, on PostgreSQL: [`records::COLUMNS`], the id, the number
/// of the row in their order, then what `places` gives. The rows come in any order, and each record once. `stream` is what
/// [`Search::streams`] says of the places' leader.
pub(crate) fn with_content(places: Statement, stream: bool, limit: usize) -> Statement {
    let Statement { text, values } = places;
    let once = if stream {
        format!("SELECT DISTINCT ON (s.record) s.* FROM ({text}) AS s ORDER BY s.record")
    } else {
        text
    };
    let text = format!(
        "SELECT {}, p.id, p.* FROM (SELECT row_number() OVER () AS nth, q.* FROM ({once} LIMIT {limit}) AS q) AS p \
         JOIN version v ON v.row = p.current",
        records::COLUMNS,
    );
    Statement { text, values }
}

/// How the records of a search are come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leader {
    /// The clauses of these two places, a patient's and one on codes, are one range of an index.
    Pair(usize, usize),
    /// The clause of this place names one patient, whose records stand in an index by the date they are sorted by.
    Dated(usize),
    /// The clause of this place gives few records.
    Rare(usize),
    /// The clause of this place gives many, in the order of their records.
    Streamed(usize),
    /// All records of the kind in their order.
    Scan,
}

/// A SELECT of records, and the places of the clauses that each of them satisfies.
type Led = Option<(String, Vec<usize>)>;

/// One search: its statements, and what a page of it needs.
pub(crate) struct Search<'a> {
    pub dialect: &'a Dialect,
    pub permit: &'a Permit,
    pub hospital: &'a HospitalId,
    pub kind: Kind,
    pub query: &'a Query,
    /// As it was asked, where `query` has been made simpler: what a cursor belongs to.
    asked: &'a Query,
    window: Option<(i64, i64)>,
}

impl<'a> Search<'a> {
    pub fn new(
        dialect: &'a Dialect,
        permit: &'a Permit,
        hospital: &'a HospitalId,
        query: &'a Query,
    ) -> Result<Self, StoreError> {
        let kind = Kind::new(query.kind)
            .map_err(|_| StoreError::Search(format!("{} is no resource type", query.kind)))?;
        Ok(Self {
            dialect,
            permit,
            hospital,
            kind,
            query,
            asked: query,
            window: None,
        })
    }

    /// The same search, by conditions that mean the same.
    pub fn simpler(self, query: &'a Query) -> Self {
        Self { query, ..self }
    }

    /// Nothing matches before the first record or after the last.
    pub fn within(&mut self, window: Option<(i64, i64)>) {
        self.window = window;
    }

    /// The first and the last record that one condition is met by, for a condition whose records stand in order.
    pub fn ends(&self, clause: usize) -> Option<Statement> {
        let clause = self.query.clauses.get(clause)?;
        if !clause::streamed(clause) {
            return None;
        }
        let mut binds = self.dialect.binds();
        let scope = self.scope(&mut binds);
        let records = clause::records(clause, &scope, &mut binds)?.records;
        let text = format!(
            "SELECT (SELECT record FROM ({records}) AS few ORDER BY record LIMIT 1), \
             (SELECT record FROM ({records}) AS few ORDER BY record DESC LIMIT 1)"
        );
        Some(binds.statement(text))
    }

    fn fingerprint(&self) -> [u8; 32] {
        cursor::fingerprint(self.hospital, self.asked)
    }

    /// Whether the count alone is asked for.
    pub fn only_counted(&self) -> bool {
        self.query.summary == Summary::Count || self.query.count == 0
    }

    /// Whether all matches are to be counted.
    pub fn counted(&self) -> bool {
        self.only_counted() || self.query.total != Total::None
    }

    /// How many matches a page holds.
    pub fn limit(&self) -> usize {
        self.query.count.min(limits::PAGE_SIZE_MAX) as usize
    }

    /// Where the page before ended.
    pub fn from(&self, cursors: &CursorKey) -> Result<Option<Place>, StoreError> {
        self.query
            .cursor
            .as_deref()
            .map(|text| cursors.open(text, &self.fingerprint()))
            .transpose()
    }

    /// Cuts the places to a page, of which there may be one more; gives the cursor of the next one.
    pub fn cut(
        &self,
        places: &mut Vec<Place>,
        cursors: &CursorKey,
    ) -> Result<Option<String>, StoreError> {
        if places.len() <= self.limit() {
            return Ok(None);
        }
        places.truncate(self.limit());
        places
            .last()
            .map(|p| cursors.seal(p, &self.fingerprint()))
            .transpose()
    }

    fn scope(&self, binds: &mut Binds) -> Scope<'a> {
        Scope {
            record: "r",
            permit: self.permit,
            custodian: self.hospital,
            window: self
                .window
                .map(|(first, last)| (binds.bind(first), binds.bind(last))),
            hospital: binds.hospital(self.hospital.as_str()),
            kind: binds.kind(self.kind.as_str()),
            kind_name: self.query.kind,
        }
    }

    /// The scope of what a chain leads to.
    fn target(&self, kind: &'static str, binds: &mut Binds) -> Scope<'a> {
        Scope {
            record: "t",
            permit: self.permit,
            custodian: self.hospital,
            window: None,
            hospital: binds.hospital(self.hospital.as_str()),
            kind: binds.kind(kind),
            kind_name: kind,
        }
    }

    /// Counts the index rows of one condition, at most `most`; none when the index does not lead there.
    pub fn probe(&self, clause: usize, most: i64) -> Option<Statement> {
        let mut binds = self.dialect.binds();
        let scope = self.scope(&mut binds);
        let found = clause::records(self.query.clauses.get(clause)?, &scope, &mut binds)?;
        let records = found.records;
        let most = binds.bind(most);
        let text = format!(
            "SELECT count(*) FROM (SELECT 1 FROM ({records}) AS found LIMIT {most}) AS few"
        );
        Some(binds.statement(text))
    }

    /// Two conditions that one index answers.
    fn pair(&self) -> Option<Leader> {
        clause::pair(&self.query.clauses, self.query.kind)
            .map(|(patient, code)| Leader::Pair(patient, code))
    }

    /// What leads without counting: a patient and a code, or the patient alone where the order is by date.
    pub fn known(&self) -> Option<Leader> {
        self.pair().or_else(|| self.dated())
    }

    fn dated(&self) -> Option<Leader> {
        let [key] = self.query.sort.as_slice() else {
            return None;
        };
        let SortKey::Param { param, .. } = key.by else {
            return None;
        };
        let kind = self.query.kind;
        let patient = |c| clause::one_patient(c, kind).is_some();
        (dated_by_patient(param) && fhir::index::repeated(kind, param).is_empty())
            .then(|| self.query.clauses.iter().position(patient))
            .flatten()
            .map(Leader::Dated)
    }

    /// Whether a leader gives its records in their order; a record may then come twice in a row.
    pub fn streams(&self, leader: Leader) -> bool {
        match leader {
            Leader::Streamed(_) => true,
            Leader::Pair(patient, code) => {
                let clauses = &self.query.clauses;
                self.query.sort.is_empty()
                    && clauses
                        .get(patient)
                        .zip(clauses.get(code))
                        .is_some_and(|(p, c)| clause::pair_streams(p, c, self.query.kind))
            }
            Leader::Dated(_) | Leader::Rare(_) | Leader::Scan => false,
        }
    }

    /// What leads when no condition is rare.
    pub fn without_rare(&self) -> Leader {
        let streamed = self.query.clauses.iter().position(clause::streamed);
        match streamed {
            Some(n) if self.query.sort.is_empty() => Leader::Streamed(n),
            _ => Leader::Scan,
        }
    }

    /// The records a leader gives, and the clauses that all of them satisfy.
    fn led(&self, leader: Leader, scope: &Scope<'_>, binds: &mut Binds) -> Led {
        let clauses = &self.query.clauses;
        match leader {
            Leader::Scan => None,
            Leader::Dated(n) | Leader::Rare(n) | Leader::Streamed(n) => {
                let found = clause::records(clauses.get(n)?, scope, binds)?;
                let skip = if found.exact { vec![n] } else { Vec::new() };
                Some((found.records, skip))
            }
            Leader::Pair(patient, code) => {
                let (p, c) = (clauses.get(patient)?, clauses.get(code)?);
                let found = clause::paired(p, c, scope, binds)?;
                Some((found.records, vec![patient, code]))
            }
        }
    }

    /// FROM and WHERE: every record that matches and may be read. With `stream`, a record may come twice in a row.
    fn body(&self, leader: Leader, stream: bool, binds: &mut Binds) -> (String, String) {
        let scope = self.scope(binds);
        let join = self.dialect.join();
        let led = self.led(leader, &scope, binds);
        let index = match self.query.sort.as_slice() {
            [s] if s.by == SortKey::LastUpdated => "record_changed",
            _ => "record_order",
        };
        let from = match &led {
            None => format!("record r{}", self.dialect.indexed_by(index)),
            Some((records, _)) if stream => {
                format!("({records}) d {join} record r ON r.record = d.record")
            }
            Some((records, _)) => format!(
                "(SELECT DISTINCT record FROM ({records}) AS found) d {join} record r ON r.record = d.record"
            ),
        };
        let skip = led.map_or_else(Vec::new, |(_, skip)| skip);
        let which = self.which(&skip, &scope, binds);
        (from, which)
    }

    /// WHERE: every record that satisfies the clauses, but for those of the places `skip`, and may be read.
    fn which(&self, skip: &[usize], scope: &Scope<'_>, binds: &mut Binds) -> String {
        let mut all = vec![
            format!("r.hospital = {}", scope.hospital),
            format!("r.kind = {}", scope.kind),
            "r.deleted = 0".to_owned(),
        ];
        for (n, c) in self.query.clauses.iter().enumerate() {
            if !skip.contains(&n) {
                all.push(clause::holds(c, scope, binds));
            }
        }
        all.push(condition_at(self.permit, self.hospital, CURRENT, binds));
        all.join(" AND ")
    }

    /// The place of the clause and the patient of a leader by date.
    fn of_patient(&self, leader: Leader) -> Option<(usize, &str)> {
        let Leader::Dated(n) = leader else {
            return None;
        };
        Some((
            n,
            clause::one_patient(self.query.clauses.get(n)?, self.query.kind)?,
        ))
    }

    pub fn count(&self, leader: Leader) -> Statement {
        // A stream may give a record twice; as a set it does not.
        let mut binds = self.dialect.binds();
        let (from, which) = self.body(leader, false, &mut binds);
        binds.statement(format!("SELECT count(*) FROM {from} WHERE {which}"))
    }

    /// The statements that give the places after one, in order and one statement after the other: the record's
    /// number, then the sort keys. A record may come twice in a row.
    pub fn places(
        &self,
        leader: Leader,
        after: Option<&Place>,
    ) -> Result<Vec<Statement>, StoreError> {
        let sort = self.query.sort.as_slice();
        if let Some(p) = after
            && p.keys.len() != sort.len()
        {
            return Err(StoreError::Cursor);
        }
        if matches!(leader, Leader::Scan | Leader::Dated(_))
            && let [key] = sort
            && let SortKey::Param { param, kind } = key.by
            && let Some(column) = value::sort_column(kind)
            && fhir::index::repeated(self.query.kind, param).is_empty()
        {
            return Ok(self.by_value(leader, param, column, key.descending, after));
        }
        if let Some(text) = self.sorted_first(leader, after)? {
            return Ok(vec![text]);
        }
        let mut binds = self.dialect.binds();
        let stream = self.streams(leader);
        let (from, which) = self.body(leader, stream, &mut binds);
        let number = if stream { "d.record" } else { "r.record" };
        let kind = self.query.kind;
        let text = sort::ordered(sort, kind, number, &from, &which, after, &mut binds)?;
        Ok(vec![binds.statement(text)])
    }

    /// As [`Self::places`] for a leader that [streams](Self::streams), with the content: the record's number, then
    /// [`records::COLUMNS`] and the id.
    pub fn page(&self, leader: Leader, after: Option<&Place>) -> Option<Statement> {
        if !self.query.sort.is_empty() || !self.streams(leader) {
            return None;
        }
        let mut binds = self.dialect.binds();
        let (from, which) = self.body(leader, true, &mut binds);
        let on = after.map_or_else(String::new, |p| {
            format!(" AND d.record > {}", binds.bind(p.record))
        });
        let text = format!(
            "SELECT d.record, {}, r.id FROM {from} {} version v ON v.row = r.current WHERE {which}{on} ORDER BY d.record",
            records::COLUMNS,
            self.dialect.join(),
        );
        Some(binds.statement(text))
    }

    /// On PostgreSQL, where a look at a record costs most: the records that all conditions lead to, sorted by values of
    /// the index before any of them is looked at; none where that is not what is asked.
    fn sorted_first(
        &self,
        leader: Leader,
        after: Option<&Place>,
    ) -> Result<Option<Statement>, StoreError> {
        let sort = self.query.sort.as_slice();
        let by_values = sort.iter().all(|s| matches!(s.by, SortKey::Param { .. }));
        if sort.is_empty() || !by_values || !matches!(self.dialect, Dialect::Postgres(_)) {
            return Ok(None);
        }
        let mut binds = self.dialect.binds();
        let scope = self.scope(&mut binds);
        let Some((records, satisfied)) = self.led(leader, &scope, &mut binds) else {
            return Ok(None);
        };
        if satisfied.len() < self.query.clauses.len() {
            return Ok(None);
        }
        let which = format!(
            "r.hospital = {} AND r.kind = {} AND r.deleted = 0 AND {}",
            scope.hospital,
            scope.kind,
            condition_at(self.permit, self.hospital, CURRENT, &mut binds)
        );
        let kind = self.query.kind;
        let text = sort::sorted_first(sort, kind, &records, &which, after, &mut binds)?;
        Ok(Some(binds.statement(text)))
    }

    /// The records of a leader in the order of one parameter, read off its index: first those that have a value, then the
    /// rest.
    fn by_value(
        &self,
        leader: Leader,
        param: ParamId,
        column: value::Column,
        descending: bool,
        after: Option<&Place>,
    ) -> Vec<Statement> {
        let key = after.and_then(|p| p.keys.first().map(|k| (k, p.record)));
        let mut out = Vec::new();
        if !matches!(key, Some((Value::Null, _))) {
            let mut binds = self.dialect.binds();
            let scope = self.scope(&mut binds);
            let skip = self.of_patient(leader).map(|(n, _)| n);
            let which = self.which(skip.as_slice(), &scope, &mut binds);
            let values = sort::Values {
                column,
                patient: self
                    .of_patient(leader)
                    .map(|(_, id)| binds.bind(id.to_owned())),
                param: value::param(param, &mut binds),
            };
            let text = sort::with_value(&values, &scope, &which, descending, key, &mut binds);
            out.push(binds.statement(text));
        }
        let mut binds = self.dialect.binds();
        let (from, which) = self.body(leader, false, &mut binds);
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
        out.push(binds.statement(text));
        out
    }
}
