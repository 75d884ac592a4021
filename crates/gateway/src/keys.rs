//! Published keys: with them anybody verifies what a hospital has signed (RFC 7517 §5).

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use kernel::HospitalId;

use crate::GatewayState;

pub(crate) fn router() -> Router<GatewayState> {
    Router::new().route("/keys/{hospital}", get(jwks))
}

async fn jwks(State(state): State<GatewayState>, Path(hospital): Path<String>) -> Response {
    let Ok(hospital) = HospitalId::new(&hospital) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match state.app.hospital_jwks(&hospital).await {
        Ok(set) => match serde_json::to_vec(&set) {
            Ok(body) => (
                [
                    (header::CONTENT_TYPE, "application/jwk-set+json"),
                    (header::CACHE_CONTROL, "public, max-age=300"),
                ],
                body,
            )
                .into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        Err(app::AppError::NotFound) => StatusCode::NOT_FOUND.into_response(),
        Err(e) => {
            tracing::error!(error = %e, "keys of a hospital could not be read");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
