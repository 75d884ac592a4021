//! What there is to read, and what has been found that cannot wait.

use app::readings::view::{CriticalRow, ReadingFilter, ReadingList, ReadingRow, ReadingTab};
use axum::extract::State;
use care::case::Urgency;
use care::reading::{Clock, Status};
use maud::{Markup, html};

use super::one::critical_form;
use super::phrases::PHRASES;
use super::reading_address;
use crate::args;
use crate::components::basic::{Tab, tabs};
use crate::components::list::{Column, Filter, filters, table};
use crate::components::{Deadline, Kind, chip, chip_icon, clock, icon, note, state, urgency};
use crate::frame::{PageCx, PageResult, WebState};
use crate::pages::images::list::{modalities, study_name};
use crate::pages::view::{self, patient_name, sex_and_age};
use crate::shell::Shell;
use crate::show::Show;

pub async fn worklist(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let filter = ReadingFilter {
        tab: cx
            .query_value("tab")
            .and_then(|t| ReadingTab::from_text(&t))
            .unwrap_or_default(),
        urgency: cx.query_value("urgency").and_then(|u| u.parse().ok()),
        modality: cx.query_value("modality"),
    };
    let list = state.app.readings(cx.cx()?, &filter).await?;
    let w = &cx.words();
    let title = w.t("nav-readings");
    let hospital = cx.cx()?.hospital()?.clone();
    let main = html! {
        div class="head" { div { h1 { (title) } p class="soft" { (w.f("readings-now", args!["open" => list.counts[0], "overdue" => list.overdue])) } } div class="row" { a class="btn" href=(PHRASES) { (w.t("phrases-title")) } } }
        (views(&cx, &list, &filter))
        (filter_bar(&cx, &list, &filter))
        div class="card" id="readings" hx-get=(cx.back()) hx-trigger={ "images-" (hospital) " from:#live, caught-up from:#live" }
            hx-select="#readings" hx-target="#readings" hx-swap="outerHTML" {
            @if list.rows.is_empty() { (state::empty("image", &w.t("readings-empty"), &w.t("readings-empty-more"), None)) }
            @else { (rows(&cx, &list.rows)) }
            @if list.more { p class="body small soft" { (w.t("readings-more")) } }
        }
    };
    Ok(Shell::new(&cx, &title)
        .class("page close")
        .watch(format!("images-{hospital}"))
        .draw(&main))
}

fn views(cx: &PageCx, list: &ReadingList, filter: &ReadingFilter) -> Markup {
    let w = &cx.words();
    let all: Vec<Tab> = ReadingTab::ALL
        .iter()
        .enumerate()
        .map(|(i, t)| Tab {
            href: if *t == ReadingTab::Open {
                "/readings".to_owned()
            } else {
                format!("/readings?tab={}", t.as_str())
            },
            text: w.word("tab-reading", t.as_str()),
            count: list.counts.get(i).map(|n| *n as u64),
            on: filter.tab == *t,
        })
        .collect();
    tabs(&w.t("list-views"), &all)
}

fn filter_bar(cx: &PageCx, list: &ReadingList, filter: &ReadingFilter) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let mut urgencies = vec![(String::new(), w.t("filter-any-urgency"))];
    urgencies.extend(
        Urgency::ALL
            .iter()
            .map(|u| (u.as_str().to_owned(), w.word("urgency", u.as_str()))),
    );
    let mut kinds = vec![(String::new(), w.t("readings-any-modality"))];
    kinds.extend(list.modalities.iter().map(|m| (m.clone(), m.clone())));
    let all = [
        Filter {
            name: "urgency",
            label: w.t("list-urgency"),
            options: urgencies,
            value: filter.urgency.map_or("", Urgency::as_str),
        },
        Filter {
            name: "modality",
            label: w.t("readings-modality"),
            options: kinds,
            value: filter.modality.as_deref().unwrap_or_default(),
        },
    ];
    let keep = if filter.tab == ReadingTab::Open {
        Vec::new()
    } else {
        vec![("tab", filter.tab.as_str())]
    };
    let status = w.f(
        "list-shown",
        args!["n" => list.rows.len(), "all" => list.rows.len(), "time" => show.clock_s(cx.now)],
    );
    filters(w, "/readings", &all, &keep, &status)
}

/// The clock of a reading as the component counts it.
pub fn deadline(c: &Clock) -> Deadline {
    Deadline {
        started: c.started,
        due: c.due,
        paused: None,
        stopped: c.stopped,
    }
}

