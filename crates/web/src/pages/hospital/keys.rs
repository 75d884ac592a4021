//! The keys the hospital signs with: their history, a new one, the end of one that is not to be trusted.

use app::hospital_keys::Reason;
use axum::extract::{Path, State};
use jiff::civil::Date;
use maud::{Markup, html};

use super::{ADMINISTRATOR, own};
use crate::args;
use crate::components::form::{Errors, Field};
use crate::components::list::{Column, table};
use crate::components::{Kind, chip, note};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::reauth;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, get, post, refused};
use crate::shell::Shell;

/// Reasons a hospital can give for its own key, with their words.
const REASONS: [(Reason, &str); 4] = [
    (Reason::KeyCompromise, "key-compromise"),
    (Reason::Superseded, "superseded"),
    (Reason::CessationOfOperation, "cessation-of-operation"),
    (Reason::Unspecified, "unspecified"),
];

fn word(reason: Reason) -> &'static str {
    REASONS
        .iter()
        .find(|(r, _)| *r == reason)
        .map_or("unspecified", |(_, word)| word)
}

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/hospital/keys/rotate", ADMINISTRATOR, ask_rotate),
        post("/hospital/keys/rotate", ADMINISTRATOR, rotate),
        get("/hospital/keys/{kid}/revoke", ADMINISTRATOR, ask_revoke),
        post("/hospital/keys/{kid}/revoke", ADMINISTRATOR, revoke),
    ]
}

/// The beginning of a key's id, by which people tell keys apart.
fn short(kid: &str) -> String {
    format!("{}…", kid.chars().take(12).collect::<String>())
}

pub(super) async fn card(state: &WebState, cx: &PageCx) -> Result<Markup, PageError> {
    let w = cx.words();
    let show = cx.show();
    let who = cx.cx()?;
    let lines = state.app.key_history(who).await?;
    let may = who.actor.may(app::Privilege::SignAgreement);
    let columns = [
        Column::new(w.t("keys-id")),
        Column::new(w.t("keys-from")),
        Column::new(w.t("people-state")),
        Column::new(w.t("column-act")),
    ];
    let rows = html! { @for k in &lines {
        @let short = short(&k.kid);
        tr {
            td class="main" { code class="small" { (short) } }
            td { (show.day(show.date_of(k.from))) }
            td { @match (k.revoked, k.until) {
                (Some(at), _) => {
                    (chip(Kind::Stop, &w.f("keys-revoked", args!["date" => show.day(show.date_of(at))])))
                    @if let Some(reason) = k.reason { br; span class="soft small" { (w.word("key-reason", word(reason))) @if let Some(since) = k.since { ", " (w.f("profile-since", args!["date" => show.day(show.date_of(since))])) } } }
                },
                (None, Some(at)) => span class="soft" { (w.f("keys-retired", args!["date" => show.day(show.date_of(at))])) },
                (None, None) => (chip(Kind::Ok, &w.t("keys-in-use"))),
            } }
            td { @if may && k.revoked.is_none() { a class="small" href={ "/hospital/keys/" (k.kid) "/revoke" } aria-label={ (w.t("keys-revoke")) ": " (short) } { (w.t("keys-revoke")) } } }
        }
    } };
    let published = format!("/keys/{}", who.hospital()?);
    Ok(html! {
        section class="card" {
            header { h2 { (w.t("keys-title")) } }
            (table(&w.t("keys-title"), &columns, rows))
            footer class="row apart" {
                a class="small" href=(published) { (w.t("keys-published")) }
                @if may { a class="btn" href="/hospital/keys/rotate" { (w.t("keys-rotate")) } }
            }
        }
    })
}

async fn ask_rotate(cx: PageCx) -> PageResult {
    draw_rotate(&cx, &Errors::default())
}

