//! The store on SQLite: one file, one writer thread with group commit, any number of readers.

mod apply;
mod apply_policy;
mod blobs;
mod chain;
mod checkup;
mod connect;
mod durable;
mod erase;
mod feed;
mod group;
mod images;
mod index_rows;
mod log;
#[cfg(test)]
mod permit_tests;
mod read;
mod readers;
pub(crate) mod redo;
mod schema;
mod search;
mod session;
mod spool;
mod values;
mod wal;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agreements::Permit;
use async_trait::async_trait;
use kernel::{HospitalId, Kind, RecordKey, ResourceId};
use seal::Secret;
use tokio::sync::watch;

pub use spool::SpoolOptions;
pub(crate) use spool::forget as forget_stream;

use crate::prepare::prepare_off_thread;
use crate::spanning::Spanning;
use crate::sql::Dialect;
use crate::sql::names::Names;
use crate::sql::search::CursorKey;
use crate::{
    AuditFilter, AuditPage, Batch, ChainReport, Checkpoint, Committed, Database, DocQuery, Event,
    HistoryPage, Schema, SearchPage, StoreError, Stored, Talk,
};

pub(crate) mod migrations {
    // Forward only: a file that was released is never edited, only followed.
    refinery::embed_migrations!("migrations/sqlite");
}

/// How long one read may take where nothing else is said.
pub const READ_LONGEST: Duration = Duration::from_secs(30);

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The database file; made when it is not there.
    pub path: PathBuf,
    /// The node's own address (`https://host`), so that absolute references to itself are indexed as its own.
    pub public_base: String,
    /// Calls that may read at once.
    pub readers: usize,
    /// How large the file may grow, bytes.
    pub size_max_bytes: Option<u64>,
    /// A read that takes longer is broken off; checking whole chains and files is not.
    pub read_longest: Duration,
    /// Seals the cursors of searches. The same on every start, so that pages stay good.
    pub cursor_secret: Secret,
    /// Keeps the log for a backup that follows it.
    pub spool: Option<SpoolOptions>,
    /// Another process serves this database: its schema and its log are left alone.
    pub beside: bool,
}

impl SqliteOptions {
    pub fn new(path: impl Into<PathBuf>, cursor_secret: Secret) -> Self {
        Self {
            cursor_secret,
            path: path.into(),
            public_base: String::new(),
            readers: 16,
            size_max_bytes: None,
            read_longest: READ_LONGEST,
            spool: None,
            beside: false,
        }
    }
}

/// A database in one SQLite file.
pub struct SqliteDatabase {
    path: PathBuf,
    public_base: Arc<str>,
    writer: writer::Writer,
    readers: readers::Readers,
    size_max_bytes: Arc<AtomicU64>,
    spool: Option<Arc<spool::Spool>>,
    cursors: CursorKey,
    names: Arc<Names>,
    /// With nobody but itself.
    talk: Arc<Talk>,
}

impl SqliteDatabase {
    /// Opens the file, brings its schema up to date and starts the writer. Refuses an SQLite below 3.51.3 and a
    /// schema from a newer Karez.
    pub fn open(options: &SqliteOptions) -> Result<Self, StoreError> {
        connect::check_version(rusqlite::version_number())?;
        let size_max_bytes = Arc::new(AtomicU64::new(options.size_max_bytes.unwrap_or(u64::MAX)));
        // Before anything opens the file: whether its log goes on where it was cut is seen from outside.
        let spool = match &options.spool {
            Some(spool) => Some(Arc::new(spool::Spool::open(spool.clone(), &options.path)?)),
            None => None,
        };
        let place = writer::Place {
            path: options.path.clone(),
            size_max_bytes: Arc::clone(&size_max_bytes),
            spool: spool.clone(),
            beside: options.beside,
            names: Arc::default(),
        };
        let names = Arc::clone(&place.names);
        let mut conn = place.open()?;
        if options.beside {
            schema::is_current(&conn)?;
        } else {
            schema::bring_up_to_date(&mut conn)?;
        }
        if let Some(spool) = &spool {
            spool.set_counter_page(schema::counter_page(&conn)?);
        }
        session::learn(&conn, &names)?;
        drop(conn);
        sync_parent(&options.path)?;
        Ok(Self {
            path: options.path.clone(),
            public_base: options.public_base.as_str().into(),
            writer: writer::Writer::start(place)?,
            readers: readers::Readers::new(&options.path, options.readers, options.read_longest)?,
            size_max_bytes,
            spool,
            cursors: CursorKey::new(&options.cursor_secret),
            names,
            talk: Arc::default(),
        })
    }

