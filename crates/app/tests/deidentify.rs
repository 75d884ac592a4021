//! Copies without identity: whoever may make them, what they hold no more, what is refused, and that one patient stays one.

#![allow(clippy::unwrap_used)]

extern crate karez_app as app;

mod world;

use agreements::Privilege;
use app::deidentify::{CopyAsk, CopyState, DeviceRule, NewProject, Options, Region, Use};
use app::imaging::Target;
use app::{AppError, Cx};
use imaging::{Limits, Object, VR, tags};
use kernel::{RecordKey, ResourceId};
use testkit::records::{hospital_id, id};
use world::World;
use world::images::{STUDY, dataset};

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
    let one = project(&w, "Chest course", vec![]).await;
    let other = project(&w, "Another", vec![]).await;
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
    let plain = project(&w, "Plain", vec![]).await;
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
        parts: Some(vec![Region::everywhere([0, 0, 16, 4])]),
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
    let ruled = project(&w, "Ruled", vec![rule]).await;
    let (by_rule, _) = objects(&w, &study, &ask(&ruled)).await;
    assert!(by_rule[..2].iter().all(black));
}

/// A project for teaching with rules by device.
async fn project(w: &World, name: &str, devices: Vec<DeviceRule>) -> ResourceId {
    let cx = maker(w);
    let made = w
        .node
        .app
        .new_deidentify_project(&cx, new(name, devices))
        .await;
    made.unwrap()
}

/// The job until nothing is left to do.
async fn copied(w: &World) {
    while w.node.app.make_copies().await.unwrap() > 0 {}
}

#[tokio::test]
async fn a_copy_stands_with_a_patient_who_is_nobody() {
    let (w, study) = world().await;
    let app = &w.node.app;
    let project = project(&w, "Course", vec![]).await;
    app.copy_to_teaching(&maker(&w), &study, &ask(&project))
        .await
        .unwrap();
    let asked = app.copies_of_study(&maker(&w), &study).await.unwrap();
    assert_eq!((asked[0].state, asked[0].all), (CopyState::Looking, 3));
    assert!(
        asked[0].stands_for.is_none(),
        "nothing is made in the request"
    );
    copied(&w).await;
    let made = app.copies_of_study(&maker(&w), &study).await.unwrap();
    assert_eq!((made[0].state, made[0].kept), (CopyState::Ready, 3));
    let patient = made[0].stands_for.clone().unwrap();
    assert_ne!(patient.id, id("p1"));
    app.copy_to_teaching(&maker(&w), &study, &ask(&project))
        .await
        .unwrap();
    copied(&w).await;
    let again = app.copies_of_study(&maker(&w), &study).await.unwrap();
    assert_eq!(again.len(), 1);
    let one = again[0].stands_for.clone().unwrap();
    assert_eq!(one, patient, "one pseudonym, one patient");
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
async fn a_copy_that_cannot_be_made_whole_leaves_nothing_behind_and_says_why() {
    let (w, _) = world().await;
    let app = &w.node.app;
    let mut shot = dataset("1.2.826.0.1.71", 1, "US", "A8");
    shot.put_text(tags::BURNED_IN_ANNOTATION, VR::CS, "YES");
    w.send(&shot).await;
    let mut clean = dataset("1.2.826.0.1.71", 2, "US", "A8");
    clean.put_text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO");
    let study = w.send(&clean).await;
    let project = project(&w, "Plain", vec![]).await;
    let asked = ask(&project);
    app.copy_to_teaching(&maker(&w), &study, &asked)
        .await
        .unwrap();
    copied(&w).await;
    let lines = app.copies_of_study(&maker(&w), &study).await.unwrap();
    assert_eq!(lines[0].state, CopyState::Failed);
    assert_eq!(lines[0].why.as_deref(), Some("unclean-burned-in"));
    assert!(lines[0].stands_for.is_none());
    // What cannot be cleaned stays behind where that was said.
    let partly = CopyAsk {
        leave_out: true,
        ..asked
    };
    app.copy_to_teaching(&maker(&w), &study, &partly)
        .await
        .unwrap();
    copied(&w).await;
    let lines = app.copies_of_study(&maker(&w), &study).await.unwrap();
    assert_eq!((lines[0].state, lines[0].kept), (CopyState::Ready, 1));
    assert_eq!(lines[0].left.get("burned-in"), Some(&1));
}

#[tokio::test]
async fn parts_drawn_for_one_size_are_blanked_on_images_of_that_size_alone() {
    let (w, study) = world().await;
    let app = &w.node.app;
    let sizes = app.image_sizes(&maker(&w), &study).await.unwrap();
    assert_eq!(sizes.len(), 1);
    let (columns, rows) = (sizes[0].columns, sizes[0].rows);
    assert_eq!((sizes[0].images, sizes[0].shown[0].as_str()), (3, STUDY));
    let project = project(&w, "Course", vec![]).await;
    let blanked = |size: [u32; 2]| CopyAsk {
        parts: Some(vec![Region {
            size: Some(size),
            part: [0, 0, columns, 2],
        }]),
        ..ask(&project)
    };
    let top = |o: &Object| {
        let pixels = o.dataset().bytes(tags::PIXEL_DATA).unwrap().clone();
        pixels[..columns as usize * 2 * 2].iter().all(|b| *b == 0)
    };
    let (hit, _) = objects(&w, &study, &blanked([columns, rows])).await;
    assert!(hit[..3].iter().all(top));
    let (missed, _) = objects(&w, &study, &blanked([columns + 1, rows])).await;
    assert!(!missed[..3].iter().any(top));
}

#[tokio::test]
async fn the_privilege_is_needed_and_other_hospitals_studies_are_not_copied() {
    let (w, study) = world().await;
    let app = &w.node.app;
    let project = project(&w, "Course", vec![]).await;
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
