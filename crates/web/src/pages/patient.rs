//! One patient: banner, time line across hospitals, what matters now, trends, cases.

use app::cases::view::CaseRow;
use app::records::view::{TimelineAsk, TimelineView};
use app::viewing::view::StudyLine;
use axum::extract::{Path, State};
use care::timeline::{Medication, Problem, When};
use kernel::RecordKey;
use maud::{Markup, html};

use super::images::list as images;
use super::lines::{lines, series};
use super::orders;
use super::view::{self, case_address, class, record_address};
use crate::args;
use crate::components::basic::{Tab, tabs};
use crate::components::record::timeline;
use crate::components::{Kind, chip, clock, count, icon, note, state, urgency};
use crate::frame::route::CLINICAL;
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, get};
use crate::shell::Shell;
use crate::show::Show;

pub fn routes() -> Vec<RouteSpec> {
    vec![get("/patients/{hospital}/{id}", CLINICAL, patient)]
}

/// Entries drawn at once; "show all" asks for the rest.
const ENTRIES_SHOWN: usize = 150;

async fn patient(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let key = RecordKey::parse(&hospital, "Patient", &id)?;
    let chosen = cx.query_value("class");
    let ask = TimelineAsk {
        classes: chosen.iter().cloned().collect(),
        case: None,
        limit: cx.query_value("all").is_none().then_some(ENTRIES_SHOWN),
    };
    let banner = state.app.banner(cx.cx()?, &key).await?;
    let view = state.app.timeline(cx.cx()?, &key, &ask).await?;
    let cases = state.app.patient_cases(cx.cx()?, &key).await?;
    let studies = state.app.studies_of(cx.cx()?, &key).await?;
    let own = cx.cx()?.hospital()? == &key.hospital;
    let orders = state.app.imaging_orders(cx.cx()?, &key).await?;
    let show = cx.show();
    let drawn = view::banner(&cx, &banner, None, None).draw(&show);
    let beside = html! { (study_card(&cx, &studies)) (orders::card(&cx, &key, &orders)) };
    let main = draw(&cx, &key, &view, &cases, &beside, chosen.as_deref(), own);
    Ok(Shell::new(&cx, &cx.t("patient-title"))
        .class("page close")
        .watch(format!("patient-{}", key.id))
        .banner(drawn)
        .draw(&main))
}

fn study_card(cx: &PageCx, studies: &[StudyLine]) -> Markup {
    if cx.has(app::Role::Consultant) {
        images::card_to_read(cx, studies, None)
    } else {
        images::card(cx, studies)
    }
}

/// The page's content; `beside` stands in the second column: images and what is asked for.
pub fn draw(
    cx: &PageCx,
    key: &RecordKey,
    view: &TimelineView,
    cases: &[CaseRow],
    beside: &Markup,
    chosen: Option<&str>,
    own: bool,
) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let base = view::patient_address(key);
    let may_correct = cx
        .cx()
        .is_ok_and(|c| c.actor.may(app::Privilege::CorrectRecord));
    let shown: usize = view.years.iter().map(|y| y.lines.len()).sum();
    html! {
        div class="head" {
            div { h2 class="step" { (w.t("patient-record")) } p class="soft" { (sources_line(show, view)) } }
            @if own && cx.has(app::Role::Clinician) {
                div class="row" {
                    a class="btn" href={ (base) "/account" } { (icon("person")) (w.t("link-title")) }
                    a class="btn" href={ (base) "/imaging" } { (icon("image")) (w.t("order-title")) }
                    a class="btn" href="/import" { (icon("upload")) (w.t("patients-import")) }
                    form method="post" action={ (base) "/cases" } { (cx.csrf()) button class="btn primary" { (icon("message")) (w.t("case-new")) } }
                }
            }
        }
        (tabs(&w.t("patient-classes"), &class_tabs(show, view, &base, chosen)))
        div class="cols aside" {
            section class="card" id="record" aria-label=(w.t("patient-record"))
                hx-get=(cx.back()) hx-select="#record" hx-target="#record" hx-swap="outerHTML"
                hx-trigger={ "patient-" (key.id) " from:#live, caught-up from:#live" } {
                @if view.years.is_empty() {
                    (state::empty("record", &w.t("timeline-empty"), &w.t("timeline-empty-more"), None))
                } @else { div class="body" { (timeline(&lines(show, view))) } }
                @if view.total > shown { footer class="small" {
                    a href={ (base) "?all=1" @if let Some(c) = chosen { "&class=" (c) } } { (w.f("timeline-all", args!["n" => view.total])) }
                } }
            }
            div class="stack" {
                (summary(show, view))
                @if !cases.is_empty() { (cases_card(cx, cases)) }
                (beside)
                (trends(show, view))
                (sources(show, view))
                @if own { nav class="card" aria-label=(w.t("consents-title")) { ul class="plainlist body" {
                    li { a href={ (base) "/consents" } { (w.t("consents-title")) } }
                    li { a href={ (base) "/break-glass" } { (w.t("glass-title")) } }
                    li { a href={ (base) "/late" } { (w.t("late-title")) } }
                    @if may_correct { li { a href={ (base) "/correct" } { (w.t("correct-title")) } } }
                } } }
            }
        }
    }
}

fn sources_line(show: &Show, view: &TimelineView) -> String {
    let w = &show.words;
    let answered = view.sources.iter().filter(|s| s.gap.is_none()).count();
    w.f(
        "timeline-sources",
        args!["entries" => view.total, "n" => answered, "all" => view.sources.len()],
    )
}

