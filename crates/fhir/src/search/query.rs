//! A search, parsed and typed (FHIR R4 §3.1.1), ready to be compiled to a database query.
//!
//! What a value means is decided here once; a store only compares columns. How each test reads against the
//! entries that [`crate::index::extract`] makes is said at each variant.

use crate::search::params::{ParamId, ParamType};
use crate::search::range::RangeTest;

/// One search on one resource type.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// The resource type searched, `Patient`.
    pub kind: &'static str,
    /// All of them must hold.
    pub clauses: Vec<Clause>,
    /// Most significant key first. Empty: the store's own stable order.
    pub sort: Vec<Sort>,
    /// Matches wanted on one page, 0..=`limits::PAGE_SIZE_MAX`. Zero asks for the total alone.
    pub count: u32,
    /// The opaque position a former page gave.
    pub cursor: Option<String>,
    pub includes: Vec<Include>,
    pub revincludes: Vec<Include>,
    pub total: Total,
    pub summary: Summary,
    /// Top-level elements wanted (`_elements`); empty means all.
    pub elements: Vec<String>,
    /// The parameters that were understood, as `name=value` pairs in their order and still decoded: what the
    /// self link shows. Values may be patient data: never log them.
    pub understood: Vec<(String, String)>,
    /// Names of unknown parameters that were passed over under `Prefer: handling=lenient`.
    pub ignored: Vec<String>,
}

/// One condition. Of the values in it one must match.
#[derive(Debug, Clone, PartialEq)]
pub enum Clause {
    /// `_id`: the resource's id is one of these.
    Id(Vec<String>),
    /// `_lastUpdated`: the instant of the last change in microseconds since 1970 as a point range; any of these.
    LastUpdated(Vec<RangeTest<i64>>),
    /// `:missing`: with `missing`, no entry of this parameter exists; else at least one does.
    Missing { param: ParamId, missing: bool },
    /// Some entry of the parameter satisfies one of `any_of`; with `not` (modifier `:not`), none does.
    Param {
        param: ParamId,
        not: bool,
        any_of: Vec<Match>,
    },
    /// A chain of one step (§3.1.1.4.4): the reference parameter leads to a resource of the same server that satisfies
    /// one of these. Each names the type pointed at and the condition there, which is no chain itself.
    Chain {
        param: ParamId,
        any_of: Vec<(&'static str, Clause)>,
    },
}

/// What one entry of a parameter must satisfy.
#[derive(Debug, Clone, PartialEq)]
pub enum Match {
    /// Against [`crate::index::IndexValue::Token`]: both parts hold. `code` is compared as it stands.
    Token {
        system: SystemTest,
        code: Option<String>,
    },
    /// `:text` on a token: the entry's folded `text` begins with this folded text.
    TokenText(String),
    /// Against [`crate::index::IndexValue::Str`].
    Str { how: StrTest, text: String },
    /// Against [`crate::index::IndexValue::Date`], microseconds since 1970 in UTC, half-open.
    Date(RangeTest<i64>),
    /// Against [`crate::index::IndexValue::Number`].
    Number(RangeTest<f64>),
    /// Against [`crate::index::IndexValue::Quantity`]. With `system`, that and `code` are equal to the entry's; with
    /// `code` alone, the entry's code or its unit is equal to it.
    Quantity {
        range: RangeTest<f64>,
        system: Option<String>,
        code: Option<String>,
    },
    /// Against [`crate::index::IndexValue::Reference`].
    Reference(RefTest),
    /// `:identifier`, against [`crate::index::IndexValue::RefIdentifier`].
    Identifier {
        system: SystemTest,
        code: Option<String>,
    },
    /// Against [`crate::index::IndexValue::Uri`]: equal, or beginning with it (`:below`).
    Uri { text: String, below: bool },
    /// A composite whose parts stand on the resource itself, where every part has one place: each part holds for an
    /// Each part holds for an entry of the parameter it names: a composite where it stands on the resource itself, or, with
    /// one part, a parameter that only repeats others ([`crate::index::repeated`]).
    All(Vec<(ParamId, Match)>),
    /// A composite on repeating elements: entries of the *clause's* parameter that share one
    /// [`crate::index::IndexEntry::group`], the one with `part` = position in this list satisfying that test.
    Group(Vec<Match>),
}

/// How a token's system is tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SystemTest {
    /// `code`: whatever the system is.
    Any,
    /// `|code`: the entry has no system.
    None,
    /// `system|code` or `system|`.
    Is(String),
}

/// How a string is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrTest {
    /// The entry's `folded` begins with the (folded) text.
    StartsWith,
    /// The entry's `folded` contains the (folded) text.
    Contains,
    /// The entry's `exact` is equal to the text.
    Exact,
}

/// What a reference must point at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefTest {
    /// `[id]`: a local reference with that id and one of these types (empty: any type).
    Id {
        kinds: Vec<&'static str>,
        id: String,
    },
    /// `[type]/[id]` or an absolute address below the own base: a local reference.
    Local { kind: &'static str, id: String },
    /// An absolute address `[base]/[type]/[id]` on another server or at another hospital.
    Remote {
        base: String,
        kind: &'static str,
        id: String,
    },
    /// Any other text: a canonical address, `urn:…`; equal, or equal up to a version (`|`).
    Url(String),
}

/// One key of `_sort`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    pub by: SortKey,
    pub descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    Id,
    LastUpdated,
    /// By the least (ascending) or greatest (descending) entry of the parameter; resources without one come last.
    Param {
        param: ParamId,
        kind: ParamType,
    },
}

/// `_include=source:param[:target]` or `_revinclude`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// The type the reference stands on.
    pub source: &'static str,
    pub param: ParamId,
    /// Only references to this type.
    pub target: Option<&'static str>,
    /// `:iterate`: also on what was included.
    pub iterate: bool,
}

/// `_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Total {
    /// No total is needed.
    #[default]
    None,
    Estimate,
    Accurate,
}

/// `_summary`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Summary {
    #[default]
    False,
    /// Only the number of matches.
    Count,
    /// Everything but the narrative.
    Data,
}
