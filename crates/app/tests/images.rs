//! The archive of images, end to end over a real store: kept, found, opened, reconciled; by whom, and by whom not.
#![allow(clippy::unwrap_used)] // a test stops where it fails

extern crate karez_app as app;

use std::collections::{BTreeMap, BTreeSet};

use agreements::{Privilege, Role};
use app::imaging::{
    ImageSource, ImagingSettings, NewEntity, Outcome, PeerProof, Service, Target, WaitingFor,
};
use app::{AppError, Cx};
use bytes::Bytes;
use imaging::query::{Level, Query, from_qido, matches};
use imaging::{Dataset, VR, file, json, tags};
use jiff::SignedDuration;
use kernel::HospitalId;
use testkit::records::{hospital_id, id, key};
use testkit::world::World;

const HOME: &str = "qumtagh";
const MRN: &str = "urn:oid:1.2.3.4";
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// What an object says; texts that are empty are left out.
#[derive(Clone, Default)]
struct Said {
    study: String,
    series: String,
    uid: String,
    patient: String,
    issuer: String,
    name: String,
    born: String,
    date: String,
    time: String,
    modality: String,
    description: String,
    accession: String,
    number: String,
    institution: String,
}

fn said(n: u32) -> Said {
    Said {
        study: "1.2.826.1".into(),
        series: "1.2.826.1.1".into(),
        uid: format!("1.2.826.1.1.{n}"),
        patient: "17".into(),
        name: "Wang^XiaoDong=王^小东".into(),
        born: "19700102".into(),
        date: "20260301".into(),
        time: "103015".into(),
        modality: "CT".into(),
        description: "Chest with contrast".into(),
        accession: "A1".into(),
        number: n.to_string(),
        ..Said::default()
    }
}

fn dataset(s: &Said) -> Dataset {
    let mut d = Dataset::new();
    d.put_text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
    for (tag, vr, text) in [
        (tags::SOP_CLASS_UID, VR::UI, CT),
        (tags::SOP_INSTANCE_UID, VR::UI, &s.uid),
        (tags::STUDY_DATE, VR::DA, &s.date),
        (tags::STUDY_TIME, VR::TM, &s.time),
        (tags::ACCESSION_NUMBER, VR::SH, &s.accession),
        (tags::MODALITY, VR::CS, &s.modality),
        (tags::INSTITUTION_NAME, VR::LO, &s.institution),
        (tags::STUDY_DESCRIPTION, VR::LO, &s.description),
        (tags::PATIENT_NAME, VR::PN, &s.name),
        (tags::PATIENT_ID, VR::LO, &s.patient),
        (tags::ISSUER_OF_PATIENT_ID, VR::LO, &s.issuer),
        (tags::PATIENT_BIRTH_DATE, VR::DA, &s.born),
        (tags::PATIENT_SEX, VR::CS, "M"),
        (tags::STUDY_INSTANCE_UID, VR::UI, &s.study),
        (tags::SERIES_INSTANCE_UID, VR::UI, &s.series),
        (tags::SERIES_NUMBER, VR::IS, "1"),
        (tags::INSTANCE_NUMBER, VR::IS, &s.number),
    ] {
        if !text.is_empty() {
            d.put_text(tag, vr, text);
        }
    }
    d
}

fn file(s: &Said) -> Bytes {
    let bytes = imaging::write(&dataset(s), true);
    file::wrap(&bytes, CT, &s.uid, EXPLICIT, Some("CT1"))
}

fn source(exchange: &str) -> ImageSource {
    ImageSource {
        sender: "CT1".into(),
        exchange: exchange.into(),
        issuer: None,
    }
}

fn home() -> HospitalId {
    hospital_id(HOME)
}

/// A world whose hospital knows whose patient numbers it is sent.
async fn world() -> World {
    let w = World::start().await;
    let settings = ImagingSettings {
        title: "QUMTAGH".into(),
        issuer: MRN.into(),
        issuers: BTreeMap::from([("OTHER".to_owned(), "urn:oid:9.9".to_owned())]),
    };
    let admin = w.admin(HOME);
    w.app()
        .change_imaging_settings(&admin, 0, settings)
        .await
        .unwrap();
    w
}

