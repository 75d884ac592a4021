//! Records go in as FHIR transactions, one for each patient and hospital.

use std::collections::BTreeMap;

use agreements::Role;
use app::fhir::Return;
use app::{App, AppError, Cx};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use kernel::{HospitalId, ResourceId};
use serde_json::Value;

use super::world::{World, unknown};
use crate::generate::model::{PatientRecord, Person, Resource};

/// Transactions under way at once; the store writes them in groups.
const AT_ONCE: usize = 12;

/// Ids the store gave, by hospital and the id the generator gave.
pub type Ids = BTreeMap<(&'static str, String), ResourceId>;

/// Carries every record in.
pub async fn all(world: &World<'_>) -> Result<Ids, AppError> {
    let mut ids = Ids::new();
    let mut done = stream::iter(world.network.records())
        .map(|(person, record)| one(world, person, record))
        .buffer_unordered(AT_ONCE);
    while let Some(found) = done.try_next().await? {
        ids.extend(found);
    }
    Ok(ids)
}

/// Whoever brings records in at a hospital.
pub fn clinician(world: &World<'_>, hospital: &str) -> Result<Cx, AppError> {
    let who = world.who(hospital, |p| p.roles.contains(&Role::Clinician))?;
    world.cx(who.key, hospital, world.network.now)
}

async fn one(
    world: &World<'_>,
    person: &Person,
    record: &PatientRecord,
) -> Result<Vec<((&'static str, String), ResourceId)>, AppError> {
    let cx = clinician(world, record.hospital)?;
    let has_case = world
        .network
        .cases
        .iter()
        .any(|c| c.person == person.key && c.from == record.hospital);
    // Files of a case are attached to it by the referring doctor, not brought in with the record.
    let resources: Vec<&Resource> = record
        .resources
        .iter()
        .filter(|r| !has_case || r.kind != "DocumentReference")
        .collect();
    let body = transaction(record, &resources);
    let hospital = HospitalId::new(record.hospital)?;
    let answer = send(world.app, &cx, &hospital, body).await?;
    let given = locations(&answer).ok_or_else(|| unknown("answer to a transaction"))?;
    if given.len() != resources.len() {
        return Err(unknown("answer to a transaction"));
    }
    let pairs = resources.iter().zip(given);
    Ok(pairs
        .map(|(resource, id)| ((record.hospital, resource.id.clone()), id))
        .collect())
}

async fn send(app: &App, cx: &Cx, hospital: &HospitalId, body: String) -> Result<Value, AppError> {
    let answer = app
        .fhir_bundle(cx, hospital, Bytes::from(body), Return::Minimal)
        .await?;
    serde_json::from_slice(answer.reveal()).map_err(|_| unknown("answer to a transaction"))
}

/// A transaction of the resources' own texts: numbers stay as written.
fn transaction(record: &PatientRecord, resources: &[&Resource]) -> String {
    let own = format!("\"Patient/{}\"", record.patient);
    let urn = format!("\"urn:uuid:{}\"", record.patient);
    let entries: Vec<String> = resources
        .iter()
        .map(|resource| {
            let mut text = resource.json.replace(&own, &urn);
            if let Some(file) = record.files.iter().find(|f| f.id == resource.id) {
                let url = format!("\"url\":\"Binary/{}\"", file.id);
                text = text.replace(&url, &format!("\"data\":\"{}\"", STANDARD.encode(&file.bytes)));
            }
            format!(
                r#"{{"fullUrl":"urn:uuid:{}","resource":{text},"request":{{"method":"POST","url":"{}"}}}}"#,
                resource.id, resource.kind
            )
        })
        .collect();
    format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#,
        entries.join(",")
    )
}

/// The ids in `Bundle.entry.response.location` (`…/Patient/ID/_history/1`), in order.
fn locations(answer: &Value) -> Option<Vec<ResourceId>> {
    answer["entry"]
        .as_array()?
        .iter()
        .map(|entry| {
            let location = entry["response"]["location"].as_str()?;
            let resource = location.split("/_history/").next()?;
            ResourceId::new(resource.rsplit('/').next()?).ok()
        })
        .collect()
}
