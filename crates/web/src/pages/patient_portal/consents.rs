//! The patient's own consents: what I allowed, allowing more, and taking it back.

use agreements::ConsentRecord;
use agreements::consent::{Basis, Capacity, ConsentState, Given, Method, Relation};
use app::AppError;
use app::accounts::Relation as Link;
use app::consents::ConsentDraft;
use app::people::MyRecord;
use axum::extract::{Path, State};
use kernel::{ErrorCode, HospitalId, Phi};
use maud::html;

use super::{acting_for, draw, linked};
use crate::components::form::{Errors, Field, check};
use crate::components::{Kind, icon, note, state};
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, WebState, flash};
use crate::pages::consents::record::{FORM, scope_fields, scope_of};
use crate::pages::consents::{consent_id, scope_words, state_chip};
use crate::pages::why::hospital_name;

pub async fn list(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = cx.words();
    let show = cx.show();
    let mut all = Vec::new();
    let records = state.app.my_records(cx.cx()?).await?;
    for (hospital, patient) in linked(&cx)? {
        all.extend(state.app.consents_of(cx.cx()?, &hospital, &patient).await?);
    }
    let may = |c: &ConsentRecord| {
        let mut mine = records.iter();
        mine.any(|r| r.consents() && r.hospital == c.custodian && r.patient == c.patient)
    };
    let title = w.t("nav-me-consents");
    let main = html! {
        div class="stack tightly" { h1 { (title) } p class="soft" { (w.t("me-consents-lead")) } }
        (acting_for(&state, &cx, &records))
        @if all.is_empty() { div class="card" { (state::empty("shield", &w.t("me-consents-none"), &w.t("consents-none-more"), None)) } }
        @for c in &all {
            @let now_state = c.state(cx.now);
            section class="card" {
                header class="row apart" { h2 { (hospital_name(&state, &cx, &c.custodian)) } (state_chip(&w, now_state)) }
                div class="body stack tightly" {
                    ul class="plain" { @for line in scope_words(&state, &cx, c) { li { (line) } } }
                    p class="small soft" { (w.t("consents-from")) ": " (show.at(c.from)) @if let Some(gone) = &c.withdrawn { br; (w.t("consents-withdrawn")) ": " (show.at(gone.at)) } }
                    @if may(c) && matches!(now_state, ConsentState::InForce | ConsentState::NotYet) { a class="btn full" href={ "/me/consents/" (c.custodian) "/" (c.id) "/withdraw" } { (w.t("me-consents-withdraw")) } }
                }
            }
        }
        @if records.iter().any(MyRecord::consents) { a class="btn primary full" href="/me/consents/new" { (w.t("me-consents-give")) } }
    };
    Ok(draw(&cx, &title, None, &main))
}

pub async fn form(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let blank = Fields::parse(b"")?;
    draw_form(&state, &cx, &blank, &Errors::default()).await
}

/// Whom a consent can be given for: oneself at every hospital, or one other person at one hospital.
fn for_whom(cx: &PageCx, records: &[MyRecord]) -> Vec<(String, String)> {
    let own = records.iter().any(|r| r.relation == Link::Oneself);
    let own = own.then(|| (OWN.to_owned(), cx.t("me-consents-own")));
    let others = records
        .iter()
        .filter(|r| r.relation != Link::Oneself && r.consents())
        .map(|r| (whose(r), r.name.reveal().clone()));
    own.into_iter().chain(others).collect()
}

const OWN: &str = "own";

fn whose(r: &MyRecord) -> String {
    format!("{}/{}", r.hospital, r.patient)
}

async fn draw_form(state: &WebState, cx: &PageCx, fields: &Fields, errors: &Errors) -> PageResult {
    let w = cx.words();
    let records = state.app.my_records(cx.cx()?).await?;
    let choices = for_whom(cx, &records);
    let first = records.iter().find(|r| r.consents());
    let Some(hospital) = first.map(|r| r.hospital.clone()) else {
        return Err(PageError::new(ErrorCode::NotFound));
    };
    let title = w.t("me-consents-give");
    let main = html! {
        div class="stack tightly" { h1 { (title) } p class="soft" { (w.t("me-consents-give-lead")) } }
        (errors.summary(&w))
        form class="stack" method="post" action="/me/consents/new" {
            (cx.csrf())
            @if choices.len() > 1 { (Field::new("for", w.t("me-consents-for")).value(fields.get("for")).errors(errors).select(&choices)) }
            (scope_fields(state, cx, &hospital, fields, errors))
            (check("understood", w.t("me-consents-understood"), fields.has("understood"), errors))
            button class="btn primary full" { (w.t("me-consents-give-now")) }
            a class="btn quiet full" href="/me/consents" { (w.t("agr-back")) }
        }
    };
    Ok(draw(cx, &title, None, &main))
}

