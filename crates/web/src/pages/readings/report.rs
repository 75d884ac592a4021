//! The signed report: read, checked, kept as PDF or sealed file.

use app::AppError;
use app::opinions::PRINT_LANGUAGES;
use app::readings::view::ReportView;
use axum::extract::{Path, State};
use kernel::{RecordKey, ResourceId};
use maud::{Markup, html};

use super::reading_address;
use crate::args;
use crate::components::{Kind, chip_icon, icon};
use crate::frame::{PageCx, PageError, PageResult, WebState, download};
use crate::pages::cases::answer::checks;
use crate::pages::images::list::{modalities, study_address, study_name};
use crate::pages::view::{self, patient_address};
use crate::shell::Shell;

pub async fn page(
    State(state): State<WebState>,
    Path(report): Path<String>,
    cx: PageCx,
) -> PageResult {
    let id = ResourceId::new(&report)?;
    let v = state.app.report(cx.cx()?, &id).await?;
    let w = &cx.words();
    let show = &cx.show();
    // The patient is shown for as long as the reader may know them; a report stays its hospital's own.
    let banner = match state.app.banner(cx.cx()?, &v.patient).await {
        Ok(banner) => Some(banner),
        Err(AppError::NotFound | AppError::Gone) => None,
        Err(e) => return Err(e.into()),
    };
    let own = cx.cx()?.hospital()? == &v.patient.hospital;
    let href = own.then(|| patient_address(&v.patient));
    let title = w.word("report-kind", v.kind.as_str());
    let main = html! {
        div class="cols aside" {
            div class="stack" { (letter(&cx, &v, "/reports")) }
            aside class="stack" {
                (keep_card(&cx, &v, "/reports"))
                (checks(&cx, &v.report))
                @if let Some(study) = &v.study { section class="card" { div class="body stack tightly" {
                    p { b { (modalities(show, study)) } " " bdi { (study_name(show, study)) } }
                    a class="btn" href=(study_address(&study.key)) { (icon("image")) (w.t("reading-images")) }
                    a class="small" href=(reading_address(&v.reading)) { (w.t("reading-open")) }
                } } }
            }
        }
    };
    let mut shell = Shell::new(&cx, &title).watch(format!("record-{}", v.reading.id));
    if let Some(banner) = banner {
        shell = shell.banner(view::banner(&cx, &banner, None, href).draw(show));
    }
    Ok(shell.draw(&main))
}

/// The text as it was signed. `reports` is where this reader opens reports.
pub fn letter(cx: &PageCx, v: &ReportView, reports: &str) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    html! {
        article class="card doc letter stack" aria-labelledby="h-letter" {
            div class="row apart" {
                div class="stack none" {
                    p class="label" { (w.word("report-kind", v.kind.as_str())) }
                    h2 id="h-letter" { bdi { (v.author_name) } }
                    p class="small soft" { (w.list([v.role.as_str(), v.hospital.name.as_str()].into_iter().filter(|t| !t.is_empty()))) @if let Some(l) = &v.licence { " · " (w.f("sign-licence", args!["licence" => l])) } }
                }
                div class="end" { (chip_icon(Kind::Ok, "sign", w.f("answer-signed", args!["when" => show.day_at(v.signed)]))) }
            }
            @if let Some(study) = &v.study { p class="small soft" {
                (modalities(show, study)) " · " bdi { (study_name(show, study)) } @if let Some(when) = &study.started { " · " (show.fhir_date(when.get(..10).unwrap_or(when))) }
            } }
            @for s in &v.sections { section { h3 { (w.word("report", &s.code)) } p class="signed said" lang=(s.language) dir="auto" { (s.text.reveal()) } } }
            div class="small soft stack tightly under" {
                @if let Some(earlier) = &v.addendum_to { p { a href={ (reports) "/" (earlier) } { (w.t("report-follows")) } } }
                p { (w.word("legal", v.legal.as_str())) " " (w.f("sign-responsible", args!["hospital" => &v.responsible])) }
            }
        }
    }
}

/// Ways to keep the report: as a PDF in each language, as the sealed file that anybody can check.
pub fn keep_card(cx: &PageCx, v: &ReportView, reports: &str) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let base = format!("{reports}/{}", v.id);
    html! {
        section class="card" aria-labelledby="h-keep" {
            header { h2 id="h-keep" { (w.t("answer-keep")) } }
            div class="body stack tightly" {
                a class="btn" href={ (base) "/pdf/" (w.lang.tag()) } { (icon("print")) (w.t("answer-pdf")) }
                ul class="row small" { @for tag in PRINT_LANGUAGES.iter().map(|(t, _)| t).filter(|t| **t != w.lang.tag()) {
                    li { a href={ (base) "/pdf/" (tag) } hreflang=(tag) { (view::language(show, tag)) } }
                } }
                a class="small" href={ (base) "/file" } { (icon("download")) " " (w.t("answer-file")) }
                a class="small" href="/verify" { (w.t("verify-title")) }
            }
        }
    }
}

pub async fn pdf(
    State(state): State<WebState>,
    Path((report, language)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    pdf_of(&state, &cx, &report, &language).await
}

/// The report as a PDF, for whoever may read it.
pub async fn pdf_of(state: &WebState, cx: &PageCx, report: &str, language: &str) -> PageResult {
    if !PRINT_LANGUAGES.iter().any(|(t, _)| *t == language) {
        return Err(PageError::not_found());
    }
    let id = ResourceId::new(report)?;
    let bytes = state.app.report_pdf(cx.cx()?, &id, language).await?;
    Ok(download(
        bytes,
        "application/pdf",
        "inline; filename=\"report.pdf\"",
    ))
}

pub async fn file(
    State(state): State<WebState>,
    Path(report): Path<String>,
    cx: PageCx,
) -> PageResult {
    file_of(&state, &cx, &report).await
}

/// The sealed file, for whoever may read the report.
pub async fn file_of(state: &WebState, cx: &PageCx, report: &str) -> PageResult {
    let id = ResourceId::new(report)?;
    let bytes = state.app.report_file(cx.cx()?, &id).await?;
    Ok(download(
        bytes,
        "application/json",
        "attachment; filename=\"report.karez.json\"",
    ))
}

/// Ways to the signed reports behind an entry of the record, where it is a report of ours.
pub async fn entry_reports(
    state: &WebState,
    cx: &PageCx,
    entry: &RecordKey,
) -> Result<Markup, PageError> {
    if entry.kind.as_str() != "DiagnosticReport" {
        return Ok(html! {});
    }
    let own = cx.cx()?.hospital()? == &entry.hospital;
    let reports = if own {
        state.app.report_of_entry(cx.cx()?, entry).await?
    } else {
        Vec::new()
    };
    Ok(
        html! { @for id in reports.iter().rev() { p { a class="btn" href={ "/reports/" (id) } { (icon("sign")) (cx.t("report-open-signed")) } } } },
    )
}
