//! Concepts of Karez cannot be written as if they were plain records: on their own, in a batch, in a transaction.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{World, body, entries, observation, refusal, text_at};

/// A valid resource of each concept, as a forger would send it.
fn forgeries(patient: &str) -> Vec<Value> {
    let subject = json!({"reference": format!("Patient/{patient}")});
    vec![
        json!({"resourceType": "Contract", "status": "executed"}),
        json!({"resourceType": "Consent", "status": "active", "scope": {"text": "x"}, "category": [{"text": "x"}], "patient": subject, "policyRule": {"text": "x"}}),
        json!({"resourceType": "ServiceRequest", "status": "completed", "intent": "order", "subject": subject}),
        json!({"resourceType": "Task", "status": "completed", "intent": "order", "for": subject}),
        json!({"resourceType": "Appointment", "status": "booked", "participant": [{"status": "accepted", "actor": subject}]}),
        json!({"resourceType": "Slot", "schedule": {"reference": "Schedule/1"}, "status": "free", "start": "2026-01-01T00:00:00Z", "end": "2026-01-01T01:00:00Z"}),
        json!({"resourceType": "Provenance", "target": [subject], "recorded": "2026-01-01T00:00:00Z", "agent": [{"who": {"display": "x"}}]}),
        json!({"resourceType": "AuditEvent", "type": {"code": "rest"}, "recorded": "2026-01-01T00:00:00Z", "agent": [{"requestor": true}], "source": {"observer": {"display": "x"}}}),
        json!({"resourceType": "Composition", "status": "final", "type": {"text": "x"}, "date": "2026", "author": [{"display": "x"}], "title": "x", "subject": subject}),
        json!({"resourceType": "Bundle", "type": "document"}),
        json!({"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"}, "subject": subject, "identifier": [{"system": "urn:karez:opinion", "value": "1"}]}),
        json!({"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": subject, "meta": {"tag": [{"system": "urn:karez:sealed", "code": "x"}]}}),
    ]
}

#[tokio::test]
async fn each_concept_is_refused_on_every_way_in() {
    let world = World::start().await;
    let patient = world.patient().await;
    let c = world.clinician();
    let mut found = Vec::new();
    for forged in forgeries(&patient) {
        let kind = text_at(&forged, "/resourceType");
        let alone = refusal(c.post(&kind, &forged).await).await;
        let entry = json!({"fullUrl": "urn:uuid:1", "resource": forged, "request": {"method": "POST", "url": kind}});
        let bundle = |of: &str| json!({"resourceType": "Bundle", "type": of, "entry": [entry]});
        let batch = body(c.post("", &bundle("batch")).await).await;
        let in_batch = text_at(&entries(&batch)[0], "/response/status");
        let in_transaction = refusal(c.post("", &bundle("transaction")).await).await;
        let mut named = forged.clone();
        named["id"] = json!("x");
        let update = refusal(c.put(&format!("{kind}/x"), &named).await).await;
        let deletion = refusal(
            c.request(Method::DELETE, &format!("{kind}/x"))
                .send()
                .await
                .unwrap(),
        )
        .await;
        found.push(format!(
            "{kind}: create {} {}, batch {in_batch}, transaction {} {}, update {}, delete {}",
            alone.0, alone.2, in_transaction.0, in_transaction.2, update.0, deletion.0
        ));
        assert!(
            c.ids(&kind).await.is_empty(),
            "nothing of {kind} was stored"
        );
    }
    insta::assert_debug_snapshot!(found);
}

