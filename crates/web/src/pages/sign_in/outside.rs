//! Signing in at a hospital's own provider: there and back.

use app::AppError;
use app::providers::ProviderAnswer;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use kernel::HospitalId;

use super::{Asker, begin, next_of, rate_limited};
use crate::components::form::Errors;
use crate::frame::look::cookie;
use crate::frame::route::encode;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, Who, get};

/// Binds the answer to the browser that asked.
const COOKIE: &str = "karez-there";

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/sign-in/with/{hospital}", Who::Anyone, there),
        get("/sign-in/back", Who::Anyone, back),
    ]
}

async fn there(
    State(state): State<WebState>,
    cx: PageCx,
    asker: Asker,
    Path(hospital): Path<String>,
) -> PageResult {
    let hospital = HospitalId::new(&hospital).map_err(|_| PageError::not_found())?;
    let next = next_of(&cx.query_value("next").unwrap_or_default());
    match state
        .app
        .begin_at_provider(&asker.ask, &hospital, &next)
        .await
    {
        Ok(start) => {
            let secure = if state.app.settings().secure_cookies {
                "; Secure"
            } else {
                ""
            };
            let text = format!(
                "{COOKIE}={}; Path=/sign-in; Max-Age=300; HttpOnly; SameSite=Lax{secure}",
                start.browser
            );
            let mut answer = Redirect::to(&start.address).into_response();
            if let Ok(value) = HeaderValue::from_str(&text) {
                answer.headers_mut().append(header::SET_COOKIE, value);
            }
            Ok(answer)
        }
        Err(e) => refused(&state, &cx, &next, e).await,
    }
}

async fn back(
    State(state): State<WebState>,
    cx: PageCx,
    asker: Asker,
    headers: HeaderMap,
    Query(answer): Query<ProviderAnswer>,
) -> PageResult {
    let browser = cookie(&headers, COOKIE).unwrap_or_default();
    match state
        .app
        .finish_at_provider(asker.ask, browser, &answer, asker.device)
        .await
    {
        Ok((begun, next)) if begun.code_owed => {
            let to = format!("/sign-in/code?next={}", encode(&next));
            Ok(begin(&state, &begun.token, &to))
        }
        Ok((begun, next)) => Ok(begin(&state, &begun.token, &next)),
        Err(e) => refused(&state, &cx, "/", e).await,
    }
}

/// The sign-in page with what went wrong; the other ways in stand beside it.
async fn refused(state: &WebState, cx: &PageCx, next: &str, error: AppError) -> PageResult {
    let w = cx.words();
    let (status, errors) = match error {
        AppError::RateLimited { retry_after_s } => rate_limited(&w, retry_after_s),
        error => {
            let mut errors = Errors::default();
            for (_, text) in cx.wrong(error)?.into_pairs() {
                errors.add("login", text);
            }
            (StatusCode::UNAUTHORIZED, errors)
        }
    };
    super::again(state, cx, next, "", status, &errors).await
}
