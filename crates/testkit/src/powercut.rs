//! Power cuts: a process runs over a layer (`tests/powercut/powercut.c`) that keeps a journal of whatever was not synced;
//! after it was killed, [`PowerCut::cut`] takes that away, all of it or a random part, as a disk without power would.

mod journal;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::hash::{Hash as _, Hasher as _};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::SeededEntropy;
use journal::{Change, Entry};

/// How long a sync takes, microseconds: so that a kill also meets what waits for one.
const SYNC_US: &str = "1000";

/// While this lies beside the journal, the folder is read-only.
const READ_ONLY: &str = "read-only";

/// What a disk writes whole.
const SECTOR: u64 = 512;

/// Which syncs do nothing, to see that a test notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    Files,
    Folders,
}

/// Builds the layer, once for each state of its source.
fn layer() -> io::Result<PathBuf> {
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/powercut/powercut.c"
    );
    let mut hash = std::hash::DefaultHasher::new();
    fs::read(source)?.hash(&mut hash);
    let built = std::env::temp_dir().join(format!("karez-powercut-{:016x}.so", hash.finish()));
    if !built.exists() {
        let staged = tempfile::NamedTempFile::new()?.into_temp_path();
        let compiler = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .arg(&staged)
            .args([source, "-ldl", "-lpthread"])
            .status()?;
        if !compiler.success() {
            return Err(io::Error::other("the compiler refused it"));
        }
        fs::set_permissions(&staged, fs::Permissions::from_mode(0o755))?;
        staged.persist(&built)?;
    }
    Ok(built)
}

/// What a cut took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lost {
    /// Writes and changes of length that were not synced.
    pub writes: usize,
    /// Names made, changed or removed whose folder was not synced and that did not last.
    pub names: usize,
}

/// A folder whose files go through the layer.
#[derive(Debug)]
pub struct PowerCut {
    root: PathBuf,
    side: PathBuf,
    layer: PathBuf,
    lie: Option<Lie>,
}

impl PowerCut {
    /// A layer for `root`, which exists. Its journal lies beside the folder.
    #[allow(clippy::expect_used)] // a test without its layer has nothing to test
    pub fn over(root: &Path) -> Self {
        let root = root.canonicalize().expect("the folder is there");
        let name = root.file_name().expect("not the root of all").to_owned();
        let side = root.with_file_name({
            let mut side = name;
            side.push(".powercut");
            side
        });
        fs::create_dir_all(&side).expect("a folder for the journal");
        // The process may run as somebody else.
        fs::set_permissions(&side, fs::Permissions::from_mode(0o777)).expect("own folder");
        Self {
            root,
            side,
            layer: layer().expect("the layer, built by the C compiler"),
            lie: None,
        }
    }

    /// The same with syncs that do nothing.
    pub fn lying(mut self, lie: Lie) -> Self {
        self.lie = Some(lie);
        self
    }

    /// The process will run over the layer, and so will its children.
    pub fn wrap(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.layer)
            .env("POWERCUT_ROOT", &self.root)
            .env("POWERCUT_SIDE", &self.side)
            .env("POWERCUT_SYNC_US", SYNC_US);
        if let Some(lie) = self.lie {
            let what = match lie {
                Lie::Files => "files",
                Lie::Folders => "folders",
            };
            command.env("POWERCUT_LIE", what);
        }
    }

    /// From now on whatever would change something in the folder is refused, as on a file system that was remounted
    /// read-only; or no longer. Outlives a cut.
    #[allow(clippy::expect_used)]
    pub fn read_only(&self, is: bool) {
        let mark = self.side.join(READ_ONLY);
        let done = match is {
            true => fs::write(mark, []),
            false => fs::remove_file(mark),
        };
        done.expect("own folder");
    }

    /// Takes away what was not synced. Every process over the layer must be dead. One seed in four takes all; the others
    /// let some sectors and a first part of the names last.
    #[allow(clippy::expect_used)]
    pub fn cut(&self, seed: u64) -> Lost {
        let path = self.side.join("journal");
        let entries = match fs::read(&path) {
            Ok(bytes) => journal::read(&bytes),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(e) => panic!("the journal: {e}"),
        };
        let chance = Chance::of(seed);
        let lost = Lost {
            names: self.cut_names(&entries, &chance).expect("names put back"),
            writes: self
                .cut_contents(&entries, &chance)
                .expect("bytes put back"),
        };
        self.forget().expect("a journal to begin anew");
        lost
    }

    fn cut_names(&self, entries: &[Entry], chance: &Chance) -> io::Result<usize> {
        let names: Vec<&Entry> = entries
            .iter()
            .filter(|e| match &e.change {
                Change::Rename { from, to, .. } => {
                    !(is_synced(entries, e, *from) && is_synced(entries, e, *to))
                }
                Change::Name { folder, .. } => !is_synced(entries, e, *folder),
                _ => false,
            })
            .collect();
        let lasting = chance.first_part(names.len());
        for e in names.iter().skip(lasting).rev() {
            e.change.undo_name()?;
        }
        Ok(names.len() - lasting)
    }

    fn cut_contents(&self, entries: &[Entry], chance: &Chance) -> io::Result<usize> {
        let mut changed: BTreeMap<u64, Vec<&Change>> = BTreeMap::new();
        for e in entries {
            if let Change::Write { inode, .. } | Change::Resize { inode, .. } = &e.change
                && !is_synced(entries, e, *inode)
            {
                changed.entry(*inode).or_default().push(&e.change);
            }
        }
        let mut paths = BTreeMap::new();
        inodes(&self.root, &mut paths)?;
        let mut lost = 0;
        for (inode, changes) in changed {
            if let Some(path) = paths.get(&inode) {
                let file = OpenOptions::new().read(true).write(true).open(path)?;
                take_back(&file, &changes, chance)?;
                lost += changes.len();
            }
        }
        Ok(lost)
    }

    fn forget(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.side)? {
            let entry = entry?;
            if entry.file_name() != READ_ONLY {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

impl Drop for PowerCut {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.side);
    }
}

