//! The one task of this node that writes. It takes whatever is queued as a group and commits it in one transaction
//! with one sync: begin and read what the group asks about; decide; write and commit.
//!
//! A transaction first takes the turn of all nodes, a lock on the row of the feed's position. So positions follow
//! the order of commits, a reader never sees one before its predecessor, and audit chains need no lock of their own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kernel::limits;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;

use super::changes::Changes;
use super::connect::Server;
use super::line::{Failed, Line};
use super::pipeline::{self, Sent};
use super::questions::Questions;
use super::rows::{Bulk, Cell, Holds, Rows};
use super::session::Reach;
use super::values::int;
use super::{erase, group, naming};
use crate::blob_index::{Erased, ToErase};
use crate::prepare::{Content, Prepared};
use crate::sql::names::Names;
use crate::sql::{micros, signed, unsigned};
use crate::{Committed, StoreError, measure};

/// Batches in one group at most.
const GROUP_MAX: usize = 256;
/// Bytes of content in one group at most; a single batch may be larger.
const GROUP_BYTES_MAX: usize = 16 << 20;
/// What the rows about one image come to, about.
const IMAGE_BYTES: usize = 4 << 10;
/// How often a group is tried again when another transaction was in the way.
const TRIES_MAX: u32 = 5;
/// How long the outcome of a commit whose connection was lost is asked for.
const OUTCOME_WITHIN: Duration = Duration::from_secs(20);

/// What is erased in the same commit as a batch.
pub(crate) struct Erasing {
    pub what: ToErase,
    /// Records that were about the patient once.
    pub moved: Vec<i64>,
    pub done: Erased,
}

struct Job {
    batch: Prepared,
    /// When it was asked for.
    since: Instant,
    reply: oneshot::Sender<Result<Committed, StoreError>>,
    /// Runs alone.
    erase: Option<(Erasing, oneshot::Sender<Erased>)>,
}

/// The handle on the writer.
pub(crate) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    task: Mutex<Option<JoinHandle<()>>>,
    fault: Arc<Mutex<Option<String>>>,
    /// Told by this node's commits and by what is heard of others.
    pub position: watch::Sender<u64>,
    own: watch::Sender<u64>,
}

fn lock<T>(m: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Moves the position on; it never moves back.
pub(crate) fn advance(position: &watch::Sender<u64>, to: u64) {
    position.send_if_modified(|p| {
        let moved = *p < to;
        *p = (*p).max(to);
        moved
    });
}

impl Writer {
    /// `name` is this writer's own among those of all nodes and starts.
    pub fn start(server: Server, names: Arc<Names>, name: String, position: u64) -> Self {
        let (queue, jobs) = mpsc::channel(limits::WRITE_QUEUE_MAX);
        let fault = Arc::new(Mutex::new(None));
        let own = watch::Sender::new(position);
        let position = watch::Sender::new(position);
        let task = Task {
            server,
            names,
            name,
            number: 0,
            line: None,
            fault: Arc::clone(&fault),
            position: position.clone(),
            own: own.clone(),
        };
        Self {
            queue: Mutex::new(Some(queue)),
            task: Mutex::new(Some(tokio::spawn(task.serve(jobs)))),
            fault,
            position,
            own,
        }
    }

    /// Erases in one commit with the batch.
    pub async fn erase(
        &self,
        batch: Prepared,
        what: ToErase,
        moved: Vec<i64>,
    ) -> Result<Erased, StoreError> {
        let (tell, erased) = oneshot::channel();
        let erasing = Erasing {
            what,
            moved,
            done: Erased::default(),
        };
        self.queued(batch, Some((erasing, tell))).await?;
        erased
            .await
            .map_err(|_| StoreError::Internal("an erasure gave no result".into()))
    }

    /// Answers when the batch is committed and synced.
    pub async fn commit(&self, batch: Prepared) -> Result<Committed, StoreError> {
        self.queued(batch, None).await
    }

    async fn queued(
        &self,
        batch: Prepared,
        erase: Option<(Erasing, oneshot::Sender<Erased>)>,
    ) -> Result<Committed, StoreError> {
        let closed = || StoreError::Unavailable("the store is closed".into());
        let queue = lock(&self.queue).clone().ok_or_else(closed)?;
        let (reply, answer) = oneshot::channel();
        let job = Job {
            batch,
            since: Instant::now(),
            reply,
            erase,
        };
        queue.try_send(job).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => StoreError::TooMuch {
                what: "writes waiting",
            },
            mpsc::error::TrySendError::Closed(_) => closed(),
        })?;
        drop(queue);
        answer
            .await
            .map_err(|_| StoreError::Unavailable("the writer has stopped".into()))?
    }

    /// Moves with this node's own commits.
    pub fn own(&self) -> watch::Receiver<u64> {
        self.own.subscribe()
    }

    /// What was at fault is well again.
    pub fn well(&self) {
        *lock(&self.fault) = None;
    }

    pub fn fault(&self) -> Option<String> {
        lock(&self.fault).clone()
    }

    /// Takes no further batches and finishes the queued ones.
    pub async fn close(&self) {
        drop(lock(&self.queue).take());
        let task = lock(&self.task).take();
        if let Some(task) = task {
            let _panicked = task.await;
        }
    }
}

