//! `/keeping`: legal holds, what is proposed to be destroyed, erasing a patient's record, and what was erased.

use app::keeping::{DisposalView, ErasureDoc, Ground, HoldView, Subject};
use app::{AppError, Role};
use axum::extract::{Path, State};
use kernel::{Instant, ResourceId};
use maud::{Markup, html};

use crate::args;
use crate::components::form::{Errors, Field};
use crate::components::list::{Column, table};
use crate::components::state::empty;
use crate::components::{Kind, chip, note};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, Who, get, post, reauth, refused};
use crate::shell::Shell;

const ADMINISTRATOR: Who = Who::Roles(&[Role::Administrator]);
/// How long a proposal is put off, years.
const YEARS: u16 = 5;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/keeping", ADMINISTRATOR, show),
        post("/keeping/holds", ADMINISTRATOR, place),
        post("/keeping/holds/{id}/lift", ADMINISTRATOR, lift),
        get("/keeping/erase", ADMINISTRATOR, ask_erase),
        post("/keeping/erase", ADMINISTRATOR, erase),
        get("/keeping/disposals/{id}", ADMINISTRATOR, ask_destroy),
        post("/keeping/disposals/{id}/destroy", ADMINISTRATOR, destroy),
        post("/keeping/disposals/{id}/keep", ADMINISTRATOR, keep),
    ]
}

async fn show(State(state): State<WebState>, cx: PageCx) -> PageResult {
    draw(&state, &cx, &Fields::default(), &Errors::default()).await
}

async fn draw(state: &WebState, cx: &PageCx, typed: &Fields, errors: &Errors) -> PageResult {
    let w = cx.words();
    let who = cx.cx()?;
    let holds = state.app.holds(who).await?;
    let disposals = state.app.disposals(who).await?;
    let erasures = state.app.erasures(who).await?;
    let main = html! {
        div class="head" {
            div { h1 { (w.t("keeping-title")) } p class="soft prose" { (w.t("keeping-lead")) } }
            a class="btn danger push" href="/keeping/erase" { (w.t("keeping-erase")) }
        }
        div class="cols half" {
            div class="stack" {
                section class="card" { header { h2 { (w.t("keeping-disposals")) } } (disposal_list(cx, &disposals)) }
                section class="card" { header { h2 { (w.t("keeping-erasures")) } } (erasure_list(cx, &erasures)) }
            }
            div class="stack" {
                section class="card" { header { h2 { (w.t("keeping-holds")) } } (hold_list(cx, &holds)) }
                section class="card" {
                    header { h2 { (w.t("keeping-hold-new")) } }
                    form class="body stack" method="post" action="/keeping/holds" {
                        (errors.summary(&w))
                        (cx.csrf())
                        (Field::new("patient", w.t("audit-patient")).value(typed.get("patient")).errors(errors).maxlength(64).required().input())
                        (Field::new("reason", w.t("keeping-reason")).hint(w.t("keeping-reason-hint")).value(typed.get("reason")).errors(errors).maxlength(2_000).required().area(3))
                        (Field::new("until", w.t("keeping-until")).hint(w.t("keeping-until-hint")).kind("date").value(typed.get("until")).errors(errors).input())
                        div { button class="btn primary" { (w.t("keeping-hold-place")) } }
                    }
                }
            }
        }
    };
    Ok(Shell::new(cx, &w.t("keeping-title")).draw(&main))
}

fn hold_list(cx: &PageCx, holds: &[HoldView]) -> Markup {
    let (w, show) = (cx.words(), cx.show());
    if holds.is_empty() {
        return empty(
            "check",
            &w.t("keeping-no-holds"),
            &w.t("keeping-no-holds-more"),
            None,
        );
    }
    html! { @for h in holds {
        div class="body row apart" {
            div {
                code { (h.hold.patient) } " "
                @if h.stands { (chip(Kind::Warn, &w.t("keeping-stands"))) } @else { (chip(Kind::Plain, &w.t("keeping-ended"))) }
                p class="prose" { (h.hold.reason.reveal()) }
                span class="soft small" { (show.at(h.hold.at))
                    @if let Some(until) = h.hold.until { " · " (w.f("profile-until", args!["date" => show.day(show.date_of(until))])) } }
            }
            @if h.stands {
                form method="post" action={ "/keeping/holds/" (h.id) "/lift" } { (cx.csrf()) button class="btn" { (w.t("keeping-lift")) } }
            }
        }
    } }
}

