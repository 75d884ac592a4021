//! The log kept for shipping: what was committed since the last cut goes into a numbered file, synced, before SQLite
//! may overwrite it. The files outlive a crash and wait until they were copied to a safe place.
//!
//! Continuity is proved, not hoped for: a small state file names the place in SQLite's log up to which everything was
//! cut. When the log that is found does not continue there (somebody else wrote, or a file is missing), a new stream
//! begins, which needs a whole copy first.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::{Clock, Entropy, Instant};
use seal::NodeKey;
use serde::{Deserialize, Serialize};

use super::wal::{self, Commit, Cursor};
use crate::StoreError;
use crate::backup::layout::Segment;
use crate::backup::sealed::SealedWriter;
use crate::backup::{Behind, Log, Reach};

/// Bytes of pages in one segment, about.
const SEGMENT_BYTES: usize = 32 << 20;
/// When SQLite's log has this many bytes, it is moved into the database.
const LONG_BYTES: u64 = 16 << 20;
/// The state file.
const STATE: &str = "state.json";

/// What is known of the stream. Written after each cut and before each checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    stream: String,
    /// Number of the segment that will be cut next.
    seq: u64,
    /// Up to where SQLite's log was cut; none when it was empty and began under our eyes.
    cursor: Option<Cursor>,
    /// Everything in SQLite's log was cut and a checkpoint followed: the log may begin anew, once.
    checkpointed: bool,
    /// The node closed with an empty log; when the database file was last changed then, µs since 1970.
    closed: Option<i64>,
    position: u64,
    at_us: i64,
}

impl State {
    fn new(stream: String) -> Self {
        Self {
            stream,
            seq: 1,
            cursor: None,
            checkpointed: false,
            closed: None,
            position: 0,
            at_us: 0,
        }
    }

    /// Whether a log begun anew is the one that follows. SQLite counts the first salt up by one each time.
    fn follows(&self, restarted: wal::Restarted) -> bool {
        self.checkpointed && restarted.to.0 == restarted.from.0.wrapping_add(1)
    }
}

/// The spool of one database.
pub(crate) struct Spool {
    dir: PathBuf,
    database: PathBuf,
    wal: PathBuf,
    key: NodeKey,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    /// The page of the table `counter`.
    counter_page: u32,
}

/// What the spool is told.
#[derive(Clone)]
pub struct SpoolOptions {
    /// Folder of the waiting files, on the disk of the database.
    pub dir: PathBuf,
    /// What is cut is sealed under it.
    pub key: NodeKey,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for SpoolOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpoolOptions")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

fn failed(e: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("the log cannot be kept for the backup: {e}"))
}

/// Forgets the stream of a database that is about to be written without its log being kept.
pub(crate) fn forget(dir: &Path) -> Result<(), StoreError> {
    match fs::remove_file(dir.join(STATE)) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(failed(&e)),
    }
}

impl Spool {
    /// Goes on with the stream that is there, if it can be continued, or begins one. Called before anything opens the
    /// database.
    pub fn open(options: SpoolOptions, database: &Path) -> Result<Self, StoreError> {
        let SpoolOptions {
            dir,
            key,
            clock,
            entropy,
        } = options;
        fs::create_dir_all(&dir).map_err(|e| failed(&e))?;
        let wal = with_suffix(database, "-wal");
        let found = fs::read(dir.join(STATE))
            .ok()
            .and_then(|text| serde_json::from_slice::<State>(&text).ok());
        let empty = fs::metadata(&wal).map_or(0, |m| m.len()) == 0;
        let kept = found.and_then(|mut state| match state.closed.take() {
            None => Some(state),
            Some(at) if empty && modified_us(database) == Some(at) => {
                state.cursor = None;
                Some(state)
            }
            Some(_) => None,
        });
        let fresh = kept.is_none();
        let state = kept.unwrap_or_else(|| State::new(entropy.uuid_v7(clock.now())));
        let spool = Self {
            dir,
            database: database.to_owned(),
            wal,
            key,
            clock,
            entropy,
            inner: Mutex::new(Inner {
                state,
                counter_page: 0,
            }),
        };
        let inner = spool.lock();
        if fresh {
            spool.empty()?;
        }
        spool.save(&inner.state)?;
        drop(inner);
        Ok(spool)
    }

