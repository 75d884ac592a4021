//! `karez demo`: a network with invented people, kept between starts.

use anyhow::{Context, bail};
use app::App;

use crate::config::Config;
use crate::serve::{self, Mode};

/// Marks a data folder as a demonstration's, so that `--fresh` can never empty another.
const MARK: &str = "demo";

pub async fn run(
    mut config: Config,
    fresh: bool,
    seed: u64,
    code: Option<String>,
) -> anyhow::Result<()> {
    let _ = code;
    let dir = config.data.dir.clone();
    let mark = dir.join(MARK);
    let used = dir.join("karez.db").exists();
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

/// Fills an empty store.
pub async fn populate(app: &App, seed: u64) -> anyhow::Result<()> {
    let _ = (app, seed);
    Ok(())
}
