//! DICOMweb under a link: its cookie opens its study and nothing else, nothing but its cookie opens it, and it ends at once.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use app::accounts::{NewAccount, PatientLink, Relation, Validity};
use app::cx::Channel;
use app::imaging::ImageSource;
use app::sessions::SessionAsk;
use app::sharing::{COOKIE, NewLink};
use app::{Actor, ActorKind, Cx, Language, Role};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use karez_gateway::Scrape;
use kernel::{Phi, RecordKey, ResourceId};
use testkit::TestNode;
use testkit::images::{STUDY, dataset_of, file_of};
use testkit::records::{hospital_id, id, key};
use testkit::store::{Batch, Precondition};
use tower::ServiceExt as _;

const NUMBER: &str = "YQ-1";
const SYSTEM: &str = "urn:oid:1.2.3";
const OTHER: &str = "1.2.826.0.1.9";

struct World {
    node: TestNode,
    router: Router,
    patient: Cx,
    study: RecordKey,
    link: ResourceId,
    token: String,
}

fn ask() -> SessionAsk {
    SessionAsk {
        request: "test".into(),
        peer: None,
        channel: Channel::Page,
    }
}

impl World {
    /// A link that was opened, to one of the patient's two studies.
    async fn new() -> Self {
        let node = TestNode::with_hospitals(&["yarqum", "qumtagh"]).await;
        let app = &node.app;
        let mut batch = Batch::new(node.now());
        let person = format!(
            r#"{{"resourceType":"Patient","identifier":[{{"system":"{SYSTEM}","value":"{NUMBER}"}}]}}"#
        );
        batch.put_fhir(key("yarqum", "Patient", "p1"), Precondition::Absent, person);
        app.index_patients(&mut batch).unwrap();
        node.store.commit(batch).await.unwrap();
        let mut scanner = app.operator_cx();
        scanner.actor.kind = ActorKind::Machine;
        scanner.actor.hospital = Some(hospital_id("yarqum"));
        scanner.actor.roles = [Role::Machine].into();
        let source = ImageSource {
            sender: "CT1".into(),
            exchange: "x".into(),
            issuer: Some(SYSTEM.into()),
        };
        let mut kept = Vec::new();
        for (study, n) in [(OTHER, 1), (STUDY, 1), (STUDY, 2)] {
            let file = file_of(&dataset_of(NUMBER, study, n, "CT", "A"));
            let at = hospital_id("yarqum");
            kept.push(
                app.image_store(&scanner, &at, file, &source)
                    .await
                    .unwrap()
                    .study,
            );
        }
        node.clock.advance(jiff::SignedDuration::from_mins(5));
        app.quiet_studies().await.unwrap();
        let patient = Self::patient(&node).await;
        let study = kept.pop().unwrap();
        let new = NewLink {
            to: Phi::new("Dr Meyer".into()),
            country: Some("CN".into()),
            purpose: None,
            hours: 24,
            download: false,
        };
        let made = app.share_study(&patient, &study, new).await.unwrap();
        let opened = app.open_link(&made.token, made.pin, ask()).await.unwrap();
        Self {
            router: karez_gateway::router(Arc::new(app.clone()), Scrape::new(String::new)),
            patient,
            study,
            link: opened.link,
            token: opened.token,
            node,
        }
    }

