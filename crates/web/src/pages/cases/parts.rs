//! Parts of a case that several pages show: the question with its clock, files, people, thread, what happened.

use app::cases::view::{CaseView, MessageView, StepView};
use maud::{Markup, html};

use crate::args;
use crate::components::record::{Message, steps_in_time, thread};
use crate::components::{Kind, chip, clock, count, icon, note, urgency};
use crate::frame::PageCx;
use crate::pages::entry::{file_address, file_icon, file_title};
use crate::pages::view::{self, case_address};
use crate::show::Show;

/// What is asked, how soon, by whom; the clock renews itself with the case.
pub fn question(cx: &PageCx, v: &CaseView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let r = &v.case.request;
    html! {
        section class="card" id="question-card" aria-labelledby="h-q"
            hx-get=(case_address(&v.key)) hx-select="#question-card" hx-target="#question-card" hx-swap="outerHTML"
            hx-trigger={ "case-" (v.key.id) " from:#live, caught-up from:#live" } {
            div class="body stack tightly" {
                div class="row" {
                    @if let Some(u) = r.urgency { (urgency(w, u.as_str())) }
                    @match &v.row.clock {
                        Some(c) => {
                            (clock(show, &view::deadline(show, c), true))
                            @if v.case.status.is_open_request() { span class="small soft" { (due(cx, v)) } }
                        }
                        None => {}
                    }
                    (chip(Kind::Plain, &w.word("status", v.case.status.as_str())))
                    span class="push xs soft" { (w.t("case-word")) " " span class="id" { (v.case.number) } }
                }
                hr;
                h2 id="h-q" class="ask said" { (r.question.reveal()) }
                @if !r.background.reveal().is_empty() { p class="prose said" { (r.background.reveal()) } }
                p class="small soft" { (view::person(show, &v.referrer)) @if let Some(t) = v.case.sent { " · " (show.at_both(t, &v.row.from.city, &v.row.from.zone)) } }
                (standing(cx, v))
            }
        }
    }
}

fn due(cx: &PageCx, v: &CaseView) -> String {
    let w = &cx.words();
    let show = &cx.show();
    let Some(c) = &v.row.clock else {
        return String::new();
    };
    let other = match v.side {
        app::cases::view::Side::Answering => Some(&v.row.from),
        _ => v.row.to.as_ref(),
    };
    let when = other.map_or_else(|| show.at(c.due), |h| show.at_both(c.due, &h.city, &h.zone));
    w.f("case-due", args!["when" => when])
}

/// What stands in the way, said where the question is read.
fn standing(cx: &PageCx, v: &CaseView) -> Markup {
    let w = &cx.words();
    html! {
        @if let Some(reason) = v.suspended { (note(Kind::Stop, html! { p { b { (w.word("suspend", reason.as_str())) } } p { (w.word("suspend-text", reason.as_str())) } })) }
        @if let Some((reason, text)) = &v.declined { (note(Kind::Warn, html! { p { b { (w.f("case-declined", args!["reason" => w.word("decline", reason.as_str())])) } } @if !text.reveal().is_empty() { p class="said" { (text.reveal()) } } })) }
        @if let Some(q) = v.case.questions.last().filter(|q| q.supplied.is_none()) { (note(Kind::Warn, html! { p { b { (w.t("case-more-asked")) } } p class="said" { (q.text.reveal()) } })) }
        // One note per kind, however many levels of it were raised.
        @let kinds: std::collections::BTreeSet<_> = v.alarms.iter().map(|a| a.kind.as_str()).collect();
        @for kind in kinds { (note(Kind::Warn, w.word("alarm", kind))) }
    }
}

/// The files of the case as a strip; each opens in place.
pub fn files(cx: &PageCx, v: &CaseView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    html! {
        section class="card" aria-labelledby="h-i" {
            header { h2 id="h-i" { (w.t("case-files")) } (count(v.files.len())) }
            @if v.files.is_empty() { p class="body small soft" { (w.t("case-files-none")) } }
            @else { div class="strip" tabindex="0" role="group" aria-label=(w.t("case-files")) {
                @for f in &v.files {
                    @let media = f.attachment.media_type.as_deref();
                    a href=(file_address(f)) {
                        @if media.is_some_and(|m| m.starts_with("image/")) { span class="thumb" { img src={ (file_address(f)) "/content" } alt="" loading="lazy"; } }
                        @else { span class="thumb page" { (icon(file_icon(media))) } }
                        b { (file_title(show, f)) }
                        br; span class="soft" { (w.list(f.attachment.size.map(|s| show.bytes(s)))) }
                    }
                }
            } }
        }
    }
}