fn class_tabs(show: &Show, view: &TimelineView, base: &str, chosen: Option<&str>) -> Vec<Tab> {
    let all = Tab {
        href: base.to_owned(),
        text: show.words.t("patient-all"),
        count: Some(view.total as u64),
        on: chosen.is_none(),
    };
    let rest = view.classes.iter().map(|(code, n)| Tab {
        href: format!("{base}?class={code}"),
        text: class(show, code),
        count: Some(*n as u64),
        on: chosen == Some(code),
    });
    std::iter::once(all).chain(rest).collect()
}

fn since(show: &Show, when: Option<&When>) -> Markup {
    html! { @if let Some(w) = when { " " span class="soft" { (show.words.f("summary-since", args!["when" => show.fhir_date(w.text.get(..10).unwrap_or(&w.text))])) } } }
}

/// Allergies, problems and medication that matter now.
pub fn summary(show: &Show, view: &TimelineView) -> Markup {
    let w = &show.words;
    let s = &view.summary;
    html! {
        section class="card" aria-labelledby="summary-h" {
            header { h2 id="summary-h" { (w.t("summary-title")) } }
            div class="body stack" {
                div class="stack tightly" {
                    h3 { (w.t("banner-allergies")) }
                    @if s.allergies.is_empty() { p class="soft" { (w.t(if s.no_known_allergy { "summary-no-known-allergy" } else { "banner-no-allergies" })) } }
                    ul class="plainlist" { @for a in &s.allergies { li {
                        span class="chip" data-k="stop" { (icon("warn")) b { (a.substance) } } @if let Some(d) = &a.detail { " " (d) } (since(show, a.when.as_ref()))
                    } } }
                }
                div class="stack tightly" {
                    h3 { (w.t("summary-problems")) " " (count(s.problems.len())) }
                    @if s.problems.is_empty() { p class="soft" { (w.t("summary-none")) } }
                    (folded(w, &s.problems, |p: &Problem| html! { a href=(record_address(&p.source.custodian, &p.source.kind, &p.source.id)) { (p.title) } (since(show, p.since.as_ref())) }))
                }
                div class="stack tightly" {
                    h3 { (w.t("summary-medication")) " " (count(s.medications.len())) }
                    @if s.medications.is_empty() { p class="soft" { (w.t("summary-none")) } }
                    (folded(w, &s.medications, |m: &Medication| html! { b { (m.title) } @if let Some(d) = &m.dose { br; span class="soft" { (d) } } }))
                }
            }
        }
    }
}

/// The first few open, the rest folded.
fn folded<T>(w: &crate::words::Words, items: &[T], draw: impl Fn(&T) -> Markup) -> Markup {
    const OPEN: usize = 6;
    let (first, rest) = items.split_at(items.len().min(OPEN));
    html! {
        @if !first.is_empty() { ul class="plainlist" { @for i in first { li { (draw(i)) } } } }
        @if !rest.is_empty() { details { summary class="small" { (w.f("summary-more", args!["n" => rest.len()])) } ul class="plainlist" { @for i in rest { li { (draw(i)) } } } } }
    }
}

fn cases_card(cx: &PageCx, cases: &[CaseRow]) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    html! {
        section class="card" aria-labelledby="cases-h" {
            header { h2 id="cases-h" { (w.t("nav-cases")) } (count(cases.len())) }
            ul class="readers" { @for row in cases { li class="stack none" {
                div class="row apart" {
                    @if let Some(u) = row.urgency { (urgency(w, u.as_str())) }
                    @match &row.clock {
                        Some(c) => (clock(show, &view::deadline(show, c), false)),
                        None => (chip(Kind::Plain, &w.word("status", row.status.as_str()))),
                    }
                }
                p { a href=(case_address(&row.key)) { (if row.question.reveal().is_empty() { row.number.as_str() } else { row.question.reveal() }) } }
                p class="small soft" { (w.word("status", row.status.as_str())) @if let Some(to) = &row.to { " " (view::hospital(to)) } }
            } } }
        }
    }
}

fn trends(show: &Show, view: &TimelineView) -> Markup {
    const SHOWN: usize = 4;
    html! {
        @if !view.trends.is_empty() {
            section class="card" aria-labelledby="trends-h" {
                header { h2 id="trends-h" { (show.words.t("trends-title")) } }
                div class="body stack" { @for t in view.trends.iter().take(SHOWN) { (series(show, t).plot(&show.words)) } }
            }
        }
    }
}

/// Where the record comes from, and what is missing.
pub fn sources(show: &Show, view: &TimelineView) -> Markup {
    let w = &show.words;
    html! {
        section class="card" aria-labelledby="sources-h" {
            header { h2 id="sources-h" { (w.t("sources-title")) } }
            ul class="readers" { @for s in &view.sources { li {
                p class="row apart" { (view::hospital_named(&s.hospital)) span class="small soft" { (w.f("sources-entries", args!["n" => s.entries])) } }
                @if let Some(gap) = s.gap { (note(Kind::Warn, html! { span class="small" { (w.word("gap-text", gap.as_str())) } })) }
                @else if let Some(fresh) = s.fresh { p class="small soft" { (w.f("sources-fresh", args!["when" => show.day_at(fresh)])) } }
            } } }
        }
    }
}
