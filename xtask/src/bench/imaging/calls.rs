//! What is asked over DICOMweb (PS3.18 §10.4 to §10.6), of both servers in the same words.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, ensure};

use super::super::http::Client;
use super::super::load::{Load, Measured};
use super::super::record;
use super::object::{Maker, Place, series_uid, study_uid};
use super::{ASKING, IMAGES, MEASURED, READERS, SERIES, STUDIES, Server, WARM, table};

/// One kind of call.
struct Call {
    name: &'static str,
    accept: &'static str,
    /// What follows `/studies`.
    path: fn(At) -> String,
    holds: Holds,
}

/// What an answer must hold.
enum Holds {
    /// So many results or data sets: times that this is written in it.
    Results(&'static str, usize),
    /// At least so many bytes.
    Bytes(u64),
}

/// The n-th call of its kind, over studies from `first` on.
#[derive(Clone, Copy)]
struct At {
    first: usize,
    n: usize,
}

impl At {
    fn place(self) -> Place {
        let n = self.n;
        Place {
            study: self.first + n % STUDIES,
            series: 1 + n / STUDIES % SERIES,
            image: 1 + n.wrapping_mul(0x9e37_79b9) % IMAGES,
        }
    }
    fn study(self) -> String {
        study_uid(self.place().study)
    }
    fn series(self) -> String {
        let at = self.place();
        format!(
            "{}/series/{}",
            self.study(),
            series_uid(at.study, at.series)
        )
    }
    fn instance(self) -> String {
        instance(self.place())
    }
}

/// An instance below `/studies/`.
pub fn instance(at: Place) -> String {
    let (study, series) = (study_uid(at.study), series_uid(at.study, at.series));
    format!("{study}/series/{series}/instances/{}", at.uid())
}

const JSON: &str = "application/dicom+json";
pub const OCTETS: &str = "multipart/related; type=\"application/octet-stream\"";
pub const OBJECTS: &str = "multipart/related; type=\"application/dicom\"";
/// In every result of a query, and in the metadata of every instance.
const RESULT: &str = "\"00081190\"";
const INSTANCE: &str = "\"00080018\"";
const FRAME_BYTES: u64 = 256 * 256 * 2;

const CALLS: &[Call] = &[
    Call {
        name: table::QIDO_PATIENT,
        accept: JSON,
        path: |at| format!("?PatientID={}", record::number(at.place().patient())),
        holds: Holds::Results(RESULT, 1),
    },
    Call {
        name: table::QIDO_STUDIES,
        accept: JSON,
        path: |_| "?limit=10".into(),
        holds: Holds::Results(RESULT, 10),
    },
    Call {
        name: table::QIDO_SERIES,
        accept: JSON,
        path: |at| format!("/{}/series", at.study()),
        holds: Holds::Results(RESULT, SERIES),
    },
    Call {
        name: table::QIDO_INSTANCES,
        accept: JSON,
        path: |at| format!("/{}/instances", at.series()),
        holds: Holds::Results(RESULT, IMAGES),
    },
    Call {
        name: table::META_INSTANCE,
        accept: JSON,
        path: |at| format!("/{}/metadata", at.instance()),
        holds: Holds::Results(INSTANCE, 1),
    },
    Call {
        name: table::META_SERIES,
        accept: JSON,
        path: |at| format!("/{}/metadata", at.series()),
        holds: Holds::Results(INSTANCE, IMAGES),
    },
    Call {
        name: table::META_STUDY,
        accept: JSON,
        path: |at| format!("/{}/metadata", at.study()),
        holds: Holds::Results(INSTANCE, SERIES * IMAGES),
    },
    Call {
        name: table::FRAMES,
        accept: OCTETS,
        path: |at| format!("/{}/frames/1", at.instance()),
        holds: Holds::Bytes(FRAME_BYTES),
    },
    Call {
        name: table::RENDERED,
        accept: "image/jpeg",
        // No window twice, so that none of the pictures can have been kept.
        path: |at| {
            let centre = 40.0 + at.n as f64 / 1_000.0;
            format!("/{}/rendered?window={centre},400,linear", at.instance())
        },
        holds: Holds::Bytes(2_000),
    },
    Call {
        name: table::RENDERED_AGAIN,
        accept: "image/jpeg",
        path: |at| format!("/{}/rendered", at.instance()),
        holds: Holds::Bytes(2_000),
    },
    Call {
        name: table::STUDY,
        accept: OBJECTS,
        path: |at| format!("/{}", at.study()),
        holds: Holds::Bytes((SERIES * IMAGES) as u64 * FRAME_BYTES),
    },
];

/// Measures the kinds of calls that have `only` in their names, over the studies from `first` on.
pub fn measure(server: &Server, first: usize, only: &str) -> Result<Vec<Measured>> {
    let mut all = Vec::with_capacity(CALLS.len());
    for call in CALLS.iter().filter(|c| c.name.contains(only)) {
        check(server, call, first)?;
        // Calls that were made before those that are measured.
        let begun = AtomicUsize::new(0);
        let connect = || {
            let mut client = with_accept(server, call.accept)?;
            client.forgets = true;
            Ok(client)
        };
        let load = Load {
            connect: &connect,
            connections: READERS,
            cpu: &|| server.cpu(),
        };
        let ask = |client: &mut Client, n: usize| {
            let n = n + begun.load(Ordering::Relaxed);
            client.ask(&path(server, call, At { first, n }))
        };
        let answer = |client: &mut Client| {
            let answer = client.answer()?;
            ensure!(answer.status == 200, "{}: {}", call.name, answer.status);
            if let Holds::Bytes(least) = call.holds {
                ensure!(answer.length >= least, "{}: cut short", call.name);
            }
            Ok(())
        };
        // What is longer than a connection's buffers is taken as it comes.
        let threads = if call.name == table::STUDY {
            READERS
        } else {
            ASKING
        };
        let warmed = load.in_turn(call.name, WARM, threads, ask, answer)?;
        begun.store(warmed.units + READERS, Ordering::Relaxed);
        let measured = load.in_turn(call.name, MEASURED, threads, ask, answer)?;
        eprintln!("{}: {}", server.name, measured.row());
        all.push(measured);
    }
    Ok(all)
}

pub fn with_accept(server: &Server, accept: &str) -> Result<Client> {
    let mut client = server.client()?;
    client.headers.push(("Accept".into(), accept.to_owned()));
    Ok(client)
}

fn path(server: &Server, call: &Call, at: At) -> String {
    format!("{}/studies{}", server.prefix, (call.path)(at))
}

/// That the answer is the one that was asked for, whatever server gives it.
fn check(server: &Server, call: &Call, first: usize) -> Result<()> {
    let path = path(server, call, At { first, n: 3 });
    let answer = with_accept(server, call.accept)?.get(&path)?;
    let text = String::from_utf8_lossy(&answer.body);
    ensure!(
        answer.status == 200,
        "{}, {}: {} {}",
        server.name,
        call.name,
        answer.status,
        text.chars().take(300).collect::<String>()
    );
    match call.holds {
        Holds::Results(what, count) => {
            let found = memchr::memmem::find_iter(&answer.body, what).count();
            let at_least = call.name == table::QIDO_PATIENT && found >= count;
            ensure!(
                found == count || at_least,
                "{}, {}: {found} results instead of {count}",
                server.name,
                call.name
            );
        }
        Holds::Bytes(least) => ensure!(answer.length >= least, "{}: cut short", call.name),
    }
    Ok(())
}

/// STOW-RS, one object in each request.
pub fn stow(server: &Server, count: usize, study: usize, maker: &Maker) -> Result<Measured> {
    let connect = || with_accept(server, JSON);
    let load = Load {
        connect: &connect,
        connections: READERS,
        cpu: &|| server.cpu(),
    };
    let path = format!("{}/studies", server.prefix);
    load.run(table::STOW, count, 1, |client, n| {
        let object = maker.slice(Place {
            study: study + n % READERS,
            series: 1,
            image: n / READERS + 1,
        });
        post(client, &path, &object)
    })
}

/// Sends one object by STOW-RS.
pub fn post(client: &mut Client, path: &str, object: &super::object::Object) -> Result<()> {
    const KIND: &str = "multipart/related; type=\"application/dicom\"; boundary=part";
    const HEAD: &[u8] = b"--part\r\nContent-Type: application/dicom\r\n\r\n";
    let file_head = object.file_head();
    let mut pieces: Vec<&[u8]> = vec![HEAD, &file_head];
    pieces.extend(object.pieces());
    pieces.push(b"\r\n--part--\r\n");
    let answer = client.send_pieces("POST", path, KIND, &pieces)?;
    ensure!(
        answer.status == 200,
        "STOW: {} {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    );
    Ok(())
}
