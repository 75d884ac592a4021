use fhir::raw;
use jiff::tz::TimeZone;
use kernel::HospitalId;
use serde_json::json;

use super::*;

fn entry_in(json: &str, zone: &TimeZone) -> Option<Entry> {
    let doc = raw::parse(json.as_bytes()).unwrap();
    let custodian = HospitalId::new("yarqum").unwrap();
    read(&custodian, "x", "laboratory", doc.root(), zone, "")
}
fn entry(json: &str) -> Entry {
    entry_in(json, &TimeZone::UTC).unwrap()
}

fn glucose(value: &str, unit: &str, loinc: &str, when: &str) -> Entry {
    entry(&format!(
        r#"{{"resourceType":"Observation","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"{loinc}"}}],"text":"Glucose"}},
        "effectiveDateTime":"{when}","issued":"2026-11-19T10:00:00Z","valueQuantity":{{"value":{value},"unit":"{unit}","system":"http://unitsofmeasure.org","code":"{unit}"}},
        "referenceRange":[{{"low":{{"value":3.9}},"high":{{"value":6.10}}}}]}}"#
    ))
}

#[test]
fn a_value_keeps_its_digits_and_gets_the_other_unit() {
    let e = glucose("7.10", "mmol/L", "14749-6", "2026-11-19T17:00:00+08:00");
    let m = &e.measures[0];
    assert_eq!(
        (m.value.as_str(), m.unit.as_deref()),
        ("7.10", Some("mmol/L"))
    );
    assert_eq!(m.converted, Some(("128".into(), "mg/dL".into())));
    assert_eq!(m.range.as_ref().unwrap().high.as_deref(), Some("6.10"));
    assert_eq!(e.flag, Some(Flag::High));
    assert_eq!(e.when.as_ref().unwrap().text, "2026-11-19T17:00:00+08:00");
    assert_ne!(e.recorded, e.when.map(|w| w.start));
}

#[test]
fn a_date_begins_at_midnight_of_the_custodian() {
    let zone = TimeZone::fixed(jiff::tz::offset(8));
    let json =
        r#"{"resourceType":"Condition","code":{"text":"Tuberculosis"},"onsetDateTime":"2009-01"}"#;
    let when = entry_in(json, &zone).unwrap().when.unwrap();
    assert_eq!(when.precision, Precision::Month);
    assert_eq!(when.start.to_string(), "2008-12-31T16:00:00Z");
    assert_eq!(when.year(), Some(2009));
}

#[test]
fn the_source_s_own_interpretation_outranks_the_range() {
    let e = entry(
        r#"{"resourceType":"Observation","status":"final","code":{"text":"K"},"valueQuantity":{"value":6.9},
        "interpretation":[{"coding":[{"code":"HH"}]}],"referenceRange":[{"high":{"value":10}}]}"#,
    );
    assert_eq!(e.flag, Some(Flag::CriticallyHigh));
}

#[test]
fn components_stand_beside_each_other() {
    let e = entry(
        r#"{"resourceType":"Observation","status":"final","code":{"text":"Blood pressure"},"component":[
        {"code":{"text":"Systolic"},"valueQuantity":{"value":121,"unit":"mmHg"}},
        {"code":{"text":"Diastolic"},"valueQuantity":{"value":80,"unit":"mmHg"}}]}"#,
    );
    let names: Vec<_> = e
        .measures
        .iter()
        .map(|m| m.name.as_deref().unwrap())
        .collect();
    assert_eq!(names, ["Systolic", "Diastolic"]);
}

#[test]
fn years_come_newest_first_gaps_on_top_undated_last() {
    let undated = entry(r#"{"resourceType":"Condition","code":{"text":"Old"}}"#);
    let list = vec![
        undated,
        glucose("5.0", "mmol/L", "14749-6", "2023-05-08"),
        glucose("5.1", "mmol/L", "14749-6", "2026-11-19"),
        glucose("5.2", "mmol/L", "14749-6", "2026-01-01"),
    ];
    let gap = Gap {
        custodian: HospitalId::new("toghraq").unwrap(),
        reason: GapReason::Unavailable,
        at: "2026-11-23T03:20:00Z".parse().unwrap(),
    };
    let years = by_year(list, vec![gap.clone()]);
    let shape: Vec<_> = years.iter().map(|y| (y.year, y.lines.len())).collect();
    assert_eq!(shape, [(Some(2026), 3), (Some(2023), 1), (None, 1)]);
    assert_eq!(years[0].lines[0], Line::Gap(gap));
}

#[test]
fn a_trend_joins_results_in_both_units() {
    let list = vec![
        glucose("5.55", "mmol/L", "14749-6", "2026-11-19"),
        glucose("100", "mg/dL", "2345-7", "2025-11-19"),
    ];
    let found = trends(&list);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].unit.as_deref(), Some("mmol/L"));
    let numbers: Vec<_> = found[0]
        .points
        .iter()
        .map(|p| (p.number * 100.0).round())
        .collect();
    assert_eq!(numbers, [555.0, 555.0]);
    assert_eq!(found[0].points[0].value, "100");
}

