//! `karez audit verify`: recomputes every chain from its first entry.

use std::io::Write as _;
use std::process::ExitCode;

use app::{Permit, SystemPurpose};
use clap::Subcommand;
use kernel::{Clock as _, HospitalId, SystemClock};

use crate::config::Config;
use crate::node::Node;

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Verify the chain of every hospital, and of the node itself
    Verify {
        /// Only this hospital's chain
        #[arg(long)]
        hospital: Option<String>,
    },
}

pub async fn run(config: Config, what: Audit) -> anyhow::Result<ExitCode> {
    let Audit::Verify { hospital } = what;
    let node = Node::open(&config, "").await?;
    let chains = match hospital {
        Some(slug) => vec![HospitalId::new(slug)?],
        None => {
            let mut all: Vec<HospitalId> = node
                .app
                .all_hospitals()
                .iter()
                .map(|h| h.id.clone())
                .collect();
            all.push(HospitalId::network());
            all
        }
    };
    let permit = Permit::system(SystemPurpose::Audit, SystemClock.now());
    let mut broken = 0;
    let mut out = std::io::stdout().lock();
    for chain in chains {
        let report = node.store.verify_chain(&permit, &chain).await?;
        match report.broken_at {
            None => {
                let head: String = report.head.iter().map(|b| format!("{b:02x}")).collect();
                writeln!(
                    out,
                    "{chain}: {} entries, whole, head {head}",
                    report.entries
                )?;
            }
            Some(at) => {
                broken += 1;
                writeln!(out, "{chain}: broken at entry {at} of {}", report.entries)?;
            }
        }
    }
    node.app.close().await;
    Ok(if broken == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
