//! The connections that read: each call has one to itself and sees one snapshot. What is short runs where it is
//! asked; what turns out to be long is broken off and begun again on a blocking thread.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::connect;
use crate::StoreError;

/// SQLite asks after so many steps of its machine whether to go on.
const STEPS: i32 = 1_000;
/// How often it may ask during a short read: together some milliseconds. A hand-over to another thread costs as much
/// as a whole short read, so most reads are spared it; no long one holds up the thread that serves others.
const SHORT: u32 = 100;
const UNBOUNDED: u32 = u32::MAX;

/// Idle connections, and how many calls may read at once on blocking threads. A reader never waits for the writer
/// (WAL), only for another reader to finish when all connections are in use.
pub(crate) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Idle>>,
    slots: Arc<Semaphore>,
    longest: Duration,
    count: AtomicU64,
}

/// Connections for short reads.
const SHORT_MIN: usize = 2;
const SHORT_MAX: usize = 8;
/// Idle connections that are kept for long reads.
const LONG_IDLE_MAX: usize = 4;

/// Connections that nobody uses now.
#[derive(Default)]
struct Idle {
    /// For short reads, with the caches that make them short.
    short: Vec<Reader>,
    /// How many of these may still be opened.
    short_left: usize,
    /// For long ones.
    long: Vec<Reader>,
}

impl Idle {
    /// One for each thread that asks, within reason: a short read stays on its thread.
    fn new(first: Reader) -> Self {
        let threads = Handle::try_current().map_or(SHORT_MIN, |h| h.metrics().num_workers());
        Self {
            short: vec![first],
            short_left: threads.clamp(SHORT_MIN, SHORT_MAX) - 1,
            long: Vec::new(),
        }
    }

    fn give_back(&mut self, reader: Reader) {
        if reader.is_short {
            self.short.push(reader);
        } else if self.long.len() < LONG_IDLE_MAX {
            self.long.push(reader);
        }
    }
}

/// A connection, and how much work it may still do.
struct Reader {
    conn: Connection,
    left: Arc<AtomicU32>,
    is_short: bool,
}

impl Reader {
    fn open(path: &Path, is_short: bool) -> Result<Self, StoreError> {
        let cache_kib = if is_short {
            connect::SHORT_CACHE_KIB
        } else {
            connect::LONG_CACHE_KIB
        };
        let mut conn = connect::reader(path, cache_kib)?;
        let left = Arc::new(AtomicU32::new(UNBOUNDED));
        let asked = Arc::clone(&left);
        let enough = move || match asked.load(Ordering::Relaxed) {
            UNBOUNDED => false,
            0 => true,
            n => {
                asked.store(n - 1, Ordering::Relaxed);
                false
            }
        };
        conn.progress_handler(STEPS, Some(enough))?;
        Ok(Self {
            conn,
            left,
            is_short,
        })
    }

    /// The result, unless the work was too long for this.
    fn shortly<T>(
        &self,
        snapshot: Snapshot,
        work: impl Fn(&Connection) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        let mut spent = false;
        let result = snapshot.of(&self.conn, |conn| {
            self.left.store(SHORT, Ordering::Relaxed);
            let result = work(conn);
            spent = self.left.swap(UNBOUNDED, Ordering::Relaxed) == 0;
            result
        });
        (result.is_ok() || !spent).then_some(result)
    }
}

/// What one call sees.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Snapshot {
    /// A call of one statement: that is a snapshot by itself.
    Statement,
    /// Several statements see the same.
    Transaction,
}

impl Snapshot {
    fn of<T>(
        self,
        conn: &Connection,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self {
            Self::Statement => work(conn),
            Self::Transaction => {
                conn.prepare_cached("BEGIN")?.execute([])?;
                let result = work(conn);
                conn.prepare_cached("COMMIT")?.execute([])?;
                result
            }
        }
    }
}

impl Readers {
    /// `connections` at once; a read is broken off after `longest`.
    pub fn new(path: &Path, connections: usize, longest: Duration) -> Result<Self, StoreError> {
        let first = Reader::open(path, true)?;
        Ok(Self {
            path: path.to_owned(),
            idle: Arc::new(Mutex::new(Idle::new(first))),
            slots: Arc::new(Semaphore::new(connections.max(1))),
            longest,
            count: AtomicU64::new(0),
        })
    }

