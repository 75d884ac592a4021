//! Rendered objects and thumbnails (PS3.18 §10.4.1.1.3, §10.4.1.1.4): what eyes see, in JPEG or PNG.

use app::imaging::{InstanceLine, OpenImage};
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::Response;
use imaging::pixel::Wanted;

use super::Ask;
use super::accept;
use super::address::Of;
use super::pictures::{Drawing, Pictures, Since};
use super::pieces::{HELD_BYTES_MAX, Reading};
use super::renderings::in_parts;
use super::reply::{self, Incompressible, Refusal};
use super::wado::{broken, one, target};
use crate::pixels::{self, Picture};

/// Pixels of a picture that is drawn at once, before and after it is scaled.
const QUICK_PIXELS_MAX: u64 = 512 * 512;
/// Thumbnails may be kept by the reader's browser for a moment: a list of studies shows them again and again.
const THUMBNAIL_KEPT: &str = "private, max-age=300";

pub fn picture(media: &str, quality: u8) -> Picture {
    if media == accept::PNG {
        Picture::Png
    } else {
        Picture::Jpeg { quality }
    }
}

pub async fn rendered(ask: &Ask<'_>, of: &Of, frames: &[u32]) -> Result<Response, Refusal> {
    let (media, parts) =
        accept::rendered(ask.headers, &ask.parameters).map_err(|_| Refusal::not_acceptable())?;
    let (wanted, quality) = pixels::parameters(&ask.parameters)
        .map_err(|name| Refusal::bad(format!("{name}: a value that cannot be used")))?;
    if parts && (of.instance.is_none() || !frames.is_empty()) {
        return Box::pin(in_parts(ask, of, frames, media, (wanted, quality))).await;
    }
    let frame = match frames {
        [] => 1,
        [one] => *one,
        // Several pictures are several parts.
        _ => return Err(Refusal::not_acceptable()),
    };
    let of = Box::pin(representative(ask, of)).await?;
    let since = ask.state.pictures.since();
    let (line, open) = one(ask, &of).await?;
    if frame > line.frames.max(1) {
        return Err(Refusal::not_found());
    }
    let etag = etag(ask, &line, frame, media);
    if reply::has_already(ask.headers, &etag) {
        return Ok(reply::not_modified(&etag));
    }
    let drawing = drawing(ask, &line, frame, media, false);
    let how = (wanted, picture(media, quality));
    let drawn = drawn_of(&ask.state.pictures, (drawing, since), &line, &open, how).await?;
    let mut response = reply::body(StatusCode::OK, media, drawn);
    response.extensions_mut().insert(Incompressible);
    reply::set(&mut response, header::ETAG, &etag);
    Ok(response)
}

pub async fn thumbnail(ask: &Ask<'_>, of: &Of, frame: Option<u32>) -> Result<Response, Refusal> {
    let (media, _) =
        accept::rendered(ask.headers, &ask.parameters).map_err(|_| Refusal::not_acceptable())?;
    let (mut wanted, quality) = pixels::parameters(&ask.parameters)
        .map_err(|name| Refusal::bad(format!("{name}: a value that cannot be used")))?;
    let side = pixels::THUMBNAIL;
    wanted.size.get_or_insert((side, side));
    wanted.overlays = false;
    let of = Box::pin(representative(ask, of)).await?;
    let since = ask.state.pictures.since();
    let (line, open) = one(ask, &of).await?;
    // The middle of a multi-frame object shows more than its edge.
    let frame = frame.unwrap_or(line.frames / 2 + 1);
    if frame > line.frames.max(1) {
        return Err(Refusal::not_found());
    }
    let etag = etag(ask, &line, frame, media);
    let mut response = if reply::has_already(ask.headers, &etag) {
        reply::not_modified(&etag)
    } else {
        let drawing = drawing(ask, &line, frame, media, true);
        let how = (wanted, picture(media, quality));
        let drawn = drawn_of(&ask.state.pictures, (drawing, since), &line, &open, how).await?;
        reply::body(StatusCode::OK, media, drawn)
    };
    response.extensions_mut().insert(Incompressible);
    reply::set(&mut response, header::ETAG, &etag);
    reply::set(&mut response, header::CACHE_CONTROL, THUMBNAIL_KEPT);
    Ok(response)
}

/// Names a rendering: the object's content and everything it depends on.
fn etag(ask: &Ask<'_>, line: &InstanceLine, frame: u32, media: &str) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    (frame, media, &ask.parameters).hash(&mut hasher);
    format!("\"{}-{:016x}\"", line.digest, hasher.finish())
}

/// The instance that stands for a series or study: one in the middle that has pixels.
async fn representative(ask: &Ask<'_>, of: &Of) -> Result<Of, Refusal> {
    if of.instance.is_some() {
        return Ok(of.clone());
    }
    let lines = ask
        .app
        .image_locate(&ask.cx, ask.hospital, &target(of)?)
        .await?;
    let shown: Vec<&InstanceLine> = lines.iter().filter(|l| l.rows.is_some()).collect();
    let middle = shown.get(shown.len() / 2).ok_or_else(Refusal::not_found)?;
    Ok(Of {
        study: Some(middle.study_uid.clone()),
        series: Some(middle.series_uid.clone()),
        instance: Some(middle.uid.clone()),
    })
}

fn drawing(
    ask: &Ask<'_>,
    line: &InstanceLine,
    frame: u32,
    media: &'static str,
    thumbnail: bool,
) -> Drawing {
    Drawing {
        digest: line.digest.clone(),
        frame,
        media,
        thumbnail,
        parameters: ask.parameters.clone(),
    }
}

/// The picture as it was drawn of late, or drawn now.
pub async fn drawn_of(
    pictures: &Pictures,
    (drawing, since): (Drawing, Since),
    line: &InstanceLine,
    open: &OpenImage,
    (wanted, picture): (Wanted, Picture),
) -> Result<Bytes, Refusal> {
    if let Some(there) = pictures.get(&drawing) {
        return Ok(there);
    }
    let drawn = Bytes::from(draw(line, open, drawing.frame, wanted, picture).await?);
    pictures.put(drawing, &drawn, since);
    Ok(drawn)
}

/// Whether a picture is drawn on the thread that asks: that takes less than a millisecond, as a read of the index may.
fn is_quick(line: &InstanceLine, wanted: &Wanted, picture: Picture) -> bool {
    let few = |width: u32, height: u32| u64::from(width) * u64::from(height) <= QUICK_PIXELS_MAX;
    let syntax = imaging::syntax::of(&line.transfer_syntax);
    line.size <= HELD_BYTES_MAX
        && !syntax.encapsulated()
        && !syntax.deflated
        && matches!(picture, Picture::Jpeg { .. })
        && line.rows.zip(line.columns).is_some_and(|(h, w)| few(w, h))
        && wanted.size.is_none_or(|(w, h)| few(w, h))
}

/// A frame of an object, counted from 1, as a picture.
async fn draw(
    line: &InstanceLine,
    open: &OpenImage,
    frame: u32,
    wanted: Wanted,
    picture: Picture,
) -> Result<Vec<u8>, Refusal> {
    let frame = frame - 1;
    let quick = is_quick(line, &wanted, picture);
    let read = Reading::of(line, open, frame).await?;
    let draw = move || pixels::rendered(&read.object()?, frame, &wanted, picture);
    let drawn = if quick {
        draw()
    } else {
        tokio::task::spawn_blocking(draw).await.map_err(broken)?
    };
    drawn.map_err(|_| {
        Refusal::new(
            StatusCode::NOT_ACCEPTABLE,
            "this object cannot be shown as a picture",
        )
    })
}
