//! The case from end to end on a real store: two hospitals, an agreement, a consent, a question and its answer.

#![allow(clippy::unwrap_used)] // a test stops where it fails

extern crate karez_app as app;

mod world;

use std::collections::BTreeSet;

use agreements::agreement::{Stage, Suspension};
use agreements::consent::{Relation, Withdrawal};
use app::cases::view::{CaseFilter, OwnerLine, Side, Tab};
use app::cases::{CaseAct, Signed, SignedKind};
use app::records::view::TimelineAsk;
use app::{AppError, Cx};
use care::case::{
    DiagnosisChange, Edit, ManagementChange, PatientOutcome, RecordItem, Status, SuspendReason,
    Urgency,
};
use kernel::{Kind, RecordKey};
use store::Batch;
use testkit::records::{hospital_id, id, key};
use world::{World, text};

fn edit() -> Edit {
    Edit {
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
    }
}

async fn sent(w: &World) -> RecordKey {
    let app = &w.node.app;
    let key = app.start_case(&w.cx("alimjan"), &id("p1")).await.unwrap();
    let act = CaseAct::Edit(Box::new(edit()));
    app.case_act(&w.cx("alimjan"), &key, act).await.unwrap();
    app.case_act(&w.cx("alimjan"), &key, CaseAct::Send)
        .await
        .unwrap();
    key
}

async fn ready() -> World {
    let w = World::new().await;
    w.patient().await;
    w.agreement().await;
    w.consent().await;
    w
}

async fn allocated(w: &World) -> RecordKey {
    let key = sent(w).await;
    w.minutes(5);
    let consultant = w.account("li");
    let act = CaseAct::Allocate { consultant };
    w.node
        .app
        .case_act(&w.cx("gulnar"), &key, act)
        .await
        .unwrap();
    key
}

async fn answer(w: &World, key: &RecordKey) {
    let signed = Signed {
        opinion: id("op-1"),
        kind: SignedKind::Opinion { co_signer: None },
    };
    let batch = Batch::new(w.node.now());
    w.node
        .app
        .record_answer(&w.cx("li"), key, &signed, batch)
        .await
        .unwrap();
}

fn denied<T>(r: Result<T, AppError>) -> String {
    match r {
        Err(AppError::Denied(d)) => d.reason,
        Err(AppError::NotFound) => "not-found".into(),
        Err(AppError::Rejected { code, .. }) => code,
        Err(e) => panic!("{e}"),
        Ok(_) => panic!("was allowed"),
    }
}

async fn notices(w: &World, who: &str) -> Vec<String> {
    let list = w.node.app.notices_of(&w.cx(who), None).await.unwrap();
    list.into_iter().map(|n| n.what).collect()
}

