//! DIMSE and DICOMweb, Karez and Orthanc one after the other with the same objects and the same load generator: what comes in, what
//! is asked for, whole studies, and memory. Karez authenticates, checks permits, encrypts and audits; an object is on disk and
//! indexed before its store is answered.

mod calls;
mod memory;
mod object;
mod peer;
mod scu;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::http::Client;
use super::load::{Load, Measured};
use super::node::{Node, processor_time};
use super::record;
use object::{Maker, Object, Place, SIDE, TINY_SIDE};
use scu::Scu;
use table::Table;

const HOSPITAL: &str = "bench";
const TITLE: &str = "BENCH";
/// What is read: studies of two series of fifty slices.
const STUDIES: usize = 10;
const SERIES: usize = 2;
const IMAGES: usize = 50;
/// Associations that fill an index; each sends whole studies.
const FILLERS: usize = 20;
/// Patients that are registered: those of the first studies. Other studies wait for a person's decision.
const PATIENTS: usize = 2_600;
/// Slices of one study where an index is filled.
const FILL_IMAGES: usize = 100;
/// Connections that ask at once.
const READERS: usize = 8;
/// Threads of the load generator that ask on them, each on its own in turn.
const ASKING: usize = 2;
/// How long each kind of call is measured, and how long it is made before.
const MEASURED: Duration = Duration::from_secs(3);
const WARM: Duration = Duration::from_millis(500);

/// What is measured.
pub struct Plan {
    /// The number of objects of each kind of store follow from it.
    pub requests: usize,
    /// Instances of the index in the second round; none: no second round.
    pub instances: usize,
    pub peer_fill: Duration,
    pub alone: bool,
    pub only: String,
    /// Of the calls of DICOMweb, those whose names hold this.
    pub call: String,
    /// Where our store is kept once it is filled.
    pub keep: Option<PathBuf>,
}

impl Plan {
    fn wants(&self, name: &str) -> bool {
        name.contains(&self.only)
    }
}

/// Whom to ask.
pub struct Server {
    name: &'static str,
    base: String,
    /// Before `/studies` in an address.
    prefix: String,
    token: Option<String>,
    /// Address and port of its DICOM listener, and the title it is called by.
    dicom: String,
    called: &'static str,
    pid: u32,
}

impl Server {
    fn client(&self) -> Result<Client> {
        let mut client = Client::connect(&self.base)?;
        if let Some(token) = &self.token {
            let field = ("Authorization".into(), format!("Bearer {token}"));
            client.headers.push(field);
        }
        Ok(client)
    }

    fn scu(&self) -> Result<Scu> {
        Scu::open(&self.dicom, self.called)
    }

    fn cpu(&self) -> Option<Duration> {
        processor_time(self.pid)
    }
}

/// Karez, with a hospital, a scanner and patients.
struct Ours {
    node: Node,
    _temp: Option<tempfile::TempDir>,
}

/// In the folder of a store that is kept: how many instances fill it.
const FILLED: &str = "instances";

impl Ours {
    fn start() -> Result<Self> {
        let temp = tempfile::tempdir()?;
        let node = Self::begin(temp.path())?;
        Ok(Self {
            node,
            _temp: Some(temp),
        })
    }

    /// In a folder that stays, begun or filled already.
    fn start_in(folder: &Path) -> Result<Self> {
        let node = if folder.join(FILLED).exists() {
            serve(folder)?
        } else {
            fs::create_dir_all(folder)?;
            let node = Self::begin(folder)?;
            fs::write(folder.join(FILLED), "0")?;
            node
        };
        Ok(Self { node, _temp: None })
    }

    fn begin(data: &Path) -> Result<Node> {
        Node::found(data, HOSPITAL, &[])?;
        let title = ["ae", "title", "--hospital", HOSPITAL, "--title", TITLE];
        Node::admin(
            data,
            &[&title[..], &["--issuer", record::NUMBERS]].concat(),
            &[],
        )?;
        let scanner = ["ae", "add", "--hospital", HOSPITAL, "--title", "SCANNER"];
        let may = ["--name", "CT", "--addresses", "127.0.0.1", "--may", "store"];
        Node::admin(data, &[scanner, may].concat(), &[])?;
        let ours = Self {
            node: serve(data)?,
            _temp: None,
        };
        ours.add_patients(PATIENTS)?;
        Ok(ours.node)
    }

    fn add_patients(&self, count: usize) -> Result<()> {
        let server = self.server()?;
        let load = Load {
            connect: &|| server.client(),
            connections: READERS,
            cpu: &|| None,
        };
        let path = format!("/fhir/{HOSPITAL}/Patient");
        load.run("patients", count, 1, |client, n| {
            let body = record::patient(n);
            let answer = client.send("POST", &path, "application/fhir+json", body.as_bytes())?;
            ensure!(answer.status == 201, "a patient: {}", answer.status);
            Ok(())
        })?;
        Ok(())
    }

    fn server(&self) -> Result<Server> {
        Ok(Server {
            name: "Karez",
            base: self.node.base.clone(),
            prefix: format!("/dicomweb/{HOSPITAL}"),
            token: Some(self.node.token(HOSPITAL, "clinician")?),
            dicom: self.node.dicom.clone().context("no DICOM listener")?,
            called: TITLE,
            pid: self.node.pid(),
        })
    }
}

fn serve(data: &Path) -> Result<Node> {
    let env = [
        ("KAREZ_DICOM_LISTEN", "127.0.0.1:0".to_owned()),
        ("KAREZ_DICOM_PER_ADDRESS_MAX", (2 * FILLERS).to_string()),
    ];
    Node::serve(data, &env.map(|(key, value)| (key.to_owned(), value)))
}

