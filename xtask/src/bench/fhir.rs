//! The FHIR API over HTTP, auditing and authentication on: create, read, search, a chain and transaction import, from an
//! empty store and from one of many resources. This process is the load generator; the server is another beside it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::http::{Answer, Client};
use super::load::{HEAD, Load, Measured};
use super::node::{Node, processor_time, resident_mib};
use super::record;

const HOSPITAL: &str = "bench";
const FHIR_JSON: &str = "application/fhir+json";
/// Patients that are there before the first measurement.
const FIRST_PATIENTS: usize = 200;
/// Connections that import: a server takes few such bundles at once.
const FILLERS: usize = 4;
/// Results on one page of a search.
const PAGE: usize = 20;
/// Beside a store that is kept: what is known to be in it.
const KNOWN: &str = "bench.json";

/// What is measured.
pub struct Plan {
    /// Creates in one round; the other calls follow from it.
    pub requests: usize,
    /// Resources the store is filled with before the second round; none: no second round.
    pub resources: usize,
    pub connections: usize,
    /// Where the filled store stays, so that it need not be filled again.
    pub keep: Option<PathBuf>,
    /// Further keys of the configuration, as environment variables.
    pub env: Vec<(String, String)>,
    /// The heading of the tables.
    pub name: String,
}

/// Measures Karez, and beside it the server that `HFS_BIN` names.
pub fn run(plan: &Plan) -> Result<()> {
    let temp = tempfile::tempdir()?;
    let data = plan.keep.as_deref().unwrap_or(temp.path());
    let kept = plan.keep.as_deref().map(|folder| folder.join(KNOWN));
    let known = match kept.as_deref().filter(|file| file.exists()) {
        Some(file) => Known::read(file)?,
        None => {
            let known = from_empty(plan, data)?;
            if let Some(file) = &kept {
                known.write(file)?;
            }
            known
        }
    };
    if plan.resources > 0 {
        filled(plan, data, known)?;
    }
    if let Some(binary) = std::env::var_os("HFS_BIN") {
        let peer = Peer::start(Path::new(&binary))?;
        println!("\n## {}, empty\n", Path::new(&binary).display());
        round(plan, &peer.server(), &mut Known::default())?;
    }
    Ok(())
}

/// The round from an empty store, which is filled after it when that is asked for.
fn from_empty(plan: &Plan, data: &Path) -> Result<Known> {
    Node::found(data, HOSPITAL, &plan.env)?;
    let node = Node::serve(data, &plan.env)?;
    println!("## {}, empty\n", plan.name);
    println!("start {} ms\n", node.start.as_millis());
    let mut known = Known::default();
    round(plan, &Server::of(&node)?, &mut known)?;
    if plan.resources > 0 {
        fill(plan, &Server::of(&node)?, &mut known)?;
    }
    node.stop()?;
    Ok(known)
}

/// The round from a filled store.
fn filled(plan: &Plan, data: &Path, mut known: Known) -> Result<()> {
    let node = Node::serve(data, &plan.env)?;
    println!("\n## {}, {} resources\n", plan.name, known.resources);
    println!("start {} ms\n", node.start.as_millis());
    round(plan, &Server::of(&node)?, &mut known)?;
    node.stop()
}

/// Whom to ask.
struct Server {
    base: String,
    /// Before the type in an address.
    prefix: String,
    token: Option<String>,
    pid: u32,
}

impl Server {
    fn of(node: &Node) -> Result<Self> {
        Ok(Self {
            base: node.base.clone(),
            prefix: format!("/fhir/{HOSPITAL}"),
            token: Some(node.token(HOSPITAL, "clinician")?),
            pid: node.pid(),
        })
    }

    fn client(&self) -> Result<Client> {
        let mut client = Client::connect(&self.base)?;
        if let Some(token) = &self.token {
            let field = ("Authorization".into(), format!("Bearer {token}"));
            client.headers.push(field);
        }
        Ok(client)
    }

    fn path(&self, rest: &str) -> String {
        format!("{}/{rest}", self.prefix)
    }

    /// The id of what was created.
    fn create(&self, client: &mut Client, kind: &str, body: &str) -> Result<String> {
        let answer = client.send("POST", &self.path(kind), FHIR_JSON, body.as_bytes())?;
        expect(&answer, 201)?;
        let location = answer.location.context("no Location")?;
        Ok(id_in(&location, kind).context("no id")?.to_owned())
    }

