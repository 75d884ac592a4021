//! Reading every file from end to end, a little at a time, so that what a disk loses is known before it is needed.

use agreements::SystemPurpose;
use jiff::SignedDuration;
use kernel::{HospitalId, Instant, ResourceId};
use serde::{Deserialize, Serialize};
use store::{Batch, Faulty, Lookup};

use crate::docs::{self, Document, Versioned};
use crate::{App, AppError};

/// Bytes read in one run: a minute apart, about one megabyte a second.
const STRETCH_BYTES: u64 = 64 << 20;
/// A pass begins this long after the last one ended, hours; a day when it found something.
const PAUSE_HOURS: i64 = 7 * 24;
const PAUSE_FAULTY_HOURS: i64 = 24;
/// Findings that are named; the rest is counted.
const NAMED_MAX: usize = 50;

/// One pass over every file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    pub began: Instant,
    pub ended: Option<Instant>,
    pub files: u64,
    pub bytes: u64,
    pub faulty: u64,
    pub named: Vec<Faulty>,
    /// Where it goes on.
    after: Option<(HospitalId, String)>,
}

/// The pass under way and the one before it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScrubState {
    pub now: Option<Pass>,
    pub last: Option<Pass>,
}

impl Document for ScrubState {
    const KIND: &'static str = "scrub";
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
}

impl App {
    /// How scrubbing stands.
    pub async fn scrub_state(&self) -> Result<ScrubState, AppError> {
        Ok(self.scrub_doc().await?.doc)
    }

    async fn scrub_doc(&self) -> Result<Versioned<ScrubState>, AppError> {
        let permit = self.system(SystemPurpose::Job);
        let (network, id) = (HospitalId::network(), ResourceId::new("scrub")?);
        let found = self.load::<ScrubState>(&permit, &network, &id).await?;
        Ok(found.unwrap_or_else(|| Versioned {
            key: self.doc_key::<ScrubState>(&network, &id),
            version: 0,
            doc: ScrubState::default(),
        }))
    }

    /// One stretch. Gives how many files were read.
    pub async fn scrub_stretch(&self) -> Result<usize, AppError> {
        let now = self.now();
        let mut state = self.scrub_doc().await?;
        let mut pass = match state.doc.now.take() {
            Some(pass) => pass,
            None if is_due(state.doc.last.as_ref(), now) => Pass {
                began: now,
                ended: None,
                files: 0,
                bytes: 0,
                faulty: 0,
                named: Vec::new(),
                after: None,
            },
            None => return Ok(0),
        };
        let done = self.store.scrub(pass.after.take(), STRETCH_BYTES).await?;
        pass.files += done.blobs;
        pass.bytes += done.bytes;
        pass.faulty += done.faulty.len() as u64;
        for found in done.faulty {
            tracing::error!(hospital = %found.hospital, file = found.address, fault = ?found.fault, "a file is not whole");
            if pass.named.len() < NAMED_MAX {
                pass.named.push(found);
            }
        }
        if done.next.is_some() {
            pass.after = done.next;
            state.doc.now = Some(pass);
        } else {
            pass.ended = Some(now);
            state.doc.last = Some(pass);
        }
        let mut batch = Batch::new(now);
        docs::put(&mut batch, &state)?;
        self.store.commit(batch).await?;
        Ok(usize::try_from(done.blobs).unwrap_or(usize::MAX))
    }
}

fn is_due(last: Option<&Pass>, now: Instant) -> bool {
    last.is_none_or(|pass| {
        let hours = if pass.faulty > 0 {
            PAUSE_FAULTY_HOURS
        } else {
            PAUSE_HOURS
        };
        let ended = pass.ended.unwrap_or(pass.began);
        now.duration_since(ended) >= SignedDuration::from_hours(hours)
    })
}
