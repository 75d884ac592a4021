//! FHIR writes of a case's resources: each is the command it stands for, or is refused.

use care::case::Command;
use care::case::exchange::{self, Forged, Intent};
use fhir::raw;
use fhir::reference::{Parsed, hospital_of_base, parse as parse_reference};
use kernel::{HospitalId, Phi, RecordKey, ResourceId};

use super::act::CaseAct;
use crate::{App, AppError, Cx};

/// What a FHIR write of a case's resource asks for, read from its bytes.
enum Asked {
    New {
        patient: ResourceId,
        intent: Intent,
    },
    On {
        intent: Intent,
    },
    Message {
        hospital: HospitalId,
        case: ResourceId,
        text: Phi<String>,
    },
}

impl From<Forged> for AppError {
    fn from(f: Forged) -> Self {
        Self::invalid(f.expression, "forged", f.text)
    }
}

impl App {
    /// A create (`id` none) of a ServiceRequest or Communication, or an update of a ServiceRequest or Task, at
    /// `hospital`. Returns the FHIR resource's key.
    pub async fn fhir_write_case(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        kind: &str,
        id: Option<&ResourceId>,
        bytes: &[u8],
    ) -> Result<RecordKey, AppError> {
        let case_key = id.map(|id| self.case_key(hospital, id));
        let existing = match &case_key {
            Some(key) => Some(self.case_doc(cx, key).await?),
            None => None,
        };
        let case = existing.as_ref().map(|d| &d.doc.case);
        let asked = {
            let doc = raw::parse(bytes).map_err(|e| AppError::Malformed(e.to_string()))?;
            let root = doc.root();
            match (kind, case) {
                ("ServiceRequest", None) => {
                    let (patient, intent) = exchange::read_service_request(None, root)?;
                    Asked::New { patient, intent }
                }
                ("ServiceRequest", Some(case)) => {
                    let (_, intent) = exchange::read_service_request(Some(case), root)?;
                    Asked::On { intent }
                }
                ("Task", Some(case)) => Asked::On {
                    intent: exchange::read_task(case, root)?,
                },
                ("Communication", None) => {
                    let (request, text) = exchange::message(root)?;
                    let (hospital, case) = self.case_of_reference(hospital, &request)?;
                    Asked::Message {
                        hospital,
                        case,
                        text,
                    }
                }
                _ => {
                    return Err(AppError::NotAllowed(format!(
                        "{kind} of a case is written by its acts"
                    )));
                }
            }
        };
        match asked {
            Asked::New { patient, intent } => {
                // Drafts are begun for the hospital acted for, whatever address the write came to.
                if cx.hospital()? != hospital {
                    return Err(AppError::denied("other-hospital"));
                }
                let key = self.start_case(cx, &patient).await?;
                if let Err(e) = self.carry_out(cx, &key, intent).await {
                    // The write is refused as a whole: no draft is left behind.
                    self.case_act(cx, &key, CaseAct::Cancel).await?;
                    return Err(e);
                }
                Ok(fhir_key(&key, kind))
            }
            Asked::On { intent } => {
                let key = case_key.ok_or(AppError::NotFound)?;
                self.carry_out(cx, &key, intent).await?;
                Ok(fhir_key(&key, kind))
            }
            Asked::Message {
                hospital,
                case,
                text,
            } => {
                let key = self.case_key(&hospital, &case);
                let id = self.write_message(cx, &key, text, &[]).await?;
                Ok(RecordKey::new(hospital, crate::records::kind(kind), id))
            }
        }
    }

    /// The case a Communication belongs to.
    fn case_of_reference(
        &self,
        hospital: &HospitalId,
        reference: &str,
    ) -> Result<(HospitalId, ResourceId), AppError> {
        let unknown = || AppError::invalid("Communication.basedOn", "unknown-case", "no such case");
        match parse_reference(reference) {
            Parsed::Relative {
                kind: "ServiceRequest",
                id,
                ..
            } => Ok((hospital.clone(), ResourceId::new(id)?)),
            Parsed::Absolute {
                base,
                kind: "ServiceRequest",
                id,
                ..
            } => {
                let (node, at) = hospital_of_base(base).ok_or_else(unknown)?;
                if node != format!("{}/fhir", self.settings.base_url) {
                    return Err(unknown());
                }
                Ok((HospitalId::new(at)?, ResourceId::new(id)?))
            }
            _ => Err(unknown()),
        }
    }

    async fn carry_out(&self, cx: &Cx, key: &RecordKey, intent: Intent) -> Result<(), AppError> {
        let act = match intent {
            Intent::Nothing => return Ok(()),
            Intent::Edit(edit) => CaseAct::Edit(edit),
            Intent::EditAndSend(edit) => {
                self.case_act(cx, key, CaseAct::Edit(edit)).await?;
                CaseAct::Send
            }
            Intent::Send => CaseAct::Send,
            Intent::Allocate(consultant) => CaseAct::Allocate { consultant },
            Intent::Do(command) => act_of(*command)?,
        };
        self.case_act(cx, key, act).await.map(drop)
    }
}

fn fhir_key(case: &RecordKey, kind: &str) -> RecordKey {
    RecordKey::new(
        case.hospital.clone(),
        crate::records::kind(kind),
        case.id.clone(),
    )
}

fn act_of(command: Command) -> Result<CaseAct, AppError> {
    Ok(match command {
        Command::TakeBack => CaseAct::TakeBack,
        Command::AskForMore { text } => CaseAct::AskForMore { text },
        Command::SupplyMore {
            text,
            items,
            classes,
            files,
        } => CaseAct::SupplyMore {
            text,
            items,
            classes,
            files,
        },
        Command::Accept => CaseAct::Accept,
        Command::Decline { reason, note } => CaseAct::Decline { reason, note },
        Command::Read => CaseAct::Read,
        Command::Act { text, orders } => CaseAct::Act { text, orders },
        Command::Close { reason } => CaseAct::Close { reason },
        Command::Cancel => CaseAct::Cancel,
        other => {
            return Err(AppError::NotAllowed(format!(
                "{} has no FHIR write",
                other.word()
            )));
        }
    })
}
