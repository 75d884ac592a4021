//! Reaching the server: its address, TLS, and which servers are refused.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use futures::StreamExt as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::sync::mpsc;
use tokio_postgres::config::SslMode;
use tokio_postgres::{AsyncMessage, Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;

/// Older servers lack what the statements use, and are no longer looked after.
const VERSION_MIN: i32 = 150_000;
/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Notices that were not looked at yet.
const NOTICES_MAX: usize = 256;
/// How long a call waits for a connection when all are in use.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The planner holds to the order of joins and to the indexes that the statements are written for, as SQLite does: it
/// cannot tell how many rows a permit lets through, guesses few, and would read and sort them all for one page. For the
/// same reason a plan is made once for each statement, not for each set of values.
const SETTINGS: &[(&str, &str)] = &[
    ("application_name", "karez"),
    ("synchronous_commit", "on"),
    ("default_transaction_isolation", "read\\ committed"),
    ("jit", "off"),
    ("join_collapse_limit", "1"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_sort", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("idle_in_transaction_session_timeout", "30000"),
    ("lock_timeout", "20000"),
];

/// Where the database is, and how it is reached.
#[derive(Clone)]
pub(crate) struct Server {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Server {
    /// `postgres://user:password@host/name?sslmode=require&sslrootcert=/path/ca.pem`. With `sslmode=require` the
    /// server's certificate must be valid for its name, by the authorities of `sslrootcert` or else of this machine.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        let bad = |why: &str| StoreError::Unavailable(format!("store.database: {why}"));
        let (url, authorities) = without_authorities(url);
        // The error may quote a part of the address, which holds the password.
        let mut config = Config::from_str(&url)
            .map_err(|_| bad("not a PostgreSQL address (postgres://user:password@host/name)"))?;
        config.connect_timeout(CONNECT_TIMEOUT);
        config.keepalives_idle(Duration::from_secs(15));
        config.keepalives_interval(Duration::from_secs(5));
        config.keepalives_retries(3);
        config.tcp_user_timeout(Duration::from_secs(20));
        let settings: Vec<String> = SETTINGS
            .iter()
            .map(|(name, value)| format!("-c {name}={value}"))
            .collect();
        let given = config.get_options().unwrap_or_default();
        config.options(format!("{given} {}", settings.join(" ")));
        let wanted = config.get_ssl_mode() != SslMode::Disable;
        let tls = tls(wanted, authorities.as_deref())?;
        Ok(Self { config, tls })
    }

    /// A connection outside the pool, for who writes.
    pub async fn connect(&self) -> Result<Client, StoreError> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        // Ends when the client is dropped or the line is cut; who asks next hears of it.
        tokio::spawn(async move {
            if let Err(e) = connection.await {
                tracing::warn!(error = %StoreError::from(e), "the writer lost PostgreSQL");
            }
        });
        Ok(client)
    }

    /// A connection that hears what is notified on a channel, until it or the receiver is dropped.
    pub async fn listen(
        &self,
        channel: &str,
    ) -> Result<(Client, mpsc::Receiver<String>), StoreError> {
        let (client, mut connection) = self.config.connect(self.tls.clone()).await?;
        let (heard, receiver) = mpsc::channel(NOTICES_MAX);
        tokio::spawn(async move {
            let mut messages = futures::stream::poll_fn(move |cx| connection.poll_message(cx));
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notification(note) = message
                    && heard.send(note.payload().to_owned()).await.is_err()
                {
                    return;
                }
            }
        });
        client.batch_execute(&format!("LISTEN {channel}")).await?;
        Ok((client, receiver))
    }

    /// The connections that read. Each statement is broken off after `longest`.
    pub fn pool(&self, connections: usize, longest: Duration) -> Result<Pool, StoreError> {
        let mut config = self.config.clone();
        let options = config.get_options().unwrap_or_default().to_owned();
        config.options(format!(
            "{options} -c statement_timeout={}",
            longest.as_millis()
        ));
        let manager = Manager::from_config(
            config,
            self.tls.clone(),
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        Pool::builder(manager)
            .max_size(connections.max(2))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT_TIMEOUT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .build()
            .map_err(|e| StoreError::Internal(format!("the pool of connections: {e}")))
    }
}

/// Takes `sslrootcert` out of the address, which the driver does not know.
fn without_authorities(url: &str) -> (String, Option<String>) {
    let Some((front, query)) = url.split_once('?') else {
        return (url.to_owned(), None);
    };
    let mut authorities = None;
    let rest: Vec<&str> = query
        .split('&')
        .filter(|pair| match pair.strip_prefix("sslrootcert=") {
            Some(path) => {
                authorities = Some(path.replace("%2F", "/").replace("%2f", "/"));
                false
            }
            None => true,
        })
        .collect();
    let query = rest.join("&");
    let url = if query.is_empty() {
        front.to_owned()
    } else {
        format!("{front}?{query}")
    };
    (url, authorities)
}

fn tls(wanted: bool, authorities: Option<&str>) -> Result<MakeRustlsConnect, StoreError> {
    let bad = |why: String| StoreError::Unavailable(format!("store.database: sslrootcert: {why}"));
    let mut roots = rustls::RootCertStore::empty();
    match authorities {
        Some(path) => {
            let certificates =
                CertificateDer::pem_file_iter(Path::new(path)).map_err(|e| bad(e.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|e| bad(e.to_string()))?;
                roots.add(certificate).map_err(|e| bad(e.to_string()))?;
            }
        }
        None if wanted => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
        None => {}
    }
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| StoreError::Internal(format!("TLS: {e}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Refuses a server that is too old, would lose what was acknowledged, or whose wall between hospitals would not
/// hold for this role.
pub(crate) async fn check(client: &Client) -> Result<(), StoreError> {
    let refused = |why: String| Err(StoreError::Unavailable(format!("store.database: {why}")));
    let row = client
        .query_one(
            "SELECT current_setting('server_version_num')::int8, current_setting('server_version'), \
             current_setting('fsync'), current_setting('full_page_writes'), current_setting('server_encoding'), \
             (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user), current_user::text, \
             pg_is_in_recovery()",
            &[],
        )
        .await?;
    let text = |i: usize| row.try_get::<_, String>(i);
    if row.try_get::<_, i64>(0)? < i64::from(VERSION_MIN) {
        return refused(format!("PostgreSQL {} is too old; 15 is needed", text(1)?));
    }
    for (i, name) in [(2, "fsync"), (3, "full_page_writes")] {
        if text(i)? != "on" {
            return refused(format!(
                "{name} is off on the server, so that a power cut could lose or damage records; turn it on"
            ));
        }
    }
    if text(4)? != "UTF8" {
        return refused(format!(
            "the database is encoded in {}; make it in UTF8",
            text(4)?
        ));
    }
    if row.try_get::<_, bool>(5)? {
        return refused(format!(
            "the role {} is a superuser or has BYPASSRLS, which the wall between hospitals does not hold for; \
             use a role of its own",
            text(6)?
        ));
    }
    if row.try_get::<_, bool>(7)? {
        return refused("the server is a standby and takes no writes".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authorities_are_taken_out_of_the_address() {
        let (url, file) =
            without_authorities("postgres://a@b/c?sslmode=require&sslrootcert=%2Fetc%2Fca.pem");
        assert_eq!(url, "postgres://a@b/c?sslmode=require");
        assert_eq!(file.as_deref(), Some("/etc/ca.pem"));
        assert_eq!(
            without_authorities("postgres://a@b/c"),
            ("postgres://a@b/c".to_owned(), None)
        );
    }

    #[test]
    fn a_bad_address_is_refused_without_saying_the_password() {
        let said = Server::parse("postgres://u:secret@h:nope/x")
            .err()
            .map(|e| e.to_string())
            .unwrap_or_default();
        assert!(
            said.contains("store.database") && !said.contains("secret"),
            "{said}"
        );
    }
}
