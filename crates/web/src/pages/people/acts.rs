//! What an administrator does to somebody's access: suspend, restore, reset, give a new link. Each says first what
//! follows from it.

use app::people::MemberState;
use axum::extract::{Path, State};
use kernel::AccountId;
use maud::{Markup, html};

use super::{ADMINISTRATOR, invite, member};
use crate::args;
use crate::components::form::Errors;
use crate::components::{Kind, note};
use crate::frame::flash::{done, done_with_undo};
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, get, post, refused};
use crate::shell::Shell;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/people/{account}/act/{act}", ADMINISTRATOR, ask),
        post("/people/{account}/act/{act}", ADMINISTRATOR, act),
    ]
}

/// The acts by their word in addresses and messages.
const ACTS: [&str; 4] = ["suspend", "restore", "reset", "link"];

fn known(word: &str) -> Result<&'static str, PageError> {
    ACTS.into_iter()
        .find(|a| *a == word)
        .ok_or_else(PageError::not_found)
}

/// What can be done now, beside the member's form.
pub(super) fn card(cx: &PageCx, m: &MemberState, own: bool) -> Markup {
    let w = cx.words();
    let suspended = m.membership.suspended.is_some();
    let link = |act: &str, danger: bool| {
        let class = if danger {
            "btn danger full"
        } else {
            "btn full"
        };
        html! { a class=(class) href={ "/people/" (m.account.id.as_str()) "/act/" (act) } { (w.word("people-act", act)) } }
    };
    html! {
        section class="card" {
            header { h2 { (w.t("people-access")) } }
            div class="body stack tightly" {
                p class="small soft" { (member::sessions_line(cx, m)) }
                p class="small soft" { (w.t(if m.account.has_second_factor() { "profile-factor-on" } else { "profile-factor-off" })) }
                @if m.elsewhere { p class="small soft" { (w.t("people-elsewhere")) } }
                @if !own {
                    @if !m.elsewhere { (link("link", false)) }
                    @if m.account.has_second_factor() && !m.elsewhere { (link("reset", false)) }
                    @if suspended { (link("restore", false)) } @else { (link("suspend", true)) }
                }
            }
        }
    }
}

async fn ask(
    State(state): State<WebState>,
    cx: PageCx,
    Path((account, word)): Path<(String, String)>,
) -> PageResult {
    let word = known(&word)?;
    let member = state
        .app
        .member(cx.cx()?, &AccountId::new(&account)?)
        .await?;
    draw(&cx, &member, word, &Errors::default())
}

fn draw(cx: &PageCx, m: &MemberState, word: &str, errors: &Errors) -> PageResult {
    let w = cx.words();
    let title = w.word("people-act", word);
    let back = format!("/people/{}", m.account.id);
    let lead = w.f(
        &format!("people-act-{word}-lead"),
        args!["name" => m.account.name.clone(), "n" => m.sessions],
    );
    let class = if word == "suspend" {
        "btn danger"
    } else {
        "btn primary"
    };
    let main = html! {
        div class="stack" {
            p class="small" { a href=(back) { (m.account.name) } }
            h1 { (title) }
            (errors.summary(&w))
            @if let Some(e) = errors.of("main") { (note(Kind::Stop, html! { p id="main-error" { (e) } })) }
            p class="prose" { (lead) }
            form class="row" method="post" action={ (back) "/act/" (word) } {
                (cx.csrf())
                button class=(class) { (title) }
                a class="btn quiet" href=(back) { (w.t("profile-leave")) }
            }
        }
    };
    Ok(Shell::new(cx, &title).class("narrow stack").draw(&main))
}

async fn act(
    State(state): State<WebState>,
    cx: PageCx,
    Path((account, word)): Path<(String, String)>,
) -> PageResult {
    let word = known(&word)?;
    let id = AccountId::new(&account)?;
    let who = cx.cx()?;
    let back = format!("/people/{id}");
    let done_act = match word {
        "suspend" => state.app.suspend_member(who, &id).await.map(|()| {
            done_with_undo(
                &back,
                "people-done-suspend",
                Some(&format!("{back}/act/restore")),
            )
        }),
        "restore" => state
            .app
            .restore_member(who, &id)
            .await
            .map(|()| done(&back, "people-done-restore")),
        "reset" => state
            .app
            .reset_second_factor(who, &id)
            .await
            .map(|()| done(&back, "people-done-reset")),
        _ => {
            let member = state.app.member(who, &id).await?;
            state
                .app
                .renew_invitation(who, &id)
                .await
                .map(|invited| invite::made(&cx, &member.account.name, &invited, &back))
        }
    };
    match done_act {
        Ok(answer) => Ok(answer),
        Err(e) => {
            let errors = cx.wrong(e)?;
            let member = state.app.member(who, &id).await?;
            Ok(refused(draw(&cx, &member, word, &errors)?))
        }
    }
}