fn disposal_list(cx: &PageCx, disposals: &[DisposalView]) -> Markup {
    let (w, show) = (cx.words(), cx.show());
    if disposals.is_empty() {
        return empty(
            "check",
            &w.t("keeping-no-disposals"),
            &w.t("keeping-no-disposals-more"),
            None,
        );
    }
    html! { @for d in disposals {
        div class="body row apart" {
            div {
                (subject(cx, d)) @if d.held { " " (chip(Kind::Warn, &w.t("keeping-stands"))) }
                br; span class="soft small" { (w.f("keeping-due", args!["date" => show.day(show.date_of(d.disposal.due))])) }
            }
            @if !d.held { a class="btn" href={ "/keeping/disposals/" (d.id) } { (w.t("keeping-decide")) } }
        }
    } }
}

fn subject(cx: &PageCx, d: &DisposalView) -> Markup {
    let w = cx.words();
    match &d.disposal.subject {
        Subject::Record { patient } => html! { (w.t("keeping-record")) " " code { (patient) } },
        Subject::Copies { case, opinions, .. } => html! {
            (w.f("keeping-copies", args!["n" => opinions.len()])) " " code { (case.hospital) "/" (case.id) }
        },
    }
}

fn erasure_list(cx: &PageCx, erasures: &[ErasureDoc]) -> Markup {
    let (w, show) = (cx.words(), cx.show());
    if erasures.is_empty() {
        return empty(
            "check",
            &w.t("keeping-no-erasures"),
            &w.t("keeping-no-erasures-more"),
            None,
        );
    }
    let columns = [
        Column::new(w.t("audit-when")),
        Column::new(w.t("audit-about")),
        Column::new(w.t("keeping-ground")),
        Column::new(w.t("keeping-reason")),
    ];
    let rows = html! { @for e in erasures { tr {
        td { (show.at(e.at)) }
        td { @if let Some(p) = &e.patient { code { (p) } } }
        td { (w.word("erasure-ground", e.ground.as_str())) }
        td class="main" { (e.reason.reveal()) }
    } } };
    table(&w.t("keeping-erasures"), &columns, rows)
}

/// The end of a day in the reader's zone.
fn end_of(cx: &PageCx, text: &str) -> Result<Option<Instant>, AppError> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || AppError::invalid("until", "dates", "a date is expected");
    let day: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
    let zone = cx.cx().map_err(|_| wrong())?.zone.clone();
    let next = day.tomorrow().map_err(|_| wrong())?;
    Ok(Some(next.to_zoned(zone).map_err(|_| wrong())?.timestamp()))
}

fn patient_id(text: &str) -> Result<ResourceId, AppError> {
    ResourceId::new(text)
        .map_err(|_| AppError::invalid("patient", "keeping-unknown-patient", "no such patient"))
}

async fn place(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let placed = async {
        let patient = patient_id(fields.get("patient"))?;
        let until = end_of(&cx, fields.get("until"))?;
        let who = cx.cx().map_err(|_| AppError::Unauthenticated)?;
        state
            .app
            .place_hold(who, &patient, None, fields.get("reason"), until)
            .await
    };
    match placed.await {
        Ok(_) => Ok(done("/keeping", "keeping-hold-placed")),
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(draw(&state, &cx, &fields, &errors).await?))
        }
    }
}

async fn lift(State(state): State<WebState>, cx: PageCx, Path(id): Path<String>) -> PageResult {
    state.app.lift_hold(cx.cx()?, &ResourceId::new(id)?).await?;
    Ok(done("/keeping", "keeping-hold-lifted"))
}

async fn ask_erase(cx: PageCx) -> PageResult {
    let typed = Fields::default();
    let patient = cx.query_value("patient").unwrap_or_default();
    draw_erase(&cx, &patient, &typed, &Errors::default())
}

