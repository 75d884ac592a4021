//! One struct per concern, with its keys.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use app::Role;
use app::settings::TimeStamping;
use kernel::Phi;

use super::values::{ConfigError, Key, Values};

pub const SERVER: &[Key] = &[
    Key::text(
        "server.listen",
        "127.0.0.1:8080",
        "Address and port to listen on. Port 0 takes any free one.",
    ),
    Key::text(
        "server.public_url",
        "",
        "Address under which browsers and partners reach this node, as https://karez.example.\n\
         When empty it follows from server.listen. Links, FHIR references and token audiences carry it.",
    ),
    Key::number(
        "server.request_timeout_s",
        "60",
        "Seconds until a request that has not been answered is given up (503). 1 to 3600.",
    ),
    Key::number(
        "server.shutdown_grace_s",
        "30",
        "Seconds that accepted requests have to finish after SIGTERM or SIGINT. 1 to 600.",
    ),
    Key::text(
        "server.trusted_proxies",
        "",
        "Addresses of reverse proxies, separated by commas, whose X-Forwarded-For is believed.",
    ),
    Key::text(
        "server.outbound_private",
        "false",
        "true: hospitals may name addresses of private networks, and plain HTTP there, for their sign-in provider and\n\
         webhooks. false: public addresses by HTTPS alone, so that nobody reaches through this node what only it can reach.",
    ),
];

/// Where requests come in.
#[derive(Debug, Clone)]
pub struct Server {
    pub listen: SocketAddr,
    pub public_url: Option<String>,
    pub request_timeout: Duration,
    pub shutdown_grace: Duration,
    pub trusted_proxies: Vec<IpAddr>,
    pub outbound_private: bool,
}

