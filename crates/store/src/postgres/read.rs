//! Reading records, documents, events and audit chains in PostgreSQL: the statements come from [`crate::sql`].

use agreements::Permit;
use bytes::Bytes;
use kernel::{HospitalId, Kind, RecordKey, ResourceId};
use tokio_postgres::Row;

use super::session::{Connections, Reach};
use super::values::{bytes, int, maybe_text, text};
use crate::sql::audit::{self, Head, Verifier};
use crate::sql::records::{self, Documents, History, Version};
use crate::sql::{Statement, feed, unsigned};
use crate::{
    AuditFilter, AuditPage, ChainReport, Checkpoint, DocQuery, Event, HistoryPage, StoreError,
    Stored, chained,
};

/// Entries of a chain that are read at once when it is verified.
const VERIFIED_AT_ONCE: i64 = 2_000;

/// One version from a row that begins with [`records::COLUMNS`].
pub(crate) fn version(r: &Row) -> Result<Version, StoreError> {
    Ok(Version {
        version: int(r, 0)?,
        at: int(r, 1)?,
        deleted: int(r, 2)? != 0,
        class: int(r, 3)?,
        patient: maybe_text(r, 4)?,
        body: Bytes::copy_from_slice(bytes(r, 5)?),
    })
}

fn all(
    rows: &[Row],
    key: impl Fn(&Row) -> Result<RecordKey, StoreError>,
) -> Result<Vec<Stored>, StoreError> {
    rows.iter().map(|r| version(r)?.stored(key(r)?)).collect()
}

impl Connections {
    pub async fn get(
        &self,
        permit: &Permit,
        key: &RecordKey,
        version: Option<u64>,
    ) -> Result<Option<Stored>, StoreError> {
        let st = records::get(&self.dialect, permit, key, version);
        let reach = self.reach_within(permit, &key.hospital).await?;
        let rows = self.rows(&reach, st).await?;
        Ok(all(&rows, |_| Ok(key.clone()))?.pop())
    }

    pub async fn get_many(
        &self,
        permit: &Permit,
        keys: &[RecordKey],
    ) -> Result<Vec<Stored>, StoreError> {
        let statements: Vec<Statement> = keys
            .iter()
            .map(|k| records::get(&self.dialect, permit, k, None))
            .collect();
        let reach = self.reach(permit).await?;
        let mut out = Vec::with_capacity(keys.len());
        for (rows, key) in self.read(&reach, &statements).await?.iter().zip(keys) {
            out.extend(all(rows, |_| Ok(key.clone()))?);
        }
        Ok(out)
    }

    pub async fn history(
        &self,
        permit: &Permit,
        key: &RecordKey,
        after: Option<&str>,
        limit: u32,
    ) -> Result<HistoryPage, StoreError> {
        let history = History::new(&self.dialect, permit, key, after, limit)?;
        let reach = self.reach_within(permit, &key.hospital).await?;
        let rows = self.rows(&reach, history.statement.clone()).await?;
        Ok(history.page(all(&rows, |_| Ok(key.clone()))?))
    }

    pub async fn records_of(
        &self,
        permit: &Permit,
        hospital: &HospitalId,
        patient: &ResourceId,
        kinds: &[Kind],
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        let st = records::records_of(&self.dialect, permit, hospital, patient, kinds, limit);
        let reach = self.reach_within(permit, hospital).await?;
        let rows = self.rows(&reach, st).await?;
        all(&rows, |r| {
            records::key(hospital.as_str(), text(r, 6)?, text(r, 7)?)
        })
    }

    pub async fn documents(
        &self,
        permit: &Permit,
        query: &DocQuery,
    ) -> Result<Vec<Stored>, StoreError> {
        let documents = Documents::new(&self.dialect, permit, query)?;
        let key = |r: &Row| records::key(text(r, 6)?, query.kind.as_str(), text(r, 7)?);
        let reach = self.reach(permit).await?;
        if query.hospital.is_some() {
            return all(&self.rows(&reach, documents.page()).await?, key);
        }
        let mut snapshot = self.snapshot(&reach);
        let mut found = all(&snapshot.rows(documents.page()).await?, key)?;
        if let Some(rest) = documents.rest(&mut found) {
            found.extend(all(&snapshot.rows(rest).await?, key)?);
        }
        Ok(found)
    }

