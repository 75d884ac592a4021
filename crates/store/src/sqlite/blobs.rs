//! Blobs and their keys in SQLite.

use agreements::Permit;
use async_trait::async_trait;
use kernel::{HospitalId, Instant, RecordKey, ResourceId};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use seal::Wrapped;

use super::SqliteDatabase;
use super::permit_sql::{CURRENT, VERSION, condition};
use super::session::Session;
use super::sql::{Binds, micros, signed, unsigned};
use crate::{BlobIndex, BlobRef, Finding, StoreError};

/// The patient column of what belongs to no patient.
const NOBODY: &str = "";

fn patient_text(patient: Option<&ResourceId>) -> String {
    patient.map_or(NOBODY, ResourceId::as_str).to_owned()
}

/// Columns that [`blob_ref`] reads, of `blob AS b` and its hospital `bh`.
const COLUMNS: &str = "bh.name, b.patient, b.address, b.size, b.media_type";

fn blob_ref(r: &Row<'_>) -> Result<BlobRef, StoreError> {
    let bad = |_| StoreError::Damaged("a blob names no valid id".into());
    let patient: Option<String> = r.get(1)?;
    Ok(BlobRef {
        hospital: HospitalId::new(r.get::<_, String>(0)?).map_err(bad)?,
        patient: patient.map(ResourceId::new).transpose().map_err(bad)?,
        address: r.get(2)?,
        size: unsigned(r.get(3)?),
        media_type: r.get(4)?,
    })
}

fn list(conn: &Connection, text: &str, binds: Binds) -> Result<Vec<BlobRef>, StoreError> {
    let mut st = conn.prepare_cached(text)?;
    let mut rows = st.query(params_from_iter(binds.0))?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        out.push(blob_ref(r)?);
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
        let mut binds = Binds::default();
        let text = format!(
            "SELECT {COLUMNS} FROM record r CROSS JOIN blob_use u ON u.record = r.record \
             CROSS JOIN version v ON v.record = u.record AND v.version = u.version \
             CROSS JOIN blob b ON b.hospital = u.hospital AND b.address = u.address \
             CROSS JOIN hospital bh ON bh.num = b.hospital \
             WHERE r.hospital = {} AND r.kind = {} AND r.id = {} AND r.deleted = 0 AND u.address = {} \
             AND b.erased = 0 AND {} AND {} ORDER BY v.version DESC LIMIT 1",
            binds.hospital(owner.hospital.as_str()),
            binds.kind(owner.kind.as_str()),
            binds.bind(owner.id.as_str().to_owned()),
            binds.bind(address.to_owned()),
            condition(permit, CURRENT, &mut binds),
            condition(permit, VERSION, &mut binds),
        );
        self.readers
            .read(move |c| Ok(list(c, &text, binds)?.pop()))
            .await
    }

    async fn forget_unused(&self, before: Instant) -> Result<Vec<BlobRef>, StoreError> {
        self.writer
            .write(move |s| {
                let mut binds = Binds::default();
                let unused = format!(
                    "b.stored_at < {} AND NOT EXISTS \
                     (SELECT 1 FROM blob_use u WHERE u.hospital = b.hospital AND u.address = b.address)",
                    binds.bind(micros(before)),
                );
                let text = format!(
                    "SELECT {COLUMNS} FROM blob b JOIN hospital bh ON bh.num = b.hospital WHERE {unused} LIMIT 1000"
                );
                let found = list(&s.conn, &text, binds)?;
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

    async fn erase_data_key(
        &self,
        hospital: &HospitalId,
        patient: &ResourceId,
    ) -> Result<Vec<BlobRef>, StoreError> {
        let (hospital, patient) = (hospital.clone(), patient.clone());
        let erased = self
            .writer
            .write(move |s| erase(s, &hospital, &patient))
            .await?;
        self.writer.checkpoint().await?;
        Ok(erased)
    }

    async fn blobs(
        &self,
        after: Option<(HospitalId, String)>,
        limit: u32,
    ) -> Result<Vec<BlobRef>, StoreError> {
        let mut binds = Binds::default();
        let mut text = format!(
            "SELECT {COLUMNS} FROM blob b JOIN hospital bh ON bh.num = b.hospital WHERE b.erased = 0"
        );
        if let Some((hospital, address)) = after {
            let (h, a) = (binds.hospital(hospital.as_str()), binds.bind(address));
            text.push_str(&format!(" AND (b.hospital, b.address) > ({h}, {a})"));
        }
        text.push_str(&format!(" ORDER BY b.hospital, b.address LIMIT {limit}"));
        self.readers.read(move |c| list(c, &text, binds)).await
    }

    async fn check_up(&self) -> Result<Vec<Finding>, StoreError> {
        self.checked_up().await
    }
}

fn erase(
    s: &mut Session,
    hospital: &HospitalId,
    patient: &ResourceId,
) -> Result<Vec<BlobRef>, StoreError> {
    let h = s.hospital(hospital)?;
    let mut binds = Binds::default();
    let text = format!(
        "SELECT {COLUMNS} FROM blob b JOIN hospital bh ON bh.num = b.hospital \
         WHERE b.hospital = {} AND b.patient = {} AND b.erased = 0",
        binds.bind(h),
        binds.bind(patient.as_str().to_owned()),
    );
    let found = list(&s.conn, &text, binds)?;
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
