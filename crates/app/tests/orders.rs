//! Imaging that is asked for: on the worklist until a study bears its number; studies chosen for a case; clocks and
//! templates that a hospital sets.

#![allow(clippy::unwrap_used)]

extern crate karez_app as app;

mod world;

use agreements::Privilege;
use app::AppError;
use app::cases::CaseAct;
use app::imaging::orders::{NewOrder, OrderState};
use app::readings::settings::{OwnTemplate, ReadingSettings};
use app::readings::view::ReadingFilter;
use care::case::{Edit, Urgency};
use imaging::query::{Level, Query};
use kernel::RecordKey;
use serde_json::Value;
use testkit::records::{hospital_id, id, key};
use world::images::dataset;
use world::{World, text};

fn order() -> NewOrder {
    NewOrder {
        modality: "CT".into(),
        procedure: "CT of the chest".into(),
        body_part: "chest".into(),
        reason: text("Cough for six weeks. Nodule?"),
        urgency: Some(Urgency::Urgent),
        ..NewOrder::default()
    }
}

fn code<T>(r: Result<T, AppError>) -> String {
    match r {
        Err(AppError::Denied(d)) => d.reason,
        Err(AppError::NotFound) => "not-found".into(),
        Err(AppError::Rejected { code, .. }) => code,
        Err(AppError::Conflict) => "conflict".into(),
        Err(AppError::Invalid(p)) => p
            .iter()
            .map(|p| p.field.as_str())
            .collect::<Vec<_>>()
            .join(" "),
        Err(e) => panic!("{e}"),
        Ok(_) => "allowed".into(),
    }
}

fn all() -> Query {
    imaging::query::from_qido::<&str, &str>(Level::Study, None, None, &[]).unwrap()
}

async fn worklist(w: &World) -> Vec<Value> {
    let at = hospital_id("yarqum");
    let found = w
        .node
        .app
        .image_worklist(&w.cx("alimjan"), &at, &all())
        .await;
    let rows = found.unwrap().rows;
    rows.iter()
        .map(|r| serde_json::from_slice(r).unwrap())
        .collect()
}

async fn request(w: &World, order: &kernel::ResourceId) -> Value {
    let permit = app::Permit::system(app::SystemPurpose::Operator, w.node.now());
    let at = key("yarqum", "ServiceRequest", order.as_str());
    let stored = w.node.store.get(&permit, &at, None).await.unwrap().unwrap();
    serde_json::from_slice(stored.body.reveal()).unwrap()
}

async fn world() -> (World, RecordKey) {
    let w = World::new().await;
    let patient = w.patient().await;
    (w, patient)
}

#[tokio::test]
async fn an_order_is_on_the_worklist_until_a_study_bears_its_number() {
    let (w, patient) = world().await;
    let app = &w.node.app;
    let id = app
        .order_imaging(&w.cx("alimjan"), &patient, order())
        .await
        .unwrap();
    let listed = worklist(&w).await;
    assert_eq!(listed.len(), 1);
    let accession = listed[0]["00080050"]["Value"][0]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(accession.len() <= 16 && !accession.is_empty());
    let step = &listed[0]["00400100"]["Value"][0];
    assert_eq!(step["00080060"]["Value"][0], "CT");
    assert_eq!(listed[0]["00401003"]["Value"][0], "HIGH");
    let lines = app.imaging_orders(&w.cx("rena"), &patient).await.unwrap();
    assert_eq!(
        (lines[0].id.clone(), lines[0].accession.clone()),
        (id.clone(), accession.clone())
    );

    // A study of another number changes nothing.
    w.send(&dataset("1.2.826.0.1.50", 1, "CT", "OTHER")).await;
    w.minutes(5);
    app.quiet_studies().await.unwrap();
    assert_eq!(worklist(&w).await.len(), 1);
    let study = w
        .send(&dataset("1.2.826.0.1.51", 1, "CT", &accession))
        .await;
    w.minutes(5);
    app.quiet_studies().await.unwrap();
    assert!(worklist(&w).await.is_empty());
    assert_eq!(request(&w, &id).await["status"], "completed");
    let lines = app
        .imaging_orders(&w.cx("alimjan"), &patient)
        .await
        .unwrap();
    assert_eq!(lines[0].state, OrderState::Done(study.id));
    let cancel = app.cancel_order(&w.cx("alimjan"), &patient, &id).await;
    assert_eq!(code(cancel), "order-over");
}

