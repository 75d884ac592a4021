//! The journal of the layer, as `tests/powercut/powercut.c` writes it: entries of ten little-endian numbers of 64 bits,
//! then a path, another path, and bytes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const MAGIC: u64 = 0x4b52_4355_4352_5750;
const HEAD: usize = 80;

#[derive(Debug)]
pub(super) struct Entry {
    /// Where it begins in the journal.
    pub place: u64,
    pub change: Change,
}

#[derive(Debug)]
pub(super) enum Change {
    Write {
        inode: u64,
        at: u64,
        /// Bytes that were written.
        extent: u64,
        /// The length before.
        len: u64,
        /// What stood there.
        old: Vec<u8>,
    },
    Resize {
        inode: u64,
        len: u64,
        to: u64,
        tail: Vec<u8>,
    },
    /// Covers what lies before `until` in the journal.
    Sync {
        inode: u64,
        until: u64,
    },
    SyncAll {
        until: u64,
    },
    Name {
        folder: u64,
        what: Name,
        path: PathBuf,
    },
    Rename {
        from: u64,
        to: u64,
        old: PathBuf,
        new: PathBuf,
        /// The file that had the new name before, if there was one.
        kept: Option<PathBuf>,
    },
}

#[derive(Debug)]
pub(super) enum Name {
    Created,
    Linked,
    FolderMade,
    FolderRemoved,
    /// Where the file is.
    Removed(PathBuf),
}

impl Change {
    /// Makes names as they were before. A name that has gone with its folder is gone.
    pub fn undo_name(&self) -> io::Result<()> {
        let done = match self {
            Self::Name { what, path, .. } => match what {
                Name::Created | Name::Linked => fs::remove_file(path),
                Name::FolderMade => fs::remove_dir_all(path),
                Name::FolderRemoved => fs::create_dir(path),
                Name::Removed(kept) => fs::hard_link(kept, path),
            },
            Self::Rename { old, new, kept, .. } => {
                let back = fs::rename(new, old);
                match kept {
                    Some(kept) => back.and_then(|()| fs::hard_link(kept, new)),
                    None => back,
                }
            }
            _ => Ok(()),
        };
        match done {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

/// The entries in order; a torn last one, whose change was then not made, is left out.
pub(super) fn read(whole: &[u8]) -> Vec<Entry> {
    let (mut entries, mut bytes) = (Vec::new(), whole);
    while let Some((change, rest)) = one(bytes) {
        let place = (whole.len() - bytes.len()) as u64;
        entries.push(Entry { place, change });
        bytes = rest;
    }
    entries
}

fn one(bytes: &[u8]) -> Option<(Change, &[u8])> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let number = |n: usize| {
        let eight = head.get(n * 8..n * 8 + 8)?;
        Some(u64::from_le_bytes(eight.try_into().ok()?))
    };
    assert_eq!(number(0)?, MAGIC, "the journal is out of step");
    let [kind, inode, folder, at, len, extent] = [
        number(1)?,
        number(2)?,
        number(3)?,
        number(4)?,
        number(5)?,
        number(6)?,
    ];
    let size = |n: usize| usize::try_from(number(n)?).ok();
    let (path, rest) = rest.split_at_checked(size(7)?)?;
    let (other, rest) = rest.split_at_checked(size(8)?)?;
    let (data, rest) = rest.split_at_checked(size(9)?)?;
    let as_path = |b: &[u8]| Path::new(&*String::from_utf8_lossy(b)).to_owned();
    let name = |what| Change::Name {
        folder,
        what,
        path: as_path(path),
    };
    let change = match kind {
        1 => Change::Write {
            inode,
            at,
            extent,
            len,
            old: data.to_vec(),
        },
        2 => Change::Resize {
            inode,
            len,
            to: extent,
            tail: data.to_vec(),
        },
        3 => Change::Sync { inode, until: at },
        4 => name(Name::Created),
        5 => Change::Rename {
            from: folder,
            to: inode,
            old: as_path(path),
            new: as_path(other),
            kept: (at == 1).then(|| as_path(data)),
        },
        6 => name(Name::Removed(as_path(other))),
        7 => name(Name::Linked),
        8 => name(Name::FolderMade),
        9 => name(Name::FolderRemoved),
        10 => Change::SyncAll { until: at },
        other => panic!("the journal has an entry of kind {other}"),
    };
    Some((change, rest))
}
