//! Building audit entries: FHIR R4 AuditEvent after IHE BALP, as the bytes that are chained.

use bytes::Bytes;
use kernel::{HospitalId, Instant, Phi, RecordKey, ResourceId};
use store::{AuditDraft, Batch};

use crate::Cx;

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

impl<'a> Entry<'a> {
    /// What was done to one thing; about no patient and on no ground until that is said.
    pub const fn of(verb: Verb, action: &'a str, subject: &'a RecordKey) -> Self {
        Self {
            verb,
            action,
            subjects: std::slice::from_ref(subject),
            patient: None,
            ground: None,
            denied: false,
        }
    }
}

impl Cx {
    /// Puts what was done into the chain of `chain`, and under the same word into the feed.
    pub(crate) fn note(&self, batch: &mut Batch, chain: &HospitalId, entry: &Entry<'_>) {
        batch.audit.push(self.audit(chain, entry));
        for subject in entry.subjects {
            batch.event(entry.action, subject, "{}");
        }
    }

    /// The draft for the chain of `chain`.
    pub fn audit(&self, chain: &HospitalId, entry: &Entry<'_>) -> AuditDraft {
        self.audit_of_several(chain, entry, &[self.request.as_str()], self.now)
    }

    /// The draft for several requests of one person that did the same within a moment: the first is this one, the last
    /// came at `last`.
    pub(crate) fn audit_of_several(
        &self,
        chain: &HospitalId,
        entry: &Entry<'_>,
        requests: &[&str],
        last: Instant,
    ) -> AuditDraft {
        AuditDraft {
            chain: chain.clone(),
            account: Some(self.actor.account.clone()),
            patient: entry.patient.map(|(_, id)| id.clone()),
            action: entry.action.to_owned(),
            body: Phi::new(Bytes::from(self.audit_event(entry, requests, last))),
        }
    }

    /// The AuditEvent. Written as text at once: each read of a record needs one.
    fn audit_event(&self, entry: &Entry<'_>, requests: &[&str], last: Instant) -> Vec<u8> {
        let mut out = Text(Vec::with_capacity(1024 + 120 * entry.subjects.len()));
        out.raw(r#"{"resourceType":"AuditEvent","type":{"system":"http://terminology.hl7.org/CodeSystem/audit-event-type","code":"rest"},"subtype":[{"system":"urn:karez:action","code":"#);
        out.text(entry.action);
        out.raw(r#"}],"action":""#)
            .raw(entry.verb.code())
            .raw("\",");
        if last != self.now {
            out.raw(r#""period":{"start":"#).text(&self.now.to_string());
            out.raw(r#","end":"#).text(&last.to_string()).raw("},");
        }
        out.raw(r#""recorded":"#).text(&self.now.to_string());
        out.raw(r#","outcome":""#)
            .raw(if entry.denied { "4" } else { "0" })
            .raw("\"");
        if let Some(ground) = entry.ground {
            out.raw(r#","outcomeDesc":"#).text(ground);
        }
        self.agent(&mut out);
        out.raw(r#","source":{"observer":{"display":"Karez"},"type":[{"system":"urn:karez:channel","code":""#)
            .raw(self.channel.word())
            .raw("\"}]}");
        entities(&mut out, entry);
        out.list(r#","extension":["#, requests, |out, request| {
            out.raw(r#"{"url":"urn:karez:request","valueString":"#)
                .text(request)
                .raw("}");
        });
        out.raw("}");
        out.0
    }

    fn agent(&self, out: &mut Text) {
        let actor = &self.actor;
        out.raw(r#","agent":[{"who":{"identifier":{"system":"urn:karez:account","value":"#)
            .text(actor.account.as_str());
        out.raw(r#"},"display":"#)
            .text(&self.name)
            .raw("},\"requestor\":true");
        out.list(r#","role":["#, &actor.roles, |out, role| {
            out.raw(r#"{"coding":[{"system":"urn:karez:role","code":"#)
                .text(role.as_str())
                .raw("}]}");
        });
        if let Some(hospital) = &actor.hospital {
            out.raw(r#","location":{"identifier":{"system":"urn:karez:hospital","value":"#)
                .text(hospital.as_str())
                .raw("}}");
        }
        if let Some(peer) = &self.peer {
            out.raw(r#","network":{"address":"#)
                .text(peer)
                .raw(r#","type":"2"}"#);
        }
        out.raw("}]");
    }
}

/// What it was done to, and the patient concerned.
fn entities(out: &mut Text, entry: &Entry<'_>) {
    let custodian = |out: &mut Text, hospital: &HospitalId| {
        out.raw(r#","detail":[{"type":"custodian","valueString":"#)
            .text(hospital.as_str())
            .raw("}]}");
    };
    let patient = entry.patient.map(|p| (None, Some(p)));
    let all = entry
        .subjects
        .iter()
        .map(|k| (Some(k), None))
        .chain(patient);
    out.list(r#","entity":["#, all, |out, (subject, patient)| {
        out.raw(r#"{"what":{"reference":"#);
        if let Some(key) = subject {
            out.text(&format!("{}/{}", key.kind, key.id)).raw("}");
            custodian(out, &key.hospital);
        } else if let Some((hospital, id)) = patient {
            out.text(&format!("Patient/{id}"));
            out.raw(r#"},"type":{"system":"http://terminology.hl7.org/CodeSystem/audit-entity-type","code":"1"},"role":{"system":"http://terminology.hl7.org/CodeSystem/object-role","code":"1"}"#);
            custodian(out, hospital);
        }
    });
}

/// JSON as it is written.
struct Text(Vec<u8>);

impl Text {
    fn raw(&mut self, json: &str) -> &mut Self {
        self.0.extend_from_slice(json.as_bytes());
        self
    }

    /// A string in quotes, escaped.
    fn text(&mut self, text: &str) -> &mut Self {
        let plain = |b: u8| b >= 0x20 && b != b'"' && b != b'\\';
        if text.bytes().all(plain) {
            self.raw("\"").raw(text).raw("\"")
        } else {
            self.raw(&serde_json::Value::from(text).to_string())
        }
    }

    /// `begin`, the items with commas between, and `]`; nothing for no items: FHIR JSON has no empty arrays (R4 §2.6.2).
    fn list<T>(
        &mut self,
        begin: &str,
        items: impl IntoIterator<Item = T>,
        mut one: impl FnMut(&mut Self, T),
    ) {
        let mut sign = begin;
        for item in items {
            self.raw(sign);
            one(self, item);
            sign = ",";
        }
        if sign == "," {
            self.raw("]");
        }
    }
}
