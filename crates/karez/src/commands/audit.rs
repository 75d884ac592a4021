//! `karez audit verify`: recomputes every chain from its first entry and holds it against the signed checkpoints.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::bail;
use app::audit::ChainVerdict;
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
    let only = hospital.map(HospitalId::new).transpose()?;
    let node = Node::open(&config, "").await?;
    let verdicts = verdicts(&node).await;
    node.app.close().await;
    let mut verdicts = verdicts?;
    if let Some(only) = only {
        verdicts.retain(|v| v.report.chain == only);
        if verdicts.is_empty() {
            bail!("hospital: {only} is not on this node");
        }
    }
    let mut out = std::io::stdout().lock();
    for verdict in &verdicts {
        writeln!(out, "{}", line(verdict))?;
    }
    Ok(if verdicts.iter().all(ChainVerdict::is_sound) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Every hospital's chain with its checkpoints, then the node's own, which nobody else signs for.
async fn verdicts(node: &Node) -> anyhow::Result<Vec<ChainVerdict>> {
    let mut all = node.app.verify_audit().await?;
    let permit = Permit::system(SystemPurpose::Audit, SystemClock.now());
    let network = HospitalId::network();
    let own = node.store.verify_chain(&permit, &network);
    all.push(ChainVerdict {
        report: own.await?,
        checkpoints: 0,
        contradicts: None,
    });
    Ok(all)
}

fn line(verdict: &ChainVerdict) -> String {
    let (chain, entries) = (&verdict.report.chain, verdict.report.entries);
    if let Some(at) = verdict.report.broken_at {
        return format!("{chain}: broken at entry {at} of {entries}");
    }
    if let Some((keeper, number)) = &verdict.contradicts {
        return format!(
            "{chain}: does not meet the checkpoint at entry {number} that {keeper} keeps"
        );
    }
    let head: String = verdict
        .report
        .head
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    format!(
        "{chain}: {entries} entries, whole, {} checkpoints met, head {head}",
        verdict.checkpoints
    )
}
