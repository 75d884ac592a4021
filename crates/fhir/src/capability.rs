//! CapabilityStatement (FHIR R4 §5.1), made from the tables that the code itself goes by.

use serde_json::{Value, json};

use crate::schema;
use crate::search::params::{self, ParamType};

/// What can be done with one resource type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interactions {
    pub create: bool,
    pub update: bool,
    pub delete: bool,
    /// Said beside the type: why a write is refused or what it is turned into.
    pub note: Option<String>,
}

/// What the statement says of the server.
#[derive(Debug, Clone)]
pub struct Server<'a> {
    /// Base of the resources this statement is about.
    pub base_url: &'a str,
    pub version: &'a str,
    /// When the software was built or the statement last changed: a FHIR dateTime.
    pub date: &'a str,
}

/// Parameters of every search that shape the answer.
pub const RESULT_PARAMS: &[&str] = &[
    "_count",
    "_cursor",
    "_elements",
    "_include",
    "_revinclude",
    "_sort",
    "_summary",
    "_total",
];

/// The statement. Reading, versions, history and search are offered on every type.
pub fn statement(server: &Server<'_>, writes: impl Fn(&str) -> Interactions) -> Value {
    let resources: Vec<Value> = schema::resource_types()
        .iter()
        .map(|t| resource(t, &writes(t)))
        .collect();
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": server.date,
        "kind": "instance",
        "software": {"name": "Karez", "version": server.version},
        "implementation": {"description": "Karez", "url": server.base_url},
        "fhirVersion": "4.0.1",
        "format": ["json", "application/fhir+json"],
        "rest": [{
            "mode": "server",
            "documentation": "Every read is bounded by the reader's role, the agreements between hospitals and the patient's consent. An unknown search parameter is refused unless the request says Prefer: handling=lenient. Reference parameters may be chained by one step (patient.identifier, subject:Patient.name).",
            "security": {
                "service": [{"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                    "code": "OAuth"
                }]}],
                "description": "Bearer tokens (RFC 6750); machine clients prove themselves by private_key_jwt."
            },
            "resource": resources,
            "interaction": [{"code": "transaction"}, {"code": "batch"}]
        }]
    })
}

fn resource(kind: &str, writes: &Interactions) -> Value {
    let mut interactions = vec!["read", "vread", "history-instance", "search-type"];
    for (offered, code) in [
        (writes.create, "create"),
        (writes.update, "update"),
        (writes.delete, "delete"),
    ] {
        if offered {
            interactions.push(code);
        }
    }
    let mut all: Vec<_> = params::of_type(kind)
        .filter(|p| p.kind != ParamType::Special)
        .collect();
    all.sort_by_key(|p| p.code);
    all.dedup_by_key(|p| p.code);
    let includes: Vec<String> = all
        .iter()
        .filter(|p| p.kind == ParamType::Reference)
        .map(|p| format!("{kind}:{}", p.code))
        .collect();
    let mut out = json!({
        "type": kind,
        "interaction": interactions.iter().map(|c| json!({"code": c})).collect::<Vec<_>>(),
        "versioning": "versioned-update",
        "readHistory": true,
        "updateCreate": false,
        "conditionalCreate": writes.create,
        "conditionalRead": "not-match",
        "conditionalUpdate": false,
        "conditionalDelete": "not-supported",
        "referencePolicy": ["literal", "logical"],
        "searchParam": all.iter().map(|p| json!({"name": p.code, "type": p.kind.as_str()})).collect::<Vec<_>>(),
    });
    if !includes.is_empty() {
        out["searchInclude"] = json!(includes);
    }
    if let Some(note) = &writes.note {
        out["documentation"] = json!(note);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_names_every_type_and_is_valid() {
        let server = Server {
            base_url: "https://n/fhir/a",
            version: "0.1.0",
            date: "2026-11-22",
        };
        let statement = statement(&server, |kind| Interactions {
            create: kind != "AuditEvent",
            update: kind != "AuditEvent",
            delete: kind == "Patient",
            note: (kind == "AuditEvent").then(|| "written by Karez alone".to_owned()),
        });
        let resources = statement["rest"][0]["resource"].as_array().unwrap();
        assert_eq!(resources.len(), schema::resource_types().len());
        let text = statement.to_string();
        let doc = crate::raw::parse(text.as_bytes()).unwrap();
        assert_eq!(crate::validate::validate(doc.root()), []);
        let patient = resources.iter().find(|r| r["type"] == "Patient").unwrap();
        insta::assert_json_snapshot!(patient);
    }
}
