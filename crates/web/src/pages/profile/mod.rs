//! One's own account: language and zone, password, second factor, sessions.

mod factor;
mod passkeys;
mod password;
mod sessions;
pub mod zones;

use app::accounts::{Membership, Preferences, Profile};
use app::{ActorKind, Language};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use kernel::ErrorCode;
use maud::{Markup, html};

pub use zones::zones;

use crate::args;
use crate::components::form::{Errors, Field};
use crate::components::{Kind, avatar, chip, facts, org_named};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{
    PageCx, PageError, PageResult, RouteSpec, Signed, WebState, Who, get, post, refused,
};
use crate::shell::Shell;
use crate::words::Lang;

pub fn routes() -> Vec<RouteSpec> {
    let mut all = vec![
        get("/profile", Who::SignedIn, show),
        post("/profile", Who::SignedIn, set),
    ];
    all.extend(password::routes());
    all.extend(factor::routes());
    all.extend(passkeys::routes());
    all.extend(sessions::routes());
    all
}

fn signed(cx: &PageCx) -> Result<&Signed, PageError> {
    cx.signed
        .as_deref()
        .ok_or(PageError::new(ErrorCode::Unauthenticated))
}

/// A page of the profile with one form: heading, lead, content.
fn sub_page(cx: &PageCx, title: &str, lead: &str, main: &Markup) -> Response {
    let w = cx.words();
    let body = html! {
        div class="stack" {
            p class="small" { a href="/profile" { (w.t("profile-title")) } }
            div class="stack tightly" {
                h1 { (title) }
                @if !lead.is_empty() { p class="soft prose" { (lead) } }
            }
            (main)
        }
    };
    Shell::new(cx, title).class("narrow stack").draw(&body)
}

async fn show(State(state): State<WebState>, cx: PageCx) -> PageResult {
    draw(&state, &cx, None, &Errors::default()).await
}

async fn draw(
    state: &WebState,
    cx: &PageCx,
    typed: Option<&Fields>,
    errors: &Errors,
) -> PageResult {
    let w = cx.words();
    let signed = signed(cx)?;
    let profile = state.app.profile(&signed.cx).await?;
    let is_staff = signed.cx.actor.kind != ActorKind::Patient;
    let main = html! {
        div class="head" {
            div { div class="row" { (avatar(&profile.name)) h1 { bdi { (profile.name) } } } }
            p class="soft" { (profile.login) }
        }
        div class="cols half" {
            div class="stack" {
                section class="card" {
                    header { h2 { (w.t("profile-preferences")) } }
                    div class="body" { (preferences(state, cx, &profile, typed, errors)) }
                }
                @if is_staff {
                    section class="card" {
                        header { h2 { (w.t("profile-memberships")) } }
                        @for m in &profile.memberships { div class="body" { (membership(state, cx, m)) } }
                    }
                }
            }
            div class="stack" {
                (security(cx, &profile))
                (passkeys::card(state, cx, &profile))
                (sessions::card(state, cx, signed).await?)
            }
        }
    };
    Ok(Shell::new(cx, &w.t("profile-title")).draw(&main))
}

fn preferences(
    state: &WebState,
    cx: &PageCx,
    profile: &Profile,
    typed: Option<&Fields>,
    errors: &Errors,
) -> Markup {
    let w = cx.words();
    let value =
        |name: &str, kept: &str| typed.map_or_else(|| kept.to_owned(), |f| f.get(name).to_owned());
    let languages: Vec<(&str, &str)> = Lang::ALL.iter().map(|l| (l.tag(), l.own_name())).collect();
    let zones = zones(&state.app, cx, &profile.zone);
    let themes: Vec<(&str, String)> = ["auto", "light", "dark"]
        .into_iter()
        .map(|t| (t, w.word("theme", t)))
        .collect();
    let theme = profile.theme.as_deref().unwrap_or("auto");
    html! {
        form class="stack" method="post" action="/profile" {
            (errors.summary(&w))
            (cx.csrf())
            (Field::new("latin-name", w.t("profile-latin")).hint(w.t("profile-latin-hint")).value(value("latin-name", profile.latin_name.as_deref().unwrap_or(""))).errors(errors).maxlength(120).input())
            (Field::new("language", w.t("look-language")).value(value("language", profile.language.tag())).errors(errors).select(&languages))
            (Field::new("zone", w.t("profile-zone")).hint(w.t("profile-zone-hint")).value(value("zone", &profile.zone)).errors(errors).select(&zones))
            (Field::new("theme", w.t("look-theme")).value(value("theme", theme)).errors(errors).select(&themes))
            div class="row" { button class="btn primary" { (w.t("profile-save")) } }
        }
    }
}

