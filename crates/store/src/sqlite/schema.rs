//! The version of the schema: brought forward, never back.

use rusqlite::{Connection, OptionalExtension as _};

use super::migrations::migrations;
use crate::StoreError;

/// The version this Karez writes.
pub(crate) fn known() -> i64 {
    migrations::runner()
        .get_migrations()
        .iter()
        .map(|m| i64::from(m.version()))
        .max()
        .unwrap_or(0)
}

/// The version of the database; 0 when it is empty.
pub(crate) fn applied(conn: &Connection) -> Result<i64, StoreError> {
    let there: Option<i64> = conn
        .query_row(
            "SELECT 1 FROM sqlite_schema WHERE name = 'refinery_schema_history'",
            [],
            |r| r.get(0),
        )
        .optional()?;
    if there.is_none() {
        return Ok(0);
    }
    let version = conn.query_row(
        "SELECT coalesce(max(version), 0) FROM refinery_schema_history",
        [],
        |r| r.get(0),
    )?;
    Ok(version)
}

/// Applies what is missing. Refuses a database of a newer Karez.
pub(crate) fn bring_up_to_date(conn: &mut Connection) -> Result<(), StoreError> {
    let (applied, known) = (applied(conn)?, known());
    if applied > known {
        return Err(crate::error::newer_schema(applied, known));
    }
    migrations::runner()
        .set_abort_divergent(true)
        .set_abort_missing(true)
        .run(conn)
        .map_err(|e| {
            StoreError::Unavailable(format!("the schema cannot be brought up to date: {e}"))
        })?;
    Ok(())
}

/// Refuses a database of another version: whoever serves it brings it forward.
pub(crate) fn is_current(conn: &Connection) -> Result<(), StoreError> {
    let (applied, known) = (applied(conn)?, known());
    if applied == known {
        return Ok(());
    }
    Err(StoreError::Unavailable(format!(
        "the database has schema {applied}, this Karez writes schema {known}; use the version that serves it"
    )))
}

/// The page of the table `counter`: each commit writes it.
pub(crate) fn counter_page(conn: &Connection) -> Result<u32, StoreError> {
    let page = conn.query_row(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'counter'",
        [],
        |r| r.get(0),
    )?;
    Ok(page)
}
