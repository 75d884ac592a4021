//! The generated network carried into an application over a real store.

use karez_demo::generate::{SEED, network};
use karez_demo::{accounts, populate};
use testkit::TestNode;

#[tokio::test]
async fn the_whole_network_goes_in_through_the_use_cases() {
    let node = TestNode::start().await;
    let network = network(SEED, node.app.now());
    populate::populate(&node.app, &network).await.unwrap();

    assert_eq!(node.app.all_hospitals().len(), network.hospitals.len());
    assert!(accounts(&network).len() > 30);
}
