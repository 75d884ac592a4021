//! What the parties agree on: the content that is proposed and signed.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::{HospitalId, Instant, ResourceId};
use serde::{Deserialize, Serialize};

use crate::border;
use crate::{ClassSet, RecordClass};

/// Parties of one agreement. The rules below hold for any number; drafting admits this many for now.
pub const PARTIES_MAX: usize = 2;
/// Clauses of one agreement.
pub const CLAUSES_MAX: usize = 40;

/// The words of an agreement and everything they permit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The number people call it by (`QS-2026-014`).
    pub number: String,
    pub title: String,
    pub purpose: String,
    /// Language the free text is written in (BCP 47).
    pub language: String,
    pub parties: Vec<Party>,
    /// First day in force, in `zone`.
    pub first_day: Date,
    /// Last day in force (included), in `zone`.
    pub last_day: Date,
    /// IANA time zone in which the two dates are meant.
    pub zone: String,
    /// Days between notice and an ordinary end.
    pub notice_days: u16,
    pub clauses: Vec<Clause>,
    /// The agreement this one continues, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<ResourceId>,
}

/// One hospital that signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    pub hospital: HospitalId,
    pub name: String,
    /// ISO 3166-1 alpha-2, as at the time of drafting.
    pub jurisdiction: String,
}

/// One clause: a direction, what is asked for, what may be seen for it, and on which conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clause {
    pub title: String,
    /// Free text beside the generated words; may be empty.
    #[serde(default)]
    pub text: String,
    /// Codes of services (`second-opinion`, `image-reading`, …).
    pub services: BTreeSet<String>,
    /// Codes of specialties; empty means every specialty.
    #[serde(default)]
    pub specialties: BTreeSet<String>,
    /// Who refers its patients.
    pub referring: HospitalId,
    /// Who answers.
    pub answering: HospitalId,
    pub scope: DataScope,
    pub conditions: Conditions,
}

/// Which parts of a record a clause opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataScope {
    /// Ordinary classes, and sensitive ones only where named here.
    pub classes: ClassSet,
    /// Documents nobody classified may be shared, each chosen on its own.
    pub unclassified_one_by_one: bool,
}

/// Conditions on a clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// The patient's consent must be in force.
    pub consent: bool,
    /// A separate consent for sending data across a border must be in force.
    pub border_consent: bool,
    /// A second consultant signs every opinion too.
    pub co_signature: bool,
    pub residency: Residency,
    pub response: ResponseTimes,
    /// Break-glass may stand in for a missing consent.
    pub break_glass: bool,
    /// Days after a case closes during which it can still be read under this clause.
    pub retention_days: u16,
    /// Images cross without identity alone: the clause opens none as they are, and copies without identity are made of
    /// those a case shares (PS3.15 Annex E).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub images_without_identity: bool,
}

/// Where copies may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Residency {
    /// Read at the custodian, never copied.
    StaysWithCustodian,
    /// Copies within the custodian's jurisdiction only.
    WithinJurisdiction,
    /// The answering hospital may keep copies.
    CopyAllowed,
}

impl Residency {
    pub const ALL: &'static [Residency] = &[
        Residency::StaysWithCustodian,
        Residency::WithinJurisdiction,
        Residency::CopyAllowed,
    ];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StaysWithCustodian => "stays-with-custodian",
            Self::WithinJurisdiction => "within-jurisdiction",
            Self::CopyAllowed => "copy-allowed",
        }
    }
}

/// Time to the answer by urgency, minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseTimes {
    pub emergency_min: u32,
    pub urgent_min: u32,
    pub soon_min: u32,
    pub routine_min: u32,
}

