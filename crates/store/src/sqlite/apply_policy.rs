//! The policy relations in SQLite.

use agreements::Projection;
use kernel::{HospitalId, Kind};
use rusqlite::params_from_iter;

use super::session::Session;
use crate::StoreError;
use crate::sql::policy::{self, Numbers};

impl Numbers for Session {
    fn hospital(&mut self, id: &HospitalId) -> Result<i64, StoreError> {
        Self::hospital(self, id)
    }
    fn kind(&mut self, kind: &Kind) -> Result<i64, StoreError> {
        Self::kind(self, kind)
    }
}

pub(crate) fn project(s: &mut Session, p: &Projection) -> Result<(), StoreError> {
    let change = policy::project(p, s)?;
    let table = change.table;
    let (named, values): (Vec<_>, Vec<_>) = change.source.into_iter().unzip();
    let source: Vec<String> = named
        .iter()
        .enumerate()
        .map(|(i, column)| format!("{column} = ?{}", i + 1))
        .collect();
    s.conn
        .prepare_cached(&format!(
            "DELETE FROM {table} WHERE {}",
            source.join(" AND ")
        ))?
        .execute(params_from_iter(values))?;
    let marks: Vec<String> = (1..=change.columns.len())
        .map(|i| format!("?{i}"))
        .collect();
    let text = format!(
        "INSERT INTO {table} ({}) VALUES ({})",
        change.columns.join(", "),
        marks.join(", ")
    );
    for row in change.rows {
        s.conn
            .prepare_cached(&text)?
            .execute(params_from_iter(row))?;
    }
    Ok(())
}