    fn dialect(&self) -> Dialect {
        Dialect::SqliteKnowing(Arc::clone(&self.names))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Changes how large the file may grow. Takes effect when the writer next opens it: after a fault, at once.
    pub fn set_size_max_bytes(&self, bytes: Option<u64>) {
        self.size_max_bytes
            .store(bytes.unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// The new file's name is on disk only when its folder is synced.
fn sync_parent(path: &Path) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    std::fs::File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(|e| StoreError::Unavailable(format!("the data folder cannot be synced: {e}")))
}

#[async_trait]
impl Database for SqliteDatabase {
    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        let prepared = prepare_off_thread(batch, &self.public_base).await?;
        self.writer
            .write(move |session| apply::apply(session, &prepared))
            .await
    }

    async fn get(
        &self,
        permit: &Permit,
        key: &RecordKey,
        version: Option<u64>,
    ) -> Result<Option<Stored>, StoreError> {
        let (permit, key) = (permit.clone(), key.clone());
        let dialect = self.dialect();
        self.readers
            .read_one(move |c| read::get(c, &dialect, &permit, &key, version))
            .await
    }

    async fn get_many(
        &self,
        permit: &Permit,
        keys: &[RecordKey],
    ) -> Result<Vec<Stored>, StoreError> {
        let (permit, keys) = (permit.clone(), keys.to_vec());
        let dialect = self.dialect();
        self.readers
            .read(move |c| read::get_many(c, &dialect, &permit, &keys))
            .await
    }

    async fn history(
        &self,
        permit: &Permit,
        key: &RecordKey,
        after: Option<&str>,
        limit: u32,
    ) -> Result<HistoryPage, StoreError> {
        let (permit, key, after) = (permit.clone(), key.clone(), after.map(str::to_owned));
        self.readers
            .read(move |c| read::history(c, &permit, &key, after.as_deref(), limit))
            .await
    }

    async fn records_of(
        &self,
        permit: &Permit,
        hospital: &HospitalId,
        patient: &ResourceId,
        kinds: &[Kind],
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        let permit = permit.clone();
        let (hospital, patient) = (hospital.clone(), patient.clone());
        let kinds = kinds.to_vec();
        self.readers
            .read_one(move |c| read::records_of(c, &permit, &hospital, &patient, &kinds, limit))
            .await
    }

    async fn search(
        &self,
        permit: &Permit,
        hospital: &HospitalId,
        query: &fhir::search::Query,
    ) -> Result<SearchPage, StoreError> {
        let (permit, hospital, query) = (permit.clone(), hospital.clone(), query.clone());
        let cursors = self.cursors.clone();
        let dialect = self.dialect();
        self.readers
            .read(move |c| search::search(c, &dialect, &cursors, &permit, &hospital, &query))
            .await
    }

    async fn documents(
        &self,
        permit: &Permit,
        query: &DocQuery,
    ) -> Result<Vec<Stored>, StoreError> {
        let (permit, query) = (permit.clone(), query.clone());
        self.readers
            .read(move |c| read::documents(c, &permit, &query))
            .await
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.writer.watch()
    }

    fn talk(&self) -> &Arc<Talk> {
        &self.talk
    }

    fn reads(&self) -> u64 {
        self.readers.count()
    }

    /// After a fault, tries to write: when the disk is back, so is the store.
    async fn health(&self) -> Result<(), StoreError> {
        if self.writer.fault().is_some() {
            self.writer.write(|s| s.write_position()).await?;
        }
        self.readers.read(|c| session::position(c).map(drop)).await
    }

    async fn schema(&self) -> Result<Schema, StoreError> {
        Ok(Schema {
            product: "SQLite",
            applied: self.readers.read(schema::applied).await?,
            known: schema::known(),
        })
    }

    async fn close(&self) {
        self.readers.close();
        self.writer.close();
    }
}

#[async_trait]
impl Spanning for SqliteDatabase {
    async fn events_after(&self, after: u64, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.readers
            .read(move |c| feed::events(c, after, limit))
            .await
    }

    async fn chain_page(
        &self,
        chain: &HospitalId,
        filter: &AuditFilter,
    ) -> Result<AuditPage, StoreError> {
        let (chain, filter) = (chain.clone(), filter.clone());
        self.readers
            .read(move |c| chain::page(c, &chain, &filter))
            .await
    }

    async fn chain_report(&self, chain: &HospitalId) -> Result<ChainReport, StoreError> {
        let chain = chain.clone();
        self.readers
            .read_all(move |c| chain::verify(c, &chain))
            .await
    }

    async fn chain_checkpoint(&self, chain: &HospitalId) -> Result<Option<Checkpoint>, StoreError> {
        let chain = chain.clone();
        self.readers
            .read(move |c| chain::checkpoint(c, &chain))
            .await
    }
}
