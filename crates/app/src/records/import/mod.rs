//! Import of a record from outside: a FHIR bundle (transaction, collection, document such as an International Patient
//! Summary) or a file (PDF, PNG, JPEG).
//!
//! It is staged first; the patient in it is compared with the hospital's own; a person decides whose record it is; then
//! everything is written in one commit, with a Provenance. The same bundle brought again is recognised.

pub mod decide;
pub mod plan;
pub mod stage;

use care::matching::{Grade, Reason};
use kernel::{AccountId, Instant, Phi, ResourceId};
use serde::{Deserialize, Serialize};
use store::{BlobRef, Lookup};

use super::view::{IdentifierLine, Names, PatientRow, Sex};
use crate::docs::Document;

/// What a person decides about a staged import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportDecision {
    /// Nobody this hospital knows.
    New,
    /// This patient of the hospital.
    Existing(ResourceId),
    /// Not to be taken in.
    Drop,
}

/// Where an import stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum ImportState {
    /// For a person to decide.
    Waiting,
    Done {
        patient: ResourceId,
        /// Entries written, and entries that were there already.
        written: usize,
        known: usize,
        by: AccountId,
        at: Instant,
    },
    Dropped {
        by: AccountId,
        at: Instant,
    },
}

/// What was brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum ImportKind {
    Bundle {
        /// Number of entries per resource type that will be written.
        entries: Vec<(String, usize)>,
        /// Number of entries per resource type that will not: they grant or sign something, or are no clinical content.
        left_out: Vec<(String, usize)>,
        /// Entries that are not valid FHIR R4, at most [`plan::PROBLEMS_MAX`]; they are not written.
        problems: Vec<ImportProblem>,
        /// How many there are in all.
        problem_count: usize,
        /// References that lead nowhere within the bundle.
        unresolved: usize,
    },
    File,
}

/// One entry that cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProblem {
    /// Counted from 0.
    pub entry: usize,
    pub expression: String,
    pub text: String,
}

/// A staged import as a document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Import {
    pub filename: Phi<String>,
    pub media_type: String,
    pub size: u64,
    pub at: Instant,
    pub by: AccountId,
    pub state: ImportState,
    pub kind: ImportKind,
    /// SHA-256 of the bytes, hex.
    pub digest: String,
    pub blob: BlobRef,
    /// The bundle's Patient, as it came.
    pub patient: Option<Phi<String>>,
}

impl Document for Import {
    const KIND: &'static str = "import";
    fn lookups(&self) -> Vec<Lookup> {
        match self.state {
            ImportState::Waiting => vec![
                Lookup::new("digest", self.digest.as_str()),
                Lookup::new("waiting", "yes"),
            ],
            ImportState::Done { .. } => vec![Lookup::new("digest", self.digest.as_str())],
            ImportState::Dropped { .. } => Vec::new(),
        }
    }
}

/// The person in a bundle.
#[derive(Debug, Clone)]
pub struct PersonView {
    pub names: Phi<Names>,
    pub birth_date: Option<Phi<String>>,
    pub age_years: Option<i16>,
    pub sex: Sex,
    pub identifiers: Vec<IdentifierLine>,
}

/// A patient of the hospital who may be the one in the bundle.
#[derive(Debug, Clone)]
pub struct ImportCandidate {
    pub row: PatientRow,
    pub grade: Grade,
    pub reasons: Vec<Reason>,
}

/// A staged import on its page.
#[derive(Debug, Clone)]
pub struct ImportView {
    pub id: ResourceId,
    pub filename: Phi<String>,
    pub media_type: String,
    pub size: u64,
    pub at: Instant,
    pub state: ImportState,
    pub kind: ImportKind,
    pub person: Option<PersonView>,
    pub candidates: Vec<ImportCandidate>,
}

/// An import in the list of those waiting.
#[derive(Debug, Clone)]
pub struct ImportLine {
    pub id: ResourceId,
    pub filename: Phi<String>,
    pub size: u64,
    pub at: Instant,
    pub is_bundle: bool,
}
