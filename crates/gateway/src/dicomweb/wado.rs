//! WADO-RS (PS3.18 §10.4): objects, their metadata, frames and bulk data.

use std::collections::HashMap;

use app::imaging::{InstanceLine, OpenImage, Place, Target};
use app::{App, Cx};
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures::stream;
use imaging::layout::{Frames, Span};
use imaging::{Data, Dataset, Layout, Limits, Object};
use kernel::HospitalId;
use serde_json::value::RawValue;

use super::Ask;
use super::accept::{self, Form, Syntax};
use super::address::Of;
use super::multipart;
use super::reply::{self, Incompressible, Refusal};
use crate::dimse::classes::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};
use crate::pixels;

/// Objects or metadata that are fetched together.
const PAGE: u32 = 256;
/// Bytes of frames in one answer.
const FRAMES_BYTES_MAX: u64 = 1 << 30;

/// The objects an address means.
pub fn target(of: &Of) -> Result<Target, Refusal> {
    let study = of.study.clone().ok_or_else(Refusal::not_found)?;
    Ok(Target {
        study,
        series: of.series.clone(),
        instance: of.instance.clone(),
    })
}

fn broken(_: impl std::fmt::Display) -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "a fault of ours")
}

/// The one instance of an address, opened.
pub async fn one(ask: &Ask<'_>, of: &Of) -> Result<(InstanceLine, OpenImage), Refusal> {
    let page = ask
        .app
        .image_page(&ask.cx, ask.hospital, &target(of)?, None, 1)
        .await?;
    let line = page.0.into_iter().next().ok_or_else(Refusal::not_found)?;
    let open = ask.app.image_open(&ask.cx, &line).await?;
    Ok((line, open))
}

/// Objects as they are, in the transfer syntax asked for.
pub async fn objects(ask: &Ask<'_>, of: &Of) -> Result<Response, Refusal> {
    let form = accept::objects(ask.headers, &ask.parameters, of.instance.is_some())
        .map_err(|_| Refusal::not_acceptable())?;
    let target = target(of)?;
    let (lines, next) = ask
        .app
        .image_page(&ask.cx, ask.hospital, &target, None, PAGE)
        .await?;
    let Some(first) = lines.first() else {
        return Err(Refusal::not_found());
    };
    if !form.parts {
        return alone(ask, first, &form).await;
    }
    let boundary = multipart::boundary();
    let kind = format!("multipart/related; type=\"application/dicom\"; boundary={boundary}");
    let walk = Walk {
        app: ask.state.app.clone(),
        cx: ask.cx.clone(),
        hospital: ask.hospital.clone(),
        base: ask.base(),
        target,
        lines: lines.into(),
        next,
        form,
        boundary,
        ended: false,
    };
    // One object is checked before the answer begins: what it says about the form holds for most.
    let (first, walk) = walk
        .step()
        .await
        .map_err(|(refusal, _)| refusal)?
        .ok_or_else(Refusal::not_found)?;
    let begin = stream::iter([Ok::<_, std::io::Error>(first)]);
    let rest = stream::try_unfold(walk, |walk| async {
        walk.step()
            .await
            .map_err(|(refusal, _)| std::io::Error::other(refusal.words))
    });
    let body = Body::from_stream(futures::StreamExt::chain(begin, rest));
    let mut response = reply::body(StatusCode::OK, &kind, body);
    response.extensions_mut().insert(Incompressible);
    Ok(response)
}

/// One object, not in parts.
async fn alone(ask: &Ask<'_>, line: &InstanceLine, form: &Form) -> Result<Response, Refusal> {
    let syntax = wanted(&form.syntax, &line.transfer_syntax);
    let etag = format!("\"{}-{syntax}\"", line.digest);
    if reply::has_already(ask.headers, &etag) {
        return Ok(reply::not_modified(&etag));
    }
    let file = ask.app.image_open(&ask.cx, line).await?.all().await?;
    let file = in_syntax(file, &line.transfer_syntax, syntax).await?;
    let kind = format!("application/dicom; transfer-syntax={syntax}");
    let mut response = reply::content(ask.headers, &kind, file);
    reply::set(&mut response, header::ETAG, &etag);
    Ok(response)
}

fn wanted<'a>(asked: &'a Syntax, kept: &'a str) -> &'a str {
    match asked {
        Syntax::AsKept => kept,
        Syntax::One(uid) => uid,
    }
}

async fn in_syntax(file: Bytes, kept: &str, wanted: &str) -> Result<Bytes, Refusal> {
    if kept == wanted {
        return Ok(file);
    }
    let to = wanted.to_owned();
    tokio::task::spawn_blocking(move || pixels::transcoded(&file, &to))
        .await
        .map_err(broken)?
        .ok_or_else(Refusal::not_acceptable)
}

