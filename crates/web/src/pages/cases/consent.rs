//! The consent step: the words to be read to the patient, and the circumstances in which they agreed.

use agreements::consent::{Basis, Capacity, Given, Method, Relation, Scope, ScopeClasses};
use agreements::{ClassSet, RecordClass};
use app::cases::CaseAct;
use app::cases::view::{CaseView, Offer};
use app::consents::ConsentDraft;
use care::case::Edit;
use kernel::Phi;
use maud::{Markup, html};

use super::new::{next, offer_of, page};
use super::steps::{address, buttons};
use crate::args;
use crate::components::form::{Choice, Choices, Errors, Field, check};
use crate::components::{Kind, note};
use crate::frame::form::Fields;
use crate::frame::{PageCx, PageResult, WebState};
use crate::pages::view;
use crate::shell::part;

/// The version of the words below; kept with each consent that was given on them.
const FORM: &str = "karez-opinion-1";
/// Languages a consent is usually explained in here; any other tag may come with the patient.
const LANGUAGES: [&str; 7] = ["ug", "zh", "kk", "ky", "mn", "ru", "en"];

/// The step's form.
pub fn draw(
    cx: &PageCx,
    v: &CaseView,
    offer: Option<&Offer>,
    posted: Option<&Fields>,
    errors: &Errors,
) -> Markup {
    let w = &cx.words();
    let empty = Fields::default();
    let f = posted.unwrap_or(&empty);
    let recorded = v.case.request.consent.is_some();
    html! {
        @match offer {
            None => (note(Kind::Warn, html! { (w.t("parts-no-partner")) " " a href=(address(v, "service")) { (w.word("edit", "service")) } })),
            Some(o) if !o.needs_consent => (note(Kind::Plain, w.t("consent-not-needed-more"))),
            Some(_) => {},
        }
        @if recorded { (note(Kind::Ok, w.t("consent-recorded-more"))) }
        form class="stack" method="post" action=(address(v, "consent")) {
            (cx.csrf())
            (errors.summary(w))
            @if let Some(o) = offer {
                p class="prose" { (w.t("consent-read-aloud")) }
                blockquote class="card doc signed" { (spoken(cx, v, o)) }
                @if o.needs_consent || !recorded { (circumstances(cx, v, o, f, errors)) }
            }
            (buttons(cx, v, "consent"))
        }
    }
}

/// What is read to the patient, in the language of the page; the form's version is kept with the consent.
fn spoken(cx: &PageCx, v: &CaseView, o: &Offer) -> String {
    let w = &cx.words();
    let show = &cx.show();
    let parts = w.list(v.case.request.classes.iter().map(|c| view::class(show, c)));
    let parts = if parts.is_empty() {
        w.t("consent-chosen-parts")
    } else {
        parts
    };
    let key = if o.crosses_border {
        "consent-words-abroad"
    } else {
        "consent-words"
    };
    w.f(
        key,
        args!["doctor" => &v.referrer.name, "partner" => &o.partner.name, "parts" => parts],
    )
}

fn circumstances(cx: &PageCx, v: &CaseView, o: &Offer, f: &Fields, errors: &Errors) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let choices = |codes: &[&'static str], word: &dyn Fn(&str) -> String| {
        codes
            .iter()
            .map(|c| Choice::new(*c, word(c)))
            .collect::<Vec<_>>()
    };
    let chosen = |name: &str, default: &str| vec![f.some(name).unwrap_or(default).to_owned()];
    let mut languages = vec![(String::new(), w.t("choose"))];
    languages.extend(
        LANGUAGES
            .iter()
            .map(|l| ((*l).to_owned(), view::language(show, l))),
    );
    html! {
        (Choices { name: "method", legend: w.t("consent-method"), hint: None, chosen: &chosen("method", ""), many: false, framed: false }
            .draw(errors, &choices(&[Method::Signature.as_str(), Method::Electronic.as_str(), Method::Verbal.as_str()], &|c| w.word("method", c))))
        (Field::new("witness", w.t("consent-witness")).hint(w.t("consent-witness-hint")).value(f.get("witness")).errors(errors).input())
        (Field::new("language", w.t("consent-language")).value(f.get("language")).errors(errors).select(&languages))
        (Choices { name: "relation", legend: w.t("consent-relation"), hint: None, chosen: &chosen("relation", "patient"), many: false, framed: false }
            .draw(errors, &choices(&[Relation::Patient.as_str(), Relation::Guardian.as_str(), Relation::Proxy.as_str()], &|c| w.word("relation", c))))
        (Field::new("giver", w.t("consent-giver")).hint(w.t("consent-giver-hint")).value(f.get("giver")).errors(errors).input())
        (Choices { name: "capacity", legend: w.t("consent-capacity"), hint: Some(w.t("consent-capacity-hint")), chosen: &chosen("capacity", "full"), many: false, framed: false }
            .draw(errors, &choices(&[Capacity::Full.as_str(), Capacity::Limited.as_str(), Capacity::None.as_str()], &|c| w.word("capacity", c))))
        // Majority differs between jurisdictions; whoever may be a minor somewhere is asked about.
        @if v.banner.age_years.is_none_or(|y| y < 21) { (check("assent", w.t("consent-assent"), f.has("assent"), errors)) }
        @if o.crosses_border { (check("across-border", w.t("consent-border"), f.has("across-border"), errors)) }
    }
}

