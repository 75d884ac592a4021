//! Signing in, choosing a hospital and role, accepting an invitation, signing out.

mod asker;
mod choose;
mod invitation;
mod outside;
mod passkey;

use app::AppError;
use app::accounts::{SecondStep, SignIn};
use app::sessions::{clear_cookie, cookie_name, set_cookie};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use kernel::{ErrorCode, Phi};
use maud::{Markup, html};

pub use asker::Asker;

use crate::args;
use crate::components::form::{Errors, Field};
use crate::components::{icon, mark};
use crate::frame::form::Fields;
use crate::frame::look::cookie;
use crate::frame::reauth::{self, Ceremony};
use crate::frame::route::{encode, own_address};
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, Who, get, post, refused};
use crate::shell::{Shell, language_menu};
use crate::words::Words;

pub fn routes() -> Vec<RouteSpec> {
    let mut all = vec![
        get("/sign-in", Who::Anyone, show),
        post("/sign-in", Who::Anyone, sign_in),
        get("/sign-in/help", Who::Anyone, help),
        get("/sign-in/code", Who::HalfSignedIn, show_code),
        post("/sign-in/code", Who::HalfSignedIn, give_code),
        post("/sign-out", Who::HalfSignedIn, sign_out),
    ];
    all.extend(choose::routes());
    all.extend(invitation::routes());
    all.extend(outside::routes());
    all.extend(passkey::routes());
    all
}

/// The address to go on to, only if it is one of ours.
fn next_of(text: &str) -> String {
    own_address(text).unwrap_or("/").to_owned()
}

/// Goes on to `next` with the session's cookie.
fn begin(state: &WebState, token: &str, next: &str) -> Response {
    let mut answer = Redirect::to(next).into_response();
    let text = set_cookie(token, state.app.settings().secure_cookies);
    if let Ok(value) = HeaderValue::from_str(&text) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    answer
}

/// The page around what is done before signing in: mark, languages, the channel below.
fn gate(cx: &PageCx, title: &str, main: &Markup) -> Response {
    let w = cx.words();
    let body = html! {
        div class="row apart" {
            p class="brand" { (mark()) (w.t("product")) }
            (language_menu(cx))
        }
        (main)
        svg class="channel" viewBox="0 0 1240 220" aria-hidden="true" {
            path class="gone" stroke-width="1" d="M0 60.0L1240 165.4" {}
            path class="gone" stroke-width="1" d="M110 69.3V202.8M200 77.0V198.9M290 84.7V195.0M380 92.3V191.1M470 100.0V187.2M560 107.6V183.3M650 115.2V179.5M740 122.9V175.6M830 130.6V171.7M920 138.2V167.8M1010 145.9V163.9M1100 153.5V160.0" {}
            path stroke-width="3" d="M60 205L1150 157.8L1240 166.9" {}
        }
    };
    Shell::new(cx, title)
        .bare()
        .class("page signin")
        .draw(&body)
}

async fn show(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let next = next_of(&cx.query_value("next").unwrap_or_default());
    if cx
        .signed
        .as_ref()
        .is_some_and(|s| s.session.pending.is_none())
    {
        return Ok(Redirect::to(&next).into_response());
    }
    draw(&state, &cx, &next, "", &Errors::default()).await
}

