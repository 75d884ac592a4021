//! One reading: what is read, the report being written or signed, second reading, critical findings.

use app::readings::view::{CriticalView, ReadingView, SecondView};
use axum::extract::{Path, State};
use care::case::Urgency;
use care::reading::Agreement;
use kernel::RecordKey;
use maud::{Markup, html};

use super::list::{deadline, status_chip};
use super::{editor, reading_address};
use crate::args;
use crate::components::basic::dialog;
use crate::components::form::{Choice, Choices, Errors, Field};
use crate::components::{Kind, chip, chip_icon, clock, crumbs, icon, note, urgency};
use crate::frame::{PageCx, PageError, PageResult, WebState, refused};
use crate::pages::images::list::{modalities, study_address, study_name};
use crate::pages::view::{self, case_address, patient_address};
use crate::shell::Shell;

pub async fn page(
    State(state): State<WebState>,
    Path((hospital, id)): Path<(String, String)>,
    cx: PageCx,
) -> PageResult {
    let key = super::key(&hospital, &id)?;
    draw(&state, &cx, &key, &Errors::default()).await
}

/// The page, with what is wrong in one of its forms.
pub async fn draw(
    state: &WebState,
    cx: &PageCx,
    key: &RecordKey,
    errors: &Errors,
) -> Result<axum::response::Response, PageError> {
    let v = state.app.reading(cx.cx()?, key).await?;
    let desk = if v.can.report || v.can.addendum {
        Some(state.app.report_desk(cx.cx()?, key).await?)
    } else {
        None
    };
    let w = &cx.words();
    let show = &cx.show();
    let banner = state.app.banner(cx.cx()?, &v.patient).await?;
    let own = cx.cx()?.hospital()? == &v.patient.hospital;
    let href = own.then(|| patient_address(&v.patient));
    let title = w.t("reading-title");
    let list = if v.hospital.id == *cx.cx()?.hospital()? && cx.has(app::Role::Consultant) {
        ("nav-readings", "/readings")
    } else {
        ("critical-title", "/critical")
    };
    let main = html! {
        (crumbs(w, &[(&w.t(list.0), Some(list.1)), (&study_name(show, &v.study), None)]))
        (errors.summary(w))
        (head(cx, &v))
        div class="cols aside" {
            div class="stack" {
                @for c in &v.criticals { (critical_card(cx, &v, c)) }
                @if let Some(desk) = &desk { (editor::draw(cx, &v, desk, errors)) }
                @else if v.can.claim { (claim_card(cx, &v)) }
                (reports(cx, &v))
                @if let Some(second) = &v.second { (second_card(cx, &v, second)) }
                @if v.can.judge { (judge_form(cx, &v, errors)) }
            }
            aside class="stack" {
                (acts_card(cx, &v))
                @if v.can.raise { (raise_form(cx, &v, errors)) }
            }
        }
    };
    let drawn = Shell::new(cx, &title)
        .class("page close")
        .banner(view::banner(cx, &banner, None, href).draw(show))
        .watch(format!("reading-{}", v.key.id))
        .watch(format!("ImagingStudy-{}", v.study.key.id))
        .draw(&main);
    Ok(if errors.is_empty() {
        drawn
    } else {
        refused(drawn)
    })
}

fn head(cx: &PageCx, v: &ReadingView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    html! {
        div class="row apart" id="reading-head" hx-get=(reading_address(&v.key)) hx-select="#reading-head" hx-target="#reading-head" hx-swap="outerHTML"
            hx-trigger={ "reading-" (v.key.id) " from:#live, ImagingStudy-" (v.study.key.id) " from:#live, caught-up from:#live" } {
            div class="stack none" {
                h2 class="step" { bdi { (study_name(show, &v.study)) } }
                p class="small soft" {
                    @if let Some(when) = &v.study.started { (show.fhir_date(when.get(..10).unwrap_or(when))) " · " }
                    (modalities(show, &v.study)) " · " (w.f("study-counts", args!["series" => v.study.series_count, "images" => v.study.instances]))
                    " · " (w.f("reading-kept-by", args!["hospital" => &v.study.custodian.name]))
                }
            }
            div class="row" {
                (urgency(w, v.urgency.as_str())) (status_chip(show, v.status)) (clock(show, &deadline(&v.clock), false))
                a class="btn" href=(study_address(&v.study.key)) target="karez-images" { (icon("image")) (w.t("reading-images")) }
            }
        }
    }
}

