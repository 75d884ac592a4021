//! Images: lists of studies, and the viewer of one.

mod extra;
pub mod list;
mod together;
pub mod viewer;
mod waiting;

use app::Role;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;

use crate::frame::route::CLINICAL;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, Who, get, post};

const PATIENT: Who = Who::Roles(&[Role::Patient]);

pub fn routes() -> Vec<RouteSpec> {
    let mut all = vec![
        get("/images/{hospital}/{id}", CLINICAL, viewer::page),
        post("/images/{hospital}/{id}/notes", CLINICAL, keep_notes),
        get("/images/{hospital}/{id}/together", CLINICAL, together::join),
        post("/images/{hospital}/{id}/together", CLINICAL, together::say),
        get(
            "/images/{hospital}/{id}/together/people",
            CLINICAL,
            together::people,
        ),
        get("/images/{hospital}/{id}/marks", CLINICAL, marks),
        post("/images/{hospital}/{id}/marks", CLINICAL, keep_marks),
        post("/images/hanging", CLINICAL, keep_hanging),
        get("/me/images", PATIENT, list::own),
        get("/me/images/{hospital}/{id}", PATIENT, viewer::page),
    ];
    all.extend(waiting::routes());
    all
}

/// What the viewer sends of itself is JSON; what cannot be read as such is refused.
fn json<T: for<'a> Deserialize<'a>>(body: &Bytes) -> Result<T, PageError> {
    serde_json::from_slice(body).map_err(|_| PageError::new(kernel::ErrorCode::Malformed))
}

async fn keep_notes(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
    body: Bytes,
) -> PageResult {
    let key = app::viewing::study_key(&hospital, &id)?;
    state
        .app
        .keep_study_notes(cx.cx()?, &key, json(&body)?)
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What readers have marked in the study, as the viewer draws it.
async fn marks(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let key = app::viewing::study_key(&hospital, &id)?;
    let marks = state.app.study_marks(cx.cx()?, &key).await?;
    Ok(Json(marks).into_response())
}

/// Keeps measurements and key images in the study, for everybody who may read it.
async fn keep_marks(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
    body: Bytes,
) -> PageResult {
    let key = app::viewing::study_key(&hospital, &id)?;
    let notes = json(&body)?;
    state.app.keep_study_marks(cx.cx()?, &key, &notes).await?;
    let marks = state.app.study_marks(cx.cx()?, &key).await?;
    Ok(Json(marks).into_response())
}

#[derive(Deserialize)]
struct HangingAsk {
    key: String,
    hanging: app::viewing::Hanging,
}

async fn keep_hanging(State(state): State<WebState>, cx: PageCx, body: Bytes) -> PageResult {
    let ask: HangingAsk = json(&body)?;
    state
        .app
        .keep_hanging(cx.cx()?, &ask.key, ask.hanging)
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
