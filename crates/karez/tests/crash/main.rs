//! Writers on HTTP while the server is killed with SIGKILL, again and again over one data folder; with the power cut
//! besides, so that what was not synced is gone. Every write that was answered 201 or 200 is there afterwards as it was
//! sent, a transaction is there whole or not at all, and the audit chains verify.
//!
//! 4 kills and 6 cuts; 50 and 200 with `KAREZ_TEST_FULL=1`. The same on PostgreSQL where it is installed, and nodes that
//! are killed among three.
// Helpers of tests: what cannot go on has failed.
#![allow(clippy::unwrap_used)]

mod nodes;
mod postgres;
mod writers;

use testkit::powercut::PowerCut;
use writers::{Node, Server};

fn at_length(normally: u64, full: u64) -> u64 {
    let is_full = std::env::var("KAREZ_TEST_FULL").is_ok_and(|v| v == "1");
    if is_full { full } else { normally }
}

/// So many rounds over one folder; over the layer if the power is cut as well.
fn kill_and_verify(rounds: u64, cut: bool, seed: u64) {
    let dir = tempfile::tempdir().unwrap();
    let node = Node {
        dir: dir.path(),
        database: None,
    };
    let token = node.prepare();
    let power = cut.then(|| PowerCut::over(dir.path()));
    let random = testkit::SeededEntropy::new(seed);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = writers::client();
    let (mut all, mut writes_lost, mut last) = (Vec::new(), 0, 0);
    for round in 0..=rounds {
        let (mut child, base) = node.serve(power.as_ref());
        let server = Server {
            client: client.clone(),
            base,
            token: token.clone(),
        };
        if round > 0 {
            runtime.block_on(server.verify(round - 1, &all[last..]));
        }
        if round < rounds {
            let kill_after = 5 + random.next() % 60;
            last = all.len();
            let kill = || child.kill().unwrap();
            all.extend(runtime.block_on(writers::killed(server, kill, round, kill_after)));
        } else {
            // In the end everything that was ever answered.
            runtime.block_on(server.verify(round, &all));
            child.kill().unwrap();
        }
        child.wait().unwrap();
        writes_lost += power.as_ref().map_or(0, |p| p.cut(seed + round).writes);
    }
    node.verify_audit();
    assert!(
        !cut || writes_lost > 0,
        "cuts that take nothing prove nothing"
    );
    let acknowledged = all.len();
    eprintln!("{rounds} rounds, {acknowledged} acknowledged, {writes_lost} writes lost to cuts");
}

#[test]
fn what_was_answered_survives_kill_9() {
    kill_and_verify(at_length(4, 50), false, 4);
}

#[test]
fn what_was_answered_survives_power_cuts() {
    kill_and_verify(at_length(6, 200), true, 4_000);
}
