//! Building audit entries: FHIR R4 AuditEvent after IHE BALP, as the bytes that are chained.

use bytes::Bytes;
use kernel::{HospitalId, Phi, RecordKey, ResourceId};
use serde_json::json;
use store::AuditDraft;

use crate::Cx;
use crate::cx::Channel;

/// What happened, in the words of AuditEvent.action (value set audit-event-action).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    Create,
    Read,
    Update,
    Delete,
    Execute,
}

impl Verb {
    const fn code(self) -> &'static str {
        match self {
            Verb::Create => "C",
            Verb::Read => "R",
            Verb::Update => "U",
            Verb::Delete => "D",
            Verb::Execute => "E",
        }
    }
}

/// One entry before it is chained.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    pub verb: Verb,
    /// Stable word for what was done: `record.read`, `case.sent`, `opinion.signed`, …
    pub action: &'a str,
    /// What it was done to.
    pub subjects: &'a [RecordKey],
    /// The patient concerned, in the record's hospital.
    pub patient: Option<(&'a HospitalId, &'a ResourceId)>,
    /// On which agreement, clause or consent it rested, or why it was denied; words, no patient data.
    pub ground: Option<&'a str>,
    pub denied: bool,
}

impl Cx {
    /// The draft for the chain of `chain`.
    pub fn audit(&self, chain: &HospitalId, entry: &Entry<'_>) -> AuditDraft {
        let mut entities: Vec<_> = entry
            .subjects
            .iter()
            .map(|k| json!({"what": {"reference": format!("{}/{}", k.kind, k.id)}, "detail": [{"type": "custodian", "valueString": k.hospital.as_str()}]}))
            .collect();
        if let Some((hospital, id)) = entry.patient {
            entities.push(json!({
                "what": {"reference": format!("Patient/{id}")},
                "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-entity-type", "code": "1"},
                "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "1"},
                "detail": [{"type": "custodian", "valueString": hospital.as_str()}]
            }));
        }
        let channel = match self.channel {
            Channel::Page => "page",
            Channel::Fhir => "fhir",
            Channel::Job => "job",
            Channel::CommandLine => "command-line",
        };
        let body = json!({
            "resourceType": "AuditEvent",
            "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
            "subtype": [{"system": "urn:karez:action", "code": entry.action}],
            "action": entry.verb.code(),
            "recorded": self.now.to_string(),
            "outcome": if entry.denied { "4" } else { "0" },
            "outcomeDesc": entry.ground,
            "agent": [{
                "who": {"identifier": {"system": "urn:karez:account", "value": self.actor.account.as_str()}, "display": self.name},
                "requestor": true,
                "role": self.actor.roles.iter().map(|r| json!({"coding": [{"system": "urn:karez:role", "code": r.as_str()}]})).collect::<Vec<_>>(),
                "location": self.actor.hospital.as_ref().map(|h| json!({"identifier": {"system": "urn:karez:hospital", "value": h.as_str()}})),
                "network": self.peer.as_ref().map(|p| json!({"address": p, "type": "2"}))
            }],
            "source": {"observer": {"display": "Karez"}, "type": [{"system": "urn:karez:channel", "code": channel}]},
            "entity": entities,
            "extension": [{"url": "urn:karez:request", "valueString": self.request}]
        });
        AuditDraft {
            chain: chain.clone(),
            account: Some(self.actor.account.clone()),
            patient: entry.patient.map(|(_, id)| id.clone()),
            action: entry.action.to_owned(),
            body: Phi::new(Bytes::from(without_nulls(body).to_string())),
        }
    }
}

/// FHIR JSON has no null members (R4 §2.6.2).
fn without_nulls(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(_, v)| !v.is_null())
                .map(|(k, v)| (k, without_nulls(v)))
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
