//! "What may X see?": the rules tried out on behalf of someone else.

use agreements::{Reason, Role};
use app::access::WhatIf;
use axum::extract::State;
use kernel::{HospitalId, ResourceId};
use maud::{Markup, html};

use crate::components::form::{Errors, Field};
use crate::components::list::{Column, table};
use crate::components::{crumbs, icon};
use crate::frame::{PageCx, PageResult, WebState};
use crate::pages::why;
use crate::shell::Shell;

const ROLES: &[Role] = &[
    Role::Consultant,
    Role::Coordinator,
    Role::Clinician,
    Role::Administrator,
];

pub async fn page(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = cx.words();
    let own = cx.cx()?.hospital()?.clone();
    let hospitals: Vec<(String, String)> = state
        .app
        .all_hospitals()
        .iter()
        .map(|h| (h.id.to_string(), h.name(w.lang.tag()).to_owned()))
        .collect();
    let roles: Vec<(String, String)> = ROLES
        .iter()
        .map(|r| (r.as_str().to_owned(), w.word("role", r.as_str())))
        .collect();
    let reader = cx.query_value("reader");
    let role = cx
        .query_value("role")
        .unwrap_or_else(|| "consultant".into());
    let patient = cx.query_value("patient").unwrap_or_default();
    let custodian = cx
        .query_value("custodian")
        .unwrap_or_else(|| own.to_string());
    let answer = match &reader {
        Some(reader) => {
            let ask = WhatIf {
                custodian: HospitalId::new(&custodian).map_err(app::AppError::from)?,
                reader: HospitalId::new(reader).map_err(app::AppError::from)?,
                role: ROLES
                    .iter()
                    .copied()
                    .find(|r| r.as_str() == role)
                    .unwrap_or(Role::Consultant),
                patient: ResourceId::new(&patient).ok(),
            };
            Some(state.app.explain_access(cx.cx()?, &ask).await?)
        }
        None => None,
    };
    let none = Errors::default();
    let title = w.t("agr-explain");
    let main = html! {
        (crumbs(&w, &[(&w.t("nav-agreements"), Some("/agreements")), (&title, None)]))
        div class="stack tightly" { h1 { (title) } p class="soft prose" { (w.t("agr-explain-lead")) } }
        form class="card" method="get" action="/agreements/explain" { div class="body stack" {
            div class="cols quarter tight" {
                (Field::new("reader", w.t("agr-explain-reader")).value(reader.clone().unwrap_or_default()).errors(&none).select(&hospitals))
                (Field::new("role", w.t("agr-explain-role")).value(&role).errors(&none).select(&roles))
                (Field::new("custodian", w.t("agr-explain-custodian")).value(&custodian).errors(&none).select(&hospitals))
                (Field::new("patient", w.t("agr-explain-patient")).hint(w.t("agr-explain-patient-hint")).value(&patient).errors(&none).input())
            }
            div class="row" { button class="btn primary" { (w.t("agr-explain-ask")) } }
        } }
        @if let Some(answer) = &answer { (answers(&state, &cx, answer)) }
    };
    Ok(Shell::new(&cx, &title).class("page close").draw(&main))
}

fn answers(state: &WebState, cx: &PageCx, all: &[app::access::Explained]) -> Markup {
    let w = cx.words();
    let columns = [
        Column::new(w.t("agr-explain-class")),
        Column::new(w.t("agr-explain-answer")),
        Column::new(w.t("permit-reason")),
    ];
    let rows = all.iter().map(|e| {
        let reasons: Vec<String> = e
            .decision
            .reasons
            .iter()
            .map(Reason::words)
            .map(|r| why::sentence(state, cx, &r))
            .collect();
        (e.class, e.decision.allowed, reasons)
    });
    html! {
        div class="card" aria-live="polite" {
            (table(&w.t("agr-explain"), &columns, html! {
                @for (class, allowed, reasons) in rows {
                    tr {
                        td class="main" { (w.word("class", class.as_str())) @if class.is_sensitive() { " " span class="chip" { (w.t("agr-sensitive-chip")) } } }
                        td { @if allowed { span class="ok" { (icon("check")) " " (w.t("agr-yes")) } } @else { span class="no" { (icon("x")) " " (w.t("agr-no")) } } }
                        td class="soft" { @for (i, r) in reasons.iter().enumerate() { @if i > 0 { br; } (r) } }
                    }
                }
            }))
        }
    }
}