fn draw_erase(cx: &PageCx, patient: &str, typed: &Fields, errors: &Errors) -> PageResult {
    let w = cx.words();
    let grounds: Vec<(&str, String)> = Ground::ALL
        .iter()
        .map(|g| (g.as_str(), w.word("erasure-ground", g.as_str())))
        .collect();
    let main = html! {
        div class="stack" {
            p class="small" { a href="/keeping" { (w.t("keeping-title")) } }
            h1 { (w.t("keeping-erase")) }
            (note(Kind::Stop, html! { p { (w.t("keeping-erase-lead")) } }))
            form class="stack" method="post" action="/keeping/erase" {
                (errors.summary(&w))
                (cx.csrf())
                (Field::new("patient", w.t("audit-patient")).value(patient).errors(errors).maxlength(64).required().input())
                (Field::new("ground", w.t("keeping-ground")).value(typed.get("ground")).errors(errors).required().select(&grounds))
                (Field::new("reason", w.t("keeping-reason")).hint(w.t("keeping-reason-hint")).value(typed.get("reason")).errors(errors).maxlength(2_000).required().area(3))
                (reauth::fields(cx, errors))
                div class="row" { button class="btn danger" { (w.t("keeping-erase-do")) } a class="btn quiet" href="/keeping" { (w.t("profile-leave")) } }
            }
        }
    };
    Ok(Shell::new(cx, &w.t("keeping-erase"))
        .class("narrow stack")
        .draw(&main))
}

async fn erase(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let who = cx.cx()?;
    let erased = async {
        let patient = patient_id(fields.get("patient"))?;
        let ground: Ground = fields.get("ground").parse()?;
        state
            .app
            .reauthenticate(who, &reauth::given(&fields))
            .await?;
        state
            .app
            .erase_patient(who, &patient, ground, fields.get("reason"))
            .await
    };
    match erased.await {
        Ok(_) => Ok(done("/keeping", "keeping-erased")),
        Err(e) => {
            let errors = cx.wrong(e)?;
            let again = draw_erase(&cx, fields.get("patient"), &fields, &errors)?;
            Ok(refused(again))
        }
    }
}

async fn ask_destroy(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
) -> PageResult {
    draw_destroy(&state, &cx, &id, &Errors::default()).await
}

async fn draw_destroy(state: &WebState, cx: &PageCx, id: &str, errors: &Errors) -> PageResult {
    let w = cx.words();
    let all = state.app.disposals(cx.cx()?).await?;
    let found = all
        .iter()
        .find(|d| d.id.as_str() == id)
        .ok_or(AppError::NotFound)?;
    let main = html! {
        div class="stack" {
            p class="small" { a href="/keeping" { (w.t("keeping-title")) } }
            h1 { (subject(cx, found)) }
            (note(Kind::Stop, html! { p { (w.t("keeping-erase-lead")) } }))
            form class="stack" method="post" action={ "/keeping/disposals/" (found.id) "/destroy" } {
                (errors.summary(&w))
                (cx.csrf())
                (reauth::fields(cx, errors))
                div class="row" { button class="btn danger" { (w.t("keeping-destroy")) } a class="btn quiet" href="/keeping" { (w.t("profile-leave")) } }
            }
            form method="post" action={ "/keeping/disposals/" (found.id) "/keep" } {
                (cx.csrf()) button class="btn" { (w.f("keeping-keep", args!["n" => u64::from(YEARS)])) }
            }
        }
    };
    Ok(Shell::new(cx, &w.t("keeping-decide"))
        .class("narrow stack")
        .draw(&main))
}

async fn destroy(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    fields: Fields,
) -> PageResult {
    let who = cx.cx()?;
    let disposal = ResourceId::new(&id)?;
    let destroyed = match state.app.reauthenticate(who, &reauth::given(&fields)).await {
        Ok(()) => state.app.approve_disposal(who, &disposal).await,
        Err(e) => Err(e),
    };
    match destroyed {
        Ok(()) => Ok(done("/keeping", "keeping-erased")),
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(draw_destroy(&state, &cx, &id, &errors).await?))
        }
    }
}

async fn keep(State(state): State<WebState>, cx: PageCx, Path(id): Path<String>) -> PageResult {
    let disposal = ResourceId::new(&id)?;
    state.app.keep_disposal(cx.cx()?, &disposal, YEARS).await?;
    Ok(done("/keeping", "keeping-kept"))
}
