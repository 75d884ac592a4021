//! What the pages that read most ask of the store: counted, so that the bound holds on every machine.

#![allow(clippy::unwrap_used)] // a test stops where it fails

extern crate karez_app as app;

mod world;

use std::collections::BTreeSet;

use app::cases::CaseAct;
use app::records::view::TimelineAsk;
use care::case::{Edit, RecordItem, Urgency};
use kernel::{Kind, RecordKey};
use testkit::records::{hospital_id, id};
use world::{World, text};

async fn discussed(w: &World) -> RecordKey {
    let app = &w.node.app;
    let key = app.start_case(&w.cx("alimjan"), &id("p1")).await.unwrap();
    let edit = Edit {
        question: Some(text("Biopsy now, or treat for TB first?")),
        background: Some(text("Six weeks of dry cough.")),
        urgency: Some(Urgency::Urgent),
        service: Some("thoracic-surgery".into()),
        specialty: Some("thoracic-surgery".into()),
        partner: Some((hospital_id("qumtagh"), id("qr-2024-003"))),
        items: Some(vec![RecordItem {
            kind: Kind::new("Observation").unwrap(),
            id: id("k1"),
        }]),
        classes: Some(BTreeSet::from(["demographics".into(), "allergies".into()])),
        consent: Some(id("consent-1")),
        ..Edit::default()
    };
    let act = CaseAct::Edit(Box::new(edit));
    app.case_act(&w.cx("alimjan"), &key, act).await.unwrap();
    app.case_act(&w.cx("alimjan"), &key, CaseAct::Send)
        .await
        .unwrap();
    let consultant = w.account("li");
    app.case_act(&w.cx("gulnar"), &key, CaseAct::Allocate { consultant })
        .await
        .unwrap();
    for n in 0..30 {
        let who = ["alimjan", "li"][n % 2];
        app.write_message(&w.cx(who), &key, text("What about the second film?"), &[])
            .await
            .unwrap();
    }
    key
}

/// Asks twice, as people do, and counts the second time: the first marks what is new as seen.
macro_rules! reads {
    ($w:expr, $ask:expr) => {{
        $ask.await.unwrap();
        let before = $w.node.store.reads();
        $ask.await.unwrap();
        $w.node.store.reads() - before
    }};
}

#[tokio::test]
async fn pages_ask_little_of_the_store() {
    let w = World::new().await;
    w.patient().await;
    w.agreement().await;
    w.consent().await;
    let key = discussed(&w).await;
    let app = &w.node.app;

    let (home, away) = (w.cx("alimjan"), w.cx("li"));
    let patient = app::fhir::key(&hospital_id("yarqum"), "Patient", "p1").unwrap();
    let ask = TimelineAsk::default();
    // Thirty messages of two people cost no more than two do.
    let counted = [
        ("the case at home", reads!(w, app.case(&home, &key)), 14),
        (
            "the case at the partner's",
            reads!(w, app.case(&away, &key)),
            24,
        ),
        (
            "the list of patients",
            reads!(w, app.patients(&home, "", None)),
            4,
        ),
        (
            "the time line",
            reads!(w, app.timeline(&home, &patient, &ask)),
            16,
        ),
    ];
    for (page, reads, most) in counted {
        assert!(reads <= most, "{page}: {counted:?}");
    }
}