impl Server {
    pub(super) fn read(v: &Values) -> Result<Self, ConfigError> {
        let public_url = v.some("server.public_url");
        if let Some(url) = &public_url {
            let right = (url.starts_with("https://") || url.starts_with("http://"))
                && !url.ends_with('/')
                && url.split('/').count() == 3;
            if !right {
                return Err(ConfigError::value(
                    "server.public_url",
                    "scheme and host are expected, without path or trailing slash",
                ));
            }
        }
        let trusted_proxies = v
            .list("server.trusted_proxies")
            .iter()
            .map(|p| {
                p.parse().map_err(|_| {
                    ConfigError::value(
                        "server.trusted_proxies",
                        format!("{p} is not an IP address"),
                    )
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            listen: v
                .parse("server.listen")
                .map_err(|_| ConfigError::value("server.listen", "not an address and port"))?,
            public_url,
            request_timeout: Duration::from_secs(v.number("server.request_timeout_s", 1, 3600)?),
            shutdown_grace: Duration::from_secs(v.number("server.shutdown_grace_s", 1, 600)?),
            trusted_proxies,
            outbound_private: v.parse("server.outbound_private").map_err(|_| {
                ConfigError::value("server.outbound_private", "true or false is expected")
            })?,
        })
    }
}

pub const TLS: &[Key] = &[
    Key::text(
        "tls.mode",
        "auto",
        "auto: plain HTTP on loopback, self-signed elsewhere. off: plain HTTP, on loopback alone.\n\
         self-signed: a certificate made on first start and kept in the data folder. files: your own.",
    ),
    Key::text(
        "tls.certificate_file",
        "",
        "PEM file with the certificate chain, for mode files.",
    ),
    Key::text(
        "tls.key_file",
        "",
        "PEM file with the private key, for mode files.",
    ),
    Key::text(
        "tls.client_certificates",
        "off",
        "ask: machine clients may prove themselves by a certificate (RFC 8705). Browsers that hold certificates then ask\n\
         their users for one. off: nobody is asked. Behind a proxy that ends the encrypted line, leave it off.",
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    Off,
    SelfSigned,
    Files,
}

/// How the line is encrypted.
#[derive(Debug, Clone)]
pub struct Tls {
    pub mode: TlsMode,
    pub certificate_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    /// Clients are asked for a certificate of their own.
    pub client_certificates: bool,
}

impl Tls {
    pub(super) fn read(v: &Values) -> Result<Self, ConfigError> {
        let loopback = v
            .parse::<SocketAddr>("server.listen")
            .is_ok_and(|a| a.ip().is_loopback());
        let certificate_file = v.some("tls.certificate_file").map(PathBuf::from);
        let key_file = v.some("tls.key_file").map(PathBuf::from);
        let client_certificates = match v.text("tls.client_certificates") {
            "off" => false,
            "ask" => true,
            other => {
                let why = format!("{other:?} is neither off nor ask");
                return Err(ConfigError::value("tls.client_certificates", why));
            }
        };
        let mode = match v.text("tls.mode") {
            "auto" if certificate_file.is_some() => TlsMode::Files,
            "auto" if loopback => TlsMode::Off,
            "auto" | "self-signed" => TlsMode::SelfSigned,
            "off" => TlsMode::Off,
            "files" => TlsMode::Files,
            other => {
                let why = format!("{other:?} is not one of auto, off, self-signed, files");
                return Err(ConfigError::value("tls.mode", why));
            }
        };
        if mode == TlsMode::Files {
            for (key, file) in [
                ("tls.certificate_file", &certificate_file),
                ("tls.key_file", &key_file),
            ] {
                match file {
                    None => return Err(ConfigError::value(key, "is needed for mode files")),
                    Some(f) if !f.is_file() => {
                        let why = format!("{} is not a file", f.display());
                        return Err(ConfigError::value(key, why));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(Self {
            mode,
            certificate_file,
            key_file,
            client_certificates,
        })
    }
}

pub const DATA: &[Key] = &[
    Key::text(
        "data.dir",
        "karez-data",
        "Folder of the database, files and the node's own keys. One server at a time.",
    ),
    Key::text(
        "data.node_key_file",
        "",
        "File with the node key, which opens every other key. When empty: node.key in data.dir, made on first\n\
         start with mode 0600. Keep it on another disk, and a copy in a safe: without it the data is lost.",
    ),
    Key::secret(
        "data.node_key",
        "The node key itself, 43 characters, instead of a file. Meant for the environment.",
    ),
    Key::number(
        "data.readers",
        "16",
        "Database connections that read at once. 1 to 256.",
    ),
    Key::number(
        "data.size_max_mb",
        "0",
        "How large the database may grow, in MB; 0 for no bound but the disk.",
    ),
];

/// Where everything is kept.
#[derive(Debug, Clone)]
pub struct Data {
    pub dir: PathBuf,
    pub node_key_file: Option<PathBuf>,
    pub node_key: Option<Phi<String>>,
    pub readers: usize,
    pub size_max_bytes: Option<u64>,
}

impl Data {
    pub(super) fn read(v: &Values) -> Result<Self, ConfigError> {
        let readers = v.number("data.readers", 1, 256)?;
        let size_mb = v.number("data.size_max_mb", 0, 1 << 40)?;
        Ok(Self {
            dir: v
                .some("data.dir")
                .map(PathBuf::from)
                .ok_or_else(|| ConfigError::value("data.dir", "is empty"))?,
            node_key_file: v.some("data.node_key_file").map(PathBuf::from),
            node_key: v.some("data.node_key").map(Phi::new),
            readers: usize::try_from(readers).unwrap_or(16),
            size_max_bytes: (size_mb > 0).then_some(size_mb << 20),
        })
    }
}

pub const STORE: &[Key] = &[Key::secret(
    "store.database",
    "Where the records are: sqlite (when empty), a file in data.dir for one node; or a PostgreSQL server, 15 or\n\
     later, for any number of equal nodes: postgres://user:password@host/name?sslmode=require. The server's certificate\n\
     must then be valid for its name, by this machine's authorities or those of &sslrootcert=/path/ca.pem. The role\n\
     owns the database and is no superuser. Every node needs the same node key.",
)];

/// Which database, and where.
#[derive(Debug, Clone, Default)]
pub struct StoreKeys {
    /// None: SQLite.
    pub postgres: Option<Phi<String>>,
}

impl StoreKeys {
    pub(super) fn read(v: &Values) -> Result<Self, ConfigError> {
        let given = v.some("store.database").filter(|d| d != "sqlite");
        if given
            .as_ref()
            .is_some_and(|d| !d.starts_with("postgres://") && !d.starts_with("postgresql://"))
        {
            return Err(ConfigError::value(
                "store.database",
                "sqlite or postgres://user:password@host/name is expected",
            ));
        }
        Ok(Self {
            postgres: given.map(Phi::new),
        })
    }
}

pub const BUS: &[Key] = &[Key::secret(
    "bus.nats_url",
    "NATS server that wakes nodes of one PostgreSQL database when another has written: nats://user:password@host:4222,\n\
     or tls://. Nothing but the wake travels. When empty, or while it is away, nodes ask every quarter of a second.",
)];

/// The bus between nodes.
#[derive(Debug, Clone, Default)]
pub struct Bus {
    pub nats_url: Option<Phi<String>>,
}

impl Bus {
    pub(super) fn read(v: &Values) -> Result<Self, ConfigError> {
        let given = v.some("bus.nats_url");
        if given
            .as_ref()
            .is_some_and(|u| !u.starts_with("nats://") && !u.starts_with("tls://"))
        {
            return Err(ConfigError::value(
                "bus.nats_url",
                "nats://host:4222 or tls://host:4222 is expected",
            ));
        }
        Ok(Self {
            nats_url: given.map(Phi::new),
        })
    }
}

pub const ACCOUNTS: &[Key] = &[Key::text(
    "accounts.second_factor_for",
    "consultant,administrator,operator",
    "Roles that may be used only with a second factor, separated by commas; none for no role.",
)];

/// What accounts must have.
#[derive(Debug, Clone)]
pub struct Accounts {
    pub second_factor_for: Vec<Role>,
}

impl Accounts {
    pub(super) fn read(v: &Values) -> Result<Self, ConfigError> {
        let name = "accounts.second_factor_for";
        if v.text(name) == "none" {
            return Ok(Self {
                second_factor_for: Vec::new(),
            });
        }
        let second_factor_for = v
            .list(name)
            .iter()
            .map(|word| {
                role(word).ok_or_else(|| ConfigError::value(name, format!("{word:?} is no role")))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { second_factor_for })
    }
}

/// The role of a word as it stands in files and on the command line.
pub fn role(word: &str) -> Option<Role> {
    Role::ALL.iter().find(|r| r.as_str() == word).copied()
}

pub const MAIL: &[Key] = &[
    Key::text(
        "mail.host",
        "",
        "SMTP relay for notices and invitations. When empty, notices stay in the pages.",
    ),
    Key::number("mail.port", "587", "Port of the relay."),
    Key::text("mail.username", "", "Name to sign in to the relay with."),
    Key::secret("mail.password", "Password for the relay."),
    Key::text("mail.from", "", "Address that mail is sent from."),
    Key::text(
        "mail.starttls",
        "true",
        "true: the line is encrypted by STARTTLS. false: only for a relay on this machine.",
    ),
];

/// Where mail goes.
#[derive(Debug, Clone)]
pub struct Mail {
    pub host: String,
    pub port: u16,
    pub username: Option<String>,
    pub password: Option<Phi<String>>,
    pub from: String,
    pub starttls: bool,
}

impl Mail {
    pub(super) fn read(v: &Values) -> Result<Option<Self>, ConfigError> {
        let port = v.number("mail.port", 1, 65_535)?;
        let starttls = v
            .parse("mail.starttls")
            .map_err(|_| ConfigError::value("mail.starttls", "true or false is expected"))?;
        let Some(host) = v.some("mail.host") else {
            return Ok(None);
        };
        let from = v
            .some("mail.from")
            .filter(|f| f.contains('@'))
            .ok_or_else(|| {
                ConfigError::value("mail.from", "an address is needed with mail.host")
            })?;
        Ok(Some(Self {
            host,
            port: u16::try_from(port).unwrap_or(587),
            username: v.some("mail.username"),
            password: v.some("mail.password").map(Phi::new),
            from,
            starttls,
        }))
    }
}

pub const SEAL: &[Key] = &[
    Key::text(
        "seal.time_stamp_url",
        "",
        "Address of a time-stamping authority (RFC 3161 over HTTP) that is asked when an opinion is signed. When\n\
         empty, the hospital's clock alone states the time of signing, and every report on a signature says so.",
    ),
    Key::text(
        "seal.time_stamp_roots",
        "",
        "PEM file with the certificates that the authority's own must lead to. When empty, any is taken and\n\
         reports say that only the authority's own certificate speaks for it.",
    ),
    Key::number(
        "seal.time_stamp_timeout_s",
        "5",
        "Seconds that signing waits for the authority. Without an answer it is asked again later. 1 to 60.",
    ),
];

/// What gives signatures their time.
#[derive(Debug, Clone)]
pub struct Seal {
    pub time_stamp: Option<TimeStamping>,
}

impl Seal {
    pub(super) fn read(v: &Values) -> Result<Self, ConfigError> {
        let timeout = Duration::from_secs(v.number("seal.time_stamp_timeout_s", 1, 60)?);
        let roots = match v.some("seal.time_stamp_roots") {
            Some(file) => certificates("seal.time_stamp_roots", &file)?,
            None => Vec::new(),
        };
        let Some(url) = v.some("seal.time_stamp_url") else {
            return Ok(Self { time_stamp: None });
        };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(ConfigError::value(
                "seal.time_stamp_url",
                "an address that begins with http:// or https:// is expected",
            ));
        }
        Ok(Self {
            time_stamp: Some(TimeStamping {
                url,
                roots,
                timeout,
            }),
        })
    }
}

/// The certificates (DER) of a PEM file, at least one.
pub fn certificates(key: &str, file: &str) -> Result<Vec<Vec<u8>>, ConfigError> {
    let refuse = |why: &str| ConfigError::value(key, format!("{file}: {why}"));
    let pem = std::fs::read(file).map_err(|e| refuse(&e.to_string()))?;
    let mut found = Vec::new();
    for block in x509_parser::pem::Pem::iter_from_buffer(&pem) {
        let block = block.map_err(|_| refuse("not a PEM file"))?;
        if block.label == "CERTIFICATE" {
            block
                .parse_x509()
                .map_err(|_| refuse("a certificate in it cannot be read"))?;
            found.push(block.contents);
        }
    }
    if found.is_empty() {
        return Err(refuse("there is no certificate in it"));
    }
    Ok(found)
}

pub const DOWNTIME: &[Key] = &[
    Key::text(
        "downtime.folder",
        "",
        "Folder for packs of today's open cases, one PDF per hospital, for when the system is down. They hold patients'\n\
         data in the clear: use an encrypted disk that can be reached without this node. When empty, packs are made\n\
         on demand only.",
    ),
    Key::number(
        "downtime.every_h",
        "4",
        "Hours between packs. 1 to 24. The newest three of each hospital are kept.",
    ),
];

/// Packs for when the system is down.
#[derive(Debug, Clone)]
pub struct Downtime {
    pub packs: Option<app::settings::Downtime>,
}

impl Downtime {
    pub(super) fn read(v: &Values) -> Result<Self, ConfigError> {
        let every = Duration::from_secs(3600 * v.number("downtime.every_h", 1, 24)?);
        let folder = v.some("downtime.folder").map(PathBuf::from);
        Ok(Self {
            packs: folder.map(|folder| app::settings::Downtime { folder, every }),
        })
    }
}

pub const LOG: &[Key] = &[
    Key::text(
        "log.format",
        "text",
        "text or json. Logs go to standard error and never hold patient data.",
    ),
    Key::text(
        "log.filter",
        "info",
        "What is logged: error, warn, info, debug, or directives as karez=debug,warn.",
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// What is logged, and how.
#[derive(Debug, Clone)]
pub struct Log {
    pub format: LogFormat,
    pub filter: String,
}

impl Log {
    pub(super) fn read(v: &Values) -> Result<Self, ConfigError> {
        let format = match v.text("log.format") {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            other => {
                let why = format!("{other:?} is neither text nor json");
                return Err(ConfigError::value("log.format", why));
            }
        };
        let filter = v.text("log.filter").to_owned();
        if let Err(e) = tracing_subscriber::EnvFilter::try_new(&filter) {
            return Err(ConfigError::value("log.filter", e.to_string()));
        }
        Ok(Self { format, filter })
    }
}