#[tokio::test]
async fn a_question_travels_to_the_consultant_and_its_answer_home() {
    let w = ready().await;
    let app = &w.node.app;
    let case = sent(&w).await;
    assert_eq!(notices(&w, "gulnar").await, ["case-sent"]);

    let inbox = app
        .inbox(&w.cx("gulnar"), &CaseFilter::default())
        .await
        .unwrap();
    let row = &inbox.rows[0];
    assert_eq!((inbox.counts.open, inbox.counts.nobody), (1, 1));
    assert!(matches!(row.owner, Some(OwnerLine::Nobody(_))));
    assert_eq!(
        row.patient.names.as_ref().unwrap().reveal().latin,
        "Xiaoming Wang"
    );
    assert_eq!(row.number, "K-26-00001");
    assert_eq!(row.clock.unwrap().left_s, 4 * 3600);

    w.minutes(5);
    let consultant = w.account("li");
    let candidates = app.candidates(&w.cx("gulnar"), &case).await.unwrap();
    assert_eq!(candidates.len(), 2);
    let act = CaseAct::Allocate { consultant };
    app.case_act(&w.cx("gulnar"), &case, act).await.unwrap();

    let list = app
        .worklist(&w.cx("li"), &CaseFilter::default())
        .await
        .unwrap();
    assert_eq!(list.rows[0].owner, Some(OwnerLine::Me));
    let view = app.case(&w.cx("li"), &case).await.unwrap();
    assert_eq!(view.side, Side::Answering);
    assert!(view.can.answer && !view.can.act && !view.can.edit);
    assert_eq!(view.banner.allergies[0].substance, "Penicillin");

    answer(&w, &case).await;
    assert!(
        notices(&w, "alimjan")
            .await
            .contains(&"case-answered".to_owned())
    );
    app.open_answer(&w.cx("alimjan"), &case).await.unwrap();
    let act = CaseAct::Act {
        text: text("PET-CT, then biopsy"),
        orders: vec![text("PET-CT")],
    };
    app.case_act(&w.cx("alimjan"), &case, act).await.unwrap();
    w.minutes(60 * 24 * 20);
    let act = CaseAct::TellOutcome {
        management: ManagementChange::Changed,
        diagnosis: DiagnosisChange::Confirmed,
        patient: PatientOutcome::Improved,
        text: text("Resected"),
    };
    app.case_act(&w.cx("alimjan"), &case, act).await.unwrap();
    assert!(notices(&w, "li").await.contains(&"case-outcome".to_owned()));
    app.case_act(&w.cx("li"), &case, CaseAct::SeeOutcome)
        .await
        .unwrap();
    let view = app.case(&w.cx("alimjan"), &case).await.unwrap();
    assert_eq!(view.case.status, Status::Closed);
    assert_eq!(view.outcome.unwrap().1.name, "alimjan");
}

#[tokio::test]
async fn the_partner_sees_what_was_chosen_and_nothing_else() {
    let w = ready().await;
    let app = &w.node.app;
    let patient = key("yarqum", "Patient", "p1");
    let ask = TimelineAsk::default();
    assert_eq!(
        denied(app.timeline(&w.cx("li"), &patient, &ask).await),
        "not-found"
    );
    let case = allocated(&w).await;
    let seen = app.timeline(&w.cx("li"), &patient, &ask).await.unwrap();
    let classes: Vec<_> = seen.classes.iter().map(|(c, n)| (c.as_str(), *n)).collect();
    assert_eq!(classes, [("allergies", 1), ("laboratory", 1)]);
    // A potassium keeps its trailing zero on the way.
    let entry = app
        .entry(&w.cx("li"), &key("yarqum", "Observation", "k1"))
        .await
        .unwrap();
    assert!(entry.entry.measures[0].value.ends_with('0'));
    assert_eq!(
        denied(
            app.entry(&w.cx("li"), &key("yarqum", "Condition", "c1"))
                .await
        ),
        "not-found"
    );
    // Someone of a third hospital learns of neither.
    assert_eq!(
        denied(app.case(&w.cx("outsider"), &case).await),
        "not-found"
    );
    assert_eq!(
        denied(app.timeline(&w.cx("outsider"), &patient, &ask).await),
        "not-found"
    );
    // Each read across the border of a hospital stands in both chains.
    for chain in ["yarqum", "qumtagh"] {
        let cx = w.cx("li");
        let filter = store::AuditFilter {
            limit: 100,
            action: Some("record.read".into()),
            ..Default::default()
        };
        let permit = agreements::Permit::system(agreements::SystemPurpose::Audit, cx.now);
        let page = w
            .node
            .store
            .audit(&permit, &hospital_id(chain), &filter)
            .await
            .unwrap();
        assert_eq!(page.records.len(), 1, "{chain}");
    }
}

