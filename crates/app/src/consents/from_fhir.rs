//! A FHIR write of a Consent is a command on the consent, or is refused.

use agreements::consent::{Basis, ConsentState, Relation, fhir};
use kernel::ResourceId;
use serde_json::Value;

use super::ConsentDraft;
use crate::agreements::FhirWrite;
use crate::{App, AppError, Cx};

impl App {
    /// Carries out the command a Consent stands for, at the hospital acted for, and answers the consent's id.
    pub async fn consent_from_fhir(
        &self,
        cx: &Cx,
        write: FhirWrite,
        bytes: &[u8],
    ) -> Result<ResourceId, AppError> {
        let custodian = cx.hospital()?.clone();
        let id = match write {
            FhirWrite::Delete(_) => {
                let text = "a Consent is withdrawn (status inactive), never deleted";
                return Err(AppError::NotAllowed(text.into()));
            }
            FhirWrite::Create => None,
            FhirWrite::Update(id) => Some(id),
        };
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
            return self.record_consent(cx, draft).await;
        };
        let current = self.consent(cx, &custodian, &id).await?;
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
                self.withdraw_consent(cx, &custodian, &id, relation, None)
                    .await?;
                Ok(id)
            }
            _ => Err(AppError::invalid(
                "Consent.status",
                "consent-status",
                "only active to inactive is a command",
            )),
        }
    }
}
