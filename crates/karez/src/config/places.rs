//! Where files and backups lie: a folder, or a bucket that speaks S3.

use std::path::PathBuf;
use std::time::Duration;

use kernel::Phi;
use store::backup::ship::Shipping;
use store::{Bucket, Place};

use super::values::{ConfigError, Key, Values};

/// The keys of a bucket, alike in every section that may name one.
macro_rules! bucket_keys {
    ($section:literal) => {
        [
            Key::text(concat!($section, ".bucket"), "", "Name of the bucket, for place s3."),
            Key::text(concat!($section, ".prefix"), "", "Leads every object's name in the bucket."),
            Key::text(
                concat!($section, ".endpoint"),
                "",
                "Address of the S3 server, as https://s3.example. Plain http is taken for a server on this machine or\n\
                 a private line: what is stored is encrypted, the credentials sign and are not sent.",
            ),
            Key::text(concat!($section, ".region"), "us-east-1", "Region of the bucket."),
            Key::secret(concat!($section, ".access_key"), "Access key. Meant for the environment."),
            Key::secret(concat!($section, ".secret_key"), "Secret key. Meant for the environment."),
            Key::text(
                concat!($section, ".credentials_file"),
                "",
                "File with the access key on its first line and the secret key on its second, instead of the two keys.",
            ),
            Key::text(
                concat!($section, ".path_style"),
                "true",
                "true: the bucket stands in the path. false: in the host's name.",
            ),
        ]
    };
}

pub const BLOBS: &[Key] = &[
    Key::text(
        "blobs.place",
        "folder",
        "folder: files lie in blobs.folder. s3: in a bucket. They are encrypted either way, and never handed out by\n\
         presigned addresses.",
    ),
    Key::text(
        "blobs.folder",
        "",
        "Folder of the files. When empty: blobs in data.dir.",
    ),
];
pub const BLOBS_BUCKET: &[Key] = &bucket_keys!("blobs");

pub const BACKUP: &[Key] = &[
    Key::text(
        "backup.place",
        "none",
        "none: no backup follows this node. folder or s3: what is committed is carried there every few seconds, and\n\
         any point in time can be restored. Choose another disk, better another building.",
    ),
    Key::text(
        "backup.folder",
        "",
        "Folder of the backup, for place folder.",
    ),
    Key::number(
        "backup.every_s",
        "5",
        "Seconds between two turns. A disk that is lost takes at most this and the time of one transfer. 1 to 9.",
    ),
    Key::number(
        "backup.base_hours",
        "24",
        "Hours after which a whole copy begins the log anew. Needs as much free space as the database. 1 to 720.",
    ),
    Key::number(
        "backup.keep_days",
        "30",
        "Days for which every point in time stays restorable; older backups are deleted. What was erased remains in\n\
         them, encrypted and never served, for as long. 1 to 3650.",
    ),
    Key::number(
        "backup.wait_max_mb",
        "4096",
        "How much may wait on this machine while the place is away, in MB. Beyond it the log is given up and a new\n\
         whole copy is made once the place is back. 64 or more.",
    ),
];
pub const BACKUP_BUCKET: &[Key] = &bucket_keys!("backup");

/// Where a node's files lie, when not in its data folder.
pub(super) fn blobs(v: &Values) -> Result<Option<Place>, ConfigError> {
    match v.text("blobs.place") {
        "folder" => Ok(v.some("blobs.folder").map(|f| Place::Folder(f.into()))),
        "s3" => bucket(v, "blobs", None).map(|b| Some(Place::Bucket(b))),
        other => Err(neither("blobs.place", other, "folder, s3")),
    }
}

/// Whether and where a backup follows.
pub(super) fn backup(v: &Values) -> Result<Option<Shipping>, ConfigError> {
    let shipping = |place| {
        Ok(Some(Shipping {
            place,
            every: Duration::from_secs(v.number("backup.every_s", 1, 9)?),
            base_hours: small(v.number("backup.base_hours", 1, 720)?),
            keep_days: small(v.number("backup.keep_days", 1, 3_650)?),
            wait_bytes_max: v.number("backup.wait_max_mb", 64, 1 << 40)? << 20,
        }))
    };
    match v.text("backup.place") {
        "none" => {
            // Read all the same: a bad value is named before it is needed.
            shipping(Place::Folder(PathBuf::new())).map(|_| None)
        }
        "folder" => {
            let folder = v
                .some("backup.folder")
                .ok_or_else(|| ConfigError::value("backup.folder", "is needed for place folder"))?;
            shipping(Place::Folder(folder.into()))
        }
        "s3" => shipping(Place::Bucket(bucket(v, "backup", None)?)),
        other => Err(neither("backup.place", other, "none, folder, s3")),
    }
}

/// A place named on the command line: a folder, or `s3://bucket/prefix` with the rest from `[backup]`.
pub(super) fn named(v: &Values, text: &str) -> Result<Place, ConfigError> {
    match text.strip_prefix("s3://") {
        None => Ok(Place::Folder(text.into())),
        Some(rest) => {
            let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            bucket(v, "backup", Some((name, prefix.trim_end_matches('/')))).map(Place::Bucket)
        }
    }
}

fn bucket(v: &Values, section: &str, named: Option<(&str, &str)>) -> Result<Bucket, ConfigError> {
    let key = |name: &str| format!("{section}.{name}");
    let needed = |name: &str| {
        v.some(&key(name))
            .ok_or_else(|| ConfigError::value(&key(name), "is needed for place s3"))
    };
    let (name, prefix) = match named {
        Some((name, prefix)) => (name.to_owned(), prefix.to_owned()),
        None => (
            needed("bucket")?,
            v.text(&key("prefix")).trim_matches('/').to_owned(),
        ),
    };
    let endpoint = v.some(&key("endpoint"));
    if let Some(e) = &endpoint
        && !(e.starts_with("https://") || e.starts_with("http://"))
    {
        return Err(ConfigError::value(
            &key("endpoint"),
            "https:// or http:// is expected",
        ));
    }
    let (access_key, secret_key) = match v.some(&key("credentials_file")) {
        Some(file) => credentials(&key("credentials_file"), &file)?,
        None => (needed("access_key")?, needed("secret_key")?),
    };
    Ok(Bucket {
        name,
        prefix,
        endpoint,
        region: needed("region")?,
        access_key,
        secret_key: Phi::new(secret_key),
        path_style: v
            .parse(&key("path_style"))
            .map_err(|_| ConfigError::value(&key("path_style"), "true or false is expected"))?,
    })
}

fn credentials(key: &str, file: &str) -> Result<(String, String), ConfigError> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| ConfigError::value(key, format!("{file}: {e}")))?;
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    match (lines.next(), lines.next()) {
        (Some(access), Some(secret)) => Ok((access.to_owned(), secret.to_owned())),
        _ => Err(ConfigError::value(
            key,
            format!("{file}: two lines are expected"),
        )),
    }
}

fn neither(key: &str, value: &str, words: &str) -> ConfigError {
    ConfigError::value(key, format!("{value:?} is not one of {words}"))
}

/// Within the bounds that were checked.
fn small(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
