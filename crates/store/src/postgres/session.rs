//! The connections that read. Each call sees one snapshot, and only the rows of the hospitals its permit could reach:
//! row-level security is told so at the beginning of the transaction.

use std::sync::Arc;

use agreements::permit::Reader;
use agreements::{Linked, Permit};
use deadpool_postgres::{Object, Pool, PoolError};
use kernel::HospitalId;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement as Prepared};

use super::pipeline::{self, Sent};
use super::values::{Meaning, int, meaning, text};
use crate::StoreError;
use crate::sql::names::{Names, Table};
use crate::sql::{Dialect, Statement, Value, micros};

/// Prepared statements kept per connection; beyond it all are forgotten and prepared anew.
const STATEMENTS_KEPT: usize = 512;

/// Whose rows a transaction may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    System,
    /// Staff of a hospital, at an instant (microseconds): theirs and those with a grant to it.
    Staff(i64, i64),
    Hospitals(Vec<i64>),
}

impl Reach {
    /// SQL that says it to the server. Holds numbers alone.
    pub fn enter(&self) -> String {
        match self {
            Self::System => "SET LOCAL karez.system = 'on'".to_owned(),
            Self::Staff(own, at) => format!("SELECT karez_enter({own}, {at})"),
            Self::Hospitals(all) => {
                let all: Vec<String> = all.iter().map(i64::to_string).collect();
                format!("SET LOCAL karez.hospitals = '{}'", all.join(","))
            }
        }
    }

    fn begin(&self) -> String {
        format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {}",
            self.enter()
        )
    }
}

/// The pool, and the names known to this node.
#[derive(Clone)]
pub(crate) struct Connections {
    pool: Pool,
    names: Arc<Names>,
    pub dialect: Dialect,
}

fn no_connection(e: PoolError) -> StoreError {
    match e {
        PoolError::Backend(e) => e.into(),
        PoolError::Timeout(_) => {
            StoreError::Unavailable("every connection to PostgreSQL is in use".into())
        }
        PoolError::Closed => StoreError::Unavailable("the store is closed".into()),
        other => StoreError::Unavailable(format!("PostgreSQL: {other}")),
    }
}

fn lost(e: &tokio_postgres::Error) -> bool {
    meaning(e) == Meaning::Lost
}

/// A failed read, and whether a fresh connection may do better.
struct Failed {
    error: StoreError,
    again: bool,
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self {
            error,
            again: false,
        }
    }
}

impl From<tokio_postgres::Error> for Failed {
    fn from(e: tokio_postgres::Error) -> Self {
        Self {
            again: lost(&e),
            error: e.into(),
        }
    }
}

impl Connections {
    pub fn new(pool: Pool) -> Self {
        let names = Arc::new(Names::default());
        Self {
            pool,
            dialect: Dialect::Postgres(Arc::clone(&names)),
            names,
        }
    }

    pub fn names(&self) -> &Names {
        &self.names
    }

    pub fn shared_names(&self) -> Arc<Names> {
        Arc::clone(&self.names)
    }

    pub fn close(&self) {
        self.pool.close();
    }

    pub async fn object(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(no_connection)
    }

    /// Reads all names anew.
    pub async fn load_names(&self) -> Result<(), StoreError> {
        let conn = self.object().await?;
        for (table, query) in [
            (Table::Hospital, "SELECT num, name FROM hospital"),
            (Table::Kind, "SELECT num, name FROM kind"),
            (Table::Param, "SELECT num, code FROM param"),
        ] {
            for r in conn.query(query, &[]).await? {
                self.names
                    .learn(table, text(&r, 1)?.to_owned(), int(&r, 0)?);
            }
        }
        Ok(())
    }

    async fn hospital(&self, id: &HospitalId) -> Result<Option<i64>, StoreError> {
        if let Some(n) = self.names.hospital(id.as_str()) {
            return Ok(Some(n));
        }
        // Another node may have met it first.
        self.load_names().await?;
        Ok(self.names.hospital(id.as_str()))
    }

    /// The rows a permit could reach. What it may read of them is for the permit's predicate to say.
    pub async fn reach(&self, permit: &Permit) -> Result<Reach, StoreError> {
        Ok(match permit.reader() {
            Reader::System(_) => Reach::System,
            Reader::Staff {
                hospital, across, ..
            } => match self.hospital(hospital).await? {
                None => Reach::Hospitals(Vec::new()),
                Some(own) if *across => Reach::Staff(own, micros(permit.at())),
                Some(own) => Reach::Hospitals(vec![own]),
            },
            Reader::Patient { linked, .. } => {
                let mut all = Vec::with_capacity(linked.len());
                for Linked { hospital, .. } in linked {
                    all.extend(self.hospital(hospital).await?);
                }
                Reach::Hospitals(all)
            }
        })
    }

    /// The rows a permit could reach where only one hospital's are asked for. One's own need no look at the grants,
    /// which are most of what a short read costs the server.
    pub async fn reach_within(
        &self,
        permit: &Permit,
        asked: &HospitalId,
    ) -> Result<Reach, StoreError> {
        match permit.reader() {
            Reader::Staff { hospital, .. } if hospital == asked => {
                let own = self.hospital(hospital).await?;
                Ok(Reach::Hospitals(own.into_iter().collect()))
            }
            _ => self.reach(permit).await,
        }
    }

    /// The rows of several statements, in one snapshot and one round trip.
    pub async fn read(
        &self,
        reach: &Reach,
        statements: &[Statement],
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        self.snapshot(reach).read_last(statements).await
    }

