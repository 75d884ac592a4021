//! The audit for those who answer for it: entries, export, chain, emergency access, borders, corrections.

mod border;
mod corrections;
mod reviews;

use app::Role;
use app::audit::{AuditAsk, AuditRow, ExportFormat};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use jiff::civil::Date;
use kernel::{AccountId, Instant, ResourceId};
use maud::{Markup, html};

use super::why::hospital_name;
use crate::args;
use crate::components::basic::{Tab, tabs};
use crate::components::form::{Errors, Field};
use crate::components::list::{Column, Pager, table};
use crate::components::{Kind, chip, icon, note, state};
use crate::frame::route::encode;
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, Who, get, post};
use crate::shell::Shell;

pub(super) const ADMIN: Who = Who::Roles(&[Role::Administrator]);

pub fn routes() -> Vec<RouteSpec> {
    let mut all = vec![
        get("/audit", ADMIN, list),
        get("/audit/export", ADMIN, export),
        get("/audit/chain", ADMIN, chain),
        get("/audit/break-glass", ADMIN, reviews::page),
        post("/audit/break-glass/{id}", ADMIN, reviews::review),
        post(
            "/audit/emergency-consents/{id}",
            ADMIN,
            reviews::review_consent,
        ),
        get("/audit/border", ADMIN, border::page),
        get("/audit/corrections", ADMIN, corrections::list),
    ];
    all.extend(corrections::routes());
    all
}

/// The tabs over every page of this part.
pub(super) fn ways(cx: &PageCx, here: &str) -> Markup {
    let w = cx.words();
    let all: Vec<Tab> = [
        ("/audit", "audit-tab-entries"),
        ("/audit/break-glass", "audit-tab-emergency"),
        ("/audit/border", "audit-tab-border"),
        ("/audit/corrections", "audit-tab-corrections"),
        ("/audit/chain", "audit-tab-chain"),
    ]
    .into_iter()
    .map(|(href, key)| Tab {
        href: href.to_owned(),
        text: w.t(key),
        count: None,
        on: href == here,
    })
    .collect();
    tabs(&w.t("nav-audit"), &all)
}

fn ask_of(cx: &PageCx) -> AuditAsk {
    let zone = cx.cx().map_or(jiff::tz::TimeZone::UTC, |c| c.zone.clone());
    let start = |day: Date| day.to_zoned(zone.clone()).ok().map(|z| z.timestamp());
    let day = |name: &str| cx.query_value(name).and_then(|t| t.parse::<Date>().ok());
    AuditAsk {
        account: cx
            .query_value("person")
            .and_then(|t| AccountId::new(t).ok()),
        patient: cx
            .query_value("patient")
            .and_then(|t| ResourceId::new(t).ok()),
        action: cx.query_value("action"),
        from: day("from").and_then(start),
        until: day("until").and_then(|d| d.tomorrow().ok()).and_then(start),
        before: cx.query_value("before").and_then(|t| t.parse().ok()),
    }
}

/// The filter as a query, without the place in the list.
fn query_of(cx: &PageCx) -> String {
    ["person", "patient", "action", "from", "until"]
        .iter()
        .filter_map(|name| Some(format!("{name}={}", encode(&cx.query_value(name)?))))
        .collect::<Vec<_>>()
        .join("&")
}

async fn list(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = cx.words();
    let show = cx.show();
    let ask = ask_of(&cx);
    let page = state.app.audit_page(cx.cx()?, &ask).await?;
    let own = cx.cx()?.hospital()?.clone();
    let mut people = vec![(String::new(), w.t("audit-anyone"))];
    let language = cx.cx()?.language;
    people.extend(state.app.people_at(&own, None).await?.into_iter().map(|p| {
        let name = p.name_for(language).to_owned();
        (p.account.to_string(), name)
    }));
    let none = Errors::default();
    let value = |name: &str| cx.query_value(name).unwrap_or_default();
    let query = query_of(&cx);
    let title = w.t("nav-audit");
    let main = html! {
        div class="head" {
            div { h1 { (title) } p class="soft" { (w.t("audit-lead")) } }
            div class="row" {
                a class="btn" href={ "/audit/export?format=csv&" (query) } { (icon("download")) (w.t("audit-csv")) }
                a class="btn" href={ "/audit/export?format=ndjson&" (query) } { (icon("download")) (w.t("audit-ndjson")) }
            }
        }
        (ways(&cx, "/audit"))
        form class="card" method="get" action="/audit" aria-label=(w.t("list-filter")) { div class="body stack" {
            div class="cols quarter tight" {
                (Field::new("person", w.t("audit-person")).value(value("person")).errors(&none).select(&people))
                (Field::new("patient", w.t("audit-patient")).value(value("patient")).errors(&none).input())
                (Field::new("from", w.t("audit-from")).kind("date").value(value("from")).errors(&none).input())
                (Field::new("until", w.t("audit-until")).kind("date").value(value("until")).errors(&none).input())
            }
            div class="row" { button class="btn primary" { (w.t("list-apply")) } a class="btn" href="/audit" { (w.t("audit-clear")) } }
        } }
        div class="card" {
            @if page.rows.is_empty() { (state::empty("search", &w.t("audit-none"), &w.t("audit-none-more"), None)) }
            @else {
                (entries(&state, &cx, &page.rows))
                (Pager { shown: page.rows.len(), total: None, previous: None, next: page.next.map(|n| format!("/audit?{query}&before={n}")) }.draw(&show))
            }
        }
    };
    Ok(Shell::new(&cx, &title).class("page").draw(&main))
}

