//! Rows about images in SQLite: the statements that read come from [`crate::sql::images`].

use agreements::Permit;
use async_trait::async_trait;
use bytes::Bytes;
use kernel::{HospitalId, Instant, RecordKey};
use rusqlite::types::Value as Owned;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use super::SqliteDatabase;
use super::session::Session;
use crate::images::{
    Existing, ImageAsk, ImageChange, ImageIndex, ImageLine, ImageOutcome, ImageQuery, ImageRow,
    ImageWrite, KnownStudy, NO_NUMBER, SeriesRow, Standing, StudyRow, StudyState, standing,
};
use crate::sql::{Statement, Value, images, micros, signed};
use crate::{BlobRef, StoreError};

fn rows(conn: &Connection, st: &Statement) -> Result<Vec<Vec<Value>>, StoreError> {
    let mut prepared = conn.prepare_cached(&st.text)?;
    let columns = prepared.column_count();
    let mut rows = prepared.query(params_from_iter(st.values.iter()))?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        let mut row = Vec::with_capacity(columns);
        for i in 0..columns {
            row.push(Value::from(r.get::<_, Owned>(i)?));
        }
        out.push(row);
    }
    Ok(out)
}

#[async_trait]
impl ImageIndex for SqliteDatabase {
    async fn find_images(
        &self,
        permit: &Permit,
        hospital: &HospitalId,
        query: &ImageQuery,
    ) -> Result<Vec<ImageRow>, StoreError> {
        let st = images::find(&self.dialect(), permit, hospital, query);
        let found = self.readers.read_one(move |c| rows(c, &st)).await?;
        found
            .into_iter()
            .map(|r| images::row(hospital, r))
            .collect()
    }

    async fn images(
        &self,
        permit: &Permit,
        hospital: &HospitalId,
        ask: &ImageAsk,
    ) -> Result<Vec<ImageLine>, StoreError> {
        let st = images::images(&self.dialect(), permit, hospital, ask);
        let found = self.readers.read_one(move |c| rows(c, &st)).await?;
        found
            .into_iter()
            .map(|r| images::line(hospital, r))
            .collect()
    }

    async fn image(
        &self,
        permit: &Permit,
        study: &RecordKey,
        instance: i64,
    ) -> Result<Option<(BlobRef, Bytes)>, StoreError> {
        let st = images::image(&self.dialect(), permit, study, instance);
        let mut found = self.readers.read_one(move |c| rows(c, &st)).await?;
        found.pop().map(|r| images::opened(study, r)).transpose()
    }

    async fn known_study(
        &self,
        hospital: &HospitalId,
        uid: &str,
    ) -> Result<Option<KnownStudy>, StoreError> {
        let st = images::known_study(&self.dialect(), hospital, uid);
        let mut found = self.readers.read_one(move |c| rows(c, &st)).await?;
        found.pop().map(images::known).transpose()
    }

    async fn known_images(
        &self,
        hospital: &HospitalId,
        uid: &str,
    ) -> Result<Vec<[u8; 32]>, StoreError> {
        let st = images::known_images(&self.dialect(), hospital, uid);
        let found = self.readers.read_one(move |c| rows(c, &st)).await?;
        found.into_iter().map(images::digest).collect()
    }

    async fn arrived(
        &self,
        before: Instant,
        limit: u32,
    ) -> Result<Vec<(RecordKey, String, Instant)>, StoreError> {
        let st = images::arrived(&self.dialect(), micros(before), limit);
        let found = self.readers.read_one(move |c| rows(c, &st)).await?;
        found.into_iter().map(images::arrival).collect()
    }
}

/// Inside the writer's savepoint, after the records of the batch were written.
pub(super) fn apply(
    s: &mut Session,
    changes: &[ImageChange],
    at: i64,
) -> Result<Vec<ImageOutcome>, StoreError> {
    changes
        .iter()
        .map(|change| {
            let record = record(s, change.study())?;
            match change {
                ImageChange::Keep(write) => keep(s, write, record, at),
                ImageChange::Quiet { at, .. } => quiet(s, record, micros(*at)),
                ImageChange::Waiting { waiting, .. } => {
                    s.conn
                        .prepare_cached("UPDATE dicom_study SET waiting = ?2 WHERE record = ?1")?
                        .execute(params![record, waiting])?;
                    Ok(ImageOutcome::Changed)
                }
                ImageChange::Stand {
                    study,
                    instance,
                    standing,
                } => stand(s, study, record, *instance, *standing),
            }
        })
        .collect()
}

