use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use karez_store::backup::restore::Until;
use testkit::SeededEntropy;

use crate::world::*;

/// Writers, a shipper that takes one base after the other, and checkpoints between: then random points are restored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_point_under_load_restores_to_what_was_acknowledged_then() {
    let full = std::env::var("KAREZ_TEST_FULL").is_ok_and(|v| v == "1");
    let (writes, points) = if full { (3_000, 40) } else { (400, 6) };
    let world = Arc::new(World::new());
    let store = world.open().await;
    let mut shipper = world.shipper(&store);
    let done = Arc::new(AtomicBool::new(false));
    let shipping = tokio::spawn({
        let done = Arc::clone(&done);
        async move {
            while !done.load(Ordering::SeqCst) {
                shipper.turn().await;
                tokio::task::yield_now().await;
            }
            settle(&mut shipper).await;
            shipper
        }
    });
    // The first base must not lie before every point.
    let first = world.write(&store, 0, 0, 10).await;
    loop {
        let base = files(&world.dir.path().join("away/streams"))
            .iter()
            .any(|p| p.extension().is_some_and(|e| e == "base"));
        if base {
            break;
        }
        tokio::task::yield_now().await;
    }
    let writers: Vec<_> = (0..2_u64)
        .map(|w| {
            let (world, store) = (Arc::clone(&world), Arc::clone(&store));
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for n in 0..writes / 2 {
                    // Some are long, so that the log is moved into the database several times.
                    let bytes = if n % 2 == 0 { 200_000 } else { 100 };
                    let record = 1 + w * 1_000 + n % 40;
                    acknowledged.push(world.write(&store, record, n % 5, bytes).await);
                }
                acknowledged
            })
        })
        .collect();
    let mut all = vec![first];
    for w in writers {
        all.extend(w.await.unwrap());
    }
    done.store(true, Ordering::SeqCst);
    let shipper = shipping.await.unwrap();
    let status = shipper.status().lock().unwrap().clone();
    assert!(status.segments > 3, "{status:?}");
    store.close().await;
    all.sort_by_key(|a| a.position);
    let random = SeededEntropy::new(5);
    let last = all.last().unwrap().position;
    for round in 0..points {
        let a = &all[usize::try_from(random.next()).unwrap_or(round) % all.len()];
        let until = match round % 3 {
            0 => Until::Latest,
            1 => Until::Position(a.position),
            _ => Until::At(a.at),
        };
        let folder = format!("restored{round}");
        let restored = world.restore(&folder, until).await.unwrap();
        assert!(restored.is_sound(), "{restored:?}");
        let position = restored.reached.position;
        match until {
            Until::Latest => assert_eq!(position, last),
            // Two writers: at most one more was synced with it.
            Until::Position(p) => assert!((p..p + 2).contains(&position), "{p} {position}"),
            Until::At(at) => {
                assert!(restored.reached.at <= at);
                for known in all.iter().filter(|k| k.known_at <= at) {
                    assert!(
                        known.position <= position,
                        "{known:?} was acknowledged before"
                    );
                }
            }
        }
        let again = world.open_restored(&folder).await;
        compare(&again, &all, position).await;
        again.close().await;
        std::fs::remove_dir_all(world.dir.path().join(folder)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_come_back_with_the_database() {
    let world = World::new();
    let store = world.open().await;
    let mut shipper = world.shipper(&store);
    world.write(&store, 1, 1, 10).await;
    settle(&mut shipper).await;
    let content = vec![9; 300_000];
    let blob = store
        .put_blob(&chain(), None, "image/png", content.clone())
        .await
        .unwrap();
    let owner = testkit::records::key("yarqum", "note", "n1");
    let mut batch = karez_store::Batch::new(testkit::START);
    batch.writes.push(karez_store::Write {
        key: owner.clone(),
        expect: karez_store::Precondition::Absent,
        body: karez_store::WriteBody::Document {
            json: "{}".into(),
            lookups: Vec::new(),
        },
        blobs: vec![blob.clone()],
    });
    store.commit(batch).await.unwrap();
    settle(&mut shipper).await;
    store.close().await;
    let restored = world.restore("again", Until::Latest).await.unwrap();
    assert_eq!(restored.files, 1);
    let again = world.open_restored("again").await;
    let open = again
        .open_blob(&system(), &owner, &blob.address)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(open.all().await.unwrap(), content);
    let scrubbed = again.scrub(None, u64::MAX).await.unwrap();
    assert_eq!((scrubbed.blobs, scrubbed.faulty), (1, Vec::new()));
    again.close().await;
}
