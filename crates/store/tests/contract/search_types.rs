use crate::support::*;

async fn world(f: &Fixture) {
    for n in 0..6 {
        let p = format!("p{n}");
        put(&f.store, &key("yarqum", "Patient", &p), patient(n)).await;
        let o = key("yarqum", "Observation", &format!("o{n}"));
        put(&f.store, &o, potassium(&format!("p{}", n % 2), n)).await;
    }
}

pub async fn tokens(f: Fixture) {
    world(&f).await;
    let s = &*f.store;
    assert_eq!(
        found(s, "Patient", "identifier=urn:test:mrn|P3").await,
        ["p3"]
    );
    assert_eq!(found(s, "Patient", "identifier=P3").await, ["p3"]);
    assert_eq!(found(s, "Patient", "identifier=|P3").await, [""; 0]);
    assert_eq!(
        found(s, "Patient", "identifier=urn:other|P3").await,
        [""; 0]
    );
    assert_eq!(found(s, "Patient", "identifier=P3,P1").await, ["p1", "p3"]);
    assert_eq!(
        found(s, "Patient", "identifier=urn:test:mrn|").await.len(),
        6
    );
    assert_eq!(
        found(s, "Patient", "gender=female").await,
        ["p0", "p2", "p4"]
    );
    assert_eq!(
        found(s, "Patient", "gender=female&identifier=P1").await,
        [""; 0]
    );
    assert_eq!(found(s, "Observation", "code:text=potas").await.len(), 6);
}

pub async fn strings(f: Fixture) {
    world(&f).await;
    let s = &*f.store;
    assert_eq!(found(s, "Patient", "family=tur").await, ["p0"]);
    assert_eq!(found(s, "Patient", "family=URS").await, [""; 0]);
    assert_eq!(found(s, "Patient", "family:contains=URS").await, ["p0"]);
    assert_eq!(found(s, "Patient", "family:exact=Tursun").await, ["p0"]);
    assert_eq!(found(s, "Patient", "family:exact=tursun").await, [""; 0]);
    assert_eq!(found(s, "Patient", "name=wei").await, ["p1"]);
    // No character of a value is a wildcard.
    assert_eq!(found(s, "Patient", "family=%25").await, [""; 0]);
    assert_eq!(found(s, "Patient", "family=_ursun").await, [""; 0]);
    let k = key("yarqum", "Patient", "han");
    put(
        s,
        &k,
        r#"{"resourceType":"Patient","name":[{"family":"王","given":["小明"]}]}"#,
    )
    .await;
    assert_eq!(found(s, "Patient", "family=%E7%8E%8B").await, ["han"]);
}

pub async fn dates(f: Fixture) {
    world(&f).await;
    let s = &*f.store;
    // o0 2026-01-10T00Z, o1 2026-02-11T01Z, … o5 2026-06-15T05Z
    assert_eq!(found(s, "Observation", "date=2026-02").await, ["o1"]);
    assert_eq!(found(s, "Observation", "date=2026-02-11").await, ["o1"]);
    assert_eq!(found(s, "Observation", "date=2026-02-12").await, [""; 0]);
    assert_eq!(
        found(s, "Observation", "date=ge2026-05").await,
        ["o4", "o5"]
    );
    assert_eq!(found(s, "Observation", "date=gt2026-05").await, ["o5"]);
    assert_eq!(found(s, "Observation", "date=lt2026-02").await, ["o0"]);
    assert_eq!(
        found(s, "Observation", "date=ge2026-02&date=le2026-03").await,
        ["o1", "o2"]
    );
    assert_eq!(found(s, "Observation", "date=ne2026-02").await.len(), 5);
    assert_eq!(found(s, "Patient", "birthdate=1943").await, ["p3"]);
}

pub async fn quantities(f: Fixture) {
    world(&f).await;
    let s = &*f.store;
    // 3.00, 4.10, 5.20, 3.30, 4.40, 5.50
    let over = "value-quantity=gt4.5|http://unitsofmeasure.org|mmol/L";
    assert_eq!(found(s, "Observation", over).await, ["o2", "o5"]);
    assert_eq!(found(s, "Observation", "value-quantity=4.1").await, ["o1"]);
    assert_eq!(
        found(s, "Observation", "value-quantity=4.10||mmol/L").await,
        ["o1"]
    );
    assert_eq!(
        found(s, "Observation", "value-quantity=gt4.5||mg/dL").await,
        [""; 0]
    );
}

