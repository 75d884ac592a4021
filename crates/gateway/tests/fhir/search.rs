use reqwest::Method;
use serde_json::json;

use crate::world::{World, body, entries, observation, refusal, text_at};

#[tokio::test]
async fn pages_follow_one_another_while_others_write() {
    let world = World::start().await;
    let c = world.clinician();
    let patient = world.patient().await;
    for n in 0..7 {
        c.post("Observation", &observation(&patient, &format!("{n}.5")))
            .await;
    }
    let mut seen = Vec::new();
    let mut path = format!("Observation?patient={patient}&_count=3&_sort=_id");
    loop {
        let page = body(c.get(&path).await).await;
        seen.extend(entries(&page).iter().map(|e| text_at(e, "/resource/id")));
        let next = page["link"]
            .as_array()
            .unwrap()
            .iter()
            .find(|l| l["relation"] == "next");
        let Some(next) = next else { break };
        path = text_at(next, "/url")
            .split_once("/fhir/")
            .unwrap()
            .1
            .to_owned();
        c.post("Observation", &observation(&patient, "9")).await;
    }
    let mut unique = seen.clone();
    unique.dedup();
    assert!(seen.len() >= 7 && unique == seen, "each once and in order");
    let strange = c
        .get(&format!("Observation?patient={patient}&_cursor=made-up"))
        .await;
    assert_eq!(refusal(strange).await.0, 400);
}

#[tokio::test]
async fn every_type_of_parameter_finds() {
    let world = World::start().await;
    let c = world.clinician();
    let patient = world.patient().await;
    let id = text_at(
        &body(c.post("Observation", &observation(&patient, "5.40")).await).await,
        "/id",
    );
    for query in [
        format!("_id={id}"),
        format!("subject=Patient/{patient}"),
        "code=http://loinc.org|2823-3".into(),
        "date=2026-03".into(),
        "value-quantity=gt5".into(),
        "value-quantity=5.4||mmol/L".into(),
        "code-value-quantity=2823-3$lt6".into(),
        "category=laboratory&status=final".into(),
        "status:not=amended".into(),
        "specimen:missing=true".into(),
        "_lastUpdated=ge2026-01-01".into(),
    ] {
        assert_eq!(
            c.ids(&format!("Observation?{query}")).await,
            std::slice::from_ref(&id),
            "{query}"
        );
    }
    assert_eq!(
        c.ids("Patient?name=tur&birthdate=1990").await,
        std::slice::from_ref(&patient)
    );
    assert_eq!(
        c.ids("Patient?given=AYSE").await,
        std::slice::from_ref(&patient),
        "case and accents do not matter"
    );
    assert!(c.ids("Observation?value-quantity=lt5").await.is_empty());

    let page = body(
        c.get("Observation?_include=Observation:subject&_total=accurate")
            .await,
    )
    .await;
    assert_eq!(page["total"], 1);
    let modes: Vec<_> = entries(&page)
        .iter()
        .map(|e| text_at(e, "/search/mode"))
        .collect();
    assert_eq!(modes, ["match", "include"]);

    let request = c
        .request(Method::POST, "Patient/_search")
        .header("content-type", "application/x-www-form-urlencoded");
    let found = body(request.body("family=Tursun").send().await.unwrap()).await;
    assert_eq!(entries(&found).len(), 1);
    let counted = body(c.get("Observation?_summary=count").await).await;
    assert_eq!(
        (counted["total"].as_u64(), entries(&counted).len()),
        (Some(1), 0)
    );
}

#[tokio::test]
async fn chosen_elements_are_marked_as_a_part() {
    let world = World::start().await;
    world.patient().await;
    let page = body(world.clinician().get("Patient?_elements=birthDate").await).await;
    let patient = &entries(&page)[0]["resource"];
    assert_eq!(patient["birthDate"], "1990-05-01");
    assert!(patient.get("name").is_none());
    assert_eq!(patient["meta"]["tag"][0]["code"], "SUBSETTED");
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_unless_lenient() {
    let world = World::start().await;
    let c = world.clinician();
    world.patient().await;
    let refused = refusal(c.get("Patient?colour=red").await).await;
    assert_eq!(refused, (400, "not-supported".into(), "http.colour".into()));
    let request = c
        .request(Method::GET, "Patient?colour=red")
        .header("prefer", "handling=lenient");
    let page = body(request.send().await.unwrap()).await;
    let last = entries(&page).pop().unwrap();
    assert_eq!(
        (
            text_at(&last, "/search/mode"),
            last["resource"]["issue"][0]["severity"].clone()
        ),
        ("outcome".into(), json!("warning"))
    );
    assert!(!page["link"][0]["url"].as_str().unwrap().contains("colour"));
}

#[tokio::test]
async fn another_hospital_finds_nothing_without_an_agreement() {
    let world = World::start().await;
    let patient = world.patient().await;
    let other = world.role("qumtagh", app::Role::Clinician);
    assert!(other.ids("yarqum/Patient").await.is_empty());
    assert_eq!(
        refusal(other.get(&format!("yarqum/Patient/{patient}")).await)
            .await
            .0,
        404
    );
    assert_eq!(
        refusal(
            other
                .get(&format!("yarqum/Patient/{patient}/_history"))
                .await
        )
        .await
        .0,
        404
    );
    let counted = body(other.get("yarqum/Patient?_summary=count").await).await;
    assert_eq!(counted["total"], 0, "a count tells nothing either");
    assert!(
        other.ids("Patient").await.is_empty(),
        "its own hospital has none"
    );
}
