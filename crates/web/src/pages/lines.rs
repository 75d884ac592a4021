//! The record as lines: whose each entry is, when it was true and when it was written down, values in the original
//! unit and the reader's, gaps named.

use std::collections::VecDeque;

use app::records::view::{HospitalLine, SourceLine, TimelineView};
use care::timeline::{
    Entry as RecordEntry, Flag, Gap, GapReason, Line as RecordLine, Measure, Precision, Trend, When,
};
use kernel::HospitalId;
use maud::{Markup, html};

use super::view::{class, record_address};
use crate::args;
use crate::components::plot::Series;
use crate::components::record::{Entry, Line};
use crate::show::Show;

/// Values shown on one line; the rest stands on the entry's own page.
const MEASURES_MAX: usize = 6;

/// Lines for the timeline component, year by year. Results of one day and one custodian stand together, as on a
/// laboratory's sheet.
pub fn lines(show: &Show, view: &TimelineView) -> Vec<Line> {
    let mut out = Vec::new();
    for year in &view.years {
        let mut heading = Some(
            year.year
                .map_or_else(|| show.words.t("timeline-undated"), |y| y.to_string()),
        );
        let mut rest: VecDeque<&RecordLine> = year.lines.iter().collect();
        while let Some(first) = rest.pop_front() {
            match first {
                RecordLine::Gap(g) => out.push(gap(show, g, source_of(view, &g.custodian))),
                RecordLine::Entry(e) => {
                    let from = source_of(view, &e.source.custodian);
                    let mut sheet: Vec<&RecordEntry> = vec![e];
                    rest.retain(|l| match l {
                        RecordLine::Entry(o) if together(show, e, o) => {
                            sheet.push(o);
                            false
                        }
                        _ => true,
                    });
                    out.push(Line::Entry(match sheet.len() {
                        1 => entry(show, e, from, heading.take()),
                        _ => panel(show, &sheet, from, heading.take()),
                    }));
                }
            }
        }
    }
    out
}

/// Two measured results that belong on one sheet: same day, same custodian, same class.
fn together(show: &Show, a: &RecordEntry, b: &RecordEntry) -> bool {
    let sheet = |e: &RecordEntry| {
        matches!(e.class.as_str(), "laboratory" | "vitals")
            && !e.measures.is_empty()
            && e.attachments.is_empty()
            && odd_status(show, e).is_none()
    };
    let day = |e: &RecordEntry| e.when.as_ref().map(|w| show.date_of(w.start));
    sheet(a)
        && sheet(b)
        && a.class == b.class
        && a.source.custodian == b.source.custodian
        && day(a) == day(b)
}

/// Several results of one day as one line: what is out of range first.
fn panel(
    show: &Show,
    all: &[&RecordEntry],
    from: Option<&HospitalLine>,
    year: Option<String>,
) -> Entry {
    const OPEN: usize = 12;
    let mut sorted = all.to_vec();
    sorted.sort_by_key(|e| std::cmp::Reverse(e.flag));
    let (open, folded) = sorted.split_at(sorted.len().min(OPEN));
    let one = |e: &RecordEntry| {
        html! {
            li { a href=(record_address(&e.source.custodian, &e.source.kind, &e.source.id)) { (title(show, e)) } " "
                @for (i, m) in e.measures.iter().enumerate() { @if i > 0 { (show.words.t("list-between")) } (measure(show, m)) } }
        }
    };
    let first = all[0];
    Entry {
        year,
        when: first
            .when
            .as_ref()
            .map(|w| when_in_year(show, w))
            .unwrap_or_default(),
        datetime: first.when.as_ref().map(|w| w.text.clone()),
        title: html! { (class(show, &first.class)) },
        body: html! {
            ul class="panel" { @for e in open { (one(e)) } }
            @if !folded.is_empty() { details { summary class="small" { (show.words.f("timeline-more-values", args!["n" => folded.len()])) } ul class="panel" { @for e in folded { (one(e)) } } } }
        },
        custodian: from.map(|h| (h.tile.clone(), h.name.clone())),
        note: recorded(show, first, from),
        id: None,
    }
}

/// An entry's title; where the source gave only a code we have a word for, that word.
pub fn title(show: &Show, e: &RecordEntry) -> String {
    match e.source.kind.as_str() {
        "Encounter" => show
            .words
            .word_if("encounter", &e.title.to_lowercase())
            .unwrap_or_else(|| e.title.clone()),
        _ => e.title.clone(),
    }
}

fn source_of<'v>(view: &'v TimelineView, id: &HospitalId) -> Option<&'v HospitalLine> {
    view.sources
        .iter()
        .map(|s: &SourceLine| &s.hospital)
        .find(|h| h.id == *id)
}

fn entry(show: &Show, e: &RecordEntry, from: Option<&HospitalLine>, year: Option<String>) -> Entry {
    let href = record_address(&e.source.custodian, &e.source.kind, &e.source.id);
    Entry {
        year,
        when: e
            .when
            .as_ref()
            .map(|w| when_in_year(show, w))
            .unwrap_or_default(),
        datetime: e.when.as_ref().map(|w| w.text.clone()),
        title: html! { a href=(href) { (title(show, e)) } @if let Some(status) = odd_status(show, e) { " " span class="chip" data-k="warn" { (status) } } @if e.late.is_some() { " " span class="chip" { (show.words.t("late-chip")) } } },
        body: body(show, e),
        custodian: from.map(|h| (h.tile.clone(), h.name.clone())),
        note: recorded(show, e, from),
        id: None,
    }
}