    /// Where the table `counter` lies, once the schema is there.
    pub fn set_counter_page(&self, page: u32) {
        self.lock().counter_page = page;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(&self, state: &State) -> Result<(), StoreError> {
        let text = serde_json::to_vec(state)
            .map_err(|_| StoreError::Internal("the state of the log".into()))?;
        self.put(STATE, |file| file.write_all(&text))
            .map_err(|e| failed(&e))
    }

    /// Writes a file under another name, syncs it, and gives it its own: it is there whole or not at all.
    fn put(&self, name: &str, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        let new = self.dir.join("unfinished");
        let mut file = File::create(&new)?;
        fill(&mut file)?;
        file.sync_all()?;
        fs::rename(&new, self.dir.join(name))?;
        File::open(&self.dir)?.sync_all()
    }

    /// Throws away what waits.
    fn empty(&self) -> Result<(), StoreError> {
        for segment in fs::read_dir(&self.dir).map_err(|e| failed(&e))? {
            let path = segment.map_err(|e| failed(&e))?.path();
            if path.extension().is_some_and(|e| e == "log") {
                fs::remove_file(path).map_err(|e| failed(&e))?;
            }
        }
        Ok(())
    }

    fn cut_all(&self, inner: &mut Inner) -> Result<(), StoreError> {
        loop {
            let read =
                wal::read(&self.wal, inner.state.cursor, SEGMENT_BYTES).map_err(|e| failed(&e))?;
            if let Some(restarted) = read.restarted
                && !inner.state.follows(restarted)
            {
                tracing::warn!("the log does not continue where it was cut; a new stream begins");
                self.anew(inner)?;
                continue;
            }
            if read.commits.is_empty() {
                return Ok(());
            }
            self.segment(inner, read.page_bytes, &read.commits)?;
            inner.state.seq += 1;
            inner.state.cursor = read.cursor;
            inner.state.checkpointed = false;
            self.save(&inner.state)?;
        }
    }

    fn segment(
        &self,
        inner: &mut Inner,
        page_bytes: u32,
        commits: &[Commit],
    ) -> Result<(), StoreError> {
        let reaches = reaches(inner, commits);
        if let Some(last) = reaches.last() {
            (inner.state.position, inner.state.at_us) = *last;
        }
        let name = Segment {
            stream: inner.state.stream.clone(),
            seq: inner.state.seq,
            reach: self.reach(&inner.state),
        }
        .file_name();
        let written = self.put(&name, |file| {
            let mut out = SealedWriter::new(BufWriter::new(file), &self.key, &*self.entropy)?;
            let head = serde_json::json!({
                "format": 1, "stream": inner.state.stream, "seq": inner.state.seq, "page_bytes": page_bytes,
            });
            writeln!(out, "{head}")?;
            for (commit, (position, at_us)) in commits.iter().zip(&reaches) {
                out.write_all(&position.to_be_bytes())?;
                out.write_all(&at_us.to_be_bytes())?;
                out.write_all(&commit.db_pages.to_be_bytes())?;
                out.write_all(&u32::try_from(commit.pages.len()).unwrap_or(u32::MAX).to_be_bytes())?;
                for (number, page) in &commit.pages {
                    out.write_all(&number.to_be_bytes())?;
                    out.write_all(page)?;
                }
            }
            out.finish()?.flush()
        });
        written.map_err(|e| failed(&e))
    }

    fn reach(&self, state: &State) -> Reach {
        Reach {
            position: state.position,
            at: Instant::from_microsecond(state.at_us).unwrap_or(Instant::UNIX_EPOCH),
        }
    }

    fn anew(&self, inner: &mut Inner) -> Result<(), StoreError> {
        self.empty()?;
        let mut state = State::new(self.entropy.uuid_v7(self.clock.now()));
        (state.position, state.at_us) = (inner.state.position, inner.state.at_us);
        inner.state = state;
        self.save(&inner.state)
    }

    /// Cuts everything, and notes that SQLite may begin its log anew. The writer calls this right before a checkpoint,
    /// while nothing is committed.
    pub fn before_checkpoint(&self) -> Result<(), StoreError> {
        let mut inner = self.lock();
        self.cut_all(&mut inner)?;
        inner.state.checkpointed = true;
        self.save(&inner.state)
    }

    /// After a failed write nobody knows what of it is in SQLite's log: the stream cannot be continued.
    pub fn after_fault(&self) {
        let mut inner = self.lock();
        if let Err(error) = self.anew(&mut inner) {
            tracing::error!(error = %error, "the log for the backup cannot begin anew");
            // Whatever comes: it does not count as continued.
            inner.state.cursor = None;
            let _gone = forget(&self.dir);
        }
    }

    /// Notes that the node closed and left an empty log behind.
    pub fn closed(&self) {
        let mut inner = self.lock();
        inner.state.closed = modified_us(&self.database);
        if fs::metadata(&self.wal).map_or(0, |m| m.len()) == 0
            && let Err(error) = self.save(&inner.state)
        {
            tracing::warn!(error = %error, "the next start begins a new stream of the backup");
        }
    }
}

/// How far each commit reaches: what its page of counters says, or what held before.
fn reaches(inner: &Inner, commits: &[Commit]) -> Vec<(u64, i64)> {
    let mut now = (inner.state.position, inner.state.at_us);
    commits
        .iter()
        .map(|commit| {
            let page = commit.pages.iter().rfind(|(n, _)| *n == inner.counter_page);
            for (name, value) in page.and_then(|(_, p)| wal::counters(p)).unwrap_or_default() {
                match name.as_str() {
                    "position" => now.0 = u64::try_from(value).unwrap_or(0),
                    "at" => now.1 = value,
                    _ => {}
                }
            }
            now
        })
        .collect()
}

impl Log for Spool {
    fn cut(&self) -> Result<(), StoreError> {
        self.cut_all(&mut self.lock())
    }