async fn draw(
    state: &WebState,
    cx: &PageCx,
    next: &str,
    login: &str,
    errors: &Errors,
) -> PageResult {
    let w = cx.words();
    let outside: Vec<_> = state
        .app
        .hospitals_with_provider()
        .await?
        .iter()
        .filter_map(|id| state.app.hospital(id))
        .collect();
    let count = state.app.all_hospitals().len();
    let main = html! {
        div class="cols half signin-body" {
            div class="stack loosely" {
                div class="stack tightly" {
                    h1 { (w.t("sign-in")) }
                    p class="soft prose" { (w.f("sign-in-lead", args!["n" => count])) }
                }
                form class="stack signin-form" method="post" action="/sign-in" {
                    (errors.summary(&w))
                    (cx.csrf())
                    input type="hidden" name="next" value=(next);
                    (Field::new("login", w.t("sign-in-login")).value(login).errors(errors).autocomplete("username").maxlength(128).required().input())
                    (Field::new("password", w.t("sign-in-password")).kind("password").errors(errors).autocomplete("current-password").maxlength(256).required().input())
                    (Field::new("code", w.t("sign-in-code")).hint(w.t("sign-in-code-hint")).errors(errors).autocomplete("one-time-code").maxlength(24).class("code").input())
                    div class="row apart" {
                        button class="btn primary" { (w.t("sign-in")) }
                        a class="small" href="/sign-in/help" { (w.t("sign-in-cannot")) }
                    }
                }
            }
            div class="stack loosely" {
                @if state.app.passkeys_offered() {
                    section class="stack tightly" {
                        h2 { (icon("key")) " " (w.t("sign-in-passkey")) }
                        p class="soft prose" { (w.t("sign-in-passkey-text")) }
                        form class="stack" method="post" action="/sign-in/passkey" {
                            (cx.csrf())
                            input type="hidden" name="next" value=(next);
                            (reauth::passkey(&w, Ceremony::SignIn, &w.t("sign-in-passkey-go"), errors))
                        }
                    }
                }
                @if !outside.is_empty() {
                    section class="stack tightly" {
                        h2 { (icon("shield")) " " (w.t("sign-in-hospital")) }
                        ul class="plain stack tightly" { @for h in &outside {
                            li { a class="btn" href={ "/sign-in/with/" (h.id) "?next=" (encode(next)) } { (w.f("sign-in-hospital-go", args!["hospital" => h.name(w.lang.tag())])) } }
                        } }
                    }
                }
                section class="stack tightly" {
                    h2 { (icon("phone")) " " (w.t("sign-in-patient")) }
                    p class="soft prose" { (w.t("sign-in-patient-text")) }
                }
                section class="stack tightly" {
                    h2 { (icon("shield")) " " (w.t("sign-in-before")) }
                    p class="soft prose" { (w.t("sign-in-before-text")) }
                }
            }
        }
    };
    Ok(gate(cx, &w.t("sign-in"), &main))
}

async fn sign_in(
    State(state): State<WebState>,
    cx: PageCx,
    asker: Asker,
    fields: Fields,
) -> PageResult {
    let next = next_of(fields.get("next"));
    let given = SignIn {
        login: fields.get("login").to_owned(),
        password: Phi::new(fields.raw("password").to_owned()),
        code: fields.some("code").map(str::to_owned),
        device: asker.device.clone(),
    };
    let w = cx.words();
    let mut errors = Errors::default();
    let status = match state.app.sign_in(asker.ask, given).await {
        Ok(begun) if begun.code_owed => {
            let to = format!("/sign-in/code?next={}", encode(&next));
            return Ok(begin(&state, &begun.token, &to));
        }
        Ok(begun) => return Ok(begin(&state, &begun.token, &next)),
        Err(AppError::Unauthenticated) => {
            errors.add("login", w.t("sign-in-wrong"));
            StatusCode::UNAUTHORIZED
        }
        Err(AppError::RateLimited { retry_after_s }) => {
            let (status, wait) = rate_limited(&w, retry_after_s);
            errors = wait;
            status
        }
        Err(e) => return Err(e.into()),
    };
    again(&state, &cx, &next, fields.get("login"), status, &errors).await
}

/// The page once more, with why nobody was let in.
async fn again(
    state: &WebState,
    cx: &PageCx,
    next: &str,
    login: &str,
    status: StatusCode,
    errors: &Errors,
) -> PageResult {
    let mut answer = draw(state, cx, next, login, errors).await?;
    *answer.status_mut() = status;
    Ok(answer)
}

