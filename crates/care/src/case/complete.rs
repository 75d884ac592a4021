//! What must be there before a case is sent.

use serde::{Deserialize, Serialize};

use super::{Case, Terms};

/// One thing that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    Question,
    Background,
    Urgency,
    Service,
    Specialty,
    Partner,
    /// Nothing of the record and no file was chosen.
    Record,
    /// The agreement asks for the patient's consent.
    Consent,
}

impl Missing {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::Background => "background",
            Self::Urgency => "urgency",
            Self::Service => "service",
            Self::Specialty => "specialty",
            Self::Partner => "partner",
            Self::Record => "record",
            Self::Consent => "consent",
        }
    }
    pub const ALL: &'static [Missing] = &[
        Self::Question,
        Self::Background,
        Self::Urgency,
        Self::Service,
        Self::Specialty,
        Self::Partner,
        Self::Record,
        Self::Consent,
    ];
}

impl Case {
    /// What is missing before this can be sent; `terms` as far as a partner is chosen.
    ///
    /// An emergency goes without background: the question and what is ticked must do.
    pub fn missing(&self, terms: Option<&Terms>) -> Vec<Missing> {
        let r = &self.request;
        let blank = |text: &str| text.trim().is_empty();
        let emergency = r.urgency == Some(super::Urgency::Emergency);
        let wants = [
            (Missing::Question, blank(r.question.reveal())),
            (
                Missing::Background,
                blank(r.background.reveal()) && !emergency,
            ),
            (Missing::Urgency, r.urgency.is_none()),
            (Missing::Service, r.service.is_none()),
            (Missing::Specialty, r.specialty.is_none()),
            (
                Missing::Partner,
                r.answering.is_none() || r.agreement.is_none(),
            ),
            (
                Missing::Record,
                r.items.is_empty() && r.classes.is_empty() && r.files.is_empty(),
            ),
            (
                Missing::Consent,
                r.consent.is_none() && terms.is_some_and(|t| t.needs_consent),
            ),
        ];
        wants
            .into_iter()
            .filter(|(_, is_missing)| *is_missing)
            .map(|(missing, _)| missing)
            .collect()
    }
}
