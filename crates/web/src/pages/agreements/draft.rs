//! Drafting and editing: one form, clause by clause, without scripts.

use std::collections::BTreeSet;

use agreements::agreement::{
    Clause, Conditions, DataScope, Party, Residency, ResponseTimes, Terms,
};
use agreements::{ClassSet, RecordClass};
use app::AppError;
use app::agreements::AgreementAct;
use axum::extract::{Path, State};
use kernel::HospitalId;
use maud::{Markup, html};

use super::one::id_of;
use super::parts::coded;
use crate::args;
use crate::components::form::{Choice, Choices, Errors, Field, check};
use crate::components::{Kind, crumbs, note};
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageError, PageResult, WebState, flash};
use crate::pages::why::hospital_name;
use crate::shell::Shell;
use crate::words::Words;

const SERVICES: &[&str] = &["second-opinion", "second-reading"];
/// Specialties an agreement, a service or a person can name, as in the word list.
pub const SPECIALTIES: &[&str] = &[
    "thoracic-surgery",
    "respiratory-medicine",
    "internal-medicine",
    "general-surgery",
    "cardiology",
    "stroke",
    "neurology",
    "neurosurgery",
    "hepatobiliary-surgery",
    "gastroenterology",
    "infectious-diseases",
    "nephrology",
    "endocrinology",
    "rheumatology",
    "haematology",
    "oncology",
    "paediatrics",
    "neonatology",
    "obstetrics",
    "gynaecology",
    "dermatology",
    "ophthalmology",
    "orthopaedics",
    "vascular-surgery",
    "urology",
    "burns",
    "pathology",
    "radiology",
    "psychiatry",
    "emergency-medicine",
    "intensive-care",
];

pub async fn new(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let terms = blank(&state, &cx)?;
    draw(&state, &cx, None, &terms, &Errors::default())
}

/// What a new agreement begins with: the own hospital and the first other, one clause, a year from today.
fn blank(state: &WebState, cx: &PageCx) -> Result<Terms, PageError> {
    let own = cx.cx()?.hospital()?.clone();
    let zone = state
        .app
        .hospital(&own)
        .map_or_else(|| "UTC".to_owned(), |h| h.zone.clone());
    let other = state
        .app
        .all_hospitals()
        .into_iter()
        .map(|h| h.id.clone())
        .find(|h| *h != own)
        .unwrap_or_else(|| own.clone());
    let today = cx.show().date_of(cx.now);
    let party = |hospital: &HospitalId| Party {
        hospital: hospital.clone(),
        name: String::new(),
        jurisdiction: String::new(),
    };
    Ok(Terms {
        number: String::new(),
        title: String::new(),
        purpose: String::new(),
        language: cx.words().lang.tag().to_owned(),
        parties: vec![party(&own), party(&other)],
        first_day: today,
        last_day: today.saturating_add(jiff::Span::new().years(1)),
        zone,
        notice_days: 30,
        clauses: vec![clause(&own, &other)],
        continues: None,
    })
}

fn clause(referring: &HospitalId, answering: &HospitalId) -> Clause {
    use RecordClass::{
        Allergies, Demographics, Documents, Imaging, Laboratory, Medications, Pathology, Problems,
        Procedures, Vitals,
    };
    let usual = [
        Demographics,
        Problems,
        Allergies,
        Medications,
        Vitals,
        Laboratory,
        Imaging,
        Pathology,
        Procedures,
        Documents,
    ];
    Clause {
        title: String::new(),
        text: String::new(),
        services: BTreeSet::from(["second-opinion".to_owned()]),
        specialties: BTreeSet::new(),
        referring: referring.clone(),
        answering: answering.clone(),
        scope: DataScope {
            classes: usual.into_iter().collect(),
            unclassified_one_by_one: true,
        },
        conditions: Conditions {
            consent: true,
            border_consent: true,
            co_signature: false,
            residency: Residency::StaysWithCustodian,
            response: ResponseTimes::default(),
            break_glass: false,
            retention_days: RETENTION_DAYS,
            images_without_identity: false,
        },
    }
}

