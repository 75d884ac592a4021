//! The node as clients reach it: whatever they send, it answers that they are wrong, never that it is, and goes on.

use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use app::cx::Channel;
use app::sessions::SessionAsk;
use app::{AppError, Role};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, StatusCode, Uri, header};
use kernel::ErrorCode;
use testkit::TestNode;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use crate::cases;
use crate::mutate::{Edit, mutate, mutate_text};

/// A node after a panic is not looked at again: the target has failed then.
pub struct Served(AssertUnwindSafe<Node>);

pub struct Node {
    runtime: Runtime,
    node: TestNode,
    router: Router,
    token: String,
}

pub fn served() -> Served {
    let runtime = Runtime::new().unwrap();
    let node = runtime.block_on(TestNode::with_hospitals(&["yarqum", "qumtagh"]));
    let app = Arc::new(node.app.clone());
    let router =
        gateway::router(app.clone(), gateway::Scrape::new(String::new)).merge(web::router(app));
    let token = node.token("yarqum", Role::Clinician);
    let served = Served(AssertUnwindSafe(Node {
        runtime,
        node,
        router,
        token,
    }));
    for n in 0..30 {
        let made = served.fhir(Method::POST, "/fhir/Patient", testkit::records::patient(n));
        assert_eq!(made.unwrap().0, StatusCode::CREATED);
    }
    served
}

impl Deref for Served {
    type Target = Node;
    fn deref(&self) -> &Node {
        &self.0
    }
}

impl Node {
    /// Status and body; none if the address is none.
    fn fhir(
        &self,
        method: Method,
        uri: &str,
        body: impl Into<Body>,
    ) -> Option<(StatusCode, String)> {
        let uri: Uri = uri.parse().ok()?;
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::CONTENT_TYPE, "application/fhir+json")
            .body(body.into())
            .ok()?;
        let (status, body) = self.ask(request);
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    }

    /// Asks with the token; the answer is never a fault of ours.
    pub fn ask(&self, mut request: Request<Body>) -> (StatusCode, Bytes) {
        let token = format!("Bearer {}", self.token).parse().unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, token);
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await.unwrap();
            let status = answer.status();
            let body = axum::body::to_bytes(answer.into_body(), 64 << 20).await;
            let body = body.unwrap();
            let text = String::from_utf8_lossy(&body);
            assert!(status.as_u16() < 500, "{status}: {text}");
            (status, body)
        })
    }
}

fn ask() -> SessionAsk {
    SessionAsk {
        request: "fuzz".into(),
        peer: None,
        channel: Channel::Fhir,
    }
}

#[test]
fn a_search_over_http_is_answered_or_refused() {
    const SEARCHES: [&str; 6] = [
        "Patient?name=tursun&birthdate=ge1970-01-01&_sort=-birthdate,name&_count=3",
        "Patient?identifier=urn:test:mrn%7CP1&gender:not=male&_total=accurate",
        "Observation?code=http://loinc.org%7C2823-3&value-quantity=gt4.10%7C%7Cmmol/L",
        "Observation?subject:Patient=Patient/p1&_include=Observation:subject&_elements=id",
        "Observation?date=ap2026-03&status:missing=false&_lastUpdated=lt2026-01-01",
        "Patient/p1/_history/1?_format=json&_summary=count",
    ];
    let served = served();
    bolero::check!()
        .with_iterations(cases(300, 30_000))
        .with_type::<(u8, Vec<Edit>)>()
        .for_each(|(which, edits)| {
            let from = SEARCHES[usize::from(*which) % SEARCHES.len()];
            let path = format!("/fhir/{}", mutate_text(from, edits));
            let _ = served.fhir(Method::GET, &path, Body::empty());
        });
}

#[test]
fn a_cursor_that_was_changed_opens_nothing() {
    let served = served();
    let (_, page) = served
        .fhir(
            Method::GET,
            "/fhir/Patient?_count=3&_sort=name",
            Body::empty(),
        )
        .unwrap();
    let bundle: serde_json::Value = serde_json::from_str(&page).unwrap();
    let next = bundle["link"]
        .as_array()
        .unwrap()
        .iter()
        .find(|l| l["relation"] == "next")
        .and_then(|l| l["url"].as_str())
        .unwrap();
    let (before, cursor) = next.rsplit_once("_cursor=").unwrap();
    let before = &before[before.find("/fhir").unwrap()..];
    bolero::check!()
        .with_iterations(cases(300, 30_000))
        .with_type::<Vec<Edit>>()
        .for_each(|edits| {
            let changed = mutate_text(cursor, edits);
            let safe: String = url::form_urlencoded::byte_serialize(changed.as_bytes()).collect();
            let address = format!("{before}_cursor={safe}");
            if let Some((status, text)) = served.fhir(Method::GET, &address, Body::empty())
                // Hexadecimal digits mean the same in either case.
                && !changed.eq_ignore_ascii_case(cursor)
                && !changed.is_empty()
            {
                assert!(status.is_client_error(), "{status} for {address}: {text}");
            }
        });
}

