//! The generated network carried into an application over a real store.
#![allow(clippy::unwrap_used)] // all of it is a test

use agreements::{Permit, SystemPurpose};
use karez_demo::generate::model::{AgreementState, Stage};
use karez_demo::generate::{SEED, network};
use karez_demo::populate;
use kernel::{HospitalId, Kind, RecordKey};
use serde_json::Value;
use testkit::TestNode;

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
}
