use app::Role;
use reqwest::Method;
use serde_json::json;

use crate::world::{World, body, header, observation, refusal};

#[tokio::test]
async fn every_refusal_is_an_outcome_with_a_place() {
    let world = World::start().await;
    let c = world.clinician();
    let patient = json!({"resourceType": "Patient"});

    let mut found = Found::default();
    addresses(&world, &mut found).await;
    forms(&world, &mut found).await;
    rights(&world, &mut found).await;
    let found = found.0;
    insta::assert_debug_snapshot!(found);

    let method = c.send(Method::PATCH, "Patient/1", &patient).await;
    assert_eq!(header(&method, "allow"), "GET, HEAD, PUT, DELETE");
    assert!(header(&world.nobody().get("Patient").await, "www-authenticate").starts_with("Bearer"));
}

/// The refusals so far, one line each.
#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    fn note(&mut self, name: &str, (status, code, place): (u16, String, String)) {
        self.0.push(format!("{name}: {status} {code} {place}"));
    }
}

/// What is at no address, or not in this way.
async fn addresses(world: &World, found: &mut Found) {
    let c = world.clinician();
    let patient = json!({"resourceType": "Patient"});
    let mut note = |name: &str, refused| found.note(name, refused);
    note(
        "no token",
        refusal(world.nobody().get("Patient").await).await,
    );
    note("unknown type", refusal(c.get("Quantity").await).await);
    note(
        "unknown operation",
        refusal(c.get("Patient/$everything").await).await,
    );
    note(
        "unknown hospital",
        refusal(c.get("nowhere/Patient").await).await,
    );
    note("unknown id", refusal(c.get("Patient/none").await).await);
    note("impossible id", refusal(c.get("Patient/a%20b").await).await);
    note(
        "impossible version",
        refusal(c.get("Patient/1/_history/x").await).await,
    );
    note(
        "update of nothing",
        refusal(
            c.put(
                "Patient/none",
                &json!({"resourceType": "Patient", "id": "none"}),
            )
            .await,
        )
        .await,
    );
    note(
        "patch",
        refusal(c.send(Method::PATCH, "Patient/1", &patient).await).await,
    );
    note("delete of a type", refusal(c.delete("Patient").await).await);
    note("read of the base", refusal(c.get("").await).await);
}

