//! Links between a person's records at several hospitals. A link says that somebody judged two records to be of one
//! person; it merges nothing, opens nothing, and is taken back by undoing it.

use agreements::SystemPurpose;
use care::matching::{Grade, Reason};
use kernel::{AccountId, HospitalId, Instant, RecordKey};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup};

use super::patient_key;
use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx};

/// Two records judged to be of one person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PatientLink {
    pub a: RecordKey,
    pub b: RecordKey,
    pub by: AccountId,
    pub at: Instant,
    pub grade: Grade,
    pub reasons: Vec<Reason>,
    pub undone: Option<(AccountId, Instant)>,
}

impl Document for PatientLink {
    const KIND: &'static str = "patient-link";
    fn lookups(&self) -> Vec<Lookup> {
        if self.undone.is_some() {
            return Vec::new();
        }
        [&self.a, &self.b]
            .map(|k| Lookup::new("patient", k.to_string()))
            .into()
    }
}

impl App {
    /// Links a patient of the own hospital with a record elsewhere that the person may read.
    pub async fn link_patients(
        &self,
        cx: &Cx,
        own: &RecordKey,
        other: &RecordKey,
    ) -> Result<(), AppError> {
        let hospital = cx.require_clinical()?;
        if own.hospital != *hospital || other.hospital == *hospital {
            return Err(AppError::denied("other-hospital"));
        }
        let keys = [
            patient_key(&own.hospital, &own.id),
            patient_key(&other.hospital, &other.id),
        ];
        let found = self.store.get_many(&cx.permit(), &keys).await?;
        let [a, b] = found.as_slice() else {
            return Err(AppError::NotFound);
        };
        let person = |body: &[u8]| {
            fhir::raw::parse(body)
                .map(|d| care::matching::Person::read(d.root()))
                .map_err(|_| AppError::Internal("patient".into()))
        };
        let judged = care::matching::compare(&person(a.body.reveal())?, &person(b.body.reveal())?);
        if self
            .links_of(&keys[0])
            .await?
            .iter()
            .any(|l| l.doc.a == keys[1] || l.doc.b == keys[1])
        {
            return Ok(());
        }
        let link = Versioned {
            key: self.doc_key::<PatientLink>(&HospitalId::network(), &self.new_id()),
            version: 0,
            doc: PatientLink {
                a: keys[0].clone(),
                b: keys[1].clone(),
                by: cx.actor.account.clone(),
                at: cx.now,
                grade: judged.grade,
                reasons: judged.reasons,
                undone: None,
            },
        };
        self.commit_link(cx, &link, "patient.linked").await
    }

    /// Takes a link back.
    pub async fn unlink_patients(
        &self,
        cx: &Cx,
        own: &RecordKey,
        other: &RecordKey,
    ) -> Result<(), AppError> {
        let hospital = cx.require_clinical()?;
        if own.hospital != *hospital {
            return Err(AppError::denied("other-hospital"));
        }
        let own = patient_key(&own.hospital, &own.id);
        let mut link = self
            .links_of(&own)
            .await?
            .into_iter()
            .find(|l| {
                let ends = [&l.doc.a, &l.doc.b];
                ends.iter()
                    .any(|k| k.hospital == other.hospital && k.id == other.id)
            })
            .ok_or(AppError::NotFound)?;
        link.doc.undone = Some((cx.actor.account.clone(), cx.now));
        self.commit_link(cx, &link, "patient.unlinked").await
    }

    async fn commit_link(
        &self,
        cx: &Cx,
        link: &Versioned<PatientLink>,
        action: &str,
    ) -> Result<(), AppError> {
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, link)?;
        for end in [&link.doc.a, &link.doc.b] {
            let entry = Entry {
                verb: Verb::Update,
                action,
                subjects: &[link.doc.a.clone(), link.doc.b.clone()],
                patient: Some((&end.hospital, &end.id)),
                ground: None,
                denied: false,
            };
            batch.audit.push(cx.audit(&end.hospital, &entry));
        }
        batch.event(action, &link.doc.a, "{}");
        batch.event(action, &link.doc.b, "{}");
        self.store.commit(batch).await?;
        Ok(())
    }

    async fn links_of(&self, patient: &RecordKey) -> Result<Vec<Versioned<PatientLink>>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let lookups = vec![Lookup::new("patient", patient.to_string())];
        let network = HospitalId::network();
        self.find(&permit, Some(&network), lookups, None, 100, false)
            .await
    }

    /// Records of the same person elsewhere whose existence the reader may know of: those linked with a record of the
    /// reader's own hospital, and those of which the reader may read the Patient.
    pub(crate) async fn linked(
        &self,
        cx: &Cx,
        patient: &RecordKey,
    ) -> Result<Vec<RecordKey>, AppError> {
        let mut others: Vec<RecordKey> = self
            .links_of(patient)
            .await?
            .into_iter()
            .map(|l| {
                if l.doc.a == *patient {
                    l.doc.b
                } else {
                    l.doc.a
                }
            })
            .collect();
        others.sort();
        others.dedup();
        let own = cx.actor.hospital.as_ref();
        let readable = self.store.get_many(&cx.permit(), &others).await?;
        others.retain(|k| {
            own == Some(&patient.hospital)
                || own == Some(&k.hospital)
                || readable.iter().any(|s| s.key == *k)
        });
        Ok(others)
    }
}
