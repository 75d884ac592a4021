//! `/choose`: the hospital and role a person acts for.

use app::Role;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use kernel::{ErrorCode, HospitalId};
use maud::html;

use super::next_of;
use crate::components::form::{Choice, Choices, Errors};
use crate::components::{Kind, note, org_named};
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, Signed, WebState, Who, get, post};
use crate::shell::Shell;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/choose", Who::SignedIn, show),
        post("/choose", Who::SignedIn, choose),
    ]
}

fn signed(cx: &PageCx) -> Result<&Signed, PageError> {
    cx.signed
        .as_deref()
        .ok_or(PageError::new(ErrorCode::Unauthenticated))
}

async fn show(State(state): State<WebState>, cx: PageCx) -> PageResult {
    draw(&state, &cx, &Errors::default())
}

fn draw(state: &WebState, cx: &PageCx, errors: &Errors) -> PageResult {
    let w = cx.words();
    let signed = signed(cx)?;
    let next = next_of(&cx.query_value("next").unwrap_or_default());
    let actor = &signed.cx.actor;
    let mut choices = Vec::new();
    for seat in &signed.session.seats {
        let hospital = state.app.hospital(&seat.hospital);
        let (tile, name) = hospital.as_ref().map_or_else(
            || ("·".to_owned(), w.t("choose-network")),
            |h| (h.tile.clone(), h.name(w.lang.tag()).to_owned()),
        );
        let words = |roles: &[Role]| w.list(roles.iter().map(|r| w.word("role", r.as_str())));
        let all = html! { (org_named(&tile, &name)) };
        let note = html! { (words(&seat.roles)) @if let Some(t) = &seat.title { " · " (t) } };
        choices.push(Choice::new(seat.hospital.as_str(), all).note(note));
        if seat.roles.len() > 1 {
            for role in &seat.roles {
                let value = format!("{}/{}", seat.hospital, role.as_str());
                let label = html! { (org_named(&tile, &name)) };
                let only = w.f(
                    "choose-only",
                    crate::args!["role" => w.word("role", role.as_str())],
                );
                choices.push(Choice::new(value, label).note(html! { (only) }));
            }
        }
    }
    let current = current(actor.hospital.as_ref(), &signed.session.seats, &actor.roles);
    let chosen: Vec<String> = current
        .into_iter()
        .chain(choices.first().map(|c| c.value.clone()))
        .take(1)
        .collect();
    let main = html! {
        div class="stack" {
            div class="stack tightly" {
                h1 { (w.t("choose-title")) }
                p class="soft prose" { (w.t("choose-lead")) }
            }
            @if choices.is_empty() {
                (note(Kind::Warn, html! { p { (w.t("choose-none")) } }))
            } @else {
                form class="stack" method="post" action="/choose" {
                    (errors.summary(&w))
                    (cx.csrf())
                    input type="hidden" name="next" value=(next);
                    (Choices { name: "seat", legend: w.t("choose-legend"), hint: None, chosen: &chosen, many: false, framed: true }.draw(errors, &choices))
                    div class="row" { button class="btn primary" { (w.t("choose-go")) } }
                }
            }
        }
    };
    Ok(Shell::new(cx, &w.t("choose-title"))
        .class("narrow stack")
        .draw(&main))
}

/// The choice that is in force, as its value in the form.
fn current(
    hospital: Option<&HospitalId>,
    seats: &[app::sessions::Seat],
    roles: &std::collections::BTreeSet<Role>,
) -> Option<String> {
    let hospital = hospital?;
    let seat = seats.iter().find(|s| &s.hospital == hospital)?;
    match (seat.roles.len() > roles.len(), roles.first()) {
        (true, Some(role)) => Some(format!("{hospital}/{}", role.as_str())),
        _ => Some(hospital.to_string()),
    }
}

async fn choose(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let signed = signed(&cx)?;
    let value = fields.get("seat");
    let (hospital, role) = match value.split_once('/') {
        Some((hospital, role)) => (hospital, Some(role)),
        None => (value, None),
    };
    let role = match role {
        None => None,
        Some(word) => Some(
            Role::ALL
                .iter()
                .find(|r| r.as_str() == word)
                .copied()
                .ok_or(PageError::new(ErrorCode::Malformed))?,
        ),
    };
    let Ok(hospital) = HospitalId::new(hospital) else {
        let mut errors = Errors::default();
        errors.add("seat", cx.words().t("choose-missing"));
        return draw(&state, &cx, &errors);
    };
    state
        .app
        .choose_seat(&signed.cx, &signed.session.session, &hospital, role)
        .await?;
    let answer: Response = Redirect::to(&next_of(fields.get("next"))).into_response();
    Ok(answer)
}
