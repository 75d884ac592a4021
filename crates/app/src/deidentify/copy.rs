//! Asking for copies: judged first, object by object, then as a zip, or by a job as a study of a teaching patient.

use std::collections::BTreeMap;

use agreements::SystemPurpose;
use kernel::{RecordKey, ResourceId};
use serde_json::json;
use store::{Batch, Precondition};

use super::project::{Project, may_copy};
use super::work::{CopyFor, CopyLine, CopyWork, teaching_id};
use super::{COPY_MAX, Cleaning, Region};
use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Versioned};
use crate::imaging::{InstanceLine, Target};
use crate::package::Package;
use crate::records::kind;
use crate::{App, AppError, Cx};

/// What is to be copied, and how.
#[derive(Debug, Clone)]
pub struct CopyAsk {
    pub project: ResourceId,
    /// Parts of every image to blank, by whoever has looked at them; empty: looked, and nothing to blank; none: the
    /// project's rules by device.
    pub parts: Option<Vec<Region>>,
    /// Objects that cannot be cleaned stay behind.
    pub leave_out: bool,
}

/// What a look at a study found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// Objects that can be cleaned.
    pub clean: usize,
    /// Objects that cannot, by the word of the reason.
    pub refused: BTreeMap<&'static str, usize>,
}

impl App {
    /// Looks at every object of a study and says what can be cleaned and what cannot, and why.
    pub async fn judge_copy(
        &self,
        cx: &Cx,
        study: &RecordKey,
        ask: &CopyAsk,
    ) -> Result<Judged, AppError> {
        let cleaning = self.cleaning(cx, ask).await?;
        let lines = self.copy_lines(cx, study).await?;
        self.judged(cx, &lines, &cleaning).await
    }

    /// The objects of one of the own hospital's studies.
    pub(super) async fn copy_lines(
        &self,
        cx: &Cx,
        study: &RecordKey,
    ) -> Result<Vec<InstanceLine>, AppError> {
        if may_copy(cx)? != &study.hospital {
            // What another hospital shares is read there; copies for other ends are its own to make.
            return Err(AppError::denied("deidentify-own"));
        }
        let stored = self.read_record(cx, study, "study.deidentify.read").await?;
        let line = self.study_line(cx, &stored).ok_or(AppError::NotFound)?;
        let lines = self
            .image_locate(cx, &study.hospital, &Target::study(line.uid))
            .await?;
        if lines.is_empty() {
            return Err(AppError::NotFound);
        }
        if lines.len() > COPY_MAX {
            return Err(AppError::TooMuch("images in one copy"));
        }
        Ok(lines)
    }

    async fn judged(
        &self,
        cx: &Cx,
        lines: &[InstanceLine],
        cleaning: &Cleaning,
    ) -> Result<Judged, AppError> {
        let mut judged = Judged::default();
        for line in lines {
            let file = self.image_open(cx, line).await?.all().await?;
            match cleaning.judge(file).await? {
                None => judged.clean += 1,
                Some(why) => *judged.refused.entry(why).or_default() += 1,
            }
        }
        Ok(judged)
    }

    /// Judges, and refuses unless all is clean or what is not may stay behind.
    async fn copyable(
        &self,
        cx: &Cx,
        study: &RecordKey,
        ask: &CopyAsk,
    ) -> Result<Cleaning, AppError> {
        let cleaning = self.cleaning(cx, ask).await?;
        let lines = self.copy_lines(cx, study).await?;
        let judged = self.judged(cx, &lines, &cleaning).await?;
        let refused = judged.refused.into_keys().next();
        match refused {
            Some(why) if !ask.leave_out => Err(AppError::rejected(
                format!("unclean-{why}"),
                "some images cannot be cleaned",
            )),
            _ if judged.clean == 0 => Err(AppError::rejected(
                "unclean-all",
                "no image of the study can be cleaned",
            )),
            _ => Ok(cleaning),
        }
    }

    /// The copies as a zip. That they were made is written down before this returns.
    pub async fn copy_package(
        &self,
        cx: &Cx,
        study: &RecordKey,
        ask: &CopyAsk,
    ) -> Result<Package, AppError> {
        let cleaning = self.copyable(cx, study, ask).await?;
        let mut batch = Batch::new(cx.now);
        self.note_copy(cx, &mut batch, study, ask).await?;
        self.store.commit(batch).await?;
        self.package_of(cx, study, None, Some(cleaning)).await
    }

