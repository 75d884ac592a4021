//! Blobs: files of patients and hospitals, encrypted, in an object store beside the database.
//!
//! The order of things keeps them whole: the bytes are written and synced, file and folder; then the database notes
//! the blob; then a batch may refer to it. What was put and never referred to is swept after a day.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use agreements::Permit;
use bytes::Bytes;
use kernel::{Clock, Entropy, HospitalId, Instant, RecordKey, ResourceId, limits};
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt};
use seal::{BlobAddress, BlobCipher, NodeKey, SealError, Secret};
use tokio::sync::RwLock;

use crate::blob_index::Backend;
use crate::{BlobRef, StoreError};

/// How long a blob may lie without being referred to, hours.
const UNUSED_HOURS: i64 = 24;

/// The blobs of one node.
pub(crate) struct Blobs {
    objects: Arc<dyn ObjectStore>,
    node_key: NodeKey,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Putting holds it shared, sweeping and erasing alone: a blob is never deleted while it is put again.
    turn: RwLock<()>,
}

/// A blob that may be read: the permit was checked when it was opened.
pub struct OpenBlob {
    pub blob: BlobRef,
    objects: Arc<dyn ObjectStore>,
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
        let stored = self
            .objects
            .get_range(&path(&self.blob), chunks.stored.clone())
            .await
            .map_err(object_error)?;
        let (cipher, size) = (Arc::clone(&self.cipher), self.blob.size);
        let plain =
            tokio::task::spawn_blocking(move || cipher.decrypt_range(size, &chunks, &stored))
                .await
                .map_err(|_| StoreError::Internal("decryption was broken off".into()))?
                .map_err(seal_error)?;
        Ok(plain.into())
    }
}

/// Where a blob's bytes lie: `{hospital}/{first two digits}/{address}`.
fn path(blob: &BlobRef) -> object_store::path::Path {
    let two = blob.address.get(..2).unwrap_or_default();
    object_store::path::Path::from(format!("{}/{two}/{}", blob.hospital, blob.address))
}

/// The messages of the object store hold paths, which hold no patient data.
fn object_error(e: object_store::Error) -> StoreError {
    match e {
        object_store::Error::NotFound { .. } => {
            StoreError::Damaged("the bytes of a blob are missing".into())
        }
        other => StoreError::Unavailable(format!("files: {other}")),
    }
}

fn seal_error(e: SealError) -> StoreError {
    StoreError::Damaged(e.to_string())
}

impl Blobs {
    /// Local files under `folder`, each synced with its folder before it counts as written.
    pub fn local(
        folder: &Path,
        node_key: NodeKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StoreError> {
        let fail = |e: &dyn std::fmt::Display| {
            StoreError::Unavailable(format!("the blob folder cannot be used: {e}"))
        };
        std::fs::create_dir_all(folder).map_err(|e| fail(&e))?;
        remove_unfinished(folder, clock.now()).map_err(|e| fail(&e))?;
        let objects = LocalFileSystem::new_with_prefix(folder)
            .map_err(|e| fail(&e))?
            .with_fsync(true);
        Ok(Self {
            objects: Arc::new(objects),
            node_key,
            clock,
            entropy,
            turn: RwLock::new(()),
        })
    }

    async fn address_secret(
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

    /// The data key of a patient; made on first use when `make`.
    async fn data_key(
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
        let _turn = self.turn.read().await;
        let secret = self.address_secret(db, hospital).await?;
        let key = self.data_key(db, hospital, patient, true).await?;
        let scope = patient.map_or_else(String::new, |p| format!("{hospital}/Patient/{p}"));
        let size = content.len() as u64;
        let (address, sealed) = tokio::task::spawn_blocking(move || {
            let address = seal::blob_address(&secret, &scope, &content);
            let sealed = BlobCipher::new(&key, address).encrypt(&content)?;
            Ok::<_, SealError>((address, sealed))
        })
        .await
        .map_err(|_| StoreError::Internal("encryption was broken off".into()))?
        .map_err(seal_error)?;
        let blob = BlobRef {
            hospital: hospital.clone(),
            patient: patient.cloned(),
            address: address.to_string(),
            size,
            media_type: media_type.to_owned(),
        };
        self.objects
            .put(&path(&blob), sealed.into())
            .await
            .map_err(object_error)?;
        db.put_blob(&blob, self.clock.now()).await?;
        Ok(blob)
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
        let at: BlobAddress = blob.address.parse().map_err(seal_error)?;
        let key = self
            .data_key(db, &blob.hospital, blob.patient.as_ref(), false)
            .await?;
        Ok(Some(OpenBlob {
            blob,
            objects: Arc::clone(&self.objects),
            cipher: Arc::new(BlobCipher::new(&key, at)),
        }))
    }

    async fn delete(&self, blob: &BlobRef) -> Result<(), StoreError> {
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

    pub async fn erase(
        &self,
        db: &dyn Backend,
        hospital: &HospitalId,
        patient: &ResourceId,
    ) -> Result<u64, StoreError> {
        let _turn = self.turn.write().await;
        let erased = db.erase_data_key(hospital, patient).await?;
        for blob in &erased {
            self.delete(blob).await?;
        }
        Ok(erased.len() as u64)
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
