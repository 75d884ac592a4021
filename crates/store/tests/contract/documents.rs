use agreements::Role;
use karez_store::{DocQuery, Lookup, Precondition, Store, StoreError, Stored};

use crate::support::*;

fn query(lookups: Vec<Lookup>) -> DocQuery {
    DocQuery {
        hospital: Some(hospital_id("network")),
        kind: kind("account"),
        lookups,
        after: None,
        limit: 100,
        descending: false,
    }
}

fn ids(found: &[Stored]) -> Vec<&str> {
    found.iter().map(|s| s.key.id.as_str()).collect()
}

async fn put_account(store: &Store, id: &str, lookups: Vec<Lookup>) -> Result<(), StoreError> {
    commit(store, |b| {
        b.put_doc(
            key("network", "account", id),
            Precondition::Any,
            "{}",
            lookups,
        );
    })
    .await
    .map(drop)
}

pub async fn found_by_all_their_lookups(f: Fixture) {
    let tags = |list: &[(&str, &str)]| list.iter().map(|(n, v)| Lookup::new(*n, *v)).collect();
    put_account(
        &f.store,
        "a",
        tags(&[("at", "yarqum"), ("role", "clinician")]),
    )
    .await
    .unwrap();
    put_account(
        &f.store,
        "b",
        tags(&[("at", "yarqum"), ("role", "consultant")]),
    )
    .await
    .unwrap();
    put_account(
        &f.store,
        "c",
        tags(&[("at", "aqtash"), ("role", "consultant")]),
    )
    .await
    .unwrap();
    let both = query(tags(&[("at", "yarqum"), ("role", "consultant")]));
    assert_eq!(
        ids(&f.store.documents(&system(), &both).await.unwrap()),
        ["b"]
    );
    let one = query(tags(&[("role", "consultant")]));
    assert_eq!(
        ids(&f.store.documents(&system(), &one).await.unwrap()),
        ["b", "c"]
    );
    let none = query(tags(&[("role", "operator")]));
    assert!(
        f.store
            .documents(&system(), &none)
            .await
            .unwrap()
            .is_empty()
    );
    let all = query(Vec::new());
    assert_eq!(f.store.documents(&system(), &all).await.unwrap().len(), 3);
}

pub async fn a_unique_value_is_held_once_and_can_be_passed_on(f: Fixture) {
    let mail = |v: &str| vec![Lookup::unique("email", v)];
    put_account(&f.store, "a", mail("x")).await.unwrap();
    let taken = put_account(&f.store, "b", mail("x")).await;
    assert!(matches!(taken, Err(StoreError::Duplicate { name }) if name == "email"));
    // Writing the same document again is no conflict with itself.
    put_account(&f.store, "a", mail("x")).await.unwrap();
    // One batch: `b` takes what `a` gives up, in whichever order they stand.
    commit(&f.store, |batch| {
        batch.put_doc(
            key("network", "account", "b"),
            Precondition::Absent,
            "{}",
            mail("x"),
        );
        batch.put_doc(
            key("network", "account", "a"),
            Precondition::Any,
            "{}",
            mail("y"),
        );
    })
    .await
    .unwrap();
    // A deleted document holds nothing.
    commit(&f.store, |batch| {
        batch.delete(key("network", "account", "b"), Precondition::Any);
    })
    .await
    .unwrap();
    put_account(&f.store, "c", mail("x")).await.unwrap();
}

pub async fn paged_in_order_of_id_both_ways(f: Fixture) {
    for n in 0..7 {
        put_account(&f.store, &format!("a{n}"), vec![Lookup::new("t", "1")])
            .await
            .unwrap();
    }
    for descending in [false, true] {
        let mut seen = Vec::new();
        let mut q = query(vec![Lookup::new("t", "1")]);
        q.limit = 3;
        q.descending = descending;
        loop {
            let page = f.store.documents(&system(), &q).await.unwrap();
            let Some(last) = page.last() else { break };
            q.after = Some(last.key.id.clone());
            seen.extend(page.iter().map(|s| s.key.id.to_string()));
        }
        let mut sorted = seen.clone();
        sorted.sort();
        if descending {
            sorted.reverse();
        }
        assert_eq!(seen, sorted);
        assert_eq!(seen.len(), 7);
    }
}

pub async fn pages_over_all_hospitals_pass_nothing_over(f: Fixture) {
    for h in ["aqtash", "toghraq", "yarqum"] {
        for n in 0..3 {
            commit(&f.store, |b| {
                b.put_doc(
                    key(h, "case", &format!("c{n}")),
                    Precondition::Absent,
                    "{}",
                    vec![Lookup::new("open", "1")],
                );
            })
            .await
            .unwrap();
        }
    }
    let mut q = DocQuery {
        hospital: None,
        kind: kind("case"),
        lookups: vec![Lookup::new("open", "1")],
        after: None,
        limit: 2,
        descending: false,
    };
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let page = f.store.documents(&system(), &q).await.unwrap();
        let Some(last) = page.last() else { break };
        q.after = Some(last.key.id.clone());
        for s in &page {
            assert!(seen.insert(s.key.clone()), "{} twice", s.key);
        }
    }
    assert_eq!(seen.len(), 9);
}

pub async fn an_updated_document_is_found_by_its_new_values_only(f: Fixture) {
    put_account(&f.store, "a", vec![Lookup::new("role", "old")])
        .await
        .unwrap();
    put_account(&f.store, "a", vec![Lookup::new("role", "new")])
        .await
        .unwrap();
    let of = |v: &str| query(vec![Lookup::new("role", v)]);
    assert!(
        f.store
            .documents(&system(), &of("old"))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        f.store
            .documents(&system(), &of("new"))
            .await
            .unwrap()
            .len(),
        1
    );
}

pub async fn staff_read_those_of_their_hospital_and_class(f: Fixture) {
    for h in ["yarqum", "aqtash"] {
        for k in ["case", "service"] {
            commit(&f.store, |b| {
                b.put_doc(key(h, k, "x"), Precondition::Absent, "{}", Vec::new());
            })
            .await
            .unwrap();
        }
    }
    let own = doctor("d", "yarqum", at(0));
    let admin = staff("a", "yarqum", &[Role::Administrator], &[], at(0));
    let can = async |p: &agreements::Permit, h: &str, k: &str| {
        f.store
            .get(p, &key(h, k, "x"), None)
            .await
            .unwrap()
            .is_some()
    };
    assert!(can(&own, "yarqum", "case").await && can(&own, "yarqum", "service").await);
    assert!(!can(&own, "aqtash", "case").await && !can(&own, "aqtash", "service").await);
    assert!(!can(&admin, "yarqum", "case").await && can(&admin, "yarqum", "service").await);
    let mut q = query(Vec::new());
    q.hospital = None;
    assert!(f.store.documents(&own, &q).await.is_err());
}
