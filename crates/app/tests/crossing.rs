//! Images that an agreement lets cross without identity alone: copies that a job makes, opened by whoever answers the case
//! and by nobody else, that say nothing of who the patient is, and that are gone when their ground is.

#![allow(clippy::unwrap_used)]

extern crate karez_app as app;

mod world;

use agreements::Privilege;
use agreements::agreement::Stage;
use agreements::consent::Withdrawal;
use app::AppError;
use app::audit::AuditAsk;
use app::cases::CaseAct;
use app::deidentify::{CopyLine, CopyState};
use app::imaging::Target;
use app::keeping::Ground;
use care::case::{DeclineReason, Edit, RecordItem, Urgency};
use imaging::query::{Level, Query};
use kernel::RecordKey;
use testkit::records::{hospital_id, id, key};
use world::images::{STUDY, dataset};
use world::{World, text};

/// What says who the patient of the study is, or which study it is.
const TOLD: [&str; 6] = ["Wang", "小明", "YQ-0048213", "19680314", "20261120", STUDY];

fn code<T>(r: Result<T, AppError>) -> String {
    match r {
        Err(AppError::Denied(d)) => d.reason,
        Err(AppError::NotFound | AppError::Gone) => "not-found".into(),
        Err(AppError::Rejected { code, .. }) => code,
        Err(AppError::Invalid(p)) => p[0].field.clone(),
        Err(e) => panic!("{e}"),
        Ok(_) => "allowed".into(),
    }
}

fn silent(bytes: &[u8]) {
    for told in TOLD {
        let told = told.as_bytes();
        assert!(!bytes.windows(told.len()).any(|at| at == told), "{told:?}");
    }
}

/// A case that lies with `li`, under an agreement that lets images cross without identity alone: with one study, or with
/// all images there are and will be.
async fn crossing(w: &World, study: Option<&RecordKey>) -> RecordKey {
    let mut agreement = w.agreement_at_stage(Stage::Active, false);
    agreement.terms.clauses[0]
        .conditions
        .images_without_identity = true;
    w.put_agreement(&agreement).await;
    w.consent().await;
    let app = &w.node.app;
    let case = app.start_case(&w.cx("alimjan"), &id("p1")).await.unwrap();
    let item = |s: &RecordKey| RecordItem {
        kind: s.kind.clone(),
        id: s.id.clone(),
    };
    let edit = Edit {
        question: Some(text("What is it?")),
        background: Some(text("Cough.")),
        urgency: Some(Urgency::Urgent),
        service: Some("thoracic-surgery".into()),
        specialty: Some("thoracic-surgery".into()),
        partner: Some((hospital_id("qumtagh"), id("qr-2024-003"))),
        items: study.map(|s| vec![item(s)]),
        classes: study.is_none().then(|| ["imaging".to_owned()].into()),
        consent: Some(id("consent-1")),
        ..Edit::default()
    };
    for (who, act) in [
        ("alimjan", CaseAct::Edit(Box::new(edit))),
        ("alimjan", CaseAct::Send),
        (
            "gulnar",
            CaseAct::Allocate {
                consultant: w.account("li"),
            },
        ),
    ] {
        w.minutes(1);
        app.case_act(&w.cx(who), &case, act).await.unwrap();
    }
    w.minutes(1);
    case
}

/// What the jobs do by themselves.
async fn jobs(w: &World) {
    let app = &w.node.app;
    app.quiet_studies().await.unwrap();
    app.follow_studies().await.unwrap();
    while app.make_copies().await.unwrap() > 0 {}
    w.minutes(1);
    app.quiet_studies().await.unwrap();
    app.follow_studies().await.unwrap();
}

async fn copies(w: &World, who: &str, case: &RecordKey) -> Vec<CopyLine> {
    w.node.app.case_copies(&w.cx(who), case).await.unwrap()
}

async fn world() -> (World, RecordKey, RecordKey) {
    let w = World::new().await;
    w.patient().await;
    let study = w.study().await;
    let case = crossing(&w, Some(&study)).await;
    (w, study, case)
}

/// The copy that the consultant may open.
async fn copy(w: &World, case: &RecordKey) -> RecordKey {
    let lines = copies(w, "li", case).await;
    assert_eq!((lines.len(), lines[0].state), (1, CopyState::Ready));
    lines[0].study.clone().unwrap()
}

async fn found(w: &World, who: &str) -> Vec<String> {
    let query = Query {
        level: Level::Study,
        ..imaging::query::from_qido::<&str, &str>(Level::Study, None, None, &[]).unwrap()
    };
    let at = hospital_id("yarqum");
    let rows = w
        .node
        .app
        .image_find(&w.cx(who), &at, &query)
        .await
        .unwrap();
    rows.rows
        .iter()
        .map(|r| String::from_utf8(r.to_vec()).unwrap())
        .collect()
}

