//! A consent as a FHIR R4 Consent, and back.

use kernel::{HospitalId, Instant, Phi};
use serde_json::{Value, json};

use super::{
    Basis, Capacity, ConsentRecord, ConsentState, Emergency, Given, Method, Relation, Scope,
    ScopeClasses,
};
use crate::fhir_json::{
    ACCOUNT, HOSPITAL, RECORD_CLASS, ReadProblem, ext_bool, ext_text, extension, list, logical,
    logical_value, problem, text,
};
use crate::{ClassSet, RecordClass};

const CONTEXT: &str = "urn:karez:consent-context";
const BORDER: &str = "urn:karez:across-border";
const EXACT: &str = "urn:karez:only-these-classes";

/// The Consent of a record as it stands at `now`.
pub fn to_fhir(c: &ConsentRecord, now: Instant) -> Value {
    let status = match c.state(now) {
        ConsentState::InForce => "active",
        ConsentState::NotYet => "proposed",
        ConsentState::Withdrawn | ConsentState::RunOut => "inactive",
        ConsentState::Refused => "rejected",
    };
    let (only, named) = match c.scope.classes {
        ScopeClasses::OrdinaryAnd(named) => (false, named),
        ScopeClasses::Only(named) => (true, named),
    };
    let mut period = json!({"start": c.from.to_string()});
    if let Some(until) = c.until {
        period["end"] = json!(until.to_string());
    }
    let mut provision = json!({
        "extension": [
            {"url": BORDER, "valueBoolean": c.scope.across_border},
            {"url": EXACT, "valueBoolean": only},
        ],
        "type": "permit",
        "period": period,
        "purpose": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}],
    });
    if !named.is_empty() {
        provision["class"] = named
            .iter()
            .map(|c| json!({"system": RECORD_CLASS, "code": c.as_str()}))
            .collect();
    }
    if let Some(hospitals) = &c.scope.hospitals {
        provision["actor"] = hospitals
            .iter()
            .map(|h| {
                json!({
                    "role": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]},
                    "reference": logical(HOSPITAL, h.as_str(), None),
                })
            })
            .collect();
    }
    let mut consent = json!({
        "resourceType": "Consent",
        "id": c.id.as_str(),
        "extension": [context(c)],
        "status": status,
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": format!("Patient/{}", c.patient)},
        "dateTime": c.recorded_at.to_string(),
        "performer": [performer(c)],
        "organization": [logical(HOSPITAL, c.custodian.as_str(), None)],
        "policyRule": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTIN"}]},
        "provision": provision,
    });
    if let Some(w) = &c.withdrawn {
        consent["verification"] = json!([{
            "verified": false,
            "verifiedWith": logical(ACCOUNT, w.by.as_str(), None),
            "verificationDate": w.at.to_string(),
        }]);
    }
    consent
}

fn performer(c: &ConsentRecord) -> Value {
    match &c.basis {
        Basis::Given(Given {
            giver: Some(name), ..
        }) => json!({"display": name.reveal()}),
        Basis::Given(_) => json!({"reference": format!("Patient/{}", c.patient)}),
        Basis::Emergency(_) => logical(ACCOUNT, c.recorded_by.as_str(), None),
    }
}

fn context(c: &ConsentRecord) -> Value {
    let parts = match &c.basis {
        Basis::Given(g) => {
            let mut parts = vec![
                json!({"url": "relation", "valueCode": g.relation.as_str()}),
                json!({"url": "capacity", "valueCode": g.capacity.as_str()}),
                json!({"url": "language", "valueCode": g.language}),
                json!({"url": "form", "valueString": g.form}),
                json!({"url": "method", "valueCode": g.method.as_str()}),
            ];
            if let Some(assent) = g.assent {
                parts.push(json!({"url": "assent", "valueBoolean": assent}));
            }
            if let Some(witness) = &g.witness {
                parts.push(json!({"url": "witness", "valueString": witness.reveal()}));
            }
            if let Some(giver) = &g.giver {
                parts.push(json!({"url": "giver", "valueString": giver.reveal()}));
            }
            parts
        }
        Basis::Emergency(e) => vec![
            json!({"url": "emergency-reason", "valueString": e.reason.reveal()}),
            json!({"url": "emergency-law", "valueString": e.law}),
        ],
    };
    json!({"url": CONTEXT, "extension": parts})
}

