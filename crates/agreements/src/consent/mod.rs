//! Consent as a fact with context: who gave it, in what relation and capacity, for whom, for what and until when.

pub mod compile;
pub mod fhir;
pub mod majority;
pub mod record;

use jiff::civil::Date;
use kernel::{AccountId, HospitalId, Instant, Phi, ResourceId};
use serde::{Deserialize, Serialize};

use crate::ClassSet;
pub use compile::compile;
pub use record::{ConsentError, comes_of_age, record, review_emergency, withdraw};

/// One consent, kept with its custodian.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    pub id: ResourceId,
    pub custodian: HospitalId,
    pub patient: ResourceId,
    pub basis: Basis,
    pub scope: Scope,
    /// In force from then on.
    pub from: Instant,
    /// In force until before then; none: until withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawal>,
    pub recorded_by: AccountId,
    pub recorded_at: Instant,
}

/// On what it rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "basis")]
pub enum Basis {
    Given(Given),
    /// Nobody could be asked and the law permits acting for the patient's life; an administrator reviews it.
    Emergency(Emergency),
}

/// The circumstances of a consent that a person gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    pub relation: Relation,
    /// Name of whoever gave it, where it is not the patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub giver: Option<Phi<String>>,
    pub capacity: Capacity,
    /// Asked of a minor old enough to be heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assent: Option<bool>,
    /// Language it was explained in (BCP 47).
    pub language: String,
    /// Version of the form that was read or signed.
    pub form: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Phi<String>>,
    pub method: Method,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emergency {
    pub reason: Phi<String>,
    /// The provision that permits it (`Civil Code art. 1220`).
    pub law: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<EmergencyReview>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyReview {
    pub by: AccountId,
    pub at: Instant,
    pub justified: bool,
    pub note: String,
}

macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }
        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.as_str() == text)
            }
        }
    };
}

word_enum! {
    /// Who gave it, seen from the patient.
    Relation {
        Patient = "patient",
        /// Parent or appointed guardian of a minor or a person without capacity.
        Guardian = "guardian",
        /// Holder of a power of attorney, or the personal representative of someone who died.
        Proxy = "proxy",
    }
}

word_enum! {
    /// The patient's own capacity to decide at that time, as judged by whoever recorded it.
    Capacity {
        Full = "full",
        Limited = "limited",
        None = "none",
    }
}

word_enum! {
    Method {
        Signature = "signature",
        Electronic = "electronic",
        /// Needs a witness.
        Verbal = "verbal",
    }
}

/// What it allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// None: any hospital an agreement names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hospitals: Option<Vec<HospitalId>>,
    pub classes: ScopeClasses,
    /// The separate consent for sending data to another jurisdiction.
    pub across_border: bool,
}

/// Which classes it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "classes", content = "named")]
pub enum ScopeClasses {
    /// Every class that is not sensitive, and the sensitive ones named.
    OrdinaryAnd(ClassSet),
    /// These alone.
    Only(ClassSet),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    pub at: Instant,
    pub by: AccountId,
    pub relation: Relation,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Phi<String>>,
}

/// What must be known of the patient to judge a consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientFacts {
    pub birth: Option<Date>,
    pub deceased: bool,
    /// Of the custodian (ISO 3166-1 alpha-2).
    pub jurisdiction: String,
    /// The custodian's calendar day now.
    pub today: Date,
}

impl PatientFacts {
    /// Completed years, where the birth date is known.
    pub fn age(&self) -> Option<u8> {
        let birth = self.birth?;
        let years = self
            .today
            .since((jiff::Unit::Year, birth))
            .ok()?
            .get_years();
        u8::try_from(years).ok()
    }
}

/// What a consent is worth at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentState {
    NotYet,
    InForce,
    Withdrawn,
    RunOut,
    /// An emergency that the review found not justified.
    Refused,
}

impl ConsentState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotYet => "not-yet",
            Self::InForce => "in-force",
            Self::Withdrawn => "withdrawn",
            Self::RunOut => "run-out",
            Self::Refused => "refused",
        }
    }
}

impl ConsentRecord {
    pub fn state(&self, now: Instant) -> ConsentState {
        if self.withdrawn.as_ref().is_some_and(|w| w.at <= now) {
            return ConsentState::Withdrawn;
        }
        if let Basis::Emergency(e) = &self.basis
            && e.review.as_ref().is_some_and(|r| !r.justified)
        {
            return ConsentState::Refused;
        }
        if now < self.from {
            ConsentState::NotYet
        } else if self.until.is_some_and(|until| now >= until) {
            ConsentState::RunOut
        } else {
            ConsentState::InForce
        }
    }
}
