//! Erasing, legal holds and retention, end to end over a real store.
#![allow(clippy::unwrap_used)] // a test stops where it fails

extern crate karez_app as app;

use agreements::Role;
use app::AppError;
use app::keeping::{Ground, Subject};
use jiff::SignedDuration;
use kernel::ResourceId;
use testkit::records::{hospital_id, id, key};
use testkit::world::World;

const HOME: &str = "qumtagh";

fn code(e: &AppError) -> String {
    match e {
        AppError::Rejected { code, .. } => code.clone(),
        AppError::Denied(d) => d.reason.clone(),
        AppError::Invalid(all) => all[0].code.to_owned(),
        other => format!("{other:?}"),
    }
}

async fn patient_with_entries(w: &World, patient: &str) {
    let body =
        format!(r#"{{"resourceType":"Patient","id":"{patient}","name":[{{"family":"Nobody"}}]}}"#);
    w.put("Patient", patient, body).await;
    w.put_observation(&format!("{patient}-o"), patient, None, "laboratory")
        .await;
}

async fn is_gone(w: &World, kind: &str, name: &str) -> bool {
    let permit = agreements::Permit::system(agreements::SystemPurpose::Audit, w.node.now());
    let got = w
        .node
        .store
        .get(&permit, &key(HOME, kind, name), None)
        .await;
    let got = got.unwrap().unwrap();
    got.deleted && got.original.reveal().is_empty()
}

#[tokio::test]
async fn a_record_is_erased_by_an_administrator_alone_and_never_under_a_hold() {
    let w = World::start().await;
    let app = w.app();
    let admin = w.admin(HOME);
    patient_with_entries(&w, "gone").await;
    patient_with_entries(&w, "stays").await;
    let erase = async |cx: &app::Cx, why: &str| {
        app.erase_patient(cx, &id("gone"), Ground::Request, why)
            .await
    };
    let refused = erase(&w.clinician(), "because").await.unwrap_err();
    assert_eq!(code(&refused), "role-missing");
    // The administrator of another hospital has no such patient.
    let other = w.staff("elsewhere", "saryozen", &[Role::Administrator], &[]);
    assert_eq!(
        code(&erase(&other, "because").await.unwrap_err()),
        "keeping-unknown-patient"
    );
    assert_eq!(code(&erase(&admin, "  ").await.unwrap_err()), "required");
    let hold = app
        .place_hold(&admin, &id("gone"), None, "a court asks for it", None)
        .await
        .unwrap();
    assert_eq!(
        code(&erase(&admin, "because").await.unwrap_err()),
        "hold-stands"
    );
    assert!(!is_gone(&w, "Observation", "gone-o").await);
    app.lift_hold(&admin, &hold).await.unwrap();
    erase(&admin, "the patient asked").await.unwrap();
    for (kind, name) in [("Patient", "gone"), ("Observation", "gone-o")] {
        assert!(is_gone(&w, kind, name).await, "{kind}/{name}");
    }
    assert!(!is_gone(&w, "Observation", "stays-o").await);
    // That it was done is remembered; what it took is not.
    let told = app.erasures(&admin).await.unwrap();
    assert_eq!(told[0].reason.reveal(), "the patient asked");
    let permit = agreements::Permit::system(agreements::SystemPurpose::Audit, w.node.now());
    let filter = store::AuditFilter {
        action: Some("record.erased".into()),
        limit: 10,
        ..Default::default()
    };
    let page = w
        .node
        .store
        .audit(&permit, &hospital_id(HOME), &filter)
        .await
        .unwrap();
    assert_eq!(page.records.len(), 1);
    let body = String::from_utf8(page.records[0].body.reveal().to_vec()).unwrap();
    assert!(
        !body.contains("Nobody") && !body.contains("asked"),
        "{body}"
    );
    let report = w
        .node
        .store
        .verify_chain(&permit, &hospital_id(HOME))
        .await
        .unwrap();
    assert_eq!(report.broken_at, None);
    assert_eq!(w.node.store.erasures().unwrap().len(), 1);
    // Nothing to erase twice.
    assert_eq!(
        code(&erase(&admin, "again").await.unwrap_err()),
        "keeping-unknown-patient"
    );
}

#[tokio::test]
async fn a_hold_with_an_end_ends_by_itself() {
    let w = World::start().await;
    let (app, admin) = (w.app(), w.admin(HOME));
    patient_with_entries(&w, "held").await;
    let day = SignedDuration::from_hours(24);
    let until = w.node.now().checked_add(day).unwrap();
    app.place_hold(&admin, &id("held"), None, "until the hearing", Some(until))
        .await
        .unwrap();
    let past = app
        .place_hold(&admin, &id("held"), None, "x", Some(w.node.now()))
        .await;
    assert_eq!(code(&past.unwrap_err()), "hold-until-past");
    let erase = async || {
        let admin = w.admin(HOME);
        app.erase_patient(&admin, &id("held"), Ground::Order, "ordered")
            .await
    };
    assert!(erase().await.is_err());
    w.node.clock.advance(day);
    erase().await.unwrap();
}

#[tokio::test]
async fn what_was_kept_long_enough_is_proposed_and_an_administrator_decides() {
    let w = World::start().await;
    let app = w.app();
    patient_with_entries(&w, "old").await;
    index(&w, "old").await;
    let round = async || {
        app.retention_round().await.unwrap();
        let waiting = app.disposals(&w.admin(HOME)).await.unwrap();
        waiting
            .into_iter()
            .map(|d| (d.id, d.disposal.subject, d.held))
            .collect::<Vec<_>>()
    };
    assert!(round().await.is_empty());
    // China keeps for thirty years.
    w.node
        .clock
        .advance(SignedDuration::from_hours(24 * 365 * 29));
    assert!(round().await.is_empty());
    w.node.clock.advance(SignedDuration::from_hours(24 * 400));
    let waiting = round().await;
    let subject = Subject::Record { patient: id("old") };
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].1, subject);
    // Once, however often the job runs.
    assert_eq!(round().await.len(), 1);
    let proposal: ResourceId = waiting[0].0.clone();
    let denied = app.approve_disposal(&w.clinician(), &proposal).await;
    assert_eq!(code(&denied.unwrap_err()), "role-missing");
    // Put off, it comes again when the years are over.
    app.keep_disposal(&w.admin(HOME), &proposal, 1)
        .await
        .unwrap();
    assert!(round().await.is_empty());
    w.node.clock.advance(SignedDuration::from_hours(24 * 366));
    assert_eq!(round().await.len(), 1);
    let hold = app
        .place_hold(&w.admin(HOME), &id("old"), None, "a claim", None)
        .await
        .unwrap();
    assert!(round().await[0].2, "shown as held");
    let held = app.approve_disposal(&w.admin(HOME), &proposal).await;
    assert_eq!(code(&held.unwrap_err()), "hold-stands");
    app.lift_hold(&w.admin(HOME), &hold).await.unwrap();
    app.approve_disposal(&w.admin(HOME), &proposal)
        .await
        .unwrap();
    assert!(is_gone(&w, "Observation", "old-o").await);
    assert!(round().await.is_empty());
    let again = app.approve_disposal(&w.admin(HOME), &proposal).await;
    assert!(matches!(again, Err(AppError::Conflict)));
}

/// The index document that every way of writing a patient keeps beside it.
async fn index(w: &World, patient: &str) {
    let mut batch = store::Batch::new(w.node.now());
    batch.put_doc(
        key(HOME, "patient-index", patient),
        store::Precondition::Any,
        r#"{"keys":[],"identifiers":[],"birth_date":null}"#,
        Vec::new(),
    );
    w.node.store.commit(batch).await.unwrap();
}
