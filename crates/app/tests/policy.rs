//! Agreements, consents, audit, borders and corrections over a real store.
#![allow(clippy::unwrap_used)]

extern crate karez_app as app;

use agreements::break_glass::ReviewOutcome;
use agreements::consent::Relation;
use agreements::decision::facts::Entry;
use agreements::{Action, Reason, RecordClass, Role, Subject};
use app::agreements::AgreementAct;
use app::audit::{AuditAsk, ExportFormat};
use app::border::{BorderAsk, Recipient};
use app::{AppError, Privilege};
use jiff::SignedDuration;
use testkit::records::{hospital_id, id, key};
use testkit::world::World;

#[tokio::test]
async fn suspension_and_withdrawal_cut_what_a_case_opened() {
    let w = World::start().await;
    let agreement = w.active_agreement().await;
    let consent = w.consent(true).await;
    w.share(&agreement, RecordClass::Laboratory).await;
    let reader = w.consultant();
    assert!(
        w.can_read(&reader).await,
        "agreement, share and consent permit it"
    );

    let admin = w.admin("saryozen");
    let suspend = AgreementAct::Suspend {
        reason: "key lost".into(),
    };
    w.app()
        .agreement_act(&admin, &agreement, suspend)
        .await
        .unwrap();
    assert!(!w.can_read(&reader).await, "suspended");
    let why = w.why(&reader).await;
    assert!(
        matches!(why[..], [Reason::AgreementStanding { .. }]),
        "{why:?}"
    );
    w.app()
        .agreement_act(&admin, &agreement, AgreementAct::Resume)
        .await
        .unwrap();
    assert!(w.can_read(&reader).await, "resumed");

    let patient = w.patient();
    let custodian = hospital_id("qumtagh");
    w.app()
        .withdraw_consent(&patient, &custodian, &consent, Relation::Patient, None)
        .await
        .unwrap();
    assert!(!w.can_read(&reader).await, "withdrawn");
    let why = w.why(&reader).await;
    assert!(
        matches!(why[..], [Reason::ConsentWithdrawn { .. }]),
        "{why:?}"
    );
}

#[tokio::test]
async fn each_party_holds_the_contract_and_both_signatures_verify() {
    let w = World::start().await;
    let agreement = w.active_agreement().await;
    for hospital in ["qumtagh", "saryozen"] {
        let permit = w.admin(hospital).permit();
        let contract = key(hospital, "Contract", agreement.as_str());
        let stored = w.node.store.get(&permit, &contract, None).await.unwrap();
        let body = stored.expect("the party's own Contract");
        assert!(String::from_utf8_lossy(body.body.reveal()).contains("\"executed\""));
    }
    let view = w
        .app()
        .agreement(&w.admin("qumtagh"), &agreement)
        .await
        .unwrap();
    assert_eq!(view.signatures.len(), 2);
    assert!(view.signatures.iter().all(|s| s.genuine));
    let stranger = w.app().agreement(&w.admin("northmere"), &agreement).await;
    assert!(matches!(stranger, Err(AppError::NotFound)));
}

#[tokio::test]
async fn reads_are_audited_at_both_hospitals_and_shown_to_the_patient() {
    let w = World::start().await;
    let agreement = w.active_agreement().await;
    w.consent(true).await;
    w.share(&agreement, RecordClass::Laboratory).await;
    let custodian = hospital_id("qumtagh");
    let subjects = [key("qumtagh", "Observation", "o1")];
    for cx in [w.consultant(), w.clinician()] {
        w.app()
            .note_read(&cx, &custodian, Some(&id("p1")), &subjects, "record.read")
            .await
            .unwrap();
    }
    let readers = w
        .app()
        .readers(&w.patient(), &custodian, &id("p1"))
        .await
        .unwrap();
    let names: Vec<_> = readers.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let across = readers.iter().find(|r| r.name == "consultant").unwrap();
    let ground = across.ground.as_deref().unwrap();
    assert!(
        ground.contains(agreement.as_str()) && ground.contains("consent"),
        "{ground}"
    );
    let there = AuditAsk {
        action: Some("record.read".into()),
        ..AuditAsk::default()
    };
    let page = w
        .app()
        .audit_page(&w.admin("saryozen"), &there)
        .await
        .unwrap();
    assert_eq!(page.rows.len(), 1, "the reader's own hospital has it too");
    let nosy = w
        .app()
        .audit_page(&w.clinician(), &AuditAsk::default())
        .await;
    assert!(matches!(nosy, Err(AppError::Denied(_))));
    let other = w.app().readers(&w.patient(), &custodian, &id("p2")).await;
    assert!(matches!(other, Err(AppError::Denied(_))));
}

