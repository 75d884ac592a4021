//! What was received and not yet taken by the centre: one sealed file for each object, synced with its folder before
//! the scanner hears of success. The files are the queue: there is no index that could say otherwise.
//!
//! ```text
//! spool/waiting/<20 digits>.dcm   received, in order
//! spool/refused/<20 digits>.dcm   the centre will never take it; kept for a person to look at
//! spool/sent.log                  digests of what the centre took, so that a scanner's repetition is not sent again
//! spool/marks.json                what a person marked urgent
//! ```
//!
//! A file is `KZSP1`, its random address (32 bytes), then the sealed content: the length of the description (4 bytes,
//! big endian), the description as JSON, the object.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use kernel::{Entropy, Instant};
use seal::{BlobAddress, BlobCipher, Secret};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const MAGIC: &[u8; 5] = b"KZSP1";
const HEAD: usize = MAGIC.len() + 32;
/// Digests of objects that were sent are remembered, newest last.
const SENT_MAX: usize = 200_000;
/// The disk is not filled to its last byte: the machine needs some to go on, bytes.
const FREE_BYTES_MIN: u64 = 256 << 20;
/// A description is small; more is damage.
const ABOUT_BYTES_MAX: usize = 64 << 10;

/// What is known of one object without opening it again. Nothing in it names a patient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub received_at: Instant,
    /// Who sent it here: the calling application entity.
    pub sender: String,
    pub study: String,
    pub sop_class: String,
    pub sop_instance: String,
    pub transfer_syntax: String,
    pub modality: String,
    /// The scanner or its order said so.
    pub urgent: bool,
    /// Of the object as it came, 64 hexadecimal digits.
    pub sha256: String,
    pub bytes: u64,
}

/// One object that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the order of arrival.
    pub number: u64,
    pub about: About,
}

/// What waits of one study.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Study {
    pub numbers: BTreeSet<u64>,
    pub bytes: u64,
    pub modality: String,
    pub sender: String,
    /// Objects whose scanner or order said that they are urgent.
    pub urgent_objects: usize,
}

/// What became of an object that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    New,
    /// The same bytes wait already, or were sent.
    Known,
}

/// Why the spool could not do it.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("the spool is full: {free_bytes} bytes are free on its disk")]
    Full { free_bytes: u64 },
    #[error("the spool: {0}")]
    Io(#[from] io::Error),
    #[error("the spool: {0} cannot be opened with this key, or is damaged")]
    Damaged(PathBuf),
}

/// The spool of one edge. One process holds it.
pub struct Spool {
    dir: PathBuf,
    key: Secret,
    waiting: BTreeMap<u64, Entry>,
    studies: BTreeMap<String, Study>,
    digests: HashSet<String>,
    sent: Vec<String>,
    /// Studies a person marked.
    urgent: HashSet<String>,
    next: u64,
    refused: u64,
    _lock: File,
}

impl Spool {
    /// Opens the folder, making it where needed, and reads what waits. Files that a cut power left half written are
    /// under a temporary name and are removed; nobody was told that they were kept.
    pub fn open(dir: &Path, key: Secret) -> Result<Self, SpoolError> {
        for folder in ["waiting", "refused"] {
            fs::create_dir_all(dir.join(folder))?;
        }
        sync_folder(dir)?;
        let lock = File::create(dir.join("lock"))?;
        lock.try_lock().map_err(|_| {
            io::Error::new(
                io::ErrorKind::WouldBlock,
                "another process holds this folder",
            )
        })?;
        let mut spool = Self {
            dir: dir.to_owned(),
            key,
            waiting: BTreeMap::new(),
            studies: BTreeMap::new(),
            digests: HashSet::new(),
            sent: Vec::new(),
            urgent: HashSet::new(),
            next: 1,
            refused: 0,
            _lock: lock,
        };
        spool.read_back()?;
        Ok(spool)
    }

    fn read_back(&mut self) -> Result<(), SpoolError> {
        for entry in fs::read_dir(self.dir.join("waiting"))? {
            let path = entry?.path();
            match number_of(&path) {
                Some(number) => {
                    let about = self.read_about(&path)?;
                    self.add(Entry { number, about });
                }
                None => fs::remove_file(&path)?,
            }
        }
        for entry in fs::read_dir(self.dir.join("refused"))? {
            if let Some(number) = number_of(&entry?.path()) {
                self.refused += 1;
                self.next = self.next.max(number + 1);
            }
        }
        if let Ok(text) = fs::read_to_string(self.dir.join("sent.log")) {
            self.sent = text
                .lines()
                .filter(|line| line.len() == 64)
                .map(str::to_owned)
                .collect();
            if self.sent.len() > SENT_MAX {
                self.sent.drain(..self.sent.len() - SENT_MAX / 2);
                self.write_whole("sent.log", (self.sent.join("\n") + "\n").as_bytes())?;
            }
            self.digests.extend(self.sent.iter().cloned());
        }
        if let Ok(text) = fs::read(self.dir.join("marks.json")) {
            self.urgent = serde_json::from_slice(&text).unwrap_or_default();
        }
        Ok(())
    }

