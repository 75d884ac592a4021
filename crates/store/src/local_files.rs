//! Files of images in a folder of this machine. What a general store of objects does in two steps for each new file (write
//! aside, then rename), each of which the disk must confirm, is one step here: the name of a file says what it holds, and
//! nothing refers to it before it is whole.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, IoSliceMut, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::StoreError;

/// The folder of the files.
#[derive(Debug, Clone)]
pub(crate) struct LocalFiles(Arc<Path>);

impl LocalFiles {
    pub fn new(folder: &Path) -> Self {
        Self(folder.into())
    }

    /// Writes a file that is not there yet; it is on disk with its folder when this returns true. Blocks: not for threads that
    /// serve others. False: a file of that
    /// name is there, whole or not, or there is no folder for it yet. Then nothing was done, and the general way is taken,
    /// which makes folders and puts one file in the place of another at once.
    ///
    /// One that was broken off stays and holds nothing that anybody refers to: it is replaced when its content comes again,
    /// and swept as a stray otherwise. It is not removed here, because another may have put a whole one in its place.
    pub fn write_new(
        &self,
        name: &object_store::path::Path,
        bytes: &[u8],
    ) -> Result<bool, StoreError> {
        let Some(path) = self.path(name) else {
            return Ok(false);
        };
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => file,
            Err(e) if matches!(e.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => {
                return Ok(false);
            }
            Err(e) => return Err(error(&e)),
        };
        // The name is there already: the disk confirms it while the content is written.
        let folder = path.parent().map(Path::to_owned);
        let named = beside(move || folder.map_or(Ok(()), |folder| sync_folder(&folder)));
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        let named = named();
        if let Err(e) = written.and(named) {
            // Its room is given back.
            let _ = file.set_len(0);
            return Err(error(&e));
        }
        Ok(true)
    }

    /// Fills `parts` with what stands in a file from `at` on. Blocks. None where names are written differently.
    pub fn read(
        &self,
        name: &object_store::path::Path,
        at: u64,
        parts: &mut [IoSliceMut<'_>],
    ) -> Option<Result<(), StoreError>> {
        let path = self.path(name)?;
        let mut read = || {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(at))?;
            fill(&file, parts)
        };
        Some(read().map_err(|e: std::io::Error| match e.kind() {
            ErrorKind::NotFound => StoreError::Damaged("the bytes of an object are missing".into()),
            ErrorKind::UnexpectedEof => {
                StoreError::Damaged("some bytes of an object are missing".into())
            }
            _ => error(&e),
        }))
    }

    /// As [`Self::read`], if the system has name and content in its memory, so that nobody waits for a disk. False: it does not, or
    /// cannot say; then [`Self::read`] tells.
    pub fn read_at_once(
        &self,
        name: &object_store::path::Path,
        at: u64,
        parts: &mut [IoSliceMut<'_>],
    ) -> bool {
        self.path(name)
            .is_some_and(|path| at_once(&path, at, parts).is_some())
    }

    /// Where a file lies. None for names that a general store would write with escapes.
    fn path(&self, name: &object_store::path::Path) -> Option<PathBuf> {
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'/');
        let name = name.as_ref();
        name.bytes().all(plain).then(|| self.0.join(name))
    }
}

/// Reads until all parts are full.
pub(crate) fn fill(mut file: &File, mut parts: &mut [IoSliceMut<'_>]) -> std::io::Result<()> {
    while !parts.is_empty() {
        match file.read_vectored(parts) {
            Ok(0) if parts.iter().all(|p| p.is_empty()) => break,
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => IoSliceMut::advance_slices(&mut parts, read),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn at_once(path: &Path, at: u64, parts: &mut [IoSliceMut<'_>]) -> Option<()> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    use rustix::io::{ReadWriteFlags, preadv2};
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED).ok()?;
    let wanted: usize = parts.iter().map(|p| p.len()).sum();
    let read = preadv2(&file, parts, at, ReadWriteFlags::NOWAIT).ok()?;
    (read == wanted).then_some(())
}

#[cfg(not(target_os = "linux"))]
fn at_once(_: &Path, _: u64, _: &mut [IoSliceMut<'_>]) -> Option<()> {
    None
}

/// Begins work on another thread where there are such; what is given back waits for its end.
fn beside(
    work: impl FnOnce() -> std::io::Result<()> + Send + 'static,
) -> Box<dyn FnOnce() -> std::io::Result<()>> {
    let Ok(threads) = tokio::runtime::Handle::try_current() else {
        return Box::new(work);
    };
    let begun = threads.spawn_blocking(work);
    Box::new(move || {
        let ended = threads.block_on(begun);
        ended.unwrap_or_else(|_| Err(std::io::Error::other("a sync was broken off")))
    })
}

/// Only Unix has folders that are synced, and syncs nothing of a new name without.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn error(e: &std::io::Error) -> StoreError {
    let why = format!("files: {}", e.kind());
    match e.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full(why),
        _ => StoreError::Unavailable(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once_and_read_by_ranges() {
        let dir = tempfile::tempdir().unwrap();
        let files = LocalFiles::new(dir.path());
        let name = object_store::path::Path::from("h/aa/aabb");
        assert!(!files.write_new(&name, b"0123").unwrap(), "no folder");
        std::fs::create_dir_all(dir.path().join("h/aa")).unwrap();
        assert!(files.write_new(&name, b"0123").unwrap());
        assert!(!files.write_new(&name, b"other").unwrap(), "it is there");
        let (mut one, mut two) = ([0; 1], [0; 2]);
        let mut parts = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
        files.read(&name, 1, &mut parts).unwrap().unwrap();
        assert_eq!((&one, &two), (b"1", b"23"));
        let damaged = |name: &object_store::path::Path, at| {
            let read = files.read(name, at, &mut [IoSliceMut::new(&mut [0; 2])]);
            matches!(read, Some(Err(StoreError::Damaged(_))))
        };
        assert!(damaged(&name, 3), "it ends before");
        let missing = object_store::path::Path::from("h/aa/cc");
        assert!(damaged(&missing, 0));
        assert!(
            files
                .read(&object_store::path::Path::from("a b"), 0, &mut [])
                .is_none()
        );
    }
}