/// A walk over objects that are sent one after the other: one of them is in memory.
struct Walk {
    app: std::sync::Arc<App>,
    cx: Cx,
    hospital: HospitalId,
    base: String,
    target: Target,
    lines: std::collections::VecDeque<InstanceLine>,
    next: Option<Place>,
    form: Form,
    boundary: String,
    ended: bool,
}

type Step = Result<Option<(Bytes, Walk)>, (Refusal, ())>;

impl Walk {
    async fn step(mut self) -> Step {
        if self.ended {
            return Ok(None);
        }
        if self.lines.is_empty()
            && let Some(place) = self.next.take()
        {
            let page = self
                .app
                .image_page(&self.cx, &self.hospital, &self.target, Some(&place), PAGE)
                .await
                .map_err(|e| (e.into(), ()))?;
            (self.lines, self.next) = (page.0.into(), page.1);
        }
        let Some(line) = self.lines.pop_front() else {
            self.ended = true;
            let end = Bytes::from(multipart::end(&self.boundary));
            return Ok(Some((end, self)));
        };
        let part = self.part(&line).await.map_err(|refusal| (refusal, ()))?;
        Ok(Some((part, self)))
    }

    async fn part(&self, line: &InstanceLine) -> Result<Bytes, Refusal> {
        let syntax = wanted(&self.form.syntax, &line.transfer_syntax);
        let file = self.app.image_open(&self.cx, line).await?.all().await?;
        let file = in_syntax(file, &line.transfer_syntax, syntax).await?;
        let kind = format!("application/dicom; transfer-syntax={syntax}");
        let location = format!(
            "{}/studies/{}/series/{}/instances/{}",
            self.base, line.study_uid, line.series_uid, line.uid
        );
        let head = multipart::part_head(&self.boundary, &kind, Some(&location));
        let end = multipart::PART_END;
        let mut part = Vec::with_capacity(head.len() + file.len() + end.len());
        part.extend_from_slice(head.as_bytes());
        part.extend_from_slice(&file);
        part.extend_from_slice(end.as_bytes());
        Ok(Bytes::from(part))
    }
}

/// Metadata as DICOM JSON (PS3.18 §10.4.1.1.2), page after page.
pub async fn metadata(ask: &Ask<'_>, of: &Of) -> Result<Response, Refusal> {
    accept::json(ask.headers, &ask.parameters).map_err(|_| Refusal::not_acceptable())?;
    let target = target(of)?;
    let base = ask.base();
    let (rows, next) = ask
        .app
        .image_metadata(&ask.cx, ask.hospital, &target, None, PAGE)
        .await?;
    if rows.is_empty() {
        return Err(Refusal::not_found());
    }
    let first = joined(&rows, &base, &target.study, true);
    if next.is_none() {
        let mut whole = first;
        whole.push(b']');
        return Ok(reply::body(StatusCode::OK, accept::JSON, whole));
    }
    let begin = stream::iter([Ok::<_, std::io::Error>(Bytes::from(first))]);
    let more = (
        ask.state.app.clone(),
        ask.cx.clone(),
        ask.hospital.clone(),
        target,
        base,
        next,
        false,
    );
    let rest = stream::try_unfold(
        more,
        |(app, cx, hospital, target, base, next, ended)| async move {
            if ended {
                return Ok(None);
            }
            let Some(place) = next else {
                let end = Bytes::from_static(b"]");
                return Ok(Some((end, (app, cx, hospital, target, base, None, true))));
            };
            let page = app.image_metadata(&cx, &hospital, &target, Some(&place), PAGE);
            let (rows, next) = page
                .await
                .map_err(|e| std::io::Error::other(e.to_string()))?;
            let some = Bytes::from(joined(&rows, &base, &target.study, false));
            Ok(Some((some, (app, cx, hospital, target, base, next, false))))
        },
    );
    let body = Body::from_stream(futures::StreamExt::chain(begin, rest));
    Ok(reply::body(StatusCode::OK, accept::JSON, body))
}

/// Rows behind each other with absolute addresses of their bulk data.
fn joined(rows: &[Bytes], base: &str, study: &str, first: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.iter().map(|r| r.len() + 256).sum());
    for (n, row) in rows.iter().enumerate() {
        out.push(if first && n == 0 { b'[' } else { b',' });
        let names: HashMap<&str, &RawValue> = serde_json::from_slice(row).unwrap_or_default();
        let uid = |tag: &str| {
            let value = names.get(tag)?.get();
            let begin = value.find("[\"")? + 2;
            let end = begin + value.get(begin..)?.find('"')?;
            value.get(begin..end)
        };
        match (uid("0020000E"), uid("00080018")) {
            (Some(series), Some(instance)) => {
                let of = format!("{base}/studies/{study}/series/{series}/instances/{instance}/");
                out.extend_from_slice(&imaging::json::with_bulk_base(row, &of));
            }
            _ => out.extend_from_slice(row),
        }
    }
    out
}

