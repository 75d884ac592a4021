//! Building the frozen document: a FHIR R4 document Bundle (§3.3), Composition first, then everything it rests on as
//! the very bytes that are stored.

use kernel::{AccountId, HospitalId, Instant, RecordKey, ResourceId};
use serde_json::{Value, json};
use store::Stored;

use super::view::Legal;

/// System of the codes of an opinion's parts.
pub(crate) const PART_SYSTEM: &str = "urn:karez:opinion-part";
/// Extension that holds a part's text exactly as written; the narrative renders it.
pub(crate) const TEXT_EXTENSION: &str = "urn:karez:opinion-text";
/// System of hospital ids in this network.
pub(crate) const HOSPITAL_SYSTEM: &str = "urn:karez:hospital";
pub(crate) const ACCOUNT_SYSTEM: &str = "urn:karez:account";
/// Mark of what this module writes: clients of the FHIR interface can neither make nor change it.
const MARK_SYSTEM: &str = "urn:karez:opinion";
pub(crate) const LICENCE_SYSTEM: &str = "urn:karez:licence";

/// What kind of document is frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    /// A specialist's opinion in a case.
    Opinion,
    /// A report on a study.
    Report,
}

impl Nature {
    /// LOINC.
    const fn code(self) -> (&'static str, &'static str) {
        match self {
            Self::Opinion => ("11488-4", "Consult note"),
            Self::Report => ("18748-4", "Diagnostic imaging study"),
        }
    }
    const fn title(self, amends: bool) -> &'static str {
        match (self, amends) {
            (Self::Opinion, false) => "Specialist opinion",
            (Self::Opinion, true) => "Addendum to a specialist opinion",
            (Self::Report, false) => "Diagnostic imaging report",
            (Self::Report, true) => "Diagnostic imaging report, following an earlier one",
        }
    }
}

/// A hospital as the document names it.
pub(crate) struct Party {
    pub id: HospitalId,
    pub name: String,
}

/// The author as the document names them.
pub(crate) struct Author {
    pub account: AccountId,
    pub name: String,
    pub role: String,
    pub licence: String,
    pub licence_issuer: String,
}

/// The earlier opinion an addendum belongs to.
pub(crate) struct Amended {
    pub id: ResourceId,
    /// SHA-256 of its signed bytes, hexadecimal.
    pub digest: String,
}

/// Everything that goes into the document.
pub(crate) struct Frozen<'a> {
    /// The node's address, without a trailing slash.
    pub base: &'a str,
    pub id: &'a ResourceId,
    pub at: Instant,
    pub nature: Nature,
    /// Parts with words in them, in order: code and text.
    pub parts: Vec<(&'static str, String)>,
    /// BCP 47 of the parts.
    pub language: &'a str,
    pub answering: Party,
    pub referring: Party,
    pub patient: RecordKey,
    pub case_number: &'a str,
    pub author: Author,
    pub legal: Legal,
    pub amends: Option<Amended>,
    /// The request at its version.
    pub request: Option<&'a Stored>,
    pub records: &'a [Stored],
    /// The DiagnosticReport of a report.
    pub report: Option<Value>,
}