/// What was done, in words where there are some.
pub(super) fn action_words(cx: &PageCx, action: &str) -> String {
    let key = action.replace('.', "-");
    cx.words()
        .word_if("did", &key)
        .unwrap_or_else(|| action.to_owned())
}

fn entries(state: &WebState, cx: &PageCx, rows: &[AuditRow]) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let columns = [
        Column::number(w.t("audit-number")),
        Column::new(w.t("audit-when")),
        Column::new(w.t("audit-who")),
        Column::new(w.t("audit-what")),
        Column::new(w.t("audit-about")),
        Column::new(w.t("audit-ground")),
    ];
    let hospital = |slug: &str| {
        kernel::HospitalId::new(slug)
            .map_or_else(|_| slug.to_owned(), |h| hospital_name(state, cx, &h))
    };
    table(
        &w.t("nav-audit"),
        &columns,
        html! { @for r in rows {
            tr {
                td class="num faint" { (r.number) }
                td { (show.at(r.at)) }
                td class="main" { bdi { (r.name) } @if let Some(h) = &r.hospital { br; span class="soft small" { (hospital(h)) } } }
                td { (action_words(cx, &r.action)) @if r.denied { " " (chip(Kind::Stop, &w.t("audit-denied"))) } }
                td class="small" {
                    @for (h, what) in r.subjects.iter().take(3) { span class="id" { (what) } " " span class="soft" { (hospital(h)) } br; }
                    @if r.subjects.len() > 3 { span class="soft" { (w.f("audit-more", args!["n" => r.subjects.len() - 3])) } }
                    @else if r.subjects.is_empty() && r.patient.is_some() { span class="id" { (r.patient.as_ref().map(ToString::to_string).unwrap_or_default()) } }
                }
                td class="small soft" { (r.ground.clone().unwrap_or_default()) }
            }
        } },
    )
}

async fn export(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let (format, name) = match cx.query_value("format").as_deref() {
        Some("ndjson") => (ExportFormat::Ndjson, "audit.ndjson"),
        _ => (ExportFormat::Csv, "audit.csv"),
    };
    let bytes = state
        .app
        .audit_export(cx.cx()?, &ask_of(&cx), format)
        .await?;
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, bytes).into_response())
}

async fn chain(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = cx.words();
    let verdict = state.app.verify_own_audit(cx.cx()?).await?;
    let head: String = verdict
        .report
        .head
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let at: Instant = cx.now;
    let title = w.t("audit-tab-chain");
    let rows = [
        (
            w.t("audit-chain-entries"),
            html! { (cx.show().number(verdict.report.entries)) },
        ),
        (
            w.t("audit-chain-checkpoints"),
            html! { (verdict.checkpoints) },
        ),
        (
            w.t("audit-chain-head"),
            html! { span class="id anywhere" { (head) } },
        ),
        (w.t("audit-chain-at"), html! { (cx.show().at(at)) }),
    ];
    let main = html! {
        div class="head" { div { h1 { (w.t("nav-audit")) } p class="soft" { (w.t("audit-chain-lead")) } } }
        (ways(&cx, "/audit/chain"))
        @if verdict.is_sound() { (note(Kind::Ok, html! { p { (w.t("audit-chain-sound")) } })) }
        @else { (note(Kind::Stop, html! { p { (w.t("audit-chain-broken")) " "
            @if let Some(n) = verdict.report.broken_at { (w.f("audit-chain-broken-at", args!["n" => n])) }
            @if let Some((keeper, n)) = &verdict.contradicts { (w.f("audit-chain-contradicts", args!["keeper" => hospital_name(&state, &cx, keeper), "n" => *n])) } } })) }
        div class="card" { div class="body" { (crate::components::facts(&rows)) } }
    };
    Ok(Shell::new(&cx, &title).class("page").draw(&main))
}