pub async fn create(State(state): State<WebState>, cx: PageCx, fields: Fields) -> PageResult {
    let (terms, errors) = read(&state, &cx, &fields)?;
    if fields.has("add") || fields.has("drop") || !errors.is_empty() {
        return draw(&state, &cx, None, &terms, &errors);
    }
    match state.app.draft_agreement(cx.cx()?, terms.clone()).await {
        Ok(id) => Ok(flash::done(&format!("/agreements/{id}"), "agr-drafted")),
        Err(e @ AppError::Invalid(_)) => {
            let errors = cx.wrong(e)?;
            draw(&state, &cx, None, &terms, &errors)
        }
        Err(e) => Err(e.into()),
    }
}

pub async fn edit(State(state): State<WebState>, cx: PageCx, Path(id): Path<String>) -> PageResult {
    again(&state, &cx, &id, &Errors::default()).await
}

/// The form of an existing draft, with what kept it from being proposed.
pub async fn again(state: &WebState, cx: &PageCx, id: &str, errors: &Errors) -> PageResult {
    let view = state.app.agreement(cx.cx()?, &id_of(id)?).await?;
    draw(state, cx, Some((id, &view)), &view.agreement.terms, errors)
}

pub async fn save(
    State(state): State<WebState>,
    cx: PageCx,
    Path(id): Path<String>,
    fields: Fields,
) -> PageResult {
    let view = state.app.agreement(cx.cx()?, &id_of(&id)?).await?;
    let (terms, errors) = read(&state, &cx, &fields)?;
    if fields.has("add") || fields.has("drop") || !errors.is_empty() {
        return draw(&state, &cx, Some((&id, &view)), &terms, &errors);
    }
    let act = AgreementAct::Edit(Box::new(terms.clone()));
    match state.app.agreement_act(cx.cx()?, &id_of(&id)?, act).await {
        Ok(()) => Ok(flash::done(&format!("/agreements/{id}"), "agr-edited")),
        Err(e @ AppError::Invalid(_)) => {
            let errors = cx.wrong(e)?;
            draw(&state, &cx, Some((&id, &view)), &terms, &errors)
        }
        Err(e) => Err(e.into()),
    }
}

/// Reads the form. What cannot be read keeps its place with a message; the rest is for the rules to judge.
fn read(state: &WebState, cx: &PageCx, fields: &Fields) -> Result<(Terms, Errors), PageError> {
    let w = cx.words();
    let mut errors = Errors::default();
    let mut terms = blank(state, cx)?;
    let own = terms.parties[0].hospital.clone();
    let partner = HospitalId::new(fields.get("party")).map_err(AppError::from)?;
    terms.parties[1].hospital = partner.clone();
    terms.number = fields.get("number").to_owned();
    terms.title = fields.get("title").to_owned();
    terms.purpose = fields.get("purpose").to_owned();
    terms.zone = fields.get("zone").to_owned();
    for (name, day) in [
        ("first_day", &mut terms.first_day),
        ("last_day", &mut terms.last_day),
    ] {
        match fields.get(name).parse() {
            Ok(date) => *day = date,
            Err(_) => errors.add(name, w.t("problem-agreement-dates")),
        }
    }
    match fields.get("notice_days").parse() {
        Ok(days) => terms.notice_days = days,
        Err(_) => errors.add("notice_days", w.t("problem-agreement-notice")),
    }
    let mut count: usize = fields.get("clauses").parse().unwrap_or(1);
    count = count.clamp(1, agreements::agreement::terms::CLAUSES_MAX);
    terms.clauses = (1..=count)
        .map(|n| read_clause(fields, n, &own, &partner, &w, &mut errors))
        .collect();
    if fields.has("add") && count < agreements::agreement::terms::CLAUSES_MAX {
        terms.clauses.push(clause(&own, &partner));
    }
    if let Ok(n) = fields.get("drop").parse::<usize>()
        && terms.clauses.len() > 1
        && (1..=terms.clauses.len()).contains(&n)
    {
        terms.clauses.remove(n - 1);
    }
    Ok((terms, errors))
}

