//! The store opened over a folder: what is written is read back, also after it is opened again.

use std::sync::Arc;

use agreements::{Permit, SystemPurpose};
use karez_store::{
    AuditDraft, Batch, DocQuery, Lookup, Precondition, Store, StoreConfig, StoreError,
};
use kernel::{HospitalId, Instant, RecordKey, SystemClock, SystemEntropy};

fn at(s: i64) -> Instant {
    Instant::from_second(s).unwrap()
}

fn system() -> Permit {
    Permit::system(SystemPurpose::Job, at(1_000))
}

async fn open(dir: &std::path::Path) -> Store {
    let key = seal::NodeKey::new(seal::Secret::from_bytes([7; 32]));
    Store::open(StoreConfig::new(
        dir,
        key,
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
    ))
    .await
    .unwrap()
}

#[tokio::test]
async fn a_document_its_audit_and_its_event_survive_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let key = RecordKey::parse("network", "account", "a1").unwrap();
    {
        let store = open(dir.path()).await;
        let mut watch = store.watch();
        let mut batch = Batch::new(at(5));
        batch.put_doc(
            key.clone(),
            Precondition::Absent,
            r#"{"n":1.10}"#,
            vec![Lookup::unique("email", "a@b")],
        );
        batch.event("account.made", &key, "{}");
        batch.audit.push(AuditDraft {
            chain: HospitalId::network(),
            account: None,
            patient: None,
            action: "make".into(),
            body: bytes::Bytes::from_static(b"{}").into(),
        });
        let done = store.commit(batch).await.unwrap();
        assert_eq!((done.position, done.versions), (1, vec![1]));
        assert_eq!(*watch.borrow_and_update(), 1);

        let mut again = Batch::new(at(6));
        again.put_doc(
            RecordKey::parse("network", "account", "a2").unwrap(),
            Precondition::Absent,
            "{}",
            vec![Lookup::unique("email", "a@b")],
        );
        let e = store.commit(again).await.unwrap_err();
        assert!(matches!(e, StoreError::Duplicate { name } if name == "email"));
        store.close().await;
    }
    let store = open(dir.path()).await;
    let got = store.get(&system(), &key, None).await.unwrap().unwrap();
    assert_eq!(got.body.reveal().as_ref(), br#"{"n":1.10}"#);
    assert_eq!(got.at, at(5));
    let found = store
        .documents(
            &system(),
            &DocQuery {
                hospital: None,
                kind: key.kind.clone(),
                lookups: vec![Lookup::new("email", "a@b")],
                after: None,
                limit: 10,
                descending: false,
            },
        )
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    let events = store.events(&system(), 0, 10).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].topic, "account.made");
    let report = store
        .verify_chain(&system(), &HospitalId::network())
        .await
        .unwrap();
    assert_eq!((report.entries, report.broken_at), (1, None));
}
