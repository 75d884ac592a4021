//! Words between the nodes of one database: with the bus, without it, and while it comes and goes. Needs
//! `KAREZ_TEST_POSTGRES`; `KAREZ_TEST_NATS_BIN` for the bus.
#![allow(clippy::unwrap_used)] // a test stops where it fails

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use karez_store::{Bus, DatabaseKind, Store, StoreConfig};
use testkit::postgres::FreshDatabase;
use testkit::{SeededEntropy, free_port};

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

fn nats(program: &str, port: u16) -> Running {
    let child = Command::new(program)
        .args(["-a", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Running(child.unwrap())
}

async fn node(fresh: &FreshDatabase, bus: Option<u16>, seed: u64) -> (Store, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let key = seal::NodeKey::new(seal::Secret::from_bytes([7; 32]));
    let clock = Arc::new(kernel::clock::ManualClock::at(testkit::START));
    let mut config = StoreConfig::new(dir.path(), key, clock, Arc::new(SeededEntropy::new(seed)));
    config.database = DatabaseKind::Postgres {
        url: fresh.url.clone(),
        nats_url: bus.map(|port| format!("nats://127.0.0.1:{port}")),
    };
    config.readers = 2;
    (Store::open(config).await.unwrap(), dir)
}

/// Says a word at one node until the other has heard it: which of the ways is open is found out on the way.
async fn is_heard(one: &Store, other: &Store, word: &str) {
    let mut heard = other.talk().hear();
    for _ in 0..100 {
        assert!(one.talk().say(word));
        let next = tokio::time::timeout(Duration::from_millis(100), heard.recv()).await;
        if matches!(next, Ok(Ok(said)) if &*said == word) {
            return;
        }
    }
    panic!("{word} was not heard");
}

async fn bus_is(store: &Store, state: Bus) {
    for _ in 0..100 {
        if store.bus() == state {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the bus is {:?}", store.bus());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_hears_what_another_says_and_itself_once() {
    let Some(fresh) = FreshDatabase::make().await else {
        return;
    };
    let (one, _a) = node(&fresh, None, 1).await;
    let (other, _b) = node(&fresh, None, 2).await;
    let mut own = one.talk().hear();
    is_heard(&one, &other, "hello").await;
    is_heard(&other, &one, "and back").await;
    // Its own words came to it as often as it said them, and no more.
    let mut hellos = 0;
    while let Ok(Ok(said)) = tokio::time::timeout(Duration::from_millis(300), own.recv()).await {
        hellos += usize::from(&*said == "hello");
    }
    let mut heard = other.talk().hear();
    assert!(one.talk().say("last"));
    assert_eq!(&*own.recv().await.unwrap(), "last");
    let next = tokio::time::timeout(Duration::from_millis(300), own.recv()).await;
    assert!(next.is_err(), "heard again: {next:?}");
    assert!(hellos >= 1);
    assert_eq!(&*heard.recv().await.unwrap(), "last");
    one.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bus_may_come_and_go() {
    let Some(fresh) = FreshDatabase::make().await else {
        return;
    };
    let Ok(program) = std::env::var("KAREZ_TEST_NATS_BIN") else {
        return;
    };
    let port = free_port();
    let bus = nats(&program, port);
    let (one, _a) = node(&fresh, Some(port), 1).await;
    let (other, _b) = node(&fresh, Some(port), 2).await;
    // Whoever looks together listens too: a node is connected from then on.
    let _own = one.talk().hear();
    bus_is(&one, Bus::Connected).await;
    is_heard(&one, &other, "by the bus").await;
    drop(bus);
    bus_is(&one, Bus::Away).await;
    is_heard(&one, &other, "by the database").await;
    let _again = nats(&program, port);
    bus_is(&one, Bus::Connected).await;
    is_heard(&one, &other, "by the bus again").await;
    one.close().await;
    other.close().await;
}
