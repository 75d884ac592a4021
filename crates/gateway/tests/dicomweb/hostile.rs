//! Rubbish on the routes of DICOMweb: everything is answered that the sender is wrong, nothing takes more memory than it
//! brought, and what was there before is served on.

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode, header};
use imaging::{Data, Dataset, Element, Object, VR, file as files, syntax, tags};
use karez_gateway::dicomweb::{self, DicomWeb};
use karez_gateway::dimse::Room;

use crate::object::{STUDY, file, phantom, uid};
use crate::{Answer, World, instance};

const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const MR: &str = "1.2.840.10008.5.1.4.1.1.4";

impl World {
    async fn post(&self, kind: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post("/dicomweb/yarqum/studies")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.own))
            .header(header::CONTENT_TYPE, kind);
        self.send(request.body(body.into()).unwrap()).await
    }

    /// That the node goes on serving what it had.
    async fn still_serves(&self) {
        let there = self
            .get(&instance(1), "application/dicom; transfer-syntax=*")
            .await;
        assert_eq!(there.body, file(1));
    }
}

/// The most memory this process ever had, bytes.
fn memory_peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib << 10
}

fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error()
}

#[tokio::test]
async fn bodies_that_are_not_of_parts_are_refused() {
    let world = World::with_study().await;
    let good = "multipart/related; type=\"application/dicom\"; boundary=B";
    let long = format!(
        "multipart/related; type=\"application/dicom\"; boundary={}",
        "B".repeat(71)
    );
    let mut headers = b"--B\r\n".to_vec();
    headers.extend(b"X: y\r\n".repeat(2_000));
    let mut cut = b"--B\r\nContent-Type: application/dicom\r\n\r\n".to_vec();
    cut.extend(&file(4)[..400]);
    let cases: [(&str, Vec<u8>, u16); 15] = [
        ("", Vec::new(), 415),
        ("text/plain", b"--B\r\n\r\n--B--".to_vec(), 415),
        ("application/dicom", file(4).to_vec(), 415),
        (
            "multipart/form-data; boundary=B",
            b"--B--\r\n".to_vec(),
            415,
        ),
        (
            "multipart/related; type=\"application/pdf\"; boundary=B",
            b"--B--\r\n".to_vec(),
            415,
        ),
        (
            "multipart/related; type=\"application/dicom\"",
            b"--B--\r\n".to_vec(),
            400,
        ),
        ("multipart/related; boundary=", b"--B--\r\n".to_vec(), 400),
        (&long, b"--B--\r\n".to_vec(), 400),
        (good, Vec::new(), 400),
        (good, b"--B--\r\n".to_vec(), 400),
        (good, b"--C\r\n\r\nx\r\n--C--\r\n".to_vec(), 400),
        (good, b"--Bx\r\n\r\nx\r\n--B--\r\n".to_vec(), 400),
        (good, headers, 400),
        (good, cut, 400),
        (
            good,
            b"--B\r\nContent-Type: \xff\xfe\r\n\r\nx\r\n--B--\r\n".to_vec(),
            400,
        ),
    ];
    for (n, (kind, body, status)) in cases.into_iter().enumerate() {
        let answer = world.post(kind, body).await;
        assert_eq!(answer.status.as_u16(), status, "{n}: {kind}");
    }
    world.still_serves().await;
}

#[tokio::test]
async fn a_part_larger_than_is_taken_is_refused_and_the_others_are_kept() {
    let world = World::new().await;
    let small = dicomweb::router(DicomWeb {
        app: std::sync::Arc::new(world.node.app.clone()),
        object_bytes_max: 64 << 10,
        room: Room::of_mib(1),
        pictures: dicomweb::Pictures::default(),
    });
    let world = World {
        router: small,
        ..world
    };
    let mut large = file(1).to_vec();
    large.resize(24 << 20, 0);
    let answer = world.stow(&[file(2), large.into(), file(3)]).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let said = answer.json();
    assert_eq!(said["00081199"]["Value"].as_array().unwrap().len(), 2);
    assert_eq!(said["00081198"]["Value"][0]["00081197"]["Value"][0], 0xa700);
}

