//! What a check-up asks of the database itself.

use kernel::HospitalId;

use super::session::{Connections, Reach};
use super::values::{int, text};
use super::{PostgresDatabase, migrations};
use crate::StoreError;
use crate::diagnose::Finding;

impl PostgresDatabase {
    /// Reads every record's newest version and every chain: takes a while on a large database.
    pub(super) async fn checked_up(&self) -> Result<Vec<Finding>, StoreError> {
        let c = &self.connections;
        let write = self.can_write().await;
        Ok(vec![
            Finding::of("postgres-version", version(c).await),
            Finding::of("integrity", integrity(c).await),
            Finding::of("schema", schema(c).await),
            Finding::of("audit-chains", chains(c).await),
            Finding::of("write", write.map(|()| "the writer answers".to_owned())),
        ])
    }
}

async fn one(c: &Connections, query: &str) -> Result<Vec<tokio_postgres::Row>, StoreError> {
    let st = c.dialect.binds().statement(query);
    c.rows(&Reach::System, st).await
}

async fn version(c: &Connections) -> Result<String, StoreError> {
    let rows = one(c, "SELECT current_setting('server_version')").await?;
    rows.first()
        .map_or_else(|| Ok(String::new()), |r| text(r, 0).map(str::to_owned))
}

async fn integrity(c: &Connections) -> Result<String, StoreError> {
    // What the schema cannot say: each record's newest version is the one it names.
    let rows = one(
        c,
        "SELECT count(*) FROM record r LEFT JOIN version v ON v.row = r.current WHERE v.row IS NULL \
         OR v.record <> r.record OR v.version <> r.version OR v.deleted <> r.deleted OR v.class <> r.class \
         OR v.hospital <> r.hospital OR v.patient IS DISTINCT FROM r.patient \
         OR EXISTS (SELECT 1 FROM version w WHERE w.record = r.record AND w.version > r.version)",
    )
    .await?;
    let astray = rows.first().map_or(Ok(0), |r| int(r, 0))?;
    if astray > 0 {
        return Err(StoreError::Damaged(format!(
            "{astray} records do not agree with their newest version"
        )));
    }
    Ok("every record agrees with its newest version".to_owned())
}

/// The version of the schema, and the one this Karez writes.
pub(super) async fn versions(c: &Connections) -> Result<(i64, i64), StoreError> {
    let rows = one(
        c,
        "SELECT coalesce(max(version), 0)::int8 FROM refinery_schema_history",
    )
    .await?;
    let applied = rows.first().map_or(Ok(0), |r| int(r, 0))?;
    let known = migrations::migrations::runner()
        .get_migrations()
        .iter()
        .map(|m| i64::from(m.version()))
        .max()
        .unwrap_or(0);
    Ok((applied, known))
}

async fn schema(c: &Connections) -> Result<String, StoreError> {
    let (applied, known) = versions(c).await?;
    if applied == known {
        Ok(format!("version {applied}"))
    } else {
        Err(StoreError::Damaged(format!(
            "version {applied}; this Karez knows {known}"
        )))
    }
}

async fn chains(c: &Connections) -> Result<String, StoreError> {
    let names = one(
        c,
        "SELECT h.name FROM hospital h WHERE EXISTS (SELECT 1 FROM audit_head a WHERE a.chain = h.num) \
         OR EXISTS (SELECT 1 FROM audit a WHERE a.chain = h.num) ORDER BY h.name",
    )
    .await?;
    let mut entries = 0;
    for r in &names {
        let name = text(r, 0)?;
        let hospital = HospitalId::new(name)
            .map_err(|_| StoreError::Damaged("a hospital's name is not valid".into()))?;
        let report = c.verify_chain(&hospital).await?;
        if let Some(n) = report.broken_at {
            return Err(StoreError::Damaged(format!(
                "the chain of {name} is broken at entry {n}"
            )));
        }
        entries += report.entries;
    }
    Ok(format!("{} chains, {entries} entries verify", names.len()))
}
