//! The archive of images: DICOM objects kept as they were sent, one study one ImagingStudy, found, opened and
//! reconciled under the same permits as every other record.

mod model;

use bytes::Bytes;
use kernel::HospitalId;

use crate::{App, AppError, Cx};
pub use model::{
    Destination, Found, ImageSource, InstanceLine, Kept, Outcome, Peer, PeerProof, Place, Service,
    Target,
};

/// An object that was opened under a permit. Whoever locates the objects has had the reading of them audited.
pub struct OpenImage {
    pub line: InstanceLine,
    layout: Bytes,
    blob: store::OpenBlob,
}

impl OpenImage {
    /// The whole file as it was sent (PS3.10).
    pub async fn all(&self) -> Result<Bytes, AppError> {
        Ok(self.blob.all().await?)
    }

    /// Some of the file: bytes `range.start..range.end`.
    pub async fn range(&self, range: std::ops::Range<u64>) -> Result<Bytes, AppError> {
        Ok(self.blob.range(range).await?)
    }

    /// Where its frames lie, as `imaging` wrote it when the object came.
    pub fn layout_bytes(&self) -> &Bytes {
        &self.layout
    }
}

const NOT_YET: &str = "the archive of images is being built";

impl App {
    /// Keeps an object. Success means: on disk with its folder, indexed, audited; equal content again changes nothing.
    ///
    /// Refuses what is no DICOM object (`Malformed`, `Invalid`), what is too large (`TooMuch`), and whoever is neither
    /// a machine nor clinical staff of the hospital (`Denied`).
    pub async fn image_store(
        &self,
        _cx: &Cx,
        _hospital: &HospitalId,
        _file: Bytes,
        _source: &ImageSource,
    ) -> Result<Kept, AppError> {
        Err(AppError::Unavailable(NOT_YET.into()))
    }

    /// The objects meant that the permit opens, by series and instance number, at most `limit` after a place; and the
    /// place to go on from. The reading is audited before this returns.
    pub async fn image_page(
        &self,
        _cx: &Cx,
        _hospital: &HospitalId,
        _target: &Target,
        _after: Option<&Place>,
        _limit: u32,
    ) -> Result<(Vec<InstanceLine>, Option<Place>), AppError> {
        Err(AppError::Unavailable(NOT_YET.into()))
    }

    /// All objects meant that the permit opens (a few hundred bytes each); `TooMuch` beyond the limit of one retrieval.
    pub async fn image_locate(
        &self,
        _cx: &Cx,
        _hospital: &HospitalId,
        _target: &Target,
    ) -> Result<Vec<InstanceLine>, AppError> {
        Err(AppError::Unavailable(NOT_YET.into()))
    }

    /// Opens one object that was located in this request. `NotFound` when the permit does not open it any more.
    pub async fn image_open(&self, _cx: &Cx, _line: &InstanceLine) -> Result<OpenImage, AppError> {
        Err(AppError::Unavailable(NOT_YET.into()))
    }

    /// The attributes of the objects meant, each a DICOM JSON object (PS3.18 §F) without bulk data, a page at a time.
    pub async fn image_metadata(
        &self,
        _cx: &Cx,
        _hospital: &HospitalId,
        _target: &Target,
        _after: Option<&Place>,
        _limit: u32,
    ) -> Result<(Vec<Bytes>, Option<Place>), AppError> {
        Err(AppError::Unavailable(NOT_YET.into()))
    }

    /// Whom an association speaks for: the called title names a hospital's own entity, the calling title one that the
    /// hospital knows, and what the peer shows of itself must be what was agreed. `Denied` otherwise, whatever of it is
    /// wrong. Asked again during an association, so that one that was withdrawn is cut.
    pub async fn dicom_peer(
        &self,
        _called: &str,
        _calling: &str,
        _proof: &PeerProof,
    ) -> Result<Peer, AppError> {
        Err(AppError::Unavailable(NOT_YET.into()))
    }

    /// Where a title of the peer's hospital is reached; none for one that is not known or has no address.
    pub async fn dicom_destination(
        &self,
        _cx: &Cx,
        _title: &str,
    ) -> Result<Option<Destination>, AppError> {
        Err(AppError::Unavailable(NOT_YET.into()))
    }
}