    /// Keeps an object; when this returns it is on disk, file and folder synced.
    pub fn keep(
        &mut self,
        mut about: About,
        object: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Taken, SpoolError> {
        about.sha256 = hex::encode(Sha256::digest(object));
        about.bytes = object.len() as u64;
        if self.digests.contains(&about.sha256) {
            return Ok(Taken::Known);
        }
        let free_bytes = self.free_bytes()?;
        if free_bytes < FREE_BYTES_MIN + about.bytes {
            return Err(SpoolError::Full { free_bytes });
        }
        let number = self.next;
        let sealed = self.seal(&about, object, entropy)?;
        let path = self.dir.join("waiting").join(format!("{number:020}.dcm"));
        write_synced(&path, &sealed)?;
        self.add(Entry { number, about });
        Ok(Taken::New)
    }

    fn add(&mut self, entry: Entry) {
        self.next = self.next.max(entry.number + 1);
        self.digests.insert(entry.about.sha256.clone());
        let study = self.studies.entry(entry.about.study.clone()).or_default();
        study.numbers.insert(entry.number);
        study.bytes += entry.about.bytes;
        study.modality.clone_from(&entry.about.modality);
        study.sender.clone_from(&entry.about.sender);
        study.urgent_objects += usize::from(entry.about.urgent);
        self.waiting.insert(entry.number, entry);
    }

    /// Free room on the spool's disk, bytes.
    pub fn free_bytes(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.dir)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn seal(
        &self,
        about: &About,
        object: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, SpoolError> {
        let about = serde_json::to_vec(about).map_err(io::Error::from)?;
        let mut plain = Vec::with_capacity(4 + about.len() + object.len());
        plain.extend(u32::try_from(about.len()).unwrap_or(u32::MAX).to_be_bytes());
        plain.extend(about);
        plain.extend_from_slice(object);
        let mut address = [0; 32];
        entropy.fill(&mut address);
        let sealed = self
            .cipher(&address)?
            .encrypt(&plain)
            .map_err(|e| io::Error::other(e.to_string()))?;
        Ok([MAGIC.as_slice(), &address, &sealed].concat())
    }

    fn cipher(&self, address: &[u8; 32]) -> Result<BlobCipher, SpoolError> {
        let address: BlobAddress = hex::encode(address)
            .parse()
            .map_err(|_| io::Error::other("an address of the spool"))?;
        Ok(BlobCipher::new(&self.key, address))
    }

    /// What waits, in the order of arrival.
    pub fn waiting(&self) -> impl Iterator<Item = &Entry> {
        self.waiting.values()
    }

    /// What waits by study.
    pub fn studies(&self) -> &BTreeMap<String, Study> {
        &self.studies
    }

    /// Whether a study goes before others: its scanner said so for any of its objects, or a person did.
    pub fn is_urgent(&self, study: &str) -> bool {
        self.urgent.contains(study)
            || self
                .studies
                .get(study)
                .is_some_and(|s| s.urgent_objects > 0)
    }

    /// A person's word on a study.
    pub fn mark_urgent(&mut self, study: &str, urgent: bool) -> Result<(), SpoolError> {
        if urgent {
            self.urgent.insert(study.to_owned());
        } else {
            self.urgent.remove(study);
        }
        self.write_marks()
    }

    /// What leaves next: urgent studies before others, each in the order of arrival. With `urgent_only`, nothing else.
    pub fn next(&self, urgent_only: bool) -> Option<&Entry> {
        let urgent = self
            .studies
            .iter()
            .filter(|(uid, _)| self.is_urgent(uid))
            .filter_map(|(_, study)| study.numbers.first())
            .min();
        match (urgent, urgent_only) {
            (Some(number), _) => self.waiting.get(number),
            (None, true) => None,
            (None, false) => self.waiting.values().next(),
        }
    }

    /// The object itself.
    pub fn read(&self, number: u64) -> Result<Bytes, SpoolError> {
        let path = self.path("waiting", number);
        let plain = self.open_file(&path)?;
        let start = 4 + about_len(&plain).ok_or_else(|| SpoolError::Damaged(path.clone()))?;
        if plain.len() < start {
            return Err(SpoolError::Damaged(path));
        }
        Ok(Bytes::from(plain).slice(start..))
    }

    /// The centre has it: remembered first, then let go.
    pub fn sent(&mut self, number: u64) -> Result<(), SpoolError> {
        if let Some(entry) = self.waiting.get(&number) {
            let line = format!("{}\n", entry.about.sha256);
            let mut log = File::options()
                .create(true)
                .append(true)
                .open(self.dir.join("sent.log"))?;
            log.write_all(line.as_bytes())?;
            log.sync_all()?;
            self.sent.push(entry.about.sha256.clone());
        }
        fs::remove_file(self.path("waiting", number))?;
        self.forget(number);
        Ok(())
    }

    /// The centre will never take it: kept aside, named on the status page, so that others may go on.
    pub fn refused(&mut self, number: u64) -> Result<(), SpoolError> {
        fs::rename(self.path("waiting", number), self.path("refused", number))?;
        sync_folder(&self.dir.join("refused"))?;
        sync_folder(&self.dir.join("waiting"))?;
        if let Some(entry) = self.waiting.get(&number) {
            // Sent again by the scanner, it may be tried again.
            self.digests.remove(&entry.about.sha256);
        }
        self.refused += 1;
        self.forget(number);
        Ok(())
    }

    fn forget(&mut self, number: u64) {
        let Some(Entry { about, .. }) = self.waiting.remove(&number) else {
            return;
        };
        let Some(study) = self.studies.get_mut(&about.study) else {
            return;
        };
        study.numbers.remove(&number);
        study.bytes = study.bytes.saturating_sub(about.bytes);
        study.urgent_objects -= usize::from(about.urgent);
    }

    /// Lets go of studies of which nothing waits any more. Not at once: the rest of a study may be on its way, and a
    /// person's mark holds for that too.
    pub fn tidy(&mut self) -> Result<(), SpoolError> {
        self.studies.retain(|_, study| !study.numbers.is_empty());
        let before = self.urgent.len();
        let studies = &self.studies;
        self.urgent.retain(|uid| studies.contains_key(uid));
        if self.urgent.len() < before {
            self.write_marks()?;
        }
        Ok(())
    }

    fn write_marks(&self) -> Result<(), SpoolError> {
        let text = serde_json::to_vec(&self.urgent).map_err(io::Error::from)?;
        self.write_whole("marks.json", &text)
    }

    /// How many the centre refused.
    pub fn refused_count(&self) -> u64 {
        self.refused
    }

    /// How many were sent, as far as this spool remembers.
    pub fn sent_count(&self) -> usize {
        self.sent.len()
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self, folder: &str, number: u64) -> PathBuf {
        self.dir.join(folder).join(format!("{number:020}.dcm"))
    }

    fn write_whole(&self, name: &str, bytes: &[u8]) -> Result<(), SpoolError> {
        Ok(write_synced(&self.dir.join(name), bytes)?)
    }

    fn read_about(&self, path: &Path) -> Result<About, SpoolError> {
        let damaged = || SpoolError::Damaged(path.to_owned());
        let mut file = File::open(path)?;
        let mut head = [0; HEAD];
        file.read_exact(&mut head).map_err(|_| damaged())?;
        let (magic, address) = head.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(damaged());
        }
        let address: [u8; 32] = address.try_into().map_err(|_| damaged())?;
        let sealed_len = file.metadata()?.len() - HEAD as u64;
        let plain_len = seal::blob::plain_len(sealed_len).map_err(|_| damaged())?;
        let wanted = plain_len.min(4 + ABOUT_BYTES_MAX as u64);
        let chunks = seal::chunk_range(plain_len, 0..wanted).map_err(|_| damaged())?;
        file.seek(io::SeekFrom::Start(HEAD as u64 + chunks.stored.start))?;
        let mut stored = vec![
            0;
            usize::try_from(chunks.stored.end - chunks.stored.start)
                .map_err(|_| damaged())?
        ];
        file.read_exact(&mut stored).map_err(|_| damaged())?;
        let plain = self
            .cipher(&address)?
            .decrypt_range(plain_len, &chunks, &stored)
            .map_err(|_| damaged())?;
        let len = about_len(&plain).ok_or_else(damaged)?;
        let about = plain.get(4..4 + len).ok_or_else(damaged)?;
        serde_json::from_slice(about).map_err(|_| damaged())
    }

    fn open_file(&self, path: &Path) -> Result<Vec<u8>, SpoolError> {
        let damaged = || SpoolError::Damaged(path.to_owned());
        let bytes = fs::read(path)?;
        let rest = bytes.strip_prefix(MAGIC.as_slice()).ok_or_else(damaged)?;
        let (address, sealed) = rest.split_first_chunk::<32>().ok_or_else(damaged)?;
        self.cipher(address)?.decrypt(sealed).map_err(|_| damaged())
    }
}

fn about_len(plain: &[u8]) -> Option<usize> {
    let len = u32::from_be_bytes(*plain.first_chunk::<4>()?) as usize;
    (len <= ABOUT_BYTES_MAX).then_some(len)
}

fn number_of(path: &Path) -> Option<u64> {
    if path.extension()? != "dcm" {
        return None;
    }
    path.file_stem()?.to_str()?.parse().ok()
}

/// Writes a file whole: under another name first, synced, renamed, its folder synced.
fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let mut file = File::create(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

fn sync_folder(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SystemEntropy;

    fn about(study: &str, urgent: bool) -> About {
        About {
            received_at: Instant::UNIX_EPOCH,
            sender: "CT1".into(),
            study: study.into(),
            sop_class: "1.2.840.10008.5.1.4.1.1.2".into(),
            sop_instance: "1.2.3".into(),
            transfer_syntax: "1.2.840.10008.1.2.1".into(),
            modality: "CT".into(),
            urgent,
            sha256: String::new(),
            bytes: 0,
        }
    }

    fn open(dir: &Path) -> Spool {
        Spool::open(dir, Secret::from_bytes([7; 32])).unwrap()
    }

    fn keep(spool: &mut Spool, study: &str, urgent: bool, object: &[u8]) -> Taken {
        spool
            .keep(about(study, urgent), object, &SystemEntropy)
            .unwrap()
    }

    #[test]
    fn what_was_kept_is_there_after_a_restart_and_nothing_is_kept_twice() {
        let dir = tempfile::tempdir().unwrap();
        let large = vec![9_u8; 300_000];
        {
            let mut spool = open(dir.path());
            assert_eq!(keep(&mut spool, "1.1", false, &large), Taken::New);
            assert_eq!(keep(&mut spool, "1.1", false, &large), Taken::Known);
            assert_eq!(keep(&mut spool, "1.1", false, b"other"), Taken::New);
        }
        let mut spool = open(dir.path());
        assert_eq!(spool.waiting().count(), 2);
        assert_eq!(&spool.read(1).unwrap()[..], &large[..]);
        spool.sent(1).unwrap();
        drop(spool);
        let mut spool = open(dir.path());
        assert_eq!(keep(&mut spool, "1.1", false, &large), Taken::Known);
        assert_eq!(spool.waiting().count(), 1);
        assert_eq!(&spool.read(2).unwrap()[..], b"other");
    }

    #[test]
    fn nothing_on_the_disk_can_be_read_without_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = open(dir.path());
        keep(&mut spool, "1.1", false, b"PATIENT^NAME");
        let file = fs::read(dir.path().join("waiting/00000000000000000001.dcm")).unwrap();
        assert!(!file.windows(7).any(|w| w == b"PATIENT"));
        drop(spool);
        let other = Spool::open(dir.path(), Secret::from_bytes([8; 32]));
        assert!(matches!(other, Err(SpoolError::Damaged(_))));
    }

    #[test]
    fn urgent_studies_leave_first_and_a_mark_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = open(dir.path());
        keep(&mut spool, "1.1", false, b"a");
        keep(&mut spool, "1.2", false, b"b");
        keep(&mut spool, "1.3", true, b"c");
        assert_eq!(spool.next(false).unwrap().about.study, "1.3");
        spool.sent(3).unwrap();
        assert_eq!(spool.next(false).unwrap().about.study, "1.1");
        assert!(spool.next(true).is_none());
        spool.mark_urgent("1.2", true).unwrap();
        drop(spool);
        let mut spool = open(dir.path());
        assert_eq!(spool.next(true).unwrap().about.study, "1.2");
        spool.sent(2).unwrap();
        spool.tidy().unwrap();
        assert!(!spool.is_urgent("1.2"));
    }

    #[test]
    fn a_half_written_file_is_no_object() {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path()));
        fs::write(
            dir.path().join("waiting/00000000000000000009.unfinished"),
            b"half",
        )
        .unwrap();
        let spool = open(dir.path());
        assert_eq!(spool.waiting().count(), 0);
        assert_eq!(fs::read_dir(dir.path().join("waiting")).unwrap().count(), 0);
    }

    #[test]
    fn one_process_holds_the_spool() {
        let dir = tempfile::tempdir().unwrap();
        let _held = open(dir.path());
        assert!(Spool::open(dir.path(), Secret::from_bytes([7; 32])).is_err());
    }

    #[test]
    fn what_is_refused_lies_aside_and_may_come_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = open(dir.path());
        keep(&mut spool, "1.1", false, b"a");
        spool.refused(1).unwrap();
        assert_eq!(spool.refused_count(), 1);
        assert!(spool.next(false).is_none());
        drop(spool);
        let mut spool = open(dir.path());
        assert_eq!(spool.refused_count(), 1);
        assert_eq!(keep(&mut spool, "1.1", false, b"a"), Taken::New);
    }
}
