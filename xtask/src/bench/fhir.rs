//! The FHIR API over HTTP on the demonstration data, auditing on: create, read, search and transaction import, by one
//! client and by several at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};

use super::http::{Answer, Client};
use super::node::Node;
use super::{line, times};

const HOSPITAL: &str = "yarqum";
const FHIR_JSON: &str = "application/fhir+json";
/// Clients that ask at the same time in the second half.
const CLIENTS: usize = 16;
/// Entries of one imported transaction: a patient with this many records.
const ENTRIES: usize = 300;

pub fn run(requests: usize) -> Result<()> {
    let node = Node::demo()?;
    let token = node.token(HOSPITAL, "clinician")?;
    let work = Work {
        base: node.base.clone(),
        token,
        patient: String::new(),
    };
    let mut client = work.client()?;
    let patient = created(&client.send(
        "POST",
        &path("Patient"),
        FHIR_JSON,
        patient(0).to_string().as_bytes(),
    )?)?;
    let work = Work { patient, ..work };
    println!("one client");
    each(&work, &mut client, requests)?;
    println!("{CLIENTS} clients at once");
    at_once(&work, requests)?;
    if let Some(mib) = node.resident_mib() {
        println!("resident memory {mib:.0} MiB");
    }
    Ok(())
}

/// Whom to ask, as whom, about whom.
struct Work {
    base: String,
    token: String,
    patient: String,
}

impl Work {
    fn client(&self) -> Result<Client> {
        let mut client = Client::connect(&self.base)?;
        client
            .headers
            .push(("Authorization".into(), format!("Bearer {}", self.token)));
        Ok(client)
    }
    fn create(&self, client: &mut Client, n: usize) -> Result<String> {
        let body = observation(&format!("Patient/{}", self.patient), n).to_string();
        created(&client.send("POST", &path("Observation"), FHIR_JSON, body.as_bytes())?)
    }
    fn read(client: &mut Client, id: &str) -> Result<()> {
        expect(&client.get(&path(&format!("Observation/{id}")))?, 200)
    }
    fn search(&self, client: &mut Client) -> Result<()> {
        let query = format!(
            "Observation?patient={}&code=http://loinc.org%7C2823-3&_sort=-date&_count=20",
            self.patient
        );
        expect(&client.get(&path(&query))?, 200)
    }
    fn by_name(client: &mut Client, n: usize) -> Result<()> {
        let names = ["a", "me", "tur", "li", "gul"];
        expect(
            &client.get(&path(&format!(
                "Patient?name={}&_count=20",
                names[n % names.len()]
            )))?,
            200,
        )
    }
    fn import(client: &mut Client, n: usize) -> Result<()> {
        let answer = client.send(
            "POST",
            &format!("/fhir/{HOSPITAL}"),
            FHIR_JSON,
            transaction(n).to_string().as_bytes(),
        )?;
        expect(&answer, 200)
    }
}

fn each(work: &Work, client: &mut Client, requests: usize) -> Result<()> {
    let mut ids = Vec::new();
    let mut n = 0;
    let mut next = || {
        n += 1;
        n
    };
    line(
        "create",
        &times(requests, || {
            ids.push(work.create(client, next())?);
            Ok(())
        })?,
    );
    let mut turn = ids.iter().cycle();
    line(
        "read",
        &times(requests, || {
            Work::read(client, turn.next().map_or("", String::as_str))
        })?,
    );
    line(
        "search by patient and code",
        &times(requests, || work.search(client))?,
    );
    let mut k = 0;
    line(
        "search by name",
        &times(requests, || {
            k += 1;
            Work::by_name(client, k)
        })?,
    );
    let mut i = 0;
    let imports = times(requests.div_ceil(25), || {
        i += 1;
        Work::import(client, i)
    })?;
    line(&format!("transaction of {} entries", ENTRIES + 1), &imports);
    Ok(())
}

