//! Uploads over a bad line: what arrived stays, one goes on where it broke, nothing is kept twice, and nobody else's
//! upload can be reached.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use app::Role;
use app::cx::Channel;
use app::sessions::SessionAsk;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use imaging::{Dataset, Object, VR, syntax, tags};
use karez_gateway::Scrape;
use sha2::{Digest as _, Sha256};
use testkit::TestNode;
use tower::ServiceExt as _;

/// A picture of noise, large enough to come in several pieces.
fn object(uid: &str) -> Bytes {
    let mut d = Dataset::new();
    for (tag, vr, text) in [
        (tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.7"),
        (tags::SOP_INSTANCE_UID, VR::UI, uid),
        (tags::STUDY_INSTANCE_UID, VR::UI, "1.2.826.0.1.1"),
        (tags::SERIES_INSTANCE_UID, VR::UI, "1.2.826.0.1.2"),
        (tags::MODALITY, VR::CS, "OT"),
        (tags::PATIENT_ID, VR::LO, "P-1"),
        (tags::PATIENT_NAME, VR::PN, "Ghost^Test"),
        (tags::STUDY_DATE, VR::DA, "20261122"),
    ] {
        d.put_text(tag, vr, text);
    }
    d.put_text(tags::IMAGE_COMMENTS, VR::LT, &"noise ".repeat(1_500));
    imaging::file::of(&Object::made(d, syntax::of(syntax::EXPLICIT_LITTLE)))
}

struct Line<'a> {
    node: &'a TestNode,
    token: String,
}

impl Line<'_> {
    async fn ask(
        &self,
        method: &str,
        uri: &str,
        headers: &[(&str, String)],
        body: Body,
    ) -> Response<Body> {
        let router =
            karez_gateway::router(Arc::new(self.node.app.clone()), Scrape::new(String::new));
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Tus-Resumable", "1.0.0");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        router.oneshot(request.body(body).unwrap()).await.unwrap()
    }

    async fn begin(&self, object: &[u8], sha256: &str) -> Response<Body> {
        let metadata = format!(
            "sha256 {},sender {}",
            BASE64_STANDARD.encode(sha256),
            BASE64_STANDARD.encode("CT1")
        );
        self.ask(
            "POST",
            "/dicomweb/yarqum/uploads",
            &[
                ("Upload-Length", object.len().to_string()),
                ("Upload-Metadata", metadata),
            ],
            Body::empty(),
        )
        .await
    }

    async fn piece(&self, location: &str, offset: u64, bytes: &[u8]) -> Response<Body> {
        self.ask(
            "PATCH",
            location,
            &[
                ("Content-Type", "application/offset+octet-stream".into()),
                ("Upload-Offset", offset.to_string()),
            ],
            Body::from(bytes.to_vec()),
        )
        .await
    }

    async fn offset(&self, location: &str) -> u64 {
        let state = self.ask("HEAD", location, &[], Body::empty()).await;
        assert_eq!(state.status(), StatusCode::OK);
        number(&state, "upload-offset")
    }
}

fn number(response: &Response<Body>, name: &str) -> u64 {
    response.headers()[name].to_str().unwrap().parse().unwrap()
}

fn digest(object: &[u8]) -> String {
    hex::encode(Sha256::digest(object))
}

async fn node() -> TestNode {
    TestNode::with_hospitals(&["yarqum", "qumtagh"]).await
}

fn machine<'a>(node: &'a TestNode, hospital: &str) -> Line<'a> {
    let token = node.token(hospital, Role::Machine);
    Line { node, token }
}

#[tokio::test]
async fn an_upload_goes_on_where_the_line_broke_and_is_kept_once() {
    let node = node().await;
    let line = machine(&node, "yarqum");
    let object = object("1.2.826.0.1.3");
    let sha256 = digest(&object);
    let begun = line.begin(&object, &sha256).await;
    assert_eq!(begun.status(), StatusCode::CREATED);
    assert_eq!(number(&begun, "upload-offset"), 0);
    let location = begun.headers()["location"].to_str().unwrap().to_owned();

    // A body that breaks off: what had come is kept.
    let half = object.slice(..4_000);
    let broken = futures::stream::iter([Ok(half), Err(std::io::Error::other("cut"))]);
    let cut = line
        .ask(
            "PATCH",
            &location,
            &[
                ("Content-Type", "application/offset+octet-stream".into()),
                ("Upload-Offset", "0".into()),
            ],
            Body::from_stream(broken),
        )
        .await;
    assert_eq!(cut.status(), StatusCode::BAD_REQUEST);
    assert_eq!(line.offset(&location).await, 4_000);

    // One that forgot everything finds the same upload again by the content's digest.
    let again = line.begin(&object, &sha256).await;
    assert_eq!(number(&again, "upload-offset"), 4_000);

    // A piece for another place is refused and changes nothing.
    let wrong = line.piece(&location, 0, &object[..10]).await;
    assert_eq!(wrong.status(), StatusCode::CONFLICT);

    let done = line.piece(&location, 4_000, &object[4_000..]).await;
    assert_eq!(done.status(), StatusCode::NO_CONTENT);
    assert_eq!(done.headers()["upload-outcome"], "new");

    // The answer was lost: asking again tells, and sends nothing again.
    let later = line.begin(&object, &sha256).await;
    assert_eq!(number(&later, "upload-offset"), object.len() as u64);
    assert_eq!(later.headers()["upload-outcome"], "new");
}

