use std::collections::BTreeSet;
use std::sync::Arc;

use karez_store::{Batch, Precondition, StoreError};

use crate::support::*;

pub async fn of_two_writers_on_one_version_one_wins(f: Fixture) {
    let k = key("yarqum", "Patient", "p1");
    put(&f.store, &k, patient(0)).await;
    for round in 1..=20u64 {
        let tasks: Vec<_> = (0..4)
            .map(|n| {
                let (store, k) = (Arc::clone(&f.store), k.clone());
                tokio::spawn(async move {
                    let mut b = Batch::new(at(0));
                    b.put_fhir(k, Precondition::Version(round), patient(n));
                    store.commit(b).await
                })
            })
            .collect();
        let mut won = 0;
        for t in tasks {
            match t.await.unwrap() {
                Ok(done) => {
                    assert_eq!(done.versions, [round + 1]);
                    won += 1;
                }
                Err(StoreError::Precondition { found, .. }) => assert_eq!(found, Some(round + 1)),
                Err(e) => panic!("{e}"),
            }
        }
        assert_eq!(won, 1);
    }
}

pub async fn a_refused_batch_does_not_touch_its_neighbours(f: Fixture) {
    // Queued together they are likely one group: half of them must fail alone.
    let taken = key("yarqum", "Patient", "taken");
    put(&f.store, &taken, patient(0)).await;
    let tasks: Vec<_> = (0..200u64)
        .map(|n| {
            let (store, taken) = (Arc::clone(&f.store), taken.clone());
            tokio::spawn(async move {
                let k = key("yarqum", "Patient", &format!("n{n}"));
                let mut b = Batch::new(at(0));
                b.put_fhir(k.clone(), Precondition::Absent, patient(n));
                b.event("record.written", &k, "{}");
                if n % 2 == 1 {
                    b.put_fhir(taken, Precondition::Absent, patient(n));
                }
                (n, store.commit(b).await)
            })
        })
        .collect();
    let mut positions = BTreeSet::new();
    for t in tasks {
        let (n, result) = t.await.unwrap();
        let k = key("yarqum", "Patient", &format!("n{n}"));
        let there = f.store.get(&system(), &k, None).await.unwrap().is_some();
        assert_eq!((result.is_ok(), there), (n % 2 == 0, n % 2 == 0), "{n}");
        if let Ok(done) = result {
            assert!(
                positions.insert(done.position),
                "a position was given twice"
            );
        }
    }
    let events = f.store.events(&system(), 0, 1000).await.unwrap();
    let fed: BTreeSet<u64> = events.iter().map(|e| e.position).collect();
    assert_eq!(fed, positions);
}

pub async fn the_watch_moves_before_the_answer(f: Fixture) {
    let mut watch = f.store.watch();
    let k = key("yarqum", "case", "c");
    for _ in 0..10 {
        let done = commit(&f.store, |b| {
            b.event("case.changed", &k, "{}");
        })
        .await
        .unwrap();
        assert!(watch.has_changed().unwrap());
        assert!(*watch.borrow_and_update() >= done.position);
    }
}

pub async fn pages_are_right_while_others_write(f: Fixture) {
    for n in 0..30 {
        put(
            &f.store,
            &key("yarqum", "Patient", &format!("a{n:02}")),
            patient(n),
        )
        .await;
    }
    let there: BTreeSet<String> = (0..30).map(|n| format!("a{n:02}")).collect();
    for sort in [
        "",
        "&_sort=family",
        "&_sort=-_lastUpdated",
        "&_sort=birthdate,-_id",
    ] {
        let mut seen = Vec::new();
        let mut text = format!("_count=4{sort}");
        let mut n = 100;
        loop {
            let page = find(&f.store, &system(), "Patient", &text).await.unwrap();
            seen.extend(ids(&page));
            // New ones come in between; what was there before is shown once all the same.
            put(
                &f.store,
                &key(
                    "yarqum",
                    "Patient",
                    &format!("b{sort:?}{n}").replace(|c: char| !c.is_ascii_alphanumeric(), ""),
                ),
                patient(n),
            )
            .await;
            n += 1;
            let Some(next) = page.next else { break };
            text = format!("_count=4{sort}&_cursor={next}");
            assert!(n < 200, "no end");
        }
        let set: BTreeSet<String> = seen.iter().cloned().collect();
        assert_eq!(set.len(), seen.len(), "{sort}: shown twice");
        assert!(there.is_subset(&set), "{sort}: passed over");
    }
}

