//! The permission stands above every case in one sentence; "Why?" opens the rest. A refusal has the same form.

use maud::{Markup, html};

use super::icon::icon;
use crate::words::Words;

/// Why the reader sees what they see, or does not.
#[derive(Debug, Clone, Default)]
pub struct Permitted {
    /// The sentence, e.g. *You may read this record under agreement QS-2026-014, clause 3 …*
    pub sentence: String,
    pub allowed: bool,
    /// What opens under "Why?": terms and their explanations.
    pub reasons: Vec<(String, String)>,
    /// The agreement's page, when the reader may open it.
    pub agreement: Option<String>,
}

pub fn permit(w: &Words, p: &Permitted) -> Markup {
    html! {
        section class="permission" aria-label=(w.t(if p.allowed { "permit-label" } else { "permit-refused" })) {
            details class="permit" data-k=[(!p.allowed).then_some("stop")] {
                summary {
                    (icon(if p.allowed { "check" } else { "lock" })) " "
                    span { (p.sentence) } " " u { (w.t("permit-why")) }
                }
                dl class="facts prose" {
                    @for (term, what) in &p.reasons { dt { (term) } dd { (what) } }
                    @if let Some(href) = &p.agreement { dt { (w.t("permit-agreement")) } dd { a href=(href) { (w.t("permit-read-agreement")) } } }
                }
            }
        }
    }
}
