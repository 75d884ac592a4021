//! The drills of the book, run as they stand there: a node that follows its backup is killed, its folder is deleted, and
//! the page's own commands bring it back; a PostgreSQL that archives its log is brought back to a point in time.
//!
//! What needs PostgreSQL is skipped where `KAREZ_TEST_POSTGRES_BIN` does not name the folder of its programs.
#![allow(clippy::unwrap_used)]

mod binary;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use binary::{SERVE, Server, TOKEN, client, founding, succeeds, words};
use testkit::postgres::{Cluster, FreshDatabase};

/// The blocks of the page that begin with this word or these words, as they stand there.
fn blocks(kind: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/recovery.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut out: Vec<String> = Vec::new();
    let mut open = None;
    for line in page.lines() {
        match (open, line.strip_prefix("```")) {
            (None, Some(begun)) => {
                open = Some(begun == kind);
                if begun == kind {
                    out.push(String::new());
                }
            }
            (Some(_), Some(_)) => open = None,
            (Some(true), None) => {
                let block = out.last_mut().unwrap();
                block.push_str(line);
                block.push('\n');
            }
            _ => {}
        }
    }
    out
}

struct Machine {
    dir: tempfile::TempDir,
}

impl Machine {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The shell, with the environment of an operator's.
    fn sh(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-euc", script])
            .env_remove("KAREZ_CONFIG")
            .env("KAREZ_LOG_FILTER", "warn")
            .current_dir(self.dir.path());
        command
    }

    fn karez(&self, args: &[&str]) -> Command {
        let mut command = binary::karez(&self.path("node"), args);
        command
            .env("KAREZ_LOG_FILTER", "warn")
            .env("KAREZ_BACKUP_PLACE", "folder")
            .env("KAREZ_BACKUP_FOLDER", self.path("away"))
            .env("KAREZ_BACKUP_EVERY_S", "1");
        command
    }

    /// Runs blocks of the page in one shell, with this machine's paths in the place of the page's.
    fn shell(&self, blocks: &[&str], more: &str) -> String {
        let script = self.localized(blocks, more);
        succeeds(&mut self.sh(&script))
    }

    /// Runs what serves in the end. The server takes the shell's place, so that ending it ends the server.
    fn serves(&self, script: &str) -> Server {
        let script = script.replace("\nkarez serve", "\nexec karez serve");
        Server::ready(self.sh(&script))
    }

    fn localized(&self, blocks: &[&str], more: &str) -> String {
        let here = |name: &str| self.path(name).display().to_string();
        let binary = Path::new(env!("CARGO_BIN_EXE_karez"));
        let folder = binary.parent().unwrap().display();
        format!("PATH='{folder}':$PATH\n{more}\n{}", blocks.join("\n"))
            .replace("/mnt/backup/karez", &here("away"))
            .replace("/mnt/backup/postgres", &here("away"))
            .replace("/safe/node.key", &here("safe.key"))
            .replace("/var/lib/karez-new", &here("new"))
            .replace("/var/lib/postgresql/restored", &here("restored/data"))
    }
}

