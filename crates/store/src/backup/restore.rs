//! Restoring: a base, the segments after it up to the wanted point, the files, and every erasure that was ever made;
//! then everything is checked, and only then does the database get its name.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::TryStreamExt as _;
use kernel::{Clock, Entropy, HospitalId, Instant};
use object_store::{ObjectStore, ObjectStoreExt};
use seal::NodeKey;
use serde::Serialize;

use super::erasures::{self, Erasure, Ledger};
use super::layout::{self, Base, Entry, Segment};
use super::sealed::{SealedReader, read_error};
use super::ship::{copy_path, entries};
use super::{Reach, transfer};
use crate::blobs;
use crate::facade::DatabaseKind;
use crate::objects::{Place, object_error};
use crate::sqlite::redo::Redo;
use crate::{Finding, Store, StoreConfig, StoreError};

pub use crate::sqlite::redo::Until;

/// What is restored, and where to.
#[derive(Clone)]
pub struct Restore {
    pub from: Place,
    /// Which database it becomes: the same kind it was.
    pub database: DatabaseKind,
    /// The new data folder: it holds no database yet.
    pub dir: PathBuf,
    /// Where the node keeps its files; none for `blobs/` in the data folder.
    pub blobs: Option<Place>,
    pub until: Until,
    pub key: NodeKey,
    /// A folder with further entries of the ledger of erasures.
    pub erasures: Option<PathBuf>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Restored {
    pub stream: String,
    pub base: Reach,
    /// How far the database reaches.
    pub reached: Reach,
    pub segments: u64,
    pub files: u64,
    /// Erasures that were done again.
    pub erasures: u64,
    pub findings: Vec<Finding>,
}

impl Restored {
    pub fn is_sound(&self) -> bool {
        self.findings
            .iter()
            .all(|f| f.ok || ["sync", "space"].contains(&f.check))
    }
}

/// Which base and which segments.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Plan {
    base: Base,
    segments: Vec<Segment>,
}

/// The newest base that does not pass the point, and every segment from it on, without a gap up to the point.
fn plan(all: &[Entry], until: Until) -> Result<Plan, StoreError> {
    let base = all
        .iter()
        .filter_map(|e| match e {
            Entry::Base(b) if until.covers(b.reach) => Some(b),
            _ => None,
        })
        // Of two that reach as far, the one of the later stream: ids of streams sort by time.
        .max_by_key(|b| (b.reach.at, &b.stream, b.seq))
        .cloned()
        .ok_or_else(|| {
            let none = all.iter().all(|e| matches!(e, Entry::Segment(_)));
            StoreError::Invalid(if none {
                "the place holds no backup".to_owned()
            } else {
                "no base reaches back to that point".to_owned()
            })
        })?;
    let mut segments: Vec<Segment> = all
        .iter()
        .filter_map(|e| match e {
            Entry::Segment(s) if s.stream == base.stream && s.seq >= base.seq => Some(s.clone()),
            _ => None,
        })
        .collect();
    segments.sort_by_key(|s| s.seq);
    // A segment is named by its last commit, so the first that passes the point may still hold what is wanted.
    if let Some(last) = segments.iter().position(|s| !until.covers(s.reach)) {
        segments.truncate(last + 1);
    }
    for (segment, expected) in segments.iter().zip(base.seq..) {
        if segment.seq != expected {
            let before = segments
                .iter()
                .filter(|s| s.seq < expected)
                .map(|s| s.reach)
                .next_back()
                .unwrap_or(base.reach);
            return Err(StoreError::Damaged(format!(
                "segment {expected} of the log is missing; the latest point that can be restored is {} (position {})",
                before.at, before.position
            )));
        }
    }
    Ok(Plan { base, segments })
}

impl Restore {
    /// Restores into the data folder. When this fails, the folder holds no database.
    pub async fn run(&self) -> Result<Restored, StoreError> {
        if self.dir.join("karez.db").exists() {
            return Err(StoreError::Invalid(format!(
                "{} holds a database already",
                self.dir.display()
            )));
        }
        let work = self.dir.join("restoring");
        let failed = |e: std::io::Error| StoreError::Unavailable(format!("restore: {e}"));
        let _none = fs::remove_dir_all(&work);
        fs::create_dir_all(&work).map_err(failed)?;
        let done = self.fill(&work).await;
        if done.as_ref().is_ok_and(Restored::is_sound) && work.exists() {
            adopt(&work, &self.dir).map_err(failed)?;
        }
        fs::remove_dir_all(&work).map_err(failed)?;
        done
    }

