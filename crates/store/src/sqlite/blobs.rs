//! Blobs and their keys in SQLite.

use agreements::Permit;
use async_trait::async_trait;
use kernel::{HospitalId, Instant, RecordKey, ResourceId};
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use seal::Wrapped;

use super::session::Session;
use super::{SqliteDatabase, apply, erase};
use crate::blob_index::{Erased, ToErase, WrappedKey};
use crate::prepare::prepare;
use crate::sql::blobs::{self, patient_text};
use crate::sql::{Dialect, Statement, micros};
use crate::{Batch, BlobIndex, BlobRef, Finding, StoreError};

/// Rows of [`blobs::COLUMNS`].
fn list(conn: &Connection, st: &Statement) -> Result<Vec<BlobRef>, StoreError> {
    let mut prepared = conn.prepare_cached(&st.text)?;
    let mut rows = prepared.query(params_from_iter(st.values.iter()))?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        let row = blobs::Row {
            hospital: r.get(0)?,
            patient: r.get(1)?,
            address: r.get(2)?,
            size: r.get(3)?,
            media_type: r.get(4)?,
        };
        out.push(row.blob()?);
    }
    Ok(out)
}

fn wrapped(conn: &Connection, st: &Statement) -> Result<Option<Wrapped>, StoreError> {
    let found = conn
        .prepare_cached(&st.text)?
        .query_row(params_from_iter(st.values.iter()), |r| r.get(0))
        .optional()?;
    Ok(found.map(Wrapped))
}

pub(super) fn run(conn: &Connection, st: &Statement) -> Result<(), StoreError> {
    conn.prepare_cached(&st.text)?
        .execute(params_from_iter(st.values.iter()))?;
    Ok(())
}

#[async_trait]
impl BlobIndex for SqliteDatabase {
    async fn hospital_secret(&self, hospital: &HospitalId) -> Result<Option<Wrapped>, StoreError> {
        let st = blobs::secret(&Dialect::Sqlite, hospital);
        self.readers.read(move |c| wrapped(c, &st)).await
    }

    async fn put_hospital_secret(
        &self,
        hospital: &HospitalId,
        new: Wrapped,
    ) -> Result<Wrapped, StoreError> {
        let put = blobs::put_secret(&Dialect::Sqlite, hospital, &new);
        let kept = blobs::secret(&Dialect::Sqlite, hospital);
        self.keep(hospital, put, kept).await
    }

    async fn data_key(
        &self,
        hospital: &HospitalId,
        patient: Option<&ResourceId>,
    ) -> Result<Option<Wrapped>, StoreError> {
        let st = blobs::key(&Dialect::Sqlite, hospital, patient_text(patient));
        self.readers.read(move |c| wrapped(c, &st)).await
    }

    async fn put_data_key(
        &self,
        hospital: &HospitalId,
        patient: Option<&ResourceId>,
        new: Wrapped,
    ) -> Result<Wrapped, StoreError> {
        let patient = patient_text(patient);
        let put = blobs::put_key(&Dialect::Sqlite, hospital, patient, &new);
        let kept = blobs::key(&Dialect::Sqlite, hospital, patient);
        self.keep(hospital, put, kept).await
    }

    async fn wrapped_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        self.readers
            .read(move |c| {
                let mut prepared = c.prepare_cached(blobs::WRAPPED_KEYS)?;
                let mut rows = prepared.query([])?;
                let mut out = Vec::new();
                while let Some(r) = rows.next()? {
                    let hospital = r.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
                    out.push(blobs::wrapped_key(hospital, r.get(1)?, r.get(2)?)?);
                }
                Ok(out)
            })
            .await
    }

    async fn replace_key(&self, new: &WrappedKey) -> Result<(), StoreError> {
        let st = blobs::replace_key(&Dialect::Sqlite, new);
        self.writer.write(move |s| run(&s.conn, &st)).await
    }

    async fn put_blob(&self, blob: &BlobRef, at: Instant) -> Result<(), StoreError> {
        let st = blobs::put(&Dialect::Sqlite, blob, micros(at));
        let hospital = blob.hospital.clone();
        self.writer
            .write(move |s| {
                s.hospital(&hospital)?;
                run(&s.conn, &st)
            })
            .await
    }

    async fn blob(
        &self,
        permit: &Permit,
        owner: &RecordKey,
        address: &str,
    ) -> Result<Option<BlobRef>, StoreError> {
        let st = blobs::of_owner(&Dialect::Sqlite, permit, owner, address);
        self.readers.read(move |c| Ok(list(c, &st)?.pop())).await
    }

    async fn forget_unused(&self, before: Instant) -> Result<Vec<BlobRef>, StoreError> {
        self.writer
            .write(move |s| {
                let found = list(&s.conn, &blobs::unused(&Dialect::Sqlite, micros(before)))?;
                for b in &found {
                    run(&s.conn, &blobs::forget(&Dialect::Sqlite, b))?;
                }
                Ok(found)
            })
            .await
    }

    async fn erase(&self, what: ToErase, batch: Batch) -> Result<Erased, StoreError> {
        let moved = match what.patient.clone() {
            Some(patient) => {
                let hospital = what.hospital.clone();
                self.readers
                    .read_all(move |c| erase::moved_away(c, &hospital, &patient))
                    .await?
            }
            None => Vec::new(),
        };
        let at = micros(batch.at);
        let prepared = prepare(batch, &self.public_base)?;
        let erased = self
            .writer
            .write(move |s| {
                let erased = erase::erase(s, &what, &moved, at)?;
                apply::apply(s, &prepared)?;
                Ok(erased)
            })
            .await?;
        self.writer.checkpoint().await?;
        Ok(erased)
    }

    async fn blobs(
        &self,
        after: Option<(HospitalId, String)>,
        limit: u32,
    ) -> Result<Vec<BlobRef>, StoreError> {
        let st = blobs::page(&Dialect::Sqlite, after, limit);
        self.readers.read(move |c| list(c, &st)).await
    }

    async fn check_up(&self) -> Result<Vec<Finding>, StoreError> {
        self.checked_up().await
    }
}

impl SqliteDatabase {
    /// Puts a key where there is none, and gives the one that is there then.
    async fn keep(
        &self,
        hospital: &HospitalId,
        put: Statement,
        kept: Statement,
    ) -> Result<Wrapped, StoreError> {
        let hospital = hospital.clone();
        self.writer
            .write(move |s| {
                s.hospital(&hospital)?;
                run(&s.conn, &put)?;
                wrapped(&s.conn, &kept)?
                    .ok_or_else(|| StoreError::Damaged("a key was not kept".into()))
            })
            .await
    }
}

/// Destroys the patient's key; gives the blobs that it encrypted.
pub(super) fn erase(
    s: &mut Session,
    hospital: &HospitalId,
    patient: &ResourceId,
) -> Result<Vec<BlobRef>, StoreError> {
    let found = list(
        &s.conn,
        &blobs::of_patient(&Dialect::Sqlite, hospital, patient),
    )?;
    for st in &blobs::erase(&Dialect::Sqlite, hospital, patient) {
        run(&s.conn, st)?;
    }
    Ok(found)
}

/// Blobs of no patient that no other record refers to.
pub(super) fn of_record_alone(conn: &Connection, record: i64) -> Result<Vec<BlobRef>, StoreError> {
    list(conn, &blobs::of_record_alone(&Dialect::Sqlite, record))
}
