//! The official FHIR R4 SearchParameter definitions (`table.tsv`, written by `cargo xtask search-params`).

use std::collections::HashMap;
use std::sync::OnceLock;

/// What a parameter compares (FHIR R4 §3.1.1.4, value set search-param-type).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParamType {
    Number,
    Date,
    Str,
    Token,
    Reference,
    Composite,
    Quantity,
    Uri,
    Special,
}

impl ParamType {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "number" => Self::Number,
            "date" => Self::Date,
            "string" => Self::Str,
            "token" => Self::Token,
            "reference" => Self::Reference,
            "composite" => Self::Composite,
            "quantity" => Self::Quantity,
            "uri" => Self::Uri,
            "special" => Self::Special,
            _ => return None,
        })
    }

    /// The word of the standard.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Date => "date",
            Self::Str => "string",
            Self::Token => "token",
            Self::Reference => "reference",
            Self::Composite => "composite",
            Self::Quantity => "quantity",
            Self::Uri => "uri",
            Self::Special => "special",
        }
    }
}

/// The code of a search parameter (`birthdate`), as a small number. The numbers follow the alphabet of the codes in
/// the table, so they stay the same for one [`table_version`]; a store that keeps them keeps that too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(u16);

impl ParamId {
    /// The parameter of that code, if any type has one.
    pub fn of(code: &str) -> Option<Self> {
        let codes = &table().codes;
        codes
            .binary_search(&code)
            .ok()
            .and_then(|i| u16::try_from(i).ok())
            .map(Self)
    }
    pub fn code(self) -> &'static str {
        table()
            .codes
            .get(usize::from(self.0))
            .copied()
            .unwrap_or_default()
    }
    /// For storing.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// One search parameter as one type has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    pub id: ParamId,
    pub code: &'static str,
    pub kind: ParamType,
    /// The alternatives of the FHIRPath expression that apply to the type, joined by `|`.
    pub expression: &'static str,
    /// For references: the types that may be pointed at.
    pub targets: Vec<&'static str>,
    /// For composites: the parts, in order.
    pub components: Vec<Component>,
}

/// A part of a composite parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The parameter of the same type whose rules it follows.
    pub param: ParamId,
    /// From the composite's own element.
    pub expression: &'static str,
}

struct Table {
    codes: Vec<&'static str>,
    by_type: HashMap<&'static str, Vec<Param>>,
}

static TEXT: &str = include_str!("table.tsv");

/// Identifies the content of the table: changes exactly when a [`ParamId`] could mean something else.
pub fn table_version() -> u64 {
    // FNV-1a, 64 bits: small, stable, and nobody attacks it.
    TEXT.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn rows() -> impl Iterator<Item = [&'static str; 6]> {
    TEXT.lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(|line| {
            let mut cells = line.split('\t');
            let row = [(); 6].map(|()| cells.next().unwrap_or_default());
            (!row[0].is_empty()).then_some(row)
        })
}

fn list(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(',').filter(|t| !t.is_empty())
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut codes: Vec<&'static str> = rows().map(|r| r[0]).collect();
        codes.sort_unstable();
        codes.dedup();
        let id = |code: &str| {
            codes
                .binary_search(&code)
                .ok()
                .and_then(|i| u16::try_from(i).ok())
                .map(ParamId)
        };
        let mut by_type: HashMap<&'static str, Vec<Param>> = HashMap::new();
        for [code, kind, bases, expression, targets, components] in rows() {
            let (Some(param), Some(kind)) = (id(code), ParamType::parse(kind)) else {
                continue;
            };
            let components: Vec<Component> = components
                .split(';')
                .filter_map(|c| c.split_once('='))
                .filter_map(|(code, expression)| {
                    Some(Component {
                        param: id(code)?,
                        expression,
                    })
                })
                .collect();
            for base in list(bases) {
                by_type.entry(base).or_default().push(Param {
                    id: param,
                    code,
                    kind,
                    expression,
                    targets: list(targets).collect(),
                    components: components.clone(),
                });
            }
        }
        Table { codes, by_type }
    })
}

/// The parameters a type has of its own, then those every resource has.
pub fn of_type(kind: &str) -> impl Iterator<Item = &'static Param> {
    let t = table();
    let own = t.by_type.get(kind).into_iter().flatten();
    let shared = ["DomainResource", "Resource"]
        .into_iter()
        .filter_map(|b| t.by_type.get(b))
        .flatten();
    own.chain(shared)
}

/// The parameter of a type by its code.
pub fn find(kind: &str, code: &str) -> Option<&'static Param> {
    of_type(kind).find(|p| p.code == code)
}
