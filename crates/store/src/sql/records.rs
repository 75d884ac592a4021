//! Statements that read records and documents: by key, by version, by lookup.

use agreements::Permit;
use bytes::Bytes;
use kernel::{HospitalId, Kind, Phi, RecordKey, ResourceId, limits};

use super::permit::{CURRENT, VERSION, condition, condition_at, system_only};
use super::{Binds, Dialect, Statement, instant, signed, unsigned};
use crate::{DocQuery, HistoryPage, StoreError, Stored, classes, present};

/// The columns of [`Version`], from `version AS v`.
pub(crate) const COLUMNS: &str = "v.version, v.at, v.deleted, v.class, v.patient, v.body";

/// One row of [`COLUMNS`].
pub(crate) struct Version {
    pub version: i64,
    pub at: i64,
    pub deleted: bool,
    pub class: i64,
    pub patient: Option<String>,
    pub body: Bytes,
}

impl Version {
    pub fn stored(self, key: RecordKey) -> Result<Stored, StoreError> {
        let version = unsigned(self.version);
        let at = instant(self.at);
        let body = if self.deleted || !key.kind.is_fhir() {
            self.body.clone()
        } else {
            present::with_meta(&self.body, &key.id, version, at)?
        };
        Ok(Stored {
            version,
            at,
            deleted: self.deleted,
            class: classes::from_number(self.class),
            patient: self
                .patient
                .map(ResourceId::new)
                .transpose()
                .map_err(|_| StoreError::Damaged("a record names no valid patient id".into()))?,
            body: Phi::new(body),
            original: Phi::new(self.body),
            key,
        })
    }
}

/// A record's key from its stored words.
pub(crate) fn key(hospital: &str, kind: &str, id: &str) -> Result<RecordKey, StoreError> {
    RecordKey::parse(hospital, kind, id)
        .map_err(|_| StoreError::Damaged("a record's key is not valid".into()))
}

/// `record AS r` by key, under the permit.
fn keyed(permit: &Permit, key: &RecordKey, binds: &mut Binds) -> String {
    format!(
        "r.hospital = {} AND r.kind = {} AND r.id = {} AND {}",
        binds.hospital(key.hospital.as_str()),
        binds.kind(key.kind.as_str()),
        binds.bind(key.id.as_str().to_owned()),
        condition_at(permit, &key.hospital, CURRENT, binds),
    )
}

/// One row of [`COLUMNS`], or none.
pub(crate) fn get(
    dialect: &Dialect,
    permit: &Permit,
    key: &RecordKey,
    version: Option<u64>,
) -> Statement {
    let mut binds = dialect.binds();
    let join = dialect.join();
    let which = keyed(permit, key, &mut binds);
    let text = match version {
        None => format!(
            "SELECT {COLUMNS} FROM record r {join} version v ON v.row = r.current WHERE {which}"
        ),
        Some(n) => format!(
            "SELECT {COLUMNS} FROM record r {join} version v ON v.record = r.record AND v.version = {} \
             WHERE {which} AND {}",
            binds.bind(signed(n)),
            condition_at(permit, &key.hospital, VERSION, &mut binds),
        ),
    };
    binds.statement(text)
}

/// Pages through the versions of one record. The cursor is the number of the last version shown.
pub(crate) struct History {
    limit: usize,
    pub statement: Statement,
}

