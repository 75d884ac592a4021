//! `karez conformance`: statements about what this node does, written from the code.

use std::io::Write as _;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Conformance {
    /// Print the DICOM conformance statement as Markdown
    Dicom,
}

pub fn run(what: &Conformance) -> anyhow::Result<()> {
    let text = match what {
        Conformance::Dicom => gateway::dimse::conformance::statement(),
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}