#[tokio::test]
async fn messages_reach_both_sides_and_count_as_unread() {
    let w = ready().await;
    let app = &w.node.app;
    let case = allocated(&w).await;
    app.write_message(&w.cx("li"), &case, text("Any weight loss?"), &[])
        .await
        .unwrap();
    assert_eq!(notices(&w, "alimjan").await[0], "case-message");
    let mine = app
        .my_cases(&w.cx("alimjan"), &CaseFilter::default())
        .await
        .unwrap();
    assert_eq!(mine.rows[0].unread, 1);
    let view = app.case(&w.cx("alimjan"), &case).await.unwrap();
    assert_eq!(view.messages[0].text.reveal(), "Any weight loss?");
    assert_eq!(
        view.messages[0].by.hospital.as_ref().unwrap().id,
        hospital_id("qumtagh")
    );
    let mine = app
        .my_cases(&w.cx("alimjan"), &CaseFilter::default())
        .await
        .unwrap();
    assert_eq!(mine.rows[0].unread, 0);
    w.minutes(1);
    app.write_message(&w.cx("alimjan"), &case, text("4 kg since August."), &[])
        .await
        .unwrap();
    let view = app.case(&w.cx("li"), &case).await.unwrap();
    assert_eq!(view.messages.len(), 2);
    assert!(
        denied(
            app.write_message(&w.cx("outsider"), &case, text("x"), &[])
                .await
        ) == "not-found"
    );
}

#[tokio::test]
async fn a_file_of_the_case_is_opened_by_the_consultant_and_by_nobody_else() {
    let w = ready().await;
    let app = &w.node.app;
    let case = app.start_case(&w.cx("alimjan"), &id("p1")).await.unwrap();
    let pdf = b"%PDF-1.7 spirometry".as_slice();
    let refused = app
        .attach(&w.cx("alimjan"), &case, "a.exe", b"MZ".as_slice().into())
        .await;
    assert!(matches!(refused, Err(AppError::Invalid(_))));
    let file = app
        .attach(&w.cx("alimjan"), &case, "../x/spiro.pdf", pdf.into())
        .await
        .unwrap();
    assert_eq!(file.title.reveal(), "spiro.pdf");
    let act = CaseAct::Edit(Box::new(edit()));
    app.case_act(&w.cx("alimjan"), &case, act).await.unwrap();
    app.case_act(&w.cx("alimjan"), &case, CaseAct::Send)
        .await
        .unwrap();
    let holder = key("yarqum", "DocumentReference", file.id.as_str());
    let opened = app.open_file(&w.cx("gulnar"), &holder, 0).await.unwrap();
    assert_eq!(
        (opened.media_type.as_str(), &opened.bytes[..]),
        ("application/pdf", pdf)
    );
    assert_eq!(
        app.case(&w.cx("gulnar"), &case).await.unwrap().files.len(),
        1
    );
    assert_eq!(
        denied(app.open_file(&w.cx("outsider"), &holder, 0).await),
        "not-found"
    );
}

#[tokio::test]
async fn nothing_is_sent_without_agreement_or_consent() {
    let w = World::new().await;
    w.patient().await;
    let app = &w.node.app;
    let case = app.start_case(&w.cx("alimjan"), &id("p1")).await.unwrap();
    let cx: fn(&World) -> Cx = |w| w.cx("alimjan");
    let act = CaseAct::Edit(Box::new(edit()));
    app.case_act(&cx(&w), &case, act).await.unwrap();
    let send = || async { app.case_act(&cx(&w), &case, CaseAct::Send).await };
    assert_eq!(denied(send().await), "no-agreement");
    w.put_agreement(&w.agreement_at_stage(Stage::Proposed, false))
        .await;
    assert_eq!(denied(send().await), "agreement-not-active");
    w.agreement().await;
    assert_eq!(denied(send().await), "consent-not-in-force");
    let mut consent = w.consent().await;
    consent.scope.hospitals = Some(vec![hospital_id("aqtash")]);
    w.put_consent(&consent).await;
    assert_eq!(denied(send().await), "consent-not-in-force");
    w.consent().await;
    send().await.unwrap();
}