impl ResponseTimes {
    /// By the urgency's word (`emergency`, `urgent`, `soon`, `routine`), most urgent first, minutes.
    pub const fn by_urgency(self) -> [(&'static str, u32); 4] {
        [
            ("emergency", self.emergency_min),
            ("urgent", self.urgent_min),
            ("soon", self.soon_min),
            ("routine", self.routine_min),
        ]
    }
}

impl Default for ResponseTimes {
    fn default() -> Self {
        Self {
            emergency_min: 60,
            urgent_min: 4 * 60,
            soon_min: 24 * 60,
            routine_min: 3 * 24 * 60,
        }
    }
}

/// What is wrong with the terms. `clause` counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TermsProblem {
    /// Two parties are needed, each named once.
    Parties,
    Title,
    Number,
    Zone,
    /// The last day lies before the first, or the term is longer than ten years.
    Dates,
    /// Notice of at most a year.
    Notice,
    NoClause,
    TooManyClauses,
    TextTooLong,
    ClauseTitle {
        clause: u16,
    },
    /// Referring and answering hospital must be two different parties.
    Direction {
        clause: u16,
    },
    NoService {
        clause: u16,
    },
    NoClass {
        clause: u16,
    },
    /// Longer than the less urgent one, or nothing at all.
    ResponseTime {
        clause: u16,
    },
    /// The exporting jurisdiction asks for a separate consent to cross its border.
    BorderConsent {
        clause: u16,
        law: &'static str,
    },
}

impl TermsProblem {
    /// Stable word for translation and for OperationOutcome details.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Parties => "parties",
            Self::Title => "title",
            Self::Number => "number",
            Self::Zone => "zone",
            Self::Dates => "dates",
            Self::Notice => "notice",
            Self::NoClause => "no-clause",
            Self::TooManyClauses => "too-many-clauses",
            Self::TextTooLong => "text-too-long",
            Self::ClauseTitle { .. } => "clause-title",
            Self::Direction { .. } => "direction",
            Self::NoService { .. } => "no-service",
            Self::NoClass { .. } => "no-class",
            Self::ResponseTime { .. } => "response-time",
            Self::BorderConsent { .. } => "border-consent",
        }
    }
    /// The clause it is about, counted from 1.
    pub const fn clause(self) -> Option<u16> {
        match self {
            Self::ClauseTitle { clause }
            | Self::Direction { clause }
            | Self::NoService { clause }
            | Self::NoClass { clause }
            | Self::ResponseTime { clause }
            | Self::BorderConsent { clause, .. } => Some(clause),
            _ => None,
        }
    }
}

/// Characters of one free text (purpose, clause).
const TEXT_MAX: usize = 4_000;
/// Characters of a title or number.
const TITLE_MAX: usize = 200;
/// Years an agreement may run.
const YEARS_MAX: i16 = 10;

impl Terms {
    /// Everything that keeps these terms from being proposed; empty when they are complete.
    pub fn problems(&self) -> Vec<TermsProblem> {
        let mut out = Vec::new();
        let names: BTreeSet<_> = self.parties.iter().map(|p| &p.hospital).collect();
        if names.len() != self.parties.len() || !(2..=PARTIES_MAX).contains(&names.len()) {
            out.push(TermsProblem::Parties);
        }
        if !is_short(&self.title) {
            out.push(TermsProblem::Title);
        }
        if !is_short(&self.number) {
            out.push(TermsProblem::Number);
        }
        if self.purpose.chars().count() > TEXT_MAX {
            out.push(TermsProblem::TextTooLong);
        }
        if TimeZone::get(&self.zone).is_err() {
            out.push(TermsProblem::Zone);
        }
        let years = i32::from(self.last_day.year()) - i32::from(self.first_day.year());
        if self.last_day < self.first_day || years > i32::from(YEARS_MAX) {
            out.push(TermsProblem::Dates);
        }
        if self.notice_days > 366 {
            out.push(TermsProblem::Notice);
        }
        if self.clauses.is_empty() {
            out.push(TermsProblem::NoClause);
        }
        if self.clauses.len() > CLAUSES_MAX {
            out.push(TermsProblem::TooManyClauses);
        }
        for (number, clause) in self.numbered() {
            self.clause_problems(number, clause, &mut out);
        }
        out
    }

