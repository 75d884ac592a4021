//! The record as a channel, correspondence as a thread, a form's way as steps.

use maud::{Markup, Render, html};

use super::basic::{Kind, avatar, chip_icon, org, org_named};
use super::icon::icon;
use crate::words::Words;

/// One entry of a record.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// Drawn above the date when the year changes.
    pub year: Option<String>,
    pub when: String,
    /// Machine-readable time for `<time datetime>`.
    pub datetime: Option<String>,
    pub title: Markup,
    pub body: Markup,
    /// Custodian's tile and name.
    pub custodian: Option<(String, String)>,
    /// Clinical or recorded time, author, zone: small words after the custodian.
    pub note: String,
    pub id: Option<String>,
}

/// A line of the timeline: an entry, or a source that did not answer.
#[derive(Debug, Clone)]
pub enum Line {
    Entry(Entry),
    /// What may be missing: title, text, custodian and a way to ask again.
    Gap {
        title: String,
        text: String,
        custodian: (String, String),
        again: Option<(String, String)>,
    },
}

/// The record as a channel: newest first; a dashed stretch is a source that did not answer.
pub fn timeline(lines: &[Line]) -> Markup {
    html! {
        ol class="timeline" { @for line in lines { @match line {
            Line::Entry(e) => li id=[e.id.as_deref()] {
                time datetime=[e.datetime.as_deref()] { @if let Some(year) = &e.year { span class="year" { (year) } br; } (e.when) }
                div {
                    b { (e.title) } @if !e.body.0.is_empty() { br; (e.body) }
                    @if let Some((code, name)) = &e.custodian {
                        span class="by" { (org_named(code, name)) @if !e.note.is_empty() { span { (e.note) } } }
                    }
                }
            },
            Line::Gap { title, text, custodian: (code, name), again } => li class="gap" {
                time {}
                div {
                    (chip_icon(Kind::Warn, "cut", title)) br; (text)
                    @if let Some((href, words)) = again { " " a class="one" href=(href) { (words) } }
                    span class="by" { (org_named(code, name)) }
                }
            },
        } } }
    }
}

/// What happens or happened, without custodians: hours and sentences.
pub fn steps_in_time<T: Render>(lines: &[(String, T)]) -> Markup {
    html! { ol class="timeline" { @for (when, what) in lines { li { time { (when) } div { (what) } } } } }
}

/// A message in a case.
#[derive(Debug, Clone)]
pub struct Message {
    pub who: String,
    pub org: (String, String),
    pub when: String,
    pub datetime: String,
    /// The step this message belongs to, in words: asked for more, declined.
    pub about: Option<String>,
    pub text: String,
    /// Address and title of what is attached.
    pub files: Vec<(String, String)>,
    /// BCP 47 tag of the text, when known.
    pub lang: Option<String>,
    pub own: bool,
}

/// Correspondence, oldest first.
pub fn thread(messages: &[Message]) -> Markup {
    html! {
        ol class="thread" { @for m in messages {
            li class=[m.own.then_some("own")] {
                (avatar(&m.who))
                div {
                    div class="from" { b { bdi { (m.who) } } " " (org(&m.org.0, &m.org.1)) " " time class="faint xs push" datetime=(m.datetime) { (m.when) } }
                    @if let Some(about) = &m.about { p class="label" { (about) } }
                    @if !m.text.is_empty() { p class="said" lang=[m.lang.as_deref()] dir="auto" { (m.text) } }
                    @for (href, title) in &m.files { p class="small" { a href=(href) { (icon("file")) " " (title) } } }
                }
            }
        } }
    }
}

/// One step of a form of several pages.
#[derive(Debug, Clone)]
pub struct Step {
    pub href: String,
    pub text: String,
    /// What was answered, or what is missing.
    pub note: String,
    pub done: bool,
    pub here: bool,
}

/// The way through a form of several pages; every step has an address.
pub fn stepper(w: &Words, steps: &[Step]) -> Markup {
    html! {
        nav class="stay" aria-label=(w.t("steps")) {
            ol class="stepper" { @for s in steps {
                li class=[s.done.then_some("done")] {
                    a href=(s.href) aria-current=[s.here.then_some("step")] { (s.text) small { (s.note) } }
                }
            } }
        }
    }
}
