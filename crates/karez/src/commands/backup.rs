//! `karez backup`: one whole copy, also while the node serves; what a place holds; whether it can be restored.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use kernel::{Entropy as _, SystemClock, SystemEntropy};
use store::backup::restore::{self, Restore, Until};

use crate::cli::Place;
use crate::config::Config;
use crate::node;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BackupArgs {
    #[command(subcommand)]
    what: Option<What>,
    /// A folder, or s3://bucket/prefix with endpoint and credentials of [backup]; backup.place when not given
    #[arg(long, value_name = "PLACE")]
    to: Option<String>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// What a place holds: streams, and from when until when every point can be restored
    List {
        #[arg(long, value_name = "PLACE")]
        from: Option<String>,
    },
    /// Read every object of a place, restore its newest point into a temporary folder, check it and every file
    Verify {
        #[arg(long, value_name = "PLACE")]
        from: Option<String>,
    },
}

pub async fn run(place: &Place, config: Config, backup: BackupArgs) -> anyhow::Result<ExitCode> {
    crate::tls::install_provider();
    match backup.what {
        None => take(place, &config, backup.to.as_deref()).await,
        Some(What::List { from }) => {
            let from = place.backup_place(&config, from.as_deref())?;
            for listed in restore::list(&from).await? {
                say(&serde_json::to_string(&listed)?)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Some(What::Verify { from }) => verify(place, &config, from.as_deref()).await,
    }
}

async fn take(place: &Place, config: &Config, to: Option<&str>) -> anyhow::Result<ExitCode> {
    let to = place.backup_place(config, to)?;
    let (store, _lock) = node::store_beside(config).await?;
    let copied = store.back_up(&to).await;
    store.close().await;
    say(&serde_json::to_string(&copied?)?)?;
    Ok(ExitCode::SUCCESS)
}

async fn verify(place: &Place, config: &Config, from: Option<&str>) -> anyhow::Result<ExitCode> {
    let dir = std::env::temp_dir().join(format!(
        "karez-verify-{}",
        SystemEntropy.uuid_v7(kernel::Clock::now(&SystemClock))
    ));
    let plan = Restore {
        from: place.backup_place(config, from)?,
        database: node::database(config),
        dir,
        blobs: None,
        until: Until::Latest,
        key: node::node_key(&config.data)?,
        erasures: None,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    let verified = plan.verify().await?;
    say(&serde_json::to_string(&verified)?)?;
    Ok(if verified.is_sound() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

pub(super) fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")?;
    Ok(())
}
