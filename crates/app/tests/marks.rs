//! Measurements and key images kept in a study as DICOM documents: seen by everybody who may read it, replaced and never
//! overwritten, refused from whom they are not to come.
#![allow(clippy::unwrap_used)] // a test stops where it fails

extern crate karez_app as app;

use std::collections::BTreeMap;

use agreements::Role;
use app::imaging::{ImageSource, ImagingSettings, Marks, Target};
use app::viewing::{Figure, KeyImage, Measure, Notes, Statistics};
use app::{AppError, Cx};
use imaging::{Dataset, Limits, Object, VR, file, sr, tags};
use kernel::RecordKey;
use testkit::records::hospital_id;
use testkit::world::World;

const HOME: &str = "qumtagh";
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const STUDY: &str = "1.2.826.3";

fn image(n: u32) -> bytes::Bytes {
    let mut d = Dataset::new();
    let uid = format!("{STUDY}.1.{n}");
    for (tag, vr, text) in [
        (tags::SOP_CLASS_UID, VR::UI, CT),
        (tags::SOP_INSTANCE_UID, VR::UI, &uid),
        (tags::STUDY_DATE, VR::DA, "20260301"),
        (tags::STUDY_TIME, VR::TM, "103015"),
        (tags::MODALITY, VR::CS, "CT"),
        (tags::PATIENT_NAME, VR::PN, "Wang^XiaoDong=王^小东"),
        (tags::PATIENT_ID, VR::LO, "17"),
        (tags::PATIENT_SEX, VR::CS, "M"),
        (tags::STUDY_INSTANCE_UID, VR::UI, STUDY),
        (tags::SERIES_INSTANCE_UID, VR::UI, "1.2.826.3.1"),
        (tags::SERIES_NUMBER, VR::IS, "1"),
        (tags::INSTANCE_NUMBER, VR::IS, &n.to_string()),
    ] {
        d.put_text(tag, vr, text);
    }
    let bytes = imaging::write(&d, true);
    file::wrap(&bytes, CT, &uid, "1.2.840.10008.1.2.1", Some("CT1"))
}

/// A hospital with a patient and two images of theirs, sent by a machine with an issuer of its own.
async fn world() -> (World, RecordKey) {
    let w = World::start().await;
    let settings = ImagingSettings {
        title: "QUMTAGH".into(),
        issuer: "urn:oid:1.1".into(),
        issuers: BTreeMap::new(),
    };
    let admin = w.admin(HOME);
    w.app()
        .change_imaging_settings(&admin, 0, settings)
        .await
        .unwrap();
    let body = r#"{"resourceType":"Patient","identifier":[{"system":"urn:oid:2.2","value":"17"}]}"#;
    w.put("Patient", "p17", body.into()).await;
    let source = ImageSource {
        sender: "CT1".into(),
        exchange: "x1".into(),
        issuer: Some("urn:oid:2.2".into()),
    };
    let mut study = None;
    for n in [1, 2] {
        let kept = w
            .app()
            .image_store(&w.clinician(), &hospital_id(HOME), image(n), &source)
            .await
            .unwrap();
        study = Some(kept.study);
    }
    (w, study.unwrap())
}

fn length(id: &str, n: u32, to: f64) -> Measure {
    Measure {
        id: id.into(),
        tool: Figure::Length,
        sop: format!("{STUDY}.1.{n}"),
        frame: 0,
        points: vec![[0.0, 0.0, 5.0], [to, 0.0, 5.0]],
        value: to,
        unit: "mm".into(),
        text: format!("{to} mm"),
        image: vec![[0.5, 0.5], [0.5 + to, 0.5]],
        statistics: None,
        basis: None,
    }
}

fn region(id: &str) -> Measure {
    Measure {
        tool: Figure::Rectangle,
        value: 50.0,
        unit: "mm2".into(),
        image: vec![[1.0, 1.0], [11.0, 1.0], [11.0, 6.0], [1.0, 6.0]],
        statistics: Some(Statistics {
            mean: 40.5,
            sd: 2.25,
            min: 30.0,
            max: 51.0,
            unit: "HU".into(),
        }),
        ..length(id, 2, 1.0)
    }
}

fn key(n: u32) -> KeyImage {
    KeyImage {
        sop: format!("{STUDY}.1.{n}"),
        frame: 0,
    }
}

async fn seen(w: &World, cx: &Cx, study: &RecordKey) -> Vec<Marks> {
    w.app().study_marks(cx, study).await.unwrap()
}