#[tokio::test]
async fn whoever_answers_opens_copies_as_studies_and_never_the_study_itself() {
    let (w, study, case) = world().await;
    let app = &w.node.app;
    assert!(
        copies(&w, "li", &case).await.is_empty(),
        "nothing is made in a request"
    );
    jobs(&w).await;
    let copy = copy(&w, &case).await;
    assert_eq!(code(app.study(&w.cx("li"), &study).await), "not-found");
    assert!(
        app.case_studies(&w.cx("li"), &case)
            .await
            .unwrap()
            .is_empty()
    );

    // The viewer's page: a study with its series, and nobody's name.
    let view = app.study(&w.cx("li"), &copy).await.unwrap();
    assert_eq!(view.line.instances, 3);
    assert!(view.line.pseudonym.as_deref().unwrap().starts_with("ANON-"));
    assert!(view.patient.is_none() && view.line.patient.is_none());
    assert!(view.first.is_some() && view.priors.is_empty());

    // DICOMweb: found, its attributes and its bytes; the study itself is not there.
    let at = hospital_id("yarqum");
    let rows = found(&w, "li").await;
    assert_eq!(rows.len(), 1);
    silent(rows[0].as_bytes());
    let original = app
        .image_locate(&w.cx("li"), &at, &Target::study(STUDY))
        .await;
    assert!(original.unwrap().is_empty());
    let target = Target::study(&view.line.uid);
    let lines = app.image_locate(&w.cx("li"), &at, &target).await.unwrap();
    assert_eq!(lines.len(), 3);
    for line in &lines {
        let file = app.image_open(&w.cx("li"), line).await.unwrap();
        silent(&file.all().await.unwrap());
    }
    let (metadata, _) = app
        .image_metadata(&w.cx("li"), &at, &target, None, 10)
        .await
        .unwrap();
    assert_eq!(metadata.len(), 3);
    metadata.iter().for_each(|m| silent(m));

    // FHIR: the record says no patient, and cannot be found by one.
    let resource = app.fhir_read(&w.cx("li"), &copy, None).await.unwrap();
    let body = resource.body.reveal();
    silent(body);
    let text = std::str::from_utf8(body).unwrap();
    assert!(!text.contains("p1") && !text.contains(study.id.as_str()));

    // Taken along: the same objects, named by their order.
    let mut package = app.study_package(&w.cx("li"), &copy, None).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(part) = package.next().await.unwrap() {
        bytes.extend_from_slice(&part);
    }
    silent(&bytes);
}

#[tokio::test]
async fn copies_are_for_those_who_answer_the_case_and_for_nobody_else() {
    let (w, study, case) = world().await;
    let app = &w.node.app;
    jobs(&w).await;
    let copy = copy(&w, &case).await;
    // The side that asks sees how far it is and opens the study itself.
    let own = copies(&w, "alimjan", &case).await;
    assert_eq!((own[0].state, own[0].kept), (CopyState::Ready, 3));
    assert!(own[0].study.is_none());
    assert_eq!(code(app.study(&w.cx("alimjan"), &copy).await), "not-found");
    let listed = app
        .studies_of(&w.cx("alimjan"), &key("yarqum", "Patient", "p1"))
        .await;
    let listed = listed.unwrap();
    assert_eq!((listed.len(), &listed[0].key), (1, &study));
    let rows = found(&w, "alimjan").await;
    assert_eq!(rows.len(), 1);
    assert!(rows[0].contains(STUDY));
    for who in ["outsider", "rena"] {
        assert!(app.study(&w.cx(who), &copy).await.is_err(), "{who}");
    }
    assert_eq!(
        code(app.case_copies(&w.cx("outsider"), &case).await),
        "not-found"
    );
    // Nobody's worklist has a copy: it is answered in its case.
    let reading = app.open_reading(&w.cx("li"), &copy, Some(&case)).await;
    assert_eq!(code(reading), "not-found");
}

