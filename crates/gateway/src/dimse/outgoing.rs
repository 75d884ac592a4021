//! A data set on its way out: a small one at once, a large one a piece at a time.

use bytes::Bytes;
use kernel::limits;

use super::file;
use super::host::Outgoing;
use super::status::Status;

/// Bytes of a large object that are read at once; whole chunks of its encryption.
const PIECE_BYTES: u64 = 1 << 20;

/// The data set of a file, read from its beginning to its end.
pub struct DataSet {
    file: Box<dyn Outgoing>,
    /// The piece that was read to find where the data set begins.
    first: Option<Bytes>,
    /// Bytes of the file before this one were read.
    read: u64,
}

impl DataSet {
    /// None for what cannot be read, or is no file of which preamble and file meta information can be followed.
    pub async fn of(file: Box<dyn Outgoing>) -> Option<Self> {
        let read = file.size().min(piece_bytes(&*file));
        let first = file.range(0..read).await.ok()?;
        let first = Some(file::data_set(&first)?);
        Some(Self { file, first, read })
    }

    /// Room in memory that sending a file takes, bytes: the piece that is sent and the one that is read meanwhile.
    pub fn room(size: u64) -> usize {
        let held = usize::try_from(size).unwrap_or(usize::MAX);
        if held <= limits::IMAGE_HELD_BYTES_MAX {
            held
        } else {
            2 * PIECE_BYTES as usize
        }
    }

    /// The next piece, and whether it is the last; none after that. A data set has at least one.
    pub async fn next(&mut self) -> Result<Option<(Bytes, bool)>, Status> {
        let size = self.file.size();
        if let Some(first) = self.first.take() {
            return Ok(Some((first, self.read == size)));
        }
        if self.read == size {
            return Ok(None);
        }
        let end = size.min(self.read + PIECE_BYTES);
        let piece = self.file.range(self.read..end).await?;
        self.read = end;
        Ok(Some((piece, end == size)))
    }
}

fn piece_bytes(file: &dyn Outgoing) -> u64 {
    if file.size() <= limits::IMAGE_HELD_BYTES_MAX as u64 {
        file.size()
    } else {
        PIECE_BYTES
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A file that is never asked for much at once.
    struct Far {
        bytes: Bytes,
        most: Arc<AtomicU64>,
    }

    #[async_trait::async_trait]
    impl Outgoing for Far {
        fn size(&self) -> u64 {
            self.bytes.len() as u64
        }
        async fn range(&self, range: Range<u64>) -> Result<Bytes, Status> {
            self.most
                .fetch_max(range.end - range.start, Ordering::SeqCst);
            self.bytes.range(range).await
        }
    }

    fn file(data_set: usize) -> Bytes {
        let mut file = imaging::file::head("1.2.3", "1.2.3.4", "1.2.840.10008.1.2.1", Some("A"));
        file.extend((0..data_set).map(|n| n.to_le_bytes()[1]));
        Bytes::from(file)
    }

    #[tokio::test]
    async fn a_large_data_set_comes_in_pieces_and_whole() {
        for size in [0, 10, 300_000, limits::IMAGE_HELD_BYTES_MAX + 123_456] {
            let bytes = file(size);
            let most = Arc::new(AtomicU64::new(0));
            let far = Far {
                bytes: bytes.clone(),
                most: Arc::clone(&most),
            };
            let mut data_set = DataSet::of(Box::new(far)).await.unwrap();
            let (mut whole, mut ended) = (Vec::new(), false);
            while let Some((piece, last)) = data_set.next().await.unwrap() {
                assert!(!ended);
                whole.extend_from_slice(&piece);
                ended = last;
            }
            assert!(ended && whole == bytes[bytes.len() - size..], "{size}");
            let most = usize::try_from(most.load(Ordering::SeqCst)).unwrap();
            assert!(most <= DataSet::room(bytes.len() as u64), "{size}: {most}");
        }
        assert!(
            DataSet::of(Box::new(Bytes::from_static(b"none")))
                .await
                .is_none()
        );
    }
}
