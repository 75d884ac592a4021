//! A check-up of a data folder, for `karez doctor`.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::time::{Duration, Instant as Stopwatch};

use kernel::limits;
use serde::Serialize;

use crate::StoreError;

/// A disk that syncs slower than this is named, milliseconds.
const SYNC_MS_MAX: u128 = 100;

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A word that stays the same: `sqlite-version`, `integrity`, `schema`, `sync`, `space`, `audit-chains`, `blobs`, `write`.
    pub check: &'static str,
    pub ok: bool,
    /// For the operator; holds no patient data.
    pub detail: String,
}

impl Finding {
    pub(crate) fn new(check: &'static str, ok: bool, detail: impl Into<String>) -> Self {
        Self {
            check,
            ok,
            detail: detail.into(),
        }
    }
    pub(crate) fn of(check: &'static str, result: Result<String, StoreError>) -> Self {
        match result {
            Ok(detail) => Self::new(check, true, detail),
            Err(e) => Self::new(check, false, e.to_string()),
        }
    }
}

/// How long one small synced write takes: what a commit costs at least.
pub(crate) fn sync(dir: &Path) -> Finding {
    let path = dir.join(".sync-check");
    let timed = || -> std::io::Result<Duration> {
        let started = Stopwatch::now();
        let mut file = File::create(&path)?;
        file.write_all(&[0; 4096])?;
        file.sync_all()?;
        File::open(dir)?.sync_all()?;
        Ok(started.elapsed())
    };
    let result = timed();
    let _left = std::fs::remove_file(&path);
    match result {
        Ok(took) => Finding::new(
            "sync",
            took.as_millis() <= SYNC_MS_MAX,
            format!("a synced write took {:.1} ms", took.as_secs_f64() * 1e3),
        ),
        Err(e) => Finding::new("sync", false, format!("the folder cannot be written: {e}")),
    }
}

/// Whether the folder's file system takes no changes: what it says to a file that is made and removed again.
pub(crate) fn is_read_only(dir: &Path) -> bool {
    let path = dir.join(".write-check");
    let made = File::create(&path);
    let _gone = std::fs::remove_file(&path);
    made.is_err_and(|e| e.kind() == ErrorKind::ReadOnlyFilesystem)
}

/// Free space of the folder's file system, bytes.
pub(crate) fn free_bytes(dir: &Path) -> std::io::Result<u64> {
    let s = rustix::fs::statvfs(dir)?;
    Ok(s.f_bavail.saturating_mul(s.f_frsize))
}

/// Whether there is room enough.
pub(crate) fn space(dir: &Path) -> Finding {
    match free_bytes(dir) {
        Ok(free) => Finding::new(
            "space",
            free >= limits::DISK_LOW_BYTES,
            format!("{:.1} GiB free", free as f64 / f64::from(1 << 30)),
        ),
        Err(e) => Finding::new("space", false, format!("cannot be told: {e}")),
    }
}
