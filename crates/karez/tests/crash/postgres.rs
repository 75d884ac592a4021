//! PostgreSQL under the layer: the power goes for the server, its children and the node at once.
//!
//! 4 cuts; 300 with `KAREZ_TEST_FULL=1`. Skipped where `KAREZ_TEST_POSTGRES_BIN` does not name the folder of its programs.

use std::fs;
use std::path::PathBuf;

use testkit::postgres::{Cluster, FreshDatabase};
use testkit::powercut::PowerCut;

use crate::writers::Node;
use crate::{Machine, at_length, binary, kill_and_verify};

struct OnPostgres {
    cluster: Cluster,
    database: FreshDatabase,
    own: PathBuf,
    power: PowerCut,
}

impl Machine for OnPostgres {
    fn node(&self) -> Node<'_> {
        Node {
            dir: &self.own,
            database: Some(&self.database.url),
        }
    }
    fn start(&mut self) {
        self.cluster.start(Some(&self.power));
    }
    fn kill(&mut self, server: &mut binary::Server) {
        self.cluster.kill();
        server.kill();
    }
    fn cut(&mut self, seed: u64) -> usize {
        self.power.cut(seed).writes
    }
}

#[test]
fn what_was_answered_survives_power_cuts_of_postgresql() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mut cluster) = Cluster::make(dir.path()) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    cluster.start(None);
    let own = dir.path().join("node");
    fs::create_dir(&own).unwrap();
    let database = runtime.block_on(FreshDatabase::on(&cluster.url()));
    let power = PowerCut::over(cluster.data());
    let mut machine = OnPostgres {
        cluster,
        database,
        own,
        power,
    };
    let token = machine.node().prepare();
    // What was made without the layer is on the disk before the layer begins.
    machine.cluster.stop();
    let lost = kill_and_verify(&mut machine, &token, at_length(4, 300), 15_000);
    assert!(lost > 0, "cuts that take nothing prove nothing");
}
