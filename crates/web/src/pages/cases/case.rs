//! The case page. Each side sees what it needs: the consultant record, question and opinion on one screen; the
//! referring doctor the question, its clock, the answer and what is to be done.

use app::cases::view::{AnswerView, Candidate, CaseView, Side};
use app::deidentify::CopyLine;
use app::records::view::{TimelineAsk, TimelineView};
use app::viewing::view::StudyLine;
use axum::extract::{Path, State};
use care::case::{CloseReason, Status};
use kernel::RecordKey;
use maud::{Markup, html};

use super::inbox::actions;
use super::parts::{files, history, messages, people, question, thread_of};
use crate::args;
use crate::components::basic::dialog;
use crate::components::form::{Choice, Choices, Errors};
use crate::components::record::timeline;
use crate::components::{Kind, Permitted, chip, crumbs, icon, note};
use crate::frame::route::CLINICAL;
use crate::frame::{PageCx, PageResult, RouteSpec, WebState, get};
use crate::pages::deidentify::{copy_chip, progress};
use crate::pages::images::list as images;
use crate::pages::lines::lines;
use crate::pages::patient::summary;
use crate::pages::permission;
use crate::pages::view::{self, case_address, patient_address};
use crate::shell::{Shell, part};

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/cases/{hospital}/{id}", CLINICAL, case),
        get("/cases/{hospital}/{id}/messages", CLINICAL, thread),
        get("/cases/{hospital}/{id}/copies", CLINICAL, copies),
        get("/cases/{hospital}/{id}/images", CLINICAL, studies),
    ]
}

type Address = Path<(String, String)>;

/// Entries of the record drawn beside the opinion.
const ENTRIES_SHOWN: usize = 60;

/// What the page is made of.
pub struct CasePage {
    pub view: CaseView,
    pub record: Option<TimelineView>,
    pub candidates: Vec<Candidate>,
    pub permitted: Permitted,
    pub editor: Option<Markup>,
    pub studies: Vec<StudyLine>,
    /// Studies that cross without identity alone.
    pub copies: Vec<CopyLine>,
}

async fn case(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let view = state.app.case(cx.cx()?, &key).await?;
    if view.case.status == Status::Draft && view.can.edit {
        return Ok(axum::response::IntoResponse::into_response(
            axum::response::Redirect::to(&format!("{}/edit/question", case_address(&key))),
        ));
    }
    let ask = TimelineAsk {
        case: Some(key.id.clone()),
        limit: Some(ENTRIES_SHOWN),
        ..TimelineAsk::default()
    };
    let record = match view.side {
        Side::Answering => Some(state.app.timeline(cx.cx()?, &view.banner.key, &ask).await?),
        _ => None,
    };
    let candidates = if view.can.allocate {
        state.app.candidates(cx.cx()?, &key).await?
    } else {
        Vec::new()
    };
    let permitted = permission::of_case(&state, &cx, &view).await?;
    let editor = super::opinion::editor(&state, &cx, &view).await?;
    let studies = state.app.case_studies(cx.cx()?, &key).await?;
    let copies = state.app.case_copies(cx.cx()?, &key).await?;
    Ok(draw(
        &cx,
        &CasePage {
            view,
            record,
            candidates,
            permitted,
            editor,
            studies,
            copies,
        },
    ))
}

async fn thread(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let view = state.app.case(cx.cx()?, &key).await?;
    Ok(part(html! {
        div id="thread" aria-live="polite" hx-get={ (case_address(&key)) "/messages" } hx-trigger={ "case-" (key.id) " from:#live, caught-up from:#live" } hx-swap="outerHTML" {
            (thread_of(&cx, &view.messages))
        }
    }))
}

/// The whole page.
pub fn draw(cx: &PageCx, page: &CasePage) -> axum::response::Response {
    let w = &cx.words();
    let show = &cx.show();
    let v = &page.view;
    let title = w.f("case-title", args!["number" => &v.case.number]);
    let own = v.side == Side::Referring;
    let banner = view::banner(
        cx,
        &v.banner,
        Some(&v.case.number),
        own.then(|| patient_address(&v.banner.key)),
    );
    let main = if v.side == Side::Answering {
        desk(cx, page)
    } else {
        referring(cx, page)
    };
    Shell::new(cx, &title)
        .class("page")
        .banner(banner.draw(show))
        .permit(page.permitted.clone())
        .watch(format!("case-{}", v.key.id))
        .watch(format!("images-{}", v.key.hospital))
        .draw(&main)
}