#[tokio::test]
async fn an_order_is_a_clinicians_of_the_patients_hospital_and_says_what_it_is() {
    let (w, patient) = world().await;
    let app = &w.node.app;
    for who in ["li", "gulnar", "yq-admin", "outsider"] {
        let refused = app.order_imaging(&w.cx(who), &patient, order()).await;
        assert!(code(refused) != "allowed", "{who}");
    }
    let empty = app
        .order_imaging(&w.cx("alimjan"), &patient, NewOrder::default())
        .await;
    assert_eq!(code(empty), "modality procedure reason urgency");
    let nowhere = NewOrder {
        station: Some("NOBODY".into()),
        ..order()
    };
    let nowhere = app.order_imaging(&w.cx("alimjan"), &patient, nowhere).await;
    assert_eq!(code(nowhere), "station");
    assert!(
        app.imaging_orders(&w.cx("li"), &patient)
            .await
            .unwrap()
            .is_empty()
    );
    let made = app
        .order_imaging(&w.cx("alimjan"), &patient, order())
        .await
        .unwrap();
    app.cancel_order(&w.cx("rena"), &patient, &made)
        .await
        .unwrap();
    assert_eq!(request(&w, &made).await["status"], "revoked");
    assert!(worklist(&w).await.is_empty());
}

#[tokio::test]
async fn a_case_that_asks_for_imaging_puts_it_on_the_worklist() {
    let (w, patient) = world().await;
    let app = &w.node.app;
    let case = app.start_case(&w.cx("alimjan"), &id("p1")).await.unwrap();
    let of_case = NewOrder {
        case: Some(case.id.clone()),
        ..order()
    };
    let made = app
        .order_imaging(&w.cx("alimjan"), &patient, of_case)
        .await
        .unwrap();
    let based_on = &request(&w, &made).await["basedOn"][0]["reference"];
    assert_eq!(
        based_on,
        &Value::from(format!("ServiceRequest/{}", case.id))
    );
    assert_eq!(worklist(&w).await.len(), 1);
    let strange = NewOrder {
        case: Some(id("no-such-case")),
        ..order()
    };
    let strange = app.order_imaging(&w.cx("alimjan"), &patient, strange).await;
    assert_eq!(code(strange), "not-found");
}

#[tokio::test]
async fn the_referring_doctor_attaches_and_detaches_studies() {
    let (w, _) = world().await;
    let app = &w.node.app;
    let ct = w.study().await;
    let mr = w.send(&dataset("1.2.826.0.1.60", 1, "MR", "A6")).await;
    let case = app.start_case(&w.cx("alimjan"), &id("p1")).await.unwrap();
    let attached = async |w: &World| {
        let choices = w
            .node
            .app
            .studies_to_attach(&w.cx("alimjan"), &case)
            .await
            .unwrap();
        let on = choices.iter().filter(|c| c.attached);
        let mut on: Vec<_> = on.map(|c| c.line.key.id.clone()).collect();
        on.sort();
        (choices.len(), on)
    };
    assert_eq!(attached(&w).await, (2, vec![]));
    let none = text("");
    let both = [ct.id.clone(), mr.id.clone()];
    app.attach_studies(&w.cx("alimjan"), &case, &both, false, none.clone())
        .await
        .unwrap();
    assert_eq!(attached(&w).await.1.len(), 2);
    app.attach_studies(
        &w.cx("alimjan"),
        &case,
        std::slice::from_ref(&mr.id),
        false,
        none.clone(),
    )
    .await
    .unwrap();
    assert_eq!(attached(&w).await.1, std::slice::from_ref(&mr.id));
    let strange = app
        .attach_studies(&w.cx("alimjan"), &case, &[id("other")], false, none.clone())
        .await;
    assert_eq!(code(strange), "not-found");
    let other = app
        .studies_to_attach(&w.cx("outsider"), &case)
        .await
        .map(|_| ());
    assert_eq!(code(other), "not-found");
}

