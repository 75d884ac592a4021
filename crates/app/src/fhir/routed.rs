//! The registry of types that are concepts of Karez: a FHIR write of one is that concept's command, or is refused.
//! Nothing here decides; it says who does.

use agreements::SystemPurpose;
use bytes::Bytes;
use fhir::capability::Interactions;
use fhir::json::Json;
use fhir::raw::{self, Node};
use fhir::reference::{self, Parsed};
use kernel::{HospitalId, RecordKey, ResourceId};

use super::check::{self, unreadable};
use crate::{App, AppError, Cx};

/// A concept that takes FHIR writes as commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Concept {
    /// A referral for an opinion: ServiceRequest, Task, and Communication within it.
    Case,
    /// Imaging that is asked for: ServiceRequest of category imaging.
    Order,
    Consent,
    /// Contract
    Agreement,
}

/// What becomes of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// It is stored as it came.
    Plain,
    Command(Concept),
}

/// Why a type is not written through FHIR.
fn refused(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "AuditEvent" => "the audit is written by Karez alone",
        "Provenance" => "a signature is made by signing, not written",
        "Composition" => "a report is signed in its case, or imported with its document",
        "Appointment" | "AppointmentResponse" | "Slot" | "Schedule" => {
            "appointments are not kept here yet"
        }
        "CapabilityStatement" | "OperationOutcome" | "Parameters" => {
            "this type is answered, not stored"
        }
        _ => return None,
    })
}

/// The rule for a write of this type with this content.
pub(super) fn rule(kind: &str, body: &[u8]) -> Result<Rule, AppError> {
    if let Some(why) = refused(kind) {
        return Err(AppError::NotAllowed(format!("{kind}: {why}")));
    }
    let command = match kind {
        "Task" => Concept::Case,
        "Consent" => Concept::Consent,
        "Contract" => Concept::Agreement,
        "ServiceRequest" | "Communication" | "Bundle" => {
            let doc = raw::parse(body).map_err(|e| unreadable(kind, &e))?;
            return by_content(kind, doc.root());
        }
        _ => return Ok(Rule::Plain),
    };
    Ok(Rule::Command(command))
}

fn by_content(kind: &str, root: Node<'_>) -> Result<Rule, AppError> {
    if kind == "ServiceRequest" {
        let codings = root.list("category").flat_map(|c| c.list("coding"));
        let imaging = codings.into_iter().any(|c| {
            let system = c.str_at("system").unwrap_or_default();
            crate::imaging::orders::is_imaging(system, c.str_at("code").unwrap_or_default())
        });
        let concept = if imaging {
            Concept::Order
        } else {
            Concept::Case
        };
        return Ok(Rule::Command(concept));
    }
    if kind == "Communication" {
        let in_case = local_requests(root).next().is_some();
        return Ok(if in_case {
            Rule::Command(Concept::Case)
        } else {
            Rule::Plain
        });
    }
    match root.str_at("type") {
        Some("document") => Err(AppError::invalid(
            "Bundle.type",
            "business-rule",
            "a document is signed in its case, or brought in by import",
        )),
        Some("batch" | "transaction") => Err(AppError::invalid(
            "Bundle.type",
            "business-rule",
            "a batch or transaction is posted to the base address",
        )),
        _ => Ok(Rule::Plain),
    }
}

/// Ids of requests of this hospital that the resource is based on.
fn local_requests<'a>(root: Node<'a>) -> impl Iterator<Item = &'a str> {
    root.list("basedOn")
        .filter_map(|r| match reference::parse(r.str_at("reference")?) {
            Parsed::Relative {
                kind: "ServiceRequest",
                id,
                ..
            }
            | Parsed::Absolute {
                kind: "ServiceRequest",
                id,
                ..
            } => Some(id),
            _ => None,
        })
}

/// A frozen document.
pub(super) fn is_document(kind: &str, root: Node<'_>) -> bool {
    kind == "Bundle" && root.str_at("type") == Some("document")
}

/// Concepts end by their own acts; they are not deleted.
pub(super) fn refuses_delete(kind: &str) -> Option<AppError> {
    let why = match kind {
        "ServiceRequest" | "Task" => "a case is cancelled or closed, not deleted",
        "Consent" => "a consent is withdrawn, not deleted",
        "Contract" => "an agreement is ended, not deleted",
        _ => refused(kind)?,
    };
    Some(AppError::NotAllowed(format!("{kind}: {why}")))
}

