//! The disk turns read-only under a serving node: writes are refused in the word of whoever asks, reads go on, the state
//! is told, nothing acknowledged is lost, and when the disk takes changes again nobody needs to do anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use testkit::powercut::PowerCut;

use crate::binary::{
    self, PASSWORD, client, form_token, karez, send_form, sign_in, sign_in_as, words,
};
use crate::writers::{Acknowledged, Node, Server, WRITERS};

const OPERATOR: &str = "operator@network.example";
/// A node that heals by itself has healed by then.
const HEALED_WITHIN: Duration = Duration::from_secs(20);

/// What `/readyz` says.
async fn readiness(base: &str) -> (StatusCode, Value) {
    let answer = client().get(format!("{base}/readyz")).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn until_ready(base: &str) {
    let began = Instant::now();
    loop {
        let (status, facts) = readiness(base).await;
        if status == StatusCode::OK && facts["disk"]["state"] != "read-only" {
            return;
        }
        assert!(began.elapsed() < HEALED_WITHIN, "{facts}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A refusal that is worth trying again, in the word of FHIR.
async fn is_refusal(answer: Response) {
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["resourceType"], "OperationOutcome", "{body}");
    assert_eq!(body["issue"][0]["code"], "transient", "{body}");
}

/// Writes until it is over, also past refusals.
async fn write(server: Arc<Server>, writer: u64, over: Arc<AtomicBool>) -> Vec<Acknowledged> {
    let mut done = Vec::new();
    for n in 0.. {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let name = format!("r0w{writer}n{n}");
        let whole = n % 4 == 3;
        let answer = server.post(&name, whole).await.unwrap();
        if answer.status().is_success() {
            let location = (!whole).then(|| Acknowledged::location_of(&answer));
            done.push(Acknowledged { name, location });
        } else {
            is_refusal(answer).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    done
}

/// Somebody at a browser who changes a preference.
async fn changes_preferences(who: &Client, base: &str, csrf: &str, name: &str) -> Response {
    let body = format!("csrf={csrf}&language=en&zone=Asia%2FShanghai&theme=auto&latin-name={name}");
    send_form(who, base, "/profile", body).await
}

async fn text_of(who: &Client, page: &str) -> String {
    let answer = who.get(page).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{page}");
    answer.text().await.unwrap()
}

/// What everybody sees while nothing can be written.
async fn while_read_only(server: &Server, clinician: &Client, operator: &Client, csrf: &str) {
    let base = &server.base;
    is_refusal(server.post("refused", false).await.unwrap()).await;
    is_refusal(server.post("refused", true).await.unwrap()).await;
    assert_eq!(server.count("Patient", "refused").await, 0);
    let found = server.get("Patient?family=Tursun").await;
    assert!(!found["entry"].as_array().unwrap().is_empty());

    let refused = changes_preferences(clinician, base, csrf, "Refused").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    let page = refused.text().await.unwrap();
    assert!(page.contains("Not available just now") && page.contains("was not confirmed"));
    let profile = text_of(clinician, &format!("{base}/profile")).await;
    assert!(!profile.contains("Refused"));

    let (status, facts) = readiness(base).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(facts["state"], "stopped", "{facts}");
    assert_eq!(facts["store"]["state"], "unavailable", "{facts}");
    assert_eq!(facts["disk"]["state"], "read-only", "{facts}");
    let page = text_of(operator, &format!("{base}/operator")).await;
    assert!(page.contains("Read-only: every write is refused"));
}

#[test]
fn a_disk_that_turns_read_only_loses_nothing_and_needs_no_hand() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let node = Node {
        dir: &data,
        database: None,
    };
    binary::with_people(&data);
    binary::with_user(&data, OPERATOR, "network", "operator");
    let token = binary::succeeds(&mut karez(&data, &words(binary::TOKEN)));
    let power = PowerCut::over(&data);
    let mut process = node.serve(Some(&power));
    let server = Arc::new(Server {
        client: client(),
        base: process.base.clone(),
        token: token.clone(),
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let all = runtime.block_on(turns(&server, &power));
    // Started while the disk is read-only it says what is wrong.
    process.kill();
    power.read_only(true);
    let mut start = karez(&data, &binary::SERVE);
    power.wrap(&mut start);
    let out = start.output().unwrap();
    assert!(!out.status.success() && out.stdout.is_empty());
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(
        said.contains("read-only") || said.contains("Read-only"),
        "{said}"
    );
    power.read_only(false);
    power.cut(4);
    let process = node.serve(Some(&power));
    let server = Server {
        client: client(),
        base: process.base.clone(),
        token,
    };
    runtime.block_on(server.verify(0, &all));
    drop(process);
    node.verify_audit();
}

/// The disk turns and turns back twice under writers.
async fn turns(server: &Arc<Server>, power: &PowerCut) -> Vec<Acknowledged> {
    let base = &server.base;
    let (clinician, operator) = (client(), client());
    let signed = sign_in(&clinician, base, PASSWORD).await;
    assert_eq!(signed.status(), StatusCode::SEE_OTHER);
    let signed = sign_in_as(&operator, base, OPERATOR, PASSWORD).await;
    assert_eq!(signed.status(), StatusCode::SEE_OTHER);
    let csrf = form_token(&clinician, base).await;
    let over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|w| tokio::spawn(write(Arc::clone(server), w, Arc::clone(&over))))
        .collect();
    for name in ["First", "Second"] {
        tokio::time::sleep(Duration::from_millis(700)).await;
        power.read_only(true);
        while_read_only(server, &clinician, &operator, &csrf).await;
        power.read_only(false);
        until_ready(base).await;
        let saved = changes_preferences(&clinician, base, &csrf, name).await;
        assert_eq!(saved.status(), StatusCode::SEE_OTHER);
        let profile = text_of(&clinician, &format!("{base}/profile")).await;
        assert!(profile.contains(name));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    over.store(true, Ordering::SeqCst);
    let mut all = Vec::new();
    for writer in writers {
        let done = writer.await.unwrap();
        assert!(!done.is_empty());
        all.extend(done);
    }
    all
}
