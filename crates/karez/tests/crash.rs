//! Writers on HTTP while the server is killed with SIGKILL, again and again over one data folder. Every write that was
//! answered 201 or 200 is there afterwards as it was sent, a transaction is there whole or not at all, and the audit
//! chains verify.
//!
//! 8 kills; 200 with `KAREZ_TEST_FULL=1`.
// Helpers of tests: what cannot go on has failed.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Notify;

const WRITERS: u64 = 6;

fn karez(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_karez"));
    command.args(args).arg("--data").arg(dir);
    command
}

fn run(dir: &Path, args: &[&str]) -> String {
    let out = karez(dir, args).output().unwrap();
    assert!(
        out.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// A server that is ready, and its address.
fn serve(dir: &Path) -> (Child, String) {
    let mut child = karez(dir, &["serve", "--listen", "127.0.0.1:0", "--tls", "off"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    (child, ready["base"].as_str().unwrap().to_owned())
}

fn patient(name: &str) -> Value {
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
struct Acknowledged {
    name: String,
    /// `Patient/…` of a create; none for a transaction.
    location: Option<String>,
}

/// A server as a client sees it.
struct Server {
    client: Client,
    base: String,
    token: String,
}

impl Server {
    async fn get(&self, path: &str) -> Value {
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
    async fn count(&self, kind: &str, name: &str) -> usize {
        let bundle = self
            .get(&format!("{kind}?identifier=urn:test:crash|{name}"))
            .await;
        bundle["entry"].as_array().map_or(0, Vec::len)
    }

    async fn post(&self, name: &str, whole: bool) -> reqwest::Result<reqwest::Response> {
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

    async fn verify(&self, round: u64, all: &[Acknowledged]) {
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
        let expected = if whole {
            StatusCode::OK
        } else {
            StatusCode::CREATED
        };
        let location = answer
            .headers()
            .get("location")
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.split("/_history/").next())
            .and_then(|v| v.rsplit("/Patient/").next())
            .map(|id| format!("Patient/{id}"));
        assert_eq!(
            answer.status(),
            expected,
            "{}",
            answer.text().await.unwrap_or_default()
        );
        // The head of the answer is the acknowledgement.
        done.push(Acknowledged {
            name,
            location: location.filter(|_| !whole),
        });
        progress.acknowledged.fetch_add(1, Ordering::SeqCst);
        progress.moved.notify_one();
    }
    progress.moved.notify_one();
    done
}

/// Lets writers write, kills the server after so many acknowledgements, and gives all that were acknowledged.
async fn killed(
    server: Server,
    child: &mut Child,
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
    child.kill().unwrap();
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

#[test]
fn what_was_answered_survives_kill_9() {
    let full = std::env::var("KAREZ_TEST_FULL").is_ok_and(|v| v == "1");
    let rounds: u64 = if full { 200 } else { 8 };
    let dir = tempfile::tempdir().unwrap();
    let add = [
        "admin",
        "hospital",
        "add",
        "yarqum",
        "--name",
        "Yarqum",
        "--country",
        "CN",
        "--zone",
        "Asia/Shanghai",
    ];
    run(dir.path(), &add);
    let token = run(
        dir.path(),
        &[
            "admin",
            "token",
            "--hospital",
            "yarqum",
            "--role",
            "clinician",
            "--minutes",
            "720",
        ],
    );
    let random = testkit::SeededEntropy::new(4);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // reqwest insists on one, though nothing here speaks TLS.
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = Client::builder().no_proxy().build().unwrap();
    let mut last: Vec<Acknowledged> = Vec::new();
    for round in 0..=rounds {
        let (mut child, base) = serve(dir.path());
        let server = Server {
            client: client.clone(),
            base,
            token: token.clone(),
        };
        if round > 0 {
            runtime.block_on(server.verify(round - 1, &last));
        }
        if round < rounds {
            let kill_after = 5 + random.next() % 60;
            last = runtime.block_on(killed(server, &mut child, round, kill_after));
        } else {
            child.kill().unwrap();
        }
        child.wait().unwrap();
    }
    let said = run(dir.path(), &["audit", "verify"]);
    assert!(
        said.contains("yarqum") && !said.contains("broken"),
        "{said}"
    );
}
