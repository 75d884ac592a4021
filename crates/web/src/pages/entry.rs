//! One entry of a record, and its files in place.

use app::records::view::{EntryView, FileLine};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use care::timeline::Measure;
use kernel::RecordKey;
use maud::{Markup, html};

use super::lines::{flag, measure, title};
use super::view::{self, record_address};
use crate::args;
use crate::components::{facts, icon, state};
use crate::frame::route::CLINICAL;
use crate::frame::{PageCx, PageError, PageResult, RouteSpec, WebState, get};
use crate::shell::Shell;
use crate::show::Show;

pub fn routes() -> Vec<RouteSpec> {
    vec![
        get("/records/{hospital}/{kind}/{id}", CLINICAL, entry),
        get(
            "/records/{hospital}/{kind}/{id}/files/{index}",
            CLINICAL,
            file_page,
        ),
        get(
            "/records/{hospital}/{kind}/{id}/files/{index}/content",
            CLINICAL,
            content,
        ),
    ]
}

type Address = Path<(String, String, String)>;
type FileAddress = Path<(String, String, String, usize)>;

async fn entry(
    State(state): State<WebState>,
    Path((hospital, kind, id)): Address,
    cx: PageCx,
) -> PageResult {
    let key = RecordKey::parse(&hospital, &kind, &id)?;
    if !key.kind.is_fhir() {
        return Err(PageError::not_found());
    }
    let view = state.app.entry(cx.cx()?, &key).await?;
    let signed = ways(&state, &cx, &key).await?;
    Ok(Shell::new(&cx, &cx.t("entry-title"))
        .watch(format!("record-{}", key.id))
        .draw(&draw(&cx, &view, &signed)))
}

/// Where an entry leads: a study to its pictures, a report of ours to what was signed.
async fn ways(state: &WebState, cx: &PageCx, key: &RecordKey) -> Result<Markup, PageError> {
    if key.kind.as_str() == "ImagingStudy" {
        let href = super::images::list::study_address(key);
        return Ok(
            html! { p { a class="btn" href=(href) { (icon("image")) (cx.t("reading-images")) } } },
        );
    }
    super::readings::entry_reports(state, cx, key).await
}

/// The page's content.
pub fn draw(cx: &PageCx, view: &EntryView, ways: &Markup) -> Markup {
    let w = &cx.words();
    let show = &cx.show();
    let e = &view.entry;
    let when = |w: &care::timeline::When| show.fhir_date(&w.text);
    let rows: Vec<(String, Markup)> = [
        e.when
            .as_ref()
            .map(|t| (w.t("entry-when"), html! { (when(t)) })),
        e.until
            .as_ref()
            .map(|t| (w.t("entry-until"), html! { (when(t)) })),
        e.recorded.map(|t| {
            (
                w.t("entry-recorded"),
                html! { (show.at_both(t, &view.custodian.city, &view.custodian.zone)) },
            )
        }),
        e.status.as_ref().map(|s| {
            (
                w.t("entry-status-label"),
                html! { (w.word_if("entry-state", s).unwrap_or_else(|| s.clone())) },
            )
        }),
        e.late
            .as_ref()
            .map(|l| (w.t("late-chip"), html! { (view::late(show, l)) })),
        Some((w.t("entry-class"), html! { (view::class(show, &e.class)) })),
        Some((
            w.t("banner-custodian"),
            view::hospital_named(&view.custodian),
        )),
        Some((w.t("entry-version"), html! { (view.version) })),
    ]
    .into_iter()
    .flatten()
    .collect();
    html! {
        div class="head" { div { p class="label" { (view::class(show, &e.class)) } h1 { (title(show, e)) } @if let Some(written) = &e.written { p class="small soft" { (w.f("entry-written", args!["title" => written])) } } } @if let Some(f) = e.flag { (flag(show, f)) } }
        div class="cols aside" id="entry" hx-get=(cx.back()) hx-select="#entry" hx-target="#entry" hx-swap="outerHTML"
            hx-trigger={ "record-" (view.key.id) " from:#live, caught-up from:#live" } {
            div class="stack" {
                section class="card" { div class="body stack" {
                    @if e.measures.is_empty() && e.detail.is_none() && view.parts.is_empty() { p class="soft" { (w.t("entry-no-text")) } }
                    @if !e.measures.is_empty() { (values(show, &e.measures)) }
                    @if let Some(detail) = &e.detail { p class="prose said" { (detail) } }
                    @for part in &view.parts { div class="row apart" {
                        a href=(record_address(&part.source.custodian, &part.source.kind, &part.source.id)) { (part.title) }
                        span { @for (i, m) in part.measures.iter().enumerate() { @if i > 0 { (w.t("list-between")) } (measure(show, m)) } }
                    } }
                } }
                (ways)
                @if !view.attachments.is_empty() { section class="card" aria-labelledby="files-h" {
                    header { h2 id="files-h" { (w.t("files-title")) } }
                    ul class="readers" { @for f in &view.attachments { li { (file_line(show, f)) } } }
                } }
            }
            aside class="stack" {
                section class="card" { div class="body" { (facts(&rows)) } }
                details class="card" { summary class="body small" { (w.t("entry-source")) } pre class="body source xs" tabindex="0" { (view.json.reveal()) } }
            }
        }
    }
}

