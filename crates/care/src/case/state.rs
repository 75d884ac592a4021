//! The state of one case.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{AccountId, HospitalId, Instant, Kind, Phi, ResourceId};
use serde::{Deserialize, Serialize};

use super::clock::CaseClock;
use super::{Alarm, CloseReason, DeclineReason, Outcome, Plan, Status, SuspendReason, Urgency};

/// What a case begins with.
#[derive(Debug, Clone)]
pub struct NewCase {
    pub id: ResourceId,
    /// What people call it: `K-26-00123`. Unique on the node, without patient data.
    pub number: String,
    pub patient: ResourceId,
}

/// One referral for an opinion, in the custody of the referring hospital.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    pub id: ResourceId,
    pub number: String,
    /// The referring hospital, custodian of case and record.
    pub hospital: HospitalId,
    pub patient: ResourceId,
    /// The referring doctor.
    pub referrer: AccountId,
    pub status: Status,
    pub request: Request,
    /// What the agreement says for this case, as it stood when the case was sent.
    pub terms: Option<Terms>,
    /// The coordinator who took it.
    pub coordinator: Option<AccountId>,
    pub consultant: Option<AccountId>,
    /// Questions back, oldest first; the last may be open.
    pub questions: Vec<Question>,
    /// Signed opinions and addenda, in order of signing. Grows only.
    pub answers: Vec<Answer>,
    pub plan: Option<Plan>,
    pub outcome: Option<Outcome>,
    pub outcome_seen: Option<Instant>,
    pub declined: Option<Declined>,
    pub suspended: Option<Suspended>,
    pub closed: Option<CloseReason>,
    /// The case was closed once and not asked again since: nothing more is opened by it.
    pub shut: bool,
    /// When closing ended what it opened, which stays readable for the days the clause gives. None where nothing was open.
    #[serde(default)]
    pub shut_at: Option<Instant>,
    pub clock: Option<CaseClock>,
    /// When the present status began.
    pub since: Instant,
    pub created: Instant,
    pub sent: Option<Instant>,
    /// Copies without identity that were made for the answering hospital of what goes with the case: ImagingStudies.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub copies: BTreeSet<ResourceId>,
    /// How often an answer was sent back with a new question.
    pub round: u16,
    /// Alarms already raised in the present status.
    pub alarms: BTreeSet<Alarm>,
    /// What happened, in order; ids and words only.
    pub steps: Vec<Step>,
}

/// What is asked and what goes with it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub question: Phi<String>,
    pub background: Phi<String>,
    pub urgency: Option<Urgency>,
    /// Code of the service asked (`second-opinion`, `second-reading`, …), as in the agreement.
    pub service: Option<String>,
    /// Code of the specialty, as in the agreement.
    pub specialty: Option<String>,
    /// The hospital asked.
    pub answering: Option<HospitalId>,
    /// The agreement it is asked under.
    pub agreement: Option<ResourceId>,
    /// Single entries of the record that go with it.
    pub items: Vec<RecordItem>,
    /// Whole record classes that go with it (`laboratory`, …).
    pub classes: BTreeSet<String>,
    pub files: Vec<CaseFile>,
    /// The patient's consent (FHIR Consent at the referring hospital).
    pub consent: Option<ResourceId>,
    /// The language the answer is wanted in (BCP 47).
    pub language: Option<String>,
    /// Where the referring doctor is reached by telephone.
    pub call_back: Option<Phi<String>>,
}

/// One entry of the patient's record, in the referring hospital's custody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordItem {
    pub kind: Kind,
    pub id: ResourceId,
}

/// A file of the case: a DocumentReference of the referring hospital.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseFile {
    pub id: ResourceId,
    pub title: Phi<String>,
    pub media_type: String,
    /// Bytes.
    pub size: u64,
}

