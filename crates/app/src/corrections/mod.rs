//! Wrong patient: entries that were filed with one patient and belong to another are moved as new versions, with a
//! Provenance that says so, and everybody who read them there is told.

use agreements::{Action, Subject, SystemPurpose};
use kernel::{AccountId, HospitalId, Instant, Kind, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Batch, Lookup, Precondition};

use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx};

/// Entries moved by one correction.
pub const ENTRIES_MAX: usize = 200;

/// A correction that was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Correction {
    pub from: ResourceId,
    pub to: ResourceId,
    pub entries: Vec<RecordKey>,
    pub reason: kernel::Phi<String>,
    pub by: AccountId,
    pub at: Instant,
    /// Whom a notice went to.
    pub told: Vec<AccountId>,
    pub provenance: ResourceId,
}

impl Document for Correction {
    const KIND: &'static str = "correction";
    fn lookups(&self) -> Vec<Lookup> {
        vec![
            Lookup::new("patient", self.from.as_str()),
            Lookup::new("patient", self.to.as_str()),
        ]
    }
}

impl App {
    /// Moves entries of the own hospital from one patient's record to another's.
    pub async fn correct_patient(
        &self,
        cx: &Cx,
        from: &ResourceId,
        to: &ResourceId,
        entries: &[RecordKey],
        reason: &str,
    ) -> Result<Correction, AppError> {
        let hospital = cx.hospital()?.clone();
        self.check(cx, &hospital, from, to, entries, reason).await?;
        let mut batch = Batch::new(cx.now);
        let mut targets = Vec::with_capacity(entries.len());
        for key in entries {
            let version = self.move_one(cx, &mut batch, key, from, to).await?;
            targets
                .push(json!({"reference": format!("{}/{}/_history/{version}", key.kind, key.id)}));
        }
        let provenance = RecordKey::new(hospital.clone(), Kind::new("Provenance")?, self.new_id());
        let body = json!({
            "resourceType": "Provenance",
            "target": targets,
            "recorded": cx.now.to_string(),
            "activity": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-DataOperation", "code": "UPDATE"}],
                         "text": "moved from another patient's record"},
            "agent": [{"who": {"identifier": {"system": "urn:karez:account", "value": cx.actor.account.as_str()}, "display": cx.name}}],
            "entity": [{"role": "revision", "what": {"reference": format!("Patient/{from}")}}]
        });
        batch.put_fhir(provenance.clone(), Precondition::Absent, body.to_string());
        let told = self
            .tell_readers(&mut batch, &hospital, from, to, entries)
            .await?;
        for (patient, action) in [(from, "record.moved-away"), (to, "record.moved-here")] {
            batch.audit.push(cx.audit(
                &hospital,
                &Entry {
                    verb: Verb::Update,
                    action,
                    subjects: entries,
                    patient: Some((&hospital, patient)),
                    ground: Some("wrong-patient correction"),
                    denied: false,
                },
            ));
        }
        let correction = Versioned {
            key: self.doc_key::<Correction>(&hospital, &self.new_id()),
            version: 0,
            doc: Correction {
                from: from.clone(),
                to: to.clone(),
                entries: entries.to_vec(),
                reason: kernel::Phi::new(reason.trim().chars().take(2_000).collect()),
                by: cx.actor.account.clone(),
                at: cx.now,
                told,
                provenance: provenance.id,
            },
        };
        docs::put(&mut batch, &correction)?;
        let data = json!({"correction": correction.key.id.as_str()}).to_string();
        batch.event("record.corrected", &correction.key, data);
        self.store.commit(batch).await?;
        Ok(correction.doc)
    }

    async fn check(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        from: &ResourceId,
        to: &ResourceId,
        entries: &[RecordKey],
        reason: &str,
    ) -> Result<(), AppError> {
        let subject = Subject::Record {
            hospital: hospital.clone(),
            patient: from.clone(),
        };
        self.require(cx, Action::CorrectRecord, subject).await?;
        if reason.trim().is_empty() {
            return Err(AppError::invalid(
                "reason",
                "required",
                "a reason is needed",
            ));
        }
        if from == to {
            let text = "the entries are in this record";
            return Err(AppError::invalid("to", "correction-same-patient", text));
        }
        if entries.is_empty() {
            let text = "choose at least one entry";
            return Err(AppError::invalid("entries", "correction-no-entry", text));
        }
        if entries.len() > ENTRIES_MAX {
            return Err(AppError::TooMuch("entries in one correction"));
        }
        let permit = self.system(SystemPurpose::Decision);
        let target = RecordKey::new(hospital.clone(), Kind::new("Patient")?, to.clone());
        let there = self.store.get(&permit, &target, None).await?;
        if there.is_none_or(|p| p.deleted) {
            let text = "no such patient at this hospital";
            return Err(AppError::invalid("to", "correction-unknown-patient", text));
        }
        Ok(())
    }

    /// Writes the entry again with every reference to the one patient replaced; answers its new version number.
    async fn move_one(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        key: &RecordKey,
        from: &ResourceId,
        to: &ResourceId,
    ) -> Result<u64, AppError> {
        let hospital = cx.hospital()?;
        let permit = self.system(SystemPurpose::Decision);
        let stored = self
            .store
            .get(&permit, key, None)
            .await?
            .filter(|s| !s.deleted && s.key.hospital == *hospital)
            .ok_or(AppError::NotFound)?;
        if stored.patient.as_ref() != Some(from) || !is_movable(&key.kind) {
            let text = "not an entry of this patient that can be moved alone";
            return Err(AppError::invalid("entries", "correction-not-movable", text));
        }
        let old = format!("Patient/{from}");
        let absolute = format!("{}/fhir/{hospital}/{old}", self.settings.base_url);
        let bytes = fhir::raw::rewrite_references(stored.body.reveal(), |text| {
            (text == old || text == absolute).then(|| format!("Patient/{to}"))
        })
        .map_err(|e| AppError::Internal(format!("moving an entry: {e}")))?;
        batch.put_fhir(key.clone(), Precondition::Version(stored.version), bytes);
        Ok(stored.version + 1)
    }

    async fn tell_readers(
        &self,
        batch: &mut Batch,
        hospital: &HospitalId,
        from: &ResourceId,
        to: &ResourceId,
        entries: &[RecordKey],
    ) -> Result<Vec<AccountId>, AppError> {
        let readers = self.accounts_that_read(hospital, from, entries).await?;
        let subject = RecordKey::new(hospital.clone(), Kind::new("Patient")?, from.clone());
        let mut drafts: Vec<_> = readers
            .into_iter()
            .map(|(account, acting_for)| crate::notices::Draft {
                to: account,
                hospital: acting_for,
                what: "record-corrected".into(),
                urgent: true,
                subject: subject.clone(),
                number: String::new(),
            })
            .collect();
        for patient in [from, to] {
            for (account, _) in self.accounts_linked(hospital, patient).await? {
                drafts.push(crate::notices::Draft {
                    to: account.id,
                    hospital: hospital.clone(),
                    what: "record-corrected".into(),
                    urgent: true,
                    subject: RecordKey::new(
                        hospital.clone(),
                        Kind::new("Patient")?,
                        patient.clone(),
                    ),
                    number: String::new(),
                });
            }
        }
        let told = drafts.iter().map(|d| d.to.clone()).collect();
        self.notify(batch, drafts)?;
        Ok(told)
    }

    /// Corrections of the own hospital, newest first.
    pub async fn corrections(&self, cx: &Cx) -> Result<Vec<Correction>, AppError> {
        let hospital = cx.hospital()?.clone();
        let admin = cx.actor.has(agreements::Role::Administrator);
        if !admin && !cx.actor.may(agreements::Privilege::CorrectRecord) {
            return Err(AppError::denied("privilege-missing"));
        }
        let permit = self.system(SystemPurpose::Decision);
        let found = self
            .find::<Correction>(&permit, Some(&hospital), Vec::new(), None, 200, true)
            .await?;
        Ok(found.into_iter().map(|v| v.doc).collect())
    }
}

/// Clinical entries move one by one. Who the patient is, cases and what was signed or decided do not.
fn is_movable(kind: &Kind) -> bool {
    kind.is_fhir()
        && !matches!(
            kind.as_str(),
            "Patient"
                | "Consent"
                | "Contract"
                | "Task"
                | "ServiceRequest"
                | "Communication"
                | "Provenance"
                | "AuditEvent"
                | "Bundle"
                | "Composition"
        )
}
