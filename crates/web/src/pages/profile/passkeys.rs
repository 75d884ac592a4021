//! Passkeys of one's own: made, named, removed.

use app::AppError;
use app::accounts::{OwnPasskey, Profile};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use kernel::ErrorCode;
use maud::{Markup, html};

use super::factor::{codes_page, owes_code};
use super::{signed, sub_page};
use crate::args;
use crate::components::form::{Errors, Field};
use crate::components::{Kind, chip};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::reauth::{self, Ceremony};
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, Who, get, post, refused};

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/profile/passkeys/new", Who::HalfSignedIn, show_new),
        post("/profile/passkeys/new", Who::HalfSignedIn, add),
        post("/profile/passkeys/prove", Who::HalfSignedIn, prove),
        post("/profile/passkeys/challenge", Who::HalfSignedIn, offer),
        post("/passkey/challenge", Who::HalfSignedIn, challenge),
        get("/profile/passkeys/{passkey}", Who::SignedIn, show_one),
        post("/profile/passkeys/{passkey}", Who::SignedIn, rename),
        post("/profile/passkeys/{passkey}/remove", Who::SignedIn, remove),
    ]
}

/// The list, as a card of the profile; nothing where this node's address allows no passkeys.
pub(super) fn card(state: &WebState, cx: &PageCx, profile: &Profile) -> Markup {
    let w = cx.words();
    let show = cx.show();
    if !state.app.passkeys_offered() && profile.passkeys.is_empty() {
        return html! {};
    }
    html! {
        section class="card" id="passkeys" {
            header { h2 { (w.t("passkeys-title")) } a class="btn quiet push" href="/profile/passkeys/new" { (w.t("passkeys-new")) } }
            @if profile.passkeys.is_empty() { div class="body" { p class="soft" { (w.t("passkeys-none")) } } }
            @for p in &profile.passkeys {
                div class="body row apart" {
                    div {
                        b { bdi { (p.name) } } @if p.suspect.is_some() { " " (chip(Kind::Stop, &w.t("passkeys-suspect"))) }
                        br; span class="soft small" {
                            (w.f("profile-since", args!["date" => show.day(show.date_of(p.created))]))
                            @if let Some(at) = p.used { " · " (w.f("sessions-used", args!["ago" => show.ago(at)])) }
                        }
                    }
                    a class="btn" href={ "/profile/passkeys/" (p.id) } aria-label={ (w.t("profile-change")) ": " (p.name) } { (w.t("profile-change")) }
                }
            }
        }
    }
}

async fn show_new(State(state): State<WebState>, cx: PageCx) -> PageResult {
    draw_new(&state, &cx, &Fields::default(), &Errors::default()).await
}

async fn draw_new(state: &WebState, cx: &PageCx, typed: &Fields, errors: &Errors) -> PageResult {
    if owes_code(cx) {
        return Ok(Redirect::to("/sign-in/code").into_response());
    }
    let w = cx.words();
    let signed = signed(cx)?;
    let main = if !state.app.passkeys_offered() {
        html! { p { (w.t("rejected-no-passkeys")) } }
    } else if state
        .app
        .proved_lately(&signed.cx, &signed.session.session)
        .await?
    {
        html! {
            form class="stack" method="post" action="/profile/passkeys/new" {
                (errors.summary(&w))
                (cx.csrf())
                (Field::new("name", w.t("passkeys-name")).hint(w.t("passkeys-name-hint")).value(typed.get("name")).errors(errors).maxlength(120).required().input())
                (reauth::passkey(&w, Ceremony::Create, &w.t("passkeys-make"), errors))
                noscript { p class="soft" { (w.t("passkeys-script")) } }
                div class="row" { a class="btn quiet" href="/profile" { (w.t("profile-leave")) } }
            }
        }
    } else {
        html! {
            form class="stack" method="post" action="/profile/passkeys/prove" {
                (errors.summary(&w))
                (cx.csrf())
                (reauth::fields(cx, errors))
                div class="row" { button class="btn primary" { (w.t("sign-in-go-on")) } a class="btn quiet" href="/profile" { (w.t("profile-leave")) } }
            }
        }
    };
    Ok(sub_page(
        cx,
        &w.t("passkeys-new"),
        &w.t("passkeys-lead"),
        &main,
    ))
}