type Outcomes = Vec<Result<Committed, StoreError>>;

struct Task {
    server: Server,
    names: Arc<Names>,
    name: String,
    /// Of the last group that was tried.
    number: u64,
    line: Option<Line>,
    fault: Arc<Mutex<Option<String>>>,
    position: watch::Sender<u64>,
    own: watch::Sender<u64>,
}

impl Task {
    async fn serve(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut next = None;
        loop {
            let first = match next.take() {
                Some(job) => job,
                None => match jobs.recv().await {
                    Some(job) => job,
                    None => return,
                },
            };
            if first.erase.is_some() {
                self.erase(first).await;
                continue;
            }
            let mut bytes = size(&first.batch);
            let mut group = vec![first];
            while group.len() < GROUP_MAX && bytes < GROUP_BYTES_MAX {
                let Ok(job) = jobs.try_recv() else { break };
                if job.erase.is_some() {
                    next = Some(job);
                    break;
                }
                bytes += size(&job.batch);
                group.push(job);
            }
            self.answer(group).await;
        }
    }

    async fn erase(&mut self, job: Job) {
        let began = Instant::now();
        measure::waited(job.since);
        let Job {
            batch,
            reply,
            erase,
            ..
        } = job;
        let Some((mut erasing, tell)) = erase else {
            return;
        };
        let outcome = match self
            .settled(std::slice::from_ref(&batch), Some(&mut erasing))
            .await
        {
            Ok(mut outcomes) => outcomes
                .pop()
                .unwrap_or_else(|| Err(StoreError::Internal("a write gave no result".into()))),
            Err(failed) => Err(failed.error()),
        };
        if let Ok(done) = &outcome {
            measure::committed(began, 1);
            advance(&self.position, done.position);
            advance(&self.own, done.position);
            let _gone = tell.send(erasing.done);
        }
        let _gone = reply.send(outcome);
    }

    async fn answer(&mut self, group: Vec<Job>) {
        let began = Instant::now();
        for job in &group {
            measure::waited(job.since);
        }
        let (batches, replies): (Vec<Prepared>, Vec<_>) =
            group.into_iter().map(|j| (j.batch, j.reply)).unzip();
        let outcomes = match self.settled(&batches, None).await {
            Ok(outcomes) => {
                measure::committed(began, outcomes.len());
                self.at_fault(None);
                outcomes
            }
            Err(Failed::Refused(_)) if batches.len() > 1 => self.one_by_one(&batches).await,
            Err(failed) => {
                let e = failed.error();
                let why = e.to_string();
                if matches!(e, StoreError::Unavailable(_)) {
                    tracing::error!(reason = %why, writes = batches.len(), "the store cannot write");
                    self.at_fault(Some(&why));
                }
                batches.iter().map(|_| Err(again(&e))).collect()
            }
        };
        // Before the answers: whoever has one finds the position moved.
        if let Some(last) = outcomes.iter().rev().find_map(|o| o.as_ref().ok()) {
            advance(&self.position, last.position);
            advance(&self.own, last.position);
        }
        for (reply, outcome) in replies.into_iter().zip(outcomes) {
            // A caller that went away does not undo what was accepted.
            let _gone = reply.send(outcome);
        }
    }

