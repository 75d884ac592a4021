//! The drills of the book, run as they stand there: a node that follows its backup is killed, its folder is deleted, and
//! the page's own commands bring it back.
#![allow(clippy::unwrap_used)]

mod binary;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use binary::{SERVE, Server, TOKEN, client, founding, succeeds, words};

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

async fn ask(server: &Server, token: &str, path: &str) -> (u16, String) {
    let answer = client()
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

    let blocks = blocks();
    assert_eq!(blocks.len(), 6, "the page has drills that nobody runs");
    let serving = blocks.iter().position(|b| b.serves).unwrap();
    let texts: Vec<&str> = blocks.iter().map(|b| b.text.as_str()).collect();
    let said = machine.shell(&texts[..serving], "");
    assert!(said.contains("\"faulty\":0"), "{said}");
    let script = machine.localized(&[texts[0], texts[serving]], "");
    // The server takes the shell's place, so that ending it ends the server.
    let script = script.replace("\nkarez serve", "\nexec karez serve");
    let again = Server::ready(machine.sh(&script));
    for id in later.iter().chain([&early]) {
        let (status, _) = ask(&again, &key, &format!("/fhir/Patient/{id}")).await;
        assert_eq!(status, 200, "{id}");
    }
    let (_, after) = ask(&again, &key, &newest).await;
    assert_eq!(after, before, "answers are equal to the byte");
    drop(again);

    let export = format!("POINT={point}");
    machine.shell(&[texts[0], texts[serving + 1]], &export);
    let mut serve = binary::karez(&machine.path("new-before"), &SERVE);
    serve.env("KAREZ_DATA_NODE_KEY_FILE", machine.path("safe.key"));
    let earlier = Server::ready(serve);
    let (status, _) = ask(&earlier, &key, &format!("/fhir/Patient/{early}")).await;
    assert_eq!(status, 200);
    let (status, _) = ask(&earlier, &key, &format!("/fhir/Patient/{}", later[0])).await;
    assert_eq!(status, 404);
}
