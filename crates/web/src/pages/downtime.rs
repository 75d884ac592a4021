//! `/downtime`: today's open cases on one page for paper, as PDF too; and what was written on paper, entered late.

use app::cases::pack::{PackCase, PackView};
use app::cases::view::PersonLine;
use app::downtime::{LATE_REASONS, LateEntry};
use axum::extract::{Path, State};
use jiff::civil::DateTime;
use kernel::{Phi, RecordKey, ResourceId};
use maud::{Markup, html};

use super::consents::{banner, patient_key};
use super::view::{names_for, patient_address};
use crate::args;
use crate::components::form::{Errors, Field};
use crate::components::{Kind, icon, note, state, urgency};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::route::CLINICAL;
use crate::frame::{
    PageCx, PageError, PageResult, RouteSpec, WebState, Who, download, get, post, refused,
};
use crate::shell::Shell;
use crate::words::Lang;

const WRITERS: Who = CLINICAL;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/downtime", CLINICAL, page),
        get("/downtime/pdf/{language}", CLINICAL, pdf),
        get("/patients/{hospital}/{id}/late", WRITERS, late_page),
        post("/patients/{hospital}/{id}/late", WRITERS, enter),
    ]
}

async fn page(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = &cx.words();
    let pack = state.app.downtime_pack(cx.cx()?).await?;
    let title = w.t("downtime-title");
    let main = html! {
        div class="head" {
            div { h1 { (title) } p class="soft" { (w.f("downtime-as-of", args!["at" => cx.show().day_at(cx.now), "n" => pack.cases.len()])) } }
            div class="row toolbar" { @for l in Lang::ALL {
                a class="btn" href={ "/downtime/pdf/" (l.tag()) } hreflang=(l.tag()) { (icon("print")) (w.f("agr-pdf", args!["language" => l.own_name()])) }
            } }
        }
        (note(Kind::Plain, html! { p { (w.t("downtime-lead")) } }))
        @if pack.left_out > 0 { (note(Kind::Warn, html! { p { (w.f("downtime-left-out", args!["n" => pack.left_out])) } })) }
        @if pack.cases.is_empty() { div class="card" { (state::empty("inbox", &w.t("downtime-none"), "", None)) } }
        (cases(&cx, &pack))
    };
    Ok(Shell::new(&cx, &title).class("page stack").draw(&main))
}

fn cases(cx: &PageCx, pack: &PackView) -> Markup {
    html! { @for c in &pack.cases { (one(cx, c)) } }
}

fn one(cx: &PageCx, c: &PackCase) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let b = &c.banner;
    let named = b.names.as_ref().map(|n| names_for(w.lang, n.reveal()));
    let who = |label: &str, p: &PersonLine| {
        html! { li { (w.t(label)) ": " bdi { (p.name) } @if let Some(h) = &p.hospital { ", " (h.name) } } }
    };
    html! {
        article class="card" {
            header class="row apart" {
                h2 { span class="id" { (c.row.number) } }
                span class="row" { @if let Some(u) = c.row.urgency { (urgency(w, u.as_str())) } span class="soft" { (w.word("status", c.row.status.as_str())) } }
            }
            div class="body stack tightly" {
                p { b { @match &named { Some((name, _)) => bdi { (name) }, None => (w.t("downtime-unnamed")) } }
                    @if let Some((_, others)) = &named { @for o in others { " · " bdi { (o) } } }
                    @if let Some(born) = &b.birth_date { " · " (show.fhir_date(born.reveal())) }
                    " · " (w.word("sex", b.sex.as_str()))
                    @for i in b.identifiers.iter().filter(|i| !i.masked) { " · " (i.issuer) " " span class="id" { (i.value.reveal()) } }
                }
                p { (w.t("banner-allergies")) ": "
                    @if b.allergies.is_empty() { (w.t(if b.no_known_allergy { "summary-no-known-allergy" } else { "banner-no-allergies" })) }
                    @for (i, a) in b.allergies.iter().enumerate() { @if i > 0 { (w.t("list-between")) } b { (a.substance) } @if let Some(d) = &a.detail { " (" (d) ")" } }
                }
                p class="said" dir="auto" { (c.question.reveal()) }
                @for s in &c.answer { div { p class="label" { (w.word("opinion", &s.code)) } p class="said" lang=(s.language) { (s.text.reveal()) } } }
                ul class="plain small soft" {
                    (who("downtime-referrer", &c.referrer))
                    @if let Some(n) = &c.call_back { li { (w.t("downtime-call-back")) ": " (n.reveal()) } }
                    @if let Some(p) = &c.coordinator { (who("role-coordinator", p)) }
                    @if let Some(p) = &c.consultant { (who("role-consultant", p)) }
                }
            }
        }
    }
}