async fn prove(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    if owes_code(&cx) {
        return Ok(Redirect::to("/sign-in/code").into_response());
    }
    let signed = signed(&cx)?;
    let proved = state
        .app
        .prove_for_a_while(&signed.cx, &signed.session.session, &reauth::given(&fields))
        .await;
    match proved {
        Ok(()) => Ok(Redirect::to("/profile/passkeys/new").into_response()),
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(draw_new(&state, &cx, &fields, &errors).await?))
        }
    }
}

async fn offer(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let signed = signed(&cx)?;
    if owes_code(&cx) {
        return Err(PageError::new(ErrorCode::Unauthenticated));
    }
    let challenge = state
        .app
        .passkey_offer(&signed.cx, &signed.session.session)
        .await?;
    Ok(Json(challenge).into_response())
}

async fn challenge(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let challenge = state.app.passkey_challenge(&signed(&cx)?.cx).await?;
    Ok(Json(challenge).into_response())
}

async fn add(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let signed = signed(&cx)?;
    if owes_code(&cx) {
        return Ok(Redirect::to("/sign-in/code").into_response());
    }
    let Some(answer) = reauth::answer(&fields) else {
        return draw_new(&state, &cx, &fields, &Errors::default()).await;
    };
    let added = state
        .app
        .add_passkey(
            &signed.cx,
            &signed.session.session,
            fields.get("name"),
            &answer,
        )
        .await;
    match added {
        Ok(codes) if codes.is_empty() => Ok(done("/profile", "passkeys-added")),
        Ok(codes) => Ok(codes_page(&cx, &codes, "/profile")),
        // The minutes in which it may be made are over: the page asks again.
        Err(AppError::Reauthenticate) => Ok(Redirect::to("/profile/passkeys/new").into_response()),
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(draw_new(&state, &cx, &fields, &errors).await?))
        }
    }
}

async fn own(state: &WebState, cx: &PageCx, id: &str) -> Result<OwnPasskey, PageError> {
    let all = state.app.own_passkeys(&signed(cx)?.cx).await?;
    all.into_iter()
        .find(|p| p.id == id)
        .ok_or(PageError::not_found())
}

async fn show_one(State(state): State<WebState>, cx: PageCx, Path(id): Path<String>) -> PageResult {
    draw_one(&state, &cx, &id, &Errors::default()).await
}

async fn draw_one(state: &WebState, cx: &PageCx, id: &str, errors: &Errors) -> PageResult {
    let w = cx.words();
    let own = own(state, cx, id).await?;
    let address = format!("/profile/passkeys/{id}");
    let lead = own.suspect.map(|_| w.t("passkeys-suspect-lead"));
    let main = html! {
        (errors.summary(&w))
        form class="stack" method="post" action=(address) {
            (cx.csrf())
            (Field::new("name", w.t("passkeys-name")).value(&own.name).errors(errors).maxlength(120).required().input())
            div class="row" { button class="btn primary" { (w.t("profile-save")) } a class="btn quiet" href="/profile" { (w.t("profile-leave")) } }
        }
        section class="card" {
            header { h2 { (w.t("passkeys-remove")) } }
            form class="body stack" method="post" action={ (address) "/remove" } {
                (cx.csrf())
                p class="soft" { (w.t("passkeys-remove-lead")) }
                (reauth::fields(cx, errors))
                div class="row" { button class="btn danger" { (w.t("passkeys-remove")) } }
            }
        }
    };
    Ok(sub_page(
        cx,
        &own.name,
        lead.as_deref().unwrap_or_default(),
        &main,
    ))
}

async fn rename(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    fields: Fields,
) -> PageResult {
    let renamed = state
        .app
        .rename_passkey(&signed(&cx)?.cx, &id, fields.get("name"))
        .await;
    match renamed {
        Ok(()) => Ok(done("/profile", "profile-saved")),
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(draw_one(&state, &cx, &id, &errors).await?))
        }
    }
}

async fn remove(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    fields: Fields,
) -> PageResult {
    let removed = state
        .app
        .remove_passkey(&signed(&cx)?.cx, &id, &reauth::given(&fields))
        .await;
    match removed {
        Ok(()) => Ok(done("/profile", "passkeys-removed")),
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(draw_one(&state, &cx, &id, &errors).await?))
        }
    }
}
