//! Gathering what a decision rests on, from the same documents the policy rows are derived from.

use agreements::break_glass::BreakGlass;
use agreements::consent::{self, ConsentRecord};
use agreements::decision::PastConsent;
use agreements::{Actor, Facts, Subject, SystemPurpose};
use kernel::{HospitalId, Instant, ResourceId};
use store::Lookup;

use crate::{App, AppError};

/// Consents and emergencies of one patient that a decision looks at.
const ROWS_MAX: u32 = 500;

impl App {
    /// Everything that may speak for or against `actor` doing something to `subject` at `now`.
    pub(crate) async fn facts(
        &self,
        now: Instant,
        actor: &Actor,
        subject: &Subject,
    ) -> Result<Facts, AppError> {
        let mut facts = Facts::default();
        let Some(own) = &actor.hospital else {
            return Ok(facts);
        };
        let (other, patient) = match subject {
            Subject::Entry(e) => (&e.custodian, e.patient.as_ref()),
            Subject::Record { hospital, patient } => (hospital, Some(patient)),
            Subject::Hospital(h) => (h, None),
            Subject::Case(c) => {
                let other = if *own == c.referring {
                    &c.answering
                } else {
                    &c.referring
                };
                (other, Some(&c.patient))
            }
        };
        if own != other {
            for a in self.agreements_between(own, other).await? {
                facts.add_agreement(&a, now);
            }
        }
        let custodian = match subject {
            Subject::Case(c) => &c.referring,
            _ => other,
        };
        if let Some(patient) = patient {
            self.add_patient_facts(&mut facts, custodian, patient, own)
                .await?;
        }
        Ok(facts)
    }

    async fn add_patient_facts(
        &self,
        facts: &mut Facts,
        custodian: &HospitalId,
        patient: &ResourceId,
        own: &HospitalId,
    ) -> Result<(), AppError> {
        for b in self.openings_for(custodian, patient).await? {
            facts.emergencies.push(b.row());
        }
        if own == custodian {
            return Ok(());
        }
        for c in self.consents_for(custodian, patient).await? {
            facts.consents.extend(consent::compile(&c));
            facts.past_consents.extend(past(&c));
        }
        facts
            .shares
            .extend(self.shares_of(custodian, patient).await?);
        Ok(())
    }

    pub(crate) async fn consents_for(
        &self,
        custodian: &HospitalId,
        patient: &ResourceId,
    ) -> Result<Vec<ConsentRecord>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new("patient", patient.as_str())];
        let found = self
            .find::<ConsentRecord>(&permit, Some(custodian), by, None, ROWS_MAX, true)
            .await?;
        Ok(found.into_iter().map(|v| v.doc).collect())
    }

    async fn openings_for(
        &self,
        custodian: &HospitalId,
        patient: &ResourceId,
    ) -> Result<Vec<BreakGlass>, AppError> {
        let permit = self.system(SystemPurpose::Decision);
        let by = vec![Lookup::new("patient", patient.as_str())];
        let found = self
            .find::<BreakGlass>(&permit, Some(custodian), by, None, ROWS_MAX, true)
            .await?;
        Ok(found.into_iter().map(|v| v.doc).collect())
    }
}

fn past(c: &ConsentRecord) -> Vec<PastConsent> {
    let Some(withdrawn) = &c.withdrawn else {
        return Vec::new();
    };
    let one = |grantee: Option<HospitalId>| PastConsent {
        consent: c.id.clone(),
        custodian: c.custodian.clone(),
        patient: c.patient.clone(),
        grantee,
        withdrawn_at: withdrawn.at,
    };
    match &c.scope.hospitals {
        None => vec![one(None)],
        Some(hospitals) => hospitals.iter().cloned().map(Some).map(one).collect(),
    }
}
