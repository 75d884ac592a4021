//! A FHIR write of a Consent is a command on the consent, or is refused.

use agreements::ActorKind;
use agreements::consent::{Basis, ConsentState, Relation, fhir};
use kernel::{HospitalId, Kind, RecordKey, ResourceId};
use serde_json::Value;

use super::ConsentDraft;
use crate::{App, AppError, Cx};

impl App {
    /// Carries out the command a Consent stands for: records one, or withdraws the one with this id.
    pub(crate) async fn fhir_write_consent(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        id: Option<&ResourceId>,
        bytes: &[u8],
    ) -> Result<RecordKey, AppError> {
        if cx.actor.kind == ActorKind::Staff && cx.hospital()? != hospital {
            return Err(AppError::denied("other-hospital"));
        }
        let custodian = hospital.clone();
        let key = |id| Ok(RecordKey::new(hospital.clone(), Kind::new("Consent")?, id));
        let resource: Value =
            serde_json::from_slice(bytes).map_err(|_| AppError::Malformed("not JSON".into()))?;
        let read = fhir::from_fhir(&resource).map_err(|p| crate::agreements::unreadable(&p))?;
        let patient = ResourceId::new(&read.patient)?;
        let Some(id) = id else {
            if !read.active {
                let text = "a new Consent is active or proposed";
                return Err(AppError::invalid("Consent.status", "consent-status", text));
            }
            let draft = ConsentDraft {
                custodian,
                patient,
                basis: read.basis,
                scope: read.scope,
                from: read.from,
                until: read.until,
            };
            return key(self.record_consent(cx, draft).await?);
        };
        let current = self.consent(cx, &custodian, id).await?;
        let same = current.patient == patient && current.scope == read.scope;
        if !same {
            let text = "a Consent is not changed: withdraw it and record a new one";
            return Err(AppError::invalid(
                "Consent.provision",
                "consent-changed",
                text,
            ));
        }
        match (read.active, current.state(cx.now)) {
            (false, ConsentState::InForce | ConsentState::NotYet) => {
                let relation = match read.basis {
                    Basis::Given(g) => g.relation,
                    Basis::Emergency(_) => Relation::Patient,
                };
                self.withdraw_consent(cx, &custodian, id, relation, None)
                    .await?;
                key(id.clone())
            }
            _ => Err(AppError::invalid(
                "Consent.status",
                "consent-status",
                "only active to inactive is a command",
            )),
        }
    }
}
