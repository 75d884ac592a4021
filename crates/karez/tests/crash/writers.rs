//! The server as a process, writers that use it over HTTP, and what they were told.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use testkit::powercut::PowerCut;
use tokio::sync::Notify;

use crate::binary::{self, SERVE, TOKEN, founding, succeeds, words};

pub const WRITERS: u64 = 6;

/// Where a node keeps what it has.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    pub dir: &'a Path,
    /// The address of a PostgreSQL database; none: SQLite in the folder.
    pub database: Option<&'a str>,
}

impl Node<'_> {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = binary::karez(self.dir, args);
        if let Some(database) = self.database {
            command.args(["--database", database]);
        }
        command
    }

    /// A server that is ready.
    pub fn serve(&self, power: Option<&PowerCut>) -> binary::Server {
        let mut command = self.command(&SERVE);
        command
            .env("KAREZ_DICOM_LISTEN", "127.0.0.1:0")
            .stderr(Stdio::null());
        if let Some(power) = power {
            power.wrap(&mut command);
        }
        binary::Server::ready(command)
    }

    /// Founds a hospital, and gives a token of a clinician there.
    pub fn prepare(&self) -> String {
        succeeds(&mut self.command(&words(&founding("yarqum"))));
        succeeds(&mut self.command(&words(TOKEN)))
    }

    /// What an administrator does on the machine.
    pub fn admin(&self, line: &str) {
        let line = format!("admin {line}");
        succeeds(&mut self.command(&words(&line)));
    }

    /// That every audit chain verifies.
    pub fn verify_audit(&self) {
        let said = succeeds(&mut self.command(&["audit", "verify"]));
        assert!(
            said.contains("yarqum") && !said.contains("broken"),
            "{said}"
        );
    }
}

pub fn patient(name: &str) -> Value {
    json!({
        "resourceType": "Patient",
        "identifier": [{"system": "urn:test:crash", "value": name}],
        "name": [{"family": "Tursun", "given": [name]}],
        "birthDate": "1970-01-01",
    })
}

/// A patient and a result that refers to it.
fn transaction(name: &str) -> Value {
    let full = "urn:uuid:7d1f2f0e-5b0c-4b7e-9a53-0f2a9c1e4d11";
    json!({
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": full, "resource": patient(name), "request": {"method": "POST", "url": "Patient"}},
            {"resource": {
                "resourceType": "Observation",
                "identifier": [{"system": "urn:test:crash", "value": name}],
                "status": "final",
                "code": {"text": "potassium"},
                "subject": {"reference": full},
                "valueQuantity": {"value": 4.1, "unit": "mmol/L"},
            }, "request": {"method": "POST", "url": "Observation"}},
        ],
    })
}

/// Every fourth write of a writer is a transaction.
fn is_transaction(n: u64) -> bool {
    n % 4 == 3
}

/// What the server said it has.
#[derive(Debug)]
pub struct Acknowledged {
    pub name: String,
    /// `Patient/…` of a create; none for a transaction.
    pub location: Option<String>,
}

impl Acknowledged {
    /// `Patient/…` of what was created.
    pub fn location_of(answer: &reqwest::Response) -> String {
        let place = answer.headers()["location"].to_str().unwrap();
        let record = place.split("/_history/").next().unwrap();
        format!("Patient/{}", record.rsplit("/Patient/").next().unwrap())
    }
}

/// A server as a client sees it.
pub struct Server {
    pub client: Client,
    pub base: String,
    pub token: String,
}

impl Server {
    pub async fn get(&self, path: &str) -> Value {
        let answer = self
            .client
            .get(format!("{}/fhir/yarqum/{path}", self.base))
            .bearer_auth(&self.token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    /// How many resources carry the name.
    pub async fn count(&self, kind: &str, name: &str) -> usize {
        let bundle = self
            .get(&format!("{kind}?identifier=urn:test:crash|{name}"))
            .await;
        bundle["entry"].as_array().map_or(0, Vec::len)
    }

    pub async fn post(&self, name: &str, whole: bool) -> reqwest::Result<reqwest::Response> {
        let (path, body) = if whole {
            ("", transaction(name))
        } else {
            ("/Patient", patient(name))
        };
        self.client
            .post(format!("{}/fhir/yarqum{path}", self.base))
            .bearer_auth(&self.token)
            .header("content-type", "application/fhir+json")
            .body(body.to_string())
            .send()
            .await
    }

    pub async fn verify(&self, round: u64, all: &[Acknowledged]) {
        for a in all {
            match &a.location {
                Some(location) => {
                    let got = self.get(location).await;
                    assert_eq!(got["identifier"][0]["value"], a.name, "{location}");
                    assert_eq!(got["meta"]["versionId"], "1");
                }
                None => {
                    for kind in ["Patient", "Observation"] {
                        assert_eq!(self.count(kind, &a.name).await, 1, "{kind} {}", a.name);
                    }
                }
            }
        }
        // The one each writer had under way: whole or not at all.
        for w in 0..WRITERS {
            let mine = format!("r{round}w{w}n");
            let n = all.iter().filter(|a| a.name.starts_with(&mine)).count() as u64;
            if is_transaction(n) {
                let name = format!("{mine}{n}");
                let patients = self.count("Patient", &name).await;
                let results = self.count("Observation", &name).await;
                assert_eq!(patients, results, "{name} is half there");
            }
        }
    }
}

struct Progress {
    acknowledged: AtomicU64,
    moved: Notify,
}

/// Writes until the server is gone.
async fn write(
    server: Arc<Server>,
    progress: Arc<Progress>,
    round: u64,
    writer: u64,
) -> Vec<Acknowledged> {
    let mut done = Vec::new();
    for n in 0.. {
        let name = format!("r{round}w{writer}n{n}");
        let whole = is_transaction(n);
        let Ok(answer) = server.post(&name, whole).await else {
            break;
        };
        // The database went before the server did: it says so, and nothing was acknowledged.
        if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
            break;
        }
        let expected = if whole {
            StatusCode::OK
        } else {
            StatusCode::CREATED
        };
        // The head of the answer is the acknowledgement.
        if answer.status() == expected {
            let location = (!whole).then(|| Acknowledged::location_of(&answer));
            done.push(Acknowledged { name, location });
        } else {
            let said = answer.text().await.unwrap_or_default();
            panic!("{name} was not taken: {said}");
        }
        progress.acknowledged.fetch_add(1, Ordering::SeqCst);
        progress.moved.notify_one();
    }
    progress.moved.notify_one();
    done
}

/// Lets writers write, kills the server after so many acknowledgements, and gives all that were acknowledged.
pub async fn killed(
    server: Server,
    kill: impl FnOnce(),
    round: u64,
    kill_after: u64,
) -> Vec<Acknowledged> {
    let server = Arc::new(server);
    let progress = Arc::new(Progress {
        acknowledged: AtomicU64::new(0),
        moved: Notify::new(),
    });
    let tasks: Vec<_> = (0..WRITERS)
        .map(|w| {
            let work = write(Arc::clone(&server), Arc::clone(&progress), round, w);
            tokio::spawn(work)
        })
        .collect();
    while progress.acknowledged.load(Ordering::SeqCst) < kill_after
        && !tasks.iter().any(tokio::task::JoinHandle::is_finished)
    {
        progress.moved.notified().await;
    }
    kill();
    let mut all = Vec::new();
    for t in tasks {
        all.extend(t.await.unwrap());
    }
    assert!(
        all.len() as u64 >= kill_after,
        "the server failed before it was killed"
    );
    all
}
