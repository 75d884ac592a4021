//! What operators watch: alive, ready, measured. No answer names a person, record or hospital.

use std::net::SocketAddr;
use std::sync::Arc;

use app::{AppError, Role};
use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::GatewayState;
use crate::auth::authenticate;

/// Renders the measurements of this process in the Prometheus text format.
#[derive(Clone)]
pub struct Scrape(Arc<dyn Fn() -> String + Send + Sync>);

impl Scrape {
    pub fn new(render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(render))
    }
}

pub(crate) fn router() -> Router<GatewayState> {
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// The process runs. Says nothing of what it depends on.
async fn alive() -> &'static str {
    "ok\n"
}

/// It can serve: not closing, the store answers and can write. The facts are those an operator acts on, as JSON.
async fn ready(State(state): State<GatewayState>) -> Response {
    let facts = state.app.durability().await;
    if !facts.serves() {
        tracing::warn!(?facts, "not ready");
    }
    let status = if facts.serves() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, axum::Json(facts.public())).into_response()
}

/// Measurements, for the machine itself or a token of the operator.
async fn metrics(
    State(state): State<GatewayState>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    parts: Parts,
) -> Response {
    let local = peer.is_some_and(|p| p.0.0.ip().is_loopback())
        && !parts.headers.contains_key(header::FORWARDED)
        && !parts.headers.contains_key("x-forwarded-for");
    if !local {
        let may = match authenticate(&state.app, &parts).await {
            Ok(cx) => cx.actor.has(Role::Operator),
            Err(AppError::Unauthenticated) => return StatusCode::UNAUTHORIZED.into_response(),
            Err(_) => false,
        };
        if !may {
            return StatusCode::FORBIDDEN.into_response();
        }
    }
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        (state.scrape.0)(),
    )
        .into_response()
}
