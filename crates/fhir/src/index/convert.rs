//! From a value of a known FHIR type to what a search compares.

use super::{IndexValue, RefTarget};
use crate::json::Json;
use crate::reference::{self, Parsed};
use crate::schema;
use crate::search::params::ParamType;
use crate::search::value::{date_span, precise};
use crate::text::fold;

/// ISO 4217 as a system of units, for money.
const CURRENCY: &str = "urn:iso:std:iso:4217";

/// Hands the values that `value`, of type `of`, gives under a parameter of kind `kind` to `out`.
pub(super) fn convert<'a, J: Json<'a>>(
    kind: ParamType,
    of: &str,
    value: J,
    own_base: &str,
    out: &mut impl FnMut(IndexValue),
) {
    match kind {
        ParamType::Token => token(of, value, out),
        ParamType::Str => string(of, value, out),
        ParamType::Date => date(of, value, out),
        ParamType::Number => number(value, out),
        ParamType::Quantity => quantity(of, value, out),
        ParamType::Reference => link(of, value, own_base, out),
        ParamType::Uri => {
            if let Some(text) = value.text() {
                out(IndexValue::Uri(text.into()));
            }
        }
        ParamType::Composite | ParamType::Special => {}
    }
}

fn some(text: Option<&str>) -> Option<Box<str>> {
    text.filter(|t| !t.is_empty()).map(Into::into)
}
fn folded(text: Option<&str>) -> Option<Box<str>> {
    text.map(fold).filter(|t| !t.is_empty()).map(Into::into)
}

/// §3.1.1.4.10
fn token<'a, J: Json<'a>>(of: &str, value: J, out: &mut impl FnMut(IndexValue)) {
    let mut push = |system, code: &str, text| {
        if !code.is_empty() || text_is_some(&text) {
            out(IndexValue::Token {
                system,
                code: code.into(),
                text,
            });
        }
    };
    match of {
        "CodeableConcept" => {
            let text = folded(value.str_at("text"));
            let mut any = false;
            for c in value.list("coding") {
                any = true;
                let shown = text.clone().or_else(|| folded(c.str_at("display")));
                push(
                    some(c.str_at("system")),
                    c.str_at("code").unwrap_or_default(),
                    shown,
                );
            }
            if !any {
                push(None, "", text);
            }
        }
        "Coding" => {
            let code = value.str_at("code").unwrap_or_default();
            push(
                some(value.str_at("system")),
                code,
                folded(value.str_at("display")),
            );
        }
        "Identifier" => {
            let text = folded(value.get("type").and_then(|t| t.str_at("text")));
            let code = value.str_at("value").unwrap_or_default();
            push(some(value.str_at("system")), code, text);
        }
        "ContactPoint" => {
            let code = value.str_at("value").unwrap_or_default();
            push(some(value.str_at("system")), code, None);
        }
        "boolean" => match value.boolean() {
            Some(true) => push(None, "true", None),
            Some(false) => push(None, "false", None),
            None => {}
        },
        _ => {
            if let Some(text) = value.text() {
                push(None, text, None);
            }
        }
    }
}

fn text_is_some(text: &Option<Box<str>>) -> bool {
    text.is_some()
}

/// §3.1.1.4.8; names and addresses give each of their parts.
fn string<'a, J: Json<'a>>(of: &str, value: J, out: &mut impl FnMut(IndexValue)) {
    let mut push = |text: &str| {
        if !text.is_empty() {
            out(IndexValue::Str {
                folded: fold(text).into(),
                exact: text.into(),
            });
        }
    };
    match of {
        "HumanName" => {
            let parts = ["prefix", "given", "suffix"];
            for text in ["text", "family"]
                .into_iter()
                .filter_map(|k| value.str_at(k))
            {
                push(text);
            }
            parts
                .into_iter()
                .flat_map(|k| value.list(k))
                .filter_map(J::text)
                .for_each(&mut push);
            // 王 + 小明 is looked for as 王小明, which is how the name is written.
            if let Some(family) = value.str_at("family").filter(|f| is_han(f)) {
                let given: String = value.list("given").filter_map(J::text).collect();
                let whole = format!("{family}{given}");
                if is_han(&given) && value.str_at("text") != Some(&whole) {
                    push(&whole);
                }
            }
        }
        "Address" => {
            let parts = ["text", "city", "district", "state", "country", "postalCode"];
            parts
                .into_iter()
                .filter_map(|k| value.str_at(k))
                .for_each(&mut push);
            value.list("line").filter_map(J::text).for_each(&mut push);
        }
        "CodeableConcept" => {
            value.str_at("text").into_iter().for_each(&mut push);
            value
                .list("coding")
                .filter_map(|c| c.str_at("display"))
                .for_each(&mut push);
        }
        _ => value.text().into_iter().for_each(&mut push),
    }
}

fn is_han(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| matches!(c, '\u{3400}'..='\u{9FFF}' | '\u{20000}'..='\u{323AF}' | '·'))
}

