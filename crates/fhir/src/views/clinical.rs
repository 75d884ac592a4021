//! Condition, AllergyIntolerance, Procedure, Encounter

use super::redacted;
use super::types::{Coding, Concept, Reference, When, list, notes, one, status, text};
use crate::json::Json;

redacted!(
    Condition,
    AllergyIntolerance,
    Reaction,
    Procedure,
    Encounter
);

#[derive(Clone, PartialEq, Eq, Default)]
pub struct Condition {
    pub id: Option<String>,
    /// active, recurrence, relapse, inactive, remission, resolved
    pub clinical_status: Option<String>,
    /// unconfirmed, provisional, differential, confirmed, refuted, entered-in-error
    pub verification_status: Option<String>,
    pub categories: Vec<Concept>,
    pub severity: Option<Concept>,
    pub code: Concept,
    pub body_sites: Vec<Concept>,
    pub onset: Option<When>,
    pub abatement: Option<When>,
    /// When it was written down.
    pub recorded: Option<String>,
    pub notes: Vec<String>,
}

impl Condition {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        Self {
            id: text(v, "id"),
            clinical_status: status(v, "clinicalStatus"),
            verification_status: status(v, "verificationStatus"),
            categories: list(v, "category", Concept::from_value),
            severity: one(v, "severity", Concept::from_value),
            code: one(v, "code", Concept::from_value).unwrap_or_default(),
            body_sites: list(v, "bodySite", Concept::from_value),
            onset: When::choice(v, "onset"),
            abatement: When::choice(v, "abatement"),
            recorded: text(v, "recordedDate"),
            notes: notes(v),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct Reaction {
    pub manifestations: Vec<Concept>,
    /// mild, moderate, severe
    pub severity: Option<String>,
    pub onset: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct AllergyIntolerance {
    pub id: Option<String>,
    pub clinical_status: Option<String>,
    pub verification_status: Option<String>,
    /// allergy, intolerance
    pub kind: Option<String>,
    /// food, medication, environment, biologic
    pub categories: Vec<String>,
    /// low, high, unable-to-assess
    pub criticality: Option<String>,
    pub code: Concept,
    pub onset: Option<When>,
    pub recorded: Option<String>,
    pub reactions: Vec<Reaction>,
    pub notes: Vec<String>,
}

impl AllergyIntolerance {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        Self {
            id: text(v, "id"),
            clinical_status: status(v, "clinicalStatus"),
            verification_status: status(v, "verificationStatus"),
            kind: text(v, "type"),
            categories: v
                .list("category")
                .filter_map(Json::text)
                .map(str::to_owned)
                .collect(),
            criticality: text(v, "criticality"),
            code: one(v, "code", Concept::from_value).unwrap_or_default(),
            onset: When::choice(v, "onset"),
            recorded: text(v, "recordedDate"),
            reactions: list(v, "reaction", |r| Reaction {
                manifestations: list(r, "manifestation", Concept::from_value),
                severity: text(r, "severity"),
                onset: text(r, "onset"),
            }),
            notes: notes(v),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct Procedure {
    pub id: Option<String>,
    pub status: Option<String>,
    pub category: Option<Concept>,
    pub code: Concept,
    pub performed: Option<When>,
    pub body_sites: Vec<Concept>,
    pub outcome: Option<Concept>,
    pub reasons: Vec<Concept>,
    pub notes: Vec<String>,
}

impl Procedure {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        Self {
            id: text(v, "id"),
            status: text(v, "status"),
            category: one(v, "category", Concept::from_value),
            code: one(v, "code", Concept::from_value).unwrap_or_default(),
            performed: When::choice(v, "performed"),
            body_sites: list(v, "bodySite", Concept::from_value),
            outcome: one(v, "outcome", Concept::from_value),
            reasons: list(v, "reasonCode", Concept::from_value),
            notes: notes(v),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct Encounter {
    pub id: Option<String>,
    pub status: Option<String>,
    /// `AMB`, `IMP`, `EMER`, `VR` (v3-ActCode).
    pub class: Option<Coding>,
    pub types: Vec<Concept>,
    pub period: Option<When>,
    pub reasons: Vec<Concept>,
    pub service_provider: Option<Reference>,
    pub participants: Vec<Reference>,
}

impl Encounter {
    pub fn from_value<'a>(v: impl Json<'a>) -> Self {
        Self {
            id: text(v, "id"),
            status: text(v, "status"),
            class: one(v, "class", Coding::from_value),
            types: list(v, "type", Concept::from_value),
            period: one(v, "period", When::period),
            reasons: list(v, "reasonCode", Concept::from_value),
            service_provider: one(v, "serviceProvider", Reference::from_value),
            participants: v
                .list("participant")
                .filter_map(|p| p.get("individual"))
                .map(Reference::from_value)
                .collect(),
        }
    }
}
