//! What PostgreSQL does for backups of Karez.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use super::PostgresDatabase;
use crate::StoreError;
use crate::backup::{Durable, Log, Reach};

#[async_trait]
impl Durable for PostgresDatabase {
    async fn copy_to(&self, _: &Path) -> Result<Reach, StoreError> {
        Err(StoreError::Unavailable(
            "a PostgreSQL database is backed up by its server (pg_basebackup and the archive of its log)".into(),
        ))
    }

    /// The server ships its own.
    fn log(&self) -> Option<Arc<dyn Log>> {
        None
    }

    async fn checkpoint(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn engine(&self) -> &'static str {
        "postgres"
    }
}
