//! The agreement between hospitals: an aggregate that events build up and commands move on.
//!
//! Draft → proposed → signed → active ⇄ suspended → ended. A party may withdraw before it is active. Running out
//! is derived from the time and needs no command.

pub mod command;
pub mod compile;
pub mod contract;
pub mod event;
pub mod terms;

use std::collections::BTreeMap;

use kernel::{AccountId, HospitalId, Instant, ResourceId};
use serde::{Deserialize, Serialize};

pub use command::{Command, Rejection, decide};
pub use compile::{ActRow, compile};
pub use event::{Event, apply};
pub use terms::{
    Clause, Conditions, DataScope, Party, Residency, ResponseTimes, Terms, TermsProblem,
};

/// An agreement as the events so far made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    pub id: ResourceId,
    pub terms: Terms,
    /// Counts edits; a signature belongs to one revision.
    pub revision: u32,
    pub stage: Stage,
    /// The exact text that was proposed; signatures are over these bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    pub signatures: Vec<PartySignature>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_since: Option<Instant>,
    /// Suspensions in force, one per party that declared one.
    #[serde(default)]
    pub suspensions: Vec<Suspension>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Instant>,
    /// How each case that was open when notice was given is settled, by custodian and case.
    #[serde(default)]
    pub settlements: BTreeMap<String, Settlement>,
    pub history: Vec<HistoryLine>,
}

/// What commands have made of it; what it is worth at a given time is its [`Standing`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    Draft,
    Proposed,
    Signed,
    Active,
    Ended,
    Withdrawn,
}

/// What an agreement is worth at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Draft,
    Proposed,
    /// Signed by all; the first day has not come.
    Signed,
    Active,
    Suspended,
    Ended,
    Expired,
    Withdrawn,
}

impl Standing {
    pub const ALL: &'static [Standing] = &[
        Standing::Draft,
        Standing::Proposed,
        Standing::Signed,
        Standing::Active,
        Standing::Suspended,
        Standing::Ended,
        Standing::Expired,
        Standing::Withdrawn,
    ];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Proposed => "proposed",
            Self::Signed => "signed",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Ended => "ended",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }
    /// Nothing can bring it back.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Ended | Self::Expired | Self::Withdrawn)
    }
}

/// One party's signature over [`Agreement::text`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartySignature {
    pub party: HospitalId,
    /// Who signed for the hospital.
    pub account: AccountId,
    pub name: String,
    /// Office held (`Director`).
    pub office: String,
    /// Detached JWS (RFC 7515 appendix F, RFC 7797) by the hospital's key over the bytes of the text.
    pub jws: String,
    /// The hospital's key, as it stands in its key history.
    pub key: String,
    pub at: Instant,
}

/// One party cut access at once, for cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    pub party: HospitalId,
    pub reason: String,
    pub at: Instant,
}

/// One party wants an ordinary end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub party: HospitalId,
    pub reason: String,
    pub at: Instant,
    /// The ordinary end may take effect from then on.
    pub ends_at: Instant,
}

/// A case that is still open under the agreement: a fact the caller gathers before an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCase {
    pub custodian: HospitalId,
    pub case: ResourceId,
    /// What people call it, without patient data.
    #[serde(default)]
    pub number: String,
    /// Who looks after the patient's question until it is settled.
    pub owner: Option<AccountId>,
}

impl OpenCase {
    /// The name under which its settlement is kept.
    pub fn name(&self) -> String {
        format!("{}/{}", self.custodian, self.case)
    }
}

/// What becomes of an open case when the agreement ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    pub owner: AccountId,
    pub how: SettledBy,
    pub by: AccountId,
    pub at: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum SettledBy {
    /// Goes back to the referring doctor, who carries on alone.
    Returned,
    /// Goes on with another partner.
    Moved { agreement: ResourceId },
}

/// One line of the agreement's history, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryLine {
    pub at: Instant,
    /// Event word (`signed`), localised by the page.
    pub what: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<HospitalId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Agreement {
    /// What it is worth at `now`. Fails closed: a zone nobody knows counts as run out.
    pub fn standing(&self, now: Instant) -> Standing {
        let run_out = self.terms.runs_out().is_none_or(|end| now >= end);
        match self.stage {
            Stage::Draft => Standing::Draft,
            Stage::Withdrawn => Standing::Withdrawn,
            Stage::Ended => Standing::Ended,
            Stage::Proposed | Stage::Signed | Stage::Active if run_out => Standing::Expired,
            Stage::Proposed => Standing::Proposed,
            Stage::Signed => Standing::Signed,
            Stage::Active if !self.suspensions.is_empty() => Standing::Suspended,
            Stage::Active => Standing::Active,
        }
    }
    pub fn signature_of(&self, party: &HospitalId) -> Option<&PartySignature> {
        self.signatures.iter().find(|s| s.party == *party)
    }
    /// Cases among `open` that nobody settled yet.
    pub fn unsettled(&self, open: &[OpenCase]) -> Vec<OpenCase> {
        open.iter()
            .filter(|c| !self.settlements.contains_key(&c.name()))
            .cloned()
            .collect()
    }
}