impl History {
    pub fn new(
        dialect: &Dialect,
        permit: &Permit,
        key: &RecordKey,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Self, StoreError> {
        let limit = limit.clamp(1, limits::PAGE_SIZE_MAX) as usize;
        let below: i64 = match after {
            None => i64::MAX,
            Some(text) => text.parse().map_err(|_| StoreError::Cursor)?,
        };
        let mut binds = dialect.binds();
        let text = format!(
            "SELECT {COLUMNS} FROM record r {} version v ON v.record = r.record \
             WHERE {} AND {} AND v.version < {} ORDER BY v.version DESC LIMIT {}",
            dialect.join(),
            keyed(permit, key, &mut binds),
            condition_at(permit, &key.hospital, VERSION, &mut binds),
            binds.bind(below),
            binds.bind(signed(limit as u64 + 1)),
        );
        Ok(Self {
            limit,
            statement: binds.statement(text),
        })
    }

    /// The page from the rows, of which there may be one more than it holds.
    pub fn page(&self, mut versions: Vec<Stored>) -> HistoryPage {
        let more = versions.len() > self.limit;
        versions.truncate(self.limit);
        let last = versions.last().map(|v| v.version.to_string());
        HistoryPage {
            versions,
            next: last.filter(|_| more),
        }
    }
}

/// Everything current about one patient: [`COLUMNS`], then the kind's name and the id.
pub(crate) fn records_of(
    dialect: &Dialect,
    permit: &Permit,
    hospital: &HospitalId,
    patient: &ResourceId,
    kinds: &[Kind],
    limit: u32,
) -> Statement {
    let mut binds = dialect.binds();
    let join = dialect.join();
    let h = binds.hospital(hospital.as_str());
    let p = binds.bind(patient.as_str().to_owned());
    let among = if kinds.is_empty() {
        "r.kind > 0".to_owned()
    } else {
        let list: Vec<String> = kinds.iter().map(|k| binds.kind(k.as_str())).collect();
        format!("r.kind IN ({})", list.join(", "))
    };
    // Otherwise SQLite reads all records of the hospital, because they stand in the order that is asked for.
    let indexed = dialect.indexed_by("record_patient");
    let text = format!(
        "SELECT {COLUMNS}, k.name, r.id FROM record r{indexed} {join} version v ON v.row = r.current \
         {join} kind k ON k.num = r.kind \
         WHERE r.hospital = {h} AND r.patient = {p} AND {among} AND r.deleted = 0 AND {} \
         ORDER BY r.kind, r.id LIMIT {}",
        condition_at(permit, hospital, CURRENT, &mut binds),
        binds.bind(i64::from(limit)),
    );
    binds.statement(text)
}

/// Documents of our own. A page over all hospitals ends with every document of its last id, so that going on
/// after that id passes none over.
pub(crate) struct Documents<'a> {
    dialect: &'a Dialect,
    permit: &'a Permit,
    query: &'a DocQuery,
    limit: u32,
}

impl<'a> Documents<'a> {
    pub fn new(
        dialect: &'a Dialect,
        permit: &'a Permit,
        query: &'a DocQuery,
    ) -> Result<Self, StoreError> {
        if query.hospital.is_none() {
            system_only(permit, "documents of every hospital")?;
        }
        if query.kind.is_fhir() {
            return Err(StoreError::Internal(
                "documents are not FHIR resources".into(),
            ));
        }
        Ok(Self {
            dialect,
            permit,
            query,
            limit: query.limit.clamp(1, 10_000),
        })
    }

    /// [`COLUMNS`], then the hospital's name and the id.
    pub fn page(&self) -> Statement {
        let mut binds = self.dialect.binds();
        let mut text = self.select(&mut binds);
        let (op, order) = if self.query.descending {
            ("<", "DESC")
        } else {
            (">", "ASC")
        };
        if let Some(after) = &self.query.after {
            text.push_str(&format!(
                " AND r.id {op} {}",
                binds.bind(after.as_str().to_owned())
            ));
        }
        text.push_str(&format!(
            " ORDER BY r.id {order}, r.hospital LIMIT {}",
            binds.bind(i64::from(self.limit))
        ));
        binds.statement(text)
    }

    /// After a full page over all hospitals: every document with the last id, which replaces those of the page.
    pub fn rest(&self, found: &mut Vec<Stored>) -> Option<Statement> {
        if self.query.hospital.is_some() || found.len() < self.limit as usize {
            return None;
        }
        let last = found.last().map(|s| s.key.id.clone())?;
        found.retain(|s| s.key.id != last);
        let mut binds = self.dialect.binds();
        let mut text = self.select(&mut binds);
        text.push_str(&format!(
            " AND r.id = {} ORDER BY r.hospital",
            binds.bind(last.as_str().to_owned())
        ));
        Some(binds.statement(text))
    }

    fn select(&self, binds: &mut Binds) -> String {
        let query = self.query;
        let join = self.dialect.join();
        let hospitals = match &query.hospital {
            Some(h) => format!("= {}", binds.hospital(h.as_str())),
            None => "IN (SELECT num FROM hospital)".to_owned(),
        };
        let kind = binds.kind(query.kind.as_str());
        let mut from = String::new();
        let mut on = format!("r.hospital {hospitals} AND r.kind = {kind} AND r.deleted = 0");
        for (i, l) in query.lookups.iter().enumerate() {
            let (name, value) = (binds.bind(l.name.clone()), binds.bind(l.value.clone()));
            from.push_str(&format!("lookup l{i} CROSS JOIN "));
            on.push_str(&format!(
                " AND l{i}.hospital {hospitals} AND l{i}.kind = {kind} AND l{i}.name = {name} AND l{i}.value = {value} \
                 AND l{i}.record = r.record"
            ));
            if i > 0 {
                on.push_str(&format!(" AND l{i}.record = l0.record"));
            }
        }
        format!(
            "SELECT {COLUMNS}, h.name, r.id FROM {from}record r \
             {join} version v ON v.row = r.current {join} hospital h ON h.num = r.hospital \
             WHERE {on} AND {}",
            condition(self.permit, CURRENT, binds),
        )
    }
}
