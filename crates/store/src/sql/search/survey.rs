//! What leads a search, asked of PostgreSQL in one statement, because each question costs a round trip: where all
//! conditions may match, and how many rows of the index each of them has there.

use fhir::search::query::Clause;

use super::{Search, clause};
use crate::sql::Statement;

/// The question and what its one row holds.
pub(crate) struct Survey {
    /// Gives the first and the last record of the window, then one number for each of `clauses`.
    pub statement: Statement,
    /// The conditions that are counted.
    pub clauses: Vec<usize>,
    /// Whether the window was looked for; otherwise the row does not tell.
    pub windowed: bool,
}

impl Search<'_> {
    /// Counts the rows of each condition within the window, at most `most`, and looks for the window first unless it is
    /// known; none when the index leads to no condition.
    pub fn survey(&self, most: i64) -> Option<Survey> {
        let mut binds = self.dialect.binds();
        let mut scope = self.scope(&mut binds);
        let all = &self.query.clauses;
        let streamed: Vec<&Clause> = all.iter().filter(|c| clause::streamed(c)).collect();
        let windowed = self.window.is_none() && streamed.len() > 1;
        // PostgreSQL takes no value that does not stand in the text.
        let window = if windowed {
            let ends = streamed
                .iter()
                .filter_map(|c| clause::records(c, &scope, &mut binds))
                .map(|found| found.records)
                .collect::<Vec<String>>();
            scope.window = Some(("w.first".to_owned(), "w.last".to_owned()));
            window(&ends)
        } else {
            "SELECT NULL::int8 AS first, NULL::int8 AS last".to_owned()
        };
        let (clauses, counts): (Vec<usize>, Vec<String>) = all
            .iter()
            .enumerate()
            .filter_map(|(n, c)| {
                let bound = binds.values.len();
                let Some(found) = clause::records(c, &scope, &mut binds) else {
                    binds.values.truncate(bound);
                    return None;
                };
                let records = found.records;
                Some((n, format!(
                    "(SELECT count(*) FROM (SELECT 1 FROM ({records}) AS found LIMIT {most}) AS few)"
                )))
            })
            .unzip();
        if clauses.is_empty() {
            return None;
        }
        let text = format!(
            "WITH w AS MATERIALIZED ({window}) SELECT w.first, w.last, {} FROM w",
            counts.join(", ")
        );
        Some(Survey {
            statement: binds.statement(text),
            clauses,
            windowed,
        })
    }
}

/// From the last of their first records to the first of their last ones; empty when one of them has none.
fn window(all: &[String]) -> String {
    let end = |direction: &str, otherwise: i64| {
        let ends: Vec<String> = all
            .iter()
            .map(|records| {
                format!(
                    "coalesce((SELECT record FROM ({records}) AS few ORDER BY record {direction} LIMIT 1), {otherwise})"
                )
            })
            .collect();
        ends.join(", ")
    };
    format!(
        "SELECT greatest({}) AS first, least({}) AS last",
        end("ASC", i64::MAX),
        end("DESC", -1),
    )
}
