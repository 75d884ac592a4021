//! The DICOM network door.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use gateway::dimse::Patience;

use super::values::{ConfigError, Key, Values};

pub const DICOM: &[Key] = &[
    Key::text(
        "dicom.listen",
        "",
        "Address and port of the DICOM listener, as 0.0.0.0:11112. Port 0 takes any free one. When empty nothing listens:\n\
         images then come by DICOMweb alone. Which entities may connect, each hospital says itself.",
    ),
    Key::text(
        "dicom.tls",
        "auto",
        "auto: plain on loopback, encrypted elsewhere. on: encrypted (PS3.15 annex B), every peer is asked for a certificate.\n\
         off: plain, for devices that know no other way, in a network of their own; entities are then known by address alone.",
    ),
    Key::text(
        "dicom.certificate_file",
        "",
        "PEM file with the listener's certificate chain. When empty: the certificate of [tls].",
    ),
    Key::text(
        "dicom.key_file",
        "",
        "PEM file with the private key of dicom.certificate_file.",
    ),
    Key::text(
        "dicom.authorities_file",
        "",
        "PEM file with the authorities that certificates of entities we connect to must lead to. When empty: this machine's.",
    ),
    Key::number(
        "dicom.associations_max",
        "64",
        "Associations open at once. 1 to 10000.",
    ),
    Key::number(
        "dicom.per_address_max",
        "16",
        "Associations open at once from one address. 1 to 10000.",
    ),
    Key::number(
        "dicom.unit_kb",
        "128",
        "Largest data unit (PDU) that is taken, in KiB. 4 to 1024.",
    ),
    Key::number(
        "dicom.idle_s",
        "120",
        "Seconds that a peer may be silent between messages. 1 to 3600.",
    ),
    Key::number(
        "dicom.message_s",
        "600",
        "Seconds that one message may take from its first byte to its last. 1 to 86400.",
    ),
    Key::number(
        "dicom.object_mb_max",
        "1024",
        "Largest object that is taken, in MiB, by DICOM and DICOMweb. 1 to 1024.",
    ),
    Key::number(
        "dicom.memory_mb",
        "512",
        "Memory for objects on their way in and out, in MiB; what finds no room waits or is refused. An object takes\n\
         at most 8 of it while it comes in, and less while it is sent as it is. 16 to 1048576.",
    ),
];

/// How images come in and out.
#[derive(Debug, Clone)]
pub struct Dicom {
    /// None: no listener.
    pub listen: Option<SocketAddr>,
    pub tls: bool,
    pub certificate_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    pub authorities_file: Option<PathBuf>,
    pub associations_max: usize,
    pub per_address_max: usize,
    pub unit_bytes: u32,
    pub patience: Patience,
    pub object_bytes_max: usize,
    pub memory_mib: usize,
}

impl Dicom {
    pub(super) fn read(v: &Values) -> Result<Self, ConfigError> {
        let listen = match v.some("dicom.listen") {
            None => None,
            Some(text) => Some(
                text.parse::<SocketAddr>()
                    .map_err(|_| ConfigError::value("dicom.listen", "not an address and port"))?,
            ),
        };
        let tls = match v.text("dicom.tls") {
            "auto" => listen.is_some_and(|a| !a.ip().is_loopback()),
            "on" => true,
            "off" => false,
            other => {
                let why = format!("{other:?} is not one of auto, on, off");
                return Err(ConfigError::value("dicom.tls", why));
            }
        };
        let file = |key| -> Result<Option<PathBuf>, ConfigError> {
            match v.some(key).map(PathBuf::from) {
                Some(f) if !f.is_file() => {
                    let why = format!("{} is not a file", f.display());
                    Err(ConfigError::value(key, why))
                }
                found => Ok(found),
            }
        };
        let certificate_file = file("dicom.certificate_file")?;
        let key_file = file("dicom.key_file")?;
        if certificate_file.is_some() != key_file.is_some() {
            let why = "certificate and key are set together";
            return Err(ConfigError::value("dicom.key_file", why));
        }
        let whole = |key, least, most| -> Result<usize, ConfigError> {
            let n = v.number(key, least, most)?;
            usize::try_from(n).map_err(|_| ConfigError::value(key, "too large for this machine"))
        };
        let seconds = |key, most| v.number(key, 1, most).map(Duration::from_secs);
        let object_mib = whole("dicom.object_mb_max", 1, 1024)?;
        let memory_mib = whole("dicom.memory_mb", 16, 1 << 20)?;
        let unit_kib = v.number("dicom.unit_kb", 4, 1024)?;
        Ok(Self {
            listen,
            tls,
            certificate_file,
            key_file,
            authorities_file: file("dicom.authorities_file")?,
            associations_max: whole("dicom.associations_max", 1, 10_000)?,
            per_address_max: whole("dicom.per_address_max", 1, 10_000)?,
            unit_bytes: u32::try_from(unit_kib << 10).unwrap_or(128 << 10),
            patience: Patience {
                idle: seconds("dicom.idle_s", 3600)?,
                message: seconds("dicom.message_s", 86_400)?,
            },
            object_bytes_max: object_mib << 20,
            memory_mib,
        })
    }
}
