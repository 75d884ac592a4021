//! States are written, not drawn: what happened, what was kept, what to do next.

use maud::{Markup, Render, html};

use super::basic::progress;
use super::icon::icon;
use crate::words::Words;

/// Nothing to show: why, and one way on.
pub fn empty(name: &str, title: &str, more: &str, way: Option<(&str, &str)>) -> Markup {
    html! {
        div class="state" {
            (icon(name)) p { b { (title) } @if !more.is_empty() { br; (more) } }
            @if let Some((href, text)) = way { a class="btn" href=(href) { (text) } }
        }
    }
}

/// Still asking: `done` of `all` have answered.
pub fn loading(w: &Words, text: &str, done: u64, all: u64) -> Markup {
    html! {
        div class="body stack" aria-busy="true" {
            p class="vh" { (w.t("state-loading")) }
            div class="bone" {} div class="bone" {} div class="bone" {} div class="bone" {}
            p class="small soft" { (text) }
            (progress(done, all, text))
        }
    }
}

/// It did not work: what happened, what was kept, and a way to try again.
pub fn failed(title: &str, more: &str, again: impl Render) -> Markup {
    html! { div class="state" role="alert" { (icon("cut")) p { b { (title) } br; (more) } (again) } }
}

/// More than can be shown at once: narrow it.
pub fn too_many(w: &Words, text: &str) -> Markup {
    html! { div class="state" { (icon("search")) p { b { (w.t("state-too-many")) } br; (text) } } }
}