/// Measures both servers and prints the tables.
pub fn run(plan: &Plan) -> Result<()> {
    let with_peer = !plan.alone && peer::is_there();
    if with_peer {
        println!("Beside it: {}\n", peer::version());
    }
    if plan.wants("store") {
        let mut table = Table::new("Objects come in, 133 KB each");
        each(with_peer, |server| {
            table.add(stores(plan, server)?);
            Ok(())
        })?;
        table.print();
    }
    if plan.wants("read") {
        let mut table = Table::new("1,000 instances in the index");
        each(with_peer, |server| {
            send_whole(server, 0)?;
            table.add(calls::measure(server, 0, &plan.call)?);
            table.resident(server);
            Ok(())
        })?;
        table.print();
    }
    if plan.instances > 0 {
        let mut table = Table::new("A large index");
        let with_peer = with_peer && !plan.peer_fill.is_zero();
        let ours = match &plan.keep {
            Some(folder) => Ours::start_in(folder)?,
            None => Ours::start()?,
        };
        each_after(ours, with_peer, |server| {
            let there = fill(plan, server)?;
            let first = there.div_ceil(FILL_IMAGES) + 1;
            send_whole(server, first)?;
            table.note(format!("{}: {} instances", server.name, there + whole()));
            table.add(calls::measure(server, first, &plan.call)?);
            table.resident(server);
            Ok(())
        })?;
        table.print();
    }
    if plan.wants("memory") {
        each(with_peer, memory::print)?;
    }
    Ok(())
}

/// One server after the other, each begun anew.
fn each(with_peer: bool, of: impl FnMut(&Server) -> Result<()>) -> Result<()> {
    each_after(Ours::start()?, with_peer, of)
}

fn each_after(
    ours: Ours,
    with_peer: bool,
    mut of: impl FnMut(&Server) -> Result<()>,
) -> Result<()> {
    of(&ours.server()?)?;
    ours.node.stop()?;
    if with_peer {
        let peer = peer::Peer::start()?;
        of(&peer.server())?;
    }
    Ok(())
}

/// Objects that are measured as they come in.
fn stores(plan: &Plan, server: &Server) -> Result<Vec<Measured>> {
    let maker = Maker::new(SIDE);
    let n = plan.requests;
    // The first object of a study makes it, with all that begins with it.
    send(server, "", 1, 50, 9_000, &maker)?;
    Ok(vec![
        send(server, table::STORE_ONE, 1, 2 * n, 0, &maker)?,
        send(server, table::STORE_EIGHT, 8, 4 * n, 1_000, &maker)?,
        calls::stow(server, n, 2_000, &maker)?,
    ])
}

/// An association and what it has sent.
struct Sender {
    scu: Scu,
    sent: usize,
    /// The first of its studies, and how many lie between them.
    study: usize,
    step: usize,
}

impl Sender {
    /// The next slice: each study whole before the next.
    fn next(&mut self, maker: &Maker) -> Object {
        let at = Place {
            study: self.study + self.sent / FILL_IMAGES * self.step,
            series: 1,
            image: self.sent % FILL_IMAGES + 1,
        };
        self.sent += 1;
        maker.slice(at)
    }
}

/// C-STORE of `count` slices over some associations, each with studies of its own from `study` on.
fn send(
    server: &Server,
    name: &str,
    associations: usize,
    count: usize,
    study: usize,
    maker: &Maker,
) -> Result<Measured> {
    let begun = AtomicUsize::new(0);
    let connect = || {
        Ok(Sender {
            scu: server.scu()?,
            sent: 0,
            study: study + begun.fetch_add(1, Ordering::Relaxed),
            step: associations,
        })
    };
    let load = Load {
        connect: &connect,
        connections: associations,
        cpu: &|| server.cpu(),
    };
    load.run_each(name, count / associations, 1, |sender, _| {
        let object = sender.next(maker);
        sender.scu.store(&object)
    })
}

/// Objects of the studies that are read.
const fn whole() -> usize {
    STUDIES * SERIES * IMAGES
}

/// Sends the studies that are read, from `first` on.
fn send_whole(server: &Server, first: usize) -> Result<()> {
    let maker = Maker::new(SIDE);
    let mut scu = server.scu()?;
    for study in first..first + STUDIES {
        for series in 1..=SERIES {
            for image in 1..=IMAGES {
                let at = Place {
                    study,
                    series,
                    image,
                };
                scu.store(&maker.slice(at))?;
            }
        }
    }
    scu.release()
}

/// Fills an index by small objects, a piece at a time; gives how many it holds. The other server has so long and no longer.
fn fill(plan: &Plan, server: &Server) -> Result<usize> {
    const PIECE: usize = 20_000;
    let maker = Maker::new(TINY_SIDE);
    let kept = plan.keep.as_ref().filter(|_| server.token.is_some());
    let kept = kept.map(|folder| folder.join(FILLED));
    let before = match &kept {
        Some(file) => fs::read_to_string(file)?.trim().parse()?,
        None => 0,
    };
    let (began, mut there) = (Instant::now(), before);
    while there < plan.instances && (server.token.is_some() || began.elapsed() < plan.peer_fill) {
        let count = PIECE.min(plan.instances - there);
        send(server, "", FILLERS, count, there / FILL_IMAGES, &maker)?;
        there += count;
        if let Some(file) = &kept {
            fs::write(file, there.to_string())?;
        }
        let s = began.elapsed().as_secs_f64();
        eprint!("\r{}: {there} in {s:.0} s", server.name);
    }
    let s = began.elapsed().as_secs_f64();
    let filled = there - before;
    println!(
        "\n{} was filled with {filled} small objects over {FILLERS} associations in {s:.0} s, {:.0} a second",
        server.name,
        filled as f64 / s
    );
    Ok(there)
}
