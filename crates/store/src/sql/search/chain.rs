//! Chains that lead to a few resources are looked up first: the search then asks for references to just these, as a client
//! would that knew their ids. The look-up is under the permit and in the same snapshot.

use fhir::search::Query;
use fhir::search::query::{Clause, Match, RefTest};

use super::{Search, clause};
use crate::sql::Statement;

/// A chain that leads to more resources than this is left as it is.
const TARGETS_MAX: usize = 10;

/// The chains of a search, one after the other.
pub(crate) struct Chains<'s, 'a> {
    search: &'s Search<'a>,
    query: Option<Query>,
}

/// One step of one chain.
pub(crate) struct Step {
    clause: usize,
    kinds: Vec<&'static str>,
    /// For each kind: the ids it leads to.
    pub statements: Vec<Statement>,
}

impl<'s, 'a> Chains<'s, 'a> {
    pub const fn new(search: &'s Search<'a>) -> Self {
        Self {
            search,
            query: None,
        }
    }

    /// The chains that may be made simpler.
    pub fn steps(&self) -> Vec<Step> {
        let clauses = &self.search.query.clauses;
        (0..clauses.len()).filter_map(|n| self.step(n)).collect()
    }

    fn step(&self, n: usize) -> Option<Step> {
        let Clause::Chain { any_of, .. } = self.search.query.clauses.get(n)? else {
            return None;
        };
        let statements: Option<Vec<_>> = any_of
            .iter()
            .map(|(kind, inner)| {
                let mut binds = self.search.dialect.binds();
                let target = self.search.target(kind, &mut binds);
                let text = clause::target_ids(inner, &target, TARGETS_MAX + 1, &mut binds)?;
                Some(binds.statement(text))
            })
            .collect();
        Some(Step {
            clause: n,
            kinds: any_of.iter().map(|(kind, _)| *kind).collect(),
            statements: statements?,
        })
    }

    /// Takes the ids that each statement of a step gave.
    pub fn take(&mut self, step: &Step, ids: Vec<Vec<String>>) {
        let found: usize = ids.iter().map(Vec::len).sum();
        if found > TARGETS_MAX {
            return;
        }
        let query = self.query.get_or_insert_with(|| self.search.query.clone());
        let Some(Clause::Chain { param, .. }) = query.clauses.get(step.clause) else {
            return;
        };
        let any_of: Vec<Match> = step
            .kinds
            .iter()
            .zip(ids)
            .flat_map(|(kind, ids)| {
                ids.into_iter()
                    .map(|id| Match::Reference(RefTest::Local { kind, id }))
            })
            .collect();
        // Led nowhere, it holds for nothing: as an id that nothing has.
        let simpler = if any_of.is_empty() {
            Clause::Id(vec![String::new()])
        } else {
            Clause::Param {
                param: *param,
                not: false,
                any_of,
            }
        };
        if let Some(clause) = query.clauses.get_mut(step.clause) {
            *clause = simpler;
        }
    }

    /// The simpler query, if there is one.
    pub fn query(self) -> Option<Query> {
        self.query
    }
}
