//! `karez demo`: a network with invented people, kept between starts.

use std::io::Write as _;

use anyhow::{Context, bail};
use app::App;
use kernel::{Clock as _, SystemClock};

use crate::config::Config;
use crate::serve::{self, Mode};

/// Marks a data folder as a demonstration's, so that `--fresh` can never empty another.
const MARK: &str = "demo";

pub async fn run(mut config: Config, fresh: bool, seed: u64) -> anyhow::Result<()> {
    let dir = config.data.dir.clone();
    let mark = dir.join(MARK);
    let used = dir.join("karez.db").exists();
    if fresh && config.store.postgres.is_some() {
        bail!(
            "--fresh empties a data folder alone; drop the database of store.database and make it anew"
        );
    }
    if used && !mark.exists() {
        bail!("data.dir: {} holds no demonstration", dir.display());
    }
    if fresh && used {
        let lock = crate::node::lock(&dir)?;
        std::fs::remove_dir_all(&dir).with_context(|| dir.display().to_string())?;
        drop(lock);
    }
    crate::node::make_dir(&dir)?;
    std::fs::write(
        &mark,
        b"A demonstration of Karez. Nothing in this folder is about a real person.\n",
    )?;
    // Whoever tries the demonstration has no authenticator at hand.
    config.accounts.second_factor_for.clear();
    serve::run(config, Mode::Demo { seed }).await
}

/// Fills an empty store, and tells the accounts on standard error.
pub async fn populate(app: &App, seed: u64) -> anyhow::Result<()> {
    let network = demo::generate::network(seed, app.now());
    if app.all_hospitals().is_empty() {
        tracing::info!(seed, "making the demonstration network");
        demo::populate::populate(app, &network)
            .await
            .context("the demonstration network")?;
    }
    tell(&network);
    Ok(())
}

/// A record from outside, to try importing with.
pub fn print_bundle(seed: u64) -> anyhow::Result<()> {
    let bundle = demo::generate::arriving::bundle(seed, SystemClock.now())
        .context("a bundle of the generator")?;
    std::io::stdout().write_all(bundle.as_bytes())?;
    Ok(())
}

fn tell(network: &demo::generate::Network) {
    let mut text = format!(
        "\nAccounts of the demonstration. Everybody's password: {}\n\n",
        demo::PASSWORD
    );
    for line in demo::accounts(network) {
        text.push_str(&format!(
            "  {:<40} {:<28} {} ({})\n",
            line.login,
            line.name,
            line.role,
            line.hospitals.join(", ")
        ));
    }
    eprintln!("{text}");
}