    async fn patient(node: &TestNode) -> Cx {
        let operator = node.app.operator_cx();
        let link = PatientLink {
            hospital: hospital_id("yarqum"),
            patient: id("p1"),
            relation: Relation::Oneself,
            limits: Vec::new(),
            valid: Validity {
                from: node.now(),
                until: None,
            },
        };
        let linked = vec![link.linked()];
        let new = NewAccount {
            login: "wang".into(),
            email: None,
            name: "Wang".into(),
            latin_name: None,
            language: Language::English,
            zone: "Asia/Shanghai".into(),
            password: Phi::new("a long enough password 7".into()),
            totp_secret: None,
            memberships: Vec::new(),
            patients: vec![link],
        };
        let account = node.app.create_account(&operator, new).await.unwrap();
        Cx {
            actor: Actor {
                account,
                kind: ActorKind::Patient,
                hospital: None,
                roles: [Role::Patient].into(),
                privileges: Default::default(),
                linked,
            },
            name: "Wang".into(),
            now: node.now(),
            ..operator
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        fields: &[(header::HeaderName, String)],
    ) -> (StatusCode, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in fields {
            request = request.header(name, value);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 16 << 20)
            .await
            .unwrap();
        (status, body.to_vec())
    }

    fn at(&self, path: &str) -> String {
        format!("/shared/yarqum/{}/dicomweb/{path}", self.link)
    }

    fn cookie(&self) -> (header::HeaderName, String) {
        (header::COOKIE, format!("{COOKIE}={}", self.token))
    }

    async fn get(&self, path: &str) -> (StatusCode, Vec<u8>) {
        self.ask(Method::GET, &self.at(path), &[self.cookie()])
            .await
    }
}

#[tokio::test]
async fn the_cookie_of_a_link_reads_its_study_and_no_other() {
    let w = World::new().await;
    let (status, body) = w.get(&format!("studies/{STUDY}/metadata")).await;
    assert_eq!(status, StatusCode::OK);
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&body).unwrap();
    assert_eq!(rows.len(), 2);
    let bulk = rows[0]["7FE00010"]["BulkDataURI"].as_str().unwrap();
    assert!(bulk.contains(&w.at("studies/")), "{bulk}");
    let of = format!("studies/{STUDY}/series/{STUDY}.1/instances/{STUDY}.1.1");
    for path in [
        "frames/1",
        "rendered",
        "thumbnail",
        "bulkdata/7FE00010",
        "metadata",
    ] {
        let (status, body) = w.get(&format!("{of}/{path}")).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(!body.is_empty(), "{path}");
    }
    let (status, body) = w.get("studies").await;
    assert_eq!(status, StatusCode::OK);
    let found: Vec<serde_json::Value> = serde_json::from_slice(&body).unwrap();
    assert_eq!(found.len(), 1, "the other study is not there");
    for path in [
        format!("studies/{OTHER}/metadata"),
        format!("studies/{OTHER}"),
    ] {
        assert_eq!(w.get(&path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn nothing_but_the_cookie_opens_a_link_and_the_cookie_opens_nothing_else() {
    let w = World::new().await;
    let path = format!("studies/{STUDY}/metadata");
    let bearer = (
        header::AUTHORIZATION,
        format!("Bearer {}", w.node.token("yarqum", Role::Clinician)),
    );
    let wrong = (header::COOKIE, format!("{COOKIE}=karez_wrong"));
    let from = (
        header::HeaderName::from_static("sec-fetch-site"),
        "cross-site".to_owned(),
    );
    let tries: [Vec<(header::HeaderName, String)>; 4] =
        [vec![], vec![bearer], vec![wrong], vec![w.cookie(), from]];
    for fields in tries {
        let (status, _) = w.ask(Method::GET, &w.at(&path), &fields).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{fields:?}");
    }
    let (status, _) = w.ask(Method::POST, &w.at("studies"), &[w.cookie()]).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let elsewhere = [
        format!("/dicomweb/yarqum/{path}"),
        "/fhir/yarqum/Patient/p1".to_owned(),
        "/fhir/yarqum/ImagingStudy".to_owned(),
    ];
    for path in elsewhere {
        let (status, _) = w.ask(Method::GET, &path, &[w.cookie()]).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let strange = format!("/shared/qumtagh/{}/dicomweb/{path}", w.link);
    let (status, _) = w.ask(Method::GET, &strange, &[w.cookie()]).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_link_that_is_taken_back_reads_nothing_from_that_moment() {
    let w = World::new().await;
    let path = format!("studies/{STUDY}/metadata");
    assert_eq!(w.get(&path).await.0, StatusCode::OK);
    let (app, patient) = (&w.node.app, &w.patient);
    app.end_study_link(patient, &w.study, &w.link)
        .await
        .unwrap();
    assert_eq!(w.get(&path).await.0, StatusCode::NOT_FOUND);
}
