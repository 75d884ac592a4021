//! JPEG 2000 and high-throughput JPEG 2000 (ISO 15444-1, -15) by the Rust translation of OpenJPEG.

use jpeg2k::{DecodeParameters, Image};

use super::description::Description;
use super::values::Values;
use super::{fits, room};
use crate::error::ImagingError;

fn damaged() -> ImagingError {
    ImagingError::Pixels("damaged JPEG 2000".to_owned())
}

pub(super) fn decode(bytes: &[u8], d: &Description) -> Result<Values, ImagingError> {
    let (rows, columns, components) = size(bytes).ok_or_else(damaged)?;
    fits(d, (rows, columns), components)?;
    let parameters = DecodeParameters::new().strict(true);
    // Some writers leave out the end-of-codestream marker; what was decoded then counts all the same.
    let image = Image::from_bytes_with(bytes, parameters)
        .or_else(|_| Image::from_bytes(bytes))
        .map_err(|_| damaged())?;
    let parts = image.components();
    if parts.len() != components {
        return Err(damaged());
    }
    for part in parts {
        if (part.height(), part.width()) != (d.rows, d.columns) {
            return Err(ImagingError::Unsupported(
                "JPEG 2000 with subsampled components".to_owned(),
            ));
        }
        room(d, part.precision())?;
    }
    let values = (0..d.pixels()).flat_map(|at| {
        parts.iter().map(move |part| {
            let value = i64::from(part.data().get(at).copied().unwrap_or_default());
            let precision = part.precision();
            match (d.signed, part.is_signed()) {
                // Written by those who forgot to say so, on either side.
                (true, false) => (value << (64 - precision)) >> (64 - precision),
                (false, true) => value & ((1 << precision) - 1),
                _ => value,
            }
        })
    });
    Ok(Values::from_whole(values, d))
}

/// Rows, columns and components of the code stream (A.5.1), which may be wrapped in a file format.
fn size(bytes: &[u8]) -> Option<(u32, u32, usize)> {
    let head = bytes.get(..bytes.len().min(64 << 10))?;
    let at = head
        .windows(4)
        .position(|w| w == [0xff, 0x4f, 0xff, 0x51])?;
    let word = |offset: usize| {
        let four = bytes.get(at + offset..at + offset + 4)?;
        Some(u32::from_be_bytes(four.try_into().ok()?))
    };
    // SOC, SIZ, Lsiz, Rsiz, then the reference grid and the image's offset in it.
    let (columns, rows) = (
        word(8)?.checked_sub(word(16)?)?,
        word(12)?.checked_sub(word(20)?)?,
    );
    let (tile_columns, tile_rows) = (word(24)?, word(28)?);
    let components = u16::from_be_bytes(bytes.get(at + 40..at + 42)?.try_into().ok()?);
    // A multitude of tiles costs memory for each before any is decoded.
    let tiles = u64::from(columns).div_ceil(u64::from(tile_columns.max(1)))
        * u64::from(rows).div_ceil(u64::from(tile_rows.max(1)));
    (tiles <= 65_535).then_some((rows, columns, usize::from(components)))
}
