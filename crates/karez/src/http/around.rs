//! The id of each request, its log line, and the answer when our own code fails.

use std::any::Any;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gateway::auth::RequestId;
use kernel::{Entropy, SystemEntropy};
use tracing::Instrument as _;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRANSPORT: HeaderName = HeaderName::from_static("strict-transport-security");

/// Gives the request an id, logs what became of it, and sets what every answer carries. The log names the route's
/// template, never the address: addresses hold ids of patients.
pub async fn request(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = new_id();
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let span = tracing::info_span!("request", id = %id);
    let mut answer = next.run(request).instrument(span.clone()).await;
    let route = answer.extensions_mut().remove::<Route>();
    let route = route.as_ref().map_or("(none)", Route::as_str);
    let status = answer.status();
    let elapsed_ms = started.elapsed().as_secs_f64() * 1000.0;
    span.in_scope(|| {
        if status.is_server_error() {
            tracing::error!(%method, route, status = status.as_u16(), elapsed_ms, "answered");
        } else {
            tracing::debug!(%method, route, status = status.as_u16(), elapsed_ms, "answered");
        }
    });
    let headers = answer.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    headers
        .entry(header::X_CONTENT_TYPE_OPTIONS)
        .or_insert(HeaderValue::from_static("nosniff"));
    headers
        .entry(header::REFERRER_POLICY)
        .or_insert(HeaderValue::from_static("same-origin"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'",
        ));
    answer
}

/// Tells browsers to come back by HTTPS alone (RFC 6797). Only where the certificate is one they trust: with a
/// self-signed one nobody could get past the warning.
pub async fn transport(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    answer
        .headers_mut()
        .insert(TRANSPORT, HeaderValue::from_static("max-age=31536000"));
    answer
}

/// The template of the route that answered, carried outwards for the log.
#[derive(Debug, Clone)]
pub struct Route(pub Option<MatchedPath>);

impl Route {
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or("(none)", MatchedPath::as_str)
    }
}

fn new_id() -> String {
    let mut bytes = [0u8; 12];
    SystemEntropy.fill(&mut bytes);
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    let mut text = String::with_capacity(24);
    for b in bytes {
        text.push(digit(b >> 4));
        text.push(digit(b & 15));
    }
    text
}

/// A panic is a fault of ours: the request fails, the server goes on. What the panic says may hold anything, so
/// only the place is logged, by the panic hook.
pub fn fault(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    (StatusCode::INTERNAL_SERVER_ERROR, "a fault of ours\n").into_response()
}
