//! `karez restore`: a backup becomes a data folder again, as it was at a point in time, with every erasure done again.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use kernel::{Instant, SystemClock, SystemEntropy};
use store::backup::restore::{self, Until};

use super::backup::say;
use crate::cli::Place;
use crate::config::Config;
use crate::node;

#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// A folder, or s3://bucket/prefix with endpoint and credentials of [backup]; backup.place when not given
    #[arg(long, value_name = "PLACE")]
    from: Option<String>,
    /// As everything was at this time, as 2026-11-22T10:15:00Z; the newest point when not given
    #[arg(long, value_name = "TIME", conflicts_with = "position")]
    at: Option<String>,
    /// As everything was after this commit
    #[arg(long, value_name = "N")]
    position: Option<u64>,
    /// Further entries of the ledger of erasures: the folder `erasures` of another copy
    #[arg(long, value_name = "DIR")]
    erasures: Option<PathBuf>,
}

pub async fn run(place: &Place, config: Config, what: RestoreArgs) -> anyhow::Result<ExitCode> {
    crate::tls::install_provider();
    let until = match (&what.at, what.position) {
        (Some(text), _) => Until::At(text.parse::<Instant>().context("--at")?),
        (None, Some(position)) => Until::Position(position),
        (None, None) => Until::Latest,
    };
    let from = place.backup_place(&config, what.from.as_deref())?;
    // A key that was made here opens no backup.
    if config.data.node_key.is_none() && !node::node_key_path(&config.data).exists() {
        anyhow::bail!(
            "node key {}: not found; put the copy from the safe there first, only it opens the backup",
            node::node_key_path(&config.data).display()
        );
    }
    node::make_dir(&config.data.dir)?;
    let _lock = node::lock(&config.data.dir)?;
    let plan = restore::Restore {
        from,
        database: node::database(&config),
        dir: config.data.dir.clone(),
        blobs: config.blobs.clone(),
        until,
        key: node::node_key(&config.data)?,
        erasures: what.erasures,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    let restored = plan.run().await?;
    say(&serde_json::to_string(&restored)?)?;
    if !restored.is_sound() {
        eprintln!(
            "karez: what was restored is not sound; the data folder was left without a database"
        );
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
