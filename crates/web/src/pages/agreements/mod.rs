//! Agreements: the list, drafting, the agreement in words with its signatures, ending it, and trying it out.

mod act;
mod draft;
mod explain;
mod one;
mod parts;

pub use draft::SPECIALTIES;

use agreements::agreement::Standing;
use app::Role;
use app::agreements::AgreementRow;
use axum::extract::State;
use maud::{Markup, html};

use super::why::{hospital_name, tile};
use crate::args;
use crate::components::basic::{Tab, tabs};
use crate::components::list::{Column, table};
use crate::components::{icon, org_named, state};
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, Who, get, post};
use crate::shell::Shell;

/// Everybody at a party may know what they work under; only administrators change it.
const READERS: Who = Who::Roles(&[
    Role::Administrator,
    Role::Clinician,
    Role::Coordinator,
    Role::Consultant,
]);
const ADMIN: Who = Who::Roles(&[Role::Administrator]);

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/agreements", READERS, list),
        get("/agreements/new", ADMIN, draft::new),
        post("/agreements/new", ADMIN, draft::create),
        get("/agreements/explain", ADMIN, explain::page),
        get("/agreements/{id}", READERS, one::page),
        get("/agreements/{id}/text", READERS, one::text),
        get("/agreements/{id}/pdf/{language}", READERS, one::pdf),
        get("/agreements/{id}/edit", ADMIN, draft::edit),
        post("/agreements/{id}/edit", ADMIN, draft::save),
        post("/agreements/{id}/propose", ADMIN, act::propose),
        get("/agreements/{id}/sign", READERS, act::sign_page),
        post("/agreements/{id}/sign", READERS, act::sign),
        get("/agreements/{id}/suspend", ADMIN, act::suspend_page),
        post("/agreements/{id}/suspend", ADMIN, act::suspend),
        post("/agreements/{id}/resume", ADMIN, act::resume),
        get("/agreements/{id}/end", ADMIN, act::end_page),
        post("/agreements/{id}/notice", ADMIN, act::notice),
        post("/agreements/{id}/settle", ADMIN, act::settle),
        post("/agreements/{id}/end", ADMIN, act::end),
        get("/agreements/{id}/withdraw", ADMIN, act::withdraw_page),
        post("/agreements/{id}/withdraw", ADMIN, act::withdraw),
    ]
}

/// Which agreements a tab shows.
fn group(standing: Standing) -> &'static str {
    match standing {
        Standing::Active | Standing::Suspended => "running",
        Standing::Draft | Standing::Proposed | Standing::Signed => "coming",
        Standing::Ended | Standing::Expired | Standing::Withdrawn => "past",
    }
}

async fn list(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = cx.words();
    let all = state.app.agreements_of(cx.cx()?).await?;
    let wanted = cx.query_value("show").unwrap_or_else(|| "running".into());
    let counted = |name: &str| all.iter().filter(|a| group(a.standing) == name).count() as u64;
    let views: Vec<Tab> = ["running", "coming", "past"]
        .into_iter()
        .map(|name| Tab {
            href: format!("/agreements?show={name}"),
            text: w.word("agr-tab", name),
            count: Some(counted(name)),
            on: name == wanted,
        })
        .collect();
    let rows: Vec<_> = all.iter().filter(|a| group(a.standing) == wanted).collect();
    let title = w.t("nav-agreements");
    let admin = cx.has(Role::Administrator);
    let main = html! {
        div class="head" {
            div { h1 { (title) } p class="soft" { (w.t("agr-lead")) } }
            @if admin { div class="row" {
                a class="btn" href="/agreements/explain" { (icon("info")) (w.t("agr-explain-open")) }
                a class="btn primary" href="/agreements/new" { (w.t("agr-new")) }
            } }
        }
        (tabs(&title, &views))
        div class="card" {
            @if rows.is_empty() { (state::empty("file", &w.t("agr-none"), &w.t("agr-none-more"), None)) }
            @else { (table_of(&state, &cx, &rows)) }
        }
    };
    let hospital = cx.cx()?.hospital()?.clone();
    Ok(Shell::new(&cx, &title)
        .class("page")
        .watch(format!("agreements-{hospital}"))
        .draw(&main))
}

fn table_of(state: &WebState, cx: &PageCx, rows: &[&AgreementRow]) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let columns = [
        Column::new(w.t("agr-title")),
        Column::new(w.t("agr-partner")),
        Column::new(w.t("agr-direction")),
        Column::new(w.t("agr-standing")),
        Column::number(w.t("agr-until")),
    ];
    table(
        &w.t("nav-agreements"),
        &columns,
        html! { @for a in rows {
            tr {
                td class="main" { a href={ "/agreements/" (a.id) } { (a.title) } br; span class="id soft" { (a.number) } }
                td { @for p in &a.partners { (org_named(&tile(state, p), &hospital_name(state, cx, p))) } }
                td class="soft" { (direction(cx, a)) }
                td { (parts::standing_chip(&w, a.standing)) @if a.to_sign { " " span class="chip" data-k="warn" { (icon("sign")) (w.t("agr-to-sign")) } } }
                td class="num soft" {
                    @if let Some(at) = a.notice_until { (w.f("agr-notice-until", args!["at" => show.day(show.date_of(at))])) }
                    @else if let Some(at) = a.ends { (show.date(show.date_of(at))) }
                }
            }
        } },
    )
}

fn direction(cx: &PageCx, a: &AgreementRow) -> String {
    cx.t(match (a.refers, a.answers) {
        (true, true) => "agr-both-ways",
        (true, false) => "agr-we-refer",
        (false, true) => "agr-we-answer",
        (false, false) => "none-dash",
    })
}
