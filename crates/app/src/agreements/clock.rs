//! What time alone does to agreements: the first day begins, the notice is over, the last day has passed.

use agreements::SystemPurpose;
use agreements::agreement::{Agreement, Command, Stage, Standing};
use kernel::{HospitalId, Instant};
use store::Lookup;

use crate::docs::Versioned;
use crate::{App, AppError, Cx};

impl App {
    /// Carries out what is due now. Access by time needs none of this: every grant row carries its own last instant.
    /// Answers how many agreements moved.
    pub async fn agreement_clock(&self) -> Result<usize, AppError> {
        let cx = &self.job_cx();
        let mut moved = 0;
        for stage in ["signed", "active", "proposed"] {
            let permit = self.system(SystemPurpose::Job);
            let network = HospitalId::network();
            let by = vec![Lookup::new("stage", stage)];
            let all = self
                .find::<Agreement>(&permit, Some(&network), by, None, 10_000, false)
                .await?;
            for v in all {
                if let Some(command) = self.due(&v.doc, cx.now).await? {
                    moved += usize::from(self.advance(cx, v, &command).await?);
                }
            }
        }
        Ok(moved)
    }

    async fn advance(
        &self,
        cx: &Cx,
        v: Versioned<Agreement>,
        command: &Command,
    ) -> Result<bool, AppError> {
        let id = v.doc.id.clone();
        match self.agreement_step(cx, &id, Some(v), command, None).await {
            Ok(_) => Ok(true),
            // Someone was faster, or open cases keep it: the next round looks again.
            Err(AppError::Conflict | AppError::Rejected { .. }) => Ok(false),
            Err(e) => Err(e),
        }
    }

    async fn due(&self, a: &Agreement, now: Instant) -> Result<Option<Command>, AppError> {
        Ok(match a.standing(now) {
            Standing::Signed if a.terms.starts().is_some_and(|s| now >= s) => {
                Some(Command::Activate)
            }
            Standing::Expired if a.stage == Stage::Active && a.ended_at.is_none() => {
                Some(Command::Expire)
            }
            Standing::Active | Standing::Suspended
                if a.notice.as_ref().is_some_and(|n| now >= n.ends_at) =>
            {
                let open = self.open_cases_under(&a.id).await?;
                a.unsettled(&open).is_empty().then(|| Command::End {
                    reason: String::new(),
                    open,
                })
            }
            _ => None,
        })
    }
}
