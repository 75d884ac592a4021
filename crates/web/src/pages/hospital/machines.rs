//! Machine clients of the hospital: registered by their public keys, withdrawn when they are no longer needed.

use app::tokens::NewMachine;
use axum::extract::State;
use kernel::AccountId;
use maud::{Markup, html};

use super::ADMINISTRATOR;
use crate::args;
use crate::components::form::{Errors, Field};
use crate::components::state::empty;
use crate::components::{Kind, chip};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, get, post, refused};
use crate::shell::Shell;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/hospital/machines/new", ADMINISTRATOR, show),
        post("/hospital/machines/new", ADMINISTRATOR, register),
        post("/hospital/machines/withdraw", ADMINISTRATOR, withdraw),
    ]
}

pub(super) async fn card(state: &WebState, cx: &PageCx) -> Result<Markup, PageError> {
    let w = cx.words();
    let show = cx.show();
    let all = state.app.machines(cx.cx()?).await?;
    Ok(html! {
        section class="card" id="machines" {
            header { h2 { (w.t("machines-title")) } a class="btn quiet push" href="/hospital/machines/new" { (w.t("machines-new")) } }
            @if all.is_empty() { (empty("key", &w.t("machines-none"), &w.t("machines-none-more"), None)) }
            @for m in &all {
                div class="body row apart" {
                    div {
                        b { (m.name) } @if m.suspended.is_some() { " " (chip(Kind::Stop, &w.t("machines-withdrawn"))) }
                        br; span class="soft small" { code { (m.client) } " · " (w.list(&m.keys)) @if !m.keys.is_empty() { " · " } (show.day(show.date_of(m.created))) }
                        @for c in &m.certificates { br; span class="soft small" { (c.subject) " · " (w.f("profile-until", args!["date" => show.day(show.date_of(c.not_after))])) } }
                    }
                    @if m.suspended.is_none() {
                        form method="post" action="/hospital/machines/withdraw" { (cx.csrf()) input type="hidden" name="client" value=(m.client.as_str());
                            button class="btn danger" { (w.t("machines-withdraw")) } }
                    }
                }
            }
        }
    })
}

async fn show(State(state): State<WebState>, cx: PageCx) -> PageResult {
    draw(&state, &cx, &Fields::default(), &Errors::default())
}

fn draw(state: &WebState, cx: &PageCx, typed: &Fields, errors: &Errors) -> PageResult {
    let w = cx.words();
    let main = html! {
        div class="stack" {
            p class="small" { a href="/hospital" { (w.t("hospital-title")) } }
            div class="stack tightly" { h1 { (w.t("machines-new")) }
                p class="soft prose" { (w.f("machines-lead", args!["address" => state.app.token_address()])) } }
            form class="stack" method="post" action="/hospital/machines/new" {
                (errors.summary(&w))
                (cx.csrf())
                (Field::new("name", w.t("machines-name")).value(typed.get("name")).errors(errors).maxlength(120).required().input())
                (Field::new("jwks", w.t("machines-jwks")).hint(w.t("machines-jwks-hint")).value(typed.get("jwks")).errors(errors).maxlength(65_536).area(8))
                (Field::new("certificate", w.t("machines-certificate")).hint(w.t("machines-certificate-hint")).value(typed.get("certificate")).errors(errors).maxlength(16_384).area(6))
                div class="row" { button class="btn primary" { (w.t("machines-new")) } a class="btn quiet" href="/hospital" { (w.t("profile-leave")) } }
            }
        }
    };
    Ok(Shell::new(cx, &w.t("machines-new"))
        .class("narrow stack")
        .draw(&main))
}

async fn register(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let new = NewMachine {
        name: fields.get("name").to_owned(),
        jwks: fields.get("jwks").to_owned(),
        certificate: fields.get("certificate").to_owned(),
    };
    match state.app.register_machine(cx.cx()?, new).await {
        Ok(_) => Ok(done("/hospital", "machines-registered")),
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(draw(&state, &cx, &fields, &errors)?))
        }
    }
}

async fn withdraw(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let client = AccountId::new(fields.get("client"))?;
    state.app.withdraw_machine(cx.cx()?, &client).await?;
    Ok(done("/hospital", "machines-withdrawn-done"))
}