#[tokio::test]
async fn an_export_holds_every_entry_and_verifies() {
    let w = World::start().await;
    w.active_agreement().await;
    let admin = w.admin("qumtagh");
    let csv = w
        .app()
        .audit_export(&admin, &AuditAsk::default(), ExportFormat::Csv)
        .await
        .unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert!(csv.starts_with("number,time,person") && csv.contains("agreement.signed"));
    let lines = w
        .app()
        .audit_export(&admin, &AuditAsk::default(), ExportFormat::Ndjson)
        .await
        .unwrap();
    for line in String::from_utf8(lines).unwrap().lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["resourceType"], "AuditEvent");
    }
    w.node.clock.advance(SignedDuration::from_hours(2));
    assert!(w.app().checkpoint_audit().await.unwrap() > 0);
    assert_eq!(
        w.app().checkpoint_audit().await.unwrap(),
        0,
        "nothing new to sign"
    );
    for verdict in w.app().verify_audit().await.unwrap() {
        assert!(verdict.is_sound(), "{verdict:?}");
    }
    let own = w.app().verify_own_audit(&w.admin("qumtagh")).await.unwrap();
    assert!(
        own.checkpoints >= 2,
        "the hospital's own and its partner's: {own:?}"
    );
}

#[tokio::test]
async fn break_glass_opens_the_own_house_for_four_hours_and_is_reviewed() {
    let w = World::start().await;
    w.put_observation("o2", "p1", Some("R"), "genetics").await;
    let doctor = w.clinician();
    let custodian = hospital_id("qumtagh");
    let sensitive = key("qumtagh", "Observation", "o2");
    let read = |cx: app::Cx| {
        let (store, sensitive) = (w.node.store.clone(), sensitive.clone());
        async move {
            store
                .get(&cx.permit(), &sensitive, None)
                .await
                .unwrap()
                .is_some()
        }
    };
    assert!(
        !read(w.clinician()).await,
        "a sensitive class needs a privilege"
    );
    let short = w
        .app()
        .break_glass(&doctor, &custodian, &id("p1"), "now")
        .await;
    assert!(matches!(short, Err(AppError::Invalid(_))));
    let opening = w
        .app()
        .break_glass(&doctor, &custodian, &id("p1"), "Unconscious after a fall")
        .await
        .unwrap();
    assert!(read(w.clinician()).await);
    let admin = w.admin("qumtagh");
    assert_eq!(w.app().openings(&admin, true).await.unwrap().len(), 1);
    w.app()
        .review_break_glass(
            &admin,
            &opening.id,
            ReviewOutcome::NotJustified,
            "was awake",
        )
        .await
        .unwrap();
    assert!(!read(w.clinician()).await, "not justified ends it at once");
    let foreign = w.consultant();
    let refused = w
        .app()
        .break_glass(&foreign, &custodian, &id("p1"), "Unconscious after a fall")
        .await;
    assert!(matches!(refused, Err(AppError::Denied(d)) if d.reason == "no-agreement"));
}

