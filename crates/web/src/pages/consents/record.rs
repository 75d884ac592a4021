//! Recording a consent with its circumstances; the scope part is shared with the patient's own page.

use agreements::consent::{
    Basis, Capacity, Emergency, Given, Method, Relation, Scope, ScopeClasses,
};
use agreements::{ClassSet, RecordClass};
use app::AppError;
use app::consents::ConsentDraft;
use axum::extract::{Path, State};
use jiff::civil::Date;
use kernel::{HospitalId, Instant, Phi, RecordKey};
use maud::{Markup, html};

use super::{address, banner, partners, patient_key};
use crate::components::form::{Choice, Choices, Errors, Field, check};
use crate::components::{Kind, note};
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageResult, WebState, flash};
use crate::shell::Shell;
use crate::words::Words;

/// Form version that is offered first.
pub const FORM: &str = "K-1 (2026-11)";

pub async fn form(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let key = patient_key(&hospital, &id)?;
    let body = serde_urlencoded::to_string([
        ("basis", "given"),
        ("relation", "patient"),
        ("capacity", "full"),
        ("method", "signature"),
        ("form", FORM),
        ("language", cx.words().lang.tag()),
    ])
    .unwrap_or_default();
    let blank = Fields::parse(body.as_bytes())?;
    draw(&state, &cx, &key, &blank, &Errors::default()).await
}

pub async fn save(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
    fields: Fields,
) -> PageResult {
    let key = patient_key(&hospital, &id)?;
    let draft = match read(&cx, &state, &key, &fields) {
        Ok(draft) => draft,
        Err(errors) => return draw(&state, &cx, &key, &fields, &errors).await,
    };
    match state.app.record_consent(cx.cx()?, draft).await {
        Ok(_) => Ok(flash::done(&address(&key), "consents-recorded")),
        Err(e @ AppError::Invalid(_)) => {
            let errors = cx.wrong(e)?;
            draw(&state, &cx, &key, &fields, &errors).await
        }
        Err(e) => Err(e.into()),
    }
}

/// The scope part of a consent form.
pub fn scope_of(fields: &Fields) -> Scope {
    let hospitals: Vec<HospitalId> = fields
        .all("hospitals")
        .iter()
        .filter_map(|h| HospitalId::new(h).ok())
        .collect();
    let classes: ClassSet = fields
        .all("classes")
        .iter()
        .filter_map(|c| c.parse::<RecordClass>().ok())
        .collect();
    Scope {
        hospitals: (!hospitals.is_empty()).then_some(hospitals),
        classes: ScopeClasses::OrdinaryAnd(classes),
        across_border: fields.has("across_border"),
    }
}

/// "Until 3 May" means through that day, in the custodian's zone.
fn end_of(state: &WebState, key: &RecordKey, text: &str) -> Option<Instant> {
    let zone = state.app.hospital(&key.hospital)?.time_zone();
    let day = text.parse::<Date>().ok()?.tomorrow().ok()?;
    Some(day.to_zoned(zone).ok()?.timestamp())
}

fn read(
    cx: &PageCx,
    state: &WebState,
    key: &RecordKey,
    fields: &Fields,
) -> Result<ConsentDraft, Errors> {
    let mut errors = Errors::default();
    let until = fields.some("until").and_then(|text| {
        let at = end_of(state, key, text);
        if at.is_none() {
            errors.add("until", cx.t("problem-consent-dates"));
        }
        at
    });
    if !errors.is_empty() {
        return Err(errors);
    }
    let phi = |name: &str| fields.some(name).map(|t| Phi::new(t.to_owned()));
    let basis = if fields.get("basis") == "emergency" {
        Basis::Emergency(Emergency {
            reason: Phi::new(fields.get("reason").to_owned()),
            law: fields.get("law").to_owned(),
            review: None,
        })
    } else {
        Basis::Given(Given {
            relation: Relation::parse(fields.get("relation")).unwrap_or(Relation::Patient),
            giver: phi("giver"),
            capacity: Capacity::parse(fields.get("capacity")).unwrap_or(Capacity::Full),
            assent: match fields.get("assent") {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            },
            language: fields.get("language").to_owned(),
            form: fields.get("form").to_owned(),
            witness: phi("witness"),
            method: Method::parse(fields.get("method")).unwrap_or(Method::Signature),
        })
    };
    Ok(ConsentDraft {
        custodian: key.hospital.clone(),
        patient: key.id.clone(),
        basis,
        scope: scope_of(fields),
        from: None,
        until,
    })
}

