//! Imaging ordered over FHIR: the same order as a page places, by the same rules, on the same worklist; done by the study
//! that bears its number, however that finds its patient.

#![allow(clippy::unwrap_used)]

extern crate karez_app as app;

mod world;

use agreements::{ActorKind, Privilege, Role};
use app::fhir::Written;
use app::imaging::ImageSource;
use app::imaging::orders::{NewOrder, OrderState};
use app::{AppError, Cx};
use care::case::Urgency;
use imaging::query::Level;
use kernel::RecordKey;
use serde_json::{Value, json};
use testkit::images::{dataset_of, file_of};
use testkit::records::{hospital_id, id};
use world::{World, text};

const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";

fn order() -> Value {
    json!({
        "resourceType": "ServiceRequest",
        "identifier": [{"system": "https://his.example/orders", "value": "O-77"}],
        "status": "active",
        "intent": "order",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "363679005"}]}],
        "priority": "stat",
        "code": {"coding": [{"system": "http://loinc.org", "code": "24627-2", "display": "CT Chest"}]},
        "orderDetail": [{"coding": [{"system": DCM, "code": "CT"}]}],
        "subject": {"reference": "Patient/p1"},
        "requester": {"display": "Dr Alimjan"},
        "reasonCode": [{"text": "Cough for six weeks."}],
    })
}

fn with(change: impl Fn(&mut Value)) -> Value {
    let mut order = order();
    change(&mut order);
    order
}

async fn create(w: &World, cx: &Cx, order: &Value) -> Result<Written, AppError> {
    let body = order.to_string().into();
    let at = hospital_id("yarqum");
    w.node
        .app
        .fhir_create(cx, &at, "ServiceRequest", body, None)
        .await
}

async fn update(w: &World, cx: &Cx, key: &RecordKey, order: &Value) -> Result<Written, AppError> {
    w.node
        .app
        .fhir_update(cx, key, order.to_string().into(), None)
        .await
}

fn body(written: &Written) -> Value {
    serde_json::from_slice(written.resource.body.reveal()).unwrap()
}

fn refused<T>(r: Result<T, AppError>) -> String {
    match r {
        Err(AppError::Denied(d)) => d.reason,
        Err(AppError::NotFound) => "not-found".into(),
        Err(AppError::NotAllowed(_)) => "not-allowed".into(),
        Err(AppError::Rejected { code, .. }) => code,
        Err(AppError::Invalid(p)) => p
            .iter()
            .map(|p| p.field.trim_start_matches("ServiceRequest."))
            .collect::<Vec<_>>()
            .join(" "),
        Err(e) => panic!("{e}"),
        Ok(_) => "allowed".into(),
    }
}

/// The hospital's order-entry system.
fn machine(w: &World) -> Cx {
    let mut cx = w.cx("alimjan");
    cx.actor.kind = ActorKind::Machine;
    cx.actor.roles = [Role::Machine].into();
    cx.actor.privileges.clear();
    cx
}

async fn worklist(w: &World) -> Vec<Value> {
    let all = imaging::query::from_qido::<&str, &str>(Level::Study, None, None, &[]).unwrap();
    let at = hospital_id("yarqum");
    let found = w.node.app.image_worklist(&w.cx("alimjan"), &at, &all).await;
    let rows = found.unwrap().rows;
    let parse = |r: &bytes::Bytes| serde_json::from_slice(r).unwrap();
    rows.iter().map(parse).collect()
}

async fn world() -> (World, RecordKey) {
    let w = World::new().await;
    let patient = w.patient().await;
    (w, patient)
}

#[tokio::test]
async fn an_order_written_over_fhir_is_the_order_a_page_shows_and_a_scanner_finds() {
    let (w, patient) = world().await;
    for (n, cx) in [w.cx("alimjan"), machine(&w)].iter().enumerate() {
        let written = create(&w, cx, &order()).await.unwrap();
        assert!(written.created);
        let resource = body(&written);
        // What came stands, and what the worklist needs is added.
        assert_eq!(resource["identifier"][0]["value"], "O-77");
        let accession = resource["identifier"][1]["value"].as_str().unwrap();
        let listed = worklist(&w).await;
        assert_eq!(listed.len(), n + 1);
        let mine = listed
            .iter()
            .find(|l| l["00080050"]["Value"][0] == accession)
            .unwrap();
        assert_eq!(mine["00401003"]["Value"][0], "STAT");
        assert_eq!(mine["00400100"]["Value"][0]["00080060"]["Value"][0], "CT");
        assert_eq!(mine["00321060"]["Value"][0], "CT Chest");
        let lines = w
            .node
            .app
            .imaging_orders(&w.cx("rena"), &patient)
            .await
            .unwrap();
        let line = lines.iter().find(|l| l.accession == accession).unwrap();
        assert_eq!(line.id, written.resource.key.id);
        assert_eq!(line.urgency, Urgency::Emergency);
        let by = if n == 0 { "alimjan" } else { "Dr Alimjan" };
        assert_eq!(line.by, by);
    }
}

