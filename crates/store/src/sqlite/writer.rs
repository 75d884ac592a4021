//! The one thread that writes. It takes whatever is queued as a group and syncs once: a job that fails leaves nothing
//! behind and does not touch its neighbours, and nobody is answered before the group is on disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use kernel::limits;
use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::connect::{self, Checkpoints};
use super::group::{self, Job};
use super::log::Log;
use super::session::Session;
use super::spool::Spool;
use crate::sql::names::Names;
use crate::{StoreError, measure};

/// Jobs in one group at most.
const GROUP_MAX: usize = 256;

struct Call<T, F> {
    work: F,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Call<T, F>
where
    T: Send,
    F: Fn(&mut Session) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, session: &mut Session) -> Result<(), StoreError> {
        self.result = Some((self.work)(session)?);
        Ok(())
    }
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { result, reply, .. } = *self;
        let result = outcome.and_then(|()| {
            result.ok_or_else(|| StoreError::Internal("a write gave no result".into()))
        });
        // A caller that went away does not undo what was accepted.
        let _gone = reply.send(result);
    }
}

/// Runs alone, outside a transaction.
struct Checkpoint {
    /// The log is cut short, so that nothing that was overwritten remains in it; otherwise it is moved as far as no
    /// reader holds it.
    truncate: bool,
    spool: Option<Arc<Spool>>,
    reply: oneshot::Sender<Result<(), StoreError>>,
}

impl Job for Checkpoint {
    fn alone(&self) -> bool {
        true
    }
    fn run(&mut self, session: &mut Session) -> Result<(), StoreError> {
        if let Some(spool) = &self.spool {
            spool.before_checkpoint()?;
        }
        if self.truncate {
            return truncate_log(&session.conn);
        }
        session
            .conn
            .pragma_update_and_check(None, "wal_checkpoint", "PASSIVE", |_| Ok(()))?;
        Ok(())
    }
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let _gone = self.reply.send(outcome);
    }
}

/// A reader may hold the log for a moment; the busy timeout waits for it.
fn truncate_log(conn: &Connection) -> Result<(), StoreError> {
    let busy: bool =
        conn.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |r| r.get(0))?;
    if busy {
        return Err(StoreError::Unavailable(
            "the log is held by a long read; the erased key is still in it".into(),
        ));
    }
    Ok(())
}

/// What the writer is told about its file.
pub(crate) struct Place {
    pub path: PathBuf,
    /// How large the file may grow, bytes; `u64::MAX` for no bound.
    pub size_max_bytes: Arc<AtomicU64>,
    /// Keeps the log for shipping.
    pub spool: Option<Arc<Spool>>,
    /// Another process serves this database: its log is left alone.
    pub beside: bool,
    /// Told of every name that is written.
    pub names: Arc<Names>,
}

impl Place {
    pub(crate) fn open(&self) -> Result<Connection, StoreError> {
        let max = self.size_max_bytes.load(Ordering::Relaxed);
        let most = (max != u64::MAX).then_some(max);
        connect::writer(&self.path, most, self.checkpoints())
    }

    fn session(&self, log: Option<&Log>) -> Result<Session, StoreError> {
        let mut conn = self.open()?;
        if let Some(log) = log {
            log.follow(&mut conn)?;
        }
        Session::new(conn, Arc::clone(&self.names))
    }

    fn checkpoints(&self) -> Checkpoints {
        if self.beside || self.spool.is_some() {
            Checkpoints::OnDemand
        } else {
            Checkpoints::ByItself
        }
    }

    /// Leaves one file behind where it can; the log is as good.
    fn leave(&self, conn: &Connection) {
        if self.beside {
            return;
        }
        if let Some(spool) = &self.spool
            && let Err(error) = spool.before_checkpoint()
        {
            tracing::error!(error = %error, "the end of the log was not cut for the backup; it is cut at the next start");
            return;
        }
        let truncated = truncate_log(conn).is_ok();
        if let Some(spool) = self.spool.as_ref().filter(|_| truncated) {
            spool.closed();
        }
    }
}

/// A job and when it was asked for.
struct Queued {
    job: Box<dyn Job>,
    since: Instant,
}

impl Queued {
    fn taken(self) -> Box<dyn Job> {
        measure::waited(self.since);
        self.job
    }
}

/// The handle on the writer thread.
pub(crate) struct Writer {
    queue: Mutex<Option<SyncSender<Queued>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Why writes fail now, if they do.
    fault: Arc<Mutex<Option<String>>>,
    position: watch::Receiver<u64>,
    spool: Option<Arc<Spool>>,
}

