//! Pieces of uploads that are not whole yet: sealed beside the blobs, on disk and synced before they are acknowledged, so
//! that a line that breaks costs what was on the way and nothing else. In a bucket, any node goes on where another stopped.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use kernel::{Entropy, HospitalId, Instant, limits};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use seal::{NodeKey, Wrapped};

use crate::StoreError;
use crate::objects::object_error;

/// Leads the names of all pieces. No hospital can be called so.
const FOLDER: &str = "_staged";

/// A piece of an upload: where it begins and how long it is, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub offset: u64,
    pub len: u64,
    /// What its content takes where it lies.
    sealed: u64,
}

/// The pieces of one node's uploads.
#[derive(Clone)]
pub struct Staging {
    objects: Arc<dyn ObjectStore>,
    key: NodeKey,
    entropy: Arc<dyn Entropy>,
}

/// Bytes that sealing adds to a piece: version, key id, nonce and tag of a wrapped secret.
const SEALING: u64 = 1 + 8 + 12 + 16;

impl Staging {
    pub(crate) fn new(
        objects: Arc<dyn ObjectStore>,
        key: NodeKey,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            objects,
            key,
            entropy,
        }
    }

    /// Keeps a piece; when this returns it is on disk and synced.
    ///
    /// `upload` is letters, digits and `-` alone; a piece has at most [`limits::UPLOAD_PIECE_BYTES_MAX`] bytes.
    pub async fn put(
        &self,
        hospital: &HospitalId,
        upload: &str,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        if bytes.len() > limits::UPLOAD_PIECE_BYTES_MAX {
            return Err(StoreError::TooMuch {
                what: "bytes in one piece of an upload",
            });
        }
        let name = name(hospital, upload, &format!("{offset:020}"))?;
        let sealed = self
            .key
            .wrap(name.as_ref(), bytes, &*self.entropy)
            .map_err(|e| StoreError::Internal(e.to_string()))?;
        self.objects
            .put(&name, PutPayload::from(Bytes::from(sealed.0)))
            .await
            .map_err(object_error)?;
        Ok(())
    }

    /// Keeps a small note about an upload beside its pieces, in place of an earlier one.
    pub async fn note(
        &self,
        hospital: &HospitalId,
        upload: &str,
        note: &[u8],
    ) -> Result<(), StoreError> {
        let name = name(hospital, upload, "note")?;
        let sealed = self
            .key
            .wrap(name.as_ref(), note, &*self.entropy)
            .map_err(|e| StoreError::Internal(e.to_string()))?;
        self.objects
            .put(&name, PutPayload::from(Bytes::from(sealed.0)))
            .await
            .map_err(object_error)?;
        Ok(())
    }

    /// The note, or none when there is no such upload.
    pub async fn noted(
        &self,
        hospital: &HospitalId,
        upload: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let name = name(hospital, upload, "note")?;
        match self.objects.get(&name).await {
            Ok(found) => {
                let sealed = found.bytes().await.map_err(object_error)?;
                self.open(&name, &sealed).map(Some)
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(object_error(e)),
        }
    }

    /// The pieces that follow one another from the first byte on, in order.
    pub async fn pieces(
        &self,
        hospital: &HospitalId,
        upload: &str,
    ) -> Result<Vec<Piece>, StoreError> {
        let folder = folder(hospital, upload)?;
        let mut all: Vec<Piece> = self
            .objects
            .list(Some(&folder))
            .map_ok(|meta| {
                let offset = meta.location.filename().and_then(|n| n.parse().ok())?;
                Some(Piece {
                    offset,
                    len: meta.size.checked_sub(SEALING)?,
                    sealed: meta.size,
                })
            })
            .try_filter_map(|piece| async move { Ok(piece) })
            .try_collect()
            .await
            .map_err(object_error)?;
        all.sort_by_key(|p| p.offset);
        let mut next = 0;
        all.retain(|piece| {
            let follows = piece.offset == next;
            if follows {
                next += piece.len;
            }
            follows
        });
        Ok(all)
    }

    /// The content of one piece.
    pub async fn read(
        &self,
        hospital: &HospitalId,
        upload: &str,
        piece: &Piece,
    ) -> Result<Vec<u8>, StoreError> {
        let name = name(hospital, upload, &format!("{:020}", piece.offset))?;
        let found = self.objects.get(&name).await.map_err(object_error)?;
        let sealed = found.bytes().await.map_err(object_error)?;
        if sealed.len() as u64 != piece.sealed {
            return Err(StoreError::Damaged("a piece of an upload changed".into()));
        }
        self.open(&name, &sealed)
    }

    /// Deletes the pieces, and with `note` the note about them.
    pub async fn clear(
        &self,
        hospital: &HospitalId,
        upload: &str,
        note: bool,
    ) -> Result<(), StoreError> {
        let folder = folder(hospital, upload)?;
        let names: Vec<Path> = self
            .objects
            .list(Some(&folder))
            .map_ok(|meta| meta.location)
            .try_collect()
            .await
            .map_err(object_error)?;
        for name in names {
            if note || name.filename() != Some("note") {
                match self.objects.delete(&name).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(e) => return Err(object_error(e)),
                }
            }
        }
        Ok(())
    }

    /// Deletes what was last touched before an instant; gives the number of objects.
    pub async fn sweep(&self, before: Instant) -> Result<u64, StoreError> {
        let old: Vec<Path> = self
            .objects
            .list(Some(&Path::from(FOLDER)))
            .try_filter_map(|meta| async move {
                let touched = meta.last_modified.timestamp_millis();
                Ok((touched < before.as_millisecond()).then_some(meta.location))
            })
            .try_collect()
            .await
            .map_err(object_error)?;
        for name in &old {
            match self.objects.delete(name).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(e) => return Err(object_error(e)),
            }
        }
        Ok(old.len() as u64)
    }

    fn open(&self, name: &Path, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.key
            .unwrap(name.as_ref(), &Wrapped(sealed.to_vec()))
            .map_err(|e| StoreError::Damaged(e.to_string()))
    }
}

