//! What one entry of the index must satisfy, as SQL over the table that holds it.

use fhir::search::params::{ParamId, ParamType};
use fhir::search::query::{Match, RefTest, StrTest, SystemTest};
use fhir::search::range::{End, Op, Prefix, RangeKind, RangeTest};

use crate::sql::{Binds, Value};

/// The table a match is tested in; none for composites, which test several.
pub(super) fn table(m: &Match) -> Option<&'static str> {
    Some(match m {
        Match::Token { .. } | Match::TokenText(_) => "index_token",
        Match::Str { .. } => "index_string",
        Match::Date(_) => "index_date",
        Match::Number(_) => "index_number",
        Match::Quantity { .. } => "index_quantity",
        Match::Reference(_) | Match::Identifier { .. } => "index_reference",
        Match::Uri { .. } => "index_uri",
        Match::All(_) | Match::Group(_) => return None,
    })
}

/// Where a parameter's values stand in order: `index` has the column, then the record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub table: &'static str,
    pub column: &'static str,
    pub index: &'static str,
}

/// What a parameter is sorted by.
pub(super) fn sort_column(kind: ParamType) -> Option<Column> {
    let of = |table, column, index| {
        Some(Column {
            table,
            column,
            index,
        })
    };
    match kind {
        ParamType::Token => of("index_token", "code", "index_token_value"),
        ParamType::Str => of("index_string", "folded", "index_string_value"),
        ParamType::Date => of("index_date", "low", "index_date_low"),
        ParamType::Number => of("index_number", "low", "index_number_low"),
        ParamType::Quantity => of("index_quantity", "low", "index_quantity_low"),
        ParamType::Reference => of("index_reference", "target", "index_reference_value"),
        ParamType::Uri => of("index_uri", "uri", "index_uri_value"),
        ParamType::Composite | ParamType::Special => None,
    }
}

/// The stored number of a parameter.
pub(super) fn param(id: ParamId, binds: &mut Binds) -> String {
    binds.param(id.code())
}

/// A test of the column `param`: it is this parameter, or one of those whose entries it repeats.
pub(super) fn params(id: ParamId, kind: &str, binds: &mut Binds) -> String {
    match fhir::index::repeated(kind, id) {
        [] => format!("= {}", param(id, binds)),
        others => {
            let all: Vec<String> = others.iter().map(|p| param(*p, binds)).collect();
            format!("IN ({})", all.join(", "))
        }
    }
}

/// True when equal values are found in the order of their records, so that a page can be read off the index.
pub(super) fn streams(m: &Match) -> bool {
    match m {
        Match::Token { code, .. } | Match::Identifier { code, .. } => code.is_some(),
        Match::Reference(r) => !matches!(r, RefTest::Url(_)),
        Match::Uri { below, .. } => !below,
        // Led by its first part.
        Match::All(parts) => parts.first().is_some_and(|(_, m)| streams(m)),
        _ => false,
    }
}

/// The test on the row `i` of [`table`].
pub(super) fn test(m: &Match, i: &str, binds: &mut Binds) -> String {
    match m {
        Match::Token { system, code } => {
            let mut all = Vec::new();
            if let Some(code) = code {
                all.push(format!("{i}.code = {}", binds.bind(code.clone())));
            }
            all.extend(system_test(system, &format!("{i}.system"), binds));
            and(all)
        }
        Match::TokenText(text) => begins(&format!("{i}.text"), text, binds),
        Match::Str { how, text } => string(*how, text, i, binds),
        Match::Date(range) => bounds(range, RangeKind::HalfOpen, i, |us| us.into(), binds),
        Match::Number(range) => bounds(range, RangeKind::Closed, i, |x| x.into(), binds),
        Match::Quantity {
            range,
            system,
            code,
        } => {
            let mut all = vec![bounds(range, RangeKind::Closed, i, |x| x.into(), binds)];
            let code = code.as_ref().map(|c| binds.bind(c.clone()));
            match (system, code) {
                (Some(s), c) => {
                    all.push(format!("{i}.system = {}", binds.bind(s.clone())));
                    all.extend(c.map(|c| format!("{i}.code = {c}")));
                }
                (None, Some(c)) => all.push(format!("({i}.code = {c} OR {i}.unit = {c})")),
                (None, None) => {}
            }
            and(all)
        }
        Match::Reference(r) => reference(r, i, binds),
        Match::Identifier { system, code } => {
            let mut all = vec![format!("{i}.identifier = 1")];
            if let Some(code) = code {
                all.push(format!("{i}.target = {}", binds.bind(code.clone())));
            }
            all.extend(system_test(system, &format!("{i}.base"), binds));
            and(all)
        }
        Match::Uri { text, below: false } => format!("{i}.uri = {}", binds.bind(text.clone())),
        Match::Uri { text, below: true } => begins(&format!("{i}.uri"), text, binds),
        // Composites are taken apart by the caller.
        Match::All(_) | Match::Group(_) => "FALSE".to_owned(),
    }
}

