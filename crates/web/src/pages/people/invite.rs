//! `/people/invite`: a new colleague.

use app::accounts::{Invite, InviteAs, Invited, RoleGrant, Validity};
use app::{Language, Role};
use axum::extract::State;
use axum::response::Response;
use maud::html;

use super::ADMINISTRATOR;
use crate::args;
use crate::components::form::{Choice, Choices, Errors, Field};
use crate::components::{Kind, note};
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, get, post, refused};
use crate::pages::profile::zones;
use crate::shell::Shell;
use crate::words::Lang;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/people/invite", ADMINISTRATOR, show),
        post("/people/invite", ADMINISTRATOR, invite),
    ]
}

/// Roles an administrator gives.
pub const STAFF_ROLES: [Role; 4] = [
    Role::Clinician,
    Role::Coordinator,
    Role::Consultant,
    Role::Administrator,
];

async fn show(State(state): State<WebState>, cx: PageCx) -> PageResult {
    draw(&state, &cx, &Fields::default(), &Errors::default())
}

fn draw(state: &WebState, cx: &PageCx, typed: &Fields, errors: &Errors) -> PageResult {
    let w = cx.words();
    let hospital = state.app.hospital(cx.cx()?.hospital()?);
    let zone = hospital.as_ref().map_or("UTC", |h| h.zone.as_str());
    let languages: Vec<(&str, &str)> = Lang::ALL.iter().map(|l| (l.tag(), l.own_name())).collect();
    let language = typed.some("language").unwrap_or_else(|| {
        hospital
            .as_ref()
            .and_then(|h| h.languages.iter().find_map(|l| Lang::from_tag(l)))
            .map_or("en", Lang::tag)
    });
    let chosen = typed.all("roles");
    let roles: Vec<Choice> = STAFF_ROLES
        .into_iter()
        .map(|r| {
            Choice::new(r.as_str(), w.word("role", r.as_str()))
                .note(w.word("role-does", r.as_str()))
        })
        .collect();
    let main = html! {
        div class="stack" {
            p class="small" { a href="/people" { (w.t("people-title")) } }
            div class="stack tightly" { h1 { (w.t("people-invite")) } p class="soft prose" { (w.t("people-invite-lead")) } }
            form class="stack" method="post" action="/people/invite" {
                (errors.summary(&w))
                (cx.csrf())
                (Field::new("name", w.t("people-name")).hint(w.t("people-name-hint")).value(typed.get("name")).errors(errors).maxlength(120).required().input())
                (Field::new("latin-name", w.t("profile-latin")).hint(w.t("profile-latin-hint")).value(typed.get("latin-name")).errors(errors).maxlength(120).input())
                (Field::new("login", w.t("sign-in-login")).value(typed.get("login")).errors(errors).maxlength(128).required().input())
                (Field::new("title", w.t("people-post")).hint(w.t("people-post-hint")).value(typed.get("title")).errors(errors).maxlength(120).input())
                (Choices { name: "roles", legend: w.t("people-roles"), hint: None, chosen: &chosen, many: true, framed: true }.draw(errors, &roles))
                (Field::new("language", w.t("look-language")).value(language).select(&languages))
                (Field::new("zone", w.t("profile-zone")).value(typed.some("zone").unwrap_or(zone)).errors(errors).select(&zones(&state.app, cx, zone)))
                div class="row" { button class="btn primary" { (w.t("people-invite-go")) } a class="btn quiet" href="/people" { (w.t("profile-leave")) } }
            }
        }
    };
    Ok(Shell::new(cx, &w.t("people-invite"))
        .class("narrow stack")
        .draw(&main))
}

async fn invite(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let roles = fields
        .all("roles")
        .iter()
        .filter_map(|word| STAFF_ROLES.into_iter().find(|r| r.as_str() == word))
        .map(|role| RoleGrant {
            role,
            valid: Validity::since(cx.now),
        })
        .collect();
    let invite = Invite {
        email: fields.get("login").to_owned(),
        name: fields.get("name").to_owned(),
        latin_name: fields.some("latin-name").map(str::to_owned),
        language: Language::from_tag(fields.get("language")).unwrap_or_default(),
        zone: fields.get("zone").to_owned(),
        invite_as: InviteAs::Staff {
            title: fields.some("title").map(str::to_owned),
            roles,
            specialties: Vec::new(),
        },
    };
    match state.app.invite(cx.cx()?, invite).await {
        Ok(invited) => {
            let back = format!("/people/{}", invited.account);
            Ok(made(&cx, fields.get("name"), &invited, &back))
        }
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(draw(&state, &cx, &fields, &errors)?))
        }
    }
}

/// The link, this once.
pub fn made(cx: &PageCx, name: &str, invited: &Invited, back: &str) -> Response {
    let w = cx.words();
    let show = cx.show();
    let title = w.t("people-invited-title");
    let main = html! {
        div class="stack" {
            h1 { (title) }
            @match &invited.link {
                Some(link) => {
                    p class="prose" { (w.f("people-link-lead", args!["name" => name.to_owned(), "date" => show.day_at(invited.until)])) }
                    (Field::new("link", w.t("people-link")).value(link.reveal()).readonly().input())
                    @if invited.mailed { (note(Kind::Ok, html! { p { (w.t("people-link-mailed")) } })) }
                    (note(Kind::Warn, html! { p { (w.t("people-link-once")) } }))
                }
                None => p class="prose" { (w.f("people-extended", args!["name" => name.to_owned()])) },
            }
            p class="row" { a class="btn primary" href=(back) { (w.t("people-to-member")) } }
        }
    };
    Shell::new(cx, &title).class("narrow stack").draw(&main)
}
