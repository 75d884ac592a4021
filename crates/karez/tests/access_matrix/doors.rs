//! The doors of the node as a browser and a FHIR client find them: requests to the real routers with real sessions and
//! tokens.

use app::sessions::{cookie_name, csrf_of};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::scene::{Person, Scene, Way};

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusCode,
    /// Where it leads on to.
    pub location: Option<String>,
    pub body: String,
}

impl Answer {
    /// The same answer with what differs from one request to the next left out, to compare two addresses.
    pub fn without(&self, id: &str) -> (StatusCode, String) {
        let mut text = self.body.replace(id, "ID");
        // Form tokens are salted for each answer.
        while let Some((before, after)) = text.split_once(r#"name="csrf" value=""#) {
            let rest = after.split_once('"').map_or("", |(_, rest)| rest);
            text = format!("{before}{rest}");
        }
        (self.status, text)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }
}

impl Scene {
    async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let location = answer.headers().get(header::LOCATION);
        let location = location.map(|v| v.to_str().unwrap().to_owned());
        let bytes = axum::body::to_bytes(answer.into_body(), 16 << 20)
            .await
            .unwrap();
        Answer {
            status,
            location,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// GET of a page; nobody without a session has one.
    pub async fn page(&self, who: &Person, path: &str) -> Option<Answer> {
        let request = with_cookie(Request::get(path), who)?;
        Some(self.send(request.body(Body::empty()).unwrap()).await)
    }

    /// A form of a page, sent as its own page would.
    pub async fn form(&self, who: &Person, path: &str, fields: &str) -> Option<Answer> {
        let token = cookie(who)?;
        let request = with_cookie(Request::post(path), who)?
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let body = format!("csrf={}&{fields}", csrf_of(token));
        Some(self.send(request.body(Body::from(body)).unwrap()).await)
    }

    /// A safe FHIR request, which all may make in their way.
    pub async fn fhir(&self, who: &Person, path: &str) -> Answer {
        let request = Request::get(format!("/fhir/{path}"));
        let request = self.as_themselves(request, who);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// A safe request of DICOMweb at Qumtagh.
    pub async fn dicomweb(&self, who: &Person, path: &str, accept: &str) -> Answer {
        let request = Request::get(format!("/dicomweb/qumtagh/{path}"));
        let request = self
            .as_themselves(request, who)
            .header(header::ACCEPT, accept);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// One object, sent as a viewer or a machine would.
    pub async fn stow(&self, who: &Person, file: &[u8]) -> Answer {
        let mut body = b"--B\r\nContent-Type: application/dicom\r\n\r\n".to_vec();
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--B--\r\n");
        let mut request = self
            .as_themselves(Request::post("/dicomweb/qumtagh/studies"), who)
            .header(
                header::CONTENT_TYPE,
                "multipart/related; type=\"application/dicom\"; boundary=B",
            );
        if let Some(token) = cookie(who) {
            request = request.header("x-csrf-token", csrf_of(token));
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// By the session where there is one, else by the token.
    fn as_themselves(
        &self,
        request: axum::http::request::Builder,
        who: &Person,
    ) -> axum::http::request::Builder {
        match &who.way {
            Way::Machine { bearer } => {
                request.header(header::AUTHORIZATION, format!("Bearer {bearer}"))
            }
            Way::Staff { .. } | Way::Patient { .. } => with_cookie(request, who).unwrap(),
        }
    }

    /// A FHIR update; patients have no token to make one with.
    pub async fn put(&self, who: &Person, path: &str, body: &Value) -> Option<Answer> {
        let (Way::Staff { bearer, .. } | Way::Machine { bearer }) = &who.way else {
            return None;
        };
        let request = Request::builder()
            .method(Method::PUT)
            .uri(format!("/fhir/{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {bearer}"))
            .header(header::CONTENT_TYPE, "application/fhir+json")
            .body(Body::from(body.to_string()));
        Some(self.send(request.unwrap()).await)
    }
}

fn cookie(who: &Person) -> Option<&str> {
    match &who.way {
        Way::Staff { cookie, .. } | Way::Patient { cookie } => Some(cookie),
        Way::Machine { .. } => None,
    }
}

fn with_cookie(
    request: axum::http::request::Builder,
    who: &Person,
) -> Option<axum::http::request::Builder> {
    let cookie = format!("{}={}", cookie_name(false), cookie(who)?);
    Some(
        request
            .header(header::HOST, "karez.example")
            .header(header::COOKIE, cookie),
    )
}