    fn clause_problems(&self, clause: u16, c: &Clause, out: &mut Vec<TermsProblem>) {
        if !is_short(&c.title) {
            out.push(TermsProblem::ClauseTitle { clause });
        }
        if c.text.chars().count() > TEXT_MAX {
            out.push(TermsProblem::TextTooLong);
        }
        if c.referring == c.answering
            || !self.is_party(&c.referring)
            || !self.is_party(&c.answering)
        {
            out.push(TermsProblem::Direction { clause });
        }
        if c.services.is_empty() {
            out.push(TermsProblem::NoService { clause });
        }
        if c.scope.classes.is_empty() {
            out.push(TermsProblem::NoClass { clause });
        }
        let times = c.conditions.response.by_urgency();
        if times[0].1 == 0 || times.windows(2).any(|w| w[0].1 > w[1].1) {
            out.push(TermsProblem::ResponseTime { clause });
        }
        if self.crosses_border(c)
            && !c.conditions.border_consent
            && let Some(law) = self
                .party(&c.referring)
                .and_then(|p| border::separate_consent_law(&p.jurisdiction))
        {
            out.push(TermsProblem::BorderConsent { clause, law });
        }
    }

    /// The clauses with their numbers, counted from 1.
    pub fn numbered(&self) -> impl Iterator<Item = (u16, &Clause)> {
        (1u16..).zip(&self.clauses)
    }
    pub fn clause(&self, number: u16) -> Option<&Clause> {
        self.clauses.get(usize::from(number).checked_sub(1)?)
    }
    pub fn party(&self, hospital: &HospitalId) -> Option<&Party> {
        self.parties.iter().find(|p| p.hospital == *hospital)
    }
    pub fn is_party(&self, hospital: &HospitalId) -> bool {
        self.party(hospital).is_some()
    }
    /// The parties other than this one.
    pub fn partners<'a>(&'a self, of: &'a HospitalId) -> impl Iterator<Item = &'a Party> {
        self.parties.iter().filter(move |p| p.hospital != *of)
    }
    /// Referring and answering hospital lie in different jurisdictions.
    pub fn crosses_border(&self, clause: &Clause) -> bool {
        match (self.party(&clause.referring), self.party(&clause.answering)) {
            (Some(a), Some(b)) => a.jurisdiction != b.jurisdiction,
            _ => true,
        }
    }
    /// The first instant in force. `None` if the zone is not known.
    pub fn starts(&self) -> Option<Instant> {
        start_of(self.first_day, &self.zone)
    }
    /// The first instant no longer in force: midnight after the last day. `None` if the zone is not known.
    pub fn runs_out(&self) -> Option<Instant> {
        start_of(self.last_day.tomorrow().ok()?, &self.zone)
    }
    /// The exact bytes both parties sign: these terms as JSON, fields in the order they are declared here.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        #[derive(Serialize)]
        struct Text<'a> {
            format: &'static str,
            #[serde(flatten)]
            terms: &'a Terms,
        }
        serde_json::to_string_pretty(&Text {
            format: TEXT_FORMAT,
            terms: self,
        })
    }
}

/// Names the shape of the signed text, so that a verifier years later knows what it reads.
pub const TEXT_FORMAT: &str = "karez-agreement/1";

fn is_short(s: &str) -> bool {
    !s.trim().is_empty() && s.chars().count() <= TITLE_MAX
}

fn start_of(day: Date, zone: &str) -> Option<Instant> {
    let zone = TimeZone::get(zone).ok()?;
    Some(day.to_zoned(zone).ok()?.timestamp())
}

impl DataScope {
    /// The classes a grant row is made for: those named, plus what every case consists of.
    pub fn granted(self) -> ClassSet {
        let mut set = self
            .classes
            .with(RecordClass::Cases)
            .with(RecordClass::Messages)
            .with(RecordClass::Directory)
            .without(RecordClass::ImagesWithoutIdentity)
            .without(RecordClass::Unclassified);
        if self.unclassified_one_by_one {
            set = set.with(RecordClass::Unclassified);
        }
        set
    }
}
