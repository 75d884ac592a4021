//! The clock of critical findings: nobody acknowledged, so more people are told.

use agreements::SystemPurpose;
use care::reading::{self, Command};
use store::{Batch, Lookup, StoreError};

use super::act::number;
use super::doc::ReadingDoc;
use crate::docs::Versioned;
use crate::notices::Draft;
use crate::{App, AppError};

/// Readings with an open alarm that are looked at in one run.
const AT_ONCE: u32 = 2_000;

impl App {
    /// Tells more people of critical findings that wait too long. Gives how many were told on.
    pub async fn critical_clocks(&self) -> Result<usize, AppError> {
        let permit = self.system(SystemPurpose::Job);
        let lookups = vec![Lookup::new("alarm", "yes")];
        let open = self
            .find::<ReadingDoc>(&permit, None, lookups, None, AT_ONCE, false)
            .await?;
        let mut told = 0;
        for doc in open {
            told += self.escalate(doc).await?;
        }
        Ok(told)
    }

    async fn escalate(&self, mut doc: Versioned<ReadingDoc>) -> Result<usize, AppError> {
        let cx = self.job_cx();
        let due: Vec<_> = doc
            .doc
            .reading
            .criticals
            .iter()
            .filter(|c| {
                c.next(&doc.doc.reading.clocks)
                    .is_some_and(|at| at <= cx.now)
            })
            .map(|c| (c.id.clone(), c.escalated + 1))
            .collect();
        if due.is_empty() {
            return Ok(0);
        }
        let mut events = Vec::new();
        let mut drafts = Vec::new();
        for (id, step) in due {
            let command = Command::Escalate { id };
            events.extend(reading::decide(&doc.doc.reading, command, None, cx.now)?);
            for (to, hospital) in self.treating(&doc, step).await? {
                drafts.push(Draft {
                    to,
                    hospital,
                    what: "critical-waiting".into(),
                    subject: doc.key.clone(),
                    number: number(&doc),
                    urgent: true,
                });
            }
        }
        let told = events.len();
        let mut batch = Batch::new(cx.now);
        self.put_reading(&cx, &mut batch, &mut doc, events, "reading.escalated")?;
        self.notify(&mut batch, drafts)?;
        match self.store.commit(batch).await {
            Ok(_) => Ok(told),
            // Acknowledged this moment: the next run sees it.
            Err(StoreError::Precondition { .. }) => Ok(0),
            Err(e) => Err(e.into()),
        }
    }
}
