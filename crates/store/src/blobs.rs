//! Blobs: files of patients and hospitals, encrypted, in an object store beside the database.
//!
//! The order of things keeps them whole: the bytes are written and synced, file and folder; then the database notes
//! the blob; then a batch may refer to it. What was put and never referred to is swept after a day.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Stopwatch};

use agreements::Permit;
use bytes::Bytes;
use kernel::{Clock, Entropy, HospitalId, Instant, RecordKey, ResourceId, limits};
use object_store::{ObjectStore, ObjectStoreExt};
use seal::blob::Room;
use seal::{BlobAddress, BlobCipher, ChunkRange, NodeKey, SealError, Secret};
use tokio::sync::RwLock;

use crate::blob_index::{Backend, Erased, ToErase};
use crate::image_files::Keys;
use crate::local_files::LocalFiles;
use crate::objects::{Place, Upload, object_error};
use crate::{Batch, BlobRef, Content, StoreError};

/// How long a blob may lie without being referred to, hours.
pub(crate) const UNUSED_HOURS: i64 = 24;
/// Content that is encrypted at once, bytes: whole chunks.
const SEALED_AT_ONCE: u64 = 1 << 20;
/// A place that answered within this time is not asked anew whether it is there.
const HEARD_WITHIN: Duration = Duration::from_secs(10);
/// Bytes that are read and opened on the thread that asks, when the system has them in memory: a slice of an image takes less time
/// than handing it over and back.
const HERE_BYTES_MAX: u64 = 640 << 10;
/// How long a place may take to say that it is there. A transfer may take much longer.
const THERE_WITHIN: Duration = Duration::from_secs(5);

/// The blobs of one node.
pub(crate) struct Blobs {
    objects: Arc<dyn ObjectStore>,
    /// The same files, where they lie in a folder.
    pub(crate) local: Option<LocalFiles>,
    node_key: NodeKey,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Putting holds it shared, sweeping and erasing alone: a blob is never deleted while it is put again.
    pub(crate) turn: RwLock<()>,
    /// When the place last answered; none when it last did not.
    heard: Mutex<Option<Stopwatch>>,
    /// Keys of studies in use.
    pub(crate) image_keys: Keys,
    /// What a backup that follows the log has yet to copy or to delete; none when nothing follows.
    changes: Option<Mutex<Changes>>,
}

/// Blobs that came and went since they were last asked for.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub put: Vec<BlobRef>,
    pub gone: Vec<BlobRef>,
}

/// A blob that may be read: the permit was checked when it was opened.
pub struct OpenBlob {
    pub blob: BlobRef,
    objects: Arc<dyn ObjectStore>,
    local: Option<LocalFiles>,
    cipher: Arc<BlobCipher>,
}

impl OpenBlob {
    /// The whole content.
    pub async fn all(&self) -> Result<Bytes, StoreError> {
        self.range(0..self.blob.size).await
    }

    /// Some of the content: bytes `range.start..range.end`, which must lie within it. Fetches and decrypts only the
    /// chunks of 64 KiB that hold it.
    pub async fn range(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let chunks = seal::chunk_range(self.blob.size, range)
            .map_err(|_| StoreError::Invalid("the range lies outside the file".into()))?;
        let (cipher, size) = (Arc::clone(&self.cipher), self.blob.size);
        if let Some(local) = &self.local {
            let path = path(&self.blob);
            let mut room = chunks.room();
            let few = chunks.stored.end - chunks.stored.start <= HERE_BYTES_MAX;
            if few && local.read_at_once(&path, chunks.stored.start, &mut room.parts()) {
                return opened(&cipher, size, &chunks, room);
            }
            let (local, chunks) = (local.clone(), chunks.clone());
            let plain = blocking(move || {
                let read = local.read(&path, chunks.stored.start, &mut room.parts())?;
                Some(read.and_then(|()| opened(&cipher, size, &chunks, room)))
            });
            if let Some(plain) = plain.await? {
                return plain;
            }
        }
        let cipher = Arc::clone(&self.cipher);
        let stored = self
            .objects
            .get_range(&path(&self.blob), chunks.stored.clone())
            .await
            .map_err(object_error)?;
        let plain = blocking(move || cipher.decrypt_range(size, &chunks, &stored));
        Ok(plain.await?.map_err(seal_error)?.into())
    }
}

