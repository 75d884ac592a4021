//! Notices: what happened that needs this person, newest first.

use app::notices::NoticeView;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use kernel::ResourceId;
use maud::{Markup, html};

use crate::components::list::Pager;
use crate::components::{Kind, chip, icon, state};
use crate::frame::form::Fields;
use crate::frame::route::own_address;
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, Who, flash, get, post};
use crate::shell::{Shell, bell, part};
use crate::show::Show;

/// A full page of notices: there may be more behind it.
const FULL: usize = app::notices::NOTICES_PER_PAGE as usize;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/notices", Who::SignedIn, list),
        get("/notices/bell", Who::SignedIn, bell_part),
        post("/notices/read", Who::SignedIn, read_all),
        post("/notices/{id}", Who::SignedIn, open),
    ]
}

/// The bell alone: what the live line asks for again.
async fn bell_part(cx: PageCx) -> PageResult {
    Ok(part(bell(&cx, cx.signed.as_ref().map_or(0, |s| s.notices))))
}

async fn list(State(app): State<WebState>, cx: PageCx) -> PageResult {
    let after = cx.query_value("after");
    let notices = app.app.notices_of(cx.cx()?, after.as_deref()).await?;
    let show = cx.show();
    let title = cx.t("notices-title");
    let unread = notices.iter().any(|n| !n.read);
    let last = notices.last().map(|n| n.id.clone());
    let pager = Pager {
        shown: notices.len(),
        total: None,
        previous: after.is_some().then(|| "/notices".to_owned()),
        next: last
            .filter(|_| notices.len() == FULL)
            .map(|id| format!("/notices?after={id}")),
    };
    let main = html! {
        div class="head" {
            div { h1 { (title) } }
            @if unread { form method="post" action="/notices/read" { (cx.csrf()) button class="btn" { (icon("check")) (cx.t("notices-read-all")) } } }
        }
        section class="card" id="notices" hx-get="/notices" hx-select="#notices" hx-swap="outerHTML"
            hx-trigger={ "person-" (cx.cx()?.actor.account) " from:#live, caught-up from:#live" } aria-label=(title) {
            @if notices.is_empty() {
                (state::empty("bell", &cx.t("notices-none"), &cx.t("notices-none-more"), Some(("/", &cx.t("notices-home")))))
            } @else {
                ul class="notices" { @for notice in &notices { (line(&cx, &show, notice)) } }
                (pager.draw(&show))
            }
        }
    };
    Ok(Shell::new(&cx, &title)
        .watch(format!("person-{}", cx.cx()?.actor.account))
        .draw(&main))
}

/// Opening a notice marks it read, so it is a form; without a script the button is a link in looks only.
fn line(cx: &PageCx, show: &Show, notice: &NoticeView) -> Markup {
    let w = &show.words;
    html! {
        li data-unread[!notice.read] {
            form method="post" action={ "/notices/" (notice.id) } {
                (cx.csrf())
                input type="hidden" name="to" value=(notice.href);
                button {
                    span class="row" {
                        @if notice.urgent { (chip(Kind::Stop, &w.t("notices-urgent"))) }
                        @if !notice.read { (chip(Kind::Plain, &w.t("notices-new"))) }
                        b { (w.word("notice", &notice.what)) }
                    }
                    span class="row small soft" { span class="id" { (notice.number) } time { (show.at(notice.at)) } }
                }
            }
        }
    }
}

async fn open(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<ResourceId>,
    fields: Fields,
) -> PageResult {
    state.app.mark_read(cx.cx()?, Some(&id)).await?;
    Ok(Redirect::to(own_address(fields.get("to")).unwrap_or("/notices")).into_response())
}

async fn read_all(State(state): State<WebState>, cx: PageCx) -> PageResult {
    state.app.mark_read(cx.cx()?, None).await?;
    Ok(flash::done("/notices", "notices-all-read"))
}
