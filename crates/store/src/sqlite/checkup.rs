//! What a check-up asks of the database itself.

use rusqlite::Connection;

use super::{SqliteDatabase, chain};
use crate::StoreError;
use crate::diagnose::Finding;
use kernel::HospitalId;

impl SqliteDatabase {
    /// Reads the whole file: takes a while on a large one.
    pub(super) async fn checked_up(&self) -> Result<Vec<Finding>, StoreError> {
        let write = self.writer.write(|s| s.write_position()).await;
        let mut found = self
            .readers
            .read_all(|c| {
                Ok(vec![
                    Finding::new("sqlite-version", true, rusqlite::version()),
                    Finding::of("integrity", integrity(c)),
                    Finding::of("schema", schema(c)),
                    Finding::of("audit-chains", chains(c)),
                ])
            })
            .await?;
        found.push(Finding::of(
            "write",
            write.map(|()| "the writer answers".to_owned()),
        ));
        Ok(found)
    }
}

fn integrity(c: &Connection) -> Result<String, StoreError> {
    let mut st = c.prepare("PRAGMA integrity_check(5)")?;
    let lines = st
        .query_map([], |r| r.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    if lines != ["ok"] {
        return Err(StoreError::Damaged(lines.join("; ")));
    }
    // What the schema cannot say: each record's newest version is the one it names.
    let astray: i64 = c.query_row(
        "SELECT count(*) FROM record r WHERE NOT EXISTS (SELECT 1 FROM version v WHERE v.row = r.current \
         AND v.record = r.record AND v.version = r.version AND v.deleted = r.deleted AND v.class = r.class \
         AND v.patient IS r.patient) OR r.version <> (SELECT max(v.version) FROM version v WHERE v.record = r.record)",
        [],
        |r| r.get(0),
    )?;
    if astray > 0 {
        return Err(StoreError::Damaged(format!(
            "{astray} records do not agree with their newest version"
        )));
    }
    Ok("every page, index and record agrees".to_owned())
}

fn schema(c: &Connection) -> Result<String, StoreError> {
    super::schema::is_current(c)?;
    Ok(format!("version {}", super::schema::known()))
}

fn chains(c: &Connection) -> Result<String, StoreError> {
    let mut st = c.prepare(
        "SELECT h.name FROM hospital h WHERE EXISTS (SELECT 1 FROM audit_head a WHERE a.chain = h.num) \
         OR EXISTS (SELECT 1 FROM audit a WHERE a.chain = h.num) ORDER BY h.name",
    )?;
    let names = st
        .query_map([], |r| r.get::<_, String>(0))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut entries = 0;
    for name in &names {
        let hospital = HospitalId::new(name)
            .map_err(|_| StoreError::Damaged("a hospital's name is not valid".into()))?;
        let report = chain::verify(c, &hospital)?;
        if let Some(n) = report.broken_at {
            return Err(StoreError::Damaged(format!(
                "the chain of {name} is broken at entry {n}"
            )));
        }
        entries += report.entries;
    }
    Ok(format!("{} chains, {entries} entries verify", names.len()))
}
