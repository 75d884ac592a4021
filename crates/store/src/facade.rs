//! What the rest of Karez holds: a database and the blobs beside it.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agreements::Permit;
use bytes::Bytes;
use kernel::{Clock, Entropy, HospitalId, RecordKey, ResourceId};

use crate::blob_index::Backend;
use crate::blobs::{Blobs, OpenBlob};
use crate::sqlite::{READ_LONGEST, SqliteDatabase, SqliteOptions};
use crate::{BlobRef, Database, Finding, StoreError, diagnose};

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
    database: Arc<dyn Backend>,
    blobs: Blobs,
    dir: PathBuf,
}

impl Store {
    /// Opens the data folder. Must be called within a tokio runtime.
    pub async fn open(config: StoreConfig) -> Result<Self, StoreError> {
        let dir = config.dir.clone();
        let (database, blobs) = tokio::task::spawn_blocking(move || open(&config))
            .await
            .map_err(|_| StoreError::Internal("opening was broken off".into()))??;
        Ok(Self {
            database: Arc::new(database),
            blobs,
            dir,
        })
    }

    /// The data folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Encrypts and writes a file; when this returns, it is on disk and synced, and a batch may refer to it. Within a
    /// day it must, or it is swept. The same content of the same patient is kept once.
    ///
    /// At most [`kernel::limits::FILE_BYTES_MAX`] bytes.
    pub async fn put_blob(
        &self,
        hospital: &HospitalId,
        patient: Option<&ResourceId>,
        media_type: &str,
        content: impl Into<Bytes>,
    ) -> Result<BlobRef, StoreError> {
        self.blobs
            .put(
                &*self.database,
                hospital,
                patient,
                media_type,
                content.into(),
            )
            .await
    }

    /// A blob that `owner` refers to, if the permit lets `owner` be read; `None` alike for what is not there.
    pub async fn open_blob(
        &self,
        permit: &Permit,
        owner: &RecordKey,
        address: &str,
    ) -> Result<Option<OpenBlob>, StoreError> {
        self.blobs
            .open(&*self.database, permit, owner, address)
            .await
    }

    /// Deletes blobs that were put more than 24 hours ago and never referred to; gives their number, at most 1000.
    pub async fn sweep_blobs(&self) -> Result<u64, StoreError> {
        self.blobs.sweep(&*self.database).await
    }

    /// Destroys the key of all of a patient's blobs, and the files. Not to be undone; copies in backups can no longer
    /// be opened. Gives the number of blobs.
    pub async fn erase_patient_key(
        &self,
        hospital: &HospitalId,
        patient: &ResourceId,
    ) -> Result<u64, StoreError> {
        self.blobs.erase(&*self.database, hospital, patient).await
    }

    /// A check-up: database, disk and blobs. Reads everything, so it takes a while on a large folder.
    pub async fn diagnose(&self) -> Vec<Finding> {
        let mut found = match self.database.check_up().await {
            Ok(found) => found,
            Err(e) => vec![Finding::of("integrity", Err(e))],
        };
        found.push(diagnose::sync(&self.dir));
        found.push(diagnose::space(&self.dir));
        let blobs = self.blobs.missing(&*self.database).await;
        found.push(match blobs {
            Ok(missing) if missing.is_empty() => {
                Finding::new("blobs", true, "every file is there and whole")
            }
            Ok(missing) => Finding::new(
                "blobs",
                false,
                format!("{} files are missing or cut off", missing.len()),
            ),
            Err(e) => Finding::of("blobs", Err(e)),
        });
        found
    }
}

fn open(config: &StoreConfig) -> Result<(SqliteDatabase, Blobs), StoreError> {
    std::fs::create_dir_all(&config.dir)
        .map_err(|e| StoreError::Unavailable(format!("the data folder cannot be made: {e}")))?;
    let database = SqliteDatabase::open(&SqliteOptions {
        path: config.dir.join("karez.db"),
        public_base: config.public_base.clone(),
        readers: config.readers,
        size_max_bytes: config.size_max_bytes,
        read_longest: READ_LONGEST,
        cursor_secret: config.node_key.derive(b"karez cursors"),
    })?;
    let blobs = Blobs::local(
        &config.dir.join("blobs"),
        config.node_key.clone(),
        Arc::clone(&config.clock),
        Arc::clone(&config.entropy),
    )?;
    Ok((database, blobs))
}

impl Deref for Store {
    type Target = dyn Database;
    fn deref(&self) -> &Self::Target {
        &*self.database
    }
}