async fn pdf(
    State(state): State<WebState>,
    cx: PageCx,
    Path(language): Path<String>,
) -> PageResult {
    let known = Lang::ALL.into_iter().any(|l| l.tag() == language);
    if !known {
        return Err(PageError::not_found());
    }
    let pdf = state.app.downtime_pdf(cx.cx()?, &language).await?;
    Ok(download(
        pdf,
        "application/pdf",
        "inline; filename=\"downtime.pdf\"",
    ))
}

async fn late_page(
    State(state): State<WebState>,
    cx: PageCx,
    Path((hospital, id)): Path<(String, String)>,
) -> PageResult {
    let key = patient_key(&hospital, &id)?;
    draw_late(&state, &cx, &key, &Fields::default(), &Errors::default()).await
}

async fn draw_late(
    state: &WebState,
    cx: &PageCx,
    key: &RecordKey,
    typed: &Fields,
    errors: &Errors,
) -> PageResult {
    let w = &cx.words();
    let title = w.t("late-title");
    let reasons: Vec<(&str, String)> = LATE_REASONS
        .iter()
        .map(|r| (*r, w.word("late-reason", r)))
        .collect();
    let mut cases = vec![(String::new(), w.t("late-no-case"))];
    for row in state.app.patient_cases(cx.cx()?, key).await? {
        if row.sent.is_some() && !row.status.is_final() {
            cases.push((row.key.id.to_string(), row.number));
        }
    }
    let zone = cx.show().offset(cx.now, &cx.cx()?.zone);
    let main = html! {
        div class="stack" {
            p class="small" { a href=(patient_address(key)) { (w.t("patient-record")) } }
            h1 { (title) }
            (note(Kind::Plain, html! { p { (w.t("late-lead")) } }))
            form class="stack" method="post" action={ (patient_address(key)) "/late" } {
                (cx.csrf())
                (errors.summary(w))
                (Field::new("happened", w.t("late-happened")).hint(w.f("late-happened-hint", args!["zone" => zone])).kind("datetime-local").value(typed.get("happened")).errors(errors).required().input())
                (Field::new("reason", w.t("late-reason")).value(typed.get("reason")).errors(errors).select(&reasons))
                (Field::new("title", w.t("late-what")).value(typed.get("title")).errors(errors).maxlength(200).required().input())
                (Field::new("text", w.t("late-text")).hint(w.t("late-text-hint")).value(typed.get("text")).errors(errors).area(6))
                (Field::new("written_by", w.t("late-written-by")).hint(w.t("late-written-by-hint")).value(typed.get("written_by")).errors(errors).maxlength(120).input())
                (Field::new("case", w.t("late-case")).value(typed.get("case")).errors(errors).select(&cases))
                div class="row" { button class="btn primary" { (w.t("late-do")) } a class="btn quiet" href=(patient_address(key)) { (w.t("profile-leave")) } }
            }
        }
    };
    Ok(Shell::new(cx, &title)
        .class("narrow stack")
        .banner(banner(state, cx, key).await?)
        .draw(&main))
}

async fn enter(
    State(state): State<WebState>,
    cx: PageCx,
    Path((hospital, id)): Path<(String, String)>,
    fields: Fields,
) -> PageResult {
    let key = patient_key(&hospital, &id)?;
    let mut errors = Errors::default();
    let zone = cx.cx()?.zone.clone();
    let happened = fields
        .get("happened")
        .parse::<DateTime>()
        .ok()
        .and_then(|t| t.to_zoned(zone).ok());
    let case = match fields.some("case") {
        Some(id) => Some(super::cases::key(&hospital, ResourceId::new(id)?.as_str())?),
        None => None,
    };
    match happened {
        None => errors.add("happened", cx.t("late-happened-missing")),
        Some(happened) => {
            let late = LateEntry {
                happened: happened.timestamp(),
                reason: fields.get("reason").to_owned(),
                title: Phi::new(fields.get("title").to_owned()),
                text: Phi::new(fields.get("text").to_owned()),
                written_by: fields.some("written_by").map(str::to_owned),
                case,
            };
            match state.app.enter_late(cx.cx()?, &key, &late).await {
                Ok(_) => return Ok(done(&patient_address(&key), "late-done")),
                Err(e) => errors = cx.wrong(e)?,
            }
        }
    }
    Ok(refused(
        draw_late(&state, &cx, &key, &fields, &errors).await?,
    ))
}