    async fn fill(&self, work: &Path) -> Result<Restored, StoreError> {
        let objects = self.from.open()?;
        let plan = plan(&entries(&*objects).await?, self.until)?;
        let reached = self.database(&*objects, &plan, work).await?;
        let erasures = self.erasures(&*objects, work).await?;
        let mut config = StoreConfig::new(
            work,
            self.key.clone(),
            Arc::clone(&self.clock),
            Arc::clone(&self.entropy),
        );
        let place = self
            .blobs
            .clone()
            .unwrap_or_else(|| Place::Folder(self.dir.join("blobs")));
        config.blobs = Some(place.clone());
        config.database = self.database.clone();
        let store = Store::open(config).await?;
        for erasure in &erasures {
            store.replay_erasure(erasure).await?;
        }
        let files = self.files(&store, &*objects, &*place.open()?).await?;
        let findings = store.diagnose().await;
        store.close().await;
        Ok(Restored {
            stream: plan.base.stream,
            base: plan.base.reach,
            reached,
            segments: plan.segments.len() as u64,
            files,
            erasures: erasures.len() as u64,
            findings,
        })
    }

    async fn database(
        &self,
        objects: &dyn ObjectStore,
        plan: &Plan,
        work: &Path,
    ) -> Result<Reach, StoreError> {
        let file = work.join("karez.db");
        let sealed = work.join("sealed");
        transfer::download(objects, &plan.base.path(), sealed.clone()).await?;
        let (key, to) = (self.key.clone(), file.clone());
        let from = sealed.clone();
        blocking(move || unseal(&from, &to, &key)).await?;
        match (&self.database, is_sqlite(&file)?) {
            (DatabaseKind::Sqlite, true) => {}
            (DatabaseKind::Postgres { url, .. }, false) => {
                crate::postgres::copy::load(url, &file).await?;
                fs::remove_file(&file).map_err(|e| StoreError::Unavailable(e.to_string()))?;
                return Ok(plan.base.reach);
            }
            (_, sqlite) => {
                let (was, other) = if sqlite {
                    ("SQLite", "PostgreSQL")
                } else {
                    ("PostgreSQL", "SQLite")
                };
                return Err(StoreError::Invalid(format!(
                    "the backup is of a {was} database and cannot become a {other} one"
                )));
            }
        }
        let mut redo = Redo::open(&file, plan.base.reach)?;
        for segment in &plan.segments {
            transfer::download(objects, &segment.path(), sealed.clone()).await?;
            let (from, key, until) = (sealed.clone(), self.key.clone(), self.until);
            let segment = segment.clone();
            let (back, goes_on) = blocking(move || {
                let input = SealedReader::new(open(&from)?, &key)?;
                let goes_on = redo.apply(input, (&segment.stream, segment.seq), until)?;
                Ok((redo, goes_on))
            })
            .await?;
            redo = back;
            if !goes_on {
                break;
            }
        }
        blocking(move || redo.finish()).await
    }

    /// Every erasure that is known anywhere; they are put into the ledger of the new folder.
    async fn erasures(
        &self,
        objects: &dyn ObjectStore,
        work: &Path,
    ) -> Result<Vec<Erasure>, StoreError> {
        let mut known = vec![Ledger::of(&self.dir).all(&self.key)?];
        if let Some(dir) = &self.erasures {
            known.push(Ledger::at(dir).all(&self.key)?);
        }
        let beside: Vec<_> = objects
            .list(Some(&layout::erasures()))
            .try_collect()
            .await
            .map_err(object_error)?;
        let mut listed = Vec::with_capacity(beside.len());
        for meta in beside {
            let got = objects.get(&meta.location).await.map_err(object_error)?;
            let bytes = got.bytes().await.map_err(object_error)?;
            listed.push(erasures::read(bytes.as_ref(), &self.key)?);
        }
        known.push(listed);
        let all = erasures::merged(known);
        let ledger = Ledger::of(work);
        for erasure in &all {
            ledger.add(erasure, &self.key, &*self.entropy)?;
        }
        Ok(all)
    }

