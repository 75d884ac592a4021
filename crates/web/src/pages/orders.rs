//! Imaging that a clinician asks for, on the patient's page: the form, and what became of each order.

use app::Role;
use app::imaging::orders::{MODALITIES, NewOrder, OrderLine, OrderState, Station};
use axum::extract::{Path, State};
use care::case::Urgency;
use jiff::civil::DateTime;
use kernel::{Instant, Phi, RecordKey, ResourceId};
use maud::{Markup, html};

use super::view::{self, patient_address};
use crate::args;
use crate::components::form::{Choice, Choices, Errors, Field};
use crate::components::{Kind, chip, count, icon, urgency};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, Who, get, post, refused};
use crate::shell::Shell;

const ORDERING: Who = Who::Roles(&[Role::Clinician]);
type Address = Path<(String, String)>;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/patients/{hospital}/{id}/imaging", ORDERING, page),
        post("/patients/{hospital}/{id}/imaging", ORDERING, order),
        post("/patients/{hospital}/{id}/imaging/cancel", ORDERING, cancel),
    ]
}

fn patient(hospital: &str, id: &str) -> Result<RecordKey, PageError> {
    Ok(RecordKey::parse(hospital, "Patient", id)?)
}

async fn page(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
) -> PageResult {
    let key = patient(&hospital, &id)?;
    draw(&state, &cx, &key, &Fields::default(), &Errors::default()).await
}

async fn draw(
    state: &WebState,
    cx: &PageCx,
    key: &RecordKey,
    typed: &Fields,
    errors: &Errors,
) -> PageResult {
    let w = &cx.words();
    let show = &cx.show();
    let banner = state.app.banner(cx.cx()?, key).await?;
    let orders = state.app.imaging_orders(cx.cx()?, key).await?;
    let stations = state.app.stations(cx.cx()?).await?;
    let title = w.t("order-title");
    let case = typed
        .some("case")
        .map(str::to_owned)
        .or_else(|| cx.query_value("case"));
    let base = patient_address(key);
    let main = html! {
        div class="stack" {
            p class="small" { a href=(base) { (w.t("patient-record")) } }
            h1 { (title) }
            (form(cx, &base, &stations, case.as_deref(), typed, errors))
            (list(cx, key, &orders))
        }
    };
    let answer = Shell::new(cx, &title)
        .class("narrow stack")
        .banner(view::banner(cx, &banner, None, Some(base)).draw(show))
        .draw(&main);
    Ok(if errors.is_empty() {
        answer
    } else {
        refused(answer)
    })
}

fn form(
    cx: &PageCx,
    base: &str,
    stations: &[Station],
    case: Option<&str>,
    typed: &Fields,
    errors: &Errors,
) -> Markup {
    let w = &cx.words();
    let mut modalities = vec![(String::new(), w.t("order-choose"))];
    modalities.extend(
        MODALITIES
            .iter()
            .map(|m| ((*m).to_owned(), w.word("modality", m))),
    );
    let mut places = vec![(String::new(), w.t("order-any-station"))];
    places.extend(
        stations
            .iter()
            .map(|s| (s.title.clone(), format!("{} ({})", s.name, s.title))),
    );
    let urgencies: Vec<Choice> = Urgency::ALL
        .iter()
        .map(|u| Choice::new(u.as_str(), urgency(w, u.as_str())))
        .collect();
    let chosen: Vec<String> = typed
        .some("urgency")
        .map(str::to_owned)
        .into_iter()
        .collect();
    let how_soon = Choices {
        name: "urgency",
        legend: w.t("order-how-soon"),
        hint: None,
        chosen: &chosen,
        many: false,
        framed: false,
    };
    let field = |name: &'static str, key: &str, most: usize| {
        let field = Field::new(name, w.t(key)).value(typed.get(name));
        field.errors(errors).maxlength(most)
    };
    html! {
        form class="card" method="post" action={ (base) "/imaging" } {
            header { h2 { (w.t("order-new")) } }
            div class="body stack" {
                (errors.summary(w))
                (cx.csrf())
                @if let Some(case) = case { input type="hidden" name="case" value=(case); p class="small soft" { (w.t("order-for-case")) } }
                (Field::new("modality", w.t("order-modality")).value(typed.get("modality")).errors(errors).required().select(&modalities))
                (field("procedure", "order-procedure", 64).hint(w.t("order-procedure-hint")).required().input())
                (field("body-part", "order-part", 40).input())
                (field("reason", "order-reason", 2_000).hint(w.t("order-reason-hint")).required().area(3))
                (how_soon.draw(errors, &urgencies))
                (Field::new("station", w.t("order-station")).value(typed.get("station")).errors(errors).select(&places))
                (field("at", "order-at", 16).hint(w.t("order-at-hint")).kind("datetime-local").input())
                div class="row" { button class="btn primary" { (w.t("order-send")) } }
            }
        }
    }
}

