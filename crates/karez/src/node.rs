//! Opening a node: its folder and lock, the node key, the store and the application over it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use app::{App, Settings};
use kernel::{SystemClock, SystemEntropy};
use seal::NodeKey;
use store::{DatabaseKind, Store, StoreConfig};

use crate::config::{Config, Data};

/// Held while a process writes to the data folder.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the folder for this process alone, or says that another has it.
pub fn lock(dir: &Path) -> anyhow::Result<Lock> {
    let path = dir.join("karez.lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .with_context(|| format!("data.dir: {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => bail!(
            "data.dir: {} is in use by another karez; stop it first",
            dir.display()
        ),
        Err(TryLockError::Error(e)) => {
            Err(e).with_context(|| format!("data.dir: {} cannot be locked", dir.display()))
        }
    }
}

/// Makes the data folder, readable by its owner alone.
pub fn make_dir(dir: &Path) -> anyhow::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(dir)
        .with_context(|| format!("data.dir: {} cannot be made", dir.display()))
}

/// Where the node key lies when it is a file.
pub fn node_key_path(data: &Data) -> PathBuf {
    data.node_key_file
        .clone()
        .unwrap_or_else(|| data.dir.join("node.key"))
}

/// The node key: from the configuration, from its file, or made for a folder that holds no data yet.
pub fn node_key(data: &Data) -> anyhow::Result<NodeKey> {
    if let Some(text) = &data.node_key {
        return NodeKey::from_text(text.reveal())
            .map_err(|_| anyhow::anyhow!("data.node_key: not a node key of 43 characters"));
    }
    let path = node_key_path(data);
    match File::open(&path) {
        Ok(mut file) => {
            let mut text = String::new();
            file.read_to_string(&mut text)
                .with_context(|| format!("node key {}", path.display()))?;
            NodeKey::from_text(&text)
                .map_err(|_| anyhow::anyhow!("node key {}: not a node key", path.display()))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            if data.dir.join("karez.db").exists() {
                bail!(
                    "node key {}: not found, but there is data that only it opens; put it back",
                    path.display()
                );
            }
            let key = NodeKey::generate(&SystemEntropy);
            write_secret(&path, key.to_text().as_bytes())?;
            tracing::info!(file = %path.display(), "a node key was made; keep a copy in a safe place");
            Ok(key)
        }
        Err(e) => Err(e).with_context(|| format!("node key {}", path.display())),
    }
}

/// Puts a new key before the one in use in the key's file. The older ones stay below it: they open what was wrapped
/// before, also in backups.
pub fn rotate_key(data: &Data) -> anyhow::Result<()> {
    if data.node_key.is_some() {
        bail!(
            "data.node_key: the key comes from the configuration; put a new one before it, parted by a comma, and run this \
             again with --rewrap-only"
        );
    }
    let path = node_key_path(data);
    let _lock = lock(&data.dir)?;
    let new = NodeKey::succeeding(&node_key(data)?, &SystemEntropy);
    let beside = path.with_extension("new");
    if beside.exists() {
        std::fs::remove_file(&beside)?;
    }
    write_secret(&beside, new.to_text().as_bytes())?;
    std::fs::rename(&beside, &path).with_context(|| format!("node key {}", path.display()))?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    tracing::info!(file = %path.display(), "a new node key is in use; keep a copy in a safe place");
    Ok(())
}

