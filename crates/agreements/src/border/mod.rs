//! The border gate: what must be known before data leaves a jurisdiction, and how many people it has left for.

pub mod rules;

use kernel::{HospitalId, Instant, ResourceId};
use serde::{Deserialize, Serialize};

use crate::{ClassSet, RecordClass};
pub use rules::{Regime, Threshold, regimes_of, separate_consent_law};

/// Why data crosses. A purpose that is none of these is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    Treatment,
    SecondOpinion,
    Emergency,
    PatientRequest,
}

impl Purpose {
    pub const ALL: &'static [Purpose] = &[
        Purpose::Treatment,
        Purpose::SecondOpinion,
        Purpose::Emergency,
        Purpose::PatientRequest,
    ];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Treatment => "treatment",
            Self::SecondOpinion => "second-opinion",
            Self::Emergency => "emergency",
            Self::PatientRequest => "patient-request",
        }
    }
}

/// What is about to cross.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing<'a> {
    pub exporter: &'a str,
    pub destination: &'a str,
    pub purpose: Option<Purpose>,
    pub separate_consent: bool,
    /// Classes that would be opened.
    pub classes: ClassSet,
    /// Classes that were chosen entry by entry or as a class by a person, for this case.
    pub chosen: ClassSet,
    /// This calendar year, this crossing included, to this destination.
    pub to_destination: Counts,
    /// The same to all destinations together.
    pub in_all: Counts,
}

/// Distinct persons whose data has crossed in one calendar year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub persons: u64,
    /// Of these, persons of whom health data crossed (sensitive as such, PIPL art. 28).
    pub sensitive: u64,
}

/// What the gate says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GateAnswer {
    pub refusals: Vec<Refusal>,
    /// Thresholds that are met or near: for the administrator, with the law named.
    pub notices: Vec<ThresholdNotice>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    NoPurpose,
    NoSeparateConsent {
        law: &'static str,
    },
    /// More would be opened than was chosen for the purpose.
    NotMinimal {
        class: RecordClass,
    },
}

impl Refusal {
    pub const fn key(&self) -> &'static str {
        match self {
            Self::NoPurpose => "border-no-purpose",
            Self::NoSeparateConsent { .. } => "border-no-separate-consent",
            Self::NotMinimal { .. } => "border-not-minimal",
        }
    }
}

/// How a count stands against a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThresholdNotice {
    pub threshold: &'static Threshold,
    pub count: u64,
    pub reached: bool,
}

/// Passes or refuses one crossing. Within one jurisdiction there is no border.
pub fn gate(c: &Crossing<'_>) -> GateAnswer {
    let mut answer = GateAnswer::default();
    if c.exporter == c.destination {
        return answer;
    }
    if c.purpose.is_none() {
        answer.refusals.push(Refusal::NoPurpose);
    }
    if !c.separate_consent
        && c.purpose != Some(Purpose::Emergency)
        && let Some(law) = separate_consent_law(c.exporter)
    {
        answer.refusals.push(Refusal::NoSeparateConsent { law });
    }
    for class in c.classes.iter() {
        let needs_choice = class.is_sensitive() || class == RecordClass::Unclassified;
        if needs_choice && !c.chosen.contains(class) {
            answer.refusals.push(Refusal::NotMinimal { class });
        }
    }
    answer.notices = thresholds(c.exporter, c.destination, c.to_destination, c.in_all);
    answer
}

/// Thresholds met, or nine tenths met, by the counts of one calendar year.
pub fn thresholds(
    exporter: &str,
    destination: &str,
    to_destination: Counts,
    in_all: Counts,
) -> Vec<ThresholdNotice> {
    regimes_of(exporter)
        .flat_map(|r| r.thresholds)
        .filter(|t| t.destinations.is_empty() || t.destinations.contains(&destination))
        .filter_map(|threshold| {
            let counts = if threshold.destinations.is_empty() {
                in_all
            } else {
                to_destination
            };
            let count = if threshold.sensitive_only {
                counts.sensitive
            } else {
                counts.persons
            };
            let near = threshold.persons - threshold.persons / 10;
            (count >= near).then_some(ThresholdNotice {
                threshold,
                count,
                reached: count >= threshold.persons,
            })
        })
        .collect()
}

/// One line of the ledger: one person's data went to one destination, for one case or by one link. It names nobody outside
/// the custodian's own record key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    pub custodian: HospitalId,
    pub exporter: String,
    pub destination: String,
    /// The hospital it went to; none: a doctor outside the network, by a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<HospitalId>,
    pub patient: ResourceId,
    pub case: Option<ResourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<ResourceId>,
    /// The link it was handed out by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<ResourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ResourceId>,
    pub purpose: Purpose,
    pub classes: ClassSet,
    pub at: Instant,
    /// Calendar year in the custodian's zone.
    pub year: i16,
}
