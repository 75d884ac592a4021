//! What the database keeps about blobs: which there are, who refers to them, and the wrapped keys. The second half
//! of the seam between back ends; the bytes themselves lie in an object store.

use agreements::Permit;
use async_trait::async_trait;
use kernel::{HospitalId, Instant, RecordKey, ResourceId};
use seal::Wrapped;

use crate::backup::Durable;
use crate::{Batch, BlobRef, Database, Finding, ImageIndex, StoreError};

/// What is to be erased, at one hospital.
#[derive(Debug, Clone)]
pub struct ToErase {
    pub hospital: HospitalId,
    /// Whose whole record; none for the named records alone.
    pub patient: Option<ResourceId>,
    /// Records that go too: what the database does not know to be about the patient.
    pub records: Vec<RecordKey>,
}

/// What was erased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    pub records: u64,
    /// Versions that lost their content.
    pub versions: u64,
    /// Blobs whose key is gone; their bytes can be deleted.
    pub blobs: Vec<BlobRef>,
}

impl Erased {
    pub(crate) fn add(&mut self, versions: u64) {
        self.records += 1;
        self.versions += versions;
    }
}

/// A key of blobs as it is kept.
#[derive(Debug, Clone)]
pub struct WrappedKey {
    pub hospital: HospitalId,
    /// Whose data key; none for the secret that addresses the hospital's blobs. Empty: of what belongs to no patient.
    pub patient: Option<String>,
    pub wrapped: Wrapped,
}

impl WrappedKey {
    /// What the key was wrapped for.
    pub(crate) fn context(&self) -> String {
        match &self.patient {
            None => format!("blob-secret/{}", self.hospital),
            Some(patient) => format!("data-key/{}/{patient}", self.hospital),
        }
    }
}

/// The rows about blobs of one database.
#[async_trait]
pub trait BlobIndex: Send + Sync + 'static {
    /// The wrapped secret of a hospital, if it has one.
    async fn hospital_secret(&self, hospital: &HospitalId) -> Result<Option<Wrapped>, StoreError>;

    /// Keeps `new` unless the hospital has a secret already; gives the one that is kept.
    async fn put_hospital_secret(
        &self,
        hospital: &HospitalId,
        new: Wrapped,
    ) -> Result<Wrapped, StoreError>;

    /// The wrapped data key of a patient; without a patient, the one for the hospital's other blobs.
    async fn data_key(
        &self,
        hospital: &HospitalId,
        patient: Option<&ResourceId>,
    ) -> Result<Option<Wrapped>, StoreError>;

    /// Every key of blobs as it is kept, after which the node key can change.
    async fn wrapped_keys(&self) -> Result<Vec<WrappedKey>, StoreError>;

    /// Puts another wrapping of the same key in its place. A key that was destroyed meanwhile stays destroyed.
    async fn replace_key(&self, new: &WrappedKey) -> Result<(), StoreError>;

    /// Keeps `new` unless there is a key already; gives the one that is kept.
    async fn put_data_key(
        &self,
        hospital: &HospitalId,
        patient: Option<&ResourceId>,
        new: Wrapped,
    ) -> Result<Wrapped, StoreError>;

    /// Notes a blob whose bytes are on disk and synced.
    async fn put_blob(&self, blob: &BlobRef, at: Instant) -> Result<(), StoreError>;

    /// The blob, if `owner` may be read under the permit, is not deleted, and has a readable version that refers
    /// to the blob.
    async fn blob(
        &self,
        permit: &Permit,
        owner: &RecordKey,
        address: &str,
    ) -> Result<Option<BlobRef>, StoreError>;

    /// Forgets the blobs that were put before `before` and that no version refers to; their bytes can be deleted.
    async fn forget_unused(&self, before: Instant) -> Result<Vec<BlobRef>, StoreError>;

    /// Erases in one commit with the batch: the content of every version, what it is found by, a patient's policy
    /// rows and data key. Nothing of it remains in the database's log either.
    async fn erase(&self, what: ToErase, batch: Batch) -> Result<Erased, StoreError>;

    /// Every blob the database holds to be on disk, in order, after the given one: for checking.
    async fn blobs(
        &self,
        after: Option<(HospitalId, String)>,
        limit: u32,
    ) -> Result<Vec<BlobRef>, StoreError>;

    /// A check-up of the whole database: its integrity, schema, audit chains, and whether it can write.
    async fn check_up(&self) -> Result<Vec<Finding>, StoreError>;
}

/// A back end: all four parts of the seam.
pub trait Backend: Database + BlobIndex + Durable + ImageIndex {}

impl<T: Database + BlobIndex + Durable + ImageIndex> Backend for T {}
