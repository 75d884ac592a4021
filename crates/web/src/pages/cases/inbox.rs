//! The coordinator's inbox: every open case by urgency and time left, and beside the list the chosen case with what
//! can be done about it.

use app::cases::view::{Candidate, CaseFilter, CaseList, CaseView};
use axum::extract::{Path, State};
use care::case::DeclineReason;
use jiff::SignedDuration;
use maud::{Markup, html};

use super::list::{Place, card, filter_bar, filter_of, head, page, views};
use crate::args;
use crate::components::basic::dialog;
use crate::components::form::{Choice, Choices, Errors, Field};
use crate::components::{Kind, chip, clock, facts, icon, note, urgency};
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, Who, get};
use crate::pages::view::{self, case_address, patient_name, sex_and_age};
use crate::shell::Shell;

const COORDINATOR: Who = Who::Roles(&[app::Role::Coordinator]);

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/inbox", COORDINATOR, inbox),
        get("/inbox/{hospital}/{id}", COORDINATOR, chosen),
    ]
}

async fn inbox(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let filter = filter_of(&cx);
    let list = state.app.inbox(cx.cx()?, &filter).await?;
    let critical = state.app.critical_findings(cx.cx()?).await?.len();
    page(&cx, Place::Inbox, &list, &filter, critical)
}

async fn chosen(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let filter = filter_of(&cx);
    let list = state.app.inbox(cx.cx()?, &filter).await?;
    let view = state.app.case(cx.cx()?, &key).await?;
    let candidates = if view.can.allocate {
        state.app.candidates(cx.cx()?, &key).await?
    } else {
        Vec::new()
    };
    let own = cx.cx()?.hospital()?.clone();
    let title = cx.t("nav-inbox");
    let main = draw(&cx, &list, &filter, &view, &candidates);
    Ok(Shell::new(&cx, &title)
        .class("page close")
        .watch(format!("inbox-{own}"))
        .watch(format!("case-{}", view.key.id))
        .draw(&main))
}

/// List and chosen case side by side.
pub fn draw(
    cx: &PageCx,
    list: &CaseList,
    filter: &CaseFilter,
    v: &CaseView,
    candidates: &[Candidate],
) -> Markup {
    html! {
        (head(cx, &cx.t("nav-inbox"), Place::Inbox, list))
        (views(cx, Place::Inbox, list, filter))
        (filter_bar(cx, Place::Inbox, list, filter))
        div class="split" {
            (card(cx, Place::Inbox, list, Some(&v.row)))
            (aside(cx, v, candidates))
        }
    }
}

fn aside(cx: &PageCx, v: &CaseView, candidates: &[Candidate]) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let r = &v.case.request;
    let name = patient_name(show, &v.row.patient, &v.row.number);
    let rows: Vec<(String, Markup)> = [
        Some((w.t("case-referrer"), view::person(show, &v.referrer))),
        v.case.sent.map(|t| {
            (
                w.t("case-received"),
                html! { (show.at_both(t, &v.row.from.city, &v.row.from.zone)) },
            )
        }),
        (!v.banner.languages.is_empty()).then(|| {
            (
                w.t("banner-language"),
                html! { (w.list(v.banner.languages.iter().map(|l| view::language(show, l)))) },
            )
        }),
        (!v.banner.allergies.is_empty()).then(|| {
            (
                w.t("banner-allergies"),
                html! { (w.list(v.banner.allergies.iter().map(|a| a.substance.as_str()))) },
            )
        }),
        r.call_back
            .as_ref()
            .filter(|t| !t.reveal().is_empty())
            .map(|t| (w.t("case-call-back"), html! { bdi { (t.reveal()) } })),
        v.consultant
            .as_ref()
            .map(|p| (w.t("role-consultant"), view::person(show, p))),
    ]
    .into_iter()
    .flatten()
    .collect();
    html! {
        aside class="card stay" aria-labelledby="pv" {
            div class="body stack" {
                div class="stack tightly" {
                    div class="row apart" {
                        @if let Some(u) = r.urgency { (urgency(w, u.as_str())) }
                        @if let Some(c) = &v.row.clock { (clock(show, &view::deadline(show, c), true)) }
                    }
                    h2 id="pv" { a href=(case_address(&v.key)) { bdi { (name) } } }
                    p class="soft small" { (sex_and_age(show, v.row.patient.sex, v.row.patient.age_years, v.row.patient.age_days)) " " span class="id" { (v.case.number) } }
                }
                @if !r.background.reveal().is_empty() { p class="said" { (r.background.reveal()) } }
                p { b class="said" { (r.question.reveal()) } }
                (facts(&rows))
                hr;
                (completeness(cx, v))
                p { a class="btn" href=(case_address(&v.key)) { (icon("record")) (w.t("inbox-open-case")) } }
            }
            (actions(cx, v, candidates, true))
        }
    }
}

fn completeness(cx: &PageCx, v: &CaseView) -> Markup {
    let w = &cx.words();
    let c = &v.row.completeness;
    html! {
        div class="stack tightly" {
            h3 { (w.f("inbox-complete-of", args!["have" => c.have, "of" => c.of])) }
            ul class="small row" {
                @for m in care::case::Missing::ALL {
                    @let gone = c.missing.contains(m);
                    li { @if gone { (chip(Kind::Stop, &w.word("missing", m.as_str()))) } @else { (icon("check")) " " (w.word("missing", m.as_str())) } }
                }
            }
            p class="small soft" { (w.f("inbox-goes-with", args!["entries" => v.shared_entries, "files" => v.files.len()])) }
        }
    }
}

