//! A disk that is full: nothing is acknowledged that is not kept, the state says so, reads go on, and writing goes on
//! without a restart when there is room again.
// Helpers of tests: what cannot go on has failed.
#![allow(clippy::unwrap_used)]

use agreements::{Permit, SystemPurpose};
use karez_store::sqlite::{SqliteDatabase, SqliteOptions};
use karez_store::{Batch, Database, Precondition, StoreError};
use kernel::{Instant, RecordKey};

fn at(s: i64) -> Instant {
    Instant::from_second(s).unwrap()
}

fn big(n: u64) -> (RecordKey, String) {
    let key = RecordKey::parse("yarqum", "note", &format!("n{n}")).unwrap();
    (key, format!("\"{}\"", "x".repeat(20_000)))
}

async fn write(db: &SqliteDatabase, n: u64) -> Result<u64, StoreError> {
    let (key, json) = big(n);
    let mut batch = Batch::new(at(1));
    batch.put_doc(key, Precondition::Absent, json, Vec::new());
    db.commit(batch).await.map(|done| done.position)
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_heals() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = SqliteOptions::new(dir.path().join("db"), seal::Secret::from_bytes([1; 32]));
    options.size_max_bytes = Some(1 << 20);
    let db = SqliteDatabase::open(&options).unwrap();
    let permit = Permit::system(SystemPurpose::Job, at(1));
    let mut kept = Vec::new();
    let refused = loop {
        let n = kept.len() as u64;
        match write(&db, n).await {
            Ok(position) => kept.push(position),
            Err(e) => break e,
        }
        assert!(kept.len() < 200, "the disk never filled");
    };
    assert!(kept.len() > 5);
    assert!(matches!(refused, StoreError::Full(_)), "{refused}");
    assert!(
        matches!(db.health().await, Err(StoreError::Full(_))) || write(&db, 900).await.is_err()
    );
    // Reads go on, and show what was acknowledged, nothing else.
    for n in 0..kept.len() as u64 {
        let (key, json) = big(n);
        let got = db.get(&permit, &key, None).await.unwrap().unwrap();
        assert_eq!(got.body.reveal().as_ref(), json.as_bytes());
    }
    let (lost, _) = big(kept.len() as u64);
    assert!(db.get(&permit, &lost, None).await.unwrap().is_none());
    // There is room again.
    db.set_size_max_bytes(None);
    db.health().await.unwrap();
    let next = write(&db, kept.len() as u64).await.unwrap();
    assert_eq!(next, kept.last().unwrap() + 1, "positions have no gap");
    db.close().await;
    assert!(matches!(
        write(&db, 901).await,
        Err(StoreError::Unavailable(_))
    ));
}
