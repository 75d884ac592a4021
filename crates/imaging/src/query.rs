//! One query for C-FIND, QIDO-RS and the modality worklist (PS3.4 C.2.2.2, C.6; K.6; PS3.18 §8.3.4, §10.6).

mod answer;
mod identifier;
mod matching;
mod qido;
mod value;

use dicom_core::{Tag, VR};

pub use answer::{Answered, to_dataset, to_json};
pub use identifier::from_identifier;
pub use matching::{like, matches, text_matches, wildcard};
pub use qido::from_qido;
pub use value::{complete_moment, complete_time};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Patients (patient root only).
    Patient,
    /// Studies.
    Study,
    /// Series.
    Series,
    /// Composite objects.
    Instance,
}

impl Level {
    /// The word of (0008,0052).
    pub fn word(self) -> &'static str {
        match self {
            Level::Patient => "PATIENT",
            Level::Study => "STUDY",
            Level::Series => "SERIES",
            Level::Instance => "IMAGE",
        }
    }
}

/// The information model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Patient Root Query/Retrieve (PS3.4 C.6.1).
    PatientRoot,
    /// Study Root Query/Retrieve (PS3.4 C.6.2), and QIDO-RS.
    StudyRoot,
    /// Modality Worklist (PS3.4 K.6.1): `level` has no meaning.
    Worklist,
}

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The information model.
    pub model: Model,
    /// What is asked for.
    pub level: Level,
    /// Only these studies; all if empty. The same of series and instances.
    pub study: Vec<String>,
    /// Only these series.
    pub series: Vec<String>,
    /// Only these instances.
    pub instance: Vec<String>,
    /// What has to match, all of it. UIDs of study, series and instance stand above only.
    pub keys: Vec<Key>,
    /// What the answers contain.
    pub include: Include,
    /// Whether names may match by the beginnings of their words in any order (PS3.18 §8.3.4.2).
    pub fuzzy: bool,
    /// At most so many answers.
    pub limit: Option<u32>,
    /// So many matches are passed over first.
    pub offset: u32,
    /// The repertoire in which the asker writes: answers that can be, are written in it (PS3.4 C.2.2.2).
    pub charset: Vec<String>,
    /// Parameters that were not understood and passed over (QIDO-RS: a warning header says so).
    pub ignored: Vec<String>,
}

/// What answers contain.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Include {
    /// All that is known.
    pub all: bool,
    /// These attributes beside the ones that always are.
    pub tags: Vec<Tag>,
    /// What C-FIND asks for, as a tree: the answer contains exactly these.
    pub exactly: Option<Vec<Key>>,
}

/// One attribute and how it has to match.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// The attribute.
    pub tag: Tag,
    /// Its value representation.
    pub vr: VR,
    /// How it has to match.
    pub matching: Match,
}

/// How an attribute has to match (PS3.4 C.2.2.2). Text is as given; what [`is_folded`] says is compared folded.
#[derive(Debug, Clone, PartialEq)]
pub enum Match {
    /// Anything: a return key.
    Universal,
    /// The attribute must be absent or without a value (PS3.4 C.2.2.2.7, `""`).
    Empty,
    /// This value.
    Single(String),
    /// One of these (UIDs, and others where multiple value matching is understood).
    List(Vec<String>),
    /// `*` and `?`.
    Wildcard(String),
    /// From, to, both inclusive. Dates `YYYYMMDD`; times `HHMMSS.FFFFFF`; moments (DT) `YYYYMMDDHHMMSS.FFFFFF`. A single
    /// date or time of less precision is a range as well.
    Range(Option<String>, Option<String>),
    /// The key is a date and its time is the attribute named here: both as one moment (PS3.4 C.2.2.2.5.2).
    Moment {
        /// The attribute of the time.
        time: Tag,
        /// From, `YYYYMMDDHHMMSS.FFFFFF`.
        from: Option<String>,
        /// To.
        to: Option<String>,
    },
    /// One item of the sequence matches all of these.
    Sequence(Vec<Key>),
}

/// Whether an attribute is compared without case and accents: names (PS3.4 C.2.2.2.1), and descriptions, which people
/// type as they please. Identifiers and codes are compared as they stand.
pub fn is_folded(tag: Tag, vr: VR) -> bool {
    use dicom_dictionary_std::tags as t;
    vr == VR::PN
        || matches!(
            tag,
            t::STUDY_DESCRIPTION
                | t::SERIES_DESCRIPTION
                | t::INSTITUTION_NAME
                | t::INSTITUTIONAL_DEPARTMENT_NAME
                | t::STATION_NAME
                | t::MANUFACTURER
                | t::MANUFACTURER_MODEL_NAME
                | t::PROTOCOL_NAME
                | t::REQUESTED_PROCEDURE_DESCRIPTION
                | t::SCHEDULED_PROCEDURE_STEP_DESCRIPTION
                | t::CONTENT_LABEL
                | t::CONTENT_DESCRIPTION
        )
}

/// Folds a value for comparison: names keep their delimiters, trailing empty components go. The one folding of columns
/// and of matching.
pub fn fold(text: &str) -> String {
    crate::name::fold(text)
}

#[cfg(test)]
mod tests;