pub async fn give(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let w = cx.words();
    if !fields.has("understood") {
        let mut errors = Errors::default();
        errors.add("understood", w.t("me-consents-understood-missing"));
        return draw_form(&state, &cx, &fields, &errors).await;
    }
    let records = state.app.my_records(cx.cx()?).await?;
    let choices = for_whom(&cx, &records);
    let wanted = match (fields.get("for"), choices.as_slice()) {
        ("", [(only, _)]) => only.clone(),
        (wanted, _) => wanted.to_owned(),
    };
    let chosen: Vec<MyRecord> = records
        .into_iter()
        .filter(|r| match r.relation {
            Link::Oneself => wanted == OWN,
            _ => r.consents() && wanted == whose(r),
        })
        .collect();
    if chosen.is_empty() {
        let mut errors = Errors::default();
        errors.add("for", w.t("problem-missing"));
        return draw_form(&state, &cx, &fields, &errors).await;
    }
    let name = cx.cx()?.name.clone();
    for record in chosen {
        let relation = consents_as(record.relation);
        let draft = ConsentDraft {
            custodian: record.hospital,
            patient: record.patient,
            basis: Basis::Given(Given {
                relation,
                giver: (relation != Relation::Patient).then(|| Phi::new(name.clone())),
                capacity: Capacity::Full,
                assent: None,
                language: w.lang.tag().to_owned(),
                form: FORM.to_owned(),
                witness: None,
                method: Method::Electronic,
            }),
            scope: scope_of(&fields),
            from: None,
            until: None,
        };
        match state.app.record_consent(cx.cx()?, draft).await {
            Ok(_) => {}
            Err(e @ AppError::Invalid(_)) => {
                let errors = cx.wrong(e)?;
                return draw_form(&state, &cx, &fields, &errors).await;
            }
            Err(e) => return Err(e.into()),
        }
    }
    Ok(flash::done("/me/consents", "consents-recorded"))
}

/// In which relation an account consents by the link it has.
fn consents_as(relation: Link) -> Relation {
    match relation {
        Link::Oneself => Relation::Patient,
        Link::Parent | Link::Guardian => Relation::Guardian,
        Link::Spouse | Link::Child | Link::Proxy => Relation::Proxy,
    }
}

fn custodian(text: &str) -> Result<HospitalId, PageError> {
    HospitalId::new(text).map_err(|_| PageError::new(ErrorCode::NotFound))
}

pub async fn ask(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let w = cx.words();
    let hospital = custodian(&hospital)?;
    let c = state
        .app
        .consent(cx.cx()?, &hospital, &consent_id(&id)?)
        .await?;
    let title = w.t("me-consents-withdraw");
    let main = html! {
        div class="stack" {
            h1 { (title) }
            ul class="plain" { @for line in scope_words(&state, &cx, &c) { li { (line) } } }
            (note(Kind::Warn, html! { p { (w.t("me-consents-withdraw-lead")) } }))
            form class="stack" method="post" action={ "/me/consents/" (hospital) "/" (id) "/withdraw" } {
                (cx.csrf())
                button class="btn danger full" { (icon("cut")) (w.t("consents-withdraw-now")) }
                a class="btn full" href="/me/consents" { (w.t("me-consents-keep")) }
            }
        }
    };
    Ok(draw(&cx, &title, None, &main))
}

pub async fn withdraw(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
    _fields: Fields,
) -> PageResult {
    let (custodian, id) = (custodian(&hospital)?, consent_id(&id)?);
    let consent = state.app.consent(cx.cx()?, &custodian, &id).await?;
    let records = state.app.my_records(cx.cx()?).await?;
    let relation = records
        .iter()
        .find(|r| r.consents() && r.hospital == custodian && r.patient == consent.patient)
        .map_or(Relation::Patient, |r| consents_as(r.relation));
    state
        .app
        .withdraw_consent(cx.cx()?, &custodian, &id, relation, None)
        .await?;
    Ok(flash::done("/me/consents", "consents-was-withdrawn"))
}
