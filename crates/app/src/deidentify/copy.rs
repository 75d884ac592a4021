//! Making the copies: judged first, object by object, then as a zip or as a study of a teaching patient.

use std::collections::BTreeMap;

use agreements::SystemPurpose;
use imaging::{Limits, Object, tags};
use kernel::{RecordKey, ResourceId};
use serde_json::json;
use store::{Batch, Precondition};

use super::project::{Project, may_copy};
use super::{COPY_MAX, Cleaning, Part};
use crate::audit_entry::{Entry, Verb};
use crate::imaging::{ImageSource, InstanceLine, Target};
use crate::package::Package;
use crate::records::kind;
use crate::{App, AppError, Cx};

/// What is to be copied, and how.
#[derive(Debug, Clone)]
pub struct CopyAsk {
    pub project: ResourceId,
    /// Parts of every image to blank, by whoever has looked at them; empty: looked, and nothing to blank; none: the
    /// project's rules by device.
    pub parts: Option<Vec<Part>>,
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
    async fn copy_lines(&self, cx: &Cx, study: &RecordKey) -> Result<Vec<InstanceLine>, AppError> {
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
            let cleaning = cleaning.clone();
            let refused = tokio::task::spawn_blocking(move || cleaning.judge(file))
                .await
                .map_err(|_| AppError::Internal("judging an image was broken off".into()))?;
            match refused {
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
    ) -> Result<(Vec<InstanceLine>, Cleaning), AppError> {
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
            _ => Ok((lines, cleaning)),
        }
    }

    /// The copies as a zip. That they were made is written down before this returns.
    pub async fn copy_package(
        &self,
        cx: &Cx,
        study: &RecordKey,
        ask: &CopyAsk,
    ) -> Result<Package, AppError> {
        let (_, cleaning) = self.copyable(cx, study, ask).await?;
        self.note_copy(cx, study, ask, "study.deidentified").await?;
        self.package_of(cx, study, None, Some(cleaning)).await
    }

    /// The copies as a study of a patient of the own hospital who stands for nobody, made with the first study that is
    /// copied for them in this project. Gives that patient; the study arrives as any other does.
    pub async fn copy_to_teaching(
        &self,
        cx: &Cx,
        study: &RecordKey,
        ask: &CopyAsk,
    ) -> Result<RecordKey, AppError> {
        let (lines, cleaning) = self.copyable(cx, study, ask).await?;
        let issuer = format!("urn:karez:project:{}", ask.project);
        let mut patient = None;
        let source = ImageSource {
            sender: "deidentify".into(),
            exchange: self.new_id().to_string(),
            issuer: Some(issuer.clone()),
        };
        self.note_copy(cx, study, ask, "study.deidentified").await?;
        for line in &lines {
            let file = self.image_open(cx, line).await?.all().await?;
            let copy = match cleaning.clean(file).await {
                Ok(copy) => copy,
                Err(AppError::Rejected { .. }) if cleaning.leaves_out() => continue,
                Err(e) => return Err(e),
            };
            if patient.is_none() {
                let read = Object::read(copy.clone(), &Limits::default())
                    .map_err(|_| AppError::Internal("a copy cannot be read".into()))?;
                let pseudonym = read.dataset().text(tags::PATIENT_ID).unwrap_or_default();
                let made = self
                    .teaching_patient(cx, &ask.project, &issuer, &pseudonym)
                    .await?;
                patient = Some(made);
            }
            self.image_store(cx, &study.hospital, copy, &source).await?;
        }
        patient.ok_or(AppError::NotFound)
    }

    /// The patient of this pseudonym: under an id that follows from project and pseudonym, so that there is one.
    async fn teaching_patient(
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

    async fn note_copy(
        &self,
        cx: &Cx,
        study: &RecordKey,
        ask: &CopyAsk,
        action: &str,
    ) -> Result<(), AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let stored = self.store.get(&permit, study, None).await?;
        let patient = stored.and_then(|s| s.patient);
        let ground = format!("project {}", ask.project);
        let entry = Entry {
            patient: patient.as_ref().map(|p| (&study.hospital, p)),
            ground: Some(&ground),
            ..Entry::of(Verb::Execute, action, study)
        };
        let mut batch = Batch::new(cx.now);
        batch.audit.push(cx.audit(&study.hospital, &entry));
        self.store.commit(batch).await?;
        Ok(())
    }
}
