use serde_json::json;

use super::*;

#[test]
fn a_patient_has_a_native_and_a_latin_name() {
    let p = Patient::from_value(
        &json!({"resourceType": "Patient", "id": "1", "birthDate": "1990-05", "gender": "female",
        "name": [{"use": "old", "text": "旧名"}, {"family": "王", "given": ["小明"]}, {"family": "Wang", "given": ["Xiaoming"]}],
        "identifier": [{"system": "urn:h", "value": "42", "type": {"coding": [{"code": "MR"}]}, "assigner": {"display": "Yarqum"}}],
        "deceasedBoolean": false,
        "communication": [{"language": {"coding": [{"code": "ug"}]}}, {"language": {"coding": [{"code": "zh"}]}, "preferred": true}]}),
    );
    assert_eq!(p.native_name().as_deref(), Some("王小明"));
    assert_eq!(p.latin_name().as_deref(), Some("Xiaoming Wang"));
    assert_eq!(p.identifier("urn:h"), Some("42"));
    assert_eq!(
        (
            p.identifiers[0].kind.as_deref(),
            p.identifiers[0].assigner.as_deref()
        ),
        (Some("MR"), Some("Yarqum"))
    );
    assert!(p.deceased.is_none());
    assert_eq!(p.languages, ["zh", "ug"]);
    assert_eq!(format!("{p:?}"), "Patient([phi])");
}

#[test]
fn a_patient_with_nothing_is_still_a_patient() {
    let p = Patient::from_value(&json!({}));
    assert_eq!((p.native_name(), p.latin_name()), (None, None));
}

#[test]
fn a_value_keeps_its_digits() {
    let doc = crate::raw::parse(
        br#"{"code":{"text":"K"},"valueQuantity":{"value":1.10,"unit":"mmol/L"},
        "interpretation":[{"coding":[{"code":"H"}]}],"referenceRange":[{"high":{"value":1.00}}],
        "effectiveDateTime":"2020-01-01"}"#,
    )
    .unwrap();
    let o = Observation::from_value(doc.root());
    let Some(ObservationValue::Quantity(q)) = &o.main.value else {
        panic!()
    };
    assert_eq!(q.value.as_deref(), Some("1.10"));
    assert_eq!(q.unit_text(), "mmol/L");
    assert_eq!(o.main.interpretation[0].code.as_deref(), Some("H"));
    assert_eq!(o.effective.unwrap().first(), Some("2020-01-01"));
}

#[test]
fn a_medication_is_read_from_every_kind_of_resource() {
    let m = Medication::from_value(
        &json!({"resourceType": "MedicationStatement", "status": "active",
        "medicationReference": {"reference": "Medication/1", "display": "Aspirin"},
        "dosage": [{"text": "100 mg daily"}], "effectivePeriod": {"start": "2020"}}),
    );
    assert_eq!(
        (m.medication.display(), m.dosage.as_slice()),
        ("Aspirin", &["100 mg daily".to_owned()][..])
    );
    assert_eq!(m.when.unwrap().first(), Some("2020"));
}

#[test]
fn an_imaging_study_counts_what_it_does_not_say() {
    let s = ImagingStudy::from_value(
        &json!({"identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}],
        "series": [{"uid": "1", "modality": {"code": "CT"}, "instance": [{}, {}]}, {"uid": "2", "numberOfInstances": 3}]}),
    );
    assert_eq!(
        (s.uid(), s.number_of_series, s.number_of_instances),
        (Some("1.2.3"), 2, 5)
    );
    assert_eq!(s.modalities[0].code.as_deref(), Some("CT"));
}

#[test]
fn documents_lead_to_their_attachments() {
    let d = DocumentReference::from_value(&json!({"status": "current", "type": {"text": "Letter"},
        "content": [{"attachment": {"contentType": "application/pdf", "url": "Binary/1", "size": 7}}]}));
    assert_eq!(
        (d.kind.display(), d.attachments[0].size),
        ("Letter", Some(7))
    );
}
