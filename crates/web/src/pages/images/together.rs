//! Looking at a study together: one event stream per person who joined, and what they say to the others by POST.

use std::convert::Infallible;

use app::Cx;
use app::viewing::together::{Say, Shown, Together, Told};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use kernel::ErrorCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::frame::live::KEEP_ALIVE;
use crate::frame::{PageCx, PageError, PageResult, WebState};

/// `GET /images/{hospital}/{id}/together`: joins, and leaves when the line ends.
pub async fn join(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let key = app::viewing::study_key(&hospital, &id)?;
    let signed = cx
        .signed
        .as_ref()
        .ok_or(PageError::new(ErrorCode::Unauthenticated))?;
    let session = state.app.session_watch(&signed.session);
    let together = state.app.look_together(cx.cx()?, &key).await?;
    let stream = stream(state, signed.cx.clone(), together, session);
    Ok(Sse::new(stream)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response())
}

fn stream(
    state: WebState,
    cx: Cx,
    mut together: Together,
    mut session: app::sessions::SessionWatch,
) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        yield Ok(event("seat", &json!(together.seat())));
        loop {
            tokio::select! {
                () = session.ended() => {
                    yield Ok(event("out", &json!("session")));
                    break;
                }
                told = together.next() => match told {
                    Some(told) => yield Ok(words(&state, &cx, &told)),
                    None => break,
                }
            }
        }
    }
}

fn event(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}

fn words(state: &WebState, cx: &Cx, told: &Told) -> Event {
    match told {
        Told::People(all) => {
            let people: Vec<Value> = all
                .iter()
                .map(|s| {
                    let hospital = state.app.hospital_line(cx, &s.person.hospital);
                    json!({"seat": s.seat, "name": s.person.name, "hospital": hospital.name, "leads": s.leads})
                })
                .collect();
            event("people", &json!(people))
        }
        Told::Look(None) => event("look", &Value::Null),
        Told::Look(Some(Shown::Picture(glance))) => event("look", &json!(glance)),
        Told::Look(Some(Shown::Traces(traces))) => event("traces", &json!(traces)),
        Told::Point(seat, point) => event("point", &json!({"seat": seat, "point": point})),
        Told::Draw(seat, drawn) => event("draw", &json!({"seat": seat, "drawn": drawn})),
        Told::Erase(seat, id) => event("erase", &json!({"seat": seat, "id": id})),
        Told::Out => event("out", &json!("permit")),
    }
}

/// `GET /images/{hospital}/{id}/together/people`: who looks at the study together now, for a page that has not joined.
pub async fn people(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let key = app::viewing::study_key(&hospital, &id)?;
    let people = state.app.people_together(cx.cx()?, &key).await?;
    let own = &cx.cx()?.actor.account;
    let named: Vec<Value> = people
        .iter()
        .filter(|p| p.account != *own)
        .map(|p| {
            let hospital = state.app.hospital_line(cx.cx().ok()?, &p.hospital);
            Some(json!({"name": p.name, "hospital": hospital.name}))
        })
        .collect::<Option<_>>()
        .unwrap_or_default();
    Ok(Json(named).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sayings {
    seat: String,
    say: Vec<Say>,
}

/// `POST /images/{hospital}/{id}/together`.
pub async fn say(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
    body: Bytes,
) -> PageResult {
    let key = app::viewing::study_key(&hospital, &id)?;
    let sayings: Sayings = super::json(&body)?;
    state
        .app
        .say_together(cx.cx()?, &key, &sayings.seat, sayings.say)
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The part of the viewer that shows who is here. Filled by the script; without it there is nothing to share.
pub fn panel(cx: &PageCx, address: &str) -> Markup {
    let w = cx.words();
    let act = |name: &str, key: &str, hidden: bool| {
        let title = format!("{} ({key})", w.word("viewer-tip", name));
        html! { button type="button" class="btn" data-do=(name) title=(title) hidden[hidden] { (w.word("viewer-do", name)) } }
    };
    html! {
        section id="vw-together" data-address=(address) aria-labelledby="vw-together-h" {
            h2 id="vw-together-h" { (w.t("together-title")) }
            p class="small soft" id="vw-together-lead" { (w.t("together-lead")) }
            p class="vw-acts" { (act("join", "J", false)) " " (act("lead", "G", true)) " " (act("follow", "O", true)) }
            ul id="vw-people" aria-label=(w.t("together-people")) hidden {}
            p class="small" id="vw-together-says" role="status" {}
            ul id="vw-drawn" aria-label=(w.t("together-drawn")) hidden {}
        }
    }
}
