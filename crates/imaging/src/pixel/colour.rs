//! Colour as red, green and blue of eight bits.

use super::description::{Description, Photometric};
use super::lut::Palette;
use super::values::{Frame, Values};
use crate::error::ImagingError;

/// The pixels of a colour frame as red, green, blue.
pub(super) fn rgb(
    frame: &Frame,
    description: &Description,
    palette: Option<&Palette>,
) -> Result<Vec<u8>, ImagingError> {
    if frame.photometric == Photometric::Palette {
        let palette = palette.ok_or_else(|| {
            ImagingError::Pixels("a palette image without its palette".to_owned())
        })?;
        return Ok((0..frame.values.len())
            .flat_map(|at| palette.at(frame.values.get(at).unwrap_or_default()))
            .collect());
    }
    let eight = eight_bits(&frame.values, description);
    Ok(match frame.photometric {
        Photometric::YbrFull | Photometric::YbrFull422 => {
            let pixels = eight.as_chunks::<3>().0.iter();
            pixels.flat_map(|p| ycc(*p)).collect()
        }
        _ => eight,
    })
}

fn eight_bits(values: &Values, description: &Description) -> Vec<u8> {
    let down = description.stored.saturating_sub(8);
    match values {
        Values::U8(v) if description.stored == 8 => v.clone(),
        Values::U8(v) => {
            let most = (1_u32 << description.stored.min(8)) - 1;
            v.iter()
                .map(|n| (u32::from(*n) * 255 / most.max(1)).min(255) as u8)
                .collect()
        }
        Values::U16(v) => v
            .iter()
            .map(|n| (n >> down.min(15)).min(255) as u8)
            .collect(),
        Values::U32(v) => v
            .iter()
            .map(|n| (n >> down.min(31)).min(255) as u8)
            .collect(),
        other => (0..other.len())
            .map(|at| other.get(at).unwrap_or_default().clamp(0.0, 255.0) as u8)
            .collect(),
    }
}

/// Full-range YCbCr (PS3.3 C.7.6.3.1.2, after ITU-R BT.601).
fn ycc([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    let byte = |v: f32| v.round().clamp(0.0, 255.0) as u8;
    [
        byte(y + 1.402 * cr),
        byte(y - 0.344_136 * cb - 0.714_136 * cr),
        byte(y + 1.772 * cb),
    ]
}
