//! Debian's Orthanc with its DICOMweb plug-in, in a folder of its own, for as long as it is measured. Its files are synced as
//! ours are (`SyncStorageArea`); it authenticates nobody and audits nothing.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::super::http::Client;
use super::Server;
use crate::prerequisites::{ORTHANC, ORTHANC_DICOMWEB, packages};

const PROGRAM: &str = "/usr/sbin/Orthanc";
const PLUGIN: &str = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so";
const TITLE: &str = "ORTHANC";

/// Ends when dropped.
pub struct Peer {
    child: Child,
    web: u16,
    dicom: u16,
    _temp: tempfile::TempDir,
}

/// Whether it can be measured; installs it where that is allowed.
pub fn is_there() -> bool {
    packages(&[ORTHANC, ORTHANC_DICOMWEB]).is_empty()
}

/// As the package calls itself.
pub fn version() -> String {
    let output = Command::new(PROGRAM).arg("--version").output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned());
    let text = text.unwrap_or_default();
    text.lines().next().unwrap_or("Orthanc").trim().to_owned()
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Peer {
    pub fn start() -> Result<Self> {
        let temp = tempfile::tempdir()?;
        let (web, dicom) = (free_port()?, free_port()?);
        let configuration = json!({
            "Name": "peer",
            "StorageDirectory": temp.path(),
            "IndexDirectory": temp.path(),
            "SyncStorageArea": true,
            "Plugins": [PLUGIN],
            "HttpPort": web,
            "AuthenticationEnabled": false,
            "RemoteAccessAllowed": false,
            "HttpThreadsCount": 50,
            "KeepAlive": true,
            "TcpNoDelay": true,
            "DicomPort": dicom,
            "DicomAet": TITLE,
            "DicomWeb": {"Enable": true, "Root": "/dicom-web/"},
        });
        let file = temp.path().join("orthanc.json");
        std::fs::write(&file, configuration.to_string())?;
        let child = command(&file).spawn().context("cannot start Orthanc")?;
        let peer = Self {
            child,
            web,
            dicom,
            _temp: temp,
        };
        let (began, base) = (Instant::now(), peer.base());
        loop {
            let answer = Client::connect(&base)
                .and_then(|mut client| client.get("/dicom-web/studies?limit=1"));
            if answer.is_ok_and(|a| a.status == 200) {
                return Ok(peer);
            }
            ensure!(
                began.elapsed() < Duration::from_secs(60),
                "Orthanc does not answer"
            );
            std::thread::yield_now();
        }
    }

    fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.web)
    }

    pub fn server(&self) -> Server {
        Server {
            name: "Orthanc",
            base: self.base(),
            prefix: "/dicom-web".into(),
            token: None,
            dicom: format!("127.0.0.1:{}", self.dicom),
            called: TITLE,
            pid: self.child.id(),
        }
    }
}

/// Without `TCP_NODELAY` its DICOM library lets answers of a few bytes wait for more to say.
fn command(configuration: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .arg(configuration)
        .env("TCP_NODELAY", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