    fn waiting(&self) -> Result<Vec<Segment>, StoreError> {
        let stream = self.lock().state.stream.clone();
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(|e| failed(&e))? {
            let name = entry.map_err(|e| failed(&e))?.file_name();
            all.extend(Segment::parse(&stream, &name.to_string_lossy()));
        }
        all.sort_by_key(|s| s.seq);
        Ok(all)
    }

    fn file(&self, segment: &Segment) -> PathBuf {
        self.dir.join(segment.file_name())
    }

    fn shipped(&self, segment: &Segment) -> Result<(), StoreError> {
        fs::remove_file(self.file(segment)).map_err(|e| failed(&e))
    }

    fn next(&self) -> (String, u64) {
        let inner = self.lock();
        (inner.state.stream.clone(), inner.state.seq)
    }

    fn behind(&self) -> Behind {
        let Ok(waiting) = self.waiting() else {
            return Behind::default();
        };
        Behind {
            bytes: waiting
                .iter()
                .filter_map(|s| fs::metadata(self.file(s)).ok())
                .map(|m| m.len())
                .sum(),
            since: waiting
                .first()
                .and_then(|s| fs::metadata(self.file(s)).ok()?.modified().ok())
                .and_then(|t| Instant::try_from(t).ok()),
        }
    }

    fn is_long(&self) -> bool {
        let cut = self.lock().state.cursor.map_or(0, |c| c.offset);
        cut > LONG_BYTES
    }

    fn begin_anew(&self) -> Result<(), StoreError> {
        self.anew(&mut self.lock())
    }
}

/// `karez.db-wal` beside `karez.db`.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn modified_us(path: &Path) -> Option<i64> {
    let modified = fs::metadata(path).ok()?.modified().ok()?;
    Some(Instant::try_from(modified).ok()?.as_microsecond())
}
