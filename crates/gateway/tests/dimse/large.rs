//! Objects larger than the memory that is given to all of them come in, and go out again.

use imaging::{Limits, Object};
use karez_gateway::dimse::classes::{EXPLICIT_LITTLE, STUDY_ROOT_GET};
use karez_gateway::dimse::{Room, Settings, status};
use testkit::TestNode;
use testkit::phantom::Phantom;

use crate::world::{Client, MR, Memory, World, settings};

/// Memory for all objects, MiB: less than half of one of them.
const ROOM_MIB: usize = 9;

async fn world(node: &TestNode) -> World {
    let settings = Settings {
        object_bytes_max: 64 << 20,
        room: Room::of_mib(ROOM_MIB),
        ..settings()
    };
    let host = Memory {
        app: Some(node.app.clone()),
        ..Memory::default()
    };
    World::of(host, settings).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_larger_than_the_memory_for_all_comes_in_and_goes_out() {
    let node = TestNode::start().await;
    let world = world(&node).await;
    let film = Phantom::new("1.2.826.0.1.7", "17", 512).film(1, 44);
    let data = imaging::write(&film, true);
    assert!(data.len() > 2 * (ROOM_MIB << 20));
    let mut scanner = world.connect("SCANNER").await.unwrap();
    let stored = scanner.store(MR, data.clone()).await;
    assert_eq!(stored, Some(status::SUCCESS));
    let kept = world.host.files.lock().unwrap()[0].clone();
    let object = Object::read(kept, &Limits::default()).unwrap();
    assert!(object.dataset_bytes() == data);
    drop(scanner);
    let contexts: [(&str, &[&str]); 2] = [
        (STUDY_ROOT_GET, &[EXPLICIT_LITTLE]),
        (MR, &[EXPLICIT_LITTLE]),
    ];
    let mut reader = Client::connect_as(world.address, "YARQUM", "READER", &contexts, &[MR])
        .await
        .unwrap();
    let got = reader.ask(0x0010, STUDY_ROOT_GET, vec![0; 2], &[]).await;
    let (_, came, last) = got.unwrap();
    assert_eq!((came, last), (1, status::SUCCESS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_object_is_refused_in_bounded_memory_and_the_line_goes_on() {
    let node = TestNode::start().await;
    let world = world(&node).await;
    let mut scanner = world.connect("SCANNER").await.unwrap();
    let noise = vec![0xff; 20_000_000];
    for _ in 0..3 {
        let refused = scanner.store(MR, noise.clone()).await;
        assert_eq!(refused, Some(status::CANNOT_UNDERSTAND));
    }
    assert_eq!(scanner.store(MR, vec![0; 10]).await, Some(status::SUCCESS));
    assert_eq!(world.host.files.lock().unwrap().len(), 1);
}
