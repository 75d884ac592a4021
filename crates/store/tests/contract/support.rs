//! Fixtures and short words for the suite.

use std::path::Path;
use std::sync::Arc;

use agreements::permit::Reader;
use agreements::{Actor, ActorKind, Permit, Privilege, Role, SystemPurpose};
use karez_store::{
    Batch, Committed, DatabaseKind, Place, Precondition, SearchPage, Store, StoreConfig, StoreError,
};

use crate::bucket;
use kernel::clock::ManualClock;
use kernel::{AccountId, Instant, RecordKey};
use testkit::SeededEntropy;
use testkit::postgres::FreshDatabase;
pub use testkit::records::{hospital_id, id, key, kind, patient, potassium};

/// An empty store of one back end.
pub struct Fixture {
    pub store: Arc<Store>,
    pub clock: ManualClock,
    pub dir: tempfile::TempDir,
    /// Where its files lie.
    pub files: Place,
    database: Option<FreshDatabase>,
}

impl Fixture {
    pub async fn sqlite() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let files = Place::Folder(dir.path().join("blobs"));
        Some(Self::with(dir, files, None).await)
    }

    /// None where no server is named.
    pub async fn postgres() -> Option<Self> {
        let database = FreshDatabase::make().await?;
        let dir = tempfile::tempdir().unwrap();
        let files = Place::Folder(dir.path().join("blobs"));
        Some(Self::with(dir, files, Some(database)).await)
    }

    /// Files in a bucket of its own on the server that `KAREZ_TEST_S3` names; none without one.
    pub async fn sqlite_with_s3() -> Option<Self> {
        let Ok(endpoint) = std::env::var("KAREZ_TEST_S3") else {
            eprintln!("skipped: KAREZ_TEST_S3 names no S3 server");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let name = bucket::new_name(dir.path());
        bucket::create(&endpoint, &name);
        let files = Place::Bucket(bucket::at(&endpoint, &name));
        Some(Self::with(dir, files, None).await)
    }

    /// Files in a bucket on a port where nobody listens.
    pub async fn with_dead_bucket() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let files = Place::Bucket(bucket::at(&format!("http://127.0.0.1:{port}"), "none"));
        Self::with(tempfile::tempdir().unwrap(), files, None).await
    }

    async fn with(dir: tempfile::TempDir, files: Place, database: Option<FreshDatabase>) -> Self {
        let clock = ManualClock::at(at(0));
        Self {
            store: Arc::new(open(dir.path(), &files, &clock, database.as_ref(), 1).await),
            clock,
            dir,
            files,
            database,
        }
    }

    /// Whether a node is told of commits that it did not make itself.
    pub const fn hears_others(&self) -> bool {
        self.database.is_some()
    }

    /// The same data, opened a second time: another process, or another node.
    pub async fn beside(&self) -> Store {
        let database = self.database.as_ref();
        open(self.dir.path(), &self.files, &self.clock, database, 2).await
    }

    /// Closes the store and opens it again.
    pub async fn reopened(self) -> Self {
        self.reopened_under(node_key()).await
    }

    /// The same under another node key.
    pub async fn reopened_under(self, node_key: seal::NodeKey) -> Self {
        self.store.close().await;
        let Self {
            store,
            clock,
            dir,
            files,
            database,
        } = self;
        drop(store);
        let again = open_under(dir.path(), &files, &clock, database.as_ref(), (3, node_key));
        Self {
            store: Arc::new(again.await),
            clock,
            dir,
            files,
            database,
        }
    }
}

/// The node key of every fixture.
pub fn node_key() -> seal::NodeKey {
    seal::NodeKey::new(seal::Secret::from_bytes([7; 32]))
}

async fn open(
    dir: &Path,
    files: &Place,
    clock: &ManualClock,
    database: Option<&FreshDatabase>,
    seed: u64,
) -> Store {
    open_under(dir, files, clock, database, (seed, node_key())).await
}

async fn open_under(
    dir: &Path,
    files: &Place,
    clock: &ManualClock,
    database: Option<&FreshDatabase>,
    (seed, node_key): (u64, seal::NodeKey),
) -> Store {
    let mut config = StoreConfig::new(
        dir,
        node_key,
        Arc::new(clock.clone()),
        Arc::new(SeededEntropy::new(seed)),
    );
    if let Some(fresh) = database {
        config.database = DatabaseKind::Postgres {
            url: fresh.url.clone(),
            nats_url: None,
        };
        config.readers = 6;
    }
    config.blobs = Some(files.clone());
    Store::open(config).await.unwrap()
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
