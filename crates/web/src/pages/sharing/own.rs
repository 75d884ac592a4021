//! The patient's own report of a study: text, PDF, and the sealed file with what a check of it says.

use axum::extract::{Path, State};
use kernel::ResourceId;
use maud::{Markup, html};

use crate::components::{Kind, chip_icon, icon};
use crate::frame::{PageCx, PageError, PageResult, WebState};
use crate::pages::cases::answer::checks;
use crate::pages::patient_portal;
use crate::pages::readings::report::{keep_card, letter};

pub async fn page(
    State(state): State<WebState>,
    Path(report): Path<String>,
    cx: PageCx,
) -> PageResult {
    let id = ResourceId::new(&report)?;
    let v = state.app.report(cx.cx()?, &id).await?;
    let w = cx.words();
    let title = w.word("report-kind", v.kind.as_str());
    let main = html! {
        p class="small" { a href="/me/images" { (w.t("me-images")) } }
        h1 { (title) }
        (letter(&cx, &v, "/me/reports"))
        @if let Some(study) = &v.study { p { a class="btn" href={ "/me/images/" (study.key.hospital) "/" (study.key.id) } { (icon("image")) (w.t("reading-images")) } } }
        (keep_card(&cx, &v, "/me/reports"))
        (checks(&cx, &v.report))
    };
    Ok(patient_portal::draw(&cx, &title, None, &main))
}

/// Ways to the reports of a study that stand.
pub async fn reports(
    state: &WebState,
    cx: &PageCx,
    study: &kernel::RecordKey,
    reports: &str,
) -> Result<Markup, PageError> {
    let w = cx.words();
    let found = state.app.final_reports(cx.cx()?, study).await?;
    Ok(html! {
        @for r in &found { p class="row" {
            a class="btn" href={ (reports) "/" (r.id) } { (icon("sign")) (w.word("report-kind", r.kind.as_str())) }
            (chip_icon(Kind::Ok, "sign", cx.show().day_at(r.signed)))
        } }
    })
}
