//! Records from outside, lists of patients, links and time lines on a real store.

#![allow(clippy::unwrap_used)] // a test stops where it fails

extern crate karez_app as app;

mod world;

use app::AppError;
use app::records::import::{ImportDecision, ImportKind, ImportState};
use app::records::view::TimelineAsk;
use bytes::Bytes;
use care::matching::Grade;
use care::timeline::GapReason;
use kernel::RecordKey;
use store::{Batch, Precondition};
use testkit::records::{hospital_id, key};
use world::World;

/// A transaction as a hospital's system exports it: the patient, a result with a trailing zero, what it cannot grant.
fn bundle(name: &str, number: &str, extra: &str) -> Bytes {
    Bytes::from(format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[
        {{"fullUrl":"urn:uuid:1","resource":{{"resourceType":"Patient","id":"1","identifier":[{{"system":"https://national-id.example/cn","value":"{number}","type":{{"coding":[{{"code":"NI"}}]}}}}],"name":[{{"text":"{name}"}}],"gender":"female","birthDate":"1970-02-03"}},"request":{{"method":"POST","url":"Patient"}}}},
        {{"fullUrl":"urn:uuid:2","resource":{{"resourceType":"Observation","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"2160-0"}}],"text":"Creatinine"}},"subject":{{"reference":"urn:uuid:1"}},"effectiveDateTime":"2026-11-01","valueQuantity":{{"value":1.10,"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"}}}},"request":{{"method":"POST","url":"Observation"}}}},
        {{"fullUrl":"urn:uuid:3","resource":{{"resourceType":"PractitionerRole","active":true}},"request":{{"method":"POST","url":"PractitionerRole"}}}},
        {{"fullUrl":"urn:uuid:4","resource":{{"resourceType":"AuditEvent"}},"request":{{"method":"POST","url":"AuditEvent"}}}}{extra}]}}"#
    ))
}

async fn import(w: &World, bytes: Bytes, decision: ImportDecision) -> RecordKey {
    let cx = w.cx("alimjan");
    let staged = w
        .node
        .app
        .stage_import(&cx, "record.json", bytes)
        .await
        .unwrap();
    w.node
        .app
        .decide_import(&cx, &staged, decision)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_bundle_becomes_a_record_and_brought_again_is_recognised() {
    let w = World::new().await;
    let (app, cx) = (&w.node.app, w.cx("alimjan"));
    let bytes = bundle("李娜", "650101197002031234", "");
    let staged = app
        .stage_import(&cx, "li.json", bytes.clone())
        .await
        .unwrap();
    let view = app.import_view(&cx, &staged).await.unwrap();
    let ImportKind::Bundle { left_out, .. } = &view.kind else {
        panic!("a bundle")
    };
    assert_eq!(left_out, &[("AuditEvent".to_owned(), 1)]);
    assert_eq!(view.person.unwrap().names.reveal().latin, "Li Na");
    assert!(view.candidates.is_empty());
    assert!(
        app.patients(&cx, "", None).await.unwrap().rows.is_empty(),
        "nothing is written yet"
    );

    let patient = app
        .decide_import(&cx, &staged, ImportDecision::New)
        .await
        .unwrap();
    for typed in ["lina", "ln", "李", "6501011970"] {
        let found = app.patients(&cx, typed, None).await.unwrap();
        assert_eq!(found.rows.len(), 1, "{typed}");
        assert_eq!(found.rows[0].key, patient);
    }
    let line = app
        .timeline(&cx, &patient, &TimelineAsk::default())
        .await
        .unwrap();
    assert_eq!(line.total, 1);
    let care::timeline::Line::Entry(entry) = &line.years[0].lines[0] else {
        panic!("an entry")
    };
    assert_eq!(entry.measures[0].value, "1.10");
    assert_eq!(entry.measures[0].converted.as_ref().unwrap().1, "µmol/L");
    let source = key("yarqum", "Observation", &entry.source.id);
    assert!(
        app.entry(&cx, &source)
            .await
            .unwrap()
            .json
            .reveal()
            .contains("1.10")
    );

    // The same bytes again: the same import. The same content in other bytes: a certain or probable match, no second copy.
    assert_eq!(
        app.stage_import(&cx, "again.json", bytes.clone())
            .await
            .unwrap(),
        staged
    );
    let mut other = bytes.to_vec();
    other.push(b'\n');
    let staged = app
        .stage_import(&cx, "again.json", other.into())
        .await
        .unwrap();
    let view = app.import_view(&cx, &staged).await.unwrap();
    assert_eq!(view.candidates[0].grade, Grade::Probable);
    let existing = ImportDecision::Existing(patient.id.clone());
    app.decide_import(&cx, &staged, existing).await.unwrap();
    let ImportState::Done { written, known, .. } =
        app.import_view(&cx, &staged).await.unwrap().state
    else {
        panic!("done")
    };
    assert_eq!((written, known), (0, 2));
    assert_eq!(
        app.timeline(&cx, &patient, &TimelineAsk::default())
            .await
            .unwrap()
            .total,
        1
    );
}

#[tokio::test]
async fn a_newer_export_adds_what_is_new() {
    let w = World::new().await;
    let patient = import(&w, bundle("李娜", "1", ""), ImportDecision::New).await;
    let newer = r#",{"fullUrl":"urn:uuid:9","resource":{"resourceType":"Condition","code":{"text":"Goitre"},"subject":{"reference":"urn:uuid:1"}},"request":{"method":"POST","url":"Condition"}},
        {"fullUrl":"urn:uuid:10","resource":{"resourceType":"Medication","code":{"text":"Levothyroxine 50 µg"}},"request":{"method":"POST","url":"Medication"}},
        {"fullUrl":"urn:uuid:11","resource":{"resourceType":"MedicationStatement","status":"active","medicationReference":{"reference":"urn:uuid:10"},"subject":{"reference":"urn:uuid:1"}},"request":{"method":"POST","url":"MedicationStatement"}}"#;
    let existing = ImportDecision::Existing(patient.id.clone());
    import(&w, bundle("李娜", "1", newer), existing).await;
    let line = w
        .node
        .app
        .timeline(&w.cx("alimjan"), &patient, &TimelineAsk::default())
        .await;
    let summary = line.unwrap().summary;
    assert_eq!(summary.problems[0].title, "Goitre");
    assert_eq!(summary.medications[0].title, "Levothyroxine 50 µg");
}

#[tokio::test]
async fn what_is_neither_file_nor_bundle_is_refused_and_files_need_a_patient() {
    let w = World::new().await;
    w.patient().await;
    let (app, cx) = (&w.node.app, w.cx("alimjan"));
    for bytes in [
        "MZ",
        "{",
        r#"{"resourceType":"Patient"}"#,
        r#"{"resourceType":"Bundle","type":"collection"}"#,
    ] {
        let refused = app.stage_import(&cx, "x", bytes.into()).await;
        assert!(matches!(refused, Err(AppError::Invalid(_))), "{bytes}");
    }
    assert!(matches!(
        app.stage_import(&w.cx("gulnar"), "x", "{".into()).await,
        Err(AppError::Denied(_))
    ));
    let staged = app
        .stage_import(&cx, "scan.pdf", "%PDF-1.4 scan".into())
        .await
        .unwrap();
    let refused = app.decide_import(&cx, &staged, ImportDecision::New).await;
    assert!(matches!(refused, Err(AppError::Invalid(_))));
    let patient = testkit::records::id("p1");
    app.decide_import(&cx, &staged, ImportDecision::Existing(patient))
        .await
        .unwrap();
    let line = app
        .timeline(
            &cx,
            &key("yarqum", "Patient", "p1"),
            &TimelineAsk::default(),
        )
        .await
        .unwrap();
    // Nobody classified it: it is shared one by one alone.
    assert!(line.classes.contains(&("unclassified".to_owned(), 1)));
}

#[tokio::test]
async fn a_linked_record_elsewhere_is_a_gap_until_it_may_be_read() {
    let w = World::new().await;
    let own = w.patient().await;
    let mut batch = Batch::new(w.node.now());
    let there = key("qumtagh", "Patient", "q1");
    batch.put_fhir(
        there.clone(),
        Precondition::Absent,
        r#"{"resourceType":"Patient","name":[{"text":"王小明"}]}"#,
    );
    w.node.store.commit(batch).await.unwrap();
    let (app, cx) = (&w.node.app, w.cx("alimjan"));
    // Who may not read the other record cannot link it, nor learn that it is there.
    let refused = app.link_patients(&cx, &own, &there).await;
    assert!(matches!(refused, Err(AppError::NotFound)));
    w.agreement().await;
    w.consent().await;
    // The centre, which sees its own and may read Yarqum's under a case, links them.
    let case = app.start_case(&cx, &own.id).await.unwrap();
    let edit = care::case::Edit {
        question: Some(world::text("?")),
        urgency: Some(care::case::Urgency::Emergency),
        service: Some("thoracic-surgery".into()),
        specialty: Some("thoracic-surgery".into()),
        partner: Some((hospital_id("qumtagh"), testkit::records::id("qr-2024-003"))),
        classes: Some(["demographics".into()].into()),
        consent: Some(testkit::records::id("consent-1")),
        ..Default::default()
    };
    app.case_act(&cx, &case, app::cases::CaseAct::Edit(Box::new(edit)))
        .await
        .unwrap();
    app.case_act(&cx, &case, app::cases::CaseAct::Send)
        .await
        .unwrap();
    let li = w.cx("li");
    app.link_patients(&li, &there, &own).await.unwrap();
    let line = app
        .timeline(&cx, &own, &TimelineAsk::default())
        .await
        .unwrap();
    let gap = line
        .sources
        .iter()
        .find(|s| s.hospital.id == hospital_id("qumtagh"))
        .unwrap()
        .gap;
    assert_eq!(gap, Some(GapReason::NotPermitted));
    assert_eq!(app.banner(&li, &there).await.unwrap().also_at.len(), 1);
    app.unlink_patients(&li, &there, &own).await.unwrap();
    let line = app
        .timeline(&cx, &own, &TimelineAsk::default())
        .await
        .unwrap();
    assert_eq!(line.sources.len(), 1);
}
