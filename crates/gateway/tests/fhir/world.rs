//! Two hospitals on one node, served.

use std::sync::Arc;

use app::Role;
use karez_gateway as gateway;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use testkit::TestNode;

pub struct World {
    pub node: TestNode,
    base: String,
    client: reqwest::Client,
}

/// A client of one role at one hospital.
pub struct As<'w> {
    world: &'w World,
    token: Option<String>,
}

impl World {
    pub async fn start() -> Self {
        // Two tests may come here at once; whichever is second finds it done.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let node = TestNode::with_hospitals(&["yarqum", "qumtagh"]).await;
        let scrape = gateway::Scrape::new(String::new);
        let router = gateway::router(Arc::new(node.app.clone()), scrape);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            node,
            base,
            client: reqwest::Client::new(),
        }
    }

    pub fn role(&self, hospital: &str, role: Role) -> As<'_> {
        As {
            world: self,
            token: Some(self.node.token(hospital, role)),
        }
    }
    /// A clinician at Yarqum.
    pub fn clinician(&self) -> As<'_> {
        self.role("yarqum", Role::Clinician)
    }
    pub fn nobody(&self) -> As<'_> {
        As {
            world: self,
            token: None,
        }
    }

    /// A Patient at Yarqum; its id.
    pub async fn patient(&self) -> String {
        let p = json!({"resourceType": "Patient", "name": [{"family": "Tursun", "given": ["Ayşe"]}], "birthDate": "1990-05-01"});
        let answer = self.clinician().post("Patient", &p).await;
        assert_eq!(answer.status(), 201);
        text_at(&body(answer).await, "/id")
    }
}

impl As<'_> {
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let path = path.trim_start_matches('/');
        let url = if path.is_empty() {
            format!("{}/fhir", self.world.base)
        } else {
            format!("{}/fhir/{path}", self.world.base)
        };
        let request = self.world.client.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
    pub async fn send(&self, method: Method, path: &str, content: &Value) -> Response {
        let request = self
            .request(method, path)
            .header("content-type", "application/fhir+json");
        request.body(content.to_string()).send().await.unwrap()
    }
    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }
    pub async fn post(&self, path: &str, content: &Value) -> Response {
        self.send(Method::POST, path, content).await
    }
    pub async fn put(&self, path: &str, content: &Value) -> Response {
        self.send(Method::PUT, path, content).await
    }
    pub async fn delete(&self, path: &str) -> Response {
        self.request(Method::DELETE, path).send().await.unwrap()
    }
    /// The ids a search finds.
    pub async fn ids(&self, path: &str) -> Vec<String> {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        entries(&body(answer).await)
            .iter()
            .map(|e| text_at(e, "/resource/id"))
            .collect()
    }
}

pub async fn body(answer: Response) -> Value {
    answer.json().await.unwrap()
}
pub fn text_at(v: &Value, pointer: &str) -> String {
    v.pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{pointer} in {v}"))
        .to_owned()
}
pub fn entries(bundle: &Value) -> Vec<Value> {
    bundle["entry"].as_array().cloned().unwrap_or_default()
}
pub fn header(answer: &Response, name: &str) -> String {
    answer
        .headers()
        .get(name)
        .map(|v| v.to_str().unwrap().to_owned())
        .unwrap_or_default()
}
/// Status, issue code and expression of a refusal; it must be an OperationOutcome with both.
pub async fn refusal(answer: Response) -> (u16, String, String) {
    let status = answer.status().as_u16();
    assert!(
        header(&answer, "content-type").starts_with("application/fhir+json"),
        "{status}"
    );
    let outcome = body(answer).await;
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    (
        status,
        text_at(&outcome, "/issue/0/code"),
        text_at(&outcome, "/issue/0/expression/0"),
    )
}

pub fn observation(patient: &str, value: &str) -> Value {
    let value: Value = serde_json::from_str(value).unwrap();
    json!({"resourceType": "Observation", "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
        "subject": {"reference": format!("Patient/{patient}")},
        "effectiveDateTime": "2026-03-01",
        "valueQuantity": {"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}})
}
