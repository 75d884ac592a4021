//! The list of the hospital's own patients, and searching it: by name in any script or pinyin, number or birth date.

use app::records::view::{PatientPage, PatientRow};
use axum::extract::State;
use maud::{Markup, html};

use super::view::{names_for, patient_address, sex_and_age};
use crate::args;
use crate::components::list::{Column, Pager, table};
use crate::components::{icon, state};
use crate::frame::route::{CLINICAL, encode};
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, Who, get};
use crate::shell::Shell;
use crate::show::Show;

const CLINICIAN: Who = Who::Roles(&[app::Role::Clinician]);

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/patients", CLINICIAN, list),
        get("/search", CLINICAL, super::search::search),
    ]
}

async fn list(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let query = cx.query_value("q").unwrap_or_default();
    let after = cx.query_value("after");
    let page = state
        .app
        .patients(cx.cx()?, &query, after.as_deref())
        .await?;
    let title = cx.t("nav-patients");
    Ok(Shell::new(&cx, &title)
        .class("page close")
        .draw(&draw(&cx, &query, &page)))
}

/// The page's content.
pub fn draw(cx: &PageCx, query: &str, page: &PatientPage) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    html! {
        div class="head" {
            div { h1 { (w.t("nav-patients")) } p class="soft" { (w.t("patients-lead")) } }
            div class="row" {
                a class="btn" href="/studies/waiting" { (w.t("waiting-title")) }
                a class="btn" href="/import" { (icon("upload")) (w.t("patients-import")) }
            }
        }
        form class="find whole" role="search" action="/patients" aria-label=(w.t("patients-find")) {
            (icon("search"))
            input type="search" name="q" value=(query) aria-label=(w.t("patients-find")) placeholder=(w.t("patients-find")) autocomplete="off"
                hx-get="/patients" hx-trigger="input changed delay:300ms" hx-target="#patients" hx-select="#patients" hx-swap="outerHTML";
        }
        div id="patients" class="card" aria-live="polite" {
            @if page.rows.is_empty() {
                @if query.is_empty() { (state::empty("people", &w.t("patients-none"), &w.t("patients-none-more"), Some(("/import", &w.t("patients-import"))))) }
                @else { (state::empty("search", &w.t("patients-no-match"), &w.t("patients-no-match-more"), Some(("/import", &w.t("patients-import"))))) }
            } @else {
                (rows(show, &page.rows))
                @if page.too_many { (state::too_many(w, &w.t("patients-too-many"))) }
                (Pager {
                    shown: page.rows.len(),
                    total: None,
                    previous: None,
                    next: page.next.as_ref().map(|n| format!("/patients?q={}&after={}", encode(query), encode(n))),
                }.draw(show))
            }
        }
    }
}

/// The patients as rows, also for the search of everything.
pub fn rows(show: &Show, rows: &[PatientRow]) -> Markup {
    let w = &show.words;
    let columns = [
        Column::new(w.t("patients-name")),
        Column::new(w.t("banner-born")),
        Column::new(w.t("patients-number")),
        Column::new(w.t("patients-cases")),
        Column::number(w.t("patients-updated")),
    ];
    table(
        &w.t("nav-patients"),
        &columns,
        html! { @for r in rows {
            @let (name, others) = names_for(w.lang, r.names.reveal());
            tr {
                td class="main" {
                    a href=(patient_address(&r.key)) { bdi { (name) } } " "
                    span class="soft" { (sex_and_age(show, r.sex, r.age_years.filter(|_| !r.deceased), None)) }
                    @if !others.is_empty() { br; span class="soft" { @for (i, n) in others.iter().enumerate() { @if i > 0 { " · " } bdi { (n) } } } }
                }
                td { @if let Some(born) = r.birth_date.reveal() { (born_line(show, born)) } @if r.deceased { " " span class="chip" { (w.t("patients-deceased")) } } }
                td class="id" { @if let Some(n) = &r.number { (n.value.reveal()) } }
                td { @if r.open_cases > 0 { (w.f("patients-open-cases", args!["n" => r.open_cases])) } @else { span class="faint" { (w.t("none-dash")) } } }
                td class="num soft" { (show.day(show.date_of(r.updated))) }
            }
        } },
    )
}

fn born_line(show: &Show, born: &str) -> String {
    born.parse()
        .map_or_else(|_| show.fhir_date(born), |d| show.date(d))
}
