//! The values of one parameter, by its type.

use kernel::limits::SEARCH_VALUES_MAX;

use super::parse::{ParseOptions, QueryError, bad_modifier};
use super::query::{Match, RefTest, StrTest, SystemTest};
use super::range::{Prefix, RangeTest};
use super::value::{date_span, precise};
use crate::index::{RefTarget, parts_on_resource, repeated, stands_on_resource, target};
use crate::path::compile;
use crate::reference::is_id;
use crate::schema;
use crate::search::params::{self, Param, ParamId, ParamType};
use crate::text::fold;

/// One parameter as it was written.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    pub kind: &'static str,
    pub param: &'a Param,
    pub name: &'a str,
    pub modifier: Option<&'a str>,
    pub options: &'a ParseOptions<'a>,
}

impl Words<'_> {
    fn bad(&self, message: &str) -> QueryError {
        QueryError::new("value", self.name, message)
    }
}

/// The values separated by commas, any of which may match.
pub(super) fn any_of(words: &Words<'_>, value: &str) -> Result<Vec<Match>, QueryError> {
    let values = split(value, ',');
    if values.len() > SEARCH_VALUES_MAX {
        return Err(QueryError::new(
            "too-costly",
            words.name,
            format!("more than {SEARCH_VALUES_MAX} values"),
        ));
    }
    let mut out = Vec::with_capacity(values.len());
    for value in values {
        let found = one(words, value)?;
        if let (Match::Group(_), Some(whole)) = (&found, on_resource(words, value)?) {
            out.push(whole);
        }
        match repeated(words.kind, words.param.id) {
            [] => out.push(found),
            others => out.extend(others.iter().map(|p| Match::All(vec![(*p, found.clone())]))),
        }
    }
    Ok(out)
}

/// A composite that stands on the resource among other places, there: its parts have entries of their own.
fn on_resource(words: &Words<'_>, value: &str) -> Result<Option<Match>, QueryError> {
    let params = parts_on_resource(words.kind, words.param.id);
    if params.is_empty() {
        return Ok(None);
    }
    let parts = parts(words, value)?.into_iter().map(|(_, m)| m);
    Ok(Some(Match::All(
        params.iter().copied().zip(parts).collect(),
    )))
}

/// Splits at a separator that no backslash stands before (§3.1.1.4.13); the parts keep their escapes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == separator {
            parts.push(&text[from..i]);
            from = i + c.len_utf8();
        }
    }
    parts.push(&text[from..]);
    parts
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut escaped = false;
    for c in text.chars() {
        match c {
            '\\' if !escaped => escaped = true,
            ',' | '|' | '$' | '\\' => {
                out.push(c);
                escaped = false;
            }
            c => {
                // A backslash before anything else stands for itself.
                if escaped {
                    out.push('\\');
                    escaped = false;
                }
                out.push(c);
            }
        }
    }
    if escaped {
        out.push('\\');
    }
    out
}

pub(super) fn split_plain(text: &str, separator: char) -> Vec<String> {
    split(text, separator)
        .into_iter()
        .map(unescape)
        .filter(|t| !t.is_empty())
        .collect()
}

fn one(words: &Words<'_>, value: &str) -> Result<Match, QueryError> {
    if value.is_empty() {
        return Err(words.bad("a value is empty"));
    }
    match words.param.kind {
        ParamType::Token => token(words, value),
        ParamType::Str => string(words, value),
        ParamType::Reference => reference(words, value),
        ParamType::Uri => uri(words, value),
        _ if words.modifier.is_some() => Err(bad_modifier(words.name, words.param)),
        ParamType::Date => Ok(Match::Date(date_test(
            words.name,
            &unescape(value),
            words.options,
        )?)),
        ParamType::Number => Ok(Match::Number(number_test(words, &unescape(value))?)),
        ParamType::Quantity => quantity(words, value),
        ParamType::Composite => composite(words, value),
        ParamType::Special => Err(QueryError::new(
            "not-supported",
            words.name,
            "this parameter is not supported",
        )),
    }
}

/// `[code]`, `[system]|[code]`, `|[code]`, `[system]|`
fn system_and_code(value: &str) -> (SystemTest, Option<String>) {
    match split(value, '|')[..] {
        [code] => (SystemTest::Any, Some(unescape(code))),
        [system, ref code @ ..] => {
            let code = unescape(&code.join("|"));
            let system = if system.is_empty() {
                SystemTest::None
            } else {
                SystemTest::Is(unescape(system))
            };
            (system, Some(code).filter(|c| !c.is_empty()))
        }
        [] => (SystemTest::Any, None),
    }
}

fn token(words: &Words<'_>, value: &str) -> Result<Match, QueryError> {
    match words.modifier {
        None | Some("not") => {}
        Some("text") => return Ok(Match::TokenText(fold(&unescape(value)))),
        Some(_) => return Err(bad_modifier(words.name, words.param)),
    }
    let (mut system, code) = system_and_code(value);
    if system == SystemTest::None && code.is_none() {
        return Err(words.bad("a code is missing"));
    }
    // A code element has its system from its binding and carries none (§3.1.1.4.10).
    if matches!(system, SystemTest::Is(_)) && code.is_some() && is_all_primitive(words) {
        system = SystemTest::Any;
    }
    Ok(Match::Token { system, code })
}

fn is_all_primitive(words: &Words<'_>) -> bool {
    compile(words.param.expression, words.kind, words.kind)
        .is_ok_and(|plan| plan.routes.iter().all(|r| schema::is_primitive(r.of)))
}

