//! `karez verify FILE`: every check of a sealed opinion, in words. Works anywhere, without data folder or network.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use seal::verify::Outcome;
use seal::{Jwks, Report, SealedFile, Trust, Verdict};

/// Longest file that is read, bytes: a document with its whole record, in base64.
const FILE_BYTES_MAX: u64 = 256 << 20;

#[derive(Debug, Args)]
pub struct Verify {
    /// The sealed file
    file: PathBuf,
    /// The sealing hospital's public keys (a JSON web key set), from a place you trust. Without them the keys inside
    /// the file are used: that shows only that nothing was changed since it was sealed
    #[arg(long, value_name = "JWKS")]
    keys: Option<PathBuf>,
    /// A newer revocation list of that hospital (CRL, DER)
    #[arg(long, value_name = "CRL", requires = "keys")]
    revocations: Option<PathBuf>,
    /// A time-stamp token over its signature that was got after sealing (RFC 3161, DER)
    #[arg(long, value_name = "TOKEN")]
    time_stamp: Option<PathBuf>,
    /// Certificates of the time-stamping authorities you trust (PEM)
    #[arg(long, value_name = "PEM", requires = "keys")]
    time_roots: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Prints the report. Success only if nothing was refused.
pub fn run(ask: &Verify) -> anyhow::Result<ExitCode> {
    let bytes = read(&ask.file)?;
    let trust = match &ask.keys {
        Some(keys) => Some(trust(&bytes, keys, ask)?),
        None => None,
    };
    let later = ask.time_stamp.as_ref().map(read).transpose()?;
    let report = seal::verify_with(&bytes, trust.as_ref(), later.as_deref());
    let mut out = std::io::stdout().lock();
    if ask.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        out.write_all(words(&report).as_bytes())?;
    }
    Ok(match report.verdict {
        Verdict::Refused => ExitCode::FAILURE,
        Verdict::Genuine | Verdict::UnalteredOnly => ExitCode::SUCCESS,
    })
}

fn read(path: &PathBuf) -> anyhow::Result<Vec<u8>> {
    let name = path.display();
    let size = std::fs::metadata(path)
        .with_context(|| format!("{name}"))?
        .len();
    anyhow::ensure!(
        size <= FILE_BYTES_MAX,
        "{name} is larger than any sealed file"
    );
    std::fs::read(path).with_context(|| format!("{name}"))
}

/// The given keys, for the hospital the file names; whether they are that hospital's is what the caller vouches for.
fn trust(file: &[u8], keys: &PathBuf, ask: &Verify) -> anyhow::Result<Trust> {
    let keys: Jwks = serde_json::from_slice(&read(keys)?).context("the key set cannot be read")?;
    let mut trust = Trust::default();
    if let Some(roots) = &ask.time_roots {
        trust.time_roots = crate::config::certificates("--time-roots", &roots.to_string_lossy())?;
    }
    if let Ok(hospital) = SealedFile::parse(file).and_then(|f| f.claimed_hospital()) {
        if let Some(list) = &ask.revocations {
            trust.revocations.insert(hospital.clone(), read(list)?);
        }
        trust.keys.insert(hospital, keys);
    }
    Ok(trust)
}

fn words(report: &Report) -> String {
    let mut out = String::new();
    for check in &report.checks {
        let word = match check.outcome {
            Outcome::Passed => "passed",
            Outcome::Unanchored => "on the file's word",
            Outcome::Failed => "FAILED",
            Outcome::NotReached => "not examined",
        };
        out += &format!("{:<13} {word:<19} {}\n", check.id.as_str(), check.words);
    }
    out.push('\n');
    out += match report.verdict {
        Verdict::Genuine => "Genuine: signed and sealed as stated, under the keys you gave.\n",
        Verdict::UnalteredOnly => {
            "Unaltered since it was sealed. That the key is the hospital's, only the file says: \
             give --keys to be sure.\n"
        }
        Verdict::Refused => "Refused.\n",
    };
    if let Some(f) = &report.facts {
        let licence = f.licence.as_deref().unwrap_or("not stated");
        out += &format!(
            "Signed {} by {}, licence {licence}, {}.\nDocument: {}, SHA-256 {} (base64url).\n",
            f.signed_at, f.signer, f.hospital_name, f.content_type, f.document_digest
        );
        out += &match (&f.time_authority, f.stamped_at) {
            (Some(by), Some(at)) if f.stamped_later => {
                format!("Time: stated by the hospital; {by} confirms that it existed on {at}.\n")
            }
            (Some(by), Some(at)) => format!("Time: confirmed by {by}, {at}.\n"),
            _ => "Time: stated by the hospital alone.\n".into(),
        };
    }
    out
}
