//! From the parameters of a request to a [`Query`].

use kernel::Instant;
use kernel::limits::{PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, SEARCH_PARAMS_MAX};

use super::control;
use super::query::{Clause, Query};
use super::range::RangeTest;
use super::values::{self, Words, split_plain};
use crate::schema;
use crate::search::params::{self, Param, ParamType};

/// Why a search cannot be answered as asked. Names parameters, never values: those may be patient data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{param}: {message}")]
pub struct QueryError {
    /// Value set issue-type: `not-supported`, `value`, `invalid`, `too-costly`.
    pub issue: &'static str,
    /// The parameter as it was written, with its modifier.
    pub param: String,
    pub message: String,
}

impl QueryError {
    pub(super) fn new(issue: &'static str, param: &str, message: impl Into<String>) -> Self {
        Self {
            issue,
            param: param.to_owned(),
            message: message.into(),
        }
    }
    /// The place as an OperationOutcome names it (FHIR R4 §3.1.0.1.6: `http.` and the parameter).
    pub fn expression(&self) -> String {
        format!("http.{}", self.param)
    }
}

/// What parsing depends on besides the request's parameters.
#[derive(Debug, Clone, Copy)]
pub struct ParseOptions<'a> {
    /// `Prefer: handling=lenient`: unknown and unsupported parameters are passed over and named in `Query::ignored`.
    pub lenient: bool,
    /// The address of the hospital's resources, so that absolute references to them are seen as local; may be empty.
    pub own_base: &'a str,
    /// For `ap` on dates, which widens with the distance from now (§3.1.1.4.3).
    pub now: Instant,
}

/// Parses the query of a search on `kind`: `name=value` pairs joined by `&`, percent-encoded. All faults are reported.
pub fn parse(
    kind: &str,
    query: &str,
    options: &ParseOptions<'_>,
) -> Result<Query, Vec<QueryError>> {
    parse_pairs(kind, &pairs(query), options)
}

/// Splits and decodes `application/x-www-form-urlencoded` text. Invalid UTF-8 becomes U+FFFD and then matches nothing.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced)
            .decode_utf8_lossy()
            .into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            pair.split_once('=')
                .map_or((decode(pair), String::new()), |(n, v)| {
                    (decode(n), decode(v))
                })
        })
        .collect()
}

/// As [`parse`], from decoded pairs.
pub fn parse_pairs(
    kind: &str,
    pairs: &[(String, String)],
    options: &ParseOptions<'_>,
) -> Result<Query, Vec<QueryError>> {
    let Some(kind) = schema::resource_type(kind) else {
        return Err(vec![QueryError::new(
            "not-supported",
            "_type",
            "not a resource type of FHIR R4",
        )]);
    };
    if pairs.len() > SEARCH_PARAMS_MAX {
        let message = format!("more than {SEARCH_PARAMS_MAX} parameters");
        return Err(vec![QueryError::new("too-costly", "_query", message)]);
    }
    let mut query = Query {
        kind,
        count: PAGE_SIZE_DEFAULT.min(PAGE_SIZE_MAX),
        ..Query::default()
    };
    let mut errors = Vec::new();
    for (name, value) in pairs {
        let step = match control::take(&mut query, name, value) {
            Some(done) => done,
            None => clause(kind, name, value, options).map(|c| query.clauses.push(c)),
        };
        match step {
            Ok(()) => query.understood.push((name.clone(), value.clone())),
            Err(e) if options.lenient && e.issue == "not-supported" => {
                query.ignored.push(name.clone())
            }
            Err(e) => errors.push(e),
        }
    }
    if errors.is_empty() {
        Ok(query)
    } else {
        Err(errors)
    }
}

/// Parameters of the standard that Karez does not answer.
const UNSUPPORTED: &[&str] = &[
    "_text",
    "_content",
    "_filter",
    "_list",
    "_query",
    "_has",
    "_type",
    "_contained",
    "_containedType",
];

