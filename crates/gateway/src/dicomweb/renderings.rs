//! Many renderings in one answer (PS3.18 §10.4.1.1.3 with `multipart/related`): sent as they are drawn, in the order asked for, so
//! that a viewer on a slow line pays its delay once for all of them and may end the answer as soon as it wants others.

use std::sync::Arc;

use app::Cx;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::Response;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use imaging::pixel::Wanted;
use kernel::HospitalId;

use super::address::Of;
use super::multipart;
use super::pictures::Drawing;
use super::rendered::{drawn_of, picture};
use super::reply::{self, Incompressible, Refusal};
use super::wado::target;
use super::{Ask, DicomWeb};
use crate::dimse::classes::is_uid;

/// Pictures in one answer.
const RENDERED_MAX: usize = 64;
/// Pictures that are drawn at a time for one answer.
const DRAWN_AT_ONCE: usize = 3;
/// Names the instances of a series that are wanted, in the order wanted: a list of UIDs as in a query (PS3.18 §8.3.4.1).
const INSTANCES: &str = "SOPInstanceUID";

/// What the pictures of one answer have in common.
struct Sheet {
    state: DicomWeb,
    cx: Cx,
    hospital: HospitalId,
    base: String,
    boundary: String,
    media: &'static str,
    wanted: Wanted,
    quality: u8,
    /// What the way of drawing was asked with.
    parameters: Vec<(String, String)>,
}

/// One picture: the object and, where frames were named, which.
type One = (Of, Option<u32>);

/// The objects of a study or series that can be shown, those of them that are named, or frames of one object.
pub async fn in_parts(
    ask: &Ask<'_>,
    of: &Of,
    frames: &[u32],
    media: &'static str,
    (wanted, quality): (Wanted, u8),
) -> Result<Response, Refusal> {
    let all = several(ask, of, frames).await?;
    let sheet = Arc::new(Sheet {
        state: ask.state.clone(),
        cx: ask.cx.clone(),
        hospital: ask.hospital.clone(),
        base: ask.base(),
        boundary: multipart::boundary(),
        media,
        wanted,
        quality,
        parameters: ask
            .parameters
            .iter()
            .filter(|(name, _)| name != INSTANCES)
            .cloned()
            .collect(),
    });
    let boundary = sheet.boundary.clone();
    let parts = stream::iter(all)
        .map(move |one| {
            let sheet = Arc::clone(&sheet);
            async move { sheet.part(one).await }
        })
        .buffered(DRAWN_AT_ONCE)
        .try_filter_map(|part| async { Ok(part) });
    let mut parts = Box::pin(parts);
    // What is wrong with the first is wrong with the answer.
    let first = parts.try_next().await?.ok_or_else(Refusal::not_found)?;
    let end = Bytes::from(multipart::end(&boundary));
    let body = stream::once(async { Ok(first) })
        .chain(parts.map_err(|refusal| std::io::Error::other(refusal.words)))
        .chain(stream::once(async { Ok(end) }));
    let kind = format!("multipart/related; type=\"{media}\"; boundary={boundary}");
    let mut response = reply::body(StatusCode::OK, &kind, Body::from_stream(body));
    response.extensions_mut().insert(Incompressible);
    Ok(response)
}

/// Which pictures are meant, in order.
async fn several(ask: &Ask<'_>, of: &Of, frames: &[u32]) -> Result<Vec<One>, Refusal> {
    let too_much = || {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "more instances than are rendered at once",
        )
    };
    let within = |count: usize| {
        if count > RENDERED_MAX {
            Err(too_much())
        } else {
            Ok(())
        }
    };
    if of.instance.is_some() {
        within(frames.len())?;
        let all = frames.iter().map(|frame| (of.clone(), Some(*frame)));
        return Ok(all.collect());
    }
    let instance = |uid: &str| {
        let of = Of {
            instance: Some(uid.to_owned()),
            ..of.clone()
        };
        (of, None)
    };
    if let Some((_, named)) = ask.parameters.iter().find(|(name, _)| name == INSTANCES) {
        let named: Vec<&str> = named.split(',').collect();
        within(named.len())?;
        if !named.iter().all(|uid| is_uid(uid)) {
            return Err(Refusal::bad(format!("{INSTANCES}: a UID that is none")));
        }
        return Ok(named.into_iter().map(instance).collect());
    }
    let most = u32::try_from(RENDERED_MAX).unwrap_or(u32::MAX);
    let (lines, more) = ask
        .app
        .image_page(&ask.cx, ask.hospital, &target(of)?, None, most)
        .await?;
    if more.is_some() {
        return Err(too_much());
    }
    let shown = lines.iter().filter(|l| l.rows.is_some());
    Ok(shown.map(|l| instance(&l.uid)).collect())
}

impl Sheet {
    /// One part; none of what is not there or cannot be drawn. The permit is asked anew for each.
    async fn part(&self, (of, frame): One) -> Result<Option<Bytes>, Refusal> {
        let since = self.state.pictures.since();
        let open = self
            .state
            .app
            .image_one(&self.cx, &self.hospital, &target(&of)?)
            .await;
        let open = match open {
            Ok(open) => open,
            Err(app::AppError::NotFound) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let line = open.line.clone();
        let drawing = Drawing {
            digest: line.digest.clone(),
            frame: frame.unwrap_or(1),
            media: self.media,
            thumbnail: false,
            parameters: self.parameters.clone(),
        };
        if line.rows.is_none() || drawing.frame > line.frames.max(1) {
            return Ok(None);
        }
        let how = (self.wanted.clone(), picture(self.media, self.quality));
        let drawing = (drawing, since);
        let drawn = match drawn_of(&self.state.pictures, drawing, &line, &open, how).await {
            Ok(drawn) => drawn,
            Err(refusal) if refusal.status == StatusCode::NOT_ACCEPTABLE => return Ok(None),
            Err(refusal) => return Err(refusal),
        };
        let frames = frame.map_or_else(String::new, |n| format!("/frames/{n}"));
        let location = format!(
            "{}/studies/{}/series/{}/instances/{}{frames}/rendered",
            self.base, line.study_uid, line.series_uid, line.uid
        );
        let head = multipart::sized_head(&self.boundary, self.media, &location, drawn.len());
        let part = [head.as_bytes(), &drawn, multipart::PART_END.as_bytes()].concat();
        Ok(Some(Bytes::from(part)))
    }
}
