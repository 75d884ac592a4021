//! Reading patient data: audited across hospitals before the answer leaves, within one's own in batches.

use agreements::decision::facts::Entry as PolicyEntry;
use agreements::{ActorKind, Facts, Reason, Subject};
use kernel::{HospitalId, RecordKey, ResourceId};
use store::Batch;

use crate::audit::reads::Read;
use crate::audit_entry::{Entry, Verb};
use crate::{App, AppError, Cx};

impl App {
    /// Notes a read of patient data, in whichever way the custodian asks for. Call it before the data is shown.
    pub async fn note_read(
        &self,
        cx: &Cx,
        custodian: &HospitalId,
        patient: Option<&ResourceId>,
        subjects: &[RecordKey],
        action: &str,
    ) -> Result<(), AppError> {
        let own = cx.actor.hospital.as_ref();
        if own.is_some_and(|own| own != custodian) {
            return self
                .read_across(cx, custodian, patient, subjects, action)
                .await;
        }
        let ground = match cx.actor.kind {
            ActorKind::Patient if cx.actor.linked.iter().any(|l| l.only.is_some()) => "link",
            ActorKind::Patient => "own record",
            ActorKind::Staff | ActorKind::Machine => "own hospital",
        };
        let read = Read {
            custodian,
            patient,
            subjects,
            action,
            ground,
        };
        self.queue_read(cx, &read).await
    }

    /// Writes a read across hospitals to the chains of both, with the agreement, clause and consent it rests on. Done
    /// when it is on disk: only then may the data be returned.
    pub async fn read_across(
        &self,
        cx: &Cx,
        custodian: &HospitalId,
        patient: Option<&ResourceId>,
        subjects: &[RecordKey],
        action: &str,
    ) -> Result<(), AppError> {
        let own = cx.hospital()?;
        let ground = self.ground(cx, custodian, patient).await?;
        let entry = Entry {
            verb: Verb::Read,
            action,
            subjects,
            patient: patient.map(|p| (custodian, p)),
            ground: Some(&ground),
            denied: false,
        };
        let mut batch = Batch::new(cx.now);
        batch.audit.push(cx.audit(custodian, &entry));
        if own != custodian {
            batch.audit.push(cx.audit(own, &entry));
        }
        self.store.commit(batch).await?;
        Ok(())
    }

    /// On what reading this patient's record rests, in words that hold ids alone.
    async fn ground(
        &self,
        cx: &Cx,
        custodian: &HospitalId,
        patient: Option<&ResourceId>,
    ) -> Result<String, AppError> {
        let subject = match patient {
            Some(patient) => Subject::Record {
                hospital: custodian.clone(),
                patient: patient.clone(),
            },
            None => Subject::Hospital(custodian.clone()),
        };
        let facts = self.facts(cx.now, &cx.actor, &subject).await?;
        Ok(words(cx, custodian, patient, &facts))
    }
}

fn words(cx: &Cx, custodian: &HospitalId, patient: Option<&ResourceId>, facts: &Facts) -> String {
    let Some(own) = &cx.actor.hospital else {
        return "own record".into();
    };
    let now = cx.now;
    let in_force = |from, until| from <= now && now < until;
    // The grant a share of this patient uses; without a share, any grant between the two.
    let shared = facts
        .shares
        .iter()
        .find(|s| s.grantee == *own && Some(&s.patient) == patient && in_force(s.from, s.until));
    let grant = facts.grants.iter().find(|g| {
        g.custodian == *custodian
            && g.grantee == *own
            && in_force(g.from, g.until)
            && shared.is_none_or(|s| s.agreement == g.agreement)
    });
    let Some(grant) = grant else {
        return "no agreement in force".into();
    };
    let mut text = format!("agreement {} clause {}", grant.agreement, grant.clause);
    if let Some(case) = shared.map(|s| &s.case) {
        text.push_str(&format!("; case {case}"));
    }
    if !grant.needs_consent {
        return text;
    }
    let consent = facts.consents.iter().find(|c| {
        Some(&c.patient) == patient
            && c.grantee.as_ref().is_none_or(|g| g == own)
            && in_force(c.from, c.until)
            && (c.across_border || !grant.crosses_border)
    });
    let emergency = facts.emergencies.iter().any(|e| {
        e.account == cx.actor.account && Some(&e.patient) == patient && in_force(e.from, e.until)
    });
    match consent {
        Some(c) => text.push_str(&format!("; consent {}", c.consent)),
        None if emergency => text.push_str("; break-glass"),
        None => {}
    }
    text
}

/// The clause number in a ground written by [`words`], if it names this agreement.
pub(crate) fn clause_in(ground: &str, agreement: &ResourceId) -> Option<u16> {
    let rest = ground.strip_prefix(&format!("agreement {agreement} clause "))?;
    rest.split(';').next()?.trim().parse().ok()
}

impl App {
    /// Decides one read and says why, as the reader or for an administrator's question.
    pub async fn why_read(&self, cx: &Cx, entry: PolicyEntry) -> Result<Vec<Reason>, AppError> {
        let decision = self
            .decide(cx, agreements::Action::ReadRecord, Subject::Entry(entry))
            .await?;
        Ok(decision.reasons)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ground_names_its_clause() {
        let a = ResourceId::new("a1").unwrap();
        let text = "agreement a1 clause 3; case k1; consent c1";
        assert_eq!(clause_in(text, &a), Some(3));
        assert_eq!(clause_in("agreement a12 clause 3", &a), None);
    }
}
