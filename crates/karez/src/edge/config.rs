//! What an edge is told: section `[edge]` of its own configuration file, or `KAREZ_EDGE_…` variables.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use edge::{Address, Rate, Schedule};
use jiff::tz::TimeZone;

use crate::config::{ConfigError, Key, Values};

const KEYS: &[Key] = &[
    Key::text(
        "edge.name",
        "",
        "Name of this edge as the centre lists it: letters, digits, - and . only. Needed.",
    ),
    Key::text(
        "edge.folder",
        "edge",
        "Folder of the spool and the keys. On a disk with room for what scanners make while the line is cut.",
    ),
    Key::text(
        "edge.centre",
        "",
        "Address of the centre: https://karez.example. Needed.",
    ),
    Key::text(
        "edge.centre_ca",
        "",
        "File with further certificates (PEM) that the centre's own may come from.",
    ),
    Key::text(
        "edge.hospital",
        "",
        "The hospital whose images these are. Needed.",
    ),
    Key::text(
        "edge.client",
        "",
        "The client_id that the centre gave this edge: `karez edge key` prints the key to register there. Needed.",
    ),
    Key::text(
        "edge.listen",
        "0.0.0.0:11112",
        "Where scanners connect (DICOM).",
    ),
    Key::text(
        "edge.title",
        "KAREZEDGE",
        "Application entity title of this edge.",
    ),
    Key::text(
        "edge.peers",
        "",
        "Titles of scanners that may send, separated by commas. Empty: whoever reaches the port.",
    ),
    Key::text(
        "edge.urgent_peers",
        "",
        "Titles whose studies always go first, separated by commas: the emergency department's scanner.",
    ),
    Key::text(
        "edge.certificate",
        "",
        "Certificate (PEM) for an encrypted line to the scanners.",
    ),
    Key::text("edge.key", "", "Its key (PEM)."),
    Key::text(
        "edge.status",
        "127.0.0.1:8112",
        "Where the status page is. Whoever reaches it can say which study goes first; it names no patients.",
    ),
    Key::text(
        "edge.zone",
        "UTC",
        "Zone of the hours in edge.windows, as Asia/Urumqi.",
    ),
    Key::text(
        "edge.windows",
        "",
        "How fast the line may be used when: `mon-fri 08:00-18:30 2 Mbit/s; 12:00-13:00 closed`. The first window\n\
         that holds decides.",
    ),
    Key::text(
        "edge.otherwise",
        "free",
        "Outside the windows: a rate, free or closed.",
    ),
    Key::text(
        "edge.urgent_too",
        "false",
        "true: the windows hold for urgent studies too. false: those leave as fast as they can.",
    ),
    Key::text(
        "edge.compress",
        "true",
        "true: pixels that came uncompressed leave as JPEG-LS without loss, where that is smaller.",
    ),
];

/// Everything an edge is told.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    pub name: String,
    pub folder: PathBuf,
    pub centre: Address,
    pub centre_ca: Option<PathBuf>,
    pub listen: SocketAddr,
    pub title: String,
    pub peers: Vec<String>,
    pub urgent_peers: Vec<String>,
    pub tls: Option<(PathBuf, PathBuf)>,
    pub status: SocketAddr,
    pub schedule: Schedule,
    pub compress: bool,
}

fn values(file: Option<&Path>) -> Result<Values, ConfigError> {
    let mut values = Values::new(KEYS.iter().collect());
    if let Some(file) = file {
        values.read_file(file)?;
    }
    values.read_environment(std::env::vars())?;
    Ok(values)
}

/// The folder alone: for printing the key before the centre knows the edge.
pub fn folder(file: Option<&Path>) -> Result<PathBuf, ConfigError> {
    Ok(values(file)?.text("edge.folder").into())
}

impl EdgeConfig {
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::read(&values(file)?)
    }

    fn read(v: &Values) -> Result<Self, ConfigError> {
        let needed = |key: &str| {
            v.some(key)
                .ok_or_else(|| ConfigError::value(key, "is needed"))
        };
        let tls = match (v.some("edge.certificate"), v.some("edge.key")) {
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            (None, None) => None,
            _ => {
                return Err(ConfigError::value(
                    "edge.key",
                    "certificate and key come together",
                ));
            }
        };
        let name = needed("edge.name")?;
        kernel::ResourceId::new(&name)
            .map_err(|e| ConfigError::value("edge.name", e.to_string()))?;
        let url = needed("edge.centre")?;
        if !url.starts_with("https://") && !is_this_machine(&url) {
            return Err(ConfigError::value(
                "edge.centre",
                "begins with https:// unless the centre is on this machine",
            ));
        }
        Ok(Self {
            name,
            folder: v.text("edge.folder").into(),
            centre: Address {
                url,
                hospital: needed("edge.hospital")?,
                client: needed("edge.client")?,
            },
            centre_ca: v.some("edge.centre_ca").map(Into::into),
            listen: v.parse("edge.listen")?,
            title: v.text("edge.title").to_owned(),
            peers: v.list("edge.peers"),
            urgent_peers: v.list("edge.urgent_peers"),
            tls,
            status: v.parse("edge.status")?,
            schedule: schedule(v)?,
            compress: v.parse("edge.compress")?,
        })
    }

    /// The keys, what they mean and what they are when nobody sets them.
    pub fn explain() -> String {
        crate::config::explain(KEYS)
    }
}

fn schedule(v: &Values) -> Result<Schedule, ConfigError> {
    let zone = v.text("edge.zone");
    Ok(Schedule {
        zone: TimeZone::get(zone)
            .map_err(|_| ConfigError::value("edge.zone", format!("there is no zone {zone}")))?,
        windows: Schedule::windows(v.text("edge.windows"))
            .map_err(|e| ConfigError::value("edge.windows", e.to_string()))?,
        otherwise: Rate::parse(v.text("edge.otherwise")).ok_or_else(|| {
            ConfigError::value("edge.otherwise", "is a rate (2 Mbit/s), free or closed")
        })?,
        urgent_too: v.parse("edge.urgent_too")?,
    })
}

/// Plain HTTP stays on this machine.
fn is_this_machine(url: &str) -> bool {
    ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"]
        .iter()
        .any(|start| url.starts_with(start))
}
