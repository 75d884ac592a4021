//! Consents of a patient: what is in force, recording one with its context, withdrawing; and emergency access.

mod emergency;
pub mod record;

use agreements::consent::{Basis, ConsentRecord, ConsentState, Relation, ScopeClasses};
use app::Role;
use axum::extract::{Path, State};
use kernel::{ErrorCode, HospitalId, Phi, RecordKey, ResourceId};
use maud::{Markup, html};

use super::view;
use super::why::hospital_name;
use crate::args;
use crate::components::form::{Errors, Field};
use crate::components::{Kind, chip, icon, note, state};
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, Who, flash, get, post};
use crate::shell::Shell;
use crate::words::Words;

/// Who treats the patient, and who keeps the papers.
pub const KEEPERS: Who = Who::Roles(&[Role::Clinician, Role::Coordinator, Role::Administrator]);

pub fn routes() -> Vec<RouteSpec> {
    let mut all = vec![
        get("/patients/{hospital}/{id}/consents", KEEPERS, page),
        get(
            "/patients/{hospital}/{id}/consents/new",
            KEEPERS,
            record::form,
        ),
        post(
            "/patients/{hospital}/{id}/consents/new",
            KEEPERS,
            record::save,
        ),
        get(
            "/patients/{hospital}/{id}/consents/{consent}/withdraw",
            KEEPERS,
            withdraw_page,
        ),
        post(
            "/patients/{hospital}/{id}/consents/{consent}/withdraw",
            KEEPERS,
            withdraw,
        ),
    ];
    all.extend(emergency::routes());
    all
}

/// `/patients/{hospital}/{id}/consents`.
pub fn address(patient: &RecordKey) -> String {
    format!("/patients/{}/{}/consents", patient.hospital, patient.id)
}

pub fn patient_key(hospital: &str, id: &str) -> Result<RecordKey, PageError> {
    RecordKey::parse(hospital, "Patient", id).map_err(|_| PageError::new(ErrorCode::NotFound))
}

pub fn consent_id(text: &str) -> Result<ResourceId, PageError> {
    ResourceId::new(text).map_err(|_| PageError::new(ErrorCode::NotFound))
}

/// The identity banner, for readers who may see it; administrators keep papers without reading records.
pub async fn banner(state: &WebState, cx: &PageCx, key: &RecordKey) -> Result<Markup, PageError> {
    if !cx.cx()?.actor.is_clinical() {
        return Ok(html! {});
    }
    let banner = state.app.banner(cx.cx()?, key).await?;
    Ok(view::banner(cx, &banner, None, None).draw(&cx.show()))
}

async fn page(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let w = cx.words();
    let key = patient_key(&hospital, &id)?;
    let all = state
        .app
        .consents_of(cx.cx()?, &key.hospital, &key.id)
        .await?;
    let banner = banner(&state, &cx, &key).await?;
    let title = w.t("consents-title");
    let base = address(&key);
    let main = html! {
        div class="head" {
            div { h2 class="step" { (title) } p class="soft" { (w.t("consents-lead")) } }
            div class="row" { a class="btn primary" href={ (base) "/new" } { (w.t("consents-new")) } }
        }
        @if all.is_empty() { div class="card" { (state::empty("shield", &w.t("consents-none"), &w.t("consents-none-more"), None)) } }
        div class="stack" { @for c in &all { (card(&state, &cx, c, &base)) } }
    };
    Ok(Shell::new(&cx, &title)
        .class("page close")
        .banner(banner)
        .watch(format!("patient-{id}"))
        .draw(&main))
}

pub fn state_chip(w: &Words, s: ConsentState) -> Markup {
    let kind = match s {
        ConsentState::InForce => Kind::Ok,
        ConsentState::NotYet => Kind::Warn,
        _ => Kind::Plain,
    };
    chip(kind, &w.word("consent-state", s.as_str()))
}

/// What a consent covers, in words.
pub fn scope_words(state: &WebState, cx: &PageCx, c: &ConsentRecord) -> Vec<String> {
    let w = cx.words();
    let named = |set: agreements::ClassSet| w.list(set.iter().map(|c| w.word("class", c.as_str())));
    let to = match &c.scope.hospitals {
        None => w.t("consents-any-partner"),
        Some(list) => {
            let names = w.list(list.iter().map(|h| hospital_name(state, cx, h)));
            w.f("consents-these", args!["names" => names])
        }
    };
    let what = match c.scope.classes {
        ScopeClasses::OrdinaryAnd(set) if set.is_empty() => w.t("consents-ordinary"),
        ScopeClasses::OrdinaryAnd(set) => {
            w.f("consents-ordinary-and", args!["classes" => named(set)])
        }
        ScopeClasses::Only(set) => w.f("consents-only", args!["classes" => named(set)]),
    };
    let border = w.t(if c.scope.across_border {
        "consents-border-yes"
    } else {
        "consents-border-no"
    });
    vec![to, what, border]
}

