//! How the node stands: parts, jobs, nodes. Drawn again by itself every few seconds.

use app::operate::{Fact, FactState, JobLine, NodeLine, Part, Status};
use maud::{Markup, html};

use crate::args;
use crate::components::list::{Column, table};
use crate::components::{Kind, chip, facts};
use crate::frame::PageCx;
use crate::show::Show;

/// The part of the page that is asked for again.
pub fn draw(cx: &PageCx, status: &Status) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let worst = status.worst();
    let about = [
        (w.t("operator-version"), html! { (status.version) }),
        (
            w.t("operator-address"),
            html! { code { (status.base_url) } },
        ),
        (
            w.t("operator-commits"),
            html! { (show.number(status.commits)) },
        ),
        (w.t("operator-seen"), html! { (show.clock_s(status.now)) }),
    ];
    html! {
        div id="status" class="stack" hx-get="/operator" hx-select="#status" hx-target="#status" hx-swap="outerHTML" hx-trigger="every 20s" {
            section class="card" aria-labelledby="h-node" {
                header class="row apart" { h2 id="h-node" { (w.t("operator-node")) } (chip(kind(worst), &w.word("operator-state", state_word(worst)))) }
                div class="body" { (facts(&about)) }
            }
            section class="card" aria-labelledby="h-parts" {
                header { h2 id="h-parts" { (w.t("operator-parts")) } }
                (parts(cx, &status.facts))
            }
            section class="card" aria-labelledby="h-nodes" {
                header { h2 id="h-nodes" { (w.t("operator-nodes")) } }
                (nodes(cx, &status.nodes))
            }
            section class="card" aria-labelledby="h-jobs" {
                header { h2 id="h-jobs" { (w.t("operator-jobs")) } }
                (jobs(cx, &status.jobs))
            }
        }
    }
}

const fn kind(state: FactState) -> Kind {
    match state {
        FactState::Ok => Kind::Ok,
        FactState::Absent => Kind::Plain,
        FactState::Warn => Kind::Warn,
        FactState::Stop => Kind::Stop,
    }
}

const fn state_word(state: FactState) -> &'static str {
    match state {
        FactState::Ok => "ok",
        FactState::Absent => "absent",
        FactState::Warn => "warn",
        FactState::Stop => "stop",
    }
}

/// Every part and what it says.
fn parts(cx: &PageCx, facts: &[Fact]) -> Markup {
    let w = cx.words();
    let columns = [
        Column::new(w.t("operator-part")),
        Column::new(w.t("people-state")),
        Column::new(w.t("operator-says")),
    ];
    let of = |part: Part| facts.iter().filter(move |f| f.part == part);
    let rows = html! { @for part in Part::ALL {
        @for f in of(*part) {
            tr {
                td class="main" { (w.word("operator-part", part.as_str())) }
                td { (chip(kind(f.state), &w.word("operator-state", state_word(f.state)))) }
                td { (said(cx, f)) }
            }
        }
    } };
    table(&w.t("operator-parts"), &columns, rows)
}

/// The fact in words; one without words shows its code and numbers as they are.
fn said(cx: &PageCx, f: &Fact) -> String {
    let show = cx.show();
    let args: Vec<(String, String)> = f
        .numbers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), written(&show, name, value)))
        .collect();
    let words = cx.words().with(&format!("fact-{}", f.code), &args);
    words.unwrap_or_else(|| {
        let numbers = args.iter().map(|(name, value)| format!("{name} {value}"));
        let all: Vec<String> = [f.code.to_owned()].into_iter().chain(numbers).collect();
        all.join(", ")
    })
}

fn written(show: &Show, name: &str, value: &str) -> String {
    if name.ends_with("_bytes")
        && let Ok(n) = value.parse()
    {
        return show.bytes(n);
    }
    if name.ends_with("_at")
        && let Ok(at) = value.parse()
    {
        return show.day_at(at);
    }
    value.to_owned()
}

fn nodes(cx: &PageCx, nodes: &[NodeLine]) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let columns = [
        Column::new(w.t("operator-name")),
        Column::new(w.t("people-state")),
        Column::new(w.t("operator-version")),
        Column::new(w.t("operator-started")),
        Column::new(w.t("operator-last-seen")),
    ];
    let rows = html! { @for n in nodes {
        tr {
            td class="main" { span class="id" { (n.name.chars().take(20).collect::<String>()) } br; span class="small soft" { (n.address) } }
            td { div class="row" {
                @if n.silent { (chip(Kind::Warn, &w.t("operator-silent"))) }
                @if n.here { (chip(Kind::Ok, &w.t("operator-here"))) }
                @if n.leads { (chip(Kind::Plain, &w.t("operator-leads"))) }
            } }
            td { (n.version) }
            td class="soft" { (show.at(n.started)) }
            td class="soft" { (show.ago(n.seen)) }
        }
    } };
    table(&w.t("operator-nodes"), &columns, rows)
}

fn every(cx: &PageCx, seconds: i64) -> String {
    let w = cx.words();
    if seconds < 60 {
        return w.f("operator-every-s", args!["n" => seconds]);
    }
    let span = cx.show().span(jiff::SignedDuration::from_secs(seconds));
    w.f("operator-every", args!["span" => span])
}

fn jobs(cx: &PageCx, jobs: &[JobLine]) -> Markup {
    let w = cx.words();
    let show = cx.show();
    let columns = [
        Column::new(w.t("operator-job")),
        Column::new(w.t("people-state")),
        Column::new(w.t("operator-last-run")),
        Column::number(w.t("operator-done")),
        Column::new(w.t("operator-next-run")),
        Column::new(w.t("operator-where")),
    ];
    let rows = html! { @for j in jobs {
        @let failed = j.ran.as_ref().and_then(|r| r.error.as_ref().map(|e| (r, e)));
        tr {
            td class="main" { (w.word_if("job", j.name).unwrap_or_else(|| j.name.to_owned())) br; span class="small soft" { (every(cx, j.every_s)) } }
            td { @match (&j.ran, failed) {
                (_, Some((run, _))) => (chip(Kind::Warn, &w.f("operator-failed", args!["n" => u64::from(run.failures)]))),
                (Some(_), None) => (chip(Kind::Ok, &w.t("operator-ran"))),
                (None, None) => span class="soft" { (w.t("operator-not-yet")) },
            } @if let Some((_, error)) = failed { p class="small" { (error) } } }
            td class="soft" { @if let Some(r) = &j.ran { (show.clock_s(r.at)) } }
            td class="num" { @if let Some(r) = &j.ran { (r.done) } }
            td class="soft" { @if let Some(at) = j.next { (show.clock_s(at)) } }
            td class="small soft" { @if j.leased { (j.node.as_deref().map(|n| n.chars().take(12).collect::<String>()).unwrap_or_default()) } @else { (w.t("operator-each-node")) } }
        }
    } };
    table(&w.t("operator-jobs"), &columns, rows)
}
