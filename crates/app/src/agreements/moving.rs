//! Open cases that go on under another agreement when the one they were sent under ends.

use agreements::SystemPurpose;
use agreements::agreement::{OpenCase, Standing};
use care::case::{self, By, Case, Command, Terms};
use kernel::{HospitalId, Instant, RecordKey, ResourceId};
use store::Batch;

use crate::cases::doc::CaseDoc;
use crate::docs::Versioned;
use crate::{App, AppError, Cx};

/// An agreement that a case could go on under, or why it could not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveChoice {
    pub agreement: ResourceId,
    pub number: String,
    /// Who would answer; none where the agreement does not cover the question.
    pub partner: Option<HospitalId>,
    /// The same hospital goes on where it is; another one begins anew.
    pub same_partner: bool,
    pub until: Option<Instant>,
    /// Words under `agr-move-not-*`; none: it can move there.
    pub why_not: Option<String>,
}

impl App {
    /// Every other agreement of the case's hospital that is not over, those it can move to first.
    pub async fn move_choices(
        &self,
        cx: &Cx,
        from: &ResourceId,
        open: &OpenCase,
    ) -> Result<Vec<MoveChoice>, AppError> {
        if cx.hospital()? != &open.custodian {
            return Err(AppError::denied("other-hospital"));
        }
        let case = self.case_to_move(open).await?.doc.case;
        let mut choices = Vec::new();
        for a in self.agreements_with(&open.custodian).await? {
            let standing = a.standing(cx.now);
            if a.id == *from || standing.is_over() || standing == Standing::Draft {
                continue;
            }
            let found = self.terms_to_move(cx, &case, &a.id).await;
            let (terms, why_not) = match found {
                Ok(terms) => (Some(terms), None),
                Err(error) => (None, Some(why(error)?)),
            };
            choices.push(MoveChoice {
                agreement: a.id,
                number: a.terms.number,
                same_partner: terms
                    .as_ref()
                    .is_some_and(|t| case.answering() == Some(&t.answering)),
                until: terms.as_ref().map(|t| t.until),
                partner: terms.map(|t| t.answering),
                why_not,
            });
        }
        choices.sort_by_key(|c| (c.why_not.is_some(), !c.same_partner, c.number.clone()));
        Ok(choices)
    }

    /// What the case would go on under, if all it needs is there: an agreement in force that covers the question and
    /// the chosen parts of the record, a consent for the partner, and a state it can move in.
    pub(super) async fn terms_to_move(
        &self,
        cx: &Cx,
        case: &Case,
        to: &ResourceId,
    ) -> Result<Terms, AppError> {
        let r = &case.request;
        let (Some(service), Some(specialty)) = (&r.service, &r.specialty) else {
            return Err(AppError::denied("service-not-covered"));
        };
        let terms = self
            .case_terms(&case.hospital, to, service, specialty, cx.now)
            .await?;
        self.check_consent(case, &terms, cx.now).await?;
        let command = Command::Move {
            terms: Box::new(terms.clone()),
        };
        case::decide(case, &command, &By::System, cx.now)?;
        Ok(terms)
    }

    pub(super) async fn case_to_move(
        &self,
        open: &OpenCase,
    ) -> Result<Versioned<CaseDoc>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        self.need(&permit, &open.custodian, &open.case).await
    }

    /// Moves the case. Its parts pass the border gate where the new partner lies beyond one.
    pub(super) async fn move_case(
        &self,
        cx: &Cx,
        open: &OpenCase,
        to: &ResourceId,
    ) -> Result<RecordKey, AppError> {
        let doc = self.case_to_move(open).await?;
        let terms = self.terms_to_move(cx, &doc.doc.case, to).await?;
        let elsewhere = doc.doc.case.answering() != Some(&terms.answering);
        let command = Command::Move {
            terms: Box::new(terms),
        };
        let events = case::decide(&doc.doc.case, &command, &By::System, cx.now)?;
        let mut batch = Batch::new(cx.now);
        if elsewhere {
            let mut after = doc.doc.case.clone();
            for event in &events {
                after.apply(event, &By::System, cx.now);
            }
            self.case_leaves(cx, &mut batch, &after).await?;
        }
        self.commit_case(cx, doc, &events, batch, None).await
    }
}

/// The refusal as the word of a reason; what is no refusal of this move goes on as an error.
fn why(error: AppError) -> Result<String, AppError> {
    match error {
        AppError::Denied(denial) => Ok(denial.reason),
        AppError::Rejected { code, .. } => Ok(code),
        other => Err(other),
    }
}