#[test]
fn the_summary_leaves_out_what_is_over_or_wrong() {
    let list: Vec<_> = [
        json!({"resourceType":"AllergyIntolerance","code":{"text":"Penicillin"},"criticality":"high","reaction":[{"manifestation":[{"text":"rash"}],"severity":"moderate"}]}),
        json!({"resourceType":"AllergyIntolerance","code":{"text":"Latex"},"verificationStatus":{"coding":[{"code":"entered-in-error"}]},"clinicalStatus":{"coding":[{"code":"active"}]}}),
        json!({"resourceType":"Condition","code":{"text":"Sinusitis"},"clinicalStatus":{"coding":[{"code":"resolved"}]}}),
        json!({"resourceType":"Condition","code":{"text":"Diabetes"},"clinicalStatus":{"coding":[{"code":"active"}]}}),
        json!({"resourceType":"MedicationRequest","status":"active","medicationCodeableConcept":{"text":"Metformin"},"dosageInstruction":[{"text":"500 mg twice a day"}]}),
        json!({"resourceType":"MedicationRequest","status":"stopped","medicationCodeableConcept":{"text":"Amoxicillin"}}),
    ]
    .iter()
    .map(|j| entry(&j.to_string()))
    .collect();
    let s = summarise(&list);
    assert_eq!(s.allergies.len(), 1);
    assert_eq!(s.allergies[0].detail.as_deref(), Some("rash moderate"));
    assert_eq!(s.allergies[0].criticality.as_deref(), Some("high"));
    assert_eq!(
        s.problems
            .iter()
            .map(|p| p.title.as_str())
            .collect::<Vec<_>>(),
        ["Diabetes"]
    );
    assert_eq!(s.medications[0].dose.as_deref(), Some("500 mg twice a day"));
}