/// What was read, opened: the bytes asked for, with no copy made of them.
fn opened(
    cipher: &BlobCipher,
    size: u64,
    chunks: &ChunkRange,
    room: Room,
) -> Result<Bytes, StoreError> {
    let plain = cipher.open(size, chunks, room).map_err(seal_error)?;
    Ok(Bytes::from(plain).slice(chunks.within()))
}

/// Runs work on a thread where it may take its time.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| StoreError::Internal("decryption was broken off".into()))
}

/// Where a blob's bytes lie: `{hospital}/{first two digits}/{address}`.
pub(crate) fn path(blob: &BlobRef) -> object_store::path::Path {
    place(&blob.hospital, &blob.address)
}

pub(crate) fn place(hospital: &HospitalId, address: &str) -> object_store::path::Path {
    let two = address.get(..2).unwrap_or_default();
    object_store::path::Path::from(format!("{hospital}/{two}/{address}"))
}

/// What is to be kept could not be read where it was put meanwhile.
pub(crate) fn unread(e: std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("what came in cannot be read: {}", e.kind()))
}

pub(crate) fn seal_error(e: SealError) -> StoreError {
    StoreError::Damaged(e.to_string())
}

impl Blobs {
    /// Files in a folder or a bucket. With `follow`, what is put and deleted is remembered for the backup.
    pub fn open_in(
        place: &Place,
        follow: bool,
        node_key: NodeKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StoreError> {
        let objects = place.open()?;
        if let Some(folder) = place.folder() {
            remove_unfinished(folder, clock.now()).map_err(|e| {
                StoreError::Unavailable(format!("the blob folder cannot be used: {e}"))
            })?;
        }
        Ok(Self {
            objects,
            local: place.folder().map(LocalFiles::new),
            node_key,
            clock,
            entropy,
            turn: RwLock::new(()),
            heard: Mutex::new(None),
            image_keys: Keys::default(),
            changes: follow.then(Mutex::default),
        })
    }

    /// The objects themselves: for copying them sealed as they are.
    pub fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.objects
    }