/// Records the consent, if its form was filled, and binds it to the case.
pub async fn keep(state: &WebState, cx: &PageCx, v: &CaseView, f: &Fields) -> PageResult {
    if cx.is_part {
        return Ok(part(html! {}));
    }
    let filled = f.some("method").is_some() || f.some("language").is_some();
    let offer = offer_of(state, cx, v).await?;
    let needed =
        offer.as_ref().is_some_and(|o| o.needs_consent) && v.case.request.consent.is_none();
    if !filled && (f.get("go") == "keep" || !needed) {
        return Ok(next(v, "consent", f));
    }
    let (draft, errors) = read(cx, v, offer.as_ref(), f);
    let Some(draft) = draft else {
        return page(state, cx, v, "consent", Some(f), &errors).await;
    };
    match state.app.record_consent(cx.cx()?, draft).await {
        Ok(consent) => {
            let edit = Edit {
                consent: Some(consent),
                ..Edit::default()
            };
            state
                .app
                .case_act(cx.cx()?, &v.key, CaseAct::Edit(Box::new(edit)))
                .await?;
            Ok(next(v, "consent", f))
        }
        Err(e) => {
            let errors = cx.wrong(e)?;
            page(state, cx, v, "consent", Some(f), &errors).await
        }
    }
}

fn read(
    cx: &PageCx,
    v: &CaseView,
    offer: Option<&Offer>,
    f: &Fields,
) -> (Option<ConsentDraft>, Errors) {
    let w = &cx.words();
    let mut errors = Errors::default();
    let method = Method::parse(f.get("method"));
    if method.is_none() {
        errors.add("method", w.t("consent-method-missing"));
    }
    if method == Some(Method::Verbal) && f.some("witness").is_none() {
        errors.add("witness", w.t("consent-witness-missing"));
    }
    if f.some("language").is_none() {
        errors.add("language", w.t("consent-language-missing"));
    }
    let relation = Relation::parse(f.get("relation")).unwrap_or(Relation::Patient);
    if relation != Relation::Patient && f.some("giver").is_none() {
        errors.add("giver", w.t("consent-giver-missing"));
    }
    if offer.is_some_and(|o| o.crosses_border) && !f.has("across-border") {
        errors.add("across-border", w.t("consent-border-missing"));
    }
    let (Some(method), true) = (method, errors.is_empty()) else {
        return (None, errors);
    };
    let phi = |name: &str| f.some(name).map(|t| Phi::new(t.to_owned()));
    let given = Given {
        relation,
        giver: phi("giver"),
        capacity: Capacity::parse(f.get("capacity")).unwrap_or(Capacity::Full),
        assent: f.has("assent").then_some(true),
        language: f.get("language").to_owned(),
        form: FORM.to_owned(),
        witness: phi("witness"),
        method,
    };
    // Sensitive classes are covered only where this very case sends them and the words named them.
    let sensitive: ClassSet = v
        .case
        .request
        .classes
        .iter()
        .filter_map(|c| c.parse::<RecordClass>().ok())
        .filter(|c| c.is_sensitive())
        .collect();
    let scope = Scope {
        hospitals: offer.map(|o| vec![o.partner.id.clone()]),
        classes: ScopeClasses::OrdinaryAnd(sensitive),
        across_border: f.has("across-border"),
    };
    let draft = ConsentDraft {
        custodian: v.key.hospital.clone(),
        patient: v.case.patient.clone(),
        basis: Basis::Given(given),
        scope,
        from: None,
        until: None,
    };
    (Some(draft), errors)
}