async fn ask(server: &Server, token: &str, path: &str) -> (u16, String) {
    let answer = client()
        .get(format!("{}{path}", server.base))
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// An answer without the head of a Bundle, which says when it was asked for.
fn content(answer: &str) -> &str {
    answer
        .split_once("\"entry\":")
        .map_or(answer, |(_, found)| found)
}

/// A new patient: the id the server gave, and its own time of it.
async fn patient(server: &Server, token: &str, name: &str) -> (String, String) {
    let body = serde_json::json!({"resourceType": "Patient", "name": [{"family": name}]});
    let answer = client()
        .post(format!("{}/fhir/Patient", server.base))
        .bearer_auth(token)
        .header("prefer", "return=representation")
        .header("content-type", "application/fhir+json")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{text}");
    let stored: serde_json::Value = serde_json::from_str(&text).unwrap();
    let text = |v: &serde_json::Value| v.as_str().unwrap().to_owned();
    (text(&stored["id"]), text(&stored["meta"]["lastUpdated"]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_drills_of_the_book_bring_a_lost_node_back() {
    let machine = Machine {
        dir: tempfile::tempdir().unwrap(),
    };
    std::fs::create_dir(machine.path("node")).unwrap();
    succeeds(&mut machine.karez(&words(&founding("yarqum"))));
    std::fs::copy(machine.path("node/node.key"), machine.path("safe.key")).unwrap();
    let mut server = Server::ready(machine.karez(&SERVE));
    let key = succeeds(&mut machine.karez(&words(TOKEN)));
    let (early, point) = patient(&server, &key, "early").await;
    let mut tick = tokio::time::interval(Duration::from_secs(2));
    tick.tick().await;
    let mut later = Vec::new();
    for n in 0..3 {
        tick.tick().await;
        later.push(patient(&server, &key, &format!("later{n}")).await.0);
    }
    let newest = format!("/fhir/Patient/{}/_history/1", later[2]);
    let (_, before) = ask(&server, &key, &newest).await;
    // Ten seconds are promised; the turns are every second here.
    for _ in 0..3 {
        tick.tick().await;
    }
    server.kill();
    std::fs::remove_dir_all(machine.path("node")).unwrap();

    let (sh, serve) = (blocks("sh"), blocks("sh serve"));
    let [places, listed, restored, checked, earlier] = &sh[..] else {
        panic!("the page has drills that nobody runs");
    };
    let said = machine.shell(&[places, listed, restored, checked], "");
    assert!(said.contains("\"faulty\":0"), "{said}");
    let again = machine.serves(&machine.localized(&[places, &serve[0]], ""));
    for id in later.iter().chain([&early]) {
        let (status, _) = ask(&again, &key, &format!("/fhir/Patient/{id}")).await;
        assert_eq!(status, 200, "{id}");
    }
    let (_, after) = ask(&again, &key, &newest).await;
    assert_eq!(after, before, "answers are equal to the byte");
    drop(again);

    let export = format!("POINT={point}");
    machine.shell(&[places, earlier], &export);
    let mut serve = binary::karez(&machine.path("new-before"), &SERVE);
    serve.env("KAREZ_DATA_NODE_KEY_FILE", machine.path("safe.key"));
    let earlier = Server::ready(serve);
    let (status, _) = ask(&earlier, &key, &format!("/fhir/Patient/{early}")).await;
    assert_eq!(status, 200);
    let (status, _) = ask(&earlier, &key, &format!("/fhir/Patient/{}", later[0])).await;
    assert_eq!(status, 404);
}

/// PostgreSQL as the page sets it up, and the server that a drill restores beside it.
struct Servers {
    machine: Machine,
    live: Cluster,
    restored: Cluster,
}

impl Servers {
    fn start() -> Option<Self> {
        let machine = Machine {
            dir: tempfile::tempdir().unwrap(),
        };
        let mut live = Cluster::make(machine.dir.path())?;
        for folder in ["away", "away/log", "restored"] {
            live.folder(&machine.path(folder));
        }
        for folder in ["node", "new"] {
            std::fs::create_dir(machine.path(folder)).unwrap();
        }
        let settings = blocks("conf");
        assert_eq!(settings.len(), 1);
        let here = machine.path("away").display().to_string();
        live.configure(&settings[0].replace("/mnt/backup/postgres", &here));
        live.configure("unix_socket_directories = ''");
        live.start(None);
        let restored = live.another(&machine.path("restored/data"));
        Some(Self {
            machine,
            live,
            restored,
        })
    }

    /// With the ports of the test in the place of the page's.
    fn localized(&self, blocks: &[&str], more: &str) -> String {
        self.machine
            .localized(blocks, more)
            .replace("port=5432", &format!("port={}", self.live.port()))
            .replace("--port 5433", &format!("--port {}", self.restored.port()))
            .replace("-p 5433", &format!("-p {}", self.restored.port()))
            .replace(":5433/", &format!(":{}/", self.restored.port()))
    }

    /// Runs a block as the user PostgreSQL runs as.
    fn shell(&self, block: &str, more: &str) {
        let programs = self.live.programs().display();
        let script = self.localized(&[block], &format!("PATH='{programs}':$PATH\n{more}"));
        let mut sh = self.live.program("/bin/sh");
        succeeds(sh.args(["-euc", &script]).stdin(Stdio::null()));
    }

    /// What the server's own clock says.
    fn now(&self) -> String {
        let mut psql = self.live.program("psql");
        let server = self.live.url();
        succeeds(psql.args(["-X", "-Atc", "SELECT clock_timestamp()", &server]))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_drill_of_the_book_brings_postgresql_back_to_a_point_in_time() {
    let Some(servers) = Servers::start() else {
        return;
    };
    let machine = &servers.machine;
    let database = FreshDatabase::on(&servers.live.url()).await;
    let karez = |args: &[&str]| {
        let mut command = binary::karez(&machine.path("node"), args);
        command
            .env("KAREZ_LOG_FILTER", "warn")
            .env("KAREZ_STORE_DATABASE", &database.url);
        command
    };
    succeeds(&mut karez(&words(&founding("yarqum"))));
    std::fs::copy(machine.path("node/node.key"), machine.path("safe.key")).unwrap();
    let server = Server::ready(karez(&SERVE));
    let key = succeeds(&mut karez(&words(TOKEN)));
    let drill = blocks("sh postgres");
    let [base, archived, restored] = &drill[..] else {
        panic!("the page has drills that nobody runs");
    };
    let (first, _) = patient(&server, &key, "first").await;
    servers.shell(base, "");
    // After the base: from the log alone.
    let mut early = vec![first];
    for n in 0..20 {
        early.push(patient(&server, &key, &format!("early{n}")).await.0);
    }
    let (search, newest) = (
        "/fhir/Patient?_sort=_lastUpdated&_count=50",
        format!("/fhir/Patient/{}/_history/1", early[20]),
    );
    let mut before = Vec::new();
    for question in [search, &newest] {
        before.push(ask(&server, &key, question).await);
    }
    let point = servers.now();
    let (late, _) = patient(&server, &key, "late").await;
    servers.shell(archived, "");
    servers.shell(restored, &format!("POINT='{point}'"));

    let (settled, serve) = (blocks("sh over-postgres"), blocks("sh over-postgres serve"));
    assert_eq!((settled.len(), serve.len()), (1, 1));
    let name = database.url.rsplit_once('/').unwrap().1;
    let over = |blocks: &[&str]| {
        let script = servers
            .localized(blocks, "")
            .replace("//karez@", "//karez_test@");
        script.replace("/karez\n", &format!("/{name}\n"))
    };
    let said = succeeds(&mut machine.sh(&over(&[&settled[0]])));
    assert!(said.contains("yarqum"), "{said}");
    let exports = settled[0].lines().filter(|l| l.starts_with("export"));
    let exports = exports.collect::<Vec<_>>().join("\n");
    let again = machine.serves(&over(&[&exports, &serve[0]]));
    let (status, _) = ask(&again, &key, &format!("/fhir/Patient/{late}")).await;
    assert_eq!(status, 404, "it came after the point");
    for (question, told) in [search, &newest].into_iter().zip(&before) {
        let (status, said) = ask(&again, &key, question).await;
        let said = said.replace(&again.base, &server.base);
        assert_eq!(status, told.0, "{question}");
        assert_eq!(content(&said), content(&told.1), "{question}");
    }
    patient(&again, &key, "afterwards").await;
    // The one that was not restored goes on as it was.
    let (status, _) = ask(&server, &key, &format!("/fhir/Patient/{late}")).await;
    assert_eq!(status, 200);
}
