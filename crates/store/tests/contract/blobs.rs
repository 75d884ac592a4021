use jiff::SignedDuration;
use karez_store::backup::erasures::Erasure;
use karez_store::{Batch, BlobRef, Fault, Precondition, Store, StoreError, Write, WriteBody};
use kernel::AccountId;

use crate::bucket;
use crate::support::*;

const WORDS: &[u8] = b"known words of a report, to be searched for on disk";

fn content(len: usize) -> Vec<u8> {
    WORDS.iter().copied().cycle().take(len).collect()
}

async fn refer(store: &Store, owner: &kernel::RecordKey, blob: &BlobRef) -> Result<(), StoreError> {
    let patient = blob.patient.as_ref().map_or("p1", |p| p.as_str());
    let json = format!(
        r#"{{"resourceType":"DocumentReference","status":"current","subject":{{"reference":"Patient/{patient}"}},"content":[{{"attachment":{{"title":"x"}}}}]}}"#
    );
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

pub async fn open_under_a_new_node_key_alone_once_wrapped_anew(f: Fixture) {
    let owner = key("yarqum", "DocumentReference", "d1");
    let blob = put_one(&f.store, "p1", content(1_000)).await;
    refer(&f.store, &owner, &blob).await.unwrap();
    let new = seal::NodeKey::succeeding(&node_key(), &testkit::SeededEntropy::new(9));
    let f = f.reopened_under(new.clone()).await;
    // The secret of the hospital and the key of the patient.
    assert_eq!(f.store.rewrap_keys().await.unwrap(), 2);
    assert_eq!(f.store.rewrap_keys().await.unwrap(), 0);
    let text = new.to_text();
    let alone = seal::NodeKey::from_text(text.lines().next().unwrap()).unwrap();
    let f = f.reopened_under(alone).await;
    let open = f
        .store
        .open_blob(&system(), &owner, &blob.address)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(open.all().await.unwrap(), content(1_000));
    assert_eq!(
        put_one(&f.store, "p1", content(1_000)).await.address,
        blob.address
    );
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
    let all = bucket::stored(&f.files).await;
    assert!(all.iter().any(|(name, _)| name.ends_with(&a.address)));
    for (name, bytes) in all {
        let shown = bytes.windows(WORDS.len()).any(|w| w == WORDS);
        assert!(!shown, "{name}");
    }
    for path in files(f.dir.path()) {
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
    assert_eq!(bucket::stored(&f.files).await.len(), 1);
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
    assert_eq!(bucket::stored(&f.files).await.len(), 2);
    let erasure = Erasure {
        id: id("e1"),
        hospital: hospital_id("yarqum"),
        patient: Some(id("p1")),
        records: Vec::new(),
        at: at(1),
        by: AccountId::new("admin").unwrap(),
    };
    let erased = s.erase(&erasure, Batch::new(at(1))).await.unwrap();
    assert_eq!((erased.records, erased.blobs.len()), (1, 1));
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
    assert_eq!(bucket::stored(&f.files).await.len(), 1);
}

pub async fn large_ones_go_in_parts(f: Fixture) {
    let owner = key("yarqum", "DocumentReference", "d1");
    // Two parts and a bit, and exactly two.
    for len in [(17 << 20) + 5, 16 << 20] {
        let bytes: Vec<u8> = (0..len).map(|i| (i * 31 % 251) as u8).collect();
        let blob = put_one(&f.store, "p1", bytes.clone()).await;
        refer(&f.store, &owner, &blob).await.unwrap();
        let found = f.store.open_blob(&system(), &owner, &blob.address).await;
        let open = found.unwrap().unwrap();
        let (a, b) = ((8 << 20) - 3, (8 << 20) + 70_000);
        let part = open.range(a as u64..b as u64).await.unwrap();
        assert_eq!(part, bytes[a..b]);
        assert!(open.all().await.unwrap() == bytes);
    }
}

pub async fn scrubbing_finds_what_is_missing_altered_or_exchanged(f: Fixture) {
    let mut blobs = Vec::new();
    for n in 0..6 {
        blobs.push(put_one(&f.store, "p1", content(100_000 + n)).await);
    }
    let whole = f.store.scrub(None, u64::MAX).await.unwrap();
    assert_eq!(
        (whole.blobs, whole.faulty, whole.next),
        (6, Vec::new(), None)
    );
    let all = bucket::stored(&f.files).await;
    let of = |n: usize| {
        all.iter()
            .find(|(name, _)| name.ends_with(&blobs[n].address))
            .unwrap()
    };
    let mut altered = of(1).1.clone();
    altered[70_000] ^= 1;
    bucket::replace(&f.files, &of(0).0, None).await;
    bucket::replace(&f.files, &of(1).0, Some(altered)).await;
    bucket::replace(&f.files, &of(2).0, Some(of(3).1.clone())).await;
    // In stretches: each goes on where the last one ended.
    let (mut next, mut faulty, mut seen, mut rounds) = (None, Vec::new(), 0, 0);
    loop {
        let done = f.store.scrub(next, 150_000).await.unwrap();
        seen += done.blobs;
        rounds += 1;
        faulty.extend(done.faulty.into_iter().map(|b| (b.address, b.fault)));
        next = done.next;
        if next.is_none() {
            break;
        }
    }
    assert!(seen == 6 && rounds >= 3, "{seen} in {rounds}");
    faulty.sort_by(|a, b| a.0.cmp(&b.0));
    let mut expected = vec![
        (blobs[0].address.clone(), Fault::Missing),
        (blobs[1].address.clone(), Fault::Damaged),
        // Another length: cut off is as bad as missing.
        (blobs[2].address.clone(), Fault::Missing),
    ];
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(faulty, expected);
}
