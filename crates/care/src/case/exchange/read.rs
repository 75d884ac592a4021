//! From a FHIR write to the command it stands for. What no command stands for is refused: a state cannot be written,
//! only reached.

use std::collections::BTreeSet;
use std::str::FromStr;

use fhir::json::Json;
use kernel::{AccountId, HospitalId, Kind, Phi, ResourceId};

use super::super::{Case, CloseReason, Command, DeclineReason, Edit, RecordItem, Status, Urgency};
use super::{ACCOUNT, AGREEMENT, HOSPITAL, REASON, RECORD_CLASS, SERVICE, SPECIALTY, STATUS};

/// What a write stands for. Commands that need more than the resource says are named for the use case to complete.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    Do(Box<Command>),
    /// Save what is asked, then send it under the agreement's present terms.
    EditAndSend(Box<Edit>),
    Edit(Box<Edit>),
    Send,
    /// Give it to this account, whose role the use case looks up.
    Allocate(AccountId),
    /// The write changes nothing.
    Nothing,
}

/// Why a write is no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{expression}: {text}")]
pub struct Forged {
    /// FHIRPath of the element that is refused.
    pub expression: &'static str,
    /// English words without patient data.
    pub text: &'static str,
}

const fn forged(expression: &'static str, text: &'static str) -> Forged {
    Forged { expression, text }
}

fn coded<'a, J: Json<'a>>(concept: Option<J>, system: &str) -> Option<&'a str> {
    concept?
        .list("coding")
        .find(|c| c.str_at("system") == Some(system))
        .and_then(|c| c.str_at("code"))
}

fn identifier<'a, J: Json<'a>>(reference: Option<J>, system: &str) -> Option<&'a str> {
    let id = reference?.get("identifier")?;
    (id.str_at("system") == Some(system))
        .then(|| id.str_at("value"))
        .flatten()
}

fn local<'a>(reference: &'a str, kind: &str) -> Option<&'a str> {
    reference.strip_prefix(kind)?.strip_prefix('/')
}

/// A create (`case` none) or update of a ServiceRequest. Also gives the patient's id.
pub fn read_service_request<'a, J: Json<'a>>(
    case: Option<&Case>,
    resource: J,
) -> Result<(ResourceId, Intent), Forged> {
    let patient = resource
        .get("subject")
        .and_then(|s| s.str_at("reference"))
        .and_then(|r| local(r, "Patient"))
        .and_then(|id| ResourceId::new(id).ok())
        .ok_or(forged(
            "ServiceRequest.subject",
            "a patient of this hospital is needed",
        ))?;
    if case.is_some_and(|c| c.patient != patient) {
        return Err(forged(
            "ServiceRequest.subject",
            "the patient of a case does not change",
        ));
    }
    if resource.str_at("intent") != Some("order") {
        return Err(forged("ServiceRequest.intent", "must be order"));
    }
    let edit = Box::new(edit(resource)?);
    let now = case.map_or("draft", |c| super::request_status(c.status));
    let wanted = resource
        .str_at("status")
        .ok_or(forged("ServiceRequest.status", "is needed"))?;
    let may_edit = case.is_none_or(|c| matches!(c.status, Status::Draft | Status::Declined));
    let intent = match (now, wanted) {
        ("draft", "draft") => Intent::Edit(edit),
        ("draft", "active") => Intent::EditAndSend(edit),
        ("revoked", "active") if may_edit => Intent::EditAndSend(edit),
        ("active", "draft") => Intent::Do(Box::new(Command::TakeBack)),
        ("draft" | "active" | "on-hold", "revoked") => Intent::Do(Box::new(Command::Cancel)),
        (a, b) if a == b => match case {
            Some(case) if !says_the_same(case, &edit) => {
                return Err(forged(
                    "ServiceRequest",
                    "what was sent does not change; take it back first",
                ));
            }
            _ => Intent::Nothing,
        },
        _ => {
            return Err(forged(
                "ServiceRequest.status",
                "this status is reached by acts, not written",
            ));
        }
    };
    Ok((patient, intent))
}

fn says_the_same(case: &Case, edit: &Edit) -> bool {
    let r = &case.request;
    let same = |new: &Option<Phi<String>>, old: &Phi<String>| {
        new.as_ref().map_or("", |t| t.reveal()) == old.reveal()
    };
    same(&edit.question, &r.question)
        && same(&edit.background, &r.background)
        && edit.urgency.is_none_or(|u| r.urgency == Some(u))
        && edit.specialty == r.specialty
        && edit.service == r.service
}

