//! DICOMweb over the real router and a real store: what is sent comes back byte for byte, is found, shown and cut out, and
//! nobody else sees it.
#![allow(clippy::unwrap_used)]

mod hostile;
mod large;
mod object;

use std::sync::Arc;

use app::Role;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use karez_gateway::Scrape;
use object::{SERIES, STUDY, file, uid};
use serde_json::Value;
use testkit::TestNode;
use tower::ServiceExt as _;

struct World {
    node: TestNode,
    router: Router,
    own: String,
    other: String,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}: {:?}", self.status, self.body))
    }

    fn kind(&self) -> &str {
        self.headers[header::CONTENT_TYPE].to_str().unwrap()
    }

    /// The contents of the parts.
    fn parts(&self) -> Vec<Bytes> {
        let boundary = self.kind().split("boundary=").nth(1).unwrap();
        let delimiter = format!("--{boundary}");
        let find = |from: usize, what: &[u8]| {
            let at = self.body[from..].windows(what.len());
            at.into_iter().position(|w| w == what).map(|n| n + from)
        };
        let mut parts = Vec::new();
        let mut at = find(0, delimiter.as_bytes()).unwrap();
        while let Some(head) = find(at, b"\r\n\r\n") {
            let end = find(head, format!("\r\n{delimiter}").as_bytes()).unwrap();
            parts.push(self.body.slice(head + 4..end));
            at = end + 2;
        }
        parts
    }
}

impl World {
    async fn new() -> Self {
        let node = TestNode::with_hospitals(&["yarqum", "qumtagh"]).await;
        let router = karez_gateway::router(Arc::new(node.app.clone()), Scrape::new(String::new));
        let own = node.token("yarqum", Role::Clinician);
        let other = node.token("qumtagh", Role::Clinician);
        Self {
            node,
            router,
            own,
            other,
        }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = axum::body::to_bytes(answer.into_body(), 64 << 20).await;
        Answer {
            status,
            headers,
            body: body.unwrap(),
        }
    }