/// What the CapabilityStatement says of writing a type.
pub fn interactions(kind: &str) -> Interactions {
    if let Some(why) = refused(kind) {
        return Interactions {
            note: Some(format!("Read only: {why}.")),
            ..Interactions::default()
        };
    }
    let note = match kind {
        "ServiceRequest" | "Task" => {
            "A write is a command of the case it belongs to; one that is no command is refused. A ServiceRequest of category imaging is an order: created active, changed or revoked while no study has come of it."
        }
        "Consent" => "A write records a consent, or withdraws one.",
        "Contract" => {
            "A write drafts, edits, proposes, suspends, resumes or ends an agreement; signing is done on the pages."
        }
        "Communication" => "Based on a case's ServiceRequest it is a message in that case.",
        "Bundle" => "Collections; documents come in by import, batches go to the base address.",
        _ => {
            return Interactions {
                create: true,
                update: true,
                delete: true,
                note: None,
            };
        }
    };
    let delete = refuses_delete(kind).is_none();
    let create = kind != "Task";
    Interactions {
        create,
        update: true,
        delete,
        note: Some(note.to_owned()),
    }
}

impl App {
    /// Refuses a report that passes for the answer to a case: answers are signed there.
    pub(super) async fn not_an_answer(
        &self,
        hospital: &HospitalId,
        kind: &str,
        body: &[u8],
    ) -> Result<(), AppError> {
        if kind != "DiagnosticReport" {
            return Ok(());
        }
        let requests: Vec<String> = {
            let doc = raw::parse(body).map_err(|e| unreadable(kind, &e))?;
            local_requests(doc.root()).map(str::to_owned).collect()
        };
        let permit = self.system(SystemPurpose::Decision);
        for id in requests {
            let Ok(case) = RecordKey::parse(hospital.as_str(), "case", &id) else {
                continue;
            };
            if self.store.get(&permit, &case, None).await?.is_some() {
                return Err(AppError::invalid(
                    "DiagnosticReport.basedOn",
                    "business-rule",
                    "the answer to a case is signed in the case",
                ));
            }
        }
        Ok(())
    }

    /// Hands a write at `hospital` to its concept, which decides who may. Gives the key of what it created or changed.
    pub(super) async fn fhir_command(
        &self,
        cx: &Cx,
        hospital: &HospitalId,
        concept: Concept,
        kind: &str,
        id: Option<&ResourceId>,
        body: &Bytes,
    ) -> Result<RecordKey, AppError> {
        match concept {
            Concept::Case => self.fhir_write_case(cx, hospital, kind, id, body).await,
            Concept::Order => {
                check::unmarked(kind, body)?;
                self.fhir_write_order(cx, hospital, id, body).await
            }
            Concept::Consent => self.fhir_write_consent(cx, hospital, id, body).await,
            Concept::Agreement => self.fhir_write_contract(cx, hospital, id, body).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_concept_has_its_rule() {
        for kind in [
            "AuditEvent",
            "Provenance",
            "Composition",
            "Appointment",
            "Slot",
        ] {
            assert!(
                matches!(rule(kind, b"{}"), Err(AppError::NotAllowed(_))),
                "{kind}"
            );
            assert!(refuses_delete(kind).is_some(), "{kind}");
        }
        for (kind, concept) in [
            ("ServiceRequest", Concept::Case),
            ("Task", Concept::Case),
            ("Consent", Concept::Consent),
            ("Contract", Concept::Agreement),
        ] {
            assert_eq!(rule(kind, b"{}").unwrap(), Rule::Command(concept));
            assert!(refuses_delete(kind).is_some(), "{kind}");
        }
        let order = br#"{"category":[{"coding":[{"system":"http://snomed.info/sct","code":"363679005"}]}]}"#;
        assert_eq!(
            rule("ServiceRequest", order).unwrap(),
            Rule::Command(Concept::Order)
        );
        let message =
            br#"{"resourceType":"Communication","basedOn":[{"reference":"ServiceRequest/1"}]}"#;
        assert_eq!(
            rule("Communication", message).unwrap(),
            Rule::Command(Concept::Case)
        );
        assert_eq!(rule("Communication", b"{}").unwrap(), Rule::Plain);
        assert!(matches!(
            rule("Bundle", br#"{"type":"document"}"#),
            Err(AppError::Invalid(_))
        ));
        assert_eq!(
            rule("Bundle", br#"{"type":"collection"}"#).unwrap(),
            Rule::Plain
        );
        assert_eq!(rule("Observation", b"{}").unwrap(), Rule::Plain);
    }
}