    fn at_fault(&self, why: Option<&str>) {
        *lock(&self.fault) = why.map(str::to_owned);
    }

    /// One batch of the group could not be written: the others are.
    async fn one_by_one(&mut self, batches: &[Prepared]) -> Outcomes {
        let mut out = Vec::with_capacity(batches.len());
        for batch in batches {
            let outcome = match self.settled(std::slice::from_ref(batch), None).await {
                Ok(mut outcomes) => outcomes
                    .pop()
                    .unwrap_or_else(|| Err(StoreError::Internal("a write gave no result".into()))),
                Err(failed) => Err(failed.error()),
            };
            out.push(outcome);
        }
        out
    }

    /// Commits a group: tried again where another was in the way, and asked about where the answer was lost.
    async fn settled(
        &mut self,
        batches: &[Prepared],
        mut erasing: Option<&mut Erasing>,
    ) -> Result<Outcomes, Failed> {
        let mut tries = 0;
        loop {
            tries += 1;
            self.number += 1;
            let number = self.number;
            let mut outcomes = Vec::new();
            let done = self
                .commit(batches, number, &mut outcomes, erasing.as_deref_mut())
                .await;
            let failed = match done {
                Ok(()) => return Ok(outcomes),
                Err(failed) => failed,
            };
            match failed {
                Failed::Again(_) if tries < TRIES_MAX => {
                    self.roll_back().await;
                    tokio::time::sleep(Duration::from_millis(10 << tries)).await;
                }
                // An idle connection that the server had closed: nothing was begun on it.
                Failed::Lost(_) if tries == 1 => self.line = None,
                Failed::Unknown(e) => {
                    self.line = None;
                    return if self.was_committed(number).await? {
                        Ok(outcomes)
                    } else {
                        Err(Failed::Lost(e))
                    };
                }
                Failed::Lost(_) => {
                    self.line = None;
                    return Err(failed);
                }
                other => {
                    self.roll_back().await;
                    return Err(other);
                }
            }
        }
    }

    async fn roll_back(&mut self) {
        if let Some(line) = &self.line
            && line.client.batch_execute("ROLLBACK").await.is_err()
        {
            self.line = None;
        }
    }

    async fn line(&mut self) -> Result<&mut Line, StoreError> {
        if self.line.as_ref().is_none_or(|l| l.client.is_closed()) {
            self.line = Some(Line::open(&self.server).await?);
        }
        self.line
            .as_mut()
            .ok_or_else(|| StoreError::Unavailable("the writer has no connection".into()))
    }

