//! Writers on HTTP while the server is killed with SIGKILL, again and again over one data folder; with the power cut
//! besides, so that what was not synced is gone. Every write that was answered 201 or 200 is there afterwards as it was
//! sent, a transaction is there whole or not at all, and the audit chains verify.
//!
//! 4 kills and 6 cuts; 50 and 200 with `KAREZ_TEST_FULL=1`.
// Helpers of tests: what cannot go on has failed.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use testkit::powercut::PowerCut;
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
fn serve(dir: &Path, power: Option<&PowerCut>) -> (Child, String) {
    let mut command = karez(dir, &["serve", "--listen", "127.0.0.1:0", "--tls", "off"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(power) = power {
        power.wrap(&mut command);
    }
    let mut child = command.spawn().unwrap();
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

fn at_length(normally: u64, full: u64) -> u64 {
    let is_full = std::env::var("KAREZ_TEST_FULL").is_ok_and(|v| v == "1");
    if is_full { full } else { normally }
}

/// A data folder with a hospital, and a token of a clinician there.
fn prepared(dir: &Path) -> String {
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
    run(dir, &add);
    let token = [
        "admin",
        "token",
        "--hospital",
        "yarqum",
        "--role",
        "clinician",
        "--minutes",
        "720",
    ];
    run(dir, &token)
}

/// So many rounds over one folder; over the layer if the power is cut as well.
fn kill_and_verify(rounds: u64, cut: bool, seed: u64) {
    let dir = tempfile::tempdir().unwrap();
    let token = prepared(dir.path());
    let power = cut.then(|| PowerCut::over(dir.path()));
    let random = testkit::SeededEntropy::new(seed);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // reqwest insists on one, though nothing here speaks TLS.
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = Client::builder().no_proxy().build().unwrap();
    let (mut all, mut writes_lost) = (Vec::new(), 0);
    let mut last = 0;
    for round in 0..=rounds {
        let (mut child, base) = serve(dir.path(), power.as_ref());
        let server = Server {
            client: client.clone(),
            base,
            token: token.clone(),
        };
        if round > 0 {
            runtime.block_on(server.verify(round - 1, &all[last..]));
        }
        if round < rounds {
            let kill_after = 5 + random.next() % 60;
            last = all.len();
            all.extend(runtime.block_on(killed(server, &mut child, round, kill_after)));
        } else {
            // In the end everything that was ever answered.
            runtime.block_on(server.verify(round, &all));
            child.kill().unwrap();
        }
        child.wait().unwrap();
        writes_lost += power.as_ref().map_or(0, |p| p.cut(seed + round).writes);
    }
    let said = run(dir.path(), &["audit", "verify"]);
    assert!(
        said.contains("yarqum") && !said.contains("broken"),
        "{said}"
    );
    assert!(
        !cut || writes_lost > 0,
        "cuts that take nothing prove nothing"
    );
    let acknowledged = all.len();
    eprintln!("{rounds} rounds, {acknowledged} acknowledged, {writes_lost} writes lost to cuts");
}

#[test]
fn what_was_answered_survives_kill_9() {
    kill_and_verify(at_length(4, 50), false, 4);
}

#[test]
fn what_was_answered_survives_power_cuts() {
    kill_and_verify(at_length(6, 200), true, 4_000);
}
