//! Moving the log into the database file, beside the commits: a thread of its own copies and syncs what is there while
//! the writer goes on, and the writer moves the little that came since. Only then can the log begin anew, so that it
//! stays of bounded length under a load that never pauses.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::connect::{self, Checkpoints};
use crate::StoreError;

/// Pages in the log at which it is moved: 32 MiB. What is written again and again is copied once for all of them.
const PAGES: u32 = 8_000;
/// After a move that a reader held up, it is tried again when so many pages have been added.
const AGAIN: u32 = 2_000;

/// How long the log is, and the thread that moves it.
pub(crate) struct Log {
    /// Pages, as the last commit left it.
    pages: Arc<AtomicU32>,
    /// Pages at which the next move begins.
    next: u32,
    /// Set by the thread when it has moved what was there.
    moved: Arc<AtomicBool>,
    asked: bool,
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    pub fn start(path: &Path) -> Result<Self, StoreError> {
        let (ask, asked) = sync_channel(1);
        let moved = Arc::new(AtomicBool::new(false));
        let (done, path) = (Arc::clone(&moved), path.to_owned());
        let thread = std::thread::Builder::new()
            .name("store-log".into())
            .spawn(move || {
                let mut conn = None;
                while asked.recv().is_ok() {
                    if let Err(error) = begin(&mut conn, &path) {
                        conn = None;
                        tracing::warn!(error = %error, "the log cannot be moved into the database file");
                    }
                    done.store(true, Ordering::Release);
                }
            })
            .map_err(|e| StoreError::Unavailable(format!("the log's thread cannot start: {e}")))?;
        Ok(Self {
            pages: Arc::new(AtomicU32::new(0)),
            next: PAGES,
            moved,
            asked: false,
            ask: Some(ask),
            thread: Some(thread),
        })
    }

    /// Takes the place of SQLite's own checkpoints on the writing connection.
    pub fn follow(&self, conn: &mut Connection) -> Result<(), StoreError> {
        let pages = Arc::clone(&self.pages);
        conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, n| {
            pages.store(u32::try_from(n).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(())
    }

    /// After a commit that was answered: asks for a move, or ends one.
    pub fn after_commit(&mut self, conn: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if self.asked {
            if self.moved.swap(false, Ordering::Acquire) {
                self.asked = false;
                self.finish(conn, pages);
            }
        } else if pages < PAGES {
            // It has begun anew.
            self.next = PAGES;
        } else if pages >= self.next
            && let Some(ask) = &self.ask
        {
            self.asked = ask.try_send(()).is_ok();
        }
    }

    fn finish(&mut self, conn: &Connection, pages: u32) {
        match passive(conn) {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(error = %error, "the log cannot be moved into the database file");
            }
        }
        self.next = pages.saturating_add(AGAIN);
    }

    /// Waits for a move that is under way; no other begins.
    pub fn stop(&mut self) {
        drop(self.ask.take());
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.stop();
    }
}

fn begin(conn: &mut Option<Connection>, path: &Path) -> Result<(), StoreError> {
    let conn = match conn {
        Some(conn) => conn,
        None => conn.insert(connect::writer(path, None, Checkpoints::OnDemand)?),
    };
    passive(conn)
}

fn passive(conn: &Connection) -> Result<(), StoreError> {
    conn.pragma_update_and_check(None, "wal_checkpoint", "PASSIVE", |_| Ok(()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_writes_that_never_pause_the_log_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let mut conn = connect::writer(&path, None, Checkpoints::ByItself).unwrap();
        // What is tried here is the log's length, not that it survives a power cut.
        conn.pragma_update(None, "synchronous", "OFF").unwrap();
        conn.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB)")
            .unwrap();
        let mut log = Log::start(&path).unwrap();
        log.follow(&mut conn).unwrap();
        let (mut longest, mut anew, mut before) = (0, 0, 0);
        for n in 0..400 {
            conn.execute("INSERT INTO t VALUES (?1 % 7, randomblob(400000)) ON CONFLICT DO UPDATE SET body = excluded.body", [n])
                .unwrap();
            log.after_commit(&conn);
            let pages = log.pages.load(Ordering::Relaxed);
            longest = longest.max(pages);
            anew += u32::from(pages < before);
            before = pages;
        }
        assert!(anew >= 1, "never begun anew: {longest} pages");
        log.stop();
        let rows: i64 = conn
            .query_row("SELECT count(*) FROM t", [], |r| r.get(0))
            .unwrap();
        assert_eq!(rows, 7);
    }
}