/// The same calls from several clients: how long each took, and how many were done in a second.
fn at_once(work: &Work, requests: usize) -> Result<()> {
    let ids = several(work, requests, "create", |client, n| work.create(client, n))?;
    several(work, requests * 4, "read", |client, n| {
        Work::read(client, &ids[n % ids.len()]).map(|()| String::new())
    })?;
    several(
        work,
        requests * 2,
        "search by patient and code",
        |client, _| work.search(client).map(|()| String::new()),
    )?;
    Ok(())
}

fn several(
    work: &Work,
    count: usize,
    name: &str,
    call: impl Fn(&mut Client, usize) -> Result<String> + Sync,
) -> Result<Vec<String>> {
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    let parts: Vec<Result<Vec<(Duration, String)>>> = thread::scope(|s| {
        let threads: Vec<_> = (0..CLIENTS)
            .map(|_| {
                s.spawn(|| {
                    let mut client = work.client()?;
                    let mut done = Vec::new();
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= count {
                            return Ok(done);
                        }
                        let began = Instant::now();
                        let id = call(&mut client, n)?;
                        done.push((began.elapsed(), id));
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|t| t.join().unwrap_or_else(|_| Err(anyhow!("a client ended"))))
            .collect()
    });
    let whole = began.elapsed();
    let mut sorted = Vec::with_capacity(count);
    let mut ids = Vec::with_capacity(count);
    for part in parts {
        for (time, id) in part? {
            sorted.push(time);
            ids.push(id);
        }
    }
    sorted.sort();
    line(name, &sorted);
    println!(
        "{:<28} {:>8.0} /s together",
        "",
        count as f64 / whole.as_secs_f64().max(1e-9)
    );
    Ok(ids)
}

fn path(rest: &str) -> String {
    format!("/fhir/{HOSPITAL}/{rest}")
}

fn expect(answer: &Answer, status: u16) -> Result<()> {
    let text = String::from_utf8_lossy(&answer.body);
    ensure!(
        answer.status == status,
        "{}: {}",
        answer.status,
        text.chars().take(300).collect::<String>()
    );
    Ok(())
}

fn created(answer: &Answer) -> Result<String> {
    expect(answer, 201)?;
    let resource: Value = serde_json::from_slice(&answer.body)?;
    Ok(resource["id"].as_str().context("an id")?.to_owned())
}

fn patient(n: usize) -> Value {
    json!({"resourceType": "Patient", "identifier": [{"system": "urn:bench:mrn", "value": format!("B{n}")}],
        "name": [{"family": "Bench", "given": [format!("Number {n}")]}], "gender": "female",
        "birthDate": format!("19{:02}-{:02}-15", 50 + n % 50, 1 + n % 12)})
}

fn observation(subject: &str, n: usize) -> Value {
    json!({"resourceType": "Observation", "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3", "display": "Potassium"}]},
        "subject": {"reference": subject},
        "effectiveDateTime": format!("2026-{:02}-{:02}T08:{:02}:00+08:00", 1 + n % 12, 1 + n % 28, n % 60),
        "valueQuantity": {"value": 3.5 + (n % 20) as f64 / 10.0, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
        "referenceRange": [{"low": {"value": 3.5, "unit": "mmol/L"}, "high": {"value": 5.1, "unit": "mmol/L"}}]})
}

/// A patient and their results, linked as a source without ids of its own links them.
fn transaction(n: usize) -> Value {
    let who = format!("urn:uuid:00000000-0000-4000-8000-{n:012}");
    let entry = |url: String, resource: Value| {
        let kind = resource["resourceType"].clone();
        json!({"fullUrl": url, "resource": resource, "request": {"method": "POST", "url": kind}})
    };
    let mut entries = vec![entry(who.clone(), patient(n))];
    for i in 0..ENTRIES {
        entries.push(entry(
            format!("urn:uuid:00000000-0000-4000-9000-{i:012}"),
            observation(&who, i),
        ));
    }
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entries})
}
