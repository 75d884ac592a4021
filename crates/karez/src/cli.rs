//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

use crate::commands::{
    admin, audit, backup, config as config_command, conformance, demo, doctor, erasures, restore,
    scrub, verify,
};
use crate::config::Config;
use crate::{edge, logging, serve};

/// The open system that hospitals run to treat patients together.
#[derive(Debug, Parser)]
#[command(name = "karez", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve this node
    Serve(Place),
    /// Serve a demonstration network with invented people, patients and cases
    Demo {
        #[command(flatten)]
        place: Place,
        /// Forget what the demonstration holds and begin anew
        #[arg(long)]
        fresh: bool,
        /// Seed the network is generated from
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Print the record of a patient who is not in the network, as a FHIR transaction bundle to import, and stop
        #[arg(long)]
        print_bundle: bool,
    },
    /// Found hospitals, make first accounts, give tokens to scripts
    Admin {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        what: admin::Admin,
    },
    /// Check configuration, disk, store, clock, certificates and mail relay
    Doctor(Place),
    /// The audit chains
    Audit {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        what: audit::Audit,
    },
    /// Take a backup, also while the node serves; list and verify backups
    Backup {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        what: backup::BackupArgs,
    },
    /// Restore a backup into a new data folder, to its newest point or an earlier one
    Restore {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        what: restore::RestoreArgs,
    },
    /// The ledger of erasures: what was erased, and doing it again onto a database restored by other means
    Erasures {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        what: erasures::Erasures,
    },
    /// Read every file from end to end: it is there, opens, and is what it was
    Scrub(Place),
    /// Verify a sealed opinion; needs no data folder and no network
    Verify(verify::Verify),
    /// A small node at a remote hospital: takes images from scanners and sends them on when the line allows
    Edge {
        #[command(subcommand)]
        what: edge::EdgeCommand,
    },
    /// Statements of conformance, written from the code
    Conformance {
        #[command(subcommand)]
        what: conformance::Conformance,
    },
    /// The configuration
    Config {
        #[command(subcommand)]
        what: config_command::ConfigCommand,
    },
}

/// Where the node lives and listens. Every other key is set in the file or the environment.
#[derive(Debug, Clone, Default, Args)]
pub struct Place {
    /// Configuration file
    #[arg(long, value_name = "FILE", env = "KAREZ_CONFIG", global = true)]
    pub config: Option<PathBuf>,
    /// Data folder (data.dir)
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// sqlite, or postgres://user:password@host/name (store.database)
    #[arg(long, value_name = "URL", global = true)]
    pub database: Option<String>,
    /// Address and port; port 0 takes a free one (server.listen)
    #[arg(long, value_name = "ADDR", global = true)]
    pub listen: Option<String>,
    /// auto, off, self-signed or files (tls.mode)
    #[arg(long, value_name = "MODE", global = true)]
    pub tls: Option<String>,
    /// text or json (log.format)
    #[arg(long, value_name = "FORMAT", global = true)]
    pub log_format: Option<String>,
}

impl Place {
    /// The whole configuration.
    pub fn load(&self) -> anyhow::Result<Config> {
        let mut flags = Vec::new();
        if let Some(dir) = &self.data {
            flags.push(("data.dir", dir.display().to_string()));
        }
        for (key, value) in [
            ("store.database", &self.database),
            ("server.listen", &self.listen),
            ("tls.mode", &self.tls),
            ("log.format", &self.log_format),
        ] {
            if let Some(value) = value {
                flags.push((key, value.clone()));
            }
        }
        Config::load(self.config.as_deref(), std::env::vars(), &flags).context("configuration")
    }

    /// A backup place: named, or the configuration's.
    pub fn backup_place(
        &self,
        config: &Config,
        named: Option<&str>,
    ) -> anyhow::Result<store::Place> {
        match (named, &config.backup) {
            (Some(text), _) => Config::named_place(self.config.as_deref(), std::env::vars(), text)
                .context("configuration"),
            (None, Some(shipping)) => Ok(shipping.place.clone()),
            (None, None) => anyhow::bail!("name a place, or set backup.place"),
        }
    }
}

/// Runs what the command line asks for. Errors go to standard error, one line.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(e) => {
            eprintln!("karez: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(place) => {
            let config = place.load()?;
            logging::start(&config.log)?;
            runtime()?.block_on(serve::run(config, serve::Mode::Plain))?;
        }
        Command::Demo {
            seed,
            print_bundle: true,
            ..
        } => demo::print_bundle(seed)?,
        Command::Demo {
            place, fresh, seed, ..
        } => {
            let config = place.load()?;
            logging::start(&config.log)?;
            runtime()?.block_on(demo::run(config, fresh, seed))?;
        }
        Command::Admin { place, what } => {
            let config = place.load()?;
            logging::start(&config.log)?;
            runtime()?.block_on(admin::run(config, what))?;
        }
        Command::Doctor(place) => return runtime()?.block_on(doctor::run(&place)),
        Command::Audit { place, what } => {
            let config = place.load()?;
            logging::start(&config.log)?;
            return runtime()?.block_on(audit::run(config, what));
        }
        Command::Backup { place, what } => {
            let config = place.load()?;
            logging::start(&config.log)?;
            return runtime()?.block_on(backup::run(&place, config, what));
        }
        Command::Restore { place, what } => {
            let config = place.load()?;
            logging::start(&config.log)?;
            return runtime()?.block_on(restore::run(&place, config, what));
        }
        Command::Erasures { place, what } => {
            let config = place.load()?;
            logging::start(&config.log)?;
            runtime()?.block_on(erasures::run(&config, what))?;
        }
        Command::Scrub(place) => {
            let config = place.load()?;
            logging::start(&config.log)?;
            return runtime()?.block_on(scrub::run(&config));
        }
        Command::Verify(what) => return verify::run(&what),
        Command::Edge { what } => edge::run(what)?,
        Command::Conformance { what } => conformance::run(&what)?,
        Command::Config { what } => config_command::run(what)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Short reads of the store run on these threads. More than two, so that one that waits for the disk leaves others.
const THREADS_MIN: usize = 4;

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.max(THREADS_MIN))
        .enable_all()
        .build()
        .context("runtime")
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::Cli;

    #[test]
    fn the_command_line_is_well_formed_and_flags_of_all_commands_do_not_meet_those_of_one() {
        Cli::command().debug_assert();
        let words = "karez admin ae add --hospital yarqum --title CT1 --name CT --may store --host ct1 --port 104 --encrypted";
        assert!(Cli::try_parse_from(words.split(' ')).is_ok());
    }
}