#[test]
fn a_body_over_http_is_taken_or_refused() {
    let served = served();
    let bodies = [
        ("/fhir/Patient", testkit::records::patient(2)),
        ("/fhir/Observation", testkit::records::potassium("p1", 2)),
        (
            "/fhir",
            format!(
                r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"fullUrl":"urn:uuid:7d1f2f0e-5b0c-4b7e-9a53-0f2a9c1e4d11","resource":{},"request":{{"method":"POST","url":"Patient","ifNoneExist":"identifier=a"}}}},{{"request":{{"method":"GET","url":"Patient?name=a"}}}}]}}"#,
                testkit::records::patient(5)
            ),
        ),
        (
            "/fhir/ServiceRequest",
            r#"{"resourceType":"ServiceRequest","status":"draft","intent":"order","subject":{"reference":"Patient/p1"}}"#.into(),
        ),
        (
            "/fhir/Consent",
            r#"{"resourceType":"Consent","status":"active","scope":{"coding":[{"code":"patient-privacy"}]},"category":[{"text":"x"}],"patient":{"reference":"Patient/p1"},"provision":{"type":"permit","period":{"start":"2026-01-01"}}}"#.into(),
        ),
    ];
    bolero::check!()
        .with_iterations(cases(300, 30_000))
        .with_type::<(u8, Vec<Edit>)>()
        .for_each(|(which, edits)| {
            let (path, body) = &bodies[usize::from(*which) % bodies.len()];
            let body = mutate(body.as_bytes(), edits);
            let (_, text) = served.fhir(Method::POST, path, body).unwrap();
            assert!(text.is_empty() || text.starts_with('{'), "{text}");
        });
}

#[test]
fn a_token_that_was_changed_is_nobodys() {
    let served = served();
    bolero::check!()
        .with_iterations(cases(2_000, 200_000))
        .with_type::<Vec<Edit>>()
        .for_each(|edits| {
            let app = &served.node.app;
            let changed = mutate_text(&served.token, edits);
            if changed == served.token {
                return;
            }
            let by_bearer = served.runtime.block_on(app.bearer(&changed, ask()));
            assert!(matches!(by_bearer, Err(AppError::Unauthenticated)));
            let by_session = served.runtime.block_on(app.session(&changed, ask()));
            assert!(matches!(by_session, Err(AppError::Unauthenticated)));
            let request = app::tokens::TokenRequest {
                grant_type: "client_credentials".into(),
                client_assertion_type: app::tokens::assertion::ASSERTION_TYPE.into(),
                client_assertion: changed,
                client_id: None,
            };
            let asked = ask();
            let by_assertion = app.machine_token(&asked, &request, None);
            assert!(served.runtime.block_on(by_assertion).is_err());
        });
}

#[test]
fn a_file_to_import_is_taken_or_refused() {
    const PDF: &[u8] = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\nxref\n0 1\ntrailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF";
    const IPS: &str = r#"{"resourceType":"Bundle","type":"document","timestamp":"2026-11-01T00:00:00Z","identifier":{"system":"urn:oid:2.16","value":"1"},"entry":[{"fullUrl":"urn:uuid:7d1f2f0e-5b0c-4b7e-9a53-0f2a9c1e4d10","resource":{"resourceType":"Composition","status":"final","type":{"coding":[{"system":"http://loinc.org","code":"60591-5"}]},"subject":{"reference":"urn:uuid:7d1f2f0e-5b0c-4b7e-9a53-0f2a9c1e4d11"},"date":"2026-11-01","author":[{"display":"x"}],"title":"IPS"}},{"fullUrl":"urn:uuid:7d1f2f0e-5b0c-4b7e-9a53-0f2a9c1e4d11","resource":{"resourceType":"Patient","name":[{"family":"Li","given":["Na"]}],"birthDate":"1980-01-01","photo":[{"contentType":"image/png","data":"iVBORw0KGgo="}]}}]}"#;
    let served = served();
    let arriving = demo::generate::arriving::bundle(1, testkit::START).unwrap();
    let files = [PDF, IPS.as_bytes(), arriving.as_bytes()];
    bolero::check!()
        .with_iterations(cases(150, 10_000))
        .with_type::<(u8, Vec<Edit>)>()
        .for_each(|(which, edits)| {
            let app = &served.node.app;
            let bytes = mutate(files[usize::from(*which) % files.len()], edits);
            served.runtime.block_on(async {
                let cx = app.bearer(&served.token, ask()).await.unwrap();
                match app.stage_import(&cx, "record", bytes.into()).await {
                    Ok(import) => drop(app.import_view(&cx, &import).await.unwrap()),
                    Err(e) => assert!(
                        !matches!(e.code(), ErrorCode::Internal | ErrorCode::Unavailable),
                        "{e}"
                    ),
                }
            });
        });
}
