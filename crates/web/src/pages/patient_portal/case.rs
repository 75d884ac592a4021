//! One case as its patient sees it: the question, the answer in the doctor's own words, what happens now.

use app::cases::view::{AnswerView, CaseView};
use app::opinions::OpinionView;
use axum::extract::{Path, State};
use kernel::{ErrorCode, Phi, RecordKey};
use maud::{Markup, html};

use super::{channel, draw};
use crate::args;
use crate::components::form::Field;
use crate::components::record::steps_in_time;
use crate::components::{Kind, chip_icon, note};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, WebState};
use crate::pages::cases::parts::thread_of;

pub async fn page(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let w = cx.words();
    let key = RecordKey::parse(&hospital, "case", &id)
        .map_err(|_| PageError::new(ErrorCode::NotFound))?;
    let view = state.app.case(cx.cx()?, &key).await?;
    let mut answers = Vec::new();
    for answer in view.answers.iter().filter(|a| a.issued.is_some()) {
        let opinion = state.app.opinion(cx.cx()?, &key, &answer.key.id).await?;
        answers.push((answer, opinion));
    }
    let status = view.case.status;
    let title = w.t("me-case");
    let main = html! {
        section class="stack" aria-labelledby="h1" {
            h1 id="h1" { (w.word("me-status", status.as_str())) }
            div class="card" { div class="body stack" { (channel(&cx, status)) } }
            @if let Some(reason) = view.suspended { (note(Kind::Warn, html! { p { (w.word("suspend", reason.as_str())) } })) }
        }
        @for (answer, opinion) in answers.iter().rev() { (letter(&cx, answer, opinion)) }
        (question(&cx, &view))
        @if let Some((plan, person)) = &view.plan { section class="stack tightly" aria-labelledby="h-plan" { h2 id="h-plan" { (w.t("me-plan")) }
            div class="card" { div class="body stack tightly" { p class="small soft" { bdi { (person.name) } } p { bdi { (plan.text.reveal()) } } @if !plan.orders.is_empty() { ul { @for o in &plan.orders { li { bdi { (o.reveal()) } } } } } } }
        } }
        (messages(&cx, &view, &key))
        (history(&cx, &view))
    };
    Ok(draw(&cx, &title, Some(format!("case-{id}")), &main))
}

fn letter(cx: &PageCx, answer: &AnswerView, opinion: &OpinionView) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let here = w.lang.tag();
    let translation = opinion
        .translations
        .iter()
        .find(|t| t.language.split('-').next() == here.split('-').next());
    html! {
        section class="stack tightly" aria-label=(w.t("me-answer")) { h2 { (w.t("me-answer")) }
            article class="card" { div class="body stack" {
                p class="small soft" { bdi { (opinion.author_name) } ", " (opinion.hospital.name) br; (show.at(answer.signed)) }
                @if let Some(t) = translation { p class="xs soft" { (w.f("me-translated", args!["by" => &t.translator])) }
                    div class="stack tightly" lang=(t.language) { @for s in &t.sections { p { bdi { (s.text.reveal()) } } } } hr; }
                @for s in &opinion.sections {
                    div class="signed stack tightly" lang=(s.language) { h3 { (w.word("opinion", &s.code)) } p { bdi { (s.text.reveal()) } } }
                }
                p class="row" { (chip_icon(Kind::Ok, "sign", w.t("me-signed"))) }
            } }
        }
    }
}

fn question(cx: &PageCx, view: &CaseView) -> Markup {
    let w = cx.words();
    let to = view
        .row
        .to
        .as_ref()
        .map(|h| h.name.clone())
        .unwrap_or_default();
    html! {
        section class="stack tightly" aria-labelledby="h-q" { h2 id="h-q" { (w.t("me-question")) }
            div class="card" { div class="body stack tightly" {
                p class="small soft" { bdi { (view.referrer.name) } ", " (view.row.from.name) }
                p { bdi { (view.case.request.question.reveal()) } }
                @if !to.is_empty() { p class="small" { (w.f("me-sent-to", args!["to" => to])) } }
            } footer class="row apart" { a href="/me/consents" { (w.t("me-who-may")) } a href="/me/readers" { (w.t("me-who-read")) } } }
        }
    }
}

/// What the doctors wrote to the patient and what the patient wrote to them.
fn messages(cx: &PageCx, view: &CaseView, key: &RecordKey) -> Markup {
    let w = cx.words();
    html! {
        section class="stack tightly" aria-labelledby="h-messages" { h2 id="h-messages" { (w.t("me-messages")) }
            div class="card" {
                (thread_of(cx, &view.messages))
                @if !view.case.status.is_final() {
                    form class="body stack tightly" method="post" action={ "/me/cases/" (key.hospital) "/" (key.id) "/messages" } {
                        (cx.csrf())
                        (Field::new("text", w.t("me-messages-write")).hint(w.t("me-messages-hint")).maxlength(4000).required().area(3))
                        button class="btn full" { (w.t("messages-send")) }
                    }
                }
            }
        }
    }
}

pub async fn write(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
    fields: Fields,
) -> PageResult {
    let key = RecordKey::parse(&hospital, "case", &id)
        .map_err(|_| PageError::new(ErrorCode::NotFound))?;
    let text = Phi::new(fields.get("text").to_owned());
    state.app.write_as_patient(cx.cx()?, &key, text).await?;
    Ok(done(&format!("/me/cases/{hospital}/{id}"), "message-sent"))
}

fn history(cx: &PageCx, view: &CaseView) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let lines: Vec<(String, Markup)> = view
        .steps
        .iter()
        .rev()
        .filter_map(|s| {
            let words = w.word_if("me-step", &s.what)?;
            Some((show.day_at(s.at), html! { (words) }))
        })
        .collect();
    html! {
        @if !lines.is_empty() { section class="stack tightly" aria-labelledby="h-s" { h2 id="h-s" { (w.t("me-so-far")) } div class="card" { div class="body" { (steps_in_time(&lines)) } } } }
    }
}
