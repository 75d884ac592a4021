//! What pages show of studies. Built under the reader's permit.

use kernel::{RecordKey, ResourceId};

use super::notes::Notes;
use crate::imaging::FirstImage;
use crate::records::view::HospitalLine;

/// How far a study has come; words under `study-state-*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StudyState {
    /// Objects are coming in.
    Arriving,
    /// All that was sent is here.
    Available,
    /// Known from a record alone: its pictures are kept elsewhere.
    Elsewhere,
    /// Called off, or entered in error.
    Void,
}

impl StudyState {
    /// From `ImagingStudy.status` and whether it names an endpoint of ours.
    pub fn of(status: Option<&str>, has_endpoint: bool) -> Self {
        match status {
            Some("cancelled" | "entered-in-error") => Self::Void,
            Some("registered") => Self::Arriving,
            _ if has_endpoint => Self::Available,
            _ => Self::Elsewhere,
        }
    }
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Arriving => "arriving",
            Self::Available => "available",
            Self::Elsewhere => "elsewhere",
            Self::Void => "void",
        }
    }
    /// Whether there is something to look at here.
    pub const fn has_pictures(self) -> bool {
        matches!(self, Self::Arriving | Self::Available)
    }
}

/// One series.
#[derive(Debug, Clone)]
pub struct SeriesLine {
    /// Series Instance UID.
    pub uid: String,
    pub number: Option<u64>,
    pub modality: String,
    pub description: String,
    pub body_part: String,
    pub instances: u64,
}

/// A study in a list.
#[derive(Debug, Clone)]
pub struct StudyLine {
    pub key: RecordKey,
    /// None while nobody has decided whose it is, and where it is shown without identity.
    pub patient: Option<ResourceId>,
    /// What stands for the patient in a copy without identity.
    pub pseudonym: Option<String>,
    /// Study Instance UID.
    pub uid: String,
    pub modalities: Vec<String>,
    pub description: String,
    pub body_part: String,
    /// FHIR dateTime.
    pub started: Option<String>,
    pub series_count: u64,
    pub instances: u64,
    pub state: StudyState,
    pub custodian: HospitalLine,
    pub series: Vec<SeriesLine>,
}

/// A study that is looked at.
#[derive(Debug, Clone)]
pub struct StudyView {
    pub line: StudyLine,
    /// Key of its patient at the same hospital; none while nobody has decided whose it is, and of a copy without identity.
    pub patient: Option<RecordKey>,
    /// Other studies of the patient, those of the same modality first, newest first.
    pub priors: Vec<StudyLine>,
    pub notes: Notes,
    /// The image it opens with, where its record lists its images.
    pub first: Option<FirstImage>,
    /// Whether the reader has notes of their own, be they empty.
    pub drafted: bool,
}
