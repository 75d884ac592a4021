//! The second factor: set up, replaced, removed; recovery codes.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use qrcodegen::{QrCode, QrCodeEcc};

use super::{signed, sub_page};
use crate::components::form::{Errors, Field};
use crate::components::{Kind, note};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::reauth;
use crate::frame::route::own_address;
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, Who, get, post, refused};

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/profile/second-factor", Who::HalfSignedIn, show),
        post("/profile/second-factor", Who::HalfSignedIn, confirm),
        get("/profile/second-factor/remove", Who::SignedIn, show_remove),
        post("/profile/second-factor/remove", Who::SignedIn, remove),
        get("/profile/recovery-codes", Who::SignedIn, show_renew),
        post("/profile/recovery-codes", Who::SignedIn, renew),
    ]
}

/// A session that still owes its code may not set up another factor instead.
pub(super) fn owes_code(cx: &PageCx) -> bool {
    cx.signed
        .as_ref()
        .is_some_and(|s| s.session.pending == Some(app::sessions::Pending::SecondFactor))
}

async fn show(State(state): State<WebState>, cx: PageCx) -> PageResult {
    if owes_code(&cx) {
        return Ok(Redirect::to("/sign-in/code").into_response());
    }
    draw(&state, &cx, &Errors::default()).await
}

async fn draw(state: &WebState, cx: &PageCx, errors: &Errors) -> PageResult {
    let w = cx.words();
    let signed = signed(cx)?;
    let profile = state.app.profile(&signed.cx).await?;
    let offer = state.app.offer_second_factor(&signed.cx).await?;
    let next = cx.query_value("next").unwrap_or_default();
    let lead = w.t(if profile.second_factor_demanded {
        "factor-lead-demanded"
    } else {
        "factor-lead"
    });
    let secret: Vec<String> = offer
        .secret
        .reveal()
        .as_bytes()
        .chunks(4)
        .map(|c| String::from_utf8_lossy(c).into_owned())
        .collect();
    let main = html! {
        form class="stack" method="post" action="/profile/second-factor" {
            (errors.summary(&w))
            (cx.csrf())
            input type="hidden" name="next" value=(next);
            ol class="stack tightly steps-plain" {
                li { (w.t("factor-step-scan")) }
                li { (w.t("factor-step-code")) }
            }
            (qr(offer.address.reveal(), &w.t("factor-qr")))
            details { summary class="small" { (w.t("factor-type")) } p class="small" { code { (secret.join(" ")) } } }
            (Field::new("new-code", w.t("factor-new-code")).errors(errors).inputmode("numeric").autocomplete("off").maxlength(8).class("code").required().input())
            (reauth::fields(cx, errors))
            @if state.app.passkeys_offered() && profile.second_factor.is_none() { p class="small" { a href="/profile/passkeys/new" { (w.t("factor-passkey")) } } }
            div class="row" { button class="btn primary" { (w.t("factor-go")) }
                @if !profile.second_factor_demanded || profile.second_factor.is_some() { a class="btn quiet" href="/profile" { (w.t("profile-leave")) } } }
        }
    };
    Ok(sub_page(cx, &w.t("factor-title"), &lead, &main))
}

async fn confirm(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    if owes_code(&cx) {
        return Ok(Redirect::to("/sign-in/code").into_response());
    }
    let signed = signed(&cx)?;
    let confirmed = state
        .app
        .confirm_second_factor(
            &signed.cx,
            &signed.session.session,
            &reauth::given(&fields),
            fields.get("new-code"),
        )
        .await;
    match confirmed {
        Ok(codes) => {
            let next = own_address(fields.get("next")).unwrap_or("/profile");
            Ok(codes_page(&cx, &codes, next))
        }
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(draw(&state, &cx, &errors).await?))
        }
    }
}

/// The codes, this once.
pub(super) fn codes_page(cx: &PageCx, codes: &[String], next: &str) -> Response {
    let w = cx.words();
    let main = html! {
        div class="stack" {
            (note(Kind::Warn, html! { p { (w.t("recovery-once")) } }))
            ul class="plain codes" { @for code in codes { li { code { (code) } } } }
            p { a class="btn primary" href=(next) { (w.t("recovery-kept")) } }
        }
    };
    sub_page(cx, &w.t("profile-recovery"), &w.t("recovery-lead"), &main)
}

/// A QR code (ISO/IEC 18004) as SVG: dark on light in every theme, or cameras cannot read it.
fn qr(text: &str, label: &str) -> Markup {
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else {
        return html! {};
    };
    let size = code.size();
    let mut path = String::new();
    for y in 0..size {
        for x in (0..size).filter(|x| code.get_module(*x, y)) {
            path.push_str(&format!("M{},{}h1v1h-1z", x + 4, y + 4));
        }
    }
    let side = size + 8;
    html! {
        svg class="qr" viewBox={ "0 0 " (side) " " (side) } role="img" aria-label=(label) {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(path) fill="#000" stroke="none" {}
        }
    }
}

async fn show_remove(cx: PageCx) -> PageResult {
    prove(&cx, &REMOVE, &Errors::default())
}

async fn show_renew(cx: PageCx) -> PageResult {
    prove(&cx, &RENEW, &Errors::default())
}

/// A page that only asks who is there before something is done.
struct Prove {
    action: &'static str,
    title: &'static str,
    lead: &'static str,
    button: &'static str,
    danger: bool,
}

const REMOVE: Prove = Prove {
    action: "/profile/second-factor/remove",
    title: "factor-remove-title",
    lead: "factor-remove-lead",
    button: "factor-remove-go",
    danger: true,
};
const RENEW: Prove = Prove {
    action: "/profile/recovery-codes",
    title: "recovery-title",
    lead: "recovery-renew-lead",
    button: "recovery-go",
    danger: false,
};

fn prove(cx: &PageCx, what: &Prove, errors: &Errors) -> PageResult {
    let w = cx.words();
    let class = if what.danger {
        "btn danger"
    } else {
        "btn primary"
    };
    let main = html! {
        form class="stack" method="post" action=(what.action) {
            (errors.summary(&w))
            (cx.csrf())
            (reauth::fields(cx, errors))
            div class="row" { button class=(class) { (w.t(what.button)) } a class="btn quiet" href="/profile" { (w.t("profile-leave")) } }
        }
    };
    Ok(sub_page(cx, &w.t(what.title), &w.t(what.lead), &main))
}

async fn remove(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let signed = signed(&cx)?;
    match state
        .app
        .remove_second_factor(&signed.cx, &reauth::given(&fields))
        .await
    {
        Ok(()) => Ok(done("/profile", "factor-removed")),
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(prove(&cx, &REMOVE, &errors)?))
        }
    }
}

async fn renew(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let signed = signed(&cx)?;
    match state
        .app
        .renew_recovery_codes(&signed.cx, &reauth::given(&fields))
        .await
    {
        Ok(codes) => Ok(codes_page(&cx, &codes, "/profile")),
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(prove(&cx, &RENEW, &errors)?))
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_qr_code_is_drawn_with_its_quiet_zone() {
        let svg = super::qr("otpauth://totp/Karez:li?secret=ABC", "code").into_string();
        // Finder pattern: the first dark module lies behind four light ones (ISO/IEC 18004 §6.3.8).
        assert!(svg.contains("M4,4h1v1h-1z") && !svg.contains("M3,"));
    }
}
