//! Notices reach the page and the mailbox without patient data; equal nodes share the common work.

#![allow(clippy::unwrap_used)] // a test stops where it fails

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, mpsc};

use jiff::SignedDuration;
use karez_app::accounts::NewAccount;
use karez_app::jobs::Schedule;
use karez_app::notices::Draft;
use karez_app::settings::Smtp;
use karez_app::{App, AppError, Cx, Language, Settings};
use kernel::{AccountId, Entropy, HospitalId, Phi, RecordKey};
use store::Batch;
use testkit::TestNode;

/// A mail relay that takes every mail and hands its text over.
fn relay() -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut out = stream.try_clone().unwrap();
            let mut lines = BufReader::new(stream).lines();
            out.write_all(b"220 relay\r\n").unwrap();
            let mut text = String::new();
            while let Some(Ok(line)) = lines.next() {
                let answer: &[u8] = match line.split(' ').next().unwrap_or_default() {
                    "EHLO" | "HELO" => b"250 relay\r\n",
                    "DATA" => {
                        out.write_all(b"354 go on\r\n").unwrap();
                        for line in lines.by_ref().map_while(Result::ok) {
                            if line == "." {
                                break;
                            }
                            text.push_str(&line);
                            text.push('\n');
                        }
                        send.send(std::mem::take(&mut text)).unwrap();
                        b"250 taken\r\n"
                    }
                    "QUIT" => {
                        out.write_all(b"221 bye\r\n").unwrap();
                        break;
                    }
                    _ => b"250 ok\r\n",
                };
                out.write_all(answer).unwrap();
            }
        }
    });
    (port, receive)
}

async fn with_mail(node: &TestNode, port: u16) -> App {
    let smtp = Smtp {
        host: "127.0.0.1".into(),
        port,
        username: None,
        password: None,
        from: "Karez <karez@hospital.example>".into(),
        starttls: false,
    };
    let settings = Settings {
        smtp: Some(smtp),
        ..Settings::default()
    };
    let key = seal::NodeKey::new(seal::Secret::from_bytes([7; 32]));
    let entropy = Arc::clone(&node.entropy) as Arc<dyn Entropy>;
    App::new(
        node.store.clone(),
        Arc::new(node.clock.clone()),
        entropy,
        settings,
        Arc::new(key),
    )
    .await
    .unwrap()
}

async fn somebody(app: &App, login: &str) -> AccountId {
    let new = NewAccount {
        login: login.into(),
        email: Some(format!("{login}@hospital.example")),
        name: "Dr Test".into(),
        latin_name: None,
        language: Language::English,
        zone: "UTC".into(),
        password: Phi::new("a long enough passphrase 7".into()),
        totp_secret: None,
        memberships: Vec::new(),
        patients: Vec::new(),
    };
    app.create_account(&app.operator_cx(), new).await.unwrap()
}

fn as_person(app: &App, account: &AccountId) -> Cx {
    let mut cx = app.operator_cx();
    cx.actor.account = account.clone();
    cx
}

async fn tell(app: &App, node: &TestNode, to: &AccountId) {
    let subject = RecordKey::parse("yarqum", "case", "c1").unwrap();
    let draft = Draft {
        to: to.clone(),
        hospital: HospitalId::new("yarqum").unwrap(),
        what: "case-sent".into(),
        subject,
        number: "K-26-00123".into(),
        urgent: false,
    };
    let mut batch = Batch::new(app.now());
    app.notify(&mut batch, vec![draft]).unwrap();
    node.store.commit(batch).await.unwrap();
}

#[tokio::test]
async fn a_notice_is_counted_read_once_and_only_by_its_own_person() {
    let node = TestNode::with_hospitals(&["yarqum"]).await;
    let (one, other) = (
        somebody(&node.app, "one").await,
        somebody(&node.app, "other").await,
    );
    tell(&node.app, &node, &one).await;
    let (cx, stranger) = (as_person(&node.app, &one), as_person(&node.app, &other));
    assert_eq!(node.app.unread_notices(&cx).await.unwrap(), 1);
    assert_eq!(node.app.unread_notices(&stranger).await.unwrap(), 0);
    let listed = node.app.notices_of(&cx, None).await.unwrap();
    let refused = node.app.mark_read(&stranger, Some(&listed[0].id)).await;
    assert!(matches!(refused, Err(AppError::NotFound)));
    assert_eq!(
        node.app.unread_notices(&cx).await.unwrap(),
        1,
        "a stranger cannot read it away"
    );
    node.app.mark_read(&cx, Some(&listed[0].id)).await.unwrap();
    assert_eq!(node.app.unread_notices(&cx).await.unwrap(), 0);
    assert!(node.app.notices_of(&cx, None).await.unwrap()[0].read);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_names_the_case_number_and_is_sent_once() {
    let node = TestNode::with_hospitals(&["yarqum"]).await;
    let (port, mails) = relay();
    let app = with_mail(&node, port).await;
    let to = somebody(&app, "one").await;
    tell(&app, &node, &to).await;
    assert_eq!(app.send_mail().await.unwrap(), 1);
    let mail = mails.recv().unwrap();
    assert!(mail.contains("K-26-00123") && mail.contains("one@hospital.example"));
    assert_eq!(
        app.send_mail().await.unwrap(),
        0,
        "the relay has it: not sent again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_waits_while_the_relay_is_away() {
    let node = TestNode::with_hospitals(&["yarqum"]).await;
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let app = with_mail(&node, closed).await;
    let to = somebody(&app, "one").await;
    tell(&app, &node, &to).await;
    assert_eq!(app.send_mail().await.unwrap(), 0);
    let (port, mails) = relay();
    let app = with_mail(&node, port).await;
    assert_eq!(
        app.send_mail().await.unwrap(),
        0,
        "not before the pause is over"
    );
    node.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(app.send_mail().await.unwrap(), 1);
    assert!(mails.recv().unwrap().contains("K-26-00123"));
}

#[tokio::test]
async fn a_dead_nodes_work_is_taken_up_by_another() {
    let node = TestNode::start().await;
    let (mut first, mut second) = (Schedule::new("a"), Schedule::new("b"));
    let names =
        |ran: Vec<karez_app::jobs::Ran>| ran.into_iter().map(|r| r.name).collect::<Vec<_>>();
    assert!(names(node.app.run_due(&mut first).await).contains(&"mail"));
    assert!(!names(node.app.run_due(&mut second).await).contains(&"mail"));
    node.clock.advance(SignedDuration::from_secs(91));
    assert!(names(node.app.run_due(&mut second).await).contains(&"mail"));
    node.clock.advance(SignedDuration::from_secs(10));
    assert!(
        !names(node.app.run_due(&mut first).await).contains(&"mail"),
        "the first has lost the lease"
    );
}