fn membership(state: &WebState, cx: &PageCx, m: &Membership) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let hospital = state.app.hospital(&m.hospital);
    let (tile, name) = hospital.as_ref().map_or_else(
        || ("·".to_owned(), w.t("choose-network")),
        |h| (h.tile.clone(), h.name(w.lang.tag()).to_owned()),
    );
    let until = |until: Option<kernel::Instant>| {
        until.map(|u| w.f("profile-until", args!["date" => show.day(show.date_of(u))]))
    };
    let roles: Vec<String> = m
        .roles_at(cx.now)
        .map(|r| w.word("role", r.as_str()))
        .collect();
    let privileges: Vec<String> = m
        .privileges_at(cx.now)
        .map(|p| w.word("privilege", privilege_code(p)))
        .collect();
    let mut rows: Vec<(String, Markup)> = vec![(w.t("people-roles"), html! { (w.list(roles)) })];
    if !privileges.is_empty() {
        rows.push((w.t("people-privileges"), html! { (w.list(privileges)) }));
    }
    for l in &m.licences {
        rows.push((
            w.t("people-licence"),
            html! { (l.number) ", " (l.issuer) ", " (l.country) @if let Some(u) = until(l.valid.until) { " · " (u) } },
        ));
    }
    html! {
        div class="stack tightly" {
            p { (org_named(&tile, &name)) @if let Some(t) = &m.title { " · " (t) }
                @if m.suspended.is_some() { " " (chip(Kind::Stop, &w.t("people-suspended"))) } }
            (facts(&rows))
        }
    }
}

/// The code of a privilege in addresses, forms and words.
pub fn privilege_code(p: app::Privilege) -> &'static str {
    match p {
        app::Privilege::SignOpinion => "sign-opinion",
        app::Privilege::Sensitive => "sensitive",
        app::Privilege::SignAgreement => "sign-agreement",
        app::Privilege::CorrectRecord => "correct-record",
        app::Privilege::Audit => "audit",
        app::Privilege::Deidentify => "deidentify",
        app::Privilege::LeadReading => "lead-reading",
    }
}

fn security(cx: &PageCx, profile: &Profile) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let password = profile
        .password_set
        .map(|at| w.f("profile-since", args!["date" => show.day(show.date_of(at))]));
    html! {
        section class="card" {
            header { h2 { (w.t("profile-security")) } }
            div class="body row apart" {
                div { b { (w.t("sign-in-password")) } @if let Some(p) = password { br; span class="soft small" { (p) } } }
                a class="btn" href="/profile/password" { (w.t("profile-change")) }
            }
            div class="body row apart" {
                div {
                    b { (w.t("profile-factor")) } br;
                    @match profile.second_factor {
                        Some(at) => span class="small" { (chip(Kind::Ok, &w.t("profile-factor-on"))) " " span class="soft" { (w.f("profile-since", args!["date" => show.day(show.date_of(at))])) } },
                        None if profile.passkeys.is_empty() => span class="small" { (chip(Kind::Warn, &w.t("profile-factor-off"))) },
                        None => span class="small soft" { (w.t("profile-factor-passkey")) },
                    }
                }
                a class="btn" href="/profile/second-factor" { (w.t(if profile.second_factor.is_some() { "profile-replace" } else { "profile-factor-set" })) }
            }
            @if profile.second_factor.is_some() || !profile.passkeys.is_empty() {
                div class="body row apart" {
                    div { b { (w.t("profile-recovery")) } br; span class="soft small" { (w.f("profile-recovery-left", args!["n" => profile.recovery_left])) } }
                    a class="btn" href="/profile/recovery-codes" { (w.t("profile-recovery-new")) }
                }
                @if profile.second_factor.is_some() && (!profile.second_factor_demanded || !profile.passkeys.is_empty()) {
                    div class="body" { a class="small" href="/profile/second-factor/remove" { (w.t("profile-factor-remove")) } }
                }
            }
        }
    }
}

async fn set(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let signed = signed(&cx)?;
    let language = Language::from_tag(fields.get("language")).unwrap_or_default();
    let preferences = Preferences {
        language,
        zone: fields.get("zone").to_owned(),
        theme: fields
            .some("theme")
            .filter(|t| *t != "auto")
            .map(str::to_owned),
        latin_name: fields.some("latin-name").map(str::to_owned),
    };
    let theme = preferences.theme.clone();
    match state.app.set_preferences(&signed.cx, preferences).await {
        Ok(()) => {
            let mut answer = done("/profile", "profile-saved");
            let secure = if state.app.settings().secure_cookies {
                "; Secure"
            } else {
                ""
            };
            // The look of this browser follows at once.
            for (name, value) in [
                ("lang", language.tag()),
                ("theme", theme.as_deref().unwrap_or("auto")),
            ] {
                let text = format!(
                    "{name}={value}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}"
                );
                if let Ok(value) = HeaderValue::from_str(&text) {
                    answer.headers_mut().append(header::SET_COOKIE, value);
                }
            }
            Ok(answer)
        }
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(draw(&state, &cx, Some(&fields), &errors).await?))
        }
    }
}
