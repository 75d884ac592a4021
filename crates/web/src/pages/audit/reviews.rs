//! Reviewing emergency access: break-glass, and acting without consent.

use agreements::break_glass::ReviewOutcome;
use agreements::consent::Basis;
use app::break_glass::OpeningView;
use axum::extract::{Path, State};
use kernel::{ErrorCode, ResourceId};
use maud::{Markup, html};

use super::ways;
use crate::args;
use crate::components::form::{Errors, Field};
use crate::components::{Kind, chip, state};
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, WebState, flash};
use crate::pages::why::hospital_name;
use crate::shell::Shell;

pub async fn page(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = cx.words();
    let show = cx.show();
    let due = state.app.openings(cx.cx()?, true).await?;
    let done = state.app.openings(cx.cx()?, false).await?;
    let consents = state.app.consents_to_review(cx.cx()?).await?;
    let title = w.t("audit-tab-emergency");
    let main = html! {
        div class="head" { div { h1 { (w.t("nav-audit")) } p class="soft" { (w.t("reviews-lead")) } } }
        (ways(&cx, "/audit/break-glass"))
        section class="stack tightly" aria-labelledby="h-due" { h2 id="h-due" { (w.f("reviews-waiting", args!["n" => due.len() + consents.len()])) }
            @if due.is_empty() && consents.is_empty() { div class="card" { (state::empty("check", &w.t("reviews-none"), &w.t("reviews-none-more"), None)) } }
            @for o in &due { (opening(&state, &cx, o)) }
            @for c in &consents {
                @if let Basis::Emergency(e) = &c.basis {
                    section class="card" {
                        header class="row apart" { h3 { (w.t("consents-emergency")) } span class="soft small" { (show.at(c.recorded_at)) } }
                        div class="body stack tightly" { p { (e.reason.reveal()) } p class="small soft" { (e.law) " · " span class="id" { (c.patient) } } }
                        footer { (review_form(&cx, &format!("/audit/emergency-consents/{}", c.id))) }
                    }
                }
            }
        }
        @if !done.is_empty() { section class="stack tightly" aria-labelledby="h-done" { h2 id="h-done" { (w.t("reviews-done")) }
            @for o in &done { (opening(&state, &cx, o)) }
        } }
    };
    Ok(Shell::new(&cx, &title).class("page").draw(&main))
}

fn opening(state: &WebState, cx: &PageCx, o: &OpeningView) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let b = &o.opening;
    html! {
        section class="card" {
            header class="row apart" { h3 { bdi { (o.name) } " " span class="soft small" { (hospital_name(state, cx, &b.hospital)) } }
                @match &b.review {
                    Some(r) if r.outcome == ReviewOutcome::Justified => (chip(Kind::Ok, &w.t("reviews-justified"))),
                    Some(_) => (chip(Kind::Stop, &w.t("reviews-not-justified"))),
                    None if cx.now < b.until => (chip(Kind::Warn, &w.f("reviews-runs", args!["at" => show.clock(b.until)]))),
                    None => (chip(Kind::Warn, &w.t("reviews-due"))),
                }
            }
            div class="body stack tightly" {
                p { (b.reason) }
                p class="small soft" { (show.at(b.from)) " – " (show.at(b.until)) " · " (w.f("reviews-reads", args!["n" => o.reads])) " · "
                    a href={ "/audit?patient=" (b.patient) "&person=" (b.account) } { (w.t("reviews-entries")) } }
                @if let Some(r) = &b.review { @if !r.note.is_empty() { p class="small" { (r.note) } } }
            }
            @if b.review.is_none() { footer { (review_form(cx, &format!("/audit/break-glass/{}", b.id))) } }
        }
    }
}

fn review_form(cx: &PageCx, action: &str) -> Markup {
    let w = cx.words();
    let none = Errors::default();
    let id = action.replace('/', "-");
    html! {
        form class="stack tightly" method="post" action=(action) {
            (cx.csrf())
            (Field::new("note", w.t("reviews-note")).id(format!("note{id}")).maxlength(2000).errors(&none).input())
            div class="row" {
                button class="btn" name="outcome" value="justified" { (w.t("reviews-justified")) }
                button class="btn danger" name="outcome" value="not-justified" { (w.t("reviews-not-justified")) }
            }
        }
    }
}

fn id_of(text: &str) -> Result<ResourceId, PageError> {
    ResourceId::new(text).map_err(|_| PageError::new(ErrorCode::NotFound))
}

pub async fn review(
    State(state): State<WebState>,
    Path(id): Path<String>,
    cx: PageCx,
    fields: Fields,
) -> PageResult {
    let outcome = if fields.get("outcome") == "justified" {
        ReviewOutcome::Justified
    } else {
        ReviewOutcome::NotJustified
    };
    state
        .app
        .review_break_glass(cx.cx()?, &id_of(&id)?, outcome, fields.get("note"))
        .await?;
    Ok(flash::done("/audit/break-glass", "reviews-kept"))
}

pub async fn review_consent(
    State(state): State<WebState>,
    Path(id): Path<String>,
    cx: PageCx,
    fields: Fields,
) -> PageResult {
    let justified = fields.get("outcome") == "justified";
    state
        .app
        .review_consent(cx.cx()?, &id_of(&id)?, justified, fields.get("note"))
        .await?;
    Ok(flash::done("/audit/break-glass", "reviews-kept"))
}