    /// Asks for copies as a study of a patient of the own hospital who stands for nobody, made with the first study that is
    /// copied for them in this project. A job makes them; asked for again, it begins anew with what there is then.
    pub async fn copy_to_teaching(
        &self,
        cx: &Cx,
        study: &RecordKey,
        ask: &CopyAsk,
    ) -> Result<(), AppError> {
        self.cleaning(cx, ask).await?;
        let lines = self.copy_lines(cx, study).await?;
        let patient = lines.first().and_then(|l| l.patient.clone());
        let patient = patient.ok_or(AppError::NotFound)?;
        let purpose = CopyFor::Teaching {
            project: ask.project.clone(),
            parts: ask.parts.clone(),
            leave_out: ask.leave_out,
            by: cx.actor.account.clone(),
        };
        let id = teaching_id(&ask.project, study)?;
        let permit = self.system(SystemPurpose::Decision);
        let before = self.load::<CopyWork>(&permit, &study.hospital, &id).await?;
        let work = Versioned {
            key: self.doc_key::<CopyWork>(&study.hospital, &id),
            version: before.map_or(0, |b| b.version),
            doc: CopyWork {
                all: u32::try_from(lines.len()).unwrap_or(u32::MAX),
                ..CopyWork::new(study, &patient, purpose, cx.now)
            },
        };
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, &work)?;
        self.note_copy(cx, &mut batch, study, ask).await?;
        self.store.commit(batch).await?;
        Ok(())
    }

    /// The copies of a study that were asked for as teaching patients, newest first.
    pub async fn copies_of_study(
        &self,
        cx: &Cx,
        study: &RecordKey,
    ) -> Result<Vec<CopyLine>, AppError> {
        let own = may_copy(cx)?.clone();
        if study.hospital != own {
            return Err(AppError::denied("deidentify-own"));
        }
        let stored = self.store.get(&cx.permit(), study, None).await?;
        let stored = stored.filter(|s| !s.deleted).ok_or(AppError::NotFound)?;
        let line = self.study_line(cx, &stored).ok_or(AppError::NotFound)?;
        let permit = self.system(SystemPurpose::Decision);
        let mut works = self.works_by(&own, "study", &study.id).await?;
        works.sort_by_key(|w| std::cmp::Reverse(w.doc.asked));
        let mut lines = Vec::new();
        for work in works {
            let doc = work.doc;
            let CopyFor::Teaching { project, .. } = &doc.purpose else {
                continue;
            };
            let project = self.load::<Project>(&permit, &own, project).await?;
            lines.push(CopyLine {
                state: doc.state,
                modalities: line.modalities.clone(),
                body_part: line.body_part.clone(),
                all: doc.all,
                seen: doc.seen,
                kept: doc.kept,
                left: doc.left,
                why: doc.why,
                project: project.map(|p| p.doc.name),
                study: None,
                stands_for: doc.stands_for,
            });
        }
        Ok(lines)
    }

    /// The patient of this pseudonym: under an id that follows from project and pseudonym, so that there is one.
    pub(super) async fn teaching_patient(
        &self,
        cx: &Cx,
        project: &ResourceId,
        issuer: &str,
        pseudonym: &str,
    ) -> Result<RecordKey, AppError> {
        let own = cx.hospital()?.clone();
        let permit = self.system(SystemPurpose::Decision);
        let id = crate::tokens::digest(&["teaching patient", project.as_str(), pseudonym]);
        let key = RecordKey::new(own.clone(), kind("Patient"), ResourceId::new(id)?);
        if let Some(found) = self.store.get(&permit, &key, None).await? {
            return if found.deleted {
                Err(AppError::Gone)
            } else {
                Ok(key)
            };
        }
        let name = self.need::<Project>(&permit, &own, project).await?.doc.name;
        let resource = json!({
            "resourceType": "Patient",
            "meta": {"tag": [{"system": "urn:karez:teaching", "code": "without-identity"}]},
            "identifier": [{"system": issuer, "value": pseudonym}],
            "name": [{"text": format!("{name}: {pseudonym}")}],
        });
        let mut batch = Batch::new(cx.now);
        batch.put_fhir(key.clone(), Precondition::Absent, resource.to_string());
        let entry = Entry {
            patient: Some((&own, &key.id)),
            ground: Some("for copies without identity"),
            ..Entry::of(Verb::Create, "record.created", &key)
        };
        batch.audit.push(cx.audit(&own, &entry));
        batch.event("record.written", &key, "{}");
        self.index_patients(&mut batch)?;
        self.store.commit(batch).await?;
        Ok(key)
    }

    /// Who had copies made of whose study, for what.
    async fn note_copy(
        &self,
        cx: &Cx,
        batch: &mut Batch,
        study: &RecordKey,
        ask: &CopyAsk,
    ) -> Result<(), AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let stored = self.store.get(&permit, study, None).await?;
        let patient = stored.and_then(|s| s.patient);
        let ground = format!("project {}", ask.project);
        let entry = Entry {
            patient: patient.as_ref().map(|p| (&study.hospital, p)),
            ground: Some(&ground),
            ..Entry::of(Verb::Execute, "study.deidentified", study)
        };
        batch.audit.push(cx.audit(&study.hospital, &entry));
        Ok(())
    }
}
