//! `/patients/{hospital}/{id}/account`: who may see the record as their own, and the invitation to.

use app::accounts::{Invite, InviteAs, LinkLimit, PatientLink, Relation, Validity};
use app::{Language, Role};
use axum::extract::{Path, State};
use jiff::ToSpan;
use jiff::civil::Date;
use kernel::{AccountId, RecordKey};
use maud::{Markup, html};

use super::consents::{banner, patient_key};
use super::people::invite::made;
use super::profile::zones;
use super::view::patient_address;
use crate::args;
use crate::components::form::{Errors, Field, check};
use crate::components::state::empty;
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, Who, get, post, refused};
use crate::shell::Shell;
use crate::words::Lang;

const WHO: Who = Who::Roles(&[Role::Clinician, Role::Administrator]);

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/patients/{hospital}/{id}/account", WHO, show),
        post("/patients/{hospital}/{id}/account", WHO, invite),
        post("/patients/{hospital}/{id}/account/end", WHO, end),
    ]
}

const RELATIONS: [(Relation, &str); 6] = [
    (Relation::Oneself, "oneself"),
    (Relation::Parent, "parent"),
    (Relation::Guardian, "guardian"),
    (Relation::Spouse, "spouse"),
    (Relation::Child, "child"),
    (Relation::Proxy, "proxy"),
];

const LIMITS: [(LinkLimit, &str); 2] = [
    (LinkLimit::NoConsent, "no-consent"),
    (LinkLimit::NoSensitive, "no-sensitive"),
];

pub(super) fn limit_word(limit: LinkLimit) -> &'static str {
    let found = LIMITS.iter().find(|(l, _)| *l == limit);
    found.map_or("no-consent", |(_, word)| word)
}

pub(super) fn relation_word(relation: Relation) -> &'static str {
    RELATIONS
        .iter()
        .find(|(r, _)| *r == relation)
        .map_or("proxy", |(_, word)| word)
}

async fn show(
    State(state): State<WebState>,
    cx: PageCx,
    Path((hospital, id)): Path<(String, String)>,
) -> PageResult {
    let key = patient_key(&hospital, &id)?;
    draw(&state, &cx, &key, &Fields::default(), &Errors::default()).await
}

async fn draw(
    state: &WebState,
    cx: &PageCx,
    key: &RecordKey,
    typed: &Fields,
    errors: &Errors,
) -> PageResult {
    let w = cx.words();
    let linked = linked_card(state, cx, key).await?;
    let relations: Vec<(&str, String)> = RELATIONS
        .iter()
        .map(|(_, word)| (*word, w.word("link-relation", word)))
        .collect();
    let languages: Vec<(&str, &str)> = Lang::ALL.iter().map(|l| (l.tag(), l.own_name())).collect();
    let hospital = state.app.hospital(&key.hospital);
    let zone = hospital.as_ref().map_or("UTC", |h| h.zone.as_str());
    let language = typed.some("language").unwrap_or_else(|| {
        let spoken = hospital.as_ref().map(|h| h.languages.as_slice());
        let spoken = spoken.unwrap_or_default().iter();
        spoken
            .filter_map(|l| Lang::from_tag(l))
            .next()
            .map_or("en", Lang::tag)
    });
    let main = html! {
        div class="stack" {
            p class="small" { a href=(patient_address(key)) { (w.t("patient-record")) } }
            h1 { (w.t("link-title")) }
            (linked)
            h2 { (w.t("link-invite")) }
            p class="soft prose" { (w.t("link-lead")) }
            form class="stack" method="post" action={ (patient_address(key)) "/account" } {
                (errors.summary(&w))
                (cx.csrf())
                (Field::new("name", w.t("people-name")).hint(w.t("link-name-hint")).value(typed.get("name")).errors(errors).maxlength(120).required().input())
                (Field::new("login", w.t("link-login")).hint(w.t("link-login-hint")).value(typed.get("login")).errors(errors).maxlength(128).required().input())
                (Field::new("relation", w.t("link-relation")).hint(w.t("link-relation-hint")).value(typed.get("relation")).errors(errors).select(&relations))
                (Field::new("until", w.t("link-until")).hint(w.t("link-until-hint")).kind("date").value(typed.get("until")).errors(errors).input())
                fieldset class="stack tightly" {
                    legend { (w.t("link-limits")) }
                    p class="hint" { (w.t("link-limits-hint")) }
                    @for (_, word) in LIMITS { (check(&format!("limit-{word}"), w.word("link-limit", word), typed.has(&format!("limit-{word}")), errors)) }
                }
                (Field::new("language", w.t("look-language")).value(language).select(&languages))
                (Field::new("zone", w.t("profile-zone")).value(typed.some("zone").unwrap_or(zone)).errors(errors).select(&zones(&state.app, cx, zone)))
                div class="row" { button class="btn primary" { (w.t("people-invite-go")) } }
            }
        }
    };
    Ok(Shell::new(cx, &w.t("link-title"))
        .class("narrow stack")
        .banner(banner(state, cx, key).await?)
        .draw(&main))
}

