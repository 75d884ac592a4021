//! The search index of one resource (FHIR R4 §3.1.1): for every search parameter of its type, the values a search
//! compares.

use crate::search::params::ParamId;

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
