use super::params::ParamId;
use super::query::{Clause, Match, RefTest, SortKey, StrTest, Summary, SystemTest};
use super::range::{Prefix, RangeKind, RangeTest};
use super::*;

fn options(lenient: bool) -> ParseOptions<'static> {
    ParseOptions {
        lenient,
        own_base: "https://n/fhir/own",
        now: "2026-01-01T00:00:00Z".parse().unwrap(),
    }
}

fn only(kind: &str, query: &str) -> Match {
    let parsed = parse(kind, query, &options(false)).unwrap();
    match &parsed.clauses[..] {
        [Clause::Param { any_of, .. }] => any_of[0].clone(),
        other => panic!("{other:?}"),
    }
}

fn refusal(kind: &str, query: &str) -> (String, &'static str) {
    let errors = parse(kind, query, &options(false)).unwrap_err();
    (errors[0].expression(), errors[0].issue)
}

fn id(code: &str) -> ParamId {
    ParamId::of(code).unwrap()
}

#[test]
fn tokens_say_whether_the_system_matters() {
    let token = |q| match only("Observation", q) {
        Match::Token { system, code } => (system, code),
        other => panic!("{other:?}"),
    };
    let code = Some("2339-0".to_owned());
    assert_eq!(token("code=2339-0"), (SystemTest::Any, code.clone()));
    assert_eq!(token("code=|2339-0"), (SystemTest::None, code.clone()));
    assert_eq!(
        token("code=http://loinc.org%7C2339-0"),
        (SystemTest::Is("http://loinc.org".into()), code)
    );
    assert_eq!(
        token("code=http://loinc.org|"),
        (SystemTest::Is("http://loinc.org".into()), None)
    );
    // A code element carries no system, so the system that is asked for is the one it has.
    let Match::Token { system, .. } = only(
        "Patient",
        "gender=http://hl7.org/fhir/administrative-gender|male",
    ) else {
        panic!()
    };
    assert_eq!(system, SystemTest::Any);
}

