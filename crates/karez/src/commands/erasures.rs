//! `karez erasures`: the ledger that outlives the database.

use clap::Subcommand;

use super::backup::say;
use crate::config::Config;
use crate::node;

#[derive(Debug, Subcommand)]
pub enum Erasures {
    /// Every entry of the ledger: hospital, patient, when, by whom
    List,
    /// Do every erasure again: for a database that was restored by other means than karez restore
    Replay,
}

pub async fn run(config: &Config, what: Erasures) -> anyhow::Result<()> {
    crate::tls::install_provider();
    let (store, lock) = node::store_beside(config).await?;
    let done = match what {
        Erasures::List => list(&store),
        Erasures::Replay if lock.is_none() && config.store.postgres.is_none() => {
            Err(anyhow::anyhow!("the node serves; stop it first"))
        }
        Erasures::Replay => match store.replay_erasures().await {
            Ok(n) => say(&format!("{n} erasures were done again")),
            Err(e) => Err(e.into()),
        },
    };
    store.close().await;
    done
}

fn list(store: &store::Store) -> anyhow::Result<()> {
    for erasure in store.erasures()? {
        say(&serde_json::to_string(&erasure)?)?;
    }
    Ok(())
}
