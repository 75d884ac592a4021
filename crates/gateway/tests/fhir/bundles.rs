use serde_json::{Value, json};

use crate::world::{World, body, entries, observation, refusal, text_at};

fn post(full_url: &str, resource: Value) -> Value {
    let kind = resource["resourceType"].clone();
    json!({"fullUrl": full_url, "resource": resource, "request": {"method": "POST", "url": kind}})
}
fn bundle(of: &str, entries: &[Value]) -> Value {
    json!({"resourceType": "Bundle", "type": of, "entry": entries})
}
const PATIENT: &str = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a";

#[tokio::test]
async fn a_transaction_links_its_entries() {
    let world = World::start().await;
    let c = world.clinician();
    let mut o = observation("x", "5.4");
    o["subject"]["reference"] = json!(PATIENT);
    // The link may stand before what it points at.
    let sent = bundle(
        "transaction",
        &[
            post("urn:uuid:1", o),
            post(
                PATIENT,
                json!({"resourceType": "Patient", "identifier": [{"system": "urn:ietf:rfc:3986", "value": PATIENT}]}),
            ),
        ],
    );
    let answer = c.post("", &sent).await;
    assert_eq!(answer.status(), 200);
    let answer = body(answer).await;
    assert_eq!(answer["type"], "transaction-response");
    let responses = entries(&answer);
    assert!(responses.iter().all(|e| e["response"]["status"] == "201 Created" && e["response"]["etag"] == "W/\"1\""));
    let location = text_at(&responses[0], "/response/location");
    let path = location.split_once("/fhir/").unwrap().1;
    let stored = body(c.get(path).await).await;
    let patient = text_at(&stored, "/subject/reference");
    assert!(patient.starts_with("Patient/"), "{patient}");
    let patient = body(c.get(&patient).await).await;
    assert_eq!(
        patient["identifier"][0]["value"], PATIENT,
        "an identifier is a name, not a link"
    );
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing() {
    let world = World::start().await;
    let c = world.clinician();
    let good = post(PATIENT, json!({"resourceType": "Patient"}));
    for (bad, status, place) in [
        (
            post(
                "urn:uuid:2",
                json!({"resourceType": "Observation", "code": {"text": "x"}}),
            ),
            422,
            "Bundle.entry[1].resource.status",
        ),
        (
            post(
                "urn:uuid:2",
                json!({"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": "urn:uuid:none"}}),
            ),
            422,
            "Bundle.entry[1].resource",
        ),
        (
            post(
                "urn:uuid:2",
                json!({"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/none"}}),
            ),
            422,
            "Bundle.entry[1].resource",
        ),
        (
            post(PATIENT, json!({"resourceType": "Patient"})),
            422,
            "Bundle.entry[1].fullUrl",
        ),
        (
            json!({"request": {"method": "POST", "url": "Patient"}}),
            422,
            "Bundle.entry[1].resource",
        ),
        (
            json!({"request": {"method": "PATCH", "url": "Patient/1"}}),
            400,
            "Bundle.entry[1].request.url",
        ),
        (
            json!({"resource": {"resourceType": "Patient"}}),
            422,
            "Bundle.entry[1].request",
        ),
    ] {
        let refused = refusal(
            c.post("", &bundle("transaction", &[good.clone(), bad]))
                .await,
        )
        .await;
        assert_eq!((refused.0, refused.2.as_str()), (status, place));
    }
    assert!(c.ids("Patient").await.is_empty(), "nothing was written");
}

