//! Whom a resource is about.

use std::collections::HashMap;
use std::sync::{OnceLock, RwLock};

use crate::json::Json;
use crate::path::{Found, Plan, compile};
use crate::reference::{self, Parsed};
use crate::schema;
use crate::search::params;

/// The patient a resource is about, as `Patient/id` or an absolute address: itself for a Patient, else the first
/// reference to a patient among the parameters of the Patient compartment (FHIR R4 §2.43), `patient` and `subject`
/// before the others. Types outside the compartment are asked for the same two. A document bundle is about the subject
/// of its Composition.
pub fn patient_of<'a, J: Json<'a>>(kind: &str, resource: J) -> Option<String> {
    let kind = schema::resource_type(kind)?;
    match kind {
        "Patient" => return resource.str_at("id").map(|id| format!("Patient/{id}")),
        // What was only collected is about nobody in particular.
        "Bundle" if resource.str_at("type") != Some("document") => return None,
        "Bundle" => {
            let first = resource
                .list("entry")
                .next()
                .and_then(|e| e.get("resource"))?;
            return match first.str_at("resourceType")? {
                "Composition" => patient_of("Composition", first),
                _ => None,
            };
        }
        "Binary" => return resource.get("securityContext").and_then(patient_reference),
        _ => {}
    }
    let mut patient = None;
    for plan in plans(kind) {
        plan.evaluate(resource, resource, &mut |of, found| {
            if let (None, "Reference", Found::Value(v)) = (&patient, of, found) {
                patient = patient_reference(v);
            }
        });
        if patient.is_some() {
            break;
        }
    }
    patient
}

/// The reference without its version, if it points at a Patient.
fn patient_reference<'a, J: Json<'a>>(value: J) -> Option<String> {
    match reference::parse(value.str_at("reference")?) {
        Parsed::Relative {
            kind: "Patient",
            id,
            ..
        } => Some(format!("Patient/{id}")),
        Parsed::Absolute {
            base,
            kind: "Patient",
            id,
            ..
        } => Some(format!("{base}/Patient/{id}")),
        _ => None,
    }
}

fn plans(kind: &'static str) -> &'static [Plan] {
    type Known = RwLock<HashMap<&'static str, &'static [Plan]>>;
    static KNOWN: OnceLock<Known> = OnceLock::new();
    let known = KNOWN.get_or_init(Known::default);
    if let Some(found) = known.read().ok().and_then(|k| k.get(kind).copied()) {
        return found;
    }
    let compartment = schema::patient_params(kind);
    let mut codes = vec!["patient", "subject"];
    codes.extend(
        compartment
            .iter()
            .filter(|c| !matches!(**c, "patient" | "subject")),
    );
    let built: Vec<Plan> = codes
        .into_iter()
        .filter_map(|code| params::find(kind, code))
        .filter_map(|p| compile(p.expression, kind, kind).ok())
        .collect();
    // One for each of the R4 types at most.
    let built: &'static [Plan] = built.leak();
    if let Ok(mut known) = known.write() {
        return known.entry(kind).or_insert(built);
    }
    built
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(v: Value) -> Option<String> {
        patient_of(v["resourceType"].as_str().unwrap(), &v)
    }

    #[test]
    fn the_patient_is_found_wherever_the_type_keeps_it() {
        let p = json!({"reference": "Patient/1/_history/4"});
        let one = Some("Patient/1".to_owned());
        assert_eq!(of(json!({"resourceType": "Patient", "id": "1"})), one);
        assert_eq!(
            of(json!({"resourceType": "Observation", "subject": p})),
            one
        );
        assert_eq!(
            of(json!({"resourceType": "AllergyIntolerance", "patient": p})),
            one
        );
        assert_eq!(
            of(json!({"resourceType": "Coverage", "beneficiary": p})),
            one
        );
        assert_eq!(of(json!({"resourceType": "Task", "for": p})), one);
        assert_eq!(
            of(
                json!({"resourceType": "Appointment", "participant": [{"actor": {"reference": "Practitioner/2"}}, {"actor": p}]})
            ),
            one
        );
        assert_eq!(
            of(json!({"resourceType": "Binary", "securityContext": p})),
            one
        );
        assert_eq!(
            of(
                json!({"resourceType": "Bundle", "type": "document", "entry": [
                {"resource": {"resourceType": "Composition", "subject": p}}]})
            ),
            one
        );
    }

    #[test]
    fn the_subject_comes_before_who_reported_it() {
        let o = json!({"resourceType": "Observation",
            "performer": [{"reference": "Patient/mother"}], "subject": {"reference": "Patient/child"}});
        assert_eq!(of(o), Some("Patient/child".to_owned()));
    }

    #[test]
    fn a_patient_elsewhere_keeps_the_address() {
        let o = json!({"resourceType": "Observation", "subject": {"reference": "https://n/fhir/a/Patient/1"}});
        assert_eq!(of(o), Some("https://n/fhir/a/Patient/1".to_owned()));
    }

    #[test]
    fn nobody_is_nobody() {
        assert_eq!(of(json!({"resourceType": "Organization", "id": "1"})), None);
        assert_eq!(
            of(json!({"resourceType": "Observation", "subject": {"reference": "Group/1"}})),
            None
        );
    }
}