#[tokio::test]
async fn imported_staff_grant_nothing() {
    let world = World::start().await;
    let c = world.clinician();
    let who = body(
        c.post(
            "Practitioner",
            &json!({"resourceType": "Practitioner", "name": [{"family": "Mallory"}]}),
        )
        .await,
    )
    .await;
    let role = json!({"resourceType": "PractitionerRole", "active": true,
        "practitioner": {"reference": format!("Practitioner/{}", text_at(&who, "/id"))}, "code": [{"text": "administrator"}]});
    assert_eq!(c.post("PractitionerRole", &role).await.status(), 201);
    // The clinician is as much of an administrator as before, and the other hospital sees as little.
    let other = world.role("qumtagh", app::Role::Clinician);
    let patient = world.patient().await;
    c.post("Observation", &observation(&patient, "1")).await;
    assert!(other.ids("yarqum/Observation").await.is_empty());
    assert!(other.ids("yarqum/PractitionerRole").await.is_empty());
}

/// What Karez itself has written: a case, and a sealed report.
async fn karez_writes(world: &World, patient: &str) -> (String, String) {
    use testkit::store::{Batch, Precondition};
    let key = |kind: &str, id: &str| kernel::RecordKey::parse("yarqum", kind, id).unwrap();
    let mut report = json!({"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"}, "subject": {"reference": format!("Patient/{patient}")}});
    report["identifier"] = json!([{"system": "urn:karez:opinion", "value": "1"}]);
    let mut batch = Batch::new(world.node.now());
    batch.put_doc(key("case", "c1"), Precondition::Absent, "{}", Vec::new());
    batch.put_fhir(
        key("DiagnosticReport", "sealed"),
        Precondition::Absent,
        report.to_string(),
    );
    world.node.store.commit(batch).await.unwrap();
    ("ServiceRequest/c1".into(), "DiagnosticReport/sealed".into())
}

#[tokio::test]
async fn a_report_does_not_pass_for_the_answer_to_a_case() {
    let world = World::start().await;
    let patient = world.patient().await;
    let c = world.clinician();
    let (request, _) = karez_writes(&world, &patient).await;
    let answer = json!({"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"},
        "subject": {"reference": format!("Patient/{patient}")}, "basedOn": [{"reference": request}]});
    let alone = refusal(c.post("DiagnosticReport", &answer).await).await;
    assert_eq!(
        (alone.0, alone.2.as_str()),
        (422, "DiagnosticReport.basedOn")
    );
    let entry =
        json!({"resource": answer, "request": {"method": "POST", "url": "DiagnosticReport"}});
    let sent = json!({"resourceType": "Bundle", "type": "transaction", "entry": [entry]});
    let in_transaction = refusal(c.post("", &sent).await).await;
    assert_eq!(
        (in_transaction.0, in_transaction.2.as_str()),
        (422, "Bundle.entry[0].resource.basedOn")
    );
    // Nor does one that is changed afterwards.
    let mut harmless = answer.clone();
    harmless.as_object_mut().unwrap().remove("basedOn");
    let mut stored = body(c.post("DiagnosticReport", &harmless).await).await;
    stored["basedOn"] = answer["basedOn"].clone();
    let changed = refusal(
        c.put(
            &format!("DiagnosticReport/{}", text_at(&stored, "/id")),
            &stored,
        )
        .await,
    )
    .await;
    assert_eq!(changed.0, 422);
}

#[tokio::test]
async fn what_karez_sealed_is_neither_changed_nor_deleted() {
    let world = World::start().await;
    let patient = world.patient().await;
    let c = world.clinician();
    let (_, sealed) = karez_writes(&world, &patient).await;
    let mut unmarked = body(c.get(&sealed).await).await;
    unmarked.as_object_mut().unwrap().remove("identifier");
    assert_eq!(refusal(c.put(&sealed, &unmarked).await).await.0, 405);
    assert_eq!(refusal(c.delete(&sealed).await).await.0, 405);
    let entry =
        |method: &str| json!({"resource": unmarked, "request": {"method": method, "url": sealed}});
    for method in ["PUT", "DELETE"] {
        let sent =
            json!({"resourceType": "Bundle", "type": "transaction", "entry": [entry(method)]});
        assert_eq!(refusal(c.post("", &sent).await).await.0, 405, "{method}");
    }
    assert_eq!(body(c.get(&sealed).await).await["meta"]["versionId"], "1");
}
