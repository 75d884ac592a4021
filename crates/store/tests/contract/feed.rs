use karez_store::{Precondition, StoreError};

use crate::support::*;

pub async fn events_come_in_commit_order_from_any_position(f: Fixture) {
    for n in 0..5 {
        let k = key("yarqum", "case", &format!("c{n}"));
        commit(&f.store, |b| {
            b.put_doc(k.clone(), Precondition::Absent, "{}", Vec::new());
            b.event("case.made", &k, format!("{{\"n\":{n}}}"));
        })
        .await
        .unwrap();
    }
    let all = f.store.events(&system(), 0, 100).await.unwrap();
    let ids: Vec<_> = all.iter().map(|e| e.subject.id.as_str()).collect();
    assert_eq!(ids, ["c0", "c1", "c2", "c3", "c4"]);
    assert_eq!(all[2].topic, "case.made");
    assert_eq!(all[2].data, "{\"n\":2}");
    assert_eq!(all[2].hospital, hospital_id("yarqum"));
    let rest = f
        .store
        .events(&system(), all[2].position, 100)
        .await
        .unwrap();
    assert_eq!(rest, all[3..]);
    let staff = doctor("d", "yarqum", at(0));
    assert!(f.store.events(&staff, 0, 10).await.is_err());
}

pub async fn a_page_never_ends_within_a_commit(f: Fixture) {
    let k = key("yarqum", "case", "c");
    for _ in 0..2 {
        commit(&f.store, |b| {
            for topic in ["one", "two", "three"] {
                b.event(topic, &k, "{}");
            }
        })
        .await
        .unwrap();
    }
    let page = f.store.events(&system(), 0, 2).await.unwrap();
    assert_eq!(page.len(), 3);
    assert!(page.iter().all(|e| e.position == page[0].position));
    let ordinals: Vec<_> = page.iter().map(|e| e.ordinal).collect();
    assert_eq!(ordinals, [0, 1, 2]);
    let next = f
        .store
        .events(&system(), page[0].position, 2)
        .await
        .unwrap();
    assert_eq!(next.len(), 3);
}

pub async fn a_refused_batch_leaves_no_event_and_no_gap(f: Fixture) {
    let k = key("yarqum", "case", "c");
    let first = commit(&f.store, |b| {
        b.put_doc(k.clone(), Precondition::Absent, "{}", Vec::new());
        b.event("case.made", &k, "{}");
    })
    .await
    .unwrap();
    let refused = commit(&f.store, |b| {
        b.event("case.made", &k, "{}");
        b.put_doc(k.clone(), Precondition::Absent, "{}", Vec::new());
    })
    .await;
    assert!(matches!(refused, Err(StoreError::Precondition { .. })));
    let next = commit(&f.store, |b| {
        b.event("case.sent", &k, "{}");
    })
    .await
    .unwrap();
    assert_eq!(next.position, first.position + 1);
    assert_eq!(f.store.events(&system(), 0, 10).await.unwrap().len(), 2);
}
