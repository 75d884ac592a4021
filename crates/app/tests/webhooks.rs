//! Webhooks: everything that was asked for arrives, in order, signed, at least once; what fails is tried again and given
//! up in the end.

#![allow(clippy::unwrap_used)] // a test stops where it fails

use std::time::{Duration, Instant as Wall};

use agreements::Role;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use karez_app::accounts::{Membership, NewAccount, RoleGrant, Validity};
use karez_app::webhooks::{Answer, HookState, NewWebhook};
use karez_app::{AppError, Cx, Language, Settings};
use kernel::{HospitalId, Instant, Phi, RecordKey, ResourceId};
use seal::{Secret, webhook};
use store::Batch;
use testkit::{Received, Receiver, TestNode};

async fn node() -> TestNode {
    testkit::install_crypto();
    let settings = Settings {
        outbound_private: true,
        second_factor_for: Vec::new(),
        ..Settings::default()
    };
    let node = TestNode::start_with(settings).await;
    for id in ["yarqum", "qumtagh"] {
        let hospital = testkit::hospital(id, "CN", "Asia/Shanghai");
        node.app.found_hospital(hospital).await.unwrap();
    }
    node
}

fn administrator(node: &TestNode, hospital: &str) -> Cx {
    let mut cx = node.app.operator_cx();
    cx.actor.hospital = HospitalId::new(hospital).ok();
    cx.actor.roles = [Role::Administrator].into();
    cx
}

async fn hook(node: &TestNode, url: &str) -> (ResourceId, Secret) {
    hook_for(node, url, &["case", "consent"]).await
}

async fn hook_for(node: &TestNode, url: &str, topics: &[&str]) -> (ResourceId, Secret) {
    let new = NewWebhook {
        name: "Laboratory".into(),
        url: url.into(),
        topics: topics.iter().map(|t| (*t).to_owned()).collect(),
    };
    let cx = administrator(node, "yarqum");
    let (id, secret) = node.app.add_webhook(&cx, new).await.unwrap();
    (id, secret_of(&secret))
}

fn secret_of(text: &Phi<String>) -> Secret {
    let text = text.reveal().strip_prefix("whsec_").unwrap();
    let bytes = STANDARD.decode(text).unwrap();
    Secret::from_bytes(bytes.try_into().unwrap())
}

/// Commits an event as a use case would.
async fn happens(node: &TestNode, hospital: &str, topic: &str, id: &str, data: &str) {
    let subject = RecordKey::parse(hospital, "case", id).unwrap();
    let mut batch = Batch::new(node.now());
    batch.event(topic, &subject, data);
    node.store.commit(batch).await.unwrap();
}

fn right(secret: &Secret, r: &Received) -> bool {
    let at = Instant::from_second(r.timestamp.parse().unwrap()).unwrap();
    webhook::verify(secret, &r.id, at, &r.body, &r.signature)
}

fn subjects(all: &[Received]) -> Vec<String> {
    let id = |r: &Received| {
        let body: serde_json::Value = serde_json::from_slice(&r.body).unwrap();
        body["data"]["id"].as_str().unwrap().to_owned()
    };
    all.iter().map(id).collect()
}

