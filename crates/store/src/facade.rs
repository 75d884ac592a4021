//! What the rest of Karez holds: a database and the blobs beside it.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use agreements::Permit;
use bytes::Bytes;
use kernel::{Clock, Entropy, HospitalId, RecordKey, ResourceId};

use crate::backup::erasures::{Erasure, Ledger};
use crate::backup::ship::{Copied, ShipStatus, Shipper, Shipping, Source};
use crate::blob_index::{Backend, Erased, ToErase};
use crate::blobs::{Blobs, OpenBlob};
use crate::objects::Place;
use crate::postgres::{PostgresDatabase, PostgresOptions};
use crate::scrub::Scrubbed;
use crate::sqlite::{READ_LONGEST, SpoolOptions, SqliteDatabase, SqliteOptions};
use crate::{
    AuditDraft, Batch, BlobRef, Committed, Content, Database, Finding, ImageFile, ImageIndex,
    ImageRows, NewImage, ScratchFolder, Staging, StoreError, Strays, diagnose,
};

/// Which database keeps the records.
#[derive(Clone, Default)]
pub enum DatabaseKind {
    /// `karez.db` in the data folder.
    #[default]
    Sqlite,
    /// A PostgreSQL server, for any number of equal nodes.
    Postgres {
        /// `postgres://user:password@host/name?sslmode=require`.
        url: String,
        /// The bus between nodes, `nats://host:4222`. Without it they ask every so often.
        nats_url: Option<String>,
    },
}

/// Where and how the store of one node is kept.
#[derive(Clone)]
pub struct StoreConfig {
    pub database: DatabaseKind,
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
    /// Where files are kept; none for `blobs/` in the data folder.
    pub blobs: Option<Place>,
    /// Keeps the database's log until a backup that follows it has carried it away.
    pub ship: bool,
    /// Another process serves this data folder: its schema and its log are left alone.
    pub beside: bool,
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
            database: DatabaseKind::Sqlite,
            dir: dir.into(),
            node_key,
            public_base: String::new(),
            readers: 16,
            size_max_bytes: None,
            blobs: None,
            ship: false,
            beside: false,
            clock,
            entropy,
        }
    }
}

/// Room for the data folder, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub free_bytes: u64,
    pub database_bytes: u64,
    /// The log that is not yet part of the database file.
    pub log_bytes: u64,
}

/// The store of one node.
pub struct Store {
    source: Source,
    dir: PathBuf,
    /// The folders of this machine that database and files are written to; a server and a bucket are none.
    written: Vec<PathBuf>,
    /// How the backup that follows stands, once one does.
    shipping: OnceLock<Arc<Mutex<ShipStatus>>>,
}

impl Store {
    /// Opens the data folder. Must be called within a tokio runtime.
    pub async fn open(config: StoreConfig) -> Result<Self, StoreError> {
        let dir = config.dir.clone();
        let written = written(&config);
        let server: Option<Arc<dyn Backend>> = match &config.database {
            DatabaseKind::Sqlite => None,
            DatabaseKind::Postgres { url, nats_url } => {
                Some(Arc::new(postgres(&config, url, nats_url.as_deref()).await?))
            }
        };
        let source = tokio::task::spawn_blocking(move || open(&config, server))
            .await
            .map_err(|_| StoreError::Internal("opening was broken off".into()))??;
        Ok(Self {
            source,
            dir,
            written,
            shipping: OnceLock::new(),
        })
    }

    /// Room on the disk of the data folder and what the database takes; none where that cannot be told.
    pub fn room(&self) -> Option<Room> {
        let size = |name: &str| {
            let file = std::fs::metadata(self.dir.join(name));
            file.map_or(0, |m| m.len())
        };
        Some(Room {
            free_bytes: diagnose::free_bytes(&self.dir).ok()?,
            database_bytes: size("karez.db"),
            log_bytes: size("karez.db-wal"),
        })
    }

