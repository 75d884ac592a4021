//! One's own sessions: seen and ended.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use kernel::ResourceId;
use maud::{Markup, html};

use super::signed;
use crate::components::{Kind, chip};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, Signed, WebState, Who, post};

pub fn routes() -> Vec<RouteSpec> {
    vec![
        post("/profile/sessions/end", Who::SignedIn, end),
        post("/profile/sessions/end-others", Who::SignedIn, end_others),
    ]
}

/// The list, as a card of the profile.
pub(super) async fn card(
    state: &WebState,
    cx: &PageCx,
    signed: &Signed,
) -> Result<Markup, PageError> {
    let w = cx.words();
    let show = cx.show();
    let all = state.app.own_sessions(&signed.cx).await?;
    let current = &signed.session.session;
    Ok(html! {
        section class="card" id="sessions" {
            header { h2 { (w.t("sessions-title")) }
                @if all.len() > 1 {
                    form class="push" method="post" action="/profile/sessions/end-others" { (cx.csrf()) button class="btn quiet" { (w.t("sessions-end-others")) } }
                }
            }
            @for s in &all {
                div class="body row apart" {
                    div {
                        b { (s.device.clone().unwrap_or_else(|| w.t("sessions-unknown"))) }
                        @if &s.id == current { " " (chip(Kind::Ok, &w.t("sessions-this"))) }
                        br;
                        span class="soft small" {
                            (w.f("sessions-used", crate::args!["ago" => show.ago(s.used)]))
                            @if let Some(peer) = &s.peer { " · " (peer) }
                            @if let Some(h) = s.acting.as_ref().and_then(|h| state.app.hospital(h)) { " · " (h.name(w.lang.tag())) }
                        }
                    }
                    @if &s.id != current {
                        form method="post" action="/profile/sessions/end" {
                            (cx.csrf()) input type="hidden" name="session" value=(s.id.as_str());
                            button class="btn" { (w.t("sessions-end")) }
                        }
                    }
                }
            }
        }
    })
}

async fn end(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let signed = signed(&cx)?;
    let id = ResourceId::new(fields.get("session"))?;
    state.app.sign_out(&signed.cx, &id).await?;
    if id == signed.session.session {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    Ok(done("/profile", "sessions-ended"))
}

async fn end_others(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let signed = signed(&cx)?;
    state
        .app
        .end_other_sessions(&signed.cx, &signed.session.session)
        .await?;
    Ok(done("/profile", "sessions-ended"))
}
