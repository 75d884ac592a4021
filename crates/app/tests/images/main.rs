//! The archive of images, end to end over a real store: kept, found, opened, reconciled; by whom, and by whom not.
#![allow(clippy::unwrap_used)] // a test stops where it fails

extern crate karez_app as app;

mod finding;
mod keeping;
mod large;
mod peers;
mod reconciling;
mod worklist;

use std::collections::{BTreeMap, BTreeSet};

use agreements::{Privilege, Role};
use app::imaging::{
    ImageSource, ImagingSettings, Kept, NewEntity, Outcome, PeerProof, Service, Target, WaitingFor,
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
