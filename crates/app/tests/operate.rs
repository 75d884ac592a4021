//! What the operator of the network sees.

#![allow(clippy::unwrap_used)]

extern crate karez_app as app;

mod world;

use std::collections::BTreeSet;

use app::jobs::Schedule;
use app::operate::{FactState, Part};
use app::{AppError, Cx, Role};
use world::World;

fn operator(w: &World) -> Cx {
    let mut cx = w.cx("yq-admin");
    cx.actor.roles = [Role::Operator].into();
    cx
}

#[tokio::test]
async fn the_operator_sees_parts_jobs_and_nodes() {
    let w = World::new().await;
    let app = &w.node.app;
    let before = app.status(&operator(&w)).await.unwrap();
    assert!(
        before.jobs.iter().all(|j| j.ran.is_none()),
        "nothing ran yet"
    );

    let mut schedule = Schedule::new("first");
    app.run_due(&mut schedule).await;
    let status = app.status(&operator(&w)).await.unwrap();
    assert!(status.jobs.iter().all(|j| j.ran.is_some()));
    let [here] = status.nodes.as_slice() else {
        panic!("{:?}", status.nodes);
    };
    assert!(here.here && here.leads && !here.silent);
    let of = |part| status.facts.iter().find(move |f| f.part == part).unwrap();
    assert_eq!(of(Part::Store).state, FactState::Ok);
    assert_eq!(of(Part::Schema).code, "schema-current");
    assert!(of(Part::Schema).numbers["applied"].parse::<u32>().unwrap() > 0);
    assert_eq!(of(Part::Keys).code, "keys-in-node");
    assert_eq!(of(Part::Bus).state, FactState::Absent, "none is configured");
    let parts: BTreeSet<Part> = status.facts.iter().map(|f| f.part).collect();
    assert_eq!(parts.len(), Part::ALL.len(), "every part says something");
    assert_eq!(of(Part::Mail).state, FactState::Absent, "said honestly");
    assert_eq!(of(Part::TimeStamps).code, "time-stamps-none");
    assert!(of(Part::Disk).numbers["free_bytes"].parse::<u64>().unwrap() > 0);
}

#[tokio::test]
async fn a_node_that_says_nothing_is_silent_and_its_work_is_taken_up() {
    let w = World::new().await;
    let (one, two) = (&w.node.app, w.node.another().await);
    let mut first = Schedule::new("first");
    let mut second = Schedule::new("second");
    one.run_due(&mut first).await;
    two.run_due(&mut second).await;
    let seen = two.status(&operator(&w)).await.unwrap();
    let names: Vec<_> = seen
        .nodes
        .iter()
        .map(|n| (n.name.as_str(), n.leads))
        .collect();
    assert_eq!(names, [("second", false), ("first", true)]);

    w.minutes(3);
    two.run_due(&mut second).await;
    let seen = two.status(&operator(&w)).await.unwrap();
    let lines: Vec<_> = seen
        .nodes
        .iter()
        .map(|n| (n.name.as_str(), n.leads, n.silent))
        .collect();
    assert_eq!(lines, [("second", true, false), ("first", false, true)]);
    let clocks = seen.jobs.iter().find(|j| j.name == "case-clocks").unwrap();
    assert_eq!(clocks.node.as_deref(), Some("second"));
}

#[tokio::test]
async fn nobody_else_sees_it() {
    let w = World::new().await;
    for who in ["yq-admin", "li", "alimjan"] {
        let refused = w.node.app.status(&w.cx(who)).await;
        assert!(matches!(refused, Err(AppError::Denied(_))), "{who}");
    }
}