fn list(cx: &PageCx, patient: &RecordKey, orders: &[OrderLine]) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let base = patient_address(patient);
    html! {
        @if !orders.is_empty() { section class="card" id="orders" aria-labelledby="orders-h" {
            header { h2 id="orders-h" { (icon("image")) " " (w.t("order-list")) } (count(orders.len())) }
            ul class="readers" { @for o in orders { li class="stack none" {
                div class="row apart" {
                    span { b { (o.modality) } " " bdi { (o.procedure.reveal()) } @if !o.body_part.is_empty() { " · " (o.body_part) } }
                    span class="row" { (urgency(w, o.urgency.as_str())) (state_of(cx, patient, &o.state)) }
                }
                p class="small soft" {
                    (w.f("order-line", args!["number" => &o.accession, "by" => &o.by, "at" => show.at(o.ordered)]))
                    @if let Some(at) = o.at { " · " (w.f("order-planned", args!["at" => show.at(at)])) }
                    @if let Some(station) = &o.station { " · " (station) }
                }
                @if o.state == OrderState::Waiting && cx.has(Role::Clinician) {
                    form method="post" action={ (base) "/imaging/cancel" } { (cx.csrf()) input type="hidden" name="order" value=(o.id);
                        button class="btn quiet" { (w.t("order-cancel")) span class="vh" { " " (o.accession) } } }
                }
            } } }
        } }
    }
}

fn state_of(cx: &PageCx, patient: &RecordKey, state: &OrderState) -> Markup {
    let word = cx.words().word("order-state", state.as_str());
    match state {
        OrderState::Done(study) => html! {
            a href={ "/images/" (patient.hospital) "/" (study) } { (chip(Kind::Ok, &word)) }
        },
        OrderState::Waiting => chip(Kind::Warn, &word),
        OrderState::Cancelled => chip(Kind::Plain, &word),
    }
}

/// The orders of a patient on the patient's own page.
pub fn card(cx: &PageCx, patient: &RecordKey, orders: &[OrderLine]) -> Markup {
    list(cx, patient, orders)
}

/// `2026-11-22T14:30` in the reader's zone; empty: none.
fn moment(cx: &PageCx, text: &str) -> Result<Option<Instant>, PageError> {
    if text.is_empty() {
        return Ok(None);
    }
    let malformed = || PageError::new(kernel::ErrorCode::Malformed);
    let civil: DateTime = text.parse().map_err(|_| malformed())?;
    let at = civil.to_zoned(cx.cx()?.zone.clone());
    Ok(Some(at.map_err(|_| malformed())?.timestamp()))
}

async fn order(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
    fields: Fields,
) -> PageResult {
    let key = patient(&hospital, &id)?;
    let new = NewOrder {
        modality: fields.get("modality").to_owned(),
        procedure: fields.get("procedure").to_owned(),
        body_part: fields.get("body-part").to_owned(),
        reason: Phi::new(fields.get("reason").to_owned()),
        urgency: fields.get("urgency").parse().ok(),
        station: fields.some("station").map(str::to_owned),
        at: moment(&cx, fields.get("at"))?,
        case: fields.some("case").map(ResourceId::new).transpose()?,
    };
    match state.app.order_imaging(cx.cx()?, &key, new).await {
        Ok(_) => Ok(done(
            &format!("{}/imaging", patient_address(&key)),
            "order-sent",
        )),
        Err(e) => {
            let errors = cx.wrong(e)?;
            draw(&state, &cx, &key, &fields, &errors).await
        }
    }
}

async fn cancel(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
    fields: Fields,
) -> PageResult {
    let key = patient(&hospital, &id)?;
    let order = ResourceId::new(fields.get("order"))?;
    state.app.cancel_order(cx.cx()?, &key, &order).await?;
    Ok(done(
        &format!("{}/imaging", patient_address(&key)),
        "order-cancelled",
    ))
}
