//! What the writer thread holds between batches: its connection, the numbers of names, and the feed's position.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::{HospitalId, Kind};
use rusqlite::{Connection, OptionalExtension, params};

use crate::StoreError;
use crate::sql::names::{Names, Table};
use crate::sql::{signed, unsigned};

pub(crate) struct Session {
    pub conn: Connection,
    hospitals: HashMap<HospitalId, i64>,
    kinds: HashMap<Kind, i64>,
    /// By the number the parameter has in this build.
    pub(super) params: HashMap<u16, i64>,
    /// Position of the newest batch of this or an earlier group.
    pub position: u64,
    /// The time of that batch, µs since 1970.
    pub at_us: i64,
    /// The last number given to a version's row.
    version_row: i64,
    /// What those who read know of names, and what they will when the transaction is on disk.
    names: Arc<Names>,
    fresh: Vec<(Table, String, i64)>,
    /// Moves when another process has written (the command line, beside a node that serves).
    data_version: i64,
}

impl Session {
    pub fn new(conn: Connection, names: Arc<Names>) -> Result<Self, StoreError> {
        let mut session = Self {
            conn,
            hospitals: HashMap::new(),
            kinds: HashMap::new(),
            params: HashMap::new(),
            position: 0,
            at_us: 0,
            version_row: 0,
            names,
            fresh: Vec::new(),
            data_version: 0,
        };
        session.refresh()?;
        Ok(session)
    }

    /// Reads anew what is remembered between groups, if someone else has written since. Within a write transaction
    /// it then stays true.
    pub fn refresh(&mut self) -> Result<(), StoreError> {
        let now: i64 = self
            .conn
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |r| r.get(0))?;
        if now != self.data_version {
            self.data_version = now;
            self.forget();
            self.position = position(&self.conn)?;
            self.version_row = self
                .conn
                .prepare_cached("SELECT coalesce(max(row), 0) FROM version")?
                .query_row([], |r| r.get(0))?;
        }
        Ok(())
    }

    /// The number of a hospital; a new one is given when it is met for the first time.
    pub fn hospital(&mut self, id: &HospitalId) -> Result<i64, StoreError> {
        if let Some(n) = self.hospitals.get(id) {
            return Ok(*n);
        }
        let found = self
            .conn
            .prepare_cached("SELECT num FROM hospital WHERE name = ?1")?
            .query_row([id.as_str()], |r| r.get(0))
            .optional()?;
        let n = match found {
            Some(n) => n,
            None => self
                .conn
                .prepare_cached("INSERT INTO hospital (name) VALUES (?1)")?
                .insert([id.as_str()])?,
        };
        self.hospitals.insert(id.clone(), n);
        self.fresh
            .push((Table::Hospital, id.as_str().to_owned(), n));
        Ok(n)
    }

    /// The number of a kind: positive for FHIR types, negative for documents of our own.
    pub fn kind(&mut self, kind: &Kind) -> Result<i64, StoreError> {
        if let Some(n) = self.kinds.get(kind) {
            return Ok(*n);
        }
        let found = self
            .conn
            .prepare_cached("SELECT num FROM kind WHERE name = ?1")?
            .query_row([kind.as_str()], |r| r.get(0))
            .optional()?;
        let n = match found {
            Some(n) => n,
            None => self.new_kind(kind)?,
        };
        self.kinds.insert(kind.clone(), n);
        self.fresh.push((Table::Kind, kind.as_str().to_owned(), n));
        Ok(n)
    }

    fn new_kind(&self, kind: &Kind) -> Result<i64, StoreError> {
        let next = if kind.is_fhir() {
            "SELECT max(coalesce(max(num), 0), 0) + 1 FROM kind"
        } else {
            "SELECT min(coalesce(min(num), 0), 0) - 1 FROM kind"
        };
        let n: i64 = self.conn.query_row(next, [], |r| r.get(0))?;
        self.conn.execute(
            "INSERT INTO kind (num, name) VALUES (?1, ?2)",
            params![n, kind.as_str()],
        )?;
        Ok(n)
    }

    /// A number for the row of a new version. Rolled-back batches leave gaps.
    pub fn next_version_row(&mut self) -> i64 {
        self.version_row += 1;
        self.version_row
    }

    /// Forgets what a rolled-back batch may have added.
    pub fn forget(&mut self) {
        self.hospitals.clear();
        self.kinds.clear();
        self.params.clear();
        self.fresh.clear();
    }

    /// Remembers the number of a search parameter.
    pub(super) fn learn_param(&mut self, number: u16, code: &str, n: i64) {
        self.params.insert(number, n);
        self.fresh.push((Table::Param, code.to_owned(), n));
    }

    /// Tells those who read what the transaction that is now on disk has named.
    pub fn publish(&mut self) {
        for (table, name, n) in self.fresh.drain(..) {
            self.names.learn(table, name, n);
        }
    }

    pub fn write_position(&self) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("UPDATE counter SET value = ?1 WHERE name = 'position'")?
            .execute([signed(self.position)])?;
        // On the same page: how far a commit reaches in time is read from the log when it is restored.
        self.conn
            .prepare_cached(
                "INSERT INTO counter (name, value) VALUES ('at', ?1) \
                 ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
            )?
            .execute([self.at_us])?;
        Ok(())
    }
}

/// Tells those who read all names that are in the database.
pub(crate) fn learn(conn: &Connection, names: &Names) -> Result<(), StoreError> {
    for (table, text) in [
        (Table::Hospital, "SELECT name, num FROM hospital"),
        (Table::Kind, "SELECT name, num FROM kind"),
        (Table::Param, "SELECT code, num FROM param"),
    ] {
        let mut st = conn.prepare(text)?;
        let mut rows = st.query([])?;
        while let Some(r) = rows.next()? {
            names.learn(table, r.get(0)?, r.get(1)?);
        }
    }
    Ok(())
}

/// The position of the newest commit in this snapshot.
pub(crate) fn position(conn: &Connection) -> Result<u64, StoreError> {
    let n = conn
        .prepare_cached("SELECT value FROM counter WHERE name = 'position'")?
        .query_row([], |r| r.get(0))?;
    Ok(unsigned(n))
}