    /// Whether the group of this number is there. Taking the turn waits until the lost transaction has ended.
    async fn was_committed(&mut self, number: u64) -> Result<bool, Failed> {
        let asked = tokio::time::timeout(OUTCOME_WITHIN, async {
            loop {
                match self.mark().await {
                    Ok(mark) => return mark == number,
                    Err(e) => tracing::warn!(error = %e, "asking whether a commit went through"),
                }
                self.line = None;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        })
        .await;
        asked.map_err(|_| {
            Failed::Lost(StoreError::Unavailable(
                "the connection was lost in the middle of a commit, and whether it went through cannot be told".into(),
            ))
        })
    }

    async fn mark(&mut self) -> Result<u64, StoreError> {
        let name = self.name.clone();
        let client = &self.line().await?.client;
        client
            .batch_execute("BEGIN; SELECT value FROM counter WHERE name = 'position' FOR UPDATE")
            .await?;
        let row = client
            .query_opt("SELECT number FROM writer_mark WHERE writer = $1", &[&name])
            .await?;
        client.batch_execute("COMMIT").await?;
        row.map_or(Ok(0), |r| int(&r, 0).map(unsigned))
    }

    /// One transaction. The outcomes count only when this is `Ok`, or when the group turns out to be there.
    async fn commit(
        &mut self,
        batches: &[Prepared],
        number: u64,
        outcomes: &mut Outcomes,
        erasing: Option<&mut Erasing>,
    ) -> Result<(), Failed> {
        let (names, name) = (Arc::clone(&self.names), self.name.clone());
        let line = self.line().await?;
        naming::name(&line.client, &names, batches).await?;
        if let Some(e) = erasing {
            naming::keys(&line.client, &names, &e.what).await?;
            line.client.batch_execute(&turn()).await?;
            let at = batches.first().map_or(0, |b| micros(b.at));
            e.done = erase::erase(&line.client, &names, &e.what, &e.moved, at).await?;
        }
        let mut state = Questions::of(batches, &names)?.ask(line).await?;
        let mut changes = Changes::default();
        for batch in batches {
            outcomes.push(group::apply(&mut state, &mut changes, &names, batch));
        }
        if outcomes.iter().all(Result::is_err) {
            line.client.batch_execute("ROLLBACK").await?;
            return Ok(());
        }
        let mut bulks = changes.statements(&state, &names)?;
        bulks.push(mark(&name, number, batches));
        let prepared = line.prepare(bulks.iter().map(|b| b.text.as_str())).await?;
        let client = &line.client;
        let params: Vec<Vec<&(dyn ToSql + Sync)>> = bulks.iter().map(|b| b.rows.params()).collect();
        let mut sent: Vec<Sent<'_, Result<u64, tokio_postgres::Error>>> = Vec::new();
        for (statement, params) in prepared.iter().zip(&params) {
            sent.push(Box::pin(client.execute(statement, params)));
        }
        sent.push(Box::pin(async move {
            client.batch_execute("COMMIT").await.map(|()| 0)
        }));
        for answer in pipeline::all(sent).await {
            // After a failed statement COMMIT rolls back and says nothing of it: each answer counts.
            if let Err(e) = answer {
                return Err(match Failed::from(e) {
                    Failed::Lost(e) => Failed::Unknown(e),
                    other => other,
                });
            }
        }
        Ok(())
    }
}

/// Begins, and waits for the turn of all nodes.
fn turn() -> String {
    format!(
        "BEGIN; {}; SELECT value FROM counter ORDER BY name FOR UPDATE",
        Reach::System.enter()
    )
}

/// The same error for each batch of a group.
fn again(e: &StoreError) -> StoreError {
    match e {
        StoreError::Unavailable(why) => StoreError::Unavailable(why.clone()),
        other => StoreError::Internal(other.to_string()),
    }
}

fn size(batch: &Prepared) -> usize {
    let images = batch.images.len() * IMAGE_BYTES;
    let writes: usize = batch
        .writes
        .iter()
        .map(|w| match &w.content {
            Content::Record { body, .. } => body.len(),
            Content::Delete => 0,
        })
        .sum();
    writes + images
}

fn mark(name: &str, number: u64, batches: &[Prepared]) -> Bulk {
    let mut rows = Rows::new(&[
        ("writer", Holds::Text),
        ("number", Holds::Int),
        ("at", Holds::Int),
    ]);
    let at = batches.first().map_or(0, |b| micros(b.at));
    rows.push([Cell::from(name), Cell::from(signed(number)), Cell::from(at)]);
    Bulk {
        text: rows.insert(
            "writer_mark",
            "ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at",
        ),
        rows,
    }
}