    /// Puts back every file the database knows and the place has. What is missing shows in the findings.
    async fn files(
        &self,
        store: &Store,
        from: &dyn ObjectStore,
        to: &dyn ObjectStore,
    ) -> Result<u64, StoreError> {
        let mut files = 0;
        let mut after: Option<(HospitalId, String)> = None;
        loop {
            let page = store.blob_page(after.take(), 500).await?;
            let Some(last) = page.last() else {
                return Ok(files);
            };
            after = Some((last.hospital.clone(), last.address.clone()));
            for blob in &page {
                let path = blobs::path(blob);
                let whole = seal::blob::sealed_len(blob.size);
                if to.head(&path).await.is_ok_and(|m| m.size == whole) {
                    continue;
                }
                match transfer::copy((from, &copy_path(blob)), (to, path)).await {
                    Ok(()) => files += 1,
                    Err(object_store::Error::NotFound { .. }) => {}
                    Err(e) => return Err(object_error(e)),
                }
            }
        }
    }
}

/// What a check of a backup found.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    /// Bases and segments that were read from end to end.
    pub objects: u64,
    pub bytes: u64,
    /// A restore of the newest point, with its check-up.
    pub restored: Restored,
    /// Files read from end to end, and how many were not whole.
    pub files: u64,
    pub faulty: u64,
}

impl Verified {
    pub fn is_sound(&self) -> bool {
        self.faulty == 0 && self.restored.is_sound()
    }
}

impl Restore {
    /// Reads every object of the place to its end, restores the newest point into the work folder (`dir`), checks it,
    /// and reads every file in the backup. What was made in the folder is removed.
    pub async fn verify(mut self) -> Result<Verified, StoreError> {
        let objects = self.from.open()?;
        let failed = |e: std::io::Error| StoreError::Unavailable(format!("verify: {e}"));
        fs::create_dir_all(&self.dir).map_err(failed)?;
        let file = self.dir.join("object");
        let (mut count, mut bytes) = (0, 0);
        for entry in entries(&*objects).await? {
            let path = match &entry {
                Entry::Base(b) => b.path(),
                Entry::Segment(s) => s.path(),
            };
            transfer::download(&*objects, &path, file.clone()).await?;
            let (from, key) = (file.clone(), self.key.clone());
            let read = move || {
                let mut input = SealedReader::new(open(&from)?, &key)?;
                std::io::copy(&mut input, &mut std::io::sink()).map_err(read_error)
            };
            bytes += blocking(read).await.map_err(|e| named(&path, e))?;
            count += 1;
        }
        fs::remove_file(&file).map_err(failed)?;
        // The copies themselves are what the restored database is checked against.
        if !matches!(self.database, DatabaseKind::Sqlite) {
            return Err(StoreError::Invalid(
                "a backup of PostgreSQL is verified by restoring it into an empty database".into(),
            ));
        }
        self.blobs = Some(self.from.within("blobs"));
        self.until = Until::Latest;
        let restored = self.run().await?;
        let mut config = StoreConfig::new(
            &self.dir,
            self.key.clone(),
            Arc::clone(&self.clock),
            Arc::clone(&self.entropy),
        );
        config.blobs = self.blobs.clone();
        let store = Store::open(config).await?;
        let scrubbed = store.scrub(None, u64::MAX).await?;
        store.close().await;
        fs::remove_dir_all(&self.dir).map_err(failed)?;
        Ok(Verified {
            objects: count,
            bytes,
            restored,
            files: scrubbed.blobs,
            faulty: scrubbed.faulty.len() as u64,
        })
    }
}

fn named(path: &object_store::path::Path, e: StoreError) -> StoreError {
    match e {
        StoreError::Damaged(why) => StoreError::Damaged(format!("{path}: {why}")),
        other => other,
    }
}

/// The restored database takes its place; until here nothing could open it.
fn adopt(work: &Path, dir: &Path) -> std::io::Result<()> {
    let erasures = work.join("erasures");
    if erasures.exists() {
        let _old = fs::remove_dir_all(dir.join("erasures"));
        fs::rename(erasures, dir.join("erasures"))?;
    }
    if work.join("karez.db").exists() {
        fs::rename(work.join("karez.db"), dir.join("karez.db"))?;
    }
    fs::File::open(dir)?.sync_all()
}