    /// Reads so far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Runs `work` in a read transaction of its own. What takes too long is broken off and answered `TooMuch`.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(Snapshot::Transaction, work).await
    }

    /// As [`Self::read`], for work of a single statement.
    pub async fn read_one<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(Snapshot::Statement, work).await
    }

    async fn run<T: Send + 'static>(
        &self,
        snapshot: Snapshot,
        work: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.count.fetch_add(1, Ordering::Relaxed);
        if let Some(done) = self.here(snapshot, &work) {
            return done;
        }
        let slot = self.slot().await?;
        let (tell, handle) = oneshot::channel();
        let mut task = tokio::task::spawn_blocking(self.task(slot, move |conn| {
            let _unheard = tell.send(conn.get_interrupt_handle());
            work(conn)
        }));
        let done = match tokio::time::timeout(self.longest, &mut task).await {
            Ok(done) => done,
            Err(_) => {
                if let Ok(handle) = handle.await {
                    handle.interrupt();
                }
                task.await
            }
        };
        done.map_err(|_| StoreError::Internal("a read was broken off".into()))?
    }

    /// The result of a short read, on this thread. None when no connection is idle or the read is long.
    fn here<T>(
        &self,
        snapshot: Snapshot,
        work: &impl Fn(&Connection) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        let reader = self.short()?;
        let done = reader.shortly(snapshot, work);
        give_back(&self.idle, &self.slots, reader);
        done
    }

    /// A connection for a short read; none when all are in use.
    fn short(&self) -> Option<Reader> {
        {
            let mut idle = lock(&self.idle);
            if let Some(reader) = idle.short.pop() {
                return Some(reader);
            }
            if self.slots.is_closed() || idle.short_left == 0 {
                return None;
            }
            idle.short_left -= 1;
        }
        let opened = Reader::open(&self.path, true).ok();
        if opened.is_none() {
            lock(&self.idle).short_left += 1;
        }
        opened
    }

    /// As [`Self::read`], for what reads everything and may take its time.
    pub async fn read_all<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let slot = self.slot().await?;
        tokio::task::spawn_blocking(self.task(slot, work))
            .await
            .map_err(|_| StoreError::Internal("a read was broken off".into()))?
    }

    async fn slot(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Unavailable("the store is closed".into()))
    }

    /// What runs on the blocking thread.
    fn task<T, W>(
        &self,
        slot: OwnedSemaphorePermit,
        work: W,
    ) -> impl FnOnce() -> Result<T, StoreError> + use<T, W>
    where
        W: FnOnce(&Connection) -> Result<T, StoreError>,
    {
        let idle = Arc::clone(&self.idle);
        let slots = Arc::clone(&self.slots);
        let path = self.path.clone();
        move || {
            let taken = lock(&idle).long.pop();
            let reader = match taken {
                Some(reader) => reader,
                None => Reader::open(&path, false)?,
            };
            let result = Snapshot::Transaction.of(&reader.conn, work);
            give_back(&idle, &slots, reader);
            drop(slot);
            result
        }
    }

    /// Closes the idle connections; calls after this are refused.
    pub fn close(&self) {
        self.slots.close();
        *lock(&self.idle) = Idle::default();
    }
}

fn lock(idle: &Mutex<Idle>) -> std::sync::MutexGuard<'_, Idle> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection that could not end its transaction is dropped, which ends it; so is each once the store is closed.
fn give_back(idle: &Mutex<Idle>, slots: &Semaphore, reader: Reader) {
    let mut idle = lock(idle);
    if reader.conn.is_autocommit() && !slots.is_closed() {
        idle.give_back(reader);
    } else if reader.is_short {
        idle.short_left += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_read_that_takes_too_long_is_broken_off_and_its_connection_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        connect::writer(&path, None, connect::Checkpoints::ByItself).unwrap();
        let readers = Readers::new(&path, 1, Duration::from_millis(50)).unwrap();
        let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
        let broken = readers
            .read(|c| Ok(c.query_row(endless, [], |r| r.get::<_, i64>(0))?))
            .await;
        assert!(
            matches!(broken, Err(StoreError::TooMuch { .. })),
            "{broken:?}"
        );
        let next = readers
            .read_all(|c| Ok(c.query_row("SELECT 7", [], |r| r.get::<_, i64>(0))?))
            .await;
        assert_eq!(next.unwrap(), 7);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn every_thread_that_asks_has_a_connection() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        connect::writer(&path, None, connect::Checkpoints::ByItself).unwrap();
        let readers = Arc::new(Readers::new(&path, 4, Duration::from_secs(60)).unwrap());
        let together = Arc::new(std::sync::Barrier::new(4));
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (readers, together) = (Arc::clone(&readers), Arc::clone(&together));
                tokio::spawn(async move {
                    let here = std::thread::current().id();
                    let read = readers.read(move |_| {
                        together.wait();
                        Ok(std::thread::current().id())
                    });
                    (here, read.await.unwrap())
                })
            })
            .collect();
        for task in tasks {
            let (asked, read) = task.await.unwrap();
            assert_eq!(asked, read, "a read left its thread");
        }
    }

    #[tokio::test]
    async fn a_long_read_is_begun_again_on_another_thread() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        connect::writer(&path, None, connect::Checkpoints::ByItself).unwrap();
        let readers = Readers::new(&path, 1, Duration::from_secs(60)).unwrap();
        let here = std::thread::current().id();
        let count = |n: u32| {
            format!(
                "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {n}) SELECT count(*) FROM c"
            )
        };
        for (rows, stays) in [(10_u32, true), (500_000, false), (10, true)] {
            let text = count(rows);
            let (found, thread) = readers
                .read(move |c| {
                    let n: u32 = c.query_row(&text, [], |r| r.get(0))?;
                    Ok((n, std::thread::current().id()))
                })
                .await
                .unwrap();
            assert_eq!(found, rows);
            assert_eq!(thread == here, stays, "{rows} rows");
        }
    }
}
