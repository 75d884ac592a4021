//! The store on PostgreSQL 15 or later: one database for any number of equal nodes. Each node has one task that
//! writes and a pool of connections that read; row-level security is a second wall between hospitals.

mod blobs;
mod bus;
mod changes;
mod checkup;
mod connect;
pub(crate) mod copy;
mod durable;
mod erase;
mod follow;
mod group;
mod images;
mod line;
mod naming;
mod pipeline;
mod questions;
mod read;
mod rows;
mod search;
mod session;
mod talk;
mod values;
#[cfg(test)]
mod wall_tests;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agreements::Permit;
use async_trait::async_trait;
use kernel::{HospitalId, Instant, Kind, RecordKey, ResourceId};
use seal::Secret;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use self::connect::Server;
use self::session::Connections;
use crate::prepare::prepare_off_thread;
use crate::spanning::Spanning;
use crate::sql::micros;
use crate::sql::search::CursorKey;
use crate::{
    AuditFilter, AuditPage, Batch, Bus, ChainReport, Checkpoint, Committed, Database, DocQuery,
    Event, HistoryPage, Schema, SearchPage, StoreError, Stored, Talk,
};

pub(crate) mod migrations {
    // Forward only: a file that was released is never edited, only followed.
    refinery::embed_migrations!("migrations/postgres");
}

/// One node at a time brings the schema up to date; the number names that turn.
const MIGRATION_TURN: i64 = 0x6b61_7265_7a01;
/// Marks of writers that have not written for this long are forgotten, days.
const MARKS_DAYS: i64 = 30;

/// How a database is opened.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host/name?sslmode=require`.
    pub url: String,
    /// The bus between nodes, `nats://host:4222`.
    pub nats_url: Option<String>,
    /// The node's own address (`https://host`), so that absolute references to itself are indexed as its own.
    pub public_base: String,
    /// Connections that read.
    pub readers: usize,
    /// A read that takes longer is broken off.
    pub read_longest: Duration,
    /// Seals the cursors of searches. The same on every node, so that pages stay good.
    pub cursor_secret: Secret,
    /// Names the node key; every node must hold the same.
    pub node_key_id: String,
    /// Ids of the node keys before it, which it still opens for.
    pub node_keys_before: Vec<String>,
    /// This start of this node among all.
    pub writer: String,
    pub now: Instant,
}

/// A database on a PostgreSQL server.
pub struct PostgresDatabase {
    server: Server,
    public_base: Arc<str>,
    connections: Connections,
    writer: writer::Writer,
    cursors: CursorKey,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    /// None where none is configured.
    bus: Option<Arc<bus::Line>>,
    talk: Arc<Talk>,
}

impl PostgresDatabase {
    /// Reaches the server, brings the schema up to date, and starts to write and to follow other nodes. Refuses a
    /// server before 15, one that does not sync, a role that row-level security does not hold for, a schema from a
    /// newer Karez, and a node key other than the first node's.
    pub async fn open(options: &PostgresOptions) -> Result<Self, StoreError> {
        let server = Server::parse(&options.url)?;
        let mut client = server.connect().await?;
        connect::check(&client).await?;
        migrate(&mut client).await?;
        same_key(&client, options).await?;
        let old = options
            .now
            .checked_sub(jiff::SignedDuration::from_hours(24 * MARKS_DAYS))
            .unwrap_or(Instant::UNIX_EPOCH);
        client
            .execute("DELETE FROM writer_mark WHERE at < $1", &[&micros(old)])
            .await?;
        let connections = Connections::new(server.pool(options.readers, options.read_longest)?);
        connections.load_names().await?;
        let position = follow::now(&connections).await?;
        let writer = writer::Writer::start(
            server.clone(),
            connections.shared_names(),
            options.writer.clone(),
            position,
        );
        let wake = Arc::new(Notify::new());
        let mut tasks = vec![tokio::spawn(follow::follow(
            connections.clone(),
            writer.position.clone(),
            Arc::clone(&wake),
        ))];
        let mut bus = None;
        if let Some(url) = &options.nats_url {
            let subject = format!("karez.{}.commits", options.node_key_id);
            let line = Arc::new(bus::Line::default());
            let run = bus::run(url.clone(), subject, writer.own(), wake, Arc::clone(&line));
            tasks.push(tokio::spawn(async move {
                if let Err(error) = run.await {
                    tracing::error!(error = %error, "no bus; other nodes are asked instead");
                }
            }));
            bus = Some(line);
        }
        let talk = Arc::new(Talk::default());
        let ways = talk::Ways {
            server: server.clone(),
            bus: bus.clone(),
            subject: format!("karez.{}.talk", options.node_key_id),
            own: options.writer.clone(),
        };
        tasks.push(tokio::spawn(talk::run(ways, Arc::clone(&talk))));
        Ok(Self {
            server,
            public_base: options.public_base.as_str().into(),
            connections,
            writer,
            cursors: CursorKey::new(&options.cursor_secret),
            tasks: Mutex::new(tasks),
            bus,
            talk,
        })
    }

    /// Whether a write would go through now; nothing is changed.
    async fn can_write(&self) -> Result<(), StoreError> {
        let client = self.server.connect().await?;
        client
            .batch_execute(
                "BEGIN; UPDATE counter SET value = value WHERE name = 'position'; ROLLBACK",
            )
            .await?;
        Ok(())
    }
}

