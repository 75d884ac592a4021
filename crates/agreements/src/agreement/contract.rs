//! An agreement as a FHIR R4 Contract, and back.
//!
//! Status follows contract-status; the exact standing stands in `legalState`. A clause is a `term`: parties in its
//! `offer`, services as `action.type`, record classes as `asset.subtype`, conditions as extensions.

use std::collections::BTreeSet;

use kernel::{HospitalId, Instant, ResourceId};
use serde_json::{Value, json};

use super::{
    Agreement, Clause, Conditions, DataScope, Party, Residency, ResponseTimes, Standing, Terms,
};
use crate::fhir_json::{
    HOSPITAL, RECORD_CLASS, ReadProblem, code_of, coded, ext_bool, ext_number, ext_text, extension,
    list, logical, logical_value, problem, text,
};
use crate::{ClassSet, RecordClass};

const NUMBER: &str = "urn:karez:agreement-number";
const STANDING: &str = "urn:karez:agreement-standing";
const SERVICE: &str = "urn:karez:service";
const SPECIALTY: &str = "urn:karez:specialty";
const ROLE: &str = "urn:karez:agreement-role";
const ZONE: &str = "urn:karez:zone";
const NOTICE: &str = "urn:karez:notice-days";
const CONDITIONS: &str = "urn:karez:conditions";

/// contract-status for a standing.
pub const fn status(standing: Standing) -> &'static str {
    match standing {
        Standing::Draft => "negotiable",
        Standing::Proposed => "offered",
        Standing::Signed => "executable",
        Standing::Active => "executed",
        Standing::Suspended => "disputed",
        Standing::Ended | Standing::Expired => "terminated",
        Standing::Withdrawn => "cancelled",
    }
}

/// The Contract of an agreement as it stands at `now`.
pub fn to_fhir(a: &Agreement, now: Instant) -> Value {
    let t = &a.terms;
    let standing = a.standing(now);
    let signers: Vec<_> = t.parties.iter().map(|p| signer(a, p)).collect();
    let terms: Vec<_> = t.numbered().map(|(n, c)| term(n, c)).collect();
    let mut contract = json!({
        "resourceType": "Contract",
        "id": a.id.as_str(),
        "language": t.language,
        "extension": [
            {"url": ZONE, "valueString": t.zone},
            {"url": NOTICE, "valueUnsignedInt": t.notice_days}
        ],
        "identifier": [{"system": NUMBER, "value": t.number}],
        "status": status(standing),
        "legalState": coded(STANDING, standing.as_str()),
        "title": t.title,
        "applies": {"start": t.first_day.to_string(), "end": t.last_day.to_string()},
        "signer": signers,
        "term": terms
    });
    if !t.purpose.is_empty() {
        contract["scope"] = json!({"text": t.purpose});
    }
    if let Some(former) = &t.continues {
        contract["instantiatesCanonical"] = json!({"reference": format!("Contract/{former}")});
    }
    if let Some(text) = &a.text {
        contract["friendly"] = json!([{"contentAttachment": {
            "contentType": "application/json",
            "data": base64(text.as_bytes()),
        }}]);
    }
    contract
}

/// Base64 (RFC 4648 §4), as FHIR base64Binary asks for.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let six = (n >> (18 - 6 * i)) & 63;
            out.push(if i <= chunk.len() {
                char::from(ALPHABET[six as usize])
            } else {
                '='
            });
        }
    }
    out
}

