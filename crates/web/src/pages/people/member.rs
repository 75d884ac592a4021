//! `/people/{account}`: one member's roles, privileges and licences, with their dates.

use app::Privilege;
use app::accounts::{Licence, Membership, PrivilegeGrant, RoleGrant, Validity};
use app::people::{MemberChange, MemberState};
use axum::extract::{Path, State};
use jiff::tz::TimeZone;
use kernel::{AccountId, ErrorCode};
use maud::{Markup, html};

use super::invite::STAFF_ROLES;
use super::{ADMINISTRATOR, dates, standing};
use crate::args;
use crate::components::form::{Choice, Choices, Errors, Field};
use crate::components::{Kind, avatar, note};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, get, post, refused};
use crate::pages::agreements::SPECIALTIES;
use crate::pages::profile::privilege_code;
use crate::shell::Shell;
use crate::words::Words;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/people/{account}", ADMINISTRATOR, show),
        post("/people/{account}", ADMINISTRATOR, change),
    ]
}

const PRIVILEGES: [Privilege; 7] = [
    Privilege::SignOpinion,
    Privilege::SignAgreement,
    Privilege::Sensitive,
    Privilege::CorrectRecord,
    Privilege::Audit,
    Privilege::Deidentify,
    Privilege::LeadReading,
];

fn zone_of(state: &WebState, cx: &PageCx) -> Result<TimeZone, PageError> {
    let hospital = state.app.hospital(cx.cx()?.hospital()?);
    Ok(hospital.map_or(TimeZone::UTC, |h| h.time_zone()))
}

async fn show(
    State(state): State<WebState>,
    cx: PageCx,
    Path(account): Path<String>,
) -> PageResult {
    let member = state
        .app
        .member(cx.cx()?, &AccountId::new(&account)?)
        .await?;
    draw(&state, &cx, &member, &Errors::default())
}

fn draw(state: &WebState, cx: &PageCx, member: &MemberState, errors: &Errors) -> PageResult {
    let w = cx.words();
    let zone = zone_of(state, cx)?;
    let a = &member.account;
    let m = &member.membership;
    let own = cx.cx()?.actor.account == a.id;
    let address = format!("/people/{}", a.id);
    let main = html! {
        p class="small" { a href="/people" { (w.t("people-title")) } }
        div class="head" {
            div { div class="row" { (avatar(&a.name)) h1 { bdi { (a.name) } @if let Some(l) = &a.latin_name { " " span class="soft" { (l) } } } } }
            p { span class="soft" { (a.login) } " " (standing(cx, a, Some(m))) }
        }
        div class="cols aside" {
            form class="stack" method="post" action=(address) {
                (errors.summary(&w))
                (cx.csrf())
                input type="hidden" name="version" value=(member.version);
                @if own { (note(Kind::Plain, html! { p { (w.t("people-own")) } })) }
                section class="card" {
                    header { h2 { (w.t("people-roles")) } }
                    div class="body stack" {
                        (Field::new("title", w.t("people-post")).value(m.title.clone().unwrap_or_default()).errors(errors).maxlength(120).input())
                        @if let Some(e) = errors.of("roles") { p class="error" id="roles" { (e) } }
                        @for role in STAFF_ROLES {
                            @let grant = m.roles.iter().find(|g| g.role == role);
                            (grant_row(cx, &format!("role-{}", role.as_str()), &w.word("role", role.as_str()), grant.map(|g| &g.valid), &zone, errors))
                        }
                    }
                }
                section class="card" {
                    header { h2 { (w.t("people-privileges")) } }
                    div class="body stack" {
                        @for p in PRIVILEGES {
                            @let grant = m.privileges.iter().find(|g| g.privilege == p);
                            (grant_row(cx, &format!("privilege-{}", privilege_code(p)), &w.word("privilege", privilege_code(p)), grant.map(|g| &g.valid), &zone, errors))
                        }
                    }
                }
                section class="card" {
                    header { h2 { (w.t("people-specialties")) } }
                    div class="body columns" { (specialties(&w, m, errors)) }
                }
                section class="card" {
                    header { h2 { (w.t("people-licences")) } }
                    @for i in 0..=m.licences.len() { div class="body" { (licence_row(cx, i, m.licences.get(i), &zone, errors)) } }
                }
                @if !own { div class="row" { button class="btn primary" { (w.t("profile-save")) } } }
            }
            aside class="stack" { (super::acts::card(cx, member, own)) }
        }
    };
    Ok(Shell::new(cx, &w.t("people-member")).draw(&main))
}

/// The person's specialties here; the coordinator sees them when a case is given out.
fn specialties(w: &Words, m: &Membership, errors: &Errors) -> Markup {
    let other = |s: &&String| !SPECIALTIES.contains(&s.as_str());
    let mut choices: Vec<Choice> = SPECIALTIES
        .iter()
        .map(|s| Choice::new(*s, w.word("specialty", s)))
        .collect();
    let others = m.specialties.iter().filter(other);
    choices.extend(others.map(|s| Choice::new(s.clone(), s.clone())));
    Choices {
        name: "specialties",
        legend: w.t("people-specialties"),
        hint: Some(w.t("people-specialties-hint")),
        chosen: &m.specialties,
        many: true,
        framed: false,
    }
    .draw(errors, &choices)
}

