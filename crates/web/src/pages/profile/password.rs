//! `/profile/password`.

use axum::extract::State;
use axum::response::Response;
use kernel::Phi;
use maud::html;

use super::{signed, sub_page};
use crate::components::form::{Errors, Field};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::reauth;
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, Who, get, post, refused};

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/profile/password", Who::SignedIn, show),
        post("/profile/password", Who::SignedIn, set),
    ]
}

async fn show(cx: PageCx) -> PageResult {
    Ok(draw(&cx, &Errors::default()))
}

fn draw(cx: &PageCx, errors: &Errors) -> Response {
    let w = cx.words();
    let main = html! {
        form class="stack" method="post" action="/profile/password" {
            (errors.summary(&w))
            (cx.csrf())
            (reauth::fields(cx, errors))
            (Field::new("new-password", w.t("profile-password-new")).kind("password").hint(w.t("invitation-password-hint")).errors(errors).autocomplete("new-password").maxlength(256).required().input())
            (Field::new("again", w.t("invitation-again")).kind("password").errors(errors).autocomplete("new-password").maxlength(256).required().input())
            div class="row" { button class="btn primary" { (w.t("profile-password-set")) } a class="btn quiet" href="/profile" { (w.t("profile-leave")) } }
        }
    };
    sub_page(
        cx,
        &w.t("profile-password-title"),
        &w.t("profile-password-lead"),
        &main,
    )
}

async fn set(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let signed = signed(&cx)?;
    let mut errors = Errors::default();
    if fields.raw("new-password") != fields.raw("again") {
        errors.add("again", cx.t("problem-password-differs"));
    } else {
        let new = Phi::new(fields.raw("new-password").to_owned());
        let session = &signed.session.session;
        match state
            .app
            .change_password(&signed.cx, session, &reauth::given(&fields), new)
            .await
        {
            Ok(()) => return Ok(done("/profile", "profile-password-done")),
            Err(e) => errors = cx.wrong(e)?,
        }
    }
    Ok(refused(draw(&cx, &errors)))
}
