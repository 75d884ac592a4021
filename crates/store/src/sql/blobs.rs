//! Statements about blobs.

use agreements::Permit;
use kernel::{HospitalId, RecordKey, ResourceId};

use seal::Wrapped;

use super::permit::{CURRENT, VERSION, condition};
use super::{Dialect, Statement, Value, signed, unsigned};
use crate::blob_index::WrappedKey;
use crate::{BlobRef, StoreError};

/// The patient column of the key of what belongs to no patient.
const NOBODY: &str = "";

pub(crate) fn patient_text(patient: Option<&ResourceId>) -> &str {
    patient.map_or(NOBODY, ResourceId::as_str)
}

/// Hospital, patient (none for the hospital's own secret) and wrapping of every key.
pub(crate) const WRAPPED_KEYS: &str = "SELECT h.name, NULL AS patient, s.wrapped FROM hospital_secret s \
     JOIN hospital h ON h.num = s.hospital UNION ALL \
     SELECT h.name, k.patient, k.wrapped FROM patient_key k JOIN hospital h ON h.num = k.hospital";

/// A row of [`WRAPPED_KEYS`].
pub(crate) fn wrapped_key(
    hospital: &str,
    patient: Option<String>,
    wrapped: Vec<u8>,
) -> Result<WrappedKey, StoreError> {
    Ok(WrappedKey {
        hospital: HospitalId::new(hospital)
            .map_err(|_| StoreError::Damaged("a key names no valid id".into()))?,
        patient,
        wrapped: Wrapped(wrapped),
    })
}

/// The secret of a hospital, wrapped.
pub(crate) fn secret(dialect: &Dialect, hospital: &HospitalId) -> Statement {
    let mut binds = dialect.binds();
    let text = format!(
        "SELECT wrapped FROM hospital_secret WHERE hospital = {}",
        binds.hospital(hospital.as_str())
    );
    binds.statement(text)
}

/// Keeps the secret of a hospital that has none; its name has a number.
pub(crate) fn put_secret(dialect: &Dialect, hospital: &HospitalId, new: &Wrapped) -> Statement {
    let mut binds = dialect.binds();
    let text = format!(
        "INSERT INTO hospital_secret (hospital, wrapped) VALUES ({}, {}) ON CONFLICT DO NOTHING",
        binds.hospital(hospital.as_str()),
        binds.bind(Value::Blob(new.0.clone())),
    );
    binds.statement(text)
}

/// The key of a patient, by [`patient_text`], wrapped.
pub(crate) fn key(dialect: &Dialect, hospital: &HospitalId, patient: &str) -> Statement {
    let mut binds = dialect.binds();
    let text = format!(
        "SELECT wrapped FROM patient_key WHERE hospital = {} AND patient = {}",
        binds.hospital(hospital.as_str()),
        binds.bind(patient),
    );
    binds.statement(text)
}

/// Keeps the key of a patient who has none; the hospital's name has a number.
pub(crate) fn put_key(
    dialect: &Dialect,
    hospital: &HospitalId,
    patient: &str,
    new: &Wrapped,
) -> Statement {
    let mut binds = dialect.binds();
    let text = format!(
        "INSERT INTO patient_key (hospital, patient, wrapped) VALUES ({}, {}, {}) ON CONFLICT DO NOTHING",
        binds.hospital(hospital.as_str()),
        binds.bind(patient),
        binds.bind(Value::Blob(new.0.clone())),
    );
    binds.statement(text)
}

/// Puts another wrapping of the same key in its place.
pub(crate) fn replace_key(dialect: &Dialect, new: &WrappedKey) -> Statement {
    let mut binds = dialect.binds();
    let wrapped = binds.bind(Value::Blob(new.wrapped.0.clone()));
    let hospital = binds.hospital(new.hospital.as_str());
    let text = match &new.patient {
        None => {
            format!("UPDATE hospital_secret SET wrapped = {wrapped} WHERE hospital = {hospital}")
        }
        Some(patient) => format!(
            "UPDATE patient_key SET wrapped = {wrapped} WHERE hospital = {hospital} AND patient = {}",
            binds.bind(patient.as_str()),
        ),
    };
    binds.statement(text)
}

/// Notes a blob whose bytes are stored; its hospital's name has a number.
pub(crate) fn put(dialect: &Dialect, blob: &BlobRef, at_us: i64) -> Statement {
    let mut binds = dialect.binds();
    let text = format!(
        "INSERT INTO blob (hospital, address, patient, size, media_type, stored_at, erased) \
         VALUES ({}, {}, {}, {}, {}, {}, 0) \
         ON CONFLICT (hospital, address) DO UPDATE SET erased = 0, stored_at = excluded.stored_at",
        binds.hospital(blob.hospital.as_str()),
        binds.bind(blob.address.as_str()),
        binds.bind(blob.patient.as_ref().map(ResourceId::as_str)),
        binds.bind(signed(blob.size)),
        binds.bind(blob.media_type.as_str()),
        binds.bind(at_us),
    );
    binds.statement(text)
}

pub(crate) fn forget(dialect: &Dialect, blob: &BlobRef) -> Statement {
    let mut binds = dialect.binds();
    let text = format!(
        "DELETE FROM blob WHERE hospital = {} AND address = {}",
        binds.hospital(blob.hospital.as_str()),
        binds.bind(blob.address.as_str()),
    );
    binds.statement(text)
}

