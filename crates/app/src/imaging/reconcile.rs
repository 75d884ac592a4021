//! Whose images these are: matched by identifier and issuer, or decided by a person; and what to show where two objects
//! claim one UID. Nothing is overwritten, every decision can be taken back, and each is in the audit.

use agreements::{Privilege, SystemPurpose};
use kernel::{HospitalId, Phi, RecordKey, ResourceId, limits};
use serde_json::Value;
use store::{
    Batch, ImageAsk, ImageChange, ImageColumn, ImageLevel, ImageQuery, ImageRow, ImageTest, Lookup,
    Precondition, Standing, StoreError, Stored,
};

use super::matching::new_patient;
use super::object::Identity;
use super::{Decided, InstanceLine, StudyDecision, WaitingFor, WaitingStudy, WaitingView};
use super::{ask, read, study};
use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Versioned};
use crate::records::{kind, patient_key};
use crate::{App, AppError, Cx};

/// Studies on one page of the list.
const PAGE: u32 = 100;
/// Objects of one study that are listed for a decision.
const ASIDE_MAX: u32 = 500;

impl App {
    /// Studies of the own hospital that wait for a person, newest first, after so many.
    pub async fn studies_waiting(
        &self,
        cx: &Cx,
        offset: u64,
    ) -> Result<(Vec<WaitingStudy>, bool), AppError> {
        let hospital = cx.require_clinical()?.clone();
        let query = waiting(Vec::new(), offset, PAGE + 1);
        let mut rows = self
            .store
            .images()
            .find_images(&cx.permit(), &hospital, &query)
            .await?;
        let more = rows.len() > PAGE as usize;
        rows.truncate(PAGE as usize);
        let seen = rows.iter().map(|r| (&r.study, r.patient.as_ref()));
        self.images_seen(cx, &hospital, seen, "imaging.waiting.read")
            .await?;
        let lines = rows.iter().map(line).collect::<Result<_, _>>()?;
        Ok((lines, more))
    }