fn signer(a: &Agreement, p: &Party) -> Value {
    let mut signer = json!({
        "type": {"system": "http://terminology.hl7.org/CodeSystem/contractsignertypecodes", "code": "HPROV"},
        "party": logical(HOSPITAL, p.hospital.as_str(), Some(&p.name)),
    });
    let signatures: Vec<_> = a
        .signatures
        .iter()
        .filter(|s| s.party == p.hospital)
        .map(|s| {
            json!({
                "type": [{"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}],
                "when": s.at.to_string(),
                "who": {"display": s.name},
                "onBehalfOf": logical(HOSPITAL, p.hospital.as_str(), None),
                "sigFormat": "application/jose",
                "data": base64(s.jws.as_bytes()),
            })
        })
        .collect();
    // R4 wants at least one signature per signer; before signing, an unsigned one of type "consent" stands in.
    signer["signature"] = if signatures.is_empty() {
        json!([{
            "type": [{"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.7"}],
            "when": a.history.first().map(|h| h.at.to_string()),
            "who": logical(HOSPITAL, p.hospital.as_str(), None),
        }])
    } else {
        Value::Array(signatures)
    };
    signer
}

fn term(number: u16, c: &Clause) -> Value {
    let r = c.conditions.response;
    let classes: Vec<_> = c
        .scope
        .classes
        .iter()
        .map(|c| coded(RECORD_CLASS, c.as_str()))
        .collect();
    let actions: Vec<_> = c
        .services
        .iter()
        .map(|s| {
            json!({
                "type": coded(SERVICE, s),
                "intent": coded("http://terminology.hl7.org/CodeSystem/v3-ActReason", "TREAT"),
                "status": coded("http://terminology.hl7.org/CodeSystem/contract-action-status", "complete"),
                "performerType": c.specialties.iter().map(|s| coded(SPECIALTY, s)).collect::<Vec<_>>(),
            })
        })
        .map(|mut a| {
            if c.specialties.is_empty()
                && let Some(map) = a.as_object_mut()
            {
                map.remove("performerType");
            }
            a
        })
        .collect();
    let mut term = json!({
        "extension": [{"url": CONDITIONS, "extension": [
            {"url": "consent", "valueBoolean": c.conditions.consent},
            {"url": "border-consent", "valueBoolean": c.conditions.border_consent},
            {"url": "co-signature", "valueBoolean": c.conditions.co_signature},
            {"url": "residency", "valueCode": c.conditions.residency.as_str()},
            {"url": "emergency-min", "valueUnsignedInt": r.emergency_min},
            {"url": "urgent-min", "valueUnsignedInt": r.urgent_min},
            {"url": "soon-min", "valueUnsignedInt": r.soon_min},
            {"url": "routine-min", "valueUnsignedInt": r.routine_min},
            {"url": "break-glass", "valueBoolean": c.conditions.break_glass},
            {"url": "retention-days", "valueUnsignedInt": c.conditions.retention_days},
            {"url": "unclassified-one-by-one", "valueBoolean": c.scope.unclassified_one_by_one},
        ]}],
        "identifier": {"value": number.to_string()},
        "topicCodeableConcept": {"text": c.title},
        "offer": {"party": [
            {"reference": [logical(HOSPITAL, c.referring.as_str(), None)], "role": coded(ROLE, "referring")},
            {"reference": [logical(HOSPITAL, c.answering.as_str(), None)], "role": coded(ROLE, "answering")},
        ]},
        "asset": [{"subtype": classes}],
        "action": actions,
    });
    if c.conditions.images_without_identity
        && let Some(said) = term.pointer_mut("/extension/0/extension")
        && let Some(list) = said.as_array_mut()
    {
        list.push(json!({"url": "images-without-identity", "valueBoolean": true}));
    }
    if !c.text.is_empty() {
        term["text"] = Value::String(c.text.clone());
    }
    term
}

/// Reads terms from a Contract. `party` gives name and jurisdiction of a hospital of this network: what the Contract
/// says of them counts for nothing.
pub fn from_fhir(
    contract: &Value,
    party: &dyn Fn(&HospitalId) -> Option<Party>,
) -> Result<Terms, ReadProblem> {
    let day = |name: &str| {
        contract
            .get("applies")
            .and_then(|a| text(a, name))
            .and_then(|d| d.parse().ok())
            .ok_or_else(|| problem(format!("Contract.applies.{name}"), "a full date is needed"))
    };
    let mut parties = Vec::new();
    for (n, signer) in list(contract, "signer").enumerate() {
        let path = format!("Contract.signer[{n}].party");
        let named = signer
            .get("party")
            .and_then(|p| logical_value(p, HOSPITAL))
            .and_then(|h| HospitalId::new(h).ok())
            .and_then(|h| party(&h));
        parties.push(named.ok_or_else(|| problem(path, "not a hospital of this network"))?);
    }
    let clauses = list(contract, "term")
        .enumerate()
        .map(|(n, t)| read_term(n, t))
        .collect::<Result<Vec<_>, _>>()?;
    let number = list(contract, "identifier")
        .find(|i| text(i, "system") == Some(NUMBER))
        .and_then(|i| text(i, "value"));
    Ok(Terms {
        number: number
            .ok_or_else(|| problem("Contract.identifier", "a number is needed"))?
            .to_owned(),
        title: text(contract, "title")
            .ok_or_else(|| problem("Contract.title", "a title is needed"))?
            .to_owned(),
        purpose: contract
            .get("scope")
            .and_then(|s| text(s, "text"))
            .unwrap_or_default()
            .to_owned(),
        language: text(contract, "language").unwrap_or("en").to_owned(),
        parties,
        first_day: day("start")?,
        last_day: day("end")?,
        zone: ext_text(contract, ZONE)
            .ok_or_else(|| problem("Contract.extension", "a time zone is needed"))?
            .to_owned(),
        notice_days: ext_number(contract, NOTICE)
            .and_then(|n| u16::try_from(n).ok())
            .ok_or_else(|| problem("Contract.extension", "days of notice are needed"))?,
        clauses,
        continues: contract
            .get("instantiatesCanonical")
            .and_then(|r| text(r, "reference"))
            .and_then(|r| ResourceId::new(r.strip_prefix("Contract/")?).ok()),
    })
}

fn read_term(n: usize, t: &Value) -> Result<Clause, ReadProblem> {
    let at = |rest: &str| format!("Contract.term[{n}].{rest}");
    let side = |role: &str| {
        t.get("offer")
            .into_iter()
            .flat_map(|o| list(o, "party"))
            .find(|p| p.get("role").and_then(|r| code_of(r, ROLE)) == Some(role))
            .and_then(|p| list(p, "reference").next())
            .and_then(|r| logical_value(r, HOSPITAL))
            .and_then(|h| HospitalId::new(h).ok())
            .ok_or_else(|| problem(at("offer.party"), "referring and answering are needed"))
    };
    let mut classes = ClassSet::EMPTY;
    for asset in list(t, "asset") {
        for kind in list(asset, "subtype") {
            let class: RecordClass = code_of(kind, RECORD_CLASS)
                .and_then(|c| c.parse().ok())
                .ok_or_else(|| problem(at("asset.subtype"), "not a record class"))?;
            classes = classes.with(class);
        }
    }
    let mut services = BTreeSet::new();
    let mut specialties = BTreeSet::new();
    for action in list(t, "action") {
        let service = action.get("type").and_then(|t| code_of(t, SERVICE));
        services.insert(
            service
                .ok_or_else(|| problem(at("action.type"), "not a service"))?
                .to_owned(),
        );
        let named = list(action, "performerType").filter_map(|p| code_of(p, SPECIALTY));
        specialties.extend(named.map(str::to_owned));
    }
    let (scope_flag, conditions) = extension(t, CONDITIONS)
        .and_then(read_conditions)
        .ok_or_else(|| problem(at("extension"), "conditions are not complete"))?;
    Ok(Clause {
        title: t
            .get("topicCodeableConcept")
            .and_then(|c| text(c, "text"))
            .ok_or_else(|| problem(at("topicCodeableConcept.text"), "a title is needed"))?
            .to_owned(),
        text: text(t, "text").unwrap_or_default().to_owned(),
        services,
        specialties,
        referring: side("referring")?,
        answering: side("answering")?,
        scope: DataScope {
            classes,
            unclassified_one_by_one: scope_flag,
        },
        conditions,
    })
}

fn read_conditions(e: &Value) -> Option<(bool, Conditions)> {
    let residency = ext_text(e, "residency")?;
    Some((
        ext_bool(e, "unclassified-one-by-one")?,
        Conditions {
            consent: ext_bool(e, "consent")?,
            border_consent: ext_bool(e, "border-consent")?,
            co_signature: ext_bool(e, "co-signature")?,
            residency: *Residency::ALL.iter().find(|r| r.as_str() == residency)?,
            response: ResponseTimes {
                emergency_min: ext_number(e, "emergency-min")?,
                urgent_min: ext_number(e, "urgent-min")?,
                soon_min: ext_number(e, "soon-min")?,
                routine_min: ext_number(e, "routine-min")?,
            },
            break_glass: ext_bool(e, "break-glass")?,
            retention_days: u16::try_from(ext_number(e, "retention-days")?).ok()?,
            // Contracts from before it was known do not say it.
            images_without_identity: ext_bool(e, "images-without-identity").unwrap_or(false),
        },
    ))
}