#[tokio::test]
async fn a_border_counts_persons_once_a_year_and_wants_its_own_consent() {
    let w = World::start().await;
    let agreement = w.active_agreement().await;
    let at_home = w.consent(false).await;
    let abroad = w.consent(true).await;
    let ask = |consent| BorderAsk {
        custodian: hospital_id("qumtagh"),
        recipient: Recipient::Partner {
            hospital: hospital_id("saryozen"),
            agreement: agreement.clone(),
        },
        patient: id("p1"),
        case: Some(id("k1")),
        consent: Some(consent),
        purpose: Some(agreements::border::Purpose::SecondOpinion),
        classes: [RecordClass::Laboratory].into_iter().collect(),
        chosen: Default::default(),
    };
    let cx = w.clinician();
    let mut batch = store::Batch::new(cx.now);
    let refused = w.app().cross_border(&cx, &mut batch, &ask(at_home)).await;
    assert!(matches!(refused, Err(AppError::Invalid(p)) if p[0].text == "PIPL art. 39"));
    for _ in 0..2 {
        let mut batch = store::Batch::new(cx.now);
        w.app()
            .cross_border(&cx, &mut batch, &ask(abroad.clone()))
            .await
            .unwrap();
        w.node.store.commit(batch).await.unwrap();
    }
    let ledger = w
        .app()
        .border_ledger(&w.admin("qumtagh"), 2026)
        .await
        .unwrap();
    assert_eq!(ledger.entries.len(), 2);
    assert_eq!(
        ledger.destinations[0].counts.persons, 1,
        "one person, however often"
    );
    let mine = w
        .app()
        .disclosures(&w.patient(), &hospital_id("qumtagh"), &id("p1"))
        .await
        .unwrap();
    assert_eq!(mine.len(), 2);
}

