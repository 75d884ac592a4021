//! Someone edits the database behind the store's back: the chains, the check-up and the ciphers say so.
// Helpers of tests: what cannot go on has failed.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use agreements::{Permit, SystemPurpose};
use karez_store::{
    AuditDraft, Batch, Lookup, Precondition, Store, StoreConfig, StoreError, Write, WriteBody,
};
use kernel::clock::ManualClock;
use testkit::records::{hospital_id, id, key, patient};
use testkit::{START, SeededEntropy};

fn system() -> Permit {
    Permit::system(SystemPurpose::Audit, START)
}

async fn open(dir: &Path, node_key: u8) -> Store {
    Store::open(StoreConfig::new(
        dir,
        seal::NodeKey::new(seal::Secret::from_bytes([node_key; 32])),
        Arc::new(ManualClock::at(START)),
        Arc::new(SeededEntropy::new(1)),
    ))
    .await
    .unwrap()
}

/// A folder with five audit entries of yarqum, a patient, and a document with a file.
async fn folder() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), 1).await;
    for n in 0..5 {
        let mut batch = Batch::new(START);
        batch.audit.push(AuditDraft {
            chain: hospital_id("yarqum"),
            account: None,
            patient: Some(id("p1")),
            action: "read".into(),
            body: bytes::Bytes::from(format!("{{\"n\":{n}}}")).into(),
        });
        store.commit(batch).await.unwrap();
    }
    let blob = store
        .put_blob(
            &hospital_id("yarqum"),
            Some(&id("p1")),
            "text/plain",
            "words",
        )
        .await
        .unwrap();
    let mut batch = Batch::new(START);
    batch.put_fhir(
        key("yarqum", "Patient", "p1"),
        Precondition::Absent,
        patient(1),
    );
    batch.writes.push(Write {
        key: key("yarqum", "note", "n1"),
        expect: Precondition::Absent,
        body: WriteBody::Document {
            json: "{}".into(),
            lookups: vec![Lookup::new("patient", "p1")],
        },
        blobs: vec![blob.clone()],
    });
    store.commit(batch).await.unwrap();
    store.close().await;
    (dir, blob.address)
}

fn edit(dir: &Path, sql: &str) {
    let conn = rusqlite::Connection::open(dir.join("karez.db")).unwrap();
    let changed = conn.execute(sql, []).unwrap();
    assert!(changed > 0, "{sql}");
}

async fn broken_at(dir: &Path) -> Option<u64> {
    let store = open(dir, 1).await;
    let report = store.verify_chain(&system(), &hospital_id("yarqum")).await;
    let found = store.diagnose().await;
    let chains = found.iter().find(|f| f.check == "audit-chains").unwrap();
    let broken = report.unwrap().broken_at;
    assert_eq!(chains.ok, broken.is_none(), "{chains:?}");
    store.close().await;
    broken
}

#[tokio::test]
async fn an_edited_a_missing_and_a_cut_off_audit_entry_are_found() {
    for (sql, expected) in [
        (
            "UPDATE audit SET body = '{\"n\":9}' WHERE number = 3",
            Some(3),
        ),
        ("UPDATE audit SET patient = 'p2' WHERE number = 2", Some(2)),
        ("UPDATE audit SET at = at + 1 WHERE number = 5", Some(5)),
        (
            "UPDATE audit SET hash = zeroblob(32) WHERE number = 1",
            Some(1),
        ),
        ("DELETE FROM audit WHERE number = 4", Some(4)),
        ("DELETE FROM audit WHERE number = 5", Some(5)),
        ("UPDATE audit_head SET number = 4", Some(6)),
    ] {
        let (dir, _) = folder().await;
        assert_eq!(broken_at(dir.path()).await, None);
        edit(dir.path(), sql);
        assert_eq!(broken_at(dir.path()).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn a_record_that_was_edited_alone_is_found() {
    let (dir, _) = folder().await;
    edit(dir.path(), "UPDATE record SET class = 1 WHERE id = 'p1'");
    let store = open(dir.path(), 1).await;
    let found = store.diagnose().await;
    let integrity = found.iter().find(|f| f.check == "integrity").unwrap();
    assert!(
        !integrity.ok && integrity.detail.contains("1 record"),
        "{integrity:?}"
    );
}

#[tokio::test]
async fn an_altered_a_cut_and_a_missing_file_are_found() {
    let (dir, address) = folder().await;
    let path = dir
        .path()
        .join("blobs/yarqum")
        .join(&address[..2])
        .join(&address);
    let whole = std::fs::read(&path).unwrap();
    let owner = key("yarqum", "note", "n1");
    let read = async || {
        let store = open(dir.path(), 1).await;
        let open = store
            .open_blob(&system(), &owner, &address)
            .await
            .unwrap()
            .unwrap();
        let found = store.diagnose().await;
        let blobs = found.into_iter().find(|f| f.check == "blobs").unwrap();
        (open.all().await, blobs.ok)
    };
    let (content, ok) = read().await;
    assert!(ok && content.unwrap() == "words");
    let mut altered = whole.clone();
    altered[0] ^= 1;
    std::fs::write(&path, &altered).unwrap();
    let (content, _) = read().await;
    assert!(matches!(content, Err(StoreError::Damaged(_))));
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let (content, ok) = read().await;
    assert!(content.is_err() && !ok);
    std::fs::remove_file(&path).unwrap();
    let (content, ok) = read().await;
    assert!(matches!(content, Err(StoreError::Damaged(_))) && !ok);
}

#[tokio::test]
async fn without_the_node_key_files_do_not_open() {
    let (dir, address) = folder().await;
    let store = open(dir.path(), 2).await;
    let owner = key("yarqum", "note", "n1");
    let opened = store.open_blob(&system(), &owner, &address).await;
    assert!(matches!(opened, Err(StoreError::Damaged(_))));
}
