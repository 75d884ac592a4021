use jiff::SignedDuration;
use karez_store::{BlobRef, Precondition, Store, StoreError, Write, WriteBody};

use crate::support::*;

const WORDS: &[u8] = b"known words of a report, to be searched for on disk";

fn content(len: usize) -> Vec<u8> {
    WORDS.iter().copied().cycle().take(len).collect()
}

async fn refer(store: &Store, owner: &kernel::RecordKey, blob: &BlobRef) -> Result<(), StoreError> {
    let json = r#"{"resourceType":"DocumentReference","status":"current","subject":{"reference":"Patient/p1"},"content":[{"attachment":{"title":"x"}}]}"#;
    commit(store, |b| {
        b.writes.push(Write {
            key: owner.clone(),
            expect: Precondition::Any,
            body: WriteBody::Fhir(json.into()),
            blobs: vec![blob.clone()],
        });
    })
    .await
    .map(drop)
}

async fn put_one(store: &Store, patient: &str, bytes: Vec<u8>) -> BlobRef {
    store
        .put_blob(
            &hospital_id("yarqum"),
            Some(&id(patient)),
            "application/pdf",
            bytes,
        )
        .await
        .unwrap()
}

pub async fn read_back_whole_and_in_ranges(f: Fixture) {
    let owner = key("yarqum", "DocumentReference", "d1");
    for len in [0, 1, 65_536, 200_001] {
        let bytes = content(len);
        let blob = put_one(&f.store, "p1", bytes.clone()).await;
        assert_eq!(blob.size, len as u64);
        refer(&f.store, &owner, &blob).await.unwrap();
        let open = f
            .store
            .open_blob(&system(), &owner, &blob.address)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(open.all().await.unwrap(), bytes);
        assert_eq!(open.blob.media_type, "application/pdf");
        if len > 70_000 {
            let part = open.range(65_530..65_545).await.unwrap();
            assert_eq!(part, bytes[65_530..65_545]);
            assert!(open.range(0..len as u64 + 1).await.is_err());
        }
        // The same again is the same blob.
        assert_eq!(put_one(&f.store, "p1", bytes).await.address, blob.address);
    }
}

pub async fn a_batch_cannot_refer_to_what_was_not_put(f: Fixture) {
    let mut blob = put_one(&f.store, "p1", content(10)).await;
    blob.address = "0".repeat(64);
    let owner = key("yarqum", "DocumentReference", "d1");
    assert!(refer(&f.store, &owner, &blob).await.is_err());
    assert!(
        f.store
            .get(&system(), &owner, None)
            .await
            .unwrap()
            .is_none()
    );
}

pub async fn opened_only_through_a_readable_owner(f: Fixture) {
    let s = &*f.store;
    let owner = key("yarqum", "DocumentReference", "d1");
    let other = key("yarqum", "Patient", "p1");
    put(s, &other, patient(1)).await;
    let blob = put_one(s, "p1", content(10)).await;
    assert!(
        s.open_blob(&system(), &owner, &blob.address)
            .await
            .unwrap()
            .is_none()
    );
    refer(s, &owner, &blob).await.unwrap();
    let own = doctor("d", "yarqum", at(1));
    let away = doctor("c", "qumtagh", at(1));
    assert!(
        s.open_blob(&own, &owner, &blob.address)
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        s.open_blob(&away, &owner, &blob.address)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        s.open_blob(&own, &other, &blob.address)
            .await
            .unwrap()
            .is_none()
    );
    commit(s, |b| {
        b.delete(owner.clone(), Precondition::Any);
    })
    .await
    .unwrap();
    assert!(
        s.open_blob(&own, &owner, &blob.address)
            .await
            .unwrap()
            .is_none()
    );
}

fn files(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut out = Vec::new();
    for e in std::fs::read_dir(dir).unwrap() {
        let e = e.unwrap();
        if e.file_type().unwrap().is_dir() {
            out.extend(files(&e.path()));
        } else {
            out.push(e.path());
        }
    }
    out
}

pub async fn nothing_readable_on_disk(f: Fixture) {
    let a = put_one(&f.store, "p1", content(500)).await;
    let b = put_one(&f.store, "p2", content(500)).await;
    assert_ne!(
        a.address, b.address,
        "the same file of two patients is two blobs"
    );
    let all = files(f.dir.path());
    assert!(all.iter().any(|p| p.ends_with(&a.address)));
    for path in all {
        let bytes = std::fs::read(&path).unwrap();
        let shown = bytes.windows(WORDS.len()).any(|w| w == WORDS);
        assert!(!shown, "{}", path.display());
    }
}

pub async fn unused_ones_are_swept_after_a_day(f: Fixture) {
    let owner = key("yarqum", "DocumentReference", "d1");
    let used = put_one(&f.store, "p1", content(10)).await;
    let unused = put_one(&f.store, "p1", content(20)).await;
    refer(&f.store, &owner, &used).await.unwrap();
    f.clock.advance(SignedDuration::from_hours(23));
    assert_eq!(f.store.sweep_blobs().await.unwrap(), 0);
    f.clock.advance(SignedDuration::from_hours(2));
    assert_eq!(f.store.sweep_blobs().await.unwrap(), 1);
    let left = files(&f.dir.path().join("blobs"));
    assert_eq!(left.len(), 1);
    assert!(refer(&f.store, &owner, &unused).await.is_err());
    let open = f
        .store
        .open_blob(&system(), &owner, &used.address)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(open.all().await.unwrap(), content(10));
}

pub async fn erasing_a_patient_destroys_theirs_alone(f: Fixture) {
    let s = &*f.store;
    let (d1, d2) = (
        key("yarqum", "DocumentReference", "d1"),
        key("yarqum", "DocumentReference", "d2"),
    );
    let one = put_one(s, "p1", content(10)).await;
    let two = put_one(s, "p2", content(10)).await;
    refer(s, &d1, &one).await.unwrap();
    refer(s, &d2, &two).await.unwrap();
    let kept = std::fs::read(
        files(&f.dir.path().join("blobs"))
            .into_iter()
            .find(|p| p.ends_with(&one.address))
            .unwrap(),
    )
    .unwrap();
    assert!(!kept.is_empty());
    assert_eq!(
        s.erase_patient_key(&hospital_id("yarqum"), &id("p1"))
            .await
            .unwrap(),
        1
    );
    assert!(
        s.open_blob(&system(), &d1, &one.address)
            .await
            .unwrap()
            .is_none()
    );
    assert!(refer(s, &d1, &one).await.is_err());
    let open = s
        .open_blob(&system(), &d2, &two.address)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(open.all().await.unwrap(), content(10));
    assert_eq!(files(&f.dir.path().join("blobs")).len(), 1);
}
