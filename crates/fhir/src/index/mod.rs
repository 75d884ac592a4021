//! The search index of one resource (FHIR R4 §3.1.1): for every search parameter of its type, the values a search
//! compares.

mod convert;
mod program;

use crate::json::Json;
use crate::path::Found;
use crate::raw::{self, JsonError};
use crate::schema;
use crate::search::params::ParamId;

pub(crate) use convert::target;
pub use program::{names_the_patient, repeated};
pub(crate) use program::{parts_on_resource, stands_on_resource};

/// One value of one search parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexEntry {
    pub param: ParamId,
    /// For a composite on repeating elements: which element it was (from 1). Zero for everything else.
    pub group: u16,
    /// For such a composite: which of its parts this is (from 0).
    pub part: u8,
    pub value: IndexValue,
}

/// A value as it is compared. Text is bounded by the resource it came from.
#[derive(Debug, Clone, PartialEq)]
pub enum IndexValue {
    /// Coding, CodeableConcept, Identifier, ContactPoint, code, boolean, string. `text` is the folded display or text,
    /// for `:text`; an element with text alone has an empty `code`.
    Token {
        system: Option<Box<str>>,
        code: Box<str>,
        text: Option<Box<str>>,
    },
    /// `folded` by [`crate::text::fold`]; `exact` as it stands.
    Str { folded: Box<str>, exact: Box<str> },
    /// Microseconds since 1970 in UTC, `low <= t < high`; an open end is `i64::MIN` or `i64::MAX`.
    Date { low_us: i64, high_us: i64 },
    /// A point (`low == high`) or a closed interval.
    Number { low: f64, high: f64 },
    /// As a number, with its unit. `code` is the coded unit, `unit` the printed one.
    Quantity {
        low: f64,
        high: f64,
        system: Option<Box<str>>,
        code: Option<Box<str>>,
        unit: Option<Box<str>>,
    },
    /// What a reference points at.
    Reference(RefTarget),
    /// The identifier a reference carries (`Reference.identifier`), for `:identifier`.
    RefIdentifier {
        system: Option<Box<str>>,
        value: Box<str>,
    },
    /// uri, url, canonical, oid.
    Uri(Box<str>),
}

/// What a reference points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefTarget {
    /// `Patient/23`: in the custody of the same hospital.
    Local { kind: &'static str, id: Box<str> },
    /// `https://other/fhir/saryozen/Patient/23`: `base` is `https://other/fhir/saryozen`.
    Remote {
        base: Box<str>,
        kind: &'static str,
        id: Box<str>,
    },
    /// Any other address: canonical, `urn:…`.
    Url(Box<str>),
}

/// The index of a resource of type `kind`. `own_base` is the address its hospital's resources have
/// (`https://node/fhir/saryozen`, or empty when it has none): references below it are local. The same value under the
/// same parameter is given once. A type that is none of R4's has no index.
pub fn extract<'a, J: Json<'a>>(kind: &str, root: J, own_base: &str) -> Vec<IndexEntry> {
    let Some(kind) = schema::resource_type(kind) else {
        return Vec::new();
    };
    let own_base = own_base.trim_end_matches('/');
    let program = program::of(kind);
    let mut out: Vec<IndexEntry> = Vec::with_capacity(32);
    for p in &program.plain {
        let from = out.len();
        p.plan.evaluate(root, root, &mut |of, found| {
            let mut push = |value| {
                let entry = IndexEntry {
                    param: p.param,
                    group: 0,
                    part: 0,
                    value,
                };
                if !out[from..].contains(&entry) {
                    out.push(entry);
                }
            };
            match found {
                Found::Value(v) => convert::convert(p.kind, of, v, own_base, &mut push),
                Found::Truth(t) => {
                    let code = if t { "true" } else { "false" };
                    push(IndexValue::Token {
                        system: None,
                        code: code.into(),
                        text: None,
                    });
                }
            }
        });
    }
    for c in &program.composites {
        let mut group = 0u16;
        for context in &c.contexts {
            context.plan.evaluate(root, root, &mut |_, found| {
                let Found::Value(element) = found else { return };
                group = group.saturating_add(1);
                composite(
                    c.param,
                    group,
                    &context.parts,
                    root,
                    element,
                    own_base,
                    &mut out,
                );
            });
        }
    }
    out
}

/// The entries of one element of a composite; none when a part is missing, for then it can't match.
fn composite<'a, J: Json<'a>>(
    param: ParamId,
    group: u16,
    parts: &[(crate::search::params::ParamType, crate::path::Plan)],
    root: J,
    element: J,
    own_base: &str,
    out: &mut Vec<IndexEntry>,
) {
    let from = out.len();
    for (part, (kind, plan)) in (0u8..).zip(parts) {
        let before = out.len();
        plan.evaluate(root, element, &mut |of, found| {
            if let Found::Value(v) = found {
                convert::convert(*kind, of, v, own_base, &mut |value| {
                    out.push(IndexEntry {
                        param,
                        group,
                        part,
                        value,
                    });
                });
            }
        });
        if out.len() == before {
            out.truncate(from);
            return;
        }
    }
}

/// As [`extract`], from bytes.
pub fn extract_bytes(
    kind: &str,
    bytes: &[u8],
    own_base: &str,
) -> Result<Vec<IndexEntry>, JsonError> {
    Ok(extract(kind, raw::parse(bytes)?.root(), own_base))
}

#[cfg(test)]
mod tests;
