//! `_include` and `_revinclude` (FHIR R4 §3.1.1.5.4), each included resource under the permit, and bounded.
//!
//! A back end asks for a [`Round`], runs its statements, gives the keys back, reads what is new, and asks again.

use std::collections::HashSet;

use fhir::search::Query;
use fhir::search::query::Include;
use kernel::{HospitalId, Kind, RecordKey, ResourceId, limits};

use super::value;
use crate::sql::{Dialect, Statement};
use crate::{StoreError, Stored};

/// How often `:iterate` goes on from what was included.
const ROUNDS_MAX: usize = 8;

/// The statements of one round: each gives rows of kind and id.
pub(crate) struct Round {
    pub statements: Vec<Statement>,
    pub keys: Vec<RecordKey>,
}

impl Round {
    /// Takes one row. References to no valid key lead nowhere and are passed over.
    pub fn take(&mut self, hospital: &HospitalId, kind: &str, id: &str) -> Result<(), StoreError> {
        if let (Ok(kind), Ok(id)) = (Kind::new(kind), ResourceId::new(id)) {
            self.keys.push(RecordKey::new(hospital.clone(), kind, id));
        }
        // Unreadable ones count too: the bound is on work, and must not tell how many may be read.
        if self.keys.len() > limits::INCLUDES_MAX * 4 {
            return Err(StoreError::TooMuch {
                what: "references to include",
            });
        }
        Ok(())
    }
}

/// What was included so far.
pub(crate) struct Includes<'a> {
    dialect: &'a Dialect,
    hospital: &'a HospitalId,
    query: &'a Query,
    seen: HashSet<RecordKey>,
    from: Vec<RecordKey>,
    round: usize,
    pub included: Vec<Stored>,
}

impl<'a> Includes<'a> {
    pub fn new(
        dialect: &'a Dialect,
        hospital: &'a HospitalId,
        query: &'a Query,
        matches: &[Stored],
    ) -> Self {
        Self {
            dialect,
            hospital,
            query,
            seen: matches.iter().map(|m| m.key.clone()).collect(),
            from: matches.iter().map(|m| m.key.clone()).collect(),
            round: 0,
            included: Vec::new(),
        }
    }

    /// The next round, while there is anything to go on from.
    pub fn round(&mut self) -> Option<Round> {
        if self.round == ROUNDS_MAX || self.from.is_empty() {
            return None;
        }
        let first = self.round == 0;
        self.round += 1;
        let mut statements = Vec::new();
        for i in self.query.includes.iter().filter(|i| first || i.iterate) {
            for key in self.from.iter().filter(|k| k.kind.as_str() == i.source) {
                statements.push(self.forward(key, i));
            }
        }
        for i in self.query.revincludes.iter().filter(|i| first || i.iterate) {
            let wanted = |k: &&RecordKey| i.target.is_none_or(|t| k.kind.as_str() == t);
            for key in self.from.iter().filter(wanted) {
                statements.push(self.backward(key, i));
            }
        }
        self.from.clear();
        Some(Round {
            statements,
            keys: Vec::new(),
        })
    }

    /// The keys of a round that were not seen before: to be read.
    pub fn fresh(&mut self, round: Round) -> Vec<RecordKey> {
        let mut keys = round.keys;
        keys.retain(|k| self.seen.insert(k.clone()));
        keys
    }

    /// Takes what was read of them.
    pub fn add(&mut self, found: Stored) -> Result<(), StoreError> {
        if found.deleted {
            return Ok(());
        }
        if self.included.len() == limits::INCLUDES_MAX {
            return Err(StoreError::TooMuch {
                what: "included resources",
            });
        }
        self.from.push(found.key.clone());
        self.included.push(found);
        Ok(())
    }

    /// What the record points at.
    fn forward(&self, key: &RecordKey, i: &Include) -> Statement {
        let mut binds = self.dialect.binds();
        let mut text = format!(
            "SELECT i.target_kind, i.target FROM index_reference i WHERE i.record = (SELECT record FROM record \
             WHERE hospital = {} AND kind = {} AND id = {}) AND i.param = {} AND i.identifier = 0 AND i.base IS NULL \
             AND i.target_kind IS NOT NULL",
            binds.hospital(self.hospital.as_str()),
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
        binds.statement(text)
    }

    /// What points at the record.
    fn backward(&self, key: &RecordKey, i: &Include) -> Statement {
        let mut binds = self.dialect.binds();
        let source = binds.bind(i.source.to_owned());
        let text = format!(
            "SELECT {source}, r.id FROM index_reference i {} record r ON r.record = i.record \
             WHERE i.hospital = {} AND i.kind = {} AND i.param = {} AND i.target = {} AND i.target_kind = {} \
             AND i.base IS NULL AND i.identifier = 0 ORDER BY i.record",
            self.dialect.join(),
            binds.hospital(self.hospital.as_str()),
            binds.kind(i.source),
            value::param(i.param, &mut binds),
            binds.bind(key.id.as_str().to_owned()),
            binds.bind(key.kind.as_str().to_owned()),
        );
        binds.statement(text)
    }
}