/// Three columns: record, question and opinion, correspondence.
fn desk(cx: &PageCx, page: &CasePage) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let v = &page.view;
    html! {
        div class="cols desk" {
            div class="stack" {
                @match &page.record {
                    Some(record) => {
                        section class="card" aria-labelledby="h-rec" {
                            header {
                                h2 id="h-rec" { (w.t("patient-record")) }
                                span class="small soft push" { (w.f("record-sources", args!["n" => record.sources.iter().filter(|s| s.gap.is_none()).count(), "all" => record.sources.len()])) }
                            }
                            div class="body scroll" {
                                @if record.years.is_empty() { p class="small soft" { (w.t("record-nothing-shared")) } }
                                (timeline(&lines(show, record)))
                            }
                            @if record.total > ENTRIES_SHOWN { footer class="small" { a href=(patient_address(&v.banner.key)) { (w.f("timeline-all", args!["n" => record.total])) } } }
                        }
                        (summary(show, record))
                    }
                    None => {}
                }
            }
            div class="stack" {
                (question(cx, v))
                (files(cx, v))
                (copies_card(cx, &v.key, &page.copies, false))
                (studies_part(cx, v, &page.studies))
                (answers(cx, v))
                @if let Some(editor) = &page.editor { (editor) }
                (outcome(cx, v))
                @if v.can.accept || v.can.allocate || v.can.ask_for_more || v.can.decline {
                    section class="card" aria-labelledby="h-do" { header { h2 id="h-do" { (w.t("case-do")) } } (actions(cx, v, &page.candidates, false)) }
                }
            }
            div class="stack" { (messages(cx, v)) (people(cx, v)) (history(cx, &v.steps)) }
        }
    }
}

/// The studies that go with the case; one that comes later shows by itself.
fn studies_part(cx: &PageCx, v: &CaseView, found: &[StudyLine]) -> Markup {
    let address = format!("{}/images", case_address(&v.key));
    let woken = format!(
        "images-{} from:#live, case-{} from:#live",
        v.key.hospital, v.key.id
    );
    html! {
        div id="case-images" hx-get=(address) hx-trigger=(woken) hx-swap="outerHTML" {
            @if v.can.answer { (images::card_to_read(cx, found, Some(&v.key))) } @else { (images::card(cx, found)) }
        }
    }
}

async fn studies(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let view = state.app.case(cx.cx()?, &key).await?;
    let found = state.app.case_studies(cx.cx()?, &key).await?;
    Ok(part(studies_part(&cx, &view, &found)))
}

/// What the clause lets cross without identity: made by a job, opened by whoever answers; the side that asks sees how far it
/// has come.
fn copies_card(cx: &PageCx, case: &RecordKey, copies: &[CopyLine], own: bool) -> Markup {
    let w = &cx.words();
    let due = copies.iter().any(|c| c.state.is_due());
    let address = format!("{}/copies", case_address(case));
    let often = if due { ", every 3s" } else { "" };
    html! {
        div id="copies" hx-get=(address) hx-trigger={ "case-" (case.id) " from:#live" (often) } hx-swap="outerHTML" {
            @if !copies.is_empty() { section class="card" aria-labelledby="copies-h" {
                header { h2 id="copies-h" { (icon("image")) " " (w.t("copies-title")) } }
                div class="body" { p class="small soft" { (w.t(if own { "copies-lead-own" } else { "copies-lead" })) } }
                ul class="readers" { @for c in copies { li class="stack none" {
                    div class="row apart" {
                        span { b { (w.list(&c.modalities)) } " " bdi { (c.body_part) } }
                        @if let Some(study) = &c.study { span class="row" {
                            a class="btn primary" href=(images::study_address(study)) { (icon("image")) (w.t("copies-open")) }
                            a class="btn" href={ (images::study_address(study)) "/zip" } { (icon("download")) (w.t("study-zip")) }
                        } } @else { (copy_chip(w, c.state)) }
                    }
                    (progress(w, c))
                } } }
            } }
        }
    }
}

async fn copies(
    State(state): State<WebState>,
    Path((hospital, id)): Address,
    cx: PageCx,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    let copies = state.app.case_copies(cx.cx()?, &key).await?;
    let own = cx.cx()?.actor.hospital.as_ref() == Some(&key.hospital);
    Ok(part(copies_card(&cx, &key, &copies, own)))
}