#[tokio::test]
async fn a_withdrawn_consent_cuts_the_case_off_and_tells_the_doctor() {
    let w = ready().await;
    let app = &w.node.app;
    let case = allocated(&w).await;
    let mut consent = w.consent().await;
    consent.withdrawn = Some(Withdrawal {
        at: w.node.now(),
        by: w.account("alimjan"),
        relation: Relation::Patient,
        reason: None,
    });
    w.put_consent(&consent).await;
    let changed = app
        .review_cases_of_patient(&hospital_id("yarqum"), &id("p1"), w.node.now())
        .await
        .unwrap();
    assert_eq!(changed, 1);
    let view = app.case(&w.cx("alimjan"), &case).await.unwrap();
    assert_eq!(view.suspended, Some(SuspendReason::ConsentWithdrawn));
    assert_eq!(view.row.owner, Some(OwnerLine::Me));
    assert_eq!(notices(&w, "alimjan").await[0], "case-suspended");
    assert_eq!(
        denied(app.case(&w.cx("li"), &case).await),
        "case-consent-withdrawn",
        "whoever worked on it is told why it is closed"
    );
    assert_eq!(
        app.review_cases_of_patient(&hospital_id("yarqum"), &id("p1"), w.node.now())
            .await
            .unwrap(),
        0
    );
    w.consent().await;
    assert_eq!(
        app.review_cases_of_patient(&hospital_id("yarqum"), &id("p1"), w.node.now())
            .await
            .unwrap(),
        1
    );
    let view = app.case(&w.cx("li"), &case).await.unwrap();
    assert_eq!(view.case.status, Status::Allocated);
}

#[tokio::test]
async fn a_suspended_agreement_stops_work_at_once() {
    let w = ready().await;
    let app = &w.node.app;
    let case = allocated(&w).await;
    let mut agreement = w.agreement_at_stage(Stage::Active, false);
    agreement.suspensions.push(Suspension {
        party: hospital_id("yarqum"),
        reason: "breach".into(),
        at: w.node.now(),
    });
    w.put_agreement(&agreement).await;
    // Before any job has run, nothing more can be done or read.
    let signed = Signed {
        opinion: id("op-1"),
        kind: SignedKind::Opinion { co_signer: None },
    };
    let batch = Batch::new(w.node.now());
    assert_eq!(
        denied(app.record_answer(&w.cx("li"), &case, &signed, batch).await),
        "case-agreement-suspended"
    );
    assert_eq!(
        denied(
            app.entry(&w.cx("li"), &key("yarqum", "Observation", "k1"))
                .await
        ),
        "not-found"
    );
    assert_eq!(
        app.review_cases_of_agreement(&agreement.id, w.node.now())
            .await
            .unwrap(),
        1
    );
    let view = app.case(&w.cx("alimjan"), &case).await.unwrap();
    assert_eq!(view.suspended, Some(SuspendReason::AgreementSuspended));
}

#[tokio::test]
async fn acts_are_refused_to_the_wrong_people() {
    let w = ready().await;
    let app = &w.node.app;
    let case = sent(&w).await;
    for (who, reason) in [
        ("alimjan", "not-yours"),
        ("li", "not-yours"),
        ("outsider", "not-found"),
    ] {
        assert_eq!(
            denied(app.case_act(&w.cx(who), &case, CaseAct::Accept).await),
            reason,
            "{who}"
        );
    }
    let give = CaseAct::Allocate {
        consultant: w.account("gulnar"),
    };
    assert_eq!(
        denied(app.case_act(&w.cx("gulnar"), &case, give).await),
        "not-a-consultant"
    );
    assert_eq!(
        denied(app.start_case(&w.cx("gulnar"), &id("p1")).await),
        "role-missing"
    );
    let foreign = CaseAct::SupplyMore {
        text: text(""),
        items: vec![RecordItem {
            kind: Kind::new("Observation").unwrap(),
            id: id("elsewhere"),
        }],
        classes: BTreeSet::new(),
        files: vec![],
    };
    let refused = app.case_act(&w.cx("alimjan"), &case, foreign).await;
    assert!(matches!(refused, Err(AppError::Invalid(_))));
    // Drafts and the hospital's own list stay at home.
    let drafts = CaseFilter {
        tab: Tab::Drafts,
        ..CaseFilter::default()
    };
    app.start_case(&w.cx("alimjan"), &id("p1")).await.unwrap();
    assert_eq!(
        app.my_cases(&w.cx("alimjan"), &drafts)
            .await
            .unwrap()
            .rows
            .len(),
        1
    );
    assert!(
        app.my_cases(&w.cx("rena"), &CaseFilter::default())
            .await
            .unwrap()
            .rows
            .is_empty()
    );
}

