//! The signed answer: read as a letter, checked, kept as PDF or sealed file, carried out, asked again, translated,
//! co-signed.

use app::Role;
use app::cases::CaseAct;
use app::cases::view::{CaseView, Side};
use app::opinions::{OpinionView, PRINT_LANGUAGES, Report, TranslationAsk};
use axum::extract::{Path, State};
use kernel::{Phi, RecordKey, ResourceId};
use maud::{Markup, html};

use crate::args;
use crate::components::form::{Errors, Field};
use crate::components::{Kind, chip, chip_icon, crumbs, icon, note};
use crate::frame::flash::done;
use crate::frame::form::Fields;
use crate::frame::reauth;
use crate::frame::route::CLINICAL;
use crate::frame::{
    PageCx, PageError, PageResult, RouteSpec, WebState, Who, download, get, post, refused,
};
use crate::pages::view::{self, case_address, patient_address};
use crate::shell::Shell;

const REFERRING: Who = Who::Roles(&[Role::Clinician]);
const CONSULTANT: Who = Who::Roles(&[Role::Consultant]);

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/cases/{hospital}/{id}/answers/{opinion}", CLINICAL, answer),
        get(
            "/cases/{hospital}/{id}/answers/{opinion}/pdf/{language}",
            CLINICAL,
            pdf,
        ),
        get(
            "/cases/{hospital}/{id}/answers/{opinion}/file",
            CLINICAL,
            file,
        ),
        get(
            "/cases/{hospital}/{id}/answers/{opinion}/time-stamp",
            CLINICAL,
            time_stamp,
        ),
        post(
            "/cases/{hospital}/{id}/answers/{opinion}/translate",
            CLINICAL,
            translate,
        ),
        post(
            "/cases/{hospital}/{id}/answers/{opinion}/co-sign",
            CONSULTANT,
            co_sign,
        ),
        post(
            "/cases/{hospital}/{id}/answers/{opinion}/return",
            CONSULTANT,
            send_back,
        ),
        post("/cases/{hospital}/{id}/act", REFERRING, act),
        post("/cases/{hospital}/{id}/ask-again", REFERRING, ask_again),
    ]
}

type Address = Path<(String, String, String)>;

struct Loaded {
    key: RecordKey,
    id: ResourceId,
    case: CaseView,
    opinion: OpinionView,
}

async fn load(
    state: &WebState,
    cx: &PageCx,
    (hospital, id, opinion): (String, String, String),
) -> Result<Loaded, PageError> {
    let (key, id) = named(&hospital, &id, &opinion)?;
    let opinion = state.app.opinion(cx.cx()?, &key, &id).await?;
    let case = state.app.case(cx.cx()?, &key).await?;
    Ok(Loaded {
        key,
        id,
        case,
        opinion,
    })
}

async fn answer(State(state): State<WebState>, Path(address): Address, cx: PageCx) -> PageResult {
    let mut l = load(&state, &cx, address).await?;
    let unread = l
        .case
        .answers
        .iter()
        .any(|a| a.key.id == l.id && a.read.is_none() && a.issued.is_some());
    if l.case.side == Side::Referring && unread {
        // Opening it is what ends the wait: from here on nobody is reminded that it lies unread.
        state.app.open_answer(cx.cx()?, &l.key).await?;
        l.case = state.app.case(cx.cx()?, &l.key).await?;
    }
    page(&state, &cx, &l, &Fields::default(), &Errors::default()).await
}