fn read_clause(
    fields: &Fields,
    n: usize,
    own: &HospitalId,
    partner: &HospitalId,
    w: &Words,
    errors: &mut Errors,
) -> Clause {
    let name = |part: &str| format!("c{n}_{part}");
    let yes = |part: &str| fields.get(&name(part)) == "yes";
    let mut minutes = |part: &str, usual: u32| match fields.get(&name(part)).parse::<f64>() {
        Ok(hours) if (0.0..=24.0 * 90.0).contains(&hours) => (hours * 60.0).round() as u32,
        _ => {
            errors.add(name(part), w.t("problem-agreement-response-time"));
            usual
        }
    };
    let usual = ResponseTimes::default();
    let response = ResponseTimes {
        emergency_min: minutes("emergency", usual.emergency_min),
        urgent_min: minutes("urgent", usual.urgent_min),
        soon_min: minutes("soon", usual.soon_min),
        routine_min: minutes("routine", usual.routine_min),
    };
    let retention_days = match fields.get(&name("retention")).parse() {
        Ok(days) if days <= RETENTION_DAYS_MAX => days,
        _ => {
            errors.add(name("retention"), w.t("problem-agreement-retention"));
            RETENTION_DAYS
        }
    };
    let (referring, answering) = if fields.get(&name("referring")) == partner.as_str() {
        (partner, own)
    } else {
        (own, partner)
    };
    let classes: ClassSet = fields
        .all(&name("classes"))
        .iter()
        .filter_map(|c| c.parse().ok())
        .collect();
    let residency = fields.get(&name("residency")).to_owned();
    Clause {
        title: fields.get(&name("title")).to_owned(),
        text: fields.get(&name("text")).to_owned(),
        services: fields.all(&name("services")).into_iter().collect(),
        specialties: fields.all(&name("specialties")).into_iter().collect(),
        referring: referring.clone(),
        answering: answering.clone(),
        scope: DataScope {
            classes,
            unclassified_one_by_one: yes("unclassified"),
        },
        conditions: Conditions {
            consent: yes("consent"),
            border_consent: yes("border_consent"),
            co_signature: yes("co_signature"),
            residency: Residency::ALL
                .iter()
                .copied()
                .find(|r| r.as_str() == residency)
                .unwrap_or(Residency::StaysWithCustodian),
            response,
            break_glass: yes("break_glass"),
            retention_days,
            images_without_identity: yes("images_without_identity"),
        },
    }
}

/// Days a closed case stays readable where nobody says otherwise, and at most.
const RETENTION_DAYS: u16 = 30;
const RETENTION_DAYS_MAX: u16 = 3_650;

type Existing<'a> = Option<(&'a str, &'a app::agreements::AgreementView)>;

