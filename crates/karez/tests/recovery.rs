//! The drills of the book, run as they stand there: a node that follows its backup is killed, its folder is deleted, and
//! the page's own commands bring it back.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// One block of commands of the page.
struct Block {
    serves: bool,
    text: String,
}

fn blocks() -> Vec<Block> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/recovery.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut out: Vec<Block> = Vec::new();
    let mut open = false;
    for line in page.lines() {
        match line {
            "```sh" | "```sh serve" => {
                open = true;
                out.push(Block {
                    serves: line.ends_with("serve"),
                    text: String::new(),
                });
            }
            "```" => open = false,
            line if open => {
                let block = out.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
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

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_remove("KAREZ_CONFIG")
            .env("KAREZ_ACCOUNTS_SECOND_FACTOR_FOR", "none")
            .env("KAREZ_LOG_FILTER", "warn")
            .current_dir(self.dir.path());
        command
    }

    fn karez(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_karez"));
        command
            .args(args)
            .arg("--data")
            .arg(self.path("node"))
            .env("KAREZ_BACKUP_PLACE", "folder")
            .env("KAREZ_BACKUP_FOLDER", self.path("away"))
            .env("KAREZ_BACKUP_EVERY_S", "1");
        command
    }

    fn ran(&self, args: &[&str]) -> String {
        let out = self.karez(args).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{args:?}: {said}");
        String::from_utf8(out.stdout).unwrap()
    }

    /// Runs blocks of the page in one shell, with this machine's paths in the place of the page's.
    fn shell(&self, blocks: &[&str], more: &str) -> String {
        let script = self.localized(blocks, more);
        let out = self
            .command("sh")
            .arg("-euc")
            .arg(&script)
            .output()
            .unwrap();
        let (said, wrong) = (
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr),
        );
        assert!(out.status.success(), "{script}\n{said}\n{wrong}");
        said.into_owned()
    }

    fn localized(&self, blocks: &[&str], more: &str) -> String {
        let here = |name: &str| self.path(name).display().to_string();
        let binary = Path::new(env!("CARGO_BIN_EXE_karez"));
        let folder = binary.parent().unwrap().display();
        format!("PATH='{folder}':$PATH\n{more}\n{}", blocks.join("\n"))
            .replace("/mnt/backup/karez", &here("away"))
            .replace("/safe/node.key", &here("safe.key"))
            .replace("/var/lib/karez-new", &here("new"))
    }
}

struct Server {
    child: Child,
    base: String,
}

impl Server {
    fn started(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let base = ready["base"].as_str().unwrap().to_owned();
        Self { child, base }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn ask(server: &Server, token: &str, path: &str) -> (u16, String) {
    let answer = reqwest::Client::new()
        .get(format!("{}{path}", server.base))
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// A new patient: the id the server gave, and its own time of it.
async fn patient(server: &Server, token: &str, name: &str) -> (String, String) {
    let body = serde_json::json!({"resourceType": "Patient", "name": [{"family": name}]});
    let answer = reqwest::Client::new()
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

fn token(machine: &Machine) -> String {
    let out = machine.ran(&[
        "admin",
        "token",
        "--hospital",
        "yarqum",
        "--role",
        "clinician",
    ]);
    out.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_drills_of_the_book_bring_a_lost_node_back() {
    let machine = Machine {
        dir: tempfile::tempdir().unwrap(),
    };
    std::fs::create_dir(machine.path("node")).unwrap();
    machine.ran(&[
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
    ]);
    std::fs::copy(machine.path("node/node.key"), machine.path("safe.key")).unwrap();
    let mut server = Server::started(machine.karez(&["serve", "--listen", "127.0.0.1:0"]));
    let key = token(&machine);
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

    let blocks = blocks();
    assert_eq!(blocks.len(), 6, "the page has drills that nobody runs");
    let serving = blocks.iter().position(|b| b.serves).unwrap();
    let texts: Vec<&str> = blocks.iter().map(|b| b.text.as_str()).collect();
    let said = machine.shell(&texts[..serving], "");
    assert!(said.contains("\"faulty\":0"), "{said}");
    let script = machine.localized(&[texts[0], texts[serving]], "");
    let mut shell = machine.command("sh");
    // The server takes the shell's place, so that ending it ends the server.
    shell
        .arg("-euc")
        .arg(script.replace("\nkarez serve", "\nexec karez serve"));
    let again = Server::started(shell);
    for id in later.iter().chain([&early]) {
        let (status, _) = ask(&again, &key, &format!("/fhir/Patient/{id}")).await;
        assert_eq!(status, 200, "{id}");
    }
    let (_, after) = ask(&again, &key, &newest).await;
    assert_eq!(after, before, "answers are equal to the byte");
    drop(again);

    let export = format!("POINT={point}");
    machine.shell(&[texts[0], texts[serving + 1]], &export);
    let mut serve = machine.command(env!("CARGO_BIN_EXE_karez"));
    serve
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(machine.path("new-before"))
        .env("KAREZ_DATA_NODE_KEY_FILE", machine.path("safe.key"));
    let earlier = Server::started(serve);
    let (status, _) = ask(&earlier, &key, &format!("/fhir/Patient/{early}")).await;
    assert_eq!(status, 200);
    let (status, _) = ask(&earlier, &key, &format!("/fhir/Patient/{}", later[0])).await;
    assert_eq!(status, 404);
}
