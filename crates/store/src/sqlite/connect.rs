//! Opening connections: what SQLite is told, and which SQLite is refused.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::StoreError;

/// Older versions can corrupt a database in WAL mode (the WAL-reset bug, fixed in 3.51.3).
pub(crate) const VERSION_MIN: i32 = 3_051_003;
const STATEMENTS_KEPT: usize = 512;
/// What each connection keeps of the file, KiB. Beyond it pages come from the system's own cache, which it gives up when
/// others need the memory. The file is not mapped: every page ever read would count as this process's memory.
const WRITER_CACHE_KIB: i64 = 16 << 10;
/// Of a connection for short reads, one for each thread: room for most inner pages of the indexes of a million records.
pub(crate) const SHORT_CACHE_KIB: i64 = 8 << 10;
/// Of one for long reads, which read most pages once.
pub(crate) const LONG_CACHE_KIB: i64 = 2 << 10;
const BUSY_MS: u64 = 5_000;

/// Refuses an SQLite that is not safe to keep records in.
pub(crate) fn check_version(number: i32) -> Result<(), StoreError> {
    if number >= VERSION_MIN {
        return Ok(());
    }
    let text = |n: i32| format!("{}.{}.{}", n / 1_000_000, n / 1_000 % 1_000, n % 1_000);
    Err(StoreError::Unavailable(format!(
        "SQLite {} is linked; at least {} is needed, because older versions can damage a database in WAL mode",
        text(number),
        text(VERSION_MIN)
    )))
}

/// When the log moves into the database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checkpoints {
    /// By itself, when it is long and when the last connection closes.
    ByItself,
    /// Only when the writer is asked to: somebody else copies the log first.
    OnDemand,
}

/// The one connection that writes.
pub(crate) fn writer(
    path: &Path,
    size_max_bytes: Option<u64>,
    checkpoints: Checkpoints,
) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    common(&conn)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    // What is erased is overwritten in the file, not only unlinked.
    conn.pragma_update(None, "secure_delete", true)?;
    let on_demand = checkpoints == Checkpoints::OnDemand;
    conn.pragma_update(
        None,
        "wal_autocheckpoint",
        if on_demand { 0 } else { 4_000 },
    )?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on_demand)?;
    conn.pragma_update(None, "journal_size_limit", 256_i64 << 20)?;
    conn.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    limit_size(&conn, size_max_bytes)?;
    Ok(conn)
}

/// Sets how large the database file may grow.
pub(crate) fn limit_size(conn: &Connection, bytes: Option<u64>) -> Result<(), StoreError> {
    let page: i64 = conn.pragma_query_value(None, "page_size", |r| r.get(0))?;
    let pages = bytes.map_or(4_294_967_294, |b| {
        i64::try_from(b).unwrap_or(i64::MAX) / page.max(1)
    });
    conn.pragma_update_and_check(None, "max_page_count", pages, |r| r.get::<_, i64>(0))?;
    Ok(())
}

/// One of the connections that read.
pub(crate) fn reader(path: &Path, cache_kib: i64) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    common(&conn)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "cache_size", -cache_kib)?;
    Ok(conn)
}

fn common(conn: &Connection) -> Result<(), StoreError> {
    conn.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    conn.pragma_update(None, "mmap_size", 0)?;
    // Otherwise SQLite plans a kept statement anew each time other values are bound to it, which takes longer than most
    // searches themselves.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_with_the_wal_reset_bug_is_refused_by_name() {
        assert!(check_version(3_051_003).is_ok());
        let said = check_version(3_051_002).unwrap_err().to_string();
        assert!(said.contains("3.51.2") && said.contains("3.51.3"), "{said}");
        assert!(check_version(rusqlite::version_number()).is_ok());
    }
}
