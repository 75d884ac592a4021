//! From a case to FHIR.

use kernel::{AccountId, HospitalId, Instant, ResourceId};
use serde_json::{Value, json};

use super::super::{Case, Status, Urgency};
use super::{
    ACCOUNT, AGREEMENT, HOSPITAL, NUMBER, REASON, RECORD_CLASS, SERVICE, SPECIALTY, STATUS,
    request_status, task_status,
};

/// Where hospitals are served: references across hospitals are absolute.
#[derive(Debug, Clone, Copy)]
pub struct Urls<'a> {
    /// Without a trailing slash; `/fhir/{hospital}` follows.
    pub base: &'a str,
}

impl Urls<'_> {
    fn at(&self, hospital: &HospitalId, kind: &str, id: &ResourceId) -> String {
        format!("{}/fhir/{hospital}/{kind}/{id}", self.base)
    }
}

fn account(account: &AccountId) -> Value {
    json!({"type": "Practitioner", "identifier": {"system": ACCOUNT, "value": account.as_str()}})
}

fn hospital(id: &HospitalId) -> Value {
    json!({"type": "Organization", "identifier": {"system": HOSPITAL, "value": id.as_str()}})
}

fn set(object: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(map), Some(value)) = (object.as_object_mut(), value) {
        map.insert(name.to_owned(), value);
    }
}

fn list(items: Vec<Value>) -> Option<Value> {
    (!items.is_empty()).then_some(Value::Array(items))
}

/// What was begun and given up before anybody outside saw it stays among staff, as a draft does (v3-ActCode `NOPAT`).
fn withhold(case: &Case, out: &mut Value) {
    if case.sent.is_none() && case.status != Status::Draft {
        let system = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
        out["meta"] = json!({"security": [{"system": system, "code": "NOPAT"}]});
    }
}

/// The question (R4 §12.1). Lies at the referring hospital under the id of the case.
pub fn service_request(case: &Case) -> Value {
    let r = &case.request;
    let urgency = r.urgency.unwrap_or(Urgency::Routine);
    let mut out = json!({
        "resourceType": "ServiceRequest",
        "id": case.id.as_str(),
        "identifier": [{"system": NUMBER, "value": case.number}],
        "status": request_status(case.status),
        "intent": "order",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "11429006", "display": "Consultation"}]}],
        "priority": urgency.priority(),
        "subject": {"reference": format!("Patient/{}", case.patient)},
        "authoredOn": case.sent.unwrap_or(case.created).to_string(),
        "requester": account(&case.referrer),
    });
    let coded = |system: &str, code: &str| json!({"coding": [{"system": system, "code": code}]});
    set(
        &mut out,
        "code",
        r.service.as_ref().map(|code| coded(SERVICE, code)),
    );
    set(
        &mut out,
        "performerType",
        r.specialty.as_ref().map(|code| coded(SPECIALTY, code)),
    );
    set(
        &mut out,
        "performer",
        r.answering.as_ref().map(|h| json!([hospital(h)])),
    );
    let texts = [r.question.reveal(), r.background.reveal()];
    let reasons = texts
        .iter()
        .take(1)
        .filter(|t| !t.is_empty())
        .map(|t| json!({"text": t}))
        .collect();
    set(&mut out, "reasonCode", list(reasons));
    let notes = texts
        .iter()
        .skip(1)
        .filter(|t| !t.is_empty())
        .map(|t| json!({"text": t}))
        .collect();
    set(&mut out, "note", list(notes));
    let items = r
        .items
        .iter()
        .map(|i| json!({"reference": format!("{}/{}", i.kind, i.id)}))
        .chain(
            r.files
                .iter()
                .map(|f| json!({"reference": format!("DocumentReference/{}", f.id)})),
        )
        .chain(
            r.consent
                .iter()
                .map(|c| json!({"reference": format!("Consent/{c}")})),
        )
        .collect();
    set(&mut out, "supportingInfo", list(items));
    let extensions = r
        .agreement
        .iter()
        .map(
            |a| json!({"url": AGREEMENT, "valueReference": {"reference": format!("Contract/{a}")}}),
        )
        .chain(
            r.classes
                .iter()
                .map(|c| json!({"url": RECORD_CLASS, "valueCode": c})),
        )
        .collect();
    set(&mut out, "extension", list(extensions));
    withhold(case, &mut out);
    out
}

