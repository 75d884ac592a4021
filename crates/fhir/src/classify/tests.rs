use serde_json::{Value, json};

use super::classify;

fn class(v: Value) -> &'static str {
    classify(v["resourceType"].as_str().unwrap(), &v)
}

#[test]
fn a_label_outranks_everything() {
    let labelled = |codes: &[(&str, &str)]| {
        let security: Vec<Value> = codes
            .iter()
            .map(|(s, c)| json!({"system": s, "code": c}))
            .collect();
        class(json!({"resourceType": "AllergyIntolerance", "meta": {"security": security}}))
    };
    let act = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    let confidentiality = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
    assert_eq!(labelled(&[(act, "PSY")]), "mental-health");
    assert_eq!(labelled(&[(act, "HIV")]), "sexual-health");
    assert_eq!(labelled(&[(act, "SUD")]), "substance-use");
    assert_eq!(labelled(&[(act, "GDIS")]), "genetics");
    assert_eq!(labelled(&[(act, "SDV")]), "safeguarding");
    assert_eq!(labelled(&[(confidentiality, "R")]), "unclassified");
    assert_eq!(
        labelled(&[(confidentiality, "R"), (act, "HIV")]),
        "sexual-health"
    );
    assert_eq!(labelled(&[(confidentiality, "N")]), "allergies");
}

#[test]
fn of_two_sensitive_classes_the_weightier_counts() {
    let act = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    for codes in [["PSY", "HIV"], ["HIV", "PSY"]] {
        let labels: Vec<Value> = codes
            .iter()
            .map(|c| json!({"system": act, "code": c}))
            .collect();
        let condition = json!({"resourceType": "Condition", "meta": {"security": labels}});
        assert_eq!(class(condition), "sexual-health");
    }
}

#[test]
fn codes_tell_what_is_sensitive() {
    let condition = |system: &str, code: &str| {
        class(
            json!({"resourceType": "Condition", "code": {"coding": [{"system": system, "code": code}]}}),
        )
    };
    let icd = "http://hl7.org/fhir/sid/icd-10";
    assert_eq!(condition(icd, "F32.1"), "mental-health");
    assert_eq!(condition(icd, "F10.2"), "substance-use");
    assert_eq!(condition(icd, "B20"), "sexual-health");
    assert_eq!(condition(icd, "O80"), "reproductive-health");
    assert_eq!(condition(icd, "I21.0"), "problems");
    assert_eq!(
        condition("http://snomed.info/sct", "86406008"),
        "sexual-health"
    );
    assert_eq!(condition("http://snomed.info/sct", "44054006"), "problems");
    let medication = json!({"resourceType": "MedicationRequest", "medicationCodeableConcept":
        {"coding": [{"system": "http://www.whocc.no/atc", "code": "N06AB03"}]}});
    assert_eq!(class(medication), "mental-health");
    let encounter = json!({"resourceType": "Encounter", "type": [
        {"coding": [{"system": "http://snomed.info/sct", "code": "72892002"}]}]});
    assert_eq!(class(encounter), "reproductive-health");
}

#[test]
fn observations_go_by_category() {
    let observation = |category: &str| {
        class(
            json!({"resourceType": "Observation", "category": [{"coding": [{"code": category}]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": "2339-0"}]}}),
        )
    };
    assert_eq!(observation("vital-signs"), "vitals");
    assert_eq!(observation("laboratory"), "laboratory");
    assert_eq!(observation("survey"), "unclassified");
    let bare = json!({"resourceType": "Observation", "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}});
    assert_eq!(class(bare), "vitals");
    assert_eq!(
        class(json!({"resourceType": "Observation"})),
        "unclassified"
    );
}

#[test]
fn a_document_nobody_described_is_unclassified() {
    assert_eq!(
        class(json!({"resourceType": "DocumentReference"})),
        "unclassified"
    );
    assert_eq!(
        class(json!({"resourceType": "DocumentReference", "type": {"text": "letter"}})),
        "unclassified"
    );
    let typed = |code: &str| {
        class(
            json!({"resourceType": "DocumentReference", "type": {"coding": [{"system": "http://loinc.org", "code": code}]}}),
        )
    };
    assert_eq!(typed("18842-5"), "documents");
    assert_eq!(typed("11502-2"), "laboratory");
    assert_eq!(class(json!({"resourceType": "Binary"})), "unclassified");
    assert_eq!(
        class(json!({"resourceType": "QuestionnaireResponse"})),
        "unclassified"
    );
}

#[test]
fn what_is_carried_along_counts() {
    let hiv = json!({"resourceType": "Condition", "code": {"coding": [{"system": "http://snomed.info/sct", "code": "86406008"}]}});
    let contained = json!({"resourceType": "Encounter", "contained": [hiv]});
    assert_eq!(class(contained), "sexual-health");
    let collection =
        |of: &str| json!({"resourceType": "Bundle", "type": of, "entry": [{"resource": hiv}]});
    assert_eq!(class(collection("collection")), "sexual-health");
    assert_eq!(
        class(collection("document")),
        "unclassified",
        "a document is what its Composition says"
    );
}

#[test]
fn every_type_has_a_class_of_the_list() {
    let classes = [
        "demographics",
        "problems",
        "allergies",
        "medications",
        "immunizations",
        "vitals",
        "laboratory",
        "imaging",
        "pathology",
        "procedures",
        "encounters",
        "documents",
        "care-plans",
        "family-history",
        "devices",
        "messages",
        "cases",
        "administrative",
        "directory",
        "mental-health",
        "sexual-health",
        "reproductive-health",
        "substance-use",
        "genetics",
        "safeguarding",
        "unclassified",
    ];
    for kind in crate::schema::resource_types() {
        assert!(classes.contains(&classify(kind, &json!({"resourceType": kind}))));
    }
}