async fn linked_card(
    state: &WebState,
    cx: &PageCx,
    key: &RecordKey,
) -> Result<Markup, crate::PageError> {
    let w = cx.words();
    let show = cx.show();
    let all = state.app.linked_accounts(cx.cx()?, key).await?;
    Ok(html! {
        section class="card" {
            @if all.is_empty() { (empty("person", &w.t("link-none"), "", None)) }
            @for a in &all {
                div class="body row apart" {
                    div { b { bdi { (a.name) } } br;
                        span class="soft small" { (w.word("link-relation", relation_word(a.relation)))
                            @if let Some(until) = a.until { " · " (w.f("profile-until", args!["date" => show.day(show.date_of(until))])) }
                            @if a.relation != Relation::Oneself { @for limit in &a.limits { br; (w.word("link-limit", limit_word(*limit))) } } } }
                    form method="post" action={ (patient_address(key)) "/account/end" } {
                        (cx.csrf()) input type="hidden" name="account" value=(a.account.as_str());
                        button class="btn danger" { (w.t("link-end")) }
                    }
                }
            }
        }
    })
}

async fn invite(
    State(state): State<WebState>,
    cx: PageCx,
    Path((hospital, id)): Path<(String, String)>,
    fields: Fields,
) -> PageResult {
    let key = patient_key(&hospital, &id)?;
    let mut errors = Errors::default();
    let zone = state
        .app
        .hospital(&key.hospital)
        .map_or(jiff::tz::TimeZone::UTC, |h| h.time_zone());
    let until = fields.some("until").and_then(|text| {
        let last = text.parse::<Date>().ok();
        let end = last.and_then(|d| d.checked_add(1.day()).ok()?.to_zoned(zone).ok());
        if end.is_none() {
            errors.add("until", cx.t("problem-date"));
        }
        end.map(|z| z.timestamp())
    });
    let relation = RELATIONS
        .iter()
        .find(|(_, word)| *word == fields.get("relation"))
        .map_or(Relation::Oneself, |(r, _)| *r);
    let limits = LIMITS
        .into_iter()
        .filter(|(_, word)| fields.has(&format!("limit-{word}")))
        .map(|(limit, _)| limit)
        .collect();
    let invite = Invite {
        email: fields.get("login").to_owned(),
        name: fields.get("name").to_owned(),
        latin_name: None,
        language: Language::from_tag(fields.get("language")).unwrap_or_default(),
        zone: fields.get("zone").to_owned(),
        invite_as: InviteAs::Patient(PatientLink {
            hospital: key.hospital.clone(),
            patient: key.id.clone(),
            relation,
            limits,
            valid: Validity {
                from: cx.now,
                until,
            },
        }),
    };
    if errors.is_empty() {
        match state.app.invite(cx.cx()?, invite).await {
            Ok(invited) => {
                let back = format!("{}/account", patient_address(&key));
                return Ok(made(&cx, fields.get("name"), &invited, &back));
            }
            Err(e) => errors = cx.wrong(e)?,
        }
    }
    Ok(refused(draw(&state, &cx, &key, &fields, &errors).await?))
}

async fn end(
    State(state): State<WebState>,
    cx: PageCx,
    Path((hospital, id)): Path<(String, String)>,
    fields: Fields,
) -> PageResult {
    let key = patient_key(&hospital, &id)?;
    let account = AccountId::new(fields.get("account"))?;
    state.app.end_link(cx.cx()?, &key, &account).await?;
    let back = format!("{}/account", patient_address(&key));
    Ok(done(&back, "link-ended"))
}
