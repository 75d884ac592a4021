//! A FHIR write of a Contract is a command on the agreement, or is refused.

use agreements::Role;
use agreements::agreement::{Agreement, Party, Standing, contract};
use kernel::{HospitalId, Kind, RecordKey, ResourceId};
use serde_json::Value;

use super::AgreementAct;
use crate::error::FieldProblem;
use crate::{App, AppError, Cx};

impl App {
    /// Carries out the command a Contract stands for. Signing is done by a person on the page alone, after authenticating
    /// again. Without an id an agreement is drafted.
    pub(crate) async fn fhir_write_contract(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        id: Option<&ResourceId>,
        bytes: &[u8],
    ) -> Result<RecordKey, AppError> {
        // Asked here and not only by the command, so that a write that changes nothing is refused all the same.
        if cx.require(Role::Administrator)? != hospital {
            return Err(AppError::denied("other-hospital"));
        }
        let resource = parse(bytes)?;
        let key = |id| Ok(RecordKey::new(hospital.clone(), Kind::new("Contract")?, id));
        if let Some(id) = id {
            self.contract_update(cx, id, &resource).await?;
            return key(id.clone());
        }
        let status = status(&resource);
        if !matches!(status, "negotiable" | "offered") {
            return Err(AppError::invalid(
                "Contract.status",
                "contract-status",
                "a new Contract is negotiable or offered",
            ));
        }
        let id = self.draft_agreement(cx, self.terms_of(&resource)?).await?;
        if status == "offered" {
            self.agreement_act(cx, &id, AgreementAct::Propose).await?;
        }
        key(id)
    }

    async fn contract_update(
        &self,
        cx: &Cx,
        id: &ResourceId,
        resource: &Value,
    ) -> Result<(), AppError> {
        let a = self.own_agreement(cx, id).await?.doc;
        let standing = a.standing(cx.now);
        let reason = || {
            resource
                .get("legalState")
                .and_then(|l| l.get("text"))
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let before = matches!(
            standing,
            Standing::Draft | Standing::Proposed | Standing::Signed
        );
        match (status(resource), standing) {
            ("negotiable" | "offered", _) if before => {
                let terms = self.terms_of(resource)?;
                if terms != a.terms {
                    let edit = AgreementAct::Edit(Box::new(terms));
                    self.agreement_act(cx, id, edit).await?;
                }
                let drafted = self.own_agreement(cx, id).await?.doc;
                let offer = status(resource) == "offered";
                if offer && drafted.standing(cx.now) == Standing::Draft {
                    self.agreement_act(cx, id, AgreementAct::Propose).await?;
                }
                Ok(())
            }
            (wanted, _) => {
                self.unchanged(&a, resource)?;
                let act = match (wanted, standing) {
                    ("cancelled", _) => AgreementAct::Withdraw { reason: reason() },
                    ("disputed", _) => AgreementAct::Suspend { reason: reason() },
                    ("executed", Standing::Suspended) => AgreementAct::Resume,
                    ("terminated", _) if a.notice.is_none() => {
                        AgreementAct::GiveNotice { reason: reason() }
                    }
                    ("terminated", _) => AgreementAct::End { reason: reason() },
                    _ => {
                        return Err(AppError::invalid(
                            "Contract.status",
                            "contract-status",
                            "this change of status is not a command; signing is done by a person",
                        ));
                    }
                };
                self.agreement_act(cx, id, act).await
            }
        }
    }

    /// Beside the status nothing may change in what was proposed or signed.
    fn unchanged(&self, a: &Agreement, resource: &Value) -> Result<(), AppError> {
        if self.terms_of(resource)? == a.terms {
            return Ok(());
        }
        Err(AppError::invalid(
            "Contract.term",
            "contract-terms",
            "terms are changed before the agreement is in force",
        ))
    }

    fn terms_of(&self, resource: &Value) -> Result<agreements::agreement::Terms, AppError> {
        let language = resource
            .get("language")
            .and_then(Value::as_str)
            .unwrap_or("en");
        let party = |id: &HospitalId| {
            let hospital = self.hospital(id)?;
            Some(Party {
                hospital: id.clone(),
                name: hospital.name(language).to_owned(),
                jurisdiction: hospital.jurisdiction.clone(),
            })
        };
        contract::from_fhir(resource, &party).map_err(|p| unreadable(&p))
    }
}

fn parse(bytes: &[u8]) -> Result<Value, AppError> {
    serde_json::from_slice(bytes).map_err(|_| AppError::Malformed("not JSON".into()))
}

fn status(resource: &Value) -> &str {
    resource
        .get("status")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A problem of reading, as the field problem of a FHIR element.
pub(crate) fn unreadable(p: &agreements::ReadProblem) -> AppError {
    AppError::Invalid(vec![FieldProblem::new(
        p.expression.clone(),
        "element",
        p.text,
    )])
}
