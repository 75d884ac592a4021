//! Legal holds: while one stands, nothing of the patient's record is erased or destroyed, whoever asks.

use agreements::{Role, SystemPurpose};
use kernel::{AccountId, HospitalId, Instant, Kind, Phi, RecordKey, ResourceId};
use serde::{Deserialize, Serialize};
use store::{Batch, Lookup};

use super::reason;
use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx};

/// Holds shown and looked at.
const HOLDS_MAX: u32 = 1_000;

/// A hold as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hold {
    pub patient: ResourceId,
    /// The case it is about; none for everything of the patient. It protects the whole record either way.
    pub case: Option<ResourceId>,
    pub reason: Phi<String>,
    pub by: AccountId,
    pub at: Instant,
    /// It ends by itself then; none: only by hand.
    pub until: Option<Instant>,
    pub lifted: Option<(AccountId, Instant)>,
}

impl Hold {
    pub fn stands(&self, now: Instant) -> bool {
        self.lifted.is_none() && self.until.is_none_or(|until| now < until)
    }
}

impl Document for Hold {
    const KIND: &'static str = "hold";
    fn lookups(&self) -> Vec<Lookup> {
        // Not the name by which documents are known to be about a patient: a hold that has ended outlives an erasure.
        let mut all = vec![Lookup::new("held", self.patient.as_str())];
        if self.lifted.is_none() {
            all.push(Lookup::new("standing", "yes"));
        }
        all
    }
}

/// A hold with its id.
#[derive(Debug, Clone)]
pub struct HoldView {
    pub id: ResourceId,
    pub hold: Hold,
    pub stands: bool,
}

impl App {
    /// Puts a patient's record of the own hospital under a hold.
    pub async fn place_hold(
        &self,
        cx: &Cx,
        patient: &ResourceId,
        case: Option<ResourceId>,
        why: &str,
        until: Option<Instant>,
    ) -> Result<ResourceId, AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let key = self.own_patient(&hospital, patient).await?;
        if until.is_some_and(|until| until <= cx.now) {
            let text = "a hold ends in the future";
            return Err(AppError::invalid("until", "hold-until-past", text));
        }
        let hold = Versioned {
            key: self.doc_key::<Hold>(&hospital, &self.new_id()),
            version: 0,
            doc: Hold {
                patient: patient.clone(),
                case,
                reason: reason(why)?,
                by: cx.actor.account.clone(),
                at: cx.now,
                until,
                lifted: None,
            },
        };
        self.commit_hold(cx, &hospital, &key, &hold, "hold.placed")
            .await?;
        Ok(hold.key.id)
    }

    /// Ends a hold by hand.
    pub async fn lift_hold(&self, cx: &Cx, id: &ResourceId) -> Result<(), AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let permit = self.system(SystemPurpose::Decision);
        let mut hold: Versioned<Hold> = self.need(&permit, &hospital, id).await?;
        if hold.doc.lifted.is_some() {
            return Err(AppError::Conflict);
        }
        hold.doc.lifted = Some((cx.actor.account.clone(), cx.now));
        let patient = RecordKey::new(
            hospital.clone(),
            Kind::new("Patient")?,
            hold.doc.patient.clone(),
        );
        self.commit_hold(cx, &hospital, &patient, &hold, "hold.lifted")
            .await
    }

    async fn commit_hold(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        patient: &RecordKey,
        hold: &Versioned<Hold>,
        action: &str,
    ) -> Result<(), AppError> {
        let mut batch = Batch::new(cx.now);
        docs::put(&mut batch, hold)?;
        cx.note(
            &mut batch,
            hospital,
            &Entry {
                patient: Some((hospital, &patient.id)),
                ..Entry::of(Verb::Execute, action, &hold.key)
            },
        );
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Holds of the own hospital, newest first.
    pub async fn holds(&self, cx: &Cx) -> Result<Vec<HoldView>, AppError> {
        let hospital = cx.require(Role::Administrator)?.clone();
        let permit = self.system(SystemPurpose::Decision);
        let found = self
            .find::<Hold>(&permit, Some(&hospital), Vec::new(), None, HOLDS_MAX, true)
            .await?;
        Ok(found
            .into_iter()
            .map(|h| HoldView {
                id: h.key.id,
                stands: h.doc.stands(cx.now),
                hold: h.doc,
            })
            .collect())
    }

    /// Whether a hold stands on this patient's record.
    pub(super) async fn is_held(
        &self,
        hospital: &HospitalId,
        patient: &ResourceId,
        now: Instant,
    ) -> Result<bool, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new("held", patient.as_str())];
        let found = self
            .find::<Hold>(&permit, Some(hospital), by, None, HOLDS_MAX, true)
            .await?;
        Ok(found.iter().any(|h| h.doc.stands(now)))
    }

    /// Refuses while a hold stands.
    pub(super) async fn refuse_held(
        &self,
        hospital: &HospitalId,
        patient: &ResourceId,
        now: Instant,
    ) -> Result<(), AppError> {
        if self.is_held(hospital, patient, now).await? {
            return Err(AppError::rejected(
                "hold-stands",
                "a legal hold stands on this record",
            ));
        }
        Ok(())
    }

    /// The patient of the own hospital, if there is one.
    pub(super) async fn own_patient(
        &self,
        hospital: &HospitalId,
        patient: &ResourceId,
    ) -> Result<RecordKey, AppError> {
        let key = RecordKey::new(hospital.clone(), Kind::new("Patient")?, patient.clone());
        let permit = self.system(SystemPurpose::Decision);
        match self.store.get(&permit, &key, None).await? {
            Some(stored) if !stored.deleted => Ok(key),
            _ => {
                let text = "no such patient at this hospital";
                Err(AppError::invalid(
                    "patient",
                    "keeping-unknown-patient",
                    text,
                ))
            }
        }
    }
}