fn and(all: Vec<String>) -> String {
    if all.is_empty() {
        "TRUE".to_owned()
    } else {
        all.join(" AND ")
    }
}

fn system_test(system: &SystemTest, column: &str, binds: &mut Binds) -> Option<String> {
    match system {
        SystemTest::Any => None,
        SystemTest::None => Some(format!("{column} IS NULL")),
        SystemTest::Is(s) => Some(format!("{column} = {}", binds.bind(s.clone()))),
    }
}

/// A range over the index rather than LIKE: no wildcard in the text means anything.
fn begins(column: &str, text: &str, binds: &mut Binds) -> String {
    let from = binds.bind(text.to_owned());
    let to = binds.bind(format!("{text}\u{10ffff}"));
    format!("{column} >= {from} AND {column} < {to}")
}

fn string(how: StrTest, text: &str, i: &str, binds: &mut Binds) -> String {
    match how {
        StrTest::StartsWith => begins(&format!("{i}.folded"), text, binds),
        StrTest::Contains => {
            let part = binds.bind(text.to_owned());
            binds.dialect.contains(&format!("{i}.folded"), &part)
        }
        StrTest::Exact => {
            let folded = binds.bind(fhir::text::fold(text));
            let exact = binds.bind(text.to_owned());
            format!("{i}.folded = {folded} AND {i}.exact = {exact}")
        }
    }
}

/// A prefix and its range over the columns `low` and `high` of the row.
pub(super) fn bounds<T: Copy + PartialOrd>(
    range: &RangeTest<T>,
    kind: RangeKind,
    i: &str,
    value: impl Fn(T) -> Value,
    binds: &mut Binds,
) -> String {
    let (low, high) = (format!("{i}.low"), format!("{i}.high"));
    ends(range, kind, &low, &high, value, binds)
}

/// As [`bounds`], over any two expressions.
pub(super) fn ends<T: Copy + PartialOrd>(
    range: &RangeTest<T>,
    kind: RangeKind,
    low: &str,
    high: &str,
    value: impl Fn(T) -> Value,
    binds: &mut Binds,
) -> String {
    let any: Vec<String> = range
        .any_of(kind)
        .iter()
        .map(|all| {
            let tests: Vec<String> = all
                .iter()
                .map(|b| {
                    let column = match b.end {
                        End::Low => low,
                        End::High => high,
                    };
                    let op = match b.op {
                        Op::Lt => "<",
                        Op::Le => "<=",
                        Op::Gt => ">",
                        Op::Ge => ">=",
                    };
                    format!("{column} {op} {}", binds.bind(value(b.to)))
                })
                .collect();
            format!("({})", tests.join(" AND "))
        })
        .collect();
    // What follows from these because low <= high, said once more so that one index is read between two bounds; the
    // plus keeps SQLite from choosing another.
    let (from, to) = (range.low, range.high);
    let plain = binds.dialect.no_index();
    let follows = match range.prefix {
        Prefix::Eq => format!(
            "{low} >= {} AND {low} <= {} AND {plain}",
            binds.bind(value(from)),
            binds.bind(value(to))
        ),
        Prefix::Ge => format!("{high} >= {} AND {plain}", binds.bind(value(from))),
        Prefix::Le => format!("{low} <= {} AND {plain}", binds.bind(value(to))),
        _ => String::new(),
    };
    format!("{follows}({})", any.join(" OR "))
}

fn reference(test: &RefTest, i: &str, binds: &mut Binds) -> String {
    match test {
        RefTest::Id { kinds, id } => {
            let id = binds.bind(id.clone());
            let kinds: Vec<String> = kinds.iter().map(|k| binds.bind((*k).to_owned())).collect();
            let typed = if kinds.is_empty() {
                format!("{i}.target_kind IS NOT NULL")
            } else {
                format!("{i}.target_kind IN ({})", kinds.join(", "))
            };
            format!("{i}.identifier = 0 AND {i}.base IS NULL AND {i}.target = {id} AND {typed}")
        }
        RefTest::Local { kind, id } => {
            let id = binds.bind(id.clone());
            let kind = binds.bind((*kind).to_owned());
            format!(
                "{i}.identifier = 0 AND {i}.base IS NULL AND {i}.target = {id} AND {i}.target_kind = {kind}"
            )
        }
        RefTest::Remote { base, kind, id } => {
            let id = binds.bind(id.clone());
            let kind = binds.bind((*kind).to_owned());
            let base = binds.bind(base.clone());
            format!(
                "{i}.identifier = 0 AND {i}.base = {base} AND {i}.target = {id} AND {i}.target_kind = {kind}"
            )
        }
        RefTest::Url(url) => {
            let equal = binds.bind(url.clone());
            let versioned = begins(&format!("{i}.target"), &format!("{url}|"), binds);
            format!(
                "{i}.identifier = 0 AND {i}.target_kind IS NULL AND ({i}.target = {equal} OR ({versioned}))"
            )
        }
    }
}