#[tokio::test]
async fn images_that_are_still_to_come_go_with_a_case_and_show_in_it_and_on_the_worklist() {
    let (w, _) = world().await;
    let app = &w.node.app;
    w.agreement().await;
    w.consent().await;
    let case = app.start_case(&w.cx("alimjan"), &id("p1")).await.unwrap();
    let edit = Edit {
        question: Some(text("The CT will follow.")),
        background: Some(text("Cough.")),
        urgency: Some(Urgency::Urgent),
        service: Some("thoracic-surgery".into()),
        specialty: Some("thoracic-surgery".into()),
        partner: Some((hospital_id("qumtagh"), id("qr-2024-003"))),
        consent: Some(id("consent-1")),
        ..Edit::default()
    };
    let act = async |who: &str, act: CaseAct| {
        w.minutes(1);
        app.case_act(&w.cx(who), &case, act).await.unwrap();
    };
    act("alimjan", CaseAct::Edit(Box::new(edit))).await;
    // There is no image yet; the doctor says that all go, those to come too.
    assert!(
        app.studies_to_attach(&w.cx("alimjan"), &case)
            .await
            .unwrap()
            .is_empty()
    );
    app.attach_studies(&w.cx("alimjan"), &case, &[], true, text(""))
        .await
        .unwrap();
    act("alimjan", CaseAct::Send).await;
    let consultant = w.account("li");
    act("gulnar", CaseAct::Allocate { consultant }).await;
    assert!(
        app.case_studies(&w.cx("li"), &case)
            .await
            .unwrap()
            .is_empty()
    );

    let study = w.study().await;
    app.follow_studies().await.unwrap();
    let shown = app.case_studies(&w.cx("li"), &case).await.unwrap();
    assert_eq!((shown.len(), &shown[0].key), (1, &study));
    let list = app
        .readings(&w.cx("li"), &ReadingFilter::default())
        .await
        .unwrap();
    assert_eq!(list.rows.len(), 1);
    assert_eq!(list.rows[0].study.key, study);
    assert!(app.study(&w.cx("li"), &study).await.is_ok());
}

#[tokio::test]
async fn what_the_hospital_sets_is_what_its_readings_run_on() {
    let (w, _) = world().await;
    let app = &w.node.app;
    let mut settings = ReadingSettings::default();
    settings.clocks.response_s = [1800, 3600, 2 * 3600, 6 * 3600];
    settings.templates.push(OwnTemplate {
        title: "CT chest, our way".into(),
        language: "en".into(),
        modality: "CT".into(),
        ..OwnTemplate::default()
    });
    let admin = w.cx("yq-admin");
    for who in ["alimjan", "li"] {
        let refused = app
            .change_reading_settings(&w.cx(who), 0, settings.clone())
            .await;
        assert_eq!(code(refused), "lead-reading", "{who}");
    }
    let mut wrong = settings.clone();
    wrong.clocks.response_s[0] = 0;
    wrong.templates[0].title = " ".into();
    let wrong = app.change_reading_settings(&admin, 0, wrong).await;
    assert_eq!(code(wrong), "response-0 title");
    app.change_reading_settings(&admin, 0, settings.clone())
        .await
        .unwrap();
    let again = app.change_reading_settings(&admin, 0, settings).await;
    assert_eq!(code(again), "conflict");
    // Whoever leads the readers may too.
    let mut head = w.cx("alimjan");
    head.actor.privileges.insert(Privilege::LeadReading);
    let (kept, version) = app.own_reading_settings(&head).await.unwrap();
    assert_eq!(version, 1);
    assert!(!kept.templates[0].code.is_empty());

    let study = w.study().await;
    app.follow_studies().await.unwrap();
    let mut reader = w.cx("alimjan");
    reader.actor.roles.insert(agreements::Role::Consultant);
    let reading = app.open_reading(&reader, &study, None).await.unwrap();
    let view = app.reading(&reader, &reading).await.unwrap();
    let due = view.clock.due.duration_since(view.clock.started);
    assert_eq!(due.as_secs(), 6 * 3600);
    app.reading_act(&reader, &reading, app::readings::ReadingAct::Claim)
        .await
        .unwrap();
    let desk = app.report_desk(&reader, &reading).await.unwrap();
    assert_eq!(desk.templates[0].title, "CT chest, our way");
}
