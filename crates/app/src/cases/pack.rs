//! The downtime pack: the open cases of one hospital, as far as the reader may know them, for paper.
//!
//! Whoever prints it reads: each patient's entry is in the audit before anything is returned.

use agreements::{Actor, ActorKind, Role};
use care::case::{Case, Status};
use kernel::{HospitalId, Phi, RecordKey};
use store::Lookup;

use super::doc::CaseDoc;
use super::view::{CaseRow, PersonLine};
use crate::docs::Versioned;
use crate::opinions::SectionView;
use crate::records::patient_key;
use crate::records::view::Banner;
use crate::{App, AppError, Cx, Language};

/// Cases of one pack; more than this is no paper.
pub const PACK_MAX: usize = 500;

/// One case of the pack.
#[derive(Debug, Clone)]
pub struct PackCase {
    pub row: CaseRow,
    pub banner: Banner,
    pub question: Phi<String>,
    pub question_language: Option<String>,
    /// Sections of the current answer, if there is one.
    pub answer: Vec<SectionView>,
    pub referrer: PersonLine,
    pub coordinator: Option<PersonLine>,
    pub consultant: Option<PersonLine>,
    pub call_back: Option<Phi<String>>,
}

/// All open cases, most urgent first.
#[derive(Debug, Clone, Default)]
pub struct PackView {
    pub cases: Vec<PackCase>,
    /// Cases left out because there are too many.
    pub left_out: usize,
}

impl App {
    /// The pack of the hospital acted for, for its clinical staff.
    pub async fn downtime_pack(&self, cx: &Cx) -> Result<PackView, AppError> {
        let own = cx.require_clinical()?.clone();
        let mut found: Vec<Versioned<CaseDoc>> = Vec::new();
        for side in ["referring", "answering"] {
            let lookups = vec![Lookup::new(side, own.as_str()), Lookup::new("open", "yes")];
            for case in self.cases_by(cx, lookups).await? {
                let sent = case.doc.case.status != Status::Draft;
                if sent && !found.iter().any(|f| f.key == case.key) {
                    found.push(case);
                }
            }
        }
        found.sort_by_key(|c| (c.doc.case.request.urgency, c.doc.case.sent));
        let left_out = found.len().saturating_sub(PACK_MAX);
        found.truncate(PACK_MAX);
        let mut cases = Vec::with_capacity(found.len());
        for doc in &found {
            cases.push(self.pack_case(cx, doc).await?);
        }
        Ok(PackView { cases, left_out })
    }

    async fn pack_case(&self, cx: &Cx, doc: &Versioned<CaseDoc>) -> Result<PackCase, AppError> {
        let case = &doc.doc.case;
        let patient = patient_key(&case.hospital, &case.patient);
        self.audit_read(cx, &patient, std::slice::from_ref(&doc.key), "case.packed")
            .await?;
        let rows = self.rows(cx, std::slice::from_ref(doc)).await?;
        let (referrer, coordinator, consultant) = self.case_people(cx, case).await?;
        Ok(PackCase {
            row: rows.into_iter().next().ok_or(AppError::NotFound)?,
            banner: self.case_banner(cx, doc).await?,
            question: case.request.question.clone(),
            question_language: case.request.language.clone(),
            answer: self.answer_on_paper(cx, &doc.key, case).await?,
            referrer,
            coordinator,
            consultant,
            call_back: case.request.call_back.clone(),
        })
    }

    async fn answer_on_paper(
        &self,
        cx: &Cx,
        key: &RecordKey,
        case: &Case,
    ) -> Result<Vec<SectionView>, AppError> {
        let Some(answer) = case.current_answer() else {
            return Ok(Vec::new());
        };
        let held = self.opinion_held(cx, key, &answer.opinion).await?;
        self.opinion_audit(cx, &held, "opinion.printed").await?;
        Ok(self.opinion_view(cx, &held).await?.sections)
    }

    /// Who makes a hospital's pack without being asked: its own clinical staff taken together, as the system.
    pub(crate) fn pack_cx(&self, hospital: &HospitalId, language: Language) -> Cx {
        let cx = self.job_cx();
        Cx {
            actor: Actor {
                kind: ActorKind::Machine,
                hospital: Some(hospital.clone()),
                roles: [
                    Role::Clinician,
                    Role::Coordinator,
                    Role::Consultant,
                    Role::Machine,
                ]
                .into(),
                ..cx.actor
            },
            language,
            zone: self.zone_of(hospital),
            ..cx
        }
    }
}
