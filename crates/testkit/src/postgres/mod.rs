//! A fresh database on a PostgreSQL server for each test, when `KAREZ_TEST_POSTGRES` names one: the address of a
//! superuser, `postgres://postgres@127.0.0.1:5432/postgres`. Without it, tests that need one skip and say so.

#![allow(clippy::expect_used, clippy::unwrap_used)] // a test without its database has nothing to test

mod cluster;

use std::sync::atomic::{AtomicU64, Ordering};

use tokio_postgres::{Client, Config, Error, NoTls};

pub use cluster::Cluster;

/// The variable that names the server.
pub const VARIABLE: &str = "KAREZ_TEST_POSTGRES";
/// The role the tests write as: it owns the databases and stands behind row-level security like everybody.
const ROLE: &str = "karez_test";

static MADE: AtomicU64 = AtomicU64::new(0);

/// An empty database. It goes when this is dropped.
#[derive(Debug)]
pub struct FreshDatabase {
    /// Its address, for the role that is no superuser.
    pub url: String,
    /// The superuser's address of the server it is on.
    server: String,
    name: String,
}

/// The server, or none and a line that says what was skipped.
pub fn server() -> Option<String> {
    let server = std::env::var(VARIABLE).ok().filter(|s| !s.is_empty());
    if server.is_none() {
        eprintln!("skipped: {VARIABLE} is not set");
    }
    server
}

async fn connect(server: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(server, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn superuser(server: &str) -> Client {
    connect(server).await.expect("the server of the tests")
}

impl FreshDatabase {
    /// None where no server is named.
    pub async fn make() -> Option<Self> {
        Some(Self::on(&server()?).await)
    }

    /// On a server of the test's own.
    pub async fn on(server: &str) -> Self {
        let config: Config = server.parse().expect("a PostgreSQL address");
        let client = superuser(server).await;
        // Another test may make it at the same moment.
        let _there = client
            .batch_execute(&format!("CREATE ROLE {ROLE} LOGIN"))
            .await;
        let n = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("karez_test_{}_{n}", std::process::id());
        client
            .batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            .await
            .expect("an old database that can be dropped");
        client
            .batch_execute(&format!(
                "CREATE DATABASE {name} OWNER {ROLE} TEMPLATE template0 ENCODING 'UTF8'"
            ))
            .await
            .expect("a new database");
        let port = config.get_ports().first().copied().unwrap_or(5432);
        Self {
            url: format!("postgres://{ROLE}@127.0.0.1:{port}/{name}"),
            server: server.to_owned(),
            name,
        }
    }

    /// A connection past row-level security, for what a test breaks on purpose.
    pub async fn as_superuser(&self) -> Client {
        let place = self.server.rsplit_once('/').map_or("", |(front, _)| front);
        superuser(&format!("{place}/{}", self.name)).await
    }
}

impl Drop for FreshDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // The test's own runtime may be gone by now.
        let dropping = std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
            else {
                return;
            };
            runtime.block_on(async {
                // A server of the test's own may be gone before its database.
                let Ok(client) = connect(&server).await else {
                    return;
                };
                let _left = client
                    .batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
                    .await;
            });
        });
        let _panicked = dropping.join();
    }
}