/// Frames by their numbers, counted from 1.
pub async fn frames(ask: &Ask<'_>, of: &Of, numbers: &[u32]) -> Result<Response, Refusal> {
    let form = accept::bulk(ask.headers, &ask.parameters, numbers.len() == 1)
        .map_err(|_| Refusal::not_acceptable())?;
    let (line, open) = one(ask, of).await?;
    let syntax = wanted(&form.syntax, &line.transfer_syntax).to_owned();
    let etag = format!("\"{}-{syntax}\"", line.digest);
    if reply::has_already(ask.headers, &etag) {
        return Ok(reply::not_modified(&etag));
    }
    let indices: Vec<u32> = numbers.iter().map(|n| n - 1).collect();
    let compressed = imaging::syntax::of(&syntax).encapsulated();
    let (frames, syntax) = frames_of(&line, &open, &indices, syntax).await?;
    // As kept, pixels without compression are what they are in explicit little endian (PS3.18 §8.7.3.3).
    let media = if form.media == accept::OCTETS {
        accept::OCTETS
    } else {
        accept::media_of_frames(&syntax)
    };
    let kind = format!("{media}; transfer-syntax={syntax}");
    let mut response = packed(ask, of, form.parts, &kind, numbers, frames);
    if compressed {
        response.extensions_mut().insert(Incompressible);
    }
    reply::set(&mut response, header::ETAG, &etag);
    Ok(response)
}

/// The frames and the transfer syntax they are in.
async fn frames_of(
    line: &InstanceLine,
    open: &OpenImage,
    indices: &[u32],
    syntax: String,
) -> Result<(Vec<Bytes>, String), Refusal> {
    let layout = Layout::from_bytes(open.layout_bytes()).map_err(broken)?;
    let native = |s: &str| matches!(s, EXPLICIT_LITTLE | IMPLICIT_LITTLE);
    let as_it_is =
        syntax == line.transfer_syntax || (native(&syntax) && native(&line.transfer_syntax));
    let there = match &layout.frames {
        Frames::None => return Err(Refusal::not_found()),
        Frames::Within => line.frames,
        _ => layout.frame_count(),
    };
    if indices.iter().any(|n| *n >= there) {
        return Err(Refusal::not_found());
    }
    if as_it_is {
        let spans: Option<Vec<Vec<Span>>> = indices.iter().map(|n| layout.frame(*n)).collect();
        if let Some(spans) = spans {
            let mut frames = Vec::with_capacity(spans.len());
            for spans in &spans {
                frames.push(span_bytes(open, spans).await?);
            }
            let said = if native(&syntax) {
                EXPLICIT_LITTLE.to_owned()
            } else {
                syntax
            };
            return Ok((frames, said));
        }
    }
    // Deflated and big endian are no syntaxes of frames: these go uncompressed.
    let to = if imaging::syntax::of(&syntax).encapsulated() {
        syntax
    } else {
        EXPLICIT_LITTLE.to_owned()
    };
    let file = open.all().await?;
    let (indices, asked) = (indices.to_vec(), to.clone());
    let made = tokio::task::spawn_blocking(move || pixels::frames(&file, &indices, &asked));
    let frames = made
        .await
        .map_err(broken)?
        .map_err(|_| Refusal::not_acceptable())?;
    Ok((frames, to))
}

/// Bytes of an object by their places, one after the other.
async fn span_bytes(open: &OpenImage, spans: &[Span]) -> Result<Bytes, Refusal> {
    if spans.iter().map(|s| s.length).sum::<u64>() > FRAMES_BYTES_MAX {
        return Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "more than is answered at once",
        ));
    }
    if let [one] = spans {
        return Ok(open.range(one.offset..one.offset + one.length).await?);
    }
    let mut whole = Vec::new();
    for span in spans {
        whole.extend_from_slice(&open.range(span.offset..span.offset + span.length).await?);
    }
    Ok(Bytes::from(whole))
}

