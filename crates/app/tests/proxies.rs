//! Parents and others who act for a patient: until when, and within which limits.

#![allow(clippy::unwrap_used)]

extern crate karez_app as app;

mod world;

use agreements::ClassSet;
use agreements::consent::{Basis, Capacity, Given, Method, Relation as As, Scope, ScopeClasses};
use app::accounts::{Account, Invite, InviteAs, LinkLimit, PatientLink, Relation, Validity};
use app::consents::ConsentDraft;
use app::{Actor, ActorKind, AppError, Cx, Language, Role};
use kernel::{Instant, Phi};
use store::{Batch, Precondition};
use testkit::records::{hospital_id, id, key};
use world::World;

/// A child of Yarqum born on `birth`, with a fever and a psychiatric diagnosis.
async fn child(w: &World, birth: &str) {
    let mut batch = Batch::new(w.node.now());
    for (kind, name, body) in [
        ("Patient", "c1", format!(r#"{{"resourceType":"Patient","name":[{{"text":"小芳"}}],"birthDate":"{birth}"}}"#)),
        ("Condition", "fever", r#"{"resourceType":"Condition","code":{"text":"Fever"},"subject":{"reference":"Patient/c1"}}"#.into()),
        ("Condition", "mood", r#"{"resourceType":"Condition","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PSY"}]},"code":{"text":"Depression"},"subject":{"reference":"Patient/c1"}}"#.into()),
    ] {
        batch.put_fhir(key("yarqum", kind, name), Precondition::Absent, body);
    }
    w.node.app.index_patients(&mut batch).unwrap();
    w.node.store.commit(batch).await.unwrap();
}

fn link(
    w: &World,
    relation: Relation,
    limits: &[LinkLimit],
    until: Option<Instant>,
) -> PatientLink {
    PatientLink {
        hospital: hospital_id("yarqum"),
        patient: id("c1"),
        relation,
        limits: limits.to_vec(),
        valid: Validity {
            from: w.node.now(),
            until,
        },
    }
}

async fn invite(w: &World, link: PatientLink) -> Result<app::accounts::Invited, AppError> {
    let invite = Invite {
        email: "mother@home.example".into(),
        name: "Mother".into(),
        latin_name: None,
        language: Language::English,
        zone: "Asia/Shanghai".into(),
        invite_as: InviteAs::Patient(link),
    };
    w.node.app.invite(&w.cx("alimjan"), invite).await
}

/// A request of the account as it stands now.
fn request(w: &World, account: &Account) -> Cx {
    let now = w.node.now();
    let links = account.patients.iter();
    Cx {
        actor: Actor {
            account: account.id.clone(),
            kind: ActorKind::Patient,
            hospital: None,
            roles: [Role::Patient].into(),
            privileges: Default::default(),
            linked: links
                .filter(|l| l.valid.holds(now))
                .map(PatientLink::linked)
                .collect(),
        },
        name: "Mother".into(),
        ..w.cx("alimjan")
    }
}

async fn account(w: &World) -> Account {
    let permit = app::Permit::system(app::SystemPurpose::Operator, w.node.now());
    let query = store::DocQuery {
        hospital: Some(kernel::HospitalId::network()),
        kind: kernel::Kind::new("account").unwrap(),
        lookups: vec![store::Lookup::new("patient", "yarqum/c1")],
        after: None,
        limit: 10,
        descending: false,
    };
    let found = w.node.store.documents(&permit, &query).await.unwrap();
    assert_eq!(found.len(), 1);
    serde_json::from_slice(found[0].body.reveal()).unwrap()
}

fn consent(w: &World, relation: As) -> ConsentDraft {
    ConsentDraft {
        custodian: hospital_id("yarqum"),
        patient: id("c1"),
        basis: Basis::Given(Given {
            relation,
            giver: Some(Phi::new("Mother".into())),
            capacity: Capacity::Full,
            assent: Some(true),
            language: "en".into(),
            form: "1".into(),
            witness: None,
            method: Method::Electronic,
        }),
        scope: Scope {
            hospitals: Some(vec![hospital_id("qumtagh")]),
            classes: ScopeClasses::OrdinaryAnd(ClassSet::EMPTY),
            across_border: false,
        },
        from: Some(w.node.now()),
        until: None,
    }
}

async fn reads(w: &World, cx: &Cx, entry: &str) -> bool {
    let key = key("yarqum", "Condition", entry);
    let found = w.node.store.get(&cx.permit(), &key, None).await.unwrap();
    found.is_some()
}

#[tokio::test]
async fn a_parents_access_ends_on_the_day_the_child_comes_of_age() {
    let w = World::new().await;
    child(&w, "2009-03-14").await;
    invite(&w, link(&w, Relation::Parent, &[], None))
        .await
        .unwrap();
    let mother = account(&w).await;
    let until = mother.patients[0].valid.until.unwrap();
    assert_eq!(
        until.to_string(),
        "2027-03-13T16:00:00Z",
        "eighteen, in Shanghai"
    );
    assert!(reads(&w, &request(&w, &mother), "fever").await);
    w.node.clock.advance(until.duration_since(w.node.now()));
    assert!(!reads(&w, &request(&w, &mother), "fever").await);
}

#[tokio::test]
async fn nobody_is_the_parent_of_an_adult_and_an_unknown_age_needs_a_last_day() {
    let w = World::new().await;
    child(&w, "1999-03-14").await;
    let refused = |r: Result<app::accounts::Invited, AppError>| match r {
        Err(AppError::Invalid(problems)) => problems[0].code,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        refused(invite(&w, link(&w, Relation::Parent, &[], None)).await),
        "proxy-of-age"
    );
    let named = link(&w, Relation::Proxy, &[], None);
    assert!(invite(&w, named).await.is_ok(), "the patient names a proxy");

    let w = World::new().await;
    child(&w, "").await;
    assert_eq!(
        refused(invite(&w, link(&w, Relation::Parent, &[], None)).await),
        "proxy-until"
    );
}

#[tokio::test]
async fn limits_hold_for_reading_and_for_consent() {
    let w = World::new().await;
    child(&w, "2020-03-14").await;
    let both = [LinkLimit::NoConsent, LinkLimit::NoSensitive];
    invite(&w, link(&w, Relation::Parent, &both, None))
        .await
        .unwrap();
    let mother = request(&w, &account(&w).await);
    assert!(reads(&w, &mother, "fever").await);
    assert!(!reads(&w, &mother, "mood").await, "sensitive");
    let app = &w.node.app;
    let refused = app.record_consent(&mother, consent(&w, As::Guardian)).await;
    assert!(matches!(refused, Err(AppError::Denied(_))), "{refused:?}");
    let mine = app.my_records(&mother).await.unwrap();
    assert_eq!((mine.len(), mine[0].name.reveal().as_str()), (1, "小芳"));
    assert!(!mine[0].consents());

    let w = World::new().await;
    child(&w, "2020-03-14").await;
    invite(&w, link(&w, Relation::Parent, &[], None))
        .await
        .unwrap();
    let mother = request(&w, &account(&w).await);
    assert!(reads(&w, &mother, "mood").await, "no limit");
    let app = &w.node.app;
    let given = app.record_consent(&mother, consent(&w, As::Guardian)).await;
    let given = given.unwrap();
    app.withdraw_consent(&mother, &hospital_id("yarqum"), &given, As::Guardian, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_patient_writes_to_the_doctors_and_reads_what_is_for_them_alone() {
    let w = World::new().await;
    w.patient().await;
    w.agreement().await;
    w.consent().await;
    let app = &w.node.app;
    let case = app.start_case(&w.cx("alimjan"), &id("p1")).await.unwrap();
    let edit = care::case::Edit {
        question: Some(world::text("Biopsy now?")),
        background: Some(world::text("Six weeks of cough.")),
        urgency: Some(care::case::Urgency::Soon),
        service: Some("thoracic-surgery".into()),
        specialty: Some("thoracic-surgery".into()),
        partner: Some((hospital_id("qumtagh"), id("qr-2024-003"))),
        classes: Some(["messages".to_owned()].into()),
        consent: Some(id("consent-1")),
        ..care::case::Edit::default()
    };
    for act in [
        app::cases::CaseAct::Edit(Box::new(edit)),
        app::cases::CaseAct::Send,
    ] {
        w.minutes(1);
        app.case_act(&w.cx("alimjan"), &case, act).await.unwrap();
    }
    let mut patient = w.cx("alimjan");
    patient.actor = Actor {
        account: w.account("outsider"),
        kind: ActorKind::Patient,
        hospital: None,
        roles: [Role::Patient].into(),
        privileges: Default::default(),
        linked: vec![agreements::Linked::whole(hospital_id("yarqum"), id("p1"))],
    };
    let say = |t: &str| world::text(t);
    app.write_message(&w.cx("alimjan"), &case, say("Between doctors"), &[])
        .await
        .unwrap();
    app.write_to_patient(&w.cx("alimjan"), &case, say("Please drink enough"))
        .await
        .unwrap();
    let theirs = app.write_to_patient(&w.cx("gulnar"), &case, say("x")).await;
    assert!(
        matches!(theirs, Err(AppError::Denied(_))),
        "not a partner's to write"
    );
    app.write_as_patient(&patient, &case, say("The cough is worse at night"))
        .await
        .unwrap();
    let own = app.case(&patient, &case).await.unwrap();
    let read: Vec<_> = own
        .messages
        .iter()
        .map(|m| m.text.reveal().as_str())
        .collect();
    assert_eq!(read, ["Please drink enough", "The cough is worse at night"]);
    for who in ["alimjan", "gulnar"] {
        let seen = app.case(&w.cx(who), &case).await.unwrap();
        assert!(
            seen.messages.iter().any(|m| m.about == "from-patient"),
            "{who}"
        );
    }
    let mut stranger = patient.clone();
    stranger.actor.linked.clear();
    let refused = app.write_as_patient(&stranger, &case, say("x")).await;
    assert!(matches!(refused, Err(AppError::NotFound)), "{refused:?}");
    let refused = app
        .write_as_patient(&w.cx("alimjan"), &case, say("x"))
        .await;
    assert!(matches!(refused, Err(AppError::Denied(_))));
}
