//! The case as our own document, at the referring hospital.

use std::collections::BTreeMap;

use care::case::{By, Case, Rejection, Status, SuspendReason};
use kernel::{AccountId, Instant, Phi, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};
use store::Lookup;

use agreements::{ActorKind, Privilege, Role, SystemPurpose};

use crate::docs::{Document, Versioned};
use crate::records::view::Sex;
use crate::{App, AppError, Cx};

/// A case with what lists need of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CaseDoc {
    pub case: Case,
    /// Sex and birth date as they were when the case was begun: all that is shown to a reader who may not know more.
    pub sex: Sex,
    pub birth_date: Phi<Option<String>>,
    /// Messages written in it.
    pub messages: u32,
    /// How many of them each person has seen.
    pub seen: BTreeMap<AccountId, u32>,
}

/// How the hours of the clock job's buckets are written.
pub(crate) fn hour_of(at: Instant) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC)
        .strftime("%Y%m%d%H")
        .to_string()
}

/// The UTC day an answer is found under.
pub(crate) fn day_of(at: Instant) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC)
        .strftime("%Y%m%d")
        .to_string()
}

impl Document for CaseDoc {
    const KIND: &'static str = "case";
    fn lookups(&self) -> Vec<Lookup> {
        let c = &self.case;
        let mut list = vec![
            Lookup::unique("number", c.number.as_str()),
            Lookup::new("patient", c.patient.as_str()),
            Lookup::new("referring", c.hospital.as_str()),
            Lookup::new("referrer", c.referrer.as_str()),
        ];
        if let Some(hospital) = c.answering().filter(|_| c.sent.is_some()) {
            list.push(Lookup::new("answering", hospital.as_str()));
            if c.status.is_open_request() {
                list.push(Lookup::new("inbox", hospital.as_str()));
            }
        }
        if let Some(consultant) = &c.consultant {
            list.push(Lookup::new("consultant", consultant.as_str()));
        }
        if let Some(waiting) = c.awaiting_co_signature()
            && let Some(co_signer) = &waiting.co_signer
        {
            list.push(Lookup::new("co-signer", co_signer.as_str()));
        }
        if !c.status.is_final() {
            list.push(Lookup::new("open", "yes"));
            if let Some(agreement) = c.terms.as_ref().map(|t| &t.agreement) {
                list.push(Lookup::new("agreement", agreement.as_str()));
            }
            if c.sent.is_some() {
                list.push(Lookup::new("open-patient", c.patient.as_str()));
            }
        }
        if let Some(next) = c.next_alarm() {
            list.push(Lookup::new("alarm-hour", hour_of(next)));
        }
        if let Some(issued) = c.answers.iter().filter_map(|a| a.issued).max() {
            list.push(Lookup::new("answered", "yes"));
            list.push(Lookup::new("answered-day", day_of(issued)));
        }
        if c.status == Status::Draft {
            list.push(Lookup::new("draft", "yes"));
        }
        list
    }
}

/// Who acts, as the rules of a case see them.
pub(crate) fn by(cx: &Cx) -> By {
    match &cx.actor.hospital {
        Some(hospital) if cx.actor.kind != ActorKind::Patient => By::Person {
            account: cx.actor.account.clone(),
            hospital: hospital.clone(),
            clinician: cx.actor.has(Role::Clinician),
            coordinator: cx.actor.has(Role::Coordinator),
            consultant: cx.actor.has(Role::Consultant),
            may_sign: cx.actor.may(Privilege::SignOpinion),
        },
        // No hospital: nothing of a case is theirs to change.
        _ => By::Person {
            account: cx.actor.account.clone(),
            hospital: kernel::HospitalId::network(),
            clinician: false,
            coordinator: false,
            consultant: false,
            may_sign: false,
        },
    }
}