/// The documents of the study as they are kept, oldest first.
async fn documents(w: &World) -> Vec<Object> {
    let cx = w.clinician();
    let home = hospital_id(HOME);
    let lines = w
        .app()
        .image_locate(&cx, &home, &Target::study(STUDY))
        .await
        .unwrap();
    let mut found = Vec::new();
    let mut documents: Vec<_> = lines
        .iter()
        .filter(|l| sr::is_document(&l.sop_class))
        .collect();
    documents.sort_by_key(|l| l.row);
    for line in documents {
        let file = w
            .app()
            .image_open(&cx, line)
            .await
            .unwrap()
            .all()
            .await
            .unwrap();
        found.push(Object::read(file, &Limits::default()).unwrap());
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_are_kept_in_the_study_seen_by_others_and_replaced_by_their_author() {
    let (w, study) = world().await;
    let li = w.staff("li", HOME, &[Role::Consultant], &[]);
    let ma = w.staff("ma", HOME, &[Role::Consultant], &[]);
    let first = "0195a1b2-0000-7000-8000-000000000001";
    let notes = Notes {
        measures: vec![length(first, 1, 14.25), region("r1")],
        keys: vec![key(2)],
    };
    assert_eq!(
        w.app().keep_study_marks(&li, &study, &notes).await.unwrap(),
        2
    );
    // The same again writes nothing.
    assert_eq!(
        w.app().keep_study_marks(&li, &study, &notes).await.unwrap(),
        0
    );

    let of_others = seen(&w, &ma, &study).await;
    assert_eq!(of_others.len(), 2);
    assert!(of_others.iter().all(|m| !m.own && m.at == w.node.now()));
    let measures = &of_others
        .iter()
        .find(|m| !m.measures.is_empty())
        .unwrap()
        .measures;
    assert_eq!(measures.len(), 2);
    assert_eq!(measures[0].tool, Some(Figure::Length));
    assert_eq!(measures[0].image, [[0.5, 0.5], [14.75, 0.5]]);
    assert_eq!(
        (
            measures[0].numbers[0].value,
            measures[0].numbers[0].unit.as_str()
        ),
        (14.25, "mm")
    );
    // A UUID is its own UID (PS3.5 B.2).
    assert_eq!(
        measures[0].id,
        format!("2.25.{}", 0x0195_a1b2_0000_7000_8000_0000_0000_0001_u128)
    );
    let values: Vec<_> = measures[1]
        .numbers
        .iter()
        .map(|n| (n.how, n.value))
        .collect();
    assert_eq!(
        values,
        [
            (None, 50.0),
            (Some("mean"), 40.5),
            (Some("sd"), 2.25),
            (Some("min"), 30.0),
            (Some("max"), 51.0)
        ]
    );
    assert!(seen(&w, &li, &study).await.iter().all(|m| m.own));

    // Corrected: a new report that names what it replaces; the first stays as it was kept.
    let notes = Notes {
        measures: vec![length(first, 1, 15.0)],
        keys: vec![key(2)],
    };
    assert_eq!(
        w.app().keep_study_marks(&li, &study, &notes).await.unwrap(),
        1
    );
    let now = seen(&w, &ma, &study).await;
    let measures: Vec<_> = now.iter().flat_map(|m| &m.measures).collect();
    assert_eq!(measures.len(), 1);
    assert_eq!(measures[0].numbers[0].value, 15.0);
    let kept = documents(&w).await;
    let reports: Vec<_> = kept
        .iter()
        .filter(|o| o.facts().unwrap().instance.class == sr::COMPREHENSIVE_3D)
        .collect();
    assert_eq!(reports.len(), 2);
    let (before, after) = (
        sr::document(reports[0]).unwrap(),
        sr::document(reports[1]).unwrap(),
    );
    assert_eq!(before.measurements.len(), 2);
    assert_eq!(after.predecessors, [before.uid]);
    assert_eq!(after.series, before.series);
    // Patient and study as the images say, whichever machine's numbers those are.
    let facts = reports[1].facts().unwrap();
    assert_eq!(facts.patient.name.ideographic, "王^小东");
    assert_eq!(facts.study.uid, STUDY);

    // All taken back: nothing is shown any more, and everything is still there.
    assert_eq!(
        w.app()
            .keep_study_marks(&li, &study, &Notes::default())
            .await
            .unwrap(),
        1
    );
    assert!(seen(&w, &ma, &study).await.is_empty());
    assert_eq!(documents(&w).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_readers_marks_do_not_replace_anothers() {
    let (w, study) = world().await;
    let li = w.staff("li", HOME, &[Role::Consultant], &[]);
    let ma = w.staff("ma", HOME, &[Role::Consultant], &[]);
    for (who, to) in [(&li, 10.0), (&ma, 20.0)] {
        let notes = Notes {
            measures: vec![length("m", 1, to)],
            keys: Vec::new(),
        };
        w.app().keep_study_marks(who, &study, &notes).await.unwrap();
    }
    let all = seen(&w, &li, &study).await;
    let mut values: Vec<_> = all
        .iter()
        .map(|m| (m.own, m.measures[0].numbers[0].value))
        .collect();
    values.sort_by(|a, b| a.1.total_cmp(&b.1));
    assert_eq!(values, [(true, 10.0), (false, 20.0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_come_only_from_who_reads_and_only_on_images_of_the_study() {
    let (w, study) = world().await;
    let li = w.staff("li", HOME, &[Role::Consultant], &[]);
    let notes = Notes {
        measures: vec![length("m", 1, 10.0)],
        keys: Vec::new(),
    };
    let outsider = w.staff("ivanov", "saryozen", &[Role::Consultant], &[]);
    let refused = w.app().keep_study_marks(&outsider, &study, &notes).await;
    assert!(matches!(refused, Err(AppError::NotFound)), "{refused:?}");
    assert!(matches!(
        w.app().study_marks(&outsider, &study).await,
        Err(AppError::NotFound)
    ));
    let admin = w.admin(HOME);
    assert!(
        w.app()
            .keep_study_marks(&admin, &study, &notes)
            .await
            .is_err()
    );

    // A measurement on an image of another study is not this study's; one on a frame there is none of is refused.
    let mut elsewhere = notes.clone();
    elsewhere.measures[0].sop = "1.2.826.99.1".into();
    assert_eq!(
        w.app()
            .keep_study_marks(&li, &study, &elsewhere)
            .await
            .unwrap(),
        0
    );
    let mut beyond = notes.clone();
    beyond.measures[0].frame = 3;
    let mut unplaced = notes.clone();
    unplaced.measures[0].image.clear();
    let mut unmeasured = notes.clone();
    unmeasured.measures[0].unit = "furlong".into();
    for wrong in [beyond, unplaced, unmeasured] {
        let refused = w.app().keep_study_marks(&li, &study, &wrong).await;
        assert!(
            matches!(refused, Err(AppError::Malformed(_))),
            "{refused:?}"
        );
    }
    assert!(documents(&w).await.is_empty());
}