#[test]
fn what_is_no_entry_of_a_record_is_left_out() {
    assert!(entry_in(r#"{"resourceType":"Claim"}"#, &TimeZone::UTC).is_none());
    assert!(entry_in(r#"{"resourceType":"Patient"}"#, &TimeZone::UTC).is_none());
}

#[test]
fn printing_an_entry_shows_no_patient_data() {
    let e = entry(r#"{"resourceType":"Condition","code":{"text":"Secret disease"}}"#);
    assert!(!format!("{e:?}").contains("Secret"));
}

#[test]
fn computed_digits_are_rounded_in_lists_and_written_ones_stay() {
    let shown = |v: &str| glucose(v, "mmol/L", "14749-6", "2026-11-19").measures[0].shown();
    assert_eq!(shown("7.10"), "7.10");
    assert_eq!(shown("72.72284471936209"), "≈ 72.72");
    assert_eq!(shown("160.28371416960053"), "≈ 160.3");
    assert_eq!(shown("0.123456789"), "≈ 0.123");
    assert_eq!(shown("1500000"), "1500000");
}

#[test]
fn what_is_said_to_be_absent_is_no_allergy() {
    let none = |code: &str, text: &str| {
        entry(&json!({"resourceType":"AllergyIntolerance","code":{"coding":[{"system":"http://snomed.info/sct","code":code,"display":text}]}}).to_string())
    };
    let food = summarise(&[none("429625007", "No known food allergy (situation)")]);
    assert!(food.allergies.is_empty() && !food.no_known_allergy);
    let all = summarise(&[none("716186003", "No known allergy (situation)")]);
    assert!(all.allergies.is_empty() && all.no_known_allergy);
    let worded = summarise(&[none("1", "No Known Allergies")]);
    assert!(worded.no_known_allergy);
    let absent = json!({"resourceType":"Condition","code":{"coding":[{"system":"http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips","code":"no-problem-info"}]}});
    assert!(summarise(&[entry(&absent.to_string())]).problems.is_empty());
}

#[test]
fn a_medication_by_reference_says_where_its_name_is() {
    let e = entry(
        r#"{"resourceType":"MedicationStatement","status":"active","medicationReference":{"reference":"Medication/m1"}}"#,
    );
    assert_eq!(e.title_at.as_deref(), Some("Medication/m1"));
    let e = entry(
        r#"{"resourceType":"MedicationStatement","status":"active","medicationReference":{"reference":"Medication/m1","display":"Anastrozole"}}"#,
    );
    assert_eq!((e.title.as_str(), e.title_at), ("Anastrozole", None));
}

#[test]
fn a_score_has_no_unit_behind_it() {
    let score = glucose("5", "1", "44261-6", "2026-11-19");
    assert_eq!(score.measures[0].unit, None);
}

#[test]
fn a_reader_sees_the_source_s_own_translation_and_what_was_written() {
    let json = r#"{"resourceType":"Observation","status":"final","code":{"text":"Potassium","_text":{"extension":[
        {"url":"http://hl7.org/fhir/StructureDefinition/translation","extension":[{"url":"lang","valueCode":"ru"},{"url":"content","valueString":"Калий"}]},
        {"url":"http://hl7.org/fhir/StructureDefinition/translation","extension":[{"url":"lang","valueCode":"zh-CN"},{"url":"content","valueString":"血钾"}]}]}},
        "component":[{"code":{"coding":[{"code":"8480-6","display":"Systolic"},{"code":"x","display":"收缩压"}]},"valueQuantity":{"value":121}}]}"#;
    let doc = raw::parse(json.as_bytes()).unwrap();
    let custodian = HospitalId::new("yarqum").unwrap();
    let in_language = |lang| read(&custodian, "x", "", doc.root(), &TimeZone::UTC, lang).unwrap();
    let zh = in_language("zh-CN");
    assert_eq!(
        (zh.title.as_str(), zh.written.as_deref()),
        ("血钾", Some("Potassium"))
    );
    assert_eq!(zh.measures[0].name.as_deref(), Some("收缩压"));
    let en = in_language("en");
    assert_eq!(
        (en.title.as_str(), en.written.as_deref()),
        ("Potassium", None)
    );
    assert_eq!(en.measures[0].name.as_deref(), Some("Systolic"));
    assert_eq!(in_language("").title, "Potassium");
}

#[test]
fn a_coding_stands_for_free_text_only_where_the_text_says_no_more() {
    let read_zh = |json: &str| {
        let doc = raw::parse(json.as_bytes()).unwrap();
        let custodian = HospitalId::new("yarqum").unwrap();
        read(&custodian, "x", "", doc.root(), &TimeZone::UTC, "zh-CN").unwrap()
    };
    let coding = r#"[{"system":"http://snomed.info/sct","code":"91936005","display":"Allergy to penicillin"},{"code":"1","display":"青霉素过敏"}]"#;
    let same = read_zh(&format!(
        r#"{{"resourceType":"AllergyIntolerance","code":{{"text":"allergy to penicillin","coding":{coding}}}}}"#
    ));
    assert_eq!(same.title, "青霉素过敏");
    let more = read_zh(&format!(
        r#"{{"resourceType":"AllergyIntolerance","code":{{"text":"Penicillin, throat swelled in 2014","coding":{coding}}}}}"#
    ));
    assert_eq!(more.title, "Penicillin, throat swelled in 2014");
}

#[test]
fn no_known_allergy_is_understood_behind_its_translation() {
    let json = r#"{"resourceType":"AllergyIntolerance","code":{"text":"No known allergies","_text":{"extension":[
        {"url":"http://hl7.org/fhir/StructureDefinition/translation","extension":[{"url":"lang","valueCode":"zh-CN"},{"url":"content","valueString":"无已知过敏"}]}]}}}"#;
    let doc = raw::parse(json.as_bytes()).unwrap();
    let custodian = HospitalId::new("yarqum").unwrap();
    let e = read(&custodian, "x", "", doc.root(), &TimeZone::UTC, "zh").unwrap();
    assert_eq!(e.title, "无已知过敏");
    assert!(summarise(&[e]).no_known_allergy);
}
