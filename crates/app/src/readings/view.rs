//! What pages show of readings and reports. Built under the reader's permit.

use care::case::Urgency;
use care::reading::{Agreement, Clock, Kind, Status};
use kernel::{Instant, Phi, RecordKey, ResourceId};

use super::doc::ReportText;
use crate::cases::view::{PatientLine, PersonLine};
use crate::opinions::{Legal, SectionView};
use crate::records::view::HospitalLine;
use crate::viewing::view::StudyLine;

/// Which readings a list shows; words under `tab-reading-*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadingTab {
    /// Nobody's and my own.
    #[default]
    Open,
    Mine,
    /// Waiting for a second reader.
    Second,
    Done,
}

impl ReadingTab {
    pub const ALL: [Self; 4] = [Self::Open, Self::Mine, Self::Second, Self::Done];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Mine => "mine",
            Self::Second => "second",
            Self::Done => "done",
        }
    }
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str() == text)
    }
}

#[derive(Debug, Clone, Default)]
pub struct ReadingFilter {
    pub tab: ReadingTab,
    pub urgency: Option<Urgency>,
    pub modality: Option<String>,
}

/// One line of the worklist.
#[derive(Debug, Clone)]
pub struct ReadingRow {
    pub key: RecordKey,
    pub study: StudyLine,
    pub patient: PatientLine,
    pub urgency: Urgency,
    pub clock: Clock,
    pub status: Status,
    pub reader: Option<PersonLine>,
    pub mine: bool,
    /// A critical finding nobody has acknowledged.
    pub critical: bool,
    pub second_waits: bool,
    /// Earlier studies of the patient.
    pub priors: usize,
}

#[derive(Debug, Clone, Default)]
pub struct ReadingList {
    pub rows: Vec<ReadingRow>,
    /// Per tab, in the order of [`ReadingTab::ALL`]; the last is not counted.
    pub counts: [usize; 3],
    pub overdue: usize,
    /// Modalities there are, for the filter.
    pub modalities: Vec<String>,
    /// More than could be shown.
    pub more: bool,
}

#[derive(Debug, Clone)]
pub struct CriticalView {
    pub id: ResourceId,
    pub text: Phi<String>,
    pub by: PersonLine,
    pub raised: Instant,
    pub acknowledged: Option<(Instant, PersonLine)>,
    pub answer: Option<Phi<String>>,
    pub escalated: usize,
}

#[derive(Debug, Clone)]
pub struct SecondView {
    pub asked_by: PersonLine,
    pub asked: Instant,
    pub judgement: Option<JudgementView>,
}

#[derive(Debug, Clone)]
pub struct JudgementView {
    pub by: PersonLine,
    pub at: Instant,
    pub agreement: Agreement,
    pub text: Phi<String>,
    pub seen: Option<Instant>,
}

/// A signed report in a list.
#[derive(Debug, Clone)]
pub struct ReportLine {
    pub id: ResourceId,
    pub kind: Kind,
    pub by: PersonLine,
    pub at: Instant,
    /// Its final, or newest, text stands.
    pub stands: bool,
}

/// What the reader may do now.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadingCan {
    pub claim: bool,
    pub release: bool,
    pub report: bool,
    pub addendum: bool,
    pub ask_second: bool,
    pub judge: bool,
    pub see_judgement: bool,
    pub raise: bool,
    pub acknowledge: bool,
    pub urgency: bool,
}

/// One reading as its page shows it.
#[derive(Debug, Clone)]
pub struct ReadingView {
    pub key: RecordKey,
    pub study: StudyLine,
    pub patient: RecordKey,
    pub case: Option<RecordKey>,
    pub hospital: HospitalLine,
    pub urgency: Urgency,
    pub clock: Clock,
    pub status: Status,
    pub reader: Option<PersonLine>,
    pub reports: Vec<ReportLine>,
    pub second: Option<SecondView>,
    pub criticals: Vec<CriticalView>,
    pub can: ReadingCan,
}

/// A text to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTemplate {
    pub code: String,
    pub title: String,
    /// Fits studies of this modality; empty: any.
    pub modality: String,
    pub technique: String,
    pub findings: String,
    pub impression: String,
    pub recommendation: String,
}

/// A phrase to put in where one writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Macro {
    pub title: String,
    pub text: String,
    /// What is typed after a slash to put it in; empty: none.
    pub word: String,
    /// The reader's own, not the hospital's.
    pub own: bool,
}

/// Everything the report's editor needs.
#[derive(Debug, Clone)]
pub struct ReportDesk {
    pub draft: ReportText,
    pub kept: Option<Instant>,
    pub templates: Vec<ReportTemplate>,
    pub macros: Vec<Macro>,
    /// Earlier studies, to be named under "comparison".
    pub priors: Vec<StudyLine>,
    /// The reader's own measurements in this study, as text.
    pub measures: Vec<String>,
    /// The hospital that answers for the report.
    pub responsible: String,
    pub licence: Option<String>,
}

/// A final report or what was added to one, in a list.
#[derive(Debug, Clone)]
pub struct FinalReport {
    pub id: ResourceId,
    pub kind: Kind,
    pub signed: Instant,
    /// The hospital that read.
    pub hospital: kernel::HospitalId,
}

/// A signed report, verified just now.
#[derive(Debug, Clone)]
pub struct ReportView {
    pub id: ResourceId,
    pub kind: Kind,
    pub reading: RecordKey,
    pub study: Option<StudyLine>,
    pub patient: RecordKey,
    pub hospital: HospitalLine,
    pub sections: Vec<SectionView>,
    pub author_name: String,
    pub role: String,
    pub licence: Option<String>,
    pub responsible: String,
    pub legal: Legal,
    pub signed: Instant,
    pub addendum_to: Option<ResourceId>,
    pub report: seal::Report,
    pub digest: String,
}

/// A critical finding for the side that treats.
#[derive(Debug, Clone)]
pub struct CriticalRow {
    pub reading: RecordKey,
    pub study: StudyLine,
    pub patient: PatientLine,
    pub critical: CriticalView,
}
