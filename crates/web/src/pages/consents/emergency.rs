//! Break-glass: asked for on the patient's address, told to the administrators, at most four hours.

use app::AppError;
use axum::extract::Path;
use axum::extract::State;
use maud::html;

use super::patient_key;
use crate::components::form::{Errors, Field};
use crate::components::{Kind, icon, note};
use crate::frame::form::Fields;
use crate::frame::route::CLINICAL;
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, flash, get, post};
use crate::shell::Shell;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/patients/{hospital}/{id}/break-glass", CLINICAL, page),
        post("/patients/{hospital}/{id}/break-glass", CLINICAL, open),
    ]
}

async fn page(Path((hospital, id)): Path<(String, String)>, cx: PageCx) -> PageResult {
    draw(&cx, &hospital, &id, "", &Errors::default())
}

fn draw(cx: &PageCx, hospital: &str, id: &str, reason: &str, errors: &Errors) -> PageResult {
    let w = cx.words();
    patient_key(hospital, id)?;
    let title = w.t("glass-title");
    let main = html! {
        div class="stack prose" {
            h1 { (title) }
            (note(Kind::Warn, html! { p { (w.t("glass-lead")) } }))
            (errors.summary(&w))
            form class="stack" method="post" action={ "/patients/" (hospital) "/" (id) "/break-glass" } {
                (cx.csrf())
                (Field::new("reason", w.t("glass-reason")).hint(w.t("glass-reason-hint")).value(reason).maxlength(2000).required().errors(errors).area(3))
                div class="row" { button class="btn danger" { (icon("lock")) (w.t("glass-open")) } a class="btn" href="/" { (w.t("agr-back")) } }
            }
        }
    };
    Ok(Shell::new(cx, &title).class("page close").draw(&main))
}

async fn open(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
    fields: Fields,
) -> PageResult {
    let key = patient_key(&hospital, &id)?;
    let reason = fields.get("reason");
    let opened = state
        .app
        .break_glass(cx.cx()?, &key.hospital, &key.id, reason)
        .await;
    match opened {
        Ok(_) => {
            let to = crate::pages::view::patient_address(&key);
            Ok(flash::done(&to, "glass-opened"))
        }
        Err(e @ AppError::Invalid(_)) => {
            let errors = cx.wrong(e)?;
            draw(&cx, &hospital, &id, reason, &errors)
        }
        Err(e) => Err(e.into()),
    }
}