/// What a coordinator can do, in the order it is usually done.
pub fn actions(cx: &PageCx, v: &CaseView, candidates: &[Candidate], aside: bool) -> Markup {
    let w = &cx.words();
    let base = case_address(&v.key);
    let can = v.can;
    if !(can.accept || can.allocate || can.ask_for_more || can.decline) {
        return html! {};
    }
    html! {
        div class=(if aside { "signbar" } else { "doing" }) {
            div class="stack tightly give" {
                @if can.allocate && !candidates.is_empty() { (allocate(cx, v, candidates)) }
                @else if can.allocate { (note(Kind::Warn, w.t("inbox-no-candidate"))) }
                div class="row" {
                    @if can.accept { form method="post" action={ (base) "/accept" } { (cx.csrf()) button class=(if can.allocate { "btn" } else { "btn primary" }) { (w.t("act-accept")) } } }
                    @if can.ask_for_more { a class="btn" href={ (base) "/ask" } data-dialog="ask" { (w.t("act-ask")) } }
                    @if can.decline { a class="btn quiet" href={ (base) "/decline" } data-dialog="decline" { (w.t("act-decline")) } }
                }
            }
        }
        @if can.ask_for_more { (dialog("ask", &w.t("ask-title"), false, ask_form(cx, v, "", &Errors::default()))) }
        @if can.decline { (dialog("decline", &w.t("decline-title"), false, decline_form(cx, v, "", "", &Errors::default()))) }
    }
}

fn allocate(cx: &PageCx, v: &CaseView, candidates: &[Candidate]) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let current = v
        .consultant
        .as_ref()
        .map(|p| p.account.to_string())
        .unwrap_or_default();
    let options: Vec<(String, String)> = candidates
        .iter()
        .map(|c| {
            let specialty = c
                .person
                .specialty
                .as_deref()
                .map(|s| view::specialty(show, s))
                .unwrap_or_default();
            let text = w.f(
                "candidate",
                args!["name" => &c.person.name, "specialty" => specialty, "n" => c.open_cases],
            );
            (c.person.account.to_string(), text)
        })
        .collect();
    let best = candidates.iter().find(|c| c.fits).or(candidates.first());
    let chosen = if current.is_empty() {
        best.map(|c| c.person.account.to_string())
            .unwrap_or_default()
    } else {
        current
    };
    let hint = best.map(|c| candidate_hint(cx, c));
    html! {
        form class="stack tightly" method="post" action={ (case_address(&v.key)) "/allocate" } {
            (cx.csrf())
            (Field::new("consultant", w.t("allocate-to")).hint(hint.unwrap_or_default()).value(chosen).select(&options))
            div { button class="btn primary" { (w.t("act-allocate")) } }
        }
    }
}

fn candidate_hint(cx: &PageCx, c: &Candidate) -> String {
    let w = &cx.words();
    let show = &cx.show();
    let zone = c.person.hospital.as_ref().map(|h| {
        let time = cx.now.to_zoned(h.zone.clone());
        w.f("candidate-time", args!["time" => format!("{:02}:{:02}", time.hour(), time.minute()), "zone" => show.offset(cx.now, &h.zone)])
    });
    let reads = (!c.languages.is_empty()).then(|| {
        w.f(
            "candidate-reads",
            args!["languages" => w.list(c.languages.iter().map(|l| view::language(show, l)))],
        )
    });
    let usual = c.usual_s.map(|s| {
        w.f(
            "candidate-usual",
            args!["span" => show.span(SignedDuration::from_secs(s))],
        )
    });
    let parts: Vec<String> = [zone, reads, usual].into_iter().flatten().collect();
    parts.join(" ")
}

/// Ask the referring doctor for more; the clock stands still until it comes.
pub fn ask_form(cx: &PageCx, v: &CaseView, text: &str, errors: &Errors) -> Markup {
    let w = &cx.words();
    html! {
        form class="stack" method="post" action={ (case_address(&v.key)) "/ask" } {
            (cx.csrf())
            (errors.summary(w))
            p class="soft" { (w.t("ask-lead")) }
            (Field::new("ask-text", w.t("ask-text")).value(text).errors(errors).required().area(3))
            div class="row" { button class="btn primary" { (w.t("act-ask")) } a class="btn" href=(case_address(&v.key)) data-close { (w.t("leave-it")) } }
        }
    }
}

/// Decline with a reason.
pub fn decline_form(
    cx: &PageCx,
    v: &CaseView,
    reason: &str,
    text: &str,
    errors: &Errors,
) -> Markup {
    let w = &cx.words();
    let reasons: Vec<Choice> = DeclineReason::ALL
        .iter()
        .map(|r| Choice::new(r.as_str(), w.word("decline", r.as_str())))
        .collect();
    html! {
        form class="stack" method="post" action={ (case_address(&v.key)) "/decline" } {
            (cx.csrf())
            (errors.summary(w))
            p class="soft" { (w.t("decline-lead")) }
            (Choices { name: "reason", legend: w.t("decline-reason"), hint: None, chosen: &[reason.to_owned()], many: false, framed: false }.draw(errors, &reasons))
            (Field::new("decline-note", w.t("decline-note")).hint(w.t("decline-note-hint")).value(text).errors(errors).area(2))
            div class="row" { button class="btn danger" { (w.t("decline-do")) } a class="btn" href=(case_address(&v.key)) data-close { (w.t("leave-it")) } }
        }
    }
}
