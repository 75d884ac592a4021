//! A node that writes, its backup, and how both are compared.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agreements::{Permit, SystemPurpose};
use jiff::SignedDuration;
use karez_store::backup::restore::{Restore, Restored, Until};
use karez_store::backup::ship::{ShipStatus, Shipper, Shipping};
use karez_store::{AuditDraft, Batch, Place, Precondition, Store, StoreConfig, StoreError};
use kernel::clock::ManualClock;
use kernel::{Clock as _, HospitalId, Instant, RecordKey};
use testkit::records::{hospital_id, id, key};
use testkit::{START, SeededEntropy};

pub struct World {
    pub dir: tempfile::TempDir,
    pub clock: ManualClock,
}

/// One acknowledged write.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    pub position: u64,
    pub at: Instant,
    pub key: RecordKey,
    pub version: u64,
    pub json: String,
    /// What the clock showed once it was acknowledged.
    pub known_at: Instant,
}

pub fn node_key(n: u8) -> seal::NodeKey {
    seal::NodeKey::new(seal::Secret::from_bytes([n; 32]))
}

pub fn system() -> Permit {
    Permit::system(SystemPurpose::Audit, START)
}

pub fn chain() -> HospitalId {
    hospital_id("yarqum")
}

pub fn observation(n: u64, value: u64, bytes: usize) -> String {
    format!(
        r#"{{"resourceType":"Observation","status":"final","code":{{"coding":[{{"system":"urn:t","code":"c{value}"}}]}},"subject":{{"reference":"Patient/p{}"}},"note":[{{"text":"{}"}}]}}"#,
        n % 7,
        "x".repeat(bytes)
    )
}

impl World {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            clock: ManualClock::at(START),
        }
    }

    pub fn place(&self) -> Place {
        Place::Folder(self.dir.path().join("away"))
    }

    pub fn config(&self, folder: &str) -> StoreConfig {
        let mut config = StoreConfig::new(
            self.dir.path().join(folder),
            node_key(7),
            Arc::new(self.clock.clone()),
            Arc::new(SeededEntropy::new(folder.bytes().map(u64::from).sum())),
        );
        config.ship = true;
        config
    }

    pub async fn open(&self) -> Arc<Store> {
        Arc::new(Store::open(self.config("node")).await.unwrap())
    }

    pub fn shipper(&self, store: &Store) -> Shipper {
        store.shipper(self.shipping(0)).unwrap()
    }

    pub fn shipping(&self, base_hours: u32) -> Shipping {
        Shipping {
            place: self.place(),
            every: Duration::from_millis(20),
            base_hours,
            keep_days: 7,
            wait_bytes_max: 1 << 30,
        }
    }

    pub fn restore_plan(&self, folder: &str, until: Until) -> Restore {
        Restore {
            from: self.place(),
            database: karez_store::DatabaseKind::Sqlite,
            dir: self.dir.path().join(folder),
            blobs: None,
            until,
            key: node_key(7),
            erasures: None,
            clock: Arc::new(self.clock.clone()),
            entropy: Arc::new(SeededEntropy::new(99)),
        }
    }

    pub async fn restore(&self, folder: &str, until: Until) -> Result<Restored, StoreError> {
        self.restore_plan(folder, until).run().await
    }

    pub async fn open_restored(&self, folder: &str) -> Store {
        Store::open(self.config(folder)).await.unwrap()
    }

    /// A new version of observation `n`, with one audit entry.
    pub async fn write(&self, store: &Store, n: u64, value: u64, bytes: usize) -> Acknowledged {
        self.clock.advance(SignedDuration::from_millis(10));
        let at = self.clock.now();
        let k = key("yarqum", "Observation", &format!("o{n}"));
        let json = observation(n, value, bytes);
        let mut batch = Batch::new(at);
        batch.put_fhir(k.clone(), Precondition::Any, json.clone());
        batch.audit.push(AuditDraft {
            chain: chain(),
            account: None,
            patient: Some(id(&format!("p{}", n % 7))),
            action: "write".into(),
            body: bytes::Bytes::from(format!("{{\"n\":{n}}}")).into(),
        });
        let done = store.commit(batch).await.unwrap();
        Acknowledged {
            position: done.position,
            at,
            key: k,
            version: done.versions[0],
            json,
            known_at: self.clock.now(),
        }
    }
}

/// Runs turns until everything is away and a base is there.
pub async fn settle(shipper: &mut Shipper) -> ShipStatus {
    for _ in 0..500 {
        shipper.turn().await;
        let status = shipper.status().lock().unwrap().clone();
        assert_eq!(status.trouble, None);
        if status.base_at.is_some() && status.waiting_bytes == 0 {
            return status;
        }
        tokio::time::timeout(Duration::from_millis(5), std::future::pending::<()>())
            .await
            .unwrap_err();
    }
    panic!("no base was taken");
}

pub async fn codes(store: &Store, code: &str) -> Vec<String> {
    let options = fhir::search::ParseOptions {
        lenient: false,
        own_base: "",
        now: START,
    };
    let query =
        fhir::search::parse("Observation", &format!("code={code}&_count=1000"), &options).unwrap();
    let page = store.search(&system(), &chain(), &query).await.unwrap();
    let mut ids: Vec<String> = page.matches.iter().map(|m| m.key.id.to_string()).collect();
    ids.sort();
    ids
}

/// The store holds what was acknowledged up to `position`, and nothing else.
pub async fn compare(store: &Store, all: &[Acknowledged], position: u64) {
    assert_eq!(*store.watch().borrow(), position);
    let kept: Vec<&Acknowledged> = all.iter().filter(|a| a.position <= position).collect();
    for a in &kept {
        let got = store.get(&system(), &a.key, Some(a.version)).await.unwrap();
        let got = got.unwrap_or_else(|| panic!("{} version {}", a.key, a.version));
        assert_eq!(got.original.reveal().as_ref(), a.json.as_bytes());
    }
    for a in all.iter().filter(|a| a.position > position) {
        let got = store.get(&system(), &a.key, Some(a.version)).await.unwrap();
        assert!(got.is_none(), "{} came after the point", a.position);
    }
    let report = store.verify_chain(&system(), &chain()).await.unwrap();
    assert_eq!((report.broken_at, report.entries), (None, position));
    for value in 0..5 {
        let code = format!("\"code\":\"c{value}\"");
        let mut newest = std::collections::BTreeMap::new();
        for a in &kept {
            let entry = newest.entry(a.key.id.to_string()).or_insert(*a);
            if a.version > entry.version {
                *entry = a;
            }
        }
        let expected: Vec<String> = newest
            .into_iter()
            .filter(|(_, a)| a.json.contains(&code))
            .map(|(id, _)| id)
            .collect();
        assert_eq!(codes(store, &format!("c{value}")).await, expected);
    }
}

pub fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut out = Vec::new();
    let Ok(entries) = std::fs::read_dir(dir) else {
        return out;
    };
    for e in entries {
        let e = e.unwrap();
        if e.file_type().unwrap().is_dir() {
            out.extend(files(&e.path()));
        } else {
            out.push(e.path());
        }
    }
    out
}
