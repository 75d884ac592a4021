//! The most memory a server takes for studies of few and many slices, and for one large object of many frames.

use anyhow::{Result, ensure};

use super::super::node::{forget_peak, peak_mib};
use super::object::{Maker, Place, SIDE, study_uid};
use super::{Server, calls};

const FEW: usize = 300;
const MANY: usize = 3_000;
/// 512 MiB in one object.
const FRAMES: usize = 4_096;

/// Prints the most resident memory of each step.
pub fn print(server: &Server) -> Result<()> {
    println!("\n## Memory of {}\n", server.name);
    println!("| what | most resident memory, MiB |\n| --- | ---: |");
    let maker = Maker::new(SIDE);
    let show = |what: &str, done: Result<()>| {
        // What one server cannot do is said, and the rest measured all the same.
        let peak = peak_mib(server.pid).unwrap_or_default();
        match done {
            Ok(()) => println!("| {what} | {peak:.0} |"),
            Err(e) => println!("| {what} | {peak:.0} (failed: {e:#}) |"),
        }
        forget_peak(server.pid)
    };
    show("before", Ok(()))?;
    for (study, count) in [(1, FEW), (2, MANY)] {
        show(
            &format!("C-STORE of a study of {count} slices"),
            sent(server, &maker, study, count),
        )?;
        let what = format!("retrieve of a study of {count} slices");
        show(&what, retrieved(server, study, 131_072 * count as u64))?;
    }
    let at = |study| Place {
        study,
        series: 1,
        image: 1,
    };
    let bytes = FRAMES as u64 * 131_072;
    let large = maker.multi_frame(at(3), FRAMES);
    let what = format!("C-STORE of one object of {FRAMES} frames, 512 MiB");
    show(&what, server.scu().and_then(|mut scu| scu.store(&large)))?;
    let large = maker.multi_frame(at(4), FRAMES);
    let path = format!("{}/studies", server.prefix);
    let posted = server
        .client()
        .and_then(|mut client| calls::post(&mut client, &path, &large));
    show("STOW of such an object", posted)?;
    show("retrieve of it", retrieved(server, 3, bytes))?;
    show("one of its frames", frame(server, at(3)))?;
    show("one of its frames rendered", rendered(server, at(3)))
}

fn sent(server: &Server, maker: &Maker, study: usize, count: usize) -> Result<()> {
    let mut scu = server.scu()?;
    for image in 1..=count {
        scu.store(&maker.slice(Place {
            study,
            series: 1,
            image,
        }))?;
    }
    scu.release()
}

fn retrieved(server: &Server, study: usize, least: u64) -> Result<()> {
    ask(server, calls::OBJECTS, &study_uid(study), least)
}

fn frame(server: &Server, at: Place) -> Result<()> {
    let path = format!("{}/frames/{}", calls::instance(at), FRAMES / 2);
    ask(server, calls::OCTETS, &path, 131_072)
}

fn rendered(server: &Server, at: Place) -> Result<()> {
    let path = format!("{}/frames/{}/rendered", calls::instance(at), FRAMES / 2);
    ask(server, "image/jpeg", &path, 1_000)
}

fn ask(server: &Server, accept: &str, path: &str, least: u64) -> Result<()> {
    let mut client = calls::with_accept(server, accept)?;
    client.forgets = true;
    let answer = client.get(&format!("{}/studies/{path}", server.prefix))?;
    ensure!(answer.status == 200, "{}", answer.status);
    ensure!(answer.length >= least, "{} bytes", answer.length);
    Ok(())
}
