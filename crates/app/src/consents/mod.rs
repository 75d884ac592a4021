//! Consents: recorded with their context, withdrawn at once, reviewed where nobody could be asked.

mod from_fhir;

use agreements::consent::record::NewConsent;
use agreements::consent::{
    self, Basis, ConsentError, ConsentRecord, PatientFacts, Relation, Scope, compile,
};
use agreements::{ActorKind, Projection, SystemPurpose};
use fhir::views::Patient;
use jiff::civil::Date;
use kernel::{ErrorCode, HospitalId, Instant, Kind, Phi, RecordKey, ResourceId};
use store::{Batch, Lookup};

use crate::audit_entry::{Entry, Verb};
use crate::docs::{self, Document, Versioned};
use crate::{App, AppError, Cx};

impl Document for ConsentRecord {
    const KIND: &'static str = "consent";
    fn lookups(&self) -> Vec<Lookup> {
        let mut all = vec![Lookup::new("patient", self.patient.as_str())];
        if let Basis::Emergency(e) = &self.basis
            && e.review.is_none()
        {
            all.push(Lookup::new("review", "due"));
        }
        all
    }
}

/// What someone wants to record.
#[derive(Debug, Clone)]
pub struct ConsentDraft {
    pub custodian: HospitalId,
    pub patient: ResourceId,
    pub basis: Basis,
    pub scope: Scope,
    pub from: Option<Instant>,
    pub until: Option<Instant>,
}

impl App {
    /// Records a consent; it counts from this commit on.
    pub async fn record_consent(
        &self,
        cx: &Cx,
        draft: ConsentDraft,
    ) -> Result<ResourceId, AppError> {
        let id = self.new_id();
        self.record_consent_as(cx, id, draft).await
    }

    pub(crate) async fn record_consent_as(
        &self,
        cx: &Cx,
        id: ResourceId,
        draft: ConsentDraft,
    ) -> Result<ResourceId, AppError> {
        if let Some(hospitals) = &draft.scope.hospitals
            && hospitals.iter().any(|h| self.hospital(h).is_none())
        {
            let text = "not a hospital of this network";
            return Err(AppError::invalid("hospitals", "hospital-unknown", text));
        }
        let facts = self
            .patient_facts(cx, &draft.custodian, &draft.patient)
            .await?;
        let zone = self.zone_of(&draft.custodian);
        let new = NewConsent {
            id: id.clone(),
            custodian: draft.custodian,
            patient: draft.patient,
            basis: draft.basis,
            scope: draft.scope,
            from: draft.from,
            until: draft.until,
        };
        let recorded = consent::record(new, &facts, &zone, &cx.actor, cx.now).map_err(refused)?;
        self.commit_consent(cx, recorded, 0, Verb::Create, "consent.recorded")
            .await?;
        Ok(id)
    }

    /// Withdraws a consent. Access that rested on it is gone with this commit; live pages are told by the feed.
    pub async fn withdraw_consent(
        &self,
        cx: &Cx,
        custodian: &HospitalId,
        id: &ResourceId,
        relation: Relation,
        reason: Option<Phi<String>>,
    ) -> Result<(), AppError> {
        let current = self.own_consent(cx, custodian, id).await?;
        // A patient's account withdraws as the patient, or as the proxy it is; staff say on whose word.
        let withdrawn = consent::withdraw(&current.doc, &cx.actor, relation, reason, cx.now)
            .map_err(refused)?;
        self.commit_consent(
            cx,
            withdrawn,
            current.version,
            Verb::Update,
            "consent.withdrawn",
        )
        .await
    }

    /// Reviews acting without consent in an emergency.
    pub async fn review_consent(
        &self,
        cx: &Cx,
        id: &ResourceId,
        justified: bool,
        note: &str,
    ) -> Result<(), AppError> {
        let custodian = cx.hospital()?.clone();
        let current = self.own_consent(cx, &custodian, id).await?;
        let reviewed = consent::review_emergency(&current.doc, &cx.actor, justified, note, cx.now)
            .map_err(refused)?;
        self.commit_consent(
            cx,
            reviewed,
            current.version,
            Verb::Update,
            "consent.reviewed",
        )
        .await
    }

    /// A patient's consents, newest first: for staff of the custodian and for the patient.
    pub async fn consents_of(
        &self,
        cx: &Cx,
        custodian: &HospitalId,
        patient: &ResourceId,
    ) -> Result<Vec<ConsentRecord>, AppError> {
        may_see(cx, custodian, patient)?;
        self.consents_for(custodian, patient).await
    }

    /// One consent, for the same readers.
    pub async fn consent(
        &self,
        cx: &Cx,
        custodian: &HospitalId,
        id: &ResourceId,
    ) -> Result<ConsentRecord, AppError> {
        Ok(self.own_consent(cx, custodian, id).await?.doc)
    }