impl Frozen<'_> {
    fn url(&self, key: &RecordKey) -> String {
        format!(
            "{}/fhir/{}/{}/{}",
            self.base, key.hospital, key.kind, key.id
        )
    }
    fn versioned(&self, stored: &Stored) -> String {
        format!("{}/_history/{}", self.url(&stored.key), stored.version)
    }
    fn own_url(&self, kind: &str, id: &str) -> String {
        format!("{}/fhir/{}/{kind}/{id}", self.base, self.answering.id)
    }
    fn author_url(&self) -> String {
        self.own_url("Practitioner", self.author.account.as_str())
    }
    fn hospital_url(&self, party: &Party) -> String {
        format!("{}/fhir/{}/Organization/{}", self.base, party.id, party.id)
    }

    /// The Composition, also stored beside the Bundle.
    pub(crate) fn composition(&self) -> Value {
        let mut sections: Vec<Value> = self
            .parts
            .iter()
            .map(|(code, text)| part(code, text))
            .collect();
        let entries: Vec<Value> = self
            .records
            .iter()
            .filter(|r| r.key.kind.as_str() != "Patient")
            .map(|r| json!({"reference": self.versioned(r), "type": r.key.kind.as_str()}))
            .collect();
        if !entries.is_empty() {
            sections.push(json!({"title": "Record", "code": coded("record"), "entry": entries}));
        }
        let legal = self.legal.sentence(self.language);
        sections.push(section("legal", self.legal.as_str(), legal));
        sections.push(part("responsible", &self.answering.name));
        let (code, display) = self.nature.code();
        let mut composition = json!({
            "resourceType": "Composition",
            "id": self.id.as_str(),
            "meta": mark(),
            "language": self.language,
            "identifier": {"system": "urn:ietf:rfc:3986", "value": format!("urn:uuid:{}", self.id)},
            "status": "final",
            "type": {"coding": [{"system": "http://loinc.org", "code": code, "display": display}]},
            "subject": {"reference": self.url(&self.patient)},
            "date": self.at.to_string(),
            "author": [{"reference": self.author_url(), "display": self.author.name}],
            "title": self.nature.title(self.amends.is_some()),
            "attester": [{"mode": "legal", "time": self.at.to_string(), "party": {"reference": self.author_url()}}],
            "custodian": {"reference": self.hospital_url(&self.answering), "display": self.answering.name},
        });
        if let Some(amends) = &self.amends {
            let target = json!({
                "reference": self.own_url("Composition", amends.id.as_str()),
                "identifier": {"system": "urn:karez:sha-256", "value": amends.digest},
            });
            composition["relatesTo"] = json!([{"code": "appends", "targetReference": target}]);
        }
        if let Some(request) = self.request {
            let detail = json!({"reference": self.versioned(request), "display": self.case_number});
            composition["event"] = json!([{"detail": [detail]}]);
        }
        composition["section"] = Value::Array(sections);
        composition
    }

    fn practitioner(&self) -> Value {
        json!({
            "resourceType": "Practitioner",
            "id": self.author.account.as_str(),
            "identifier": [{"system": ACCOUNT_SYSTEM, "value": self.author.account.as_str()}],
            "name": [{"text": self.author.name}],
            "qualification": [{
                "identifier": [{"system": LICENCE_SYSTEM, "value": self.author.licence}],
                "code": {"text": self.author.role},
                "issuer": {"display": self.author.licence_issuer},
            }],
        })
    }

    fn organization(party: &Party) -> Value {
        json!({
            "resourceType": "Organization",
            "id": party.id.as_str(),
            "identifier": [{"system": HOSPITAL_SYSTEM, "value": party.id.as_str()}],
            "name": party.name,
        })
    }

    /// The exact bytes that are signed. Our own resources are written here once; records are copied byte by byte, so
    /// that 1.10 stays 1.10.
    pub(crate) fn bundle(&self) -> Vec<u8> {
        let mut out = format!(
            r#"{{"resourceType":"Bundle","id":"{id}","meta":{mark},"identifier":{{"system":"urn:ietf:rfc:3986","value":"urn:uuid:{id}"}},"type":"document","timestamp":"{at}","entry":["#,
            id = self.id,
            mark = mark(),
            at = self.at,
        )
        .into_bytes();
        let own = [
            (
                self.own_url("Composition", self.id.as_str()),
                self.composition(),
            ),
            (self.author_url(), self.practitioner()),
            (
                self.hospital_url(&self.answering),
                Self::organization(&self.answering),
            ),
            (
                self.hospital_url(&self.referring),
                Self::organization(&self.referring),
            ),
        ];
        for (n, (url, resource)) in own.iter().enumerate() {
            entry(&mut out, n == 0, url, resource.to_string().as_bytes());
        }
        if let Some(report) = &self.report {
            let id = report["id"].as_str().unwrap_or_default();
            let url = format!(
                "{}/fhir/{}/DiagnosticReport/{id}",
                self.base, self.referring.id
            );
            entry(&mut out, false, &url, report.to_string().as_bytes());
        }
        for record in self.request.into_iter().chain(self.records) {
            entry(
                &mut out,
                false,
                &self.url(&record.key),
                record.body.reveal(),
            );
        }
        out.extend_from_slice(b"]}");
        out
    }

    /// Who signed what with which key (FHIR R4 Provenance). Signatures in JWS form (RFC 7515).
    pub(crate) fn provenance(&self, file: &seal::SealedFile) -> Value {
        use base64::Engine as _;
        let encode = |jws: &str| base64::engine::general_purpose::STANDARD.encode(jws);
        let signature = |code: &str, display: &str, who: Value, jws: &str| {
            json!({
                "type": [{"system": "urn:iso-astm:E1762-95:2013", "code": code, "display": display}],
                "when": self.at.to_string(),
                "who": who,
                "targetFormat": file.content_type,
                "sigFormat": "application/jose",
                "data": encode(jws),
            })
        };
        let author = json!({"reference": self.author_url(), "display": self.author.name});
        let hospital = json!({"reference": self.hospital_url(&self.answering), "display": self.answering.name});
        json!({
            "resourceType": "Provenance",
            "meta": mark(),
            "target": [{"reference": format!("Bundle/{}/_history/1", self.id)}],
            "recorded": self.at.to_string(),
            "agent": [{
                "type": {"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
                    "code": "author",
                }]},
                "who": author,
                "onBehalfOf": hospital,
            }],
            "signature": [
                signature("1.2.840.10065.1.12.1.1", "Author's Signature", author.clone(), &file.signature),
                signature("1.2.840.10065.1.12.1.5", "Verification Signature", hospital.clone(), &file.seal),
            ],
        })
    }

    /// The referring hospital's entry for the opinion in the patient's record.
    pub(crate) fn document_reference(&self) -> Value {
        let mut doc = json!({
            "resourceType": "DocumentReference",
            "meta": mark(),
            "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": format!("urn:uuid:{}", self.id)},
            "status": "current",
            "type": {"coding": [{"system": "http://loinc.org", "code": "11488-4", "display": "Consult note"}]},
            "subject": {"reference": format!("Patient/{}", self.patient.id)},
            "date": self.at.to_string(),
            "author": [{"reference": self.author_url(), "display": self.author.name}],
            "custodian": {"reference": self.hospital_url(&self.answering), "display": self.answering.name},
            "description": format!("Specialist opinion, {}", self.answering.name),
            "content": [{"attachment": {
                "contentType": "application/fhir+json",
                "language": self.language,
                "url": self.own_url("Bundle", self.id.as_str()),
                "title": format!("Specialist opinion {}", self.case_number),
            }}],
        });
        if let Some(amends) = &self.amends {
            let target = json!({"reference": format!("DocumentReference/{}", amends.id)});
            doc["relatesTo"] = json!([{"code": "appends", "target": target}]);
        }
        doc
    }
}