/// The phantom with something of it changed, as a file.
fn changed(n: u32, change: impl FnOnce(&mut Dataset)) -> Bytes {
    let mut d = phantom().dataset(n);
    change(&mut d);
    files::of(&Object::made(d, syntax::of(syntax::EXPLICIT_LITTLE)))
}

/// The phantom's file without its pixels, and these bytes in their place.
fn ending_in(n: u32, end: &[u8]) -> Bytes {
    let without = changed(n, |d| drop(d.remove(tags::PIXEL_DATA)));
    [&without[..], end].concat().into()
}

/// Items in items, so many deep.
fn nested(depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..depth {
        // Referenced Image Sequence of undefined length, an item of undefined length.
        out.extend([
            0x08, 0x00, 0x40, 0x11, b'S', b'Q', 0, 0, 0xff, 0xff, 0xff, 0xff,
        ]);
        out.extend([0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff]);
    }
    out
}

/// A data set that is a few kilobytes deflated and 2 GiB whole.
fn bomb() -> Bytes {
    use std::io::Write as _;
    let mut d = phantom().dataset(9);
    d.remove(tags::PIXEL_DATA);
    let mut out = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(&imaging::write(&d, true)).unwrap();
    out.write_all(&[0xe0, 0x7f, 0x10, 0x00, b'O', b'W', 0, 0, 0, 0, 0, 0x80])
        .unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..300 {
        out.write_all(&zeros).unwrap();
    }
    files::wrap(&out.finish().unwrap(), MR, &uid(9), DEFLATED, None)
}

#[tokio::test]
async fn objects_that_lie_about_their_size_are_refused_within_bounded_memory() {
    let world = World::with_study().await;
    let bomb = bomb();
    let before = memory_peak();
    let hostile: Vec<(&str, Bytes)> = vec![
        (
            "a text of 2 GiB",
            ending_in(9, &[0xe1, 0x7f, 0x10, 0, b'U', b'T', 0, 0, 0, 0, 0, 0x80]),
        ),
        (
            "items 100,000 deep",
            [&ending_in(9, &[])[..], &nested(100_000)].concat().into(),
        ),
        ("a preamble alone", file(9).slice(..132)),
        ("a deflated bomb", bomb),
        (
            "no study",
            changed(9, |d| drop(d.remove(tags::STUDY_INSTANCE_UID))),
        ),
        (
            "a UID that is none",
            changed(9, |d| {
                d.put_text(tags::SOP_INSTANCE_UID, VR::UI, "../../etc/passwd")
            }),
        ),
    ];
    for (what, body) in hostile {
        let answer = world.stow(&[body]).await;
        assert_eq!(
            answer.status,
            StatusCode::CONFLICT,
            "{what}: {:?}",
            answer.body
        );
    }
    let grown = memory_peak() - before;
    assert!(grown < 700 << 20, "{} MiB", grown >> 20);
    world.still_serves().await;
}

