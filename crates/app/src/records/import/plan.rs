//! What becomes of a bundle, worked out before anything is written.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fhir::json::Json;
use fhir::{bundle, raw, validate};
use kernel::{HospitalId, ResourceId};
use sha2::{Digest, Sha256};

use super::{ImportKind, ImportProblem};
use crate::AppError;

/// Problems that are kept for the page.
pub const PROBLEMS_MAX: usize = 50;

/// Clinical content and what it refers to. Accounts, roles and privileges are our own documents: an imported
/// Practitioner or Organization names someone and grants nothing.
const TAKEN: &[&str] = &[
    "Patient",
    "AllergyIntolerance",
    "BodyStructure",
    "CarePlan",
    "CareTeam",
    "ClinicalImpression",
    "Composition",
    "Condition",
    "Device",
    "DeviceUseStatement",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "EpisodeOfCare",
    "FamilyMemberHistory",
    "Flag",
    "Goal",
    "ImagingStudy",
    "Immunization",
    "Location",
    "Media",
    "Medication",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "QuestionnaireResponse",
    "RelatedPerson",
    "RiskAssessment",
    "Specimen",
];

/// One entry that will be written.
struct Planned<'a> {
    kind: &'a str,
    /// What other entries call it.
    names: Vec<String>,
    bytes: &'a str,
}

/// A bundle as it will be taken in.
pub(crate) struct Plan<'a> {
    entries: Vec<Planned<'a>>,
    /// The one Patient, as it came.
    pub patient: &'a str,
    pub kind: ImportKind,
}

/// One resource to be written.
pub(crate) struct Resource {
    pub kind: String,
    pub id: ResourceId,
    pub bytes: Vec<u8>,
}

/// Reads the bundle. Refuses what is no bundle of exactly one patient.
pub(crate) fn plan<'a>(doc: &'a raw::Doc<'a>) -> Result<Plan<'a>, AppError> {
    let parsed = bundle::read(doc).map_err(|issue| {
        AppError::invalid(
            issue.expression.unwrap_or_else(|| "Bundle".into()),
            "bundle",
            issue.diagnostics,
        )
    })?;
    let mut entries = Vec::new();
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    let mut left_out: BTreeMap<&str, usize> = BTreeMap::new();
    let mut problems = Vec::new();
    let mut problem_count = 0;
    let mut patients = Vec::new();
    for ((index, entry), node) in parsed
        .entries
        .iter()
        .enumerate()
        .zip(doc.root().list("entry"))
    {
        let (Some(kind), Some(bytes), Some(resource)) =
            (entry.kind, entry.resource, node.get("resource"))
        else {
            continue;
        };
        if !TAKEN.contains(&kind) {
            *left_out.entry(kind).or_default() += 1;
            continue;
        }
        let issues = validate::validate(resource);
        if let Some(first) = issues
            .iter()
            .find(|i| i.severity == fhir::outcome::Severity::Error)
        {
            problem_count += 1;
            if problems.len() < PROBLEMS_MAX {
                problems.push(ImportProblem {
                    entry: index,
                    expression: first.expression.clone().unwrap_or_else(|| kind.to_owned()),
                    text: first.diagnostics.clone(),
                });
            }
            continue;
        }
        if kind == "Patient" {
            patients.push(bytes);
        }
        *taken.entry(kind).or_default() += 1;
        let by_url = entry.full_url.map(str::to_owned);
        let by_id = resource.str_at("id").map(|id| format!("{kind}/{id}"));
        let mut names: Vec<String> = by_url.into_iter().chain(by_id).collect();
        if names.is_empty() {
            // Nothing can refer to it, but the same entry brought again must be the same.
            names.push(hex::encode_bytes(&Sha256::digest(bytes)));
        }
        entries.push(Planned { kind, names, bytes });
    }
    let [patient] = patients.as_slice() else {
        let code = if patients.is_empty() {
            "no-patient"
        } else {
            "several-patients"
        };
        return Err(AppError::invalid(
            "Bundle.entry",
            code,
            format!(
                "{} valid patients where exactly one is expected",
                patients.len()
            ),
        ));
    };
    let unresolved = unresolved(&entries);
    let counted =
        |m: BTreeMap<&str, usize>| m.into_iter().map(|(k, n)| (k.to_owned(), n)).collect();
    Ok(Plan {
        patient,
        kind: ImportKind::Bundle {
            entries: counted(taken),
            left_out: counted(left_out),
            problems,
            problem_count,
            unresolved,
        },
        entries,
    })
}

