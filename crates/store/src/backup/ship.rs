//! Carrying backups away: one whole copy on demand, or the log every few seconds with a new base once a day.
//!
//! The order keeps every restorable point whole: files first, then the segments that refer to them. What is older than
//! the backups are kept goes with the next base.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::TryStreamExt as _;
use jiff::SignedDuration;
use kernel::{Clock, Entropy, HospitalId, Instant};
use object_store::{ObjectStore, ObjectStoreExt};
use seal::NodeKey;
use serde::Serialize;

use super::erasures::Ledger;
use super::layout::{self, Base, Entry};
use super::{Reach, transfer};
use crate::blob_index::Backend;
use crate::blobs::{self, Blobs, Changes};
use crate::objects::{Place, object_error};
use crate::{BlobRef, StoreError};

/// Where backups go and how.
#[derive(Debug, Clone)]
pub struct Shipping {
    pub place: Place,
    /// How often the log is carried away.
    pub every: Duration,
    /// How often a whole copy begins the log anew, hours.
    pub base_hours: u32,
    /// How long a point in time stays restorable, days.
    pub keep_days: u32,
    /// How much may wait on this machine while the place is away, bytes.
    pub wait_bytes_max: u64,
}

/// How the backup stands.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ShipStatus {
    /// In words, without secrets.
    pub place: String,
    /// When everything that was committed was last known to be at the place.
    pub safe_at: Option<Instant>,
    /// When the newest base was taken.
    pub base_at: Option<Instant>,
    pub waiting_bytes: u64,
    /// Segments and bytes carried away since the start.
    pub segments: u64,
    pub bytes: u64,
    /// Why the last try failed, if it did.
    pub trouble: Option<String>,
}

/// What a copy is made of.
#[derive(Clone)]
pub(crate) struct Source {
    pub database: Arc<dyn Backend>,
    pub blobs: Arc<Blobs>,
    pub ledger: Ledger,
    /// Folder for files that are made on the way.
    pub work: PathBuf,
    pub key: NodeKey,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

/// What one whole copy came to.
#[derive(Debug, Clone, Serialize)]
pub struct Copied {
    pub stream: String,
    #[serde(flatten)]
    pub reach: Reach,
    pub bytes: u64,
    /// Files that were not at the place yet.
    pub files: u64,
}

impl Source {
    /// One whole copy under a stream of its own.
    pub async fn copy_once(&self, place: &Place) -> Result<Copied, StoreError> {
        let objects = place.open()?;
        let stream = self.entropy.uuid_v7(self.clock.now());
        let files = self.copy_missing_blobs(&*objects).await?;
        let (base, bytes) = self.base(&*objects, stream, 1).await?;
        // Files that came while the copy was made, and that it may refer to.
        let more = self.copy_missing_blobs(&*objects).await?;
        self.copy_ledger(&*objects, &mut HashSet::new()).await?;
        Ok(Copied {
            stream: base.stream,
            reach: base.reach,
            bytes,
            files: files + more,
        })
    }

    async fn base(
        &self,
        objects: &dyn ObjectStore,
        stream: String,
        seq: u64,
    ) -> Result<(Base, u64), StoreError> {
        let failed = |e: std::io::Error| StoreError::Unavailable(format!("backup: {e}"));
        std::fs::create_dir_all(&self.work).map_err(failed)?;
        let file = self
            .work
            .join(format!("base-{}", self.entropy.uuid_v7(self.clock.now())));
        let made = async {
            let reach = self.database.copy_to(&file).await?;
            let base = Base { stream, seq, reach };
            let (key, entropy) = (self.key.clone(), Arc::clone(&self.entropy));
            let bytes =
                transfer::upload_sealed(objects, base.path(), file.clone(), key, entropy).await?;
            Ok((base, bytes))
        }
        .await;
        let _not_made = std::fs::remove_file(&file);
        made
    }

    /// Copies every file the database knows that is not at the place. Gives their number.
    async fn copy_missing_blobs(&self, objects: &dyn ObjectStore) -> Result<u64, StoreError> {
        let there: HashSet<String> = objects
            .list(Some(&layout::blobs()))
            .map_ok(|meta| meta.location.to_string())
            .try_collect()
            .await
            .map_err(object_error)?;
        let mut copied = 0;
        let mut after: Option<(HospitalId, String)> = None;
        loop {
            let page = self.database.blobs(after.take(), 500).await?;
            let Some(last) = page.last() else {
                return Ok(copied);
            };
            after = Some((last.hospital.clone(), last.address.clone()));
            for blob in &page {
                if !there.contains(copy_path(blob).as_ref()) {
                    copied += u64::from(self.copy_blob(objects, blob).await?);
                }
            }
        }
    }

