//! The files of images: encrypted under the key of their study, on disk and synced before the commit that refers to
//! them. One sync of the file, one of its folder, one of the database that others share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Monotonic};

use bytes::Bytes;
use kernel::{HospitalId, RecordKey, ResourceId, limits};
use object_store::{ObjectStoreExt as _, PutPayload};
use seal::{Addresser, BlobAddress, BlobCipher, Secret};

use crate::blob_index::Backend;
use crate::blobs::{Blobs, OpenBlob, path, place, scope, seal_error, unread};
use crate::images::{self, ImageChange, ImageWrite, InstanceRow, SeriesRow, StudyRow};
use crate::local_files::LocalFiles;
use crate::objects::{PART_BYTES, object_error};
use crate::{Batch, BlobRef, Committed, Content, StoreError};

/// One object to be kept, with its bytes.
#[derive(Debug, Clone)]
pub struct NewImage {
    /// The ImagingStudy of the study: it is there, or is written by the batch.
    pub study: RecordKey,
    pub study_row: Arc<StudyRow>,
    pub series_row: Arc<SeriesRow>,
    pub instance: InstanceRow,
    /// The file as it is to be kept.
    pub content: Bytes,
}

/// The rows of one object to be kept.
#[derive(Debug, Clone)]
pub struct ImageRows {
    pub study: Arc<StudyRow>,
    pub series: Arc<SeriesRow>,
    pub instance: InstanceRow,
    /// See [`ImageWrite::compared`].
    pub compared: Option<Vec<[u8; 32]>>,
}

/// Keys that were used within the last moments, so that each object of a study does not ask for them anew. A key that
/// another node destroys is forgotten here within a minute; the commit refuses what was encrypted with it.
#[derive(Default)]
pub(crate) struct Keys(Mutex<HashMap<Whose, (Secret, Monotonic)>>);

/// A hospital, and the study or patient whose key it is.
type Whose = (HospitalId, Option<ResourceId>);

/// How many keys are remembered, and for how long.
const KEYS_MAX: usize = 1_024;
const KEYS_FOR: Duration = Duration::from_secs(60);

