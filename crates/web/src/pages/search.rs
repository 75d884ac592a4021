//! `/search`: one field for patients, cases and people. Pinyin works: folding is the store's.

use axum::extract::State;
use maud::html;

use super::cases::list::{Place, rows as case_rows};
use super::patients::rows as patient_rows;
use crate::args;
use crate::components::state;
use crate::frame::{PageCx, PageResult, WebState};
use crate::shell::Shell;

pub async fn search(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = &cx.words();
    let show = &cx.show();
    let query = cx.query_value("q").unwrap_or_default();
    let patients = if cx.has(app::Role::Clinician) && !query.is_empty() {
        state.app.patients(cx.cx()?, &query, None).await?.rows
    } else {
        Vec::new()
    };
    let cases = super::cases::list::find(&state, &cx, &query).await?;
    let title = w.t("search-title");
    let main = html! {
        div class="head" { div {
            h1 { (title) }
            p class="soft" { (w.f("search-found", args!["n" => patients.len() + cases.len(), "query" => &query])) }
        } }
        @if patients.is_empty() && cases.is_empty() {
            div class="card" { (state::empty("search", &w.t("search-none"), &w.t("search-none-more"), None)) }
        }
        @if !patients.is_empty() { section class="stack tightly" { h2 { (w.t("search-patients")) } div class="card" { (patient_rows(show, &patients)) } } }
        @if !cases.is_empty() { section class="stack tightly" { h2 { (w.t("nav-cases")) } div class="card" { (case_rows(&cx, &cases, Place::Cases, None)) } } }
    };
    Ok(Shell::new(&cx, &title).class("page close").draw(&main))
}
