//! The frame of a new case: six steps, each with an address, and what happens once it is sent.

use app::cases::view::CaseView;
use care::case::{Missing, Urgency, alarm};
use jiff::SignedDuration;
use maud::{Markup, html};

use crate::args;
use crate::components::record::{Step, stepper, steps_in_time};
use crate::components::{crumbs, icon};
use crate::frame::PageCx;
use crate::pages::view::{self, case_address, patient_address};

/// The steps in their order; each word is also the address.
pub const STEPS: [&str; 6] = [
    "question", "service", "record", "files", "consent", "review",
];

/// The step after this one.
pub fn after(step: &str) -> &'static str {
    let at = STEPS.iter().position(|s| *s == step).unwrap_or(0);
    STEPS[(at + 1).min(STEPS.len() - 1)]
}

/// The step before this one.
pub fn before(step: &str) -> Option<&'static str> {
    let at = STEPS.iter().position(|s| *s == step)?;
    at.checked_sub(1).map(|i| STEPS[i])
}

/// The address of a step.
pub fn address(v: &CaseView, step: &str) -> String {
    format!("{}/edit/{step}", case_address(&v.key))
}

/// The step on which something missing is put right.
pub const fn step_of(missing: Missing) -> &'static str {
    match missing {
        Missing::Question | Missing::Background | Missing::Urgency => "question",
        Missing::Service | Missing::Specialty | Missing::Partner => "service",
        Missing::Record => "record",
        Missing::Consent => "consent",
    }
}

/// One step: the way on the left, the form in the middle, what happens next on the right.
pub fn frame(cx: &PageCx, v: &CaseView, step: &str, missing: &[Missing], body: &Markup) -> Markup {
    let w = &cx.words();
    let at = STEPS.iter().position(|s| *s == step).unwrap_or(0);
    let patient = w.t("banner-patient");
    html! {
        (crumbs(w, &[(&w.t("nav-patients"), Some("/patients")), (&patient, Some(&patient_address(&v.banner.key))), (&w.t("case-new"), None)]))
        div class="cols steps" {
            (way(cx, v, step, missing))
            section class="stack" aria-labelledby="h-step" {
                p class="label" { (w.f("step-of", args!["n" => at + 1, "all" => STEPS.len()])) }
                h2 id="h-step" class="step" { (w.word("edit", step)) }
                (body)
            }
            aside class="stay stack" aria-label=(w.t("when-sent")) { (when_sent(cx, v)) }
        }
    }
}

fn way(cx: &PageCx, v: &CaseView, here: &str, missing: &[Missing]) -> Markup {
    let w = &cx.words();
    let steps: Vec<Step> = STEPS
        .iter()
        .map(|step| Step {
            href: address(v, step),
            text: w.word("edit", step),
            note: note(cx, v, step, missing),
            done: done(v, step, missing),
            here: *step == here,
        })
        .collect();
    stepper(w, &steps)
}

fn done(v: &CaseView, step: &str, missing: &[Missing]) -> bool {
    let r = &v.case.request;
    match step {
        "files" => !v.files.is_empty() || !r.files.is_empty(),
        "review" => false,
        "record" => !r.items.is_empty() || !r.classes.is_empty(),
        "consent" => {
            r.consent.is_some() || (r.agreement.is_some() && !missing.contains(&Missing::Consent))
        }
        _ => !missing.iter().any(|m| step_of(*m) == step),
    }
}

/// What was answered so far, in a few words.
fn note(cx: &PageCx, v: &CaseView, step: &str, missing: &[Missing]) -> String {
    let w = &cx.words();
    let show = &cx.show();
    let r = &v.case.request;
    match step {
        "question" => r
            .urgency
            .map(|u| w.word("urgency", u.as_str()))
            .unwrap_or_else(|| w.t("edit-not-yet")),
        "service" => match (&r.specialty, &v.row.to) {
            (Some(s), Some(to)) => w.list([view::specialty(show, s), to.name.clone()]),
            _ => w.t("edit-not-yet"),
        },
        "record" => match r.items.len() + r.classes.len() {
            0 => w.t("edit-nothing-chosen"),
            _ => w.f(
                "edit-chosen",
                args!["classes" => r.classes.len(), "items" => r.items.len()],
            ),
        },
        "files" => w.f("files-count", args!["n" => v.files.len()]),
        "consent" => match (&r.consent, missing.contains(&Missing::Consent)) {
            (Some(_), _) => w.t("consent-recorded"),
            (None, true) => w.t("consent-not-recorded"),
            (None, false) => String::new(),
        },
        _ => match missing.len() {
            0 => w.t("edit-ready"),
            n => w.f("edit-missing", args!["n" => n]),
        },
    }
}

/// What happens once it is sent, with times if it were sent now.
fn when_sent(cx: &PageCx, v: &CaseView) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let urgency = v.case.request.urgency;
    let response_s = urgency.map(|u| response_s(v, u));
    html! {
        section class="card" { div class="body stack tightly" {
            h2 class="small" { (w.t("when-sent")) }
            @match response_s {
                Some(s) => {
                    @let later = |seconds: i64| show.at(cx.now + SignedDuration::from_secs(seconds));
                    (steps_in_time(&[
                        (show.clock(cx.now), html! { (w.t("when-sent-now")) }),
                        (later(alarm::accept_s(s)), html! { (w.t("when-sent-taken")) }),
                        (later(s), html! { b { (w.t("when-sent-answer")) } }),
                    ]))
                }
                None => p class="small soft" { (w.t("when-sent-unknown")) },
            }
        } }
        p class="small soft" { (icon("lock")) " " (w.t("when-sent-before")) }
    }
}

/// Seconds to an answer: from the agreement, or what is usual while no partner is chosen.
pub fn response_s(v: &CaseView, urgency: Urgency) -> i64 {
    let agreed = v
        .case
        .terms
        .as_ref()
        .and_then(|t| t.response_s.get(&urgency))
        .map(|s| i64::from(*s));
    agreed.unwrap_or(match urgency {
        Urgency::Emergency => 15 * 60,
        Urgency::Urgent => 4 * 3600,
        Urgency::Soon => 24 * 3600,
        Urgency::Routine => 5 * 24 * 3600,
    })
}

/// The buttons under a step.
pub fn buttons(cx: &PageCx, v: &CaseView, step: &str) -> Markup {
    let w = &cx.words();
    html! {
        div class="row end" {
            button class="btn primary" name="go" value="next" { (w.t("edit-continue")) }
            @if let Some(back) = before(step) { a class="btn" href=(address(v, back)) { (w.t("edit-back")) } }
            span class="push small soft" role="status" data-draft-status data-failed=(w.t("draft-line")) data-refused=(w.t("draft-refused")) {}
            button class="btn quiet" name="go" value="keep" { (w.t("edit-keep")) }
        }
    }
}