#[tokio::test]
async fn the_patient_sees_who_opened_copies_and_the_partners_chain_names_no_original() {
    let (w, study, case) = world().await;
    let app = &w.node.app;
    jobs(&w).await;
    let copy = copy(&w, &case).await;
    app.study(&w.cx("li"), &copy).await.unwrap();
    let trail = async |who: &str, patient: bool| {
        let mut auditor = w.cx(who);
        auditor.actor.privileges.insert(Privilege::Audit);
        let ask = AuditAsk {
            patient: patient.then(|| id("p1")),
            ..Default::default()
        };
        app.audit_page(&auditor, &ask).await.unwrap().rows
    };
    let at_home = trail("yq-admin", true).await;
    assert!(at_home.iter().any(|r| r.action == "study.opened"));
    assert!(at_home.iter().any(|r| r.action == "study.copy.made"));
    let theirs = trail("qr-admin", false).await;
    assert!(theirs.iter().any(|r| r.action == "study.opened"));
    assert!(theirs.iter().all(|r| r.action != "study.copy.made"));
    for row in &theirs {
        let told = format!("{row:?}");
        let names = told.contains(study.id.as_str()) || told.contains("YQ-0048213");
        assert!(!names, "{told}");
    }
}

#[tokio::test]
async fn a_consent_withdrawn_or_an_agreement_ended_closes_copies_at_once_and_destroys_them_soon() {
    let (w, _, case) = world().await;
    let app = &w.node.app;
    jobs(&w).await;
    let copy = copy(&w, &case).await;
    let at = hospital_id("yarqum");
    let uid = app.study(&w.cx("li"), &copy).await.unwrap().line.uid;
    let mut consent = w.consent().await;
    consent.withdrawn = Some(Withdrawal {
        at: w.node.now(),
        by: w.account("alimjan"),
        relation: agreements::consent::Relation::Patient,
        reason: None,
    });
    w.put_consent(&consent).await;
    assert_eq!(code(app.study(&w.cx("li"), &copy).await), "not-found");
    let lines = app
        .image_locate(&w.cx("li"), &at, &Target::study(&uid))
        .await;
    assert!(lines.unwrap().is_empty());

    consent.withdrawn = None;
    w.put_consent(&consent).await;
    assert_eq!(code(app.study(&w.cx("li"), &copy).await), "allowed");
    let ended = w.agreement_at_stage(Stage::Ended, false);
    w.put_agreement(&ended).await;
    assert_eq!(code(app.study(&w.cx("li"), &copy).await), "not-found");
    // When the case lends nothing more, what was made for it goes.
    assert_eq!(app.sweep_copies().await.unwrap(), 1);
    let permit = app::Permit::system(app::SystemPurpose::Operator, w.node.now());
    let gone = w
        .node
        .store
        .get(&permit, &copy, None)
        .await
        .unwrap()
        .unwrap();
    assert!(gone.deleted);
    assert!(
        w.node
            .store
            .images()
            .known_study(&at, &uid)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn what_comes_later_is_copied_when_it_is_whole_and_beside_the_first_under_one_pseudonym() {
    let w = World::new().await;
    w.patient().await;
    // A case that shares imaging while there is none yet.
    let case = crossing(&w, None).await;
    jobs(&w).await;
    assert!(copies(&w, "li", &case).await.is_empty());
    w.study().await;
    jobs(&w).await;
    let first = copy(&w, &case).await;
    w.send(&dataset("1.2.826.0.1.80", 1, "MR", "A9")).await;
    w.minutes(1);
    jobs(&w).await;
    let lines = copies(&w, "li", &case).await;
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|l| l.state == CopyState::Ready));
    let app = &w.node.app;
    let view = app.study(&w.cx("li"), &first).await.unwrap();
    assert_eq!(
        view.priors.len(),
        1,
        "the other copy, under the same pseudonym"
    );
    assert_eq!(view.priors[0].pseudonym, view.line.pseudonym);

    // Further objects of a study that was copied join its copy.
    w.send(&dataset(STUDY, 4, "CT", "A1")).await;
    w.minutes(1);
    jobs(&w).await;
    let again = app.study(&w.cx("li"), &first).await.unwrap();
    assert_eq!(again.line.instances, 4);
}

#[tokio::test]
async fn copies_are_erased_with_their_patient() {
    let (w, _, case) = world().await;
    let app = &w.node.app;
    jobs(&w).await;
    let copy = copy(&w, &case).await;
    let uid = app.study(&w.cx("li"), &copy).await.unwrap().line.uid;
    let decline = CaseAct::Decline {
        reason: DeclineReason::ALL[0],
        note: text("Not for us."),
    };
    for (who, act) in [("li", decline), ("alimjan", CaseAct::Cancel)] {
        w.minutes(1);
        app.case_act(&w.cx(who), &case, act).await.unwrap();
    }
    app.erase_patient(
        &w.cx("yq-admin"),
        &id("p1"),
        Ground::Request,
        "asked for it",
    )
    .await
    .unwrap();
    let at = hospital_id("yarqum");
    assert!(
        w.node
            .store
            .images()
            .known_study(&at, &uid)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        app.sweep_copies().await.unwrap(),
        0,
        "nothing is left to sweep"
    );
}