    fn get(&self, client: &mut Client, path: &str, results: Option<usize>) -> Result<()> {
        let answer = client.get(&self.path(path))?;
        expect(&answer, 200)?;
        if let Some(wanted) = results {
            let found = count(&answer.body, b"\"fullUrl\"");
            ensure!(found == wanted, "{found} results instead of {wanted}");
        }
        Ok(())
    }
}

/// What is known to be there.
#[derive(Default)]
struct Known {
    /// Number and id of patients with a whole record.
    patients: Vec<(usize, String)>,
    observations: Vec<String>,
    resources: usize,
    next: usize,
}

impl Known {
    fn read(file: &Path) -> Result<Self> {
        let known: Value = serde_json::from_slice(&std::fs::read(file)?)?;
        let number = |v: &Value| v.as_u64().and_then(|n| usize::try_from(n).ok());
        let text = |v: &Value| v.as_str().map(str::to_owned);
        let read = || {
            let patients = known["patients"].as_array()?.iter();
            let observations = known["observations"].as_array()?.iter();
            Some(Self {
                patients: patients
                    .map(|p| Some((number(&p[0])?, text(&p[1])?)))
                    .collect::<Option<_>>()?,
                observations: observations.map(text).collect::<Option<_>>()?,
                resources: number(&known["resources"])?,
                next: number(&known["next"])?,
            })
        };
        read().with_context(|| format!("{} is not of this benchmark", file.display()))
    }

    fn write(&self, file: &Path) -> Result<()> {
        let known = json!({
            "patients": self.patients,
            "observations": self.observations,
            "resources": self.resources,
            "next": self.next,
        });
        std::fs::write(file, known.to_string())?;
        Ok(())
    }

    fn add(&mut self, n: usize, locations: &str) {
        self.resources += record::ENTRIES;
        if let Some(id) = id_in(locations, "Patient") {
            self.patients.push((n, id.to_owned()));
        }
        // Some of each patient, so that reads go all over the store.
        let ids = locations.split("\"location\":\"").skip(1);
        let observations = ids.filter_map(|text| id_in(text.get(..120)?, "Observation"));
        self.observations
            .extend(observations.step_by(7).map(str::to_owned));
    }
}

fn round(plan: &Plan, server: &Server, known: &mut Known) -> Result<()> {
    let connect = || server.client();
    let cpu = || processor_time(server.pid);
    let load = Load {
        connect: &connect,
        connections: plan.connections,
        cpu: &cpu,
    };
    let mut client = server.client()?;
    let mut patients = Vec::new();
    for _ in 0..FIRST_PATIENTS {
        patients.push(server.create(&mut client, "Patient", &record::patient(known.next))?);
        known.next += 1;
    }
    println!("{HEAD}");
    let show = |measured: &Measured| println!("{}", measured.row());
    let n = plan.requests;
    show(&load.run("create", n, 1, |client, i| {
        let subject = format!("Patient/{}", patients[i % patients.len()]);
        let body = record::observation(&subject, None, i / 7, i / 70);
        server.create(client, "Observation", &body).map(drop)
    })?);
    known.resources += n + FIRST_PATIENTS;
    let imports = (n / 200).max(10);
    let importers = Load {
        connections: FILLERS.min(plan.connections),
        ..load
    };
    let imported = import(&importers, server, known, imports)?;
    show(&imported);
    let (patients, observations) = (&known.patients, &known.observations);
    show(&load.run("read", n * 4, 1, |client, i| {
        let id = &observations[scattered(i) % observations.len()];
        server.get(client, &format!("Observation/{id}"), None)
    })?);
    let name = format!("search by patient and code, {PAGE} results");
    show(&load.run(&name, n * 2, 1, |client, i| {
        let (_, id) = &patients[scattered(i) % patients.len()];
        let code = record::CODES[i % record::CODES.len()].0;
        let query =
            format!("Observation?patient={id}&code=http://loinc.org%7C{code}&_count={PAGE}");
        server.get(client, &query, Some(PAGE))
    })?);
    let name = format!("chain by the patient's number, {PAGE} results");
    show(&load.run(&name, n * 2, 1, |client, i| {
        let (n, _) = &patients[scattered(i) % patients.len()];
        let code = record::CODES[i % record::CODES.len()].0;
        let query = format!(
            "Observation?patient.identifier={}%7C{}&code=http://loinc.org%7C{code}&_count={PAGE}",
            record::NUMBERS,
            record::number(*n)
        );
        server.get(client, &query, Some(PAGE))
    })?);
    show(&load.run(
        "search by patient, newest first, 20 results",
        n,
        1,
        |client, i| {
            let (_, id) = &patients[scattered(i) % patients.len()];
            server.get(
                client,
                &format!("Observation?patient={id}&_sort=-date&_count=20"),
                Some(20),
            )
        },
    )?);
    if let Some(mib) = resident_mib(server.pid) {
        println!("\nresident memory {mib:.0} MiB");
    }
    Ok(())
}

