//! The centre, as an edge meets it: tokens, resumable uploads (tus 1.0.0), and the edge's own state.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use kernel::{Clock, Entropy, Instant, Phi};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Body, Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::identity::Identity;

/// How the centre is reached.
#[derive(Debug, Clone)]
pub struct Address {
    /// `https://karez.example`.
    pub url: String,
    /// The hospital whose images these are.
    pub hospital: String,
    /// The machine client that the hospital registered for this edge.
    pub client: String,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The line is cut or too slow, or the centre does not serve now. Trying again will do.
    #[error("the centre cannot be reached: {0}")]
    Away(String),
    /// The centre asks to wait.
    #[error("the centre asks to wait {0:?}")]
    Later(Duration),
    /// The centre does not know this edge, or not any more. A person has to register it.
    #[error("the centre does not accept this edge ({0})")]
    Unknown(StatusCode),
    /// The upload stands elsewhere than this edge thought: it is to be asked again.
    #[error("the upload stands elsewhere")]
    Elsewhere,
    /// The object will never be taken.
    #[error("the centre refuses the object ({0})")]
    Refused(StatusCode),
}

/// An upload at the centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    pub location: String,
    /// What is safe there, bytes.
    pub offset: u64,
    /// How the object was kept, once it is: `new`, `again`, `other-content`, `other-patient`.
    pub outcome: Option<String>,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    expires_in: i64,
}

/// The centre.
pub struct Centre {
    address: Address,
    http: reqwest::Client,
    identity: Identity,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    token: Mutex<Option<(Phi<String>, Instant)>>,
}

/// A request that brings nothing for so long is given up; a piece is sized to take less.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(55);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

impl Centre {
    /// `authorities`: further certificates (PEM) that the centre's own may come from.
    pub fn new(
        address: Address,
        authorities: &[Vec<u8>],
        identity: Identity,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, reqwest::Error> {
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none());
        for pem in authorities {
            for authority in reqwest::Certificate::from_pem_bundle(pem)? {
                http = http.add_root_certificate(authority);
            }
        }
        Ok(Self {
            address: Address {
                url: address.url.trim_end_matches('/').to_owned(),
                ..address
            },
            http: http.build()?,
            identity,
            clock,
            entropy,
            token: Mutex::new(None),
        })
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    async fn token(&self) -> Result<Phi<String>, LineError> {
        let mut held = self.token.lock().await;
        let now = self.clock.now();
        if let Some((token, until)) = &*held
            && now < *until
        {
            return Ok(token.clone());
        }
        let url = format!("{}/oauth/token", self.address.url);
        let assertion = self
            .identity
            .assertion(&self.address.client, &url, now, &*self.entropy)
            .map_err(|e| LineError::Away(e.to_string()))?;
        let form = [
            ("grant_type", "client_credentials"),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", &assertion),
        ];
        let body: Vec<String> = form
            .iter()
            .map(|(k, v)| format!("{k}={}", percent(v)))
            .collect();
        let response = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.join("&"))
            .send()
            .await
            .map_err(away)?;
        let response = accepted(response, |status| {
            status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS
        })?;
        let token: Token = response.json().await.map_err(away)?;
        // Renewed before it ends, so that a slow piece does not outlive it.
        let until = now
            .checked_add(jiff::SignedDuration::from_secs(
                token.expires_in.max(120) - 90,
            ))
            .unwrap_or(now);
        let token = Phi::new(token.access_token);
        *held = Some((token.clone(), until));
        Ok(token)
    }

    async fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, LineError> {
        let token = self.token().await?;
        Ok(self
            .http
            .request(method, format!("{}{path}", self.address.url))
            .header(AUTHORIZATION, format!("Bearer {}", token.reveal()))
            .header("Tus-Resumable", "1.0.0"))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, LineError> {
        let response = request.send().await.map_err(away)?;
        if response.status() == StatusCode::UNAUTHORIZED {
            // It ended early: the next request asks for a new one.
            *self.token.lock().await = None;
        }
        Ok(response)
    }

    /// Begins an upload, or finds where the one of the same content stands.
    pub async fn begin(
        &self,
        sha256: &str,
        length: u64,
        sender: &str,
    ) -> Result<Upload, LineError> {
        let path = format!("/dicomweb/{}/uploads", self.address.hospital);
        let metadata = format!(
            "sha256 {},sender {}",
            BASE64_STANDARD.encode(sha256),
            BASE64_STANDARD.encode(sender)
        );
        let request = self
            .request(Method::POST, &path)
            .await?
            .header("Upload-Length", length)
            .header("Upload-Metadata", metadata);
        let response = judged(self.send(request).await?)?;
        upload_of(response.headers(), format!("{path}/{sha256}"))
    }

    /// Sends what follows `offset`. Gives where the upload stands then.
    pub async fn piece(&self, upload: &Upload, body: Body) -> Result<Upload, LineError> {
        let request = self
            .request(Method::PATCH, &upload.location)
            .await?
            .header(CONTENT_TYPE, "application/offset+octet-stream")
            .header("Upload-Offset", upload.offset)
            .body(body);
        let response = judged(self.send(request).await?)?;
        upload_of(response.headers(), upload.location.clone())
    }

    /// Tells the centre how this edge stands.
    pub async fn report(&self, name: &str, state: Bytes) -> Result<(), LineError> {
        let path = format!("/dicomweb/{}/edges/{name}", self.address.hospital);
        let request = self
            .request(Method::PUT, &path)
            .await?
            .header(CONTENT_TYPE, "application/json")
            .body(state);
        judged(self.send(request).await?).map(drop)
    }
}

fn upload_of(headers: &HeaderMap, location: String) -> Result<Upload, LineError> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let offset = text("upload-offset")
        .and_then(|v| v.parse().ok())
        .ok_or_else(|| LineError::Away("its answer is not that of a centre".into()))?;
    Ok(Upload {
        location,
        offset,
        outcome: text("upload-outcome").map(str::to_owned),
    })
}

/// What an answer means for an object on its way.
fn judged(response: Response) -> Result<Response, LineError> {
    match response.status() {
        StatusCode::CONFLICT | StatusCode::NOT_FOUND => Err(LineError::Elsewhere),
        StatusCode::GONE | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE => {
            Err(LineError::Refused(response.status()))
        }
        StatusCode::UNAUTHORIZED => Err(LineError::Away("its token ended".into())),
        _ => accepted(response, |status| status == StatusCode::FORBIDDEN),
    }
}

fn accepted(
    response: Response,
    unknown: impl Fn(StatusCode) -> bool,
) -> Result<Response, LineError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    if unknown(status) {
        return Err(LineError::Unknown(status));
    }
    let wait = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse().ok());
    Err(match wait {
        Some(s) => LineError::Later(Duration::from_secs(s)),
        None => LineError::Away(format!("it answered {status}")),
    })
}

/// The address stays out of the words: it is in the configuration.
#[allow(clippy::needless_pass_by_value)]
fn away(e: reqwest::Error) -> LineError {
    let words = if e.is_timeout() {
        "no answer in time"
    } else if e.is_connect() {
        "no connection"
    } else if e.is_decode() {
        "its answer cannot be read"
    } else {
        "the line broke"
    };
    LineError::Away(words.into())
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(b).to_string()
            }
            _ => format!("%{b:02X}"),
        })
        .collect()
}