fn string(words: &Words<'_>, value: &str) -> Result<Match, QueryError> {
    let text = unescape(value);
    Ok(match words.modifier {
        None => Match::Str {
            how: StrTest::StartsWith,
            text: fold(&text),
        },
        Some("contains") => Match::Str {
            how: StrTest::Contains,
            text: fold(&text),
        },
        Some("exact") => Match::Str {
            how: StrTest::Exact,
            text,
        },
        Some(_) => return Err(bad_modifier(words.name, words.param)),
    })
}

fn uri(words: &Words<'_>, value: &str) -> Result<Match, QueryError> {
    let below = match words.modifier {
        None => false,
        Some("below") => true,
        Some(_) => return Err(bad_modifier(words.name, words.param)),
    };
    Ok(Match::Uri {
        text: unescape(value),
        below,
    })
}

fn reference(words: &Words<'_>, value: &str) -> Result<Match, QueryError> {
    let targets = &words.param.targets;
    let kinds = match words.modifier {
        None => targets.clone(),
        Some("identifier") => {
            let (system, code) = system_and_code(value);
            return Ok(Match::Identifier { system, code });
        }
        Some(name) => match schema::resource_type(name) {
            Some(kind) if targets.is_empty() || targets.contains(&kind) => vec![kind],
            _ => return Err(bad_modifier(words.name, words.param)),
        },
    };
    let text = unescape(value);
    if is_id(&text) {
        return Ok(Match::Reference(RefTest::Id { kinds, id: text }));
    }
    let own_base = words.options.own_base.trim_end_matches('/');
    Ok(Match::Reference(match target(&text, own_base) {
        Some(RefTarget::Local { kind, id }) => RefTest::Local {
            kind,
            id: id.into(),
        },
        Some(RefTarget::Remote { base, kind, id }) => RefTest::Remote {
            base: base.into(),
            kind,
            id: id.into(),
        },
        Some(RefTarget::Url(url)) => RefTest::Url(url.into()),
        None => return Err(words.bad("a reference is expected: an id, Type/id or an address")),
    }))
}

/// `[prefix][date]`
pub(super) fn date_test(
    name: &str,
    value: &str,
    options: &ParseOptions<'_>,
) -> Result<RangeTest<i64>, QueryError> {
    let (prefix, text) = Prefix::split(value);
    let Some(span) = date_span(text) else {
        return Err(QueryError::new(
            "value",
            name,
            "a date is expected: YYYY, YYYY-MM, YYYY-MM-DD or with a time",
        ));
    };
    let (mut low, mut high) = (span.low_us, span.high_us);
    if prefix == Prefix::Ap {
        let gap = options.now.as_microsecond().abs_diff(low) / 10;
        let gap = i64::try_from(gap).unwrap_or(i64::MAX);
        (low, high) = (low.saturating_sub(gap), high.saturating_add(gap));
    }
    Ok(RangeTest { prefix, low, high })
}

/// `[prefix][number]`: with a comparison the number is exact, else its digits say how near is equal.
fn number_test(words: &Words<'_>, value: &str) -> Result<RangeTest<f64>, QueryError> {
    let (prefix, text) = Prefix::split(value);
    let Some(p) = precise(text) else {
        return Err(words.bad("a number is expected"));
    };
    let (low, high) = match prefix {
        Prefix::Eq | Prefix::Ne => (p.low, p.high),
        Prefix::Ap => {
            let tenth = (p.value / 10.0).abs();
            (p.low.min(p.value - tenth), p.high.max(p.value + tenth))
        }
        _ => (p.value, p.value),
    };
    Ok(RangeTest { prefix, low, high })
}

/// `[prefix][number]|[system]|[code]`, `[prefix][number]||[code]`, `[prefix][number]`
fn quantity(words: &Words<'_>, value: &str) -> Result<Match, QueryError> {
    let parts: Vec<String> = split(value, '|').into_iter().map(unescape).collect();
    let filled = |i: usize| parts.get(i).cloned().filter(|t| !t.is_empty());
    if parts.len() > 3 || parts.len() == 2 {
        return Err(words.bad("a quantity is expected: number, number|system|code or number||code"));
    }
    Ok(Match::Quantity {
        range: number_test(words, &parts[0])?,
        system: filled(1),
        code: filled(2),
    })
}

/// Parts joined by `$`.
fn composite(words: &Words<'_>, value: &str) -> Result<Match, QueryError> {
    let parts = parts(words, value)?;
    Ok(if stands_on_resource(words.kind, words.param) {
        Match::All(parts)
    } else {
        Match::Group(parts.into_iter().map(|(_, m)| m).collect())
    })
}

fn parts(words: &Words<'_>, value: &str) -> Result<Vec<(ParamId, Match)>, QueryError> {
    let values = split(value, '$');
    let components = &words.param.components;
    if values.len() != components.len() {
        return Err(words.bad(&format!(
            "{} values joined by $ are expected",
            components.len()
        )));
    }
    let mut parts = Vec::new();
    for (component, value) in components.iter().zip(values) {
        let Some(param) = params::find(words.kind, component.param.code()) else {
            return Err(words.bad("a part of this parameter is not defined for the type"));
        };
        parts.push((
            param.id,
            one(
                &Words {
                    param,
                    modifier: None,
                    ..*words
                },
                value,
            )?,
        ));
    }
    Ok(parts)
}
