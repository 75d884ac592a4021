//! One entry of a record, and the files it holds.

use care::timeline::{Attachment, Entry};
use fhir::raw;
use fhir::views::DiagnosticReport;
use kernel::{Phi, RecordKey, ResourceId};
use store::Stored;

use super::patient_key;
use super::view::{EntryView, FileLine};
use crate::{App, AppError, Cx};

impl App {
    /// One entry, under the reader's permit and audited before it is returned.
    pub async fn entry(&self, cx: &Cx, key: &RecordKey) -> Result<EntryView, AppError> {
        let stored = self.read_record(cx, key, "record.read").await?;
        let (entries, _) = self
            .named_entries(cx, &key.hospital, std::slice::from_ref(&stored))
            .await?;
        let entry = entries.into_iter().next().ok_or(AppError::NotFound)?;
        let parts = self.parts(cx, &stored).await?;
        Ok(EntryView {
            custodian: self.hospital_line(cx, &key.hospital),
            version: stored.version,
            attachments: files_of(key, &entry),
            parts,
            json: Phi::new(String::from_utf8_lossy(stored.body.reveal()).into_owned()),
            entry,
            key: stored.key,
        })
    }

    /// A FHIR record of a patient under the reader's permit, audited before it is returned.
    pub(crate) async fn read_record(
        &self,
        cx: &Cx,
        key: &RecordKey,
        action: &str,
    ) -> Result<Stored, AppError> {
        if !key.kind.is_fhir() {
            return Err(AppError::NotFound);
        }
        let stored = self
            .store
            .get(&cx.permit(), key, None)
            .await?
            .ok_or(AppError::NotFound)?;
        if stored.deleted {
            return Err(AppError::Gone);
        }
        if let Some(patient) = &stored.patient {
            let patient = patient_key(&key.hospital, patient);
            self.audit_read(cx, &patient, std::slice::from_ref(key), action)
                .await?;
        }
        Ok(stored)
    }

    /// The results a report names, where the reader may see them.
    async fn parts(&self, cx: &Cx, stored: &Stored) -> Result<Vec<Entry>, AppError> {
        if stored.key.kind.as_str() != "DiagnosticReport" {
            return Ok(Vec::new());
        }
        let keys: Vec<RecordKey> = {
            let Ok(doc) = raw::parse(stored.body.reveal()) else {
                return Ok(Vec::new());
            };
            DiagnosticReport::from_value(doc.root())
                .results
                .iter()
                .filter_map(|r| {
                    let id = ResourceId::new(r.id_of("Observation")?).ok()?;
                    let kind = super::kind("Observation");
                    Some(RecordKey::new(stored.key.hospital.clone(), kind, id))
                })
                .take(200)
                .collect()
        };
        let found = self.store.get_many(&cx.permit(), &keys).await?;
        Ok(self.entries(cx, &stored.key.hospital, &found).0)
    }
}

/// The files of an entry, as they can be opened.
pub(crate) fn files_of(holder: &RecordKey, entry: &Entry) -> Vec<FileLine> {
    entry
        .attachments
        .iter()
        .enumerate()
        .map(|(index, attachment): (usize, &Attachment)| FileLine {
            holder: holder.clone(),
            index,
            attachment: attachment.clone(),
        })
        .collect()
}
