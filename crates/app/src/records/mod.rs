//! Patients and their records: lists, the banner, the time line, single entries, files and import.

pub mod banner;
pub mod entry;
pub mod import;
pub mod index;
pub mod link;
pub mod patients;
pub mod timeline;
pub mod view;

use kernel::{HospitalId, Kind, RecordKey, ResourceId};

use crate::records::view::HospitalLine;
use crate::{App, AppError, Cx};

/// The kind `Patient`.
pub(crate) fn patient_kind() -> Kind {
    kind("Patient")
}

/// A kind from a name of our own.
pub(crate) fn kind(name: &str) -> Kind {
    Kind::new(name).unwrap_or_else(|_| unreachable!("kinds in the code are valid"))
}

/// The key of a patient.
pub(crate) fn patient_key(hospital: &HospitalId, id: &ResourceId) -> RecordKey {
    RecordKey::new(hospital.clone(), patient_kind(), id.clone())
}

impl App {
    /// A hospital as a page names it, in the reader's language.
    pub fn hospital_line(&self, cx: &Cx, id: &HospitalId) -> HospitalLine {
        match self.hospital(id) {
            Some(h) => HospitalLine {
                id: id.clone(),
                name: h.name(cx.language.tag()).to_owned(),
                tile: h.tile.clone(),
                zone: h.time_zone(),
                city: h.city.clone(),
            },
            None => HospitalLine {
                id: id.clone(),
                name: id.to_string(),
                tile: "??".into(),
                zone: jiff::tz::TimeZone::UTC,
                city: String::new(),
            },
        }
    }

    /// Notes that someone reads about a patient, before the answer leaves: across hospitals at once in both chains,
    /// within the own in the next batch.
    pub(crate) async fn audit_read(
        &self,
        cx: &Cx,
        patient: &RecordKey,
        subjects: &[RecordKey],
        action: &str,
    ) -> Result<(), AppError> {
        self.note_read(cx, &patient.hospital, Some(&patient.id), subjects, action)
            .await
    }
}

/// The audit chains an act on `custodian`'s record goes to.
pub(crate) fn chains<'a>(cx: &'a Cx, custodian: &'a HospitalId) -> Vec<&'a HospitalId> {
    match &cx.actor.hospital {
        Some(own) if own != custodian => vec![custodian, own],
        _ => vec![custodian],
    }
}
