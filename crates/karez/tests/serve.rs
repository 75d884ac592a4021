//! The binary as an operator meets it: started on a free port, asked over HTTP, stopped by a signal.
#![allow(clippy::unwrap_used)]

mod binary;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use binary::{LOGIN, PASSWORD, Server, client, karez, run, sign_in, succeeds, with_people, words};

#[tokio::test]
async fn it_says_when_it_is_ready_and_serves_health_to_anybody() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path(), &[]);
    assert_eq!(server.ready["pid"], server.child.id());
    for (path, status) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/keys/nobody", 404),
    ] {
        let answer = client()
            .get(format!("{}{path}", server.base))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert!(answer.headers().contains_key("x-request-id"), "{path}");
    }
    let metrics = client()
        .get(format!("{}/metrics", server.base))
        .header("x-forwarded-for", "203.0.113.9")
        .send()
        .await
        .unwrap();
    assert_eq!(
        metrics.status(),
        401,
        "what came through a proxy is not local"
    );
    let second = run(data.path(), &["serve", "--listen", "127.0.0.1:0"], "");
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("data.dir"));
    server.terminate();
    server.ends_within(Duration::from_secs(10));
}

#[test]
fn a_bad_configuration_names_its_key_and_stops_the_start() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(
        data.path().join("karez.toml"),
        "[server]\nlisten = \"nowhere\"\n",
    )
    .unwrap();
    let out = run(data.path(), &["serve"], "");
    assert!(!out.status.success() && out.stdout.is_empty());
    assert!(String::from_utf8_lossy(&out.stderr).contains("server.listen"));
    std::fs::write(data.path().join("karez.toml"), "[server]\nlissen = \"x\"\n").unwrap();
    let out = run(data.path(), &["serve"], "");
    assert!(String::from_utf8_lossy(&out.stderr).contains("server.lissen"));
}

#[test]
fn a_request_that_was_accepted_is_finished_after_the_signal() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path(), &[]);
    let mut line = TcpStream::connect(server.address()).unwrap();
    line.set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let body = "grant_type=client_credentials";
    write!(
        line,
        "POST /oauth/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{}",
        body.len(),
        &body[..10]
    )
    .unwrap();
    line.flush().unwrap();
    // The server has read the head when it answers another request that came later.
    let mut other = TcpStream::connect(server.address()).unwrap();
    write!(
        other,
        "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    other.read_to_string(&mut answer).unwrap();
    server.terminate();
    let asked = Instant::now();
    while TcpStream::connect(server.address()).is_ok() {
        assert!(
            asked.elapsed() < Duration::from_secs(5),
            "no new connection is accepted"
        );
    }
    line.write_all(&body.as_bytes()[10..]).unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("invalid_request"));
    server.ends_within(Duration::from_secs(10));
}

#[tokio::test]
async fn an_open_live_page_does_not_hold_up_the_end() {
    let data = tempfile::tempdir().unwrap();
    with_people(data.path());
    let mut server = Server::start(data.path(), &[]);
    let client = client();
    assert_eq!(sign_in(&client, &server.base, PASSWORD).await.status(), 303);
    let mut live = client
        .get(format!("{}/live?watch=case", server.base))
        .send()
        .await
        .unwrap();
    assert_eq!(live.status(), 200);
    assert!(live.chunk().await.unwrap().is_some());
    server.terminate();
    server.ends_within(Duration::from_secs(5));
}