/// What a Consent asks to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Local id of the patient.
    pub patient: String,
    /// The Consent is (still) meant to be in force.
    pub active: bool,
    pub basis: Basis,
    pub scope: Scope,
    pub from: Option<Instant>,
    pub until: Option<Instant>,
}

/// Reads a Consent. Without the context extension it is refused: consent is a fact with context.
pub fn from_fhir(consent: &Value) -> Result<Read, ReadProblem> {
    let patient = consent
        .get("patient")
        .and_then(|p| text(p, "reference"))
        .and_then(|r| r.strip_prefix("Patient/"))
        .ok_or_else(|| problem("Consent.patient", "a patient of this hospital is needed"))?;
    let active = match text(consent, "status") {
        Some("active" | "proposed") => true,
        Some("inactive") => false,
        _ => {
            return Err(problem(
                "Consent.status",
                "active, proposed or inactive are taken",
            ));
        }
    };
    let context = extension(consent, CONTEXT)
        .ok_or_else(|| problem("Consent.extension", "the context of the consent is needed"))?;
    let basis = read_basis(context)
        .ok_or_else(|| problem("Consent.extension", "the context is not complete"))?;
    let provision = consent
        .get("provision")
        .ok_or_else(|| problem("Consent.provision", "a provision is needed"))?;
    if text(provision, "type").is_some_and(|t| t != "permit")
        || provision.get("provision").is_some()
    {
        return Err(problem(
            "Consent.provision",
            "one permitting provision without exceptions is taken",
        ));
    }
    Ok(Read {
        patient: patient.to_owned(),
        active,
        basis,
        scope: read_scope(provision)?,
        from: instant(provision, "start")?,
        until: instant(provision, "end")?,
    })
}

fn instant(provision: &Value, name: &str) -> Result<Option<Instant>, ReadProblem> {
    provision
        .get("period")
        .and_then(|p| text(p, name))
        .map(|t| t.parse())
        .transpose()
        .map_err(|_| {
            problem(
                format!("Consent.provision.period.{name}"),
                "a full date and time with zone is needed",
            )
        })
}

fn read_scope(provision: &Value) -> Result<Scope, ReadProblem> {
    let mut named = ClassSet::EMPTY;
    for class in list(provision, "class") {
        let class: RecordClass = text(class, "code")
            .filter(|_| text(class, "system") == Some(RECORD_CLASS))
            .and_then(|c| c.parse().ok())
            .ok_or_else(|| problem("Consent.provision.class", "not a record class"))?;
        named = named.with(class);
    }
    let mut hospitals = Vec::new();
    for actor in list(provision, "actor") {
        let hospital = actor
            .get("reference")
            .and_then(|r| logical_value(r, HOSPITAL))
            .and_then(|h| HospitalId::new(h).ok());
        hospitals.push(hospital.ok_or_else(|| {
            problem(
                "Consent.provision.actor.reference",
                "not a hospital of this network",
            )
        })?);
    }
    Ok(Scope {
        hospitals: (!hospitals.is_empty()).then_some(hospitals),
        classes: if ext_bool(provision, EXACT) == Some(true) {
            ScopeClasses::Only(named)
        } else {
            ScopeClasses::OrdinaryAnd(named)
        },
        across_border: ext_bool(provision, BORDER).unwrap_or(false),
    })
}

fn read_basis(e: &Value) -> Option<Basis> {
    if let Some(reason) = ext_text(e, "emergency-reason") {
        return Some(Basis::Emergency(Emergency {
            reason: Phi::new(reason.to_owned()),
            law: ext_text(e, "emergency-law")?.to_owned(),
            review: None,
        }));
    }
    Some(Basis::Given(Given {
        relation: Relation::parse(ext_text(e, "relation")?)?,
        giver: ext_text(e, "giver").map(|t| Phi::new(t.to_owned())),
        capacity: Capacity::parse(ext_text(e, "capacity")?)?,
        assent: ext_bool(e, "assent"),
        language: ext_text(e, "language")?.to_owned(),
        form: ext_text(e, "form")?.to_owned(),
        witness: ext_text(e, "witness").map(|t| Phi::new(t.to_owned())),
        method: Method::parse(ext_text(e, "method")?)?,
    }))
}