/// The ImagingStudy's row, which stands.
fn record(s: &mut Session, key: &RecordKey) -> Result<i64, StoreError> {
    let (hospital, kind) = (s.hospital(&key.hospital)?, s.kind(&key.kind)?);
    s.conn
        .prepare_cached(
            "SELECT record FROM record WHERE hospital = ?1 AND kind = ?2 AND id = ?3 AND deleted = 0",
        )?
        .query_row(params![hospital, kind, key.id.as_str()], |r| r.get(0))
        .optional()?
        .ok_or_else(|| StoreError::Precondition {
            key: key.clone(),
            found: None,
        })
}

fn keep(s: &mut Session, w: &ImageWrite, record: i64, at: i64) -> Result<ImageOutcome, StoreError> {
    let hospital = s.hospital(&w.study.hospital)?;
    let before = study_state(s, hospital, &w.study_row.uid)?;
    if before.as_ref().is_some_and(|b| b.record != record) {
        return Err(StoreError::Duplicate {
            name: "study".into(),
        });
    }
    let existing = existing(s, hospital, &w.instance.uid)?;
    let Some(standing) = standing(before.as_ref(), &existing, w)? else {
        return Ok(ImageOutcome::Again);
    };
    let study = match before {
        Some(b) => b.study,
        None => new_study(s, hospital, record, &w.study_row)?,
    };
    let series = count_in(s, hospital, study, w, standing)?;
    s.conn
        .prepare_cached(
            "INSERT INTO blob (hospital, address, patient, size, media_type, stored_at, erased) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0) ON CONFLICT DO UPDATE SET erased = 0, stored_at = excluded.stored_at",
        )?
        .execute(params![
            hospital,
            w.blob.address,
            w.blob.patient.as_ref().map(AsRef::<str>::as_ref),
            signed(w.blob.size),
            w.blob.media_type,
            at
        ])?;
    new_instance(s, hospital, study, series, w, standing, at)?;
    s.conn
        .prepare_cached(
            "INSERT INTO dicom_arrival (study, hospital, at) VALUES (?1, ?2, ?3) \
             ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
        )?
        .execute(params![study, hospital, at])?;
    Ok(ImageOutcome::Kept(standing))
}

fn study_state(s: &Session, hospital: i64, uid: &str) -> Result<Option<StudyState>, StoreError> {
    let found = s
        .conn
        .prepare_cached(
            "SELECT study, record, patient_id, issuer FROM dicom_study WHERE hospital = ?1 AND uid = ?2",
        )?
        .query_row(params![hospital, uid], |r| {
            Ok(StudyState {
                study: r.get(0)?,
                record: r.get(1)?,
                patient_id: r.get(2)?,
                issuer: r.get(3)?,
            })
        })
        .optional()?;
    Ok(found)
}

