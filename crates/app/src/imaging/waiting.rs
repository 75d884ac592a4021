//! What waits for a person's decision, and the decisions that were taken.

use kernel::{AccountId, Instant, Phi, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};
use store::{Lookup, Standing};

use super::InstanceLine;
use crate::docs::Document;

/// Why a study waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitingFor {
    /// It has no patient number, or nobody says whose number it is.
    NoIdentifier,
    /// No patient of the hospital has the number.
    Unknown,
    /// The patient who has it was born on another day or is of another sex.
    Differs,
    /// Several have it.
    Several,
    /// It has its patient; objects of it wait.
    Objects,
}

impl WaitingFor {
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoIdentifier => "no-identifier",
            Self::Unknown => "unknown",
            Self::Differs => "differs",
            Self::Several => "several",
            Self::Objects => "objects",
        }
    }
}

/// A study on the reconciliation list: what its objects say.
#[derive(Debug, Clone)]
pub struct WaitingStudy {
    pub study: RecordKey,
    pub uid: String,
    pub patient: Option<ResourceId>,
    pub patient_id: Phi<String>,
    pub name: Phi<String>,
    pub birth_date: Phi<String>,
    pub sex: Phi<String>,
    pub date: Phi<String>,
    pub description: Phi<String>,
    pub modalities: Vec<String>,
    pub instances: u64,
    /// Objects that wait for a decision of their own.
    pub aside: u64,
}

/// One study with what speaks for and against.
#[derive(Debug, Clone)]
pub struct WaitingView {
    pub line: WaitingStudy,
    pub reason: WaitingFor,
    /// Whose number it is; empty when that is not known.
    pub issuer: String,
    /// Patients of the hospital with this number.
    pub candidates: Vec<ResourceId>,
    pub aside: Vec<(InstanceLine, Standing)>,
    pub decisions: Vec<StudyDecision>,
}

/// What a person decided about a study.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StudyDecision {
    pub study: ResourceId,
    pub what: Decided,
    pub by: AccountId,
    pub name: String,
    pub at: Instant,
}

/// The decision itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decided {
    /// It is this patient's.
    Patient(ResourceId),
    /// It is nobody's we know, after all.
    TakenBack(ResourceId),
    /// This object is shown, in the place of the one that was.
    Shown(String),
}

impl Decided {
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Patient(_) => "patient",
            Self::TakenBack(_) => "taken-back",
            Self::Shown(_) => "shown",
        }
    }
    /// Why an object is kept aside.
    pub const fn standing(standing: Standing) -> &'static str {
        match standing {
            Standing::Shown => "shown",
            Standing::OtherContent => "other-content",
            Standing::OtherPatient => "other-patient",
        }
    }
}

impl Document for StudyDecision {
    const KIND: &'static str = "study-decision";
    fn lookups(&self) -> Vec<Lookup> {
        let mut all = vec![Lookup::new("study", self.study.as_str())];
        if let Decided::Patient(p) | Decided::TakenBack(p) = &self.what {
            all.push(Lookup::new("patient", p.as_str()));
        }
        all
    }
}
