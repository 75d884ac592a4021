//! A copy without identity on its way: asked for in a request, made by a job, a stretch at a time, so that it can be left and
//! come back to, and a process that dies in the middle loses nothing.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{AccountId, Instant, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};
use store::Lookup;

use super::Region;
use crate::docs::Document;

/// How far a copy has come; words under `copy-state-*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyState {
    /// Every object is looked at before the first is copied.
    Looking,
    Making,
    Ready,
    Failed,
}

impl CopyState {
    pub const ALL: &'static [Self] = &[Self::Looking, Self::Making, Self::Ready, Self::Failed];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Looking => "looking",
            Self::Making => "making",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }
    /// Whether the job has work with it.
    pub const fn is_due(self) -> bool {
        matches!(self, Self::Looking | Self::Making)
    }
}

/// For what a study is copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CopyFor {
    /// A patient of the own hospital who stands for nobody.
    Teaching {
        project: ResourceId,
        parts: Option<Vec<Region>>,
        leave_out: bool,
        by: AccountId,
    },
    /// Cases that another hospital answers under an agreement which lets images cross without identity alone.
    Crossing {
        agreement: ResourceId,
        cases: BTreeSet<ResourceId>,
    },
}

/// A study that is copied, at the hospital that keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CopyWork {
    pub study: RecordKey,
    /// Whose it is: what is kept of the copy is erased with them.
    pub patient: ResourceId,
    pub purpose: CopyFor,
    pub state: CopyState,
    /// The ImagingStudy of the copy, once its first object is kept.
    pub made: Option<RecordKey>,
    /// The patient who stands for nobody.
    pub stands_for: Option<RecordKey>,
    /// The number of the newest object that was dealt with in this state; the archive numbers them upwards.
    pub reached: i64,
    /// Objects there are, dealt with in this state, and kept as copies.
    pub all: u32,
    pub seen: u32,
    pub kept: u32,
    /// Objects that stay behind, by the word of the reason.
    pub left: BTreeMap<String, u32>,
    /// Why it failed, or why it does not go on now: a word under `unclean-*`, or `held-up`.
    pub why: Option<String>,
    /// It is not tried again before.
    pub not_before: Option<Instant>,
    pub asked: Instant,
}

impl CopyWork {
    pub fn new(study: &RecordKey, patient: &ResourceId, purpose: CopyFor, now: Instant) -> Self {
        Self {
            study: study.clone(),
            patient: patient.clone(),
            state: match &purpose {
                CopyFor::Teaching { .. } => CopyState::Looking,
                // What cannot be cleaned stays behind: nothing speaks for looking at all of it first.
                CopyFor::Crossing { .. } => CopyState::Making,
            },
            purpose,
            made: None,
            stands_for: None,
            reached: 0,
            all: 0,
            seen: 0,
            kept: 0,
            left: BTreeMap::new(),
            why: None,
            not_before: None,
            asked: now,
        }
    }

    /// Begins a state with the first object.
    pub fn enter(&mut self, state: CopyState) {
        self.state = state;
        self.reached = 0;
        self.seen = 0;
        self.kept = 0;
        self.left.clear();
    }

    pub fn fail(&mut self, why: impl Into<String>) {
        self.state = CopyState::Failed;
        self.why = Some(why.into());
        self.not_before = None;
    }

    pub fn leaves_out(&self) -> bool {
        match &self.purpose {
            CopyFor::Teaching { leave_out, .. } => *leave_out,
            CopyFor::Crossing { .. } => true,
        }
    }
}

impl Document for CopyWork {
    const KIND: &'static str = "copy-work";
    fn lookups(&self) -> Vec<Lookup> {
        let of = format!("{}/Patient/{}", self.study.hospital, self.patient);
        let mut all = vec![
            Lookup::new("patient", of),
            Lookup::new("study", self.study.id.as_str()),
        ];
        if self.state.is_due() {
            all.push(Lookup::new("due", "yes"));
        }
        if let CopyFor::Crossing { cases, .. } = &self.purpose {
            all.push(Lookup::new("crossing", "yes"));
            all.extend(cases.iter().map(|c| Lookup::new("case", c.as_str())));
        }
        all
    }
}

/// The id of the work: one for each study and project.
pub(super) fn teaching_id(
    project: &ResourceId,
    study: &RecordKey,
) -> Result<ResourceId, kernel::IdError> {
    let parts = ["copy for a project", project.as_str(), study.id.as_str()];
    ResourceId::new(crate::tokens::digest(&parts))
}

/// The id of the work: one for each study and agreement.
pub(super) fn crossing_id(
    agreement: &ResourceId,
    study: &RecordKey,
) -> Result<ResourceId, kernel::IdError> {
    let parts = ["copy that crosses", agreement.as_str(), study.id.as_str()];
    ResourceId::new(crate::tokens::digest(&parts))
}

/// A copy as pages show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyLine {
    pub state: CopyState,
    /// What kind of study it is of; nothing that says whose or when.
    pub modalities: Vec<String>,
    pub body_part: String,
    pub all: u32,
    pub seen: u32,
    pub kept: u32,
    pub left: BTreeMap<String, u32>,
    pub why: Option<String>,
    /// The name of the project it is for; none where it crosses.
    pub project: Option<String>,
    /// The copy, where the caller may open it.
    pub study: Option<RecordKey>,
    /// The patient who stands for nobody.
    pub stands_for: Option<RecordKey>,
}
