//! Images that an agreement lets cross without identity alone: the clause opens no image as it is. Of each study that goes with
//! a case a copy is made by a job, a study of its own at the custodian, under a key of its own; whoever answers the case
//! opens it like any other, while case, agreement and consent stand.
//!
//! The secret is one per agreement and custodian, so that a patient keeps one pseudonym, one shift of dates and one set of
//! UIDs in all that a partner sees, and it stays with the custodian. The copy's record says no patient; that it belongs to
//! one, and goes with them when they are erased, only the store knows ([`store::WriteBody::FhirOf`]).

use agreements::{RecordClass, SystemPurpose};
use care::case::Case;
use kernel::{HospitalId, RecordKey, ResourceId};
use store::{Batch, Lookup, StoreError, Stored};

use super::project::{Project, Use};
use super::work::{CopyFor, CopyLine, CopyState, CopyWork, crossing_id};
use super::{Cleaning, Options, Rules};
use crate::cases::doc::CaseDoc;
use crate::docs::{self, Versioned};
use crate::records::kind;
use crate::viewing::goes_with;
use crate::viewing::view::{StudyLine, StudyState};
use crate::{App, AppError, Cx};

/// Open cases of one patient that are looked at.
const CASES_MAX: u32 = 50;

impl App {
    /// The copies without identity that a case lends or will lend; empty where its clause says nothing of the kind. For
    /// clinical staff of the hospital that answers, while the case, its agreement and its consent stand, and of the one
    /// that asks.
    pub async fn case_copies(&self, cx: &Cx, key: &RecordKey) -> Result<Vec<CopyLine>, AppError> {
        let own = cx.require_clinical()?.clone();
        let case = self.case_doc(cx, key).await?.doc.case;
        let answers = case.answering() == Some(&own);
        if (!answers && own != case.hospital) || !self.lends_without_identity(&case).await? {
            return Ok(Vec::new());
        }
        let permit = self.system(SystemPurpose::Decision);
        let mut lines = Vec::new();
        for work in self.works_by(&case.hospital, "case", &case.id).await? {
            let doc = work.doc;
            // The study itself says what kind of study it is, nothing more.
            let Some(stored) = self.store.get(&permit, &doc.study, None).await? else {
                continue;
            };
            let Some(line) = self.study_line(cx, &stored) else {
                continue;
            };
            let lent = doc.made.filter(|m| case.copies.contains(&m.id));
            let study = match lent {
                Some(copy) if answers => {
                    let open = self.store.get(&cx.permit(), &copy, None).await?;
                    open.filter(|s| !s.deleted).map(|s| s.key)
                }
                _ => None,
            };
            lines.push(CopyLine {
                state: doc.state,
                modalities: line.modalities,
                body_part: line.body_part,
                all: doc.all,
                seen: doc.seen,
                kept: doc.kept,
                left: doc.left,
                why: doc.why,
                project: None,
                study,
                stands_for: None,
            });
        }
        Ok(lines)
    }

    /// Sees to it that copies are made of what has come and goes with a case whose clause asks for them. Gives how many were
    /// asked for.
    pub(crate) async fn want_copies(&self, case: &Case) -> Result<usize, AppError> {
        let agreement = match &case.request.agreement {
            Some(agreement) if case.is_shared() => agreement.clone(),
            _ => return Ok(0),
        };
        if !self.lends_without_identity(case).await? {
            return Ok(0);
        }
        let permit = self.system(SystemPurpose::Job);
        let kinds = [kind("ImagingStudy")];
        let found = self
            .store
            .records_of(
                &permit,
                &case.hospital,
                &case.patient,
                &kinds,
                crate::viewing::STUDIES_MAX,
            )
            .await?;
        let mut asked = 0;
        for stored in &found {
            if stored.class != RecordClass::Imaging || !goes_with(case, &stored.key) {
                continue;
            }
            if let Some(line) = self.study_line(&self.job_cx(), stored)
                && line.state == StudyState::Available
            {
                asked += usize::from(self.want_copy(case, &agreement, stored, &line).await?);
            }
        }
        Ok(asked)
    }

