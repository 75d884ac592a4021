//! Several equal nodes on one PostgreSQL: a session, a write and its live page, the end of access, a dead node's work
//! and a database that restarts do not care which node they meet.
//!
//! `KAREZ_TEST_POSTGRES` names a server; `KAREZ_TEST_POSTGRES_BIN` its programs, for what stops and starts one of its
//! own; `KAREZ_TEST_NATS_BIN` nats-server. What is not named is skipped.
#![allow(clippy::unwrap_used)]

mod binary;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use binary::{
    PASSWORD, SERVE, Server, TOKEN, client, form_token, founding, karez, run, send_form, sign_in,
    succeeds, with_people, words,
};
use testkit::free_port;
use testkit::postgres::{Cluster, FreshDatabase};

/// A folder of a node's own, with the key that all nodes hold.
fn folder(url: &str, nats: Option<u16>, like: Option<&Path>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut text = format!("[store]\ndatabase = \"{url}\"\n[data]\nreaders = 6\n");
    if let Some(port) = nats {
        text.push_str(&format!("[bus]\nnats_url = \"nats://127.0.0.1:{port}\"\n"));
    }
    std::fs::write(dir.path().join("karez.toml"), text).unwrap();
    if let Some(first) = like {
        std::fs::copy(first.join("node.key"), dir.path().join("node.key")).unwrap();
    }
    dir
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn nats(port: u16) -> Option<Running> {
    let program = std::env::var("KAREZ_TEST_NATS_BIN").ok()?;
    let child = Command::new(program)
        .args(["-a", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Some(Running(child))
}

/// A bearer token of a clinician.
fn token(data: &Path) -> String {
    succeeds(&mut karez(data, &words(TOKEN)))
}

fn verify_audit(data: &Path) {
    succeeds(&mut karez(data, &["audit", "verify"]));
}

async fn put(base: &str, token: &str, id: &str, family: &str) -> reqwest::Response {
    client()
        .put(format!("{base}/fhir/yarqum/Patient/{id}"))
        .bearer_auth(token)
        .header("content-type", "application/fhir+json")
        .body(format!(
            r#"{{"resourceType":"Patient","id":"{id}","name":[{{"family":"{family}"}}]}}"#
        ))
        .send()
        .await
        .unwrap()
}

async fn create(base: &str, token: &str, family: &str) -> reqwest::Response {
    client()
        .post(format!("{base}/fhir/yarqum/Patient"))
        .bearer_auth(token)
        .header("content-type", "application/fhir+json")
        .body(format!(
            r#"{{"resourceType":"Patient","name":[{{"family":"{family}"}}]}}"#
        ))
        .send()
        .await
        .unwrap()
}

/// The id that the answer to a creation names.
fn id_of(created: &reqwest::Response) -> String {
    assert_eq!(created.status(), 201);
    let place = created.headers()["location"].to_str().unwrap();
    let rest = place.split("/Patient/").nth(1).unwrap();
    rest.split('/').next().unwrap().to_owned()
}

async fn status(base: &str, token: &str, id: &str) -> u16 {
    let asked = client()
        .get(format!("{base}/fhir/yarqum/Patient/{id}"))
        .bearer_auth(token)
        .send();
    asked.await.unwrap().status().as_u16()
}

/// Opens a live page and reads its first bytes.
async fn live(who: &reqwest::Client, base: &str, topic: &str) -> reqwest::Response {
    let mut page = who
        .get(format!("{base}/live?watch={topic}"))
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.chunk().await.unwrap().is_some());
    page
}

/// Reads the stream until it says the words, or gives up.
async fn hears(page: &mut reqwest::Response, words: &str, most: Duration) -> Duration {
    let started = Instant::now();
    let mut heard = String::new();
    while !heard.contains(words) {
        let left = most.saturating_sub(started.elapsed());
        let chunk = tokio::time::timeout(left, page.chunk())
            .await
            .unwrap_or_else(|_| panic!("not heard within {most:?}: {words}; {heard}"))
            .unwrap();
        match chunk {
            Some(bytes) => heard.push_str(&String::from_utf8_lossy(&bytes)),
            None => panic!("the page was closed without {words}: {heard}"),
        }
    }
    started.elapsed()
}

/// Fails if the node does not know the hospital within three seconds.
async fn comes_to_know(node: &Server, hospital: &str) {
    let asked = Instant::now();
    let keys = format!("{}/keys/{hospital}", node.base);
    while client().get(&keys).send().await.unwrap().status() != 200 {
        assert!(asked.elapsed() < SECOND * 3, "{hospital} is not known");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// Waits until the node says so of its bus in `/readyz`, and of itself what follows from it.
async fn says_of_bus(node: &Server, state: &str) {
    let mut said = serde_json::Value::Null;
    for _ in 0..100 {
        let ready = client().get(format!("{}/readyz", node.base)).send().await;
        let text = ready.unwrap().text().await.unwrap();
        said = serde_json::from_str(&text).unwrap();
        if said["bus"]["state"] == state {
            assert_eq!(said["state"] == "degraded", state == "away", "{said}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not {state}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_are_one() {
    let Some(fresh) = FreshDatabase::make().await else {
        return;
    };
    let port = free_port();
    let bus = nats(port);
    let told = bus.is_some().then_some(port);
    let a_dir = folder(&fresh.url, told, None);
    with_people(a_dir.path());
    let b_dir = folder(&fresh.url, told, Some(a_dir.path()));
    let c_dir = folder(&fresh.url, told, Some(a_dir.path()));
    let a = Server::start(a_dir.path(), &[]);
    let b = Server::start(b_dir.path(), &[]);
    let c = Server::start(c_dir.path(), &[]);

    // Signed in at A, known at B and C.
    let who = client();
    assert_eq!(sign_in(&who, &a.base, PASSWORD).await.status(), 303);
    for node in [&b, &c] {
        let page = who.get(format!("{}/profile", node.base)).send();
        assert_eq!(page.await.unwrap().status(), 200);
    }

    // Written at B, heard on a page at C within a second, read at A.
    let token = token(b_dir.path());
    let id = id_of(&create(&b.base, &token, "Tursun").await);
    let topic = format!("Patient-{id}");
    let mut page = live(&who, &c.base, &topic).await;
    assert_eq!(put(&b.base, &token, &id, "Tursun 1").await.status(), 200);
    let took = hears(&mut page, &topic, SECOND).await;
    eprintln!("heard at C after {took:?}, with the bus: {}", bus.is_some());
    assert_eq!(status(&a.base, &token, &id).await, 200);

    // The bus dies: the nodes ask by themselves. It comes back: so do they.
    if let Some(mut first) = bus {
        first.0.kill().unwrap();
        first.0.wait().unwrap();
        assert_eq!(put(&b.base, &token, &id, "Tursun 2").await.status(), 200);
        hears(&mut page, &topic, SECOND).await;
        says_of_bus(&a, "away").await;
        let _second = nats(port).unwrap();
        for n in 0..3 {
            let written = put(&a.base, &token, &id, &format!("Tursun 3{n}")).await;
            assert_eq!(written.status(), 200);
            hears(&mut page, &topic, SECOND).await;
        }
        says_of_bus(&a, "ok").await;
    } else {
        says_of_bus(&a, "polling").await;
    }

    // A hospital founded by the command line, past every node, is known to them.
    succeeds(&mut karez(c_dir.path(), &words(&founding("qumtagh"))));
    comes_to_know(&a, "qumtagh").await;

    // Signed out at A: the page at C is closed within a second, and B knows nobody.
    let body = format!("csrf={}", form_token(&who, &a.base).await);
    let out = send_form(&who, &a.base, "/sign-out", body).await;
    assert_eq!(out.status(), 303);
    hears(&mut page, "ended", SECOND * 2).await;
    let page = who.get(format!("{}/profile", b.base)).send().await.unwrap();
    assert_eq!(page.status(), 303);

    // A node is killed: the others go on, and what it acknowledged is there.
    let before = id_of(&create(&a.base, &token, "Before").await);
    drop(a);
    for node in [&b, &c] {
        assert_eq!(status(&node.base, &token, &before).await, 200);
    }
    assert_eq!(create(&b.base, &token, "After").await.status(), 201);
    verify_audit(b_dir.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_another_key_is_refused_in_words() {
    let Some(fresh) = FreshDatabase::make().await else {
        return;
    };
    let first = folder(&fresh.url, None, None);
    with_people(first.path());
    let other = folder(&fresh.url, None, None);
    let out = run(other.path(), &SERVE, "");
    assert!(!out.status.success());
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(said.contains("data.node_key"), "{said}");
}

/// What writers were told.
#[derive(Default)]
struct Load {
    over: AtomicBool,
    kept: AtomicU64,
    refused: AtomicU64,
}

impl Load {
    async fn reaches(&self, count: &AtomicU64, so_many: u64) {
        let began = Instant::now();
        while count.load(Ordering::SeqCst) < so_many {
            assert!(began.elapsed() < SECOND * 60, "{so_many} were not reached");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Writes until it is over, again where it is refused; gives the ids of what was acknowledged.
async fn write(load: Arc<Load>, base: String, token: String) -> Vec<String> {
    let mut kept = Vec::new();
    while !load.over.load(Ordering::SeqCst) {
        let answer = create(&base, &token, "Writer").await;
        match answer.status().as_u16() {
            201 => {
                kept.push(id_of(&answer));
                load.kept.fetch_add(1, Ordering::SeqCst);
            }
            503 => {
                assert!(answer.headers().contains_key("retry-after"));
                let body = answer.text().await.unwrap();
                assert!(body.contains("OperationOutcome"), "{body}");
                load.refused.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            other => panic!("{other}: {}", answer.text().await.unwrap()),
        }
    }
    kept
}

async fn readiness(base: &str) -> u16 {
    let asked = client().get(format!("{base}/readyz")).send();
    asked.await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_restarts_under_load_loses_nothing_and_needs_no_hand() {
    let own = tempfile::tempdir().unwrap();
    let Some(mut server) = Cluster::make(own.path()) else {
        return;
    };
    server.start(None);
    let fresh = FreshDatabase::on(&server.url()).await;
    let dir = folder(&fresh.url, None, None);
    with_people(dir.path());
    let node = Server::start(dir.path(), &[]);
    let token = token(dir.path());
    let load = Arc::new(Load::default());
    let writers: Vec<_> = (0..4)
        .map(|_| tokio::spawn(write(Arc::clone(&load), node.base.clone(), token.clone())))
        .collect();
    load.reaches(&load.kept, 40).await;
    server.kill();
    // A write whose commit was under way waits to hear whether it is there; then it is refused.
    load.reaches(&load.refused, 1).await;
    assert_eq!(readiness(&node.base).await, 503);
    server.start(None);
    let before = load.kept.load(Ordering::SeqCst);
    load.reaches(&load.kept, before + 40).await;
    assert_eq!(readiness(&node.base).await, 200, "it recovers by itself");
    load.over.store(true, Ordering::SeqCst);
    for writer in writers {
        for id in writer.await.unwrap() {
            assert_eq!(status(&node.base, &token, &id).await, 200, "{id} was lost");
        }
    }
    assert_eq!(create(&node.base, &token, "After").await.status(), 201);
    verify_audit(dir.path());
}
