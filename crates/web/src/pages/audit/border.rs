//! The border ledger of one year: persons per destination against the law's thresholds, and every crossing.

use agreements::border::regimes_of;
use axum::extract::State;
use maud::html;

use super::ways;
use crate::args;
use crate::components::basic::progress;
use crate::components::list::{Column, table};
use crate::components::{Kind, note, state};
use crate::frame::{PageCx, PageResult, WebState};
use crate::pages::why::hospital_name;
use crate::shell::Shell;

/// Crossings shown on the page; the export of the audit holds all.
const SHOWN: usize = 200;

pub async fn page(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = cx.words();
    let show = cx.show();
    let this_year = show.date_of(cx.now).year();
    let year: i16 = cx
        .query_value("year")
        .and_then(|y| y.parse().ok())
        .unwrap_or(this_year);
    let ledger = state.app.border_ledger(cx.cx()?, year).await?;
    let country = |code: &str| {
        w.word_if("country", &code.to_lowercase())
            .unwrap_or_else(|| code.to_owned())
    };
    let columns = [
        Column::new(w.t("audit-when")),
        Column::new(w.t("border-to")),
        Column::new(w.t("border-purpose")),
        Column::new(w.t("border-classes")),
        Column::new(w.t("border-ground")),
    ];
    let title = w.t("audit-tab-border");
    let main = html! {
        div class="head" { div { h1 { (w.t("nav-audit")) } p class="soft" { (w.t("border-lead")) } }
            div class="row" { a class="btn" href={ "/audit/border?year=" (year - 1) } { (year - 1) } span class="soft" { b { (year) } } @if year < this_year { a class="btn" href={ "/audit/border?year=" (year + 1) } { (year + 1) } } } }
        (ways(&cx, "/audit/border"))
        @if ledger.destinations.is_empty() { div class="card" { (state::empty("globe", &w.t("border-none"), &w.t("border-none-more"), None)) } }
        @else {
            div class="cols half tight" { @for d in &ledger.destinations {
                section class="card" { header { h2 { (country(&d.destination)) } }
                    div class="body stack tightly" {
                        p { (w.f("border-persons", args!["n" => d.counts.persons])) " " span class="soft" { (w.f("border-sensitive", args!["n" => d.counts.sensitive])) } }
                        @for n in &d.notices { (note(if n.reached { Kind::Warn } else { Kind::Plain }, html! { p { (w.f(if n.reached { "border-reached" } else { "border-near" }, args!["count" => n.count, "limit" => n.threshold.persons, "due" => w.word("due", n.threshold.due)])) " " span class="soft" { (n.threshold.clause) } } })) }
                    }
                }
            } }
            section class="stack tightly" aria-labelledby="h-l" { h2 id="h-l" { (w.t("border-thresholds")) }
                div class="card" { div class="body stack" {
                    @for regime in regimes_of(&ledger.exporter) { div class="stack tightly" { h3 { (regime.law) }
                        @if let Some(law) = regime.separate_consent { p class="small" { (w.f("border-consent-law", args!["law" => law])) } }
                        @if let Some(years) = regime.accounting_years { p class="small" { (w.f("border-accounting", args!["n" => usize::from(years)])) } }
                        @for t in regime.thresholds {
                            @let all = ledger.destinations.iter().filter(|d| t.destinations.is_empty() || t.destinations.contains(&d.destination.as_str())).map(|d| if t.sensitive_only { d.counts.sensitive } else { d.counts.persons }).sum::<u64>();
                            @let label = w.f("border-threshold", args!["limit" => t.persons, "due" => w.word("due", t.due)]);
                            div class="row apart small" { span { (label) " " span class="soft" { (t.clause) } } (progress(all.min(t.persons), t.persons, &label)) }
                        }
                    } }
                } }
            }
            div class="card" { (table(&title, &columns, html! { @for e in ledger.entries.iter().take(SHOWN) {
                tr {
                    td { (show.at(e.at)) }
                    td class="main" { (match &e.recipient { Some(h) => hospital_name(&state, &cx, h), None => w.t("border-by-link") }) br; span class="soft small" { (country(&e.destination)) } }
                    td { (w.word("purpose", e.purpose.as_str())) }
                    td class="small" { (w.list(e.classes.iter().map(|c| w.word("class", c.as_str())))) }
                    td class="small" { @if let Some(agreement) = &e.agreement { a href={ "/agreements/" (agreement) } { (w.t("permit-agreement")) } } @if e.link.is_some() { (w.t("border-link-ground")) } @if let Some(case) = &e.case { " · " a href={ "/cases/" (e.custodian) "/" (case) } { (w.t("agr-case")) } } }
                }
            } })) }
        }
    };
    Ok(Shell::new(&cx, &title).class("page").draw(&main))
}
