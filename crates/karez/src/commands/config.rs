//! `karez config`: what can be set, and whether what is set can be read.

use std::io::Write as _;

use clap::Subcommand;

use crate::cli::Place;
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every key with its meaning, default and variable
    Explain,
    /// Read the configuration as a start would, and say what is wrong
    Check(Place),
}

pub fn run(what: ConfigCommand) -> anyhow::Result<()> {
    let text = match what {
        ConfigCommand::Explain => Config::explain(),
        ConfigCommand::Check(place) => {
            place.load()?;
            "the configuration can be read\n".to_owned()
        }
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}