fn folder(hospital: &HospitalId, upload: &str) -> Result<Path, StoreError> {
    let plain = !upload.is_empty()
        && upload.len() <= 64
        && upload
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !plain {
        return Err(StoreError::Invalid("the name of an upload".into()));
    }
    Ok(Path::from(format!("{FOLDER}/{hospital}/{upload}")))
}

fn name(hospital: &HospitalId, upload: &str, last: &str) -> Result<Path, StoreError> {
    Ok(folder(hospital, upload)?.join(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SystemEntropy;
    use object_store::memory::InMemory;

    fn staging(key: u8) -> (Staging, Arc<InMemory>) {
        let objects = Arc::new(InMemory::new());
        let key = NodeKey::new(seal::Secret::from_bytes([key; 32]));
        let staging = Staging::new(objects.clone(), key, Arc::new(SystemEntropy));
        (staging, objects)
    }

    #[tokio::test]
    async fn pieces_that_follow_one_another_come_back_as_one() {
        let (staging, objects) = staging(1);
        let h = HospitalId::new("yarqum").unwrap();
        staging.put(&h, "u-1", 0, b"abc").await.unwrap();
        staging.put(&h, "u-1", 3, b"defg").await.unwrap();
        // One that leaves a gap does not count.
        staging.put(&h, "u-1", 9, b"xyz").await.unwrap();
        let pieces = staging.pieces(&h, "u-1").await.unwrap();
        assert_eq!(pieces.iter().map(|p| p.len).sum::<u64>(), 7);
        let mut whole = Vec::new();
        for piece in &pieces {
            whole.extend(staging.read(&h, "u-1", piece).await.unwrap());
        }
        assert_eq!(whole, b"abcdefg");
        let raw = objects
            .get(&name(&h, "u-1", &format!("{:020}", 3)).unwrap())
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
        assert!(
            !raw.windows(4).any(|w| w == b"defg"),
            "sealed where it lies"
        );
    }

    #[tokio::test]
    async fn a_piece_moved_to_another_upload_does_not_open() {
        let (staging, objects) = staging(1);
        let h = HospitalId::new("yarqum").unwrap();
        staging.put(&h, "u-1", 0, b"abc").await.unwrap();
        let from = name(&h, "u-1", &format!("{:020}", 0)).unwrap();
        let to = name(&h, "u-2", &format!("{:020}", 0)).unwrap();
        objects.copy(&from, &to).await.unwrap();
        let pieces = staging.pieces(&h, "u-2").await.unwrap();
        assert!(staging.read(&h, "u-2", &pieces[0]).await.is_err());
    }

    #[tokio::test]
    async fn names_that_leave_the_folder_are_refused() {
        let (staging, _) = staging(1);
        let h = HospitalId::new("yarqum").unwrap();
        for bad in ["", "../x", "a/b", "ü"] {
            assert!(staging.put(&h, bad, 0, b"x").await.is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn clearing_leaves_the_note_when_told_so() {
        let (staging, _) = staging(1);
        let h = HospitalId::new("yarqum").unwrap();
        staging.note(&h, "u-1", b"done").await.unwrap();
        staging.put(&h, "u-1", 0, b"abc").await.unwrap();
        staging.clear(&h, "u-1", false).await.unwrap();
        assert!(staging.pieces(&h, "u-1").await.unwrap().is_empty());
        assert_eq!(
            staging.noted(&h, "u-1").await.unwrap().as_deref(),
            Some(&b"done"[..])
        );
        staging.clear(&h, "u-1", true).await.unwrap();
        assert!(staging.noted(&h, "u-1").await.unwrap().is_none());
    }
}
