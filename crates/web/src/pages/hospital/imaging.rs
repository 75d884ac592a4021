//! How the hospital takes part in DICOM: its own title, whose patient numbers are whose, and the machines it speaks
//! with.

use std::collections::BTreeMap;

use app::imaging::{EntityLine, ImagingSettings, NewEntity, Service};
use axum::extract::State;
use axum::response::Response;
use kernel::ResourceId;
use maud::{Markup, html};

use super::ADMINISTRATOR;
use crate::components::form::{Choice, Choices, Errors, Field, check};
use crate::components::state::empty;
use crate::components::{Kind, chip, facts};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, get, post, refused};
use crate::shell::Shell;
use crate::words::Words;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/hospital/imaging", ADMINISTRATOR, show_settings),
        post("/hospital/imaging", ADMINISTRATOR, change),
        get("/hospital/imaging/new", ADMINISTRATOR, show_new),
        post("/hospital/imaging/new", ADMINISTRATOR, add),
        post("/hospital/imaging/withdraw", ADMINISTRATOR, withdraw),
    ]
}

fn services(w: &Words, line: &EntityLine) -> String {
    w.list(line.entity.may.iter().map(|s| w.word("ae-may", s.as_str())))
}

pub(super) async fn card(state: &WebState, cx: &PageCx) -> Result<Markup, PageError> {
    let w = cx.words();
    let (settings, _) = state.app.own_imaging_settings(cx.cx()?).await?;
    let all = state.app.entities(cx.cx()?).await?;
    let none = || html! { span class="soft" { (w.t("ae-no-title")) } };
    let own = [(
        w.t("ae-own-title"),
        match settings.title.as_str() {
            "" => none(),
            title => html! { code { (title) } },
        },
    )];
    Ok(html! {
        section class="card" id="imaging" {
            header { h2 { (w.t("ae-title")) }
                a class="btn quiet push" href="/hospital/imaging" { (w.t("ae-settings")) }
                a class="btn quiet" href="/hospital/imaging/new" { (w.t("ae-new")) } }
            div class="body" { (facts(&own)) }
            @if all.is_empty() { (empty("key", &w.t("ae-none"), &w.t("ae-none-more"), None)) }
            @for line in &all { (row(cx, &w, line)) }
        }
    })
}

fn row(cx: &PageCx, w: &Words, line: &EntityLine) -> Markup {
    let e = &line.entity;
    html! {
        div class="body row apart" {
            div {
                b { (e.name) } " " code { (e.title) }
                @if e.withdrawn.is_some() { " " (chip(Kind::Stop, &w.t("machines-withdrawn"))) }
                br; span class="soft small" { (services(w, line)) }
                @if let (Some(host), Some(port)) = (&e.host, e.port) { br; span class="soft small" { code { (host) ":" (port) } } }
                @if !e.addresses.is_empty() { br; span class="soft small" { (w.t("ae-calls-from")) " " code { (e.addresses.join(", ")) } } }
                @if e.certificate.is_some() { br; span class="soft small" { (w.t("ae-has-certificate")) } }
            }
            @if e.withdrawn.is_none() {
                form method="post" action="/hospital/imaging/withdraw" { (cx.csrf()) input type="hidden" name="entity" value=(line.id.as_str());
                    button class="btn danger" aria-label={ (w.t("machines-withdraw")) ": " (e.name) } { (w.t("machines-withdraw")) } }
            }
        }
    }
}

/// One line for each name of an issuer: `HIS = http://his.example/mrn`.
fn issuers_text(settings: &ImagingSettings) -> String {
    let lines: Vec<String> = settings
        .issuers
        .iter()
        .map(|(name, system)| format!("{name} = {system}"))
        .collect();
    lines.join("\n")
}

fn issuers_of(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter(|l| !l.trim().is_empty())
        .map(|l| {
            let (name, system) = l.split_once('=').unwrap_or((l, ""));
            (name.trim().to_owned(), system.trim().to_owned())
        })
        .collect()
}

async fn show_settings(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let (settings, version) = state.app.own_imaging_settings(cx.cx()?).await?;
    let typed = [
        settings.title.clone(),
        settings.issuer.clone(),
        issuers_text(&settings),
    ];
    Ok(draw_settings(&cx, &typed, version, &Errors::default()))
}