    /// One study of the own hospital with what a decision needs; also one that waits no more.
    pub async fn study_waiting(&self, cx: &Cx, id: &ResourceId) -> Result<WaitingView, AppError> {
        let hospital = cx.require_clinical()?.clone();
        let (row, identity) = self.study_row(cx, &hospital, id).await?;
        let seen = std::iter::once((&row.study, row.patient.as_ref()));
        self.images_seen(cx, &hospital, seen, "imaging.waiting.read")
            .await?;
        let found = self.patient_of_study(&hospital, &identity).await?;
        let reason = if row.patient.is_some() {
            WaitingFor::Objects
        } else if identity.id.is_empty() || identity.issuer.is_empty() {
            WaitingFor::NoIdentifier
        } else if found.found.len() > 1 {
            WaitingFor::Several
        } else if found.differs {
            WaitingFor::Differs
        } else {
            WaitingFor::Unknown
        };
        let aside = self.aside(cx, &hospital, &row.study_uid).await?;
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new("study", id.as_str())];
        let decisions = self
            .find::<StudyDecision>(&permit, Some(&hospital), by, None, 100, true)
            .await?;
        Ok(WaitingView {
            line: line(&row)?,
            reason,
            issuer: identity.issuer,
            candidates: found.found,
            aside,
            decisions: decisions.into_iter().map(|d| d.doc).collect(),
        })
    }

    /// Decides whose study it is. Only of one that waits: one that was filed with the wrong patient is corrected like any
    /// other record, so that those who read it there are told.
    pub async fn assign_study(
        &self,
        cx: &Cx,
        id: &ResourceId,
        patient: &ResourceId,
    ) -> Result<(), AppError> {
        let hospital = cx.require_clinical()?.clone();
        let key = patient_key(&hospital, patient);
        match self.store.get(&cx.permit(), &key, None).await? {
            Some(p) if !p.deleted => {}
            _ => return Err(AppError::invalid("patient", "patient", "no such patient")),
        }
        let current = self.study_record(cx, &hospital, id).await?;
        if current.patient.is_some() {
            return Err(assigned());
        }
        let mut batch = Batch::new(cx.now);
        self.put_assigned(cx, &mut batch, &current, patient).await?;
        self.finish_deciding(batch, &current.key).await
    }

    /// The study is this patient's: its record, the decision, and the order it bears the number of.
    async fn put_assigned(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        current: &Stored,
        patient: &ResourceId,
    ) -> Result<(), AppError> {
        let study = &current.key;
        let subject = study::subject("", "", Some(patient));
        let body = self.put_subject(batch, current, &subject, false)?;
        self.decided(cx, batch, study, Decided::Patient(patient.clone()))?;
        self.audit_study(cx, batch, study, Some(patient), "imaging.assigned");
        // One that is still arriving is looked at when it is whole.
        if body.get("status").and_then(Value::as_str) == Some("available") {
            self.finish_order(cx, batch, study, patient, &body).await?;
        }
        Ok(())
    }

    /// Commits a decision; whoever comes second is told that another has decided.
    async fn finish_deciding(&self, batch: Batch, study: &RecordKey) -> Result<(), AppError> {
        match self.finish(batch).await {
            Err(AppError::Conflict) => {
                let permit = self.system(SystemPurpose::Decision);
                let now = self.store.get(&permit, study, None).await?;
                match now.and_then(|s| s.patient) {
                    Some(_) => Err(assigned()),
                    None => Err(AppError::Conflict),
                }
            }
            done => done,
        }
    }

    /// Makes a patient of what the study says, and decides that it is this patient's.
    pub async fn assign_to_new_patient(
        &self,
        cx: &Cx,
        id: &ResourceId,
    ) -> Result<ResourceId, AppError> {
        let hospital = cx.require_clinical()?.clone();
        let (_, identity) = self.study_row(cx, &hospital, id).await?;
        let found = self.patient_of_study(&hospital, &identity).await?;
        if !found.found.is_empty() {
            return Err(AppError::rejected(
                "patient-known",
                "a patient of the hospital has this number",
            ));
        }
        let current = self.study_record(cx, &hospital, id).await?;
        if current.patient.is_some() {
            return Err(assigned());
        }
        let patient = patient_key(&hospital, &self.new_id());
        let mut batch = Batch::new(cx.now);
        batch.put_fhir(
            patient.clone(),
            Precondition::Absent,
            new_patient(&identity).to_string(),
        );
        batch.audit.push(cx.audit(
            &hospital,
            &Entry {
                verb: Verb::Create,
                action: "record.created",
                subjects: std::slice::from_ref(&patient),
                patient: Some((&hospital, &patient.id)),
                ground: Some("from a study"),
                denied: false,
            },
        ));
        batch.event("record.written", &patient, "{}");
        self.index_patients(&mut batch)?;
        self.put_assigned(cx, &mut batch, &current, &patient.id)
            .await?;
        self.finish_deciding(batch, &current.key).await?;
        Ok(patient.id)
    }

    /// Takes back whose study it is: it waits again. Asks for the privilege to correct records.
    pub async fn take_back_study(&self, cx: &Cx, id: &ResourceId) -> Result<(), AppError> {
        let hospital = cx.require_clinical()?.clone();
        if !cx.actor.may(Privilege::CorrectRecord) {
            return Err(AppError::denied("privilege-missing"));
        }
        let current = self.study_record(cx, &hospital, id).await?;
        let Some(patient) = current.patient.clone() else {
            return Ok(());
        };
        let (_, identity) = self.study_row(cx, &hospital, id).await?;
        let mut batch = Batch::new(cx.now);
        let subject = study::subject(&identity.id, &identity.issuer, None);
        let body = self.put_subject(&mut batch, &current, &subject, true)?;
        self.reopen_order(cx, &mut batch, &current.key, &body)
            .await?;
        let what = Decided::TakenBack(patient.clone());
        self.decided(cx, &mut batch, &current.key, what)?;
        self.audit_study(
            cx,
            &mut batch,
            &current.key,
            Some(&patient),
            "imaging.taken-back",
        );
        self.finish(batch).await
    }

    /// Shows an object that was kept aside. One that was shown under its UID is kept aside from then on, so that the
    /// decision can be turned round.
    pub async fn stand_image(&self, cx: &Cx, id: &ResourceId, object: i64) -> Result<(), AppError> {
        let hospital = cx.require_clinical()?.clone();
        let (row, _) = self.study_row(cx, &hospital, id).await?;
        let aside = self.aside(cx, &hospital, &row.study_uid).await?;
        let (line, _) = aside
            .into_iter()
            .find(|(l, _)| l.row == object)
            .ok_or(AppError::NotFound)?;
        let mut batch = Batch::new(cx.now);
        batch.images.push(ImageChange::Stand {
            study: row.study.clone(),
            instance: object,
            standing: Standing::Shown,
        });
        self.decided(cx, &mut batch, &row.study, Decided::Shown(line.uid))?;
        self.audit_study(
            cx,
            &mut batch,
            &row.study,
            row.patient.as_ref(),
            "imaging.object.shown",
        );
        self.finish(batch).await
    }

    async fn finish(&self, batch: Batch) -> Result<(), AppError> {
        match self.store.commit(batch).await {
            Ok(_) => Ok(()),
            Err(StoreError::Precondition { .. }) => Err(AppError::Conflict),
            Err(e) => Err(e.into()),
        }
    }

    /// The ImagingStudy of a study whose objects are kept here.
    async fn study_record(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        id: &ResourceId,
    ) -> Result<Stored, AppError> {
        let key = RecordKey::new(hospital.clone(), kind("ImagingStudy"), id.clone());
        self.store
            .get(&cx.permit(), &key, None)
            .await?
            .filter(|s| !s.deleted)
            .ok_or(AppError::NotFound)
    }

    async fn study_row(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        id: &ResourceId,
    ) -> Result<(ImageRow, Identity), AppError> {
        let mut query = waiting(
            vec![vec![(
                ImageColumn::Record,
                ImageTest::In(vec![id.to_string()]),
            )]],
            0,
            1,
        );
        query.waiting = false;
        let images = self.store.images();
        let mut found = images.find_images(&cx.permit(), hospital, &query).await?;
        if found.is_empty() {
            // Nothing of it may be shown yet.
            query.waiting = true;
            found = images.find_images(&cx.permit(), hospital, &query).await?;
        }
        let row = found.pop().ok_or(AppError::NotFound)?;
        let settings = self.imaging_settings(hospital).await?;
        let identity = Identity::of_row(&ask::row(&row, "")?, &settings.issuers(None))?;
        Ok((row, identity))
    }

    async fn aside(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        uid: &str,
    ) -> Result<Vec<(InstanceLine, Standing)>, AppError> {
        let ask = ImageAsk {
            study: uid.to_owned(),
            series: None,
            instance: None,
            aside: true,
            meta: false,
            files: false,
            after: None,
            limit: ASIDE_MAX,
        };
        let found = self
            .store
            .images()
            .images(&cx.permit(), hospital, &ask)
            .await?;
        Ok(found
            .into_iter()
            .map(|l| {
                let standing = l.standing;
                (read::line(l), standing)
            })
            .collect())
    }

    fn put_subject(
        &self,
        batch: &mut Batch,
        current: &Stored,
        subject: &Value,
        waits: bool,
    ) -> Result<Value, AppError> {
        let mut body: Value = serde_json::from_slice(current.original.reveal())
            .map_err(|_| AppError::Internal("a stored ImagingStudy".into()))?;
        let Some(map) = body.as_object_mut() else {
            return Err(AppError::Internal("a stored ImagingStudy".into()));
        };
        map.insert("subject".into(), subject.clone());
        batch.put_fhir(
            current.key.clone(),
            Precondition::Version(current.version),
            body.to_string(),
        );
        batch.images.push(ImageChange::Waiting {
            study: current.key.clone(),
            waiting: waits,
        });
        Ok(body)
    }

    fn decided(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        study: &RecordKey,
        what: Decided,
    ) -> Result<(), AppError> {
        let decision = Versioned {
            key: self.doc_key::<StudyDecision>(&study.hospital, &self.new_id()),
            version: 0,
            doc: StudyDecision {
                study: study.id.clone(),
                what,
                by: cx.actor.account.clone(),
                name: cx.name.clone(),
                at: cx.now,
            },
        };
        docs::put(batch, &decision)
    }

    fn audit_study(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        study: &RecordKey,
        patient: Option<&ResourceId>,
        action: &str,
    ) {
        batch.audit.push(cx.audit(
            &study.hospital,
            &Entry {
                verb: Verb::Update,
                action,
                subjects: std::slice::from_ref(study),
                patient: patient.map(|p| (&study.hospital, p)),
                ground: None,
                denied: false,
            },
        ));
        batch.event(action, study, "{}");
    }
}

