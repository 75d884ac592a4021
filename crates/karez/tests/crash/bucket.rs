//! The buckets of the files and of the backup go away and come back: what stands on them says so in its own word,
//! everything else goes on, nothing is lost, and nobody needs to do anything.
//!
//! Skipped where `KAREZ_TEST_S3` names no server.

use std::future::Future;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;

use crate::at_length;
use crate::binary::{self, PASSWORD, SERVE, TOKEN, client, form_token, karez, sign_in, words};
use crate::line::{Line, State};
use crate::writers::{Acknowledged, Server};

const BUCKETS: [&str; 2] = ["files", "backup"];
/// Whoever waits for what comes by itself waits no longer, seconds.
const PATIENCE: Duration = Duration::from_secs(120);
/// No answer may take longer, whatever is away: the least a person takes for broken.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// A node whose files and backup lie in buckets behind lines of the test's.
struct Away {
    dir: tempfile::TempDir,
    /// Leads the names of this test's buckets.
    name: String,
    files: Line,
    backup: Line,
}

impl Away {
    /// With buckets of this name, which is no other test's.
    async fn new(name: &str) -> Option<Self> {
        let Ok(server) = std::env::var("KAREZ_TEST_S3") else {
            eprintln!("skipped: KAREZ_TEST_S3 names no S3 server");
            return None;
        };
        let server: SocketAddr = server.strip_prefix("http://").unwrap().parse().unwrap();
        let name = format!("karez-away-{}-{name}", std::process::id());
        for bucket in BUCKETS {
            make_bucket(server, &format!("{name}-{bucket}"));
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("node")).unwrap();
        Some(Self {
            dir,
            name,
            files: Line::to(server).await,
            backup: Line::to(server).await,
        })
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("node")
    }

    fn karez(&self, data: &Path, args: &[&str]) -> Command {
        let mut command = karez(data, args);
        let lines = [
            ("BLOBS", "files", &self.files),
            ("BACKUP", "backup", &self.backup),
        ];
        for (section, bucket, line) in lines {
            command
                .env(format!("KAREZ_{section}_PLACE"), "s3")
                .env(
                    format!("KAREZ_{section}_BUCKET"),
                    format!("{}-{bucket}", self.name),
                )
                .env(format!("KAREZ_{section}_ENDPOINT"), &line.address)
                .env(format!("KAREZ_{section}_ACCESS_KEY"), "test")
                .env(format!("KAREZ_{section}_SECRET_KEY"), "test");
        }
        command
            .env("KAREZ_BACKUP_EVERY_S", "1")
            .env("KAREZ_LOG_FILTER", "off");
        command
    }
}

/// By a plain request: the server of tests asks for no credentials.
fn make_bucket(server: SocketAddr, name: &str) {
    let mut line = TcpStream::connect(server).unwrap();
    let head = format!("PUT /{name} HTTP/1.1\r\nHost: {server}\r\nContent-Length: 0\r\n");
    line.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())
        .unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    let answered = tokio::time::timeout(ANSWER_WITHIN, what);
    answered.await.expect("an answer in time")
}

