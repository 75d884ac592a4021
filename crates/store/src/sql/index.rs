//! The search index of one record: one row per value, in the table of its type.

use fhir::index::{IndexEntry, IndexValue, RefTarget};

use super::{Value, signed};

/// A table of the index. Each begins with [`PLACE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Table {
    pub name: &'static str,
    /// The columns of the value, after those of its place.
    pub columns: &'static [&'static str],
}

/// Where a value stands: the columns every table of the index begins with.
pub(crate) const PLACE: &[&str] = &["record", "param", "seq", "hospital", "kind", "grp", "part"];

pub(crate) const TOKEN: usize = 0;
pub(crate) const STRING: usize = 1;
pub(crate) const DATE: usize = 2;
pub(crate) const NUMBER: usize = 3;
pub(crate) const QUANTITY: usize = 4;
pub(crate) const REFERENCE: usize = 5;
pub(crate) const URI: usize = 6;

/// The tables of the index, for what goes over all of them; by the numbers above.
pub(crate) const TABLES: [Table; 7] = [
    Table {
        name: "index_token",
        columns: &["system", "code", "text"],
    },
    Table {
        name: "index_string",
        columns: &["folded", "exact"],
    },
    Table {
        name: "index_date",
        columns: &["low", "high"],
    },
    Table {
        name: "index_number",
        columns: &["low", "high"],
    },
    Table {
        name: "index_quantity",
        columns: &["low", "high", "system", "code", "unit"],
    },
    Table {
        name: "index_reference",
        columns: &["identifier", "base", "target_kind", "target"],
    },
    Table {
        name: "index_uri",
        columns: &["uri"],
    },
];

/// The number of the table a value stands in, and the values of its columns.
pub(crate) fn row(value: &IndexValue) -> (usize, Vec<Value>) {
    let text = |t: &str| Value::from(t);
    let maybe = |t: &Option<Box<str>>| Value::from(t.as_deref());
    match value {
        IndexValue::Token {
            system,
            code,
            text: words,
        } => (TOKEN, vec![maybe(system), text(code), maybe(words)]),
        IndexValue::Str { folded, exact } => (STRING, vec![text(folded), text(exact)]),
        IndexValue::Date { low_us, high_us } => {
            (DATE, vec![Value::from(*low_us), Value::from(*high_us)])
        }
        IndexValue::Number { low, high } => (NUMBER, vec![Value::from(*low), Value::from(*high)]),
        IndexValue::Quantity {
            low,
            high,
            system,
            code,
            unit,
        } => {
            let bounds = [Value::from(*low), Value::from(*high)];
            let words = [maybe(system), maybe(code), maybe(unit)];
            (QUANTITY, bounds.into_iter().chain(words).collect())
        }
        IndexValue::Reference(target) => {
            let (base, kind, id) = match target {
                RefTarget::Local { kind, id } => (None, Some(*kind), id),
                RefTarget::Remote { base, kind, id } => (Some(&**base), Some(*kind), id),
                RefTarget::Url(url) => (None, None, url),
            };
            (
                REFERENCE,
                vec![false.into(), base.into(), kind.into(), text(id)],
            )
        }
        IndexValue::RefIdentifier { system, value } => (
            REFERENCE,
            vec![true.into(), maybe(system), Value::Null, text(value)],
        ),
        IndexValue::Uri(uri) => (URI, vec![text(uri)]),
    }
}

/// The values of [`PLACE`] for one entry.
pub(crate) fn place(
    record: i64,
    param: i64,
    seq: usize,
    hospital: i64,
    kind: i64,
    entry: &IndexEntry,
) -> [i64; 7] {
    [
        record,
        param,
        signed(seq as u64),
        hospital,
        kind,
        i64::from(entry.group),
        i64::from(entry.part),
    ]
}