/// The answer to one who has to wait.
fn rate_limited(w: &Words, retry_after_s: u32) -> (StatusCode, Errors) {
    let mut errors = Errors::default();
    let minutes = retry_after_s.div_ceil(60);
    errors.add("login", w.f("sign-in-wait", args!["n" => minutes]));
    (StatusCode::TOO_MANY_REQUESTS, errors)
}

async fn help(cx: PageCx) -> PageResult {
    let w = cx.words();
    let main = html! {
        div class="stack" {
            h1 { (w.t("sign-in-cannot")) }
            div class="prose stack" {
                p { (w.t("sign-in-help-password")) }
                p { (w.t("sign-in-help-code")) }
                p { (w.t("sign-in-help-locked")) }
            }
            p { a class="btn" href="/sign-in" { (w.t("sign-in-back")) } }
        }
    };
    Ok(gate(&cx, &w.t("sign-in-cannot"), &main))
}

async fn show_code(cx: PageCx) -> PageResult {
    let next = next_of(&cx.query_value("next").unwrap_or_default());
    Ok(draw_code(&cx, &next, &Errors::default()))
}

fn draw_code(cx: &PageCx, next: &str, errors: &Errors) -> Response {
    let w = cx.words();
    let name = cx.signed.as_ref().map(|s| s.cx.name.clone());
    let main = html! {
        div class="stack" {
            div class="stack tightly" {
                h1 { (w.t("sign-in-code")) }
                @if let Some(name) = name { p class="soft" { bdi { (name) } } }
            }
            form class="stack signin-form" method="post" action="/sign-in/code" {
                (errors.summary(&w))
                (cx.csrf())
                input type="hidden" name="next" value=(next);
                (Field::new("code", w.t("sign-in-code")).hint(w.t("sign-in-code-or-recovery")).errors(errors).autocomplete("one-time-code").maxlength(24).class("code").required().input())
                div class="row" { button class="btn primary" { (w.t("sign-in-go-on")) } }
                @if cx.signed.as_ref().is_some_and(|s| s.session.proofs.passkey) { (reauth::passkey(&w, Ceremony::Prove, &w.t("passkey-instead-of-code"), errors)) }
            }
            form method="post" action="/sign-out" { (cx.csrf()) button class="link small" { (w.t("sign-in-other")) } }
        }
    };
    gate(cx, &w.t("sign-in-code"), &main)
}

async fn give_code(
    State(state): State<WebState>,
    cx: PageCx,
    asker: Asker,
    headers: HeaderMap,
    fields: Fields,
) -> PageResult {
    let next = next_of(fields.get("next"));
    let secure = state.app.settings().secure_cookies;
    let token = cookie(&headers, cookie_name(secure)).unwrap_or_default();
    let step = match reauth::answer(&fields) {
        Some(answer) => SecondStep::Passkey(answer),
        None => SecondStep::Code(fields.get("code").to_owned()),
    };
    match state.app.second_step(token, asker.ask, step).await {
        Ok(begun) => Ok(begin(&state, &begun.token, &next)),
        Err(AppError::Unauthenticated) => Ok(Redirect::to("/sign-in").into_response()),
        Err(AppError::RateLimited { .. }) => Err(PageError::new(ErrorCode::RateLimited)),
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(draw_code(&cx, &next, &errors)))
        }
    }
}

async fn sign_out(State(state): State<WebState>, cx: PageCx) -> PageResult {
    if let Some(signed) = &cx.signed {
        state
            .app
            .sign_out(&signed.cx, &signed.session.session)
            .await?;
    }
    let mut answer = Redirect::to("/sign-in").into_response();
    let text = clear_cookie(state.app.settings().secure_cookies);
    if let Ok(value) = HeaderValue::from_str(&text) {
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    // What the browser kept of the pages goes with the session.
    answer.headers_mut().insert(
        header::HeaderName::from_static("clear-site-data"),
        HeaderValue::from_static("\"cache\""),
    );
    Ok(answer)
}