fn draw(
    state: &WebState,
    cx: &PageCx,
    existing: Existing<'_>,
    terms: &Terms,
    errors: &Errors,
) -> PageResult {
    let w = cx.words();
    let title = w.t(if existing.is_some() {
        "agr-edit-title"
    } else {
        "agr-new"
    });
    let action = existing.map_or_else(
        || "/agreements/new".to_owned(),
        |(id, _)| format!("/agreements/{id}/edit"),
    );
    let signed = existing.is_some_and(|(_, v)| !v.agreement.signatures.is_empty());
    let own = &terms.parties[0].hospital;
    let partners: Vec<(String, String)> = state
        .app
        .all_hospitals()
        .iter()
        .filter(|h| h.id != *own)
        .map(|h| (h.id.to_string(), h.name(w.lang.tag()).to_owned()))
        .collect();
    let partner = terms
        .parties
        .get(1)
        .map(|p| p.hospital.to_string())
        .unwrap_or_default();
    let main = html! {
        (crumbs(&w, &[(&w.t("nav-agreements"), Some("/agreements")), (&title, None)]))
        div class="stack tightly" { h1 { (title) } p class="soft prose" { (w.t("agr-draft-lead")) } }
        @if signed { (note(Kind::Warn, html! { p { (w.t("agr-edit-voids")) } })) }
        (errors.summary(&w))
        form class="stack loosely" method="post" action=(action) {
            (cx.csrf())
            input type="hidden" name="clauses" value=(terms.clauses.len());
            section class="card" aria-labelledby="h-g" { header { h2 id="h-g" { (w.t("agr-general")) } } div class="body stack" {
                div class="cols half tight" {
                    (Field::new("title", w.t("agr-title")).value(&terms.title).maxlength(200).required().errors(errors).input())
                    (Field::new("number", w.t("agr-number")).hint(w.t("agr-number-hint")).value(&terms.number).maxlength(40).required().errors(errors).input())
                    (Field::new("party", w.t("agr-partner")).value(partner).errors(errors).select(&partners))
                    (Field::new("zone", w.t("agr-zone")).hint(w.t("agr-zone-hint")).value(&terms.zone).required().errors(errors).input())
                    (Field::new("first_day", w.t("agr-first-day")).kind("date").value(terms.first_day.to_string()).required().errors(errors).input())
                    (Field::new("last_day", w.t("agr-last-day")).kind("date").value(terms.last_day.to_string()).required().errors(errors).input())
                    (Field::new("notice_days", w.t("agr-notice-days")).inputmode("numeric").value(terms.notice_days.to_string()).required().errors(errors).input())
                }
                (Field::new("purpose", w.t("agr-purpose")).value(&terms.purpose).maxlength(4000).errors(errors).area(2))
            } }
            @for (n, c) in terms.clauses.iter().enumerate() { (draw_clause(state, cx, n + 1, terms, c, errors)) }
            div class="row" {
                button class="btn primary" { (w.t("agr-save")) }
                button class="btn" name="add" value="yes" formnovalidate { (w.t("agr-add-clause")) }
            }
        }
    };
    Ok(Shell::new(cx, &title).class("page close").draw(&main))
}

