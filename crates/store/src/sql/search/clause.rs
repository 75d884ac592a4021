//! One condition of a search as SQL: as a test of a given record, or as the set of records that satisfy it.

use fhir::search::params::{self, ParamId};
use fhir::search::query::{Clause, Match};
use fhir::search::range::RangeKind;

use super::value;
use crate::sql::Binds;
use crate::sql::index::TABLES;

/// Whose records of which kind are searched; both as SQL.
pub(super) struct Scope {
    pub hospital: String,
    pub kind: String,
    pub kind_name: &'static str,
}

/// The condition on `record AS r`.
pub(super) fn holds(c: &Clause, scope: &Scope, binds: &mut Binds) -> String {
    match c {
        Clause::Id(ids) => {
            let ids: Vec<String> = ids.iter().map(|id| binds.bind(id.clone())).collect();
            format!("r.id IN ({})", ids.join(", "))
        }
        Clause::LastUpdated(ranges) => {
            let any: Vec<String> = ranges
                .iter()
                .map(|r| {
                    value::ends(
                        r,
                        RangeKind::HalfOpen,
                        "r.at",
                        "(r.at + 1)",
                        Into::into,
                        binds,
                    )
                })
                .collect();
            format!("({})", any.join(" OR "))
        }
        Clause::Missing { param, missing } => {
            let not = if *missing { "NOT " } else { "" };
            format!("{not}{}", present(*param, scope, binds))
        }
        Clause::Param { param, not, any_of } => {
            let any: Vec<String> = any_of.iter().map(|m| exists(*param, m, binds)).collect();
            let not = if *not { "NOT " } else { "" };
            format!("{not}({})", any.join(" OR "))
        }
    }
}

/// Whether the record has any entry of the parameter.
fn present(param: ParamId, scope: &Scope, binds: &mut Binds) -> String {
    let number = value::param(param, binds);
    let one = params::find(scope.kind_name, param.code())
        .and_then(|p| value::sort_column(p.kind))
        .map(|c| c.table);
    let tables = one.map_or_else(|| TABLES.iter().map(|t| t.name).collect(), |t| vec![t]);
    let any: Vec<String> = tables
        .iter()
        .map(|t| {
            format!("EXISTS (SELECT 1 FROM {t} i WHERE i.record = r.record AND i.param = {number})")
        })
        .collect();
    format!("({})", any.join(" OR "))
}

/// Whether the record has an entry that matches.
fn exists(param: ParamId, m: &Match, binds: &mut Binds) -> String {
    match m {
        Match::All(parts) => {
            let all: Vec<String> = parts.iter().map(|(p, m)| exists(*p, m, binds)).collect();
            format!("({})", all.join(" AND "))
        }
        Match::Group(parts) => {
            let number = value::param(param, binds);
            let (from, on) = group(parts, binds);
            format!(
                "EXISTS (SELECT 1 FROM {from} WHERE g0.record = r.record AND g0.param = {number} AND {on})"
            )
        }
        _ => {
            let Some(table) = value::table(m) else {
                return "FALSE".to_owned();
            };
            let number = value::param(param, binds);
            let test = value::test(m, "i", binds);
            format!(
                "EXISTS (SELECT 1 FROM {table} i WHERE i.record = r.record AND i.param = {number} AND {test})"
            )
        }
    }
}

/// The parts of a composite joined on the element they stand in: FROM and WHERE.
fn group(parts: &[Match], binds: &mut Binds) -> (String, String) {
    let mut from = String::new();
    let mut on = Vec::new();
    for (n, part) in parts.iter().enumerate() {
        let Some(table) = value::table(part) else {
            return ("index_token g0".to_owned(), "FALSE".to_owned());
        };
        if n > 0 {
            from.push_str(" CROSS JOIN ");
            on.push(format!(
                "g{n}.record = g0.record AND g{n}.param = g0.param AND g{n}.grp = g0.grp"
            ));
        }
        from.push_str(&format!("{table} g{n}"));
        on.push(format!("g{n}.part = {n}"));
        on.push(value::test(part, &format!("g{n}"), binds));
    }
    (from, on.join(" AND "))
}

/// Records found through the index.
pub(super) struct Found {
    /// A SELECT of their numbers; a record may come more than once.
    pub records: String,
    /// Every one of them satisfies the clause. Otherwise the clause is tested on each.
    pub exact: bool,
}

/// All records that satisfy the clause; none when the index does not lead there (a negation, a missing parameter).
pub(super) fn records(c: &Clause, scope: &Scope, binds: &mut Binds) -> Option<Found> {
    match c {
        Clause::Id(_) => Some(Found {
            records: format!(
                "SELECT r.record AS record FROM record r WHERE r.hospital = {} AND r.kind = {} AND {}",
                scope.hospital,
                scope.kind,
                holds(c, scope, binds)
            ),
            exact: true,
        }),
        Clause::Param {
            param,
            not: false,
            any_of,
        } => {
            let any: Vec<String> = any_of
                .iter()
                .filter_map(|m| match m {
                    // A composite over several parameters: what its first part finds holds them all.
                    Match::All(parts) => {
                        let (first, m) = parts.first()?;
                        selected(*first, m, scope, binds)
                    }
                    _ => selected(*param, m, scope, binds),
                })
                .collect();
            (any.len() == any_of.len() && !any.is_empty()).then(|| Found {
                records: any.join(" UNION ALL "),
                exact: !any_of.iter().any(|m| matches!(m, Match::All(_))),
            })
        }
        _ => None,
    }
}

fn selected(param: ParamId, m: &Match, scope: &Scope, binds: &mut Binds) -> Option<String> {
    let number = value::param(param, binds);
    let (h, k) = (&scope.hospital, &scope.kind);
    if let Match::Group(parts) = m {
        let (from, on) = group(parts, binds);
        return Some(format!(
            "SELECT g0.record AS record FROM {from} WHERE g0.hospital = {h} AND g0.kind = {k} AND g0.param = {number} AND {on}"
        ));
    }
    let table = value::table(m)?;
    let test = value::test(m, "i", binds);
    Some(format!(
        "SELECT i.record AS record FROM {table} i WHERE i.hospital = {h} AND i.kind = {k} AND i.param = {number} AND {test}"
    ))
}

/// The single match of a clause whose index rows come in the order of their records.
pub(super) fn streamed(c: &Clause) -> bool {
    matches!(c, Clause::Param { not: false, any_of, .. } if matches!(any_of.as_slice(), [m] if value::streams(m)))
}
