//! The decision, and the one commit that follows from it.

use std::collections::HashSet;

use bytes::Bytes;
use fhir::raw;
use kernel::{Kind, RecordKey, ResourceId};
use serde_json::json;
use store::{Batch, Precondition, Write, WriteBody};

use super::plan::{Resource, plan};
use super::{Import, ImportDecision, ImportKind, ImportState};
use crate::audit_entry::{Entry, Verb};
use crate::cases::files::NewFile;
use crate::docs::{self, Versioned};
use crate::records::{kind, patient_key};
use crate::{App, AppError, Cx};

impl App {
    /// Carries out what a person decided. Returns the Patient whose record it went to.
    ///
    /// Of an existing patient the identity stays as it is: the bundle's Patient is not written over it. Entries that are
    /// there from an earlier import are left as they are. Dropping gives the import's own key.
    pub async fn decide_import(
        &self,
        cx: &Cx,
        id: &ResourceId,
        decision: ImportDecision,
    ) -> Result<RecordKey, AppError> {
        let import = self.import_doc(cx, id).await?;
        if let ImportState::Done { patient, .. } = &import.doc.state {
            // Decided already, by a second click or a colleague.
            return Ok(patient_key(&import.key.hospital, patient));
        }
        let patient = match decision {
            ImportDecision::Drop => return self.drop_import(cx, import).await,
            ImportDecision::New if import.doc.kind == ImportKind::File => {
                return Err(AppError::invalid(
                    "patient",
                    "patient-needed",
                    "a file belongs to a patient that is known",
                ));
            }
            ImportDecision::New => None,
            ImportDecision::Existing(patient) => {
                let key = patient_key(&import.key.hospital, &patient);
                let found = self.store.get(&cx.permit(), &key, None).await?;
                if found.is_none_or(|s| s.deleted) {
                    return Err(AppError::NotFound);
                }
                Some(patient)
            }
        };
        let bytes = self.staged_bytes(cx, &import).await?;
        match import.doc.kind {
            ImportKind::File => {
                let patient = patient.ok_or(AppError::NotFound)?;
                self.import_file(cx, import, patient, bytes).await
            }
            ImportKind::Bundle { .. } => self.import_bundle(cx, import, patient, bytes).await,
        }
    }

    async fn staged_bytes(&self, cx: &Cx, import: &Versioned<Import>) -> Result<Bytes, AppError> {
        let permit = agreements::Permit::system(agreements::SystemPurpose::Decision, cx.now);
        let blob = self
            .store
            .open_blob(&permit, &import.key, &import.doc.blob.address)
            .await?
            .ok_or(AppError::NotFound)?;
        Ok(blob.all().await?)
    }

