//! The patient's own pages, for a phone first: my case and its answer, my record, my consents, who read what.

mod case;
mod consents;
mod readers;
mod record;

use app::Role;
use app::accounts::Relation;
use app::cases::view::CaseRow;
use app::people::MyRecord;
use axum::extract::State;
use care::case::Status;
use kernel::{HospitalId, RecordKey, ResourceId};
use maud::{Markup, html};

use super::patient_account::{limit_word, relation_word};
use super::why::hospital_name;
use crate::args;
use crate::components::Kind;
use crate::components::{chip_icon, icon, note, state};
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, Who, get, post};
use crate::shell::Shell;

pub(super) const PATIENT: Who = Who::Roles(&[Role::Patient]);

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/me", PATIENT, today),
        get("/me/cases/{hospital}/{id}", PATIENT, case::page),
        post("/me/cases/{hospital}/{id}/messages", PATIENT, case::write),
        get("/me/record", PATIENT, record::page),
        get("/me/consents", PATIENT, consents::list),
        get("/me/consents/new", PATIENT, consents::form),
        post("/me/consents/new", PATIENT, consents::give),
        get(
            "/me/consents/{hospital}/{id}/withdraw",
            PATIENT,
            consents::ask,
        ),
        post(
            "/me/consents/{hospital}/{id}/withdraw",
            PATIENT,
            consents::withdraw,
        ),
        get("/me/readers", PATIENT, readers::page),
    ]
}

/// The records this account may see as its own.
pub(crate) fn linked(cx: &PageCx) -> Result<Vec<(HospitalId, ResourceId)>, PageError> {
    let actor = &cx.cx()?.actor;
    let mut all: Vec<_> = Vec::with_capacity(actor.linked.len());
    for l in &actor.linked {
        let record = (l.hospital.clone(), l.patient.clone());
        if !all.contains(&record) {
            all.push(record);
        }
    }
    Ok(all)
}

/// Records seen for somebody else: as what, until when, and what stays closed.
pub(super) fn acting_for(state: &WebState, cx: &PageCx, records: &[MyRecord]) -> Markup {
    let w = cx.words();
    let show = cx.show();
    html! {
        @for r in records.iter().filter(|r| r.relation != Relation::Oneself) {
            (note(Kind::Plain, html! {
                p { b { bdi { (r.name.reveal()) } } ", " (hospital_name(state, cx, &r.hospital)) }
                p class="small" {
                    (w.f("me-acting-as", args!["relation" => w.word("link-relation", relation_word(r.relation))]))
                    @if let Some(until) = r.until { " " (w.f("me-acting-until", args!["date" => show.date(show.date_of(until))])) }
                    @for limit in &r.limits { " " (w.word("me-limit", limit_word(*limit))) }
                }
            }))
        }
    }
}

pub(crate) fn draw(
    cx: &PageCx,
    title: &str,
    watch: Option<String>,
    main: &Markup,
) -> axum::response::Response {
    let mut shell = Shell::new(cx, title).class("narrow stack loosely").roomy();
    if let Some(topic) = watch {
        shell = shell.watch(topic);
    }
    shell.draw(main)
}

/// How far along the channel a case has come, of four shafts: sent, with the doctors, answered, home again.
pub(super) const fn shaft(status: Status) -> usize {
    match status {
        Status::Requested | Status::MoreInformation => 1,
        Status::Accepted | Status::Allocated => 2,
        Status::Answered | Status::Read => 3,
        Status::Acted | Status::Closed => 4,
        _ => 0,
    }
}

/// The channel with a thick shaft where the case is now.
pub(super) fn channel(cx: &PageCx, status: Status) -> Markup {
    let w = cx.words();
    let here = shaft(status);
    let label = w.word("me-status", status.as_str());
    let x = |n: usize| 40 + 87 * (n.max(1) - 1);
    html! {
        svg class="channel flip" viewBox="0 0 340 84" role="img" aria-label=(label) {
            @for n in 1..=4usize {
                @if n != here { path class="gone" stroke-width="1.5" d={ "M" (x(n)) " 22V" (68 - n * 6) } {} }
            }
            path class="gone" stroke-width="1.5" d="M2 22H338" {}
            @if here > 0 { path stroke-width="4" d={ "M" (x(here)) " 20V" (66 - here * 6) } {} }
            path stroke-width="4" d="M2 70L338 40" {}
            @if here > 0 { text x=(x(here)) y="13" text-anchor="middle" class="you" { (w.word("me-shaft", &here.to_string())) } }
        }
    }
}

async fn today(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = cx.words();
    let mut cases: Vec<CaseRow> = Vec::new();
    for (hospital, patient) in linked(&cx)? {
        let key = RecordKey::parse(hospital.as_str(), "Patient", patient.as_str())?;
        cases.extend(state.app.patient_cases(cx.cx()?, &key).await?);
    }
    cases.sort_by_key(|c| std::cmp::Reverse(c.since));
    let latest = cases.first();
    let title = w.t("nav-me");
    let main = html! {
        @match latest {
            Some(c) => (headline(&state, &cx, c)),
            None => section class="stack" { h1 { (w.t("me-hello")) } div class="card" { (state::empty("home", &w.t("me-no-case"), &w.t("me-no-case-more"), None)) } },
        }
        @if cases.len() > 1 { section class="stack tightly" aria-labelledby="h-more" { h2 id="h-more" { (w.t("me-earlier")) }
            div class="card" { ol class="readers" { @for c in &cases[1..] { li {
                p class="row apart" { a href={ "/me/cases/" (c.key.hospital) "/" (c.key.id) } { (c.question.reveal()) } span class="xs soft" { (cx.show().day_at(c.since)) } }
                p class="small soft" { (w.word("me-status", c.status.as_str())) }
            } } } }
        } }
        (acting_for(&state, &cx, &state.app.my_records(cx.cx()?).await?))
        (readers::latest(&state, &cx, 3).await?)
    };
    Ok(draw(
        &cx,
        &title,
        latest.map(|c| format!("case-{}", c.key.id)),
        &main,
    ))
}

fn headline(state: &WebState, cx: &PageCx, c: &CaseRow) -> Markup {
    let w = cx.words();
    let to =
        c.to.as_ref()
            .map(|h| h.name.clone())
            .unwrap_or_else(|| hospital_name(state, cx, &c.key.hospital));
    let answered = matches!(
        c.status,
        Status::Answered | Status::Read | Status::Acted | Status::Closed
    );
    html! {
        section class="stack" aria-labelledby="h1" {
            h1 id="h1" { (w.word("me-status", c.status.as_str())) }
            div class="card" { div class="body stack" {
                (channel(cx, c.status))
                p class="small soft" { (w.f("me-asked", args!["from" => &c.from.name, "to" => &to])) }
                p { bdi { (c.question.reveal()) } }
                a class={ "btn full" @if answered { " primary" } } href={ "/me/cases/" (c.key.hospital) "/" (c.key.id) } { @if answered { (icon("sign")) (w.t("me-open-answer")) } @else { (w.t("me-open-case")) } }
                @if answered { p class="row" { (chip_icon(Kind::Ok, "sign", w.t("me-signed"))) } }
            } }
        }
    }
}