impl Keys {
    fn get(&self, hospital: &HospitalId, scope: Option<&ResourceId>) -> Option<Secret> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (key, since) = keys.get(&(hospital.clone(), scope.cloned()))?;
        (since.elapsed() < KEYS_FOR).then(|| key.clone())
    }

    fn put(&self, hospital: &HospitalId, scope: Option<&ResourceId>, key: &Secret) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEYS_MAX {
            keys.retain(|_, (_, since)| since.elapsed() < KEYS_FOR);
            if keys.len() >= KEYS_MAX {
                keys.clear();
            }
        }
        keys.insert(
            (hospital.clone(), scope.cloned()),
            (key.clone(), Monotonic::now()),
        );
    }

    /// Forgets all: keys were destroyed.
    pub fn forget(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

fn keep(study: RecordKey, rows: ImageRows, blob: BlobRef) -> ImageChange {
    ImageChange::Keep(Box::new(ImageWrite {
        study,
        study_row: rows.study,
        series_row: rows.series,
        instance: rows.instance,
        blob,
        compared: rows.compared,
    }))
}

/// A file that was encrypted.
enum Sealed {
    /// On disk with its folder.
    Written,
    /// To be put.
    Whole(Vec<u8>),
    /// Too large for that: encrypted as it is put.
    InPieces,
}

impl Sealed {
    fn small(
        key: &Secret,
        address: BlobAddress,
        content: &[u8],
        local: Option<&LocalFiles>,
        hospital: &HospitalId,
    ) -> Result<Self, StoreError> {
        let sealed = BlobCipher::new(key, address)
            .encrypt_part(0, true, content)
            .map_err(seal_error)?;
        let written = match local {
            Some(local) => local.write_new(&place(hospital, &address.to_string()), &sealed)?,
            None => false,
        };
        Ok(if written {
            Self::Written
        } else {
            Self::Whole(sealed)
        })
    }
}

fn address_of(secret: &Secret, scope: &str, content: &Content) -> Result<BlobAddress, StoreError> {
    let mut address = Addresser::new(secret, scope);
    let read = content.each(0, |piece| {
        address.update(piece);
        Ok(())
    });
    read.map_err(unread)?;
    Ok(address.finish())
}

impl Blobs {
    /// An object's bytes with the key that opens them. Whoever calls has asked the permit. A key that is remembered opens
    /// nothing once it was destroyed: the rows that lead here went with it.
    pub(crate) async fn open_image(
        &self,
        db: &dyn Backend,
        blob: BlobRef,
    ) -> Result<OpenBlob, StoreError> {
        self.is_there().await?;
        let (hospital, owner) = (&blob.hospital, blob.patient.as_ref());
        let key = match self.image_keys.get(hospital, owner) {
            Some(key) => key,
            None => {
                let key = self.data_key(db, hospital, owner, false).await?;
                self.image_keys.put(hospital, owner, &key);
                key
            }
        };
        self.with_key(blob, &key)
    }

    /// Writes the files, then commits the batch with their rows. Erasing waits meanwhile.
    pub async fn keep_images(
        &self,
        db: &dyn Backend,
        mut batch: Batch,
        new: Vec<NewImage>,
    ) -> Result<Committed, StoreError> {
        let _turn = self.turn.read().await;
        for image in new {
            let content = Content::Held(image.content);
            let blob = self.put_image(db, &image.study, content).await?;
            let rows = ImageRows {
                study: image.study_row,
                series: image.series_row,
                instance: image.instance,
                compared: None,
            };
            batch.images.push(keep(image.study, rows, blob));
        }
        db.commit(batch).await
    }

    /// As [`Self::keep_images`], of one whose rows are made while its file is written.
    pub async fn keep_image(
        &self,
        db: &dyn Backend,
        mut batch: Batch,
        study: &RecordKey,
        content: Content,
        rows: impl Future<Output = Result<ImageRows, StoreError>> + Send,
    ) -> Result<Committed, StoreError> {
        let _turn = self.turn.read().await;
        let (blob, rows) = tokio::try_join!(self.put_image(db, study, content), rows)?;
        batch.images.push(keep(study.clone(), rows, blob));
        db.commit(batch).await
    }

    async fn put_image(
        &self,
        db: &dyn Backend,
        study: &RecordKey,
        content: Content,
    ) -> Result<BlobRef, StoreError> {
        if content.len() > limits::IMAGE_BYTES_MAX as u64 {
            return Err(StoreError::TooMuch {
                what: "bytes in one image",
            });
        }
        self.is_there().await?;
        let hospital = &study.hospital;
        let owner = images::scope(study)?;
        let secret = match self.image_keys.get(hospital, None) {
            Some(secret) => secret,
            None => {
                let secret = self.address_secret(db, hospital).await?;
                self.image_keys.put(hospital, None, &secret);
                secret
            }
        };
        let key = match self.image_keys.get(hospital, Some(&owner)) {
            Some(key) => key,
            None => {
                let key = self.data_key(db, hospital, Some(&owner), true).await?;
                self.image_keys.put(hospital, Some(&owner), &key);
                key
            }
        };
        let size = content.len();
        let of = scope(hospital, Some(&owner));
        let (local, whose) = (self.local.clone(), hospital.clone());
        let (address, key, content, sealed) = tokio::task::spawn_blocking(move || {
            let address = address_of(&secret, &of, &content)?;
            let sealed = match content.held() {
                Some(all) if all.len() <= PART_BYTES => {
                    Sealed::small(&key, address, all, local.as_ref(), &whose)?
                }
                _ => Sealed::InPieces,
            };
            Ok::<_, StoreError>((address, key, content, sealed))
        })
        .await
        .map_err(|_| StoreError::Internal("encryption was broken off".into()))??;
        let blob = BlobRef {
            hospital: hospital.clone(),
            patient: Some(owner),
            address: address.to_string(),
            size,
            media_type: images::MEDIA_TYPE.to_owned(),
        };
        match sealed {
            Sealed::Written => {}
            Sealed::Whole(sealed) => {
                let payload = PutPayload::from(Bytes::from(sealed));
                self.objects()
                    .put(&path(&blob), payload)
                    .await
                    .map_err(object_error)?;
            }
            Sealed::InPieces => {
                self.upload(&blob, BlobCipher::new(&key, address), content)
                    .await?;
            }
        }
        // Before a commit refers to it: whoever copies the log finds the blob named here first.
        self.note(|c| c.put.push(blob.clone()));
        Ok(blob)
    }
}
