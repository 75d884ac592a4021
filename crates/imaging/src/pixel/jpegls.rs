//! JPEG-LS (ISO 14495-1) by CharLS.

use charls::{CharLS, FrameInfo, InterleaveMode};

use super::description::Description;
use super::values::{Values, interleaved};
use super::{fits, room};
use crate::error::ImagingError;

fn damaged() -> ImagingError {
    ImagingError::Pixels("damaged JPEG-LS".to_owned())
}

pub(super) fn decode(bytes: &[u8], d: &Description) -> Result<Values, ImagingError> {
    let info = CharLS::default()
        .get_frame_info(bytes)
        .map_err(|_| damaged())?;
    let components = usize::try_from(info.component_count).map_err(|_| damaged())?;
    fits(d, (info.height, info.width), components)?;
    let precision = u8::try_from(info.bits_per_sample).map_err(|_| damaged())?;
    room(d, u32::from(precision))?;
    let out = CharLS::default().decode(bytes).map_err(|_| damaged())?;
    let samples: Vec<u16> = if precision <= 8 {
        out.into_iter().map(u16::from).collect()
    } else {
        out.as_chunks()
            .0
            .iter()
            .map(|w| u16::from_ne_bytes(*w))
            .collect()
    };
    if samples.len() != d.count() {
        return Err(damaged());
    }
    let values = Values::from_bits(&samples, precision, d);
    Ok(if components > 1 && interleave(bytes) == Some(0) {
        interleaved(&values, d)
    } else {
        values
    })
}

/// The interleave mode of the first scan (C.2.3): the last but one byte of its header.
fn interleave(bytes: &[u8]) -> Option<u8> {
    let mut at = 2;
    loop {
        let [0xff, marker] = bytes.get(at..at + 2)? else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes(
            bytes.get(at + 2..at + 4)?.try_into().ok()?,
        ));
        if *marker == 0xda {
            return bytes.get(at + length).copied();
        }
        at += 2 + length;
    }
}

/// Encodes without loss; samples of a pixel together, as many bytes each as `precision` needs.
pub(super) fn encode(
    native: &[u8],
    d: &Description,
    precision: u8,
) -> Result<Vec<u8>, ImagingError> {
    let mut codec = CharLS::default();
    if d.samples > 1 {
        codec
            .set_interleave_mode(InterleaveMode::Sample)
            .map_err(|_| damaged())?;
    }
    let info = FrameInfo {
        width: d.columns,
        height: d.rows,
        bits_per_sample: i32::from(precision),
        component_count: i32::from(d.samples),
    };
    codec.encode(info, 0, native).map_err(|_| damaged())
}