/// Whether a later sync of this file or folder covers the entry.
fn is_synced(all: &[Entry], entry: &Entry, of: u64) -> bool {
    let later = all.partition_point(|e| e.place <= entry.place);
    all[later..].iter().any(|e| match e.change {
        Change::Sync { inode, until } => inode == of && entry.place < until,
        Change::SyncAll { until } => entry.place < until,
        _ => false,
    })
}

/// Where each file is now. What a mapping wrote is not known to the layer, so SQLite's shared index goes: it is made anew.
fn inodes(folder: &Path, into: &mut BTreeMap<u64, PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, meta) = (entry.path(), entry.metadata()?);
        if meta.is_dir() {
            inodes(&path, into)?;
        } else if path.to_string_lossy().ends_with("-shm") {
            fs::remove_file(path)?;
        } else {
            into.insert(meta.ino(), path);
        }
    }
    Ok(())
}

/// A write that was taken back, to be made again in part.
struct Again {
    at: u64,
    bytes: Vec<u8>,
}

/// Goes back to what was synced, then makes some of it again, sector by sector.
fn take_back(file: &File, changes: &[&Change], chance: &Chance) -> io::Result<()> {
    let last_len = file.metadata()?.len();
    let mut again = Vec::new();
    for change in changes.iter().rev() {
        match change {
            Change::Write {
                at,
                extent,
                len,
                old,
                ..
            } => {
                let now = file.metadata()?.len();
                let there = extent.min(&now.saturating_sub(*at)).to_owned();
                let mut bytes = vec![0; usize::try_from(there).unwrap_or(0)];
                file.read_exact_at(&mut bytes, *at)?;
                again.push(Again { at: *at, bytes });
                file.write_all_at(old, *at)?;
                file.set_len(*len)?;
            }
            Change::Resize { len, to, tail, .. } => {
                file.set_len(*len)?;
                file.write_all_at(tail, *to)?;
            }
            _ => {}
        }
    }
    let mut written = false;
    for write in again.iter().rev() {
        let mut from = 0;
        while from < write.bytes.len() {
            let at = write.at + from as u64;
            let whole = usize::try_from(SECTOR - at % SECTOR).unwrap_or(1);
            let to = write.bytes.len().min(from + whole);
            if chance.lasts() {
                file.write_all_at(&write.bytes[from..to], at)?;
                written = true;
            }
            from = to;
        }
    }
    // The length may have lasted although the bytes have not.
    if written && chance.lasts() && file.metadata()?.len() < last_len {
        file.set_len(last_len)?;
    }
    Ok(())
}

/// How much of what was not synced lasts all the same.
struct Chance {
    random: SeededEntropy,
    /// Of 100.
    lasting: u64,
}

impl Chance {
    fn of(seed: u64) -> Self {
        let lasting = [0, 10, 50, 90][(seed % 4) as usize];
        Self {
            random: SeededEntropy::new(seed),
            lasting,
        }
    }

    fn lasts(&self) -> bool {
        self.random.next() % 100 < self.lasting
    }

    fn first_part(&self, of: usize) -> usize {
        if self.lasting == 0 {
            return 0;
        }
        usize::try_from(self.random.next() % (of as u64 + 1)).unwrap_or(0)
    }
}