/// A status a reader must not miss: entered in error, preliminary, cancelled.
fn odd_status(show: &Show, e: &RecordEntry) -> Option<String> {
    let code = e.status.as_deref()?;
    show.words.word_if("entry-status", code)
}

/// What stands under the title: values, then detail.
pub fn body(show: &Show, e: &RecordEntry) -> Markup {
    let values: Vec<&Measure> = e
        .measures
        .iter()
        .filter(|m| m.name.as_deref() != Some("criticality"))
        .collect();
    let (open, folded) = values.split_at(values.len().min(MEASURES_MAX));
    html! {
        @for (i, m) in open.iter().enumerate() { @if i > 0 { (show.words.t("list-between")) } (measure(show, m)) }
        @if !folded.is_empty() { " " span class="soft" { (show.words.f("timeline-more-values", args!["n" => folded.len()])) } }
        @if let Some(detail) = &e.detail { @if !values.is_empty() { br; } span class="said" { (clipped(detail)) } }
    }
}

/// One value: as the source wrote it, its other unit beside it, and how it lies to its range.
pub fn measure(show: &Show, m: &Measure) -> Markup {
    html! {
        span class="value" {
            @if let Some(name) = &m.name { small { (name) } " " }
            @if let Some(c) = &m.comparator { (c) }
            (m.shown()) @if let Some(unit) = &m.unit { " " (care::units::printed(unit)) }
        }
        @if let Some((value, unit)) = &m.converted { " " small class="soft" { "(" (value) " " (unit) ")" } }
        @if let Some(f) = m.flag { " " (flag(show, f)) }
    }
}

/// `high`, `critically low`: a word, never a colour alone.
pub fn flag(show: &Show, f: Flag) -> Markup {
    html! { span class=(if f.is_critical() { "flag" } else { "flag mild" }) { (show.words.word("flag", f.as_str())) } }
}

fn clipped(text: &str) -> String {
    const CHARS: usize = 220;
    if text.chars().count() <= CHARS {
        return text.to_owned();
    }
    let cut: String = text.chars().take(CHARS).collect();
    format!("{}…", cut.trim_end())
}

/// The clinical time as precisely as it was given, without the year that stands above.
fn when_in_year(show: &Show, w: &When) -> String {
    match w.precision {
        Precision::Year => String::new(),
        Precision::Month => w
            .text
            .get(5..7)
            .and_then(|m| m.parse::<u8>().ok())
            .map(|m| {
                show.words.f(
                    "date-month-alone",
                    args!["month" => show.words.word("month-short", &m.to_string())],
                )
            })
            .unwrap_or_default(),
        Precision::Day => w
            .text
            .parse()
            .map_or_else(|_| w.text.clone(), |d| show.day_in_year(d)),
        Precision::Time => show.day_in_year(show.date_of(w.start)),
    }
}

/// Time of day in the reader's zone and the custodian's, and when it was recorded if that was not the same day.
fn recorded(show: &Show, e: &RecordEntry, from: Option<&HospitalLine>) -> String {
    let timed = e.when.as_ref().filter(|w| w.precision == Precision::Time);
    let clock = timed.map(|w| match from {
        Some(h) => show.clock_both(w.start, &h.city, &h.zone),
        None => show.clock(w.start),
    });
    let late = e.recorded.filter(|r| {
        e.when
            .as_ref()
            .is_none_or(|w| show.date_of(w.start) != show.date_of(*r))
    });
    let late = late.map(|r| {
        show.words.f(
            "timeline-recorded",
            args!["when" => show.day(show.date_of(r))],
        )
    });
    show.words.list(clock.into_iter().chain(late))
}

fn gap(show: &Show, g: &Gap, from: Option<&HospitalLine>) -> Line {
    let w = &show.words;
    let (tile, name) = from.map_or_else(
        || (String::new(), g.custodian.to_string()),
        |h| (h.tile.clone(), h.name.clone()),
    );
    let again =
        (g.reason == GapReason::Unavailable).then(|| ("?".to_owned(), w.t("timeline-ask-again")));
    Line::Gap {
        title: w.word("gap", g.reason.as_str()),
        text: w.f(
            "timeline-gap",
            args!["reason" => w.word("gap-text", g.reason.as_str()), "time" => show.clock(g.at)],
        ),
        custodian: (tile, name),
        again,
    }
}

/// A trend as a plot.
pub fn series(show: &Show, trend: &Trend) -> Series {
    let number = |text: &Option<String>| text.as_deref().and_then(|t| t.parse::<f64>().ok());
    let normal = trend
        .range
        .as_ref()
        .and_then(|r| Some((number(&r.low)?, number(&r.high)?)));
    Series {
        title: trend.title.clone(),
        unit: trend
            .unit
            .as_deref()
            .map(care::units::printed)
            .unwrap_or_default()
            .to_owned(),
        points: trend
            .points
            .iter()
            .map(|p| {
                (
                    show.fhir_date(p.when.text.get(..10).unwrap_or(&p.when.text)),
                    p.number,
                )
            })
            .collect(),
        normal,
    }
}
