//! What a case rests on across hospitals: its agreement and its consent, as they stand now.

use std::collections::BTreeMap;

use agreements::agreement::Standing;
use agreements::consent::{self, ConsentState};
use agreements::{Agreement, ConsentRecord, SystemPurpose};
use care::case::{Case, SuspendReason, Terms};
use kernel::{HospitalId, Instant, RecordKey};
use store::Stored;

use super::doc::{CaseDoc, rests_on_ground};
use super::offers::{agreement_kind, parse, terms_of};
use crate::docs::Versioned;
use crate::records::kind;
use crate::{App, AppError, Cx};

/// Whether the consent covers what the case sends under these terms.
pub(super) fn covers(consent: &ConsentRecord, case: &Case, terms: &Terms, now: Instant) -> bool {
    consent.patient == case.patient
        && consent.state(now) == ConsentState::InForce
        && consent::compile(consent).iter().any(|row| {
            row.grantee.as_ref().is_none_or(|g| *g == terms.answering)
                && (row.across_border || !terms.crosses_border)
                && row.from <= now
                && now < row.until
        })
}

/// Agreements and consents of some cases, read at once. One that is not there does not hold.
struct Grounds(BTreeMap<RecordKey, Stored>);

impl Grounds {
    fn agreement(&self, case: &Case) -> Result<Option<Agreement>, AppError> {
        let found = agreement_key(case).and_then(|key| self.0.get(&key));
        found.map(parse).transpose()
    }

    fn consent(&self, case: &Case) -> Result<Option<ConsentRecord>, AppError> {
        let found = consent_key(case).and_then(|key| self.0.get(&key));
        let read = |stored: &Stored| {
            serde_json::from_slice(stored.body.reveal())
                .map_err(|e| AppError::Internal(format!("consent: {:?}", e.classify())))
        };
        found.map(read).transpose()
    }

    /// Why the case may not go on at `now`, if so.
    fn why_cut(&self, case: &Case, now: Instant) -> Result<Option<SuspendReason>, AppError> {
        let Some(terms) = &case.terms else {
            return Ok(None);
        };
        let Some(agreement) = self.agreement(case)? else {
            return Ok(Some(SuspendReason::AgreementEnded));
        };
        match agreement.standing(now) {
            Standing::Active => {}
            Standing::Suspended => return Ok(Some(SuspendReason::AgreementSuspended)),
            _ => return Ok(Some(SuspendReason::AgreementEnded)),
        }
        let r = &case.request;
        let (Some(service), Some(specialty)) = (&r.service, &r.specialty) else {
            return Ok(Some(SuspendReason::AgreementEnded));
        };
        if terms_of(&agreement, &case.hospital, service, specialty).is_none() {
            return Ok(Some(SuspendReason::AgreementEnded));
        }
        if !terms.needs_consent || r.consent.is_none() {
            return Ok(None);
        }
        let consent = self.consent(case)?;
        Ok(match consent {
            Some(c) if covers(&c, case, terms, now) => None,
            Some(c) if c.state(now) == ConsentState::RunOut => Some(SuspendReason::ConsentExpired),
            _ => Some(SuspendReason::ConsentWithdrawn),
        })
    }
}

fn agreement_key(case: &Case) -> Option<RecordKey> {
    let id = case.terms.as_ref()?.agreement.clone();
    Some(RecordKey::new(HospitalId::network(), agreement_kind(), id))
}

fn consent_key(case: &Case) -> Option<RecordKey> {
    let id = case.request.consent.clone()?;
    Some(RecordKey::new(case.hospital.clone(), kind("consent"), id))
}

impl App {
    /// Why the case may not go on now, if so.
    pub(super) async fn why_cut(
        &self,
        case: &Case,
        now: Instant,
    ) -> Result<Option<SuspendReason>, AppError> {
        self.grounds(&[case]).await?.why_cut(case, now)
    }

    /// Takes out the cases of other hospitals that an agreement or a consent, by the clock alone, no longer opens.
    pub(super) async fn retain_open(
        &self,
        cx: &Cx,
        cases: &mut Vec<Versioned<CaseDoc>>,
    ) -> Result<(), AppError> {
        let asked: Vec<&Case> = cases
            .iter()
            .map(|c| &c.doc.case)
            .filter(|c| rests_on_ground(cx, c))
            .collect();
        if asked.is_empty() {
            return Ok(());
        }
        let grounds = self.grounds(&asked).await?;
        let mut open = Vec::with_capacity(cases.len());
        for case in std::mem::take(cases) {
            if !rests_on_ground(cx, &case.doc.case)
                || grounds.why_cut(&case.doc.case, cx.now)?.is_none()
            {
                open.push(case);
            }
        }
        *cases = open;
        Ok(())
    }

    async fn grounds(&self, cases: &[&Case]) -> Result<Grounds, AppError> {
        let mut keys: Vec<RecordKey> = cases
            .iter()
            .flat_map(|c| [agreement_key(c), consent_key(c)])
            .flatten()
            .collect();
        keys.sort();
        keys.dedup();
        let permit = self.system(SystemPurpose::Decision);
        let found = self.store.get_many(&permit, &keys).await?;
        let held = found.into_iter().filter(|s| !s.deleted);
        Ok(Grounds(held.map(|s| (s.key.clone(), s)).collect()))
    }
}
