//! Why a command was refused.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Missing, Status};

/// The reason, in a word that never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RejectionCode {
    /// The case is not in a status this can be done in. Data: `status`, `command`.
    WrongStatus,
    /// Only someone else may do this. Data: `who`.
    NotYours,
    /// Something is missing before it can be sent. Data: `missing`.
    Incomplete,
    /// Text, list or file count over its limit. Data: `field`.
    TooMuch,
    /// A text that must not be empty is. Data: `field`.
    Empty,
    /// The chosen person is no consultant of the answering hospital.
    NotAConsultant,
    /// The privilege to sign opinions is missing or out of date.
    MayNotSign,
    /// The agreement asks for a second signature and nobody was named for it.
    CoSignerNeeded,
    /// Author and co-signer must be two persons.
    SamePerson,
    /// The agreement does not share this class. Data: `class`.
    ClassNotShared,
    /// The terms are for another hospital or agreement than the one chosen.
    OtherPartner,
    /// The agreement gives no response time for this urgency. Data: `urgency`.
    UrgencyNotOffered,
    /// No such opinion in this case.
    UnknownOpinion,
    /// It has been signed already.
    AlreadySigned,
    /// The time given lies before the last change of the case.
    ClockWentBack,
    /// The alarm is not due or was raised already.
    AlarmNotDue,
}

impl RejectionCode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrongStatus => "wrong-status",
            Self::NotYours => "not-yours",
            Self::Incomplete => "incomplete",
            Self::TooMuch => "too-much",
            Self::Empty => "empty",
            Self::NotAConsultant => "not-a-consultant",
            Self::MayNotSign => "may-not-sign",
            Self::CoSignerNeeded => "co-signer-needed",
            Self::SamePerson => "same-person",
            Self::ClassNotShared => "class-not-shared",
            Self::OtherPartner => "other-partner",
            Self::UrgencyNotOffered => "urgency-not-offered",
            Self::UnknownOpinion => "unknown-opinion",
            Self::AlreadySigned => "already-signed",
            Self::ClockWentBack => "clock-went-back",
            Self::AlarmNotDue => "alarm-not-due",
        }
    }
    /// A denial by role, rather than a state or content that does not fit.
    pub const fn is_denial(self) -> bool {
        matches!(self, Self::NotYours | Self::MayNotSign)
    }
}

/// A refused command. Never holds patient data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    pub code: RejectionCode,
    pub data: BTreeMap<String, String>,
}

impl Rejection {
    pub fn new(code: RejectionCode) -> Self {
        Self {
            code,
            data: BTreeMap::new(),
        }
    }
    #[must_use]
    pub fn with(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.data.insert(key.into(), value.to_string());
        self
    }
    pub(crate) fn status(status: Status, command: &str) -> Self {
        Self::new(RejectionCode::WrongStatus)
            .with("status", status)
            .with("command", command)
    }
    pub(crate) fn not_yours(who: &str) -> Self {
        Self::new(RejectionCode::NotYours).with("who", who)
    }
    pub(crate) fn incomplete(missing: &[Missing]) -> Self {
        let list: Vec<_> = missing.iter().map(|m| m.as_str()).collect();
        Self::new(RejectionCode::Incomplete).with("missing", list.join(" "))
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())?;
        for (key, value) in &self.data {
            write!(f, " {key}={value}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejection {}
