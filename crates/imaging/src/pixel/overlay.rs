//! Overlays (PS3.3 C.9.2): bits in a group of their own, or in bits of the pixels that are not used (retired).

use dicom_core::Tag;

use super::description::Description;
use super::frame_bytes;
use crate::dataset::Dataset;
use crate::object::Object;

/// One overlay plane for one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// Row and column of the image on which its first bit lies, counted from 1.
    pub origin: (i64, i64),
    /// `G` graphics or `R` region of interest.
    pub kind: String,
    /// Overlay Label.
    pub label: String,
    /// One byte a point, 0 or 1.
    pub bits: Vec<u8>,
}

/// The overlays of a frame, counted from 0.
pub fn overlays(object: &Object, frame: u32) -> Vec<Overlay> {
    (0..16)
        .filter_map(|n| one(object, 0x6000 + 2 * n, frame))
        .collect()
}

fn one(object: &Object, group: u16, frame: u32) -> Option<Overlay> {
    let data = object.dataset();
    let at = |element| Tag(group, element);
    let size = |element| data.int(at(element)).and_then(|n| u32::try_from(n).ok());
    let (rows, columns) = (size(0x0010)?, size(0x0011)?);
    let count = usize::try_from(u64::from(rows) * u64::from(columns)).ok()?;
    if count == 0 || count > kernel::limits::IMAGE_FRAME_BYTES_MAX / 2 {
        return None;
    }
    let bits = match data.bytes(at(0x3000)) {
        Some(bytes) => from_plane(data, group, bytes, frame, count)?,
        None => embedded(object, group, frame, count)?,
    };
    let origin = data.ints(at(0x0050));
    Some(Overlay {
        rows,
        columns,
        origin: (
            origin.first().copied().unwrap_or(1),
            origin.get(1).copied().unwrap_or(1),
        ),
        kind: data.text(at(0x0040)).unwrap_or_default(),
        label: data.text(at(0x1500)).unwrap_or_default(),
        bits,
    })
}

/// Bits of its own; a plane of several frames begins with the frame that it names (C.9.2.1.5).
fn from_plane(
    data: &Dataset,
    group: u16,
    bytes: &[u8],
    frame: u32,
    count: usize,
) -> Option<Vec<u8>> {
    let frames = data.int(Tag(group, 0x0015));
    let first = data.int(Tag(group, 0x0051)).unwrap_or(1);
    let index = match frames {
        Some(frames) => {
            let index = i64::from(frame) + 1 - first;
            if index < 0 || index >= frames {
                return None;
            }
            usize::try_from(index).ok()?
        }
        None => 0,
    };
    let from = index.checked_mul(count)?;
    if bytes.len() * 8 < from.checked_add(count)? {
        return None;
    }
    Some(
        (from..from + count)
            .map(|bit| (bytes[bit / 8] >> (bit % 8)) & 1)
            .collect(),
    )
}

fn embedded(object: &Object, group: u16, frame: u32, count: usize) -> Option<Vec<u8>> {
    let data = object.dataset();
    let position = data
        .int(Tag(group, 0x0102))
        .filter(|p| (0..16).contains(p))?;
    let allocated = data.int(Tag(group, 0x0100))?;
    let d = Description::of(data).ok()?;
    let unused =
        position > i64::from(d.high) || position < i64::from(d.high) + 1 - i64::from(d.stored);
    if object.syntax().encapsulated()
        || allocated != i64::from(d.allocated)
        || !unused
        || d.pixels() != count
    {
        return None;
    }
    let (bytes, _) = frame_bytes(object, frame).ok()?;
    match d.allocated {
        8 if position < 8 => Some(bytes.iter().map(|b| (b >> position) & 1).collect()),
        16 => {
            let words = bytes.as_chunks().0.iter();
            Some(
                words
                    .map(|w| ((u16::from_le_bytes(*w) >> position) & 1) as u8)
                    .collect(),
            )
        }
        _ => None,
    }
}