    /// False when the file is not there any more: it was swept or erased meanwhile.
    async fn copy_blob(
        &self,
        objects: &dyn ObjectStore,
        blob: &BlobRef,
    ) -> Result<bool, StoreError> {
        let from = (&**self.blobs.objects(), &blobs::path(blob));
        match transfer::copy(from, (objects, copy_path(blob))).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(e) => Err(object_error(e)),
        }
    }

    async fn copy_ledger(
        &self,
        objects: &dyn ObjectStore,
        done: &mut HashSet<String>,
    ) -> Result<(), StoreError> {
        for name in self.ledger.names()? {
            if !done.contains(&name) {
                let to = layout::erasures().join(name.as_str());
                transfer::upload_file(objects, to, self.ledger.file(&name)).await?;
                done.insert(name);
            }
        }
        Ok(())
    }
}

/// Where a blob's copy lies.
pub(super) fn copy_path(blob: &BlobRef) -> object_store::path::Path {
    object_store::path::Path::from(format!("blobs/{}", blobs::path(blob)))
}

/// Carries the log of one node away for as long as it serves.
pub struct Shipper {
    source: Source,
    shipping: Shipping,
    objects: Arc<dyn ObjectStore>,
    status: Arc<Mutex<ShipStatus>>,
    ledger_done: HashSet<String>,
    /// Files were compared with the place since the start.
    compared: bool,
    /// The stream whose base is there, and when it was taken.
    base: Option<(String, Instant)>,
    copying: Option<tokio::task::JoinHandle<Result<(Base, u64), StoreError>>>,
}

impl Shipper {
    pub(crate) fn new(source: Source, shipping: Shipping) -> Result<Self, StoreError> {
        let status = ShipStatus {
            place: shipping.place.describe(),
            ..ShipStatus::default()
        };
        Ok(Self {
            objects: shipping.place.open()?,
            source,
            shipping,
            status: Arc::new(Mutex::new(status)),
            ledger_done: HashSet::new(),
            compared: false,
            base: None,
            copying: None,
        })
    }

    /// How it stands, for whoever watches.
    pub fn status(&self) -> Arc<Mutex<ShipStatus>> {
        Arc::clone(&self.status)
    }

