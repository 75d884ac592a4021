//! Three equal nodes on one PostgreSQL, killed one after another: clients that go to another node once see nothing of it.
//!
//! 3 kills; 30 with `KAREZ_TEST_FULL=1`. Skipped where `KAREZ_TEST_POSTGRES` names no server.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use reqwest::{Client, StatusCode};
use testkit::postgres::FreshDatabase;
use tokio::sync::Notify;

use crate::writers::{self, Node, Server, WRITERS};
use crate::{at_length, binary};

const NODES: usize = 3;

/// What the clients share.
struct Network {
    client: Client,
    token: String,
    /// Where each node is now; a node that was started again has another port.
    bases: RwLock<Vec<String>>,
    acknowledged: AtomicU64,
    moved: Notify,
    over: AtomicBool,
}

impl Network {
    fn server(&self, node: usize) -> Server {
        Server {
            client: self.client.clone(),
            base: self.bases.read().unwrap()[node % NODES].clone(),
            token: self.token.clone(),
        }
    }

    /// Creates a patient unless there is one of this name (FHIR R4 §3.1.0.8.1); an answer other than these is a failure.
    async fn create(&self, node: usize, name: &str) -> reqwest::Result<()> {
        let server = self.server(node);
        let answer = server
            .client
            .post(format!("{}/fhir/yarqum/Patient", server.base))
            .bearer_auth(&server.token)
            .header("content-type", "application/fhir+json")
            .header("if-none-exist", format!("identifier=urn:test:crash|{name}"))
            .body(writers::patient(name).to_string())
            .send()
            .await?;
        let status = answer.status();
        assert!(
            matches!(status, StatusCode::CREATED | StatusCode::OK),
            "{status}: {}",
            answer.text().await.unwrap_or_default()
        );
        Ok(())
    }
}

/// Writes until it is over; gives what was acknowledged and the most tries one write took.
async fn write(network: Arc<Network>, writer: u64) -> (Vec<String>, usize) {
    let (mut done, mut most) = (Vec::new(), 0);
    let mut node = usize::try_from(writer).unwrap();
    for n in 0.. {
        if network.over.load(Ordering::SeqCst) {
            break;
        }
        let name = format!("w{writer}n{n}");
        let mut tries = 1;
        while network.create(node, &name).await.is_err() {
            assert!(tries < NODES, "{name} was refused by every node");
            tries += 1;
            node += 1;
        }
        most = most.max(tries);
        done.push(name);
        network.acknowledged.fetch_add(1, Ordering::SeqCst);
        network.moved.notify_one();
    }
    (done, most)
}

async fn until(
    network: &Network,
    acknowledged: u64,
    tasks: &[tokio::task::JoinHandle<(Vec<String>, usize)>],
) {
    while network.acknowledged.load(Ordering::SeqCst) < acknowledged {
        assert!(
            !tasks.iter().any(tokio::task::JoinHandle::is_finished),
            "a writer gave up"
        );
        network.moved.notified().await;
    }
}

#[test]
fn a_node_killed_among_three_costs_a_client_one_retry() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(database) = runtime.block_on(FreshDatabase::make()) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let node = Node {
        dir: dir.path(),
        database: Some(&database.url),
    };
    let token = node.prepare();
    let mut running: Vec<_> = (0..NODES).map(|_| node.serve(None)).collect();
    let bases = running.iter().map(|r| r.base.clone()).collect();
    let network = Arc::new(Network {
        client: binary::client(),
        token,
        bases: RwLock::new(bases),
        acknowledged: AtomicU64::new(0),
        moved: Notify::new(),
        over: AtomicBool::new(false),
    });
    let tasks: Vec<_> = (0..WRITERS)
        .map(|w| runtime.spawn(write(Arc::clone(&network), w)))
        .collect();
    let kills = at_length(3, 30);
    for round in 0..kills {
        runtime.block_on(until(&network, (round + 1) * 60, &tasks));
        let victim = usize::try_from(round).unwrap() % NODES;
        running[victim].kill();
        // The others carry on meanwhile; then it is back.
        runtime.block_on(until(&network, (round + 1) * 60 + 30, &tasks));
        running[victim] = node.serve(None);
        network.bases.write().unwrap()[victim] = running[victim].base.clone();
    }
    network.over.store(true, Ordering::SeqCst);
    let (mut all, mut most) = (Vec::new(), 0);
    for task in tasks {
        let (done, tries) = runtime.block_on(task).unwrap();
        all.extend(done);
        most = most.max(tries);
    }
    runtime.block_on(async {
        for (n, name) in all.iter().enumerate() {
            let found = network.server(n).count("Patient", name).await;
            assert_eq!(found, 1, "{name} was acknowledged");
        }
    });
    drop(running);
    node.verify_audit();
    assert!(most <= 2, "a write took {most} tries");
    let acknowledged = all.len();
    eprintln!(
        "{kills} nodes killed, {acknowledged} acknowledged, at most {most} tries of one write"
    );
}