impl Writer {
    pub fn start(place: Place) -> Result<Self, StoreError> {
        let log = match place.checkpoints() {
            Checkpoints::ByItself => Some(Log::start(&place.path)?),
            Checkpoints::OnDemand => None,
        };
        let session = place.session(log.as_ref())?;
        let (tell, position) = watch::channel(session.position);
        let (queue, jobs) = sync_channel(limits::WRITE_QUEUE_MAX);
        let fault = Arc::new(Mutex::new(None));
        let spool = place.spool.clone();
        let mut thread = Thread {
            place,
            session: Some(session),
            log,
            tell,
            fault: Arc::clone(&fault),
        };
        let handle = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || thread.serve(&jobs))
            .map_err(|e| StoreError::Unavailable(format!("the writer cannot start: {e}")))?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(handle)),
            fault,
            position,
            spool,
        })
    }

    /// Runs `work` and answers when it is on disk. It may run twice: what it did at first is undone then.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Session) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Call {
            work,
            result: None,
            reply,
        };
        self.enqueue(Box::new(job))?;
        answer
            .await
            .map_err(|_| StoreError::Unavailable("the writer has stopped".into()))?
    }

    /// Moves the whole log into the database file, so that nothing that was overwritten remains in the log.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        self.checkpoint_with(true).await
    }

    /// Moves the log into the database file as far as no reader holds it.
    pub async fn move_log(&self) -> Result<(), StoreError> {
        self.checkpoint_with(false).await
    }

    async fn checkpoint_with(&self, truncate: bool) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let spool = self.spool.clone();
        self.enqueue(Box::new(Checkpoint {
            truncate,
            spool,
            reply,
        }))?;
        answer
            .await
            .map_err(|_| StoreError::Unavailable("the writer has stopped".into()))?
    }

    fn enqueue(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let closed = || StoreError::Unavailable("the store is closed".into());
        let queue = lock(&self.queue).clone().ok_or_else(closed)?;
        let since = Instant::now();
        queue.try_send(Queued { job, since }).map_err(|e| match e {
            TrySendError::Full(_) => StoreError::TooMuch {
                what: "writes waiting",
            },
            TrySendError::Disconnected(_) => closed(),
        })
    }

    pub fn watch(&self) -> watch::Receiver<u64> {
        self.position.clone()
    }

    pub fn fault(&self) -> Option<String> {
        lock(&self.fault).clone()
    }

    /// Takes no further jobs, finishes the queued ones, and waits for the thread.
    pub fn close(&self) {
        drop(lock(&self.queue).take());
        if let Some(thread) = lock(&self.thread).take() {
            let _panicked = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

fn lock<T>(m: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Thread {
    place: Place,
    /// None after a fault: the connection is opened anew before the next group, so that nothing that was cached
    /// about the failed write is trusted.
    session: Option<Session>,
    /// Moves the log, where nobody else does.
    log: Option<Log>,
    tell: watch::Sender<u64>,
    fault: Arc<Mutex<Option<String>>>,
}

impl Thread {
    fn serve(&mut self, jobs: &Receiver<Queued>) {
        while let Ok(first) = jobs.recv() {
            let mut group = Vec::new();
            let mut next = Some(first.taken());
            while let Some(job) = next.take() {
                if job.alone() {
                    if !group.is_empty() {
                        self.group(std::mem::take(&mut group));
                    }
                    self.alone(job);
                } else {
                    group.push(job);
                }
                if group.len() < GROUP_MAX {
                    next = jobs.try_recv().ok().map(Queued::taken);
                }
            }
            if !group.is_empty() {
                self.group(group);
            }
        }
        if let Some(log) = &mut self.log {
            log.stop();
        }
        if let Some(s) = self.session.take() {
            self.place.leave(&s.conn);
        }
    }

    fn group(&mut self, mut group: Vec<Box<dyn Job>>) {
        let began = Instant::now();
        // A fault of ours in one job must not end the thread: the group fails, the next one starts afresh.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            group::commit(self.session()?, &mut group)
        }))
        .unwrap_or_else(|_| Err(StoreError::Internal("a write panicked".into())));
        match outcome {
            Ok((position, outcomes)) => {
                measure::committed(began, group.len());
                *lock(&self.fault) = None;
                // Before the answers: whoever has one finds the position moved.
                self.tell.send_if_modified(|p| {
                    let moved = *p != position;
                    *p = position;
                    moved
                });
                for (job, outcome) in group.into_iter().zip(outcomes) {
                    job.answer(outcome);
                }
                if let (Some(log), Some(s)) = (&mut self.log, &self.session) {
                    log.after_commit(&s.conn);
                }
            }
            Err(e) => {
                self.session = None;
                if let Some(spool) = &self.place.spool {
                    spool.after_fault();
                }
                let full = matches!(e, StoreError::Full(_));
                let why = match e {
                    StoreError::Unavailable(why)
                    | StoreError::Damaged(why)
                    | StoreError::Full(why) => why,
                    other => other.to_string(),
                };
                let failure = if full {
                    StoreError::Full
                } else {
                    StoreError::Unavailable
                };
                tracing::error!(reason = %why, writes = group.len(), "the store cannot write");
                *lock(&self.fault) = Some(why.clone());
                for job in group {
                    job.answer(Err(failure(why.clone())));
                }
            }
        }
    }

    fn alone(&mut self, mut job: Box<dyn Job>) {
        let outcome = self.session().and_then(|s| job.run(s));
        job.answer(outcome);
    }

    fn session(&mut self) -> Result<&mut Session, StoreError> {
        if self.session.is_none() {
            self.session = Some(self.place.session(self.log.as_ref())?);
        }
        self.session
            .as_mut()
            .ok_or_else(|| StoreError::Unavailable("the writer has no database".into()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::super::migrations;
    use super::*;

    fn writer(dir: &std::path::Path) -> Arc<Writer> {
        let place = Place {
            path: dir.join("db"),
            size_max_bytes: Arc::new(AtomicU64::new(u64::MAX)),
            spool: None,
            beside: false,
            names: Arc::default(),
        };
        let mut conn = place.open().unwrap();
        migrations::migrations::runner().run(&mut conn).unwrap();
        Arc::new(Writer::start(place).unwrap())
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_forgets_nothing_it_took() {
        let dir = tempfile::tempdir().unwrap();
        let writer = writer(dir.path());
        let (go, gate) = channel::<()>();
        let (entered, mut inside) = tokio::sync::mpsc::unbounded_channel();
        let held = tokio::spawn({
            let writer = Arc::clone(&writer);
            async move {
                writer
                    .write(move |_| {
                        let _seen = entered.send(());
                        gate.recv()
                            .map_err(|_| StoreError::Internal("the gate is gone".into()))
                    })
                    .await
            }
        });
        inside.recv().await.unwrap();
        let (taken, refused) = {
            let mut taken = Vec::new();
            loop {
                let (reply, answer) = oneshot::channel();
                let job = Call {
                    work: |_: &mut Session| Ok(1u8),
                    result: None,
                    reply,
                };
                match writer.enqueue(Box::new(job)) {
                    Ok(()) => taken.push(answer),
                    Err(e) => break (taken, e),
                }
                assert!(taken.len() <= limits::WRITE_QUEUE_MAX);
            }
        };
        assert_eq!(taken.len(), limits::WRITE_QUEUE_MAX);
        assert!(matches!(refused, StoreError::TooMuch { .. }), "{refused}");
        go.send(()).unwrap();
        held.await.unwrap().unwrap();
        for answer in taken {
            assert_eq!(answer.await.unwrap().unwrap(), 1);
        }
        assert_eq!(writer.write(|_| Ok(2)).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_panic_in_one_write_fails_it_and_ends_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let writer = writer(dir.path());
        let failed: Result<(), _> = writer.write(|_| panic!("a fault of ours")).await;
        assert!(matches!(failed, Err(StoreError::Unavailable(_))));
        assert!(writer.fault().is_some());
        writer.write(|s| s.write_position()).await.unwrap();
        assert_eq!(writer.fault(), None);
    }

    #[tokio::test]
    async fn a_write_that_fails_among_others_leaves_them_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let writer = writer(dir.path());
        let add = |name: &'static str, fails: bool| {
            let writer = Arc::clone(&writer);
            tokio::spawn(async move {
                writer
                    .write(move |s| {
                        s.conn
                            .execute("INSERT INTO kind (num, name) VALUES (NULL, ?1)", [name])?;
                        match fails {
                            true => Err(StoreError::Cursor),
                            false => Ok(()),
                        }
                    })
                    .await
            })
        };
        // Held up together, so that they are one group.
        let (go, gate) = channel::<()>();
        let first = Arc::clone(&writer);
        let held = tokio::spawn(async move {
            let waits = move |_: &mut Session| gate.recv().map_err(|_| StoreError::Cursor);
            first.write(waits).await
        });
        let all = [add("A", false), add("B", true), add("C", false)];
        for _ in 0..all.len() {
            tokio::task::yield_now().await;
        }
        // A group with a failure in it runs again.
        for _ in 0..2 {
            go.send(()).unwrap();
        }
        held.await.unwrap().unwrap();
        let mut ended = Vec::new();
        for one in all {
            ended.push(one.await.unwrap().is_ok());
        }
        assert_eq!(ended, [true, false, true]);
        let names = writer
            .write(|s| {
                let mut st = s.conn.prepare("SELECT name FROM kind ORDER BY name")?;
                let all = st.query_map([], |r| r.get::<_, String>(0))?;
                Ok(all.collect::<Result<Vec<_>, _>>()?)
            })
            .await;
        assert_eq!(names.unwrap(), ["A", "C"]);
    }
}
