//! What this node does by itself when any node commits: it tells its live pages what has ended, reads the hospitals again when
//! one changed, and forgets what was erased.

use std::time::Duration;

use agreements::SystemPurpose;

use crate::docs::Document;
use crate::hospitals::Hospital;
use crate::keeping::ErasureDoc;
use crate::{App, AppError};

/// Events looked at in one go.
const EVENTS_AT_ONCE: u32 = 500;
/// Pause after the feed could not be read.
const AGAIN: Duration = Duration::from_secs(1);

impl App {
    /// Follows the feed, which is read once for everybody here who has to know. Runs until the server closes.
    pub async fn follow_feed(&self) {
        let mut newest = self.watch();
        let mut after = *newest.borrow_and_update();
        let closing = self.until_closing();
        tokio::pin!(closing);
        loop {
            tokio::select! {
                moved = newest.changed() => if moved.is_err() { return },
                () = &mut closing => return,
            }
            newest.mark_unchanged();
            match self.hear(after).await {
                Ok(reached) => after = reached,
                Err(error) => {
                    tracing::warn!(error = %error, "the feed cannot be followed; trying again");
                    tokio::time::sleep(AGAIN).await;
                    newest.mark_changed();
                }
            }
        }
    }

    /// Hears what was committed after a position; gives the last position looked at. To hear of something twice does no
    /// harm.
    async fn hear(&self, mut after: u64) -> Result<u64, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let (mut hospitals, mut erased) = (false, false);
        loop {
            let events = self.store.events(&permit, after, EVENTS_AT_ONCE).await?;
            for event in &events {
                self.tell_end(event);
                hospitals |= event.subject.kind.as_str() == Hospital::KIND;
                erased |= event.subject.kind.as_str() == ErasureDoc::KIND;
            }
            if let Some(last) = events.last() {
                after = last.position;
            }
            // A page ends with a whole commit, so a full one may be longer.
            if events.len() < EVENTS_AT_ONCE as usize {
                break;
            }
        }
        if erased {
            self.forget_erased();
        }
        if hospitals {
            self.reload_hospitals().await?;
        }
        Ok(after)
    }
}