async fn patient_with_number(w: &World, patient: &str, system: &str, number: &str) {
    let body = format!(
        r#"{{"resourceType":"Patient","identifier":[{{"system":"{system}","value":"{number}"}}],"birthDate":"1970-01-02","gender":"male"}}"#
    );
    w.put("Patient", patient, body).await;
}

async fn send(w: &World, s: &Said) -> app::imaging::Kept {
    w.app()
        .image_store(&w.clinician(), &home(), file(s), &source("x1"))
        .await
        .unwrap()
}

fn ask(level: Level, parameters: &[(&str, &str)]) -> Query {
    from_qido(level, None, None, parameters).unwrap()
}

async fn found(w: &World, cx: &Cx, query: &Query) -> Vec<serde_json::Value> {
    let found = w.app().image_find(cx, &home(), query).await.unwrap();
    found
        .rows
        .iter()
        .map(|r| serde_json::from_slice(r).unwrap())
        .collect()
}

async fn audited(w: &World, action: &str) -> usize {
    let permit = agreements::Permit::system(agreements::SystemPurpose::Audit, w.node.now());
    w.app().flush_reads().await.unwrap();
    let filter = store::AuditFilter {
        action: Some(action.into()),
        limit: 1_000,
        ..Default::default()
    };
    let page = w.node.store.audit(&permit, &home(), &filter).await;
    page.unwrap().records.len()
}

