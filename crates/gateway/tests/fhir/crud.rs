use reqwest::Method;
use serde_json::json;

use crate::world::{World, body, entries, header, observation, refusal, text_at};

#[tokio::test]
async fn a_resource_is_created_read_changed_and_deleted() {
    let world = World::start().await;
    let c = world.clinician();
    let patient = world.patient().await;

    let created = c.post("Observation", &observation(&patient, "5.4")).await;
    assert_eq!(created.status(), 201);
    assert_eq!(header(&created, "etag"), "W/\"1\"");
    assert!(header(&created, "last-modified").ends_with("GMT"));
    let location = header(&created, "location");
    let mut o = body(created).await;
    let id = text_at(&o, "/id");
    assert!(
        location.ends_with(&format!("/fhir/yarqum/Observation/{id}/_history/1")),
        "{location}"
    );
    assert_eq!(text_at(&o, "/meta/versionId"), "1");

    o["status"] = json!("amended");
    let path = format!("Observation/{id}");
    let updated = c
        .request(Method::PUT, &path)
        .header("content-type", "application/fhir+json")
        .header("if-match", "W/\"1\"")
        .body(o.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(
        (updated.status().as_u16(), header(&updated, "etag").as_str()),
        (200, "W/\"2\"")
    );

    let now = c.get(&path).await;
    assert_eq!(header(&now, "etag"), "W/\"2\"");
    assert_eq!(body(now).await["status"], "amended");
    let first = body(c.get(&format!("yarqum/{path}/_history/1")).await).await;
    assert_eq!(first["status"], "final");
    let unchanged = c
        .request(Method::GET, &path)
        .header("if-none-match", "W/\"2\"")
        .send()
        .await
        .unwrap();
    assert_eq!(unchanged.status(), 304);

    assert_eq!(c.delete(&path).await.status(), 204);
    assert_eq!(
        c.delete(&path).await.status(),
        204,
        "deleting twice is no error"
    );
    assert_eq!(refusal(c.get(&path).await).await.0, 410);
    assert_eq!(
        c.get(&format!("{path}/_history/2")).await.status(),
        200,
        "former versions stay"
    );
    let history = body(c.get(&format!("{path}/_history")).await).await;
    let methods: Vec<_> = entries(&history)
        .iter()
        .map(|e| text_at(e, "/request/method"))
        .collect();
    assert_eq!(methods, ["DELETE", "PUT", "POST"]);
    assert!(c.ids(&format!("Observation?_id={id}")).await.is_empty());
}

#[tokio::test]
async fn bytes_come_back_as_they_went_in() {
    let world = World::start().await;
    let patient = world.patient().await;
    let sent = format!(
        "{{ \"resourceType\" : \"Observation\",\n \"status\":\"final\", \"code\":{{\"text\":\"\\u4e2d\"}}, \"subject\":{{\"reference\":\"Patient/{patient}\"}}, \"valueQuantity\":{{\"value\":1.10}}}}"
    );
    let c = world.clinician();
    let request = c
        .request(Method::POST, "Observation")
        .header("content-type", "application/json");
    let created = request.body(sent.clone()).send().await.unwrap();
    assert_eq!(created.status(), 201);
    let id = text_at(&body(created).await, "/id");
    let text = c
        .get(&format!("Observation/{id}"))
        .await
        .text()
        .await
        .unwrap();
    let (before, rest) = sent.split_once("\"Observation\"").unwrap();
    assert!(
        text.starts_with(&format!(
            "{before}\"Observation\",\"id\":\"{id}\",\"meta\":{{"
        )),
        "{text}"
    );
    assert!(text.ends_with(rest), "{text}");
}

#[tokio::test]
async fn the_answer_is_shaped_as_preferred() {
    let world = World::start().await;
    let c = world.clinician();
    let patient = json!({"resourceType": "Patient"}).to_string();
    for (prefer, expected) in [
        ("return=minimal", ""),
        ("return=OperationOutcome", "OperationOutcome"),
        ("return=representation", "Patient"),
    ] {
        let request = c
            .request(Method::POST, "Patient")
            .header("content-type", "application/fhir+json")
            .header("prefer", prefer);
        let answer = request.body(patient.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let text = answer.text().await.unwrap();
        assert!(
            if expected.is_empty() {
                text.is_empty()
            } else {
                text.contains(expected)
            },
            "{prefer}"
        );
    }
    let head = c.request(Method::HEAD, "metadata").send().await.unwrap();
    assert_eq!(head.status(), 200);
}

#[tokio::test]
async fn a_conditional_create_makes_one() {
    let world = World::start().await;
    let c = world.clinician();
    let patient =
        json!({"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": "7"}]})
            .to_string();
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let request = c
            .request(Method::POST, "Patient")
            .header("content-type", "application/fhir+json")
            .header("if-none-exist", "identifier=urn:mrn|7");
        statuses.push(
            request
                .body(patient.clone())
                .send()
                .await
                .unwrap()
                .status()
                .as_u16(),
        );
    }
    assert_eq!(statuses, [201, 200]);
    assert_eq!(c.ids("Patient?identifier=urn:mrn|7").await.len(), 1);
}

#[tokio::test]
async fn a_patient_with_a_record_is_not_deleted() {
    let world = World::start().await;
    let c = world.clinician();
    let patient = world.patient().await;
    c.post("Observation", &observation(&patient, "5")).await;
    assert_eq!(
        refusal(c.delete(&format!("Patient/{patient}")).await)
            .await
            .0,
        409
    );
}

#[tokio::test]
async fn a_record_is_not_moved_to_another_patient_by_an_update() {
    let world = World::start().await;
    let c = world.clinician();
    let (a, b) = (world.patient().await, world.patient().await);
    let mut o = body(c.post("Observation", &observation(&a, "5")).await).await;
    o["subject"]["reference"] = json!(format!("Patient/{b}"));
    let path = format!("Observation/{}", text_at(&o, "/id"));
    assert_eq!(refusal(c.put(&path, &o).await).await.0, 422);
}
