//! WADO-RS (PS3.18 §10.4): objects, their metadata, frames and bulk data.

use app::imaging::{InstanceLine, OpenImage, Place, Target};
use app::{App, Cx};
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use imaging::layout::Frames;
use imaging::{Data, Dataset, Layout, Limits, Object};
use kernel::HospitalId;

use super::Ask;
use super::accept::{self, Form, Syntax};
use super::address::Of;
use super::multipart;
use super::pieces::{self, HELD_BYTES_MAX, Piece, Reading};
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

pub fn broken(_: impl std::fmt::Display) -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "a fault of ours")
}

/// The one instance of an address, opened.
pub async fn one(ask: &Ask<'_>, of: &Of) -> Result<(InstanceLine, OpenImage), Refusal> {
    let open = ask
        .app
        .image_one(&ask.cx, ask.hospital, &target(of)?)
        .await?;
    Ok((open.line.clone(), open))
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
        rest: None,
        ended: false,
    };
    // One object is checked before the answer begins: what it says about the form holds for most.
    let (first, walk) = walk.step().await?.ok_or_else(Refusal::not_found)?;
    let begin = stream::iter([Ok::<_, std::io::Error>(first)]);
    let rest = stream::try_unfold(walk, |walk| async {
        walk.step()
            .await
            .map_err(|refusal| std::io::Error::other(refusal.words))
    });
    let body = Body::from_stream(begin.chain(rest));
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
    let open = ask.app.image_open(&ask.cx, line).await?;
    let kind = format!("application/dicom; transfer-syntax={syntax}");
    let mut response = if line.size > HELD_BYTES_MAX && syntax == line.transfer_syntax {
        reply::content_of(ask.headers, &kind, line.size, |range| {
            pieces::body(open, [Piece::Of(range)])
        })
    } else {
        let file = in_syntax(open.all().await?, &line.transfer_syntax, syntax).await?;
        reply::content(ask.headers, &kind, file)
    };
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

/// A walk over objects that are sent one after the other: one of them is in memory, or a piece of it when it is large.
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
    /// What is left of a large object.
    rest: Option<BoxStream<'static, std::io::Result<Bytes>>>,
    ended: bool,
}

type Step = Result<Option<(Bytes, Walk)>, Refusal>;

impl Walk {
    async fn step(mut self) -> Step {
        if let Some(rest) = &mut self.rest {
            if let Some(piece) = rest.next().await {
                return Ok(Some((piece.map_err(broken)?, self)));
            }
            self.rest = None;
        }
        if self.ended {
            return Ok(None);
        }
        if self.lines.is_empty()
            && let Some(place) = self.next.take()
        {
            let page = self
                .app
                .image_page(&self.cx, &self.hospital, &self.target, Some(&place), PAGE)
                .await?;
            (self.lines, self.next) = (page.0.into(), page.1);
        }
        let Some(line) = self.lines.pop_front() else {
            self.ended = true;
            let end = Bytes::from(multipart::end(&self.boundary));
            return Ok(Some((end, self)));
        };
        let part = self.part(&line).await?;
        Ok(Some((part, self)))
    }

    /// An object as a part, or the head of the part and the rest of it to come.
    async fn part(&mut self, line: &InstanceLine) -> Result<Bytes, Refusal> {
        let syntax = wanted(&self.form.syntax, &line.transfer_syntax);
        let kind = format!("application/dicom; transfer-syntax={syntax}");
        let location = format!(
            "{}/studies/{}/series/{}/instances/{}",
            self.base, line.study_uid, line.series_uid, line.uid
        );
        let head = multipart::part_head(&self.boundary, &kind, Some(&location));
        let open = self.app.image_open(&self.cx, line).await?;
        let end = multipart::PART_END;
        if line.size > HELD_BYTES_MAX && syntax == line.transfer_syntax {
            let rest = [
                Piece::Of(0..line.size),
                Piece::Bytes(Bytes::from_static(end.as_bytes())),
            ];
            self.rest = Some(pieces::stream(open, rest).boxed());
            return Ok(Bytes::from(head));
        }
        let file = in_syntax(open.all().await?, &line.transfer_syntax, syntax).await?;
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
    let (rows, next) = ask
        .app
        .image_metadata_at(&ask.cx, ask.hospital, &target, None, PAGE, ask.base())
        .await?;
    if rows.is_empty() {
        return Err(Refusal::not_found());
    }
    let first = joined(&rows, true);
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
        ask.base(),
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
            let at = Some(&place);
            let page = app.image_metadata_at(&cx, &hospital, &target, at, PAGE, base.clone());
            let (rows, next) = page
                .await
                .map_err(|e| std::io::Error::other(e.to_string()))?;
            let some = Bytes::from(joined(&rows, false));
            Ok(Some((some, (app, cx, hospital, target, base, next, false))))
        },
    );
    let body = Body::from_stream(begin.chain(rest));
    Ok(reply::body(StatusCode::OK, accept::JSON, body))
}