/// Destroys the key of a patient, with which the bytes of the blobs are gone, and says so of each of them.
pub(crate) fn erase(
    dialect: &Dialect,
    hospital: &HospitalId,
    patient: &ResourceId,
) -> [Statement; 2] {
    ["DELETE FROM patient_key", "UPDATE blob SET erased = 1"].map(|what| {
        let mut binds = dialect.binds();
        let text = format!(
            "{what} WHERE hospital = {} AND patient = {}",
            binds.hospital(hospital.as_str()),
            binds.bind(patient.as_str()),
        );
        binds.statement(text)
    })
}

/// Columns of [`Row`], of `blob AS b` and its hospital `bh`.
pub(crate) const COLUMNS: &str = "bh.name, b.patient, b.address, b.size, b.media_type";

pub(crate) struct Row {
    pub hospital: String,
    pub patient: Option<String>,
    pub address: String,
    pub size: i64,
    pub media_type: String,
}

impl Row {
    pub fn blob(self) -> Result<BlobRef, StoreError> {
        let bad = |_| StoreError::Damaged("a blob names no valid id".into());
        Ok(BlobRef {
            hospital: HospitalId::new(self.hospital).map_err(bad)?,
            patient: self.patient.map(ResourceId::new).transpose().map_err(bad)?,
            address: self.address,
            size: unsigned(self.size),
            media_type: self.media_type,
        })
    }
}

/// The blob, if `owner` may be read, stands, and has a readable version that refers to it.
pub(crate) fn of_owner(
    dialect: &Dialect,
    permit: &Permit,
    owner: &RecordKey,
    address: &str,
) -> Statement {
    let mut binds = dialect.binds();
    let join = dialect.join();
    let text = format!(
        "SELECT {COLUMNS} FROM record r {join} blob_use u ON u.record = r.record \
         {join} version v ON v.record = u.record AND v.version = u.version \
         {join} blob b ON b.hospital = u.hospital AND b.address = u.address \
         {join} hospital bh ON bh.num = b.hospital \
         WHERE r.hospital = {} AND r.kind = {} AND r.id = {} AND r.deleted = 0 AND u.address = {} \
         AND b.erased = 0 AND {} AND {} ORDER BY v.version DESC LIMIT 1",
        binds.hospital(owner.hospital.as_str()),
        binds.kind(owner.kind.as_str()),
        binds.bind(owner.id.as_str().to_owned()),
        binds.bind(address.to_owned()),
        condition(permit, CURRENT, &mut binds),
        condition(permit, VERSION, &mut binds),
    );
    binds.statement(text)
}

/// Blobs put before an instant (microseconds) that no version refers to, at most 1000. A study's objects are noted in the
/// commit that refers to them: none of them is ever unused.
pub(crate) fn unused(dialect: &Dialect, before_us: i64) -> Statement {
    let mut binds = dialect.binds();
    let text = format!(
        "SELECT {COLUMNS} FROM blob b JOIN hospital bh ON bh.num = b.hospital WHERE b.stored_at < {} \
         AND (b.patient IS NULL OR substr(b.patient, 1, 6) <> 'study.') AND NOT EXISTS \
         (SELECT 1 FROM blob_use u WHERE u.hospital = b.hospital AND u.address = b.address) LIMIT 1000",
        binds.bind(before_us),
    );
    binds.statement(text)
}

/// What a patient's key encrypts.
pub(crate) fn of_patient(
    dialect: &Dialect,
    hospital: &HospitalId,
    patient: &ResourceId,
) -> Statement {
    let mut binds = dialect.binds();
    let text = format!(
        "SELECT {COLUMNS} FROM blob b JOIN hospital bh ON bh.num = b.hospital \
         WHERE b.hospital = {} AND b.patient = {} AND b.erased = 0",
        binds.hospital(hospital.as_str()),
        binds.bind(patient.as_str().to_owned()),
    );
    binds.statement(text)
}

/// Blobs of no patient that this record refers to and no other.
pub(crate) fn of_record_alone(dialect: &Dialect, record: i64) -> Statement {
    let mut binds = dialect.binds();
    let record = binds.bind(record);
    let text = format!(
        "SELECT DISTINCT {COLUMNS} FROM blob_use u JOIN blob b ON b.hospital = u.hospital AND b.address = u.address \
         JOIN hospital bh ON bh.num = b.hospital WHERE u.record = {record} AND b.patient IS NULL AND NOT EXISTS \
         (SELECT 1 FROM blob_use o WHERE o.hospital = u.hospital AND o.address = u.address AND o.record <> {record})"
    );
    binds.statement(text)
}

/// A page of all that are not erased, in order.
pub(crate) fn page(
    dialect: &Dialect,
    after: Option<(HospitalId, String)>,
    limit: u32,
) -> Statement {
    let mut binds = dialect.binds();
    let mut text = format!(
        "SELECT {COLUMNS} FROM blob b JOIN hospital bh ON bh.num = b.hospital WHERE b.erased = 0"
    );
    if let Some((hospital, address)) = after {
        let (h, a) = (binds.hospital(hospital.as_str()), binds.bind(address));
        text.push_str(&format!(" AND (b.hospital, b.address) > ({h}, {a})"));
    }
    text.push_str(&format!(" ORDER BY b.hospital, b.address LIMIT {limit}"));
    binds.statement(text)
}
