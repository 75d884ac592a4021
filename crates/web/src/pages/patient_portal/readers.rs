//! Who read my record, for what, and where it went across borders.

use app::audit::ReaderRow;
use axum::extract::State;
use maud::{Markup, html};

use super::{draw, linked};
use crate::args;
use crate::components::{Kind, chip, state};
use crate::frame::{PageCx, PageError, PageResult, WebState};
use crate::pages::why::hospital_name;

async fn all(state: &WebState, cx: &PageCx) -> Result<Vec<ReaderRow>, PageError> {
    let mut rows = Vec::new();
    for (hospital, patient) in linked(cx)? {
        rows.extend(state.app.readers(cx.cx()?, &hospital, &patient).await?);
    }
    rows.sort_by_key(|r| std::cmp::Reverse(r.last));
    Ok(rows)
}

/// The newest readings, for the first page.
pub async fn latest(state: &WebState, cx: &PageCx, n: usize) -> Result<Markup, PageError> {
    let w = cx.words();
    let rows = all(state, cx).await?;
    Ok(html! {
        section class="stack tightly" aria-labelledby="h-r" { h2 id="h-r" { (w.t("me-who-read")) }
            div class="card" {
                @if rows.is_empty() { p class="body soft" { (w.t("me-nobody-read")) } }
                @else { ol class="readers" { @for r in rows.iter().take(n) { li { (line(state, cx, r)) } } } }
                footer class="row apart" { a href="/me/readers" { (w.f("me-all-readings", args!["n" => rows.len()])) } a href="/me/consents" { (w.t("me-who-may")) } }
            }
        }
    })
}

fn line(state: &WebState, cx: &PageCx, r: &ReaderRow) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let role = r
        .roles
        .first()
        .and_then(|role| w.word_if("role", role))
        .unwrap_or_default();
    let place = r
        .hospital
        .as_ref()
        .map(|h| hospital_name(state, cx, h))
        .unwrap_or_default();
    let kinds: Vec<String> = r
        .kinds
        .iter()
        .filter_map(|k| w.word_if("kind", k))
        .collect();
    let purpose = r
        .roles
        .first()
        .and_then(|role| w.word_if("me-purpose", role));
    html! {
        p class="row apart" { b { bdi { (r.name) } } span class="xs soft" { (show.day_at(r.last)) } }
        p class="small soft" { (place) @if !role.is_empty() { ", " (role) } @if r.emergency { " " (chip(Kind::Warn, &w.t("me-emergency"))) } }
        p class="small" { @if !kinds.is_empty() { (w.list(kinds)) ". " } @if let Some(p) = purpose { (p) } }
    }
}

pub async fn page(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = cx.words();
    let show = cx.show();
    let rows = all(&state, &cx).await?;
    let mut abroad = Vec::new();
    for (hospital, patient) in linked(&cx)? {
        abroad.extend(state.app.disclosures(cx.cx()?, &hospital, &patient).await?);
    }
    let title = w.t("me-who-read");
    let main = html! {
        div class="stack tightly" { h1 { (title) } p class="soft" { (w.t("me-readers-lead")) } }
        div class="card" {
            @if rows.is_empty() { (state::empty("people", &w.t("me-nobody-read"), &w.t("me-nobody-read-more"), None)) }
            @else { ol class="readers" { @for r in &rows { li { (line(&state, &cx, r)) } } } }
        }
        @if !abroad.is_empty() { section class="stack tightly" aria-labelledby="h-b" { h2 id="h-b" { (w.t("me-abroad")) }
            div class="card" { ol class="readers" { @for e in &abroad { li {
                p class="row apart" { b { (match &e.recipient { Some(h) => hospital_name(&state, &cx, h), None => w.t("border-by-link") }) } span class="xs soft" { (show.day_at(e.at)) } }
                p class="small soft" { (w.word_if("country", &e.destination.to_lowercase()).unwrap_or_else(|| e.destination.clone())) ", " (w.word("purpose", e.purpose.as_str())) }
            } } } }
        } }
    };
    Ok(draw(&cx, &title, None, &main))
}