fn edit<'a, J: Json<'a>>(resource: J) -> Result<Edit, Forged> {
    let urgency = match resource.str_at("priority") {
        None => None,
        Some(code) => Some(
            Urgency::from_priority(code)
                .ok_or(forged("ServiceRequest.priority", "not a request priority"))?,
        ),
    };
    let text = |list: &str| {
        resource
            .list(list)
            .find_map(|r| r.str_at("text"))
            .map(|t| Phi::new(t.to_owned()))
    };
    let answering = resource
        .list("performer")
        .find_map(|p| identifier(Some(p), HOSPITAL))
        .and_then(|h| HospitalId::new(h).ok());
    let agreement = resource
        .list("extension")
        .find(|e| e.str_at("url") == Some(AGREEMENT))
        .and_then(|e| e.get("valueReference")?.str_at("reference"))
        .and_then(|r| ResourceId::new(local(r, "Contract")?).ok());
    let classes: BTreeSet<String> = resource
        .list("extension")
        .filter(|e| e.str_at("url") == Some(RECORD_CLASS))
        .filter_map(|e| e.str_at("valueCode"))
        .map(str::to_owned)
        .collect();
    let mut items = Vec::new();
    let mut consent = None;
    for reference in resource
        .list("supportingInfo")
        .filter_map(|r| r.str_at("reference"))
    {
        let (kind, id) = reference
            .split_once('/')
            .and_then(|(k, i)| Some((Kind::new(k).ok()?, ResourceId::new(i).ok()?)))
            .ok_or(forged(
                "ServiceRequest.supportingInfo",
                "only entries of this hospital's record can be sent",
            ))?;
        match kind.as_str() {
            "Consent" => consent = Some(id),
            _ => items.push(RecordItem { kind, id }),
        }
    }
    Ok(Edit {
        question: text("reasonCode"),
        background: text("note"),
        urgency,
        service: coded(resource.get("code"), SERVICE).map(str::to_owned),
        specialty: coded(resource.get("performerType"), SPECIALTY).map(str::to_owned),
        partner: answering.zip(agreement),
        items: Some(items),
        classes: Some(classes),
        consent,
        ..Edit::default()
    })
}

/// An update of the Task of a case: the status it asks for names the command.
pub fn read_task<'a, J: Json<'a>>(case: &Case, resource: J) -> Result<Intent, Forged> {
    let focus = resource
        .get("focus")
        .and_then(|f| f.str_at("reference"))
        .and_then(|r| local(r, "ServiceRequest"));
    if focus != Some(case.id.as_str()) {
        return Err(forged("Task.focus", "must be the request of this case"));
    }
    let wanted = resource
        .str_at("status")
        .ok_or(forged("Task.status", "is needed"))?;
    let business = match coded(resource.get("businessStatus"), STATUS) {
        None => None,
        Some(code) => Some(
            Status::from_str(code)
                .map_err(|_| forged("Task.businessStatus", "not a case status"))?,
        ),
    };
    let note = resource
        .list("note")
        .filter_map(|n| n.str_at("text"))
        .last()
        .map_or_else(Phi::default, |t| Phi::new(t.to_owned()));
    let reason = coded(resource.get("statusReason"), REASON);
    if wanted == super::task_status(case.status) {
        return same_status(case, resource, business, note, reason);
    }
    let command = match wanted {
        "requested" if case.status == Status::MoreInformation => Command::SupplyMore {
            text: note,
            items: Vec::new(),
            classes: BTreeSet::new(),
            files: Vec::new(),
        },
        "requested" => return Ok(Intent::Send),
        "draft" => Command::TakeBack,
        "received" => return Ok(Intent::Nothing),
        "accepted" => Command::Accept,
        "rejected" => Command::Decline {
            reason: reason
                .and_then(|r| DeclineReason::from_str(r).ok())
                .ok_or(forged("Task.statusReason", "a coded reason is needed"))?,
            note,
        },
        "on-hold" => Command::AskForMore { text: note },
        "in-progress" => return allocate(resource),
        "cancelled" => Command::Cancel,
        "completed" => {
            return Err(forged(
                "Task.status",
                "a case is answered by a signed opinion, not by its status",
            ));
        }
        _ => return Err(forged("Task.status", "no act leads to this status")),
    };
    Ok(Intent::Do(Box::new(command)))
}

fn allocate<'a, J: Json<'a>>(resource: J) -> Result<Intent, Forged> {
    identifier(resource.get("owner"), ACCOUNT)
        .and_then(|a| AccountId::new(a).ok())
        .map(Intent::Allocate)
        .ok_or(forged("Task.owner", "the consultant's account is needed"))
}

/// `Task.status` stays; the business status or the owner may ask for a step.
fn same_status<'a, J: Json<'a>>(
    case: &Case,
    resource: J,
    business: Option<Status>,
    note: Phi<String>,
    reason: Option<&str>,
) -> Result<Intent, Forged> {
    let wanted = business.unwrap_or(case.status);
    if wanted == case.status {
        let owner = identifier(resource.get("owner"), ACCOUNT);
        let other = owner.is_some_and(|o| case.consultant.as_ref().is_none_or(|c| c.as_str() != o));
        return match case.status {
            Status::Allocated if other => allocate(resource),
            _ => Ok(Intent::Nothing),
        };
    }
    let command = match wanted {
        Status::Read => Command::Read,
        Status::Acted => Command::Act {
            text: note,
            orders: Vec::new(),
        },
        Status::Closed => Command::Close {
            reason: reason
                .and_then(|r| CloseReason::from_str(r).ok())
                .ok_or(forged("Task.statusReason", "a coded reason is needed"))?,
        },
        _ => {
            return Err(forged(
                "Task.businessStatus",
                "this status is reached by acts, not written",
            ));
        }
    };
    Ok(Intent::Do(Box::new(command)))
}

/// A created Communication: the case it belongs to (base address and id of the ServiceRequest) and its text.
pub fn message<'a, J: Json<'a>>(resource: J) -> Result<(String, Phi<String>), Forged> {
    let case = resource
        .list("basedOn")
        .find_map(|b| b.str_at("reference"))
        .filter(|r| r.contains("ServiceRequest/"))
        .ok_or(forged(
            "Communication.basedOn",
            "the request of a case is needed",
        ))?;
    let text: Vec<_> = resource
        .list("payload")
        .filter_map(|p| p.str_at("contentString"))
        .collect();
    if text.is_empty() {
        return Err(forged("Communication.payload", "a text is needed"));
    }
    Ok((case.to_owned(), Phi::new(text.join("\n\n"))))
}
