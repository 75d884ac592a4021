//! One condition of a search as SQL: as a test of a given record, or as the set of records that satisfy it.

use agreements::Permit;
use fhir::search::params::{self, ParamId};
use fhir::search::query::{Clause, Match, RefTest};
use fhir::search::range::RangeKind;
use kernel::HospitalId;

use super::value;
use crate::sql::Binds;
use crate::sql::index::{self, TABLES};
use crate::sql::permit::{TARGET, condition_at};

/// Whose records of which kind are searched, both as SQL, and for whom.
pub(super) struct Scope<'a> {
    pub hospital: String,
    pub kind: String,
    pub kind_name: &'static str,
    /// The name that `record` has in the statement: `r`, or `t` for what a chain leads to.
    pub record: &'static str,
    /// Holds for what a chain leads to as well: what may not be read is not found through it.
    pub permit: &'a Permit,
    pub custodian: &'a HospitalId,
    /// The first and the last record that can match, as SQL, where they are known.
    pub window: Option<(String, String)>,
}

impl Scope<'_> {
    /// What is left of the records that the column numbers.
    fn within(&self, column: &str) -> String {
        self.window
            .as_ref()
            .map_or_else(String::new, |(first, last)| {
                format!(" AND {column} >= {first} AND {column} <= {last}")
            })
    }

    /// The scope of what a chain leads to, in the same hospital.
    fn target(&self, kind: &'static str, binds: &mut Binds) -> Self {
        Self {
            hospital: self.hospital.clone(),
            kind: binds.kind(kind),
            kind_name: kind,
            record: "t",
            permit: self.permit,
            custodian: self.custodian,
            window: None,
        }
    }
}

