//! Signing in by a passkey: alone, or after the password.

use app::AppError;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};

use super::{Asker, begin, next_of, rate_limited};
use crate::frame::form::Fields;
use crate::frame::reauth;
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, Who, post};

pub fn routes() -> Vec<RouteSpec> {
    vec![
        post("/sign-in/passkey/challenge", Who::Anyone, challenge),
        post("/sign-in/passkey", Who::Anyone, sign_in),
    ]
}

async fn challenge(State(state): State<WebState>, asker: Asker) -> PageResult {
    let challenge = state.app.passkey_sign_in_challenge(&asker.ask).await?;
    Ok(Json(challenge).into_response())
}

async fn sign_in(
    State(state): State<WebState>,
    cx: PageCx,
    asker: Asker,
    fields: Fields,
) -> PageResult {
    let next = next_of(fields.get("next"));
    let Some(answer) = reauth::answer(&fields) else {
        return Ok(Redirect::to("/sign-in").into_response());
    };
    let signed = state
        .app
        .sign_in_by_passkey(asker.ask, &answer, asker.device)
        .await;
    let (status, errors) = match signed {
        Ok(begun) => return Ok(begin(&state, &begun.token, &next)),
        Err(AppError::RateLimited { retry_after_s }) => rate_limited(&cx.words(), retry_after_s),
        Err(e) => (StatusCode::UNAUTHORIZED, cx.wrong(e)?),
    };
    super::again(&state, &cx, &next, "", status, &errors).await
}
