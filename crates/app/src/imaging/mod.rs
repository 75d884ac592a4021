//! The archive of images: DICOM objects kept as they were sent, one study one ImagingStudy, found, opened and
//! reconciled under the same permits as every other record.

mod ask;
pub mod entities;
mod first;
mod incoming;
mod keep;
mod marks;
mod matching;
mod model;
mod object;
pub mod orders;
mod outline;
mod peers;
mod pieces;
mod quiet;
mod read;
pub mod reconcile;
mod same;
pub mod settings;
mod study;
pub mod waiting;
mod worklist;

use bytes::Bytes;

use crate::AppError;
pub use entities::{Entity, EntityLine, NewEntity};
pub use first::FirstImage;
pub use incoming::{Incoming, NotTaken};
pub use keep::Arriving;
pub use marks::{Marked, MarkedNumber, Marks};
pub use model::{
    Destination, Found, ImageSource, InstanceLine, Kept, Outcome, Peer, PeerProof, Place, Service,
    Target,
};
pub use outline::Names;
pub use settings::ImagingSettings;
pub use store::Content;
pub use waiting::{Decided, StudyDecision, WaitingFor, WaitingStudy, WaitingView};

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
