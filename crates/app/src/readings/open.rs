//! A study becomes work as soon as it arrives: at its own hospital, and at one that has accepted a case it goes with. What was
//! there before the case a consultant takes up from the case.

use agreements::{Role, SystemPurpose};
use care::case::{Case, Status as CaseStatus, Urgency};
use care::reading::{Reading, facts};
use kernel::{HospitalId, Phi, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup, StoreError, Stored};

use super::doc::{ReadingDoc, of_study};
use crate::cases::doc::CaseDoc;
use crate::docs::{self, Document, Versioned};
use crate::viewing::{goes_with, view::StudyLine};
use crate::{App, AppError, Cx};

/// Events looked at in one go, and goes in one run.
const EVENTS_AT_ONCE: u32 = 500;
const GOES_MAX: usize = 20;
/// Open cases of one patient that are looked at.
const CASES_MAX: u32 = 50;

/// How far the feed was followed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct ReadingPlace {
    position: u64,
}

impl Document for ReadingPlace {
    const KIND: &'static str = "reading-place";
    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::unique("place", "readings")]
    }
}

fn facts_of(line: &StudyLine) -> facts::Study {
    facts::Study {
        modalities: line.modalities.clone(),
        body_part: line.body_part.clone(),
        description: Phi::new(line.description.clone()),
        started: line.started.clone(),
        images: line.instances,
    }
}

