//! What pages show of cases. Built under the reader's permit.

use care::case::{
    Alarm, Case, ClockReading, DeclineReason, Missing, Outcome, Plan, Status, SuspendReason,
    Urgency,
};
use kernel::{AccountId, HospitalId, Instant, Phi, RecordKey, ResourceId};

use crate::records::view::{Banner, FileLine, HospitalLine, Names, Sex};

/// The patient in a list of cases.
#[derive(Debug, Clone)]
pub struct PatientLine {
    pub key: RecordKey,
    /// None when the reader may not know the name.
    pub names: Option<Phi<Names>>,
    pub sex: Sex,
    pub age_years: Option<i16>,
    /// Under two years: age in days.
    pub age_days: Option<i32>,
}

/// A person as a page names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonLine {
    pub account: AccountId,
    pub name: String,
    pub hospital: Option<HospitalLine>,
    pub specialty: Option<String>,
}

/// Who must act, in words for a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerLine {
    Me,
    Person(PersonLine),
    /// Any coordinator of this hospital: nobody yet.
    Nobody(HospitalLine),
}

/// How complete a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completeness {
    pub have: usize,
    pub of: usize,
    pub missing: Vec<Missing>,
    /// The answering side asked for more and waits.
    pub waiting: bool,
}

/// One line of an inbox, worklist or list of cases.
#[derive(Debug, Clone)]
pub struct CaseRow {
    /// Custodian (the referring hospital), kind `case`, id.
    pub key: RecordKey,
    pub number: String,
    pub status: Status,
    pub urgency: Option<Urgency>,
    pub clock: Option<ClockReading>,
    pub patient: PatientLine,
    pub question: Phi<String>,
    pub from: HospitalLine,
    pub to: Option<HospitalLine>,
    pub service: Option<String>,
    pub specialty: Option<String>,
    pub completeness: Completeness,
    pub owner: Option<OwnerLine>,
    pub sent: Option<Instant>,
    pub since: Instant,
    pub suspended: Option<SuspendReason>,
    /// Messages the reader has not seen.
    pub unread: u32,
}

/// A list of cases with the counts above it.
#[derive(Debug, Clone, Default)]
pub struct CaseList {
    pub rows: Vec<CaseRow>,
    pub counts: Counts,
    /// Rows that match and lie beyond the limit.
    pub more: usize,
}

/// Counts over all open cases of the list, whatever the filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub open: usize,
    pub nobody: usize,
    pub overdue: usize,
    pub waiting: usize,
    pub mine: usize,
    pub emergencies: usize,
    pub answered_today: usize,
    /// Seconds the oldest open case has waited.
    pub oldest_s: Option<i64>,
}

/// Which cases are asked for.
#[derive(Debug, Clone, Default)]
pub struct CaseFilter {
    pub urgency: Option<Urgency>,
    pub from: Option<HospitalId>,
    pub specialty: Option<String>,
    pub tab: Tab,
    pub order: Order,
    pub limit: Option<usize>,
    /// Cases of one patient of the reader's own hospital.
    pub patient: Option<ResourceId>,
}

/// The tabs above a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tab {
    #[default]
    Open,
    Nobody,
    Overdue,
    Waiting,
    Mine,
    Answered,
    Drafts,
    Closed,
    All,
}

impl Tab {
    pub const ALL: &'static [Tab] = &[
        Tab::Open,
        Tab::Nobody,
        Tab::Overdue,
        Tab::Waiting,
        Tab::Mine,
        Tab::Answered,
        Tab::Drafts,
        Tab::Closed,
        Tab::All,
    ];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Nobody => "nobody",
            Self::Overdue => "overdue",
            Self::Waiting => "waiting",
            Self::Mine => "mine",
            Self::Answered => "answered",
            Self::Drafts => "drafts",
            Self::Closed => "closed",
            Self::All => "all",
        }
    }
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|t| t.as_str() == text)
    }
}

/// How a list is sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Urgency, then time left.
    #[default]
    Urgency,
    /// Oldest first.
    Age,
    /// Latest change first.
    Latest,
}

