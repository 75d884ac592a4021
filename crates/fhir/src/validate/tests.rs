use super::*;
use crate::raw::parse;

fn issues(json: &str) -> Vec<(String, &'static str)> {
    let doc = parse(json.as_bytes()).unwrap();
    validate(doc.root())
        .into_iter()
        .map(|i| (i.expression.unwrap(), i.code))
        .collect()
}

fn first(json: &str) -> (String, &'static str) {
    issues(json).into_iter().next().expect("an issue")
}

#[test]
fn a_good_resource_has_no_issues() {
    let good = r##"{"resourceType":"Observation","id":"a","meta":{"versionId":"1","lastUpdated":"2020-01-01T00:00:00Z","tag":[{"code":"x"}]},
        "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">ok</div>"},
        "contained":[{"resourceType":"Device","id":"d"}],
        "extension":[{"url":"http://e","valueQuantity":{"value":1.10}}],
        "status":"final","_status":{"extension":[{"url":"http://e","valueBoolean":true}]},
        "code":{"text":"x"},"subject":{"reference":"Patient/1"},"device":{"reference":"#d"},
        "effectivePeriod":{"start":"2020","end":"2020-05"},
        "component":[{"code":{"text":"y"},"valueInteger":3}]}"##;
    assert_eq!(issues(good), []);
}

#[test]
fn every_fault_has_its_place() {
    let o = |rest: &str| {
        format!(r#"{{"resourceType":"Observation","status":"final","code":{{"text":"x"}}{rest}}}"#)
    };
    let at = |e: &str, c: &'static str| (e.to_owned(), c);
    assert_eq!(
        first(r#"{"resourceType":"Observation","code":{"text":"x"}}"#),
        at("Observation.status", "required")
    );
    assert_eq!(
        first(r#"{"resourceType":"Observation","status":"done","code":{"text":"x"}}"#),
        at("Observation.status", "code-invalid")
    );
    assert_eq!(
        first(&o(r#","colour":"red""#)),
        at("Observation.colour", "structure")
    );
    assert_eq!(
        first(&o(r#","category":{"text":"x"}"#)),
        at("Observation.category", "structure")
    );
    assert_eq!(
        first(&o(r#","issued":"2020-01-01""#)),
        at("Observation.issued", "value")
    );
    assert_eq!(
        first(&o(r#","effectiveDateTime":"2020-02-30""#)),
        at("Observation.effectiveDateTime", "value")
    );
    assert_eq!(
        first(&o(r#","subject":{"reference":"Medication/1"}"#)),
        at("Observation.subject.reference", "invalid")
    );
    assert_eq!(
        first(&o(r#","subject":{"reference":"nowhere"}"#)),
        at("Observation.subject.reference", "value")
    );
    assert_eq!(
        first(&o(r#","valueString":"a","valueInteger":1"#)),
        at("Observation.valueInteger", "structure")
    );
    assert_eq!(
        first(&o(r#","component":[{"valueInteger":1}]"#)),
        at("Observation.component[0].code", "required")
    );
    assert_eq!(
        first(&o(r#","effectivePeriod":{"start":"2021","end":"2020"}"#)),
        at("Observation.effectivePeriod", "invariant")
    );
    assert_eq!(
        first(&o(r#","note":[]"#)),
        at("Observation.note", "structure")
    );
    assert_eq!(
        first(&o(r#","method":{}"#)),
        at("Observation.method", "structure")
    );
    assert_eq!(
        first(&o(r#","method":null"#)),
        at("Observation.method", "structure")
    );
    assert_eq!(first(&o(r#","id":"a/b""#)), at("Observation.id", "value"));
}

#[test]
fn what_is_no_resource_is_refused() {
    assert_eq!(first("[]").1, "structure");
    assert_eq!(first("{}").1, "structure");
    assert_eq!(first(r#"{"resourceType":"Quantity"}"#).1, "not-supported");
    assert_eq!(first(r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"X"}}]}"#).0, "Bundle.entry[0].resource");
}

#[test]
fn active_content_stays_out_of_narratives() {
    let patient = |div: &str| {
        format!(
            r#"{{"resourceType":"Patient","text":{{"status":"generated","div":{}}}}}"#,
            serde_json::Value::from(div)
        )
    };
    assert_eq!(issues(&patient("<div>on = fine</div>")), []);
    for bad in [
        "<div><script>x</script></div>",
        "<div onclick=\"x\">a</div>",
        "<div><a href='JavaScript:x'>a</a></div>",
        "plain",
    ] {
        assert_eq!(first(&patient(bad)).0, "Patient.text.div", "{bad}");
    }
}

#[test]
fn primitives_have_their_forms() {
    let patient = |rest: &str| format!(r#"{{"resourceType":"Patient",{rest}}}"#);
    for (rest, fine) in [
        (r#""birthDate":"1990-05""#, true),
        (r#""birthDate":"1990-05-01T10:00:00Z""#, false),
        (r#""deceasedDateTime":"2020-01-01T10:00:00+08:00""#, true),
        (r#""deceasedDateTime":"2020-01-01T10:00""#, false),
        (r#""multipleBirthInteger":2"#, true),
        (r#""multipleBirthInteger":2.5"#, false),
        (r#""active":"true""#, false),
        (r#""gender":"male""#, true),
        (r#""gender":"m""#, false),
        (r#""photo":[{"data":"QUJD"}]"#, true),
        (r#""photo":[{"data":"QUJ"}]"#, false),
        (
            r#""name":[{"given":["A",null],"_given":[null,{"id":"x"}]}]"#,
            true,
        ),
    ] {
        assert_eq!(issues(&patient(rest)).is_empty(), fine, "{rest}");
    }
}

#[test]
fn no_issue_quotes_a_value() {
    let json = r#"{"resourceType":"Patient","birthDate":"Zhang","gender":"Zhang","managingOrganization":{"reference":"Zhang"}}"#;
    let doc = parse(json.as_bytes()).unwrap();
    let issues = validate(doc.root());
    assert_eq!(issues.len(), 3);
    assert!(issues.iter().all(|i| !i.diagnostics.contains("Zhang")));
}
