//! Blobs and their keys in SQLite.

use agreements::Permit;
use async_trait::async_trait;
use kernel::{HospitalId, Instant, RecordKey, ResourceId};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use seal::Wrapped;

use super::session::Session;
use super::{SqliteDatabase, apply, erase};
use crate::blob_index::{Erased, ToErase, WrappedKey};
use crate::prepare::prepare;
use crate::sql::blobs::{self, patient_text};
use crate::sql::{Dialect, Statement, micros, signed};
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

#[async_trait]
impl BlobIndex for SqliteDatabase {
    async fn hospital_secret(&self, hospital: &HospitalId) -> Result<Option<Wrapped>, StoreError> {
        let hospital = hospital.clone();
        self.readers
            .read(move |c| {
                let found = c
                    .prepare_cached(
                        "SELECT s.wrapped FROM hospital_secret s JOIN hospital h ON h.num = s.hospital WHERE h.name = ?1",
                    )?
                    .query_row([hospital.as_str()], |r| r.get(0))
                    .optional()?;
                Ok(found.map(Wrapped))
            })
            .await
    }

    async fn put_hospital_secret(
        &self,
        hospital: &HospitalId,
        new: Wrapped,
    ) -> Result<Wrapped, StoreError> {
        let hospital = hospital.clone();
        self.writer
            .write(move |s| {
                let h = s.hospital(&hospital)?;
                s.conn.execute(
                    "INSERT INTO hospital_secret (hospital, wrapped) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    params![h, new.0],
                )?;
                let kept = s.conn.query_row(
                    "SELECT wrapped FROM hospital_secret WHERE hospital = ?1",
                    [h],
                    |r| r.get(0),
                )?;
                Ok(Wrapped(kept))
            })
            .await
    }

    async fn data_key(
        &self,
        hospital: &HospitalId,
        patient: Option<&ResourceId>,
    ) -> Result<Option<Wrapped>, StoreError> {
        let (hospital, patient) = (hospital.clone(), patient_text(patient));
        self.readers
            .read(move |c| {
                let found = c
                    .prepare_cached(
                        "SELECT k.wrapped FROM patient_key k JOIN hospital h ON h.num = k.hospital \
                         WHERE h.name = ?1 AND k.patient = ?2",
                    )?
                    .query_row([hospital.as_str(), &patient], |r| r.get(0))
                    .optional()?;
                Ok(found.map(Wrapped))
            })
            .await
    }

    async fn put_data_key(
        &self,
        hospital: &HospitalId,
        patient: Option<&ResourceId>,
        new: Wrapped,
    ) -> Result<Wrapped, StoreError> {
        let (hospital, patient) = (hospital.clone(), patient_text(patient));
        self.writer
            .write(move |s| {
                let h = s.hospital(&hospital)?;
                s.conn.execute(
                    "INSERT INTO patient_key (hospital, patient, wrapped) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                    params![h, patient, new.0],
                )?;
                let kept = s.conn.query_row(
                    "SELECT wrapped FROM patient_key WHERE hospital = ?1 AND patient = ?2",
                    params![h, patient],
                    |r| r.get(0),
                )?;
                Ok(Wrapped(kept))
            })
            .await
    }

    async fn wrapped_keys(&self) -> Result<Vec<WrappedKey>, StoreError> {
        self.readers
            .read(move |c| {
                let mut prepared = c.prepare_cached(blobs::WRAPPED_KEYS)?;
                let mut rows = prepared.query([])?;
                let mut out = Vec::new();
                while let Some(r) = rows.next()? {
                    let hospital: String = r.get(0)?;
                    out.push(WrappedKey {
                        hospital: HospitalId::new(hospital)
                            .map_err(|_| StoreError::Damaged("a key names no valid id".into()))?,
                        patient: r.get(1)?,
                        wrapped: Wrapped(r.get(2)?),
                    });
                }
                Ok(out)
            })
            .await
    }

    async fn replace_key(&self, new: &WrappedKey) -> Result<(), StoreError> {
        let new = new.clone();
        self.writer
            .write(move |s| {
                let h = s.hospital(&new.hospital)?;
                match &new.patient {
                    None => s.conn.execute(
                        "UPDATE hospital_secret SET wrapped = ?2 WHERE hospital = ?1",
                        params![h, new.wrapped.0],
                    )?,
                    Some(patient) => s.conn.execute(
                        "UPDATE patient_key SET wrapped = ?3 WHERE hospital = ?1 AND patient = ?2",
                        params![h, patient, new.wrapped.0],
                    )?,
                };
                Ok(())
            })
            .await
    }

    async fn put_blob(&self, blob: &BlobRef, at: Instant) -> Result<(), StoreError> {
        let blob = blob.clone();
        self.writer
            .write(move |s| {
                let h = s.hospital(&blob.hospital)?;
                s.conn
                    .prepare_cached(
                        "INSERT INTO blob (hospital, address, patient, size, media_type, stored_at, erased) \
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0) \
                         ON CONFLICT DO UPDATE SET erased = 0, stored_at = excluded.stored_at",
                    )?
                    .execute(params![
                        h,
                        blob.address,
                        blob.patient.as_ref().map(ResourceId::as_str),
                        signed(blob.size),
                        blob.media_type,
                        micros(at)
                    ])?;
                Ok(())
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
                    let h = s.hospital(&b.hospital)?;
                    s.conn.execute(
                        "DELETE FROM blob WHERE hospital = ?1 AND address = ?2",
                        params![h, b.address],
                    )?;
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

/// Destroys the patient's key; gives the blobs that it encrypted.
pub(super) fn erase(
    s: &mut Session,
    hospital: &HospitalId,
    patient: &ResourceId,
) -> Result<Vec<BlobRef>, StoreError> {
    let h = s.hospital(hospital)?;
    let found = list(
        &s.conn,
        &blobs::of_patient(&Dialect::Sqlite, hospital, patient),
    )?;
    s.conn.execute(
        "DELETE FROM patient_key WHERE hospital = ?1 AND patient = ?2",
        params![h, patient.as_str()],
    )?;
    s.conn.execute(
        "UPDATE blob SET erased = 1 WHERE hospital = ?1 AND patient = ?2",
        params![h, patient.as_str()],
    )?;
    Ok(found)
}

/// Blobs of no patient that no other record refers to.
pub(super) fn of_record_alone(conn: &Connection, record: i64) -> Result<Vec<BlobRef>, StoreError> {
    list(conn, &blobs::of_record_alone(&Dialect::Sqlite, record))
}
