use super::*;

fn entries(kind: &str, json: &str) -> Vec<(String, IndexValue)> {
    extract_bytes(kind, json.as_bytes(), "https://n/fhir/own")
        .unwrap()
        .into_iter()
        .filter(|e| e.group == 0)
        .map(|e| (e.param.code().to_owned(), e.value))
        .collect()
}

fn of(kind: &str, json: &str, param: &str) -> Vec<IndexValue> {
    entries(kind, json)
        .into_iter()
        .filter(|e| e.0 == param)
        .map(|e| e.1)
        .collect()
}

#[test]
fn an_observation_gives_what_it_is_looked_for_by() {
    let json = r#"{"resourceType":"Observation","status":"final",
        "code":{"coding":[{"system":"http://loinc.org","code":"2339-0","display":"Glucose"}]},
        "subject":{"reference":"Patient/p1"},"effectiveDateTime":"2020-03",
        "valueQuantity":{"value":6.30,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"}}"#;
    let token = |system: Option<&str>, code: &str, text: Option<&str>| IndexValue::Token {
        system: system.map(Into::into),
        code: code.into(),
        text: text.map(Into::into),
    };
    assert_eq!(
        of("Observation", json, "code"),
        [token(Some("http://loinc.org"), "2339-0", Some("glucose"))]
    );
    assert_eq!(
        of("Observation", json, "status"),
        [token(None, "final", None)]
    );
    let patient = IndexValue::Reference(RefTarget::Local {
        kind: "Patient",
        id: "p1".into(),
    });
    assert_eq!(
        of("Observation", json, "patient"),
        std::slice::from_ref(&patient)
    );
    assert_eq!(of("Observation", json, "subject"), [patient]);
    assert_eq!(
        of("Observation", json, "value-quantity"),
        [IndexValue::Quantity {
            low: 6.3,
            high: 6.3,
            system: Some("http://unitsofmeasure.org".into()),
            code: Some("mmol/L".into()),
            unit: Some("mmol/L".into())
        }]
    );
    let march = crate::search::value::date_span("2020-03").unwrap();
    assert_eq!(
        of("Observation", json, "date"),
        [IndexValue::Date {
            low_us: march.low_us,
            high_us: march.high_us
        }]
    );
}

#[test]
fn parts_of_one_component_stay_together() {
    let json = r#"{"resourceType":"Observation","component":[
        {"code":{"coding":[{"code":"sys"}]},"valueQuantity":{"value":120}},
        {"code":{"coding":[{"code":"dia"}]},"valueQuantity":{"value":80}},
        {"code":{"coding":[{"code":"absent"}]}}]}"#;
    let param = ParamId::of("component-code-value-quantity").unwrap();
    let found = extract_bytes("Observation", json.as_bytes(), "").unwrap();
    let mut groups: Vec<(u16, u8)> = found
        .iter()
        .filter(|e| e.param == param)
        .map(|e| (e.group, e.part))
        .collect();
    groups.sort_unstable();
    assert_eq!(groups, [(1, 0), (1, 1), (2, 0), (2, 1)]);
}

#[test]
fn a_name_is_found_by_each_part_and_as_it_is_written_in_chinese() {
    let json = r#"{"resourceType":"Patient","name":[{"family":"王","given":["小明"]},{"family":"Treviño","given":["Ana","Ó"]}]}"#;
    let names: Vec<String> = of("Patient", json, "name")
        .into_iter()
        .map(|v| match v {
            IndexValue::Str { folded, .. } => folded.into(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["王", "小明", "王小明", "trevino", "ana", "o"]);
}

#[test]
fn references_are_told_apart_by_whose_they_are() {
    let subject = |text: &str| {
        let json = format!(r#"{{"resourceType":"Condition","subject":{{"reference":"{text}"}}}}"#);
        of("Condition", &json, "subject")
    };
    let local = IndexValue::Reference(RefTarget::Local {
        kind: "Patient",
        id: "1".into(),
    });
    assert_eq!(
        subject("https://n/fhir/own/Patient/1"),
        std::slice::from_ref(&local)
    );
    assert_eq!(subject("Patient/1/_history/3"), [local]);
    assert_eq!(
        subject("https://n/fhir/other/Patient/1"),
        [IndexValue::Reference(RefTarget::Remote {
            base: "https://n/fhir/other".into(),
            kind: "Patient",
            id: "1".into()
        })]
    );
    assert!(subject("#p").is_empty());
    assert_eq!(
        subject("urn:uuid:1"),
        [IndexValue::Reference(RefTarget::Url("urn:uuid:1".into()))]
    );
}

#[test]
fn a_period_without_end_is_open() {
    let json = r#"{"resourceType":"Encounter","period":{"start":"2020-01-01"}}"#;
    let [IndexValue::Date { low_us, high_us }] = of("Encounter", json, "date")[..] else {
        panic!()
    };
    assert_eq!((low_us, high_us), (1_577_836_800_000_000, i64::MAX));
}

#[test]
fn a_patient_not_known_to_be_dead_is_indexed_as_alive() {
    let alive = IndexValue::Token {
        system: None,
        code: "false".into(),
        text: None,
    };
    assert_eq!(
        of("Patient", r#"{"resourceType":"Patient"}"#, "deceased"),
        [alive]
    );
}

#[test]
fn below_a_detection_limit_is_an_interval() {
    let json = r#"{"resourceType":"Observation","valueQuantity":{"value":5,"comparator":"<"}}"#;
    let [IndexValue::Quantity { low, high, .. }] = &of("Observation", json, "value-quantity")[..]
    else {
        panic!()
    };
    assert_eq!((*low, *high), (f64::NEG_INFINITY, 5.0));
}

#[test]
fn the_name_of_no_resource_gives_no_index() {
    assert!(
        extract_bytes("Quantity", b"{\"value\":1}", "")
            .unwrap()
            .is_empty()
    );
}

#[test]
fn what_a_parameter_only_repeats_is_given_once() {
    let json = r#"{"resourceType":"Observation","status":"final",
        "code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},
        "valueQuantity":{"value":6.3,"unit":"mmol/L"},
        "component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},
                      "valueQuantity":{"value":120,"unit":"mmHg"}}]}"#;
    let all = extract_bytes("Observation", json.as_bytes(), "").unwrap();
    let of = |code: &str| all.iter().filter(|e| e.param.code() == code).count();
    for code in [
        "code",
        "component-code",
        "value-quantity",
        "component-value-quantity",
    ] {
        assert_eq!(of(code), 1, "{code}");
    }
    for code in ["combo-code", "combo-value-quantity", "code-value-quantity"] {
        assert_eq!(of(code), 0, "{code}");
    }
    // The component's two parts; those of the resource are the entries of `code` and `value-quantity`.
    assert_eq!(of("combo-code-value-quantity"), 2);
}

#[test]
fn the_one_patient_of_a_resource_has_several_names() {
    let is = |kind, code| names_the_patient(kind, ParamId::of(code).unwrap());
    assert!(is("Observation", "patient") && is("Observation", "subject"));
    assert!(is("AllergyIntolerance", "patient") && is("Condition", "subject"));
    assert!(!is("Observation", "performer") && !is("Observation", "code"));
    // Of these there may be several.
    assert!(!is("Appointment", "patient") && !is("Provenance", "patient"));
    assert!(!is("Account", "subject") && !is("Person", "patient"));
}
