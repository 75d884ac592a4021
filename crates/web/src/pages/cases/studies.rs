//! The studies that go with a case, chosen among the patient's.

use app::cases::view::CaseView;
use app::viewing::StudyChoice;
use axum::extract::{Path, State};
use kernel::{ErrorCode, Phi, ResourceId};
use maud::{Markup, html};

use super::acts::REFERRING;
use crate::components::form::{Errors, Field, check};
use crate::components::{Kind, chip, crumbs, state};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, get, post, refused};
use crate::pages::images::list::study_row;
use crate::pages::view::{self, case_address, patient_address};
use crate::shell::Shell;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/cases/{hospital}/{id}/studies", REFERRING, page),
        post("/cases/{hospital}/{id}/studies", REFERRING, attach),
    ]
}

async fn page(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let v = state.app.case(cx.cx()?, &key).await?;
    draw(&state, &cx, &v, "", &Errors::default()).await
}

async fn draw(
    state: &WebState,
    cx: &PageCx,
    v: &CaseView,
    text: &str,
    errors: &Errors,
) -> PageResult {
    if !v.can.edit && !v.can.supply_more {
        return Err(PageError::new(ErrorCode::Conflict));
    }
    let choices = state.app.studies_to_attach(cx.cx()?, &v.key).await?;
    let w = &cx.words();
    let show = &cx.show();
    let title = w.t("attach-title");
    let back = back(v);
    let main = html! {
        (crumbs(w, &[(&w.t("nav-cases"), Some("/cases")), (&v.case.number, Some(&back)), (&title, None)]))
        form class="stack" method="post" action={ (case_address(&v.key)) "/studies" } {
            (cx.csrf())
            (errors.summary(w))
            h2 class="step" { (title) }
            p class="prose soft" { (w.t(if v.can.edit { "attach-lead" } else { "attach-lead-more" })) }
            section class="card" id="study" {
                @if choices.is_empty() { (state::empty("image", &w.t("attach-none"), &w.t("attach-none-more"), None)) }
                @else { ul class="readers" { @for c in &choices { (study_row(show, &c.line, "/images", &choice(cx, v, c))) } } }
            }
            @let whole = v.case.request.classes.contains("imaging");
            @if !whole || v.can.edit { (check("to-come", w.t("attach-to-come"), whole, errors)) }
            @else { p class="small soft" { (w.t("attach-to-come-sent")) } }
            @if !v.can.edit {
                (Field::new("text", w.t("supply-text")).hint(w.t("supply-hint")).value(text).errors(errors).area(3))
            }
            div class="row" {
                @if !choices.is_empty() || !whole || v.can.edit { button class="btn primary" { (w.t("attach-keep")) } }
                a class="btn" href=(back) { (w.t("leave-it")) }
            }
        }
    };
    let banner = view::banner(
        cx,
        &v.banner,
        Some(&v.case.number),
        Some(patient_address(&v.banner.key)),
    );
    let mut answer = Shell::new(cx, &title).banner(banner.draw(show)).draw(&main);
    if !errors.is_empty() {
        answer = refused(answer);
    }
    Ok(answer)
}

/// Where one goes from here: the step with the files while the case is written, else the case.
fn back(v: &CaseView) -> String {
    let base = case_address(&v.key);
    if v.can.edit {
        format!("{base}/edit/files")
    } else {
        base
    }
}

fn choice(cx: &PageCx, v: &CaseView, c: &StudyChoice) -> Markup {
    let w = cx.words();
    // What was sent is not called back by this; what goes by its class goes with or without a mark here.
    let fixed = (c.attached && !v.can.edit) || c.by_class;
    html! {
        @if fixed { p { (chip(Kind::Ok, &w.t(if c.by_class { "attach-by-class" } else { "attach-sent" }))) } }
        @if !c.by_class && (!c.attached || v.can.edit) {
            label class="check" { input type="checkbox" name="study" value=(c.line.key.id) checked[c.attached]; span { (w.t("attach-this")) } }
        }
    }
}

async fn attach(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
    fields: Fields,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let v = state.app.case(cx.cx()?, &key).await?;
    let mut chosen = Vec::new();
    for id in fields.all("study") {
        chosen.push(ResourceId::new(id)?);
    }
    let text = Phi::new(fields.get("text").to_owned());
    let whole = fields.get("to-come") == "yes";
    match state
        .app
        .attach_studies(cx.cx()?, &key, &chosen, whole, text)
        .await
    {
        Ok(()) => Ok(done(&back(&v), "attach-kept")),
        Err(e) => {
            let errors = cx.wrong(e)?;
            draw(&state, &cx, &v, fields.get("text"), &errors).await
        }
    }
}
