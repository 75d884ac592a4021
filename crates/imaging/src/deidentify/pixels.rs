//! What pixels may show, and blanking it (PS3.15 E.3.1).

use bytes::Bytes;
use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::rules::{Kind, kind};
use super::{Profile, Refused};
use crate::dataset::{Data, Dataset, Element};
use crate::object::Object;
use crate::pixel::{self, Description, Values};

/// A part of every frame, in its own pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rectangle {
    /// First column, counted from 0.
    pub left: u32,
    /// First row.
    pub top: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// What is to be blanked: these parts, or all but those.
pub(super) enum Parts {
    Within(Vec<Rectangle>),
    Outside(Vec<Rectangle>),
}

/// Whether and where pixels have to be blanked.
///
/// Burned In Annotation says `NO`: nothing. Ultrasound that says where its image is (PS3.3 C.8.5.5): everything outside
/// it, where the machine writes names. `YES`, or a modality on which names are common: only with parts from the caller.
pub(super) fn to_blank(object: &Object, profile: &Profile) -> Result<Option<Parts>, Refused> {
    let data = object.dataset();
    let class = data.plain(tags::SOP_CLASS_UID).unwrap_or_default();
    if kind(class) != Kind::Image || object.pixel_element().is_none() {
        return Ok(None);
    }
    if let Some(parts) = &profile.blank
        && !parts.is_empty()
    {
        return Ok(Some(Parts::Within(parts.clone())));
    }
    let said = data.plain(tags::BURNED_IN_ANNOTATION);
    if said == Some("NO") {
        return Ok(None);
    }
    let modality = data.plain(tags::MODALITY).unwrap_or_default();
    let regions = regions(data);
    if modality == "US" && !regions.is_empty() && said != Some("YES") {
        return Ok(Some(Parts::Outside(regions)));
    }
    if profile.blank.is_some() {
        // Somebody looked and found nothing to blank.
        return Ok(None);
    }
    if said == Some("YES") || is_doubtful(class, modality) {
        return Err(Refused::BurnedIn);
    }
    Ok(None)
}

/// Objects on which machines and people write: screen captures, ultrasound, photographs and endoscopy, digitised film.
fn is_doubtful(class: &str, modality: &str) -> bool {
    let captured = class.starts_with("1.2.840.10008.5.1.4.1.1.7")
        || class.starts_with("1.2.840.10008.5.1.4.1.1.77.1.1")
        || class.starts_with("1.2.840.10008.5.1.4.1.1.77.1.4")
        || class.starts_with("1.2.840.10008.5.1.4.1.1.77.1.5");
    captured
        || matches!(
            modality,
            "US" | "SC" | "OT" | "ES" | "XC" | "DOC" | "HD" | "BMD" | "IVUS" | "OPT" | "" | "FID"
        )
}

fn regions(data: &Dataset) -> Vec<Rectangle> {
    data.items(tags::SEQUENCE_OF_ULTRASOUND_REGIONS)
        .iter()
        .filter_map(|region| {
            let side = |tag| region.int(tag).and_then(|n| u32::try_from(n).ok());
            let (left, top) = (
                side(tags::REGION_LOCATION_MIN_X0)?,
                side(tags::REGION_LOCATION_MIN_Y0)?,
            );
            let (right, bottom) = (
                side(tags::REGION_LOCATION_MAX_X1)?,
                side(tags::REGION_LOCATION_MAX_Y1)?,
            );
            Some(Rectangle {
                left,
                top,
                width: right.checked_sub(left)?.checked_add(1)?,
                height: bottom.checked_sub(top)?.checked_add(1)?,
            })
        })
        .collect()
}

/// Decodes every frame, blanks, puts the pixels back uncompressed.
pub(super) fn blank(object: &Object, data: &mut Dataset, parts: &Parts) -> Result<(), Refused> {
    // Photometric interpretation and planar configuration follow what was decoded.
    let plain = pixel::transcode(object, crate::syntax::EXPLICIT_LITTLE, 100)
        .map_err(|_| Refused::Pixels)?;
    let plain = Object::read(plain, &crate::Limits::default())?;
    let d = Description::of(plain.dataset()).map_err(|_| Refused::Pixels)?;
    if d.allocated == 1 {
        return Err(Refused::Pixels);
    }
    let mut out = Vec::new();
    for index in 0..d.frames {
        let mut frame = pixel::decode(&plain, index).map_err(|_| Refused::Pixels)?;
        for row in 0..d.rows {
            for column in 0..d.columns {
                if hidden(parts, row, column) {
                    let at = (row as usize * d.columns as usize + column as usize)
                        * usize::from(d.samples);
                    black(&mut frame.values, at, &d);
                }
            }
        }
        out.extend(frame.to_native(&d));
    }
    for tag in [tags::PHOTOMETRIC_INTERPRETATION, tags::HIGH_BIT] {
        if let Some(element) = plain.dataset().get(tag) {
            data.put(element.clone());
        }
    }
    if d.samples > 1 {
        let term = match d.photometric {
            pixel::Photometric::YbrFull422 => "YBR_FULL",
            other => other.term(),
        };
        data.put_text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, term);
        data.put_u16(tags::PLANAR_CONFIGURATION, 0);
    }
    // Values were shifted down to bit 0 when they were read.
    data.put_u16(tags::HIGH_BIT, d.stored - 1);
    data.remove(tags::EXTENDED_OFFSET_TABLE);
    data.remove(tags::EXTENDED_OFFSET_TABLE_LENGTHS);
    data.put(Element {
        tag: tags::PIXEL_DATA,
        vr: if d.allocated > 8 { VR::OW } else { VR::OB },
        data: Data::Bytes(Bytes::from(out)),
    });
    Ok(())
}

fn hidden(parts: &Parts, row: u32, column: u32) -> bool {
    let inside = |r: &Rectangle| {
        (r.top..r.top.saturating_add(r.height)).contains(&row)
            && (r.left..r.left.saturating_add(r.width)).contains(&column)
    };
    match parts {
        Parts::Within(list) => list.iter().any(inside),
        Parts::Outside(list) => !list.iter().any(inside),
    }
}

/// The value of black, or of nothing measured.
fn black(values: &mut Values, at: usize, d: &Description) {
    let samples = usize::from(d.samples);
    match values {
        Values::U8(v) => {
            let chroma = matches!(
                d.photometric,
                pixel::Photometric::YbrFull | pixel::Photometric::YbrFull422
            );
            for (n, place) in v.iter_mut().skip(at).take(samples).enumerate() {
                *place = if chroma && n > 0 { 128 } else { 0 };
            }
        }
        Values::U16(v) => v.iter_mut().skip(at).take(samples).for_each(|p| *p = 0),
        Values::I16(v) => {
            let least = -(1_i32 << (d.stored.clamp(1, 16) - 1));
            v.iter_mut()
                .skip(at)
                .take(samples)
                .for_each(|p| *p = least as i16);
        }
        Values::U32(v) => v.iter_mut().skip(at).take(samples).for_each(|p| *p = 0),
        Values::I32(v) => v.iter_mut().skip(at).take(samples).for_each(|p| *p = 0),
        Values::F32(v) => v.iter_mut().skip(at).take(samples).for_each(|p| *p = 0.0),
        Values::F64(v) => v.iter_mut().skip(at).take(samples).for_each(|p| *p = 0.0),
    }
}