async fn migrate(client: &mut tokio_postgres::Client) -> Result<(), StoreError> {
    // Another node may be at it: this one waits for as long as it takes.
    client
        .batch_execute(&format!(
            "SET lock_timeout = 0; SELECT pg_advisory_lock({MIGRATION_TURN})"
        ))
        .await?;
    refuse_newer(client).await?;
    let done = migrations::migrations::runner()
        .set_abort_divergent(true)
        .set_abort_missing(true)
        .run_async(client)
        .await;
    client
        .batch_execute(&format!(
            "SELECT pg_advisory_unlock({MIGRATION_TURN}); RESET lock_timeout"
        ))
        .await?;
    done.map(drop).map_err(|e| {
        StoreError::Unavailable(format!("the schema cannot be brought up to date: {e}"))
    })
}

/// A schema that a later Karez wrote.
async fn refuse_newer(client: &tokio_postgres::Client) -> Result<(), StoreError> {
    let there = client
        .query_one(
            "SELECT to_regclass('refinery_schema_history') IS NOT NULL",
            &[],
        )
        .await?;
    if !there.try_get::<_, bool>(0)? {
        return Ok(());
    }
    let row = client
        .query_one(
            "SELECT coalesce(max(version), 0)::int8 FROM refinery_schema_history",
            &[],
        )
        .await?;
    let known = migrations::migrations::runner()
        .get_migrations()
        .iter()
        .map(|m| i64::from(m.version()))
        .max()
        .unwrap_or(0);
    match row.try_get::<_, i64>(0)? {
        applied if applied > known => Err(crate::error::newer_schema(applied, known)),
        _ => Ok(()),
    }
}

/// Every node holds the key that the first one held, or one that took its place; then the database remembers the new one,
/// and a node that was not given it yet starts no more.
async fn same_key(
    client: &tokio_postgres::Client,
    options: &PostgresOptions,
) -> Result<(), StoreError> {
    let id = options.node_key_id.as_str();
    client
        .execute(
            "UPDATE node_key SET id = $1 WHERE id = ANY($2)",
            &[&id, &options.node_keys_before],
        )
        .await?;
    client
        .execute(
            "INSERT INTO node_key (num, id) VALUES (1, $1) ON CONFLICT DO NOTHING",
            &[&id],
        )
        .await?;
    let row = client.query_one("SELECT id FROM node_key", &[]).await?;
    if row.try_get::<_, &str>(0)? == id {
        return Ok(());
    }
    Err(StoreError::Unavailable(
        "data.node_key: this node holds another node key than the nodes that wrote this database; every node of one \
         database needs the same key file"
            .into(),
    ))
}

#[async_trait]
impl Database for PostgresDatabase {
    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        let prepared = prepare_off_thread(batch, &self.public_base).await?;
        self.writer.commit(prepared).await
    }

    async fn get(
        &self,
        permit: &Permit,
        key: &RecordKey,
        version: Option<u64>,
    ) -> Result<Option<Stored>, StoreError> {
        self.connections.get(permit, key, version).await
    }

    async fn get_many(
        &self,
        permit: &Permit,
        keys: &[RecordKey],
    ) -> Result<Vec<Stored>, StoreError> {
        self.connections.get_many(permit, keys).await
    }

    async fn history(
        &self,
        permit: &Permit,
        key: &RecordKey,
        after: Option<&str>,
        limit: u32,
    ) -> Result<HistoryPage, StoreError> {
        self.connections.history(permit, key, after, limit).await
    }

    async fn records_of(
        &self,
        permit: &Permit,
        hospital: &HospitalId,
        patient: &ResourceId,
        kinds: &[Kind],
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        self.connections
            .records_of(permit, hospital, patient, kinds, limit)
            .await
    }

    async fn search(
        &self,
        permit: &Permit,
        hospital: &HospitalId,
        query: &fhir::search::Query,
    ) -> Result<SearchPage, StoreError> {
        self.connections
            .search(&self.cursors, permit, hospital, query)
            .await
    }

    async fn documents(
        &self,
        permit: &Permit,
        query: &DocQuery,
    ) -> Result<Vec<Stored>, StoreError> {
        self.connections.documents(permit, query).await
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.writer.position.subscribe()
    }

    fn talk(&self) -> &Arc<Talk> {
        &self.talk
    }

    /// After a fault, asks whether writes go through: when the server is back, so is the store.
    async fn health(&self) -> Result<(), StoreError> {
        if self.writer.fault().is_some() {
            self.can_write().await?;
            self.writer.well();
        }
        follow::now(&self.connections).await.map(drop)
    }

    async fn schema(&self) -> Result<Schema, StoreError> {
        let (applied, known) = checkup::versions(&self.connections).await?;
        Ok(Schema {
            product: "PostgreSQL",
            applied,
            known,
        })
    }

    fn bus(&self) -> Bus {
        self.bus.as_ref().map_or(Bus::Polling, |bus| bus.state())
    }

    async fn close(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            task.abort();
        }
        self.writer.close().await;
        self.connections.close();
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        for task in tasks.iter() {
            task.abort();
        }
    }
}

#[async_trait]
impl Spanning for PostgresDatabase {
    async fn events_after(&self, after: u64, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.connections.events(after, limit).await
    }

    async fn chain_page(
        &self,
        chain: &HospitalId,
        filter: &AuditFilter,
    ) -> Result<AuditPage, StoreError> {
        self.connections.audit(chain, filter).await
    }

    async fn chain_report(&self, chain: &HospitalId) -> Result<ChainReport, StoreError> {
        self.connections.verify_chain(chain).await
    }

    async fn chain_checkpoint(&self, chain: &HospitalId) -> Result<Option<Checkpoint>, StoreError> {
        self.connections.chain_head(chain).await
    }
}
