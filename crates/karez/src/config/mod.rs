//! Configuration: a TOML file, `KAREZ_…` variables and flags, read once at start. Each concern has its own struct
//! and its own documented keys; a key nobody knows or a value that cannot be read stops the start and is named.

mod concerns;
mod dicom;
mod places;
mod token;
mod values;

use std::path::{Path, PathBuf};

pub use concerns::{
    Accounts, Bus, Data, Downtime, Log, LogFormat, Mail, Seal, Server, StoreKeys, Tls, TlsMode,
    certificates, role,
};
pub use dicom::Dicom;
pub use token::KeyToken;
pub use values::{ConfigError, Key, Values};

use store::Place;
use store::backup::ship::Shipping;

/// Everything the node is told.
#[derive(Debug, Clone)]
pub struct Config {
    pub server: Server,
    pub tls: Tls,
    pub data: Data,
    pub store: StoreKeys,
    pub bus: Bus,
    pub accounts: Accounts,
    pub mail: Option<Mail>,
    pub seal: Seal,
    pub downtime: Downtime,
    pub dicom: Dicom,
    /// Where signing keys of hospitals lie; none for the store.
    pub keys: Option<KeyToken>,
    pub log: Log,
    /// Where files lie; none for the data folder.
    pub blobs: Option<Place>,
    /// The backup that follows this node.
    pub backup: Option<Shipping>,
}

/// All keys, in the order they are explained.
pub fn keys() -> Vec<&'static Key> {
    [
        concerns::SERVER,
        concerns::TLS,
        concerns::DATA,
        concerns::STORE,
        concerns::BUS,
        places::BLOBS,
        places::BLOBS_BUCKET,
        places::BACKUP,
        places::BACKUP_BUCKET,
        concerns::ACCOUNTS,
        concerns::MAIL,
        concerns::SEAL,
        concerns::DOWNTIME,
        dicom::DICOM,
        token::KEYS,
        concerns::LOG,
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Config {
    /// Reads file, then environment, then flags; the later wins. Without `file`, `karez.toml` in the working
    /// folder is read if it is there.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        flags: &[(&'static str, String)],
    ) -> Result<Self, ConfigError> {
        Self::from_values(&Self::values(file, environment, flags)?)
    }

    /// A backup place named on the command line: a folder, or `s3://bucket/prefix` with the rest from `[backup]`.
    pub fn named_place(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        text: &str,
    ) -> Result<Place, ConfigError> {
        places::named(&Self::values(file, environment, &[])?, text)
    }

    fn values(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        flags: &[(&'static str, String)],
    ) -> Result<Values, ConfigError> {
        let mut values = Values::new(keys());
        let default = PathBuf::from("karez.toml");
        match file {
            Some(path) => values.read_file(path)?,
            None if default.exists() => values.read_file(&default)?,
            None => {}
        }
        values.read_environment(environment)?;
        for (name, value) in flags {
            values.set_flag(name, value);
        }
        Ok(values)
    }

    pub fn from_values(values: &Values) -> Result<Self, ConfigError> {
        let config = Self {
            server: Server::read(values)?,
            tls: Tls::read(values)?,
            data: Data::read(values)?,
            store: StoreKeys::read(values)?,
            bus: Bus::read(values)?,
            accounts: Accounts::read(values)?,
            mail: Mail::read(values)?,
            seal: Seal::read(values)?,
            downtime: Downtime::read(values)?,
            dicom: Dicom::read(values)?,
            keys: KeyToken::read(values)?,
            log: Log::read(values)?,
            blobs: places::blobs(values)?,
            backup: places::backup(values)?,
        };
        if config.tls.mode == TlsMode::Off && !config.server.listen.ip().is_loopback() {
            return Err(ConfigError::value(
                "tls.mode",
                "plain HTTP is served on loopback alone; set it to self-signed or files",
            ));
        }
        Ok(config)
    }

    /// The keys, what they mean and what they are when nobody sets them.
    pub fn explain() -> String {
        explain(keys())
    }
}

/// Keys with their meaning, default and variable, as a file that could be read.
pub fn explain(keys: impl IntoIterator<Item = &'static Key>) -> String {
    let mut out = String::from(
        "# Karez configuration: TOML file (--config), then environment, then flags; the later wins.\n\
         # Every key with its meaning, its default, and the variable that sets it.\n",
    );
    let mut section = "";
    for key in keys {
        let (part, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if part != section {
            out.push_str(&format!("\n[{part}]\n"));
            section = part;
        }
        for line in key.doc.lines() {
            out.push_str(&format!("# {}\n", line.trim()));
        }
        out.push_str(&format!(
            "# {}\n# {name} = {}\n\n",
            values::variable(key.name),
            key.default_toml()
        ));
    }
    out
}

#[cfg(test)]
mod tests;