async fn page(
    state: &WebState,
    cx: &PageCx,
    l: &Loaded,
    posted: &Fields,
    errors: &Errors,
) -> PageResult {
    let w = &cx.words();
    let show = &cx.show();
    let v = &l.case;
    let permitted = crate::pages::permission::of_case(state, cx, v).await?;
    let href = (v.side == Side::Referring).then(|| patient_address(&v.banner.key));
    let banner = view::banner(cx, &v.banner, Some(&v.case.number), href);
    let title = w.t("answer-opinion");
    let main = html! {
        (crumbs(w, &[(&w.t("nav-cases"), Some(if v.side == Side::Referring { "/cases" } else { "/worklist" })), (&v.case.number, Some(&case_address(&v.key))), (&title, None)]))
        (errors.summary(w))
        div class="cols aside" {
            div class="stack" {
                (letter(cx, v, &l.opinion))
                @for t in &l.opinion.translations { (translation(cx, t)) }
                @if v.can.act { (act_form(cx, v, posted, errors)) }
                @if v.can.ask_again { (ask_again_form(cx, v, posted, errors)) }
                @if v.can.co_sign { (co_sign_form(cx, l, errors)) }
                @if v.can.addendum && l.opinion.addendum_to.is_none() { p { a class="btn" href={ (case_address(&v.key)) "/opinion?addendum=" (l.id) } { (icon("sign")) (w.t("opinion-addendum-write")) } } }
            }
            aside class="stack" {
                (keep_card(cx, l))
                (checks(cx, &l.opinion.report))
                (rests_on(cx, &l.opinion))
                @if !v.can.act || v.side == Side::Referring { (translate_form(cx, l)) }
            }
        }
    };
    let mut drawn = Shell::new(cx, &title)
        .banner(banner.draw(show))
        .permit(permitted)
        .watch(format!("case-{}", v.key.id))
        .draw(&main);
    if !errors.is_empty() {
        drawn = refused(drawn);
    }
    Ok(drawn)
}

/// The letter, in the serif of what carries a name.
fn letter(cx: &PageCx, v: &CaseView, o: &OpinionView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let other = if v.side == Side::Referring {
        &o.hospital
    } else {
        &v.row.from
    };
    html! {
        article class="card doc letter stack" aria-labelledby="h-letter" {
            div class="row apart" {
                div class="stack none" {
                    p class="label" { (w.t(if o.addendum_to.is_some() { "answer-addendum" } else { "answer-opinion" })) }
                    h2 id="h-letter" { bdi { (o.author_name) } }
                    p class="small soft" { (w.list([o.role.as_str(), o.hospital.name.as_str()].into_iter().filter(|t| !t.is_empty()))) @if let Some(l) = &o.licence { " · " (w.f("sign-licence", args!["licence" => l])) } }
                }
                div class="end" { (chip_icon(Kind::Ok, "sign", w.f("answer-signed", args!["when" => show.day_at_both(o.signed, &other.city, &other.zone)]))) }
            }
            blockquote class="small soft said asked" { (v.case.request.question.reveal()) }
            @for s in &o.sections { (section(w, s)) }
            div class="small soft stack tightly under" {
                @if let Some(c) = &o.co_signer { p { (icon("sign")) " " (w.f("answer-co-signed", args!["who" => &c.name, "when" => show.day_at(c.signed)])) @if let Some(l) = &c.licence { " · " (w.f("sign-licence", args!["licence" => l])) } } }
                p { (w.word("legal", o.legal.as_str())) " " (w.f("sign-responsible", args!["hospital" => &o.responsible])) }
            }
        }
    }
}

fn section(w: &crate::words::Words, s: &app::opinions::SectionView) -> Markup {
    html! {
        @if !s.text.reveal().is_empty() {
            section { h3 { (w.word("opinion", &s.code)) } p class="signed said" lang=(s.language) dir="auto" { (s.text.reveal()) } }
        }
    }
}

/// A translation beside the original; the signature is on the original alone.
fn translation(cx: &PageCx, t: &app::opinions::TranslationView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    html! {
        article class="card doc stack" {
            p class="label" { (w.f("translation-by", args!["language" => view::language(show, &t.language), "who" => &t.translator, "when" => show.day_at(t.at)])) }
            (note(Kind::Plain, w.t("translation-note")))
            @for s in &t.sections { (section(w, s)) }
        }
    }
}

