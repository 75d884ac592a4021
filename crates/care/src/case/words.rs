//! The coded words of a case. Each is stored, sent and shown by its text here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text is none of the words of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what}")]
pub struct UnknownWord {
    pub what: &'static str,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }
        impl FromStr for $name {
            type Err = UnknownWord;
            fn from_str(s: &str) -> Result<Self, UnknownWord> {
                match s { $($text => Ok($name::$variant),)+ _ => Err(UnknownWord { what: $what }) }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// How soon an answer is needed, most urgent first.
    Urgency, "urgency" {
        Emergency = "emergency",
        Urgent = "urgent",
        Soon = "soon",
        Routine = "routine",
    }
}

impl Urgency {
    /// FHIR R4 request-priority; the four words order alike.
    pub const fn priority(self) -> &'static str {
        match self {
            Self::Emergency => "stat",
            Self::Urgent => "asap",
            Self::Soon => "urgent",
            Self::Routine => "routine",
        }
    }
    /// The urgency a FHIR R4 request-priority stands for.
    pub fn from_priority(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|u| u.priority() == code)
    }
}

words! {
    /// Where a case stands.
    Status, "case status" {
        /// Being written at the referring hospital; nobody else knows of it.
        Draft = "draft",
        /// Sent; nobody at the answering hospital has taken it.
        Requested = "requested",
        /// The answering side asked for more; the clock stands still.
        MoreInformation = "more-information",
        /// A coordinator has taken it.
        Accepted = "accepted",
        /// A consultant has it.
        Allocated = "allocated",
        /// A signed answer is there and unread.
        Answered = "answered",
        /// The referring side has opened the answer.
        Read = "read",
        /// The referring side said what it does with the answer; the outcome is awaited.
        Acted = "acted",
        Closed = "closed",
        /// Refused with a reason; back with the referring doctor.
        Declined = "declined",
        Cancelled = "cancelled",
        /// Cut off by the end of an agreement or of consent; back with the referring doctor, who is now alone.
        Suspended = "suspended",
    }
}

impl Status {
    /// Nobody needs to act any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Closed | Self::Cancelled)
    }
    /// The answering hospital is working on it.
    pub const fn is_open_request(self) -> bool {
        matches!(
            self,
            Self::Requested | Self::MoreInformation | Self::Accepted | Self::Allocated
        )
    }
}

words! {
    /// Why an answering hospital declines.
    DeclineReason, "reason to decline" {
        OutsideService = "outside-service",
        NoCapacity = "no-capacity",
        Incomplete = "incomplete",
        BetterElsewhere = "better-elsewhere",
        NotIndicated = "not-indicated",
        Duplicate = "duplicate",
        OutsideAgreement = "outside-agreement",
    }
}

words! {
    /// Why a case was cut off.
    SuspendReason, "reason to suspend" {
        AgreementSuspended = "agreement-suspended",
        AgreementEnded = "agreement-ended",
        ConsentWithdrawn = "consent-withdrawn",
        ConsentExpired = "consent-expired",
    }
}

words! {
    /// Why a case ends.
    CloseReason, "reason to close" {
        /// The consultant has seen how it turned out.
        OutcomeSeen = "outcome-seen",
        /// The patient cannot be followed up.
        LostToFollowUp = "lost-to-follow-up",
        /// No outcome is to be expected of this question.
        NoOutcomeExpected = "no-outcome-expected",
        /// Declined or cut off, and settled in another way.
        SettledElsewhere = "settled-elsewhere",
    }
}

words! {
    /// Whether the opinion changed what was done.
    ManagementChange, "effect on management" {
        Agreed = "agreed",
        Changed = "changed",
        NotFollowed = "not-followed",
    }
}

words! {
    /// Whether the opinion's diagnosis held.
    DiagnosisChange, "effect on diagnosis" {
        Confirmed = "confirmed",
        Revised = "revised",
        Open = "open",
    }
}

words! {
    /// How the patient fares.
    PatientOutcome, "patient outcome" {
        Recovered = "recovered",
        Improved = "improved",
        Unchanged = "unchanged",
        Worse = "worse",
        Died = "died",
        Unknown = "unknown",
    }
}