/// Writes a new file that only its owner reads; file and folder are synced.
pub fn write_secret(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(path)
        .with_context(|| format!("{}", path.display()))?;
    file.write_all(content)?;
    file.sync_all()?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

/// An open node.
pub struct Node {
    pub app: App,
    pub store: Arc<Store>,
    _lock: Option<Lock>,
}

impl Node {
    /// Opens the node: for this process alone, unless the database is a server that takes any number.
    pub async fn open(config: &Config, base_url: &str) -> anyhow::Result<Self> {
        make_dir(&config.data.dir)?;
        let lock = match config.store.postgres {
            None => Some(lock(&config.data.dir)?),
            Some(_) => None,
        };
        let key = node_key(&config.data)?;
        let key = match &config.keys {
            Some(token) => token.beside(key),
            None => key,
        };
        let store = Store::open(store_config(config, key.clone(), base_url));
        let store = Arc::new(store.await.context("store")?);
        let app = App::new(
            store.clone(),
            Arc::new(SystemClock),
            Arc::new(SystemEntropy),
            settings(config, base_url),
            Arc::new(key),
        )
        .await
        .context("store")?;
        Ok(Self {
            app,
            store,
            _lock: lock,
        })
    }
}

/// Which database the configuration names.
pub fn database(config: &Config) -> DatabaseKind {
    match &config.store.postgres {
        None => DatabaseKind::Sqlite,
        Some(url) => DatabaseKind::Postgres {
            url: url.reveal().clone(),
            nats_url: config.bus.nats_url.as_ref().map(|u| u.reveal().clone()),
        },
    }
}

fn store_config(config: &Config, key: NodeKey, base_url: &str) -> StoreConfig {
    let mut place = StoreConfig::new(
        &config.data.dir,
        key,
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
    );
    place.database = database(config);
    place.public_base = base_url.to_owned();
    place.readers = config.data.readers;
    place.size_max_bytes = config.data.size_max_bytes;
    place.blobs = config.blobs.clone();
    place.ship = config.backup.is_some();
    place
}

/// Opens the store alone: for this process when nobody has the folder, beside a node that serves it otherwise. What
/// only reads needs no more.
pub async fn store_beside(config: &Config) -> anyhow::Result<(Store, Option<Lock>)> {
    if config.store.postgres.is_some() {
        // A server takes any number of processes.
        let place = store_config(config, node_key(&config.data)?, "");
        return Ok((Store::open(place).await.context("store")?, None));
    }
    if !config.data.dir.join("karez.db").exists() {
        bail!("data.dir: {} holds no data", config.data.dir.display());
    }
    let lock = lock(&config.data.dir).ok();
    let mut place = store_config(config, node_key(&config.data)?, "");
    if lock.is_none() {
        (place.ship, place.beside) = (false, true);
    }
    let store = Store::open(place).await.context("store")?;
    Ok((store, lock))
}

fn settings(config: &Config, base_url: &str) -> Settings {
    Settings {
        base_url: base_url.to_owned(),
        smtp: config.mail.as_ref().map(|m| app::settings::Smtp {
            host: m.host.clone(),
            port: m.port,
            username: m.username.clone(),
            password: m.password.clone(),
            from: m.from.clone(),
            starttls: m.starttls,
        }),
        secure_cookies: base_url.starts_with("https://"),
        second_factor_for: config.accounts.second_factor_for.clone(),
        time_stamp: config.seal.time_stamp.clone(),
        downtime: config.downtime.packs.clone(),
        outbound_private: config.server.outbound_private,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_by_one_process_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = lock(dir.path()).unwrap();
        assert!(lock(dir.path()).is_err());
        drop(first);
        assert!(lock(dir.path()).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_new_node_key_is_read_again_and_by_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let data = Data {
            dir: dir.path().to_owned(),
            node_key_file: None,
            node_key: None,
            readers: 1,
            size_max_bytes: None,
        };
        let made = node_key(&data).unwrap();
        assert_eq!(node_key(&data).unwrap().id(), made.id());
        let mode = std::fs::metadata(node_key_path(&data))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_lost_key_is_not_replaced_beside_data_it_cannot_open() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("karez.db"), b"x").unwrap();
        let data = Data {
            dir: dir.path().to_owned(),
            node_key_file: None,
            node_key: None,
            readers: 1,
            size_max_bytes: None,
        };
        assert!(node_key(&data).is_err());
        assert!(!node_key_path(&data).exists());
    }
}