/// The condition on `record` as the scope names it.
pub(super) fn holds(c: &Clause, scope: &Scope<'_>, binds: &mut Binds) -> String {
    let r = scope.record;
    match c {
        Clause::Id(ids) => {
            let ids: Vec<String> = ids.iter().map(|id| binds.bind(id.clone())).collect();
            format!("{r}.id IN ({})", ids.join(", "))
        }
        Clause::LastUpdated(ranges) => {
            let any: Vec<String> = ranges
                .iter()
                .map(|range| {
                    value::ends(
                        range,
                        RangeKind::HalfOpen,
                        &format!("{r}.at"),
                        &format!("({r}.at + 1)"),
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
            let any: Vec<String> = any_of.iter().map(|m| exists(r, *param, m, binds)).collect();
            let not = if *not { "NOT " } else { "" };
            format!("{not}({})", any.join(" OR "))
        }
        Clause::Chain { param, any_of } => {
            let any: Vec<String> = any_of
                .iter()
                .map(|(kind, inner)| leads_to(*param, kind, inner, scope, binds))
                .collect();
            format!("({})", any.join(" OR "))
        }
    }
}

/// Whether a reference of the record leads to a readable record of this kind for which the clause holds.
fn leads_to(
    param: ParamId,
    kind: &'static str,
    inner: &Clause,
    scope: &Scope<'_>,
    binds: &mut Binds,
) -> String {
    let target = scope.target(kind, binds);
    format!(
        "EXISTS (SELECT 1 FROM index_reference c {join} record t ON t.hospital = {h} AND t.kind = {k} \
         AND t.id = c.target WHERE c.record = {r}.record AND c.param = {number} AND c.identifier = 0 \
         AND c.base IS NULL AND c.target_kind = {name} AND t.deleted = 0 AND {holds} AND {may})",
        join = binds.dialect.join(),
        h = target.hospital,
        k = target.kind,
        r = scope.record,
        number = value::param(param, binds),
        name = binds.bind(kind.to_owned()),
        holds = holds(inner, &target, binds),
        may = condition_at(scope.permit, scope.custodian, TARGET, binds),
    )
}

/// The records whose reference leads to a readable record of this kind for which the clause holds.
fn led_to(
    param: ParamId,
    kind: &'static str,
    inner: &Clause,
    scope: &Scope<'_>,
    binds: &mut Binds,
) -> Option<String> {
    let (from, which) = targets(inner, &scope.target(kind, binds), binds)?;
    Some(format!(
        "SELECT c.record AS record FROM {from} \
         {join} index_reference c ON c.hospital = {h} AND c.kind = {k} AND c.param = {number} AND c.target = t.id \
         WHERE c.target_kind = {name} AND c.base IS NULL AND c.identifier = 0 AND {which}{within}",
        join = binds.dialect.join(),
        h = scope.hospital,
        k = scope.kind,
        number = value::param(param, binds),
        name = binds.bind(kind.to_owned()),
        within = scope.within("c.record"),
    ))
}

/// The readable records `t` that a chain may lead to for which the clause holds: FROM and WHERE.
fn targets(inner: &Clause, target: &Scope<'_>, binds: &mut Binds) -> Option<(String, String)> {
    let found = records(inner, target, binds)?;
    let rest = if found.exact {
        "TRUE".to_owned()
    } else {
        holds(inner, target, binds)
    };
    let from = format!(
        "(SELECT DISTINCT record FROM ({}) AS inner_found) f {} record t ON t.record = f.record",
        found.records,
        binds.dialect.join(),
    );
    let which = format!(
        "t.hospital = {} AND t.kind = {} AND t.deleted = 0 AND {rest} AND {}",
        target.hospital,
        target.kind,
        condition_at(target.permit, target.custodian, TARGET, binds),
    );
    Some((from, which))
}

/// The ids of what a chain leads to, at most `most`; none when the index does not lead there.
pub(super) fn target_ids(
    inner: &Clause,
    target: &Scope<'_>,
    most: usize,
    binds: &mut Binds,
) -> Option<String> {
    let (from, which) = targets(inner, target, binds)?;
    Some(format!(
        "SELECT t.id FROM {from} WHERE {which} LIMIT {most}"
    ))
}

/// Whether the record has any entry of the parameter.
fn present(param: ParamId, scope: &Scope<'_>, binds: &mut Binds) -> String {
    let number = value::params(param, scope.kind_name, binds);
    let one = params::find(scope.kind_name, param.code())
        .and_then(|p| value::sort_column(p.kind))
        .map(|c| c.table);
    let tables = one.map_or_else(|| TABLES.iter().map(|t| t.name).collect(), |t| vec![t]);
    let any: Vec<String> = tables
        .iter()
        .map(|t| {
            format!(
                "EXISTS (SELECT 1 FROM {t} i WHERE i.record = {}.record AND i.param {number})",
                scope.record
            )
        })
        .collect();
    format!("({})", any.join(" OR "))
}

/// Whether the record has an entry that matches.
fn exists(r: &str, param: ParamId, m: &Match, binds: &mut Binds) -> String {
    match m {
        Match::All(parts) => {
            let all: Vec<String> = parts.iter().map(|(p, m)| exists(r, *p, m, binds)).collect();
            format!("({})", all.join(" AND "))
        }
        Match::Group(parts) => {
            let number = value::param(param, binds);
            let (from, on) = group(parts, binds);
            format!(
                "EXISTS (SELECT 1 FROM {from} WHERE g0.record = {r}.record AND g0.param = {number} AND {on})"
            )
        }
        _ => {
            let Some(table) = value::table(m) else {
                return "FALSE".to_owned();
            };
            let number = value::param(param, binds);
            let test = value::test(m, "i", binds);
            format!(
                "EXISTS (SELECT 1 FROM {table} i WHERE i.record = {r}.record AND i.param = {number} AND {test})"
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
pub(super) fn records(c: &Clause, scope: &Scope<'_>, binds: &mut Binds) -> Option<Found> {
    let r = scope.record;
    match c {
        Clause::Id(_) => Some(Found {
            records: format!(
                "SELECT {r}.record AS record FROM record {r} WHERE {r}.hospital = {} AND {r}.kind = {} AND {}",
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
                exact: !any_of
                    .iter()
                    .any(|m| matches!(m, Match::All(parts) if parts.len() > 1)),
            })
        }
        Clause::Chain { param, any_of } => {
            let any: Option<Vec<String>> = any_of
                .iter()
                .map(|(kind, inner)| led_to(*param, kind, inner, scope, binds))
                .collect();
            Some(Found {
                records: any?.join(" UNION ALL "),
                exact: true,
            })
        }
        _ => None,
    }
}

fn selected(param: ParamId, m: &Match, scope: &Scope<'_>, binds: &mut Binds) -> Option<String> {
    let number = value::param(param, binds);
    let (h, k) = (&scope.hospital, &scope.kind);
    if let Match::Group(parts) = m {
        let (from, on) = group(parts, binds);
        return Some(format!(
            "SELECT g0.record AS record FROM {from} WHERE g0.hospital = {h} AND g0.kind = {k} AND g0.param = {number} AND {on}{}",
            scope.within("g0.record")
        ));
    }
    let table = value::table(m)?;
    let test = value::test(m, "i", binds);
    Some(format!(
        "SELECT i.record AS record FROM {table} i WHERE i.hospital = {h} AND i.kind = {k} AND i.param = {number} AND {test}{}",
        scope.within("i.record")
    ))
}

/// How many ranges of the index a pair of conditions may be looked for in.
const RANGES_MAX: usize = 20;

/// The patients that a condition asks for by their ids, when it asks for nothing else.
fn patients<'c>(c: &'c Clause, kind: &str) -> Option<Vec<&'c str>> {
    let Clause::Param {
        param,
        not: false,
        any_of,
    } = c
    else {
        return None;
    };
    if !fhir::index::names_the_patient(kind, *param) {
        return None;
    }
    let one = |m: &'c Match| match m {
        Match::Reference(RefTest::Local {
            kind: "Patient",
            id,
        }) => Some(id.as_str()),
        Match::Reference(RefTest::Id { kinds, id }) if kinds[..] == ["Patient"] => {
            Some(id.as_str())
        }
        _ => None,
    };
    any_of.iter().map(one).collect()
}

/// The one patient that a condition asks for by id, when it asks for nothing else.
pub(super) fn one_patient<'c>(c: &'c Clause, kind: &str) -> Option<&'c str> {
    match patients(c, kind)?.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

/// The parameter and the values of a condition on codes that stand in the index with their patient.
fn codes(c: &Clause) -> Option<(ParamId, &[Match])> {
    match c {
        Clause::Param {
            param,
            not: false,
            any_of,
        } if index::with_patient(*param)
            && any_of
                .iter()
                .all(|m| matches!(m, Match::Token { code: Some(_), .. })) =>
        {
            Some((*param, any_of))
        }
        _ => None,
    }
}

/// Two conditions that one index answers together: the patient's and one on codes, by their places.
pub(super) fn pair(all: &[Clause], kind: &str) -> Option<(usize, usize)> {
    let patient = all.iter().position(|c| patients(c, kind).is_some())?;
    let code = all.iter().position(|c| codes(c).is_some())?;
    let ranges = patients(all.get(patient)?, kind)?.len() * codes(all.get(code)?)?.1.len();
    (1..=RANGES_MAX)
        .contains(&ranges)
        .then_some((patient, code))
}

/// Whether a pair is one range, in the order of the records.
pub(super) fn pair_streams(patient: &Clause, code: &Clause, kind: &str) -> bool {
    one_patient(patient, kind).is_some() && codes(code).is_some_and(|(_, any_of)| any_of.len() == 1)
}

/// The records that satisfy both conditions of a [`pair`].
pub(super) fn paired(
    patient: &Clause,
    code: &Clause,
    scope: &Scope<'_>,
    binds: &mut Binds,
) -> Option<Found> {
    let (param, any_of) = codes(code)?;
    let number = value::param(param, binds);
    let indexed = binds.dialect.indexed_by("index_token_patient");
    let (h, k) = (&scope.hospital, &scope.kind);
    let mut any = Vec::new();
    for id in patients(patient, scope.kind_name)? {
        let id = binds.bind(id.to_owned());
        for m in any_of {
            let test = value::test(m, "i", binds);
            any.push(format!(
                "SELECT i.record AS record FROM index_token i{indexed} WHERE i.hospital = {h} AND i.kind = {k} \
                 AND i.patient = {id} AND i.param = {number} AND {test}"
            ));
        }
    }
    Some(Found {
        records: any.join(" UNION ALL "),
        exact: true,
    })
}

/// How many ordered ranges of the index are merged.
const MERGED_MAX: usize = 4;

/// Whether the index rows of a clause come in the order of their records: one range of the index, or a few that are merged.
pub(super) fn streamed(c: &Clause) -> bool {
    match c {
        Clause::Param {
            not: false, any_of, ..
        } => (1..=MERGED_MAX).contains(&any_of.len()) && any_of.iter().all(value::streams),
        _ => false,
    }
}
