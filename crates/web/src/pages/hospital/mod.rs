//! The hospital itself, for its administrator: what it is, what it offers, the keys it signs with, its machines.

mod edit;
mod machines;
mod provider;
mod webhooks;

use app::Role;
use app::hospitals::Hospital;
use axum::extract::State;
use axum::http::StatusCode;
use maud::{Markup, html};

use crate::args;
use crate::components::form::Errors;
use crate::components::list::{Column, table};
use crate::components::state::empty;
use crate::components::{Kind, chip, facts, note, org};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::reauth;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, Who, get, post};
use crate::shell::Shell;

const ADMINISTRATOR: Who = Who::Roles(&[Role::Administrator]);

pub fn routes() -> Vec<RouteSpec> {
    let mut all = vec![
        get("/hospital", ADMINISTRATOR, show),
        get("/hospital/keys/rotate", ADMINISTRATOR, ask_rotate),
        post("/hospital/keys/rotate", ADMINISTRATOR, rotate),
    ];
    all.extend(edit::routes());
    all.extend(machines::routes());
    all.extend(provider::routes());
    all.extend(webhooks::routes());
    all
}

fn own(state: &WebState, cx: &PageCx) -> Result<std::sync::Arc<Hospital>, PageError> {
    let id = cx.cx()?.hospital()?;
    state.app.hospital(id).ok_or_else(PageError::not_found)
}

async fn show(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = cx.words();
    let hospital = own(&state, &cx)?;
    let name = hospital.name(w.lang.tag()).to_owned();
    let main = html! {
        div class="head" {
            div { div class="row" { (org(&hospital.tile, &name)) h1 { (name) } }
                p class="soft" { @for (i, (tag, n)) in hospital.names.iter().enumerate() { @if i > 0 { " · " } bdi lang=(tag) { (n) } } } }
        }
        div class="cols half" {
            div class="stack" {
                div class="row" { a class="btn" href="/hospital/edit" { (w.t("hospital-edit")) } }
                (about(&cx, &hospital))
                (services(&cx, &hospital))
            }
            div class="stack" {
                (keys(&state, &cx).await?)
                (provider::card(&state, &cx).await?)
                (machines::card(&state, &cx).await?)
                (webhooks::card(&state, &cx).await?)
            }
        }
    };
    Ok(Shell::new(&cx, &w.t("hospital-title")).draw(&main))
}

fn about(cx: &PageCx, h: &Hospital) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let zone = h.time_zone();
    let now = cx.now.to_zoned(zone.clone());
    let rows = [
        (w.t("hospital-id"), html! { code { (h.id) } }),
        (w.t("hospital-city"), html! { (h.city) }),
        (w.t("hospital-jurisdiction"), html! { (h.jurisdiction) }),
        (
            w.t("profile-zone"),
            html! { (h.zone.replace('_', " ")) ", " (show.offset(cx.now, &zone)) ", " (format!("{:02}:{:02}", now.hour(), now.minute())) },
        ),
        (w.t("hospital-languages"), html! { (w.list(&h.languages)) }),
        (
            w.t("hospital-fhir"),
            html! { code class="small" { "/fhir/" (h.id) } },
        ),
    ];
    html! { section class="card" { header { h2 { (w.t("hospital-about")) } } div class="body" { (facts(&rows)) } } }
}

fn services(cx: &PageCx, h: &Hospital) -> Markup {
    let w = cx.words();
    let columns = [
        Column::new(w.t("hospital-service")),
        Column::new(w.t("hospital-code")),
    ];
    let rows = html! { @for s in &h.services {
        @let name = s.names.get(w.lang.tag()).or_else(|| s.names.get("en")).unwrap_or(&s.code);
        tr { td class="main" { (name) } td { code class="small" { (s.code) } } }
    } };
    html! {
        section class="card" {
            header { h2 { (w.t("hospital-services")) } }
            @if h.services.is_empty() { (empty("inbox", &w.t("hospital-no-services"), &w.t("hospital-no-services-more"), None)) }
            @else { (table(&w.t("hospital-services"), &columns, rows)) }
        }
    }
}

async fn keys(state: &WebState, cx: &PageCx) -> Result<Markup, PageError> {
    let w = cx.words();
    let show = cx.show();
    let who = cx.cx()?;
    let lines = state.app.key_history(who).await?;
    let columns = [
        Column::new(w.t("keys-id")),
        Column::new(w.t("keys-from")),
        Column::new(w.t("people-state")),
    ];
    let rows = html! { @for k in &lines {
        tr {
            td class="main" { code class="small" { (k.kid.chars().take(12).collect::<String>()) "…" } }
            td { (show.day(show.date_of(k.from))) }
            td { @match (k.revoked, k.until) {
                (Some(at), _) => (chip(Kind::Stop, &w.f("keys-revoked", args!["date" => show.day(show.date_of(at))]))),
                (None, Some(at)) => span class="soft" { (w.f("keys-retired", args!["date" => show.day(show.date_of(at))])) },
                (None, None) => (chip(Kind::Ok, &w.t("keys-in-use"))),
            } }
        }
    } };
    let may = who.actor.may(app::Privilege::SignAgreement);
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
            let errors = Errors::from_app(&cx.words(), e)?;
            let mut answer = draw_rotate(&cx, &errors)?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(answer)
        }
    }
}