fn entry(out: &mut Vec<u8>, first: bool, url: &str, resource: &[u8]) {
    if !first {
        out.push(b',');
    }
    out.extend_from_slice(br#"{"fullUrl":"#);
    out.extend_from_slice(Value::from(url).to_string().as_bytes());
    out.extend_from_slice(br#","resource":"#);
    out.extend_from_slice(resource);
    out.push(b'}');
}

pub(crate) fn mark() -> Value {
    json!({"tag": [{"system": MARK_SYSTEM, "code": "signed"}]})
}

fn coded(code: &str) -> Value {
    json!({"coding": [{"system": PART_SYSTEM, "code": code}]})
}

fn part(code: &str, text: &str) -> Value {
    section(code, text, text)
}

/// A section whose exact text is `text` and whose narrative says `narrated`.
fn section(code: &str, text: &str, narrated: &str) -> Value {
    json!({
        "extension": [{"url": TEXT_EXTENSION, "valueString": text}],
        "title": title(code),
        "code": coded(code),
        "text": {"status": "additional", "div": narrative(narrated)},
    })
}

fn title(code: &str) -> &'static str {
    match code {
        "see" => "What I see",
        "think" => "What I think",
        "advise" => "What I advise",
        "orders" => "Orders proposed",
        "technique" => "Technique",
        "comparison" => "Comparison",
        "findings" => "Findings",
        "impression" => "Impression",
        "recommendation" => "Recommendation",
        "legal" => "Legal character",
        _ => "Responsible party",
    }
}

/// XHTML of plain text (FHIR R4 §2.4.0): paragraphs and line breaks.
pub(crate) fn narrative(text: &str) -> String {
    let mut out = String::from(r#"<div xmlns="http://www.w3.org/1999/xhtml"><p>"#);
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\n' => out.push_str("<br/>"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out.push_str("</p></div>");
    out
}