pub async fn references(f: Fixture) {
    world(&f).await;
    let s = &*f.store;
    let p1 = ["o1", "o3", "o5"];
    assert_eq!(found(s, "Observation", "subject=Patient/p1").await, p1);
    assert_eq!(found(s, "Observation", "subject:Patient=p1").await, p1);
    assert_eq!(found(s, "Observation", "patient=p1").await, p1);
    assert_eq!(found(s, "Observation", "subject=Group/p1").await, [""; 0]);
    assert_eq!(
        found(
            s,
            "Observation",
            "subject=https://elsewhere/fhir/a/Patient/p1"
        )
        .await,
        [""; 0]
    );
    let k = key("yarqum", "Observation", "far");
    let far = potassium("p1", 1).replace("Patient/p1", "https://elsewhere/fhir/a/Patient/p1");
    put(s, &k, far).await;
    assert_eq!(
        found(
            s,
            "Observation",
            "subject=https://elsewhere/fhir/a/Patient/p1"
        )
        .await,
        ["far"]
    );
    assert_eq!(found(s, "Observation", "patient=p1").await, p1);
    // A patient elsewhere is nobody's here.
    let got = s.get(&system(), &k, None).await.unwrap().unwrap();
    assert_eq!(got.patient, None);
}

pub async fn missing_and_not(f: Fixture) {
    world(&f).await;
    let s = &*f.store;
    let k = key("yarqum", "Patient", "bare");
    put(s, &k, r#"{"resourceType":"Patient"}"#).await;
    assert_eq!(
        found(s, "Patient", "birthdate:missing=true").await,
        ["bare"]
    );
    assert_eq!(
        found(s, "Patient", "birthdate:missing=false").await.len(),
        6
    );
    assert_eq!(
        found(s, "Patient", "gender:not=female").await,
        ["p1", "p3", "p5", "bare"]
    );
}

pub async fn last_updated_and_id(f: Fixture) {
    world(&f).await;
    let s = &*f.store;
    assert_eq!(found(s, "Patient", "_id=p1,p4,none").await, ["p1", "p4"]);
    assert_eq!(
        found(s, "Patient", "_lastUpdated=ge2026-11-22T08:00:00Z")
            .await
            .len(),
        6
    );
    assert_eq!(
        found(s, "Patient", "_lastUpdated=gt2026-11-22").await.len(),
        0
    );
    assert_eq!(
        found(s, "Patient", "_lastUpdated=2026-11-22").await.len(),
        6
    );
}

pub async fn composites(f: Fixture) {
    world(&f).await;
    let s = &*f.store;
    let hit = "code-value-quantity=http://loinc.org|2823-3$gt5";
    assert_eq!(found(s, "Observation", hit).await, ["o2", "o5"]);
    let miss = "code-value-quantity=http://loinc.org|2951-2$gt5";
    assert_eq!(found(s, "Observation", miss).await, [""; 0]);
    // Parts of different components do not add up to a match.
    let pressure = r#"{"resourceType":"Observation","status":"final","code":{"text":"BP"},"component":[
        {"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":140}},
        {"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":90}}]}"#;
    put(s, &key("yarqum", "Observation", "bp"), pressure).await;
    let systolic = "component-code-value-quantity=http://loinc.org|8480-6$gt130";
    assert_eq!(found(s, "Observation", systolic).await, ["bp"]);
    let diastolic = "component-code-value-quantity=http://loinc.org|8462-4$gt130";
    assert_eq!(found(s, "Observation", diastolic).await, [""; 0]);
    // What repeats the parts of the resource and of its components finds either.
    assert_eq!(found(s, "Observation", "combo-code=8480-6").await, ["bp"]);
    assert_eq!(found(s, "Observation", "combo-code=2823-3").await.len(), 6);
    let either = "combo-code-value-quantity=http://loinc.org|8480-6$gt130";
    assert_eq!(found(s, "Observation", either).await, ["bp"]);
    let either = "combo-code-value-quantity=http://loinc.org|2823-3$gt5";
    assert_eq!(found(s, "Observation", either).await, ["o2", "o5"]);
    let apart = "combo-code-value-quantity=http://loinc.org|8462-4$gt130";
    assert_eq!(found(s, "Observation", apart).await, [""; 0]);
    assert_eq!(
        found(s, "Observation", "combo-value-quantity=gt130").await,
        ["bp"]
    );
    let without = "combo-value-quantity:missing=true";
    assert_eq!(found(s, "Observation", without).await, [""; 0]);
    let sorted = find(s, &system(), "Observation", "_sort=-combo-value-quantity").await;
    assert_eq!(ids(&sorted.unwrap())[0], "bp");
}