/// What is not asked for or sent in the form it must have.
async fn forms(world: &World, found: &mut Found) {
    let c = world.clinician();
    let mut note = |name: &str, refused| found.note(name, refused);
    let accept = c
        .request(Method::GET, "Patient")
        .header("accept", "application/fhir+xml")
        .send()
        .await
        .unwrap();
    note("xml wanted", refusal(accept).await);
    note(
        "xml by _format",
        refusal(c.get("Patient?_format=xml").await).await,
    );
    let xml = c
        .request(Method::POST, "Patient")
        .header("content-type", "application/fhir+xml")
        .body("<Patient/>");
    note("xml sent", refusal(xml.send().await.unwrap()).await);
    let raw = |text: &'static str| {
        c.request(Method::POST, "Patient")
            .header("content-type", "application/fhir+json")
            .body(text)
            .send()
    };
    note(
        "no JSON",
        refusal(raw("{\"resourceType\":").await.unwrap()).await,
    );
    note(
        "a name twice",
        refusal(
            raw(r#"{"resourceType":"Patient","id":"1","id":"2"}"#)
                .await
                .unwrap(),
        )
        .await,
    );
    note(
        "another type",
        refusal(raw(r#"{"resourceType":"Group"}"#).await.unwrap()).await,
    );
    note(
        "an unknown element",
        refusal(
            raw(r#"{"resourceType":"Patient","colour":"red"}"#)
                .await
                .unwrap(),
        )
        .await,
    );
    note(
        "a bad date",
        refusal(
            raw(r#"{"resourceType":"Patient","birthDate":"yesterday"}"#)
                .await
                .unwrap(),
        )
        .await,
    );
    let large = format!(
        r#"{{"resourceType":"Patient","text":{{"status":"generated","div":"<div>{}</div>"}}}}"#,
        "x".repeat(9 << 20)
    );
    let large = c
        .request(Method::POST, "Patient")
        .header("content-type", "application/fhir+json")
        .body(large);
    note("too large", refusal(large.send().await.unwrap()).await);
    note(
        "bad count",
        refusal(c.get("Patient?_count=many").await).await,
    );
    note(
        "chained",
        refusal(
            c.get("Observation?subject.general-practitioner.name=a")
                .await,
        )
        .await,
    );
}

/// What is not this caller's to do, or was not as the caller thought.
async fn rights(world: &World, found: &mut Found) {
    let c = world.clinician();
    let patient = json!({"resourceType": "Patient"});
    let mut note = |name: &str, refused| found.note(name, refused);
    note(
        "another's records",
        refusal(c.post("qumtagh/Patient", &patient).await).await,
    );
    note(
        "no such patient",
        refusal(c.post("Observation", &observation("none", "1")).await).await,
    );
    for (name, role) in [
        ("administrator", Role::Administrator),
        ("operator", Role::Operator),
    ] {
        note(
            name,
            refusal(world.role("yarqum", role).post("Patient", &patient).await).await,
        );
    }
    let id = world.patient().await;
    let changed = json!({"resourceType": "Patient", "id": id}).to_string();
    let path = format!("Patient/{id}");
    let put = |tag: &'static str| {
        c.request(Method::PUT, &path)
            .header("content-type", "application/fhir+json")
            .header("if-match", tag)
            .body(changed.clone())
            .send()
    };
    note(
        "stale version",
        refusal(put("W/\"7\"").await.unwrap()).await,
    );
    note("no version", refusal(put("latest").await.unwrap()).await);
    note(
        "another id",
        refusal(
            c.put(&path, &json!({"resourceType": "Patient", "id": "other"}))
                .await,
        )
        .await,
    );
}

#[tokio::test]
async fn every_route_needs_a_token() {
    let world = World::start().await;
    for route in karez_gateway::fhir::ROUTES {
        let path = route
            .path
            .trim_start_matches("/fhir")
            .replace("{type}", "Patient")
            .replace("{id}", "1")
            .replace("{version}", "1");
        let method: Method = route.method.parse().unwrap();
        for path in [path.clone(), format!("/yarqum{path}")] {
            let answer = world
                .nobody()
                .request(method.clone(), &path)
                .send()
                .await
                .unwrap();
            let open = route.access == karez_gateway::Access::Public;
            assert_eq!(
                answer.status().as_u16(),
                if open { 200 } else { 401 },
                "{} {path}",
                route.method
            );
        }
    }
}

#[tokio::test]
async fn what_is_stored_and_found_is_audited() {
    let world = World::start().await;
    let c = world.clinician();
    let id = world.patient().await;
    c.get(&format!("Patient/{id}")).await;
    c.get("Patient?name=tur").await;
    c.post("qumtagh/Patient", &json!({"resourceType": "Patient"}))
        .await;
    let other = world.role("qumtagh", Role::Clinician);
    other.get(&format!("yarqum/Patient/{id}")).await;
    world.node.app.flush_reads().await.unwrap();
    let chain = kernel::HospitalId::new("yarqum").unwrap();
    let filter = testkit::store::AuditFilter {
        limit: 10,
        ..Default::default()
    };
    let permit = agreements::Permit::system(agreements::SystemPurpose::Audit, world.node.now());
    let page = world
        .node
        .store
        .audit(&permit, &chain, &filter)
        .await
        .unwrap();
    let actions: Vec<&str> = page.records.iter().map(|r| r.action.as_str()).collect();
    for action in ["record.searched", "record.read", "record.created"] {
        assert!(actions.contains(&action), "{action} in {actions:?}");
    }
    // A write into another's records, and a read from there: each in the chains of both.
    let refused = actions.iter().filter(|a| **a == "record.refused");
    assert_eq!(refused.count(), 2, "{actions:?}");
    assert!(
        page.records
            .iter()
            .all(|r| r.patient.as_ref().is_none_or(|p| p.as_str() == id))
    );
}

#[tokio::test]
async fn the_capability_statement_is_public_and_true() {
    let world = World::start().await;
    let statement = body(world.nobody().get("yarqum/metadata").await).await;
    assert_eq!(statement["fhirVersion"], "4.0.1");
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    let codes = |kind: &str| -> Vec<String> {
        let r = resources.iter().find(|r| r["type"] == kind).unwrap();
        r["interaction"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| i["code"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(codes("Observation").contains(&"create".to_owned()));
    for kind in [
        "AuditEvent",
        "Provenance",
        "Composition",
        "Appointment",
        "Slot",
    ] {
        assert!(
            !codes(kind)
                .iter()
                .any(|c| matches!(c.as_str(), "create" | "update" | "delete")),
            "{kind}"
        );
    }
}
