//! Rendered objects and thumbnails (PS3.18 §10.4.1.1.3, §10.4.1.1.4): what eyes see, in JPEG or PNG.

use app::imaging::{InstanceLine, OpenImage, Target};
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::Response;
use imaging::pixel::Wanted;

use super::Ask;
use super::accept;
use super::address::Of;
use super::multipart;
use super::pictures::Drawing;
use super::pieces::Reading;
use super::reply::{self, Incompressible, Refusal};
use super::wado::{broken, one, target};
use crate::pixels::{self, Picture};

/// Instances of a series or study that are rendered in one answer.
const RENDERED_MAX: u32 = 64;
/// Thumbnails may be kept by the reader's browser for a moment: a list of studies shows them again and again.
const THUMBNAIL_KEPT: &str = "private, max-age=300";

fn picture(media: &str, quality: u8) -> Picture {
    if media == accept::PNG {
        Picture::Png
    } else {
        Picture::Jpeg { quality }
    }
}

pub async fn rendered(ask: &Ask<'_>, of: &Of, frame: Option<u32>) -> Result<Response, Refusal> {
    let (media, parts) =
        accept::rendered(ask.headers, &ask.parameters).map_err(|_| Refusal::not_acceptable())?;
    let (wanted, quality) = pixels::parameters(&ask.parameters)
        .map_err(|name| Refusal::bad(format!("{name}: a value that cannot be used")))?;
    if parts && of.instance.is_none() {
        return in_parts(ask, of, media, &wanted, quality).await;
    }
    let of = Box::pin(representative(ask, of)).await?;
    let (line, open) = one(ask, &of).await?;
    let frame = frame.unwrap_or(1);
    if frame > line.frames.max(1) {
        return Err(Refusal::not_found());
    }
    let etag = etag(ask, &line, frame, media);
    if reply::has_already(ask.headers, &etag) {
        return Ok(reply::not_modified(&etag));
    }
    let drawing = drawing(ask, &line, frame, media, false);
    let how = (wanted, picture(media, quality));
    let drawn = drawn(ask, drawing, &line, &open, how).await?;
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
        let drawn = drawn(ask, drawing, &line, &open, how).await?;
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
async fn drawn(
    ask: &Ask<'_>,
    drawing: Drawing,
    line: &InstanceLine,
    open: &OpenImage,
    (wanted, picture): (Wanted, Picture),
) -> Result<Bytes, Refusal> {
    let pictures = &ask.state.pictures;
    if let Some(there) = pictures.get(&drawing) {
        return Ok(there);
    }
    let drawn = Bytes::from(draw(line, open, drawing.frame, wanted, picture).await?);
    pictures.put(drawing, &drawn);
    Ok(drawn)
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
    let read = Reading::of(line, open, frame).await?;
    let drawn = tokio::task::spawn_blocking(move || {
        pixels::rendered(&read.object()?, frame, &wanted, picture)
    });
    drawn.await.map_err(broken)?.map_err(|_| {
        Refusal::new(
            StatusCode::NOT_ACCEPTABLE,
            "this object cannot be shown as a picture",
        )
    })
}

/// Each instance of a series or study that can be shown.
async fn in_parts(
    ask: &Ask<'_>,
    of: &Of,
    media: &str,
    wanted: &Wanted,
    quality: u8,
) -> Result<Response, Refusal> {
    let meant: Target = target(of)?;
    let (lines, more) = ask
        .app
        .image_page(&ask.cx, ask.hospital, &meant, None, RENDERED_MAX)
        .await?;
    if more.is_some() {
        return Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "more instances than are rendered at once",
        ));
    }
    let boundary = multipart::boundary();
    let mut out = Vec::new();
    for line in lines.iter().filter(|l| l.rows.is_some()) {
        let open = ask.app.image_open(&ask.cx, line).await?;
        let drawn = draw(line, &open, 1, wanted.clone(), picture(media, quality)).await?;
        out.extend_from_slice(multipart::part_head(&boundary, media, None).as_bytes());
        out.extend_from_slice(&drawn);
        out.extend_from_slice(multipart::PART_END.as_bytes());
    }
    if out.is_empty() {
        return Err(Refusal::not_found());
    }
    out.extend_from_slice(multipart::end(&boundary).as_bytes());
    let kind = format!("multipart/related; type=\"{media}\"; boundary={boundary}");
    let mut response = reply::body(StatusCode::OK, &kind, Body::from(out));
    response.extensions_mut().insert(Incompressible);
    Ok(response)
}
