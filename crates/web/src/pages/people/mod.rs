//! The people of a hospital, for its administrator: who they are, what they may do and until when.

mod acts;
mod dates;
pub mod invite;
mod member;

use app::accounts::{Account, Membership};
use app::{ActorKind, Role};
use axum::extract::State;
use maud::{Markup, html};

use crate::components::list::{Column, Pager, table};
use crate::components::state::empty;
use crate::components::{Kind, avatar, chip, icon};
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, Who, get};
use crate::shell::Shell;

/// Who manages people.
pub const ADMINISTRATOR: Who = Who::Roles(&[Role::Administrator]);

/// People on one page of the list.
const PAGE: usize = 100;

pub fn routes() -> Vec<RouteSpec> {
    let mut all = vec![get("/people", ADMINISTRATOR, list)];
    all.extend(invite::routes());
    all.extend(member::routes());
    all.extend(acts::routes());
    all
}

async fn list(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = cx.words();
    let show = cx.show();
    let mut all = state.app.people_managed(cx.cx()?).await?;
    all.retain(|a| a.kind == ActorKind::Staff);
    let query = cx.query_value("q").unwrap_or_default();
    if !query.is_empty() {
        let wanted = query.to_lowercase();
        all.retain(|a| {
            [Some(&a.name), a.latin_name.as_ref(), Some(&a.login)]
                .into_iter()
                .flatten()
                .any(|n| n.to_lowercase().contains(&wanted))
        });
    }
    let total = all.len();
    let from: usize = cx
        .query_value("from")
        .and_then(|v| v.parse().ok())
        .unwrap_or(0);
    let page: Vec<&Account> = all.iter().skip(from).take(PAGE).collect();
    let link = |from: usize| {
        format!(
            "/people?from={from}&q={}",
            crate::frame::route::encode(&query)
        )
    };
    let pager = Pager {
        shown: page.len(),
        total: Some(total as u64),
        previous: (from > 0).then(|| link(from.saturating_sub(PAGE))),
        next: (from + PAGE < total).then(|| link(from + PAGE)),
    };
    let columns = [
        Column::new(w.t("people-name")),
        Column::new(w.t("people-roles")),
        Column::new(w.t("people-licence")),
        Column::new(w.t("people-state")),
    ];
    let rows = html! { @for a in &page { (row(&cx, a)) } };
    let main = html! {
        div class="head" {
            div { h1 { (w.t("people-title")) } p class="soft" { (w.t("people-lead")) } }
            a class="btn primary" href="/people/invite" { (icon("person")) (w.t("people-invite")) }
        }
        form class="filters" method="get" action="/people" role="search" {
            label { span class="label" { (w.t("people-find")) } input class="input" type="search" name="q" value=(query); }
            button class="btn" { (w.t("list-apply")) }
        }
        section class="card" {
            @if page.is_empty() {
                (empty("people", &w.t("people-none"), &w.t("people-none-more"), Some(("/people/invite", &w.t("people-invite")))))
            } @else {
                (table(&w.t("people-title"), &columns, rows))
            }
            (pager.draw(&show))
        }
    };
    Ok(Shell::new(&cx, &w.t("people-title")).draw(&main))
}

fn row(cx: &PageCx, a: &Account) -> Markup {
    let w = cx.words();
    let m = a.memberships.first();
    let roles: Vec<String> = m
        .map(|m| {
            m.roles_at(cx.now)
                .map(|r| w.word("role", r.as_str()))
                .collect()
        })
        .unwrap_or_default();
    html! {
        tr {
            td class="main" { a href={ "/people/" (a.id.as_str()) } { (avatar(&a.name)) " " bdi { (a.name) } }
                @if let Some(latin) = &a.latin_name { " " span class="soft" { (latin) } }
                @if let Some(t) = m.and_then(|m| m.title.as_ref()) { br; span class="soft small" { (t) } } }
            td { (w.list(roles)) }
            td { (licence(cx, m)) }
            td { (standing(cx, a, m)) }
        }
    }
}

/// The licence in force, how soon it ends, or that there is none.
fn licence(cx: &PageCx, m: Option<&Membership>) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let Some(m) = m else { return html! {} };
    match m.licence_at(cx.now) {
        Some(l) => {
            let soon = l.valid.until.is_some_and(|until| {
                cx.now.duration_until(until) < jiff::SignedDuration::from_hours(24 * 60)
            });
            let until = l.valid.until.map(|u| {
                crate::args!["date" => show.day(show.date_of(u - jiff::SignedDuration::from_secs(1)))]
            });
            html! { (l.number) @if let Some(args) = until {
                " " @if soon { (chip(Kind::Warn, &w.f("profile-until", args))) } @else { span class="soft small" { (w.f("profile-until", args)) } }
            } }
        }
        None if m.licences.is_empty() => html! { span class="faint" { "–" } },
        None => chip(Kind::Stop, &w.t("people-licence-over")),
    }
}

/// Active, invited, locked or suspended.
fn standing(cx: &PageCx, a: &Account, m: Option<&Membership>) -> Markup {
    let w = cx.words();
    if a.suspended.is_some() || m.is_some_and(|m| m.suspended.is_some()) {
        return chip(Kind::Stop, &w.t("people-suspended"));
    }
    if a.password.is_none() {
        let over = a.invitation.as_ref().is_none_or(|i| i.until <= cx.now);
        return if over {
            chip(Kind::Warn, &w.t("people-invitation-over"))
        } else {
            chip(Kind::Plain, &w.t("people-invited"))
        };
    }
    if a.locked_until.is_some_and(|until| cx.now < until) {
        return chip(Kind::Warn, &w.t("people-locked"));
    }
    if !a.has_second_factor() {
        return chip(Kind::Plain, &w.t("people-no-factor"));
    }
    chip(Kind::Ok, &w.t("people-active"))
}
