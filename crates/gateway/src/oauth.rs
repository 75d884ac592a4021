//! `POST /oauth/token`: access tokens for machine clients (RFC 6749 §4.4), proved by a signed
//! assertion (RFC 7523) or a certificate (RFC 8705).

use app::cx::Channel;
use app::tokens::TokenRequest;
use app::tokens::assertion::TokenError;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;

use crate::GatewayState;
use crate::auth::Origin;

/// A token request is small.
const BYTES_MAX: usize = 16 * 1024;

pub(crate) fn router() -> Router<GatewayState> {
    Router::new().route(
        "/oauth/token",
        post(token).layer(DefaultBodyLimit::max(BYTES_MAX)),
    )
}

async fn token(
    State(state): State<GatewayState>,
    origin: Origin,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return refuse(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "a form is expected",
        );
    }
    let Ok(request) = serde_urlencoded::from_bytes::<TokenRequest>(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", "grant_type");
    };
    match state
        .app
        .machine_token(
            &origin.ask(Channel::Fhir),
            &request,
            origin.certificate.as_deref(),
        )
        .await
    {
        Ok(token) => (
            // RFC 6749 §5.1
            [(header::CACHE_CONTROL, "no-store")],
            axum::Json(json!({
                "access_token": token.token,
                "token_type": "Bearer",
                "expires_in": token.expires_in_s,
            })),
        )
            .into_response(),
        Err(TokenError::Request(what)) => refuse(StatusCode::BAD_REQUEST, "invalid_request", what),
        Err(TokenError::Grant) => refuse(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "client_credentials is offered",
        ),
        Err(TokenError::Client(why)) => refuse(StatusCode::UNAUTHORIZED, "invalid_client", why),
        Err(TokenError::App(e)) => {
            tracing::error!(error = %e, "a token could not be given");
            refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "try again",
            )
        }
    }
}

/// An error answer (RFC 6749 §5.2).
fn refuse(status: StatusCode, error: &str, why: &str) -> Response {
    (
        status,
        [(header::CACHE_CONTROL, "no-store")],
        axum::Json(json!({"error": error, "error_description": why})),
    )
        .into_response()
}