/// The hand-over (R4 §12.8). Lies at the referring hospital under the id of the case.
pub fn task(case: &Case, urls: Urls<'_>) -> Value {
    let urgency = case.request.urgency.unwrap_or(Urgency::Routine);
    let mut out = json!({
        "resourceType": "Task",
        "id": case.id.as_str(),
        "identifier": [{"system": NUMBER, "value": case.number}],
        "basedOn": [{"reference": format!("ServiceRequest/{}", case.id)}],
        "status": task_status(case.status),
        "businessStatus": {"coding": [{"system": STATUS, "code": case.status.as_str()}]},
        "intent": "order",
        "priority": urgency.priority(),
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
        "focus": {"reference": format!("ServiceRequest/{}", case.id)},
        "for": {"reference": format!("Patient/{}", case.patient)},
        "authoredOn": case.created.to_string(),
        "lastModified": case.since.to_string(),
        "requester": account(&case.referrer),
    });
    let reason = match (&case.declined, &case.suspended, case.closed) {
        (_, Some(s), _) => Some(s.reason.as_str()),
        (_, _, Some(c)) => Some(c.as_str()),
        (Some(d), _, _) if case.status == Status::Declined => Some(d.reason.as_str()),
        _ => None,
    };
    set(
        &mut out,
        "statusReason",
        reason.map(|code| json!({"coding": [{"system": REASON, "code": code}]})),
    );
    let owner = case.owner().map(|o| match o.account() {
        Some(a) => account(a),
        None => hospital(o.hospital()),
    });
    set(&mut out, "owner", owner);
    let due = case
        .clock
        .as_ref()
        .map(|c| json!({"period": {"start": c.started.to_string(), "end": c.at_percent(100).to_string()}}));
    set(&mut out, "restriction", due);
    let answers = case
        .answers
        .iter()
        .filter(|a| a.issued.is_some())
        .map(|a| {
            json!({
                "type": {"coding": [{"system": STATUS, "code": if a.addendum_to.is_some() { "addendum" } else { "opinion" }}]},
                "valueReference": {"reference": urls.at(&a.hospital, "Bundle", &a.opinion)}
            })
        })
        .collect();
    set(&mut out, "output", list(answers));
    withhold(case, &mut out);
    out
}

/// A message in a case (R4 §12.7). Lies at the hospital of whoever wrote it. `about` is the step it belongs to.
pub fn communication(
    case: &Case,
    id: &ResourceId,
    by: (&AccountId, &HospitalId, &str),
    (text, files): (&str, &[ResourceId]),
    about: &str,
    at: Instant,
    urls: Urls<'_>,
) -> Value {
    let (sender, at_hospital, name) = by;
    let own = *at_hospital == case.hospital;
    let refer = |kind: &str, id: &ResourceId| {
        if own {
            format!("{kind}/{id}")
        } else {
            urls.at(&case.hospital, kind, id)
        }
    };
    let mut from = account(sender);
    set(&mut from, "display", Some(json!(name)));
    let payload: Vec<Value> =
        [text]
            .iter()
            .filter(|t| !t.is_empty())
            .map(|t| json!({"contentString": t}))
            .chain(files.iter().map(
                |f| json!({"contentReference": {"reference": format!("DocumentReference/{f}")}}),
            ))
            .collect();
    let mut out = json!({
        "resourceType": "Communication",
        "id": id.as_str(),
        "meta": {"tag": [{"system": NUMBER, "code": case.number}]},
        "basedOn": [{"reference": refer("ServiceRequest", &case.id)}],
        "status": "completed",
        "category": [{"coding": [{"system": STATUS, "code": about}]}],
        "subject": {"reference": refer("Patient", &case.patient)},
        "sent": at.to_string(),
        "sender": from,
    });
    set(&mut out, "payload", list(payload));
    out
}
