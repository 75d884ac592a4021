//! `/invitation/{token}`: an invited person sets a password and begins.

use app::AppError;
use app::accounts::NewWayIn;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use kernel::Phi;
use maud::html;

use super::{Asker, begin, gate};
use crate::args;
use crate::components::form::{Errors, Field};
use crate::components::{Kind, note};
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, Who, get, post, refused};
use crate::words::Lang;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/invitation/{token}", Who::Anyone, show),
        post("/invitation/{token}", Who::Anyone, accept),
    ]
}

async fn show(State(state): State<WebState>, cx: PageCx, Path(token): Path<String>) -> PageResult {
    draw(&state, &cx, &token, &Errors::default()).await
}

async fn draw(state: &WebState, cx: &PageCx, token: &str, errors: &Errors) -> PageResult {
    let w = cx.words();
    let view = match state.app.invitation(token).await {
        Ok(view) => view,
        Err(AppError::NotFound) => return Ok(over(cx)),
        Err(e) => return Err(e.into()),
    };
    let hospital = view
        .hospital
        .as_ref()
        .and_then(|h| state.app.hospital(h))
        .map(|h| h.name(w.lang.tag()).to_owned())
        .unwrap_or_else(|| w.t("product"));
    let title = w.t(if view.renewal {
        "invitation-renew"
    } else {
        "invitation-title"
    });
    let main = html! {
        div class="stack" {
            div class="stack tightly" {
                h1 { (title) }
                p class="soft prose" { (w.f("invitation-lead", args!["name" => view.name, "hospital" => hospital])) }
            }
            form class="stack signin-form" method="post" {
                (errors.summary(&w))
                (cx.csrf())
                (Field::new("login", w.t("sign-in-login")).value(&view.login).autocomplete("username").hint(w.t("invitation-login-hint")).readonly().input())
                (Field::new("password", w.t("invitation-password")).kind("password").hint(w.t("invitation-password-hint")).errors(errors).autocomplete("new-password").maxlength(256).required().input())
                (Field::new("again", w.t("invitation-again")).kind("password").errors(errors).autocomplete("new-password").maxlength(256).required().input())
                div class="row" { button class="btn primary" { (w.t("invitation-go")) } }
            }
        }
    };
    Ok(gate(cx, &title, &main))
}

/// Used, expired or never made: told alike.
fn over(cx: &PageCx) -> Response {
    let w = cx.words();
    let main = html! {
        div class="stack" {
            h1 { (w.t("invitation-over")) }
            (note(Kind::Warn, html! { p { (w.t("invitation-over-text")) } }))
            p { a class="btn" href="/sign-in" { (w.t("sign-in-back")) } }
        }
    };
    let mut answer = gate(cx, &w.t("invitation-over"), &main);
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}

async fn accept(
    State(state): State<WebState>,
    cx: PageCx,
    asker: Asker,
    Path(token): Path<String>,
    fields: Fields,
) -> PageResult {
    let mut errors = Errors::default();
    if fields.raw("password") != fields.raw("again") {
        errors.add("again", cx.t("problem-password-differs"));
    }
    if errors.is_empty() {
        let way_in = NewWayIn {
            password: Phi::new(fields.raw("password").to_owned()),
            language: match cx.look.lang {
                Lang::En => app::Language::English,
                Lang::ZhCn => app::Language::Chinese,
            },
            device: asker.device.clone(),
        };
        match state.app.accept_invitation(&token, asker.ask, way_in).await {
            Ok(begun) => return Ok(begin(&state, &begun.token, "/")),
            Err(AppError::NotFound) => return Ok(over(&cx)),
            Err(e) => errors = cx.wrong(e)?,
        }
    }
    Ok(refused(draw(&state, &cx, &token, &errors).await?))
}
