//! Several equal nodes on one PostgreSQL: a session, a write and its live page, the end of access, a dead node's work
//! and a database that restarts do not care which node they meet.
//!
//! `KAREZ_TEST_POSTGRES` names a server; `KAREZ_TEST_POSTGRES_BIN` its programs, for what stops and starts one of its
//! own; `KAREZ_TEST_NATS_BIN` nats-server. What is not named is skipped.
#![allow(clippy::unwrap_used)]

mod binary;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use binary::{PASSWORD, Server, client, run, sign_in, with_people};
use testkit::postgres::FreshDatabase;

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

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
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

/// A bearer token of a clinician, as scripts get one.
fn token(data: &Path) -> String {
    let args = [
        "admin",
        "token",
        "--hospital",
        "yarqum",
        "--role",
        "clinician",
    ];
    let out = run(data, &args, "");
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
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

const SECOND: Duration = Duration::from_secs(1);

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
        let _second = nats(port).unwrap();
        for n in 0..3 {
            let written = put(&a.base, &token, &id, &format!("Tursun 3{n}")).await;
            assert_eq!(written.status(), 200);
            hears(&mut page, &topic, SECOND).await;
        }
    }

    // A hospital founded by the command line, past every node, is known to them.
    let args = [
        "admin",
        "hospital",
        "add",
        "qumtagh",
        "--name",
        "Qumtagh",
        "--country",
        "CN",
        "--zone",
        "Asia/Shanghai",
    ];
    assert!(run(c_dir.path(), &args, "").status.success());
    let known = Instant::now();
    loop {
        let found = client()
            .get(format!("{}/keys/qumtagh", a.base))
            .send()
            .await
            .unwrap();
        if found.status() == 200 {
            break;
        }
        assert!(known.elapsed() < SECOND * 3, "A does not know the hospital");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // Signed out at A: the page at C is closed within a second, and B knows nobody.
    let form = who.get(format!("{}/profile", a.base)).send().await.unwrap();
    let form = form.text().await.unwrap();
    let csrf = form.split("name=\"csrf\" value=\"").nth(1).unwrap();
    let csrf = csrf.split('"').next().unwrap();
    let out = who
        .post(format!("{}/sign-out", a.base))
        .header("origin", &a.base)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("csrf={csrf}"))
        .send()
        .await
        .unwrap();
    assert_eq!(out.status(), 303);
    hears(&mut page, "ended", SECOND * 2).await;
    let page = who.get(format!("{}/profile", b.base)).send().await.unwrap();
    assert_eq!(page.status(), 303);

    // A node is killed: the others go on, and what it acknowledged is there.
    let before = id_of(&create(&a.base, &token, "Before").await);
    let mut a = a;
    a.child.kill().unwrap();
    a.child.wait().unwrap();
    for node in [&b, &c] {
        assert_eq!(status(&node.base, &token, &before).await, 200);
    }
    assert_eq!(create(&b.base, &token, "After").await.status(), 201);
    let verified = run(b_dir.path(), &["audit", "verify"], "");
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stdout)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_another_key_is_refused_in_words() {
    let Some(fresh) = FreshDatabase::make().await else {
        return;
    };
    let first = folder(&fresh.url, None, None);
    with_people(first.path());
    let other = folder(&fresh.url, None, None);
    let out = run(other.path(), &["serve", "--listen", "127.0.0.1:0"], "");
    assert!(!out.status.success());
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(said.contains("data.node_key"), "{said}");
}

/// A PostgreSQL of the test's own, which it may stop and start.
struct OwnServer {
    bin: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    process: Option<Child>,
}

impl OwnServer {
    fn new() -> Option<Self> {
        let Ok(bin) = std::env::var("KAREZ_TEST_POSTGRES_BIN") else {
            eprintln!("skipped: KAREZ_TEST_POSTGRES_BIN is not set");
            return None;
        };
        let server = Self {
            bin: bin.into(),
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
            process: None,
        };
        if root() {
            let mine = Command::new("chown")
                .arg("postgres")
                .arg(server.folder.path())
                .status()
                .unwrap();
            assert!(mine.success());
        }
        let made = server
            .command("initdb")
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8"])
            .args(["--locale=C.UTF-8", "--no-sync", "-D"])
            .arg(server.folder.path().join("data"))
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success());
        Some(server)
    }

    /// A program of the server's, not as root.
    fn command(&self, name: &str) -> Command {
        let program = self.bin.join(name);
        if !root() {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command
            .args([
                "--reuid",
                "postgres",
                "--regid",
                "postgres",
                "--clear-groups",
            ])
            .arg(program);
        command
    }

    async fn start(&mut self) {
        let data = self.folder.path().join("data");
        let _ = std::fs::remove_file(data.join("postmaster.pid"));
        let child = self
            .command("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1", "-k"])
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(child);
        let started = Instant::now();
        let port = self.port.to_string();
        // It listens a moment before it takes anybody in.
        while !self
            .command("pg_isready")
            .args(["-q", "-h", "127.0.0.1", "-p", &port])
            .status()
            .unwrap()
            .success()
        {
            assert!(started.elapsed() < Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// At once, as a crash: what it had not synced is lost.
    fn stop(&mut self) {
        let Some(mut child) = self.process.take() else {
            return;
        };
        // SIGQUIT ends every process of the server without a shutdown.
        let pid = child.id().to_string();
        let _ = Command::new("kill").args(["-QUIT", &pid]).status();
        let _ = child.wait();
    }

    fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|o| o.stdout.starts_with(b"0\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_restarts_under_load_loses_nothing_and_needs_no_hand() {
    let Some(mut server) = OwnServer::new() else {
        return;
    };
    server.start().await;
    let fresh = FreshDatabase::on(&server.url()).await;
    let dir = folder(&fresh.url, None, None);
    with_people(dir.path());
    let node = Server::start(dir.path(), &[]);
    let token = token(dir.path());
    let writers: Vec<_> = (0..4)
        .map(|w| {
            let (base, token) = (node.base.clone(), token.clone());
            tokio::spawn(async move {
                let (mut kept, mut refused) = (Vec::new(), 0);
                let until = Instant::now() + Duration::from_secs(14);
                while Instant::now() < until {
                    let answer = create(&base, &token, &format!("Writer {w}")).await;
                    match answer.status().as_u16() {
                        201 => kept.push(id_of(&answer)),
                        503 => {
                            refused += 1;
                            assert!(answer.headers().contains_key("retry-after"));
                            let body = answer.text().await.unwrap();
                            assert!(body.contains("OperationOutcome"), "{body}");
                            tokio::time::sleep(Duration::from_millis(100)).await;
                        }
                        other => panic!("{other}: {}", answer.text().await.unwrap()),
                    }
                }
                (kept, refused)
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.stop();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let ready = client().get(format!("{}/readyz", node.base)).send();
    assert_eq!(ready.await.unwrap().status(), 503);
    server.start().await;
    let mut kept = Vec::new();
    let mut refused = 0;
    for w in writers {
        let (ids, no) = w.await.unwrap();
        kept.extend(ids);
        refused += no;
    }
    assert!(refused > 0, "nobody noticed");
    let ready = client().get(format!("{}/readyz", node.base)).send();
    assert_eq!(ready.await.unwrap().status(), 200, "it recovers by itself");
    for id in &kept {
        assert_eq!(status(&node.base, &token, id).await, 200, "{id} was lost");
    }
    assert_eq!(create(&node.base, &token, "After").await.status(), 201);
    let verified = run(dir.path(), &["audit", "verify"], "");
    assert!(verified.status.success());
    // Its server goes before it does.
    std::mem::forget(fresh);
}
