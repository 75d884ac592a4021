//! Scanners that send by C-STORE while the server is killed in the middle, again and again, until everything is sent.
//! Whatever was answered with success is there afterwards byte for byte; what was not is there whole or not at all; in the
//! end everything is there once.
//!
//! 160 objects and 3 kills; 1,000 and 12 with `KAREZ_TEST_FULL=1`. On SQLite, on SQLite with the power cut besides, and on
//! PostgreSQL where `KAREZ_TEST_POSTGRES` names a server.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use imaging::{Limits, Object};
use reqwest::StatusCode;
use testkit::dicom::Client;
use testkit::phantom::{MR, Phantom};
use testkit::postgres::FreshDatabase;
use testkit::powercut::PowerCut;
use tokio::sync::Notify;

use crate::writers::{Node, Server};
use crate::{Machine, OneFolder, at_length, binary};

const SCANNERS: usize = 6;
const STUDIES: u32 = 4;
const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
/// Frames of 4.5 KiB in a film of 9 MiB.
const FRAMES: u32 = 2_048;
const IDENTIFIERS: &str = "https://yarqum.example/mrn";

/// The study of an object; numbers count through all studies.
fn phantom(number: u32) -> Phantom {
    Phantom::new(&format!("1.2.826.0.5.{}", number % STUDIES), "17", 48)
}

/// What is sent under a number: mostly a slice, now and then a film that is larger than what is held in memory.
fn sent_as(number: u32) -> Vec<u8> {
    let p = phantom(number);
    if number % 40 == 7 {
        imaging::write(&p.film(number, FRAMES), true)
    } else {
        p.bytes(number)
    }
}

/// What the scanners share.
struct Sending {
    address: SocketAddr,
    waiting: Vec<u32>,
    next: AtomicUsize,
    acknowledged: AtomicU64,
    moved: Notify,
}

/// Sends what waits until nothing does or the line breaks; gives what was answered with success.
async fn scan(sending: Arc<Sending>) -> Vec<u32> {
    let mut done = Vec::new();
    let contexts: [(&str, &[&str]); 1] = [(MR, &[EXPLICIT_LITTLE])];
    if let Ok(mut line) = Client::connect(sending.address, "YARQUM", "SCANNER", &contexts).await {
        while let Some(number) = sending
            .waiting
            .get(sending.next.fetch_add(1, Ordering::SeqCst))
        {
            let p = phantom(*number);
            let uid = p.uid(*number);
            match line.store_as(MR, MR, &uid, sent_as(*number)).await {
                None => break,
                Some(0) => done.push(*number),
                Some(status) => panic!("object {number} was refused with {status:04x}"),
            }
            sending.acknowledged.fetch_add(1, Ordering::SeqCst);
            sending.moved.notify_one();
        }
    }
    sending.moved.notify_one();
    done
}

/// Scanners send what waits; `kill` is called after so many successes, or never.
async fn sent(sending: Sending, kill: Option<(u64, &mut dyn FnMut())>) -> Vec<u32> {
    let sending = Arc::new(sending);
    let tasks: Vec<_> = (0..SCANNERS)
        .map(|_| tokio::spawn(scan(Arc::clone(&sending))))
        .collect();
    if let Some((after, kill)) = kill {
        while sending.acknowledged.load(Ordering::SeqCst) < after
            && !tasks.iter().all(tokio::task::JoinHandle::is_finished)
        {
            sending.moved.notified().await;
        }
        kill();
    }
    let mut done = Vec::new();
    for task in tasks {
        done.extend(task.await.unwrap());
    }
    done
}

impl Server {
    async fn dicomweb(&self, path: &str, accept: &str) -> reqwest::Response {
        self.client
            .get(format!("{}/dicomweb/yarqum/{path}", self.base))
            .bearer_auth(&self.token)
            .header("accept", accept)
            .send()
            .await
            .unwrap()
    }

    /// What is found of all studies, each object opened and compared with what was sent; gives their numbers.
    async fn kept(&self, total: u32) -> BTreeSet<u32> {
        let mut numbers = BTreeSet::new();
        let by_uid: BTreeMap<String, u32> = (0..total).map(|n| (phantom(n).uid(n), n)).collect();
        for study in 0..STUDIES.min(total) {
            let of = phantom(study);
            let path = format!("studies/{}/instances?limit=1000", of.study);
            let found = self.dicomweb(&path, "application/dicom+json").await;
            if found.status() == StatusCode::NOT_FOUND {
                continue;
            }
            let text = found.text().await.unwrap();
            let rows: Vec<serde_json::Value> = match text.as_str() {
                "" => Vec::new(),
                json => serde_json::from_str(json).unwrap(),
            };
            for row in rows {
                let uid = row["00080018"]["Value"][0].as_str().unwrap();
                let number = by_uid[uid];
                assert!(numbers.insert(number), "{uid} is there twice");
                let path = format!(
                    "studies/{}/series/{}/instances/{uid}",
                    of.study,
                    of.series()
                );
                let whole = self
                    .dicomweb(&path, "application/dicom; transfer-syntax=*")
                    .await;
                assert_eq!(whole.status(), StatusCode::OK, "{uid}");
                let object = Object::read(whole.bytes().await.unwrap(), &Limits::default());
                assert!(
                    object.unwrap().dataset_bytes() == sent_as(number),
                    "{uid} is not as it was sent"
                );
            }
        }
        numbers
    }
}

