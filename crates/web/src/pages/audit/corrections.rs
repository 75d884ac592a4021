//! Wrong-patient corrections: choosing entries, saying where they belong, and the list of what was moved.

use app::records::view::TimelineAsk;
use app::{AppError, Role};
use axum::extract::{Path, State};
use care::timeline::Entry;
use kernel::{RecordKey, ResourceId};
use maud::{Markup, html};

use super::ways;
use crate::components::form::{Choice, Choices, Errors, Field};
use crate::components::list::{Column, table};
use crate::components::{Kind, note, state};
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, Who, flash, get, post};
use crate::pages::consents::{banner, patient_key};
use crate::pages::view;
use crate::shell::Shell;

const KEEPERS: Who = Who::Roles(&[Role::Clinician, Role::Coordinator, Role::Consultant]);

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/patients/{hospital}/{id}/correct", KEEPERS, form),
        post("/patients/{hospital}/{id}/correct", KEEPERS, correct),
    ]
}

pub async fn list(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = cx.words();
    let show = cx.show();
    let all = state.app.corrections(cx.cx()?).await?;
    let columns = [
        Column::new(w.t("audit-when")),
        Column::new(w.t("correct-reason")),
        Column::number(w.t("correct-entries")),
        Column::number(w.t("correct-told")),
    ];
    let title = w.t("audit-tab-corrections");
    let main = html! {
        div class="head" { div { h1 { (w.t("nav-audit")) } p class="soft" { (w.t("correct-list-lead")) } } }
        (ways(&cx, "/audit/corrections"))
        div class="card" {
            @if all.is_empty() { (state::empty("split", &w.t("correct-none"), &w.t("correct-none-more"), None)) }
            @else { (table(&title, &columns, html! { @for c in &all {
                tr { td { (show.at(c.at)) } td class="main" { (c.reason.reveal()) } td class="num" { (c.entries.len()) } td class="num" { (c.told.len()) } }
            } })) }
        }
    };
    Ok(Shell::new(&cx, &title).class("page").draw(&main))
}

async fn form(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let blank = Fields::parse(b"")?;
    draw(&state, &cx, &hospital, &id, &blank, &Errors::default()).await
}

async fn draw(
    state: &WebState,
    cx: &PageCx,
    hospital: &str,
    id: &str,
    fields: &Fields,
    errors: &Errors,
) -> PageResult {
    let w = cx.words();
    let key = patient_key(hospital, id)?;
    let banner = banner(state, cx, &key).await?;
    let ask = TimelineAsk {
        limit: Some(app::corrections::ENTRIES_MAX),
        ..TimelineAsk::default()
    };
    let timeline = state.app.timeline(cx.cx()?, &key, &ask).await?;
    let choices: Vec<Choice> = timeline
        .years
        .iter()
        .flat_map(|y| y.lines.iter())
        .flat_map(entries_of)
        .filter(|e| e.source.custodian == key.hospital)
        .map(|e| choice(cx, e))
        .collect();
    let others = match fields.some("find") {
        Some(find) => state.app.patients(cx.cx()?, find, None).await?.rows,
        None => Vec::new(),
    };
    let others: Vec<Choice> = others
        .iter()
        .filter(|p| p.key.id != key.id)
        .take(10)
        .map(|p| {
            let (name, _) = view::names_for(w.lang, p.names.reveal());
            let born = p.birth_date.reveal().clone().unwrap_or_default();
            let number = p
                .number
                .as_ref()
                .map(|n| n.value.reveal().clone())
                .unwrap_or_default();
            Choice::new(p.key.id.as_str(), html! { bdi { (name) } })
                .note(html! { (born) " · " span class="id" { (number) } })
        })
        .collect();
    let title = w.t("correct-title");
    let main = html! {
        div class="stack" {
            div class="stack tightly" { h2 class="step" { (title) } p class="soft prose" { (w.t("correct-lead")) } }
            (note(Kind::Warn, html! { p { (w.t("correct-consequences")) } }))
            (errors.summary(&w))
            form class="stack loosely" method="post" action={ "/patients/" (hospital) "/" (id) "/correct" } {
                (cx.csrf())
                @if choices.is_empty() { (state::empty("record", &w.t("timeline-empty"), &w.t("timeline-empty-more"), None)) }
                @else { (Choices { name: "entries", legend: w.t("correct-which"), hint: None, chosen: &fields.all("entries"), many: true, framed: false }.draw(errors, &choices)) }
                div class="row" { (Field::new("find", w.t("correct-find")).hint(w.t("correct-find-hint")).value(fields.get("find")).maxlength(100).errors(errors).input()) button class="btn" name="step" value="find" formnovalidate { (w.t("find-now")) } }
                @if !others.is_empty() { (Choices { name: "to", legend: w.t("correct-to"), hint: None, chosen: &fields.all("to"), many: false, framed: true }.draw(errors, &others)) }
                (Field::new("reason", w.t("correct-reason")).value(fields.get("reason")).maxlength(2000).errors(errors).area(2))
                div class="row" { button class="btn danger" name="step" value="move" { (w.t("correct-now")) } a class="btn" href=(view::patient_address(&key)) { (w.t("agr-back")) } }
            }
        }
    };
    Ok(Shell::new(cx, &title)
        .class("page close")
        .banner(banner)
        .draw(&main))
}

fn entries_of(line: &care::timeline::Line) -> Vec<&Entry> {
    match line {
        care::timeline::Line::Entry(e) => vec![e],
        care::timeline::Line::Gap(_) => Vec::new(),
    }
}

fn choice(cx: &PageCx, e: &Entry) -> Choice {
    let w = cx.words();
    let title: Markup = html! { bdi { (e.title) } };
    let day = e.when.as_ref().map(|when| cx.show().day_at(when.start));
    Choice::new(format!("{}/{}", e.source.kind, e.source.id), title).note(html! {
        (w.word_if("class", &e.class).unwrap_or_default()) @if let Some(day) = day { " · " (day) }
    })
}

async fn correct(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
    fields: Fields,
) -> PageResult {
    if fields.get("step") == "find" {
        return draw(&state, &cx, &hospital, &id, &fields, &Errors::default()).await;
    }
    let key = patient_key(&hospital, &id)?;
    let entries: Vec<RecordKey> = fields
        .all("entries")
        .iter()
        .filter_map(|e| {
            let (kind, id) = e.split_once('/')?;
            RecordKey::parse(&hospital, kind, id).ok()
        })
        .collect();
    let moved = match ResourceId::new(fields.get("to")) {
        Ok(to) => {
            state
                .app
                .correct_patient(cx.cx()?, &key.id, &to, &entries, fields.get("reason"))
                .await
        }
        Err(_) => Err(AppError::invalid("to", "correction-unknown-patient", "")),
    };
    match moved {
        Ok(_) => Ok(flash::done(&view::patient_address(&key), "correct-done")),
        Err(e @ AppError::Invalid(_)) => {
            let errors = cx.wrong(e)?;
            draw(&state, &cx, &hospital, &id, &fields, &errors).await
        }
        Err(e) => Err(e.into()),
    }
}