/// Pieces alone or in parts.
fn packed(
    ask: &Ask<'_>,
    of: &Of,
    parts: bool,
    kind: &str,
    numbers: &[u32],
    pieces: Vec<Bytes>,
) -> Response {
    if !parts && let [one] = &pieces[..] {
        return reply::content(ask.headers, kind, one.clone());
    }
    let boundary = multipart::boundary();
    let media = kind.split(';').next().unwrap_or(kind);
    let whole = format!("multipart/related; type=\"{media}\"; boundary={boundary}");
    let instance = of.instance.as_deref().unwrap_or_default();
    let series = of.series.as_deref().unwrap_or_default();
    let study = of.study.as_deref().unwrap_or_default();
    let at = format!(
        "{}/studies/{study}/series/{series}/instances/{instance}",
        ask.base()
    );
    let mut chunks = Vec::with_capacity(2 * pieces.len() + 1);
    for (n, piece) in pieces.into_iter().enumerate() {
        let location = numbers.get(n).map(|n| format!("{at}/frames/{n}"));
        let head = multipart::part_head(&boundary, kind, location.as_deref());
        let before = if n == 0 { "" } else { multipart::PART_END };
        chunks.push(Bytes::from(format!("{before}{head}")));
        chunks.push(piece);
    }
    let end = multipart::end(&boundary);
    chunks.push(Bytes::from(format!("{}{end}", multipart::PART_END)));
    let length: usize = chunks.iter().map(Bytes::len).sum();
    let chunks = chunks.into_iter().map(Ok::<_, std::io::Error>);
    let mut response = reply::body(
        StatusCode::OK,
        &whole,
        Body::from_stream(stream::iter(chunks)),
    );
    reply::set(&mut response, header::CONTENT_LENGTH, &length.to_string());
    response
}

/// The value that a BulkDataURI of the metadata names.
pub async fn bulk_data(ask: &Ask<'_>, of: &Of, path: &str) -> Result<Response, Refusal> {
    let form =
        accept::bulk(ask.headers, &ask.parameters, true).map_err(|_| Refusal::not_acceptable())?;
    if form.media != accept::OCTETS {
        return Err(Refusal::not_acceptable());
    }
    let (line, open) = one(ask, of).await?;
    let etag = format!("\"{}\"", line.digest);
    if reply::has_already(ask.headers, &etag) {
        return Ok(reply::not_modified(&etag));
    }
    let layout = Layout::from_bytes(open.layout_bytes()).map_err(broken)?;
    let named = layout.bulk.iter().find(|(p, _)| p == path).map(|(_, s)| *s);
    let bytes = match (named, &layout.frames) {
        (Some(span), _) => span_bytes(&open, &[span]).await?,
        (None, Frames::Native { all, .. }) if is_pixels(path) => span_bytes(&open, &[*all]).await?,
        _ => value_of(open.all().await?, path.to_owned()).await?,
    };
    let mut response = packed(ask, of, form.parts, accept::OCTETS, &[], vec![bytes]);
    reply::set(&mut response, header::ETAG, &etag);
    Ok(response)
}

fn is_pixels(path: &str) -> bool {
    matches!(path, "7FE00010" | "7FE00008" | "7FE00009")
}

/// The value at a path of metadata: a tag, or a sequence's tag, the item's number from 0, and the path within.
fn within(dataset: &Dataset, path: &str) -> Option<Bytes> {
    let (tag, rest) = path.split_once('/').unwrap_or((path, ""));
    let number = |at: std::ops::Range<usize>| u16::from_str_radix(tag.get(at)?, 16).ok();
    let of = imaging::Tag(number(0..4)?, number(4..8)?);
    if tag.len() != 8 {
        return None;
    }
    if rest.is_empty() {
        return dataset.bytes(of).cloned();
    }
    let (item, rest) = rest.split_once('/')?;
    within(dataset.items(of).get(item.parse::<usize>().ok()?)?, rest)
}

/// A value that is found only by reading the object: of deflated and big endian ones, and compressed pixels.
async fn value_of(file: Bytes, path: String) -> Result<Bytes, Refusal> {
    let found = tokio::task::spawn_blocking(move || {
        let object = Object::read(file, &Limits::default()).ok()?;
        if is_pixels(&path) {
            return match &object.pixel_element()?.data {
                Data::Bytes(bytes) => Some(bytes.clone()),
                // Without a frame's number the fragments one after the other (PS3.18 §10.4.1.1.5).
                Data::Fragments(fragments) => Some(Bytes::from(fragments.concat())),
                Data::Items(_) => None,
            };
        }
        within(object.dataset(), &path)
    });
    found.await.map_err(broken)?.ok_or_else(Refusal::not_found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use imaging::{Element, Tag, VR};

    #[test]
    fn a_value_within_items_is_found_by_its_path_and_nothing_by_a_wrong_one() {
        let data = Tag(0x5400, 0x1010);
        let group = |bytes: &'static [u8]| {
            let mut item = Dataset::new();
            item.put(Element {
                tag: data,
                vr: VR::OW,
                data: Data::Bytes(Bytes::from_static(bytes)),
            });
            item
        };
        let mut whole = Dataset::new();
        whole.put_items(Tag(0x5400, 0x0100), vec![group(b"ab"), group(b"cd")]);
        let of = |path: &str| within(&whole, path);
        assert_eq!(of("54000100/1/54001010").as_deref(), Some(&b"cd"[..]));
        assert_eq!(of("54000100/2/54001010"), None);
        assert_eq!(of("54000100/1"), None);
        assert_eq!(of("54000100/x/54001010"), None);
        assert_eq!(of("5400"), None);
    }
}