impl App {
    /// Follows the feed: studies that arrive are put on their hospital's worklist, and what has become known of them is
    /// taken over. Gives how many were opened or renewed.
    pub async fn follow_studies(&self) -> Result<usize, AppError> {
        let permit = self.system(SystemPurpose::Job);
        let network = HospitalId::network();
        let lookups = vec![Lookup::unique("place", "readings")];
        let mut place = self
            .find::<ReadingPlace>(&permit, Some(&network), lookups, None, 1, false)
            .await?
            .into_iter()
            .next()
            .unwrap_or_else(|| Versioned {
                key: self.doc_key::<ReadingPlace>(&network, &self.new_id()),
                version: 0,
                doc: ReadingPlace::default(),
            });
        let began = place.doc.position;
        let mut done = 0;
        for _ in 0..GOES_MAX {
            let events = self
                .store
                .events(&permit, place.doc.position, EVENTS_AT_ONCE)
                .await?;
            let Some(last) = events.last().map(|e| e.position) else {
                break;
            };
            let mut studies: Vec<&RecordKey> = events
                .iter()
                .filter(|e| {
                    e.topic.starts_with("imaging.") && e.subject.kind.as_str() == "ImagingStudy"
                })
                .map(|e| &e.subject)
                .collect();
            studies.sort();
            studies.dedup();
            for study in studies {
                done += usize::from(self.open_arrived(study).await?);
            }
            let mut cases: Vec<&RecordKey> = events
                .iter()
                .filter(|e| e.topic.starts_with("case.") && e.subject.kind.as_str() == "case")
                .map(|e| &e.subject)
                .collect();
            cases.sort();
            cases.dedup();
            for case in cases {
                self.want_copies_of_case(case).await?;
            }
            place.doc.position = last;
            if events.len() < EVENTS_AT_ONCE as usize {
                break;
            }
        }
        if place.doc.position > began {
            let mut batch = Batch::new(self.now());
            docs::put(&mut batch, &place)?;
            match self.store.commit(batch).await {
                // Another node was here: it has done the same.
                Ok(_) | Err(StoreError::Precondition { .. }) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(done)
    }

    /// Puts a study on the worklist of the hospital that keeps it and of those that answer a case it goes with, or takes
    /// over what has become known of it.
    async fn open_arrived(&self, study: &RecordKey) -> Result<bool, AppError> {
        let cx = self.job_cx();
        let permit = self.system(SystemPurpose::Job);
        let Some(stored) = self.store.get(&permit, study, None).await? else {
            return Ok(false);
        };
        let Some((line, patient)) = self.readable(&cx, &stored) else {
            return Ok(false);
        };
        self.want_copies_of_patient(&study.hospital, &patient)
            .await?;
        let facts = facts_of(&line);
        let begin = |hospital: &HospitalId, case: Option<ResourceId>, urgency| {
            let (study, patient) = (study.clone(), patient.clone());
            Reading::open(hospital.clone(), study, patient, case, urgency, cx.now)
        };
        let own = begin(&study.hospital, None, Urgency::Routine);
        let mut done = self.open_or_renew(&cx, own, &facts).await?;
        for case in self.cases_with(study, &patient).await? {
            let Some(hospital) = case.answering().filter(|h| **h != study.hospital) else {
                continue;
            };
            // They are given copies in the case, and learn nothing of the study itself.
            if self.lends_without_identity(&case).await? {
                continue;
            }
            let urgency = case.request.urgency.unwrap_or(Urgency::Routine);
            let reading = begin(hospital, Some(case.id.clone()), urgency);
            done |= self.open_or_renew(&cx, reading, &facts).await?;
        }
        Ok(done)
    }

    /// Cases another hospital has accepted and that a study of the patient goes with. Whether its readers may see the
    /// study is their permit's to say, each time they look.
    async fn cases_with(
        &self,
        study: &RecordKey,
        patient: &ResourceId,
    ) -> Result<Vec<Case>, AppError> {
        let permit = self.system(SystemPurpose::Job);
        let lookups = vec![Lookup::new("open-patient", patient.as_str())];
        let found = self
            .find::<CaseDoc>(
                &permit,
                Some(&study.hospital),
                lookups,
                None,
                CASES_MAX,
                false,
            )
            .await?;
        let works = |c: &Case| matches!(c.status, CaseStatus::Accepted | CaseStatus::Allocated);
        Ok(found
            .into_iter()
            .map(|d| d.doc.case)
            .filter(|c| works(c) && goes_with(c, study))
            .collect())
    }

    async fn open_or_renew(
        &self,
        cx: &Cx,
        begun: Reading,
        facts: &facts::Study,
    ) -> Result<bool, AppError> {
        let permit = self.system(SystemPurpose::Job);
        let lookups = vec![of_study(&begun.study)];
        let found = self
            .find::<ReadingDoc>(&permit, Some(&begun.hospital), lookups, None, 1, false)
            .await?;
        let patient = begun.patient.clone();
        let mut doc = found.into_iter().next().unwrap_or_else(|| Versioned {
            key: self.doc_key::<ReadingDoc>(&begun.hospital, &self.new_id()),
            version: 0,
            doc: ReadingDoc { reading: begun },
        });
        let reading = &mut doc.doc.reading;
        if doc.version > 0 && reading.facts == *facts && reading.patient == patient {
            return Ok(false);
        }
        if doc.version == 0 {
            let hospital = reading.hospital.clone();
            reading.clocks = self.reading_settings(&hospital).await?.clocks;
        }
        reading.facts = facts.clone();
        // A decision on the reconciliation list may have found another patient.
        reading.patient = patient;
        let mut batch = Batch::new(cx.now);
        self.put_reading(cx, &mut batch, &mut doc, Vec::new(), "reading.opened")?;
        match self.store.commit(batch).await {
            Ok(_) => Ok(true),
            // Somebody claimed it this moment: the next event of the study brings the facts.
            Err(StoreError::Precondition { .. } | StoreError::Duplicate { .. }) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// What can be read: a study with pictures here and a patient. A copy without identity is answered in its case; a report
    /// of it would be one of nobody.
    fn readable(&self, cx: &Cx, stored: &Stored) -> Option<(StudyLine, ResourceId)> {
        if stored.deleted || stored.class.is_copy() {
            return None;
        }
        let line = self.study_line(cx, stored)?;
        let patient = stored.patient.clone()?;
        line.state.has_pictures().then_some((line, patient))
    }

    /// The reading of a study by the caller's hospital: of its own, or of a case it answers. Made if there is none yet.
    pub async fn open_reading(
        &self,
        cx: &Cx,
        study: &RecordKey,
        case_key: Option<&RecordKey>,
    ) -> Result<RecordKey, AppError> {
        let own = cx.require(Role::Consultant)?.clone();
        let stored = self.read_record(cx, study, "study.opened").await?;
        let (line, patient) = self.readable(cx, &stored).ok_or(AppError::NotFound)?;
        let (case, urgency) = match case_key {
            None if study.hospital == own => (None, Urgency::Routine),
            None => return Err(AppError::denied("not-your-case")),
            Some(key) => {
                let (case, _) = self.case_to_answer(cx, key).await?;
                if case.hospital != study.hospital || !goes_with(&case, study) {
                    return Err(AppError::NotFound);
                }
                let urgency = case.request.urgency.unwrap_or(Urgency::Routine);
                (Some(case.id.clone()), urgency)
            }
        };
        let permit = self.system(SystemPurpose::Decision);
        let found = self
            .find::<ReadingDoc>(&permit, Some(&own), vec![of_study(study)], None, 1, false)
            .await?;
        if let Some(doc) = found.into_iter().next() {
            return Ok(doc.key);
        }
        let mut reading = Reading::open(own.clone(), study.clone(), patient, case, urgency, cx.now);
        reading.facts = facts_of(&line);
        reading.clocks = self.reading_settings(&own).await?.clocks;
        let mut doc = Versioned {
            key: self.doc_key::<ReadingDoc>(&own, &self.new_id()),
            version: 0,
            doc: ReadingDoc { reading },
        };
        let mut batch = Batch::new(cx.now);
        self.put_reading(cx, &mut batch, &mut doc, Vec::new(), "reading.opened")?;
        self.store.commit(batch).await?;
        Ok(doc.key)
    }
}
