//! Pixels: decoding to values, showing them, writing them in another transfer syntax.

mod colour;
mod description;
mod grey_jpeg;
mod image;
mod jpeg;
mod jpeg2000;
mod jpegls;
mod jpegxl;
mod look;
mod lut;
mod overlay;
mod render;
mod rle;
mod transcode;
mod unpacked;
mod values;

pub use description::{Description, Number, Photometric};
pub use image::{Crop, Image, Wanted};
pub use look::{Function, Look, Window, plane};
pub use overlay::{Overlay, overlays};
pub use render::render;
pub use transcode::{squeeze, transcode};
pub use unpacked::Unpacked;
pub use values::{Frame, Values};

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::dataset::Data;
use crate::error::ImagingError;
use crate::layout::{encapsulated, frame_bits};
use crate::object::Object;
use crate::syntax::{Codec, TransferSyntax};

/// Decodes a frame of an object, counted from 0.
///
/// # Errors
/// No pixels, no such frame, a code stream that is damaged or does not fit its description, or a codec that is not
/// decoded (video, unknown).
pub fn decode(object: &Object, index: u32) -> Result<Frame, ImagingError> {
    let description = Description::of(object.dataset())?;
    let (bytes, bit) = frame_bytes(object, index)?;
    decode_frame(&description, object.syntax(), &bytes, bit)
}

/// The bytes of a frame as they stand in the object, and the bit with which it begins (of images of one bit a pixel).
///
/// # Errors
/// No pixels, or no such frame.
pub fn frame_bytes(object: &Object, index: u32) -> Result<(Cow<'_, [u8]>, usize), ImagingError> {
    let none = || ImagingError::Pixels("no such frame".to_owned());
    let index = index.checked_sub(object.first_frame()).ok_or_else(none)?;
    let element = object.pixel_element().ok_or(ImagingError::Missing(
        dicom_dictionary_std::tags::PIXEL_DATA,
    ))?;
    match &element.data {
        Data::Bytes(bytes) => {
            let bits = frame_bits(object.dataset()).ok_or_else(none)?;
            let start = bits.checked_mul(u64::from(index)).ok_or_else(none)?;
            let end = start.checked_add(bits).ok_or_else(none)?.div_ceil(8);
            let range = usize::try_from(start / 8).map_err(|_| none())?
                ..usize::try_from(end).map_err(|_| none())?;
            let bytes = bytes.get(range).ok_or_else(none)?;
            Ok((Cow::Borrowed(bytes), (start % 8) as usize))
        }
        Data::Fragments(_) => {
            let frames = encapsulated(object).ok_or_else(none)?;
            let parts = frames.get(index as usize).ok_or_else(none)?;
            match parts.as_slice() {
                [one] => Ok((Cow::Owned(one.to_vec()), 0)),
                many => Ok((Cow::Owned(many.concat()), 0)),
            }
        }
        Data::Items(_) | Data::Away(_) => Err(none()),
    }
}

/// Decodes the bytes of one frame. `bit` is the bit with which a frame of one bit a pixel begins, else 0.
///
/// # Errors
/// As [`decode`].
pub fn decode_frame(
    description: &Description,
    syntax: &TransferSyntax,
    bytes: &[u8],
    bit: usize,
) -> Result<Frame, ImagingError> {
    let d = description;
    if syntax.codec != Codec::Native && d.number != Number::Whole {
        return Err(ImagingError::Unsupported(
            "compressed floating point pixels".to_owned(),
        ));
    }
    let mut photometric = match d.photometric {
        Photometric::YbrFull422 => Photometric::YbrFull,
        other => other,
    };
    let values = match syntax.codec {
        Codec::Native => values::from_native(bytes, bit, d)?,
        Codec::DeflatedFrame => values::from_native(&inflated(bytes, d)?, 0, d)?,
        Codec::Rle => {
            // Decoded with the samples of a pixel together, whatever planar configuration says, and never subsampled.
            let whole = Description {
                planar: false,
                photometric,
                ..*d
            };
            values::from_native(&rle::decode(bytes, d)?, 0, &whole)?
        }
        Codec::Jpeg => {
            let head = jpeg::header(bytes)?;
            fits(d, (head.rows, head.columns), head.components.len())?;
            let decoded = guarded(|| jpeg::decode(bytes))?;
            fits(d, (decoded.rows, decoded.columns), decoded.components)?;
            room(d, u32::from(decoded.precision))?;
            Values::from_bits(&decoded.samples, decoded.precision, d)
        }
        Codec::JpegLs => guarded(|| jpegls::decode(bytes, d))?,
        Codec::Jpeg2000 => {
            if matches!(photometric, Photometric::YbrRct | Photometric::YbrIct) {
                photometric = Photometric::Rgb;
            }
            guarded(|| jpeg2000::decode(bytes, d))?
        }
        Codec::JpegXl => {
            if photometric == Photometric::Xyb {
                photometric = Photometric::Rgb;
            }
            guarded(|| jpegxl::decode(bytes, d))?
        }
        Codec::Video | Codec::Unknown => {
            return Err(ImagingError::Unsupported(
                "pixels in this transfer syntax are not decoded".to_owned(),
            ));
        }
    };
    if values.len() != d.count() {
        return Err(ImagingError::Pixels(
            "fewer pixels than rows and columns want".to_owned(),
        ));
    }
    Ok(Frame {
        rows: d.rows,
        columns: d.columns,
        samples: d.samples,
        photometric,
        values,
    })
}

/// A code stream must be what the attributes describe before anything is allocated for it.
fn fits(
    d: &Description,
    (rows, columns): (u32, u32),
    components: usize,
) -> Result<(), ImagingError> {
    if (rows, columns, components) != (d.rows, d.columns, usize::from(d.samples)) {
        return Err(ImagingError::Pixels(
            "a code stream of another size than described".to_owned(),
        ));
    }
    Ok(())
}

/// A code stream's samples must find room in the bits allocated.
fn room(d: &Description, precision: u32) -> Result<(), ImagingError> {
    if precision > u32::from(d.allocated) || precision == 0 {
        return Err(ImagingError::Pixels(
            "a code stream of more bits than are allocated".to_owned(),
        ));
    }
    Ok(())
}

/// Runs a decoder of others: should it panic on a damaged stream, that is an error like any other.
fn guarded<T>(decoder: impl FnOnce() -> Result<T, ImagingError>) -> Result<T, ImagingError> {
    catch_unwind(AssertUnwindSafe(decoder))
        .unwrap_or_else(|_| Err(ImagingError::Pixels("damaged code stream".to_owned())))
}

fn inflated(bytes: &[u8], d: &Description) -> Result<Vec<u8>, ImagingError> {
    use std::io::Read;
    let bits = d.count() as u64 * u64::from(d.allocated);
    let most = bits.div_ceil(8) + 1;
    let mut out = Vec::new();
    flate2::read::DeflateDecoder::new(bytes)
        .take(most)
        .read_to_end(&mut out)
        .map_err(|_| ImagingError::Deflate)?;
    Ok(out)
}

#[cfg(test)]
mod tests;
