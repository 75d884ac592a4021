//! Copies without identity: whoever may make them, what they hold no more, what is refused, and that one patient stays one.

#![allow(clippy::unwrap_used)]

extern crate karez_app as app;

mod world;

use agreements::Privilege;
use agreements::agreement::Stage;
use agreements::consent::Withdrawal;
use app::cases::CaseAct;
use app::deidentify::{CopyAsk, DeviceRule, NewProject, Options, Use};
use app::imaging::Target;
use app::{AppError, Cx};
use care::case::{Edit, RecordItem, Urgency};
use imaging::{Limits, Object, VR, tags};
use kernel::{RecordKey, ResourceId};
use testkit::records::{hospital_id, id};
use world::images::{STUDY, dataset};
use world::{World, text};

fn maker(w: &World) -> Cx {
    let mut cx = w.cx("alimjan");
    cx.actor.privileges.insert(Privilege::Deidentify);
    cx
}

fn new(name: &str, devices: Vec<DeviceRule>) -> NewProject {
    NewProject {
        name: name.into(),
        purpose: Some(Use::Teaching),
        options: Options {
            characteristics: true,
            ..Options::default()
        },
        devices,
    }
}

fn ask(project: &ResourceId) -> CopyAsk {
    CopyAsk {
        project: project.clone(),
        parts: None,
        leave_out: false,
    }
}

fn code<T>(r: Result<T, AppError>) -> String {
    match r {
        Err(AppError::Denied(d)) => d.reason,
        Err(AppError::NotFound) => "not-found".into(),
        Err(AppError::Rejected { code, .. }) => code,
        Err(AppError::Invalid(p)) => p[0].field.clone(),
        Err(e) => panic!("{e}"),
        Ok(_) => "allowed".into(),
    }
}

async fn world() -> (World, RecordKey) {
    let w = World::new().await;
    w.patient().await;
    let study = w.study().await;
    (w, study)
}

/// The objects of a package, and all its bytes.
async fn objects(w: &World, study: &RecordKey, ask: &CopyAsk) -> (Vec<Object>, Vec<u8>) {
    let mut package = w
        .node
        .app
        .copy_package(&maker(w), study, ask)
        .await
        .unwrap();
    let (mut all, mut bytes) = (Vec::new(), Vec::new());
    while let Some(part) = package.next().await.unwrap() {
        // A file of moderate size comes whole, behind its head in the archive.
        let preamble = part.windows(4).position(|at| at == b"DICM");
        if let (Some(at), true) = (preamble, part.starts_with(b"PK\x03\x04")) {
            let object = Object::read(part.slice(at - 128..), &Limits::default()).unwrap();
            all.push(object);
        }
        bytes.extend_from_slice(&part);
    }
    (all, bytes)
}

#[tokio::test]
async fn a_copy_says_nothing_of_who_the_patient_is_and_a_project_ties_copies_together() {
    let (w, study) = world().await;
    let app = &w.node.app;
    let one = app
        .new_deidentify_project(&maker(&w), new("Chest course", vec![]))
        .await
        .unwrap();
    let other = app
        .new_deidentify_project(&maker(&w), new("Another", vec![]))
        .await
        .unwrap();
    let (first, bytes) = objects(&w, &study, &ask(&one)).await;
    let (again, _) = objects(&w, &study, &ask(&one)).await;
    let (elsewhere, _) = objects(&w, &study, &ask(&other)).await;
    // Three images and the directory.
    assert_eq!(first.len(), 4);
    for told in ["Wang", "小明", "YQ-0048213", "19680314", "20261120", STUDY] {
        let told = told.as_bytes();
        assert!(!bytes.windows(told.len()).any(|at| at == told), "{told:?}");
    }
    let said = |o: &Object, tag| o.dataset().text(tag).unwrap_or_default();
    let image = &first[0];
    assert_eq!(said(image, tags::PATIENT_IDENTITY_REMOVED), "YES");
    assert_eq!(said(image, tags::PATIENT_SEX), "M");
    for tag in [tags::PATIENT_ID, tags::STUDY_INSTANCE_UID, tags::STUDY_DATE] {
        assert_eq!(said(image, tag), said(&again[0], tag));
        assert_ne!(said(image, tag), said(&elsewhere[0], tag));
    }
    let mut auditor = w.cx("yq-admin");
    auditor.actor.privileges.insert(Privilege::Audit);
    let ask = app::audit::AuditAsk {
        patient: Some(id("p1")),
        ..Default::default()
    };
    let trail = app.audit_page(&auditor, &ask).await.unwrap();
    let copies = trail
        .rows
        .iter()
        .filter(|r| r.action == "study.deidentified");
    assert_eq!(copies.count(), 3);
}

