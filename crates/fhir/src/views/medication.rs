//! MedicationRequest, MedicationStatement and what else says that someone takes something; Immunization

use super::redacted;
use super::types::{Concept, Reference, When, list, notes, one, text};
use crate::json::Json;

redacted!(Medication, Immunization);

/// One medication as a request, statement, administration or dispense says it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Medication {
    pub id: Option<String>,
    pub resource_type: Option<String>,
    pub status: Option<String>,
    /// Of a request: proposal, plan, order, …
    pub intent: Option<String>,
    /// What it is; from a reference the display alone is known.
    pub medication: Concept,
    pub medication_reference: Option<Reference>,
    /// The dosage in words, one for each line.
    pub dosage: Vec<String>,
    /// When it was ordered, stated or given.
    pub when: Option<When>,
    pub reasons: Vec<Concept>,
    pub notes: Vec<String>,
}

impl Medication {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        let by_reference = one(v, "medicationReference", Reference::from_value);
        let medication =
            one(v, "medicationCodeableConcept", Concept::from_value).unwrap_or_else(|| Concept {
                text: by_reference.as_ref().and_then(|r| r.display.clone()),
                ..Concept::default()
            });
        let dosages = v.list("dosageInstruction").chain(v.list("dosage"));
        let at = |key| text(v, key).map(When::At);
        Self {
            id: text(v, "id"),
            resource_type: text(v, "resourceType"),
            status: text(v, "status"),
            intent: text(v, "intent"),
            medication,
            medication_reference: by_reference,
            dosage: dosages.filter_map(|d| text(d, "text")).collect(),
            when: When::choice(v, "effective")
                .or_else(|| at("authoredOn"))
                .or_else(|| at("dateAsserted"))
                .or_else(|| at("whenHandedOver")),
            reasons: list(v, "reasonCode", Concept::from_value),
            notes: notes(v),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct Immunization {
    pub id: Option<String>,
    pub status: Option<String>,
    pub vaccine: Concept,
    pub occurrence: Option<When>,
    pub lot_number: Option<String>,
    /// As written: a number or words.
    pub dose: Option<String>,
    pub site: Option<Concept>,
    pub notes: Vec<String>,
}

impl Immunization {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        let dose = v.list("protocolApplied").find_map(|p| {
            let number = p
                .get("doseNumberPositiveInt")
                .and_then(Json::number)
                .map(Into::into);
            number.or_else(|| text(p, "doseNumberString"))
        });
        Self {
            id: text(v, "id"),
            status: text(v, "status"),
            vaccine: one(v, "vaccineCode", Concept::from_value).unwrap_or_default(),
            occurrence: When::choice(v, "occurrence"),
            lot_number: text(v, "lotNumber"),
            dose,
            site: one(v, "site", Concept::from_value),
            notes: notes(v),
        }
    }
}