/// Whether a copy is a database file of SQLite, by its first bytes.
fn is_sqlite(file: &Path) -> Result<bool, StoreError> {
    use std::io::Read as _;
    let mut first = [0; 16];
    let read = open(file)?.read(&mut first);
    read.map_err(|e| StoreError::Unavailable(format!("restore: {e}")))?;
    Ok(&first == b"SQLite format 3\0")
}

fn open(path: &Path) -> Result<fs::File, StoreError> {
    fs::File::open(path).map_err(|e| StoreError::Unavailable(format!("restore: {e}")))
}

fn unseal(from: &Path, to: &Path, key: &NodeKey) -> Result<(), StoreError> {
    let mut input = SealedReader::new(open(from)?, key)?;
    let mut out =
        fs::File::create(to).map_err(|e| StoreError::Unavailable(format!("restore: {e}")))?;
    std::io::copy(&mut input, &mut out)
        .map(drop)
        .map_err(read_error)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| StoreError::Internal("restoring was broken off".into()))?
}

/// What a backup place holds, for people.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    pub stream: String,
    /// From the first base on, every point can be restored up to `until`.
    pub from: Reach,
    pub until: Reach,
    pub bases: u64,
    pub segments: u64,
}

/// The streams of a place, oldest first.
pub async fn list(place: &Place) -> Result<Vec<Listed>, StoreError> {
    let objects = place.open()?;
    let all = entries(&*objects).await?;
    let mut out: Vec<Listed> = Vec::new();
    for entry in &all {
        let Entry::Base(base) = entry else { continue };
        match out.iter_mut().find(|l| l.stream == base.stream) {
            Some(l) => {
                l.bases += 1;
                l.until = l.until.max_of(base.reach);
                if base.reach.position < l.from.position {
                    l.from = base.reach;
                }
            }
            None => out.push(Listed {
                stream: base.stream.clone(),
                from: base.reach,
                until: base.reach,
                bases: 1,
                segments: 0,
            }),
        }
    }
    for entry in &all {
        if let Entry::Segment(s) = entry
            && let Some(l) = out.iter_mut().find(|l| l.stream == s.stream)
        {
            l.segments += 1;
            l.until = l.until.max_of(s.reach);
        }
    }
    out.sort_by(|a, b| a.stream.cmp(&b.stream));
    Ok(out)
}

/// The newest time any base of the place reaches: how old a backup is.
pub fn newest(listed: &[Listed]) -> Option<Instant> {
    listed.iter().map(|l| l.until.at).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(n: i64) -> Reach {
        Reach {
            position: u64::try_from(n).unwrap(),
            at: Instant::from_second(n).unwrap(),
        }
    }

    fn entries(gap: bool) -> Vec<Entry> {
        let base = |stream: &str, seq, at| {
            Entry::Base(Base {
                stream: stream.into(),
                seq,
                reach: reach(at),
            })
        };
        let mut all = vec![base("a", 1, 10), base("a", 4, 40), base("b", 1, 100)];
        for seq in 1..=6 {
            if !(gap && seq == 3) {
                all.push(Entry::Segment(Segment {
                    stream: "a".into(),
                    seq,
                    reach: reach(10 * i64::try_from(seq).unwrap() + 5),
                }));
            }
        }
        all
    }

    fn seqs(until: Until) -> (u64, Vec<u64>) {
        let p = plan(&entries(false), until).unwrap();
        (p.base.seq, p.segments.iter().map(|s| s.seq).collect())
    }

    #[test]
    fn the_nearest_base_and_what_may_hold_the_point() {
        assert_eq!(seqs(Until::Position(30)), (1, vec![1, 2, 3]));
        assert_eq!(seqs(Until::At(reach(50).at)), (4, vec![4, 5]));
        assert_eq!(seqs(Until::Latest), (1, vec![]));
        assert_eq!(seqs(Until::Position(99)), (4, vec![4, 5, 6]));
        assert!(plan(&entries(false), Until::Position(9)).is_err());
        assert!(plan(&[], Until::Latest).is_err());
    }

    #[test]
    fn a_gap_is_told_with_the_point_before_it() {
        let said = plan(&entries(true), Until::Position(39))
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("segment 3") && said.contains("position 25"),
            "{said}"
        );
        // What lies behind a newer base is not touched by it.
        assert!(plan(&entries(true), Until::Position(60)).is_ok());
    }
}
