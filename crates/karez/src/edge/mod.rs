//! `karez edge`: a small node at a remote hospital. It takes images from scanners, keeps them until the centre has them,
//! and shows how it stands.

mod config;
mod receiver;
mod status;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use clap::Subcommand;
use edge::{Centre, Identity, Progress, Sender, Spool};
use gateway::dimse;
use imaging::Limits;
use kernel::{Clock, Entropy, SystemClock, SystemEntropy, limits};
use seal::Secret;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

use crate::config::{Log, LogFormat};
use crate::{logging, tls};
use config::EdgeConfig;
use receiver::Receiver;
use status::Seen;

/// What an edge does.
#[derive(Debug, Subcommand)]
pub enum EdgeCommand {
    /// Take images from scanners and send them to the centre
    Imaging {
        /// Configuration file with a section [edge]
        #[arg(long, value_name = "FILE", env = "KAREZ_EDGE_CONFIG")]
        config: Option<PathBuf>,
        /// How the log is written
        #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
        log_format: String,
    },
    /// Print the public key by which the centre shall know this edge (for `karez admin machine add --jwks`)
    Key {
        #[arg(long, value_name = "FILE", env = "KAREZ_EDGE_CONFIG")]
        config: Option<PathBuf>,
    },
    /// Print every key of [edge] with its meaning, default and variable
    Explain,
}

pub fn run(what: EdgeCommand) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match what {
        EdgeCommand::Imaging { config, log_format } => {
            drop(out);
            logging::start(&Log {
                format: match log_format.as_str() {
                    "json" => LogFormat::Json,
                    _ => LogFormat::Text,
                },
                filter: "info".into(),
            })?;
            let config = EdgeConfig::load(config.as_deref()).context("configuration")?;
            tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()?
                .block_on(imaging(config))
        }
        EdgeCommand::Key { config } => {
            let folder = config::folder(config.as_deref()).context("configuration")?;
            let identity = open_identity(&folder)?;
            writeln!(out, "{}", serde_json::to_string(&identity.jwks())?)?;
            Ok(())
        }
        EdgeCommand::Explain => Ok(out.write_all(EdgeConfig::explain().as_bytes())?),
    }
}

fn open_identity(folder: &Path) -> anyhow::Result<Identity> {
    Identity::open(folder, &SystemEntropy, SystemClock.now())
        .with_context(|| format!("edge.folder: {}", folder.display()))
}

async fn imaging(config: EdgeConfig) -> anyhow::Result<()> {
    tls::install_provider();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let identity = open_identity(&config.folder)?;
    let spool = Spool::open(&config.folder.join("spool"), identity.spool_key())
        .with_context(|| format!("edge.folder: {}", config.folder.display()))?;
    let spool = Arc::new(Mutex::new(spool));
    let centre = Arc::new(centre(&config, identity, &clock, &entropy)?);
    let wake = Arc::new(Notify::new());
    let (progress, seen_progress) = watch::channel(Progress::start());
    let (stop, stopped) = watch::channel(false);

    let scanners = TcpListener::bind(config.listen)
        .await
        .context("edge.listen")?;
    let page = TcpListener::bind(config.status)
        .await
        .context("edge.status")?;
    let line = serde_json::json!({
        "dicom": scanners.local_addr()?.to_string(),
        "status": format!("http://{}", page.local_addr()?),
        "pid": std::process::id(),
        "version": env!("CARGO_PKG_VERSION"),
    });
    let receiver = Receiver {
        spool: Arc::clone(&spool),
        wake: Arc::clone(&wake),
        title: config.title.clone(),
        peers: config.peers.clone(),
        urgent_peers: config.urgent_peers.clone(),
        clock: Arc::clone(&clock),
        entropy: Arc::clone(&entropy),
    };
    let sender = Sender {
        spool: Arc::clone(&spool),
        centre: Arc::clone(&centre),
        schedule: config.schedule.clone(),
        clock: Arc::clone(&clock),
        wake: Arc::clone(&wake),
        progress,
        squeeze: if config.compress {
            smaller
        } else {
            |object| object
        },
    };
    let seen = Seen {
        name: config.name.clone(),
        zone: config.schedule.zone.clone(),
        spool,
        progress: seen_progress,
        centre,
        wake,
        clock,
        secret: Secret::generate(&*entropy),
    };
    let settings = listener_settings(&config)?;
    let listening = tokio::spawn(dimse::serve(
        scanners,
        Arc::new(receiver),
        settings,
        stopped.clone(),
        Duration::from_secs(20),
    ));
    let sending = tokio::spawn(sender.run(stopped.clone()));
    let reporting = tokio::spawn(seen.clone().report_always());
    let mut page_stop = stopped;
    let showing = tokio::spawn(async move {
        let until = async move {
            let _ended = page_stop.wait_for(|stop| *stop).await;
        };
        axum::serve(page, status::router(seen))
            .with_graceful_shutdown(until)
            .await
    });
    {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}")?;
        out.flush()?;
    }
    tracing::info!(name = config.name, "edge is ready");
    crate::serve::signal().await;
    tracing::info!("stopping");
    reporting.abort();
    let _heard = stop.send(true);
    let _ended = tokio::time::timeout(Duration::from_secs(30), async {
        let _done = (listening.await, sending.await, showing.await);
    })
    .await;
    Ok(())
}

fn centre(
    config: &EdgeConfig,
    identity: Identity,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> anyhow::Result<Centre> {
    let authorities = match &config.centre_ca {
        Some(file) => vec![std::fs::read(file).context("edge.centre_ca")?],
        None => Vec::new(),
    };
    Centre::new(
        config.centre.clone(),
        &authorities,
        identity,
        Arc::clone(clock),
        Arc::clone(entropy),
    )
    .context("edge.centre_ca")
}

/// An object without loss in fewer bytes; as it is where it cannot be read, for the centre to judge.
fn smaller(object: Bytes) -> Bytes {
    imaging::pixel::squeeze(object.clone(), &Limits::default()).unwrap_or(object)
}

fn listener_settings(config: &EdgeConfig) -> anyhow::Result<dimse::Settings> {
    let tls = match &config.tls {
        Some((certificate, key)) => Some(Arc::new(tls::load(certificate, key, false)?)),
        None => None,
    };
    Ok(dimse::Settings {
        associations_max: 32,
        per_peer_max: 16,
        unit_bytes: 256 << 10,
        patience: dimse::Patience {
            idle: Duration::from_secs(60),
            message: Duration::from_secs(600),
        },
        object_bytes_max: limits::FILE_BYTES_MAX,
        room: dimse::Room::of_mib(512),
        tls,
        tls_out: None,
    })
}
