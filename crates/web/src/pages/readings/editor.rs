//! The report: written with its draft kept, templates and phrases at hand, signed after re-authentication.

use app::AppError;
use app::readings::view::{ReadingView, ReportDesk};
use app::readings::{REPORT_PARTS, ReportAsk, ReportText};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use care::reading::{Kind as ReportKind, Status};
use kernel::{ErrorCode, Phi, RecordKey, limits};
use maud::{Markup, html};

use super::phrases::PHRASES;
use super::{one, reading_address};
use crate::args;
use crate::components::basic::dialog;
use crate::components::form::{Errors, Field};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, WebState, reauth, refused, signbar};
use crate::pages::images::list::{modalities, study_name};
use crate::shell::{Shell, part};

type Address = Path<(String, String)>;

/// The editor, for a first report or for an addendum.
pub fn draw(cx: &PageCx, v: &ReadingView, desk: &ReportDesk, errors: &Errors) -> Markup {
    let w = &cx.words();
    let base = reading_address(&v.key);
    let addendum = v.can.addendum;
    html! {
        form class="card" method="post" action={ (base) "/sign" } data-draft={ (base) "/draft" } aria-labelledby="h-report" {
            (cx.csrf())
            header {
                h2 id="h-report" { (w.t(if addendum { "report-addendum" } else { "report-yours" })) }
                (signbar::kept(cx, desk.kept))
            }
            @if !addendum {
                (helps(cx, &v.key, desk))
                p class="body small soft" { (w.t("phrases-hint")) " " a href=(PHRASES) { (w.t("phrases-title")) } }
            }
            div class="body stack" {
                @for code in REPORT_PARTS {
                    @let text = desk.draft.part(code).map(|t| t.reveal().clone()).unwrap_or_default();
                    @let text = if code == "comparison" && text.is_empty() && desk.kept.is_none() && !addendum { comparison(cx, desk) } else { text };
                    @let rows = match code { "findings" => 6, "impression" => 3, _ => 2 };
                    (Field::new(code, w.word("report", code)).value(text).class("signed").errors(errors).maxlength(limits::TEXT_CHARS_MAX).area(rows))
                }
            }
            (signbar::bar(cx, &base, "report", &w.t("report-sign")))
            (dialog("sign", &w.t("report-sign-title"), false, sign_fields(cx, v, desk, &Errors::default())))
        }
    }
}

/// What the study is compared with, named for a start.
fn comparison(cx: &PageCx, desk: &ReportDesk) -> String {
    let show = &cx.show();
    desk.priors.first().map_or_else(
        || cx.t("report-no-prior"),
        |p| {
            let day = p
                .started
                .as_deref()
                .map(|t| show.fhir_date(t.get(..10).unwrap_or(t)));
            let parts = [Some(modalities(show, p)), Some(study_name(show, p)), day];
            cx.words()
                .list(parts.into_iter().flatten().filter(|t| !t.is_empty()))
        },
    )
}

/// Templates fill what is still empty; phrases and measurements go where one writes.
fn helps(cx: &PageCx, key: &RecordKey, desk: &ReportDesk) -> Markup {
    let w = &cx.words();
    html! {
        div class="toolbar" role="toolbar" aria-label=(w.t("report-tools")) {
            label class="vh" for="template" { (w.t("opinion-template")) }
            select class="input" id="template" data-template {
                option value="" { (w.t("opinion-template")) }
                @for t in &desk.templates { option value=(t.code) data-technique=(t.technique) data-findings=(t.findings) data-impression=(t.impression) data-recommendation=(t.recommendation) { (t.title) } }
            }
            label class="vh" for="phrase" { (w.t("report-phrase")) }
            select class="input" id="phrase" data-phrase="findings" {
                option value="" { (w.t("report-phrase")) }
                @for m in &desk.macros { option value=(m.text) { (m.title) } }
            }
            span hidden data-words-of=(words_of(desk)) data-label=(w.t("report-phrase")) {}
            // Whoever comes back from the viewer finds what was measured there.
            span id="measures" hx-get=(reading_address(key)) hx-select="#measures" hx-target="#measures" hx-swap="outerHTML" hx-trigger="visibilitychange from:document" {
                @if desk.measures.is_empty() { span class="small soft" { (w.t("report-no-measures")) } }
                @else {
                    label class="vh" for="measure" { (w.t("report-measures")) }
                    select class="input" id="measure" data-phrase="findings" {
                        option value="" { (w.t("report-measures")) }
                        @for m in &desk.measures { option value=(m) { (m) } }
                    }
                }
            }
        }
    }
}