#[tokio::test]
async fn a_correction_moves_the_entry_and_tells_whoever_read_it() {
    let w = World::start().await;
    let custodian = hospital_id("qumtagh");
    let entry = key("qumtagh", "Observation", "o1");
    w.app()
        .note_read(
            &w.clinician(),
            &custodian,
            Some(&id("p1")),
            std::slice::from_ref(&entry),
            "record.read",
        )
        .await
        .unwrap();
    let entries = [entry.clone()];
    let plain = w
        .app()
        .correct_patient(&w.clinician(), &id("p1"), &id("p2"), &entries, "mixed up")
        .await;
    assert!(matches!(plain, Err(AppError::Denied(_))));
    let records = w.staff(
        "keeper",
        "qumtagh",
        &[Role::Clinician],
        &[Privilege::CorrectRecord],
    );
    let done = w
        .app()
        .correct_patient(&records, &id("p1"), &id("p2"), &entries, "mixed up")
        .await
        .unwrap();
    assert!(done.told.iter().any(|a| a.as_str() == "clinician"));
    let stored = w
        .node
        .store
        .get(&records.permit(), &entry, None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.patient, Some(id("p2")));
    assert_eq!(stored.version, 2);
    let provenance = key("qumtagh", "Provenance", done.provenance.as_str());
    assert!(
        w.node
            .store
            .get(&records.permit(), &provenance, None)
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_refusal_is_explained_and_audited_in_both_chains() {
    let w = World::start().await;
    let entry = Entry {
        custodian: hospital_id("qumtagh"),
        kind: kernel::Kind::new("Observation").unwrap(),
        id: id("o1"),
        class: RecordClass::Laboratory,
        patient: Some(id("p1")),
        among_staff: false,
    };
    let refused = w
        .app()
        .require(&w.consultant(), Action::ReadRecord, Subject::Entry(entry))
        .await;
    assert!(matches!(refused, Err(AppError::Denied(d)) if d.reason == "no-agreement"));
    for hospital in ["qumtagh", "saryozen"] {
        let ask = AuditAsk {
            action: Some("read-record.denied".into()),
            ..AuditAsk::default()
        };
        let page = w.app().audit_page(&w.admin(hospital), &ask).await.unwrap();
        assert!(page.rows[0].denied, "in the chain of {hospital}");
    }
}

#[tokio::test]
async fn time_alone_begins_and_ends_an_agreement() {
    let w = World::start().await;
    let agreement = w.agreement_from("2026-11-23", "2026-11-24").await;
    let standing = |w: &World| {
        let (app, cx, id) = (w.app().clone(), w.admin("qumtagh"), agreement.clone());
        async move { app.agreement(&cx, &id).await.unwrap().standing.as_str() }
    };
    assert_eq!(standing(&w).await, "signed");
    w.node.clock.advance(SignedDuration::from_hours(10));
    assert_eq!(w.app().agreement_clock().await.unwrap(), 1);
    assert_eq!(standing(&w).await, "active");
    w.node.clock.advance(SignedDuration::from_hours(48));
    assert_eq!(
        w.app().agreement_clock().await.unwrap(),
        1,
        "the end is noted"
    );
    assert_eq!(standing(&w).await, "expired");
    assert_eq!(w.app().agreement_clock().await.unwrap(), 0);
}

/// A resource as FHIR clients see it, ready to be changed and sent again.
async fn resource(
    w: &World,
    cx: &app::Cx,
    hospital: &str,
    kind: &str,
    id: &str,
) -> serde_json::Value {
    let record = key(hospital, kind, id);
    let stored = w
        .node
        .store
        .get(&cx.permit(), &record, None)
        .await
        .unwrap()
        .unwrap();
    serde_json::from_slice(stored.body.reveal()).unwrap()
}

#[tokio::test]
async fn a_contract_written_through_fhir_is_a_command_or_refused() {
    let w = World::start().await;
    let signed = w.active_agreement().await;
    let cx = w.admin("qumtagh");
    let hospital = hospital_id("qumtagh");
    let mut contract = resource(&w, &cx, "qumtagh", "Contract", signed.as_str()).await;
    contract["identifier"][0]["value"] = "QS-NEW".into();
    let send = |json: &serde_json::Value| bytes::Bytes::from(json.to_string());
    let forged = w
        .app()
        .fhir_create(&cx, &hospital, "Contract", send(&contract), None)
        .await;
    assert!(forged.is_err(), "nobody writes an executed Contract");

    contract["status"] = "offered".into();
    let written = w
        .app()
        .fhir_create(&cx, &hospital, "Contract", send(&contract), None)
        .await
        .unwrap();
    let view = w
        .app()
        .agreement(&cx, &written.resource.key.id)
        .await
        .unwrap();
    assert_eq!(view.standing.as_str(), "proposed");
    assert!(
        view.signatures.is_empty(),
        "a written signature counts for nothing"
    );

    let active = key("qumtagh", "Contract", signed.as_str());
    let mut changed = resource(&w, &cx, "qumtagh", "Contract", signed.as_str()).await;
    changed["status"] = "disputed".into();
    changed["legalState"]["text"] = "key lost".into();
    changed["title"] = "Everything".into();
    assert!(
        w.app()
            .fhir_update(&cx, &active, send(&changed), None)
            .await
            .is_err(),
        "signed terms stay"
    );
    changed["title"] = "Second opinions".into();
    w.app()
        .fhir_update(&cx, &active, send(&changed), None)
        .await
        .unwrap();
    let view = w.app().agreement(&cx, &signed).await.unwrap();
    assert_eq!(view.standing.as_str(), "suspended");
}

#[tokio::test]
async fn a_consent_written_through_fhir_is_a_command_or_refused() {
    let w = World::start().await;
    let cx = w.clinician();
    let hospital = hospital_id("qumtagh");
    let first = w.consent(true).await;
    let json = resource(&w, &cx, "qumtagh", "Consent", first.as_str()).await;
    let send = |json: &serde_json::Value| bytes::Bytes::from(json.to_string());
    let written = w
        .app()
        .fhir_create(&cx, &hospital, "Consent", send(&json), None)
        .await
        .unwrap();
    let mut again = resource(
        &w,
        &cx,
        "qumtagh",
        "Consent",
        written.resource.key.id.as_str(),
    )
    .await;
    again["provision"]["extension"][0]["valueBoolean"] = false.into();
    let refused = w
        .app()
        .fhir_update(&cx, &written.resource.key, send(&again), None)
        .await;
    assert!(refused.is_err(), "a consent is not changed");
    let mut withdrawn = resource(
        &w,
        &cx,
        "qumtagh",
        "Consent",
        written.resource.key.id.as_str(),
    )
    .await;
    withdrawn["status"] = "inactive".into();
    w.app()
        .fhir_update(&cx, &written.resource.key, send(&withdrawn), None)
        .await
        .unwrap();
    let kept = w
        .app()
        .consent(&cx, &hospital, &written.resource.key.id)
        .await
        .unwrap();
    assert_eq!(kept.state(cx.now).as_str(), "withdrawn");
}
