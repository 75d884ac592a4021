//! A small OpenID provider (OpenID Connect Core 1.0) on a free port, which can be told to lie.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kernel::Instant;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What relying parties of the test are registered with.
pub const CLIENT_ID: &str = "karez";
pub const CLIENT_SECRET: &str = "between us two";

/// In what the provider's tokens are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lie {
    #[default]
    None,
    Issuer,
    Audience,
    Nonce,
    Expired,
    /// Signed with a key that is not published.
    Key,
    /// `alg: none`.
    Unsigned,
}

struct Code {
    challenge: String,
    claims: Value,
}

#[derive(Default)]
struct Inner {
    issuer: String,
    key: u8,
    lie: Lie,
    codes: HashMap<String, Code>,
}

/// A running provider. It ends when this is dropped.
pub struct OpenIdProvider {
    pub issuer: String,
    inner: Arc<Mutex<Inner>>,
    server: tokio::task::JoinHandle<()>,
}

type Shared = Arc<Mutex<Inner>>;

fn lock(inner: &Shared) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[allow(clippy::expect_used)] // a test without a key has nothing to test
fn key(number: u8) -> SigningKey {
    SigningKey::from_slice(&[number.max(1); 32]).expect("a key")
}

impl OpenIdProvider {
    #[allow(clippy::expect_used)] // a test without a provider has nothing to test
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Arc::new(Mutex::new(Inner {
            issuer: issuer.clone(),
            key: 1,
            ..Inner::default()
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(Arc::clone(&inner));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self {
            issuer,
            inner,
            server,
        }
    }

    /// What the next tokens are wrong in.
    pub fn lie(&self, lie: Lie) {
        lock(&self.inner).lie = lie;
    }

    /// Signs with another key from now on, and publishes that one alone.
    pub fn rotate_key(&self) {
        lock(&self.inner).key += 1;
    }

    /// Answers nothing any more.
    pub fn stop(&self) {
        self.server.abort();
    }

    /// What its page does once somebody has signed in there: gives the query the browser comes back with. `more` are
    /// claims beside `sub`.
    #[allow(clippy::expect_used)]
    pub fn signed_in(
        &self,
        address: &str,
        subject: &str,
        more: &Value,
        now: Instant,
    ) -> Vec<(String, String)> {
        let asked: HashMap<String, String> = url::Url::parse(address)
            .expect("an address")
            .query_pairs()
            .into_owned()
            .collect();
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["client_id"], CLIENT_ID);
        assert!(asked["scope"].split(' ').any(|s| s == "openid"));
        let mut inner = lock(&self.inner);
        let mut claims = json!({
            "iss": inner.issuer, "aud": CLIENT_ID, "sub": subject, "nonce": asked["nonce"],
            "iat": now.as_second(), "exp": now.as_second() + 300,
        });
        if let (Some(all), Some(more)) = (claims.as_object_mut(), more.as_object()) {
            all.extend(more.clone());
        }
        match inner.lie {
            Lie::Issuer => claims["iss"] = "https://elsewhere.example".into(),
            Lie::Audience => claims["aud"] = "another client".into(),
            Lie::Nonce => claims["nonce"] = "of an earlier sign-in".into(),
            Lie::Expired => claims["exp"] = (now.as_second() - 60).into(),
            Lie::None | Lie::Key | Lie::Unsigned => {}
        }
        let code = format!("code-{}", inner.codes.len());
        let challenge = asked["code_challenge"].clone();
        inner.codes.insert(code.clone(), Code { challenge, claims });
        vec![
            ("state".into(), asked["state"].clone()),
            ("code".into(), code),
        ]
    }
}

impl Drop for OpenIdProvider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn metadata(State(inner): State<Shared>) -> Json<Value> {
    let issuer = lock(&inner).issuer.clone();
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
}

async fn keys(State(inner): State<Shared>) -> Json<Value> {
    let number = lock(&inner).key;
    let point = key(number).verifying_key().to_sec1_point(false);
    let (x, y) = (&point.as_bytes()[1..33], &point.as_bytes()[33..]);
    Json(json!({"keys": [{
        "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": format!("k{number}"), "x": b64(x), "y": b64(y),
    }]}))
}

async fn token(
    State(inner): State<Shared>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let refuse =
        |error: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response();
    let basic = STANDARD.encode(format!("{CLIENT_ID}:{}", CLIENT_SECRET.replace(' ', "+")));
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    if given != Some(format!("Basic {basic}").as_str()) {
        return refuse("invalid_client");
    }
    let mut inner = lock(&inner);
    let text = |name: &str| form.get(name).cloned().unwrap_or_default();
    // A code is taken once (RFC 6749 §4.1.2).
    let Some(code) = inner.codes.remove(&text("code")) else {
        return refuse("invalid_grant");
    };
    if b64(Sha256::digest(text("code_verifier"))) != code.challenge {
        return refuse("invalid_grant");
    }
    let number = inner.key;
    let mut head = json!({"alg": "ES256", "kid": format!("k{number}")});
    if inner.lie == Lie::Unsigned {
        head = json!({"alg": "none"});
    }
    let signed = format!("{}.{}", b64(head.to_string()), b64(code.claims.to_string()));
    let by = if inner.lie == Lie::Key {
        number + 100
    } else {
        number
    };
    let signature: Signature = key(by).sign(signed.as_bytes());
    let signature = if inner.lie == Lie::Unsigned {
        String::new()
    } else {
        b64(signature.to_bytes())
    };
    Json(json!({
        "access_token": "not used", "token_type": "Bearer", "expires_in": 300,
        "id_token": format!("{signed}.{signature}"),
    }))
    .into_response()
}