/// §3.1.1.4.6
fn date<'a, J: Json<'a>>(of: &str, value: J, out: &mut impl FnMut(IndexValue)) {
    let bounds = match of {
        "Period" => period(value),
        "Timing" => timing(value),
        _ => value
            .text()
            .and_then(date_span)
            .map(|s| (s.low_us, s.high_us)),
    };
    if let Some((low_us, high_us)) = bounds {
        out(IndexValue::Date { low_us, high_us });
    }
}

fn period<'a, J: Json<'a>>(value: J) -> Option<(i64, i64)> {
    let start = value.str_at("start").and_then(date_span);
    let end = value.str_at("end").and_then(date_span);
    if start.is_none() && end.is_none() {
        return None;
    }
    Some((
        start.map_or(i64::MIN, |s| s.low_us),
        end.map_or(i64::MAX, |s| s.high_us),
    ))
}

/// The outer limits of its events and bounds.
fn timing<'a, J: Json<'a>>(value: J) -> Option<(i64, i64)> {
    let events = value
        .list("event")
        .filter_map(J::text)
        .filter_map(date_span);
    let bounds = value
        .get("repeat")
        .and_then(|r| r.get("boundsPeriod"))
        .and_then(period);
    events
        .map(|s| (s.low_us, s.high_us))
        .chain(bounds)
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

fn point<'a, J: Json<'a>>(value: J) -> Option<f64> {
    precise(&value.number()?).map(|p| p.value)
}

/// §3.1.1.4.5: a stored number is the number it is; the digits of the searched one say how near is equal.
fn number<'a, J: Json<'a>>(value: J, out: &mut impl FnMut(IndexValue)) {
    if let Some(x) = point(value) {
        out(IndexValue::Number { low: x, high: x });
    }
}

/// §3.1.1.4.11
fn quantity<'a, J: Json<'a>>(of: &str, value: J, out: &mut impl FnMut(IndexValue)) {
    let at = |v: J| v.get("value").and_then(point);
    match of {
        "Range" => {
            let (low, high) = (value.get("low"), value.get("high"));
            let Some(unit) = low.or(high) else { return };
            let low = low.map_or(Some(f64::NEG_INFINITY), at);
            let high = high.map_or(Some(f64::INFINITY), at);
            if let (Some(low), Some(high)) = (low, high) {
                out(measured(low, high, unit));
            }
        }
        "Money" => {
            if let Some(x) = at(value) {
                out(IndexValue::Quantity {
                    low: x,
                    high: x,
                    system: Some(CURRENCY.into()),
                    code: some(value.str_at("currency")),
                    unit: None,
                });
            }
        }
        "SampledData" => {}
        _ => {
            let Some(x) = at(value) else { return };
            // `<5` is any number below 5.
            let (low, high) = match value.str_at("comparator") {
                Some("<" | "<=") => (f64::NEG_INFINITY, x),
                Some(">" | ">=") => (x, f64::INFINITY),
                _ => (x, x),
            };
            out(measured(low, high, value));
        }
    }
}

fn measured<'a, J: Json<'a>>(low: f64, high: f64, unit: J) -> IndexValue {
    IndexValue::Quantity {
        low,
        high,
        system: some(unit.str_at("system")),
        code: some(unit.str_at("code")),
        unit: some(unit.str_at("unit")),
    }
}

/// §3.1.1.4.12
fn link<'a, J: Json<'a>>(of: &str, value: J, own_base: &str, out: &mut impl FnMut(IndexValue)) {
    match of {
        "Reference" => {
            if let Some(target) = value.str_at("reference").and_then(|t| target(t, own_base)) {
                out(IndexValue::Reference(target));
            }
            let identifier = value.get("identifier");
            if let Some(text) = identifier.and_then(|i| i.str_at("value")) {
                let system = some(identifier.and_then(|i| i.str_at("system")));
                out(IndexValue::RefIdentifier {
                    system,
                    value: text.into(),
                });
            }
        }
        // The first entry of a document or message.
        "Resource" => {
            let kind = value.str_at("resourceType").and_then(schema::resource_type);
            if let (Some(kind), Some(id)) = (kind, value.str_at("id")) {
                out(IndexValue::Reference(RefTarget::Local {
                    kind,
                    id: id.into(),
                }));
            }
        }
        _ => {
            if let Some(target) = value.text().and_then(|t| target(t, own_base)) {
                out(IndexValue::Reference(target));
            }
        }
    }
}

/// What a reference text points at; nothing for one into the same resource or one still to be resolved.
pub(crate) fn target(text: &str, own_base: &str) -> Option<RefTarget> {
    Some(match reference::parse(text) {
        Parsed::Contained(_) | Parsed::Conditional { .. } => return None,
        Parsed::Relative { kind, id, .. } => RefTarget::Local {
            kind,
            id: id.into(),
        },
        Parsed::Absolute { base, kind, id, .. } if !own_base.is_empty() && base == own_base => {
            RefTarget::Local {
                kind,
                id: id.into(),
            }
        }
        Parsed::Absolute { base, kind, id, .. } => RefTarget::Remote {
            base: base.into(),
            kind,
            id: id.into(),
        },
        Parsed::Other(text) => RefTarget::Url(text.into()),
    })
}