/// Two columns for the side that asked.
fn referring(cx: &PageCx, page: &CasePage) -> Markup {
    let w = &cx.words();
    let v = &page.view;
    html! {
        (crumbs(w, &[(&w.t("nav-cases"), Some("/cases")), (&v.case.number, None)]))
        div class="cols aside" {
            div class="stack" {
                (answers(cx, v))
                (question(cx, v))
                (next(cx, v))
                (plan(cx, v))
                (outcome(cx, v))
                (files(cx, v))
                (studies_part(cx, v, &page.studies))
                (copies_card(cx, &v.key, &page.copies, true))
                (sent_with(cx, v))
            }
            div class="stack" { (messages(cx, v)) (people(cx, v)) (history(cx, &v.steps)) }
        }
    }
}

/// The signed answers, newest first: a letter each.
pub fn answers(cx: &PageCx, v: &CaseView) -> Markup {
    let w = &cx.words();
    html! {
        @for a in v.answers.iter().rev() { @if a.issued.is_some() || v.side == Side::Answering {
            section class="card" { div class="body row apart" {
                div class="stack none" {
                    h2 { (icon("sign")) " " (w.t(if a.addendum_to.is_some() { "answer-addendum" } else { "answer-opinion" })) }
                    p class="small soft" { (answer_line(cx, v, a)) }
                }
                div class="row" {
                    @if a.returned { (chip(Kind::Warn, &w.t("answer-returned"))) }
                    @else if a.read.is_none() && v.side == Side::Referring { (chip(Kind::Warn, &w.t("answer-unread"))) }
                    a class=(if a.current && a.read.is_none() && v.side == Side::Referring { "btn primary" } else { "btn" }) href={ (case_address(&v.key)) "/answers/" (a.key.id) } { (w.t("answer-open")) }
                }
            } }
        } }
    }
}

fn answer_line(cx: &PageCx, v: &CaseView, a: &AnswerView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let other = if v.side == Side::Referring {
        v.row.to.as_ref()
    } else {
        Some(&v.row.from)
    };
    let when = other.map_or_else(
        || show.at(a.signed),
        |h| show.at_both(a.signed, &h.city, &h.zone),
    );
    html! {
        (view::person(show, &a.author)) " · " (w.f("answer-signed", args!["when" => when]))
        @if let Some(c) = &a.co_signer { " · " @match a.co_signed {
            Some(t) => (w.f("answer-co-signed", args!["who" => &c.name, "when" => show.at(t)])),
            None => (w.f("answer-awaits", args!["who" => &c.name])),
        } }
        @if let (Some((t, who)), Side::Answering) = (&a.read, v.side) { " · " (w.f("answer-read", args!["who" => &who.name, "when" => show.at(*t)])) }
    }
}

/// What the referring doctor can do now.
fn next(cx: &PageCx, v: &CaseView) -> Markup {
    let w = &cx.words();
    let base = case_address(&v.key);
    let can = v.can;
    let post = |act: &str, class: &str, key: &str| html! { form method="post" action={ (base) "/" (act) } { (cx.csrf()) button class=(class) { (w.t(key)) } } };
    if !(can.supply_more
        || can.take_back
        || can.cancel
        || can.tell_outcome
        || can.close
        || can.take_over
        || can.edit)
    {
        return html! {};
    }
    html! {
        section class="card" aria-labelledby="h-next" {
            header { h2 id="h-next" { (w.t("case-do")) } }
            div class="body row" {
                @if can.supply_more { a class="btn primary" href={ (base) "/supply" } { (w.t("act-supply")) } }
                @if can.supply_more { a class="btn" href={ (base) "/studies" } { (icon("image")) (w.t("attach-title")) } }
                @if !v.case.status.is_final() { a class="btn" href={ (patient_address(&v.banner.key)) "/imaging?case=" (v.key.id) } { (icon("image")) (w.t("order-title")) } }
                @if can.tell_outcome { a class="btn primary" href={ (base) "/outcome" } { (w.t("act-outcome")) } }
                @if can.edit { a class="btn" href={ (base) "/edit/question" } { (w.t("act-edit")) } }
                @if can.take_over { (post("take-over", "btn", "act-take-over")) }
                @if can.take_back { a class="btn" href={ (base) "/take-back" } data-dialog="take-back" { (w.t("act-take-back")) } }
                @if can.close { a class="btn" href={ (base) "/close" } data-dialog="close" { (w.t("act-close")) } }
                @if can.cancel { a class="btn danger" href={ (base) "/cancel" } data-dialog="cancel" { (w.t("act-cancel")) } }
            }
        }
        @if can.take_back { (dialog("take-back", &w.t("take-back-title"), false, confirm(cx, v, "take-back"))) }
        @if can.cancel { (dialog("cancel", &w.t("cancel-title"), false, confirm(cx, v, "cancel"))) }
        @if can.close { (dialog("close", &w.t("close-title"), false, close_form(cx, v, &Errors::default()))) }
    }
}

