//! The seam between the store and a database: SQLite and PostgreSQL stand behind the same words.

use std::sync::Arc;

use agreements::Permit;
use async_trait::async_trait;
use kernel::{HospitalId, Kind, RecordKey, ResourceId};
use tokio::sync::watch;

use crate::spanning::Spanning;
use crate::sql::permit::system_only;
use crate::{
    AuditFilter, AuditPage, Batch, ChainReport, Checkpoint, Committed, DocQuery, Event,
    HistoryPage, SearchPage, StoreError, Stored, Talk,
};

const CHAINS: &str = "audit chains";

/// How a node hears of what others commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bus {
    /// No other node works on this database.
    Alone,
    /// No bus is configured: the database is asked every so often.
    Polling,
    /// Woken by the bus.
    Connected,
    /// The bus does not answer: the database is asked every so often.
    Away,
}

/// The schema of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// `SQLite`, `PostgreSQL`.
    pub product: &'static str,
    /// The version the database has.
    pub applied: i64,
    /// The version this Karez writes.
    pub known: i64,
}

/// One database. Every read takes a permit and sees one snapshot; every write is a batch.
///
/// Reads answer `None` alike for what is not there and for what the permit does not cover.
#[async_trait]
pub trait Database: Spanning {
    /// Commits the batch: preconditions, writes, index, projections, audit, events. Returns when it is synced.
    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError>;

    /// The current version (a tombstone included), or the given one.
    async fn get(
        &self,
        permit: &Permit,
        key: &RecordKey,
        version: Option<u64>,
    ) -> Result<Option<Stored>, StoreError>;

    /// Many current versions in one snapshot, in the order asked; what may not be read is left out.
    async fn get_many(
        &self,
        permit: &Permit,
        keys: &[RecordKey],
    ) -> Result<Vec<Stored>, StoreError>;

    /// All versions of one record, newest first.
    async fn history(
        &self,
        permit: &Permit,
        key: &RecordKey,
        after: Option<&str>,
        limit: u32,
    ) -> Result<HistoryPage, StoreError>;

    /// Current FHIR records about one patient in one hospital's custody, the Patient itself included, by kind and id,
    /// tombstones left out. `kinds` empty: every kind. At most `limit`.
    async fn records_of(
        &self,
        permit: &Permit,
        hospital: &HospitalId,
        patient: &ResourceId,
        kinds: &[Kind],
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError>;

    /// FHIR search within one hospital's records.
    async fn search(
        &self,
        permit: &Permit,
        hospital: &HospitalId,
        query: &fhir::search::Query,
    ) -> Result<SearchPage, StoreError>;

    /// Documents of our own by lookup. Only system permits and staff of that hospital read documents.
    async fn documents(&self, permit: &Permit, query: &DocQuery)
    -> Result<Vec<Stored>, StoreError>;

    /// Events after a position (0: from the start), in commit order. System permits only.
    async fn events(
        &self,
        permit: &Permit,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        system_only(permit, "events")?;
        self.events_after(after, limit).await
    }

    /// The position of the newest commit; changes wake the receiver.
    fn watch(&self) -> watch::Receiver<u64>;

    /// Words between the nodes of this database.
    fn talk(&self) -> &Arc<Talk>;

    /// Entries of one audit chain. System permits only: `app::audit` decides who may ask.
    async fn audit(
        &self,
        permit: &Permit,
        chain: &HospitalId,
        filter: &AuditFilter,
    ) -> Result<AuditPage, StoreError> {
        system_only(permit, CHAINS)?;
        self.chain_page(chain, filter).await
    }

    /// Recomputes a whole chain from its first entry.
    async fn verify_chain(
        &self,
        permit: &Permit,
        chain: &HospitalId,
    ) -> Result<ChainReport, StoreError> {
        system_only(permit, CHAINS)?;
        self.chain_report(chain).await
    }

    /// The head of a chain.
    async fn chain_head(
        &self,
        permit: &Permit,
        chain: &HospitalId,
    ) -> Result<Option<Checkpoint>, StoreError> {
        system_only(permit, CHAINS)?;
        self.chain_checkpoint(chain).await
    }

    /// How many reads this process has asked for so far: what a page costs, whatever the machine.
    fn reads(&self) -> u64 {
        0
    }

    /// Whether the database can serve reads and writes now, in words for the operator.
    async fn health(&self) -> Result<(), StoreError>;

    /// Which database it is, and the version of its schema.
    async fn schema(&self) -> Result<Schema, StoreError>;

    /// How this node hears of what others commit.
    fn bus(&self) -> Bus {
        Bus::Alone
    }

    /// Finishes accepted writes and closes.
    async fn close(&self);
}