/// Words and what they stand for, for the script.
fn words_of(desk: &ReportDesk) -> String {
    let named = desk.macros.iter().filter(|m| !m.word.is_empty());
    let all: Vec<(&str, &str)> = named.map(|m| (m.word.as_str(), m.text.as_str())).collect();
    serde_json::to_string(&all).unwrap_or_default()
}

fn sign_fields(cx: &PageCx, v: &ReadingView, desk: &ReportDesk, errors: &Errors) -> Markup {
    let w = &cx.words();
    html! {
        p { (w.t("report-sign-lead")) }
        p class="small soft" { (w.word("legal", "report")) " " (w.f("sign-responsible", args!["hospital" => &desk.responsible])) @if let Some(l) = &desk.licence { " " (w.f("sign-licence", args!["licence" => l])) } }
        (reauth::fields(cx, errors))
        div class="row" {
            @if v.can.addendum { button class="btn primary" name="kind" value="addendum" { (w.t("report-sign-addendum")) } }
            @else {
                button class="btn primary" name="kind" value="final" { (w.t("report-sign-final")) }
                @if v.status == Status::Claimed { button class="btn" name="kind" value="preliminary" { (w.t("report-sign-preliminary")) } }
            }
            a class="btn" href=(reading_address(&v.key)) data-close { (w.t("sign-write-on")) }
        }
    }
}

fn text_of(cx: &PageCx, f: &Fields) -> ReportText {
    let mut text = ReportText {
        language: cx.look.lang.tag().to_owned(),
        ..ReportText::default()
    };
    for code in REPORT_PARTS {
        if let Some(part) = text.part_mut(code) {
            *part = Phi::new(f.get(code).replace("\r\n", "\n"));
        }
    }
    text
}

pub async fn keep(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
    f: Fields,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let kept = state
        .app
        .keep_report_draft(cx.cx()?, &key, text_of(&cx, &f))
        .await?;
    if cx.is_part {
        let text = cx
            .words()
            .f("draft-kept", args!["time" => cx.show().clock_s(kept)]);
        return Ok(part(html! { (text) }));
    }
    let base = reading_address(&key);
    Ok(match f.get("go") {
        "sign" => Redirect::to(&format!("{base}/sign")).into_response(),
        _ => done(&base, "opinion-draft-kept"),
    })
}

/// Signing as a page of its own, for whoever has no script.
pub async fn sign_page(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let v = state.app.reading(cx.cx()?, &key).await?;
    if !(v.can.report || v.can.addendum) {
        return Ok(Redirect::to(&reading_address(&key)).into_response());
    }
    let desk = state.app.report_desk(cx.cx()?, &key).await?;
    Ok(signing(&cx, &v, &desk, &Errors::default()))
}

fn signing(
    cx: &PageCx,
    v: &ReadingView,
    desk: &ReportDesk,
    errors: &Errors,
) -> axum::response::Response {
    let w = &cx.words();
    let title = w.t("report-sign-title");
    let main = html! {
        h1 { (title) }
        (errors.summary(w))
        form class="card" method="post" action={ (reading_address(&v.key)) "/sign" } {
            (cx.csrf())
            input type="hidden" name="kept" value="1";
            div class="body stack" {
                @for code in REPORT_PARTS { @if let Some(text) = desk.draft.part(code).filter(|t| !t.reveal().is_empty()) {
                    section { h2 { (w.word("report", code)) } p class="signed said" { (text.reveal()) } }
                } }
                (sign_fields(cx, v, desk, errors))
            }
        }
    };
    Shell::new(cx, &title).class("narrow stack").draw(&main)
}

pub async fn sign(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
    f: Fields,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let kind = match f.get("kind") {
        "final" => ReportKind::Final,
        "preliminary" => ReportKind::Preliminary,
        "addendum" => ReportKind::Addendum,
        _ => return Err(PageError::new(ErrorCode::Malformed)),
    };
    // What stands in the form is what is signed; the page of its own signs the kept draft.
    if !f.has("kept") {
        state
            .app
            .keep_report_draft(cx.cx()?, &key, text_of(&cx, &f))
            .await?;
    }
    let ask = ReportAsk {
        reauth: reauth::given(&f),
        kind,
    };
    match state.app.sign_report(cx.cx()?, &key, ask).await {
        Ok(report) => Ok(done(&format!("/reports/{report}"), "report-signed-told")),
        Err(e @ AppError::Rejected { .. }) => one::draw(&state, &cx, &key, &cx.wrong(e)?).await,
        Err(e) => {
            let errors = cx.wrong(e)?;
            let v = state.app.reading(cx.cx()?, &key).await?;
            let desk = state.app.report_desk(cx.cx()?, &key).await?;
            Ok(refused(signing(&cx, &v, &desk, &errors)))
        }
    }
}