/// A check box with the days between which it holds.
fn grant_row(
    cx: &PageCx,
    name: &str,
    label: &str,
    valid: Option<&Validity>,
    zone: &TimeZone,
    errors: &Errors,
) -> Markup {
    let (first, last) = valid
        .map(|v| (dates::first_day(v, zone), dates::last_day(v, zone)))
        .unwrap_or_default();
    html! {
        div class="grant" {
            (crate::components::form::check(name, label, valid.is_some(), errors))
            (days(cx, name, first, last, errors))
        }
    }
}

fn days(cx: &PageCx, name: &str, first: String, last: String, errors: &Errors) -> Markup {
    let w = cx.words();
    let (from, until) = (format!("{name}-from"), format!("{name}-until"));
    html! {
        (Field::new(&from, w.t("people-from")).kind("date").value(first).errors(errors).input())
        (Field::new(&until, w.t("people-until")).kind("date").value(last).errors(errors).input())
    }
}

fn licence_row(
    cx: &PageCx,
    i: usize,
    licence: Option<&Licence>,
    zone: &TimeZone,
    errors: &Errors,
) -> Markup {
    let w = cx.words();
    let name = format!("licence-{i}");
    let part = |p: &str| format!("{name}-{p}");
    let (number, issuer, country) = (part("number"), part("issuer"), part("country"));
    let value = |f: fn(&Licence) -> &String| licence.map(|l| f(l).clone()).unwrap_or_default();
    let (first, last) = licence
        .map(|l| {
            (
                dates::first_day(&l.valid, zone),
                dates::last_day(&l.valid, zone),
            )
        })
        .unwrap_or_default();
    html! {
        fieldset class="stack tightly" {
            legend { (w.t(if licence.is_some() { "people-licence" } else { "people-licence-add" })) }
            div class="licence" {
                (Field::new(&number, w.t("people-licence-number")).value(value(|l| &l.number)).errors(errors).maxlength(60).input())
                (Field::new(&issuer, w.t("people-licence-issuer")).value(value(|l| &l.issuer)).errors(errors).maxlength(120).input())
                (Field::new(&country, w.t("people-licence-country")).value(value(|l| &l.country)).errors(errors).maxlength(2).input())
                (days(cx, &name, first, last, errors))
            }
        }
    }
}

async fn change(
    State(state): State<WebState>,
    cx: PageCx,
    Path(account): Path<String>,
    fields: Fields,
) -> PageResult {
    let id = AccountId::new(&account)?;
    let member = state.app.member(cx.cx()?, &id).await?;
    let zone = zone_of(&state, &cx)?;
    let mut errors = Errors::default();
    let change = read(&cx, &fields, &member, &zone, &mut errors);
    let version = fields
        .get("version")
        .parse()
        .map_err(|_| PageError::new(ErrorCode::Malformed))?;
    if errors.is_empty() {
        match state
            .app
            .change_member(cx.cx()?, &id, version, change)
            .await
        {
            Ok(()) => return Ok(done(&format!("/people/{id}"), "people-changed")),
            Err(e) => errors = cx.wrong(e)?,
        }
    }
    Ok(refused(draw(&state, &cx, &member, &errors)?))
}

fn read(
    cx: &PageCx,
    fields: &Fields,
    member: &MemberState,
    zone: &TimeZone,
    errors: &mut Errors,
) -> MemberChange {
    let m = &member.membership;
    let mut roles = Vec::new();
    for role in STAFF_ROLES {
        let name = format!("role-{}", role.as_str());
        if fields.has(&name) {
            let before = m.roles.iter().find(|g| g.role == role).map(|g| &g.valid);
            let valid = dates::read(cx, fields, &name, before, zone, errors);
            roles.push(RoleGrant { role, valid });
        }
    }
    let mut privileges = Vec::new();
    for privilege in PRIVILEGES {
        let name = format!("privilege-{}", privilege_code(privilege));
        if fields.has(&name) {
            let before = m.privileges.iter().find(|g| g.privilege == privilege);
            let before = before.map(|g| &g.valid);
            let valid = dates::read(cx, fields, &name, before, zone, errors);
            privileges.push(PrivilegeGrant { privilege, valid });
        }
    }
    let mut licences = Vec::new();
    for i in 0..=m.licences.len() {
        let name = format!("licence-{i}");
        let part = |p: &str| fields.get(&format!("{name}-{p}")).to_owned();
        let (number, issuer, country) = (part("number"), part("issuer"), part("country"));
        if number.is_empty() && issuer.is_empty() && country.is_empty() {
            continue; // an empty row is no licence; emptying one takes it away
        }
        for (p, value) in [("number", &number), ("issuer", &issuer)] {
            if value.is_empty() {
                errors.add(format!("{name}-{p}"), cx.t("problem-missing"));
            }
        }
        let country = country.to_uppercase();
        if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_uppercase()) {
            errors.add(format!("{name}-country"), cx.t("problem-country"));
        }
        let before = m.licences.get(i).map(|l| &l.valid);
        licences.push(Licence {
            valid: dates::read(cx, fields, &name, before, zone, errors),
            number,
            issuer,
            country,
        });
    }
    MemberChange {
        title: fields.some("title").map(str::to_owned),
        roles,
        privileges,
        licences,
        specialties: fields.all("specialties"),
    }
}

/// What an act says of a member's sessions.
pub(super) fn sessions_line(cx: &PageCx, member: &MemberState) -> String {
    cx.words()
        .f("people-sessions", args!["n" => member.sessions])
}
