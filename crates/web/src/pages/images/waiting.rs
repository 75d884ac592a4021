//! The reconciliation list: studies without a patient, and objects that contradict what is kept.

use app::imaging::{Decided, WaitingStudy, WaitingView};
use app::records::view::PatientRow;
use axum::extract::{Path, State};
use kernel::ResourceId;
use maud::{Markup, html};

use crate::args;
use crate::components::list::{Column, Pager, table};
use crate::components::state::empty;
use crate::components::{Kind, chip, facts, icon, note};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::route::CLINICAL;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, get, post};
use crate::pages::view::names_for;
use crate::shell::Shell;
use crate::show::Show;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/studies/waiting", CLINICAL, list),
        get("/studies/waiting/{study}", CLINICAL, one),
        post("/studies/waiting/{study}", CLINICAL, decide),
    ]
}

/// Studies on one page.
const PAGE: u64 = 100;

async fn list(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let from: u64 = cx
        .query_value("from")
        .and_then(|t| t.parse().ok())
        .unwrap_or(0);
    let (all, more) = state.app.studies_waiting(cx.cx()?, from).await?;
    let w = cx.words();
    let show = cx.show();
    let at = |n: u64| format!("/studies/waiting?from={n}");
    let main = html! {
        div class="head" { div { h1 { (w.t("waiting-title")) } p class="soft prose" { (w.t("waiting-lead")) } } }
        div class="card" {
            @if all.is_empty() { (empty("check", &w.t("waiting-none"), &w.t("waiting-none-more"), None)) }
            @else {
                (rows(&show, &all))
                (Pager {
                    shown: all.len(),
                    total: None,
                    previous: (from > 0).then(|| at(from.saturating_sub(PAGE))),
                    next: more.then(|| at(from + PAGE)),
                }.draw(&show))
            }
        }
    };
    Ok(Shell::new(&cx, &w.t("waiting-title"))
        .class("page close")
        .draw(&main))
}

fn rows(show: &Show, all: &[WaitingStudy]) -> Markup {
    let w = &show.words;
    let columns = [
        Column::new(w.t("patients-name")),
        Column::new(w.t("banner-born")),
        Column::new(w.t("patients-number")),
        Column::new(w.t("waiting-study")),
        Column::new(w.t("waiting-why")),
    ];
    table(
        &w.t("waiting-title"),
        &columns,
        html! { @for s in all {
            tr {
                td class="main" { a href={ "/studies/waiting/" (s.study.id) } { bdi { (name(show, s)) } } }
                td { (date(show, s.birth_date.reveal())) }
                td class="id" { (s.patient_id.reveal()) }
                td { (w.list(&s.modalities)) " " (date(show, s.date.reveal())) br;
                    span class="soft small" { bdi { (s.description.reveal()) } " · " (w.f("waiting-images", args!["n" => s.instances])) } }
                td {
                    @if s.patient.is_none() { (chip(Kind::Warn, &w.t("waiting-no-patient"))) " " }
                    @if s.aside > 0 { (chip(Kind::Warn, &w.f("waiting-aside", args!["n" => s.aside]))) }
                }
            }
        } },
    )
}

fn name(show: &Show, s: &WaitingStudy) -> String {
    match s.name.reveal().as_str() {
        "" => show.words.t("waiting-unnamed"),
        name => name.to_owned(),
    }
}

/// A date as DICOM writes it.
fn date(show: &Show, text: &str) -> String {
    match (text.get(..4), text.get(4..6), text.get(6..8)) {
        (Some(y), Some(m), Some(d)) => show.fhir_date(&format!("{y}-{m}-{d}")),
        _ => show.words.t("none-dash"),
    }
}

async fn one(State(state): State<WebState>, cx: PageCx, Path(id): Path<String>) -> PageResult {
    let who = cx.cx()?;
    let view = state.app.study_waiting(who, &ResourceId::new(&id)?).await?;
    let typed = cx
        .query_value("q")
        .unwrap_or_else(|| view.line.name.reveal().clone());
    let found = if view.line.patient.is_none() {
        state.app.patients(who, &typed, None).await?.rows
    } else {
        Vec::new()
    };
    let w = cx.words();
    let show = cx.show();
    let main = html! {
        p class="small" { a href="/studies/waiting" { (w.t("waiting-title")) } }
        h1 { bdi { (name(&show, &view.line)) } }
        (said(&show, &view))
        @if view.line.patient.is_none() { (choose(&cx, &view, &typed, &found)) }
        @else { (taken(&cx, &view)) }
        @if !view.aside.is_empty() { (aside(&cx, &view)) }
        @if !view.decisions.is_empty() { (decisions(&show, &view)) }
    };
    Ok(Shell::new(&cx, &w.t("waiting-title"))
        .class("page stack")
        .draw(&main))
}

fn said(show: &Show, v: &WaitingView) -> Markup {
    let w = &show.words;
    let s = &v.line;
    let issuer = match v.issuer.as_str() {
        "" => w.t("waiting-no-issuer"),
        issuer => issuer.to_owned(),
    };
    let rows = [
        (
            w.t("waiting-why"),
            html! { (w.word("waiting-reason", v.reason.word())) },
        ),
        (
            w.t("patients-number"),
            html! { code { (s.patient_id.reveal()) } },
        ),
        (
            w.t("waiting-issuer"),
            html! { code class="small" { (issuer) } },
        ),
        (
            w.t("banner-born"),
            html! { (date(show, s.birth_date.reveal())) },
        ),
        (w.t("waiting-sex"), html! { (s.sex.reveal()) }),
        (
            w.t("waiting-study"),
            html! { (w.list(&s.modalities)) " " bdi { (s.description.reveal()) } " " (date(show, s.date.reveal())) },
        ),
        (
            w.t("waiting-objects"),
            html! { (w.f("waiting-images", args!["n" => s.instances])) },
        ),
    ];
    html! { section class="card" { header { h2 { (w.t("waiting-said")) } } div class="body" { (facts(&rows)) } } }
}