/// What `/readyz` says, with its status.
async fn readiness(base: &str) -> (StatusCode, Value) {
    let answer = soon(client().get(format!("{base}/readyz")).send())
        .await
        .unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// Asks until the facts are so; gives them.
async fn becomes(base: &str, what: &str, so: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let (_, facts) = readiness(base).await;
        if so(&facts) {
            return facts;
        }
        assert!(began.elapsed() < PATIENCE, "not {what}: {facts}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A clinician at a browser, with a case that files can be added to.
struct Clinician {
    browser: Client,
    csrf: String,
    /// The page that files are sent to.
    case: String,
}

impl Clinician {
    async fn with_case(base: &str, patient: &str) -> Self {
        let browser = client();
        let signed = sign_in(&browser, base, PASSWORD).await;
        assert_eq!(signed.status(), StatusCode::SEE_OTHER);
        let csrf = form_token(&browser, base).await;
        let id = patient.strip_prefix("Patient/").unwrap();
        let start = format!("/patients/yarqum/{id}/cases");
        let begun = binary::send_form(&browser, base, &start, format!("csrf={csrf}")).await;
        assert_eq!(begun.status(), StatusCode::SEE_OTHER);
        let place = begun.headers()["location"].to_str().unwrap();
        let (case, _) = place.split_once("/edit/").unwrap();
        Self {
            browser,
            csrf,
            case: format!("{base}{case}/files"),
        }
    }

    async fn add(&self, bytes: &[u8], base: &str) -> Response {
        let file = Part::bytes(bytes.to_vec())
            .file_name("picture.png")
            .mime_str("image/png")
            .unwrap();
        let form = Form::new()
            .text("csrf", self.csrf.clone())
            .part("files", file);
        let sent = self.browser.post(&self.case).header("origin", base);
        soon(sent.multipart(form).send()).await.unwrap()
    }

    async fn open(&self, file: &str) -> Response {
        soon(self.browser.get(file).send()).await.unwrap()
    }
}

fn picture(n: u8) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend([n; 3_000]);
    bytes
}

/// A refusal on a page that says what to do.
async fn is_refusal(answer: Response) {
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    let page = answer.text().await.unwrap();
    assert!(page.contains("Not available just now"), "{page}");
}

async fn create(server: &Server, name: &str) -> String {
    let made = server.post(name, false).await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    Acknowledged::location_of(&made)
}

/// The addresses of the patient's files.
async fn files_of(server: &Server, patient: &str) -> Vec<String> {
    let found = server
        .get(&format!(
            "DocumentReference?subject={patient}&_sort=_lastUpdated"
        ))
        .await;
    let entries = found["entry"].as_array().cloned().unwrap_or_default();
    let content = |entry: &Value| {
        let id = entry["resource"]["id"].as_str().unwrap();
        format!(
            "{}/records/yarqum/DocumentReference/{id}/files/0/content",
            server.base
        )
    };
    entries.iter().map(content).collect()
}

fn serving(away: &Away) -> (binary::Server, Server) {
    let data = away.data();
    let token = binary::succeeds(&mut away.karez(&data, &words(TOKEN)));
    let process = binary::Server::ready(away.karez(&data, &SERVE));
    let server = Server {
        client: client(),
        base: process.base.clone(),
        token,
    };
    (process, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn files_whose_bucket_goes_away_answer_so_and_come_back_with_it() {
    let Some(away) = Away::new("files").await else {
        return;
    };
    binary::with_people(&away.data());
    let (_process, server) = serving(&away);
    let base = &server.base;
    let patient = create(&server, "filed").await;
    let doctor = Clinician::with_case(base, &patient).await;
    assert_eq!(
        doctor.add(&picture(1), base).await.status(),
        StatusCode::SEE_OTHER
    );
    let first = files_of(&server, &patient).await;
    assert_eq!(first.len(), 1);
    for (n, state) in [State::Cut, State::Silent].into_iter().enumerate() {
        away.files.is(state);
        let facts = becomes(base, "without files", |f| f["files"]["state"] != "ok").await;
        assert_eq!(facts["files"]["state"], "unavailable", "{facts}");
        assert_eq!(facts["state"], "degraded", "{facts}");
        assert_eq!(readiness(base).await.0, StatusCode::OK, "the rest serves");
        is_refusal(doctor.open(&first[0]).await).await;
        is_refusal(doctor.add(&picture(2), base).await).await;
        // Records, searches, pages and writes do not care.
        assert_eq!(files_of(&server, &patient).await.len(), 1 + n);
        create(&server, &format!("meanwhile{n}")).await;
        let case = doctor.case.replace("/files", "/edit/files");
        assert_eq!(doctor.open(&case).await.status(), StatusCode::OK);

        away.files.is(State::Through);
        becomes(base, "ready", |f| f["files"]["state"] == "ok").await;
        let opened = doctor.open(&first[0]).await;
        assert_eq!(opened.status(), StatusCode::OK);
        assert_eq!(opened.bytes().await.unwrap(), picture(1));
        let more = picture(3 + u8::try_from(n).unwrap());
        assert_eq!(
            doctor.add(&more, base).await.status(),
            StatusCode::SEE_OTHER
        );
        assert_eq!(files_of(&server, &patient).await.len(), 2 + n);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_whose_bucket_goes_away_says_how_far_behind_it_is_and_catches_up() {
    let Some(away) = Away::new("backup").await else {
        return;
    };
    let (data, restored) = (away.data(), away.dir.path().join("restored"));
    binary::with_people(&data);
    let (mut process, server) = serving(&away);
    let base = &server.base;
    let is_safe = |f: &Value| f["backup"]["state"] == "ok" && f["backup"]["waiting_bytes"] == 0;
    create(&server, "before").await;
    becomes(base, "carried away", is_safe).await;

    away.backup.is(State::Cut);
    let mut meanwhile = Vec::new();
    for n in 0..20 {
        meanwhile.push(create(&server, &format!("meanwhile{n}")).await);
    }
    let behind = at_length(5, 61);
    let facts = becomes(base, "behind", |f| {
        f["backup"]["behind_s"].as_u64() >= Some(behind)
    })
    .await;
    assert!(
        facts["backup"]["waiting_bytes"].as_u64() > Some(0),
        "{facts}"
    );
    assert!(
        behind < 61 || facts["backup"]["state"] == "behind",
        "{facts}"
    );
    assert_eq!(readiness(base).await.0, StatusCode::OK, "the node serves");

    away.backup.is(State::Through);
    let last = create(&server, "after").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    becomes(base, "carried away", is_safe).await;
    // Everything written meanwhile is in it: the node is lost and restored.
    process.kill();
    std::fs::rename(data.join("node.key"), away.dir.path().join("safe.key")).unwrap();
    std::fs::remove_dir_all(&data).unwrap();
    let key = away.dir.path().join("safe.key");
    let with_key = |args: &[&str]| {
        let mut command = away.karez(&restored, args);
        command.env("KAREZ_DATA_NODE_KEY_FILE", &key);
        command.current_dir(away.dir.path());
        command
    };
    binary::succeeds(&mut with_key(&["restore"]));
    let again = binary::Server::ready(with_key(&SERVE));
    let server = Server {
        base: again.base.clone(),
        ..server
    };
    for patient in meanwhile.iter().chain([&last]) {
        server.get(patient).await;
    }
}
