//! The patient's own record, newest first, without the reader's tools.

use app::records::view::TimelineAsk;
use axum::extract::State;
use care::timeline::Line;
use kernel::RecordKey;
use maud::{Markup, html};

use super::{draw, linked};
use crate::components::{icon, state};
use crate::frame::{PageCx, PageResult, WebState};

/// Entries of one record on the page.
const SHOWN: usize = 100;

pub async fn page(State(state): State<WebState>, cx: PageCx) -> PageResult {
    let w = cx.words();
    let show = cx.show();
    let ask = TimelineAsk {
        limit: Some(SHOWN),
        ..TimelineAsk::default()
    };
    let mut parts: Vec<Markup> = Vec::new();
    for (hospital, patient) in linked(&cx)? {
        let key = RecordKey::parse(hospital.as_str(), "Patient", patient.as_str())?;
        let view = state.app.timeline(cx.cx()?, &key, &ask).await?;
        for year in &view.years {
            let entries: Vec<_> = year
                .lines
                .iter()
                .filter_map(|l| match l {
                    Line::Entry(e) => Some(e),
                    Line::Gap(_) => None,
                })
                .collect();
            if entries.is_empty() {
                continue;
            }
            let heading = year
                .year
                .map_or_else(|| w.t("timeline-undated"), |y| y.to_string());
            parts.push(html! {
                section class="stack tightly" { h2 { (heading) }
                    div class="card" { ol class="readers" { @for e in entries { li {
                        p class="row apart" { b { bdi { (e.title) } } span class="xs soft" { @if let Some(when) = &e.when { (show.day_at(when.start)) } } }
                        p class="small soft" { (w.word_if("class", &e.class).unwrap_or_default()) " · " (super::hospital_name(&state, &cx, &e.source.custodian)) }
                        @for m in &e.measures { p class="small" { bdi { (measure(m)) } } }
                        @if let Some(detail) = &e.detail { p class="small" { bdi { (detail) } } }
                    } } } }
                }
            });
        }
    }
    let title = w.t("nav-me-record");
    let main = html! {
        h1 { (title) }
        p { a class="btn" href="/me/images" { (icon("image")) (w.t("me-images")) } }
        (super::acting_for(&state, &cx, &state.app.my_records(cx.cx()?).await?))
        @if parts.is_empty() { div class="card" { (state::empty("record", &w.t("timeline-empty"), &w.t("timeline-empty-more"), None)) } }
        @for part in &parts { (part) }
    };
    Ok(draw(&cx, &title, None, &main))
}

/// A value as its source wrote it, with its unit.
fn measure(m: &care::timeline::Measure) -> String {
    let mut text = String::new();
    if let Some(name) = &m.name {
        text.push_str(name);
        text.push(' ');
    }
    text.push_str(m.comparator.as_deref().unwrap_or_default());
    text.push_str(&m.value);
    if let Some(unit) = &m.unit {
        text.push(' ');
        text.push_str(unit);
    }
    text
}
