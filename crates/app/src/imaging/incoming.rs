//! An object that comes in piece by piece: in memory as long as it is small, beyond that in a scratch file.

use std::io;

use bytes::Bytes;
use imaging::{ImagingError, Limits, Object};
use kernel::limits;
use store::{Content, ScratchFolder, ScratchWriter};
use tokio::task::JoinHandle;

use super::object::refused;
use crate::AppError;

/// Bytes of a large object that are gathered before they are written.
const WRITTEN_AT_ONCE: usize = 1 << 20;

/// Why an object cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// It is refused whatever follows.
    #[error("{0}")]
    Refused(#[from] ImagingError),
    /// The disk has no room for it.
    #[error("there is no room to write")]
    Full,
    #[error("it cannot be written: {0}")]
    Unwritable(io::ErrorKind),
}

impl From<io::Error> for NotTaken {
    fn from(e: io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            kind => Self::Unwritable(kind),
        }
    }
}

impl From<NotTaken> for AppError {
    fn from(e: NotTaken) -> Self {
        match e {
            NotTaken::Refused(e) => refused(e),
            NotTaken::Full => Self::Full(e.to_string()),
            NotTaken::Unwritable(_) => Self::Unavailable(e.to_string()),
        }
    }
}

/// An object that comes in.
pub struct Incoming {
    /// All of a small one; of a large one what is yet to be written.
    bytes: Vec<u8>,
    /// Bytes that were written, or are on their way.
    gone: u64,
    /// Where a large one goes; none where all are held.
    folder: Option<ScratchFolder>,
    writing: Option<JoinHandle<Result<ScratchWriter, NotTaken>>>,
}

impl Incoming {
    /// Begins with what stands before what comes. Without a folder everything is held.
    pub const fn new(head: Vec<u8>, folder: Option<ScratchFolder>) -> Self {
        Self {
            bytes: head,
            gone: 0,
            folder,
            writing: None,
        }
    }

    /// Bytes so far.
    pub const fn len(&self) -> u64 {
        self.gone + self.bytes.len() as u64
    }

    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes in memory, as many as there will be with so many more.
    pub const fn held_with(&self, more: usize) -> usize {
        if self.writing.is_some() {
            return self.bytes.len();
        }
        let held = self.bytes.len() + more;
        if self.folder.is_none() || held <= limits::IMAGE_HELD_BYTES_MAX {
            held
        } else {
            limits::IMAGE_HELD_BYTES_MAX
        }
    }

    /// Makes room in memory for so many bytes in all.
    pub fn reserve(&mut self, bytes: usize) {
        let more = bytes.saturating_sub(self.bytes.len());
        self.bytes.reserve_exact(more);
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// What cannot be an object is refused as soon as it is too large to be held. After an error nothing is added any more.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<(), NotTaken> {
        for some in bytes.chunks(WRITTEN_AT_ONCE) {
            let most = match (&self.folder, &self.writing) {
                (None, _) => usize::MAX,
                (Some(_), None) => limits::IMAGE_HELD_BYTES_MAX,
                (Some(_), Some(_)) => WRITTEN_AT_ONCE,
            };
            if self.bytes.len() + some.len() > most {
                self.write().await?;
            }
            self.bytes.extend_from_slice(some);
        }
        Ok(())
    }

    /// Begins to write what has been gathered, when what was gathered before is written.
    async fn write(&mut self) -> Result<(), NotTaken> {
        let next = Vec::with_capacity(WRITTEN_AT_ONCE);
        let bytes = std::mem::replace(&mut self.bytes, next);
        self.gone += bytes.len() as u64;
        let begun = match self.writing.take() {
            Some(writing) => Some(written(writing).await?),
            None => None,
        };
        let folder = self.folder.clone();
        self.writing = Some(tokio::task::spawn_blocking(move || {
            let (mut writer, bytes) = match (begun, folder) {
                (Some(writer), _) => (writer, bytes),
                (None, Some(folder)) => {
                    let bytes = Bytes::from(bytes);
                    Object::may_begin(&bytes, &Limits::default())?;
                    let writer = folder.create()?;
                    (writer, bytes.into())
                }
                (None, None) => return Err(NotTaken::Unwritable(io::ErrorKind::NotFound)),
            };
            writer.write(&bytes)?;
            Ok(writer)
        }));
        Ok(())
    }

    /// It is whole.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub async fn end(mut self) -> Result<Content, NotTaken> {
        if self.writing.is_none() {
            return Ok(Content::Held(self.bytes.into()));
        }
        if !self.bytes.is_empty() {
            self.write().await?;
        }
        let Some(writing) = self.writing.take() else {
            return Err(NotTaken::Unwritable(io::ErrorKind::NotFound));
        };
        let writer = written(writing).await?;
        let end = tokio::task::spawn_blocking(move || writer.finish()).await;
        Ok(end.map_err(io::Error::other)??)
    }
}

async fn written(
    writing: JoinHandle<Result<ScratchWriter, NotTaken>>,
) -> Result<ScratchWriter, NotTaken> {
    writing.await.map_err(io::Error::other)?
}
