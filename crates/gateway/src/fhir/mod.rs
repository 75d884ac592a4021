//! FHIR R4 REST at `/fhir/{hospital}/…`, and at `/fhir/…` for the hospital the caller acts for.
//!
//! One handler per interaction; what is asked is worked out from the method and the path alone, never from the type.

mod ask;
mod handlers;
mod negotiate;
mod reply;

use std::sync::Arc;

use app::AppError;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use axum::routing::any;
use axum::{Extension, Router};
use kernel::limits;
use tokio::sync::Semaphore;

use crate::GatewayState;
use crate::auth::{Origin, authenticate};
use crate::routes::{Access, GatewayRoute, route};
use ask::{Ask, Interaction, Refused};
use reply::Refusal;

/// Bundles that are worked on at once on one node: each may hold `limits::BUNDLE_BYTES_MAX` in memory.
const BUNDLES_AT_ONCE: usize = 8;

/// What is answered under `/fhir` and, for a named hospital, under `/fhir/{hospital}`.
pub const ROUTES: &[GatewayRoute] = &[
    route("GET", "/fhir/metadata", Access::Public),
    route("POST", "/fhir", Access::Bearer),
    route("GET", "/fhir/{type}", Access::Bearer),
    route("POST", "/fhir/{type}", Access::Bearer),
    route("POST", "/fhir/{type}/_search", Access::Bearer),
    route("GET", "/fhir/{type}/{id}", Access::Bearer),
    route("PUT", "/fhir/{type}/{id}", Access::Bearer),
    route("DELETE", "/fhir/{type}/{id}", Access::Bearer),
    route("GET", "/fhir/{type}/{id}/_history", Access::Bearer),
    route(
        "GET",
        "/fhir/{type}/{id}/_history/{version}",
        Access::Bearer,
    ),
];

/// The routes under `/fhir`.
pub fn router() -> Router<GatewayState> {
    let bundles = Arc::new(Semaphore::new(BUNDLES_AT_ONCE));
    Router::new()
        .route("/fhir", any(serve))
        .route("/fhir/", any(serve))
        .route("/fhir/{*path}", any(serve))
        .layer(Extension(bundles))
}

/// Answers one request, and gives every answer what all have.
async fn serve(
    State(state): State<GatewayState>,
    Extension(bundles): Extension<Arc<Semaphore>>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let head = parts.method == Method::HEAD;
    let id = Origin::of(&parts).request;
    let answer = match Box::pin(answer(&state, &bundles, parts, body)).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    };
    reply::finish(answer, &id, head)
}

/// Finds the interaction, negotiates, authenticates, bounds the body, and hands it to its handler.
async fn answer(
    state: &GatewayState,
    bundles: &Semaphore,
    parts: Parts,
    body_in: Body,
) -> Result<Response, Refusal> {
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let (hospital, interaction) = match ask::interaction(&parts.method, parts.uri.path()) {
        Ok(found) => found,
        Err(Refused::NoSuchAddress) => return Err(Refusal::new(AppError::NotFound, "http.url")),
        Err(Refused::Method { allow, at }) => return Err(Refusal::method(allow, at)),
    };
    let at = interaction.place();
    let shape = negotiate::answer_shape(&parts.headers, &query).map_err(Refusal::from)?;
    if interaction == Interaction::Capabilities {
        return Ok(handlers::capabilities(&state.app, hospital.as_ref()));
    }
    let cx = authenticate(&state.app, &parts)
        .await
        .map_err(|e| Refusal::new(e, "http.Authorization"))?;
    let hospital = match hospital {
        Some(h) => h,
        None => cx
            .hospital()
            .map_err(|e| Refusal::new(e, "http.url"))?
            .clone(),
    };
    let _place = match interaction {
        Interaction::Bundle => Some(
            bundles
                .try_acquire()
                .map_err(|_| Refusal::new(AppError::RateLimited { retry_after_s: 1 }, "Bundle"))?,
        ),
        _ => None,
    };
    let headers = parts.headers;
    let body = body(&interaction, &headers, body_in, &at).await?;
    let ask = Ask {
        cx,
        hospital,
        query,
        headers,
        body,
        shape,
    };
    let (caller, at_hospital) = (ask.cx.clone(), ask.hospital.clone());
    match handlers::handle(&state.app, interaction, ask).await {
        Ok(response) => Ok(response),
        Err(e) => {
            // What was denied is on record before it is answered.
            if let Err(e) = state.app.fhir_note_denied(&caller, &at_hospital, &e).await {
                return Err(Refusal::new(e, &at));
            }
            Err(Refusal::new(e, &at))
        }
    }
}

/// The body, when the interaction has one: of the right type and within bounds.
async fn body(
    interaction: &Interaction,
    headers: &HeaderMap,
    body: Body,
    at: &str,
) -> Result<Bytes, Refusal> {
    let most = match interaction {
        Interaction::Bundle => limits::BUNDLE_BYTES_MAX,
        Interaction::Create { .. }
        | Interaction::Update { .. }
        | Interaction::SearchByPost { .. } => limits::RESOURCE_BYTES_MAX,
        _ => return Ok(Bytes::new()),
    };
    let form = matches!(interaction, Interaction::SearchByPost { .. });
    negotiate::body_type(headers, form).map_err(Refusal::from)?;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    let too_much = || Refusal::new(AppError::TooMuch("bytes in the body"), at);
    if announced.is_some_and(|n| n > most) {
        return Err(too_much());
    }
    axum::body::to_bytes(body, most)
        .await
        .map_err(|_| too_much())
}
