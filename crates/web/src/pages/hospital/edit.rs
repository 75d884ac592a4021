//! `/hospital/edit`: names, place, zone, languages and the services offered to others.

use app::hospitals::{HospitalChange, HospitalState, Service};
use axum::extract::State;
use kernel::ErrorCode;
use maud::{Markup, html};

use super::ADMINISTRATOR;
use crate::args;
use crate::components::form::{Choice, Choices, Errors, Field};
use crate::components::{Kind, note};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, get, post, refused};
use crate::pages::agreements::SPECIALTIES;
use crate::pages::profile::zones::zones;
use crate::shell::Shell;
use crate::words::Words;

/// Languages a hospital can work in, as the word list has them.
const LANGUAGES: [(&str, &str); 11] = [
    ("zh-CN", "zh"),
    ("ug", "ug"),
    ("kk", "kk"),
    ("ky", "ky"),
    ("ru", "ru"),
    ("en", "en"),
    ("uz", "uz"),
    ("tg", "tg"),
    ("mn", "mn"),
    ("ar", "ar"),
    ("de", "de"),
];
/// Languages a name can be given in.
const NAMED: [&str; 6] = ["en", "zh-CN", "ug", "ru", "kk", "ar"];
/// Empty rows for new services.
const NEW_ROWS: usize = 2;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/hospital/edit", ADMINISTRATOR, page),
        post("/hospital/edit", ADMINISTRATOR, save),
    ]
}

async fn page(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let held = state.app.hospital_state(cx.cx()?).await?;
    let h = &held.hospital;
    let change = HospitalChange {
        names: h.names.clone(),
        city: h.city.clone(),
        zone: h.zone.clone(),
        languages: h.languages.clone(),
        services: h.services.clone(),
    };
    draw(&state, &cx, &held, &change, &Errors::default())
}

async fn save(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let held = state.app.hospital_state(cx.cx()?).await?;
    let version = fields
        .get("version")
        .parse()
        .map_err(|_| PageError::new(ErrorCode::Malformed))?;
    let change = read(&fields);
    match state
        .app
        .change_hospital(cx.cx()?, version, change.clone())
        .await
    {
        Ok(()) => Ok(done("/hospital", "hospital-changed")),
        Err(e) => {
            let errors = cx.wrong(e)?;
            Ok(refused(draw(&state, &cx, &held, &change, &errors)?))
        }
    }
}

fn read(fields: &Fields) -> HospitalChange {
    let names = |prefix: &str, tags: &[&str]| {
        tags.iter()
            .filter_map(|tag| {
                let name = fields.some(&format!("{prefix}-{tag}"))?;
                Some(((*tag).to_owned(), name.to_owned()))
            })
            .collect()
    };
    let mut services = Vec::new();
    let rows = fields.get("rows").parse::<usize>().unwrap_or(0).min(100);
    for i in 0..rows {
        let part = |p: &str| fields.get(&format!("service-{i}-{p}")).to_owned();
        let service = Service {
            code: part("code"),
            names: names(&format!("service-{i}"), &["en", "zh-CN"]),
            specialty: part("specialty"),
        };
        // An emptied row takes the service away.
        if !(service.code.is_empty() && service.names.is_empty()) {
            services.push(service);
        }
    }
    HospitalChange {
        names: names("name", &NAMED),
        city: fields.get("city").to_owned(),
        zone: fields.get("zone").to_owned(),
        languages: fields.all("languages"),
        services,
    }
}

