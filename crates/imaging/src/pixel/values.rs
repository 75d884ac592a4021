//! Samples of a frame as numbers.

use super::description::{Description, Number, Photometric};
use crate::error::ImagingError;

/// Stored values, pixel after pixel, the samples of a pixel together.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// 1 or 8 bits.
    U8(Vec<u8>),
    /// 16 bits.
    U16(Vec<u16>),
    /// Signed, 8 or 16 bits.
    I16(Vec<i16>),
    /// 32 bits.
    U32(Vec<u32>),
    /// Signed, 32 bits.
    I32(Vec<i32>),
    /// Floating point.
    F32(Vec<f32>),
    /// Floating point.
    F64(Vec<f64>),
}

/// One decoded frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// Samples a pixel.
    pub samples: u16,
    /// What they mean now that they are decoded (a code stream's own colour transform is undone).
    pub photometric: Photometric,
    /// The samples.
    pub values: Values,
}

impl Values {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Values::U8(v) => v.len(),
            Values::U16(v) => v.len(),
            Values::I16(v) => v.len(),
            Values::U32(v) => v.len(),
            Values::I32(v) => v.len(),
            Values::F32(v) => v.len(),
            Values::F64(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them as a number.
    pub fn get(&self, at: usize) -> Option<f64> {
        Some(match self {
            Values::U8(v) => f64::from(*v.get(at)?),
            Values::U16(v) => f64::from(*v.get(at)?),
            Values::I16(v) => f64::from(*v.get(at)?),
            Values::U32(v) => f64::from(*v.get(at)?),
            Values::I32(v) => f64::from(*v.get(at)?),
            Values::F32(v) => f64::from(*v.get(at)?),
            Values::F64(v) => *v.get(at)?,
        })
    }

    /// From whole numbers that a decoder gave, in the narrowest type that holds what is described.
    pub(crate) fn from_whole(
        values: impl Iterator<Item = i64>,
        description: &Description,
    ) -> Values {
        match (description.signed, description.allocated) {
            (false, ..=8) => Values::U8(values.map(|v| v as u8).collect()),
            (false, ..=16) => Values::U16(values.map(|v| v as u16).collect()),
            (false, _) => Values::U32(values.map(|v| v as u32).collect()),
            (true, ..=16) => Values::I16(values.map(|v| v as i16).collect()),
            (true, _) => Values::I32(values.map(|v| v as i32).collect()),
        }
    }

    /// From the bits of code-stream samples of `precision` bits: extended by their sign where pixels are signed.
    pub(crate) fn from_bits(bits: &[u16], precision: u8, description: &Description) -> Values {
        if !description.signed {
            return if description.allocated <= 8 {
                Values::U8(bits.iter().map(|b| *b as u8).collect())
            } else if description.allocated <= 16 {
                Values::U16(bits.to_vec())
            } else {
                Values::U32(bits.iter().map(|b| u32::from(*b)).collect())
            };
        }
        // What is stored may be wider than the stream's precision only if it is padded, never if it is signed.
        let width = u32::from(precision)
            .min(u32::from(description.stored))
            .clamp(1, 16);
        let shift = 16 - width;
        Values::I16(
            bits.iter()
                .map(|b| ((b << shift) as i16) >> shift)
                .collect(),
        )
    }
}

impl Frame {
    /// The frame as it stands uncompressed in little endian, samples of a pixel together (PS3.5 §8.1.1): what
    /// `application/octet-stream` of a frame gives. Bits above those stored repeat the sign, others are zero.
    pub fn to_native(&self, description: &Description) -> Vec<u8> {
        let bytes = usize::from(description.allocated.div_ceil(8));
        match &self.values {
            Values::U8(v) if description.allocated == 1 => pack(v),
            Values::U8(v) => v.clone(),
            Values::I16(v) if bytes == 1 => v.iter().map(|n| *n as u8).collect(),
            Values::U16(v) => v.iter().flat_map(|n| n.to_le_bytes()).collect(),
            Values::I16(v) => v.iter().flat_map(|n| n.to_le_bytes()).collect(),
            Values::U32(v) => v.iter().flat_map(|n| n.to_le_bytes()).collect(),
            Values::I32(v) => v.iter().flat_map(|n| n.to_le_bytes()).collect(),
            Values::F32(v) => v.iter().flat_map(|n| n.to_le_bytes()).collect(),
            Values::F64(v) => v.iter().flat_map(|n| n.to_le_bytes()).collect(),
        }
    }
}

fn pack(bits: &[u8]) -> Vec<u8> {
    bits.chunks(8)
        .map(|eight| {
            eight
                .iter()
                .enumerate()
                .fold(0, |byte, (at, bit)| byte | ((bit & 1) << at))
        })
        .collect()
}

/// Values of a frame that is not compressed; `bit` is where it begins for images of one bit a pixel.
pub(crate) fn from_native(
    bytes: &[u8],
    bit: usize,
    d: &Description,
) -> Result<Values, ImagingError> {
    let short = || ImagingError::Pixels("fewer pixel data than rows and columns want".to_owned());
    let count = d.count();
    if d.allocated == 1 {
        if bytes.len() * 8 < bit + count {
            return Err(short());
        }
        let values = (bit..bit + count)
            .map(|at| (bytes[at / 8] >> (at % 8)) & 1)
            .collect();
        return Ok(Values::U8(values));
    }
    if d.photometric == Photometric::YbrFull422 {
        return from_422(bytes, d);
    }
    let width = usize::from(d.allocated / 8);
    let bytes = bytes.get(..count * width).ok_or_else(short)?;
    let values = match d.number {
        Number::Float => Values::F32(
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|w| f32::from_le_bytes(*w))
                .collect(),
        ),
        Number::Double => Values::F64(
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|w| f64::from_le_bytes(*w))
                .collect(),
        ),
        Number::Whole => whole(bytes, d),
    };
    Ok(if d.planar {
        interleaved(&values, d)
    } else {
        values
    })
}