    pub async fn rows(&self, reach: &Reach, statement: Statement) -> Result<Vec<Row>, StoreError> {
        let mut all = self.read(reach, &[statement]).await?;
        Ok(all.pop().unwrap_or_default())
    }

    async fn open(&self) -> Result<Open, StoreError> {
        Ok(Open {
            conn: Some(self.object().await?),
            begun: false,
        })
    }

    /// A snapshot for several questions one after the other.
    pub fn snapshot<'a>(&'a self, reach: &'a Reach) -> Snapshot<'a> {
        Snapshot {
            connections: self,
            reach,
            conn: None,
        }
    }
}

/// One read transaction. It begins with the first question, and ends with the last one or when this is dropped.
pub(crate) struct Snapshot<'a> {
    connections: &'a Connections,
    reach: &'a Reach,
    conn: Option<Open>,
}

impl Snapshot<'_> {
    /// The rows of several statements, in one round trip.
    pub async fn read(&mut self, statements: &[Statement]) -> Result<Vec<Vec<Row>>, StoreError> {
        self.ask(statements, false).await
    }

    /// As [`Self::read`]; nothing more is asked of this snapshot.
    pub async fn read_last(
        &mut self,
        statements: &[Statement],
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        self.ask(statements, true).await
    }

    pub async fn rows(&mut self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        let mut all = self.read(&[statement]).await?;
        Ok(all.pop().unwrap_or_default())
    }

    async fn ask(
        &mut self,
        statements: &[Statement],
        end: bool,
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        if let Some(open) = self.conn.take() {
            return self
                .send(open, statements, end, false)
                .await
                .map_err(|f| f.error);
        }
        let open = self.connections.open().await?;
        match self.send(open, statements, end, true).await {
            // The server had closed an idle connection: another may be well.
            Err(Failed { again: true, .. }) => {
                let open = self.connections.open().await?;
                let answer = self.send(open, statements, end, true).await;
                answer.map_err(|f| f.error)
            }
            answer => answer.map_err(|f| f.error),
        }
    }

    /// Sends the statements together; first with `begin` the beginning of the transaction, last with `end` its end.
    async fn send(
        &mut self,
        mut open: Open,
        statements: &[Statement],
        end: bool,
        begin: bool,
    ) -> Result<Vec<Vec<Row>>, Failed> {
        // Before it is: whoever asked may go away in the middle.
        open.begun = true;
        let conn = open.client()?;
        let prepared = prepare(conn, statements).await?;
        let begin = begin.then(|| self.reach.begin());
        let params: Vec<Vec<&(dyn ToSql + Sync)>> = statements
            .iter()
            .map(|s| s.values.iter().map(|v: &Value| v as _).collect())
            .collect();
        let led = usize::from(begin.is_some());
        let mut sent: Vec<Sent<'_, Result<Vec<Row>, tokio_postgres::Error>>> = Vec::new();
        if let Some(begin) = &begin {
            sent.push(Box::pin(async move {
                conn.batch_execute(begin).await.map(|()| Vec::new())
            }));
        }
        for (statement, params) in prepared.iter().zip(&params) {
            sent.push(Box::pin(conn.query(statement, params)));
        }
        if end {
            sent.push(Box::pin(async move {
                conn.batch_execute("COMMIT").await.map(|()| Vec::new())
            }));
        }
        let mut out = Vec::with_capacity(statements.len());
        for (n, answer) in pipeline::all(sent).await.into_iter().enumerate() {
            let rows = answer?;
            if n >= led && out.len() < statements.len() {
                out.push(rows);
            }
        }
        if end {
            open.begun = false;
        } else {
            self.conn = Some(open);
        }
        Ok(out)
    }
}

async fn prepare(conn: &Object, statements: &[Statement]) -> Result<Vec<Prepared>, Failed> {
    if conn.statement_cache.size() > STATEMENTS_KEPT {
        conn.statement_cache.clear();
    }
    let mut out = Vec::with_capacity(statements.len());
    for s in statements {
        out.push(conn.prepare_cached(&s.text).await?);
    }
    Ok(out)
}

/// A connection of the pool, on which a transaction may be open. That ends when this is dropped, whatever became of it.
struct Open {
    conn: Option<Object>,
    begun: bool,
}

impl Open {
    fn client(&self) -> Result<&Object, StoreError> {
        self.conn
            .as_ref()
            .ok_or_else(|| StoreError::Internal("the connection was given back".into()))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take().filter(|_| self.begun) else {
            return;
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    if conn.batch_execute("ROLLBACK").await.is_err() {
                        drop(Object::take(conn));
                    }
                });
            }
            Err(_) => drop(Object::take(conn)),
        }
    }
}

/// Runs a write transaction of its own, for what does not go through the writer. With `turn` it waits for the writers
/// of all nodes, and they for it.
pub(crate) async fn in_transaction<T>(
    connections: &Connections,
    turn: bool,
    work: impl AsyncFnOnce(&Client) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut begin = format!("BEGIN; {}", Reach::System.enter());
    if turn {
        begin.push_str("; SELECT value FROM counter WHERE name = 'position' FOR UPDATE");
    }
    let mut open = connections.open().await?;
    open.begun = true;
    let client = open.client()?;
    client.batch_execute(&begin).await?;
    let done = work(client).await?;
    client.batch_execute("COMMIT").await?;
    open.begun = false;
    Ok(done)
}
