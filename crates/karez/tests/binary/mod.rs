//! The binary as a process: started, asked, stopped. Not every suite uses all of it.
#![allow(dead_code)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub const PASSWORD: &str = "seven poplars by the well";
pub const LOGIN: &str = "li.jing@yarqum.example";

pub fn karez(data: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_karez"));
    command
        .args(args)
        .arg("--data")
        .arg(data)
        .env_remove("KAREZ_CONFIG")
        .env("KAREZ_ACCOUNTS_SECOND_FACTOR_FOR", "none")
        .current_dir(data);
    command
}

/// Runs it to a good end, and gives what it said.
pub fn succeeds(command: &mut Command) -> String {
    let out = command.output().unwrap();
    let wrong = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{command:?}: {wrong}");
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// Words of a command line; none of them has a blank in it.
pub fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// What founds a hospital that is called like its slug.
pub fn founding(slug: &str) -> String {
    format!("admin hospital add {slug} --name {slug} --country CN --zone Asia/Shanghai")
}

/// What gives a bearer token of a clinician, as scripts get one, for as long as tests may take.
pub const TOKEN: &str = "admin token --hospital yarqum --role clinician --minutes 720";

pub fn run(data: &Path, args: &[&str], stdin: &str) -> Output {
    let mut child = karez(data, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(stdin.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// Serves on a free port of this machine.
pub const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

pub struct Server {
    pub child: Child,
    pub base: String,
    pub ready: serde_json::Value,
}

impl Server {
    pub fn start(data: &Path, more: &[&str]) -> Self {
        let log = std::fs::File::create(data.join("log")).unwrap();
        let mut args = SERVE.to_vec();
        args.extend(more);
        let mut command = karez(data, &args);
        command.env("KAREZ_LOG_FILTER", "debug").stderr(log);
        Self::ready(command)
    }

    /// Starts a command that serves, and comes back when it says that it is ready.
    pub fn ready(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("one line of JSON, not {line:?}"));
        let base = ready["base"].as_str().unwrap().to_owned();
        Self { child, base, ready }
    }

    /// SIGKILL: it has no time for anything more.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn terminate(&self) {
        let pid = self.child.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(killed.success());
    }

    pub fn address(&self) -> &str {
        self.base.split("//").nth(1).unwrap()
    }

    /// Waits for the end; fails when it takes longer than `most`.
    pub fn ends_within(&mut self, most: Duration) {
        let started = Instant::now();
        while started.elapsed() < most {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        panic!("still running after {most:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn with_people(data: &Path) {
    succeeds(&mut karez(data, &words(&founding("yarqum"))));
    with_user(data, LOGIN, "yarqum", "clinician,administrator");
}

/// Somebody of staff, whose password is [`PASSWORD`].
pub fn with_user(data: &Path, login: &str, hospital: &str, roles: &str) {
    let line = format!(
        "admin user add {login} --name 李静 --hospital {hospital} --roles {roles} --password-stdin"
    );
    let made = run(data, &words(&line), PASSWORD);
    let wrong = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{login}: {wrong}");
}

/// A client that finds servers on this machine.
pub fn client() -> reqwest::Client {
    testkit::install_crypto();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .cookie_store(true)
        .build()
        .unwrap()
}

pub async fn sign_in(client: &reqwest::Client, base: &str, password: &str) -> reqwest::Response {
    sign_in_as(client, base, LOGIN, password).await
}

pub async fn sign_in_as(
    client: &reqwest::Client,
    base: &str,
    login: &str,
    password: &str,
) -> reqwest::Response {
    let password = password.replace(' ', "+");
    let body = format!("login={login}&password={password}&next=/profile");
    send_form(client, base, "/sign-in", body).await
}

/// The token that this person's forms carry.
pub async fn form_token(client: &reqwest::Client, base: &str) -> String {
    let page = client.get(format!("{base}/profile")).send().await.unwrap();
    let page = page.text().await.unwrap();
    let token = page.split("name=\"csrf\" value=\"").nth(1).unwrap();
    token.split('"').next().unwrap().to_owned()
}

/// Sends a form as a browser does.
pub async fn send_form(
    client: &reqwest::Client,
    base: &str,
    path: &str,
    body: String,
) -> reqwest::Response {
    client
        .post(format!("{base}{path}"))
        .header("origin", base)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap()
}
