//! `cargo xtask bench`: measures a release build over HTTP, as a client sees it.

mod fhir;
mod http;
mod imaging;
mod load;
mod node;
mod pages;
mod record;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::process::{cargo, execute};

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// The FHIR API: create, read, search, transaction import
    Fhir,
    /// DIMSE and DICOMweb, with Debian's Orthanc beside it
    Imaging,
    /// Main pages on the demonstration data
    Pages,
}

#[derive(Args)]
pub struct Options {
    /// What to measure
    #[arg(value_enum)]
    what: What,
    /// Requests of each kind
    #[arg(long, default_value_t = 500)]
    requests: usize,
    /// FHIR: measure again with so many resources in the store
    #[arg(long, default_value_t = 0)]
    resources: usize,
    /// Imaging: measure again with so many instances in the index
    #[arg(long, default_value_t = 0)]
    instances: usize,
    /// Imaging: how long the other server is filled for that, seconds; 0 leaves it out
    #[arg(long, default_value_t = 600)]
    peer_fill_s: u64,
    /// Imaging: Karez alone
    #[arg(long)]
    alone: bool,
    /// Imaging: only what has this in its name
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Imaging: of what is asked over DICOMweb only what has this in its name
    #[arg(long, value_name = "TEXT", default_value = "")]
    call: String,
    /// FHIR: connections that ask at once
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// FHIR: an empty PostgreSQL database instead of SQLite, postgres://user@host/name; its role is no superuser
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// On SQLite: keep the filled store in this folder; one that is filled already is measured as it is. A run adds to it
    #[arg(long, value_name = "FOLDER", conflicts_with = "database")]
    keep: Option<PathBuf>,
}

pub fn run(options: &Options) -> Result<()> {
    // A binary that is there already may be measured instead.
    if std::env::var_os("KAREZ_BIN").is_none() {
        execute(cargo().args([
            "build",
            "--locked",
            "--release",
            "--workspace",
            "--bin",
            "karez",
        ]))?;
    }
    match options.what {
        What::Fhir => fhir::run(&fhir::Plan {
            requests: options.requests,
            resources: options.resources,
            connections: options.connections,
            keep: options.keep.clone(),
            name: options
                .database
                .as_ref()
                .map_or("SQLite", |_| "PostgreSQL")
                .into(),
            env: options
                .database
                .iter()
                .map(|url| ("KAREZ_STORE_DATABASE".into(), url.clone()))
                .collect(),
        }),
        What::Imaging => imaging::run(&imaging::Plan {
            requests: options.requests,
            instances: options.instances,
            peer_fill: Duration::from_secs(options.peer_fill_s),
            alone: options.alone,
            only: options.only.clone(),
            call: options.call.clone(),
            keep: options.keep.clone(),
        }),
        What::Pages => pages::run(options.requests),
    }
}

/// Times `count` calls after a tenth of them as warming up. Sorted, shortest first.
fn times(count: usize, mut call: impl FnMut() -> Result<()>) -> Result<Vec<Duration>> {
    for _ in 0..count.div_ceil(10) {
        call()?;
    }
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        call()?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(times)
}

/// The time that `percent` of all calls did not pass.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}

/// One line: name, count, median, 99th percentile, calls a second.
fn line(name: &str, sorted: &[Duration]) {
    let total: Duration = sorted.iter().sum();
    println!(
        "{name:<28} {:>6} calls  p50 {:>8.3} ms  p99 {:>8.3} ms  {:>8.0} /s",
        sorted.len(),
        percentile(sorted, 50).as_secs_f64() * 1e3,
        percentile(sorted, 99).as_secs_f64() * 1e3,
        sorted.len() as f64 / total.as_secs_f64().max(1e-9),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let ms: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&ms, 50), Duration::from_millis(50));
        assert_eq!(percentile(&ms, 99), Duration::from_millis(99));
        assert_eq!(percentile(&ms[..1], 99), Duration::from_millis(1));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}