fn draw(
    state: &WebState,
    cx: &PageCx,
    held: &HospitalState,
    change: &HospitalChange,
    errors: &Errors,
) -> PageResult {
    let w = &cx.words();
    let zones = zones(&state.app, cx, &change.zone);
    let mut languages: Vec<Choice> = LANGUAGES
        .iter()
        .map(|(tag, code)| Choice::new(*tag, w.word("language", code)))
        .collect();
    let known = |tag: &str| LANGUAGES.iter().any(|(t, _)| *t == tag);
    for tag in change.languages.iter().filter(|t| !known(t)) {
        languages.push(Choice::new(tag.clone(), tag.clone()));
    }
    let title = w.t("hospital-edit");
    let main = html! {
        p class="small" { a href="/hospital" { (w.t("hospital-title")) } }
        h1 { (title) }
        form class="stack" method="post" action="/hospital/edit" {
            (cx.csrf())
            (errors.summary(w))
            input type="hidden" name="version" value=(held.version);
            input type="hidden" name="rows" value=(change.services.len() + NEW_ROWS);
            section class="card" {
                header { h2 { (w.t("hospital-names")) } }
                div class="body stack" {
                    @for tag in NAMED {
                        @let code = LANGUAGES.iter().find(|(t, _)| *t == tag).map_or(tag, |(_, c)| c);
                        (Field::new(&format!("name-{tag}"), w.f("hospital-name-in", args!["language" => w.word("language", code)]))
                            .value(change.names.get(tag).cloned().unwrap_or_default()).lang(tag).errors(errors).maxlength(120).input())
                    }
                }
            }
            section class="card" {
                header { h2 { (w.t("hospital-about")) } }
                div class="body stack" {
                    (Field::new("city", w.t("hospital-city")).value(&change.city).errors(errors).maxlength(120).input())
                    (Field::new("zone", w.t("profile-zone")).hint(w.t("hospital-zone-hint")).value(&change.zone).errors(errors).select(&zones))
                    (Choices { name: "languages", legend: w.t("hospital-languages"), hint: None, chosen: &change.languages, many: true, framed: false }.draw(errors, &languages))
                }
            }
            section class="card" {
                header { h2 { (w.t("hospital-services")) } }
                div class="body stack" {
                    (note(Kind::Plain, html! { p { (w.t("hospital-services-lead")) } }))
                    @if let Some(e) = errors.of("services") { p class="error" id="services" { (e) } }
                    @for i in 0..change.services.len() + NEW_ROWS {
                        (service_row(w, i, change.services.get(i), &held.in_use, errors))
                    }
                }
            }
            div class="row" { button class="btn primary" { (w.t("profile-save")) } a class="btn quiet" href="/hospital" { (w.t("profile-leave")) } }
        }
    };
    Ok(Shell::new(cx, &title).class("narrow stack").draw(&main))
}

fn service_row(
    w: &Words,
    i: usize,
    service: Option<&Service>,
    in_use: &[String],
    errors: &Errors,
) -> Markup {
    let part = |p: &str| format!("service-{i}-{p}");
    let (code, english, chinese, specialty) =
        (part("code"), part("en"), part("zh-CN"), part("specialty"));
    let name = |tag: &str| {
        service
            .and_then(|s| s.names.get(tag).cloned())
            .unwrap_or_default()
    };
    let chosen = service.map(|s| s.specialty.clone()).unwrap_or_default();
    let mut specialties = vec![(String::new(), w.t("hospital-no-specialty"))];
    let known = SPECIALTIES.contains(&chosen.as_str()) || chosen.is_empty();
    specialties.extend((!known).then(|| (chosen.clone(), chosen.clone())));
    specialties.extend(
        SPECIALTIES
            .iter()
            .map(|s| ((*s).to_owned(), w.word("specialty", s))),
    );
    let used = service.is_some_and(|s| in_use.contains(&s.code));
    html! {
        fieldset class="stack tightly" {
            legend { (w.t(if service.is_some() { "hospital-service" } else { "hospital-service-add" })) }
            div class="licence" {
                (Field::new(&code, w.t("hospital-code")).value(service.map(|s| s.code.clone()).unwrap_or_default()).errors(errors).maxlength(60).readonly_if(used).input())
                (Field::new(&specialty, w.t("hospital-specialty")).value(chosen).errors(errors).select(&specialties))
                (Field::new(&english, w.f("hospital-name-in", args!["language" => w.t("language-en")])).value(name("en")).errors(errors).maxlength(120).lang("en").input())
                (Field::new(&chinese, w.f("hospital-name-in", args!["language" => w.t("language-zh")])).value(name("zh-CN")).errors(errors).maxlength(120).lang("zh-CN").input())
            }
            @if used { p class="small soft" { (w.t("hospital-service-used")) } }
        }
    }
}