    async fn get_as(&self, token: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(format!("/dicomweb/yarqum/{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn get(&self, path: &str, accept: &str) -> Answer {
        let accept = [("accept", accept)];
        let headers = if accept[0].1.is_empty() {
            &accept[..0]
        } else {
            &accept[..]
        };
        self.get_as(&self.own, path, headers).await
    }

    async fn stow_as(&self, token: &str, path: &str, files: &[Bytes]) -> Answer {
        let mut body = Vec::new();
        for file in files {
            body.extend_from_slice(b"--B\r\nContent-Type: application/dicom\r\n\r\n");
            body.extend_from_slice(file);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--B--\r\n");
        let request = Request::post(format!("/dicomweb/yarqum/{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(
                header::CONTENT_TYPE,
                "multipart/related; type=\"application/dicom\"; boundary=B",
            )
            .body(Body::from(body));
        self.send(request.unwrap()).await
    }

    async fn stow(&self, files: &[Bytes]) -> Answer {
        self.stow_as(&self.own, "studies", files).await
    }

    /// With a study of three instances.
    async fn with_study() -> Self {
        let world = Self::new().await;
        let kept = world.stow(&[file(1), file(2), file(3)]).await;
        assert_eq!(kept.status, StatusCode::OK, "{:?}", kept.body);
        world
    }
}

fn instance(n: u32) -> String {
    format!("studies/{STUDY}/series/{SERIES}/instances/{}", uid(n))
}

const AS_KEPT: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";

#[tokio::test]
async fn what_is_stored_comes_back_byte_for_byte() {
    let world = World::with_study().await;
    let study = world.get(&format!("studies/{STUDY}"), AS_KEPT).await;
    assert_eq!(study.status, StatusCode::OK);
    assert_eq!(study.parts(), [file(1), file(2), file(3)]);
    let series = world
        .get(&format!("studies/{STUDY}/series/{SERIES}"), AS_KEPT)
        .await;
    assert_eq!(series.parts().len(), 3);
    let alone = world
        .get(&instance(2), "application/dicom; transfer-syntax=*")
        .await;
    assert_eq!(alone.body, file(2));
    // Again with what was learnt: nothing new.
    let etag = alone.headers[header::ETAG].to_str().unwrap();
    let headers = [
        ("accept", "application/dicom; transfer-syntax=*"),
        ("if-none-match", etag),
    ];
    let again = world.get_as(&world.own, &instance(2), &headers).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    // A part of it.
    let headers = [
        ("accept", "application/dicom; transfer-syntax=*"),
        ("range", "bytes=128-131"),
    ];
    let part = world.get_as(&world.own, &instance(2), &headers).await;
    assert_eq!(
        (part.status, &part.body[..]),
        (StatusCode::PARTIAL_CONTENT, &b"DICM"[..])
    );
}

#[tokio::test]
async fn searches_find_on_every_level() {
    let world = World::with_study().await;
    let found = world
        .get(
            "studies?PatientName=wang*&includefield=StudyDescription",
            "",
        )
        .await;
    assert_eq!(found.status, StatusCode::OK, "{:?}", found.body);
    let rows = found.json();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(rows[0]["0020000D"]["Value"][0], STUDY);
    assert_eq!(rows[0]["00201208"]["Value"][0], 3);
    let series = world
        .get(&format!("studies/{STUDY}/series"), "application/dicom+json")
        .await;
    assert_eq!(series.json()[0]["00080060"]["Value"][0], "MR");
    let few = world.get("instances?limit=2", "").await;
    assert_eq!(few.json().as_array().unwrap().len(), 2);
    assert!(
        few.headers[header::WARNING]
            .to_str()
            .unwrap()
            .starts_with("299")
    );
    let none = world.get("studies?PatientID=nobody", "").await;
    assert_eq!(none.status, StatusCode::NO_CONTENT);
    let wrong = world.get("studies?limit=many", "").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let unknown = world.get("studies?NoSuchThing=1", "").await;
    assert!(unknown.headers.contains_key(header::WARNING));
}

#[tokio::test]
async fn metadata_names_bulk_data_that_can_be_fetched() {
    let world = World::with_study().await;
    let metadata = world.get(&format!("studies/{STUDY}/metadata"), "").await;
    let rows = metadata.json();
    assert_eq!(rows.as_array().unwrap().len(), 3);
    let uri = rows[1]["7FE00010"]["BulkDataURI"].as_str().unwrap();
    let base = world.node.app.settings().base_url.clone() + "/dicomweb/yarqum/";
    let path = uri.strip_prefix(&base).unwrap();
    let bulk = world.get(path, "application/octet-stream").await;
    assert_eq!(bulk.body, object::pixels(2));
}

#[tokio::test]
async fn a_frame_is_its_pixels_and_can_be_seen() {
    let world = World::with_study().await;
    let frame = format!("{}/frames/1", instance(1));
    for accept in [
        "",
        "multipart/related; type=application/octet-stream; transfer-syntax=*",
    ] {
        let answer = world.get(&frame, accept).await;
        assert_eq!(answer.parts(), [object::pixels(1)], "{accept:?}");
    }
    let squeezed = world
        .get(&frame, "multipart/related; type=\"image/jls\"")
        .await;
    assert_eq!(squeezed.status, StatusCode::OK);
    assert_eq!(&squeezed.parts()[0][..2], &[0xff, 0xd8]);
    for (path, accept, magic) in [
        (
            "rendered?window=500,1000&viewport=32,32",
            "image/png",
            &b"\x89PNG"[..],
        ),
        ("rendered", "", &b"\xff\xd8\xff"[..]),
        ("thumbnail", "image/jpeg", &b"\xff\xd8\xff"[..]),
        ("frames/1/rendered", "image/jpeg", &b"\xff\xd8\xff"[..]),
    ] {
        let answer = world.get(&format!("{}/{path}", instance(1)), accept).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.body.starts_with(magic), "{path}");
    }
    let thumbnail = world.get(&format!("studies/{STUDY}/thumbnail"), "").await;
    assert!(thumbnail.body.starts_with(b"\xff\xd8\xff"));
    for (path, accept, status) in [
        ("frames/2", "", 404),
        ("frames/0", "", 400),
        ("rendered", "video/mp4", 406),
        ("rendered?window=1", "", 400),
        ("frames/1", "multipart/related; type=image/jp2", 406),
    ] {
        let answer = world.get(&format!("{}/{path}", instance(1)), accept).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
}

/// Larger than what is held in memory: read piece by piece on its way out.
#[tokio::test]
async fn a_long_film_comes_back_whole_and_by_its_frames() {
    let world = World::with_study().await;
    let slices: Vec<u32> = (1..=600).collect();
    let film = object::film(&slices);
    assert!(film.len() > 4 << 20);
    let kept = world.stow(std::slice::from_ref(&film)).await;
    assert_eq!(kept.status, StatusCode::OK, "{:?}", kept.body);
    let whole = "application/dicom; transfer-syntax=*";
    let alone = world.get(&instance(900), whole).await;
    assert_eq!(
        alone.headers[header::CONTENT_LENGTH],
        film.len().to_string()
    );
    assert!(alone.body == film);
    let (from, to) = ((1 << 20) - 7, (2 << 20) + 9);
    let range = format!("bytes={from}-{}", to - 1);
    let headers = [("accept", whole), ("range", &range)];
    let part = world.get_as(&world.own, &instance(900), &headers).await;
    assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
    assert!(part.body == film.slice(from..to));
    let study = world.get(&format!("studies/{STUDY}"), AS_KEPT).await;
    assert!(study.parts() == [file(1), file(2), file(3), film.clone()]);
    let path = |rest: &str| format!("{}/{rest}", instance(900));
    let two = world.get(&path("frames/2,600"), "").await;
    assert_eq!(two.parts(), [object::pixels(2), object::pixels(600)]);
    let pixels = world
        .get(&path("bulkdata/7FE00010"), "application/octet-stream")
        .await;
    assert!(film.ends_with(&pixels.body) && pixels.body.len() == 600 * 64 * 64 * 2);
    // A frame looks as the slice with the same pixels does.
    let seen = world.get(&path("frames/3/rendered"), "image/png").await;
    let slice = world
        .get(&format!("{}/rendered", instance(3)), "image/png")
        .await;
    assert_eq!((seen.status, &seen.body), (StatusCode::OK, &slice.body));
    assert_eq!(world.get(&path("frames/601"), "").await.status, 404);
}

/// What a viewer on a slow line asks for.
#[tokio::test]
async fn many_pictures_come_in_one_answer_in_the_order_asked_for() {
    let world = World::with_study().await;
    let parts = "multipart/related; type=\"image/png\"";
    let series = format!("studies/{STUDY}/series/{SERIES}");
    let some = |uids: &str| format!("{series}/rendered?SOPInstanceUID={uids}&viewport=32,32");
    let mut alone = Vec::new();
    for n in [3, 1] {
        let path = format!("{}/rendered?viewport=32,32", instance(n));
        alone.push(world.get(&path, "image/png").await.body);
    }
    // What is not there is left out.
    let asked = format!("{},{},{}", uid(3), uid(77), uid(1));
    let answer = world.get(&some(&asked), parts).await;
    assert_eq!(answer.parts(), alone);
    let text = String::from_utf8_lossy(&answer.body);
    let heads = text.lines().filter(|l| l.starts_with("Content-L"));
    let located = |n: u32| format!("{}/rendered", instance(n));
    for (pair, (n, picture)) in heads
        .collect::<Vec<_>>()
        .chunks(2)
        .zip([3, 1].into_iter().zip(&alone))
    {
        assert!(pair[0].ends_with(&located(n)), "{}", pair[0]);
        assert_eq!(pair[1], format!("Content-Length: {}", picture.len()));
    }
    let all = world.get(&format!("{series}/rendered"), parts).await;
    assert_eq!(all.parts().len(), 3);
    let many = vec![uid(1); 65].join(",");
    for (path, status) in [
        (some(&uid(77)), 404),
        (some("nothing"), 400),
        (some(""), 400),
        (some(&many), 413),
    ] {
        let answer = world.get(&path, parts).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
    // Frames of one object likewise.
    world.stow(&[object::film(&[1, 2, 3])]).await;
    let frames = format!("{}/frames/3,1/rendered?viewport=32,32", instance(900));
    assert_eq!(world.get(&frames, parts).await.parts(), alone);
    assert_eq!(world.get(&frames, "image/png").await.status, 406);
}

#[tokio::test]
async fn what_cannot_be_kept_is_named_and_the_rest_is_kept() {
    let world = World::new().await;
    let kept = world
        .stow(&[file(1), Bytes::from_static(b"no object")])
        .await;
    assert_eq!(kept.status, StatusCode::ACCEPTED);
    let said = kept.json();
    assert_eq!(said["00081199"]["Value"].as_array().unwrap().len(), 1);
    assert_eq!(said["00081198"]["Value"][0]["00081197"]["Value"][0], 0xc000);
    let none = world.stow(&[Bytes::from_static(b"no object")]).await;
    assert_eq!(none.status, StatusCode::CONFLICT);
    assert_eq!(world.stow(&[]).await.status, StatusCode::BAD_REQUEST);
    // Into another study than its own.
    let elsewhere = world.stow_as(&world.own, "studies/1.2.9", &[file(2)]).await;
    assert_eq!(elsewhere.status, StatusCode::CONFLICT);
    // The same again changes nothing.
    assert_eq!(world.stow(&[file(1)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_hospital_sees_and_stores_nothing_on_any_route() {
    let world = World::with_study().await;
    for route in karez_gateway::dicomweb::ROUTES {
        let path = route
            .path
            .replace("/dicomweb/{hospital}/", "")
            .replace("{study}", STUDY)
            .replace("{series}", SERIES)
            .replace("{instance}", &uid(1))
            .replace("{frames}", "1")
            .replace("{path}", "7FE00010");
        let answer = if route.method == "POST" {
            world.stow_as(&world.other, &path, &[file(4)]).await
        } else {
            world.get_as(&world.other, &path, &[]).await
        };
        // A search finds nothing; everything else is not there, or not permitted.
        let right = matches!(answer.status.as_u16(), 204 | 403 | 404);
        assert!(
            right && !answer.status.is_success() || answer.body.is_empty(),
            "{route:?}: {}",
            answer.status
        );
    }
    let kept = world.get("instances", "").await;
    assert_eq!(kept.json().as_array().unwrap().len(), 3);
}
