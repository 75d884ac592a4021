//! What was erased stays erased in whatever is restored.

use karez_store::backup::erasures::Erasure;
use karez_store::backup::restore::Until;
use karez_store::{Batch, Precondition, Store};
use kernel::{AccountId, Clock as _};
use testkit::records::{id, key};

use crate::world::*;

const WORDS: &str = "words that only patient nine would know";

async fn with_patient(world: &World, store: &Store) -> (kernel::RecordKey, String) {
    let owner = key("yarqum", "DocumentReference", "d1");
    let blob = store
        .put_blob(&chain(), Some(&id("p9")), "text/plain", WORDS)
        .await
        .unwrap();
    let mut batch = Batch::new(world.clock.now());
    let json = format!(
        r#"{{"resourceType":"DocumentReference","status":"current","description":"{WORDS}","subject":{{"reference":"Patient/p9"}},"content":[{{"attachment":{{"title":"x"}}}}]}}"#
    );
    batch.writes.push(karez_store::Write {
        key: owner.clone(),
        expect: Precondition::Absent,
        body: karez_store::WriteBody::Fhir(json.into()),
        blobs: vec![blob.clone()],
    });
    batch.put_fhir(
        key("yarqum", "Patient", "p9"),
        Precondition::Absent,
        r#"{"resourceType":"Patient","name":[{"family":"Nine"}]}"#,
    );
    batch.put_doc(
        key("yarqum", "note", "also"),
        Precondition::Absent,
        format!("\"{WORDS}\""),
        Vec::new(),
    );
    store.commit(batch).await.unwrap();
    (owner, blob.address)
}

async fn gone(store: &Store, owner: &kernel::RecordKey, address: &str) {
    for k in [
        owner,
        &key("yarqum", "Patient", "p9"),
        &key("yarqum", "note", "also"),
    ] {
        let now = store.get(&system(), k, None).await.unwrap().unwrap();
        assert!(now.deleted && now.patient.is_none(), "{k}");
        for version in 1..=now.version {
            let old = store
                .get(&system(), k, Some(version))
                .await
                .unwrap()
                .unwrap();
            assert!(
                old.deleted && old.original.reveal().is_empty(),
                "{k} {version}"
            );
        }
    }
    let opened = store.open_blob(&system(), owner, address).await.unwrap();
    assert!(opened.is_none());
    let found = store.diagnose().await;
    assert!(
        found
            .iter()
            .all(|f| f.ok || ["sync", "space"].contains(&f.check)),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_is_replayed_onto_a_backup_from_before_it() {
    let world = World::new();
    let store = world.open().await;
    let mut shipper = store.shipper(world.shipping(24)).unwrap();
    let (owner, address) = with_patient(&world, &store).await;
    let other = world.write(&store, 1, 1, 10).await;
    settle(&mut shipper).await;
    let before = *store.watch().borrow();
    let erasure = Erasure {
        id: id("0198-erasure"),
        hospital: chain(),
        patient: Some(id("p9")),
        records: vec![key("yarqum", "note", "also")],
        at: world.clock.now(),
        by: AccountId::new("admin").unwrap(),
    };
    let erased = store
        .erase(&erasure, Batch::new(world.clock.now()))
        .await
        .unwrap();
    assert_eq!((erased.records, erased.blobs.len()), (3, 1));
    gone(&store, &owner, &address).await;
    settle(&mut shipper).await;
    store.close().await;
    // Neither the database nor its log, nor any file at either place, shows what it said.
    for path in files(world.dir.path()) {
        let bytes = std::fs::read(&path).unwrap();
        let shown = bytes.windows(WORDS.len()).any(|w| w == WORDS.as_bytes());
        assert!(!shown, "{}", path.display());
    }
    let copies = files(&world.dir.path().join("away/blobs"));
    assert!(copies.is_empty(), "{copies:?}");
    let restored = world
        .restore("before", Until::Position(before))
        .await
        .unwrap();
    assert_eq!((restored.reached.position, restored.erasures), (before, 1));
    assert!(restored.is_sound(), "{restored:?}");
    let again = world.open_restored("before").await;
    gone(&again, &owner, &address).await;
    let kept = again.get(&system(), &other.key, None).await.unwrap();
    assert!(!kept.unwrap().deleted);
    assert_eq!(again.erasures().unwrap(), vec![erasure]);
    let report = again.verify_chain(&system(), &chain()).await.unwrap();
    // The one of the write, and the one that says that the erasure was done again.
    assert_eq!((report.broken_at, report.entries), (None, 2));
    again.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_moved_to_another_patient_keeps_its_content_there_alone() {
    let world = World::new();
    let store = world.open().await;
    let k = key("yarqum", "Observation", "o1");
    for (patient, value) in [("p9", 1), ("p2", 2)] {
        let mut batch = Batch::new(world.clock.now());
        let json = format!(
            r#"{{"resourceType":"Observation","status":"final","code":{{"text":"v{value}"}},"subject":{{"reference":"Patient/{patient}"}}}}"#
        );
        batch.put_fhir(k.clone(), Precondition::Any, json);
        store.commit(batch).await.unwrap();
    }
    let erasure = Erasure {
        id: id("0198-moved"),
        hospital: chain(),
        patient: Some(id("p9")),
        records: Vec::new(),
        at: world.clock.now(),
        by: AccountId::new("admin").unwrap(),
    };
    let erased = store
        .erase(&erasure, Batch::new(world.clock.now()))
        .await
        .unwrap();
    assert_eq!((erased.records, erased.versions), (0, 1));
    let first = store.get(&system(), &k, Some(1)).await.unwrap().unwrap();
    assert!(first.deleted && first.original.reveal().is_empty());
    let now = store.get(&system(), &k, None).await.unwrap().unwrap();
    assert!(!now.deleted && !now.original.reveal().is_empty());
    store.close().await;
}
