//! Statements about images. Which rows are read goes by the permit of the ImagingStudy they belong to, in the same
//! statement.

mod compare;
mod find;
mod lines;
mod rows;

use kernel::HospitalId;

use super::{Dialect, Statement};

pub(crate) use find::find;
pub(crate) use lines::{image, images};
pub(crate) use rows::{arrival, digest, known, line, opened, row};

/// The ImagingStudy of a study: id and patient.
pub(crate) fn known_study(dialect: &Dialect, hospital: &HospitalId, uid: &str) -> Statement {
    let mut binds = dialect.binds();
    let join = dialect.join();
    let text = format!(
        "SELECT r.id, r.patient, s.patient_id, s.issuer FROM dicom_study s {join} record r ON r.record = s.record \
         WHERE s.hospital = {} AND s.uid = {} AND r.deleted = 0",
        binds.hospital(hospital.as_str()),
        binds.bind(uid),
    );
    binds.statement(text)
}

/// Digests of what is kept under a SOP Instance UID.
pub(crate) fn known_images(dialect: &Dialect, hospital: &HospitalId, uid: &str) -> Statement {
    let mut binds = dialect.binds();
    let text = format!(
        "SELECT i.digest FROM dicom_instance i WHERE i.hospital = {} AND i.uid = {}",
        binds.hospital(hospital.as_str()),
        binds.bind(uid),
    );
    binds.statement(text)
}

/// Hospital, ImagingStudy, study and time of the last arrival, microseconds.
pub(crate) fn arrived(dialect: &Dialect, before_us: i64, limit: u32) -> Statement {
    let mut binds = dialect.binds();
    let join = dialect.join();
    let text = format!(
        "SELECT h.name, r.id, s.uid, a.at FROM dicom_arrival a {join} dicom_study s ON s.study = a.study \
         {join} record r ON r.record = s.record {join} hospital h ON h.num = a.hospital \
         WHERE a.at <= {} ORDER BY a.at LIMIT {limit}",
        binds.bind(before_us),
    );
    binds.statement(text)
}
