//! Fixtures and short words for the suite.

use std::path::Path;
use std::sync::Arc;

use agreements::permit::Reader;
use agreements::{Actor, ActorKind, Permit, Privilege, Role, SystemPurpose};
use karez_store::{Batch, Committed, Precondition, SearchPage, Store, StoreConfig, StoreError};
use kernel::clock::ManualClock;
use kernel::{AccountId, Instant, RecordKey};
use testkit::SeededEntropy;
pub use testkit::records::{hospital_id, id, key, kind, patient, potassium};

/// An empty store of one back end.
pub struct Fixture {
    pub store: Arc<Store>,
    pub clock: ManualClock,
    pub dir: tempfile::TempDir,
}

impl Fixture {
    pub async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(at(0));
        Self {
            store: Arc::new(open(dir.path(), &clock).await),
            clock,
            dir,
        }
    }

    /// The same data, opened a second time.
    pub async fn beside(&self) -> Store {
        open(self.dir.path(), &self.clock).await
    }

    /// Closes the store and opens it again.
    pub async fn reopened(self) -> Self {
        self.store.close().await;
        let Self { store, clock, dir } = self;
        drop(store);
        Self {
            store: Arc::new(open(dir.path(), &clock).await),
            clock,
            dir,
        }
    }
}

async fn open(dir: &Path, clock: &ManualClock) -> Store {
    Store::open(StoreConfig::new(
        dir,
        seal::NodeKey::new(seal::Secret::from_bytes([7; 32])),
        Arc::new(clock.clone()),
        Arc::new(SeededEntropy::new(1)),
    ))
    .await
    .unwrap()
}

/// Seconds after 2026-11-22T08:00:00Z.
pub fn at(s: i64) -> Instant {
    Instant::from_second(testkit::START.as_second() + s).unwrap()
}

pub fn system() -> Permit {
    Permit::system(SystemPurpose::Job, at(0))
}

/// Clinical staff of a hospital.
pub fn doctor(account: &str, hospital: &str, now: Instant) -> Permit {
    staff(account, hospital, &[Role::Clinician], &[], now)
}

pub fn staff(
    account: &str,
    hospital: &str,
    roles: &[Role],
    privileges: &[Privilege],
    now: Instant,
) -> Permit {
    let actor = Actor {
        account: AccountId::new(account).unwrap(),
        kind: ActorKind::Staff,
        hospital: Some(hospital_id(hospital)),
        roles: roles.iter().copied().collect(),
        privileges: privileges.iter().copied().collect(),
        linked: Vec::new(),
    };
    let permit = Permit::of(&actor, now);
    assert!(matches!(permit.reader(), Reader::Staff { .. }));
    permit
}

pub fn patient_permit(account: &str, linked: &[(&str, &str)]) -> Permit {
    let actor = Actor {
        account: AccountId::new(account).unwrap(),
        kind: ActorKind::Patient,
        hospital: None,
        roles: Default::default(),
        privileges: Default::default(),
        linked: linked
            .iter()
            .map(|(h, p)| agreements::Linked::whole(hospital_id(h), id(p)))
            .collect(),
    };
    Permit::of(&actor, at(0))
}

/// Writes one resource, whatever was there.
pub async fn put(store: &Store, k: &RecordKey, json: impl Into<bytes::Bytes>) -> u64 {
    let mut batch = Batch::new(at(0));
    batch.put_fhir(k.clone(), Precondition::Any, json);
    store.commit(batch).await.unwrap().versions[0]
}

pub async fn commit(store: &Store, fill: impl FnOnce(&mut Batch)) -> Result<Committed, StoreError> {
    let mut batch = Batch::new(at(0));
    fill(&mut batch);
    store.commit(batch).await
}

/// A search at `yarqum` from its text.
pub async fn find(
    store: &Store,
    permit: &Permit,
    kind: &str,
    text: &str,
) -> Result<SearchPage, StoreError> {
    let options = fhir::search::ParseOptions {
        lenient: false,
        own_base: "",
        now: at(0),
    };
    let query = fhir::search::parse(kind, text, &options)
        .unwrap_or_else(|e| panic!("{kind}?{text}: {e:?}"));
    store.search(permit, &hospital_id("yarqum"), &query).await
}

pub async fn found(store: &Store, kind: &str, text: &str) -> Vec<String> {
    ids(&find(store, &system(), kind, text).await.unwrap())
}

pub fn ids(page: &SearchPage) -> Vec<String> {
    page.matches.iter().map(|m| m.key.id.to_string()).collect()
}
