//! Checking a sealed file that somebody brings, against the keys of the hospitals of this network.

use app::opinions::Report;
use axum::extract::State;
use maud::html;

use super::cases::answer::checks;
use crate::components::form::{self, Errors};
use crate::components::{crumbs, facts, icon};
use crate::frame::{PageCx, PageResult, RouteSpec, Upload, WebState, Who, get, upload};
use crate::shell;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/verify", Who::SignedIn, ask),
        upload("/verify", Who::SignedIn, check),
    ]
}

async fn ask(cx: PageCx) -> PageResult {
    draw(&cx, None, &Errors::default())
}

async fn check(State(state): State<WebState>, cx: PageCx, form: Upload) -> PageResult {
    let part = |name: &str| form.files.iter().find(|f| f.field == name);
    let Some(file) = part("file") else {
        let mut errors = Errors::default();
        errors.add("file", cx.t("verify-choose"));
        return draw(&cx, None, &errors);
    };
    let later = part("stamp").map(|f| f.bytes.as_ref());
    let report = state.app.verify_sealed(&file.bytes, later).await?;
    draw(&cx, Some(&report), &Errors::default())
}

fn draw(cx: &PageCx, report: Option<&Report>, errors: &Errors) -> PageResult {
    let w = &cx.words();
    let show = cx.show();
    let title = w.t("verify-title");
    let main = html! {
        div class="head" { div { (crumbs(w, &[(&title, None)])) h1 { (title) } } }
        (errors.summary(w))
        div class="cols half" {
            form class="card" method="post" action="/verify" enctype="multipart/form-data" {
                (cx.csrf())
                div class="body stack" {
                    p class="prose" { (w.t("verify-lead")) }
                    (form::files("file", &w.t("verify-file"), &w.t("verify-file-hint"), ".json,application/json", false, errors))
                    (form::files("stamp", &w.t("verify-stamp"), &w.t("verify-stamp-hint"), ".tst", false, errors))
                }
                footer class="row" { button class="btn primary" { (icon("check")) (w.t("verify-do")) } }
            }
            @if let Some(report) = report {
                div class="stack" {
                    (checks(cx, report))
                    @if let Some(f) = &report.facts {
                        (facts(&[
                            (w.t("verify-signer"), html! { bdi { (f.signer) } }),
                            (w.t("verify-licence"), html! { (f.licence.as_deref().unwrap_or("—")) }),
                            (w.t("verify-hospital"), html! { bdi { (f.hospital_name) } }),
                            (w.t("verify-when"), html! { (show.at(f.signed_at)) }),
                            (w.t("verify-digest"), html! { span class="id" { (f.document_digest) } }),
                        ]))
                    }
                }
            }
        }
    };
    Ok(shell::page(cx, &title, &main))
}
