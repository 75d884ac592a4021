//! Reading every blob from end to end: each is there, opens, and is the content its address says.

use kernel::HospitalId;
use object_store::ObjectStoreExt as _;

use crate::blob_index::Backend;
use crate::blobs::{Blobs, path, scope};
use crate::objects::object_error;
use crate::{BlobRef, StoreError};

/// Content that is read at once while scrubbing, bytes.
const SCRUB_BYTES: u64 = 1 << 20;

/// What is wrong with one blob. Names no patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The bytes are not there, or not all of them.
    Missing,
    /// They do not decrypt under the patient's key, or are another content than their address says.
    Damaged,
    /// The key that opens them is not there, or belongs to another node key.
    Key,
}

/// A blob that is not whole.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Faulty {
    pub hospital: HospitalId,
    pub address: String,
    pub fault: Fault,
}

/// One stretch of a scrub.
#[derive(Debug, Clone, Default)]
pub struct Scrubbed {
    pub blobs: u64,
    pub bytes: u64,
    pub faulty: Vec<Faulty>,
    /// Where to go on; none when the last blob was looked at.
    pub next: Option<(HospitalId, String)>,
}

impl Blobs {
    /// Reads blobs after the given one from end to end: each is there, decrypts, and is the content its address
    /// says. Stops after `bytes_max` bytes.
    pub async fn scrub(
        &self,
        db: &dyn Backend,
        after: Option<(HospitalId, String)>,
        bytes_max: u64,
    ) -> Result<Scrubbed, StoreError> {
        let mut done = Scrubbed {
            next: after,
            ..Scrubbed::default()
        };
        loop {
            let page = db.blobs(done.next.clone(), 100).await?;
            if page.is_empty() {
                done.next = None;
                return Ok(done);
            }
            for blob in page {
                done.next = Some((blob.hospital.clone(), blob.address.clone()));
                done.blobs += 1;
                done.bytes += blob.size;
                if let Some(fault) = self.fault(db, &blob).await? {
                    done.faulty.push(Faulty {
                        hospital: blob.hospital,
                        address: blob.address,
                        fault,
                    });
                }
                if done.bytes >= bytes_max {
                    return Ok(done);
                }
            }
        }
    }

    /// What is wrong with a blob. An error only when the objects cannot be asked at all.
    async fn fault(&self, db: &dyn Backend, blob: &BlobRef) -> Result<Option<Fault>, StoreError> {
        match self.objects().head(&path(blob)).await {
            Ok(meta) if meta.size == seal::blob::sealed_len(blob.size) => {}
            Ok(_) | Err(object_store::Error::NotFound { .. }) => {
                return self.really(db, blob, Fault::Missing).await;
            }
            Err(e) => return Err(object_error(e)),
        }
        let open = match self.unlocked(db, blob.clone()).await {
            Ok(open) => open,
            Err(StoreError::Damaged(_)) => return self.really(db, blob, Fault::Key).await,
            Err(e) => return Err(e),
        };
        let secret = self.address_secret(db, &blob.hospital).await?;
        let mut address =
            seal::Addresser::new(&secret, &scope(&blob.hospital, blob.patient.as_ref()));
        let mut start = 0;
        while start < blob.size {
            let end = blob.size.min(start + SCRUB_BYTES);
            match open.range(start..end).await {
                Ok(content) => address.update(&content),
                Err(StoreError::Damaged(_)) => return self.really(db, blob, Fault::Damaged).await,
                Err(e) => return Err(e),
            }
            start = end;
        }
        if address.finish().to_string() == blob.address {
            Ok(None)
        } else {
            self.really(db, blob, Fault::Damaged).await
        }
    }

    /// A blob that was swept or erased while it was looked at is no fault.
    async fn really(
        &self,
        db: &dyn Backend,
        blob: &BlobRef,
        fault: Fault,
    ) -> Result<Option<Fault>, StoreError> {
        // Addresses that share all digits but the last come together, and there are at most sixteen.
        let stem = blob.address.get(..63).unwrap_or_default().to_owned();
        let there = db.blobs(Some((blob.hospital.clone(), stem)), 16).await?;
        let still = there
            .iter()
            .any(|b| b.hospital == blob.hospital && b.address == blob.address);
        Ok(still.then_some(fault))
    }
}