    /// Where content goes that is too large to be held while it comes in.
    pub fn scratch(&self) -> ScratchFolder {
        let dir = self.dir.join("incoming");
        ScratchFolder::new(&dir, Arc::clone(&self.source.entropy))
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
        self.source
            .blobs
            .put(
                &*self.source.database,
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
        self.source
            .blobs
            .open(&*self.source.database, permit, owner, address)
            .await
    }

    /// Keeps objects of studies with the batch: when this returns, files, rows and batch are on disk and synced. An
    /// ImagingStudy that another stands for already gives [`StoreError::Duplicate`], one that was erased meanwhile
    /// [`StoreError::Precondition`]; then nothing of the batch was written.
    pub async fn keep_images(
        &self,
        batch: Batch,
        new: Vec<NewImage>,
    ) -> Result<Committed, StoreError> {
        let source = &self.source;
        source
            .blobs
            .keep_images(&*source.database, batch, new)
            .await
    }

    /// As [`Self::keep_images`], of one object whose rows are made while its file is written.
    pub async fn keep_image(
        &self,
        batch: Batch,
        study: &RecordKey,
        content: Content,
        rows: impl Future<Output = Result<ImageRows, StoreError>> + Send,
    ) -> Result<Committed, StoreError> {
        let source = &self.source;
        source
            .blobs
            .keep_image(&*source.database, batch, study, content, rows)
            .await
    }

    /// What is kept about images.
    pub fn images(&self) -> &dyn ImageIndex {
        &*self.source.database
    }

    /// One object of a study with its layout, if the permit lets the ImagingStudy be read; `None` alike for what is not
    /// there.
    pub async fn open_image(
        &self,
        permit: &Permit,
        study: &RecordKey,
        instance: i64,
    ) -> Result<Option<(OpenBlob, Bytes)>, StoreError> {
        let source = &self.source;
        let found = source.database.image(permit, study, instance).await?;
        let Some((blob, layout)) = found else {
            return Ok(None);
        };
        let open = source.blobs.open_image(&*source.database, blob).await?;
        Ok(Some((open, layout)))
    }

    /// As [`Self::open_image`], of an object that was just found under a permit.
    pub async fn open_found(&self, file: ImageFile) -> Result<(OpenBlob, Bytes), StoreError> {
        let source = &self.source;
        let open = source.blobs.open_image(&*source.database, file.blob);
        Ok((open.await?, file.layout))
    }

    /// Wraps every key of blobs under the node key in use. Gives how many were wrapped under an older one.
    pub async fn rewrap_keys(&self) -> Result<usize, StoreError> {
        self.source.blobs.rewrap(&*self.source.database).await
    }

    /// Deletes blobs that were put more than 24 hours ago and never referred to; gives their number, at most 1000.
    pub async fn sweep_blobs(&self) -> Result<u64, StoreError> {
        self.source.blobs.sweep(&*self.source.database).await
    }

    /// Looks through one folder of files for those that no row knows, a day old and more, and deletes them: what a crash
    /// left between a file and its commit. Go on after what this gives.
    pub async fn sweep_strays(&self, after: Option<String>) -> Result<Strays, StoreError> {
        let source = &self.source;
        source.blobs.sweep_strays(&*source.database, after).await
    }

    /// Erases a patient's whole record at a hospital, or single records, in one commit with `batch`, which holds the
    /// audit of it. Not to be undone: content, search rows and keys go, and with the ledger every backup that is
    /// restored later has it done again before it serves.
    pub async fn erase(&self, erasure: &Erasure, batch: Batch) -> Result<Erased, StoreError> {
        let source = &self.source;
        source.ledger.add(erasure, &source.key, &*source.entropy)?;
        match self.erase_now(erasure, batch).await {
            Ok(done) => Ok(done),
            // It may or may not have been committed: the ledger keeps it, and it is done again.
            Err(e @ (StoreError::Unavailable(_) | StoreError::Full(_))) => Err(e),
            Err(e) => {
                source.ledger.take_back(erasure)?;
                Err(e)
            }
        }
    }

    async fn erase_now(&self, erasure: &Erasure, batch: Batch) -> Result<Erased, StoreError> {
        let what = ToErase {
            hospital: erasure.hospital.clone(),
            patient: erasure.patient.clone(),
            records: erasure.records.clone(),
        };
        let source = &self.source;
        source.blobs.erase(&*source.database, what, batch).await
    }

    /// Does an erasure of the ledger again onto a database that was restored from before it.
    pub(crate) async fn replay_erasure(&self, erasure: &Erasure) -> Result<Erased, StoreError> {
        let mut batch = Batch::new(self.source.clock.now());
        let body = format!(
            r#"{{"resourceType":"AuditEvent","type":{{"system":"http://terminology.hl7.org/CodeSystem/audit-event-type","code":"rest"}},"subtype":[{{"system":"urn:karez:action","code":"erasure.replayed"}}],"action":"D","recorded":"{}","outcome":"0","agent":[{{"who":{{"display":"Karez"}},"requestor":false}}],"source":{{"observer":{{"display":"Karez"}}}},"entity":[{{"what":{{"identifier":{{"system":"urn:karez:erasure","value":"{}"}}}}}}]}}"#,
            batch.at, erasure.id
        );
        batch.audit.push(AuditDraft {
            chain: erasure.hospital.clone(),
            account: None,
            patient: None,
            action: "erasure.replayed".into(),
            body: Bytes::from(body).into(),
        });
        self.erase_now(erasure, batch).await
    }

    /// Does every erasure of the ledger again: for a database that was restored by other means. Gives their number.
    pub async fn replay_erasures(&self) -> Result<u64, StoreError> {
        let all = self.erasures()?;
        for erasure in &all {
            self.replay_erasure(erasure).await?;
        }
        Ok(all.len() as u64)
    }

    /// Where uploads wait until they are whole.
    pub fn staging(&self) -> Staging {
        Staging::new(
            Arc::clone(self.source.blobs.objects()),
            self.source.key.clone(),
            Arc::clone(&self.source.entropy),
        )
    }

    /// The erasures this data folder knows of, oldest first.
    pub fn erasures(&self) -> Result<Vec<Erasure>, StoreError> {
        self.source.ledger.all(&self.source.key)
    }

    /// Reads files from end to end, from after the given one on, and stops after `bytes_max` bytes.
    pub async fn scrub(
        &self,
        after: Option<(HospitalId, String)>,
        bytes_max: u64,
    ) -> Result<Scrubbed, StoreError> {
        let source = &self.source;
        source
            .blobs
            .scrub(&*source.database, after, bytes_max)
            .await
    }

    /// Every file the database holds to be there, after the given one.
    pub(crate) async fn blob_page(
        &self,
        after: Option<(HospitalId, String)>,
        limit: u32,
    ) -> Result<Vec<BlobRef>, StoreError> {
        self.source.database.blobs(after, limit).await
    }

    /// Whether a disk that database or files are written to is read-only now, found out by trying.
    pub fn is_read_only(&self) -> bool {
        self.written.iter().any(|dir| diagnose::is_read_only(dir))
    }

    /// Whether the place of the files answers.
    pub async fn files_health(&self) -> Result<(), StoreError> {
        self.source.blobs.health().await
    }

    /// One whole copy of database and files while serving.
    pub async fn back_up(&self, place: &Place) -> Result<Copied, StoreError> {
        self.source.copy_once(place).await
    }

    /// Carries the log to a backup place; the store must have been opened to keep it.
    pub fn shipper(&self, shipping: Shipping) -> Result<Shipper, StoreError> {
        let shipper = Shipper::new(self.source.clone(), shipping)?;
        let _second = self.shipping.set(shipper.status());
        Ok(shipper)
    }

    /// How the backup that follows the log stands; none when none follows.
    pub fn ship_status(&self) -> Option<ShipStatus> {
        let status = self.shipping.get()?;
        Some(
            status
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        )
    }

    /// A check-up: database, disk and blobs. Reads everything, so it takes a while on a large folder.
    pub async fn diagnose(&self) -> Vec<Finding> {
        let mut found = match self.source.database.check_up().await {
            Ok(found) => found,
            Err(e) => vec![Finding::of("integrity", Err(e))],
        };
        found.push(diagnose::sync(&self.dir));
        found.push(diagnose::space(&self.dir));
        let blobs = self.source.blobs.missing(&*self.source.database).await;
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

/// What the secret of the cursors is derived for.
const CURSORS: &[u8] = b"karez cursors";

async fn postgres(
    config: &StoreConfig,
    url: &str,
    nats_url: Option<&str>,
) -> Result<PostgresDatabase, StoreError> {
    let mut writer = [0; 16];
    config.entropy.fill(&mut writer);
    PostgresDatabase::open(&PostgresOptions {
        url: url.to_owned(),
        nats_url: nats_url.map(str::to_owned),
        public_base: config.public_base.clone(),
        readers: config.readers,
        read_longest: READ_LONGEST,
        cursor_secret: config.node_key.derive(CURSORS),
        node_key_id: hex::encode(config.node_key.id()),
        node_keys_before: config.node_key.ids().skip(1).map(hex::encode).collect(),
        writer: hex::encode(writer),
        now: config.clock.now(),
    })
    .await
}

fn sqlite(config: &StoreConfig) -> Result<SqliteDatabase, StoreError> {
    let spool = config.dir.join("ship");
    if !config.ship && !config.beside {
        // What is written from here on is in no stream: the next one that follows begins with a base.
        crate::sqlite::forget_stream(&spool)?;
    }
    SqliteDatabase::open(&SqliteOptions {
        path: config.dir.join("karez.db"),
        public_base: config.public_base.clone(),
        readers: config.readers,
        size_max_bytes: config.size_max_bytes,
        read_longest: READ_LONGEST,
        cursor_secret: config.node_key.derive(CURSORS),
        spool: config.ship.then(|| SpoolOptions {
            dir: spool,
            key: config.node_key.clone(),
            clock: Arc::clone(&config.clock),
            entropy: Arc::clone(&config.entropy),
        }),
        beside: config.beside,
    })
}

/// Where the files lie.
fn files(config: &StoreConfig) -> Place {
    let own = || Place::Folder(config.dir.join("blobs"));
    config.blobs.clone().unwrap_or_else(own)
}

fn written(config: &StoreConfig) -> Vec<PathBuf> {
    let database = matches!(config.database, DatabaseKind::Sqlite).then(|| config.dir.clone());
    let files = files(config).folder().map(Path::to_owned);
    database.into_iter().chain(files).collect()
}

/// Opens what lies in the data folder; the database too, unless it is on a server.
fn open(config: &StoreConfig, server: Option<Arc<dyn Backend>>) -> Result<Source, StoreError> {
    std::fs::create_dir_all(&config.dir)
        .map_err(|e| StoreError::Unavailable(format!("the data folder cannot be made: {e}")))?;
    let database = match server {
        Some(database) => database,
        None => Arc::new(sqlite(config)?),
    };
    let blobs = Blobs::open_in(
        &files(config),
        config.ship,
        config.node_key.clone(),
        Arc::clone(&config.clock),
        Arc::clone(&config.entropy),
    )?;
    Ok(Source {
        database,
        blobs: Arc::new(blobs),
        ledger: Ledger::of(&config.dir),
        work: config.dir.join("work"),
        key: config.node_key.clone(),
        clock: Arc::clone(&config.clock),
        entropy: Arc::clone(&config.entropy),
    })
}

impl Deref for Store {
    type Target = dyn Database;
    fn deref(&self) -> &Self::Target {
        &*self.source.database
    }
}