    /// Emergencies at the hospital acted for that wait for a review.
    pub async fn consents_to_review(&self, cx: &Cx) -> Result<Vec<ConsentRecord>, AppError> {
        let hospital = cx.require(agreements::Role::Administrator)?;
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new("review", "due")];
        let found = self
            .find::<ConsentRecord>(&permit, Some(hospital), by, None, 500, true)
            .await?;
        Ok(found.into_iter().map(|v| v.doc).collect())
    }

    async fn own_consent(
        &self,
        cx: &Cx,
        custodian: &HospitalId,
        id: &ResourceId,
    ) -> Result<Versioned<ConsentRecord>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let found: Versioned<ConsentRecord> = self.need(&permit, custodian, id).await?;
        // Whoever may not see it does not learn that it is there.
        may_see(cx, custodian, &found.doc.patient).map_err(|_| AppError::NotFound)?;
        Ok(found)
    }

    async fn commit_consent(
        &self,
        cx: &Cx,
        consent: ConsentRecord,
        version: u64,
        verb: Verb,
        topic: &str,
    ) -> Result<(), AppError> {
        let custodian = consent.custodian.clone();
        let key = RecordKey::new(custodian.clone(), Kind::new("Consent")?, consent.id.clone());
        let patient = consent.patient.clone();
        let mut batch = Batch::new(cx.now);
        batch.projections.push(Projection::Consents {
            custodian: custodian.clone(),
            consent: consent.id.clone(),
            rows: compile(&consent),
        });
        let bytes = consent::fhir::to_fhir(&consent, cx.now).to_string();
        let expect = self.expect_of(&key).await?;
        batch.put_fhir(key.clone(), expect, bytes);
        let doc = Versioned {
            key: self.doc_key::<ConsentRecord>(&custodian, &consent.id),
            version,
            doc: consent,
        };
        docs::put(&mut batch, &doc)?;
        batch.audit.push(cx.audit(
            &custodian,
            &Entry {
                patient: Some((&custodian, &patient)),
                ..Entry::of(verb, topic, &key)
            },
        ));
        let data = serde_json::json!({"consent": key.id.as_str(), "patient": patient.as_str()});
        batch.event(topic, &key, data.to_string());
        self.store.commit(batch).await?;
        // Open cases that rested on it go back to their doctors at once, or go on.
        self.review_cases_of_patient(&custodian, &patient, cx.now)
            .await?;
        Ok(())
    }

    /// Birth date and death from the custodian's own Patient; whoever asks must be able to read it.
    pub(crate) async fn patient_facts(
        &self,
        cx: &Cx,
        custodian: &HospitalId,
        patient: &ResourceId,
    ) -> Result<PatientFacts, AppError> {
        let hospital = self.hospital(custodian).ok_or(AppError::NotFound)?;
        let key = RecordKey::new(custodian.clone(), Kind::new("Patient")?, patient.clone());
        let stored = match self.store.get(&cx.permit(), &key, None).await? {
            Some(stored) if !stored.deleted => stored,
            // An administrator records a consent without reading the record.
            _ if cx.actor.kind == ActorKind::Staff => {
                let permit = self.system(SystemPurpose::Decision);
                let stored = self.store.get(&permit, &key, None).await?;
                stored.filter(|s| !s.deleted).ok_or(AppError::NotFound)?
            }
            _ => return Err(AppError::NotFound),
        };
        let value: serde_json::Value = serde_json::from_slice(stored.body.reveal())
            .map_err(|_| AppError::Internal("a stored Patient is not JSON".into()))?;
        let view = Patient::from_value(&value);
        let today = cx.now.to_zoned(hospital.time_zone()).date();
        Ok(PatientFacts {
            birth: whole_date(view.birth_date.as_deref()),
            deceased: view.deceased.is_some(),
            jurisdiction: hospital.jurisdiction.clone(),
            today,
        })
    }

    pub(crate) fn zone_of(&self, hospital: &HospitalId) -> jiff::tz::TimeZone {
        self.hospital(hospital)
            .map_or(jiff::tz::TimeZone::UTC, |h| h.time_zone())
    }
}

/// The latest day a FHIR date may mean: whoever is only known to be born in 2010 is taken for the younger.
fn whole_date(text: Option<&str>) -> Option<Date> {
    let text = text?;
    match text.len() {
        4 => Date::new(text.parse().ok()?, 12, 31).ok(),
        7 => Date::new(text[..4].parse().ok()?, text[5..].parse().ok()?, 1)
            .ok()
            .map(Date::last_of_month),
        _ => text.get(..10)?.parse().ok(),
    }
}

fn may_see(cx: &Cx, custodian: &HospitalId, patient: &ResourceId) -> Result<(), AppError> {
    let allowed = match cx.actor.kind {
        ActorKind::Patient => cx.actor.links_to(custodian, patient).next().is_some(),
        ActorKind::Staff | ActorKind::Machine => {
            cx.actor.hospital.as_ref() == Some(custodian)
                && (cx.actor.is_clinical() || cx.actor.has(agreements::Role::Administrator))
        }
    };
    allowed
        .then_some(())
        .ok_or_else(|| AppError::denied("other-hospital"))
}

pub(crate) fn refused(e: ConsentError) -> AppError {
    let field = match e {
        ConsentError::AssentNotAsked | ConsentError::AssentRefused => "assent",
        ConsentError::MinorNeedsGuardian | ConsentError::AdultDecides | ConsentError::Deceased => {
            "relation"
        }
        ConsentError::NoCapacity => "capacity",
        ConsentError::GiverMissing => "giver",
        ConsentError::WitnessMissing => "witness",
        ConsentError::FormMissing => "form",
        ConsentError::Dates | ConsentError::EmergencyTooLong => "until",
        ConsentError::EmptyScope => "classes",
        ConsentError::EmergencyReason => "reason",
        _ => "consent",
    };
    match e.code() {
        ErrorCode::Denied => AppError::denied(e.key()),
        ErrorCode::Conflict => AppError::rejected(e.key(), e.to_string()),
        _ => AppError::invalid(field, e.key(), e.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_birth_date_means_the_younger() {
        assert_eq!(whole_date(Some("2010")), "2010-12-31".parse().ok());
        assert_eq!(whole_date(Some("2010-02")), "2010-02-28".parse().ok());
        assert_eq!(whole_date(Some("2010-02-03")), "2010-02-03".parse().ok());
        assert_eq!(whole_date(Some("gestern")), None);
    }
}
