//! What PostgreSQL does for backups of Karez.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use super::PostgresDatabase;
use crate::StoreError;
use crate::backup::{Durable, Log, Reach};

#[async_trait]
impl Durable for PostgresDatabase {
    async fn copy_to(&self, file: &Path) -> Result<Reach, StoreError> {
        super::copy::write(&self.server, file).await
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