#[tokio::test]
async fn a_transaction_updates_deletes_and_reads() {
    let world = World::start().await;
    let c = world.clinician();
    let patient = world.patient().await;
    let a = body(c.post("Observation", &observation(&patient, "1")).await).await;
    let b = body(c.post("Observation", &observation(&patient, "2")).await).await;
    let (a_path, b_path) = (
        format!("Observation/{}", text_at(&a, "/id")),
        format!("Observation/{}", text_at(&b, "/id")),
    );
    let mut changed = a.clone();
    changed["status"] = json!("amended");
    let put = |tag: &str| json!({"resource": changed, "request": {"method": "PUT", "url": a_path, "ifMatch": tag}});
    let delete = json!({"request": {"method": "DELETE", "url": b_path}});
    let stale = refusal(
        c.post(
            "",
            &bundle("transaction", &[put("W/\"9\""), delete.clone()]),
        )
        .await,
    )
    .await;
    assert_eq!(stale.0, 412);
    let get =
        json!({"request": {"method": "GET", "url": format!("Observation?patient={patient}")}});
    let answer = body(
        c.post("", &bundle("transaction", &[get, put("W/\"1\""), delete]))
            .await,
    )
    .await;
    let statuses: Vec<_> = entries(&answer)
        .iter()
        .map(|e| text_at(e, "/response/status"))
        .collect();
    assert_eq!(statuses, ["200 OK", "200 OK", "204 No Content"]);
    assert_eq!(
        entries(&entries(&answer)[0]["resource"]).len(),
        1,
        "reads come after writes"
    );
    assert_eq!(refusal(c.get(&b_path).await).await.0, 410);
}

#[tokio::test]
async fn a_batch_answers_each_entry_on_its_own() {
    let world = World::start().await;
    let c = world.clinician();
    let sent = bundle(
        "batch",
        &[
            post("urn:uuid:1", json!({"resourceType": "Patient"})),
            post(
                "urn:uuid:2",
                json!({"resourceType": "Patient", "gender": "m"}),
            ),
            json!({"request": {"method": "GET", "url": "Patient/none"}}),
            json!({"request": {"method": "GET", "url": "Patient?colour=red"}}),
            post("urn:uuid:3", json!({"resourceType": "AuditEvent"})),
        ],
    );
    let answer = body(c.post("yarqum", &sent).await).await;
    let found: Vec<(String, String)> = entries(&answer)
        .iter()
        .map(|e| {
            let place = e
                .pointer("/response/outcome/issue/0/expression/0")
                .and_then(Value::as_str)
                .unwrap_or_default();
            (text_at(e, "/response/status"), place.to_owned())
        })
        .collect();
    let expected = [
        ("201 Created", ""),
        (
            "422 Unprocessable Content",
            "Bundle.entry[1].resource.gender",
        ),
        ("404 Not Found", "Bundle.entry[2]"),
        ("400 Bad Request", "Bundle.entry[3].request"),
        ("405 Method Not Allowed", "Bundle.entry[4]"),
    ];
    assert_eq!(found, expected.map(|(s, p)| (s.to_owned(), p.to_owned())));
}

#[tokio::test]
async fn conditional_entries_find_what_is_there() {
    let world = World::start().await;
    let c = world.clinician();
    let who = json!({"resourceType": "Practitioner", "identifier": [{"system": "urn:npi", "value": "9"}]});
    let mut entry = post("urn:uuid:p", who);
    entry["request"]["ifNoneExist"] = json!("identifier=urn:npi|9");
    for _ in 0..2 {
        let answer = body(c.post("", &bundle("transaction", &[entry.clone()])).await).await;
        assert_eq!(answer["type"], "transaction-response", "{answer}");
    }
    assert_eq!(c.ids("Practitioner").await.len(), 1);
    let patient = world.patient().await;
    let mut o = observation(&patient, "3");
    o["performer"] = json!([{"reference": "Practitioner?identifier=urn:npi|9"}]);
    let answer = body(
        c.post("", &bundle("transaction", &[post("urn:uuid:o", o.clone())]))
            .await,
    )
    .await;
    let path = text_at(&entries(&answer)[0], "/response/location")
        .split_once("/fhir/")
        .unwrap()
        .1
        .to_owned();
    assert!(
        text_at(&body(c.get(&path).await).await, "/performer/0/reference")
            .starts_with("Practitioner/")
    );
    o["performer"] = json!([{"reference": "Practitioner?identifier=urn:npi|8"}]);
    assert_eq!(
        refusal(
            c.post("", &bundle("transaction", &[post("urn:uuid:o", o)]))
                .await
        )
        .await
        .0,
        422
    );
}
