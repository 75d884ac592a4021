//! The event feed: a table in commit order, read from any position.

use kernel::{HospitalId, RecordKey};

use super::{Binds, Dialect, Statement, instant, signed, unsigned};
use crate::{Event, StoreError};

/// How many events one page may be asked for.
pub(crate) fn bounded(limit: u32) -> usize {
    limit.clamp(1, 10_000) as usize
}

/// Rows after `after` in commit order: the columns of [`Row`].
fn events(dialect: &Dialect, after: u64) -> (String, Binds) {
    let mut binds = dialect.binds();
    let join = dialect.join();
    let after = binds.bind(signed(after));
    let text = format!(
        "SELECT f.position, f.ordinal, f.at, h.name, f.topic, sh.name, sk.name, f.subject_id, f.data \
         FROM feed f {join} hospital h ON h.num = f.hospital \
         {join} hospital sh ON sh.num = f.subject_hospital {join} kind sk ON sk.num = f.subject_kind \
         WHERE f.position > {after}"
    );
    (text, binds)
}

const ORDER: &str = " ORDER BY f.position, f.ordinal";

/// As SQLite runs it: stepped only as far as the page goes.
pub(crate) fn stepped(dialect: &Dialect, after: u64) -> Statement {
    let (text, binds) = events(dialect, after);
    binds.statement(text + ORDER)
}

/// As a whole page: up to the commit in which the last of `limit` events stands, all of its events included.
pub(crate) fn paged(dialect: &Dialect, after: u64, limit: u32) -> Statement {
    let (text, mut binds) = events(dialect, after);
    let after = binds.bind(signed(after));
    let last = format!(
        " AND f.position <= (SELECT max(few.position) FROM (SELECT e.position FROM feed e WHERE e.position > {after} \
         ORDER BY e.position, e.ordinal LIMIT {}) AS few)",
        bounded(limit)
    );
    binds.statement(text + &last + ORDER)
}

pub(crate) struct Row {
    pub position: i64,
    pub ordinal: u32,
    pub at: i64,
    pub hospital: String,
    pub topic: String,
    pub subject: [String; 3],
    pub data: String,
}

impl Row {
    pub fn event(self) -> Result<Event, StoreError> {
        let bad = |_| StoreError::Damaged("an event names no valid record".into());
        let [hospital, kind, id] = &self.subject;
        Ok(Event {
            position: unsigned(self.position),
            ordinal: self.ordinal,
            at: instant(self.at),
            hospital: HospitalId::new(self.hospital).map_err(bad)?,
            topic: self.topic,
            subject: RecordKey::parse(hospital, kind, id).map_err(bad)?,
            data: self.data,
        })
    }
}
