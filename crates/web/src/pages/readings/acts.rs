//! What readers and treating doctors do on the page of a reading.

use app::AppError;
use app::readings::ReadingAct;
use axum::extract::{Path, State};
use care::reading::Agreement;
use kernel::{ErrorCode, Phi, RecordKey, ResourceId};

use super::{one, reading_address};
use crate::components::form::Errors;
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, WebState};

type Address = Path<(String, String)>;

/// Takes a study up: of the reader's own hospital, or of a case.
pub async fn open(State(state): State<WebState>, cx: PageCx, f: Fields) -> PageResult {
    let study = app::viewing::study_key(f.get("hospital"), f.get("study"))?;
    let case = match f.some("case") {
        Some(id) => Some(RecordKey::parse(f.get("hospital"), "case", id)?),
        None => None,
    };
    let key = state
        .app
        .open_reading(cx.cx()?, &study, case.as_ref())
        .await?;
    match state
        .app
        .reading_act(cx.cx()?, &key, ReadingAct::Claim)
        .await
    {
        // Somebody else reads it: their name stands on its page.
        Ok(()) | Err(AppError::Rejected { .. }) => {
            Ok(done(&reading_address(&key), "reading-taken-up"))
        }
        Err(e) => Err(e.into()),
    }
}

async fn act(
    state: &WebState,
    cx: &PageCx,
    (hospital, id): (String, String),
    what: ReadingAct,
    told: &str,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    match state.app.reading_act(cx.cx()?, &key, what).await {
        Ok(()) => Ok(done(&reading_address(&key), told)),
        Err(e) => one::draw(state, cx, &key, &cx.wrong(e)?).await,
    }
}

pub async fn claim(State(state): State<WebState>, Path(at): Address, cx: PageCx) -> PageResult {
    act(&state, &cx, at, ReadingAct::Claim, "reading-taken-up").await
}

pub async fn release(State(state): State<WebState>, Path(at): Address, cx: PageCx) -> PageResult {
    act(&state, &cx, at, ReadingAct::Release, "reading-given-back").await
}

pub async fn ask_second(
    State(state): State<WebState>,
    Path(at): Address,
    cx: PageCx,
) -> PageResult {
    act(
        &state,
        &cx,
        at,
        ReadingAct::AskSecond,
        "reading-second-told",
    )
    .await
}

pub async fn seen(State(state): State<WebState>, Path(at): Address, cx: PageCx) -> PageResult {
    act(
        &state,
        &cx,
        at,
        ReadingAct::SeeJudgement,
        "reading-second-noted",
    )
    .await
}

pub async fn urgency(
    State(state): State<WebState>,
    Path(at): Address,
    cx: PageCx,
    f: Fields,
) -> PageResult {
    let urgency = f
        .get("urgency")
        .parse()
        .map_err(|_| PageError::new(ErrorCode::Malformed))?;
    act(
        &state,
        &cx,
        at,
        ReadingAct::SetUrgency(urgency),
        "reading-urgency-told",
    )
    .await
}

pub async fn raise(
    State(state): State<WebState>,
    Path(at): Address,
    cx: PageCx,
    f: Fields,
) -> PageResult {
    if f.some("critical").is_none() {
        return missing(&state, &cx, at, "critical", "critical-missing").await;
    }
    let text = Phi::new(f.get("critical").to_owned());
    act(&state, &cx, at, ReadingAct::Raise { text }, "critical-told").await
}

pub async fn acknowledge(
    State(state): State<WebState>,
    Path((hospital, id, critical)): Path<(String, String, String)>,
    cx: PageCx,
    f: Fields,
) -> PageResult {
    let what = ReadingAct::Acknowledge {
        id: ResourceId::new(&critical)?,
        answer: f.some("answer").map(|t| Phi::new(t.to_owned())),
    };
    act(
        &state,
        &cx,
        (hospital, id),
        what,
        "critical-acknowledged-told",
    )
    .await
}

pub async fn judge(
    State(state): State<WebState>,
    Path(at): Address,
    cx: PageCx,
    f: Fields,
) -> PageResult {
    let Some(agreement) = Agreement::from_text(f.get("agreement")) else {
        return missing(&state, &cx, at, "agreement", "judge-agreement-missing").await;
    };
    if agreement != Agreement::Agrees && f.some("difference").is_none() {
        return missing(&state, &cx, at, "difference", "judge-text-missing").await;
    }
    let text = Phi::new(f.get("difference").to_owned());
    act(
        &state,
        &cx,
        at,
        ReadingAct::Judge { agreement, text },
        "judge-told",
    )
    .await
}

async fn missing(
    state: &WebState,
    cx: &PageCx,
    (hospital, id): (String, String),
    field: &str,
    word: &str,
) -> PageResult {
    let mut errors = Errors::default();
    errors.add(field, cx.t(word));
    one::draw(state, cx, &super::key(&hospital, &id)?, &errors).await
}
