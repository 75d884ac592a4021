//! The search index of one record: one row per value, in the table of its type.

use std::sync::LazyLock;

use fhir::index::{IndexEntry, IndexValue, RefTarget};
use fhir::search::params::ParamId;

use super::signed;

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
        // The patient stands there only for parameters that are asked for together with one.
        columns: &["system", "code", "text", "patient"],
    },
    Table {
        name: "index_string",
        columns: &["folded", "exact"],
    },
    Table {
        name: "index_date",
        // The patient, as in the table of tokens.
        columns: &["low", "high", "patient"],
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

/// One column of a value, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Part<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a str),
}

impl From<bool> for Part<'_> {
    fn from(b: bool) -> Self {
        Self::Integer(i64::from(b))
    }
}
impl From<i64> for Part<'_> {
    fn from(n: i64) -> Self {
        Self::Integer(n)
    }
}
impl From<f64> for Part<'_> {
    fn from(x: f64) -> Self {
        Self::Real(x)
    }
}
impl<'a> From<&'a str> for Part<'a> {
    fn from(t: &'a str) -> Self {
        Self::Text(t)
    }
}
impl<'a> From<Option<&'a str>> for Part<'a> {
    fn from(t: Option<&'a str>) -> Self {
        t.map_or(Self::Null, Self::Text)
    }
}

/// The most columns a value has.
const COLUMNS_MAX: usize = 5;

/// A value as a row of its table. Made for every value that is written, so it borrows and takes no memory of its own.
pub(crate) struct Row<'a> {
    /// The number of the table.
    pub table: usize,
    parts: [Part<'a>; COLUMNS_MAX],
    count: usize,
}

impl<'a> Row<'a> {
    fn new<const N: usize>(table: usize, given: [Part<'a>; N]) -> Self {
        let mut parts = [Part::Null; COLUMNS_MAX];
        for (part, value) in parts.iter_mut().zip(given) {
            *part = value;
        }
        Self {
            table,
            parts,
            count: N,
        }
    }

    /// The values of the table's columns.
    pub fn parts(&self) -> impl Iterator<Item = Part<'a>> {
        self.parts.into_iter().take(self.count)
    }

    /// The row of an entry of a record that is about `patient`, as [`patient`] tells it.
    pub fn of(entry: &'a IndexEntry, patient: Option<&'a str>) -> Self {
        match &entry.value {
            IndexValue::Token { system, code, text } => Self::new(
                TOKEN,
                [
                    system.as_deref().into(),
                    Part::Text(code),
                    text.as_deref().into(),
                    patient
                        .filter(|_| entry.group == 0 && with_patient(entry.param))
                        .into(),
                ],
            ),
            IndexValue::Str { folded, exact } => {
                Self::new(STRING, [Part::Text(folded), Part::Text(exact)])
            }
            IndexValue::Date { low_us, high_us } => {
                let patient = patient.filter(|_| entry.group == 0 && dated_by_patient(entry.param));
                Self::new(DATE, [(*low_us).into(), (*high_us).into(), patient.into()])
            }
            IndexValue::Number { low, high } => Self::new(NUMBER, [(*low).into(), (*high).into()]),
            IndexValue::Quantity {
                low,
                high,
                system,
                code,
                unit,
            } => Self::new(
                QUANTITY,
                [
                    (*low).into(),
                    (*high).into(),
                    system.as_deref().into(),
                    code.as_deref().into(),
                    unit.as_deref().into(),
                ],
            ),
            IndexValue::Reference(target) => {
                let (base, kind, id) = match target {
                    RefTarget::Local { kind, id } => (None, Some(*kind), id),
                    RefTarget::Remote { base, kind, id } => (Some(&**base), Some(*kind), id),
                    RefTarget::Url(url) => (None, None, url),
                };
                let parts = [false.into(), base.into(), kind.into(), Part::Text(id)];
                Self::new(REFERENCE, parts)
            }
            IndexValue::RefIdentifier { system, value } => {
                let system = system.as_deref().into();
                Self::new(
                    REFERENCE,
                    [true.into(), system, Part::Null, Part::Text(value)],
                )
            }
            IndexValue::Uri(uri) => Self::new(URI, [Part::Text(uri)]),
        }
    }
}

/// What a resource is, by itself seldom asked for and of most patients true: their rows name the patient, and an index
/// begins with it.
const WITH_PATIENT: [&str; 4] = ["category", "code", "type", "vaccine-code"];

/// Whether the rows of a token parameter name the patient.
pub(crate) fn with_patient(param: ParamId) -> bool {
    static PARAMS: LazyLock<[Option<ParamId>; WITH_PATIENT.len()]> =
        LazyLock::new(|| WITH_PATIENT.map(ParamId::of));
    PARAMS.contains(&Some(param))
}

/// When what is told of a patient was: a chart is read by it, the newest first. These rows name the patient as well.
const DATED_BY_PATIENT: [&str; 6] = [
    "authored",
    "authoredon",
    "date",
    "onset-date",
    "recorded-date",
    "started",
];

/// Whether the rows of a date parameter name the patient.
pub(crate) fn dated_by_patient(param: ParamId) -> bool {
    static PARAMS: LazyLock<[Option<ParamId>; DATED_BY_PATIENT.len()]> =
        LazyLock::new(|| DATED_BY_PATIENT.map(ParamId::of));
    PARAMS.contains(&Some(param))
}

/// The one patient of the own hospital among the entries of a record; none when there are several.
pub(crate) fn patient(entries: &[IndexEntry]) -> Option<&str> {
    static PATIENT: LazyLock<Option<ParamId>> = LazyLock::new(|| ParamId::of("patient"));
    let mut found = entries.iter().filter_map(|e| match &e.value {
        IndexValue::Reference(RefTarget::Local { kind, id })
            if Some(e.param) == *PATIENT && *kind == "Patient" =>
        {
            Some(&**id)
        }
        _ => None,
    });
    match (found.next(), found.next()) {
        (one, None) => one,
        _ => None,
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
