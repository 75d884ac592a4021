//! `karez doctor`.
use std::process::ExitCode;

use crate::cli::Place;

pub async fn run(place: &Place) -> anyhow::Result<ExitCode> {
    place.load()?;
    Ok(ExitCode::SUCCESS)
}
