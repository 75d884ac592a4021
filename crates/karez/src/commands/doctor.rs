//! `karez doctor`: checks what a node stands on, each on a line of its own.

use std::io::Write as _;
use std::net::ToSocketAddrs as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use kernel::{Clock as _, HospitalId, Instant, SystemClock};

use crate::cli::Place;
use crate::config::{Config, TlsMode};
use crate::node::{self, Node};

/// No clock of a working machine is before this: 2026-01-01T00:00:00Z.
const CLOCK_FLOOR_S: i64 = 1_767_225_600;
/// A certificate that ends sooner is named, days.
const CERTIFICATE_DAYS_MIN: i64 = 14;
const MAIL_TIMEOUT: Duration = Duration::from_secs(5);

/// What one check found.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    check: &'static str,
    ok: bool,
    detail: String,
}

fn finding(check: &'static str, ok: bool, detail: impl Into<String>) -> Finding {
    Finding {
        check,
        ok,
        detail: detail.into(),
    }
}

/// Prints every finding; fails when one is not well.
pub async fn run(place: &Place) -> anyhow::Result<ExitCode> {
    let mut all = Vec::new();
    match place.load() {
        Err(e) => all.push(finding("configuration", false, format!("{e:#}"))),
        Ok(config) => {
            all.push(finding("configuration", true, "can be read"));
            all.push(node_key(&config));
            all.push(clock(SystemClock.now()));
            all.push(certificate(&config, SystemClock.now()));
            all.push(mail(&config));
            all.extend(store(&config).await);
        }
    }
    let mut out = std::io::stdout().lock();
    for f in &all {
        let word = if f.ok { "ok  " } else { "FAIL" };
        writeln!(out, "{word}  {:<16} {}", f.check, f.detail)?;
    }
    Ok(if all.iter().all(|f| f.ok) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn node_key(config: &Config) -> Finding {
    let path = node::node_key_path(&config.data);
    if config.data.node_key.is_none() && !path.exists() {
        let fresh = !config.data.dir.join("karez.db").exists();
        let detail = if fresh {
            "none yet; the first start makes one"
        } else {
            "missing: the data cannot be opened without it"
        };
        return finding("node-key", fresh, detail);
    }
    match node::node_key(&config.data) {
        Err(e) => finding("node-key", false, format!("{e:#}")),
        Ok(_) => match open_to_others(&path) {
            Some(mode) if config.data.node_key.is_none() => finding(
                "node-key",
                false,
                format!("{} has mode {mode:o}; chmod 600", path.display()),
            ),
            _ => finding("node-key", true, "can be read, by its owner alone"),
        },
    }
}

/// The mode of a file that others may read; none when nobody may.
#[cfg(unix)]
fn open_to_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> Option<u32> {
    None
}

fn clock(now: Instant) -> Finding {
    finding(
        "clock",
        now.as_second() >= CLOCK_FLOOR_S,
        format!("it is {now}"),
    )
}

fn certificate(config: &Config, now: Instant) -> Finding {
    let path = match config.tls.mode {
        TlsMode::Off => return finding("certificate", true, "plain HTTP on loopback"),
        TlsMode::Files => config.tls.certificate_file.clone().unwrap_or_default(),
        TlsMode::SelfSigned => config.data.dir.join("tls.crt"),
    };
    if config.tls.mode == TlsMode::SelfSigned && !path.exists() {
        return finding("certificate", true, "self-signed; the first start makes it");
    }
    match days_left(&path, now) {
        Err(e) => finding("certificate", false, format!("{}: {e}", path.display())),
        Ok(days) => finding(
            "certificate",
            days >= CERTIFICATE_DAYS_MIN,
            format!("valid for {days} days"),
        ),
    }
}

fn days_left(path: &Path, now: Instant) -> Result<i64, String> {
    let pem = std::fs::read(path).map_err(|e| e.to_string())?;
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).map_err(|_| "not PEM".to_owned())?;
    let certificate = pem
        .parse_x509()
        .map_err(|_| "not a certificate".to_owned())?;
    let until = certificate.validity().not_after.timestamp();
    Ok((until - now.as_second()) / 86_400)
}

/// Whether the relay answers at all; nothing is sent.
fn mail(config: &Config) -> Finding {
    let Some(mail) = &config.mail else {
        return finding("mail", true, "no relay is set; notices stay in the pages");
    };
    let name = format!("{}:{}", mail.host, mail.port);
    let address = match name.to_socket_addrs().map(|mut all| all.next()) {
        Ok(Some(address)) => address,
        Ok(None) => return finding("mail", false, format!("{name} has no address")),
        Err(e) => return finding("mail", false, format!("{name}: {e}")),
    };
    match std::net::TcpStream::connect_timeout(&address, MAIL_TIMEOUT) {
        Ok(_) => finding("mail", true, format!("{name} answers")),
        Err(e) => finding("mail", false, format!("{name}: {e}")),
    }
}

async fn store(config: &Config) -> Vec<Finding> {
    if config.store.postgres.is_none() && !config.data.dir.join("karez.db").exists() {
        return vec![finding("store", true, "no data yet")];
    }
    let node = match Node::open(config, "").await {
        Ok(node) => node,
        Err(e) => return vec![finding("store", false, format!("{e:#}"))],
    };
    let mut all: Vec<Finding> = node
        .store
        .diagnose()
        .await
        .into_iter()
        .map(|f| finding(f.check, f.ok, f.detail))
        .collect();
    for hospital in node.app.all_hospitals() {
        if let Err(e) = node.app.hospital_signer(&hospital.id).await {
            all.push(finding(
                "signing-key",
                false,
                format!("{}: {e}", hospital.id),
            ));
        }
    }
    let hospitals = node.app.all_hospitals().len();
    let operators = node.app.people_at(&HospitalId::network(), None).await;
    let operators = operators.map_or(0, |all| all.len());
    all.push(finding(
        "hospitals",
        true,
        format!("{hospitals} hospitals, {operators} operators"),
    ));
    node.app.close().await;
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_is_found() {
        assert!(!clock(Instant::UNIX_EPOCH).ok);
        assert!(clock(Instant::from_second(1_800_000_000).unwrap()).ok);
    }

    #[test]
    fn a_certificate_near_its_end_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tls.crt");
        let made = rcgen::generate_simple_self_signed(vec!["karez.example".into()]).unwrap();
        std::fs::write(&path, made.cert.pem()).unwrap();
        let now = Instant::from_second(1_800_000_000).unwrap();
        let days = days_left(&path, now).unwrap();
        let near_end = Instant::from_second(1_800_000_000 + (days - 3) * 86_400).unwrap();
        assert_eq!(days_left(&path, near_end).unwrap(), 3);
        std::fs::write(&path, "nothing").unwrap();
        assert!(days_left(&path, now).is_err());
    }
}