#[tokio::test]
async fn forms_need_their_token_and_a_session_ends_with_signing_out() {
    let data = tempfile::tempdir().unwrap();
    with_people(data.path());
    let server = Server::start(data.path(), &[]);
    let client = client();
    let base = &server.base;
    assert_eq!(sign_in(&client, base, "wrong").await.status(), 401);
    assert_eq!(sign_in(&client, base, PASSWORD).await.status(), 303);
    let page = client.get(format!("{base}/profile")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    let post = |path: &str, body: String, origin: &str| {
        client
            .post(format!("{base}{path}"))
            .header("origin", origin)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
    };
    let answer = post("/sign-out", "csrf=".into(), base).await.unwrap();
    assert_eq!(answer.status(), 403);
    let token = page.split("name=\"csrf\" value=\"").nth(1).unwrap();
    let token = token.split('"').next().unwrap().to_owned();
    let elsewhere = post("/sign-out", format!("csrf={token}"), "https://evil.example");
    assert_eq!(elsewhere.await.unwrap().status(), 403);
    let answer = post("/sign-out", format!("csrf={token}"), base)
        .await
        .unwrap();
    assert_eq!(answer.status(), 303);
    let page = client.get(format!("{base}/profile")).send().await.unwrap();
    assert_eq!(page.status(), 303);
    drop(server);

    // Nothing that identifies or opens stands in the logs, at the most talkative setting in use.
    let log = std::fs::read_to_string(data.path().join("log")).unwrap();
    assert!(log.contains("/profile"), "routes are logged");
    for secret in [
        PASSWORD,
        "seven+poplars",
        LOGIN,
        "li.jing",
        "李静",
        &token,
        "karez_",
    ] {
        assert!(!log.contains(secret), "{secret:?} stands in the log");
    }
}

#[tokio::test]
async fn a_script_gets_a_token_while_the_server_runs() {
    let data = tempfile::tempdir().unwrap();
    with_people(data.path());
    let server = Server::start(data.path(), &[]);
    let args = words("admin token --hospital network --role operator");
    let token = succeeds(&mut karez(data.path(), &args));
    let answer = client()
        .get(format!("{}/metrics", server.base))
        .header("x-forwarded-for", "203.0.113.9")
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let answer = client()
        .get(format!("{}/metrics", server.base))
        .header("x-forwarded-for", "203.0.113.9")
        .bearer_auth(format!("{token}x"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn a_self_signed_certificate_is_made_and_answers() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--tls", "self-signed"]);
    assert!(server.base.starts_with("https://"));
    testkit::install_crypto();
    let pem = std::fs::read(data.path().join("tls.crt")).unwrap();
    let trusting = reqwest::Client::builder()
        .add_root_certificate(reqwest::Certificate::from_pem(&pem).unwrap())
        .build()
        .unwrap();
    let answer = trusting
        .get(format!("{}/healthz", server.base))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(
        client()
            .get(format!("{}/healthz", server.base))
            .send()
            .await
            .is_err()
    );
}

#[test]
fn the_audit_of_a_used_node_verifies_and_the_doctor_is_content() {
    let data = tempfile::tempdir().unwrap();
    with_people(data.path());
    let out = run(data.path(), &["audit", "verify"], "");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{text}");
    assert!(
        text.contains("network: ") && text.contains("whole"),
        "{text}"
    );
    let out = run(data.path(), &["doctor"], "");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(text.contains("ok    integrity"), "{text}");
}

/// A client certificate with its key, as files of the test and as what a client shows.
fn identity(data: &Path, name: &str) -> (String, reqwest::Identity) {
    let made = rcgen::generate_simple_self_signed(vec![format!("{name}.example")]).unwrap();
    let path = data.join(format!("{name}.pem"));
    std::fs::write(&path, made.cert.pem()).unwrap();
    let both = made.cert.pem() + &made.signing_key.serialize_pem();
    let identity = reqwest::Identity::from_pem(both.as_bytes()).unwrap();
    (path.display().to_string(), identity)
}

#[tokio::test]
async fn a_machine_proves_itself_by_its_certificate_and_its_token_is_worth_nothing_without() {
    testkit::install_crypto();
    let data = tempfile::tempdir().unwrap();
    with_people(data.path());
    let (file, own) = identity(data.path(), "laboratory");
    let (_, stranger) = identity(data.path(), "stranger");
    let line =
        format!("admin machine add --hospital yarqum --name Laboratory --certificate {file}");
    let id = succeeds(&mut karez(data.path(), &words(&line)));
    let config = data.path().join("karez.toml");
    std::fs::write(&config, "[tls]\nclient_certificates = \"ask\"\n").unwrap();
    let config = config.display().to_string();
    let server = Server::start(data.path(), &["--tls", "self-signed", "--config", &config]);
    let root = reqwest::Certificate::from_pem(&std::fs::read(data.path().join("tls.crt")).unwrap());
    let root = root.unwrap();
    let client = |identity: Option<reqwest::Identity>| {
        let builder = reqwest::Client::builder().add_root_certificate(root.clone());
        match identity {
            Some(identity) => builder.identity(identity).build().unwrap(),
            None => builder.build().unwrap(),
        }
    };
    let ask = |client: reqwest::Client| {
        let form = format!("grant_type=client_credentials&client_id={id}");
        client
            .post(format!("{}/oauth/token", server.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
    };
    assert_eq!(ask(client(None)).await.unwrap().status(), 400);
    assert_eq!(
        ask(client(Some(stranger.clone()))).await.unwrap().status(),
        401
    );
    let given = ask(client(Some(own.clone()))).await.unwrap();
    assert_eq!(given.status(), 200);
    let given: serde_json::Value = given.json().await.unwrap();
    let token = given["access_token"].as_str().unwrap().to_owned();
    let read = |client: reqwest::Client| {
        client
            .get(format!("{}/fhir/yarqum/Patient", server.base))
            .bearer_auth(&token)
            .send()
    };
    assert_eq!(read(client(Some(own))).await.unwrap().status(), 200);
    assert_eq!(read(client(Some(stranger))).await.unwrap().status(), 401);
    assert_eq!(read(client(None)).await.unwrap().status(), 401);
}
