//! Content that is too large to be held while it comes in: in a file without a name, sealed under a key that only this
//! process has and that is nowhere written. However the process ends, nothing is left that can be found or read.
//!
//! Nothing here is kept: what is to be kept is read from it once more, when it is whole and known to be what it should be, so
//! that no turn is held and no key of a study is made while somebody sends slowly.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use kernel::{Entropy, limits};
use seal::{BlobAddress, BlobCipher, Sealing, Secret};

use crate::diagnose::free_bytes;
use crate::local_files::fill;

/// After so many bytes it is asked again how much room the disk has.
const ROOM_ASKED_EVERY: u64 = 32 << 20;
/// Bytes that are read at once where all are read.
const PIECE_BYTES: u64 = 1 << 20;

/// The folder of such files. Everything here blocks: not for threads that serve others.
#[derive(Clone)]
pub struct ScratchFolder {
    dir: Arc<Path>,
    entropy: Arc<dyn Entropy>,
}

impl ScratchFolder {
    /// The folder is made when the first file is.
    pub fn new(dir: &Path, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            dir: dir.into(),
            entropy,
        }
    }

    /// Begins a file.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`] when the disk has less room than the data beside must have.
    pub fn create(&self) -> io::Result<ScratchWriter> {
        fs::create_dir_all(&self.dir)?;
        let mut name = [0; 16];
        self.entropy.fill(&mut name);
        let path = self.dir.join(hex::encode(name));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        fs::remove_file(&path)?;
        let secret = Secret::generate(&*self.entropy);
        let cipher = BlobCipher::new(&secret, BlobAddress([0; 32]));
        let mut writer = ScratchWriter {
            file,
            sealing: Sealing::new(cipher),
            sealed: Vec::new(),
            len: 0,
            asked: 0,
            dir: Arc::clone(&self.dir),
        };
        writer.find_room()?;
        Ok(writer)
    }
}

/// A file that grows.
pub struct ScratchWriter {
    file: File,
    sealing: Sealing,
    /// Room for what is written next.
    sealed: Vec<u8>,
    len: u64,
    /// How long it was when the disk was last asked for room.
    asked: u64,
    dir: Arc<Path>,
}

fn sealing(e: seal::SealError) -> io::Error {
    io::Error::other(e.to_string())
}

impl ScratchWriter {
    /// Adds content.
    ///
    /// # Errors
    /// As [`ScratchFolder::create`].
    pub fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.len += content.len() as u64;
        if self.len >= self.asked + ROOM_ASKED_EVERY {
            self.find_room()?;
        }
        for some in content.chunks(PIECE_BYTES as usize) {
            self.sealing.push(some, &mut self.sealed).map_err(sealing)?;
            self.file.write_all(&self.sealed)?;
            self.sealed.clear();
        }
        Ok(())
    }

    /// What is here is written once more where it is kept.
    fn find_room(&mut self) -> io::Result<()> {
        self.asked = self.len;
        if free_bytes(&self.dir)? < limits::DISK_FULL_BYTES + self.len {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    /// The content is whole.
    ///
    /// # Errors
    /// What the disk says.
    pub fn finish(mut self) -> io::Result<Content> {
        let cipher = self.sealing.finish(&mut self.sealed).map_err(sealing)?;
        self.file.write_all(&self.sealed)?;
        Ok(Content::Scratch(Arc::new(Scratch {
            file: Mutex::new(self.file),
            cipher,
            len: self.len,
        })))
    }
}

/// A whole file.
pub struct Scratch {
    file: Mutex<File>,
    cipher: BlobCipher,
    len: u64,
}

impl Scratch {
    fn range(&self, range: Range<u64>) -> io::Result<Bytes> {
        let chunks = seal::chunk_range(self.len, range).map_err(sealing)?;
        let mut room = chunks.room();
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(chunks.stored.start))?;
            fill(&file, &mut room.parts())?;
        }
        let plain = self.cipher.open(self.len, &chunks, room);
        Ok(Bytes::from(plain.map_err(sealing)?).slice(chunks.within()))
    }
}

/// Content at hand: in memory, or of a large one in a file of the [`ScratchFolder`].
#[derive(Clone)]
pub enum Content {
    Held(Bytes),
    Scratch(Arc<Scratch>),
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Held(bytes)
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes of content", self.len())
    }
}

impl Content {
    /// Bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Held(bytes) => bytes.len() as u64,
            Self::Scratch(scratch) => scratch.len,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of it, if it is in memory.
    pub const fn held(&self) -> Option<&Bytes> {
        match self {
            Self::Held(bytes) => Some(bytes),
            Self::Scratch(_) => None,
        }
    }

    /// Some of it; the range lies within it. Blocks where it is not in memory.
    ///
    /// # Errors
    /// What the disk says.
    pub fn range(&self, range: Range<u64>) -> io::Result<Bytes> {
        match self {
            Self::Scratch(scratch) => scratch.range(range),
            Self::Held(bytes) => {
                let outside = || io::Error::from(io::ErrorKind::UnexpectedEof);
                let at = |n| usize::try_from(n).map_err(|_| outside());
                let (from, to) = (at(range.start)?, at(range.end)?);
                if from > to || to > bytes.len() {
                    return Err(outside());
                }
                Ok(bytes.slice(from..to))
            }
        }
    }

    /// Everything from a byte on, piece by piece. Blocks where it is not in memory.
    ///
    /// # Errors
    /// What the disk says, or `each`.
    pub fn each<E: From<io::Error>>(
        &self,
        from: u64,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut at = from;
        while at < self.len() {
            let end = self.len().min((at / PIECE_BYTES + 1) * PIECE_BYTES);
            each(&self.range(at..end)?)?;
            at = end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use kernel::SystemEntropy;
    use proptest::prelude::*;

    use super::*;

    fn folder(dir: &Path) -> ScratchFolder {
        ScratchFolder::new(&dir.join("incoming"), Arc::new(SystemEntropy))
    }

    #[test]
    fn nothing_of_it_has_a_name_or_can_be_read_by_others() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = folder(dir.path()).create().unwrap();
        writer.write(&vec![7; 200_000]).unwrap();
        let there = fs::read_dir(dir.path().join("incoming")).unwrap();
        assert_eq!(there.count(), 0);
        let mut raw = Vec::new();
        writer.file.seek(SeekFrom::Start(0)).unwrap();
        writer.file.read_to_end(&mut raw).unwrap();
        assert!(raw.len() > 100_000 && !raw.windows(16).any(|w| w == [7; 16]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn what_was_written_in_any_pieces_is_read_in_any_ranges(
            pieces in prop::collection::vec(0usize..150_000, 0..6),
            a in 0u64..900_000,
            b in 0u64..900_000,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let mut writer = folder(dir.path()).create().unwrap();
            let mut whole = Vec::new();
            for length in pieces {
                let piece: Vec<u8> = (0..length).map(|n| (n * 7 % 251) as u8).collect();
                writer.write(&piece).unwrap();
                whole.extend(piece);
            }
            let content = writer.finish().unwrap();
            prop_assert_eq!(content.len(), whole.len() as u64);
            let (a, b) = (a.min(b).min(content.len()), a.max(b).min(content.len()));
            let some = content.range(a..b).unwrap();
            prop_assert_eq!(&some[..], &whole[a as usize..b as usize]);
            let mut again = Vec::new();
            let all = content.each(0, |piece| { again.extend_from_slice(piece); io::Result::Ok(()) });
            prop_assert!(all.is_ok() && again == whole);
        }
    }
}
