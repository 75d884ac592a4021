//! Recording, withdrawing and reviewing a consent.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::{AccountId, ErrorCode, HospitalId, Instant, Phi, ResourceId};

use super::majority::ages;
use super::{
    Basis, Capacity, ConsentRecord, EmergencyReview, Given, Method, PatientFacts, Relation, Scope,
    ScopeClasses, Withdrawal,
};
use crate::{Actor, ActorKind, Role};

/// Hours for which acting without consent in an emergency opens the record at most.
const EMERGENCY_HOURS_MAX: i64 = 72;

/// What is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConsent {
    pub id: ResourceId,
    pub custodian: HospitalId,
    pub patient: ResourceId,
    pub basis: Basis,
    pub scope: Scope,
    pub from: Option<Instant>,
    pub until: Option<Instant>,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConsentError {
    #[error("only staff of the custodian, or the patient, record or withdraw it")]
    NotAllowed,
    #[error("a minor's consent is given by a guardian")]
    MinorNeedsGuardian,
    #[error("assent must be asked of a minor of this age")]
    AssentNotAsked,
    #[error("the minor does not assent")]
    AssentRefused,
    #[error("an adult with capacity decides alone")]
    AdultDecides,
    #[error("without capacity, a guardian or proxy decides")]
    NoCapacity,
    #[error("nobody consents for themselves after death")]
    Deceased,
    #[error("who gave it must be named")]
    GiverMissing,
    #[error("a verbal consent needs a witness")]
    WitnessMissing,
    #[error("language and form version must be stated")]
    FormMissing,
    #[error("ends before it begins")]
    Dates,
    #[error("names no class or hospital")]
    EmptyScope,
    #[error("an emergency names its reason and the law")]
    EmergencyReason,
    #[error("an emergency lasts at most 72 hours")]
    EmergencyTooLong,
    #[error("has been withdrawn")]
    Withdrawn,
    #[error("not an emergency, or reviewed already")]
    NothingToReview,
    #[error("nobody reviews what they recorded")]
    OwnRecording,
}

impl ConsentError {
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::NotAllowed | Self::OwnRecording => ErrorCode::Denied,
            Self::Withdrawn | Self::NothingToReview => ErrorCode::Conflict,
            _ => ErrorCode::Invalid,
        }
    }
    /// Stable word for translation.
    pub const fn key(self) -> &'static str {
        match self {
            Self::NotAllowed => "consent-not-allowed",
            Self::MinorNeedsGuardian => "consent-minor-needs-guardian",
            Self::AssentNotAsked => "consent-assent-not-asked",
            Self::AssentRefused => "consent-assent-refused",
            Self::AdultDecides => "consent-adult-decides",
            Self::NoCapacity => "consent-no-capacity",
            Self::Deceased => "consent-deceased",
            Self::GiverMissing => "consent-giver-missing",
            Self::WitnessMissing => "consent-witness-missing",
            Self::FormMissing => "consent-form-missing",
            Self::Dates => "consent-dates",
            Self::EmptyScope => "consent-empty-scope",
            Self::EmergencyReason => "consent-emergency-reason",
            Self::EmergencyTooLong => "consent-emergency-too-long",
            Self::Withdrawn => "consent-withdrawn",
            Self::NothingToReview => "consent-nothing-to-review",
            Self::OwnRecording => "consent-own-recording",
        }
    }
}

/// Records a consent. A guardian's consent for a minor runs out on the day the minor comes of age.
pub fn record(
    new: NewConsent,
    patient: &PatientFacts,
    zone: &TimeZone,
    actor: &Actor,
    now: Instant,
) -> Result<ConsentRecord, ConsentError> {
    may_act(actor, &new.custodian, &new.patient)?;
    let from = new.from.unwrap_or(now);
    if new.until.is_some_and(|until| until <= from) {
        return Err(ConsentError::Dates);
    }
    let empty = match new.scope.classes {
        ScopeClasses::Only(set) => set.is_empty(),
        ScopeClasses::OrdinaryAnd(_) => false,
    };
    if empty || new.scope.hospitals.as_ref().is_some_and(Vec::is_empty) {
        return Err(ConsentError::EmptyScope);
    }
    let mut until = new.until;
    match &new.basis {
        Basis::Given(given) => {
            check_given(given, patient)?;
            if given.relation == Relation::Guardian
                && let Some(of_age) = comes_of_age(patient, zone)
                && of_age > now
            {
                until = Some(until.map_or(of_age, |u| u.min(of_age)));
            }
        }
        Basis::Emergency(e) => {
            if actor.kind != ActorKind::Staff || !actor.is_clinical() {
                return Err(ConsentError::NotAllowed);
            }
            if e.reason.reveal().trim().is_empty() || e.law.trim().is_empty() {
                return Err(ConsentError::EmergencyReason);
            }
            let span = jiff::SignedDuration::from_hours(EMERGENCY_HOURS_MAX);
            let latest = from.checked_add(span).map_err(|_| ConsentError::Dates)?;
            if until.is_some_and(|u| u > latest) {
                return Err(ConsentError::EmergencyTooLong);
            }
            until = Some(until.unwrap_or(latest));
        }
    }
    Ok(ConsentRecord {
        id: new.id,
        custodian: new.custodian,
        patient: new.patient,
        basis: new.basis,
        scope: new.scope,
        from,
        until,
        withdrawn: None,
        recorded_by: actor.account.clone(),
        recorded_at: now,
    })
}

