//! The patient's own consents: what I allowed, allowing more, and taking it back.

use agreements::consent::{Basis, Capacity, ConsentState, Given, Method, Relation};
use app::AppError;
use app::consents::ConsentDraft;
use axum::extract::{Path, State};
use kernel::{ErrorCode, HospitalId};
use maud::html;

use super::{draw, linked};
use crate::components::form::{Errors, check};
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
    for (hospital, patient) in linked(&cx)? {
        all.extend(state.app.consents_of(cx.cx()?, &hospital, &patient).await?);
    }
    let title = w.t("nav-me-consents");
    let main = html! {
        div class="stack tightly" { h1 { (title) } p class="soft" { (w.t("me-consents-lead")) } }
        @if all.is_empty() { div class="card" { (state::empty("shield", &w.t("me-consents-none"), &w.t("consents-none-more"), None)) } }
        @for c in &all {
            @let now_state = c.state(cx.now);
            section class="card" {
                header class="row apart" { h2 { (hospital_name(&state, &cx, &c.custodian)) } (state_chip(&w, now_state)) }
                div class="body stack tightly" {
                    ul class="plain" { @for line in scope_words(&state, &cx, c) { li { (line) } } }
                    p class="small soft" { (w.t("consents-from")) ": " (show.at(c.from)) @if let Some(gone) = &c.withdrawn { br; (w.t("consents-withdrawn")) ": " (show.at(gone.at)) } }
                    @if matches!(now_state, ConsentState::InForce | ConsentState::NotYet) { a class="btn full" href={ "/me/consents/" (c.custodian) "/" (c.id) "/withdraw" } { (w.t("me-consents-withdraw")) } }
                }
            }
        }
        a class="btn primary full" href="/me/consents/new" { (w.t("me-consents-give")) }
    };
    Ok(draw(&cx, &title, None, &main))
}

pub async fn form(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let blank = Fields::parse(b"")?;
    draw_form(&state, &cx, &blank, &Errors::default())
}

fn draw_form(state: &WebState, cx: &PageCx, fields: &Fields, errors: &Errors) -> PageResult {
    let w = cx.words();
    let Some((hospital, _)) = linked(cx)?.into_iter().next() else {
        return Err(PageError::new(ErrorCode::NotFound));
    };
    let title = w.t("me-consents-give");
    let main = html! {
        div class="stack tightly" { h1 { (title) } p class="soft" { (w.t("me-consents-give-lead")) } }
        (errors.summary(&w))
        form class="stack" method="post" action="/me/consents/new" {
            (cx.csrf())
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
        return draw_form(&state, &cx, &fields, &errors);
    }
    for (custodian, patient) in linked(&cx)? {
        let draft = ConsentDraft {
            custodian,
            patient,
            basis: Basis::Given(Given {
                relation: Relation::Patient,
                giver: None,
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
                let errors = Errors::from_app(&w, e)?;
                return draw_form(&state, &cx, &fields, &errors);
            }
            Err(e) => return Err(e.into()),
        }
    }
    Ok(flash::done("/me/consents", "consents-recorded"))
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
    state
        .app
        .withdraw_consent(
            cx.cx()?,
            &custodian(&hospital)?,
            &consent_id(&id)?,
            Relation::Patient,
            None,
        )
        .await?;
    Ok(flash::done("/me/consents", "consents-was-withdrawn"))
}
