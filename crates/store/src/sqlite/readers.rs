//! The connections that read: each call has one to itself and sees one snapshot, on a blocking thread.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::connect;
use crate::StoreError;

/// Idle connections, and how many calls may read at once. A reader never waits for the writer (WAL), only for
/// another reader to finish when all connections are in use.
pub(crate) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    slots: Arc<Semaphore>,
}

impl Readers {
    pub fn new(path: &Path, connections: usize) -> Result<Self, StoreError> {
        let first = connect::reader(path)?;
        Ok(Self {
            path: path.to_owned(),
            idle: Arc::new(Mutex::new(vec![first])),
            slots: Arc::new(Semaphore::new(connections.max(1))),
        })
    }

    /// Runs `work` in a read transaction of its own.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let slot = Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Unavailable("the store is closed".into()))?;
        let idle = Arc::clone(&self.idle);
        let path = self.path.clone();
        let task = tokio::task::spawn_blocking(move || {
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
        });
        task.await
            .map_err(|_| StoreError::Internal("a read was broken off".into()))?
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