/// Transactions of whole patients; what they made is added to what is known.
fn import(load: &Load<'_>, server: &Server, known: &mut Known, count: usize) -> Result<Measured> {
    let first = known.next;
    known.next += count;
    let made = Mutex::new(Vec::new());
    let name = format!("import of a patient, {} resources", record::ENTRIES);
    let measured = load.run(&name, count, record::ENTRIES, |client, i| {
        let body = record::transaction(first + i);
        let answer = client.send("POST", &server.prefix, FHIR_JSON, body.as_bytes())?;
        expect(&answer, 200)?;
        let text = String::from_utf8(answer.body)?;
        let mut made = made.lock().unwrap_or_else(|e| e.into_inner());
        made.push((first + i, text));
        Ok(())
    })?;
    for (n, text) in made.into_inner().unwrap_or_else(|e| e.into_inner()) {
        known.add(n, &text);
    }
    Ok(measured)
}

/// Imports patients until the store holds what was asked for.
fn fill(plan: &Plan, server: &Server, known: &mut Known) -> Result<()> {
    let connect = || server.client();
    let cpu = || processor_time(server.pid);
    let load = Load {
        connect: &connect,
        connections: FILLERS,
        cpu: &cpu,
    };
    let (began, before) = (Instant::now(), known.resources);
    while known.resources < plan.resources {
        let missing = (plan.resources - known.resources).div_ceil(record::ENTRIES);
        import(&load, server, known, missing.min(200))?;
        eprint!("\r{} resources", known.resources);
    }
    let added = known.resources - before;
    let s = began.elapsed().as_secs_f64();
    eprintln!(
        "\rfilled with {added} resources in {s:.0} s, {:.0} /s",
        added as f64 / s
    );
    Ok(())
}

/// A number that goes all over the place, the same in every run.
fn scattered(i: usize) -> usize {
    i.wrapping_mul(0x9e37_79b9) >> 7
}

fn expect(answer: &Answer, status: u16) -> Result<()> {
    if answer.status == status {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&answer.body);
    bail!(
        "{}: {}",
        answer.status,
        text.chars().take(300).collect::<String>()
    )
}

/// The id after `kind/` in an address.
fn id_in<'t>(text: &'t str, kind: &str) -> Option<&'t str> {
    let rest = text.split(&format!("{kind}/")).nth(1)?;
    rest.split(['/', '"']).next()
}

/// In the quickest way: whatever it takes, the server on the same processors does without.
fn count(text: &[u8], what: &[u8]) -> usize {
    memchr::memmem::find_iter(text, what).count()
}

/// Another FHIR server, `helios-hfs`, on SQLite in a folder of its own.
struct Peer {
    child: Child,
    base: String,
    _temp: tempfile::TempDir,
}

impl Peer {
    fn start(binary: &Path) -> Result<Self> {
        let temp = tempfile::tempdir()?;
        // A port that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new(binary)
            .args(["--host", "127.0.0.1", "--log-level", "error"])
            .args(["--port", &port.to_string(), "--database-url"])
            .arg(temp.path().join("peer.db"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the peer")?;
        let peer = Self {
            child,
            base: format!("http://127.0.0.1:{port}"),
            _temp: temp,
        };
        let began = Instant::now();
        while Client::connect(&peer.base).is_err() {
            ensure!(
                began.elapsed() < Duration::from_secs(60),
                "the peer does not listen"
            );
            std::thread::yield_now();
        }
        Ok(peer)
    }

    fn server(&self) -> Server {
        Server {
            base: self.base.clone(),
            prefix: String::new(),
            token: None,
            pid: self.child.id(),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_addresses() {
        assert_eq!(
            id_in(
                "http://h/fhir/bench/Observation/a-1/_history/1",
                "Observation"
            ),
            Some("a-1")
        );
        assert_eq!(id_in("\"location\":\"Patient/p\"", "Patient"), Some("p"));
        assert_eq!(id_in("Patients", "Patient"), None);
    }
}