pub async fn history_and_current_agree_while_others_write(f: Fixture) {
    let k = key("yarqum", "Patient", "p1");
    put(&f.store, &k, patient(0)).await;
    let (store, other) = (Arc::clone(&f.store), k.clone());
    let writer = tokio::spawn(async move {
        for n in 1..60 {
            put(&store, &other, patient(n)).await;
        }
    });
    while !writer.is_finished() {
        let page = f.store.history(&system(), &k, None, 1000).await.unwrap();
        let versions: Vec<u64> = page.versions.iter().map(|v| v.version).collect();
        let newest = versions[0];
        assert_eq!(versions, (1..=newest).rev().collect::<Vec<_>>());
        let now = f.store.get(&system(), &k, None).await.unwrap().unwrap();
        assert!(now.version >= newest);
        assert_eq!(
            now.original.reveal().as_ref(),
            patient(now.version - 1).as_bytes()
        );
    }
    writer.await.unwrap();
}

pub async fn a_second_process_may_write_too(f: Fixture) {
    // The command line beside a node that serves: what each remembers must not go stale.
    let beside = f.beside().await;
    let mut positions = BTreeSet::new();
    for n in 0..20u64 {
        let store = if n % 2 == 0 { &f.store } else { &beside };
        let k = key(&format!("h{}", n / 3), "Patient", &format!("p{n}"));
        let done = commit(store, |b| {
            b.put_fhir(k.clone(), Precondition::Absent, patient(n));
            b.event("record.written", &k, "{}");
        })
        .await
        .unwrap();
        assert!(positions.insert(done.position));
        for store in [&f.store, &beside] {
            let got = store.get(&system(), &k, None).await.unwrap().unwrap();
            assert_eq!(got.original.reveal().as_ref(), patient(n).as_bytes());
        }
    }
    assert_eq!(f.store.events(&system(), 0, 100).await.unwrap().len(), 20);
}

pub async fn no_reader_sees_a_position_before_its_predecessor(f: Fixture) {
    // Two processes, or nodes, each with several writers.
    let stores = [Arc::clone(&f.store), Arc::new(f.beside().await)];
    let writers: Vec<_> = (0..8usize)
        .map(|w| {
            let store = Arc::clone(&stores[w % 2]);
            tokio::spawn(async move {
                let k = key("yarqum", "case", &format!("c{w}"));
                for _ in 0..15 {
                    commit(&store, |b| {
                        b.event("case.changed", &k, "{}");
                    })
                    .await
                    .unwrap();
                }
            })
        })
        .collect();
    let reader = Arc::clone(&stores[1]);
    let mut seen = 0;
    let mut looked = 0;
    loop {
        let done = writers.iter().all(tokio::task::JoinHandle::is_finished);
        for event in reader.events(&system(), seen, 1_000).await.unwrap() {
            assert_eq!(event.position, seen + 1, "a position came late");
            seen = event.position;
        }
        looked += 1;
        if done {
            break;
        }
    }
    for w in writers {
        w.await.unwrap();
    }
    assert_eq!(seen, 120, "after {looked} looks");
    // Each node hears of the other's commits by itself.
    for store in stores.iter().filter(|_| f.hears_others()) {
        let mut watch = store.watch();
        let heard = watch.wait_for(|p| *p == 120);
        tokio::time::timeout(std::time::Duration::from_secs(5), heard)
            .await
            .expect("the other's commits are heard of")
            .unwrap();
    }
    stores[1].close().await;
}
