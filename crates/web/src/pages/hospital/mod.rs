//! The hospital itself, for its administrator: what it is, what it offers, the keys it signs with, its machines.

mod edges;
mod edit;
mod imaging;
mod keys;
mod machines;
mod provider;
mod reading;
mod webhooks;

use app::Role;
use app::hospitals::Hospital;
use axum::extract::State;
use maud::{Markup, html};

use crate::components::list::{Column, table};
use crate::components::state::empty;
use crate::components::{facts, org};
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, Who, get};
use crate::shell::Shell;

const ADMINISTRATOR: Who = Who::Roles(&[Role::Administrator]);

pub fn routes() -> Vec<RouteSpec> {
    let mut all = vec![get("/hospital", ADMINISTRATOR, show)];
    all.extend(edit::routes());
    all.extend(imaging::routes());
    all.extend(keys::routes());
    all.extend(machines::routes());
    all.extend(provider::routes());
    all.extend(reading::routes());
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
                div class="row" { a class="btn" href="/hospital/edit" { (w.t("hospital-edit")) } a class="btn" href="/keeping" { (w.t("keeping-title")) } }
                (about(&cx, &hospital))
                (services(&cx, &hospital))
                (webhooks::card(&state, &cx).await?)
            }
            div class="stack" {
                (keys::card(&state, &cx).await?)
                (provider::card(&state, &cx).await?)
                (machines::card(&state, &cx).await?)
                (imaging::card(&state, &cx).await?)
                (reading::card(&cx))
                (edges::card(&state, &cx).await?)
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