/// What is covered: hospitals, sensitive classes, the border.
pub fn scope_fields(
    state: &WebState,
    cx: &PageCx,
    own: &HospitalId,
    fields: &Fields,
    errors: &Errors,
) -> Markup {
    let w = cx.words();
    let hospitals: Vec<Choice> = partners(state, cx, own)
        .into_iter()
        .map(|(id, name)| Choice::new(id, html! { (name) }))
        .collect();
    let sensitive: Vec<Choice> = RecordClass::ALL
        .iter()
        .filter(|c| c.is_sensitive())
        .map(|c| Choice::new(c.as_str(), html! { (w.word("class", c.as_str())) }))
        .collect();
    html! {
        (Choices { name: "hospitals", legend: w.t("consents-hospitals"), hint: Some(w.t("consents-hospitals-hint")), chosen: &fields.all("hospitals"), many: true, framed: false }.draw(errors, &hospitals))
        (Choices { name: "classes", legend: w.t("consents-sensitive"), hint: Some(w.t("consents-sensitive-hint")), chosen: &fields.all("classes"), many: true, framed: false }.draw(errors, &sensitive))
        (check("across_border", w.t("consents-across-border"), fields.has("across_border"), errors))
    }
}

fn options(w: &Words, set: &str, codes: &[&str]) -> Vec<(String, String)> {
    codes
        .iter()
        .map(|c| ((*c).to_owned(), w.word(set, c)))
        .collect()
}

async fn draw(
    state: &WebState,
    cx: &PageCx,
    key: &RecordKey,
    fields: &Fields,
    errors: &Errors,
) -> PageResult {
    let w = cx.words();
    let banner = banner(state, cx, key).await?;
    let title = w.t("consents-new");
    let main = html! {
        div class="stack prose" {
            div class="stack tightly" { h2 class="step" { (title) } p class="soft" { (w.t("consents-new-lead")) } }
            (errors.summary(&w))
            form class="stack loosely" method="post" action={ (address(key)) "/new" } {
                (cx.csrf())
                section class="card" { header { h3 { (w.t("consents-what")) } } div class="body stack" {
                    (scope_fields(state, cx, &key.hospital, fields, errors))
                    (Field::new("until", w.t("consents-until")).hint(w.t("consents-until-hint")).kind("date").value(fields.get("until")).errors(errors).input())
                } }
                (circumstances(&w, fields, errors))
                div class="row" { button class="btn primary" { (w.t("consents-save")) } a class="btn" href=(address(key)) { (w.t("agr-back")) } }
            }
        }
    };
    Ok(Shell::new(cx, &title)
        .class("page close")
        .banner(banner)
        .draw(&main))
}

fn circumstances(w: &Words, fields: &Fields, errors: &Errors) -> Markup {
    let value = |name: &str| fields.get(name).to_owned();
    let languages: Vec<(String, String)> = ["zh-CN", "ug", "kk", "ru", "en"]
        .iter()
        .map(|tag| {
            let primary = tag.split('-').next().unwrap_or_default();
            ((*tag).to_owned(), w.word("language", primary))
        })
        .collect();
    let assents = vec![
        (String::new(), w.t("consents-assent-none")),
        ("yes".to_owned(), w.t("agr-yes")),
        ("no".to_owned(), w.t("agr-no")),
    ];
    let bases = [
        Choice::new("given", html! { (w.t("consents-basis-given")) }),
        Choice::new("emergency", html! { (w.t("consents-basis-emergency")) })
            .note(html! { (w.t("consents-basis-emergency-note")) }),
    ];
    let relations = options(w, "relation", &["patient", "guardian", "proxy"]);
    let capacities = options(w, "capacity", &["full", "limited", "none"]);
    let methods = options(w, "method", &["signature", "electronic", "verbal"]);
    html! {
        section class="card" { header { h3 { (w.t("consents-context")) } } div class="body stack" {
            (Choices { name: "basis", legend: w.t("consents-basis"), hint: None, chosen: &[value("basis")], many: false, framed: true }.draw(errors, &bases))
            div class="cols half tight" {
                (Field::new("relation", w.t("consents-by")).value(value("relation")).errors(errors).select(&relations))
                (Field::new("giver", w.t("consents-giver")).hint(w.t("consents-giver-hint")).value(value("giver")).maxlength(200).errors(errors).input())
                (Field::new("capacity", w.t("consents-capacity")).value(value("capacity")).errors(errors).select(&capacities))
                (Field::new("assent", w.t("consents-assent")).hint(w.t("consents-assent-hint")).value(value("assent")).errors(errors).select(&assents))
                (Field::new("method", w.t("consents-how")).value(value("method")).errors(errors).select(&methods))
                (Field::new("witness", w.t("consents-witness-name")).hint(w.t("consents-witness-hint")).value(value("witness")).maxlength(200).errors(errors).input())
                (Field::new("language", w.t("consents-language")).value(value("language")).errors(errors).select(&languages))
                (Field::new("form", w.t("consents-form-version")).value(value("form")).maxlength(80).errors(errors).input())
            }
            details open[value("basis") == "emergency"] { summary { (w.t("consents-emergency")) }
                div class="stack" {
                    (note(Kind::Warn, html! { p { (w.t("consents-emergency-lead")) } }))
                    (Field::new("reason", w.t("consents-reason")).value(value("reason")).maxlength(2000).errors(errors).area(2))
                    (Field::new("law", w.t("consents-law")).hint(w.t("consents-law-hint")).value(value("law")).maxlength(200).errors(errors).input())
                }
            }
        } }
    }
}
