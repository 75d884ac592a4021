//! Observation

use super::redacted;
use super::types::{Coding, Concept, Quantity, Reference, When, list, notes, one, text};
use crate::json::Json;

redacted!(
    Observation,
    ObservationPart,
    ObservationValue,
    ReferenceRange
);

#[derive(Clone, PartialEq, Eq)]
pub enum ObservationValue {
    Quantity(Quantity),
    Concept(Concept),
    Text(String),
    Boolean(bool),
    /// A whole number, as written.
    Integer(String),
    Range {
        low: Option<Quantity>,
        high: Option<Quantity>,
    },
    Ratio {
        numerator: Quantity,
        denominator: Quantity,
    },
    When(When),
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct ReferenceRange {
    pub low: Option<Quantity>,
    pub high: Option<Quantity>,
    pub text: Option<String>,
}

/// What is measured and found: the observation itself, or one component.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ObservationPart {
    pub code: Concept,
    pub value: Option<ObservationValue>,
    /// Why there is no value.
    pub absent: Option<Concept>,
    /// `H`, `L`, `HH`, `N`, … (v3-ObservationInterpretation).
    pub interpretation: Vec<Coding>,
    pub reference_ranges: Vec<ReferenceRange>,
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct Observation {
    pub id: Option<String>,
    pub status: Option<String>,
    pub categories: Vec<Concept>,
    pub main: ObservationPart,
    pub components: Vec<ObservationPart>,
    pub subject: Option<Reference>,
    pub effective: Option<When>,
    /// Instant as written.
    pub issued: Option<String>,
    pub performers: Vec<Reference>,
    pub specimen: Option<Reference>,
    pub notes: Vec<String>,
}

impl Observation {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        Self {
            id: text(v, "id"),
            status: text(v, "status"),
            categories: list(v, "category", Concept::from_value),
            main: ObservationPart::from_value(v),
            components: list(v, "component", ObservationPart::from_value),
            subject: one(v, "subject", Reference::from_value),
            effective: When::choice(v, "effective"),
            issued: text(v, "issued"),
            performers: list(v, "performer", Reference::from_value),
            specimen: one(v, "specimen", Reference::from_value),
            notes: notes(v),
        }
    }
}

impl ObservationPart {
    fn from_value<'a>(v: impl Json<'a>) -> Self {
        let interpretations = v.list("interpretation").map(Concept::from_value);
        Self {
            code: v.get("code").map(Concept::from_value).unwrap_or_default(),
            value: value(v),
            absent: one(v, "dataAbsentReason", Concept::from_value),
            interpretation: interpretations.flat_map(|c| c.codings).collect(),
            reference_ranges: list(v, "referenceRange", |r| ReferenceRange {
                low: one(r, "low", Quantity::from_value),
                high: one(r, "high", Quantity::from_value),
                text: text(r, "text"),
            }),
        }
    }
}

fn value<'a>(v: impl Json<'a>) -> Option<ObservationValue> {
    if let Some(q) = v.get("valueQuantity") {
        return Some(ObservationValue::Quantity(Quantity::from_value(q)));
    }
    if let Some(c) = v.get("valueCodeableConcept") {
        return Some(ObservationValue::Concept(Concept::from_value(c)));
    }
    if let Some(t) = text(v, "valueString") {
        return Some(ObservationValue::Text(t));
    }
    if let Some(b) = v.get("valueBoolean").and_then(Json::boolean) {
        return Some(ObservationValue::Boolean(b));
    }
    if let Some(n) = v.get("valueInteger").and_then(Json::number) {
        return Some(ObservationValue::Integer(n.into_owned()));
    }
    if let Some(r) = v.get("valueRange") {
        let end = |key| one(r, key, Quantity::from_value);
        return Some(ObservationValue::Range {
            low: end("low"),
            high: end("high"),
        });
    }
    if let Some(r) = v.get("valueRatio") {
        let part = |key| one(r, key, Quantity::from_value).unwrap_or_default();
        return Some(ObservationValue::Ratio {
            numerator: part("numerator"),
            denominator: part("denominator"),
        });
    }
    if let Some(t) = text(v, "valueTime") {
        return Some(ObservationValue::Text(t));
    }
    When::choice(v, "value").map(ObservationValue::When)
}