/// References by `urn:` that no entry answers to.
fn unresolved(entries: &[Planned<'_>]) -> usize {
    let known: BTreeSet<&str> = entries
        .iter()
        .flat_map(|e| e.names.iter().map(String::as_str))
        .collect();
    let mut missing = BTreeSet::new();
    for entry in entries {
        // Nothing is rewritten here; this only looks at what would be.
        let _ = raw::rewrite_references(entry.bytes.as_bytes(), |text| {
            if text.starts_with("urn:uuid:") && !known.contains(text) {
                missing.insert(text.to_owned());
            }
            None
        });
    }
    missing.len()
}

impl Plan<'_> {
    /// The resources as they will be written at `hospital` for `patient`: with ids of this hospital and references to
    /// them. The same entry brought again for the same patient gets the same id.
    pub fn resources(
        &self,
        hospital: &HospitalId,
        patient: &ResourceId,
    ) -> Result<Vec<Resource>, AppError> {
        let mut ids: Vec<ResourceId> = Vec::with_capacity(self.entries.len());
        let mut to: HashMap<&str, String> = HashMap::new();
        for entry in &self.entries {
            let id = if entry.kind == "Patient" {
                patient.clone()
            } else {
                entry_id(hospital, patient, entry)?
            };
            for name in &entry.names {
                to.insert(name, format!("{}/{id}", entry.kind));
            }
            ids.push(id);
        }
        self.entries
            .iter()
            .zip(ids)
            .map(|(entry, id)| {
                let bytes =
                    raw::rewrite_references(entry.bytes.as_bytes(), |text| to.get(text).cloned())
                        .map_err(|e| AppError::Malformed(e.to_string()))?;
                Ok(Resource {
                    kind: entry.kind.to_owned(),
                    id,
                    bytes,
                })
            })
            .collect()
    }
}

/// 32 hex digits from where the entry comes from and whose record it goes to.
fn entry_id(
    hospital: &HospitalId,
    patient: &ResourceId,
    entry: &Planned<'_>,
) -> Result<ResourceId, AppError> {
    let mut hash = Sha256::new();
    for part in [
        hospital.as_str(),
        patient.as_str(),
        entry.kind,
        &entry.names[0],
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digits = hex::encode_bytes(&hash.finalize());
    Ok(ResourceId::new(&digits[..32])?)
}

/// Hex digits of bytes.
pub(crate) mod hex {
    pub fn encode_bytes(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(entries: &str) -> String {
        format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{entries}]}}"#)
    }
    const PATIENT: &str = r#"{"fullUrl":"urn:uuid:p","resource":{"resourceType":"Patient","id":"p","name":[{"text":"Li Wei"}]}}"#;
    const POTASSIUM: &str = r#"{"fullUrl":"urn:uuid:o","resource":{"resourceType":"Observation","status":"final","code":{"text":"K"},"subject":{"reference":"urn:uuid:p"},"performer":[{"reference":"urn:uuid:elsewhere"}],"valueQuantity":{"value":4.10,"unit":"mmol/L"}}}"#;

    fn taken(json: &str) -> Vec<Resource> {
        let doc = raw::parse(json.as_bytes()).unwrap();
        let at = HospitalId::new("yarqum").unwrap();
        let who = ResourceId::new("p9").unwrap();
        plan(&doc).unwrap().resources(&at, &who).unwrap()
    }

    #[test]
    fn references_follow_the_new_ids_and_digits_stay() {
        let json = bundle(&format!("{PATIENT},{POTASSIUM}"));
        let list = taken(&json);
        let observation = String::from_utf8(list[1].bytes.clone()).unwrap();
        assert!(observation.contains(r#""reference":"Patient/p9""#));
        assert!(observation.contains("4.10"));
        assert_eq!(list[1].id, taken(&json)[1].id);
    }

    #[test]
    fn what_grants_or_signs_is_left_out_and_counted() {
        let consent = r#"{"resource":{"resourceType":"Consent","status":"active"}}"#;
        let provenance = r#"{"resource":{"resourceType":"Provenance"}}"#;
        let json = bundle(&format!("{PATIENT},{consent},{provenance},{POTASSIUM}"));
        let doc = raw::parse(json.as_bytes()).unwrap();
        let ImportKind::Bundle {
            entries,
            left_out,
            unresolved,
            problem_count,
            ..
        } = plan(&doc).unwrap().kind
        else {
            panic!("a bundle")
        };
        assert_eq!(entries, [("Observation".into(), 1), ("Patient".into(), 1)]);
        assert_eq!(left_out, [("Consent".into(), 1), ("Provenance".into(), 1)]);
        assert_eq!((unresolved, problem_count), (1, 0));
    }

    #[test]
    fn a_bundle_without_exactly_one_patient_is_refused() {
        for json in [bundle(POTASSIUM), bundle(&format!("{PATIENT},{PATIENT}"))] {
            let doc = raw::parse(json.as_bytes()).unwrap();
            assert!(matches!(plan(&doc), Err(AppError::Invalid(_))));
        }
    }

    #[test]
    fn an_invalid_entry_is_named_and_not_taken() {
        let wrong = r#"{"resource":{"resourceType":"Observation","status":7,"code":{"text":"K"}}}"#;
        let json = bundle(&format!("{PATIENT},{wrong}"));
        let doc = raw::parse(json.as_bytes()).unwrap();
        let p = plan(&doc).unwrap();
        let ImportKind::Bundle { problems, .. } = &p.kind else {
            panic!("a bundle")
        };
        assert_eq!(problems[0].entry, 1);
        assert_eq!(p.entries.len(), 1);
    }
}