fn draw_clause(
    state: &WebState,
    cx: &PageCx,
    n: usize,
    terms: &Terms,
    c: &Clause,
    errors: &Errors,
) -> Markup {
    let w = cx.words();
    let name = |part: &str| format!("c{n}_{part}");
    let listed = |known: &[&str], chosen: &BTreeSet<String>, set: &str| -> Vec<Choice> {
        let mut codes: Vec<String> = known.iter().map(|c| (*c).to_owned()).collect();
        codes.extend(
            chosen
                .iter()
                .filter(|c| !known.contains(&c.as_str()))
                .cloned(),
        );
        codes
            .iter()
            .map(|code| Choice::new(code.clone(), html! { (coded(&w, set, code)) }))
            .collect()
    };
    let chosen = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
    let (own, other) = (&terms.parties[0].hospital, &terms.parties[1].hospital);
    let directions: Vec<(String, String)> = [(own, other), (other, own)]
        .into_iter()
        .map(|(from, to)| {
            let (from_name, to_name) =
                (hospital_name(state, cx, from), hospital_name(state, cx, to));
            (
                from.to_string(),
                w.f("agr-from-to", args!["from" => from_name, "to" => to_name]),
            )
        })
        .collect();
    let residencies: Vec<(String, String)> = Residency::ALL
        .iter()
        .map(|r| (r.as_str().to_owned(), w.word("residency", r.as_str())))
        .collect();
    let hours = |minutes: u32| {
        let h = f64::from(minutes) / 60.0;
        if h.fract() == 0.0 {
            format!("{h:.0}")
        } else {
            format!("{h:.2}")
        }
    };
    let r = c.conditions.response;
    let heading = name("heading");
    html! {
        section class="card" aria-labelledby=(heading) {
            header class="row apart" { h2 id=(heading) { (w.f("agr-clause-n", args!["n" => n])) }
                @if terms.clauses.len() > 1 { button class="btn quiet" name="drop" value=(n) formnovalidate { (w.t("agr-drop-clause")) } } }
            div class="body stack" {
                div class="cols half tight" {
                    (Field::new(&name("title"), w.t("agr-clause-title")).value(&c.title).maxlength(200).required().errors(errors).input())
                    (Field::new(&name("referring"), w.t("agr-direction")).value(c.referring.to_string()).errors(errors).select(&directions))
                }
                (Field::new(&name("text"), w.t("agr-clause-text")).hint(w.t("agr-clause-text-hint")).value(&c.text).maxlength(4000).errors(errors).area(2))
                (Choices { name: &name("services"), legend: w.t("agr-services"), hint: None, chosen: &chosen(&c.services), many: true, framed: false }.draw(errors, &listed(SERVICES, &c.services, "service")))
                details open[!c.specialties.is_empty()] { summary { (w.t("agr-specialties")) " " span class="soft" { (w.t("agr-specialties-hint")) } }
                    div class="columns" { (Choices { name: &name("specialties"), legend: w.t("agr-specialties"), hint: None, chosen: &chosen(&c.specialties), many: true, framed: false }.draw(errors, &listed(SPECIALTIES, &c.specialties, "specialty"))) } }
                (classes(&w, n, c, errors))
                (check(&name("unclassified"), w.t("agr-unclassified"), c.scope.unclassified_one_by_one, errors))
                fieldset { legend { (w.t("agr-conditions")) } div class="stack none" {
                    (check(&name("consent"), w.t("agr-consent"), c.conditions.consent, errors))
                    (check(&name("border_consent"), w.t("agr-border-consent"), c.conditions.border_consent, errors))
                    (check(&name("co_signature"), w.t("agr-co-signature"), c.conditions.co_signature, errors))
                    (check(&name("break_glass"), w.t("agr-break-glass"), c.conditions.break_glass, errors))
                    (check(&name("images_without_identity"), w.t("agr-without-identity"), c.conditions.images_without_identity, errors))
                } }
                (Field::new(&name("retention"), w.t("agr-retention")).hint(w.t("agr-retention-hint")).inputmode("numeric").value(c.conditions.retention_days.to_string()).maxlength(4).errors(errors).input())
                (Field::new(&name("residency"), w.t("agr-residency")).value(c.conditions.residency.as_str()).errors(errors).select(&residencies))
                fieldset { legend { (w.t("agr-response")) } div class="cols quarter tight" {
                    (Field::new(&name("emergency"), w.word("urgency", "emergency")).inputmode("decimal").value(hours(r.emergency_min)).errors(errors).input())
                    (Field::new(&name("urgent"), w.word("urgency", "urgent")).inputmode("decimal").value(hours(r.urgent_min)).errors(errors).input())
                    (Field::new(&name("soon"), w.word("urgency", "soon")).inputmode("decimal").value(hours(r.soon_min)).errors(errors).input())
                    (Field::new(&name("routine"), w.word("urgency", "routine")).inputmode("decimal").value(hours(r.routine_min)).errors(errors).input())
                } }
            }
        }
    }
}

fn classes(w: &Words, n: usize, c: &Clause, errors: &Errors) -> Markup {
    let name = format!("c{n}_classes");
    let chosen: Vec<String> = c
        .scope
        .classes
        .iter()
        .map(|c| c.as_str().to_owned())
        .collect();
    let choices = |sensitive: bool| -> Vec<Choice> {
        ClassSet::all()
            .iter()
            .filter(|c| c.is_sensitive() == sensitive)
            .filter(|c| {
                !matches!(
                    c,
                    RecordClass::Cases
                        | RecordClass::Messages
                        | RecordClass::Directory
                        | RecordClass::Unclassified
                )
            })
            .map(|c| Choice::new(c.as_str(), html! { (w.word("class", c.as_str())) }))
            .collect()
    };
    html! {
        div class="cols half tight" {
            div class="columns" { (Choices { name: &name, legend: w.t("agr-classes"), hint: Some(w.t("agr-classes-hint")), chosen: &chosen, many: true, framed: false }.draw(errors, &choices(false))) }
            (Choices { name: &name, legend: w.t("agr-sensitive"), hint: Some(w.t("agr-sensitive-hint")), chosen: &chosen, many: true, framed: false }.draw(&Errors::default(), &choices(true)))
        }
    }
}
