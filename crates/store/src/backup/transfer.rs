//! Carrying files to and from a backup place.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Write};
use std::path::PathBuf;
use std::sync::Arc;

use kernel::Entropy;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use seal::NodeKey;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

use super::sealed::SealedWriter;
use crate::StoreError;
use crate::objects::{Upload, object_error};

/// Bytes that go from hand to hand.
const PIECE_BYTES: usize = 256 << 10;

fn disk(e: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("backup: {e}"))
}

/// Hands what is written to whoever uploads it.
struct Pieces(mpsc::Sender<Vec<u8>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .blocking_send(bytes.to_vec())
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Compresses, seals and uploads a file. Gives the bytes that went up.
pub(super) async fn upload_sealed(
    objects: &dyn ObjectStore,
    to: Path,
    file: PathBuf,
    key: NodeKey,
    entropy: Arc<dyn Entropy>,
) -> Result<u64, StoreError> {
    upload(objects, to, move |pieces| {
        let mut input = File::open(file)?;
        let buffered = io::BufWriter::with_capacity(PIECE_BYTES, pieces);
        let mut sealed = SealedWriter::new(buffered, &key, &*entropy)?;
        io::copy(&mut input, &mut sealed)?;
        sealed.finish()?.flush()
    })
    .await
}

/// Uploads a file that is sealed already.
pub(super) async fn upload_file(
    objects: &dyn ObjectStore,
    to: Path,
    file: PathBuf,
) -> Result<u64, StoreError> {
    upload(objects, to, move |mut pieces| {
        let mut input = BufReader::new(File::open(file)?);
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match input.read(&mut piece)? {
                0 => return Ok(()),
                n => pieces.write_all(&piece[..n])?,
            }
        }
    })
    .await
}

async fn upload(
    objects: &dyn ObjectStore,
    to: Path,
    fill: impl FnOnce(Pieces) -> io::Result<()> + Send + 'static,
) -> Result<u64, StoreError> {
    let (send, mut pieces) = mpsc::channel(4);
    let filling = tokio::task::spawn_blocking(move || fill(Pieces(send)));
    let mut upload = Upload::new(objects, to);
    while let Some(piece) = pieces.recv().await {
        if let Err(e) = upload.write(&piece).await {
            upload.abort().await;
            return Err(object_error(e));
        }
    }
    let filled = filling
        .await
        .map_err(|_| StoreError::Internal("an upload was broken off".into()))?;
    if let Err(e) = filled {
        upload.abort().await;
        return Err(disk(&e));
    }
    upload.finish().await.map_err(object_error)
}

/// Downloads an object to a new file.
pub(super) async fn download(
    objects: &dyn ObjectStore,
    from: &Path,
    file: PathBuf,
) -> Result<(), StoreError> {
    let mut out = tokio::fs::File::create(&file).await.map_err(|e| disk(&e))?;
    let size = objects.head(from).await.map_err(object_error)?.size;
    let mut at = 0;
    while at < size {
        let end = size.min(at + crate::objects::PART_BYTES as u64);
        let piece = objects
            .get_range(from, at..end)
            .await
            .map_err(object_error)?;
        out.write_all(&piece).await.map_err(|e| disk(&e))?;
        at = end;
    }
    out.flush().await.map_err(|e| disk(&e))
}

/// Copies an object from one place to another as it is.
pub(super) async fn copy(
    from: (&dyn ObjectStore, &Path),
    to: (&dyn ObjectStore, Path),
) -> Result<(), object_store::Error> {
    let size = from.0.head(from.1).await?.size;
    let mut upload = Upload::new(to.0, to.1);
    let mut at = 0;
    while at < size {
        let end = size.min(at + crate::objects::PART_BYTES as u64);
        let piece = from.0.get_range(from.1, at..end).await?;
        if let Err(e) = upload.write(&piece).await {
            upload.abort().await;
            return Err(e);
        }
        at = end;
    }
    upload.finish().await.map(drop)
}
