//! Those who act for a patient: how long, and within which limits.
//!
//! A parent's or guardian's link to a child ends when the child comes of age by the law of the hospital that keeps the
//! record. What a link opens is decided where everything is decided: in the permit.

use agreements::ActorKind;
use agreements::consent::comes_of_age;
use kernel::{HospitalId, Instant, Phi, RecordKey, ResourceId};

use crate::accounts::model::{LinkLimit, PatientLink, Relation};
use crate::{App, AppError, Cx};

/// A record that the signed-in patient's account sees, and as what.
#[derive(Debug, Clone)]
pub struct MyRecord {
    pub hospital: HospitalId,
    pub patient: ResourceId,
    pub relation: Relation,
    pub limits: Vec<LinkLimit>,
    pub until: Option<Instant>,
    /// Whose record it is.
    pub name: Phi<String>,
}

impl MyRecord {
    pub fn consents(&self) -> bool {
        self.relation == Relation::Oneself || !self.limits.contains(&LinkLimit::NoConsent)
    }
}

impl App {
    /// The link as it may be given: a minor's parent or guardian loses it on the day the child comes of age, and an
    /// adult has no link by parenthood alone.
    pub(crate) async fn proxy_link(
        &self,
        cx: &Cx,
        mut link: PatientLink,
    ) -> Result<PatientLink, AppError> {
        if link.relation == Relation::Oneself {
            link.limits.clear();
            return Ok(link);
        }
        if !matches!(link.relation, Relation::Parent | Relation::Guardian) {
            return Ok(link);
        }
        let facts = self
            .patient_facts(cx, &link.hospital, &link.patient)
            .await?;
        let of_age = comes_of_age(&facts, &self.zone_of(&link.hospital));
        match of_age {
            Some(at) if at > cx.now => {
                link.valid.until = Some(link.valid.until.map_or(at, |until| until.min(at)));
            }
            // A guardian of an adult was appointed by somebody; a parent was not.
            Some(_) if link.relation == Relation::Parent => {
                let text = "the patient is of age; the patient names a proxy";
                return Err(AppError::invalid("relation", "proxy-of-age", text));
            }
            Some(_) => {}
            None if link.valid.until.is_none() => {
                let text = "the birth date is not known: give the last day";
                return Err(AppError::invalid("until", "proxy-until", text));
            }
            None => {}
        }
        if link.valid.until.is_some_and(|until| until <= cx.now) {
            let text = "ends before it begins";
            return Err(AppError::invalid("until", "dates", text));
        }
        Ok(link)
    }

    /// The records this patient's account sees now, in what relation and until when; one's own first.
    pub async fn my_records(&self, cx: &Cx) -> Result<Vec<MyRecord>, AppError> {
        if cx.actor.kind != ActorKind::Patient {
            return Err(AppError::denied("patient-only"));
        }
        let account = self
            .load_account(&cx.actor.account)
            .await?
            .ok_or(AppError::Unauthenticated)?;
        let mut records = Vec::new();
        for link in account.doc.patients {
            if !link.valid.holds(cx.now) {
                continue;
            }
            let key = RecordKey::parse(link.hospital.as_str(), "Patient", link.patient.as_str())?;
            let stored = self.store.get(&cx.permit(), &key, None).await?;
            let name = stored
                .and_then(|s| serde_json::from_slice(s.body.reveal()).ok())
                .map(|v: serde_json::Value| fhir::views::Patient::from_value(&v))
                .and_then(|p| p.native_name().or_else(|| p.latin_name()))
                .unwrap_or_default();
            records.push(MyRecord {
                hospital: link.hospital,
                patient: link.patient,
                relation: link.relation,
                limits: link.limits,
                until: link.valid.until,
                name: Phi::new(name),
            });
        }
        records.sort_by_key(|r| r.relation != Relation::Oneself);
        Ok(records)
    }
}
