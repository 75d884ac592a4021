//! Writers on HTTP while the server is killed with SIGKILL, again and again over one data folder; with the power cut
//! besides, so that what was not synced is gone. Every write that was answered 201 or 200 is there afterwards as it was
//! sent, a transaction is there whole or not at all, and the audit chains verify.
//!
//! 4 kills and 6 cuts; 50 and 200 with `KAREZ_TEST_FULL=1`. The same on PostgreSQL where it is installed, and nodes that
//! are killed among three; a disk that turns read-only, and buckets that go away.
// Helpers of tests: what cannot go on has failed.
#![allow(clippy::unwrap_used)]

#[path = "../binary/mod.rs"]
mod binary;
mod bucket;
mod line;
mod nodes;
mod postgres;
mod read_only;
mod scanners;
mod writers;

use testkit::powercut::PowerCut;
use writers::{Node, Server};

fn at_length(normally: u64, full: u64) -> u64 {
    let is_full = std::env::var("KAREZ_TEST_FULL").is_ok_and(|v| v == "1");
    if is_full { full } else { normally }
}

/// What is killed, and what its end takes away.
trait Machine {
    fn node(&self) -> Node<'_>;
    /// Starts what the node stands on.
    fn start(&mut self) {}
    fn serve(&self) -> binary::Server {
        self.node().serve(None)
    }
    /// Ends everything at once.
    fn kill(&mut self, server: &mut binary::Server) {
        server.kill();
    }
    /// Takes away what was not synced, and says how many writes that were.
    fn cut(&mut self, _seed: u64) -> usize {
        0
    }
}

/// So many rounds over one database; gives how many writes were lost.
fn kill_and_verify(machine: &mut impl Machine, token: &str, rounds: u64, seed: u64) -> usize {
    let random = testkit::SeededEntropy::new(seed);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = binary::client();
    let (mut all, mut writes_lost, mut last) = (Vec::new(), 0, 0);
    for round in 0..=rounds {
        machine.start();
        let mut process = machine.serve();
        let server = Server {
            client: client.clone(),
            base: process.base.clone(),
            token: token.to_owned(),
        };
        if round > 0 {
            runtime.block_on(server.verify(round - 1, &all[last..]));
        }
        if round < rounds {
            let kill_after = 5 + random.next() % 60;
            last = all.len();
            let kill = || machine.kill(&mut process);
            all.extend(runtime.block_on(writers::killed(server, kill, round, kill_after)));
        } else {
            // In the end everything that was ever answered.
            runtime.block_on(server.verify(round, &all));
            machine.kill(&mut process);
        }
        writes_lost += machine.cut(seed + round);
        if round % 50 == 49 {
            eprintln!("{} of {rounds} rounds", round + 1);
        }
    }
    machine.start();
    machine.node().verify_audit();
    let acknowledged = all.len();
    eprintln!("{rounds} rounds, {acknowledged} acknowledged, {writes_lost} writes lost to cuts");
    writes_lost
}

/// A node on SQLite; over the layer if the power is cut as well.
struct OneFolder {
    dir: tempfile::TempDir,
    power: Option<PowerCut>,
}

impl Machine for OneFolder {
    fn node(&self) -> Node<'_> {
        Node {
            dir: self.dir.path(),
            database: None,
        }
    }
    fn serve(&self) -> binary::Server {
        self.node().serve(self.power.as_ref())
    }
    fn cut(&mut self, seed: u64) -> usize {
        self.power.as_ref().map_or(0, |p| p.cut(seed).writes)
    }
}

#[test]
fn what_was_answered_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut machine = OneFolder { dir, power: None };
    let token = machine.node().prepare();
    kill_and_verify(&mut machine, &token, at_length(4, 50), 4);
}

#[test]
fn what_was_answered_survives_power_cuts() {
    let dir = tempfile::tempdir().unwrap();
    let mut machine = OneFolder { dir, power: None };
    let token = machine.node().prepare();
    machine.power = Some(PowerCut::over(machine.dir.path()));
    let lost = kill_and_verify(&mut machine, &token, at_length(6, 200), 4_000);
    assert!(lost > 0, "cuts that take nothing prove nothing");
}
