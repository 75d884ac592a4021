//! The event feed: a table in commit order, read from any position.

use kernel::{HospitalId, RecordKey};
use rusqlite::{Connection, params};

use super::sql::{instant, signed, unsigned};
use crate::{Event, StoreError};

/// Events after `after`. A page never ends within a commit: all events of its last commit are in it.
pub(crate) fn events(conn: &Connection, after: u64, limit: u32) -> Result<Vec<Event>, StoreError> {
    let limit = limit.clamp(1, 10_000) as usize;
    let mut st = conn.prepare_cached(
        "SELECT f.position, f.ordinal, f.at, h.name, f.topic, sh.name, sk.name, f.subject_id, f.data \
         FROM feed f CROSS JOIN hospital h ON h.num = f.hospital \
         CROSS JOIN hospital sh ON sh.num = f.subject_hospital CROSS JOIN kind sk ON sk.num = f.subject_kind \
         WHERE f.position > ?1 ORDER BY f.position, f.ordinal",
    )?;
    let mut rows = st.query(params![signed(after)])?;
    let mut out: Vec<Event> = Vec::new();
    while let Some(r) = rows.next()? {
        let position = unsigned(r.get(0)?);
        if out.len() >= limit && out.last().is_some_and(|e| e.position != position) {
            break;
        }
        let text = |i: usize| r.get::<_, String>(i);
        let bad = |_| StoreError::Damaged("an event names no valid record".into());
        out.push(Event {
            position,
            ordinal: r.get(1)?,
            at: instant(r.get(2)?),
            hospital: HospitalId::new(text(3)?).map_err(bad)?,
            topic: text(4)?,
            subject: RecordKey::parse(&text(5)?, &text(6)?, &text(7)?).map_err(bad)?,
            data: text(8)?,
        });
    }
    Ok(out)
}
