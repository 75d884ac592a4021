//! Break-glass: reading without consent or role when a life may depend on it, for at most four hours, with notice
//! to the administrator and a review afterwards.

use kernel::limits::BREAK_GLASS_S;
use kernel::{AccountId, HospitalId, Instant, ResourceId};
use serde::{Deserialize, Serialize};

use crate::{Actor, EmergencyRow, Role};

/// Characters of a reason that say something: fewer are refused.
const REASON_MIN: usize = 10;

/// One opening, from the moment it is asked for until it has been reviewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    pub id: ResourceId,
    pub account: AccountId,
    /// The hospital acted for.
    pub hospital: HospitalId,
    pub custodian: HospitalId,
    pub patient: ResourceId,
    pub reason: String,
    pub from: Instant,
    pub until: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    pub by: AccountId,
    pub at: Instant,
    pub outcome: ReviewOutcome,
    pub note: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewOutcome {
    Justified,
    NotJustified,
}

impl ReviewOutcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Justified => "justified",
            Self::NotJustified => "not-justified",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BreakGlassError {
    #[error("says too little about why")]
    Reason,
    #[error("only clinical staff")]
    NotClinical,
    #[error("only an administrator of the custodian reviews")]
    NotReviewer,
    #[error("nobody reviews their own opening")]
    OwnOpening,
    #[error("has been reviewed")]
    Reviewed,
    #[error("a review says why")]
    Note,
}

impl BreakGlassError {
    pub const fn key(self) -> &'static str {
        match self {
            Self::Reason => "break-glass-reason",
            Self::NotClinical => "break-glass-not-clinical",
            Self::NotReviewer => "break-glass-not-reviewer",
            Self::OwnOpening => "break-glass-own-opening",
            Self::Reviewed => "break-glass-reviewed",
            Self::Note => "break-glass-note",
        }
    }
}

/// Opens. That an agreement allows it, at another custodian, is decided before by [`crate::decide`].
pub fn open(
    id: ResourceId,
    actor: &Actor,
    custodian: HospitalId,
    patient: ResourceId,
    reason: &str,
    now: Instant,
) -> Result<BreakGlass, BreakGlassError> {
    let hospital = actor.hospital.clone().ok_or(BreakGlassError::NotClinical)?;
    if !actor.is_clinical() {
        return Err(BreakGlassError::NotClinical);
    }
    // Han script says in four characters what takes a dozen Latin letters: bytes are the fairer measure.
    let reason = reason.trim();
    if reason.len() < REASON_MIN {
        return Err(BreakGlassError::Reason);
    }
    let until = now
        .checked_add(jiff::SignedDuration::from_secs(BREAK_GLASS_S))
        .unwrap_or(now);
    Ok(BreakGlass {
        id,
        account: actor.account.clone(),
        hospital,
        custodian,
        patient,
        reason: reason.chars().take(2_000).collect(),
        from: now,
        until,
        review: None,
    })
}

/// Reviews. The custodian's administrator judges, and nobody judges themselves.
pub fn review(
    opening: &BreakGlass,
    actor: &Actor,
    outcome: ReviewOutcome,
    note: &str,
    now: Instant,
) -> Result<BreakGlass, BreakGlassError> {
    if actor.hospital.as_ref() != Some(&opening.custodian) || !actor.has(Role::Administrator) {
        return Err(BreakGlassError::NotReviewer);
    }
    if actor.account == opening.account {
        return Err(BreakGlassError::OwnOpening);
    }
    if opening.review.is_some() {
        return Err(BreakGlassError::Reviewed);
    }
    let note = note.trim();
    if note.is_empty() && outcome == ReviewOutcome::NotJustified {
        return Err(BreakGlassError::Note);
    }
    Ok(BreakGlass {
        review: Some(Review {
            by: actor.account.clone(),
            at: now,
            outcome,
            note: note.chars().take(2_000).collect(),
        }),
        ..opening.clone()
    })
}

impl BreakGlass {
    /// The row of the `emergency` relation.
    pub fn row(&self) -> EmergencyRow {
        EmergencyRow {
            id: self.id.clone(),
            account: self.account.clone(),
            hospital: self.hospital.clone(),
            custodian: self.custodian.clone(),
            patient: self.patient.clone(),
            from: self.from,
            until: self.until,
        }
    }
}