#[tokio::test]
async fn what_is_not_what_was_announced_is_refused_and_over() {
    let node = node().await;
    let line = machine(&node, "yarqum");
    let object = object("1.2.826.0.1.4");
    let begun = line.begin(&object, &digest(b"something else")).await;
    let location = begun.headers()["location"].to_str().unwrap().to_owned();
    let refused = line.piece(&location, 0, &object).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let state = line.ask("HEAD", &location, &[], Body::empty()).await;
    assert_eq!(state.status(), StatusCode::GONE);
    // The line damaged it: what was announced may come again.
    let again = line.begin(&object, &digest(b"something else")).await;
    assert_eq!(again.status(), StatusCode::CREATED);
    assert_eq!(number(&again, "upload-offset"), 0);
}

#[tokio::test]
async fn what_is_no_object_is_refused() {
    let node = node().await;
    let line = machine(&node, "yarqum");
    let rubbish = b"%PDF-1.7 this is no image";
    let begun = line.begin(rubbish, &digest(rubbish)).await;
    let location = begun.headers()["location"].to_str().unwrap().to_owned();
    let refused = line.piece(&location, 0, rubbish).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    // A repetition is refused before anything of it is sent, until the sender has it forgotten.
    let again = line.begin(rubbish, &digest(rubbish)).await;
    assert_eq!(again.status(), StatusCode::GONE);
    let dropped = line.ask("DELETE", &location, &[], Body::empty()).await;
    assert_eq!(dropped.status(), StatusCode::NO_CONTENT);
    let again = line.begin(rubbish, &digest(rubbish)).await;
    assert_eq!(again.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn another_hospitals_machine_reaches_no_upload() {
    let node = node().await;
    let line = machine(&node, "yarqum");
    let object = object("1.2.826.0.1.5");
    let begun = line.begin(&object, &digest(&object)).await;
    let location = begun.headers()["location"].to_str().unwrap().to_owned();
    let other = machine(&node, "qumtagh");
    assert_eq!(
        other.begin(&object, &digest(&object)).await.status(),
        StatusCode::FORBIDDEN
    );
    let head = other.ask("HEAD", &location, &[], Body::empty()).await;
    assert_eq!(head.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        other.piece(&location, 0, &object).await.status(),
        StatusCode::FORBIDDEN
    );
    let gone = other.ask("DELETE", &location, &[], Body::empty()).await;
    assert_eq!(gone.status(), StatusCode::FORBIDDEN);
    assert_eq!(line.offset(&location).await, 0);
}

#[tokio::test]
async fn an_upload_can_be_given_up() {
    let node = node().await;
    let line = machine(&node, "yarqum");
    let object = object("1.2.826.0.1.6");
    let begun = line.begin(&object, &digest(&object)).await;
    let location = begun.headers()["location"].to_str().unwrap().to_owned();
    line.piece(&location, 0, &object[..100]).await;
    let gone = line.ask("DELETE", &location, &[], Body::empty()).await;
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let state = line.ask("HEAD", &location, &[], Body::empty()).await;
    assert_eq!(state.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn more_than_was_announced_and_headers_that_lie_are_refused() {
    let node = node().await;
    let line = machine(&node, "yarqum");
    let object = object("1.2.826.0.1.7");
    let begun = line.begin(&object[..100], &digest(&object)).await;
    let location = begun.headers()["location"].to_str().unwrap().to_owned();
    let more = line.piece(&location, 0, &object).await;
    assert_eq!(more.status(), StatusCode::UNPROCESSABLE_ENTITY);
    for (length, metadata) in [
        ("-1", ""),
        ("x", ""),
        ("0", ""),
        ("10", "sha256 !!!"),
        ("10", "sha256 YWJj"),
    ] {
        let got = line
            .ask(
                "POST",
                "/dicomweb/yarqum/uploads",
                &[
                    ("Upload-Length", length.into()),
                    ("Upload-Metadata", metadata.into()),
                ],
                Body::empty(),
            )
            .await;
        assert!(
            got.status().is_client_error(),
            "{length} {metadata}: {}",
            got.status()
        );
    }
    let huge = line
        .ask(
            "POST",
            "/dicomweb/yarqum/uploads",
            &[("Upload-Length", u64::MAX.to_string())],
            Body::empty(),
        )
        .await;
    assert_eq!(huge.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn an_edge_says_how_it_stands_and_its_hospital_alone_hears_it() {
    let node = node().await;
    let report = serde_json::json!({
        "version": "0.1.0", "line": "away", "away-since": "2026-11-22T08:00:00Z", "waiting": 12,
        "waiting-bytes": 1_200_000, "studies": 2, "urgent-studies": 1, "refused": 0
    });
    let put = async |hospital: &str, as_of: &str| {
        machine(&node, as_of)
            .ask(
                "PUT",
                &format!("/dicomweb/{hospital}/edges/north-clinic"),
                &[],
                Body::from(report.to_string()),
            )
            .await
            .status()
    };
    assert_eq!(put("yarqum", "yarqum").await, StatusCode::NO_CONTENT);
    assert_eq!(put("yarqum", "yarqum").await, StatusCode::NO_CONTENT);
    assert_eq!(put("yarqum", "qumtagh").await, StatusCode::FORBIDDEN);
    let seen = async |hospital: &str| {
        let ask = SessionAsk {
            request: "test".into(),
            peer: None,
            channel: Channel::DicomWeb,
        };
        let token = node.token(hospital, Role::Administrator);
        let cx = node.app.bearer_with(&token, ask, None).await.unwrap();
        node.app.edges(&cx).await.unwrap()
    };
    let edges = seen("yarqum").await;
    assert_eq!(edges.len(), 1);
    assert_eq!(edges[0].report.waiting, 12);
    assert!(seen("qumtagh").await.is_empty());
}