    /// Whether the objects answer. Asks for one that is not there.
    pub async fn health(&self) -> Result<(), StoreError> {
        let path = object_store::path::Path::from("health");
        let answer = tokio::time::timeout(THERE_WITHIN, self.objects.head(&path)).await;
        let there = match answer {
            Ok(Ok(_) | Err(object_store::Error::NotFound { .. })) => Ok(()),
            Ok(Err(e)) => Err(object_error(e)),
            Err(_) => Err(StoreError::Unavailable(format!(
                "files: no answer within {} s",
                THERE_WITHIN.as_secs()
            ))),
        };
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) =
            there.is_ok().then(Stopwatch::now);
        there
    }

    /// Fails soon where the place takes connections and says nothing, so that nobody waits for a transfer to time out.
    pub(crate) async fn is_there(&self) -> Result<(), StoreError> {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.is_some_and(|at| at.elapsed() < HEARD_WITHIN) {
            return Ok(());
        }
        self.health().await
    }

    /// What was put and deleted since this was last asked.
    pub fn take_changes(&self) -> Changes {
        self.changes.as_ref().map_or_else(Changes::default, |c| {
            std::mem::take(&mut *c.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }

    /// Gives back what could not be copied, to be asked for again.
    pub fn give_back(&self, mut changes: Changes) {
        self.note(|c| {
            c.put.append(&mut changes.put);
            c.gone.append(&mut changes.gone);
        });
    }

    pub(crate) fn note(&self, what: impl FnOnce(&mut Changes)) {
        if let Some(changes) = &self.changes {
            what(&mut changes.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    pub(crate) async fn address_secret(
        &self,
        db: &dyn Backend,
        hospital: &HospitalId,
    ) -> Result<Secret, StoreError> {
        let context = format!("blob-secret/{hospital}");
        let wrapped = match db.hospital_secret(hospital).await? {
            Some(w) => w,
            None => {
                let new = self.new_secret(&context)?;
                db.put_hospital_secret(hospital, new).await?
            }
        };
        self.node_key
            .unwrap_secret(&context, &wrapped)
            .map_err(seal_error)
    }

    fn new_secret(&self, context: &str) -> Result<seal::Wrapped, StoreError> {
        let secret = Secret::generate(&*self.entropy);
        self.node_key
            .wrap(context, secret.expose(), &*self.entropy)
            .map_err(seal_error)
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Wraps every key under the node key in use. Gives how many were wrapped under an older one.
    pub async fn rewrap(&self, db: &dyn Backend) -> Result<usize, StoreError> {
        let _turn = self.turn.write().await;
        let mut count = 0;
        for mut key in db.wrapped_keys().await? {
            let new = self
                .node_key
                .rewrap(&key.context(), &key.wrapped, &*self.entropy)
                .map_err(seal_error)?;
            if let Some(new) = new {
                key.wrapped = new;
                db.replace_key(&key).await?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// The data key of a patient; made on first use when `make`.
    pub(crate) async fn data_key(
        &self,
        db: &dyn Backend,
        hospital: &HospitalId,
        patient: Option<&ResourceId>,
        make: bool,
    ) -> Result<Secret, StoreError> {
        let id = patient.map_or("", ResourceId::as_str);
        let context = format!("data-key/{hospital}/{id}");
        let wrapped = match db.data_key(hospital, patient).await? {
            Some(w) => w,
            None if make => {
                let new = self.new_secret(&context)?;
                db.put_data_key(hospital, patient, new).await?
            }
            None => {
                return Err(StoreError::Damaged(
                    "the key of a blob was destroyed".into(),
                ));
            }
        };
        self.node_key
            .unwrap_secret(&context, &wrapped)
            .map_err(seal_error)
    }

    pub async fn put(
        &self,
        db: &dyn Backend,
        hospital: &HospitalId,
        patient: Option<&ResourceId>,
        media_type: &str,
        content: Bytes,
    ) -> Result<BlobRef, StoreError> {
        if content.len() > limits::FILE_BYTES_MAX {
            return Err(StoreError::TooMuch {
                what: "bytes in one file",
            });
        }
        self.is_there().await?;
        let _turn = self.turn.read().await;
        let secret = self.address_secret(db, hospital).await?;
        let key = self.data_key(db, hospital, patient, true).await?;
        let scope = scope(hospital, patient);
        let size = content.len() as u64;
        let (address, content) = tokio::task::spawn_blocking(move || {
            (seal::blob_address(&secret, &scope, &content), content)
        })
        .await
        .map_err(|_| StoreError::Internal("hashing was broken off".into()))?;
        let blob = BlobRef {
            hospital: hospital.clone(),
            patient: patient.cloned(),
            address: address.to_string(),
            size,
            media_type: media_type.to_owned(),
        };
        self.upload(&blob, BlobCipher::new(&key, address), content.into())
            .await?;
        // Before a batch can refer to it: whoever copies the log finds the blob named here first.
        self.note(|c| c.put.push(blob.clone()));
        db.put_blob(&blob, self.clock.now()).await?;
        Ok(blob)
    }

    /// Encrypts and writes piece by piece, so that no second copy of a large file is in memory.
    pub(crate) async fn upload(
        &self,
        blob: &BlobRef,
        cipher: BlobCipher,
        content: Content,
    ) -> Result<(), StoreError> {
        let cipher = Arc::new(cipher);
        let mut upload = Upload::new(&*self.objects, path(blob));
        let mut start = 0;
        loop {
            let end = content.len().min(start + SEALED_AT_ONCE);
            let (cipher, content) = (Arc::clone(&cipher), content.clone());
            let (first, last) = (start / seal::blob::CHUNK_BYTES as u64, end == blob.size);
            let sealed = tokio::task::spawn_blocking(move || {
                let piece = content.range(start..end).map_err(unread)?;
                cipher.encrypt_part(first, last, &piece).map_err(seal_error)
            })
            .await
            .map_err(|_| StoreError::Internal("encryption was broken off".into()));
            let written = match sealed.flatten() {
                Ok(sealed) => upload.write(&sealed).await.map_err(object_error),
                Err(e) => Err(e),
            };
            if let Err(e) = written {
                upload.abort().await;
                return Err(e);
            }
            if last {
                break;
            }
            start = end;
        }
        upload.finish().await.map(drop).map_err(object_error)
    }

    pub async fn open(
        &self,
        db: &dyn Backend,
        permit: &Permit,
        owner: &RecordKey,
        address: &str,
    ) -> Result<Option<OpenBlob>, StoreError> {
        let Some(blob) = db.blob(permit, owner, address).await? else {
            return Ok(None);
        };
        self.is_there().await?;
        self.unlocked(db, blob).await.map(Some)
    }

    /// A blob with the key that opens it. Whoever calls has asked the permit, or checks the blobs themselves.
    pub(crate) async fn unlocked(
        &self,
        db: &dyn Backend,
        blob: BlobRef,
    ) -> Result<OpenBlob, StoreError> {
        let key = self
            .data_key(db, &blob.hospital, blob.patient.as_ref(), false)
            .await?;
        self.with_key(blob, &key)
    }

    /// A blob with its key.
    pub(crate) fn with_key(&self, blob: BlobRef, key: &Secret) -> Result<OpenBlob, StoreError> {
        let at: BlobAddress = blob.address.parse().map_err(seal_error)?;
        Ok(OpenBlob {
            blob,
            objects: Arc::clone(&self.objects),
            local: self.local.clone(),
            cipher: Arc::new(BlobCipher::new(key, at)),
        })
    }

    async fn delete(&self, blob: &BlobRef) -> Result<(), StoreError> {
        self.note(|c| c.gone.push(blob.clone()));
        match self.objects.delete(&path(blob)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(object_error(e)),
        }
    }

    pub async fn sweep(&self, db: &dyn Backend) -> Result<u64, StoreError> {
        let _turn = self.turn.write().await;
        let before = self
            .clock
            .now()
            .checked_sub(jiff::SignedDuration::from_hours(UNUSED_HOURS))
            .map_err(|_| StoreError::Internal("the clock is out of range".into()))?;
        let unused = db.forget_unused(before).await?;
        for blob in &unused {
            self.delete(blob).await?;
        }
        Ok(unused.len() as u64)
    }

    /// Erases, and deletes the files whose key is gone.
    pub async fn erase(
        &self,
        db: &dyn Backend,
        what: ToErase,
        batch: Batch,
    ) -> Result<Erased, StoreError> {
        let _turn = self.turn.write().await;
        let erased = db.erase(what, batch).await;
        self.image_keys.forget();
        let erased = erased?;
        for blob in &erased.blobs {
            self.delete(blob).await?;
        }
        Ok(erased)
    }

    /// Blobs the database holds to be on disk whose file is missing or has another length.
    pub async fn missing(&self, db: &dyn Backend) -> Result<Vec<BlobRef>, StoreError> {
        let mut missing = Vec::new();
        let mut after = None;
        loop {
            let page = db.blobs(after.take(), 500).await?;
            let Some(last) = page.last() else {
                return Ok(missing);
            };
            after = Some((last.hospital.clone(), last.address.clone()));
            for blob in page {
                let whole = match self.objects.head(&path(&blob)).await {
                    Ok(meta) => meta.size == seal::blob::sealed_len(blob.size),
                    Err(object_store::Error::NotFound { .. }) => false,
                    Err(e) => return Err(object_error(e)),
                };
                if !whole {
                    missing.push(blob);
                }
            }
        }
    }
}

/// Whose content an address is of.
pub(crate) fn scope(hospital: &HospitalId, patient: Option<&ResourceId>) -> String {
    patient.map_or_else(String::new, |p| format!("{hospital}/Patient/{p}"))
}

/// How old a half-written file must be before it counts as left by a crash, hours: another process may be writing.
const UNFINISHED_HOURS: i64 = 24;

/// Deletes what a crash left half-written: files that never got their final name.
fn remove_unfinished(folder: &Path, now: Instant) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            remove_unfinished(&entry.path(), now)?;
        } else if entry.file_name().to_string_lossy().contains('#') {
            let written = Instant::try_from(entry.metadata()?.modified()?).unwrap_or(now);
            if now.duration_since(written).as_hours() >= UNFINISHED_HOURS {
                std::fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}
