//! The connections that read: each call has one to itself and sees one snapshot, on a blocking thread.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::connect;
use crate::StoreError;

/// Idle connections, and how many calls may read at once. A reader never waits for the writer (WAL), only for
/// another reader to finish when all connections are in use.
pub(crate) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    slots: Arc<Semaphore>,
    longest: Duration,
}

impl Readers {
    /// `connections` at once; a read is broken off after `longest`.
    pub fn new(path: &Path, connections: usize, longest: Duration) -> Result<Self, StoreError> {
        let first = connect::reader(path)?;
        Ok(Self {
            path: path.to_owned(),
            idle: Arc::new(Mutex::new(vec![first])),
            slots: Arc::new(Semaphore::new(connections.max(1))),
            longest,
        })
    }

    /// Runs `work` in a read transaction of its own. What takes too long is broken off and answered `TooMuch`.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
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
        let path = self.path.clone();
        move || {
            let taken = lock(&idle).pop();
            let conn = match taken {
                Some(conn) => conn,
                None => connect::reader(&path)?,
            };
            let result = in_snapshot(&conn, work);
            // A connection that could not end its transaction is dropped, which ends it.
            if conn.is_autocommit() {
                lock(&idle).push(conn);
            }
            drop(slot);
            result
        }
    }

    /// Closes the idle connections; calls after this are refused.
    pub fn close(&self) {
        self.slots.close();
        lock(&self.idle).clear();
    }
}

fn lock(idle: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

fn in_snapshot<T>(
    conn: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    conn.prepare_cached("BEGIN")?.execute([])?;
    let result = work(conn);
    conn.prepare_cached("COMMIT")?.execute([])?;
    result
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
}
