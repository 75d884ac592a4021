//! The page an edge shows to the people beside it: what waits, how the line stands, and which study shall go first. It
//! stands on the edge itself and needs nothing from the centre.

use app::edges::{EdgeLine, EdgeReport};
use kernel::Instant;
use maud::{DOCTYPE, Markup, html};

use crate::args;
use crate::assets;
use crate::components::list::{Column, table};
use crate::components::state::empty;
use crate::components::{Kind, chip, facts, icon, note};
use crate::show::Show;

/// How one edge stands.
#[derive(Debug, Clone)]
pub struct EdgePage {
    pub name: String,
    /// Where its images go.
    pub centre: String,
    pub report: EdgeReport,
    /// Why the line is cut, as the edge understood it.
    pub reason: Option<String>,
    /// What waits, by study, in the order it leaves.
    pub studies: Vec<EdgeStudy>,
    /// Of all that waits, at most this many studies are listed.
    pub more: usize,
    /// Proves that a form came from this page.
    pub token: String,
}

/// A study that waits. Nothing names its patient.
#[derive(Debug, Clone)]
pub struct EdgeStudy {
    /// Names it in the form; not its UID.
    pub key: String,
    pub sender: String,
    pub modality: String,
    pub first: Instant,
    pub objects: u64,
    pub bytes: u64,
    pub urgent: bool,
    /// Of the object on its way: bytes there, bytes in all.
    pub on_its_way: Option<(u64, u64)>,
}

/// What waits, in one line.
pub fn waiting(show: &Show, r: &EdgeReport) -> String {
    let w = &show.words;
    if r.waiting == 0 {
        return w.t("edge-nothing");
    }
    w.f(
        "edge-waiting",
        args!["n" => r.waiting, "studies" => r.studies, "bytes" => show.bytes(r.waiting_bytes)],
    )
}

/// How the line stands, in a word and its colour.
pub fn line_chip(show: &Show, line: EdgeLine) -> Markup {
    let kind = match line {
        EdgeLine::Idle | EdgeLine::Sending => Kind::Ok,
        EdgeLine::Closed => Kind::Plain,
        EdgeLine::Away => Kind::Warn,
        EdgeLine::Unknown => Kind::Stop,
    };
    chip(kind, &show.words.word("edge-line", line.code()))
}

/// The whole page. It asks for itself again every ten seconds, so that it can be left open.
pub fn draw(show: &Show, page: &EdgePage) -> Markup {
    let w = &show.words;
    html! {
        (DOCTYPE)
        html lang=(w.lang.tag()) dir=(w.lang.dir()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content="10";
                title { (page.name) " · " (w.t("product")) }
                link rel="stylesheet" href=(assets::address("main.css"));
            }
            body {
                main id="main" class="page" {
                    div class="head" { div {
                        h1 { (page.name) }
                        p class="soft" { (w.f("edge-to", args!["centre" => page.centre.clone()])) }
                    } }
                    div class="stack" { (line(show, page)) (list(show, page)) }
                }
            }
        }
    }
}

fn line(show: &Show, page: &EdgePage) -> Markup {
    let w = &show.words;
    let r = &page.report;
    let dash = || "—".to_owned();
    let rows = [
        (w.t("edge-line"), html! { (line_chip(show, r.line)) }),
        (w.t("edge-waits"), html! { (waiting(show, r)) }),
        (
            w.t("edge-last"),
            html! { (r.last_sent.map_or_else(dash, |at| show.ago(at))) },
        ),
        (
            w.t("edge-rate"),
            html! { (r.rate_bps.map_or_else(dash, |bps| w.f("edge-kbit", args!["n" => bps / 1_000]))) },
        ),
        (
            w.t("edge-room"),
            html! { (r.free_bytes.map_or_else(dash, |n| show.bytes(n))) },
        ),
        (w.t("edge-version"), html! { (r.version) }),
    ];
    html! {
        @if let (Some(since), Some(reason)) = (r.away_since, &page.reason) {
            @let lead = if r.line == EdgeLine::Unknown { "edge-unknown-lead" } else { "edge-away-lead" };
            (note(if r.line == EdgeLine::Unknown { Kind::Stop } else { Kind::Warn }, html! {
                p { (w.f(lead, args!["ago" => show.ago(since)])) }
                p class="small soft" { (reason) }
            }))
        }
        @if r.refused > 0 { (note(Kind::Warn, html! { p { (w.f("edge-refused", args!["n" => r.refused])) } })) }
        section class="card" { div class="body" { (facts(&rows)) } }
    }
}

fn list(show: &Show, page: &EdgePage) -> Markup {
    let w = &show.words;
    let columns = [
        Column::new(w.t("edge-modality")),
        Column::new(w.t("edge-sender")),
        Column::new(w.t("edge-came")),
        Column::number(w.t("edge-objects")),
        Column::number(w.t("edge-size")),
        Column::hidden(w.t("edge-first")),
    ];
    let rows = html! { @for s in &page.studies { tr {
        td class="main" { (s.modality) " " @if s.urgent { (chip(Kind::Stop, &w.t("edge-urgent"))) }
            @if let Some((there, all)) = s.on_its_way { " " span class="soft small" { (show.bytes(there)) " / " (show.bytes(all)) } } }
        td { (s.sender) }
        td { (show.ago(s.first)) }
        td class="num" { (s.objects) }
        td class="num" { (show.bytes(s.bytes)) }
        td { form method="post" action="/urgent" {
            input type="hidden" name="token" value=(page.token);
            input type="hidden" name="study" value=(s.key);
            input type="hidden" name="urgent" value=(if s.urgent { "no" } else { "yes" });
            button class="btn quiet" { (icon(if s.urgent { "clock" } else { "upload" })) (w.t(if s.urgent { "edge-not-first" } else { "edge-first" })) }
        } }
    } } };
    html! {
        section class="card" {
            header { h2 { (w.t("edge-studies")) } }
            @if page.studies.is_empty() { (empty("check", &w.t("edge-nothing"), &w.t("edge-nothing-more"), None)) }
            @else { (table(&w.t("edge-studies"), &columns, rows)) }
            @if page.more > 0 { div class="body" { p class="soft small" { (w.f("edge-more", args!["n" => page.more])) } } }
        }
    }
}