fn card(state: &WebState, cx: &PageCx, c: &ConsentRecord, base: &str) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let now_state = c.state(cx.now);
    let running = matches!(now_state, ConsentState::InForce | ConsentState::NotYet);
    let basis = match c.basis {
        Basis::Given(_) => "given",
        Basis::Emergency(_) => "emergency",
    };
    html! {
        section class="card" {
            header class="row apart" { h3 { (w.word("consent-basis", basis)) } (state_chip(&w, now_state)) }
            div class="body cols half tight" {
                ul class="plain" { @for line in scope_words(state, cx, c) { li { (line) } } }
                dl class="facts small" {
                    dt { (w.t("consents-from")) } dd { (show.at(c.from)) @if let Some(until) = c.until { " – " (show.at(until)) } }
                    (context(cx, c))
                    @if let Some(gone) = &c.withdrawn { dt { (w.t("consents-withdrawn")) } dd { (show.at(gone.at)) ", " (w.word("relation", gone.relation.as_str())) @if let Some(r) = &gone.reason { ": " (r.reveal()) } } }
                }
            }
            @if running { footer class="row" { a class="btn" href={ (base) "/" (c.id) "/withdraw" } { (w.t("consents-withdraw")) } } }
        }
    }
}

fn context(cx: &PageCx, c: &ConsentRecord) -> Markup {
    let w = cx.words();
    match &c.basis {
        Basis::Given(g) => {
            let primary = g.language.split('-').next().unwrap_or_default();
            let language = w
                .word_if("language", primary)
                .unwrap_or_else(|| g.language.clone());
            html! {
                dt { (w.t("consents-by")) } dd { (w.word("relation", g.relation.as_str())) @if let Some(name) = &g.giver { ", " bdi { (name.reveal()) } } ", " (w.word("capacity", g.capacity.as_str())) }
                @if let Some(assent) = g.assent { dt { (w.t("consents-assent")) } dd { (w.t(if assent { "agr-yes" } else { "agr-no" })) } }
                dt { (w.t("consents-how")) } dd { (w.word("method", g.method.as_str())) ", " (language) ", " (w.f("consents-form", args!["form" => &g.form])) @if let Some(name) = &g.witness { ", " (w.f("consents-witness", args!["name" => name.reveal()])) } }
            }
        }
        Basis::Emergency(e) => html! {
            dt { (w.t("consents-reason")) } dd { (e.reason.reveal()) }
            dt { (w.t("consents-law")) } dd { (e.law) }
            dt { (w.t("consents-review")) } dd { @match &e.review { Some(r) => { (w.t(if r.justified { "reviews-justified" } else { "reviews-not-justified" })) " " (r.note) } None => { (w.t("reviews-due")) } } }
        },
    }
}

async fn withdraw_page(
    State(state): State<WebState>,
    Path((hospital, id, consent)): Path<(String, String, String)>,
    cx: PageCx,
) -> PageResult {
    let w = cx.words();
    let key = patient_key(&hospital, &id)?;
    let c = state
        .app
        .consent(cx.cx()?, &key.hospital, &consent_id(&consent)?)
        .await?;
    let banner = banner(&state, &cx, &key).await?;
    let relations: Vec<(String, String)> = Relation::ALL
        .iter()
        .map(|r| (r.as_str().to_owned(), w.word("relation", r.as_str())))
        .collect();
    let none = Errors::default();
    let title = w.t("consents-withdraw");
    let main = html! {
        div class="stack prose" {
            h2 class="step" { (title) }
            (note(Kind::Warn, html! { p { (w.t("consents-withdraw-lead")) } }))
            ul class="plain" { @for line in scope_words(&state, &cx, &c) { li { (line) } } }
            form class="stack" method="post" action={ (address(&key)) "/" (consent) "/withdraw" } {
                (cx.csrf())
                (Field::new("relation", w.t("consents-withdrawn-by")).errors(&none).select(&relations))
                (Field::new("reason", w.t("consents-withdraw-reason")).hint(w.t("consents-withdraw-reason-hint")).maxlength(2000).errors(&none).area(2))
                div class="row" { button class="btn danger" { (icon("cut")) (w.t("consents-withdraw-now")) } a class="btn" href=(address(&key)) { (w.t("agr-back")) } }
            }
        }
    };
    Ok(Shell::new(&cx, &title)
        .class("page close")
        .banner(banner)
        .draw(&main))
}

async fn withdraw(
    State(state): State<WebState>,
    Path((hospital, id, consent)): Path<(String, String, String)>,
    cx: PageCx,
    fields: Fields,
) -> PageResult {
    let key = patient_key(&hospital, &id)?;
    let relation = Relation::parse(fields.get("relation")).unwrap_or(Relation::Patient);
    let reason = fields.some("reason").map(|r| Phi::new(r.to_owned()));
    state
        .app
        .withdraw_consent(
            cx.cx()?,
            &key.hospital,
            &consent_id(&consent)?,
            relation,
            reason,
        )
        .await?;
    Ok(flash::done(&address(&key), "consents-was-withdrawn"))
}

/// Hospitals other than this one, to choose from.
pub fn partners(state: &WebState, cx: &PageCx, own: &HospitalId) -> Vec<(String, String)> {
    state
        .app
        .all_hospitals()
        .iter()
        .filter(|h| h.id != *own)
        .map(|h| {
            let name = h.name(cx.words().lang.tag()).to_owned();
            (h.id.to_string(), name)
        })
        .collect()
}