#[tokio::test]
async fn images_whose_pixels_are_not_what_is_said_are_kept_and_never_shown() {
    let world = World::with_study().await;
    let words = |d: &mut Dataset, tag, n| d.put_u16(tag, n);
    let pixels = |d: &mut Dataset, bytes: Vec<u8>| {
        d.put(Element {
            tag: tags::PIXEL_DATA,
            vr: VR::OW,
            data: Data::Bytes(bytes.into()),
        });
    };
    let vast = |d: &mut Dataset| {
        words(d, tags::ROWS, 65_535);
        words(d, tags::COLUMNS, 65_535);
    };
    let before = memory_peak();
    let all: Vec<Bytes> = vec![
        changed(11, |d| {
            vast(d);
            pixels(d, Vec::new());
        }),
        changed(12, vast),
        changed(13, |d| {
            vast(d);
            d.put_text(tags::NUMBER_OF_FRAMES, VR::IS, "2147483647");
        }),
        changed(14, |d| words(d, tags::BITS_ALLOCATED, 0)),
        changed(15, |d| words(d, tags::SAMPLES_PER_PIXEL, 65_535)),
        changed(16, |d| {
            words(d, tags::ROWS, 0);
            words(d, tags::COLUMNS, 0);
        }),
        changed(17, |d| d.put_text(tags::NUMBER_OF_FRAMES, VR::IS, "-5")),
        // Says that it is JPEG 2000, and is not.
        {
            let mut d = phantom().dataset(18);
            d.put(Element {
                tag: tags::PIXEL_DATA,
                vr: VR::OB,
                data: Data::Fragments(vec![
                    Bytes::new(),
                    Bytes::from_static(b"\xff\x4f\xff\x51rubbish!"),
                ]),
            });
            files::of(&Object::made(d, syntax::of("1.2.840.10008.1.2.4.90")))
        },
        // 4 GiB of pixels of which nothing comes: what is cut off at its end is kept as it came.
        ending_in(
            19,
            &[
                0xe0, 0x7f, 0x10, 0, b'O', b'W', 0, 0, 0xf0, 0xff, 0xff, 0xff,
            ],
        ),
        ending_in(
            20,
            &[
                0xe0, 0x7f, 0x10, 0, b'O', b'B', 0, 0, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0, 0xe0,
                0xff, 0xff, 0xff, 0x7f,
            ],
        ),
        file(21).slice(..file(21).len() / 2),
    ];
    for (n, object) in (11..).zip(all) {
        let kept = world.stow(&[object]).await;
        assert!(
            kept.status == StatusCode::OK || is_refusal(kept.status),
            "{n}: {}",
            kept.status
        );
        for (path, accept) in [
            ("rendered", "image/png"),
            ("rendered?viewport=64,64", "image/jpeg"),
            ("thumbnail", ""),
            ("frames/1", ""),
            ("frames/1", "multipart/related; type=\"image/jls\""),
            ("frames/2147483647", ""),
            ("frames/1/rendered", ""),
        ] {
            let answer = world.get(&format!("{}/{path}", instance(n)), accept).await;
            assert!(
                !answer.status.is_server_error(),
                "{n} {path}: {}",
                answer.status
            );
            if path.contains("rendered") || path == "thumbnail" {
                // What is small enough to be drawn may be; nothing vast is.
                assert!(answer.body.len() < 1 << 20, "{n} {path}");
            }
        }
        for path in ["metadata", ""] {
            let at = format!("{}/{path}", instance(n));
            let answer = world.get(at.trim_end_matches('/'), "*/*").await;
            assert!(
                !answer.status.is_server_error(),
                "{n} {path}: {}",
                answer.status
            );
        }
    }
    let study = world.get(&format!("studies/{STUDY}/metadata"), "").await;
    assert_eq!(study.status, StatusCode::OK);
    let grown = memory_peak() - before;
    assert!(grown < 400 << 20, "{} MiB", grown >> 20);
    world.still_serves().await;
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused_or_find_nothing() {
    let world = World::with_study().await;
    let long = "9".repeat(70);
    let many = (0..5_000)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(",");
    let stars = "*a".repeat(500);
    let keys = (0..500)
        .map(|n| format!("0010{n:04}=1"))
        .collect::<Vec<_>>()
        .join("&");
    let paths: Vec<String> = vec![
        "studies?limit=-1".into(),
        "studies?limit=99999999999999999999".into(),
        "studies?offset=18446744073709551616".into(),
        "studies?offset=9223372036854775807".into(),
        "studies?limit=0".into(),
        "studies?fuzzymatching=perhaps".into(),
        "studies?includefield=NoSuch,00100010,all,,zz".into(),
        "studies?StudyDate=2026-99-99".into(),
        "studies?StudyDate=20261332-20260101".into(),
        "studies?StudyDate=-".into(),
        "studies?StudyTime=999999".into(),
        format!("studies?PatientName={stars}"),
        format!("studies?StudyInstanceUID={many}"),
        format!("studies?StudyInstanceUID={long}"),
        format!("studies?{keys}"),
        "studies?%ff%fe=%c3%28&PatientName=%00%01".into(),
        "studies?PatientName=%27%20OR%201=1--".into(),
        "studies?00100010.00100020.00080005=1".into(),
        "studies/../../etc/passwd".into(),
        "studies/1.2.3/series/x/instances".into(),
        format!("studies/{long}/metadata"),
        "studies/%2e%2e%2f/metadata".into(),
        "nothing/here".into(),
        format!("{}/frames/0", instance(1)),
        format!("{}/frames/-1", instance(1)),
        format!("{}/frames/4294967296", instance(1)),
        format!("{}/frames/1,1,one", instance(1)),
        format!("{}/frames/{many}", instance(1)),
        format!("{}/bulkdata/7FE00010/0/../..", instance(1)),
        format!("{}/rendered?viewport=999999,999999", instance(1)),
        format!("{}/rendered?viewport=0,0", instance(1)),
        format!("{}/rendered?viewport=-5,10", instance(1)),
        format!(
            "{}/rendered?viewport=64,64,-9,-9,999999,999999",
            instance(1)
        ),
        format!("{}/rendered?window=nan,1,linear", instance(1)),
        format!("{}/rendered?window=0,-1", instance(1)),
        format!("{}/rendered?window=1e308,1e308,sigmoid", instance(1)),
        format!("{}/rendered?window=1,1,cubic", instance(1)),
        format!("{}/rendered?quality=-5", instance(1)),
        format!("{}/rendered?quality=1000", instance(1)),
    ];
    for path in &paths {
        let answer = world.get(path, "").await;
        assert!(
            !answer.status.is_server_error(),
            "{path:.120}: {}",
            answer.status
        );
        assert!(answer.body.len() < 4 << 20, "{path:.120}");
    }
    for path in &paths[..3] {
        assert_eq!(
            world.get(path, "").await.status,
            StatusCode::BAD_REQUEST,
            "{path}"
        );
    }
    for path in &paths[29..31] {
        assert_eq!(
            world.get(path, "").await.status,
            StatusCode::BAD_REQUEST,
            "{path}"
        );
    }
    world.still_serves().await;
}

#[tokio::test]
async fn forms_that_are_not_spoken_are_not_acceptable() {
    let world = World::with_study().await;
    let huge = "image/x;q=0.1,".repeat(2_000);
    for accept in [
        "text/html",
        "multipart/related",
        "multipart/related; type=",
        "multipart/related; type=\"image/png",
        "application/dicom; transfer-syntax=1.2.3",
        "application/dicom; transfer-syntax=../..",
        "image/jpeg;q=0",
        ";;;,,,",
        "*",
        huge.as_str(),
    ] {
        for path in [
            "studies".to_owned(),
            instance(1),
            format!("{}/metadata", instance(1)),
            format!("{}/frames/1", instance(1)),
            format!("{}/rendered", instance(1)),
            format!("{}/thumbnail", instance(1)),
        ] {
            let answer = world.get(&path, accept).await;
            assert!(
                !answer.status.is_server_error(),
                "{path} as {accept:.60}: {}",
                answer.status
            );
        }
        let asked = world
            .get(&format!("{}?accept={}", instance(1), "%ff;q"), accept)
            .await;
        assert!(!asked.status.is_server_error());
    }
    for (path, accept) in [
        ("studies".to_owned(), "text/html"),
        (instance(1), "text/html"),
        (format!("{}/rendered", instance(1)), "text/html"),
        (
            format!("{}/frames/1", instance(1)),
            "application/dicom; transfer-syntax=1.2.3",
        ),
    ] {
        let answer = world.get(&path, accept).await;
        assert_eq!(
            answer.status,
            StatusCode::NOT_ACCEPTABLE,
            "{path} as {accept}"
        );
    }
    world.still_serves().await;
}
