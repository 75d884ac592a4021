//! A running Karez for measuring: release build, a folder and a port of its own.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::process::target_dir;

/// Ends when dropped.
pub struct Node {
    child: Child,
    pub base: String,
    data: tempfile::TempDir,
}

/// What is measured: the release build, or what `KAREZ_BIN` names.
fn binary() -> PathBuf {
    std::env::var_os("KAREZ_BIN").map_or_else(|| target_dir().join("release/karez"), PathBuf::from)
}

impl Node {
    /// `karez demo` on a free port, ready.
    pub fn demo() -> Result<Self> {
        Self::start("demo")
    }

    fn start(command: &str) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let mut child = Command::new(binary())
            .arg(command)
            .arg("--data")
            .arg(data.path())
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start karez")?;
        let stdout = child.stdout.take().context("no standard output")?;
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            let ready: Option<serde_json::Value> = serde_json::from_str(&line).ok();
            if let Some(base) = ready.as_ref().and_then(|r| r["base"].as_str()) {
                return Ok(Self {
                    base: base.to_owned(),
                    child,
                    data,
                });
            }
        }
        let status = child.wait()?;
        bail!("karez {command} ended with {status} before it was ready");
    }

    /// A bearer token for scripts.
    pub fn token(&self, hospital: &str, role: &str) -> Result<String> {
        let output = Command::new(binary())
            .args([
                "admin",
                "token",
                "--hospital",
                hospital,
                "--role",
                role,
                "--data",
            ])
            .arg(self.data.path())
            .output()?;
        ensure!(
            output.status.success(),
            "karez admin token: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Resident memory, MiB (`VmRSS` of Linux); none elsewhere.
    pub fn resident_mib(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|l| l.starts_with("VmRSS:"))?;
        let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib / 1024.0)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