    async fn want_copy(
        &self,
        case: &Case,
        agreement: &ResourceId,
        study: &Stored,
        line: &StudyLine,
    ) -> Result<bool, AppError> {
        let id = crossing_id(agreement, &study.key)?;
        let hospital = &study.key.hospital;
        let permit = self.system(SystemPurpose::Job);
        let found = self.load::<CopyWork>(&permit, hospital, &id).await?;
        let mut work = found.unwrap_or_else(|| {
            let purpose = CopyFor::Crossing {
                agreement: agreement.clone(),
                cases: Default::default(),
            };
            Versioned {
                key: self.doc_key::<CopyWork>(hospital, &id),
                version: 0,
                doc: CopyWork::new(&study.key, &case.patient, purpose, self.now()),
            }
        });
        let CopyFor::Crossing { cases, .. } = &mut work.doc.purpose else {
            return Ok(false);
        };
        let joins = cases.insert(case.id.clone());
        let grew = u64::from(work.doc.seen) < line.instances;
        let rests = !work.doc.state.is_due();
        let anew = rests && grew;
        if !joins && !anew {
            return Ok(false);
        }
        if rests {
            work.doc.state = CopyState::Making;
            work.doc.why = None;
        }
        let mut batch = Batch::new(self.now());
        docs::put(&mut batch, &work)?;
        match self.store.commit(batch).await {
            Ok(_) => Ok(true),
            // The job wrote how far it is: the next event of case or study brings it again.
            Err(StoreError::Precondition { .. }) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// As [`Self::want_copies`], of a case that something happened to.
    pub(crate) async fn want_copies_of_case(&self, case: &RecordKey) -> Result<usize, AppError> {
        let permit = self.system(SystemPurpose::Job);
        let found = self
            .load::<CaseDoc>(&permit, &case.hospital, &case.id)
            .await?;
        match found {
            Some(found) => self.want_copies(&found.doc.case).await,
            None => Ok(0),
        }
    }

    /// As [`Self::want_copies`], of the open cases of a patient for whom a study has come.
    pub(crate) async fn want_copies_of_patient(
        &self,
        hospital: &HospitalId,
        patient: &ResourceId,
    ) -> Result<usize, AppError> {
        let permit = self.system(SystemPurpose::Job);
        let by = vec![Lookup::new("open-patient", patient.as_str())];
        let cases = self
            .find::<CaseDoc>(&permit, Some(hospital), by, None, CASES_MAX, false)
            .await?;
        let mut asked = 0;
        for case in cases {
            asked += self.want_copies(&case.doc.case).await?;
        }
        Ok(asked)
    }

    /// Whether the case's clause lends images without identity alone, and agreement and consent stand.
    pub(crate) async fn lends_without_identity(&self, case: &Case) -> Result<bool, AppError> {
        let now = self.now();
        let terms = match self.terms_now(case, now).await {
            Ok(terms) => terms,
            // An agreement that does not stand now lends nothing; the case itself may still be read.
            Err(AppError::Denied(_)) => return Ok(false),
            Err(e) => return Err(e),
        };
        let agreement = self.agreement_now(&terms.agreement).await?;
        let clause = agreement
            .as_ref()
            .and_then(|a| a.terms.clause(terms.clause));
        if !clause.is_some_and(|c| c.conditions.images_without_identity) {
            return Ok(false);
        }
        match self.check_consent(case, &terms, now).await {
            Ok(()) => Ok(true),
            Err(AppError::Denied(_) | AppError::Invalid(_) | AppError::Rejected { .. }) => {
                Ok(false)
            }
            Err(e) => Err(e),
        }
    }

    /// What cleans for an agreement; its secret is made with the first copy.
    pub(super) async fn crossing_cleaning(
        &self,
        custodian: &HospitalId,
        agreement: &ResourceId,
    ) -> Result<Cleaning, AppError> {
        let id = crate::tokens::digest(&["crossing", agreement.as_str()]);
        let id = ResourceId::new(id)?;
        let permit = self.system(SystemPurpose::Decision);
        if self
            .load::<Project>(&permit, custodian, &id)
            .await?
            .is_none()
        {
            let key = self.doc_key::<Project>(custodian, &id);
            let project = Versioned {
                version: 0,
                doc: Project {
                    name: format!("agreement {agreement}"),
                    purpose: Use::Crossing,
                    options: Options {
                        characteristics: true,
                        ..Options::default()
                    },
                    devices: Vec::new(),
                    secret: self.new_project_secret(&key)?,
                    by: self.job_cx().actor.account,
                    made: self.now(),
                },
                key,
            };
            let mut batch = Batch::new(self.now());
            docs::put(&mut batch, &project)?;
            match self.store.commit(batch).await {
                // Somebody asked at the same moment: theirs is the one.
                Ok(_) | Err(StoreError::Precondition { .. }) => {}
                Err(e) => return Err(e.into()),
            }
        }
        let project = self.need::<Project>(&permit, custodian, &id).await?;
        let secret = self.project_secret(&project)?;
        Ok(Cleaning(std::sync::Arc::new(Rules {
            options: project.doc.options,
            parts: None,
            devices: project.doc.devices,
            secret,
            leave_out: true,
        })))
    }
}