/// Kept as PDF in the reader's language, or as the sealed file that anybody can check.
fn keep_card(cx: &PageCx, l: &Loaded) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let base = format!("{}/answers/{}", case_address(&l.key), l.id);
    html! {
        section class="card" aria-labelledby="h-keep" {
            header { h2 id="h-keep" { (w.t("answer-keep")) } }
            div class="body stack tightly" {
                a class="btn" href={ (base) "/pdf/" (w.lang.tag()) } { (icon("print")) (w.t("answer-pdf")) }
                ul class="row small" { @for tag in PRINT_LANGUAGES.iter().map(|(t, _)| t).filter(|t| **t != w.lang.tag()) {
                    li { a href={ (base) "/pdf/" (tag) } hreflang=(tag) { (view::language(show, tag)) } }
                } }
                a class="small" href={ (base) "/file" } { (icon("download")) " " (w.t("answer-file")) }
                @if l.opinion.report.facts.as_ref().is_some_and(|f| f.stamped_later) {
                    a class="small" href={ (base) "/time-stamp" } { (icon("download")) " " (w.t("answer-stamp-file")) }
                }
                a class="small" href="/verify" { (w.t("verify-title")) }
            }
        }
    }
}

/// The verdict on a signature, with every check that led to it.
pub fn checks(cx: &PageCx, report: &Report) -> Markup {
    let w = &cx.words();
    let verdict = word_of(&report.verdict);
    let kind = match verdict.as_str() {
        "genuine" => Kind::Ok,
        "refused" => Kind::Stop,
        _ => Kind::Warn,
    };
    html! {
        section class="card" aria-labelledby="h-checks" {
            header { h2 id="h-checks" { (w.t("answer-checks")) } }
            div class="body stack tightly" {
                p { (chip(kind, &w.word("verdict", &verdict))) }
                @if let Some(facts) = &report.facts {
                    p class="small soft" {
                        @match (&facts.time_authority, facts.stamped_at) {
                            (Some(authority), Some(at)) => {
                                @let key = if facts.stamped_later { "answer-time-later" } else { "answer-time-confirmed" };
                                (w.f(key, args!["authority" => authority, "at" => cx.show().day_at(at)]))
                            }
                            _ => { (w.t("answer-time-own")) }
                        }
                    }
                }
                details {
                    summary class="small" { (w.t("answer-checks-all")) }
                    ul class="plainlist small" { @for c in &report.checks {
                        @let outcome = word_of(&c.outcome);
                        li { (icon(if outcome == "failed" { "x" } else if outcome == "passed" { "check" } else { "info" })) " " (w.word("check", &word_of(&c.id))) " " span class="soft" { (w.word("check-outcome", &outcome)) } }
                    } }
                }
            }
        }
    }
}

