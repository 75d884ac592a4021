//! A running server for measuring: release build, a folder and a port of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::process::target_dir;

/// Ends when dropped.
pub struct Node {
    child: Child,
    pub base: String,
    /// Address and port of the DICOM listener, if there is one.
    pub dicom: Option<String>,
    data: PathBuf,
    /// What it was told beside the command line; its command line tools need it too.
    env: Vec<(String, String)>,
    _temp: Option<tempfile::TempDir>,
    /// From its start until it said that it was ready.
    pub start: Duration,
}

/// What is measured: the release build, or what `KAREZ_BIN` names.
fn binary() -> PathBuf {
    std::env::var_os("KAREZ_BIN").map_or_else(|| target_dir().join("release/karez"), PathBuf::from)
}

impl Node {
    /// `karez demo` on a free port, ready.
    pub fn demo() -> Result<Self> {
        let temp = tempfile::tempdir()?;
        let mut node = Self::start("demo", temp.path(), &[])?;
        node._temp = Some(temp);
        Ok(node)
    }

    /// `karez serve` over a folder. `env` are further keys of the configuration.
    pub fn serve(data: &Path, env: &[(String, String)]) -> Result<Self> {
        Self::start("serve", data, env)
    }

    fn start(command: &str, data: &Path, env: &[(String, String)]) -> Result<Self> {
        let began = Instant::now();
        let mut child = Command::new(binary())
            .arg(command)
            .arg("--data")
            .arg(data)
            .args(["--listen", "127.0.0.1:0"])
            .envs(env.iter().map(|(k, v)| (k, v)))
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
                    dicom: ready
                        .as_ref()
                        .and_then(|r| r["dicom"].as_str().map(str::to_owned)),
                    child,
                    data: data.to_owned(),
                    env: env.to_vec(),
                    _temp: None,
                    start: began.elapsed(),
                });
            }
        }
        let status = child.wait()?;
        bail!("karez {command} ended with {status} before it was ready");
    }

    /// Founds a hospital in a folder that nobody serves.
    pub fn found(data: &Path, hospital: &str, env: &[(String, String)]) -> Result<()> {
        let place = [
            "--name",
            hospital,
            "--country",
            "KZ",
            "--zone",
            "Asia/Almaty",
        ];
        let mut arguments = vec!["hospital", "add", hospital];
        arguments.extend(place);
        Self::admin(data, &arguments, env).map(drop)
    }

    /// `karez admin` over a folder; what it prints.
    pub fn admin(data: &Path, arguments: &[&str], env: &[(String, String)]) -> Result<String> {
        let output = Command::new(binary())
            .arg("admin")
            .args(arguments)
            .arg("--data")
            .arg(data)
            .envs(env.iter().map(|(k, v)| (k, v)))
            .output()?;
        ensure!(
            output.status.success(),
            "karez admin {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// A bearer token for scripts.
    pub fn token(&self, hospital: &str, role: &str) -> Result<String> {
        let arguments = [
            "token",
            "--minutes",
            "720",
            "--hospital",
            hospital,
            "--role",
            role,
        ];
        Self::admin(&self.data, &arguments, &self.env)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory, MiB.
    pub fn resident_mib(&self) -> Option<f64> {
        resident_mib(self.pid())
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill")
            .args(["-TERM", &self.pid().to_string()])
            .status()?;
        ensure!(asked.success(), "kill: {asked}");
        self.child.wait()?;
        Ok(())
    }
}

/// Resident memory of a process, MiB (`VmRSS` of Linux); none elsewhere.
pub fn resident_mib(pid: u32) -> Option<f64> {
    memory_mib(pid, "VmRSS:")
}

/// The most resident memory a process has had since it began or was [forgotten](forget_peak), MiB.
pub fn peak_mib(pid: u32) -> Option<f64> {
    memory_mib(pid, "VmHWM:")
}

/// Begins to watch for the most resident memory anew.
pub fn forget_peak(pid: u32) -> Result<()> {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").context("clear_refs")
}

fn memory_mib(pid: u32, what: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|l| l.starts_with(what))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

/// Processor time of a process in user and system mode (`/proc/PID/stat` of Linux, in hundredths of a second); none
/// elsewhere.
pub fn processor_time(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold blanks; utime and stime are the 14th and 15th field.
    let mut rest = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let mut ticks = || rest.next()?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks()? + ticks()?)))
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
