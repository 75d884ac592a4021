//! A node in a temporary folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use app::hospitals::Hospital;
use app::{App, Settings};
use kernel::clock::ManualClock;
use kernel::{Clock, Entropy, HospitalId, Instant};
use store::{DatabaseKind, Store, StoreConfig};

use crate::SeededEntropy;
use crate::postgres::FreshDatabase;

/// When every simulated world begins: 2026-11-22T08:00:00Z.
pub const START: Instant = Instant::constant(1_795_334_400, 0);

/// A store and an application over it. The folder goes when this is dropped.
pub struct TestNode {
    pub store: Arc<Store>,
    pub app: App,
    pub clock: ManualClock,
    pub entropy: Arc<SeededEntropy>,
    folder: tempfile::TempDir,
    /// On PostgreSQL: goes with the node.
    database: Option<FreshDatabase>,
}

impl TestNode {
    /// An empty node.
    #[allow(clippy::expect_used)] // a test that has no node has nothing to test
    pub async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    /// An empty node under settings of the test's own. On PostgreSQL when `KAREZ_TEST_NODE=postgres` and
    /// `KAREZ_TEST_POSTGRES` names a server, so that any test of the house can be run on it.
    pub async fn start_with(settings: Settings) -> Self {
        let postgres = std::env::var("KAREZ_TEST_NODE").is_ok_and(|v| v == "postgres");
        let database = if postgres {
            FreshDatabase::make().await
        } else {
            None
        };
        Self::start_over(settings, database).await
    }

    /// An empty node on this database; without one, on SQLite.
    #[allow(clippy::expect_used)]
    pub async fn start_over(settings: Settings, database: Option<FreshDatabase>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = ManualClock::at(START);
        let entropy = Arc::new(SeededEntropy::new(20_261_122));
        let store = Arc::new(Self::store(folder.path(), &clock, &entropy, database.as_ref()).await);
        let app = App::new(
            Arc::clone(&store),
            Arc::new(clock.clone()),
            Arc::clone(&entropy) as Arc<dyn Entropy>,
            settings,
            Arc::new(node_key()),
        )
        .await
        .expect("an application over an empty store");
        Self {
            store,
            app,
            clock,
            entropy,
            folder,
            database,
        }
    }

    /// A node with these hospitals, all in one jurisdiction and zone: see [`hospital`].
    #[allow(clippy::expect_used)]
    pub async fn with_hospitals(slugs: &[&str]) -> Self {
        let node = Self::start().await;
        for slug in slugs {
            node.app
                .found_hospital(hospital(slug, "CN", "Asia/Shanghai"))
                .await
                .expect("a hospital that can be founded");
        }
        node
    }

    #[allow(clippy::expect_used)]
    async fn store(
        folder: &Path,
        clock: &ManualClock,
        entropy: &Arc<SeededEntropy>,
        database: Option<&FreshDatabase>,
    ) -> Store {
        let key = node_key();
        let mut config = StoreConfig::new(
            folder,
            key,
            Arc::new(clock.clone()),
            Arc::clone(entropy) as Arc<dyn Entropy>,
        );
        if let Some(fresh) = database {
            config.database = DatabaseKind::Postgres {
                url: fresh.url.clone(),
                nats_url: None,
            };
            config.readers = 6;
        }
        Store::open(config).await.expect("a store that opens")
    }

    /// A bearer token for a role at a hospital, valid for an hour of the standing clock.
    #[allow(clippy::expect_used)]
    pub fn token(&self, slug: &str, role: app::Role) -> String {
        let hospital = HospitalId::new(slug).expect("a valid slug");
        App::admin_token(&node_key(), hospital, role, "test".into(), self.now(), 3600)
            .expect("a token for staff")
            .token
    }

    /// Another node over the same store, equal to the first.
    #[allow(clippy::expect_used)]
    pub async fn another(&self) -> App {
        App::new(
            Arc::clone(&self.store),
            Arc::new(self.clock.clone()),
            Arc::clone(&self.entropy) as Arc<dyn Entropy>,
            self.app.settings().clone(),
            Arc::new(node_key()),
        )
        .await
        .expect("a second application over the store")
    }

    /// A node elsewhere: equal to the first, with connections of its own to the same PostgreSQL database. It tells
    /// the first nothing but by the database.
    #[allow(clippy::expect_used)]
    pub async fn elsewhere(&self) -> (App, Arc<Store>) {
        let database = self.database.as_ref();
        assert!(database.is_some(), "SQLite is one node's alone");
        let entropy = Arc::new(SeededEntropy::new(7));
        let store = Self::store(self.folder.path(), &self.clock, &entropy, database).await;
        let store = Arc::new(store);
        let app = App::new(
            Arc::clone(&store),
            Arc::new(self.clock.clone()),
            entropy as Arc<dyn Entropy>,
            self.app.settings().clone(),
            Arc::new(node_key()),
        )
        .await
        .expect("an application over the same database");
        (app, store)
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
    /// The PostgreSQL database, if it is on one.
    pub const fn database(&self) -> Option<&FreshDatabase> {
        self.database.as_ref()
    }
    pub fn now(&self) -> Instant {
        self.clock.now()
    }
}

fn node_key() -> seal::NodeKey {
    seal::NodeKey::new(seal::Secret::from_bytes([7; 32]))
}

/// A hospital with its slug for a name.
#[allow(clippy::expect_used)]
pub fn hospital(slug: &str, jurisdiction: &str, zone: &str) -> Hospital {
    Hospital {
        id: HospitalId::new(slug).expect("a valid slug"),
        names: BTreeMap::from([("en".to_owned(), slug.to_owned())]),
        tile: slug.chars().take(2).collect::<String>().to_uppercase(),
        jurisdiction: jurisdiction.to_owned(),
        zone: zone.to_owned(),
        languages: vec!["en".to_owned()],
        city: "Test".to_owned(),
        created: START,
        services: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_node_has_its_hospitals() {
        let node = TestNode::with_hospitals(&["yarqum", "qumtagh"]).await;
        assert_eq!(node.app.all_hospitals().len(), 2);
        assert_eq!(node.now().to_string(), "2026-11-22T08:00:00Z");
    }
}
