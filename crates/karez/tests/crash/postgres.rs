//! PostgreSQL under the layer: the power goes for the server, its children and the node at once.
//!
//! 4 cuts; 100 with `KAREZ_TEST_FULL=1`. Skipped where `KAREZ_TEST_POSTGRES_BIN` does not name the folder of its programs.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use testkit::postgres::FreshDatabase;
use testkit::powercut::PowerCut;

use crate::at_length;
use crate::writers::{self, Node, Server};

const BIN: &str = "KAREZ_TEST_POSTGRES_BIN";

/// A PostgreSQL of the test's own in a folder of its own.
struct Cluster {
    bin: PathBuf,
    /// Everything below it is under the layer.
    data: PathBuf,
    port: u16,
    as_root: bool,
}

impl Cluster {
    fn make(dir: &Path) -> Option<Self> {
        let Some(bin) = std::env::var_os(BIN).map(PathBuf::from) else {
            eprintln!("skipped: {BIN} is not set");
            return None;
        };
        let data = dir.join("postgres");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
        let id = Command::new("id").arg("-u").output().unwrap();
        let cluster = Self {
            bin,
            data,
            port: free_port(),
            as_root: id.stdout.trim_ascii() == b"0",
        };
        if cluster.as_root {
            let mut chown = Command::new("chown");
            chown.arg("postgres").arg(&cluster.data);
            succeeds(&mut chown);
        }
        let mut make = cluster.program("initdb");
        make.args(["--auth=trust", "--username=postgres", "--encoding=UTF8"])
            .args(["--locale=C.UTF-8", "--no-instructions", "--no-sync", "-D"])
            .arg(&cluster.data);
        succeeds(&mut make);
        Some(cluster)
    }

    /// A program of PostgreSQL's, which refuses to be root.
    fn program(&self, name: &str) -> Command {
        let program = self.bin.join(name);
        if !self.as_root {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", "postgres", "--regid", "postgres"])
            .args(["--clear-groups", "--"])
            .arg(program)
            .current_dir("/");
        command
    }

    /// Starts it, recovers if need be, and comes back when it takes connections.
    fn start(&self, power: Option<&PowerCut>) {
        let options = format!(
            "-p {} -h 127.0.0.1 -c unix_socket_directories= -c fsync=on -c shared_buffers=32MB \
             -c checkpoint_timeout=30s -c max_wal_size=32MB -c log_min_messages=warning",
            self.port
        );
        let mut command = self.program("pg_ctl");
        command
            .args(["start", "-w", "-t", "120", "-D"])
            .arg(&self.data)
            .arg("-l")
            .arg(self.data.join("server.log"))
            .args(["-o", &options])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if let Some(power) = power {
            power.wrap(&mut command);
        }
        let started = command.status().unwrap().success();
        let log = || fs::read_to_string(self.data.join("server.log")).unwrap_or_default();
        assert!(started, "PostgreSQL did not recover: {}", log());
    }

    /// Kills the server and all its children, none of which may do anything after the others have gone.
    fn kill(&self) {
        let file = fs::read_to_string(self.data.join("postmaster.pid")).unwrap();
        let server: u32 = file.lines().next().unwrap().trim().parse().unwrap();
        // It starts no more children while we count them.
        signal("STOP", &[server]);
        let mut all = children(server);
        all.push(server);
        signal("KILL", &all);
        while all.iter().any(|pid| is_alive(*pid)) {
            std::thread::yield_now();
        }
    }

    fn server(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

fn free_port() -> u16 {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    taken.local_addr().unwrap().port()
}

fn succeeds(command: &mut Command) {
    let done = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(done.success(), "{command:?}");
}

fn signal(name: &str, pids: &[u32]) {
    let mut kill = Command::new("kill");
    kill.arg(format!("-{name}"));
    kill.args(pids.iter().map(u32::to_string));
    // One of them may have ended by itself.
    let _sent = kill.stderr(Stdio::null()).status().unwrap();
}

/// State and parent of a process (proc(5), `/proc/pid/stat`); its name may hold anything up to the last parenthesis.
fn stat(pid: u32) -> Option<(char, u32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut words = text.rsplit_once(')')?.1.split_whitespace();
    let state = words.next()?.chars().next()?;
    Some((state, words.next()?.parse().ok()?))
}

fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}

fn children(of: u32) -> Vec<u32> {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| stat(*pid).is_some_and(|(_, parent)| parent == of))
        .collect()
}

#[test]
fn what_was_answered_survives_power_cuts_of_postgresql() {
    let dir = tempfile::tempdir().unwrap();
    let Some(cluster) = Cluster::make(dir.path()) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    cluster.start(None);
    let database = runtime.block_on(FreshDatabase::on(&cluster.server()));
    let own = dir.path().join("node");
    fs::create_dir(&own).unwrap();
    let node = Node {
        dir: &own,
        database: Some(&database.url),
    };
    let token = node.prepare();
    let mut stop = cluster.program("pg_ctl");
    succeeds(
        stop.args(["stop", "-w", "-m", "fast", "-D"])
            .arg(&cluster.data),
    );
    let power = PowerCut::over(&cluster.data);
    let random = testkit::SeededEntropy::new(15);
    let client = writers::client();
    let rounds = at_length(4, 100);
    let (mut all, mut writes_lost, mut last) = (Vec::new(), 0, 0);
    for round in 0..=rounds {
        cluster.start(Some(&power));
        let (mut child, base) = node.serve(None);
        let server = Server {
            client: client.clone(),
            base,
            token: token.clone(),
        };
        if round > 0 {
            runtime.block_on(server.verify(round - 1, &all[last..]));
        }
        if round == rounds {
            runtime.block_on(server.verify(round, &all));
            child.kill().unwrap();
            child.wait().unwrap();
            break;
        }
        last = all.len();
        let kill_after = 5 + random.next() % 60;
        let kill = || {
            cluster.kill();
            child.kill().unwrap();
        };
        all.extend(runtime.block_on(writers::killed(server, kill, round, kill_after)));
        child.wait().unwrap();
        writes_lost += power.cut(15_000 + round).writes;
        // A machine that comes back has no process of that number; here it may still wait to be reaped.
        let _gone = fs::remove_file(cluster.data.join("postmaster.pid"));
    }
    node.verify_audit();
    cluster.kill();
    assert!(writes_lost > 0, "cuts that take nothing prove nothing");
    let acknowledged = all.len();
    eprintln!("{rounds} rounds, {acknowledged} acknowledged, {writes_lost} writes lost to cuts");
}