fn assigned() -> AppError {
    let text = "the study has a patient; a wrong one is corrected in the record";
    AppError::rejected("study-assigned", text)
}

fn waiting(conditions: Vec<Vec<(ImageColumn, ImageTest)>>, offset: u64, limit: u32) -> ImageQuery {
    ImageQuery {
        level: ImageLevel::Study,
        conditions,
        waiting: true,
        counts: true,
        offset,
        limit: limit.min(limits::IMAGE_QUERY_LIMIT_MAX),
    }
}

fn line(r: &ImageRow) -> Result<WaitingStudy, AppError> {
    let said = Identity::of_row(&ask::row(r, "")?, &super::settings::Issuers::default())?;
    let data = imaging::json::parse(&ask::row(r, "")?, &|_| None)
        .map_err(|_| AppError::Internal("kept attributes of an image".into()))?;
    let text = |tag| data.text(tag).unwrap_or_default();
    Ok(WaitingStudy {
        study: r.study.clone(),
        uid: r.study_uid.clone(),
        patient: r.patient.clone(),
        patient_id: Phi::new(said.id),
        name: Phi::new(said.name.shown()),
        birth_date: Phi::new(said.birth_date.unwrap_or_default()),
        sex: Phi::new(said.sex.unwrap_or_default()),
        date: Phi::new(text(imaging::tags::STUDY_DATE)),
        description: Phi::new(text(imaging::tags::STUDY_DESCRIPTION)),
        modalities: r.modalities.clone(),
        instances: r.instance_count,
        aside: r.aside,
    })
}
