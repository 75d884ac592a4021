//! Erasing: the content of every version goes, with everything it is found by; what remains is a tombstone under the
//! record's key, so that nothing is ever written under it unnoticed, and the audit.

use kernel::{HospitalId, RecordKey, ResourceId};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::session::Session;
use super::{blobs, index_rows};
use crate::blob_index::{Erased, ToErase};
use crate::sql::{self, Dialect, signed, unsigned};
use crate::{BlobRef, StoreError, images};

/// Class of what has no content any more.
const UNCLASSIFIED: i64 = crate::classes::number(agreements::RecordClass::Unclassified);

/// Records of the hospital that were about the patient once and are another's now. Reads every version of the
/// hospital, so it is asked before the writer is.
pub(crate) fn moved_away(
    conn: &Connection,
    hospital: &HospitalId,
    patient: &ResourceId,
) -> Result<Vec<i64>, StoreError> {
    let mut st = conn.prepare(
        "SELECT DISTINCT v.record FROM version v JOIN record r ON r.record = v.record \
         JOIN hospital h ON h.num = r.hospital WHERE h.name = ?1 AND v.patient = ?2 AND r.patient IS NOT ?2",
    )?;
    let found = st
        .query_map(params![hospital.as_str(), patient.as_str()], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

/// Inside the writer's savepoint. `moved` is what [`moved_away`] found.
pub(crate) fn erase(
    s: &mut Session,
    what: &ToErase,
    moved: &[i64],
    at: i64,
) -> Result<Erased, StoreError> {
    let mut done = Erased::default();
    let mut files = Vec::new();
    for key in &what.records {
        if let Some(record) = find(s, key)? {
            files.extend(forget_images_of(s, &key.hospital, record)?);
            done.add(whole(s, record, at)?);
            files.extend(forget_files(s, record)?);
        }
    }
    if let Some(patient) = &what.patient {
        let hospital = s.hospital(&what.hospital)?;
        for record in about(&s.conn, hospital, patient)? {
            files.extend(forget_images_of(s, &what.hospital, record)?);
            done.add(whole(s, record, at)?);
            files.extend(forget_files(s, record)?);
        }
        for record in moved {
            done.versions += blank(s, *record, Some(patient))?;
        }
        for table in ["policy_consent", "policy_share", "policy_emergency"] {
            s.conn
                .prepare_cached(&format!(
                    "DELETE FROM {table} WHERE custodian = ?1 AND patient = ?2"
                ))?
                .execute(params![hospital, patient.as_str()])?;
        }
        done.blobs = blobs::erase(s, &what.hospital, patient)?;
    }
    done.blobs.append(&mut files);
    Ok(done)
}

/// Forgets the files that this record alone refers to. A patient's own go with the key; these have none of their own.
fn forget_files(s: &mut Session, record: i64) -> Result<Vec<BlobRef>, StoreError> {
    let alone = blobs::of_record_alone(&s.conn, record)?;
    s.conn
        .prepare_cached("DELETE FROM blob_use WHERE record = ?1")?
        .execute([record])?;
    for blob in &alone {
        blobs::run(&s.conn, &sql::blobs::forget(&Dialect::Sqlite, blob))?;
    }
    Ok(alone)
}

/// Forgets what a study holds, where the record is one, and destroys the key of its files.
fn forget_images_of(
    s: &mut Session,
    hospital: &HospitalId,
    record: i64,
) -> Result<Vec<BlobRef>, StoreError> {
    if !super::images::erase(s, record)? {
        return Ok(Vec::new());
    }
    let id: String = s
        .conn
        .prepare_cached("SELECT id FROM record WHERE record = ?1")?
        .query_row([record], |r| r.get(0))?;
    blobs::erase(s, hospital, &images::scope_of(&id)?)
}

fn find(s: &mut Session, key: &RecordKey) -> Result<Option<i64>, StoreError> {
    let (hospital, kind) = (s.hospital(&key.hospital)?, s.kind(&key.kind)?);
    let found = s
        .conn
        .prepare_cached("SELECT record FROM record WHERE hospital = ?1 AND kind = ?2 AND id = ?3")?
        .query_row(params![hospital, kind, key.id.as_str()], |r| r.get(0))
        .optional()?;
    Ok(found)
}

fn about(conn: &Connection, hospital: i64, patient: &ResourceId) -> Result<Vec<i64>, StoreError> {
    let mut st =
        conn.prepare_cached("SELECT record FROM record WHERE hospital = ?1 AND patient = ?2")?;
    let found = st
        .query_map(params![hospital, patient.as_str()], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

/// A whole record: gives how many versions lost their content.
fn whole(s: &mut Session, record: i64, at: i64) -> Result<u64, StoreError> {
    let (version, deleted): (u64, bool) = s
        .conn
        .prepare_cached("SELECT version, deleted FROM record WHERE record = ?1")?
        .query_row([record], |r| Ok((unsigned(r.get(0)?), r.get(1)?)))?;
    if !deleted {
        let row = s.next_version_row();
        s.conn
            .prepare_cached(
                "INSERT INTO version (row, record, version, at, deleted, class, patient, body) \
                 VALUES (?1, ?2, ?3, ?4, 1, ?5, NULL, x'')",
            )?
            .execute(params![row, record, signed(version + 1), at, UNCLASSIFIED])?;
        s.conn
            .prepare_cached(
                "UPDATE record SET current = ?2, version = ?3, at = ?4, deleted = 1 WHERE record = ?1",
            )?
            .execute(params![record, row, signed(version + 1), at])?;
    }
    s.conn
        .prepare_cached("UPDATE record SET class = ?2, patient = NULL WHERE record = ?1")?
        .execute(params![record, UNCLASSIFIED])?;
    let versions = blank(s, record, None)?;
    index_rows::clear(s, record)?;
    s.conn
        .prepare_cached("DELETE FROM lookup WHERE record = ?1")?
        .execute([record])?;
    Ok(versions)
}

/// Takes the content of versions: of all, or of those that were about the patient.
fn blank(s: &Session, record: i64, patient: Option<&ResourceId>) -> Result<u64, StoreError> {
    let changed = s
        .conn
        .prepare_cached(
            "UPDATE version SET body = x'', deleted = 1, class = ?2, patient = NULL \
             WHERE record = ?1 AND (?3 IS NULL OR patient = ?3)",
        )?
        .execute(params![
            record,
            UNCLASSIFIED,
            patient.map(ResourceId::as_str)
        ])?;
    Ok(changed as u64)
}