#[tokio::test]
async fn events_of_the_hospital_arrive_in_order_signed_and_without_anything_of_the_patient() {
    let node = node().await;
    let receiver = Receiver::start().await;
    happens(&node, "yarqum", "case.sent", "before", "{}").await;
    let (_, secret) = hook(&node, &receiver.url).await;
    let data = r#"{"patient":"p-7","answering":"qumtagh"}"#;
    happens(&node, "yarqum", "case.sent", "c1", data).await;
    happens(&node, "yarqum", "case.accepted", "c2", "{}").await;
    happens(&node, "qumtagh", "case.sent", "foreign", "{}").await;
    let asked = r#"{"answering":"yarqum"}"#;
    happens(&node, "qumtagh", "case.sent", "c3", asked).await;
    happens(&node, "yarqum", "notice.sent", "unasked", "{}").await;
    assert_eq!(node.app.deliver_webhooks().await.unwrap(), 3);
    let all = receiver.received();
    assert_eq!(subjects(&all), ["c1", "c2", "c3"]);
    assert!(all.iter().all(|r| right(&secret, r)));
    let body = String::from_utf8(all[0].body.clone()).unwrap();
    assert!(
        body.starts_with(r#"{"type":"case.sent","timestamp":"2026-11-22T"#),
        "{body}"
    );
    assert!(!body.contains("p-7"));
    assert_eq!(node.app.deliver_webhooks().await.unwrap(), 0);
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn images_and_readings_can_be_asked_for_by_whoever_reads_and_whoever_keeps() {
    let node = node().await;
    let receiver = Receiver::start().await;
    let topics = ["imaging", "reading"];
    hook_for(&node, &receiver.url, &topics).await;
    happens(&node, "yarqum", "imaging.arrived", "s1", "{}").await;
    happens(&node, "qumtagh", "imaging.arrived", "theirs", "{}").await;
    let kept_here = r#"{"reading":"yarqum","study":"s1","patient":"p-7"}"#;
    happens(&node, "qumtagh", "reading.critical", "r1", kept_here).await;
    happens(
        &node,
        "qumtagh",
        "reading.signed",
        "theirs",
        r#"{"reading":"qumtagh"}"#,
    )
    .await;
    happens(&node, "yarqum", "case.sent", "unasked", "{}").await;
    assert_eq!(node.app.deliver_webhooks().await.unwrap(), 2);
    let all = receiver.received();
    assert_eq!(subjects(&all), ["s1", "r1"]);
    assert!(
        all.iter()
            .all(|r| !String::from_utf8_lossy(&r.body).contains("p-7"))
    );
}

#[tokio::test]
async fn a_failure_holds_back_what_follows_and_is_tried_again_under_the_same_id() {
    let node = node().await;
    let receiver = Receiver::start().await;
    let (id, secret) = hook(&node, &receiver.url).await;
    happens(&node, "yarqum", "case.sent", "c1", "{}").await;
    happens(&node, "yarqum", "case.sent", "c2", "{}").await;
    receiver.answers(503);
    assert_eq!(node.app.deliver_webhooks().await.unwrap(), 0);
    let first = receiver.received();
    assert_eq!(subjects(&first), ["c1"]);
    // Not before the pause is over.
    node.app.deliver_webhooks().await.unwrap();
    assert!(receiver.received().is_empty());
    let cx = administrator(&node, "yarqum");
    let view = node.app.webhook(&cx, &id).await.unwrap();
    assert!(view.line.failing_since.is_some() && view.next.is_some());
    assert_eq!(view.deliveries[0].answer, Answer::Status(503));

    receiver.answers(200);
    node.clock.advance(SignedDuration::from_secs(6));
    // Another node takes the work up where this one stopped.
    let other = node.another().await;
    assert_eq!(other.deliver_webhooks().await.unwrap(), 2);
    let again = receiver.received();
    assert_eq!(subjects(&again), ["c1", "c2"]);
    assert_eq!(again[0].id, first[0].id);
    assert_ne!(again[0].timestamp, first[0].timestamp);
    assert!(right(&secret, &again[0]));
    let view = node.app.webhook(&cx, &id).await.unwrap();
    assert_eq!(view.line.failing_since, None);
    assert_eq!(view.deliveries.len(), 2);
    assert_eq!(view.deliveries[1].tries, 2);
}

#[tokio::test]
async fn two_secrets_are_valid_at_once_for_a_day_and_never_three() {
    let node = node().await;
    let receiver = Receiver::start().await;
    let (id, first) = hook(&node, &receiver.url).await;
    let cx = administrator(&node, "yarqum");
    let second = secret_of(&node.app.rotate_webhook_secret(&cx, &id).await.unwrap());
    happens(&node, "yarqum", "case.sent", "c1", "{}").await;
    node.app.deliver_webhooks().await.unwrap();
    let r = &receiver.received()[0];
    assert!(right(&first, r) && right(&second, r));
    let third = secret_of(&node.app.rotate_webhook_secret(&cx, &id).await.unwrap());
    happens(&node, "yarqum", "case.sent", "c2", "{}").await;
    node.app.deliver_webhooks().await.unwrap();
    let r = &receiver.received()[0];
    assert!(!right(&first, r) && right(&second, r) && right(&third, r));
    node.clock.advance(SignedDuration::from_hours(25));
    happens(&node, "yarqum", "case.sent", "c3", "{}").await;
    node.app.deliver_webhooks().await.unwrap();
    let r = &receiver.received()[0];
    assert!(!right(&second, r) && right(&third, r));
}

#[tokio::test]
async fn after_three_days_of_failure_it_is_given_up_with_a_notice_and_goes_on_when_resumed() {
    let node = node().await;
    let mut membership = Membership::new(HospitalId::new("yarqum").unwrap());
    membership.roles.push(RoleGrant {
        role: Role::Administrator,
        valid: Validity::since(node.now()),
    });
    let new = NewAccount {
        login: "admin@yarqum.example".into(),
        email: None,
        name: "Adil".into(),
        latin_name: None,
        language: Language::English,
        zone: "Asia/Shanghai".into(),
        password: Phi::new("seven poplars by the well".into()),
        totp_secret: None,
        memberships: vec![membership],
        patients: Vec::new(),
    };
    let operator = node.app.operator_cx();
    let account = node.app.create_account(&operator, new).await.unwrap();
    let receiver = Receiver::start().await;
    let (id, _) = hook(&node, &receiver.url).await;
    receiver.answers(500);
    happens(&node, "yarqum", "case.sent", "c1", "{}").await;
    let mut tries = 0;
    for _ in 0..40 {
        node.app.deliver_webhooks().await.unwrap();
        tries += receiver.received().len();
        node.clock.advance(SignedDuration::from_hours(3));
    }
    assert!((10..40).contains(&tries), "{tries} tries in five days");
    let mut cx = administrator(&node, "yarqum");
    cx.actor.account = account;
    let view = node.app.webhook(&cx, &id).await.unwrap();
    assert!(matches!(view.line.state, HookState::Failed { .. }));
    let notices = node.app.notices_of(&cx, None).await.unwrap();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].href, format!("/hospital/webhooks/{id}"));

    receiver.answers(204);
    node.app.pause_webhook(&cx, &id, false).await.unwrap();
    assert_eq!(node.app.deliver_webhooks().await.unwrap(), 1);
    assert_eq!(subjects(&receiver.received()), ["c1"]);
    receiver.answers(410);
    happens(&node, "yarqum", "case.sent", "c2", "{}").await;
    node.app.deliver_webhooks().await.unwrap();
    let view = node.app.webhook(&cx, &id).await.unwrap();
    assert!(matches!(view.line.state, HookState::Gone { .. }));
}