#[tokio::test]
async fn what_may_bear_a_name_is_refused_until_somebody_looks_or_the_machine_has_a_rule() {
    let (w, _) = world().await;
    let app = &w.node.app;
    let mut shot = dataset("1.2.826.0.1.70", 1, "US", "A7");
    shot.put_text(tags::BURNED_IN_ANNOTATION, VR::CS, "YES");
    let study = w.send(&shot).await;
    w.send(&{
        let mut clean = dataset("1.2.826.0.1.70", 2, "US", "A7");
        clean.put_text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO");
        clean
    })
    .await;
    let plain = app
        .new_deidentify_project(&maker(&w), new("Plain", vec![]))
        .await
        .unwrap();
    let judged = app
        .judge_copy(&maker(&w), &study, &ask(&plain))
        .await
        .unwrap();
    assert_eq!(judged.clean, 1);
    assert_eq!(judged.refused.get("burned-in"), Some(&1));
    let refused = app
        .copy_package(&maker(&w), &study, &ask(&plain))
        .await
        .map(|_| ());
    assert_eq!(code(refused), "unclean-burned-in");
    let partly = CopyAsk {
        leave_out: true,
        ..ask(&plain)
    };
    assert_eq!(
        objects(&w, &study, &partly).await.0.len(),
        2,
        "one image, one directory"
    );

    let looked = CopyAsk {
        parts: Some(vec![[0, 0, 16, 4]]),
        ..ask(&plain)
    };
    let (drawn, _) = objects(&w, &study, &looked).await;
    let black = |o: &Object| {
        let pixels = o.dataset().bytes(tags::PIXEL_DATA).unwrap().clone();
        pixels[..4 * 16 * 2].iter().all(|b| *b == 0) && pixels[4 * 16 * 2..].iter().any(|b| *b != 0)
    };
    assert!(drawn[..2].iter().all(black));
    let rule = DeviceRule {
        modality: "US".into(),
        model: "scanner 9".into(),
        parts: vec![[0, 0, 16, 4]],
    };
    let ruled = app
        .new_deidentify_project(&maker(&w), new("Ruled", vec![rule]))
        .await
        .unwrap();
    let (by_rule, _) = objects(&w, &study, &ask(&ruled)).await;
    assert!(by_rule[..2].iter().all(black));
}

#[tokio::test]
async fn a_copy_stands_with_a_patient_who_is_nobody() {
    let (w, study) = world().await;
    let app = &w.node.app;
    let project = app
        .new_deidentify_project(&maker(&w), new("Course", vec![]))
        .await
        .unwrap();
    let patient = app
        .copy_to_teaching(&maker(&w), &study, &ask(&project))
        .await
        .unwrap();
    assert_ne!(patient.id, id("p1"));
    let again = app
        .copy_to_teaching(&maker(&w), &study, &ask(&project))
        .await
        .unwrap();
    assert_eq!(again, patient, "one pseudonym, one patient");
    w.minutes(5);
    app.quiet_studies().await.unwrap();
    let studies = app.studies_of(&w.cx("alimjan"), &patient).await.unwrap();
    assert_eq!(studies.len(), 1);
    assert_eq!(studies[0].instances, 3);
    let at = hospital_id("yarqum");
    let lines = app
        .image_locate(&w.cx("alimjan"), &at, &Target::study(&studies[0].uid))
        .await;
    assert_eq!(lines.unwrap().len(), 3);
    let original = app
        .image_locate(&w.cx("alimjan"), &at, &Target::study(STUDY))
        .await;
    assert_eq!(original.unwrap().len(), 3, "what was copied stays as it is");
}

