//! The clocks of cases: warnings and escalations as they fall due, and cases cut off or resumed when what they rest
//! on has ended or returned by time alone.

use agreements::SystemPurpose;
use care::case::{self, By, Command};
use jiff::SignedDuration;
use kernel::RecordKey;
use store::{Batch, Lookup};

use crate::cases::doc::{CaseDoc, hour_of};
use crate::docs::Versioned;
use crate::{App, AppError};

/// Cases looked at in one run.
const AT_ONCE: u32 = 10_000;

impl App {
    /// Raises the alarms that are due in this hour and the one before. Gives how many were raised.
    pub async fn case_clocks(&self) -> Result<usize, AppError> {
        let now = self.now();
        let before = now
            .saturating_sub(SignedDuration::from_hours(1))
            .unwrap_or(now);
        let mut raised = 0;
        for hour in [hour_of(before), hour_of(now)] {
            raised += self.raise_in(vec![Lookup::new("alarm-hour", hour)]).await?;
        }
        Ok(raised)
    }

    /// Looks at every open case: alarms that fell due while no node was running, and what the cases rest on.
    pub async fn case_round(&self) -> Result<usize, AppError> {
        let reviewed = self.review_all_cases().await?;
        let raised = self.raise_in(vec![Lookup::new("open", "yes")]).await?;
        Ok(raised + reviewed as usize)
    }

    async fn raise_in(&self, lookups: Vec<Lookup>) -> Result<usize, AppError> {
        let permit = self.system(SystemPurpose::Job);
        let found: Vec<Versioned<CaseDoc>> = self
            .find(&permit, None, lookups, None, AT_ONCE, false)
            .await?;
        let now = self.now();
        let mut raised = 0;
        for case in found {
            if !case.doc.case.alarms_due(now).is_empty() {
                raised += self.raise_alarms(&case.key).await?;
            }
        }
        Ok(raised)
    }

    /// Raises what is due of one case. A case that somebody changes meanwhile is looked at again in the next run.
    async fn raise_alarms(&self, key: &RecordKey) -> Result<usize, AppError> {
        let cx = self.job_cx();
        let permit = self.system(SystemPurpose::Job);
        let doc: Versioned<CaseDoc> = self.need(&permit, &key.hospital, &key.id).await?;
        let mut events = Vec::new();
        for alarm in doc.doc.case.alarms_due(cx.now) {
            let command = Command::Raise { alarm };
            match case::decide(&doc.doc.case, &command, &By::System, cx.now) {
                Ok(more) => events.extend(more),
                Err(rejection) => {
                    tracing::debug!(code = rejection.code.as_str(), "an alarm was not raised");
                }
            }
        }
        if events.is_empty() {
            return Ok(0);
        }
        let raised = events.len();
        match self
            .commit_case(&cx, doc, &events, Batch::new(cx.now), None)
            .await
        {
            Ok(_) => Ok(raised),
            Err(AppError::Conflict) => Ok(0),
            Err(error) => Err(error),
        }
    }
}
