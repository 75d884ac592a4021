//! The state of a reading.

use jiff::SignedDuration;
use kernel::{AccountId, HospitalId, Instant, Phi, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};

use super::decide::Event;
use super::{CLAIM_S, Clocks};
use crate::case::Urgency;

/// Where a reading stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nobody has taken it.
    Unread,
    /// One reader works on it.
    Claimed,
    /// Reported for now; a final report follows.
    Preliminary,
    /// Reported. Only addenda follow.
    Final,
}

impl Status {
    pub const ALL: &'static [Self] = &[Self::Unread, Self::Claimed, Self::Preliminary, Self::Final];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unread => "unread",
            Self::Claimed => "claimed",
            Self::Preliminary => "preliminary",
            Self::Final => "final",
        }
    }
}

/// What a signed report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Preliminary,
    Final,
    Addendum,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preliminary => "preliminary",
            Self::Final => "final",
            Self::Addendum => "addendum",
        }
    }
}

/// A signed report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub id: ResourceId,
    pub kind: Kind,
    pub by: AccountId,
    pub at: Instant,
}

/// How far the second reader agrees with the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    Agrees,
    /// Differs in what changes nothing for the patient.
    Minor,
    /// Differs in what matters for the patient.
    Major,
}

impl Agreement {
    pub const ALL: &'static [Self] = &[Self::Agrees, Self::Minor, Self::Major];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|a| a.as_str() == text)
    }
}

/// What the second reader found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    pub by: AccountId,
    pub at: Instant,
    pub agreement: Agreement,
    pub text: Phi<String>,
    /// When the first reader saw it.
    pub seen: Option<Instant>,
}

/// A second reading that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    pub asked_by: AccountId,
    pub asked: Instant,
    pub judgement: Option<Judgement>,
}

/// A finding that cannot wait for the report to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Critical {
    pub id: ResourceId,
    pub text: Phi<String>,
    pub by: AccountId,
    pub raised: Instant,
    pub acknowledged: Option<(Instant, AccountId)>,
    /// What was done about it, in the words of whoever acknowledged it.
    pub answer: Option<Phi<String>>,
    /// How many more circles of people were told.
    pub escalated: usize,
}

impl Critical {
    /// When it is told to more people; none once it was acknowledged or all were told.
    pub fn next(&self, clocks: &Clocks) -> Option<Instant> {
        if self.acknowledged.is_some() {
            return None;
        }
        let after = *clocks.escalate_s.get(self.escalated)?;
        self.raised
            .saturating_add(SignedDuration::from_secs(after))
            .ok()
    }
}

/// How the clock of a reading stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    pub started: Instant,
    pub due: Instant,
    /// When the first report was signed.
    pub stopped: Option<Instant>,
}

/// What a reading knows of its study.
pub mod facts {
    use super::{Deserialize, Phi, Serialize};

    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Study {
        pub modalities: Vec<String>,
        pub body_part: String,
        pub description: Phi<String>,
        /// FHIR dateTime.
        pub started: Option<String>,
        pub images: u64,
    }
}

/// The reading of one study by one hospital.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The hospital that reads.
    pub hospital: HospitalId,
    /// The ImagingStudy, at its custodian.
    pub study: RecordKey,
    /// The patient at the custodian.
    pub patient: ResourceId,
    /// The case it is read under, at the custodian; none for a hospital's own studies.
    pub case: Option<ResourceId>,
    pub facts: facts::Study,
    pub urgency: Urgency,
    pub since: Instant,
    pub reader: Option<AccountId>,
    pub claimed: Option<Instant>,
    pub reports: Vec<Report>,
    pub second: Option<Second>,
    pub criticals: Vec<Critical>,
    /// As the hospital that reads had set them when it began.
    #[serde(default)]
    pub clocks: Clocks,
}

impl Reading {
    /// A study that waits to be read.
    pub fn open(
        hospital: HospitalId,
        study: RecordKey,
        patient: ResourceId,
        case: Option<ResourceId>,
        urgency: Urgency,
        now: Instant,
    ) -> Self {
        Self {
            hospital,
            study,
            patient,
            case,
            facts: facts::Study::default(),
            urgency,
            since: now,
            reader: None,
            claimed: None,
            reports: Vec::new(),
            second: None,
            criticals: Vec::new(),
            clocks: Clocks::default(),
        }
    }

    pub fn status(&self) -> Status {
        let has = |kind: Kind| self.reports.iter().any(|r| r.kind == kind);
        if has(Kind::Final) {
            Status::Final
        } else if has(Kind::Preliminary) {
            Status::Preliminary
        } else if self.reader.is_some() {
            Status::Claimed
        } else {
            Status::Unread
        }
    }

    pub fn clock(&self) -> Clock {
        let due = SignedDuration::from_secs(self.clocks.response(self.urgency));
        Clock {
            started: self.since,
            due: self.since.saturating_add(due).unwrap_or(self.since),
            stopped: self.reports.first().map(|r| r.at),
        }
    }

    /// Whether somebody else may take it over from its reader.
    pub fn is_stale(&self, now: Instant) -> bool {
        self.claimed
            .is_some_and(|at| now.duration_since(at).as_secs() >= CLAIM_S)
    }

    /// The report that stands: the final one, else the newest preliminary one.
    pub fn standing(&self) -> Option<&Report> {
        let of = |kind: Kind| self.reports.iter().rev().find(move |r| r.kind == kind);
        of(Kind::Final).or_else(|| of(Kind::Preliminary))
    }

    pub fn critical(&self, id: &ResourceId) -> Option<&Critical> {
        self.criticals.iter().find(|c| c.id == *id)
    }

    /// When the next critical finding is to be told to more people.
    pub fn next_alarm(&self) -> Option<Instant> {
        let next = |c: &Critical| c.next(&self.clocks);
        self.criticals.iter().filter_map(next).min()
    }

    /// The state after an event.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Claimed { by, at } => {
                self.reader = Some(by);
                self.claimed = Some(at);
            }
            Event::Released => {
                self.reader = None;
                self.claimed = None;
            }
            Event::UrgencySet { urgency } => self.urgency = urgency,
            Event::Signed { report } => self.reports.push(report),
            Event::SecondAsked { by, at } => {
                self.second = Some(Second {
                    asked_by: by,
                    asked: at,
                    judgement: None,
                });
            }
            Event::SecondRead { judgement } => {
                if let Some(second) = &mut self.second {
                    second.judgement = Some(judgement);
                }
            }
            Event::JudgementSeen { at } => {
                if let Some(j) = self.second.as_mut().and_then(|s| s.judgement.as_mut()) {
                    j.seen = Some(at);
                }
            }
            Event::CriticalRaised { critical } => self.criticals.push(critical),
            Event::CriticalAcknowledged { id, by, at, answer } => {
                if let Some(c) = self.criticals.iter_mut().find(|c| c.id == id) {
                    c.acknowledged = Some((at, by));
                    c.answer = answer;
                }
            }
            Event::CriticalEscalated { id } => {
                if let Some(c) = self.criticals.iter_mut().find(|c| c.id == id) {
                    c.escalated += 1;
                }
            }
        }
    }
}