/// Rows behind each other.
fn joined(rows: &[Bytes], first: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.iter().map(|r| r.len() + 1).sum::<usize>() + 1);
    for (n, row) in rows.iter().enumerate() {
        out.push(if first && n == 0 { b'[' } else { b',' });
        out.extend_from_slice(row);
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
    let mut response = packed(ask, of, form.parts, &kind, numbers, open, frames).await?;
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
) -> Result<(Vec<Frame>, String), Refusal> {
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
        let frame = |n: &u32| Some(layout.frame(*n)?.iter().map(Piece::from).collect());
        if let Some(frames) = indices.iter().map(frame).collect::<Option<Vec<Frame>>>() {
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
    if to == EXPLICIT_LITTLE && line.size > HELD_BYTES_MAX {
        return Ok((decoded(line, open, indices).await?, to));
    }
    let file = open.all().await?;
    let (indices, asked) = (indices.to_vec(), to.clone());
    let made = tokio::task::spawn_blocking(move || pixels::frames(&file, &indices, &asked));
    let frames = made
        .await
        .map_err(broken)?
        .map_err(|_| Refusal::not_acceptable())?;
    let frames = frames.into_iter().map(|f| vec![Piece::Bytes(f)]);
    Ok((frames.collect(), to))
}

/// Frames of a large object, one after the other.
async fn decoded(
    line: &InstanceLine,
    open: &OpenImage,
    indices: &[u32],
) -> Result<Vec<Frame>, Refusal> {
    let mut frames = Vec::with_capacity(indices.len());
    for index in indices.iter().copied() {
        let read = Reading::of(line, open, index).await?;
        let made =
            tokio::task::spawn_blocking(move || pixels::uncompressed(&read.object()?, index));
        let frame = made
            .await
            .map_err(broken)?
            .map_err(|_| Refusal::not_acceptable())?;
        frames.push(vec![Piece::Bytes(frame)]);
    }
    Ok(frames)
}

/// What one frame or value consists of.
type Frame = Vec<Piece>;

/// The bytes of each, in memory.
async fn held(open: &OpenImage, frames: Vec<Frame>) -> Result<Vec<Frame>, Refusal> {
    let mut all = Vec::with_capacity(frames.len());
    for frame in frames {
        let mut bytes = Vec::with_capacity(frame.len());
        for piece in frame {
            bytes.push(match piece {
                Piece::Bytes(bytes) => bytes,
                Piece::Of(range) => open.range(range).await?,
            });
        }
        let whole = match <[Bytes; 1]>::try_from(bytes) {
            Ok([one]) => one,
            Err(many) => Bytes::from(many.concat()),
        };
        all.push(vec![Piece::Bytes(whole)]);
    }
    Ok(all)
}

/// Frames or values alone or in parts; what is much is read as it is sent.
async fn packed(
    ask: &Ask<'_>,
    of: &Of,
    parts: bool,
    kind: &str,
    numbers: &[u32],
    open: OpenImage,
    mut frames: Vec<Frame>,
) -> Result<Response, Refusal> {
    let total: u64 = frames.iter().flatten().map(Piece::len).sum();
    if total > FRAMES_BYTES_MAX {
        return Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "more than is answered at once",
        ));
    }
    if total <= HELD_BYTES_MAX {
        frames = held(&open, frames).await?;
    }
    if !parts && frames.len() == 1 {
        let one = frames.pop().unwrap_or_default();
        return Ok(match &one[..] {
            [Piece::Bytes(bytes)] => reply::content(ask.headers, kind, bytes.clone()),
            [Piece::Of(all)] => reply::content_of(ask.headers, kind, total, |part| {
                let part = all.start + part.start..all.start + part.end;
                pieces::body(open, [Piece::Of(part)])
            }),
            _ => sized(kind, total, pieces::body(open, one)),
        });
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
    let mut all = Vec::with_capacity(2 * frames.len() + 1);
    for (n, frame) in frames.into_iter().enumerate() {
        let location = numbers.get(n).map(|n| format!("{at}/frames/{n}"));
        let head = multipart::part_head(&boundary, kind, location.as_deref());
        let before = if n == 0 { "" } else { multipart::PART_END };
        all.push(Piece::Bytes(Bytes::from(format!("{before}{head}"))));
        all.extend(frame);
    }
    let end = multipart::end(&boundary);
    all.push(Piece::Bytes(Bytes::from(format!(
        "{}{end}",
        multipart::PART_END
    ))));
    let length = all.iter().map(Piece::len).sum();
    Ok(sized(&whole, length, pieces::body(open, all)))
}

/// An answer whose length is known before it is made.
fn sized(kind: &str, length: u64, body: Body) -> Response {
    let mut response = reply::body(StatusCode::OK, kind, body);
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
    let value = match (named, &layout.frames) {
        (Some(span), _) => Piece::from(&span),
        (None, Frames::Native { all, .. }) if is_pixels(path) => Piece::from(all),
        _ => Piece::Bytes(value_of(open.all().await?, path.to_owned()).await?),
    };
    let of_one = vec![vec![value]];
    let mut response = packed(ask, of, form.parts, accept::OCTETS, &[], open, of_one).await?;
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
                Data::Items(_) | Data::Away(_) => None,
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
