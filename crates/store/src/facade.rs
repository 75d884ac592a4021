//! What the rest of Karez holds: a database and the blobs beside it.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use kernel::{Clock, Entropy};

use crate::sqlite::{SqliteDatabase, SqliteOptions};
use crate::{Database, StoreError};

/// Where and how the store of one node is kept.
#[derive(Clone)]
pub struct StoreConfig {
    /// The data folder: `karez.db` with its log, and `blobs/`. Made when it is not there.
    pub dir: PathBuf,
    /// Wraps the keys that encrypt blobs; kept outside the data folder.
    pub node_key: seal::NodeKey,
    /// The node's own address (`https://host`), so that absolute references to itself are indexed as its own.
    pub public_base: String,
    /// Calls that may read at once.
    pub readers: usize,
    /// How large the database may grow, bytes.
    pub size_max_bytes: Option<u64>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

impl StoreConfig {
    pub fn new(
        dir: impl Into<PathBuf>,
        node_key: seal::NodeKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            dir: dir.into(),
            node_key,
            public_base: String::new(),
            readers: 16,
            size_max_bytes: None,
            clock,
            entropy,
        }
    }
}

/// The store of one node.
pub struct Store {
    database: Arc<dyn Database>,
}

impl Store {
    /// Opens the data folder. Must be called within a tokio runtime.
    pub async fn open(config: StoreConfig) -> Result<Self, StoreError> {
        std::fs::create_dir_all(&config.dir)
            .map_err(|e| StoreError::Unavailable(format!("the data folder cannot be made: {e}")))?;
        let options = SqliteOptions {
            path: config.dir.join("karez.db"),
            public_base: config.public_base.clone(),
            readers: config.readers,
            size_max_bytes: config.size_max_bytes,
            cursor_secret: config.node_key.derive(b"karez cursors"),
        };
        let database = tokio::task::spawn_blocking(move || SqliteDatabase::open(&options))
            .await
            .map_err(|_| StoreError::Internal("opening was broken off".into()))??;
        Ok(Self {
            database: Arc::new(database),
        })
    }
}

impl Deref for Store {
    type Target = dyn Database;
    fn deref(&self) -> &Self::Target {
        &*self.database
    }
}
