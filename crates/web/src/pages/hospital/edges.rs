//! The edges that send images to this hospital, for its administrator.

use app::edges::Edge;
use maud::{Markup, html};

use crate::args;
use crate::components::state::empty;
use crate::components::{Kind, chip};
use crate::frame::{PageCx, PageError, WebState};
use crate::show::Show;

pub(super) async fn card(state: &WebState, cx: &PageCx) -> Result<Markup, PageError> {
    let w = cx.words();
    let show = cx.show();
    let all = state.app.edges(cx.cx()?).await?;
    Ok(html! {
        section class="card" id="edges" {
            header { h2 { (w.t("edges-title")) } }
            @if all.is_empty() { (empty("upload", &w.t("edges-none"), &w.t("edges-none-more"), None)) }
            @for edge in &all {
                div class="body stack tightly" {
                    div class="row" { b { (edge.name) } (state_chip(&show, edge, cx.now)) }
                    @for line in lines(&show, edge) { p class="soft small" { (line) } }
                }
            }
        }
    })
}

fn state_chip(show: &Show, edge: &Edge, now: kernel::Instant) -> Markup {
    let w = &show.words;
    if edge.is_silent(now) {
        return chip(
            Kind::Stop,
            &w.f("edge-silent", args!["ago" => show.ago(edge.seen)]),
        );
    }
    crate::edge::line_chip(show, edge.report.line)
}

fn lines(show: &Show, edge: &Edge) -> Vec<String> {
    let w = &show.words;
    let r = &edge.report;
    let mut out = vec![crate::edge::waiting(show, r)];
    if let Some(oldest) = r.oldest {
        out.push(w.f("edge-oldest", args!["ago" => show.ago(oldest)]));
    }
    if r.refused > 0 {
        out.push(w.f("edge-refused", args!["n" => r.refused]));
    }
    if let Some(free) = r.free_bytes {
        out.push(w.f("edge-free", args!["bytes" => show.bytes(free)]));
    }
    out
}