/// The stable word of a coded value, as it is serialised.
fn word_of(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn rests_on(cx: &PageCx, o: &OpinionView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    html! {
        @if !o.record.is_empty() {
            section class="card" aria-labelledby="h-rests" {
                header { h2 id="h-rests" { (w.t("answer-rests-on")) } }
                div class="body" { details {
                    summary class="small" { (w.f("answer-rests-count", args!["n" => o.record.len()])) }
                    ul class="plainlist small" { @for r in &o.record { li {
                        (r.title.reveal()) " " span class="soft" { (w.list(r.date.map(|d| show.day(d)).into_iter().chain([w.f("answer-version", args!["n" => r.version.to_string()])]))) }
                    } } }
                } }
            }
        }
    }
}

fn act_form(cx: &PageCx, v: &CaseView, f: &Fields, errors: &Errors) -> Markup {
    let w = &cx.words();
    html! {
        form class="card" method="post" action={ (case_address(&v.key)) "/act" } aria-labelledby="h-act" {
            (cx.csrf())
            header { h2 id="h-act" { (w.t("act-title")) } }
            div class="body stack" {
                p class="soft" { (w.t("act-lead")) }
                (Field::new("plan", w.t("act-plan")).hint(w.t("act-plan-hint")).value(f.get("plan")).errors(errors).area(3))
                (Field::new("plan-orders", w.t("act-orders")).hint(w.t("opinion-orders-hint")).value(f.get("plan-orders")).errors(errors).area(2))
                div class="row" { button class="btn primary" { (w.t("act-do")) } }
            }
        }
    }
}

fn ask_again_form(cx: &PageCx, v: &CaseView, f: &Fields, errors: &Errors) -> Markup {
    let w = &cx.words();
    html! {
        details class="card" open[errors.of("again").is_some()] {
            summary class="body" { (w.t("again-title")) }
            form class="body stack" method="post" action={ (case_address(&v.key)) "/ask-again" } {
                (cx.csrf())
                (Field::new("again", w.t("again-text")).hint(w.t("again-hint")).value(f.get("again")).errors(errors).area(3))
                div { button class="btn" { (w.t("again-do")) } }
            }
        }
    }
}

fn co_sign_form(cx: &PageCx, l: &Loaded, errors: &Errors) -> Markup {
    let w = &cx.words();
    let base = format!("{}/answers/{}", case_address(&l.key), l.id);
    html! {
        section class="card" aria-labelledby="h-co" {
            header { h2 id="h-co" { (w.t("co-sign-title")) } }
            div class="body stack" {
                p class="soft" { (w.t("co-sign-lead")) }
                form class="stack" method="post" action={ (base) "/co-sign" } { (cx.csrf()) (reauth::fields(cx, errors)) div { button class="btn primary" { (icon("sign")) (w.t("co-sign-do")) } } }
                form method="post" action={ (base) "/return" } { (cx.csrf()) button class="btn" { (w.t("co-sign-return")) } }
            }
        }
    }
}

fn translate_form(cx: &PageCx, l: &Loaded) -> Markup {
    let w = &cx.words();
    let options: Vec<(String, String)> = PRINT_LANGUAGES
        .iter()
        .map(|(tag, name)| ((*tag).to_owned(), (*name).to_owned()))
        .collect();
    html! {
        details class="card" {
            summary class="body small" { (w.t("translate-title")) }
            form class="body stack" method="post" action={ (case_address(&l.key)) "/answers/" (l.id) "/translate" } {
                (cx.csrf())
                p class="small soft" { (w.t("translate-lead")) }
                (Field::new("language", w.t("look-language")).value(w.lang.tag()).select(&options))
                @for s in &l.opinion.sections { @if !s.text.reveal().is_empty() {
                    (Field::new(&format!("text-{}", s.code), w.word("opinion", &s.code)).area(3))
                } }
                div { button class="btn" { (w.t("translate-do")) } }
            }
        }
    }
}

/// The case and the opinion that an address names.
fn named(hospital: &str, id: &str, opinion: &str) -> Result<(RecordKey, ResourceId), PageError> {
    Ok((super::key(hospital, id)?, ResourceId::new(opinion)?))
}

async fn pdf(
    State(state): State<WebState>,
    Path((hospital, id, opinion, language)): Path<(String, String, String, String)>,
    cx: PageCx,
) -> PageResult {
    if !PRINT_LANGUAGES.iter().any(|(t, _)| *t == language) {
        return Err(PageError::not_found());
    }
    let (key, id) = named(&hospital, &id, &opinion)?;
    let app = &state.app;
    let bytes = app.opinion_pdf(cx.cx()?, &key, &id, &language).await?;
    let name = "inline; filename=\"opinion.pdf\"";
    Ok(download(bytes, "application/pdf", name))
}

async fn file(
    State(state): State<WebState>,
    Path((hospital, id, opinion)): Address,
    cx: PageCx,
) -> PageResult {
    let (key, id) = named(&hospital, &id, &opinion)?;
    let bytes = state.app.opinion_file(cx.cx()?, &key, &id).await?;
    let name = "attachment; filename=\"opinion.karez.json\"";
    Ok(download(bytes, "application/json", name))
}

async fn time_stamp(
    State(state): State<WebState>,
    Path((hospital, id, opinion)): Address,
    cx: PageCx,
) -> PageResult {
    let (key, id) = named(&hospital, &id, &opinion)?;
    let bytes = state.app.opinion_time_stamp(cx.cx()?, &key, &id).await?;
    let name = "attachment; filename=\"opinion.karez.tst\"";
    Ok(download(bytes, "application/octet-stream", name))
}

async fn translate(
    State(state): State<WebState>,
    Path(address): Address,
    cx: PageCx,
    f: Fields,
) -> PageResult {
    let l = load(&state, &cx, address).await?;
    let sections = f
        .pairs()
        .filter_map(|(name, text)| {
            Some((
                name.strip_prefix("text-")?.to_owned(),
                Phi::new(text.trim().to_owned()),
            ))
        })
        .filter(|(_, text)| !text.reveal().is_empty())
        .collect();
    let ask = TranslationAsk {
        language: f.get("language").to_owned(),
        sections,
        machine: None,
    };
    match state
        .app
        .translate_opinion(cx.cx()?, &l.key, &l.id, ask)
        .await
    {
        Ok(()) => Ok(done(
            &format!("{}/answers/{}", case_address(&l.key), l.id),
            "translation-kept",
        )),
        Err(e) => page(&state, &cx, &l, &f, &cx.wrong(e)?).await,
    }
}

async fn co_sign(
    State(state): State<WebState>,
    Path(address): Address,
    cx: PageCx,
    f: Fields,
) -> PageResult {
    let l = load(&state, &cx, address).await?;
    match state
        .app
        .co_sign_opinion(cx.cx()?, &l.key, &l.id, reauth::given(&f))
        .await
    {
        Ok(_) => Ok(done(&case_address(&l.key), "opinion-co-signed")),
        Err(e) => page(&state, &cx, &l, &f, &cx.wrong(e)?).await,
    }
}

async fn send_back(
    State(state): State<WebState>,
    Path((hospital, id, opinion)): Address,
    cx: PageCx,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    state
        .app
        .case_act(
            cx.cx()?,
            &key,
            CaseAct::Return {
                opinion: ResourceId::new(&opinion)?,
            },
        )
        .await?;
    Ok(done(&case_address(&key), "opinion-returned"))
}

/// The newest answer, for forms that belong under it.
async fn current(
    state: &WebState,
    cx: &PageCx,
    hospital: String,
    id: String,
) -> Result<Loaded, PageError> {
    let key = super::key(&hospital, &id)?;
    let case = state.app.case(cx.cx()?, &key).await?;
    let opinion = case
        .answers
        .iter()
        .rev()
        .find(|a| a.current)
        .map(|a| a.key.id.to_string())
        .ok_or(PageError::not_found())?;
    load(state, cx, (hospital, id, opinion)).await
}

async fn act(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
    f: Fields,
) -> PageResult {
    let l = current(&state, &cx, hospital, id).await?;
    if f.some("plan").is_none() {
        let mut errors = Errors::default();
        errors.add("plan", cx.t("act-plan-missing"));
        return page(&state, &cx, &l, &f, &errors).await;
    }
    let orders = f
        .get("plan-orders")
        .lines()
        .map(str::trim)
        .filter(|o| !o.is_empty())
        .map(|o| Phi::new(o.to_owned()))
        .collect();
    let what = CaseAct::Act {
        text: Phi::new(f.get("plan").to_owned()),
        orders,
    };
    match state.app.case_act(cx.cx()?, &l.key, what).await {
        Ok(_) => Ok(done(&case_address(&l.key), "case-acted")),
        Err(e) => page(&state, &cx, &l, &f, &cx.wrong(e)?).await,
    }
}

async fn ask_again(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
    f: Fields,
) -> PageResult {
    let l = current(&state, &cx, hospital, id).await?;
    if f.some("again").is_none() {
        let mut errors = Errors::default();
        errors.add("again", cx.t("again-missing"));
        return page(&state, &cx, &l, &f, &errors).await;
    }
    match state
        .app
        .case_act(
            cx.cx()?,
            &l.key,
            CaseAct::AskAgain {
                text: Phi::new(f.get("again").to_owned()),
            },
        )
        .await
    {
        Ok(_) => Ok(done(&case_address(&l.key), "case-asked-again")),
        Err(e) => page(&state, &cx, &l, &f, &cx.wrong(e)?).await,
    }
}
