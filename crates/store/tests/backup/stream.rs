//! The stream goes on where it can be proved to, and begins anew where it cannot.

use karez_store::Store;
use karez_store::backup::restore::{Until, list};

use crate::world::*;

async fn streams(world: &World) -> Vec<String> {
    let listed = list(&world.place()).await.unwrap();
    listed.into_iter().map(|l| l.stream).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clean_stop_continues_the_stream() {
    let world = World::new();
    let mut all = Vec::new();
    for round in 0..3 {
        let store = world.open().await;
        let mut shipper = store.shipper(world.shipping(24)).unwrap();
        for n in 0..20 {
            all.push(world.write(&store, n, round, 1_000).await);
        }
        settle(&mut shipper).await;
        all.push(world.write(&store, 50, round, 10).await);
        // Not carried away any more: cut at the closing, and carried away after the next start.
        store.close().await;
    }
    let store = world.open().await;
    settle(&mut store.shipper(world.shipping(24)).unwrap()).await;
    store.close().await;
    let found = streams(&world).await;
    assert_eq!(found.len(), 1, "{found:?}");
    for a in [&all[20], &all[25], &all[41], all.last().unwrap()] {
        let folder = format!("r{}", a.position);
        let restored = world
            .restore(&folder, Until::Position(a.position))
            .await
            .unwrap();
        assert!(restored.is_sound(), "{restored:?}");
        let again = world.open_restored(&folder).await;
        compare(&again, &all, a.position).await;
        again.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_continues_the_stream_from_what_is_in_the_log() {
    let world = World::new();
    let store = world.open().await;
    let mut all = Vec::new();
    for n in 0..10 {
        all.push(world.write(&store, n, 1, 5_000).await);
    }
    settle(&mut store.shipper(world.shipping(24)).unwrap()).await;
    for n in 0..10 {
        all.push(world.write(&store, n, 2, 5_000).await);
    }
    // As a killed process leaves it: copied while open, with the log beside it.
    let (from, to) = (
        world.dir.path().join("node"),
        world.dir.path().join("killed"),
    );
    std::fs::create_dir_all(to.join("ship")).unwrap();
    for name in ["karez.db", "karez.db-wal", "ship/state.json"] {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }
    drop(store);
    let store = Store::open(world.config("killed")).await.unwrap();
    all.push(world.write(&store, 77, 3, 10).await);
    settle(&mut store.shipper(world.shipping(24)).unwrap()).await;
    store.close().await;
    assert_eq!(streams(&world).await.len(), 1);
    let last = all.last().unwrap().position;
    let restored = world.restore("again", Until::Latest).await.unwrap();
    assert_eq!(restored.reached.position, last);
    let again = world.open_restored("again").await;
    compare(&again, &all, last).await;
    again.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_behind_the_streams_back_begins_a_new_one() {
    let world = World::new();
    let store = world.open().await;
    let mut all = vec![world.write(&store, 1, 1, 10).await];
    settle(&mut store.shipper(world.shipping(24)).unwrap()).await;
    store.close().await;
    let mut config = world.config("node");
    config.ship = false;
    let quiet = Store::open(config).await.unwrap();
    all.push(world.write(&quiet, 2, 2, 10).await);
    quiet.close().await;
    let store = world.open().await;
    all.push(world.write(&store, 3, 3, 10).await);
    settle(&mut store.shipper(world.shipping(24)).unwrap()).await;
    store.close().await;
    assert_eq!(streams(&world).await.len(), 2);
    let restored = world.restore("again", Until::Latest).await.unwrap();
    assert_eq!(restored.reached.position, 3);
    let again = world.open_restored("again").await;
    compare(&again, &all, 3).await;
    again.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wrong_key_a_gap_and_a_folder_with_data_are_refused_in_words() {
    let world = World::new();
    let store = world.open().await;
    let mut shipper = store.shipper(world.shipping(24)).unwrap();
    settle(&mut shipper).await;
    for n in 0..4 {
        world.write(&store, n, 1, 10).await;
        shipper.turn().await;
    }
    store.close().await;
    let mut wrong = world.restore_plan("wrong", Until::Latest);
    wrong.key = node_key(8);
    let said = wrong.run().await.unwrap_err().to_string();
    assert!(said.contains("node key"), "{said}");
    assert!(!world.dir.path().join("wrong/karez.db").exists());
    let said = world.restore("node", Until::Latest).await.unwrap_err();
    assert!(said.to_string().contains("already"), "{said}");
    let mut logs: Vec<_> = files(&world.dir.path().join("away"))
        .into_iter()
        .filter(|p| p.extension().is_some_and(|e| e == "log"))
        .collect();
    logs.sort();
    let middle = &logs[logs.len() / 2];
    let mut bytes = std::fs::read(middle).unwrap();
    bytes[80] ^= 1;
    std::fs::write(middle, bytes).unwrap();
    assert!(world.restore("altered", Until::Latest).await.is_err());
    std::fs::remove_file(middle).unwrap();
    let said = world.restore("gap", Until::Latest).await.unwrap_err();
    assert!(said.to_string().contains("missing"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_copy_beside_a_node_that_serves() {
    let world = World::new();
    let serving = world.open().await;
    let mut all = Vec::new();
    for n in 0..10 {
        all.push(world.write(&serving, n, 1, 5_000).await);
    }
    let mut config = world.config("node");
    (config.ship, config.beside) = (false, true);
    let beside = Store::open(config).await.unwrap();
    let copied = beside.back_up(&world.place()).await.unwrap();
    assert_eq!(copied.reach.position, 10);
    beside.close().await;
    all.push(world.write(&serving, 11, 2, 10).await);
    serving.close().await;
    let restored = world.restore("again", Until::Latest).await.unwrap();
    assert_eq!((restored.reached.position, restored.segments), (10, 0));
    let again = world.open_restored("again").await;
    compare(&again, &all, 10).await;
    again.close().await;
}