#[test]
fn commas_are_alternatives_unless_escaped() {
    let parsed = parse("Patient", r"name=a\,b,c&name=d", &options(false)).unwrap();
    let texts: Vec<Vec<String>> = parsed
        .clauses
        .iter()
        .map(|c| match c {
            Clause::Param { any_of, .. } => any_of
                .iter()
                .map(|m| match m {
                    Match::Str {
                        text,
                        how: StrTest::StartsWith,
                    } => text.clone(),
                    other => panic!("{other:?}"),
                })
                .collect(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        texts,
        [vec!["a,b".to_owned(), "c".to_owned()], vec!["d".to_owned()]]
    );
}

#[test]
fn modifiers_change_how_a_text_is_compared() {
    assert_eq!(
        only("Patient", "family:exact=Ó"),
        Match::Str {
            how: StrTest::Exact,
            text: "Ó".into()
        }
    );
    assert_eq!(
        only("Patient", "family:contains=%C3%93"),
        Match::Str {
            how: StrTest::Contains,
            text: "o".into()
        }
    );
    assert_eq!(
        only("Condition", "code:text=Heart"),
        Match::TokenText("heart".into())
    );
    let parsed = parse(
        "Condition",
        "code:not=a&subject:missing=true",
        &options(false),
    )
    .unwrap();
    assert!(matches!(parsed.clauses[0], Clause::Param { not: true, .. }));
    assert_eq!(
        parsed.clauses[1],
        Clause::Missing {
            param: id("subject"),
            missing: true
        }
    );
}

#[test]
fn references_are_read_in_every_form() {
    let test = |q| match only("Observation", q) {
        Match::Reference(r) => r,
        other => panic!("{other:?}"),
    };
    let local = RefTest::Local {
        kind: "Patient",
        id: "1".into(),
    };
    assert_eq!(test("subject=Patient/1"), local);
    assert_eq!(test("subject=https://n/fhir/own/Patient/1"), local);
    assert_eq!(
        test("subject:Patient=1"),
        RefTest::Id {
            kinds: vec!["Patient"],
            id: "1".into()
        }
    );
    let RefTest::Id { kinds, .. } = test("subject=1") else {
        panic!()
    };
    assert!(kinds.contains(&"Patient") && kinds.contains(&"Group"));
    assert!(matches!(
        test("subject=https://n/fhir/other/Patient/1"),
        RefTest::Remote { .. }
    ));
    assert_eq!(
        only("Observation", "subject:identifier=urn:x|7"),
        Match::Identifier {
            system: SystemTest::Is("urn:x".into()),
            code: Some("7".into())
        }
    );
}

#[test]
fn numbers_are_as_exact_as_they_are_written() {
    let range = |q| match only("Observation", q) {
        Match::Quantity { range, .. } => (range.prefix, range.low, range.high),
        other => panic!("{other:?}"),
    };
    assert_eq!(range("value-quantity=5.4"), (Prefix::Eq, 5.35, 5.45));
    assert_eq!(range("value-quantity=gt5.4||mg"), (Prefix::Gt, 5.4, 5.4));
    assert_eq!(range("value-quantity=ap100"), (Prefix::Ap, 90.0, 110.0));
}

#[test]
fn a_composite_on_the_resource_asks_for_its_parts_and_one_on_elements_for_a_group() {
    let Match::All(parts) = only("Observation", "code-value-quantity=http://loinc.org|1$gt5")
    else {
        panic!()
    };
    assert_eq!(parts[0].0, id("code"));
    assert_eq!(parts[1].0, id("value-quantity"));
    let Match::Group(parts) = only("Observation", "component-code-value-quantity=a$5") else {
        panic!()
    };
    assert_eq!(parts.len(), 2);
    assert_eq!(refusal("Observation", "code-value-quantity=a").1, "value");
}

#[test]
fn a_parameter_that_repeats_others_asks_for_their_entries() {
    let matches = |q| match &parse("Observation", q, &options(false)).unwrap().clauses[..] {
        [Clause::Param { any_of, .. }] => any_of.clone(),
        other => panic!("{other:?}"),
    };
    let asked = |q| -> Vec<_> {
        let all = matches(q).into_iter().map(|m| match m {
            Match::All(parts) => parts.iter().map(|(p, _)| p.code()).collect::<Vec<_>>(),
            Match::Group(parts) => vec!["group"; parts.len()],
            other => panic!("{other:?}"),
        });
        all.collect()
    };
    assert_eq!(
        asked("combo-code=http://loinc.org|8480-6"),
        [["code"], ["component-code"]]
    );
    assert_eq!(
        asked("combo-value-quantity=gt5"),
        [["component-value-quantity"], ["value-quantity"]]
    );
    assert_eq!(
        asked("combo-code-value-quantity=a$gt5"),
        [["code", "value-quantity"], ["group", "group"]]
    );
    assert_eq!(
        crate::index::repeated("Observation", id("combo-data-absent-reason")),
        [id("component-data-absent-reason"), id("data-absent-reason")]
    );
    assert!(crate::index::repeated("Observation", id("code")).is_empty());
    assert!(crate::index::repeated("Observation", id("patient")).is_empty());
}

#[test]
fn what_shapes_the_answer_is_read() {
    let q = "_count=10&_sort=-date,_id&_include=Observation:subject:Patient&_revinclude=Provenance:target&_total=accurate&_summary=count&_elements=id,code&_cursor=x";
    let parsed = parse("Observation", q, &options(false)).unwrap();
    assert_eq!(parsed.count, 10);
    assert!(parsed.sort[0].descending && matches!(parsed.sort[0].by, SortKey::Param { .. }));
    assert_eq!(parsed.includes[0].target, Some("Patient"));
    assert_eq!(parsed.revincludes[0].source, "Provenance");
    assert_eq!(parsed.summary, Summary::Count);
    assert_eq!(parsed.elements, ["id", "code"]);
    assert_eq!(parsed.cursor.as_deref(), Some("x"));
    assert!(parsed.clauses.is_empty());
}

#[test]
fn a_chain_is_a_condition_on_what_a_reference_leads_to() {
    let chain = |kind, q| match parse(kind, q, &options(false)).unwrap().clauses.remove(0) {
        Clause::Chain { param, any_of } => (param, any_of),
        other => panic!("{other:?}"),
    };
    let (param, any_of) = chain("Observation", "patient.identifier=urn:mrn|7");
    assert_eq!(
        (param, any_of.len(), any_of[0].0),
        (id("patient"), 1, "Patient")
    );
    assert!(
        matches!(&any_of[0].1, Clause::Param { param, not: false, .. } if *param == id("identifier"))
    );
    let (_, any_of) = chain("Observation", "subject:Patient.name:exact=Li");
    let Clause::Param { any_of: names, .. } = &any_of[0].1 else {
        panic!("{any_of:?}")
    };
    assert!(matches!(
        names[0],
        Match::Str {
            how: StrTest::Exact,
            ..
        }
    ));
    // Without a type, every type that may stand there and has the parameter.
    let (_, any_of) = chain("Patient", "general-practitioner.name=x");
    let mut kinds: Vec<_> = any_of.iter().map(|(k, _)| *k).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["Organization", "Practitioner"]);
    for (kind, q) in [
        ("Observation", "code.name=x"),
        ("Observation", "subject:Practitioner.name=x"),
        ("Observation", "subject:Patient.colour=x"),
        ("Observation", "patient.general-practitioner.name=x"),
    ] {
        let (place, issue) = refusal(kind, q);
        assert_eq!(issue, "not-supported", "{q}");
        assert_eq!(place, format!("http.{}", q.split('=').next().unwrap()));
    }
    assert_eq!(refusal("Observation", "patient.birthdate=x").1, "value");
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    assert_eq!(
        refusal("Patient", "color=red"),
        ("http.color".into(), "not-supported")
    );
    assert_eq!(
        refusal("Observation", "subject.general-practitioner.name=x").1,
        "not-supported"
    );
    assert_eq!(
        refusal("Patient", "_has:Observation:patient:code=1").1,
        "not-supported"
    );
    assert_eq!(
        refusal("Patient", "birthdate=yesterday"),
        ("http.birthdate".into(), "value")
    );
    assert_eq!(
        refusal("Patient", "birthdate:exact=2020"),
        ("http.birthdate:exact".into(), "not-supported")
    );
    assert_eq!(refusal("Patient", "name="), ("http.name".into(), "value"));
    assert_eq!(refusal("Patient", "_count=-1").1, "value");
    assert_eq!(
        refusal("Patient", "_include=Observation:subject").1,
        "not-supported"
    );
    assert_eq!(refusal("Patient", "_sort=color").1, "not-supported");
    assert_eq!(refusal("Pacient", "name=a").1, "not-supported");
    let many = vec!["name=a"; 65].join("&");
    assert_eq!(refusal("Patient", &many).1, "too-costly");
}

#[test]
fn a_refusal_never_quotes_the_value() {
    for q in [
        "birthdate=Zhang",
        "_count=Zhang",
        "subject:missing=Zhang",
        "_total=Zhang",
        "value-quantity=Zhang",
    ] {
        for kind in ["Patient", "Observation"] {
            if let Err(errors) = parse(kind, q, &options(false)) {
                assert!(
                    errors.iter().all(|e| !e.to_string().contains("Zhang")),
                    "{q}"
                );
            }
        }
    }
}

#[test]
fn lenient_passes_over_unknown_parameters_but_not_bad_values() {
    let parsed = parse("Patient", "color=red&name=a", &options(true)).unwrap();
    assert_eq!(
        (parsed.ignored, parsed.clauses.len()),
        (vec!["color".to_owned()], 1)
    );
    assert!(parse("Patient", "birthdate=yesterday", &options(true)).is_err());
}

#[test]
fn prefixes_compare_ranges_as_the_standard_says() {
    // Stored: the day 2020-01-15, asked: January or a day.
    let day = |d: i64| (d * 10, d * 10 + 10);
    let holds = |prefix, asked: (i64, i64), stored: (i64, i64)| {
        RangeTest {
            prefix,
            low: asked.0,
            high: asked.1,
        }
        .holds(RangeKind::HalfOpen, stored.0, stored.1)
    };
    let month = (0, 310);
    assert!(holds(Prefix::Eq, month, day(15)) && !holds(Prefix::Eq, day(15), month));
    assert!(holds(Prefix::Ne, day(15), month) && !holds(Prefix::Ne, month, day(15)));
    assert!(holds(Prefix::Gt, day(14), day(15)) && !holds(Prefix::Gt, day(15), day(15)));
    assert!(holds(Prefix::Ge, day(15), day(15)) && holds(Prefix::Le, day(15), day(15)));
    assert!(holds(Prefix::Lt, day(16), day(15)) && !holds(Prefix::Lt, day(15), day(15)));
    assert!(holds(Prefix::Sa, day(14), day(15)) && !holds(Prefix::Sa, month, day(15)));
    assert!(holds(Prefix::Eb, day(16), day(15)) && !holds(Prefix::Eb, day(15), day(15)));
    assert!(holds(Prefix::Ap, month, day(15)) && !holds(Prefix::Ap, day(14), day(15)));
    // Points: 5 is neither above nor below itself.
    let point = |prefix, asked: f64, stored: f64| {
        RangeTest {
            prefix,
            low: asked,
            high: asked,
        }
        .holds(RangeKind::Closed, stored, stored)
    };
    assert!(
        point(Prefix::Ge, 5.0, 5.0) && point(Prefix::Le, 5.0, 5.0) && !point(Prefix::Gt, 5.0, 5.0)
    );
    assert!(
        !point(Prefix::Sa, 5.0, 5.0) && point(Prefix::Sa, 4.0, 5.0) && point(Prefix::Eb, 6.0, 5.0)
    );
}
