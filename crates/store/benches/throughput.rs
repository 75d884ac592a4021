//! `cargo bench -p karez-store`: commits, reads and searches over 100,000 resources on this machine's disk.
//!
//! `KAREZ_BENCH_RESOURCES` changes the number. Each commit writes one resource, its audit entry and its event.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Instant as Stopwatch;

use agreements::{Actor, ActorKind, Permit, Role};
use karez_store::{AuditDraft, Batch, Precondition, Store, StoreConfig};
use kernel::{AccountId, Instant, RecordKey, SystemClock, SystemEntropy};
use testkit::records::{hospital_id, key, patient, potassium};

fn now() -> Instant {
    testkit::START
}

fn doctor() -> Permit {
    let actor = Actor {
        account: AccountId::new("d1").unwrap(),
        kind: ActorKind::Staff,
        hospital: Some(hospital_id("yarqum")),
        roles: [Role::Clinician].into(),
        privileges: Default::default(),
        linked: Vec::new(),
    };
    Permit::of(&actor, now())
}

fn resource(n: u64) -> (RecordKey, String) {
    if n.is_multiple_of(5) {
        (key("yarqum", "Patient", &format!("p{}", n / 5)), patient(n))
    } else {
        let p = format!("p{}", n / 5);
        (
            key("yarqum", "Observation", &format!("o{n}")),
            potassium(&p, n),
        )
    }
}

fn batch(n: u64) -> Batch {
    let (k, json) = resource(n);
    let mut b = Batch::new(now());
    b.audit.push(AuditDraft {
        chain: k.hospital.clone(),
        account: None,
        patient: None,
        action: "create".into(),
        body: bytes::Bytes::from("{\"resourceType\":\"AuditEvent\"}".repeat(20)).into(),
    });
    b.event("record.written", &k, "{}");
    b.put_fhir(k, Precondition::Absent, json);
    b
}

fn show(what: &str, mut us: Vec<f64>) {
    us.sort_by(f64::total_cmp);
    let at = |q: f64| us[((us.len() - 1) as f64 * q) as usize];
    println!(
        "{what:<58} p50 {:>9.1} µs   p99 {:>9.1} µs",
        at(0.5),
        at(0.99)
    );
}

async fn creates(store: &Arc<Store>, from: u64, to: u64, writers: u64) {
    let started = Stopwatch::now();
    let tasks: Vec<_> = (0..writers)
        .map(|w| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let mut took = Vec::new();
                for n in (from + w..to).step_by(writers as usize) {
                    let b = batch(n);
                    let one = Stopwatch::now();
                    store.commit(b).await.unwrap();
                    took.push(one.elapsed().as_secs_f64() * 1e6);
                }
                took
            })
        })
        .collect();
    let mut took = Vec::new();
    for t in tasks {
        took.extend(t.await.unwrap());
    }
    let rate = (to - from) as f64 / started.elapsed().as_secs_f64();
    show(
        &format!("create, {writers} writers, {rate:.0} per second"),
        took,
    );
}

async fn imports(store: &Store, from: u64, to: u64) {
    let started = Stopwatch::now();
    for start in (from..to).step_by(500) {
        let mut all = Batch::new(now());
        for n in start..(start + 500).min(to) {
            let b = batch(n);
            all.writes.extend(b.writes);
            all.events.extend(b.events);
        }
        store.commit(all).await.unwrap();
    }
    let rate = (to - from) as f64 / started.elapsed().as_secs_f64();
    println!("import in batches of 500, {rate:.0} resources per second");
}

async fn reads(store: &Store, upto: u64) {
    let permit = doctor();
    let mut took = Vec::new();
    for i in 0..5_000u64 {
        let (k, _) = resource(i.wrapping_mul(7_919) % upto);
        let one = Stopwatch::now();
        assert!(store.get(&permit, &k, None).await.unwrap().is_some());
        took.push(one.elapsed().as_secs_f64() * 1e6);
    }
    show("read by id", took);
}

async fn searches(store: &Store) {
    let permit = doctor();
    let hospital = hospital_id("yarqum");
    for (kind, text) in [
        ("Patient", "identifier=urn:test:mrn|P50000"),
        ("Patient", "family=tursun&birthdate=1970-05-15"),
        ("Patient", "family=tur&_count=20"),
        ("Patient", "gender=female&_count=20"),
        ("Patient", "_sort=family&_count=20"),
        ("Patient", "_sort=-_lastUpdated&_count=20"),
        ("Observation", "subject=Patient/p777&_sort=-date"),
        (
            "Observation",
            "subject=Patient/p777&code=http://loinc.org|2823-3&_include=Observation:subject",
        ),
        ("Observation", "code=http://loinc.org|2823-3&_count=20"),
        (
            "Observation",
            "code=http://loinc.org|2823-3&date=ge2026-05&_count=20",
        ),
        (
            "Observation",
            "code=http://loinc.org|2823-3&value-quantity=gt5.8&_count=20",
        ),
        ("Observation", "code=2823-3&_sort=-date&_count=20"),
        ("Observation", "category=laboratory&_summary=count"),
    ] {
        let options = fhir::search::ParseOptions {
            lenient: false,
            own_base: "",
            now: now(),
        };
        let query = fhir::search::parse(kind, text, &options).unwrap();
        let mut took = Vec::new();
        let limit = Stopwatch::now();
        while took.len() < 200 && limit.elapsed().as_secs() < 2 {
            let one = Stopwatch::now();
            store.search(&permit, &hospital, &query).await.unwrap();
            took.push(one.elapsed().as_secs_f64() * 1e6);
        }
        show(&format!("{kind}?{text}"), took);
    }
}

#[tokio::main]
async fn main() {
    let total: u64 = std::env::var("KAREZ_BENCH_RESOURCES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(100_000);
    let dir = tempfile::tempdir_in(".").unwrap();
    let node_key = seal::NodeKey::new(seal::Secret::from_bytes([1; 32]));
    let config = StoreConfig::new(
        dir.path(),
        node_key,
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
    );
    let store = Arc::new(Store::open(config).await.unwrap());
    creates(&store, 0, 500, 1).await;
    creates(&store, 500, 10_000, 64).await;
    creates(&store, 10_000, 30_000, 512).await;
    imports(&store, 30_000, total.max(30_001)).await;
    reads(&store, total.max(30_001)).await;
    searches(&store).await;
    store.close().await;
}