fn clause(
    kind: &'static str,
    name: &str,
    value: &str,
    options: &ParseOptions<'_>,
) -> Result<Clause, QueryError> {
    let (code, modifier) = name
        .split_once(':')
        .map_or((name, None), |(c, m)| (c, Some(m)));
    if UNSUPPORTED.contains(&code) {
        return Err(QueryError::new(
            "not-supported",
            name,
            "this parameter is not supported",
        ));
    }
    if let Some((reference, inner)) = name.split_once('.') {
        return chain(kind, name, reference, inner, value, options);
    }
    let Some(param) = params::find(kind, code) else {
        return Err(QueryError::new(
            "not-supported",
            name,
            format!("{kind} has no search parameter of this name"),
        ));
    };
    if value.is_empty() {
        return Err(QueryError::new("value", name, "a value is missing"));
    }
    match (code, modifier) {
        ("_id", None) => return Ok(Clause::Id(split_plain(value, ','))),
        ("_lastUpdated", None) => return last_updated(name, value, options),
        ("_id" | "_lastUpdated", Some(_)) => return Err(bad_modifier(name, param)),
        // Of some composites only the parts have entries.
        (_, Some("missing")) if param.kind == ParamType::Composite => {
            return Err(bad_modifier(name, param));
        }
        (_, Some("missing")) => {
            let missing = match value {
                "true" => true,
                "false" => false,
                _ => return Err(QueryError::new("value", name, "true or false is expected")),
            };
            return Ok(Clause::Missing {
                param: param.id,
                missing,
            });
        }
        _ => {}
    }
    if param.kind == ParamType::Special {
        return Err(QueryError::new(
            "not-supported",
            name,
            "this parameter is not supported",
        ));
    }
    let words = Words {
        kind,
        param,
        name,
        modifier,
        options,
    };
    Ok(Clause::Param {
        param: param.id,
        not: modifier == Some("not"),
        any_of: values::any_of(&words, value)?,
    })
}

/// `patient.identifier`, `subject:Patient.name:exact`: one step along a reference (§3.1.1.4.4).
fn chain(
    kind: &'static str,
    name: &str,
    reference: &str,
    inner: &str,
    value: &str,
    options: &ParseOptions<'_>,
) -> Result<Clause, QueryError> {
    let refuse = |message: String| QueryError::new("not-supported", name, message);
    if inner.contains('.') {
        return Err(refuse("a chain has one step".into()));
    }
    let (code, wanted) = reference
        .split_once(':')
        .map_or((reference, None), |(code, t)| (code, Some(t)));
    let param = params::find(kind, code)
        .filter(|p| p.kind == ParamType::Reference)
        .ok_or_else(|| refuse(format!("{kind} has no reference parameter of this name")))?;
    let inner_code = inner.split_once(':').map_or(inner, |(code, _)| code);
    let anything = param.targets.is_empty();
    let targets: Vec<&'static str> = match wanted {
        Some(t) => {
            let known = schema::resource_type(t)
                .filter(|t| anything || param.targets.contains(t))
                .ok_or_else(|| refuse("the parameter does not lead to this type".into()))?;
            vec![known]
        }
        None if anything => {
            let text =
                format!("{code} may lead to any type: name one, as in {code}:Patient.{inner}");
            return Err(refuse(text));
        }
        // Whatever else the table lists, the expression of `patient` keeps patients alone.
        None if code == "patient" => vec!["Patient"],
        None => param
            .targets
            .iter()
            .copied()
            .filter(|t| params::find(t, inner_code).is_some())
            .collect(),
    };
    if targets.is_empty() {
        let text = format!("no type that {code} leads to has a search parameter of this name");
        return Err(refuse(text));
    }
    let named = |e: QueryError| QueryError {
        param: name.to_owned(),
        ..e
    };
    let any_of: Result<Vec<_>, _> = targets
        .into_iter()
        .map(|t| {
            clause(t, inner, value, options)
                .map(|c| (t, c))
                .map_err(named)
        })
        .collect();
    Ok(Clause::Chain {
        param: param.id,
        any_of: any_of?,
    })
}

fn last_updated(name: &str, value: &str, options: &ParseOptions<'_>) -> Result<Clause, QueryError> {
    let tests: Result<Vec<RangeTest<i64>>, _> = split_plain(value, ',')
        .iter()
        .map(|v| values::date_test(name, v, options))
        .collect();
    Ok(Clause::LastUpdated(tests?))
}

pub(super) fn bad_modifier(name: &str, param: &Param) -> QueryError {
    let message = format!(
        "this modifier is not supported on a parameter of type {}",
        param.kind.as_str()
    );
    QueryError::new("not-supported", name, message)
}
