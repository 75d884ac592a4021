//! Head and foot of an editor whose draft is kept while it is written and which is signed in the end.

use kernel::Instant;
use maud::{Markup, html};

use super::PageCx;
use crate::args;
use crate::components::icon;

/// When the draft was last kept; the draft's script writes here too.
pub fn kept(cx: &PageCx, kept: Option<Instant>) -> Markup {
    let (w, show) = (&cx.words(), &cx.show());
    html! {
        span class="small soft push" role="status" data-draft-status data-failed=(w.t("draft-line")) data-refused=(w.t("draft-refused")) {
            @if let Some(t) = kept { (w.f("draft-kept", args!["time" => show.clock_s(t)])) }
        }
    }
}

/// Who will sign and as what, to keep the draft, and to sign it in the dialog `sign`.
///
/// `base` is the address before `/draft`, `legal` the code of what the text counts as, `sign` the button's words.
pub fn bar(cx: &PageCx, base: &str, legal: &str, sign: &str) -> Markup {
    let w = &cx.words();
    let name = cx
        .signed
        .as_ref()
        .map(|s| s.cx.name.clone())
        .unwrap_or_default();
    html! {
        footer class="signbar" {
            p class="small soft" { (w.f("opinion-signs-as", args!["name" => name])) br; (w.word("legal-short", legal)) }
            // The password in the dialog is asked by the signature alone.
            span class="push row" {
                button class="btn" formaction={ (base) "/draft" } formnovalidate name="go" value="keep" { (w.t("edit-keep")) }
                button class="btn primary" formaction={ (base) "/draft" } formnovalidate name="go" value="sign" data-dialog="sign" { (icon("sign")) (sign) }
            }
        }
    }
}