fn draw_settings(
    cx: &PageCx,
    [title, issuer, issuers]: &[String; 3],
    version: u64,
    errors: &Errors,
) -> Response {
    let w = cx.words();
    let main = html! {
        div class="stack" {
            p class="small" { a href="/hospital" { (w.t("hospital-title")) } }
            div class="stack tightly" { h1 { (w.t("ae-title")) } p class="soft prose" { (w.t("ae-lead")) } }
            form class="stack" method="post" action="/hospital/imaging" {
                (errors.summary(&w))
                (cx.csrf())
                input type="hidden" name="version" value=(version);
                (Field::new("title", w.t("ae-own-title")).hint(w.t("ae-own-title-hint")).value(title.as_str()).errors(errors).maxlength(16).input())
                (Field::new("issuer", w.t("ae-issuer")).hint(w.t("ae-issuer-hint")).value(issuer.as_str()).errors(errors).maxlength(200).input())
                (Field::new("issuers", w.t("ae-issuers")).hint(w.t("ae-issuers-hint")).value(issuers.as_str()).errors(errors).maxlength(20_000).area(5))
                div class="row" { button class="btn primary" { (w.t("ae-save")) } a class="btn quiet" href="/hospital" { (w.t("profile-leave")) } }
            }
        }
    };
    Shell::new(cx, &w.t("ae-title"))
        .class("narrow stack")
        .draw(&main)
}

async fn change(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let version = fields.get("version").parse().unwrap_or(0);
    let typed = ["title", "issuer", "issuers"].map(|f| fields.get(f).to_owned());
    let new = ImagingSettings {
        title: typed[0].clone(),
        issuer: typed[1].clone(),
        issuers: issuers_of(&typed[2]),
    };
    match state
        .app
        .change_imaging_settings(cx.cx()?, version, new)
        .await
    {
        Ok(()) => Ok(done("/hospital", "profile-saved")),
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(draw_settings(&cx, &typed, version, &errors)))
        }
    }
}

async fn show_new(cx: PageCx) -> PageResult {
    Ok(draw_new(&cx, &Fields::default(), &Errors::default()))
}

fn draw_new(cx: &PageCx, typed: &Fields, errors: &Errors) -> Response {
    let w = cx.words();
    let chosen = typed.all("may");
    let choices: Vec<Choice> = Service::ALL
        .iter()
        .map(|s| Choice::new(s.as_str(), w.word("ae-may", s.as_str())))
        .collect();
    let question = Choices {
        name: "may",
        legend: w.t("ae-may"),
        hint: None,
        chosen: &chosen,
        many: true,
        framed: false,
    };
    let field = |name: &'static str, label: &str, hint: Option<&str>, most: usize| {
        let field = Field::new(name, w.t(label))
            .value(typed.get(name))
            .errors(errors)
            .maxlength(most);
        match hint {
            Some(hint) => field.hint(w.t(hint)),
            None => field,
        }
    };
    let main = html! {
        div class="stack" {
            p class="small" { a href="/hospital" { (w.t("hospital-title")) } }
            div class="stack tightly" { h1 { (w.t("ae-new")) } p class="soft prose" { (w.t("ae-new-lead")) } }
            form class="stack" method="post" action="/hospital/imaging/new" {
                (errors.summary(&w))
                (cx.csrf())
                (field("name", "machines-name", Some("ae-name-hint"), 120).required().input())
                (field("title", "ae-its-title", Some("ae-its-title-hint"), 16).required().input())
                (question.draw(errors, &choices))
                (field("addresses", "ae-addresses", Some("ae-addresses-hint"), 1_000).area(2))
                (field("certificate", "machines-certificate", Some("ae-certificate-hint"), 16_384).area(5))
                (field("host", "ae-host", Some("ae-host-hint"), 253).input())
                (field("port", "ae-port", None, 5).inputmode("numeric").input())
                (check("tls", w.t("ae-tls"), typed.get("tls") == "on", errors))
                (field("issuer", "ae-issuer", Some("ae-its-issuer-hint"), 200).input())
                div class="row" { button class="btn primary" { (w.t("ae-new")) } a class="btn quiet" href="/hospital" { (w.t("profile-leave")) } }
            }
        }
    };
    Shell::new(cx, &w.t("ae-new"))
        .class("narrow stack")
        .draw(&main)
}

async fn add(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let may = fields.all("may");
    let port = fields.get("port").trim();
    let new = NewEntity {
        title: fields.get("title").to_owned(),
        name: fields.get("name").to_owned(),
        host: fields.get("host").to_owned(),
        // What is no number is as wrong as none beside a host.
        port: port.parse().ok(),
        tls: fields.get("tls") == "on",
        certificate: fields.get("certificate").to_owned(),
        addresses: fields
            .get("addresses")
            .split([',', '\n', ' '])
            .map(str::to_owned)
            .collect(),
        may: Service::ALL
            .iter()
            .copied()
            .filter(|s| may.iter().any(|m| m == s.as_str()))
            .collect(),
        issuer: fields.get("issuer").to_owned(),
    };
    match state.app.add_entity(cx.cx()?, new).await {
        Ok(_) => Ok(done("/hospital", "ae-added")),
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(draw_new(&cx, &fields, &errors)))
        }
    }
}

async fn withdraw(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let id = ResourceId::new(fields.get("entity"))?;
    state.app.withdraw_entity(cx.cx()?, &id).await?;
    Ok(done("/hospital", "ae-withdrawn"))
}
