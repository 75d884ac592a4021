//! The same on PostgreSQL: whole copies taken while others write, put back into an empty database.

use std::sync::Arc;

use karez_store::backup::erasures::Erasure;
use karez_store::backup::restore::Until;
use karez_store::{Batch, DatabaseKind, Store, StoreError};
use kernel::{AccountId, Clock as _};
use testkit::postgres::FreshDatabase;
use testkit::records::id;

use crate::world::*;

fn on(database: &FreshDatabase) -> DatabaseKind {
    DatabaseKind::Postgres {
        url: database.url.clone(),
        nats_url: None,
    }
}

async fn open(world: &World, folder: &str, database: &FreshDatabase) -> Arc<Store> {
    let mut config = world.config(folder);
    config.database = on(database);
    Arc::new(Store::open(config).await.unwrap())
}

async fn restored(world: &World, into: &FreshDatabase) -> Result<u64, StoreError> {
    let mut plan = world.restore_plan("again", Until::Latest);
    plan.database = on(into);
    plan.run().await.map(|done| done.reached.position)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_taken_under_load_restores_into_an_empty_database() {
    let (Some(first), Some(second)) = (FreshDatabase::make().await, FreshDatabase::make().await)
    else {
        return;
    };
    let world = Arc::new(World::new());
    let store = open(&world, "node", &first).await;
    let mut all = Vec::new();
    for n in 0..60 {
        all.push(world.write(&store, n, n % 5, 2_000).await);
    }
    let writing = tokio::spawn({
        let (world, store) = (Arc::clone(&world), Arc::clone(&store));
        async move {
            let mut more = Vec::new();
            for n in 0..60 {
                more.push(world.write(&store, n, n % 3, 2_000).await);
            }
            more
        }
    });
    let copied = store.back_up(&world.place()).await.unwrap();
    all.extend(writing.await.unwrap());
    // Of a patient nobody wrote about: the ledger is replayed all the same.
    let erasure = Erasure {
        id: id("0198-pg"),
        hospital: chain(),
        patient: Some(id("nobody")),
        records: Vec::new(),
        at: world.clock.now(),
        by: AccountId::new("admin").unwrap(),
    };
    store
        .erase(&erasure, Batch::new(world.clock.now()))
        .await
        .unwrap();
    let mut shipper = store.shipper(world.shipping(24)).unwrap();
    settle(&mut shipper).await;
    store.close().await;
    // Not into one that holds records, nor into another kind.
    let full = restored(&world, &first).await.unwrap_err().to_string();
    assert!(full.contains("already"), "{full}");
    let other = world.restore("sqlite", Until::Latest).await.unwrap_err();
    assert!(other.to_string().contains("PostgreSQL"), "{other}");
    let mut plan = world.restore_plan("again", Until::Position(copied.reach.position));
    plan.database = on(&second);
    let done = plan.run().await.unwrap();
    assert!(done.is_sound(), "{done:?}");
    assert!((60..=120).contains(&done.reached.position), "{done:?}");
    let again = open(&world, "again", &second).await;
    let position = done.reached.position;
    for a in &all {
        let got = again.get(&system(), &a.key, Some(a.version)).await.unwrap();
        assert_eq!(
            got.is_some(),
            a.position <= position,
            "{} of {position}",
            a.position
        );
    }
    // It goes on from there.
    let next = world.write(&again, 500, 1, 10).await;
    assert!(next.position > position);
    let report = again.verify_chain(&system(), &chain()).await.unwrap();
    assert_eq!(report.broken_at, None);
    again.close().await;
}
