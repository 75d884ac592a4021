//! The event feed in SQLite.

use rusqlite::{Connection, params_from_iter};

use crate::sql::{Dialect, feed, unsigned};
use crate::{Event, StoreError};

/// Events after `after`. A page never ends within a commit: all events of its last commit are in it.
pub(crate) fn events(conn: &Connection, after: u64, limit: u32) -> Result<Vec<Event>, StoreError> {
    let limit = feed::bounded(limit);
    let st = feed::stepped(&Dialect::Sqlite, after);
    let mut prepared = conn.prepare_cached(&st.text)?;
    let mut rows = prepared.query(params_from_iter(st.values))?;
    let mut out: Vec<Event> = Vec::new();
    while let Some(r) = rows.next()? {
        let position: i64 = r.get(0)?;
        if out.len() >= limit && out.last().is_some_and(|e| e.position != unsigned(position)) {
            break;
        }
        let row = feed::Row {
            position,
            ordinal: r.get(1)?,
            at: r.get(2)?,
            hospital: r.get(3)?,
            topic: r.get(4)?,
            subject: [r.get(5)?, r.get(6)?, r.get(7)?],
            data: r.get(8)?,
        };
        out.push(row.event()?);
    }
    Ok(out)
}