fn existing(s: &Session, hospital: i64, uid: &str) -> Result<Vec<Existing>, StoreError> {
    let mut st = s.conn.prepare_cached(
        "SELECT instance, digest, standing FROM dicom_instance WHERE hospital = ?1 AND uid = ?2",
    )?;
    let found = st
        .query_map(params![hospital, uid], |r| {
            Ok(Existing {
                instance: r.get(0)?,
                digest: r.get(1)?,
                standing: r.get(2)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

fn new_study(s: &Session, hospital: i64, record: i64, row: &StudyRow) -> Result<i64, StoreError> {
    let n = s
        .conn
        .prepare_cached(
            "INSERT INTO dicom_study (hospital, record, uid, patient_id, issuer, name, ideographic, phonetic, words, \
             birth_date, sex, date, time, accession, number, description, referring, waiting, attributes) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        )?
        .insert(params![
            hospital,
            record,
            row.uid,
            row.patient_id,
            row.issuer,
            row.name,
            row.ideographic,
            row.phonetic,
            row.words,
            row.birth_date,
            row.sex,
            row.date,
            row.time,
            row.accession,
            row.number,
            row.description,
            row.referring,
            row.waiting,
            row.attributes.as_ref()
        ])?;
    Ok(n)
}

/// The series of the object, made if it is not there; counts the object when it is shown.
fn count_in(
    s: &Session,
    hospital: i64,
    study: i64,
    w: &ImageWrite,
    standing: Standing,
) -> Result<i64, StoreError> {
    let row: &SeriesRow = &w.series_row;
    let (count, bytes) = match standing {
        Standing::Shown => (1, signed(w.blob.size)),
        _ => (0, 0),
    };
    let n = s
        .conn
        .prepare_cached(
            "INSERT INTO dicom_series (hospital, study, uid, modality, number, description, body_part, instances, bytes, \
             attributes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
             ON CONFLICT (study, uid) DO UPDATE SET instances = instances + excluded.instances, \
             bytes = bytes + excluded.bytes RETURNING series",
        )?
        .query_row(
            params![
                hospital,
                study,
                row.uid,
                row.modality,
                row.number.unwrap_or(NO_NUMBER),
                row.description,
                row.body_part,
                count,
                bytes,
                row.attributes.as_ref()
            ],
            |r| r.get(0),
        )?;
    Ok(n)
}

fn new_instance(
    s: &Session,
    hospital: i64,
    study: i64,
    series: i64,
    w: &ImageWrite,
    standing: Standing,
    at: i64,
) -> Result<(), StoreError> {
    let i = &w.instance;
    s.conn
        .prepare_cached(
            "INSERT INTO dicom_instance (hospital, study, series, uid, standing, number, sop_class, transfer_syntax, \
             height, width, frames, size, digest, address, sender, stored_at, attributes, layout, meta) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        )?
        .execute(params![
            hospital,
            study,
            series,
            i.uid,
            standing.number(),
            i.number.unwrap_or(NO_NUMBER),
            i.sop_class,
            i.transfer_syntax,
            i.height,
            i.width,
            i.frames,
            signed(w.blob.size),
            i.digest.as_slice(),
            w.blob.address,
            i.sender,
            at,
            i.attributes.as_ref(),
            i.layout.as_ref(),
            i.meta.as_ref()
        ])?;
    Ok(())
}

fn quiet(s: &Session, record: i64, at: i64) -> Result<ImageOutcome, StoreError> {
    s.conn
        .prepare_cached(
            "DELETE FROM dicom_arrival WHERE at <= ?2 \
             AND study = (SELECT study FROM dicom_study WHERE record = ?1)",
        )?
        .execute(params![record, at])?;
    Ok(ImageOutcome::Changed)
}

fn stand(
    s: &Session,
    key: &RecordKey,
    record: i64,
    instance: i64,
    to: Standing,
) -> Result<ImageOutcome, StoreError> {
    let found: Option<(i64, i64, String)> = s
        .conn
        .prepare_cached(
            "SELECT i.study, i.hospital, i.uid FROM dicom_instance i \
             JOIN dicom_study s ON s.study = i.study WHERE i.instance = ?1 AND s.record = ?2",
        )?
        .query_row(params![instance, record], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?))
        })
        .optional()?;
    let Some((study, hospital, uid)) = found else {
        return Err(StoreError::Precondition {
            key: key.clone(),
            found: None,
        });
    };
    if to == Standing::Shown {
        for other in existing(s, hospital, &uid)? {
            if other.standing == Standing::Shown.number() && other.instance != instance {
                put_standing(s, other.instance, Standing::OtherContent)?;
            }
        }
    }
    put_standing(s, instance, to)?;
    touch(s, study, hospital)?;
    Ok(ImageOutcome::Changed)
}

/// Moves an object in or out of what is shown, and its series' counts with it.
fn put_standing(s: &Session, instance: i64, to: Standing) -> Result<(), StoreError> {
    let (was, series, size): (i64, i64, i64) = s
        .conn
        .prepare_cached("SELECT standing, series, size FROM dicom_instance WHERE instance = ?1")?
        .query_row([instance], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
    let shown = |standing: i64| i64::from(standing == Standing::Shown.number());
    let step = shown(to.number()) - shown(was);
    s.conn
        .prepare_cached("UPDATE dicom_instance SET standing = ?2 WHERE instance = ?1")?
        .execute(params![instance, to.number()])?;
    s.conn
        .prepare_cached(
            "UPDATE dicom_series SET instances = instances + ?2, bytes = bytes + ?2 * ?3 WHERE series = ?1",
        )?
        .execute(params![series, step, size])?;
    Ok(())
}

/// The ImagingStudy is to be written again.
fn touch(s: &Session, study: i64, hospital: i64) -> Result<(), StoreError> {
    s.conn
        .prepare_cached(
            "INSERT INTO dicom_arrival (study, hospital, at) VALUES (?1, ?2, 0) ON CONFLICT DO NOTHING",
        )?
        .execute(params![study, hospital])?;
    Ok(())
}

/// Forgets every row about the study that a record stands for. Gives whether there was one.
pub(super) fn erase(s: &Session, record: i64) -> Result<bool, StoreError> {
    let study: Option<i64> = s
        .conn
        .prepare_cached("SELECT study FROM dicom_study WHERE record = ?1")?
        .query_row([record], |r| r.get(0))
        .optional()?;
    let Some(study) = study else {
        return Ok(false);
    };
    for text in [
        "DELETE FROM dicom_instance WHERE series IN (SELECT series FROM dicom_series WHERE study = ?1)",
        "DELETE FROM dicom_series WHERE study = ?1",
        "DELETE FROM dicom_arrival WHERE study = ?1",
        "DELETE FROM dicom_study WHERE study = ?1",
    ] {
        s.conn.prepare_cached(text)?.execute([study])?;
    }
    Ok(true)
}
