//! A record that arrives from outside the network: a FHIR transaction bundle as another system exports it.

use jiff::tz::TimeZone;
use kernel::Instant;
use serde_json::{Value, json};

use super::dice::Dice;
use super::hospitals::HOSPITALS;
use super::model::{Hospital, Person};
use super::names::People;
use super::population;

/// Another seed than the network's, so that the patient is in none of its records.
const OTHER: u64 = 0x006b_6172_657a;

/// A patient from a hospital of the region, whose record is not in the network.
pub fn patient(seed: u64, now: Instant) -> Option<Person> {
    let hospital: &'static Hospital = HOSPITALS.iter().find(|h| h.id == "toghraq")?;
    let mut dice = Dice::new(seed ^ OTHER);
    let today = now.to_zoned(TimeZone::UTC).date();
    Some(population::person(
        9_000,
        hospital,
        900,
        People::Uyghur,
        &mut dice,
        now,
        today,
    ))
}

/// The record as one transaction (FHIR R4 §3.1.0.11): `urn:uuid` references throughout, with the Organization and the
/// Practitioner the exporting system knows.
pub fn bundle(seed: u64, now: Instant) -> Option<String> {
    let person = patient(seed, now)?;
    let record = person.records.first()?;
    let mut dice = Dice::new(seed ^ OTHER ^ 1);
    let organization = json!({
        "resourceType": "Organization", "id": dice.id(), "active": true, "name": "Toghraq Township Hospital",
    });
    let practitioner = json!({
        "resourceType": "Practitioner", "id": dice.id(), "active": true,
        "name": [{ "family": "Batur", "given": ["Erkin"] }],
    });
    let mut entries = vec![
        entry(&organization.to_string()),
        entry(&practitioner.to_string()),
    ];
    let own = format!("\"Patient/{}\"", record.patient);
    let urn = format!("\"urn:uuid:{}\"", record.patient);
    for resource in record
        .resources
        .iter()
        .filter(|r| r.kind != "DocumentReference")
    {
        entries.push(entry(&resource.json.replace(&own, &urn)));
    }
    let entries: Vec<String> = entries.into_iter().flatten().collect();
    Some(format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#,
        entries.join(",")
    ))
}

/// One entry around the resource's own text, so that its numbers stay as written.
fn entry(resource: &str) -> Option<String> {
    let value: Value = serde_json::from_str(resource).ok()?;
    let (kind, id) = (value["resourceType"].as_str()?, value["id"].as_str()?);
    Some(format!(
        r#"{{"fullUrl":"urn:uuid:{id}","resource":{resource},"request":{{"method":"POST","url":"{kind}"}}}}"#
    ))
}
