//! The picture a study opens with: named to the page before any script runs, so that it is the first thing on the screen.

use fhir::views::ImagingStudy;
use imaging::{Dataset, json, tags};
use kernel::RecordKey;
use store::ImageAsk;

use super::object::refused;
use crate::{App, AppError, Cx};

/// An image by its UIDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstImage {
    pub series: String,
    pub instance: String,
    pub rows: u32,
    pub columns: u32,
}

impl App {
    /// The image the viewer shows first: of the first series with pictures that end of its list which lies first in the body,
    /// as the viewer sorts it (head first where slices are axial). None while the study's record does not list its images.
    pub(crate) async fn first_image(
        &self,
        cx: &Cx,
        key: &RecordKey,
        study: &ImagingStudy,
    ) -> Result<Option<FirstImage>, AppError> {
        let written = |modality: Option<&str>| modality.is_some_and(crate::viewing::is_written);
        let Some(series) = study
            .series
            .iter()
            .find(|s| !written(s.modality.as_ref().and_then(|c| c.code.as_deref())))
        else {
            return Ok(None);
        };
        let Some(uid) = study.uid() else {
            return Ok(None);
        };
        let mut best: Option<(Option<f64>, FirstImage)> = None;
        for instance in &series.ends {
            let ask = ImageAsk {
                study: uid.to_owned(),
                series: Some(series.uid.clone()),
                instance: Some(instance.clone()),
                aside: false,
                meta: true,
                files: false,
                after: None,
                limit: 1,
            };
            let images = self.store.images();
            let lines = images.images(&cx.permit(), &key.hospital, &ask).await?;
            let Some(line) = lines.first() else { continue };
            let (Some(rows), Some(columns)) = (line.height, line.width) else {
                continue;
            };
            let data = json::parse(&super::read::unfolded(&line.meta)?, &|_| {
                Some(bytes::Bytes::new())
            })
            .map_err(refused)?;
            let place = place(&data);
            if best
                .as_ref()
                .is_none_or(|(p, _)| matches!((p, place), (Some(p), Some(q)) if q < *p))
            {
                let image = FirstImage {
                    series: series.uid.clone(),
                    instance: instance.clone(),
                    rows,
                    columns,
                };
                best = Some((place, image));
            }
        }
        Ok(best.map(|(_, image)| image))
    }
}

/// Where an image stands in its stack: what is less comes first.
fn place(data: &Dataset) -> Option<f64> {
    let position = data.floats(tags::IMAGE_POSITION_PATIENT);
    let turned = data.floats(tags::IMAGE_ORIENTATION_PATIENT);
    let ([x, y, z], [a, b, c, d, e, f]) = (&position[..], &turned[..]) else {
        return None;
    };
    let normal = [b * f - c * e, c * d - a * f, a * e - b * d];
    let depth = x * normal[0] + y * normal[1] + z * normal[2];
    // Axial slices are shown head first.
    Some(if normal[2].abs() > 0.8 { -depth } else { depth })
}