fn choose(cx: &PageCx, v: &WaitingView, typed: &str, found: &[PatientRow]) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let address = format!("/studies/waiting/{}", v.line.study.id);
    html! {
        section class="card" {
            header { h2 { (w.t("waiting-choose")) } }
            div class="body stack" {
                (note(Kind::Warn, html! { p { (w.t("waiting-choose-lead")) } }))
                form class="find whole" role="search" action=(address) aria-label=(w.t("patients-find")) {
                    (icon("search"))
                    input type="search" name="q" value=(typed) aria-label=(w.t("patients-find")) autocomplete="off";
                }
                @if found.is_empty() { p class="soft" { (w.t("patients-no-match")) } }
                @for p in found {
                    @let (name, _) = names_for(w.lang, p.names.reveal());
                    div class="row apart" {
                        div { b { bdi { (name) } } " "
                            span class="soft" {
                                @if let Some(born) = p.birth_date.reveal() { (show.fhir_date(born)) }
                                @if let Some(n) = &p.number { " · " (n.value.reveal()) }
                            }
                            @if v.candidates.contains(&p.key.id) { " " (chip(Kind::Ok, &w.t("waiting-same-number"))) }
                        }
                        form method="post" action=(address) { (cx.csrf()) input type="hidden" name="act" value="assign"; input type="hidden" name="patient" value=(p.key.id.as_str());
                            button class="btn" aria-label={ (w.t("waiting-assign")) ": " (name) } { (w.t("waiting-assign")) } }
                    }
                }
            }
            footer class="row" {
                @if v.candidates.is_empty() {
                    form method="post" action=(address) { (cx.csrf()) input type="hidden" name="act" value="new";
                        button class="btn" { (w.t("waiting-new-patient")) } }
                }
            }
        }
    }
}

fn taken(cx: &PageCx, v: &WaitingView) -> Markup {
    let w = cx.words();
    let address = format!("/studies/waiting/{}", v.line.study.id);
    let Some(patient) = &v.line.patient else {
        return html! {};
    };
    html! {
        section class="card" {
            header { h2 { (w.t("waiting-assigned")) } }
            div class="body" { p { a href={ "/patients/" (v.line.study.hospital) "/" (patient) } { (w.t("waiting-to-patient")) } } }
            footer class="row" {
                form method="post" action=(address) { (cx.csrf()) input type="hidden" name="act" value="take-back";
                    button class="btn danger" { (w.t("waiting-take-back")) } }
            }
        }
    }
}

fn aside(cx: &PageCx, v: &WaitingView) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let address = format!("/studies/waiting/{}", v.line.study.id);
    let columns = [
        Column::new(w.t("waiting-object")),
        Column::new(w.t("waiting-why")),
        Column::new(w.t("waiting-came")),
        Column::new(w.t("column-act")),
    ];
    let rows = html! { @for (line, standing) in &v.aside {
        tr {
            td class="main" { code class="small" { (line.uid) } }
            td { (w.word("waiting-standing", Decided::standing(*standing))) }
            td { (show.day_at(line.at)) }
            td { form method="post" action=(address) { (cx.csrf()) input type="hidden" name="act" value="show"; input type="hidden" name="object" value=(line.row);
                button class="btn" aria-label={ (w.t("waiting-show")) ": " (line.uid) } { (w.t("waiting-show")) } } }
        }
    } };
    html! { section class="card" { header { h2 { (w.t("waiting-beside")) } }
    div class="body" { p class="soft prose" { (w.t("waiting-beside-lead")) } }
    (table(&w.t("waiting-beside"), &columns, rows)) } }
}

fn decisions(show: &Show, v: &WaitingView) -> Markup {
    let w = &show.words;
    html! {
        section class="card" { header { h2 { (w.t("waiting-decisions")) } }
            ul class="body stack none" {
                @for d in &v.decisions {
                    li { (w.word("waiting-decided", d.what.word())) " " span class="soft" { bdi { (d.name) } " · " (show.day_at(d.at)) } }
                }
            }
        }
    }
}

async fn decide(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    fields: Fields,
) -> PageResult {
    let who = cx.cx()?;
    let study = ResourceId::new(&id)?;
    let back = format!("/studies/waiting/{study}");
    match fields.get("act") {
        "assign" => {
            let patient = ResourceId::new(fields.get("patient"))?;
            state.app.assign_study(who, &study, &patient).await?;
        }
        "new" => {
            state.app.assign_to_new_patient(who, &study).await?;
        }
        "take-back" => state.app.take_back_study(who, &study).await?,
        "show" => {
            let object = fields
                .get("object")
                .parse()
                .map_err(|_| PageError::not_found())?;
            state.app.stand_image(who, &study, object).await?;
        }
        _ => return Err(PageError::not_found()),
    }
    Ok(done(&back, "waiting-done"))
}