    async fn drop_import(
        &self,
        cx: &Cx,
        mut import: Versioned<Import>,
    ) -> Result<RecordKey, AppError> {
        import.doc.state = ImportState::Dropped {
            by: cx.actor.account.clone(),
            at: cx.now,
        };
        import.doc.patient = None;
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &import)?;
        self.audit_import(cx, &mut batch, &import, None, "import.dropped");
        self.store.commit(batch).await?;
        Ok(import.key)
    }

    async fn import_file(
        &self,
        cx: &Cx,
        import: Versioned<Import>,
        patient: ResourceId,
        bytes: Bytes,
    ) -> Result<RecordKey, AppError> {
        let hospital = import.key.hospital.clone();
        let mut batch = Batch::new(cx.now);
        let title = import.doc.filename.reveal().clone();
        let file = self
            .put_file(
                cx,
                &mut batch,
                NewFile {
                    hospital: &hospital,
                    patient: &patient,
                    title: &title,
                    bytes,
                    about: None,
                },
            )
            .await?;
        let target = (kind("DocumentReference"), file.id);
        self.finish_import(cx, import, batch, patient, vec![target], 0)
            .await
    }

    async fn import_bundle(
        &self,
        cx: &Cx,
        import: Versioned<Import>,
        existing: Option<ResourceId>,
        bytes: Bytes,
    ) -> Result<RecordKey, AppError> {
        let hospital = import.key.hospital.clone();
        let patient = existing.clone().unwrap_or_else(|| self.new_id());
        let (at, who) = (hospital.clone(), patient.clone());
        let mut resources =
            tokio::task::spawn_blocking(move || -> Result<Vec<Resource>, AppError> {
                let doc = raw::parse(&bytes).map_err(|e| AppError::Malformed(e.to_string()))?;
                plan(&doc)?.resources(&at, &who)
            })
            .await
            .map_err(|_| AppError::Internal("import".into()))??;
        if existing.is_some() {
            resources.retain(|r| r.kind != "Patient");
        }
        let keys = resources
            .iter()
            .map(|r| {
                Ok(RecordKey::new(
                    hospital.clone(),
                    Kind::new(&r.kind)?,
                    r.id.clone(),
                ))
            })
            .collect::<Result<Vec<_>, AppError>>()?;
        let permit = self.system(agreements::SystemPurpose::Decision);
        let there = self.store.get_many(&permit, &keys).await?;
        let there: HashSet<RecordKey> = there
            .into_iter()
            .filter(|s| !s.deleted)
            .map(|s| s.key)
            .collect();
        let mut batch = Batch::new(cx.now);
        let mut targets = Vec::new();
        for (resource, key) in resources.into_iter().zip(keys) {
            if there.contains(&key) {
                continue;
            }
            targets.push((key.kind.clone(), key.id.clone()));
            batch.put_fhir(key, Precondition::Absent, resource.bytes);
        }
        self.index_patients(&mut batch)?;
        self.finish_import(cx, import, batch, patient, targets, there.len())
            .await
    }

    /// Adds what every import ends with and commits.
    async fn finish_import(
        &self,
        cx: &Cx,
        mut import: Versioned<Import>,
        mut batch: Batch,
        patient: ResourceId,
        targets: Vec<(Kind, ResourceId)>,
        known: usize,
    ) -> Result<RecordKey, AppError> {
        let hospital = import.key.hospital.clone();
        let key = patient_key(&hospital, &patient);
        if !targets.is_empty() {
            let provenance = provenance(cx, &import, &targets);
            batch.writes.push(Write {
                key: RecordKey::new(hospital.clone(), kind("Provenance"), self.new_id()),
                expect: Precondition::Absent,
                body: WriteBody::Fhir(Bytes::from(provenance.to_string())),
                blobs: Vec::new(),
            });
        }
        import.doc.state = ImportState::Done {
            patient: patient.clone(),
            written: targets.len(),
            known,
            by: cx.actor.account.clone(),
            at: cx.now,
        };
        // The record itself holds it now.
        import.doc.patient = None;
        docs::put(&mut batch, &import)?;
        self.audit_import(cx, &mut batch, &import, Some(&patient), "import.done");
        batch.event("record.imported", &key, "{}");
        self.store.commit(batch).await?;
        Ok(key)
    }

    fn audit_import(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        import: &Versioned<Import>,
        patient: Option<&ResourceId>,
        action: &str,
    ) {
        let hospital = &import.key.hospital;
        let entry = Entry {
            patient: patient.map(|p| (hospital, p)),
            ..Entry::of(Verb::Create, action, &import.key)
        };
        cx.note(batch, hospital, &entry);
    }
}

/// Who brought these entries in, when and from what (R4 §6.3).
fn provenance(
    cx: &Cx,
    import: &Versioned<Import>,
    targets: &[(Kind, ResourceId)],
) -> serde_json::Value {
    json!({
        "resourceType": "Provenance",
        "meta": {"tag": [{"system": "urn:karez:import", "code": import.key.id.as_str()}]},
        "target": targets.iter().map(|(k, id)| json!({"reference": format!("{k}/{id}")})).collect::<Vec<_>>(),
        "recorded": cx.now.to_string(),
        "activity": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-DataOperation", "code": "CREATE"}]},
        "agent": [{
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type", "code": "enterer"}]},
            "who": {"identifier": {"system": "urn:karez:account", "value": cx.actor.account.as_str()}, "display": cx.name}
        }],
        "entity": [{
            "role": "source",
            "what": {"identifier": {"system": "urn:karez:import", "value": import.doc.digest}}
        }]
    })
}