fn may_act(
    actor: &Actor,
    custodian: &HospitalId,
    patient: &ResourceId,
) -> Result<(), ConsentError> {
    let allowed = match actor.kind {
        ActorKind::Patient => actor.links_to(custodian, patient).any(|l| l.consents),
        ActorKind::Machine => false,
        ActorKind::Staff => {
            actor.hospital.as_ref() == Some(custodian)
                && (actor.is_clinical() || actor.has(Role::Administrator))
        }
    };
    allowed.then_some(()).ok_or(ConsentError::NotAllowed)
}

fn check_given(g: &Given, p: &PatientFacts) -> Result<(), ConsentError> {
    if g.language.trim().is_empty() || g.form.trim().is_empty() {
        return Err(ConsentError::FormMissing);
    }
    let blank =
        |name: &Option<Phi<String>>| name.as_ref().is_none_or(|n| n.reveal().trim().is_empty());
    if g.method == Method::Verbal && blank(&g.witness) {
        return Err(ConsentError::WitnessMissing);
    }
    if g.relation != Relation::Patient && blank(&g.giver) {
        return Err(ConsentError::GiverMissing);
    }
    if p.deceased {
        return match g.relation {
            Relation::Patient => Err(ConsentError::Deceased),
            Relation::Guardian | Relation::Proxy => Ok(()),
        };
    }
    let ages = ages(&p.jurisdiction);
    // An unknown birth date is taken for an adult's: whoever records it sees the person.
    let age = p.age().unwrap_or(ages.majority);
    if age < ages.majority {
        return match (g.relation, g.assent) {
            (Relation::Patient | Relation::Proxy, _) => Err(ConsentError::MinorNeedsGuardian),
            (Relation::Guardian, _) if age < ages.assent => Ok(()),
            (Relation::Guardian, None) if g.capacity != Capacity::None => {
                Err(ConsentError::AssentNotAsked)
            }
            (Relation::Guardian, Some(false)) => Err(ConsentError::AssentRefused),
            (Relation::Guardian, _) => Ok(()),
        };
    }
    match (g.relation, g.capacity) {
        (Relation::Patient, Capacity::None) => Err(ConsentError::NoCapacity),
        (Relation::Guardian, Capacity::Full) => Err(ConsentError::AdultDecides),
        _ => Ok(()),
    }
}

/// The instant somebody comes of age or came; none for unknown birth dates.
pub fn comes_of_age(p: &PatientFacts, zone: &TimeZone) -> Option<Instant> {
    let birth: Date = p.birth?;
    let years = i64::from(ages(&p.jurisdiction).majority);
    let day = birth.checked_add(jiff::Span::new().years(years)).ok()?;
    Some(day.to_zoned(zone.clone()).ok()?.timestamp())
}

/// Withdraws at once. The patient, or staff on their word.
pub fn withdraw(
    consent: &ConsentRecord,
    actor: &Actor,
    relation: Relation,
    reason: Option<Phi<String>>,
    now: Instant,
) -> Result<ConsentRecord, ConsentError> {
    may_act(actor, &consent.custodian, &consent.patient)?;
    if consent.withdrawn.is_some() {
        return Err(ConsentError::Withdrawn);
    }
    let by: AccountId = actor.account.clone();
    Ok(ConsentRecord {
        withdrawn: Some(Withdrawal {
            at: now,
            by,
            relation,
            reason,
        }),
        ..consent.clone()
    })
}

/// Reviews acting without consent in an emergency; what is not justified ends at once.
pub fn review_emergency(
    consent: &ConsentRecord,
    actor: &Actor,
    justified: bool,
    note: &str,
    now: Instant,
) -> Result<ConsentRecord, ConsentError> {
    let at_home = actor.hospital.as_ref() == Some(&consent.custodian);
    if !at_home || !actor.has(Role::Administrator) {
        return Err(ConsentError::NotAllowed);
    }
    if actor.account == consent.recorded_by {
        return Err(ConsentError::OwnRecording);
    }
    let mut reviewed = consent.clone();
    match &mut reviewed.basis {
        Basis::Emergency(e) if e.review.is_none() => {
            e.review = Some(EmergencyReview {
                by: actor.account.clone(),
                at: now,
                justified,
                note: note.trim().chars().take(2_000).collect(),
            });
        }
        _ => return Err(ConsentError::NothingToReview),
    }
    Ok(reviewed)
}