    fn tell(&self, what: impl FnOnce(&mut ShipStatus)) {
        what(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Works until `closing` is done, and then once more.
    pub async fn run(mut self, closing: impl Future<Output = ()>) {
        let mut tick = tokio::time::interval(self.shipping.every);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        tokio::pin!(closing);
        loop {
            tokio::select! {
                _ = tick.tick() => self.turn().await,
                () = &mut closing => break,
            }
        }
        self.turn().await;
        if let Some(copying) = self.copying.take() {
            copying.abort();
        }
    }

    /// One turn: cut, carry away, and see whether a base is due. Failures stand in the status and are tried again.
    pub async fn turn(&mut self) {
        let before = self.source.clock.now();
        let outcome = self.try_turn().await;
        let behind = self.source.database.log().map(|l| l.behind());
        let was = {
            let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
            status.trouble.clone()
        };
        match outcome {
            Ok(()) => {
                if was.is_some() {
                    tracing::info!("the backup goes on");
                }
                // Segments without the base that they are played onto save nothing.
                let restorable = self.base.is_some();
                self.tell(|s| {
                    s.trouble = None;
                    if restorable {
                        s.safe_at = Some(before);
                    }
                });
            }
            Err(error) => {
                let text = error.to_string();
                if was.as_deref() != Some(&text) {
                    tracing::error!(error = %text, "the backup is behind");
                }
                self.tell(|s| s.trouble = Some(text));
            }
        }
        self.tell(|s| s.waiting_bytes = behind.map_or(0, |b| b.bytes));
    }

    async fn try_turn(&mut self) -> Result<(), StoreError> {
        let Some(log) = self.source.database.log() else {
            // The database's own server keeps its log: whole copies are taken, each a stream of its own.
            self.files().await?;
            self.source
                .copy_ledger(&*self.objects, &mut self.ledger_done)
                .await?;
            return self.bases().await;
        };
        let cutter = Arc::clone(&log);
        tokio::task::spawn_blocking(move || cutter.cut())
            .await
            .map_err(|_| StoreError::Internal("cutting the log was broken off".into()))??;
        if log.is_long() {
            self.source.database.checkpoint().await?;
        }
        if log.behind().bytes > self.shipping.wait_bytes_max {
            tracing::error!("too much waits for the backup place; the stream is given up");
            log.begin_anew()?;
        }
        self.files().await?;
        self.source
            .copy_ledger(&*self.objects, &mut self.ledger_done)
            .await?;
        for segment in log.waiting()? {
            let bytes =
                transfer::upload_file(&*self.objects, segment.path(), log.file(&segment)).await?;
            log.shipped(&segment)?;
            self.tell(|s| {
                s.segments += 1;
                s.bytes += bytes;
            });
        }
        self.bases().await
    }

    /// Copies files that came, deletes those that went.
    async fn files(&mut self) -> Result<(), StoreError> {
        // What comes from here on is in the changes; what came before is found by comparing.
        if !self.compared {
            self.source.copy_missing_blobs(&*self.objects).await?;
            self.compared = true;
        }
        let mut changes = self.source.blobs.take_changes();
        let done = self.apply(&mut changes).await;
        if done.is_err() {
            self.source.blobs.give_back(changes);
        }
        done
    }

    async fn apply(&self, changes: &mut Changes) -> Result<(), StoreError> {
        while let Some(blob) = changes.put.last() {
            self.source.copy_blob(&*self.objects, blob).await?;
            changes.put.pop();
        }
        while let Some(blob) = changes.gone.last() {
            match self.objects.delete(&copy_path(blob)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(e) => return Err(object_error(e)),
            }
            changes.gone.pop();
        }
        Ok(())
    }

    /// Takes a base when the stream has none or its newest is old. It is copied beside the log, which goes on.
    async fn bases(&mut self) -> Result<(), StoreError> {
        if let Some(copying) = self.copying.take_if(|c| c.is_finished()) {
            let (base, bytes) = copying
                .await
                .map_err(|_| StoreError::Internal("a base was broken off".into()))??;
            tracing::info!(
                stream = base.stream,
                seq = base.seq,
                bytes,
                "a base was copied"
            );
            let now = self.source.clock.now();
            self.base = Some((base.stream, now));
            self.tell(|s| s.base_at = Some(now));
            self.forget_old().await?;
        }
        let (stream, seq) = match self.source.database.log() {
            Some(log) => log.next(),
            None => match &self.base {
                Some((stream, _)) => (stream.clone(), 1),
                None => (self.new_stream(), 1),
            },
        };
        if self.base.as_ref().is_none_or(|(s, _)| *s != stream) {
            self.base = self.newest_base(&stream).await?;
            let at = self.base.as_ref().map(|(_, at)| *at);
            self.tell(|s| s.base_at = at);
        }
        let now = self.source.clock.now();
        let old = SignedDuration::from_hours(i64::from(self.shipping.base_hours));
        let due = self
            .base
            .as_ref()
            .is_none_or(|(_, at)| now.duration_since(*at) >= old);
        if due && self.copying.is_none() {
            let stream = match self.source.database.log() {
                Some(_) => stream,
                None => {
                    // Other nodes of the same database put files too.
                    self.compared = false;
                    self.new_stream()
                }
            };
            let (source, objects) = (self.source.clone(), Arc::clone(&self.objects));
            self.copying = Some(tokio::spawn(async move {
                source.base(&*objects, stream, seq).await
            }));
        }
        Ok(())
    }

    fn new_stream(&self) -> String {
        self.source.entropy.uuid_v7(self.source.clock.now())
    }

    async fn newest_base(&self, stream: &str) -> Result<Option<(String, Instant)>, StoreError> {
        let prefix = layout::streams().join(stream).join("base");
        let metas: Vec<_> = self
            .objects
            .list(Some(&prefix))
            .try_collect()
            .await
            .map_err(object_error)?;
        let newest = metas
            .iter()
            .filter(|m| layout::parse(&m.location).is_some())
            .filter_map(|m| Instant::from_microsecond(m.last_modified.timestamp_micros()).ok())
            .max();
        Ok(newest.map(|at| (stream.to_owned(), at)))
    }

    /// Deletes what no point in time needs that is to stay restorable.
    async fn forget_old(&self) -> Result<(), StoreError> {
        let now = self.source.clock.now();
        let keep = SignedDuration::from_hours(24 * i64::from(self.shipping.keep_days));
        let horizon = now.checked_sub(keep).unwrap_or(Instant::UNIX_EPOCH);
        let old = {
            let all = entries(&*self.objects).await?;
            forgettable(&all, horizon)
        };
        for entry in &old {
            let path = match entry {
                Entry::Base(b) => b.path(),
                Entry::Segment(s) => s.path(),
            };
            self.objects.delete(&path).await.map_err(object_error)?;
        }
        self.forget_old_blobs(horizon).await
    }

    /// Copies of files that the database knows no more.
    async fn forget_old_blobs(&self, horizon: Instant) -> Result<(), StoreError> {
        let mut known = HashSet::new();
        let mut after: Option<(HospitalId, String)> = None;
        loop {
            let page = self.source.database.blobs(after.take(), 500).await?;
            let Some(last) = page.last() else { break };
            after = Some((last.hospital.clone(), last.address.clone()));
            known.extend(page.iter().map(|b| copy_path(b).to_string()));
        }
        let copies: Vec<_> = self
            .objects
            .list(Some(&layout::blobs()))
            .try_collect()
            .await
            .map_err(object_error)?;
        for meta in copies {
            let old = meta.last_modified.timestamp_micros() < horizon.as_microsecond();
            if old && !known.contains(meta.location.as_ref()) {
                self.objects
                    .delete(&meta.location)
                    .await
                    .map_err(object_error)?;
            }
        }
        Ok(())
    }
}

/// Everything in the streams of a place.
pub(super) async fn entries(objects: &dyn ObjectStore) -> Result<Vec<Entry>, StoreError> {
    let metas: Vec<_> = objects
        .list(Some(&layout::streams()))
        .try_collect()
        .await
        .map_err(object_error)?;
    Ok(metas
        .iter()
        .filter_map(|m| layout::parse(&m.location))
        .collect())
}

/// Which entries no point at or after `horizon` needs. Of each stream the newest base before the horizon stays, with
/// what follows it; of all streams at least the newest base.
fn forgettable(all: &[Entry], horizon: Instant) -> Vec<Entry> {
    let stream = |e: &Entry| match e {
        Entry::Base(b) => b.stream.clone(),
        Entry::Segment(s) => s.stream.clone(),
    };
    let reach = |e: &Entry| match e {
        Entry::Base(b) => b.reach,
        Entry::Segment(s) => s.reach,
    };
    let bases = || {
        all.iter().filter_map(|e| match e {
            Entry::Base(b) => Some(b),
            Entry::Segment(_) => None,
        })
    };
    let newest = bases().max_by_key(|b| b.reach.at).map(|b| b.stream.clone());
    let mut names: Vec<String> = all.iter().map(stream).collect();
    names.sort();
    names.dedup();
    let mut old = Vec::new();
    for name in names {
        let mine: Vec<&Entry> = all.iter().filter(|e| stream(e) == name).collect();
        let live = mine.iter().any(|e| reach(e).at >= horizon) || newest.as_ref() == Some(&name);
        let first = bases()
            .filter(|b| b.stream == name && b.reach.at <= horizon)
            .map(|b| b.seq)
            .max();
        for entry in mine {
            let seq = match entry {
                Entry::Base(b) => b.seq,
                Entry::Segment(s) => s.seq,
            };
            if !live || first.is_some_and(|first| seq < first) {
                old.push(entry.clone());
            }
        }
    }
    old
}

#[cfg(test)]
mod tests {
    use super::layout::Segment;
    use super::*;

    fn reach(day: i64) -> Reach {
        Reach {
            position: u64::try_from(day).unwrap(),
            at: Instant::from_second(day * 86_400).unwrap(),
        }
    }

    fn base(stream: &str, seq: u64, day: i64) -> Entry {
        Entry::Base(Base {
            stream: stream.into(),
            seq,
            reach: reach(day),
        })
    }

    fn segment(stream: &str, seq: u64, day: i64) -> Entry {
        Entry::Segment(Segment {
            stream: stream.into(),
            seq,
            reach: reach(day),
        })
    }

    #[test]
    fn what_a_point_within_the_days_needs_is_kept() {
        let all = [
            base("a", 1, 1),
            segment("a", 1, 1),
            segment("a", 2, 2),
            base("a", 3, 3),
            segment("a", 3, 4),
            base("a", 4, 9),
            base("old", 1, 0),
            segment("old", 1, 1),
        ];
        let old = forgettable(&all, reach(5).at);
        let expected = [
            base("a", 1, 1),
            segment("a", 1, 1),
            segment("a", 2, 2),
            base("old", 1, 0),
            segment("old", 1, 1),
        ];
        assert_eq!(old, expected);
        // However old: the newest base never goes.
        assert!(!forgettable(&all, reach(100).at).contains(&base("a", 4, 9)));
    }
}
