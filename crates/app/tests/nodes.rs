//! What two nodes of one database promise each other. Needs `KAREZ_TEST_POSTGRES`.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use karez_app as app;

use app::agreements::AgreementAct;
use app::jobs::Schedule;
use app::{RecordClass, Settings};
use kernel::clock::ManualClock;
use testkit::TestNode;
use testkit::postgres::FreshDatabase;
use testkit::records::key;
use testkit::world::World;

async fn world() -> Option<World> {
    let fresh = FreshDatabase::make().await?;
    let node = TestNode::start_over(Settings::default(), Some(fresh)).await;
    Some(World::over(node).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_that_ends_on_one_node_closes_a_page_of_another_within_a_second() {
    let Some(w) = world().await else { return };
    let (far, far_store) = w.node.elsewhere().await;
    let agreement = w.active_agreement().await;
    w.consent(true).await;
    w.share(&agreement, RecordClass::Laboratory).await;
    let consultant = w.consultant();
    let observation = key("qumtagh", "Observation", "o1");
    let reads = async || {
        let permit = consultant.permit();
        let found = far_store.get(&permit, &observation, None).await;
        found.unwrap().is_some()
    };
    assert!(
        reads().await,
        "shared under an agreement, read at the far node"
    );

    // A page at the far node watches the patient; it has seen everything so far.
    let mut commits = far.watch();
    let newest = *w.app().watch().borrow();
    commits.wait_for(|p| *p >= newest).await.unwrap();
    let mut seen = newest;
    let topics = vec!["patient-p1".to_owned()];
    let ended = Instant::now();
    let act = AgreementAct::Suspend {
        reason: "a test".into(),
    };
    w.app()
        .agreement_act(&w.admin("qumtagh"), &agreement, act)
        .await
        .unwrap();
    loop {
        let left = Duration::from_secs(1).saturating_sub(ended.elapsed());
        tokio::time::timeout(left, commits.changed())
            .await
            .expect("the far node heard nothing within a second")
            .unwrap();
        let (position, touched) = far.live_since(&consultant, seen, &topics).await.unwrap();
        seen = position;
        if touched == topics {
            break;
        }
    }
    assert!(!reads().await, "woken, the page asks again and is refused");
    far.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_nodes_work_is_taken_up_and_a_living_ones_is_not() {
    let Some(w) = world().await else { return };
    let (far, _store) = w.node.elsewhere().await;
    let clock: &ManualClock = &w.node.clock;
    let (mut near_jobs, mut far_jobs) = (Schedule::new("near"), Schedule::new("far"));
    let names = |ran: &[app::jobs::Ran]| ran.iter().map(|r| r.name).collect::<Vec<_>>();
    let first = names(&w.app().run_due(&mut near_jobs).await);
    assert!(first.contains(&"agreement-clock"), "{first:?}");
    // The lease is held: the far node does its own housekeeping alone.
    let second = names(&far.run_due(&mut far_jobs).await);
    assert!(!second.contains(&"agreement-clock"), "{second:?}");
    // The near node dies without a word; its lease runs out.
    clock.advance(jiff::SignedDuration::from_secs(91));
    let taken = names(&far.run_due(&mut far_jobs).await);
    assert!(taken.contains(&"agreement-clock"), "{taken:?}");
    // It comes back, and finds that another holds the lease.
    let back = names(&w.app().run_due(&mut near_jobs).await);
    assert!(!back.contains(&"agreement-clock"), "{back:?}");
    far.close().await;
}