pub fn status_chip(show: &Show, status: Status) -> Markup {
    let kind = match status {
        Status::Unread => Kind::Warn,
        Status::Final => Kind::Ok,
        Status::Claimed | Status::Preliminary => Kind::Plain,
    };
    chip(kind, &show.words.word("reading-status", status.as_str()))
}

fn rows(cx: &PageCx, list: &[ReadingRow]) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let columns = [
        Column::new(w.t("list-urgency")),
        Column::new(w.t("list-time-left")),
        Column::new(w.t("list-patient")),
        Column::new(w.t("readings-study")),
        Column::new(w.t("list-from")),
        Column::new(w.t("list-state")),
        Column::number(w.t("readings-priors")),
    ];
    table(
        &w.t("readings-caption"),
        &columns,
        html! { @for row in list { (line(cx, show, row)) } },
    )
}

fn line(cx: &PageCx, show: &Show, row: &ReadingRow) -> Markup {
    let w = &cx.words();
    let name = study_name(show, &row.study);
    let patient = patient_name(show, &row.patient, &name);
    html! {
        tr {
            td { (urgency(w, row.urgency.as_str())) }
            td { (clock(show, &deadline(&row.clock), false)) }
            td class="main" {
                a href=(reading_address(&row.key)) { bdi { (patient) } } " "
                span class="soft" { (sex_and_age(show, row.patient.sex, row.patient.age_years, row.patient.age_days)) }
                @if row.critical { " " (chip_icon(Kind::Stop, "warn", w.t("reading-critical-open"))) }
            }
            td { b { (modalities(show, &row.study)) } " " bdi { (name) } br; span class="soft small" {
                @if let Some(when) = &row.study.started { (show.fhir_date(when.get(..10).unwrap_or(when))) " · " }
                (w.f("study-counts", args!["series" => row.study.series_count, "images" => row.study.instances])) } }
            td { (view::hospital(&row.study.custodian)) }
            td { (status_chip(show, row.status)) @if row.second_waits { " " (chip(Kind::Plain, &w.t("reading-second-waits"))) } br;
                span class="soft small" { @if row.mine { (w.t("owner-me")) } @else if let Some(r) = &row.reader { (r.name) } } }
            td class="num" { (row.priors) }
        }
    }
}

/// Critical findings nobody here has acknowledged.
pub async fn critical(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let found = state.app.critical_findings(cx.cx()?).await?;
    let w = &cx.words();
    let title = w.t("critical-title");
    let hospital = cx.cx()?.hospital()?.clone();
    let main = html! {
        div class="head" { div { h1 { (title) } p class="soft" { (w.t("critical-lead")) } } }
        div class="stack" id="criticals" hx-get="/critical" hx-trigger={ "images-" (hospital) " from:#live, caught-up from:#live" }
            hx-select="#criticals" hx-target="#criticals" hx-swap="outerHTML" {
            @if found.is_empty() { div class="card" { (state::empty("check", &w.t("critical-none"), &w.t("critical-none-more"), None)) } }
            @for row in &found { (critical_card(&cx, row)) }
        }
    };
    Ok(Shell::new(&cx, &title)
        .watch(format!("images-{hospital}"))
        .draw(&main))
}

fn critical_card(cx: &PageCx, row: &CriticalRow) -> Markup {
    let show = &cx.show();
    let name = study_name(show, &row.study);
    html! {
        section class="card" {
            header {
                h2 { a href=(view::patient_address(&row.patient.key)) { bdi { (patient_name(show, &row.patient, &name)) } } }
                span class="soft" { (sex_and_age(show, row.patient.sex, row.patient.age_years, row.patient.age_days)) }
            }
            div class="body stack" {
                p class="small soft" { (icon("image")) " " (modalities(show, &row.study)) " " bdi { (name) } " · " a href=(reading_address(&row.reading)) { (show.words.t("reading-open")) } }
                (critical_form(cx, &row.reading, &row.critical, true))
            }
        }
    }
}

/// One line above a page while critical findings wait at the reader's hospital.
pub fn critical_note(cx: &PageCx, n: usize) -> Markup {
    let w = &cx.words();
    html! { @if n > 0 { (note(Kind::Stop, html! { p { b { (w.f("critical-waiting", args!["n" => n])) } " " a href="/critical" { (w.t("critical-go")) } } })) } }
}