#[tokio::test]
async fn the_rules_of_the_page_hold_and_name_the_element() {
    let (w, _) = world().await;
    let cx = w.cx("alimjan");
    let cases: [(&str, Value); 9] = [
        ("orderDetail", with(|o| o["orderDetail"] = json!([]))),
        ("code", with(|o| o["code"] = json!({"text": " "}))),
        (
            "reasonCode",
            with(|o| o["reasonCode"] = json!([{"text": " "}])),
        ),
        (
            "subject",
            with(|o| o["subject"]["reference"] = "Patient/nobody".into()),
        ),
        (
            "subject",
            with(|o| {
                o["subject"]["reference"] = "https://elsewhere.example/fhir/Patient/p1".into()
            }),
        ),
        ("status", with(|o| o["status"] = "draft".into())),
        ("intent", with(|o| o["intent"] = "plan".into())),
        (
            "performer",
            with(
                |o| o["performer"] = json!([{"type": "Device", "identifier": {"system": "urn:karez:ae-title", "value": "NOBODY"}}]),
            ),
        ),
        (
            "identifier",
            with(|o| {
                o["identifier"] = json!([{"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]}, "value": "A-NUMBER-FAR-TOO-LONG"}]);
            }),
        ),
    ];
    for (element, order) in cases {
        assert_eq!(refused(create(&w, &cx, &order).await), element);
    }
    let marked = with(|o| o["identifier"][0]["system"] = "urn:karez:case-number".into());
    assert_eq!(refused(create(&w, &cx, &marked).await), "ServiceRequest");
    let nameless = with(|o| {
        o.as_object_mut().unwrap().remove("requester");
    });
    assert_eq!(
        refused(create(&w, &machine(&w), &nameless).await),
        "requester"
    );
    for who in ["li", "gulnar", "yq-admin", "outsider"] {
        let answer = refused(create(&w, &w.cx(who), &order()).await);
        assert!(
            ["write-across", "role-missing"].contains(&answer.as_str()),
            "{who}: {answer}"
        );
    }
    assert!(worklist(&w).await.is_empty());
}

#[tokio::test]
async fn an_accession_number_that_is_given_is_kept_and_given_once() {
    let (w, _) = world().await;
    let numbered = with(|o| {
        o["identifier"] = json!([{"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]}, "value": "HIS-4711"}]);
    });
    create(&w, &machine(&w), &numbered).await.unwrap();
    assert_eq!(worklist(&w).await[0]["00080050"]["Value"][0], "HIS-4711");
    assert_eq!(
        refused(create(&w, &machine(&w), &numbered).await),
        "identifier"
    );
}

#[tokio::test]
async fn an_order_is_changed_or_revoked_while_nothing_has_come_of_it() {
    let (w, patient) = world().await;
    let cx = w.cx("alimjan");
    let written = create(&w, &cx, &order()).await.unwrap();
    let (key, kept) = (written.resource.key.clone(), body(&written));
    let mut changed = kept.clone();
    changed["priority"] = "routine".into();
    changed["orderDetail"][0]["coding"][0]["code"] = "MR".into();
    update(&w, &cx, &key, &changed).await.unwrap();
    let listed = worklist(&w).await;
    assert_eq!(
        listed[0]["00400100"]["Value"][0]["00080060"]["Value"][0],
        "MR"
    );
    let other = with(|o| {
        o["id"] = key.id.as_str().into();
        o["subject"]["reference"] = "Patient/p2".into();
    });
    assert_eq!(refused(update(&w, &cx, &key, &other).await), "subject");
    let mut done = kept.clone();
    done["status"] = "completed".into();
    assert_eq!(refused(update(&w, &cx, &key, &done).await), "status");
    let mut revoked = kept.clone();
    revoked["status"] = "revoked".into();
    update(&w, &cx, &key, &revoked).await.unwrap();
    assert!(worklist(&w).await.is_empty());
    assert_eq!(refused(update(&w, &cx, &key, &kept).await), "order-over");
    let lines = w.node.app.imaging_orders(&cx, &patient).await.unwrap();
    assert_eq!(lines[0].state, OrderState::Cancelled);
    // A case is not written this way.
    let case = w.node.app.start_case(&cx, &id("p1")).await.unwrap();
    let as_case = RecordKey::parse("yarqum", "ServiceRequest", case.id.as_str()).unwrap();
    let forged = with(|o| o["id"] = case.id.as_str().into());
    assert_eq!(
        refused(update(&w, &cx, &as_case, &forged).await),
        "not-allowed"
    );
}

#[tokio::test]
async fn an_order_is_done_when_a_person_finds_the_patient_of_its_study_and_waits_again_when_that_is_taken_back()
 {
    let (w, patient) = world().await;
    let app = &w.node.app;
    let new = NewOrder {
        modality: "CT".into(),
        procedure: "CT of the chest".into(),
        reason: text("Nodule?"),
        urgency: Some(Urgency::Routine),
        ..NewOrder::default()
    };
    app.order_imaging(&w.cx("alimjan"), &patient, new)
        .await
        .unwrap();
    let accession = worklist(&w).await[0]["00080050"]["Value"][0]
        .as_str()
        .unwrap()
        .to_owned();
    // The scanner sent it under a number that nobody has.
    let strange = dataset_of("NOBODYS", "1.2.826.0.1.90", 1, "CT", &accession);
    let source = ImageSource {
        sender: "CT1".into(),
        exchange: "x9".into(),
        issuer: Some("https://yarqum.example/id/patient".into()),
    };
    let at = hospital_id("yarqum");
    let kept = app
        .image_store(&w.cx("alimjan"), &at, file_of(&strange), &source)
        .await
        .unwrap();
    w.minutes(5);
    app.quiet_studies().await.unwrap();
    assert_eq!(worklist(&w).await.len(), 1, "nobody knows yet whose it is");
    app.assign_study(&w.cx("alimjan"), &kept.study.id, &id("p1"))
        .await
        .unwrap();
    assert!(worklist(&w).await.is_empty());
    let lines = app.imaging_orders(&w.cx("rena"), &patient).await.unwrap();
    assert_eq!(lines[0].state, OrderState::Done(kept.study.id.clone()));
    let mut corrector = w.cx("alimjan");
    corrector.actor.privileges.insert(Privilege::CorrectRecord);
    app.take_back_study(&corrector, &kept.study.id)
        .await
        .unwrap();
    assert_eq!(worklist(&w).await.len(), 1);
}