/// Correspondence in the case, live.
pub fn messages(cx: &PageCx, v: &CaseView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let base = case_address(&v.key);
    let zone = cx
        .signed
        .as_ref()
        .map(|s| show.offset(cx.now, &s.cx.zone))
        .unwrap_or_default();
    html! {
        section class="card" id="messages" aria-labelledby="h-m" {
            header { h2 id="h-m" { (w.t("messages-title")) } span class="small soft push" { (w.f("messages-zone", args!["zone" => zone])) } }
            div id="thread" aria-live="polite" hx-get={ (base) "/messages" } hx-trigger={ "case-" (v.key.id) " from:#live, caught-up from:#live" } hx-swap="outerHTML" {
                (thread_of(cx, &v.messages))
            }
            @if v.can.write {
                form class="body stack tightly" method="post" action={ (base) "/messages" } enctype="multipart/form-data" {
                    (cx.csrf())
                    label class="vh" for="text" { (w.t("messages-write")) }
                    textarea class="input" id="text" name="text" rows="2" maxlength=(kernel::limits::TEXT_CHARS_MAX) placeholder=(w.t("messages-write")) {}
                    @if v.side == app::cases::view::Side::Referring { label class="check small" { input type="checkbox" name="to_patient" value="yes"; span { (w.t("messages-to-patient")) } } }
                    div class="row apart" {
                        @if v.side == app::cases::view::Side::Referring { label class="attach small" { span { (icon("file")) (w.t("messages-attach")) } input type="file" name="files" multiple accept="application/pdf,image/png,image/jpeg"; } } @else { span {} }
                        button class="btn" { (w.t("messages-send")) }
                    }
                }
            }
        }
    }
}

/// The messages alone: what the live line fetches again.
pub fn thread_of(cx: &PageCx, messages: &[MessageView]) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    html! {
        @if messages.is_empty() { p class="body small soft" { (w.t("messages-none")) } }
        (thread(&messages.iter().map(|m| message(cx, show, m)).collect::<Vec<_>>()))
    }
}

fn message(cx: &PageCx, show: &Show, m: &MessageView) -> Message {
    let w = &cx.words();
    let files = m
        .files
        .iter()
        .map(|f| (file_address(f), file_title(show, f)))
        .collect();
    Message {
        who: m.by.name.clone(),
        org: m
            .by
            .hospital
            .as_ref()
            .map(|h| (h.tile.clone(), h.name.clone()))
            .unwrap_or_default(),
        when: show.at(m.at),
        datetime: m.at.to_string(),
        about: match &m.late {
            Some(late) => Some(view::late(show, late)),
            None => (m.about != "message").then(|| w.word("step", &m.about)),
        },
        text: m.text.reveal().clone(),
        lang: None,
        own: m.mine,
        files,
    }
}

/// What happened, newest last, each with who and when.
pub fn history(cx: &PageCx, steps: &[StepView]) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let lines: Vec<(String, Markup)> = steps
        .iter()
        .map(|s| {
            let who = match &s.by {
                Some(p) => html! { span class="by" { @if let Some(h) = &p.hospital { (view::hospital(h)) } bdi { (p.name) } } },
                None => html! { span class="by" { (w.t("step-system")) } },
            };
            (show.at(s.at), html! { (w.word("step", &s.what)) (who) })
        })
        .collect();
    html! {
        section class="card" aria-labelledby="h-steps" {
            header { h2 id="h-steps" { (w.t("history-title")) } }
            div class="body" { (steps_in_time(&lines)) }
        }
    }
}

/// Who takes part.
pub fn people(cx: &PageCx, v: &CaseView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let rows: Vec<(String, Markup)> = [
        (w.t("case-referrer"), Some(&v.referrer)),
        (w.t("role-coordinator"), v.coordinator.as_ref()),
        (w.t("role-consultant"), v.consultant.as_ref()),
    ]
    .into_iter()
    .filter_map(|(label, p)| Some((label, view::person(show, p?))))
    .chain(
        v.row
            .specialty
            .as_ref()
            .map(|s| (w.t("list-specialty"), html! { (view::specialty(show, s)) })),
    )
    .chain(
        v.case
            .request
            .call_back
            .as_ref()
            .filter(|t| !t.reveal().is_empty())
            .map(|t| (w.t("case-call-back"), html! { bdi { (t.reveal()) } })),
    )
    .collect();
    html! {
        section class="card" aria-labelledby="h-people" {
            header { h2 id="h-people" { (w.t("case-people")) } }
            div class="body" { (crate::components::facts(&rows)) }
        }
    }
}
