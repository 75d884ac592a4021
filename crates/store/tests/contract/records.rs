use karez_store::{Batch, Precondition, StoreError};

use crate::support::*;

pub async fn a_resource_is_read_back_with_its_id_version_and_time(f: Fixture) {
    let k = key("yarqum", "Patient", "p1");
    let done = commit(&f.store, |b| {
        b.put_fhir(k.clone(), Precondition::Absent, patient(1));
    })
    .await
    .unwrap();
    assert_eq!(done.versions, [1]);
    let got = f.store.get(&system(), &k, None).await.unwrap().unwrap();
    let json: serde_json::Value = serde_json::from_slice(got.body.reveal()).unwrap();
    assert_eq!(json["id"], "p1");
    assert_eq!(json["meta"]["versionId"], "1");
    let shown: kernel::Instant = json["meta"]["lastUpdated"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(shown, at(0));
    assert_eq!((got.version, got.at, got.deleted), (1, at(0), false));
    assert_eq!(got.class.as_str(), "demographics");
    assert_eq!(got.patient.unwrap().as_str(), "p1");
    assert_eq!(got.original.reveal().as_ref(), patient(1).as_bytes());
}

pub async fn numbers_and_spaces_stay_as_they_came(f: Fixture) {
    let k = key("yarqum", "Observation", "o1");
    let json = r#"{ "resourceType" : "Observation", "status":"final", "code":{"text":"K"},
        "valueQuantity":{"value":1.10,"unit":"mmol/L"} }"#;
    put(&f.store, &k, json).await;
    let got = f.store.get(&system(), &k, None).await.unwrap().unwrap();
    let text = std::str::from_utf8(got.body.reveal()).unwrap();
    assert!(
        text.contains(r#""valueQuantity":{"value":1.10,"unit":"mmol/L"}"#),
        "{text}"
    );
    assert_eq!(got.original.reveal().as_ref(), json.as_bytes());
}

pub async fn versions_are_counted_and_each_is_kept(f: Fixture) {
    let k = key("yarqum", "Patient", "p1");
    for n in 1..=3u64 {
        let expect = if n == 1 {
            Precondition::Absent
        } else {
            Precondition::Version(n - 1)
        };
        let mut b = Batch::new(at(n as i64));
        b.put_fhir(k.clone(), expect, patient(n));
        assert_eq!(f.store.commit(b).await.unwrap().versions, [n]);
    }
    for n in 1..=3 {
        let got = f.store.get(&system(), &k, Some(n)).await.unwrap().unwrap();
        assert_eq!((got.version, got.at), (n, at(n as i64)));
        assert_eq!(got.original.reveal().as_ref(), patient(n).as_bytes());
    }
    assert!(f.store.get(&system(), &k, Some(4)).await.unwrap().is_none());
    assert!(f.store.get(&system(), &k, Some(0)).await.unwrap().is_none());
}

pub async fn a_delete_is_a_tombstone_and_old_versions_stay(f: Fixture) {
    let k = key("yarqum", "Patient", "p1");
    put(&f.store, &k, patient(1)).await;
    let done = commit(&f.store, |b| {
        b.delete(k.clone(), Precondition::Version(1));
    })
    .await
    .unwrap();
    assert_eq!(done.versions, [2]);
    let got = f.store.get(&system(), &k, None).await.unwrap().unwrap();
    assert!(got.deleted && got.version == 2 && got.body.reveal().is_empty());
    let old = f.store.get(&system(), &k, Some(1)).await.unwrap().unwrap();
    assert_eq!(old.original.reveal().as_ref(), patient(1).as_bytes());
    // Once more changes nothing; what never was cannot be deleted.
    let again = commit(&f.store, |b| {
        b.delete(k.clone(), Precondition::Any);
    })
    .await
    .unwrap();
    assert_eq!(again.versions, [2]);
    let never = commit(&f.store, |b| {
        b.delete(key("yarqum", "Patient", "p2"), Precondition::Any);
    })
    .await;
    assert!(matches!(
        never,
        Err(StoreError::Precondition { found: None, .. })
    ));
}

pub async fn a_deleted_record_can_be_written_again(f: Fixture) {
    let k = key("yarqum", "Patient", "p1");
    put(&f.store, &k, patient(1)).await;
    commit(&f.store, |b| {
        b.delete(k.clone(), Precondition::Any);
    })
    .await
    .unwrap();
    let done = commit(&f.store, |b| {
        b.put_fhir(k.clone(), Precondition::Absent, patient(3));
    })
    .await
    .unwrap();
    assert_eq!(done.versions, [3]);
    let page = f.store.history(&system(), &k, None, 10).await.unwrap();
    let states: Vec<_> = page
        .versions
        .iter()
        .map(|v| (v.version, v.deleted))
        .collect();
    assert_eq!(states, [(3, false), (2, true), (1, false)]);
    assert_eq!(found(&f.store, "Patient", "_id=p1").await, ["p1"]);
}

pub async fn a_failed_precondition_changes_nothing(f: Fixture) {
    let k = key("yarqum", "Patient", "p1");
    put(&f.store, &k, patient(1)).await;
    for expect in [
        Precondition::Absent,
        Precondition::Version(2),
        Precondition::Version(0),
    ] {
        let e = commit(&f.store, |b| {
            b.put_fhir(k.clone(), expect, patient(2));
        })
        .await
        .unwrap_err();
        assert!(
            matches!(&e, StoreError::Precondition { key, found: Some(1) } if *key == k),
            "{e}"
        );
    }
    let got = f.store.get(&system(), &k, None).await.unwrap().unwrap();
    assert_eq!(got.version, 1);
}

pub async fn a_batch_is_all_or_nothing(f: Fixture) {
    let (a, b) = (key("yarqum", "Patient", "a"), key("yarqum", "Patient", "b"));
    put(&f.store, &b, patient(1)).await;
    let refused = commit(&f.store, |batch| {
        batch.put_fhir(a.clone(), Precondition::Absent, patient(2));
        batch.put_fhir(b.clone(), Precondition::Absent, patient(3));
    })
    .await;
    assert!(refused.is_err());
    assert!(f.store.get(&system(), &a, None).await.unwrap().is_none());
    assert_eq!(found(&f.store, "Patient", "identifier=P2").await, [""; 0]);
}

pub async fn the_same_id_in_two_hospitals_is_two_records(f: Fixture) {
    let (y, t) = (
        key("yarqum", "Patient", "p"),
        key("toghraq", "Patient", "p"),
    );
    put(&f.store, &y, patient(1)).await;
    put(&f.store, &t, patient(2)).await;
    let got = f.store.get(&system(), &y, None).await.unwrap().unwrap();
    assert_eq!(got.original.reveal().as_ref(), patient(1).as_bytes());
    assert_eq!(found(&f.store, "Patient", "identifier=P2").await, [""; 0]);
}

pub async fn history_is_paged_newest_first(f: Fixture) {
    let k = key("yarqum", "Patient", "p1");
    for n in 0..5 {
        put(&f.store, &k, patient(n)).await;
    }
    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = f
            .store
            .history(&system(), &k, after.as_deref(), 2)
            .await
            .unwrap();
        seen.extend(page.versions.iter().map(|v| v.version));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    let bad = f.store.history(&system(), &k, Some("x"), 2).await;
    assert!(matches!(bad, Err(StoreError::Cursor)));
}

pub async fn many_are_read_in_the_order_asked(f: Fixture) {
    let keys: Vec<_> = ["c", "a", "none", "b"]
        .iter()
        .map(|i| key("yarqum", "Patient", i))
        .collect();
    for k in keys.iter().filter(|k| k.id.as_str() != "none") {
        put(&f.store, k, patient(1)).await;
    }
    let got = f.store.get_many(&system(), &keys).await.unwrap();
    let ids: Vec<_> = got.iter().map(|s| s.key.id.as_str()).collect();
    assert_eq!(ids, ["c", "a", "b"]);
}

pub async fn what_is_not_json_is_refused(f: Fixture) {
    let k = key("yarqum", "Patient", "p1");
    let e = commit(&f.store, |b| {
        b.put_fhir(k.clone(), Precondition::Any, r#"{"name":"Tursun"#);
    })
    .await
    .unwrap_err();
    assert!(matches!(&e, StoreError::Invalid(_)), "{e}");
    assert!(!e.to_string().contains("Tursun"));
}

pub async fn everything_survives_reopening(f: Fixture) {
    let k = key("yarqum", "Patient", "p1");
    let done = commit(&f.store, |b| {
        b.put_fhir(k.clone(), Precondition::Absent, patient(1));
        b.event("record.written", &k, "{}");
    })
    .await
    .unwrap();
    let f = f.reopened().await;
    assert_eq!(*f.store.watch().borrow(), done.position);
    assert_eq!(found(&f.store, "Patient", "identifier=P1").await, ["p1"]);
    assert_eq!(f.store.events(&system(), 0, 10).await.unwrap().len(), 1);
    assert_eq!(put(&f.store, &k, patient(2)).await, 2);
    f.store.health().await.unwrap();
}