/// What the reader may do with the case now; a page offers exactly these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Can {
    pub edit: bool,
    pub send: bool,
    pub take_back: bool,
    pub cancel: bool,
    pub accept: bool,
    pub ask_for_more: bool,
    pub supply_more: bool,
    pub decline: bool,
    pub allocate: bool,
    pub answer: bool,
    pub co_sign: bool,
    pub addendum: bool,
    pub act: bool,
    pub ask_again: bool,
    pub tell_outcome: bool,
    pub close: bool,
    pub take_over: bool,
    pub write: bool,
}

/// A message in a case.
#[derive(Debug, Clone)]
pub struct MessageView {
    /// The Communication.
    pub key: RecordKey,
    pub by: PersonLine,
    pub at: Instant,
    pub text: Phi<String>,
    pub files: Vec<FileLine>,
    pub mine: bool,
    /// `message`, or the step it belongs to: `more-asked`, `more-supplied`, `declined`, `asked-again`; `late-entry`.
    pub about: String,
    /// It was written on paper first.
    pub late: Option<care::timeline::Late>,
}

/// A signed opinion or addendum in a case.
#[derive(Debug, Clone)]
pub struct AnswerView {
    /// The signed document, at the answering hospital; opened through `app::opinions`.
    pub key: RecordKey,
    pub author: PersonLine,
    pub signed: Instant,
    pub co_signer: Option<PersonLine>,
    pub co_signed: Option<Instant>,
    pub issued: Option<Instant>,
    pub read: Option<(Instant, PersonLine)>,
    pub addendum_to: Option<ResourceId>,
    pub returned: bool,
    /// The one the referring side works with now.
    pub current: bool,
}

/// One line of what happened.
#[derive(Debug, Clone)]
pub struct StepView {
    pub at: Instant,
    /// None: the system.
    pub by: Option<PersonLine>,
    /// `sent`, `accepted`, … (`care::case::Event::word`).
    pub what: String,
}

/// The case page.
#[derive(Debug, Clone)]
pub struct CaseView {
    pub key: RecordKey,
    pub version: u64,
    pub case: Case,
    pub row: CaseRow,
    pub banner: Banner,
    pub referrer: PersonLine,
    pub coordinator: Option<PersonLine>,
    pub consultant: Option<PersonLine>,
    pub steps: Vec<StepView>,
    pub messages: Vec<MessageView>,
    pub answers: Vec<AnswerView>,
    pub files: Vec<FileLine>,
    pub plan: Option<(Plan, PersonLine)>,
    pub outcome: Option<(Outcome, PersonLine)>,
    pub declined: Option<(DeclineReason, Phi<String>)>,
    pub suspended: Option<SuspendReason>,
    pub alarms: Vec<Alarm>,
    /// Entries and classes that go with it.
    pub shared_entries: usize,
    pub can: Can,
    /// Which side the reader is on.
    pub side: Side,
}

/// Which side of a case someone is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Referring,
    Answering,
    Patient,
}

/// A service of a partner that an active agreement offers.
#[derive(Debug, Clone)]
pub struct Offer {
    pub agreement: ResourceId,
    /// What people call the agreement: `QS-2026-014`.
    pub agreement_number: String,
    pub clause: u16,
    pub partner: HospitalLine,
    pub service: String,
    pub service_name: String,
    pub specialty: String,
    /// Seconds to an answer per urgency, most urgent first.
    pub response_s: Vec<(Urgency, u32)>,
    pub needs_consent: bool,
    pub needs_co_signature: bool,
    pub crosses_border: bool,
    /// Record classes the partner may be shown.
    pub classes: Vec<String>,
    /// Median seconds from sending to answer over the last answered cases; none with fewer than three.
    pub usual_s: Option<i64>,
    pub until: Instant,
}

/// Someone a coordinator can give a case to.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub person: PersonLine,
    pub languages: Vec<String>,
    pub open_cases: usize,
    /// Same specialty as the case asks for.
    pub fits: bool,
    pub usual_s: Option<i64>,
}
