//! What pages show of patients and their records. Built under the reader's permit; nothing here outlives a request.

use care::timeline::{Attachment, Entry, Gap, Summary, Trend, Year};
use kernel::{HospitalId, Instant, Phi, RecordKey, ResourceId};

/// A hospital as a page names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HospitalLine {
    pub id: HospitalId,
    /// In the reader's language.
    pub name: String,
    /// Two letters.
    pub tile: String,
    pub zone: jiff::tz::TimeZone,
    /// The place, for times shown in its zone.
    pub city: String,
}

/// How a patient is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// In the script of the record: `پاتىگۈل مەمەت`, `帕提古丽·买买提`.
    pub native: Vec<String>,
    /// In Latin letters, as recorded or else in pinyin; may be empty.
    pub latin: String,
}

impl Names {
    /// The name to head a page with: Latin if there is one, else the first native.
    pub fn heading(&self) -> &str {
        if self.latin.is_empty() {
            self.native.first().map_or("", String::as_str)
        } else {
            &self.latin
        }
    }
}

/// FHIR administrative-gender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sex {
    Female,
    Male,
    Other,
    Unknown,
}

impl Sex {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
            Self::Other => "other",
            Self::Unknown => "unknown",
        }
    }
    pub fn from_fhir(code: Option<&str>) -> Self {
        match code {
            Some("female") => Self::Female,
            Some("male") => Self::Male,
            Some("other") => Self::Other,
            _ => Self::Unknown,
        }
    }
}

/// One identifier with its issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentifierLine {
    /// `local` for the hospital's own number, `national`, `passport`, `other`.
    pub kind: &'static str,
    pub value: Phi<String>,
    /// What the issuer is called: a hospital's name, or the system's address.
    pub issuer: String,
    /// To be shown masked until asked for.
    pub masked: bool,
}

/// One line of the list of patients.
#[derive(Debug, Clone)]
pub struct PatientRow {
    pub key: RecordKey,
    pub names: Phi<Names>,
    /// FHIR date (`1968-03-14`, `1968`).
    pub birth_date: Phi<Option<String>>,
    /// Whole years today; none when unknown or dead.
    pub age_years: Option<i16>,
    pub sex: Sex,
    pub number: Option<IdentifierLine>,
    pub deceased: bool,
    pub updated: Instant,
    pub open_cases: u32,
}

/// One page of patients.
#[derive(Debug, Clone, Default)]
pub struct PatientPage {
    pub rows: Vec<PatientRow>,
    /// Continue with this.
    pub next: Option<String>,
    /// More matched than are shown and the words were too general.
    pub too_many: bool,
}

/// The identity banner of every page about a patient. The reader may see what is in it; what is not shared is absent.
#[derive(Debug, Clone)]
pub struct Banner {
    pub key: RecordKey,
    pub custodian: HospitalLine,
    /// None when the reader may not know the name: the case number stands in its place.
    pub names: Option<Phi<Names>>,
    pub birth_date: Option<Phi<String>>,
    pub age_years: Option<i16>,
    /// Under two years: age in days.
    pub age_days: Option<i32>,
    pub sex: Sex,
    pub identifiers: Vec<IdentifierLine>,
    pub allergies: Vec<care::timeline::Allergy>,
    pub no_known_allergy: bool,
    /// BCP 47 tags the patient speaks, preferred first.
    pub languages: Vec<String>,
    pub deceased: Option<Phi<String>>,
    /// Linked records elsewhere that the reader may know of.
    pub also_at: Vec<HospitalLine>,
}

/// One source of a time line.
#[derive(Debug, Clone)]
pub struct SourceLine {
    pub hospital: HospitalLine,
    pub entries: u32,
    /// When its newest entry was recorded.
    pub fresh: Option<Instant>,
    pub gap: Option<care::timeline::GapReason>,
}

/// A patient's time line across the sources the reader may see.
#[derive(Debug, Clone)]
pub struct TimelineView {
    pub years: Vec<Year>,
    pub sources: Vec<SourceLine>,
    pub summary: Summary,
    pub trends: Vec<Trend>,
    pub total: usize,
    /// Number of entries per record class, for the filter.
    pub classes: Vec<(String, usize)>,
}

/// One entry opened.
#[derive(Debug, Clone)]
pub struct EntryView {
    pub key: RecordKey,
    pub custodian: HospitalLine,
    pub entry: Entry,
    pub version: u64,
    pub attachments: Vec<FileLine>,
    /// Results a report is made of, where the reader may see them.
    pub parts: Vec<Entry>,
    /// The resource as it is kept.
    pub json: Phi<String>,
}

/// A file that can be opened through `App::open_file`.
#[derive(Debug, Clone)]
pub struct FileLine {
    /// The DocumentReference, DiagnosticReport or Media that holds it.
    pub holder: RecordKey,
    /// Which of its attachments, from 0.
    pub index: usize,
    pub attachment: Attachment,
}

/// Which part of a time line is asked for.
#[derive(Debug, Clone, Default)]
pub struct TimelineAsk {
    /// Record classes; empty for all.
    pub classes: Vec<String>,
    /// Only what this case shares.
    pub case: Option<ResourceId>,
    /// At most this many entries, newest first.
    pub limit: Option<usize>,
}

/// Gaps found while reading.
pub type Gaps = Vec<Gap>;