impl From<Rejection> for AppError {
    fn from(r: Rejection) -> Self {
        if r.code.is_denial() {
            let args = r.data.into_iter().collect();
            return Self::Denied(crate::Denial {
                reason: r.code.as_str().into(),
                args,
            });
        }
        let words: Vec<String> = r.data.iter().map(|(k, v)| format!("{k}: {v}")).collect();
        Self::rejected(r.code.as_str(), words.join("; "))
    }
}

impl App {
    /// A case that the reader is a party to; anyone else learns nothing of it.
    pub(crate) async fn case_doc(
        &self,
        cx: &Cx,
        key: &RecordKey,
    ) -> Result<Versioned<CaseDoc>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let doc: Versioned<CaseDoc> = self.need(&permit, &key.hospital, &key.id).await?;
        if !may_know(cx, &doc.doc.case) {
            let cut = doc.doc.case.suspended.as_ref().map(|s| s.reason);
            return Err(why_not(cx, &doc.doc.case, cut));
        }
        self.still_open_across(cx, doc).await
    }

    /// Agreements and consents also end by the clock. Until the job that cuts such a case off comes by, the answering
    /// side finds it closed already; and what was closed stays open to them while its ground holds.
    async fn still_open_across(
        &self,
        cx: &Cx,
        doc: Versioned<CaseDoc>,
    ) -> Result<Versioned<CaseDoc>, AppError> {
        let case = &doc.doc.case;
        if !rests_on_ground(cx, case) {
            return Ok(doc);
        }
        match self.why_cut(case, cx.now).await? {
            Some(reason) => Err(why_not(cx, case, Some(reason))),
            None => Ok(doc),
        }
    }

    /// Open cases of a hospital, counted by patient.
    pub(crate) async fn open_cases_by_patient(
        &self,
        hospital: &kernel::HospitalId,
    ) -> Result<BTreeMap<ResourceId, u32>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let open = vec![Lookup::new("open", "yes")];
        let cases: Vec<Versioned<CaseDoc>> = self
            .find(&permit, Some(hospital), open, None, 5_000, true)
            .await?;
        let mut counts = BTreeMap::new();
        for case in cases {
            *counts.entry(case.doc.case.patient).or_default() += 1;
        }
        Ok(counts)
    }
}

/// What somebody who may not open the case is told. Whoever worked on it until it was cut off knows that it is there
/// and is told why it is closed to them; to everybody else it does not exist.
fn why_not(cx: &Cx, case: &Case, cut: Option<SuspendReason>) -> AppError {
    let worked_on_it = cx.actor.hospital.as_ref() == case.answering()
        && [&case.coordinator, &case.consultant]
            .into_iter()
            .flatten()
            .any(|account| *account == cx.actor.account);
    match cut {
        Some(reason) if worked_on_it => AppError::denied(format!("case-{}", reason.as_str())),
        _ => AppError::NotFound,
    }
}

/// Whether the reader may know that the case is there: clinical staff of the referring hospital; clinical staff of the
/// answering hospital once it was sent, for as long as it is theirs to work on or holds what they signed; the patient.
pub(crate) fn may_know(cx: &Cx, case: &Case) -> bool {
    if cx.actor.kind == ActorKind::Patient {
        let mut links = cx.actor.links_to(&case.hospital, &case.patient);
        return case.sent.is_some() && links.next().is_some();
    }
    let Some(own) = &cx.actor.hospital else {
        return false;
    };
    let clinical = cx.actor.is_clinical() || cx.actor.has(Role::Machine);
    if !clinical {
        return false;
    }
    *own == case.hospital || (case.is_party(own) && case.is_known_to_answering(cx.now))
}

/// Whether an agreement and a consent must hold for this reader to see the case. What they have signed they keep.
pub(super) fn rests_on_ground(cx: &Cx, case: &Case) -> bool {
    let own = cx.actor.hospital.as_ref();
    cx.actor.kind != ActorKind::Patient
        && own != Some(&case.hospital)
        && !case.answers.iter().any(|a| own == Some(&a.hospital))
}
