//! A PostgreSQL of the test's own, which it may start, stop and kill.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::powercut::PowerCut;

/// The variable that names the folder of PostgreSQL's programs.
pub const BIN: &str = "KAREZ_TEST_POSTGRES_BIN";

/// A server in a folder of its own. It is killed when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    bin: PathBuf,
    data: PathBuf,
    port: u16,
    as_root: bool,
    running: bool,
}

impl Cluster {
    /// One below `dir`, not started; none and a line that says what was skipped where its programs are not named.
    pub fn make(dir: &Path) -> Option<Self> {
        let Some(bin) = std::env::var_os(BIN).map(PathBuf::from) else {
            eprintln!("skipped: {BIN} is not set");
            return None;
        };
        let data = dir.join("postgres");
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
        let id = Command::new("id").arg("-u").output().unwrap();
        let cluster = Self {
            bin,
            data,
            port: crate::free_port(),
            as_root: id.stdout.trim_ascii() == b"0",
            running: false,
        };
        cluster.folder(&cluster.data);
        let mut make = cluster.program("initdb");
        make.args(["--auth=trust", "--username=postgres", "--encoding=UTF8"])
            .args(["--locale=C.UTF-8", "--no-instructions", "--no-sync", "-D"])
            .arg(&cluster.data);
        succeeds(&mut make);
        Some(cluster)
    }

    /// Adds lines to its configuration; they hold from the next start on.
    pub fn configure(&self, lines: &str) {
        let file = self.data.join("postgresql.conf");
        let before = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{before}\n{lines}\n")).unwrap();
    }

    /// Another server of the same programs and user, which a test starts by its own means in a folder of the server's
    /// user. It is killed too when this is dropped.
    #[must_use]
    pub fn another(&self, data: &Path) -> Self {
        Self {
            bin: self.bin.clone(),
            data: data.to_owned(),
            port: crate::free_port(),
            as_root: self.as_root,
            running: true,
        }
    }

    /// A new folder that belongs to the server's user.
    pub fn folder(&self, path: &Path) {
        fs::create_dir(path).unwrap();
        if self.as_root {
            succeeds(Command::new("chown").arg("postgres").arg(path));
        }
    }

    /// The folder of PostgreSQL's programs.
    pub fn programs(&self) -> &Path {
        &self.bin
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The folder of everything it keeps.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The address of its superuser.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// A program of PostgreSQL's, or any other by its whole path, as the server's user: it refuses to be root.
    pub fn program(&self, name: &str) -> Command {
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
    pub fn start(&mut self, power: Option<&PowerCut>) {
        // A machine that comes back has no process of that number; here one that was killed may still wait to be reaped.
        let _gone = fs::remove_file(self.data.join("postmaster.pid"));
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
        self.running = true;
    }

    /// Stops it in good order: everything is on the disk.
    pub fn stop(&mut self) {
        let mut stop = self.program("pg_ctl");
        stop.args(["stop", "-w", "-m", "fast", "-D"])
            .arg(&self.data);
        succeeds(&mut stop);
        self.running = false;
    }

    /// Kills the server and all its children, none of which may do anything after the others have gone.
    pub fn kill(&mut self) {
        if !std::mem::take(&mut self.running) {
            return;
        }
        let Ok(file) = fs::read_to_string(self.data.join("postmaster.pid")) else {
            return;
        };
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
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
    }
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
