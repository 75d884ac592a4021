//! Staging: what was brought is kept, read and compared; nothing is written to a record yet.

use agreements::{Role, SystemPurpose};
use bytes::Bytes;
use care::matching::Person;
use fhir::raw;
use fhir::views::Patient;
use kernel::{Phi, ResourceId, limits};
use sha2::{Digest, Sha256};
use store::{Batch, Lookup};

use super::plan::{hex, plan};
use super::{Import, ImportCandidate, ImportKind, ImportLine, ImportState, ImportView, PersonView};
use crate::audit_entry::{Entry, Verb};
use crate::cases::files::sniff;
use crate::docs::{self, Versioned};
use crate::records::patients::{age, names};
use crate::records::view::Sex;
use crate::{App, AppError, Cx};

impl App {
    /// Takes in a file for a person to decide about. The same bytes staged or imported before give that import again.
    pub async fn stage_import(
        &self,
        cx: &Cx,
        filename: &str,
        bytes: Bytes,
    ) -> Result<ResourceId, AppError> {
        let hospital = cx.require(Role::Clinician)?.clone();
        if bytes.len() > limits::BUNDLE_BYTES_MAX {
            return Err(AppError::TooMuch("file"));
        }
        let digest = hex::encode_bytes(&Sha256::digest(&bytes));
        let permit = self.system(SystemPurpose::Decision);
        let known: Vec<Versioned<Import>> = self
            .find(
                &permit,
                Some(&hospital),
                vec![Lookup::new("digest", digest.as_str())],
                None,
                1,
                true,
            )
            .await?;
        if let Some(known) = known.into_iter().next() {
            return Ok(known.key.id);
        }
        let (media_type, kind, patient) = match sniff(&bytes) {
            Some(media_type) => (media_type, ImportKind::File, None),
            None => {
                let content = bytes.clone();
                // Reading 64 MB of JSON takes long enough to hold up everyone else on this thread.
                let (kind, patient) = tokio::task::spawn_blocking(move || read(&content))
                    .await
                    .map_err(|_| AppError::Internal("import".into()))??;
                ("application/fhir+json", kind, Some(Phi::new(patient)))
            }
        };
        let size = bytes.len() as u64;
        let blob = self
            .store
            .put_blob(&hospital, None, media_type, bytes)
            .await?;
        let import = Versioned {
            key: self.doc_key::<Import>(&hospital, &self.new_id()),
            version: 0,
            doc: Import {
                filename: Phi::new(filename.chars().take(200).collect()),
                media_type: media_type.to_owned(),
                size,
                at: cx.now,
                by: cx.actor.account.clone(),
                state: ImportState::Waiting,
                kind,
                digest,
                blob,
                patient,
            },
        };
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &import)?;
        if let Some(write) = batch.writes.last_mut() {
            write.blobs = vec![import.doc.blob.clone()];
        }
        let entry = Entry::of(Verb::Create, "import.staged", &import.key);
        cx.note(&mut batch, &hospital, &entry);
        self.store.commit(batch).await?;
        Ok(import.key.id)
    }

    pub(crate) async fn import_doc(
        &self,
        cx: &Cx,
        id: &ResourceId,
    ) -> Result<Versioned<Import>, AppError> {
        let hospital = cx.require(Role::Clinician)?.clone();
        let permit = self.system(SystemPurpose::Decision);
        self.need(&permit, &hospital, id).await
    }

    /// A staged import with the patients it may be about.
    pub async fn import_view(&self, cx: &Cx, id: &ResourceId) -> Result<ImportView, AppError> {
        let import = self.import_doc(cx, id).await?;
        let hospital = &import.key.hospital;
        let mut person_view = None;
        let mut candidates = Vec::new();
        if let Some(json) = &import.doc.patient {
            let (person, view) = self.person_of(cx, hospital, json.reveal())?;
            person_view = Some(view);
            if import.doc.state == ImportState::Waiting {
                candidates = self.import_candidates(cx, hospital, &person).await?;
            }
        }
        Ok(ImportView {
            id: import.key.id,
            filename: import.doc.filename,
            media_type: import.doc.media_type,
            size: import.doc.size,
            at: import.doc.at,
            state: import.doc.state,
            kind: import.doc.kind,
            person: person_view,
            candidates,
        })
    }

    fn person_of(
        &self,
        cx: &Cx,
        hospital: &kernel::HospitalId,
        json: &str,
    ) -> Result<(Person, PersonView), AppError> {
        let doc = raw::parse(json.as_bytes())
            .map_err(|e| AppError::Internal(format!("staged patient: {e}")))?;
        let patient = Patient::from_value(doc.root());
        let view = PersonView {
            names: Phi::new(names(&patient)),
            age_years: age(cx, &patient).map(|a| a.years),
            sex: Sex::from_fhir(patient.sex.as_deref()),
            identifiers: self.identifier_lines(cx, hospital, &patient),
            birth_date: patient.birth_date.map(Phi::new),
        };
        Ok((Person::read(doc.root()), view))
    }

    async fn import_candidates(
        &self,
        cx: &Cx,
        hospital: &kernel::HospitalId,
        person: &Person,
    ) -> Result<Vec<ImportCandidate>, AppError> {
        let found = self.candidates_for(hospital, person).await?;
        let keys: Vec<_> = found.iter().map(|(k, _)| k.clone()).collect();
        let records = self.store.get_many(&cx.permit(), &keys).await?;
        let open = self.open_cases_by_patient(hospital).await?;
        Ok(found
            .into_iter()
            .filter_map(|(key, m)| {
                let stored = records.iter().find(|s| s.key == key)?;
                Some(ImportCandidate {
                    row: self.patient_row(cx, stored, &open)?,
                    grade: m.grade,
                    reasons: m.reasons,
                })
            })
            .collect())
    }

    /// Imports of the hospital that wait for a decision, newest first.
    pub async fn imports(&self, cx: &Cx) -> Result<Vec<ImportLine>, AppError> {
        let hospital = cx.require(Role::Clinician)?.clone();
        let permit = self.system(SystemPurpose::Decision);
        let waiting = vec![Lookup::new("waiting", "yes")];
        let found: Vec<Versioned<Import>> = self
            .find(&permit, Some(&hospital), waiting, None, 200, true)
            .await?;
        Ok(found
            .into_iter()
            .map(|i| ImportLine {
                id: i.key.id,
                filename: i.doc.filename,
                size: i.doc.size,
                at: i.doc.at,
                is_bundle: i.doc.kind != ImportKind::File,
            })
            .collect())
    }
}

/// What a bundle holds, and its Patient.
fn read(bytes: &[u8]) -> Result<(ImportKind, String), AppError> {
    let doc = raw::parse(bytes).map_err(|e| {
        AppError::invalid(
            "file",
            "file-type",
            format!("neither PDF, PNG, JPEG nor FHIR JSON: {e}"),
        )
    })?;
    let plan = plan(&doc)?;
    Ok((plan.kind.clone(), plan.patient.to_owned()))
}