async fn imaging_study(w: &World, kept: &app::imaging::Kept) -> serde_json::Value {
    let permit = agreements::Permit::system(agreements::SystemPurpose::Audit, w.node.now());
    let got = w.node.store.get(&permit, &kept.study, None).await;
    serde_json::from_slice(got.unwrap().unwrap().body.reveal()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_kept_is_found_opened_and_becomes_an_imaging_study() {
    let w = world().await;
    patient_with_number(&w, "p17", MRN, "17").await;
    let first = send(&w, &said(1)).await;
    assert_eq!(first.outcome, Outcome::New);
    let second = send(&w, &said(2)).await;
    assert_eq!(
        (second.outcome, &second.study),
        (Outcome::New, &first.study)
    );
    assert_eq!(send(&w, &said(2)).await.outcome, Outcome::Again);
    // One exchange, one study: one entry.
    assert_eq!(audited(&w, "imaging.stored").await, 1);
    let begun = imaging_study(&w, &first).await;
    assert_eq!(begun["status"], "registered");
    assert_eq!(begun["subject"]["reference"], "Patient/p17");

    let cx = w.clinician();
    let rows = found(&w, &cx, &ask(Level::Study, &[("PatientID", "17")])).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["0020000D"]["Value"][0], "1.2.826.1");
    assert_eq!(rows[0]["00201208"]["Value"][0], 2);
    assert_eq!(rows[0]["00080061"]["Value"][0], "CT");
    assert_eq!(rows[0]["00100010"]["Value"][0]["Ideographic"], "王^小东");
    let order: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    assert!(order.is_sorted());
    let target = Target::study("1.2.826.1");
    let lines = w.app().image_locate(&cx, &home(), &target).await.unwrap();
    assert_eq!(lines.len(), 2);
    let open = w.app().image_open(&cx, &lines[1]).await.unwrap();
    assert_eq!(open.all().await.unwrap(), file(&said(2)));
    assert_eq!(open.range(128..132).await.unwrap(), "DICM");
    imaging::Layout::from_bytes(open.layout_bytes()).unwrap();
    let (meta, next) = w
        .app()
        .image_metadata(&cx, &home(), &target, None, 1)
        .await
        .unwrap();
    let first_of_two: serde_json::Value = serde_json::from_slice(&meta[0]).unwrap();
    assert_eq!(first_of_two["00080018"]["Value"][0], "1.2.826.1.1.1");
    let (rest, end) = w
        .app()
        .image_metadata(&cx, &home(), &target, next.as_ref(), 9)
        .await
        .unwrap();
    assert_eq!((rest.len(), end), (1, None));
    assert!(audited(&w, "imaging.read").await > 0);
    assert!(audited(&w, "imaging.searched").await > 0);

    assert_eq!(w.app().quiet_studies().await.unwrap(), 0, "it may go on");
    w.node.clock.advance(SignedDuration::from_secs(6));
    assert_eq!(w.app().quiet_studies().await.unwrap(), 1);
    let whole = imaging_study(&w, &first).await;
    assert_eq!(whole["status"], "available");
    assert_eq!(whole["started"], "2026-03-01T10:30:15+08:00");
    assert_eq!(whole["series"][0]["numberOfInstances"], 2);
    assert_eq!(whole["series"][0]["instance"][1]["number"], 2);
    assert_eq!(whole["description"], "Chest with contrast");
    assert_eq!(whole["endpoint"][0]["reference"], "#dicomweb");
    assert_eq!(w.app().quiet_studies().await.unwrap(), 0);
    // What Karez wrote of it is not changed from outside.
    let change = w
        .app()
        .fhir_delete(&w.clinician(), &first.study, None)
        .await
        .unwrap_err();
    assert!(matches!(change, AppError::NotAllowed(_)), "{change:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_object_is_refused_and_leaves_nothing() {
    let w = world().await;
    let cx = w.clinician();
    let whole = file(&said(1));
    let no_study = Said {
        study: String::new(),
        ..said(1)
    };
    for bad in [
        Bytes::new(),
        Bytes::from_static(b"GIF89a"),
        whole.slice(..whole.len() - 3),
        file(&no_study),
    ] {
        let e = w
            .app()
            .image_store(&cx, &home(), bad, &source("x"))
            .await
            .unwrap_err();
        assert!(
            matches!(e, AppError::Malformed(_) | AppError::Invalid(_)),
            "{e:?}"
        );
    }
    assert!(found(&w, &cx, &ask(Level::Study, &[])).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_study_of_nobody_known_waits_for_a_person_and_every_decision_can_be_taken_back() {
    let w = world().await;
    let app = w.app();
    let cx = w.clinician();
    // The same number of another issuer is another person's.
    patient_with_number(&w, "other", "urn:oid:9.9", "17").await;
    let kept = send(&w, &said(1)).await;
    let study = kept.study.id.clone();
    let (waiting, more) = app.studies_waiting(&cx, 0).await.unwrap();
    assert_eq!((waiting.len(), more), (1, false));
    assert_eq!(waiting[0].name.reveal(), "王小东");
    let view = app.study_waiting(&cx, &study).await.unwrap();
    assert_eq!(
        (view.reason, view.issuer.as_str()),
        (WaitingFor::Unknown, MRN)
    );
    assert!(view.candidates.is_empty());
    assert!(imaging_study(&w, &kept).await["subject"]["reference"].is_null());

    app.assign_study(&cx, &study, &id("other")).await.unwrap();
    assert!(app.studies_waiting(&cx, 0).await.unwrap().0.is_empty());
    let subject = imaging_study(&w, &kept).await["subject"]["reference"].clone();
    assert_eq!(subject, "Patient/other");
    let again = app.assign_study(&cx, &study, &id("other")).await;
    assert!(matches!(again, Err(AppError::Rejected { .. })), "{again:?}");
    let unprivileged = app.take_back_study(&cx, &study).await;
    assert!(matches!(unprivileged, Err(AppError::Denied(_))));
    let corrector = w.staff("c", HOME, &[Role::Clinician], &[Privilege::CorrectRecord]);
    app.take_back_study(&corrector, &study).await.unwrap();
    assert_eq!(app.studies_waiting(&cx, 0).await.unwrap().0.len(), 1);
    let patient = app.assign_to_new_patient(&cx, &study).await.unwrap();
    let view = app.study_waiting(&cx, &study).await.unwrap();
    assert_eq!(view.line.patient.as_ref(), Some(&patient));
    assert_eq!(view.decisions.len(), 3);
    assert_eq!(audited(&w, "imaging.assigned").await, 2);
    assert_eq!(audited(&w, "imaging.taken-back").await, 1);
    // What comes later for it goes the same way, and the next study of this number is known.
    assert_eq!(send(&w, &said(2)).await.outcome, Outcome::New);
    let next = Said {
        study: "1.2.826.2".into(),
        series: "1.2.826.2.1".into(),
        uid: "1.2.826.2.1.1".into(),
        ..said(3)
    };
    let kept = send(&w, &next).await;
    let subject = imaging_study(&w, &kept).await["subject"]["reference"].clone();
    assert_eq!(subject, format!("Patient/{patient}"));
    // Born on another day, nobody is taken for them.
    let differs = Said {
        study: "1.2.826.3".into(),
        series: "1.2.826.3.1".into(),
        uid: "1.2.826.3.1.1".into(),
        born: "19710102".into(),
        ..said(4)
    };
    let kept = send(&w, &differs).await;
    let view = app.study_waiting(&cx, &kept.study.id).await.unwrap();
    assert_eq!(
        (view.reason, view.candidates),
        (WaitingFor::Differs, vec![patient])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contradicting_objects_stand_beside_until_a_person_decides() {
    let w = world().await;
    patient_with_number(&w, "p17", MRN, "17").await;
    let cx = w.clinician();
    let kept = send(&w, &said(1)).await;
    let other = Said {
        description: "Another".into(),
        ..said(1)
    };
    assert_eq!(send(&w, &other).await.outcome, Outcome::OtherContent);
    let someone = Said {
        patient: "18".into(),
        ..said(2)
    };
    assert_eq!(send(&w, &someone).await.outcome, Outcome::OtherPatient);
    let target = Target::study("1.2.826.1");
    let shown = w.app().image_locate(&cx, &home(), &target).await.unwrap();
    assert_eq!(shown.len(), 1);
    let bytes = w
        .app()
        .image_open(&cx, &shown[0])
        .await
        .unwrap()
        .all()
        .await;
    assert_eq!(bytes.unwrap(), file(&said(1)));
    let view = w.app().study_waiting(&cx, &kept.study.id).await.unwrap();
    assert_eq!((view.reason, view.aside.len()), (WaitingFor::Objects, 2));
    let row = view
        .aside
        .iter()
        .find(|(l, _)| l.uid == said(1).uid)
        .unwrap()
        .0
        .row;
    w.app().stand_image(&cx, &kept.study.id, row).await.unwrap();
    let shown = w.app().image_locate(&cx, &home(), &target).await.unwrap();
    let bytes = w
        .app()
        .image_open(&cx, &shown[0])
        .await
        .unwrap()
        .all()
        .await;
    assert_eq!(bytes.unwrap(), file(&other));
    let back = w.app().study_waiting(&cx, &kept.study.id).await.unwrap();
    let row = back
        .aside
        .iter()
        .find(|(l, _)| l.uid == said(1).uid)
        .unwrap()
        .0
        .row;
    w.app().stand_image(&cx, &kept.study.id, row).await.unwrap();
    let shown = w.app().image_locate(&cx, &home(), &target).await.unwrap();
    let bytes = w
        .app()
        .image_open(&cx, &shown[0])
        .await
        .unwrap()
        .all()
        .await;
    assert_eq!(bytes.unwrap(), file(&said(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_finds_opens_or_decides_anything() {
    let w = world().await;
    let app = w.app();
    patient_with_number(&w, "p17", MRN, "17").await;
    let kept = send(&w, &said(1)).await;
    let own = w.clinician();
    let target = Target::study("1.2.826.1");
    let line = app
        .image_locate(&own, &home(), &target)
        .await
        .unwrap()
        .remove(0);
    let stranger = w.staff(
        "s",
        "saryozen",
        &[Role::Clinician],
        &[Privilege::CorrectRecord],
    );
    for cx in [&stranger, &w.admin(HOME), &w.patient()] {
        for level in [Level::Study, Level::Series, Level::Instance] {
            assert!(found(&w, cx, &ask(level, &[])).await.is_empty());
        }
        assert!(
            app.image_locate(cx, &home(), &target)
                .await
                .unwrap()
                .is_empty()
        );
        let (meta, _) = app
            .image_metadata(cx, &home(), &target, None, 9)
            .await
            .unwrap();
        assert!(meta.is_empty());
        assert!(matches!(
            app.image_open(cx, &line).await,
            Err(AppError::NotFound)
        ));
        let store = app
            .image_store(cx, &home(), file(&said(2)), &source("x"))
            .await;
        assert!(matches!(store, Err(AppError::Denied(_))), "{store:?}");
        let known = app.image_known(cx, &home(), &line.uid, &[0; 32]).await;
        assert!(matches!(known, Err(AppError::Denied(_))), "{known:?}");
        assert!(app.study_waiting(cx, &kept.study.id).await.is_err());
        assert!(
            app.assign_study(cx, &kept.study.id, &id("p17"))
                .await
                .is_err()
        );
        assert!(app.take_back_study(cx, &kept.study.id).await.is_err());
        assert!(app.assign_to_new_patient(cx, &kept.study.id).await.is_err());
        assert!(app.stand_image(cx, &kept.study.id, line.row).await.is_err());
    }
    assert!(
        app.studies_waiting(&stranger, 0)
            .await
            .unwrap()
            .0
            .is_empty()
    );
    // Only the administrator of a hospital says which machines it speaks with.
    let new = NewEntity {
        title: "CT1".into(),
        name: "CT".into(),
        addresses: vec!["10.0.0.1".into()],
        may: BTreeSet::from([Service::Store]),
        ..NewEntity::default()
    };
    for cx in [&own, &stranger] {
        assert!(app.add_entity(cx, new.clone()).await.is_err());
        assert!(app.entities(cx).await.is_err());
        assert!(app.own_imaging_settings(cx).await.is_err());
    }
    // The same UIDs at another hospital are another study.
    let theirs = app
        .image_store(
            &stranger,
            &hospital_id("saryozen"),
            file(&said(1)),
            &source("y"),
        )
        .await
        .unwrap();
    assert_ne!(theirs.study, kept.study);
    assert_eq!(found(&w, &own, &ask(Level::Instance, &[])).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_association_speaks_for_the_hospital_whose_title_it_calls_and_only_as_agreed() {
    let w = world().await;
    let app = w.app();
    let admin = w.admin(HOME);
    let new = NewEntity {
        title: "CT1".into(),
        name: "CT, ground floor".into(),
        host: "10.1.2.3".into(),
        port: Some(11_112),
        addresses: vec!["10.1.2.0/24".into()],
        may: BTreeSet::from([Service::Store, Service::Worklist]),
        issuer: "urn:oid:7".into(),
        ..NewEntity::default()
    };
    let entity = app.add_entity(&admin, new.clone()).await.unwrap();
    let taken = app.add_entity(&admin, new.clone()).await;
    assert!(matches!(taken, Err(AppError::Invalid(_))), "{taken:?}");
    let unproven = NewEntity {
        title: "CT2".into(),
        addresses: Vec::new(),
        ..new.clone()
    };
    assert!(app.add_entity(&admin, unproven).await.is_err());
    let proof = |address: &str| PeerProof {
        address: address.parse().unwrap(),
        certificate: None,
    };
    let peer = app
        .dicom_peer("QUMTAGH", "CT1", &proof("10.1.2.9"))
        .await
        .unwrap();
    assert_eq!((&peer.hospital, peer.title.as_str()), (&home(), "CT1"));
    assert_eq!(peer.issuer.as_deref(), Some("urn:oid:7"));
    assert!(peer.may.contains(&Service::Store) && !peer.may.contains(&Service::Query));
    let kept = app
        .image_store(&peer.cx, &peer.hospital, file(&said(1)), &source("a1"))
        .await
        .unwrap();
    assert_eq!(kept.outcome, Outcome::New);
    let to = app
        .dicom_destination(&peer.cx, "CT1")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((to.port, to.our_title.as_str()), (11_112, "QUMTAGH"));
    for (called, calling, address) in [
        ("QUMTAGH", "CT1", "10.1.3.9"),
        ("QUMTAGH", "CT9", "10.1.2.9"),
        ("SARYOZEN", "CT1", "10.1.2.9"),
        ("", "CT1", "10.1.2.9"),
    ] {
        let refused = app.dicom_peer(called, calling, &proof(address)).await;
        assert!(
            matches!(refused, Err(AppError::Denied(_))),
            "{called} {calling}"
        );
    }
    app.withdraw_entity(&admin, &entity).await.unwrap();
    assert!(
        app.dicom_peer("QUMTAGH", "CT1", &proof("10.1.2.9"))
            .await
            .is_err()
    );
    // The title is free again; the hospital's own is not another's to take.
    app.add_entity(&admin, new).await.unwrap();
    let theirs = w.admin("saryozen");
    let settings = ImagingSettings {
        title: "QUMTAGH".into(),
        ..ImagingSettings::default()
    };
    let taken = app.change_imaging_settings(&theirs, 0, settings).await;
    assert!(matches!(taken, Err(AppError::Invalid(_))), "{taken:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_patient_leaves_no_image() {
    let w = world().await;
    patient_with_number(&w, "p17", MRN, "17").await;
    send(&w, &said(1)).await;
    let cx = w.clinician();
    w.app()
        .erase_patient(
            &w.admin(HOME),
            &id("p17"),
            app::keeping::Ground::Request,
            "the patient asked",
        )
        .await
        .unwrap();
    assert!(found(&w, &cx, &ask(Level::Study, &[])).await.is_empty());
    // Sent again, it is a new study of nobody known, although this process remembers the old one.
    let again = send(&w, &said(1)).await;
    assert_eq!(again.outcome, Outcome::New);
    assert_eq!(w.app().studies_waiting(&cx, 0).await.unwrap().0.len(), 1);
    let permit = agreements::Permit::system(agreements::SystemPurpose::Audit, w.node.now());
    let k = key(HOME, "ImagingStudy", again.study.id.as_str());
    assert!(w.node.store.get(&permit, &k, None).await.unwrap().is_some());
}

/// Numbers in a fixed order that looks like none.
struct Dice(u64);

impl Dice {
    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        all[(self.0 >> 33) as usize % all.len()]
    }
}

/// Whatever is asked, the database finds what the rule of matching finds (PS3.4 §C.2.2.2).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_index_finds_what_the_rule_of_matching_finds() {
    let w = world().await;
    let mut dice = Dice(7);
    let mut all = Vec::new();
    for n in 0..60_u32 {
        let s = Said {
            study: format!("1.2.826.9.{}", n / 3),
            series: format!("1.2.826.9.{}.{}", n / 3, n % 2),
            uid: format!("1.2.826.9.{n}.1"),
            patient: format!("p{}", n / 3 % 5),
            name: dice
                .of(&[
                    "Wang^Xiao=王^小",
                    "WANG^Li",
                    "Müller^Jörg",
                    "",
                    "Memet^Patigül",
                    "O'Neil^Ann-Marie",
                ])
                .into(),
            born: dice.of(&["", "19700102", "20010911"]).into(),
            date: dice.of(&["", "20260301", "20260302", "20251231"]).into(),
            time: dice.of(&["", "10", "1030", "103059.5", "235959"]).into(),
            modality: dice.of(&["CT", "MR", "US"]).into(),
            description: dice
                .of(&["Chest", "chest 10%", "Schädel [nativ]", "", "胸部"])
                .into(),
            accession: dice.of(&["", "A1", "a1", "A*1", "B_2"]).into(),
            number: (n % 7).to_string(),
            institution: dice.of(&["", "Yarqum", "Qumtagh"]).into(),
            ..Said::default()
        };
        // Everything above the object is as its study's and series' first object said.
        let s = match all.iter().find(|o: &&Said| o.study == s.study) {
            Some(first) => Said {
                series: s.series.clone(),
                uid: s.uid.clone(),
                number: s.number.clone(),
                modality: s.modality.clone(),
                institution: s.institution.clone(),
                ..first.clone()
            },
            None => s,
        };
        let s = match all.iter().find(|o: &&Said| o.series == s.series) {
            Some(first) => Said {
                modality: first.modality.clone(),
                institution: first.institution.clone(),
                ..s
            },
            None => s,
        };
        assert_eq!(send(&w, &s).await.outcome, Outcome::New);
        all.push(s);
    }
    let cx = w.clinician();
    let mut several = 0;
    for _ in 0..300 {
        let mut parameters: Vec<(&str, &str)> = Vec::new();
        for _ in 0..2 {
            parameters.push(
                match dice.of(&["n", "i", "d", "t", "m", "s", "a", "b", "c", "x"]) {
                    "n" => (
                        "PatientName",
                        dice.of(&[
                            "wang*",
                            "Wang^Xiao",
                            "王*",
                            "*xiao",
                            "m?ller*",
                            "muller^jorg",
                            "patig*",
                            "wang li",
                            "o'neil*",
                            "*",
                        ]),
                    ),
                    "i" => ("PatientID", dice.of(&["p1", "p*", "P1", "p?"])),
                    "d" => (
                        "StudyDate",
                        dice.of(&["20260301", "20260301-", "-20260301", "20260101-20260301"]),
                    ),
                    "t" => ("StudyTime", dice.of(&["1030", "10-11", "103059-", "-1029"])),
                    "m" => ("Modality", dice.of(&["CT", "MR", "C*", "ct"])),
                    "s" => (
                        "StudyDescription",
                        dice.of(&["chest", "*10%", "schadel [nativ]", "胸*", "che*", "?hest"]),
                    ),
                    "a" => (
                        "AccessionNumber",
                        dice.of(&["A1", "a1", "A*", "?1", "B_2", "B?2"]),
                    ),
                    "b" => (
                        "PatientBirthDate",
                        dice.of(&["19700102", "19700102-20010101", "-19991231"]),
                    ),
                    "c" => ("InstanceNumber", dice.of(&["1", "3"])),
                    _ => ("InstitutionName", dice.of(&["yarqum", "Qum*"])),
                },
            );
        }
        if dice.of(&["1", "0", "0"]) == "1" {
            parameters.push(("fuzzymatching", "true"));
        }
        let query = ask(Level::Instance, &parameters);
        let mut expected: Vec<&str> = all
            .iter()
            .filter(|s| matches(&query, &dataset(s)))
            .map(|s| s.uid.as_str())
            .collect();
        expected.sort_unstable();
        several += usize::from(!expected.is_empty());
        let rows = found(&w, &cx, &query).await;
        let mut got: Vec<&str> = rows
            .iter()
            .map(|r| r["00080018"]["Value"][0].as_str().unwrap())
            .collect();
        got.sort_unstable();
        assert_eq!(got, expected, "{parameters:?}");
    }
    assert!(several > 40, "the questions found something: {several}");
    // Pages of what is compared row by row hold everything once.
    let mut seen = BTreeSet::new();
    for n in 0..30 {
        let offset = (n * 4).to_string();
        let query = ask(
            Level::Instance,
            &[
                ("InstitutionName", "*a*"),
                ("limit", "4"),
                ("offset", &offset),
            ],
        );
        let page = w.app().image_find(&cx, &home(), &query).await.unwrap();
        for row in &page.rows {
            let data = json::parse(row, &|_| None).unwrap();
            let uid = data.plain(tags::SOP_INSTANCE_UID).unwrap().to_owned();
            assert!(seen.insert(uid));
        }
        if !page.more {
            break;
        }
    }
    let expected = all.iter().filter(|s| s.institution.contains('a')).count();
    assert_eq!(seen.len(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn active_requests_for_imaging_are_the_worklist_of_their_hospital() {
    let w = world().await;
    let patient = format!(
        r#"{{"resourceType":"Patient","identifier":[{{"system":"{MRN}","value":"17"}}],"name":[{{"family":"Wang","given":["XiaoDong"]}},{{"family":"王","given":["小东"]}}],"birthDate":"1970-01-02","gender":"male"}}"#
    );
    w.put("Patient", "p17", patient).await;
    let request = |id: &str, status: &str, category: &str| {
        format!(
            r#"{{"resourceType":"ServiceRequest","id":"{id}","status":"{status}","intent":"order","category":[{{"coding":[{{"system":"http://snomed.info/sct","code":"{category}"}}]}}],"code":{{"text":"CT chest"}},"orderDetail":[{{"coding":[{{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"CT"}}]}}],"subject":{{"reference":"Patient/p17"}},"occurrenceDateTime":"2026-11-23T09:30:00+08:00","priority":"stat"}}"#
        )
    };
    for (id, status, category) in [
        ("r1", "active", "363679005"),
        ("r2", "completed", "363679005"),
        ("r3", "active", "108252007"),
    ] {
        w.put("ServiceRequest", id, request(id, status, category))
            .await;
    }
    let query = |parameters: &[(&str, &str)]| {
        let mut q = ask(Level::Study, parameters);
        q.model = imaging::query::Model::Worklist;
        q
    };
    let cx = w.clinician();
    let app = w.app();
    let all = app.image_worklist(&cx, &home(), &query(&[])).await.unwrap();
    assert_eq!(all.rows.len(), 1);
    let row: serde_json::Value = serde_json::from_slice(&all.rows[0]).unwrap();
    assert_eq!(row["00100020"]["Value"][0], "17");
    assert_eq!(row["00100010"]["Value"][0]["Alphabetic"], "Wang^XiaoDong");
    assert_eq!(row["00100010"]["Value"][0]["Ideographic"], "王^小东");
    let step = &row["00400100"]["Value"][0];
    assert_eq!(step["00080060"]["Value"][0], "CT");
    assert_eq!(step["00400002"]["Value"][0], "20261123");
    assert_eq!(step["00400003"]["Value"][0], "093000");
    assert!(
        row["0020000D"]["Value"][0]
            .as_str()
            .unwrap()
            .starts_with("2.25.")
    );
    let again = app.image_worklist(&cx, &home(), &query(&[])).await.unwrap();
    assert_eq!(
        again.rows, all.rows,
        "the study it will be is the same each time"
    );
    for (parameter, value, rows) in [
        ("PatientName", "wang*", 1),
        ("PatientID", "18", 0),
        ("ScheduledProcedureStepSequence.Modality", "CT", 1),
        ("ScheduledProcedureStepSequence.Modality", "MR", 0),
        (
            "ScheduledProcedureStepSequence.ScheduledProcedureStepStartDate",
            "20261123",
            1,
        ),
        (
            "ScheduledProcedureStepSequence.ScheduledProcedureStepStartDate",
            "20261124-",
            0,
        ),
    ] {
        let found = app
            .image_worklist(&cx, &home(), &query(&[(parameter, value)]))
            .await
            .unwrap();
        assert_eq!(found.rows.len(), rows, "{parameter}={value}");
    }
    let stranger = w.staff("s", "saryozen", &[Role::Clinician], &[]);
    let found = app.image_worklist(&stranger, &home(), &query(&[])).await;
    assert!(found.unwrap().rows.is_empty());
    assert!(audited(&w, "imaging.worklist.read").await > 0);
}

/// Sixteen pixels of 16 bits on what an object says otherwise.
fn with_pixels(s: &Said) -> imaging::Object {
    let mut d = dataset(s);
    d.put_text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, 16),
        (tags::COLUMNS, 16),
        (tags::BITS_ALLOCATED, 16),
        (tags::BITS_STORED, 12),
        (tags::HIGH_BIT, 11),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        d.put_u16(tag, value);
    }
    let pixels: Vec<u8> = (0..256_u16).flat_map(|n| (n * 9).to_le_bytes()).collect();
    d.put(imaging::Element {
        tag: tags::PIXEL_DATA,
        vr: VR::OW,
        data: imaging::Data::Bytes(pixels.into()),
    });
    let made = imaging::Object::made(d, imaging::syntax::of(EXPLICIT));
    imaging::Object::read(imaging::file::of(&made), &imaging::Limits::default()).unwrap()
}

/// What an edge compressed and what the scanner sent itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_object_in_another_lossless_syntax_is_no_contradiction() {
    let w = world().await;
    patient_with_number(&w, "p17", MRN, "17").await;
    let cx = w.clinician();
    let send = async |file: Bytes| {
        let kept = w.app().image_store(&cx, &home(), file, &source("x")).await;
        kept.unwrap().outcome
    };
    let in_syntax = |o: &imaging::Object, to| imaging::pixel::transcode(o, to, 100).unwrap();
    let direct = with_pixels(&said(1));
    let by_edge = in_syntax(&direct, imaging::syntax::JPEG_LS);
    assert_eq!(send(by_edge.clone()).await, Outcome::New);
    assert_eq!(send(direct.bytes().clone()).await, Outcome::Again);
    assert_eq!(
        send(in_syntax(&direct, imaging::syntax::RLE)).await,
        Outcome::Again
    );
    // What was kept first stands, as it came.
    let target = Target::study("1.2.826.1");
    let lines = w.app().image_locate(&cx, &home(), &target).await.unwrap();
    assert_eq!(lines.len(), 1);
    let open = w.app().image_open(&cx, &lines[0]).await.unwrap();
    assert_eq!(open.all().await.unwrap(), by_edge);
    // One attribute more is another content, also when it comes compressed; and it waits once, however it comes again.
    let other = with_pixels(&Said {
        institution: "Elsewhere".into(),
        ..said(1)
    });
    let squeezed = in_syntax(&other, imaging::syntax::JPEG_LS);
    assert_eq!(send(squeezed).await, Outcome::OtherContent);
    assert_eq!(send(other.bytes().clone()).await, Outcome::Again);
}
