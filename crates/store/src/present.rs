//! How a stored resource is shown: the bytes that came in, with the id, version and time the store gave it.

use bytes::Bytes;
use kernel::{Instant, ResourceId};

use crate::StoreError;

/// Splices `id`, `meta.versionId` and `meta.lastUpdated` into the stored bytes; all else stays as it came.
#[allow(clippy::unnecessary_wraps)]
pub(crate) fn with_meta(
    original: &[u8],
    id: &ResourceId,
    version: u64,
    at: Instant,
) -> Result<Bytes, StoreError> {
    let text = version.to_string();
    Ok(Bytes::from(fhir::raw::splice_meta(
        original,
        id.as_str(),
        &text,
        at,
    )))
}