#[tokio::test]
async fn cases_speak_fhir_and_forged_states_are_refused() {
    let w = ready().await;
    let app = &w.node.app;
    let case = sent(&w).await;
    let task_key = key("yarqum", "Task", case.id.as_str());
    let permit = w.cx("gulnar").permit();
    let task = w
        .node
        .store
        .get(&permit, &task_key, None)
        .await
        .unwrap()
        .unwrap();
    let mut json: serde_json::Value = serde_json::from_slice(task.body.reveal()).unwrap();
    assert_eq!(json["status"], "requested");
    let home = hospital_id("yarqum");
    json["status"] = "completed".into();
    let write = |who: &str, json: &serde_json::Value| {
        let (cx, json, home, id) = (w.cx(who), json.to_string(), home.clone(), case.id.clone());
        async move {
            app.fhir_write_case(&cx, &home, "Task", Some(&id), json.as_bytes())
                .await
        }
    };
    assert!(matches!(
        write("gulnar", &json).await,
        Err(AppError::Invalid(_))
    ));
    json["status"] = "accepted".into();
    assert_eq!(denied(write("alimjan", &json).await), "not-yours");
    write("gulnar", &json).await.unwrap();
    let view = app.case(&w.cx("gulnar"), &case).await.unwrap();
    assert_eq!(view.case.status, Status::Accepted);
    let message = serde_json::json!({"resourceType": "Communication", "status": "completed",
        "basedOn": [{"reference": format!("http://127.0.0.1:8080/fhir/yarqum/ServiceRequest/{}", case.id)}],
        "payload": [{"contentString": "Complete."}]});
    let written = app
        .fhir_write_case(
            &w.cx("gulnar"),
            &home,
            "Communication",
            None,
            message.to_string().as_bytes(),
        )
        .await
        .unwrap();
    assert_eq!(written.hospital, home);
    assert_eq!(
        app.case(&w.cx("alimjan"), &case)
            .await
            .unwrap()
            .messages
            .len(),
        1
    );
}

#[tokio::test]
async fn offers_come_from_active_agreements_alone() {
    let w = ready().await;
    let app = &w.node.app;
    let offers = app.offers(&w.cx("alimjan"), None).await.unwrap();
    assert_eq!(offers.len(), 1);
    assert_eq!(offers[0].agreement_number, "QR-2024-003");
    assert!(app.offers(&w.cx("gulnar"), None).await.unwrap().is_empty());
    w.put_agreement(&w.agreement_at_stage(Stage::Ended, false))
        .await;
    assert!(app.offers(&w.cx("alimjan"), None).await.unwrap().is_empty());
}

#[tokio::test]
async fn live_pages_are_woken_for_their_topics_alone() {
    let w = ready().await;
    let app = &w.node.app;
    let before = *app.watch().borrow();
    let case = sent(&w).await;
    let topics = [
        format!("case-{}", case.id),
        "inbox-qumtagh".into(),
        "inbox-aqtash".into(),
        format!("person-{}", w.account("gulnar")),
        format!("person-{}", w.account("li")),
    ];
    let (after, woken) = app
        .live_since(&w.cx("gulnar"), before, &topics)
        .await
        .unwrap();
    assert_eq!(
        woken,
        [&topics[0], &topics[1], &topics[3]].map(String::clone)
    );
    let (_, woken) = app
        .live_since(&w.cx("gulnar"), after, &topics)
        .await
        .unwrap();
    assert!(woken.is_empty());
}