/// A hospital whose scanner may send.
fn with_scanner(node: &Node<'_>) -> String {
    let token = node.prepare();
    node.admin(&format!(
        "ae title --hospital yarqum --title YARQUM --issuer {IDENTIFIERS}"
    ));
    node.admin(
        "ae add --hospital yarqum --title SCANNER --name MR --may store --addresses 127.0.0.1",
    );
    token
}

/// The scanners' patient, so that what they send is shown.
async fn with_patient(server: &Server) {
    let body = format!(
        r#"{{"resourceType":"Patient","identifier":[{{"system":"{IDENTIFIERS}","value":"17"}}]}}"#
    );
    let made = server
        .client
        .post(format!("{}/fhir/yarqum/Patient", server.base))
        .bearer_auth(&server.token)
        .header("content-type", "application/fhir+json")
        .body(body)
        .send();
    assert_eq!(made.await.unwrap().status(), StatusCode::CREATED);
}

/// Everything sent in spite of kills; gives how many writes were lost to cuts.
fn send_and_kill(machine: &mut impl Machine, token: &str, seed: u64) -> usize {
    let total = u32::try_from(at_length(160, 1_000)).unwrap();
    let kills = at_length(3, 12);
    let random = testkit::SeededEntropy::new(seed);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = binary::client();
    let mut done: BTreeSet<u32> = BTreeSet::new();
    let mut writes_lost = 0;
    for round in 0..=kills {
        machine.start();
        let mut process = machine.serve();
        let server = Server {
            client: client.clone(),
            base: process.base.clone(),
            token: token.to_owned(),
        };
        if round == 0 {
            runtime.block_on(with_patient(&server));
        }
        let kept = runtime.block_on(server.kept(total));
        let lost: Vec<&u32> = done.difference(&kept).collect();
        assert!(
            lost.is_empty(),
            "round {round}: acknowledged and gone: {lost:?}"
        );
        let sending = Sending {
            address: process.ready["dicom"].as_str().unwrap().parse().unwrap(),
            // What was kept without an answer is sent again, as a scanner would.
            waiting: (0..total).filter(|n| !done.contains(n)).collect(),
            next: AtomicUsize::new(0),
            acknowledged: AtomicU64::new(0),
            moved: Notify::new(),
        };
        let before = done.len();
        if round < kills {
            let share = u64::from(total) / (kills + 1);
            let after = share / 2 + random.next() % share;
            let mut kill = || machine.kill(&mut process);
            done.extend(runtime.block_on(sent(sending, Some((after, &mut kill)))));
            assert!(done.len() - before >= usize::try_from(after).unwrap());
        } else {
            done.extend(runtime.block_on(sent(sending, None)));
            assert_eq!(done.len(), total as usize);
            assert_eq!(runtime.block_on(server.kept(total)), done);
            machine.kill(&mut process);
        }
        writes_lost += machine.cut(seed + round);
    }
    machine.start();
    machine.node().verify_audit();
    eprintln!("{total} objects, {kills} kills, {writes_lost} writes lost to cuts");
    writes_lost
}

#[test]
fn what_scanners_were_told_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut machine = OneFolder { dir, power: None };
    let token = with_scanner(&machine.node());
    send_and_kill(&mut machine, &token, 71);
}

#[test]
fn what_scanners_were_told_survives_power_cuts() {
    let dir = tempfile::tempdir().unwrap();
    let mut machine = OneFolder { dir, power: None };
    let token = with_scanner(&machine.node());
    machine.power = Some(PowerCut::over(machine.dir.path()));
    let lost = send_and_kill(&mut machine, &token, 7_100);
    // A few cuts may meet a moment when all is synced; many that take nothing would prove nothing.
    assert!(lost > 0 || at_length(0, 1) == 0, "no cut took anything");
}

/// The node alone is killed; its database stands elsewhere.
struct OverDatabase {
    dir: tempfile::TempDir,
    database: FreshDatabase,
}

impl Machine for OverDatabase {
    fn node(&self) -> Node<'_> {
        Node {
            dir: self.dir.path(),
            database: Some(&self.database.url),
        }
    }
}

#[test]
fn what_scanners_were_told_survives_kill_9_over_postgresql() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(database) = runtime.block_on(FreshDatabase::make()) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut machine = OverDatabase { dir, database };
    let token = with_scanner(&machine.node());
    send_and_kill(&mut machine, &token, 710);
}
