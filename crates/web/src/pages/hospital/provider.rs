//! The hospital's own sign-in: which OpenID provider says who somebody is.

use app::AppError;
use app::providers::{ProviderForm, ProviderView};
use axum::extract::State;
use kernel::Phi;
use maud::{Markup, html};

use super::ADMINISTRATOR;
use crate::components::form::{Errors, Field, check};
use crate::components::state::empty;
use crate::components::{Kind, chip, facts};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::reauth;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, get, post, refused};
use crate::shell::Shell;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/hospital/sign-in", ADMINISTRATOR, show),
        post("/hospital/sign-in", ADMINISTRATOR, set),
    ]
}

pub(super) async fn card(state: &WebState, cx: &PageCx) -> Result<Markup, PageError> {
    let w = cx.words();
    let provider = state.app.provider(cx.cx()?).await?;
    Ok(html! {
        section class="card" id="sign-in" {
            header { h2 { (w.t("provider-title")) } a class="btn quiet push" href="/hospital/sign-in" { (w.t("provider-set")) } }
            @match &provider {
                None => (empty("key", &w.t("provider-none"), &w.t("provider-none-more"), None)),
                Some(p) => div class="body" {
                    (facts(&[
                        (w.t("people-state"), if p.enabled { chip(Kind::Ok, &w.t("provider-on")) } else { chip(Kind::Plain, &w.t("provider-off")) }),
                        (w.t("provider-issuer"), html! { code class="small" { (p.issuer) } }),
                    ]))
                },
            }
        }
    })
}

async fn show(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let provider = state.app.provider(cx.cx()?).await?;
    draw(&state, &cx, provider.as_ref(), None, &Errors::default())
}

fn draw(
    state: &WebState,
    cx: &PageCx,
    kept: Option<&ProviderView>,
    typed: Option<&Fields>,
    errors: &Errors,
) -> PageResult {
    let w = cx.words();
    let value = |name: &str, kept: &str| match typed {
        Some(fields) => fields.get(name).to_owned(),
        None => kept.to_owned(),
    };
    let of = |get: fn(&ProviderView) -> &str, or: &'static str| kept.map_or(or, get);
    let enabled = match typed {
        Some(fields) => fields.has("enabled"),
        None => kept.is_none_or(|p| p.enabled),
    };
    let secret_hint = if kept.is_some_and(|p| p.has_secret) {
        w.t("provider-secret-kept")
    } else {
        w.t("provider-secret-hint")
    };
    let main = html! {
        div class="stack" {
            p class="small" { a href="/hospital" { (w.t("hospital-title")) } }
            div class="stack tightly" { h1 { (w.t("provider-title")) } p class="soft prose" { (w.t("provider-lead")) } }
            (facts(&[(w.t("provider-return"), html! { code class="small" { (state.app.provider_return_address()) } })]))
            form class="stack" method="post" action="/hospital/sign-in" {
                (errors.summary(&w))
                (cx.csrf())
                @if let Some(e) = errors.of("main") { p class="error" id="main-error" { (e) } }
                (Field::new("issuer", w.t("provider-issuer")).hint(w.t("provider-issuer-hint")).kind("url").value(value("issuer", of(|p| &p.issuer, ""))).errors(errors).maxlength(255).required().input())
                (Field::new("client-id", w.t("provider-client")).value(value("client-id", of(|p| &p.client_id, ""))).errors(errors).maxlength(255).required().input())
                (Field::new("secret", w.t("provider-secret")).hint(secret_hint).kind("password").autocomplete("off").errors(errors).maxlength(255).input())
                (Field::new("claim", w.t("provider-claim")).hint(w.t("provider-claim-hint")).value(value("claim", of(|p| &p.claim, "email"))).errors(errors).maxlength(255).required().input())
                (Field::new("domain", w.t("provider-domain")).hint(w.t("provider-domain-hint")).value(value("domain", of(|p| &p.domain, ""))).errors(errors).maxlength(255).input())
                (Field::new("strong", w.t("provider-strong")).hint(w.t("provider-strong-hint")).value(value("strong", of(|p| &p.strong, ""))).errors(errors).maxlength(1000).input())
                (check("enabled", w.t("provider-enabled"), enabled, errors))
                (reauth::fields(cx, errors))
                div class="row" { button class="btn primary" { (w.t("profile-save")) } a class="btn quiet" href="/hospital" { (w.t("profile-leave")) } }
            }
        }
    };
    Ok(Shell::new(cx, &w.t("provider-title"))
        .class("narrow stack")
        .draw(&main))
}

/// Whoever sets a provider that cannot be had is told at its address; people who sign in have other words.
fn wrong(cx: &PageCx, error: AppError) -> Result<Errors, PageError> {
    let word = match &error {
        AppError::Rejected { code, .. } if code == "provider-down" => "provider-no-answer",
        AppError::Rejected { code, .. } if code == "provider-refused" => "provider-wrong-answer",
        _ => return cx.wrong(error),
    };
    let mut errors = Errors::default();
    errors.add("issuer", cx.t(word));
    Ok(errors)
}

async fn set(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let form = ProviderForm {
        issuer: fields.get("issuer").to_owned(),
        client_id: fields.get("client-id").to_owned(),
        secret: fields.some("secret").map(|s| Phi::new(s.to_owned())),
        claim: fields.get("claim").to_owned(),
        domain: fields.get("domain").to_owned(),
        strong: fields.get("strong").to_owned(),
        enabled: fields.has("enabled"),
    };
    let who = cx.cx()?;
    match state
        .app
        .set_provider(who, &reauth::given(&fields), form)
        .await
    {
        Ok(()) => Ok(done("/hospital", "provider-saved")),
        Err(e) => {
            let errors = wrong(&cx, e)?;
            let kept = state.app.provider(who).await?;
            let page = draw(&state, &cx, kept.as_ref(), Some(&fields), &errors)?;
            Ok(refused(page))
        }
    }
}