fn act(cx: &PageCx, v: &ReadingView, act: &str, class: &str, key: &str) -> Markup {
    html! { form method="post" action={ (reading_address(&v.key)) "/" (act) } { (cx.csrf()) button class=(class) { (cx.t(key)) } } }
}

fn claim_card(cx: &PageCx, v: &ReadingView) -> Markup {
    let w = &cx.words();
    html! {
        section class="card" aria-labelledby="h-claim" { div class="body stack" {
            h2 id="h-claim" { (w.t("reading-claim-title")) }
            p class="soft" { @if let Some(r) = &v.reader { (w.f("reading-claim-stale", args!["name" => &r.name])) } @else { (w.t("reading-claim-lead")) } }
            div { (act(cx, v, "claim", "btn primary", "reading-claim")) }
        } }
    }
}

fn reports(cx: &PageCx, v: &ReadingView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    html! {
        @if !v.reports.is_empty() { section class="card" aria-labelledby="h-reports" {
            header { h2 id="h-reports" { (w.t("reading-reports")) } }
            ul class="readers" { @for r in v.reports.iter().rev() { li class="row apart" {
                span { a href={ "/reports/" (r.id) } { (w.word("report-kind", r.kind.as_str())) } " · " (view::person(show, &r.by)) " · " (show.day_at(r.at)) }
                @if r.stands { (chip(Kind::Ok, &w.t("reading-stands"))) }
            } } }
        } }
    }
}

fn acts_card(cx: &PageCx, v: &ReadingView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let urgencies: Vec<(String, String)> = Urgency::ALL
        .iter()
        .map(|u| (u.as_str().to_owned(), w.word("urgency", u.as_str())))
        .collect();
    html! {
        section class="card" aria-labelledby="h-acts" {
            header { h2 id="h-acts" { (w.t("reading-about")) } }
            div class="body stack" {
                p { (w.f("reading-by-hospital", args!["hospital" => &v.hospital.name])) @if let Some(r) = &v.reader { br; (view::person(show, r)) } }
                @if let Some(case) = &v.case { p { a href=(case_address(case)) { (w.t("reading-case")) } } }
                @if v.can.urgency { form class="row" method="post" action={ (reading_address(&v.key)) "/urgency" } {
                    (cx.csrf())
                    (Field::new("urgency", w.t("list-urgency")).value(v.urgency.as_str()).select(&urgencies))
                    button class="btn" { (w.t("reading-urgency-set")) }
                } }
                @if v.can.release { (act(cx, v, "release", "btn", "reading-release")) }
                @if v.can.ask_second { (act(cx, v, "second", "btn", "reading-ask-second")) }
            }
        }
    }
}

fn raise_form(cx: &PageCx, v: &ReadingView, errors: &Errors) -> Markup {
    let w = &cx.words();
    html! {
        button class="btn danger full" type="button" data-dialog="critical" { (icon("warn")) (w.t("critical-raise")) }
        (dialog("critical", &w.t("critical-raise"), errors.of("critical").is_some(), html! {
            form class="stack" method="post" action={ (reading_address(&v.key)) "/critical" } {
                (cx.csrf())
                p { (w.t("critical-raise-lead")) }
                (Field::new("critical", w.t("critical-what")).errors(errors).required().area(3))
                div class="row" { button class="btn danger" { (w.t("critical-raise-do")) } a class="btn" href=(reading_address(&v.key)) data-close { (w.t("leave-it")) } }
            }
        }))
    }
}

