//! Lookup tables (PS3.3 C.11.1, C.11.2, C.7.6.3.1.5), palettes among them, segmented ones too (C.7.9.2).

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::dataset::Dataset;

/// A table from stored or modality values to others.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    first: i64,
    bits: u32,
    entries: Vec<u16>,
}

impl Table {
    /// From descriptor and data. `signed` says how the first value mapped is to be read.
    fn of(data: &Dataset, descriptor: Tag, values: Tag, signed: bool) -> Option<Table> {
        let (count, first, bits) = describe(data, descriptor, signed)?;
        let bytes = data.bytes(values)?;
        Some(Table {
            first,
            bits,
            entries: entries(bytes, count, bits)?,
        })
    }

    /// The item of a modality or VOI LUT sequence.
    pub fn of_item(item: &Dataset, signed: bool) -> Option<Table> {
        Table::of(item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, signed)
    }

    /// The entry of a value; values beyond either end take the last one there.
    pub fn at(&self, value: f64) -> u16 {
        let place = (value.round() as i64).saturating_sub(self.first);
        let last = self.entries.len().saturating_sub(1);
        let place = usize::try_from(place.max(0)).unwrap_or(last).min(last);
        self.entries.get(place).copied().unwrap_or_default()
    }

    /// The largest value an entry can have.
    pub fn most(&self) -> f64 {
        ((1_u32 << self.bits.clamp(1, 16)) - 1) as f64
    }
}

fn describe(data: &Dataset, tag: Tag, signed: bool) -> Option<(usize, i64, u32)> {
    let bytes = data.bytes(tag)?;
    let [a, b, c, d, e, f, ..] = bytes.as_ref() else {
        return None;
    };
    let count = match u16::from_le_bytes([*a, *b]) {
        0 => 65_536,
        n => usize::from(n),
    };
    let first = if signed {
        i64::from(i16::from_le_bytes([*c, *d]))
    } else {
        i64::from(u16::from_le_bytes([*c, *d]))
    };
    let bits = u32::from(u16::from_le_bytes([*e, *f]));
    (1..=16).contains(&bits).then_some((count, first, bits))
}

/// Entries are words; those of eight bits may be packed as bytes (C.11.1.1.1).
fn entries(bytes: &[u8], count: usize, bits: u32) -> Option<Vec<u16>> {
    if bytes.len() >= count * 2 {
        let words = bytes.as_chunks().0.iter();
        return Some(words.take(count).map(|w| u16::from_le_bytes(*w)).collect());
    }
    (bits <= 8 && bytes.len() >= count)
        .then(|| bytes.iter().take(count).map(|b| u16::from(*b)).collect())
}

/// Red, green and blue of an index.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Palette {
    tables: [Table; 3],
}

impl Palette {
    pub fn of(data: &Dataset, signed: bool) -> Option<Palette> {
        let one = |descriptor, plain, segmented| {
            Table::of(data, descriptor, plain, signed)
                .or_else(|| segments(data, descriptor, segmented, signed))
        };
        Some(Palette {
            tables: [
                one(
                    tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
                    tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
                    tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
                )?,
                one(
                    tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
                    tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
                    tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
                )?,
                one(
                    tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
                    tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
                    tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
                )?,
            ],
        })
    }

    /// The colour of an index, eight bits each.
    pub fn at(&self, index: f64) -> [u8; 3] {
        self.tables.each_ref().map(|t| {
            let value = t.at(index);
            if t.bits > 8 {
                (value >> (t.bits - 8)) as u8
            } else {
                value as u8
            }
        })
    }
}

/// A table written in segments (C.7.9.2.2): discrete, linear, and repetitions of earlier ones.
fn segments(data: &Dataset, descriptor: Tag, tag: Tag, signed: bool) -> Option<Table> {
    let (count, first, bits) = describe(data, descriptor, signed)?;
    let bytes = data.bytes(tag)?;
    let words: Vec<u16> =
        if bits <= 8 && bytes.len() % 2 == 0 && !bytes.iter().skip(1).step_by(2).all(|b| *b == 0) {
            bytes.iter().map(|b| u16::from(*b)).collect()
        } else {
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|w| u16::from_le_bytes(*w))
                .collect()
        };
    let mut out = Vec::new();
    expand(&words, 0, usize::MAX, count, &mut out, 0)?;
    (out.len() >= count).then(|| {
        out.truncate(count);
        Table {
            first,
            bits,
            entries: out,
        }
    })
}

fn expand(
    words: &[u16],
    mut at: usize,
    mut segments: usize,
    count: usize,
    out: &mut Vec<u16>,
    depth: u8,
) -> Option<()> {
    while at + 1 < words.len() && out.len() < count && segments > 0 {
        let (kind, length) = (words[at], usize::from(words[at + 1]));
        at += 2;
        segments -= 1;
        match kind {
            0 => {
                out.extend_from_slice(words.get(at..at + length)?);
                at += length;
            }
            1 => {
                let from = f64::from(*out.last()?);
                let to = f64::from(*words.get(at)?);
                let step = (to - from) / length.max(1) as f64;
                out.extend((1..=length).map(|n| (from + step * n as f64).round() as u16));
                at += 1;
            }
            // Segments are repeated by the place of the first in the data, as two words; not within one another.
            2 if depth == 0 => {
                let low = usize::from(*words.get(at)?);
                let high = usize::from(*words.get(at + 1)?);
                at += 2;
                let place = (high << 16 | low) / if high == 0 && low % 2 == 0 { 2 } else { 1 };
                expand(words, place, length, count, out, 1)?;
            }
            _ => return None,
        }
    }
    Some(())
}