/// A question before an act, with its consequences; also a page of its own.
pub fn confirm(cx: &PageCx, v: &CaseView, act: &str) -> Markup {
    let w = &cx.words();
    html! {
        form class="stack" method="post" action={ (case_address(&v.key)) "/" (act) } {
            (cx.csrf())
            p { (w.word("confirm", act)) }
            div class="row" { button class="btn danger" { (w.word("do", act)) } a class="btn" href=(case_address(&v.key)) data-close { (w.t("leave-it")) } }
        }
    }
}

/// Close with a reason.
pub fn close_form(cx: &PageCx, v: &CaseView, errors: &Errors) -> Markup {
    let w = &cx.words();
    let reasons: Vec<Choice> = CloseReason::ALL
        .iter()
        .filter(|r| **r != CloseReason::OutcomeSeen)
        .map(|r| Choice::new(r.as_str(), w.word("close", r.as_str())))
        .collect();
    html! {
        form class="stack" method="post" action={ (case_address(&v.key)) "/close" } {
            (cx.csrf())
            (errors.summary(w))
            p { (w.t("close-lead")) }
            (Choices { name: "reason", legend: w.t("close-reason"), hint: None, chosen: &[], many: false, framed: false }.draw(errors, &reasons))
            div class="row" { button class="btn primary" { (w.t("act-close")) } a class="btn" href=(case_address(&v.key)) data-close { (w.t("leave-it")) } }
        }
    }
}

fn plan(cx: &PageCx, v: &CaseView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    html! { @if let Some((plan, who)) = &v.plan {
        section class="card" aria-labelledby="h-plan" {
            header { h2 id="h-plan" { (w.t("plan-title")) } span class="small soft push" { (who.name) ", " (show.at(plan.at)) } }
            div class="body stack tightly" {
                p class="prose said" { (plan.text.reveal()) }
                @if !plan.orders.is_empty() { ul class="plain" { @for o in &plan.orders { li { (o.reveal()) } } } }
            }
        }
    } }
}

fn outcome(cx: &PageCx, v: &CaseView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    html! { @if let Some((o, who)) = &v.outcome {
        section class="card" aria-labelledby="h-out" {
            header { h2 id="h-out" { (w.t("outcome-title")) } span class="small soft push" { (who.name) ", " (show.at(o.at)) } }
            div class="body stack tightly" {
                div class="row" {
                    (chip(Kind::Plain, &w.word("management", o.management.as_str())))
                    (chip(Kind::Plain, &w.word("diagnosis", o.diagnosis.as_str())))
                    (chip(Kind::Plain, &w.word("patient-outcome", o.patient.as_str())))
                }
                @if !o.text.reveal().is_empty() { p class="prose said" { (o.text.reveal()) } }
                @if v.side == Side::Answering && v.case.outcome_unseen() {
                    form method="post" action={ (case_address(&v.key)) "/outcome-seen" } { (cx.csrf()) button class="btn primary" { (w.t("act-outcome-seen")) } }
                }
            }
        }
    } }
}

/// What went with the case.
fn sent_with(cx: &PageCx, v: &CaseView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let classes = v.case.request.classes.iter().map(|c| view::class(show, c));
    let single = (!v.case.request.items.is_empty())
        .then(|| w.f("review-items", args!["n" => v.case.request.items.len()]));
    let files = (!v.files.is_empty()).then(|| w.f("files-count", args!["n" => v.files.len()]));
    let all = w.list(classes.chain(single).chain(files));
    html! { @if !all.is_empty() { (note(Kind::Plain, w.f("case-sent-with", args!["parts" => all]))) } }
}