fn values(show: &Show, measures: &[Measure]) -> Markup {
    let w = &show.words;
    html! {
        table class="list values" {
            thead { tr { th scope="col" { (w.t("value-name")) } th scope="col" { (w.t("value-value")) } th scope="col" { (w.t("value-other")) } th scope="col" { (w.t("value-range")) } } }
            tbody { @for m in measures { tr {
                td class="main" { (m.name.clone().unwrap_or_else(|| w.t("value-result"))) }
                td { span class="value" { @if let Some(c) = &m.comparator { (c) } (m.value) @if let Some(u) = &m.unit { " " (care::units::printed(u)) } } @if let Some(f) = m.flag { " " (flag(show, f)) } }
                td class="soft" { @if let Some((v, u)) = &m.converted { (v) " " (u) } }
                td class="soft" { @if let Some(r) = &m.range { (range(r)) } }
            } } }
        }
    }
}

fn range(r: &care::timeline::Range) -> String {
    match (&r.text, &r.low, &r.high) {
        (Some(text), ..) => text.clone(),
        (None, Some(low), Some(high)) => format!("{low}–{high}"),
        (None, Some(low), None) => format!("≥ {low}"),
        (None, None, Some(high)) => format!("≤ {high}"),
        _ => String::new(),
    }
}

/// `/records/…/files/{index}`.
pub fn file_address(f: &FileLine) -> String {
    format!(
        "{}/files/{}",
        record_address(&f.holder.hospital, &f.holder.kind, &f.holder.id),
        f.index
    )
}

/// What a file is called.
pub fn file_title(show: &Show, f: &FileLine) -> String {
    f.attachment
        .title
        .clone()
        .filter(|t| !t.is_empty())
        .unwrap_or_else(|| show.words.t("files-untitled"))
}

/// Icon by media type.
pub fn file_icon(media_type: Option<&str>) -> &'static str {
    if media_type.is_some_and(|m| m.starts_with("image/")) {
        "image"
    } else {
        "file"
    }
}

/// A file in a list.
pub fn file_line(show: &Show, f: &FileLine) -> Markup {
    let media = f.attachment.media_type.as_deref();
    html! {
        div class="row apart" {
            a href=(file_address(f)) { (icon(file_icon(media))) " " (file_title(show, f)) }
            span class="small soft" {
                (show.words.list(media.map(|m| m.rsplit('/').next().unwrap_or(m).to_uppercase()).into_iter().chain(f.attachment.size.map(|s| show.bytes(s)))))
            }
        }
    }
}

/// Media types that are shown in the page; all others are only offered for download.
fn is_shown(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/pdf" | "image/png" | "image/jpeg" | "image/webp" | "image/gif" | "text/plain"
    )
}

/// A document or picture in place.
pub fn viewer(show: &Show, address: &str, title: &str, media_type: Option<&str>) -> Markup {
    let w = &show.words;
    let content = format!("{address}/content");
    let media = media_type.unwrap_or("application/octet-stream");
    html! {
        @if media.starts_with("image/") && is_shown(media) { a href=(content) { img class="picture" src=(content) alt=(title) loading="lazy"; } }
        @else if is_shown(media) { iframe class="sheet" src=(content) title=(title) loading="lazy" {} }
        @else { (state::empty("file", title, &w.t("files-not-shown"), Some((&format!("{content}?download=1"), &w.t("files-download"))))) }
    }
}

async fn file_page(
    State(state): State<WebState>,
    Path((hospital, kind, id, index)): FileAddress,
    cx: PageCx,
) -> PageResult {
    let key = RecordKey::parse(&hospital, &kind, &id)?;
    let view = state.app.entry(cx.cx()?, &key).await?;
    let file = view
        .attachments
        .iter()
        .find(|f| f.index == index)
        .ok_or(PageError::not_found())?;
    let show = &cx.show();
    let w = &cx.words();
    let title = file_title(show, file);
    let address = file_address(file);
    let main = html! {
        div class="head" {
            div { p class="label" { (view::hospital_named(&view.custodian)) } h1 { (title) } }
            div class="row" {
                a class="btn" href=(record_address(&key.hospital, &key.kind, &key.id)) { (w.t("files-entry")) }
                a class="btn" href={ (address) "/content?download=1" } { (icon("download")) (w.t("files-download")) }
            }
        }
        div class="card clip" { (viewer(show, &address, &title, file.attachment.media_type.as_deref())) }
    };
    Ok(Shell::new(&cx, &w.t("files-title"))
        .class("page close")
        .draw(&main))
}

async fn content(
    State(state): State<WebState>,
    Path((hospital, kind, id, index)): FileAddress,
    cx: PageCx,
) -> PageResult {
    let key = RecordKey::parse(&hospital, &kind, &id)?;
    let file = state.app.open_file(cx.cx()?, &key, index).await?;
    let shown = is_shown(&file.media_type) && cx.query_value("download").is_none();
    let media_type = HeaderValue::from_str(&file.media_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let mut answer = file.bytes.into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, media_type);
    // The name of the file may be about the patient; the browser is told only how to treat it.
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static(if shown { "inline" } else { "attachment" }),
    );
    // What a stranger made may not run anything; our own pages may frame it.
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; object-src 'self'; frame-ancestors 'self'"),
    );
    Ok(answer)
}
