//! Reads within one's own hospital: collected, and written within a second. A crash may lose that last second of them,
//! never a read across hospitals.

use std::sync::Mutex;

use store::{AuditDraft, Batch};

use crate::{App, AppError};

/// More than these waiting are written at once, by whoever adds the last.
const WAITING_MAX: usize = 2_000;

/// What waits to be written.
#[derive(Debug, Default)]
pub struct Reads(Mutex<Vec<AuditDraft>>);

impl Reads {
    fn push(&self, draft: AuditDraft) -> usize {
        let mut waiting = self.0.lock().unwrap_or_else(|p| p.into_inner());
        waiting.push(draft);
        waiting.len()
    }
    fn take(&self) -> Vec<AuditDraft> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(|p| p.into_inner()))
    }
    fn put_back(&self, mut drafts: Vec<AuditDraft>) {
        let mut waiting = self.0.lock().unwrap_or_else(|p| p.into_inner());
        drafts.append(&mut waiting);
        *waiting = drafts;
    }
}

impl App {
    /// Adds a read to the next batch.
    pub(crate) async fn queue_read(&self, draft: AuditDraft) -> Result<(), AppError> {
        if self.reads.push(draft) >= WAITING_MAX {
            self.flush_reads().await?;
        }
        Ok(())
    }

    /// Writes what waits. Called each second, at shutdown, and before the audit is shown.
    pub async fn flush_reads(&self) -> Result<usize, AppError> {
        let drafts = self.reads.take();
        if drafts.is_empty() {
            return Ok(0);
        }
        let count = drafts.len();
        let mut batch = Batch::new(self.now());
        batch.audit.clone_from(&drafts);
        if let Err(e) = self.store.commit(batch).await {
            self.reads.put_back(drafts);
            return Err(e.into());
        }
        Ok(count)
    }
}
