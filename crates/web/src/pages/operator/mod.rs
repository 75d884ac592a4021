//! `/operator`: how the node stands, and the way back in for people whom no single hospital decides over.

mod status;

use app::people::AccountView;
use app::{AppError, Role};
use axum::extract::{Path, State};
use kernel::AccountId;
use maud::{Markup, html};

use crate::args;
use crate::components::form::{Errors, Field};
use crate::components::list::{Column, table};
use crate::components::{Kind, chip, facts, note, org_named};
use crate::frame::flash::done;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, Who, get, post, refused};
use crate::pages::people::invite;
use crate::shell::Shell;

const OPERATOR: Who = Who::Roles(&[Role::Operator]);

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/operator", OPERATOR, show),
        get("/operator/accounts/{account}", OPERATOR, account),
        post("/operator/accounts/{account}/{act}", OPERATOR, act),
    ]
}

async fn show(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = cx.words();
    let show = cx.show();
    let who = cx.cx()?;
    let status = state.app.status(who).await?;
    let people = state.app.people_by_hospital(who).await?;
    let login = cx.query_value("login").unwrap_or_default();
    let found = match login.as_str() {
        "" => None,
        login => match state.app.operator_find(who, login).await {
            Ok(account) => Some(Some(account)),
            Err(AppError::NotFound) => Some(None),
            Err(e) => return Err(e.into()),
        },
    };
    let columns = [
        Column::new(w.t("hospital-title")),
        Column::new(w.t("hospital-jurisdiction")),
        Column::new(w.t("profile-zone")),
        Column::number(w.t("people-title")),
    ];
    let hospitals = html! { @for (id, count) in &people {
        @if let Some(h) = state.app.hospital(id) {
            tr {
                td class="main" { (org_named(&h.tile, h.name(w.lang.tag()))) }
                td { (h.jurisdiction) }
                td { (show.offset(cx.now, &h.time_zone())) }
                td class="num" { (count) }
            }
        }
    } };
    let main = html! {
        div class="head" { div { h1 { (w.t("operator-title")) } p class="soft" { (w.t("operator-lead")) } } }
        (status::draw(&cx, &status))
        div class="cols half" {
            section class="card" { header { h2 { (w.t("operator-hospitals")) } } (table(&w.t("operator-hospitals"), &columns, hospitals)) }
            section class="card" {
                header { h2 { (w.t("operator-find")) } }
                div class="body stack" {
                    form class="stack" method="get" action="/operator" role="search" {
                        (Field::new("login", w.t("sign-in-login")).hint(w.t("operator-find-hint")).value(login).maxlength(128).input())
                        div class="row" { button class="btn" { (w.t("operator-find-go")) } }
                    }
                    @match found {
                        Some(Some(a)) => p { a href={ "/operator/accounts/" (a.id.as_str()) } { bdi { (a.name) } } " " span class="soft small" { (a.login) } },
                        Some(None) => (note(Kind::Warn, html! { p { (w.t("operator-nobody")) } })),
                        None => {}
                    }
                }
            }
        }
    };
    Ok(Shell::new(&cx, &w.t("operator-title")).draw(&main))
}

async fn account(
    State(state): State<WebState>,
    cx: PageCx,
    Path(account): Path<String>,
) -> PageResult {
    let id = AccountId::new(&account)?;
    let view = state.app.operator_account(cx.cx()?, &id).await?;
    draw(&state, &cx, &view, &Errors::default())
}

fn draw(state: &WebState, cx: &PageCx, a: &AccountView, errors: &Errors) -> PageResult {
    let w = cx.words();
    let own = cx.cx()?.actor.account == a.id;
    let names = a.hospitals.iter().map(|h| {
        state
            .app
            .hospital(h)
            .map_or_else(|| h.to_string(), |h| h.name(w.lang.tag()).to_owned())
    });
    let rows = [
        (w.t("sign-in-login"), html! { (a.login) }),
        (w.t("operator-hospitals"), html! { (w.list(names)) }),
        (
            w.t("profile-factor"),
            html! { (w.t(if a.second_factor { "profile-factor-on" } else { "profile-factor-off" })) },
        ),
        (
            w.t("sessions-title"),
            html! { (w.f("people-sessions", args!["n" => a.sessions])) },
        ),
    ];
    let button = |act: &str, danger: bool| -> Markup {
        html! {
            form class="stack tightly" method="post" action={ "/operator/accounts/" (a.id.as_str()) "/" (act) } {
                (cx.csrf())
                p class="prose small soft" { (w.f(&format!("operator-{act}-lead"), args!["name" => a.name.clone()])) }
                div { button class=(if danger { "btn danger" } else { "btn" }) { (w.word("people-act", act)) } }
            }
        }
    };
    let main = html! {
        div class="stack" {
            p class="small" { a href="/operator" { (w.t("operator-title")) } }
            div class="row" { h1 { bdi { (a.name) } } @if a.suspended.is_some() { (chip(Kind::Stop, &w.t("people-suspended"))) } }
            (errors.summary(&w))
            (facts(&rows))
            @if own { (note(Kind::Plain, html! { p { (w.t("people-own")) } })) }
            @else {
                hr;
                (button("link", false))
                @if a.second_factor { (button("reset", false)) }
                @if a.suspended.is_some() { (button("restore", false)) } @else { (button("suspend", true)) }
            }
        }
    };
    Ok(Shell::new(cx, &w.t("people-member"))
        .class("narrow stack")
        .draw(&main))
}

async fn act(
    State(state): State<WebState>,
    cx: PageCx,
    Path((account, word)): Path<(String, String)>,
) -> PageResult {
    let id = AccountId::new(&account)?;
    let who = cx.cx()?;
    let back = format!("/operator/accounts/{id}");
    let acted = match word.as_str() {
        "suspend" => state
            .app
            .suspend_account(who, &id, true)
            .await
            .map(|()| done(&back, "people-done-suspend")),
        "restore" => state
            .app
            .suspend_account(who, &id, false)
            .await
            .map(|()| done(&back, "people-done-restore")),
        "reset" => state
            .app
            .operator_reset(who, &id)
            .await
            .map(|()| done(&back, "people-done-reset")),
        "link" => {
            let view = state.app.operator_account(who, &id).await?;
            state
                .app
                .operator_link(who, &id)
                .await
                .map(|invited| invite::made(&cx, &view.name, &invited, &back))
        }
        _ => return Err(PageError::not_found()),
    };
    match acted {
        Ok(answer) => Ok(answer),
        Err(e) => {
            let errors = cx.wrong(e)?;
            let view = state.app.operator_account(who, &id).await?;
            Ok(refused(draw(&state, &cx, &view, &errors)?))
        }
    }
}