fn whole(bytes: &[u8], d: &Description) -> Values {
    let (low, unused) = (
        u32::from(d.high + 1 - d.stored),
        u32::from(d.allocated - d.high - 1),
    );
    let plain = low == 0 && unused == 0;
    match (d.allocated, d.signed) {
        (8, false) if plain => Values::U8(bytes.to_vec()),
        (8, false) => Values::U8(
            bytes
                .iter()
                .map(|b| (b << unused) >> (unused + low))
                .collect(),
        ),
        (8, true) => Values::I16(
            bytes
                .iter()
                .map(|b| i16::from(((b << unused) as i8) >> (unused + low)))
                .collect(),
        ),
        (16, false) => {
            let words = bytes.as_chunks().0.iter();
            Values::U16(
                words
                    .map(|w| (u16::from_le_bytes(*w) << unused) >> (unused + low))
                    .collect(),
            )
        }
        (16, true) => {
            let words = bytes.as_chunks().0.iter();
            Values::I16(
                words
                    .map(|w| (i16::from_le_bytes(*w) << unused) >> (unused + low))
                    .collect(),
            )
        }
        (_, false) => {
            let words = bytes.as_chunks().0.iter();
            Values::U32(
                words
                    .map(|w| (u32::from_le_bytes(*w) << unused) >> (unused + low))
                    .collect(),
            )
        }
        (_, true) => {
            let words = bytes.as_chunks().0.iter();
            Values::I32(
                words
                    .map(|w| (i32::from_le_bytes(*w) << unused) >> (unused + low))
                    .collect(),
            )
        }
    }
}

/// Two lumas, then both chromas that they share (PS3.3 C.7.6.3.1.2).
fn from_422(bytes: &[u8], d: &Description) -> Result<Values, ImagingError> {
    let pairs = d.pixels().div_ceil(2);
    let bytes = match bytes.get(..pairs * 4) {
        Some(bytes) if d.allocated == 8 => bytes,
        // Said to be subsampled but is not.
        _ => {
            return Err(ImagingError::Pixels(
                "fewer pixel data than YBR_FULL_422 wants".to_owned(),
            ));
        }
    };
    let mut out = Vec::with_capacity(d.count() + 3);
    for [y1, y2, cb, cr] in bytes.as_chunks::<4>().0 {
        out.extend_from_slice(&[*y1, *cb, *cr, *y2, *cb, *cr]);
    }
    out.truncate(d.count());
    Ok(Values::U8(out))
}

/// Planes as pixels.
pub(crate) fn interleaved(values: &Values, d: &Description) -> Values {
    fn mix<T: Copy>(v: &[T], pixels: usize, samples: usize) -> Vec<T> {
        let mut out = Vec::with_capacity(v.len());
        for at in 0..pixels {
            out.extend((0..samples).filter_map(|s| v.get(s * pixels + at).copied()));
        }
        out
    }
    let (pixels, samples) = (d.pixels(), usize::from(d.samples));
    match values {
        Values::U8(v) => Values::U8(mix(v, pixels, samples)),
        Values::U16(v) => Values::U16(mix(v, pixels, samples)),
        Values::I16(v) => Values::I16(mix(v, pixels, samples)),
        Values::U32(v) => Values::U32(mix(v, pixels, samples)),
        Values::I32(v) => Values::I32(mix(v, pixels, samples)),
        Values::F32(v) => Values::F32(mix(v, pixels, samples)),
        Values::F64(v) => Values::F64(mix(v, pixels, samples)),
    }
}