#[tokio::test]
async fn a_slow_receiver_holds_up_no_other_and_a_delivery_is_sent_again_by_hand() {
    let node = node().await;
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    let (stuck, _) = hook(&node, &slow.url).await;
    let (id, _) = hook(&node, &quick.url).await;
    slow.is_slow(true);
    happens(&node, "yarqum", "consent.given", "k1", "{}").await;
    let began = Wall::now();
    let app = node.app.clone();
    let all = tokio::spawn(async move { app.deliver_webhooks().await });
    while quick.waiting() == 0 {
        assert!(began.elapsed() < Duration::from_secs(5), "held up");
        tokio::task::yield_now().await;
    }
    // While one turn waits for the slow one, no second turn begins there.
    assert_eq!(node.app.deliver_webhooks().await.unwrap(), 0);
    all.await.unwrap().unwrap();
    let cx = administrator(&node, "yarqum");
    let view = node.app.webhook(&cx, &stuck).await.unwrap();
    assert_eq!(view.deliveries[0].answer, Answer::None("timeout".into()));

    let first = quick.received();
    let view = node.app.webhook(&cx, &id).await.unwrap();
    let delivery = view.deliveries[0].id.clone();
    assert!(node.app.resend_delivery(&cx, &id, &delivery).await.unwrap());
    let again = quick.received();
    assert_eq!(again[0].id, first[0].id);
    assert_eq!(again[0].body, first[0].body);
    let foreign = administrator(&node, "qumtagh");
    let denied = node.app.resend_delivery(&foreign, &id, &delivery).await;
    assert!(matches!(denied, Err(AppError::NotFound)));
}

#[tokio::test]
async fn a_private_address_is_refused_unless_the_operator_allows_it() {
    let node = TestNode::with_hospitals(&["yarqum"]).await;
    for url in [
        "https://127.0.0.1/hook",
        "https://[::1]:8443/hook",
        "https://169.254.169.254/latest",
        "http://receiver.example/hook",
        "nothing",
    ] {
        let new = NewWebhook {
            name: "Laboratory".into(),
            url: url.into(),
            topics: vec!["case".into()],
        };
        let refused = node
            .app
            .add_webhook(&administrator(&node, "yarqum"), new)
            .await;
        assert!(
            matches!(refused, Err(AppError::Invalid(p)) if p[0].code == "hook-url"),
            "{url}"
        );
    }
    // A name that leads to a private address is found out when it is resolved.
    testkit::install_crypto();
    let new = NewWebhook {
        name: "Laboratory".into(),
        url: "https://localhost:9/hook".into(),
        topics: vec!["case".into()],
    };
    let cx = administrator(&node, "yarqum");
    let (id, _) = node.app.add_webhook(&cx, new).await.unwrap();
    happens(&node, "yarqum", "case.sent", "c1", "{}").await;
    node.app.deliver_webhooks().await.unwrap();
    let view = node.app.webhook(&cx, &id).await.unwrap();
    assert_eq!(view.deliveries[0].answer, Answer::None("private".into()));
}
