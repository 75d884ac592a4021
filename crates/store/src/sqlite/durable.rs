//! What SQLite does for backups: a copy by its online backup, and the log that is kept for shipping.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::{SqliteDatabase, connect, redo};
use crate::StoreError;
use crate::backup::{Durable, Log, Reach};

/// Pages copied at once; between two steps others get the processor.
const STEP_PAGES: i32 = 2_000;

#[async_trait]
impl Durable for SqliteDatabase {
    async fn copy_to(&self, file: &Path) -> Result<Reach, StoreError> {
        let (from, to) = (self.path.clone(), file.to_owned());
        tokio::task::spawn_blocking(move || copy(&from, &to))
            .await
            .map_err(|_| StoreError::Internal("a copy was broken off".into()))?
    }

    fn log(&self) -> Option<Arc<dyn Log>> {
        let spool = self.spool.clone()?;
        Some(spool)
    }

    async fn checkpoint(&self) -> Result<(), StoreError> {
        self.writer.move_log().await
    }

    fn engine(&self) -> &'static str {
        "sqlite"
    }
}

/// Copies one snapshot, page for page: the read transaction that is held makes that others' commits do not begin the
/// copy anew. `to` must not be there.
fn copy(from: &Path, to: &Path) -> Result<Reach, StoreError> {
    let source = connect::reader(from, connect::LONG_CACHE_KIB)?;
    let mut target = Connection::open(to)?;
    source.execute_batch("BEGIN; SELECT value FROM counter")?;
    {
        let backup = Backup::new(&source, &mut target)?;
        while backup.step(STEP_PAGES)? == StepResult::More {
            std::thread::yield_now();
        }
    }
    source.execute_batch("COMMIT")?;
    let reach = redo::reach_of(&target)?;
    target
        .close()
        .map_err(|(_, e)| StoreError::Unavailable(format!("the copy cannot be closed: {e}")))?;
    std::fs::File::open(to)
        .and_then(|f| f.sync_all())
        .map_err(|e| StoreError::Unavailable(format!("the copy cannot be synced: {e}")))?;
    Ok(reach)
}