fn draw_rotate(cx: &PageCx, errors: &Errors) -> PageResult {
    let w = cx.words();
    let main = html! {
        div class="stack" {
            p class="small" { a href="/hospital" { (w.t("hospital-title")) } }
            h1 { (w.t("keys-rotate")) }
            (note(Kind::Plain, html! { p { (w.t("keys-rotate-lead")) } }))
            form class="stack" method="post" action="/hospital/keys/rotate" {
                (errors.summary(&w))
                (cx.csrf())
                (reauth::fields(cx, errors))
                div class="row" { button class="btn primary" { (w.t("keys-rotate")) } a class="btn quiet" href="/hospital" { (w.t("profile-leave")) } }
            }
        }
    };
    Ok(Shell::new(cx, &w.t("keys-rotate"))
        .class("narrow stack")
        .draw(&main))
}

async fn rotate(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let who = cx.cx()?;
    let rotated = match state.app.reauthenticate(who, &reauth::given(&fields)).await {
        Ok(()) => state.app.rotate_hospital_key(who).await,
        Err(e) => Err(e),
    };
    match rotated {
        Ok(()) => Ok(done("/hospital", "keys-rotated")),
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(draw_rotate(&cx, &errors)?))
        }
    }
}

async fn ask_revoke(
    State(state): State<WebState>,
    cx: PageCx,
    Path(kid): Path<String>,
) -> PageResult {
    draw_revoke(&state, &cx, &kid, &Fields::default(), &Errors::default()).await
}

async fn draw_revoke(
    state: &WebState,
    cx: &PageCx,
    kid: &str,
    typed: &Fields,
    errors: &Errors,
) -> PageResult {
    let w = cx.words();
    let all = state.app.key_history(cx.cx()?).await?;
    if !all.iter().any(|k| k.kid == kid && k.revoked.is_none()) {
        return Err(PageError::not_found());
    }
    let reasons: Vec<(&str, String)> = REASONS
        .iter()
        .map(|(_, word)| (*word, w.word("key-reason", word)))
        .collect();
    let main = html! {
        div class="stack" {
            p class="small" { a href="/hospital" { (w.t("hospital-title")) } }
            h1 { (w.t("keys-revoke")) }
            p { code { (short(kid)) } }
            (note(Kind::Warn, html! { p { (w.t("keys-revoke-lead")) } }))
            form class="stack" method="post" action={ "/hospital/keys/" (kid) "/revoke" } {
                (errors.summary(&w))
                (cx.csrf())
                (Field::new("reason", w.t("keys-reason")).value(typed.get("reason")).errors(errors).select(&reasons))
                (Field::new("since", w.t("keys-since")).hint(w.t("keys-since-hint")).kind("date").value(typed.get("since")).errors(errors).input())
                (reauth::fields(cx, errors))
                div class="row" { button class="btn danger" { (w.t("keys-revoke")) } a class="btn quiet" href="/hospital" { (w.t("profile-leave")) } }
            }
        }
    };
    Ok(Shell::new(cx, &w.t("keys-revoke"))
        .class("narrow stack")
        .draw(&main))
}

async fn revoke(
    State(state): State<WebState>,
    cx: PageCx,
    Path(kid): Path<String>,
    fields: Fields,
) -> PageResult {
    let who = cx.cx()?;
    let zone = own(&state, &cx)?.time_zone();
    let given = fields.get("reason");
    let reason = REASONS.iter().find(|(_, word)| *word == given);
    let (reason, _) = reason.ok_or_else(PageError::not_found)?;
    let mut errors = Errors::default();
    let since = match fields.some("since").map(str::parse::<Date>) {
        None => None,
        Some(Ok(date)) => date.to_zoned(zone).ok().map(|z| z.timestamp()),
        Some(Err(_)) => {
            errors.add("since", cx.t("problem-date"));
            None
        }
    };
    if errors.is_empty() {
        let revoked = match state.app.reauthenticate(who, &reauth::given(&fields)).await {
            Ok(()) => {
                state
                    .app
                    .revoke_hospital_key(who, &kid, *reason, since)
                    .await
            }
            Err(e) => Err(e),
        };
        match revoked {
            Ok(()) => return Ok(done("/hospital", "keys-revoked-done")),
            Err(e) => errors = cx.wrong(e)?,
        }
    }
    Ok(refused(
        draw_revoke(&state, &cx, &kid, &fields, &errors).await?,
    ))
}