fn critical_card(cx: &PageCx, v: &ReadingView, c: &CriticalView) -> Markup {
    let w = &cx.words();
    html! {
        section class="card" {
            header { h2 { (icon("warn")) " " (w.t("critical-one")) } }
            div class="body stack" { (critical_form(cx, &v.key, c, v.can.acknowledge)) }
        }
    }
}

/// A critical finding, and the way to acknowledge it for whoever may.
pub fn critical_form(cx: &PageCx, key: &RecordKey, c: &CriticalView, may: bool) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let field = format!("answer-{}", c.id);
    html! {
        p class="said prose" { b { (c.text.reveal()) } }
        p class="small soft" { (view::person(show, &c.by)) " · " (w.f("critical-raised", args!["when" => show.day_at(c.raised)])) @if c.escalated > 0 { " · " (w.f("critical-escalated", args!["n" => c.escalated])) } }
        @match &c.acknowledged {
            Some((at, who)) => {
                p { (chip_icon(Kind::Ok, "check", w.t("critical-acknowledged"))) " " (view::person(show, who)) " · " (show.day_at(*at)) }
                @if let Some(answer) = &c.answer { p class="said" { (answer.reveal()) } }
            }
            None if may => form class="stack" method="post" action={ (reading_address(key)) "/critical/" (c.id) } {
                (cx.csrf())
                (Field::new("answer", w.t("critical-answer")).id(field).hint(w.t("critical-answer-hint")).area(2))
                div { button class="btn primary" { (w.t("critical-acknowledge")) } }
            },
            None => (note(Kind::Warn, w.t("critical-nobody"))),
        }
    }
}

fn second_card(cx: &PageCx, v: &ReadingView, second: &SecondView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    html! {
        section class="card" aria-labelledby="h-second" {
            header { h2 id="h-second" { (w.t("second-title")) } }
            div class="body stack" {
                p class="small soft" { (w.f("second-asked", args!["who" => &second.asked_by.name, "when" => show.day_at(second.asked)])) }
                @match &second.judgement {
                    Some(j) => {
                        @let kind = match j.agreement { Agreement::Agrees => Kind::Ok, Agreement::Minor => Kind::Warn, Agreement::Major => Kind::Stop };
                        p { (chip(kind, &w.word("second", j.agreement.as_str()))) " " (view::person(show, &j.by)) " · " (show.day_at(j.at)) }
                        @if !j.text.reveal().is_empty() { p class="said prose" { (j.text.reveal()) } }
                        @if let Some(seen) = j.seen { p class="small soft" { (w.f("second-seen", args!["when" => show.day_at(seen)])) } }
                        @else if v.can.see_judgement { (act(cx, v, "judged", "btn", "second-see")) }
                    }
                    None => p class="soft" { (w.t("second-waits")) },
                }
            }
        }
    }
}

fn judge_form(cx: &PageCx, v: &ReadingView, errors: &Errors) -> Markup {
    let w = &cx.words();
    let choices: Vec<Choice> = Agreement::ALL
        .iter()
        .map(|a| Choice::new(a.as_str(), w.word("second", a.as_str())))
        .collect();
    html! {
        form class="card" method="post" action={ (reading_address(&v.key)) "/judge" } aria-labelledby="h-judge" {
            (cx.csrf())
            header { h2 id="h-judge" { (w.t("judge-title")) } }
            div class="body stack" {
                (Choices { name: "agreement", legend: w.t("judge-agreement"), hint: None, chosen: &[], many: false, framed: false }.draw(errors, &choices))
                (Field::new("difference", w.t("judge-text")).hint(w.t("judge-text-hint")).errors(errors).area(3))
                div { button class="btn primary" { (w.t("judge-do")) } }
            }
        }
    }
}
