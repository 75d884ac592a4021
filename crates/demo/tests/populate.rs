//! The generated network carried into an application over a real store.
#![allow(clippy::unwrap_used)] // all of it is a test

use agreements::{Permit, SystemPurpose};
use karez_demo::generate::model::{AgreementState, Stage};
use karez_demo::generate::studies::{ReadingStage, StudyPlan};
use karez_demo::generate::{SEED, network};
use karez_demo::populate::{self, Placed};
use kernel::{HospitalId, Kind, RecordKey};
use serde_json::Value;
use testkit::TestNode;
use testkit::store::{DocQuery, Lookup};

async fn document(node: &TestNode, key: &RecordKey) -> Value {
    let permit = Permit::system(SystemPurpose::Job, node.app.now());
    let stored = node.store.get(&permit, key, None).await.unwrap().unwrap();
    serde_json::from_slice(stored.body.reveal()).unwrap()
}

/// The word a case has in the store for a stage of the plan.
fn word(stage: Stage) -> &'static str {
    match stage {
        Stage::Draft => "draft",
        Stage::Requested => "requested",
        Stage::MoreInformation => "more-information",
        Stage::Accepted => "accepted",
        Stage::Allocated => "allocated",
        Stage::Answered => "answered",
        Stage::Read => "read",
        Stage::Acted => "acted",
        Stage::Closed => "closed",
        Stage::Declined => "declined",
        Stage::Cancelled => "cancelled",
        Stage::Suspended => "suspended",
    }
}

/// What the plan says of a study, its objects and its reading, as the store has it.
async fn study_is_as_planned(node: &TestNode, placed: &Placed, plan: &StudyPlan) {
    let key = &placed.studies[plan.key];
    let study = document(node, key).await;
    let objects = plan.objects().len();
    assert_eq!(study["status"], "available", "{}", plan.key);
    assert_eq!(study["numberOfInstances"], objects, "{}", plan.key);
    let known = study["subject"]["reference"].is_string();
    assert_eq!(known, plan.study.who.name.is_some(), "{}", plan.key);
    let Some(reading) = &plan.reading else { return };
    let permit = Permit::system(SystemPurpose::Job, node.app.now());
    let of = Lookup::unique("study", format!("{}/{}", key.hospital, key.id));
    let query = DocQuery {
        hospital: None,
        kind: Kind::new("reading").unwrap(),
        lookups: vec![of],
        after: None,
        limit: 2,
        descending: false,
    };
    let found = node.store.documents(&permit, &query).await.unwrap();
    assert_eq!(found.len(), 1, "{}", plan.key);
    let doc: Value = serde_json::from_slice(found[0].body.reveal()).unwrap();
    let doc = &doc["reading"];
    let reports = doc["reports"].as_array().unwrap().len();
    let signed = usize::from(reading.stage >= ReadingStage::Preliminary);
    assert_eq!(reports, signed, "{}", plan.key);
    let claimed = reading.stage >= ReadingStage::Claimed;
    assert_eq!(doc["reader"].is_string(), claimed, "{}", plan.key);
    let critical = doc["criticals"].as_array().unwrap();
    assert_eq!(critical.len(), usize::from(reading.critical.is_some()));
    if let Some((_, _, answer)) = reading.critical {
        assert_eq!(critical[0]["acknowledged"].is_null(), answer.is_none());
    }
    let judged = !doc["second"]["judgement"].is_null();
    assert_eq!(judged, reading.second.is_some(), "{}", plan.key);
}

#[tokio::test]
async fn every_case_and_agreement_arrives_where_the_plan_says() {
    let node = TestNode::start().await;
    let network = network(SEED, node.app.now());
    let placed = match populate::populate(&node.app, &network).await {
        Ok(placed) => placed,
        Err(e) => panic!("{e:?}"),
    };
    assert_eq!(node.app.all_hospitals().len(), network.hospitals.len());

    for plan in &network.cases {
        let case = document(&node, &placed.cases[plan.key]).await;
        let status = case["status"].as_str().or(case["case"]["status"].as_str());
        assert_eq!(status, Some(word(plan.stage)), "{}", plan.key);
    }
    for plan in &network.agreements {
        let id = placed.agreements[plan.number].clone();
        let key = RecordKey::new(HospitalId::network(), Kind::new("agreement").unwrap(), id);
        let agreement = document(&node, &key).await;
        let stage = agreement["stage"].as_str().unwrap();
        let suspended = agreement["suspensions"]
            .as_array()
            .is_some_and(|s| !s.is_empty());
        match plan.state {
            AgreementState::Draft => assert_eq!(stage, "draft"),
            AgreementState::Proposed => assert_eq!(stage, "proposed"),
            AgreementState::Ended => assert_eq!(stage, "ended"),
            AgreementState::Active | AgreementState::Expired => {
                assert!(stage == "active" && !suspended)
            }
            AgreementState::Suspended => assert!(stage == "active" && suspended),
        }
    }
    for plan in &network.studies {
        study_is_as_planned(&node, &placed, plan).await;
    }
    let waiting = network.studies.iter();
    let waiting = waiting.filter(|s| s.study.who.name.is_none() || s.contradicted);
    let mut expected: Vec<&RecordKey> = waiting.map(|s| &placed.studies[s.key]).collect();
    let doctor = network.staff("adalet").unwrap();
    let mut cx = node.app.operator_cx();
    cx.actor.hospital = HospitalId::new("qumtagh").ok();
    cx.actor.kind = agreements::ActorKind::Staff;
    cx.actor.roles = doctor.posts[0].roles.iter().copied().collect();
    let (listed, _) = node.app.studies_waiting(&cx, 0).await.unwrap();
    let mut listed: Vec<&RecordKey> = listed.iter().map(|w| &w.study).collect();
    expected.sort();
    listed.sort();
    assert_eq!(listed, expected);
}