#[tokio::test]
async fn the_privilege_is_needed_and_other_hospitals_studies_are_not_copied() {
    let (w, study) = world().await;
    let app = &w.node.app;
    let project = app
        .new_deidentify_project(&maker(&w), new("Course", vec![]))
        .await
        .unwrap();
    let without = w.cx("alimjan");
    assert_eq!(
        code(app.deidentify_projects(&without).await),
        "deidentify-privilege"
    );
    let refused = app
        .copy_package(&without, &study, &ask(&project))
        .await
        .map(|_| ());
    assert_eq!(code(refused), "deidentify-privilege");
    let mut li = w.cx("li");
    li.actor.privileges.insert(Privilege::Deidentify);
    let theirs = app
        .new_deidentify_project(&li, new("Theirs", vec![]))
        .await
        .unwrap();
    assert_eq!(
        code(
            app.copy_package(&li, &study, &ask(&theirs))
                .await
                .map(|_| ())
        ),
        "deidentify-own"
    );
    // A project of another hospital is not there.
    assert_eq!(
        code(
            app.copy_package(&li, &study, &ask(&project))
                .await
                .map(|_| ())
        ),
        "not-found"
    );
    let nameless = app
        .new_deidentify_project(&maker(&w), new(" ", vec![]))
        .await;
    assert_eq!(code(nameless), "name");
}

/// A case with the study that lies with `li`, under an agreement that lets images cross without identity alone.
async fn crossing(w: &World, study: &RecordKey) -> RecordKey {
    let mut agreement = w.agreement_at_stage(Stage::Active, false);
    agreement.terms.clauses[0]
        .conditions
        .images_without_identity = true;
    w.put_agreement(&agreement).await;
    w.consent().await;
    let app = &w.node.app;
    let case = app.start_case(&w.cx("alimjan"), &id("p1")).await.unwrap();
    let edit = Edit {
        question: Some(text("What is it?")),
        background: Some(text("Cough.")),
        urgency: Some(Urgency::Urgent),
        service: Some("thoracic-surgery".into()),
        specialty: Some("thoracic-surgery".into()),
        partner: Some((hospital_id("qumtagh"), id("qr-2024-003"))),
        items: Some(vec![RecordItem {
            kind: study.kind.clone(),
            id: study.id.clone(),
        }]),
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

#[tokio::test]
async fn what_may_cross_without_identity_alone_is_had_as_copies_and_not_as_it_is() {
    let (w, study) = world().await;
    let app = &w.node.app;
    let case = crossing(&w, &study).await;
    // Neither page nor archive opens the study itself.
    assert_eq!(code(app.study(&w.cx("li"), &study).await), "not-found");
    let at = hospital_id("yarqum");
    let lines = app
        .image_locate(&w.cx("li"), &at, &Target::study(STUDY))
        .await;
    assert!(lines.unwrap().is_empty());
    assert!(
        app.case_studies(&w.cx("li"), &case)
            .await
            .unwrap()
            .is_empty()
    );

    let copies = app.case_copies(&w.cx("li"), &case).await.unwrap();
    assert_eq!((copies.len(), copies[0].images), (1, 3));
    let mut package = app
        .case_copy_package(&w.cx("li"), &case, &study.id)
        .await
        .unwrap();
    let mut bytes = Vec::new();
    while let Some(part) = package.next().await.unwrap() {
        bytes.extend_from_slice(&part);
    }
    for told in ["Wang", "YQ-0048213", "20261120", STUDY] {
        let told = told.as_bytes();
        assert!(!bytes.windows(told.len()).any(|at| at == told), "{told:?}");
    }
    assert!(bytes.windows(5).any(|at| at == b"ANON-"));

    // The side that refers, and whoever has nothing to do with the case, get none.
    assert!(
        app.case_copies(&w.cx("alimjan"), &case)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        code(app.case_copies(&w.cx("outsider"), &case).await),
        "not-found"
    );
    let other = app
        .case_copy_package(&w.cx("li"), &case, &id("other"))
        .await;
    assert_eq!(code(other.map(|_| ())), "not-found");

    let mut consent = w.consent().await;
    consent.withdrawn = Some(Withdrawal {
        at: w.node.now(),
        by: w.account("alimjan"),
        relation: agreements::consent::Relation::Patient,
        reason: None,
    });
    w.put_consent(&consent).await;
    let after = app.case_copy_package(&w.cx("li"), &case, &study.id).await;
    assert!(code(after.map(|_| ())) != "allowed");
}
