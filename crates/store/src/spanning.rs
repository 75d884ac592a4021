//! What spans patients and accounts, which only the system reads. Back ends answer it without a permit; the trait
//! cannot be named outside of this crate, so that everybody else asks [`crate::Database`], which wants the permit.

use async_trait::async_trait;
use kernel::HospitalId;

use crate::{AuditFilter, AuditPage, ChainReport, Checkpoint, Event, StoreError};

/// What [`crate::Database`] gives to the system alone.
#[async_trait]
pub trait Spanning: Send + Sync + 'static {
    /// Events after a position, in commit order.
    async fn events_after(&self, after: u64, limit: u32) -> Result<Vec<Event>, StoreError>;

    /// Entries of one audit chain.
    async fn chain_page(
        &self,
        chain: &HospitalId,
        filter: &AuditFilter,
    ) -> Result<AuditPage, StoreError>;

    /// Recomputes a whole chain from its first entry.
    async fn chain_report(&self, chain: &HospitalId) -> Result<ChainReport, StoreError>;

    /// The head of a chain.
    async fn chain_checkpoint(&self, chain: &HospitalId) -> Result<Option<Checkpoint>, StoreError>;
}