    /// Events after `after`. A page never ends within a commit: all events of its last commit are in it.
    pub async fn events(&self, after: u64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let st = feed::paged(&self.dialect, after, limit);
        let rows = self.rows(&Reach::System, st).await?;
        rows.iter()
            .map(|r| {
                let owned = |i| text(r, i).map(str::to_owned);
                feed::Row {
                    position: int(r, 0)?,
                    ordinal: u32::try_from(int(r, 1)?).unwrap_or_default(),
                    at: int(r, 2)?,
                    hospital: owned(3)?,
                    topic: owned(4)?,
                    subject: [owned(5)?, owned(6)?, owned(7)?],
                    data: owned(8)?,
                }
                .event()
            })
            .collect()
    }

    /// A page of a chain, newest first.
    pub async fn audit(
        &self,
        chain: &HospitalId,
        filter: &AuditFilter,
    ) -> Result<AuditPage, StoreError> {
        let st = audit::page(&self.dialect, chain, filter);
        let mut records = Vec::new();
        for r in &self.rows(&Reach::System, st).await? {
            let row = audit::Row {
                number: int(r, 0)?,
                at: int(r, 1)?,
                account: maybe_text(r, 2)?,
                patient: maybe_text(r, 3)?,
                action: text(r, 4)?.to_owned(),
                body: bytes(r, 5)?.to_vec(),
                hash: bytes(r, 6)?.to_vec(),
            };
            records.push(row.record(chain)?);
        }
        Ok(audit::paged(records, filter))
    }

    fn head_of(&self, chain: &HospitalId) -> Statement {
        let mut binds = self.dialect.binds();
        let text = format!(
            "SELECT number, at, hash FROM audit_head WHERE chain = {}",
            binds.hospital(chain.as_str())
        );
        binds.statement(text)
    }

    pub async fn chain_head(&self, chain: &HospitalId) -> Result<Option<Checkpoint>, StoreError> {
        let rows = self.rows(&Reach::System, self.head_of(chain)).await?;
        let head = rows.first().map(head).transpose()?;
        Ok(head.map(|h| h.checkpoint(chain)))
    }

    /// Recomputes the chain from its first entry, and compares its end with the head.
    pub async fn verify_chain(&self, chain: &HospitalId) -> Result<ChainReport, StoreError> {
        let mut snapshot = self.snapshot(&Reach::System);
        let mut verifier = Verifier::new(chain);
        let mut after = 0;
        'pages: loop {
            let mut binds = self.dialect.binds();
            let st = format!(
                "SELECT {} FROM audit WHERE chain = {} AND number > {} ORDER BY number LIMIT {VERIFIED_AT_ONCE}",
                audit::COLUMNS,
                binds.hospital(chain.as_str()),
                binds.bind(after),
            );
            let rows = snapshot.rows(binds.statement(st)).await?;
            let Some(last) = rows.last() else { break };
            after = int(last, 0)?;
            for r in &rows {
                if !take(&mut verifier, r) {
                    break 'pages;
                }
            }
        }
        let rows = snapshot.rows(self.head_of(chain)).await?;
        Ok(verifier.done(rows.first().map(head).transpose()?))
    }
}

pub(crate) fn head(r: &Row) -> Result<Head, StoreError> {
    Ok(Head {
        number: unsigned(int(r, 0)?),
        at: int(r, 1)?,
        hash: bytes(r, 2)?
            .try_into()
            .map_err(|_| StoreError::Damaged("the head of an audit chain is cut".into()))?,
    })
}

fn take(verifier: &mut Verifier, r: &Row) -> bool {
    let entry = (|| {
        let entry = chained::Entry {
            number: verifier.expected(),
            at_us: int(r, 1).ok()?,
            account: r.try_get::<_, Option<&str>>(2).ok()?,
            patient: r.try_get::<_, Option<&str>>(3).ok()?,
            action: text(r, 4).ok()?,
            body: bytes(r, 5).ok()?,
        };
        Some((int(r, 0).ok()?, entry, bytes(r, 6).ok()?))
    })();
    verifier.take(entry.as_ref().map(|(n, e, h)| (*n, e, *h)))
}