/// What the agreement says for one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub agreement: ResourceId,
    /// Clause number, counted from 1.
    pub clause: u16,
    pub answering: HospitalId,
    /// Seconds to an answer, per urgency.
    pub response_s: BTreeMap<Urgency, u32>,
    pub needs_consent: bool,
    pub needs_co_signature: bool,
    /// Referring and answering hospital lie in different jurisdictions.
    pub crosses_border: bool,
    /// Record classes the agreement lets the answering hospital see.
    pub classes: BTreeSet<String>,
    /// Days after closing during which the answering hospital can still read what the case opened.
    #[serde(default)]
    pub retention_days: u16,
    /// End of the agreement.
    pub until: Instant,
}

/// A question back to the referring doctor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub by: AccountId,
    pub at: Instant,
    pub text: Phi<String>,
    /// The status the case goes back to once it is answered.
    pub from: Status,
    pub supplied: Option<Instant>,
}

/// A signed opinion or addendum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The signed document (Bundle) at the answering hospital.
    pub opinion: ResourceId,
    /// The hospital that answered; its custody.
    pub hospital: HospitalId,
    pub author: AccountId,
    pub signed: Instant,
    /// The opinion this one adds to.
    pub addendum_to: Option<ResourceId>,
    /// Who must sign too, when the agreement asks for a second signature.
    pub co_signer: Option<AccountId>,
    pub co_signed: Option<Instant>,
    /// The co-signer sent it back.
    pub returned: Option<Instant>,
    /// When it went to the referring hospital.
    pub issued: Option<Instant>,
    /// When the referring side first opened it, and who.
    pub read: Option<(Instant, AccountId)>,
    /// Which question it answers: 0 for the first, counted up with each time it was asked again.
    pub round: u16,
}

/// Why and when the answering hospital declined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declined {
    pub reason: DeclineReason,
    pub note: Phi<String>,
    pub at: Instant,
}

/// Why and when the case was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspended {
    pub reason: SuspendReason,
    pub at: Instant,
    /// The status it goes back to when access returns.
    pub from: Status,
}

/// One line of what happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub at: Instant,
    /// None: the system.
    pub by: Option<AccountId>,
    pub hospital: Option<HospitalId>,
    /// The event's word: `sent`, `accepted`, …
    pub what: String,
    pub status: Status,
}

impl Case {
    /// The hospital that answers, once one is chosen.
    pub fn answering(&self) -> Option<&HospitalId> {
        self.terms
            .as_ref()
            .map(|t| &t.answering)
            .or(self.request.answering.as_ref())
    }
    /// The answer the referring side works with: the newest that was issued and is no addendum.
    pub fn current_answer(&self) -> Option<&Answer> {
        self.answers
            .iter()
            .rev()
            .find(|a| a.issued.is_some() && a.addendum_to.is_none())
    }
    /// The signed opinion that waits for its second signature.
    pub fn awaiting_co_signature(&self) -> Option<&Answer> {
        self.answers.iter().rev().find(|a| {
            a.addendum_to.is_none()
                && a.co_signer.is_some()
                && a.co_signed.is_none()
                && a.returned.is_none()
                && a.round == self.round
        })
    }
    /// An outcome was told and the consultant has not seen it.
    pub fn outcome_unseen(&self) -> bool {
        self.outcome.is_some() && self.outcome_seen.is_none()
    }
    /// Whether the answering hospital has a part in the case now: it was sent and neither taken back nor over.
    pub fn is_with_answering(&self) -> bool {
        !matches!(
            self.status,
            Status::Draft | Status::Declined | Status::Suspended | Status::Cancelled
        )
    }
    /// Whether the answering hospital may know the case at `now`: while it has a part in it, for as long after closing as
    /// the clause gives, and for good once it has signed something in it.
    pub fn is_known_to_answering(&self, now: Instant) -> bool {
        let over = self.shut && self.readable_until().is_none_or(|until| until <= now);
        let signed = |a: &Answer| Some(&a.hospital) == self.answering();
        self.answers.iter().any(signed) || self.is_with_answering() && !over
    }
    /// Whether this hospital is a party to the case, now or for what it has signed in it.
    pub fn is_party(&self, hospital: &HospitalId) -> bool {
        *hospital == self.hospital
            || (self.answering() == Some(hospital)
                && (self.sent.is_some() || !self.answers.is_empty()))
    }
}
