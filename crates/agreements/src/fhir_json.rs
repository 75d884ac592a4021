//! Small readers and writers for the FHIR JSON of this crate's two resources.

use serde_json::{Value, json};

/// Systems under which Karez names its own words.
pub const HOSPITAL: &str = "urn:karez:hospital";
pub const ACCOUNT: &str = "urn:karez:account";
pub const RECORD_CLASS: &str = "urn:karez:record-class";

/// One thing in a resource that cannot be read, with its FHIRPath expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{expression}: {text}")]
pub struct ReadProblem {
    pub expression: String,
    pub text: &'static str,
}

pub fn problem(expression: impl Into<String>, text: &'static str) -> ReadProblem {
    ReadProblem {
        expression: expression.into(),
        text,
    }
}

pub fn logical(system: &str, value: &str, display: Option<&str>) -> Value {
    match display {
        Some(display) => {
            json!({"identifier": {"system": system, "value": value}, "display": display})
        }
        None => json!({"identifier": {"system": system, "value": value}}),
    }
}

/// The value of a logical reference in the given system.
pub fn logical_value<'a>(reference: &'a Value, system: &str) -> Option<&'a str> {
    let id = reference.get("identifier")?;
    (id.get("system")?.as_str()? == system)
        .then(|| id.get("value")?.as_str())
        .flatten()
}

pub fn coded(system: &str, code: &str) -> Value {
    json!({"coding": [{"system": system, "code": code}]})
}

/// The first code of a CodeableConcept in the given system.
pub fn code_of<'a>(concept: &'a Value, system: &str) -> Option<&'a str> {
    list(concept, "coding")
        .find(|c| c.get("system").and_then(Value::as_str) == Some(system))?
        .get("code")?
        .as_str()
}

pub fn list<'a>(v: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    v.get(name).and_then(Value::as_array).into_iter().flatten()
}

pub fn text<'a>(v: &'a Value, name: &str) -> Option<&'a str> {
    v.get(name)?.as_str()
}

pub fn extension<'a>(v: &'a Value, url: &str) -> Option<&'a Value> {
    list(v, "extension").find(|e| text(e, "url") == Some(url))
}

pub fn ext_text<'a>(v: &'a Value, url: &str) -> Option<&'a str> {
    let e = extension(v, url)?;
    text(e, "valueString").or_else(|| text(e, "valueCode"))
}

pub fn ext_bool(v: &Value, url: &str) -> Option<bool> {
    extension(v, url)?.get("valueBoolean")?.as_bool()
}

pub fn ext_number(v: &Value, url: &str) -> Option<u32> {
    let n = extension(v, url)?.get("valueUnsignedInt")?.as_u64()?;
    u32::try_from(n).ok()
}
