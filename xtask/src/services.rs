//! Servers of other people that tests talk to, started for one run on this machine only and stopped with it.
//!
//! A test that needs one reads its variable and skips, saying so, when it is unset; so plain `cargo test` needs none.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::prerequisites::{nats_server, postgres_bin, python, softhsm_module};
use crate::process::{execute, have};
use crate::test::INTEROP_REQUIREMENTS;

#[derive(Args)]
pub struct Options {
    /// The command and its arguments, after --
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// `cargo xtask with -- cargo test --workspace --test contract`
pub fn run(options: &Options) -> Result<()> {
    let services = Services::start(python(INTEROP_REQUIREMENTS).ok().as_deref());
    for (name, why) in &services.skipped {
        println!("skipped: {name}: {why}");
    }
    let (program, arguments) = options
        .command
        .split_first()
        .context("no command is named")?;
    let mut command = Command::new(program);
    command.args(arguments);
    services.tell(&mut command);
    execute(&mut command)
}

const START_LIMIT: Duration = Duration::from_secs(60);
/// Whom PostgreSQL runs as when we are root, which it refuses to be.
const POSTGRES_USER: &str = "postgres";

/// Says where the running PostgreSQL is.
pub const POSTGRES: &str = "KAREZ_TEST_POSTGRES";

/// What runs, and the variables that say where. Everything ends when this is dropped.
#[derive(Default)]
pub struct Services {
    variables: Vec<(&'static str, String)>,
    children: Vec<Child>,
    folders: Vec<PathBuf>,
    /// What could not be started, and why.
    pub skipped: Vec<(&'static str, String)>,
}

impl Services {
    /// Starts what is installed. `python`: an interpreter that has moto.
    pub fn start(python: Option<&Path>) -> Self {
        let mut services = Self::default();
        services.attempt("PostgreSQL", Self::postgres);
        services.attempt("S3", |s| s.s3(python));
        services.attempt("NATS", |s| {
            let path = nats_server().context("nats-server is not installed")?;
            s.set("KAREZ_TEST_NATS_BIN", path.display().to_string());
            Ok(())
        });
        services.attempt("PKCS#11", |s| {
            let path = softhsm_module().context("softhsm2 is not installed")?;
            s.set("KAREZ_TEST_PKCS11", path.display().to_string());
            Ok(())
        });
        services
    }

    /// Tells a test run where everything is.
    pub fn tell(&self, command: &mut Command) {
        command.envs(self.variables.iter().map(|(k, v)| (*k, v.as_str())));
    }

    pub fn has(&self, variable: &str) -> bool {
        self.variables.iter().any(|(name, _)| *name == variable)
    }

    fn attempt(&mut self, name: &'static str, start: impl FnOnce(&mut Self) -> Result<()>) {
        if let Err(error) = start(self) {
            self.skipped.push((name, format!("{error:#}")));
        }
    }

    fn set(&mut self, name: &'static str, value: String) {
        println!("-- {name}={value}");
        self.variables.push((name, value));
    }

    fn postgres(&mut self) -> Result<()> {
        let bin = postgres_bin().context("PostgreSQL is not installed")?;
        self.set("KAREZ_TEST_POSTGRES_BIN", bin.display().to_string());
        // Not below target/: the user it runs as need not be able to reach that.
        let folder =
            std::env::temp_dir().join(format!("karez-test-postgres-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        self.folders.push(folder.clone());
        if is_root() {
            execute(Command::new("chown").arg(POSTGRES_USER).arg(&folder))?;
        }
        let data = folder.join("data");
        execute(
            unprivileged(&bin.join("initdb"))
                .args(["--auth=trust", "--username=postgres", "--encoding=UTF8"])
                .args(["--locale=C.UTF-8", "--no-instructions", "--pgdata"])
                .arg(&data)
                .stdout(Stdio::null()),
        )?;
        let port = free_port()?;
        let mut server = unprivileged(&bin.join("postgres"));
        server
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k"])
            .arg(&folder)
            .args(["-c", "max_connections=400", "-c", "shared_buffers=256MB"])
            .args(["-c", "log_min_messages=fatal"]);
        self.spawn(&mut server, port)?;
        self.set(
            POSTGRES,
            format!("postgres://postgres@127.0.0.1:{port}/postgres"),
        );
        Ok(())
    }

    fn s3(&mut self, python: Option<&Path>) -> Result<()> {
        let python = python.context("no Python environment for the moto server")?;
        let port = free_port()?;
        let mut server = Command::new(python);
        server
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p"])
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.spawn(&mut server, port)?;
        self.set("KAREZ_TEST_S3", format!("http://127.0.0.1:{port}"));
        Ok(())
    }

    /// Starts the server and waits until its port answers.
    #[expect(
        clippy::disallowed_methods,
        reason = "another program's start gives no event to wait for"
    )]
    fn spawn(&mut self, command: &mut Command, port: u16) -> Result<()> {
        let mut child = command
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {:?}", command.get_program()))?;
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(status) = child.try_wait()? {
                bail!("it ended with {status}");
            }
            if began.elapsed() > START_LIMIT {
                let _gone = child.kill();
                bail!("it does not answer after {} s", START_LIMIT.as_secs());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.children.push(child);
        Ok(())
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        for child in &mut self.children {
            // Nothing here is to be kept, but PostgreSQL gives its shared memory back only when asked to stop.
            let asked = Command::new("kill")
                .args(["-INT", &child.id().to_string()])
                .status();
            if !asked.is_ok_and(|status| status.success()) {
                let _gone = child.kill();
            }
            let _gone = child.wait();
        }
        for folder in &self.folders {
            let _gone = std::fs::remove_dir_all(folder);
        }
    }
}

/// The program as somebody other than root.
fn unprivileged(program: &Path) -> Command {
    if is_root() && have("setpriv") {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", POSTGRES_USER, "--regid", POSTGRES_USER])
            .args(["--clear-groups", "--"])
            .arg(program)
            .current_dir("/");
        command
    } else {
        Command::new(program)
    }
}

fn is_root() -> bool {
    crate::prerequisites::is_root()
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}
