//! Where pixel data, frames and other bulk data lie in an object's bytes, so that each is fetched by a range.

use std::ops::Range;

use bytes::Bytes;
use dicom_dictionary_std::tags;

use crate::dataset::{Away, Data, Dataset};
use crate::error::ImagingError;
use crate::json::bulk_path;
use crate::object::Object;

/// A part of the object's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From the first byte of the object.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
}

/// Where things lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// Where the data set begins (what is before is preamble and file meta information).
    pub dataset: u64,
    /// Frames of pixel data.
    pub frames: Frames,
    /// Other values that DICOM JSON names by a BulkDataURI: their path and place.
    pub bulk: Vec<(String, Span)>,
}

/// What of a large object one frame is decoded and shown with: all its attributes, and of its pixel data this frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// So many bytes from the first one on.
    pub head: u64,
    /// The frame's bytes.
    pub frame: Vec<Span>,
    index: u32,
    encapsulated: bool,
}

impl Excerpt {
    /// The object with this frame alone, which goes by the number it has in the whole.
    ///
    /// # Errors
    /// As [`Object::read`].
    pub fn object(
        &self,
        head: &[u8],
        frame: &[u8],
        limits: &crate::Limits,
    ) -> Result<Object, ImagingError> {
        self.object_with(head, frame, &[], limits)
    }

    /// As [`Self::object`], with what follows the pixel data ([`Layout::tail`]).
    ///
    /// # Errors
    /// As [`Object::read`].
    pub fn object_with(
        &self,
        head: &[u8],
        frame: &[u8],
        tail: &[u8],
        limits: &crate::Limits,
    ) -> Result<Object, ImagingError> {
        let damaged = || ImagingError::Pixels("an excerpt of another object".to_owned());
        let even = frame.len() + frame.len() % 2;
        let length = u32::try_from(even).map_err(|_| damaged())?.to_le_bytes();
        let mut file = Vec::with_capacity(head.len() + even + 16);
        file.extend_from_slice(head);
        if self.encapsulated {
            // One item holds it, whatever number it was in (PS3.5 A.4).
            file.extend_from_slice(&[0xfe, 0xff, 0x00, 0xe0]);
            file.extend_from_slice(&length);
        } else {
            // The length of the value is what stands before it.
            let at = file.len().checked_sub(4).ok_or_else(damaged)?;
            file[at..].copy_from_slice(&length);
        }
        file.extend_from_slice(frame);
        file.resize(head.len() + if self.encapsulated { 8 } else { 0 } + even, 0);
        if self.encapsulated {
            file.extend_from_slice(&[0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
        }
        file.extend_from_slice(tail);
        Ok(Object::read(file, limits)?.beginning_with(self.index))
    }
}

/// How frames lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Frames {
    /// There are no pixels.
    #[default]
    None,
    /// There are, but not by ranges of the object's bytes: the object has to be read (deflated, big endian).
    Within,
    /// One after another, without compression, little endian. A frame of one bit a pixel may begin within a byte: then
    /// `bits` is no multiple of eight.
    Native {
        /// All pixel data.
        all: Span,
        /// Bits of one frame.
        bits: u64,
        /// How many.
        count: u32,
    },
    /// Each in one or more fragments.
    Encapsulated(Vec<Vec<Span>>),
}

impl Layout {
    pub(crate) fn of(object: &Object) -> Layout {
        let mut bulk = Vec::new();
        if !object.syntax().deflated && !object.syntax().big {
            gather(object, object.dataset(), &mut String::new(), &mut bulk);
        }
        Layout {
            dataset: object.dataset_offset() as u64,
            frames: frames(object).unwrap_or_default(),
            bulk,
        }
    }

    /// The parts of a frame, counted from 0: their bytes one after another are the frame. None if there is no such
    /// frame, or none that begins and ends with a byte.
    pub fn frame(&self, index: u32) -> Option<Vec<Span>> {
        match &self.frames {
            Frames::Native { all, bits, count } if index < *count && bits % 8 == 0 => {
                let length = bits / 8;
                let offset = all.offset + length * u64::from(index);
                (offset + length <= all.offset + all.length).then(|| vec![Span { offset, length }])
            }
            Frames::Encapsulated(frames) => frames.get(index as usize).cloned(),
            _ => None,
        }
    }

    /// What is to be read of the object to decode or show a frame, counted from 0; none where it has to be read whole.
    pub fn excerpt(&self, index: u32) -> Option<Excerpt> {
        let frame = self.frame(index)?;
        let (head, encapsulated) = match &self.frames {
            Frames::Native { all, .. } => (all.offset, false),
            // Before the first fragment stands the head of its item.
            Frames::Encapsulated(frames) => (frames.first()?.first()?.offset.checked_sub(8)?, true),
            Frames::None | Frames::Within => return None,
        };
        Some(Excerpt {
            head,
            frame,
            index,
            encapsulated,
        })
    }

    /// Where what follows the pixel data begins; none where they do not lie by ranges.
    pub fn tail(&self) -> Option<u64> {
        match &self.frames {
            Frames::Native { all, .. } => Some(all.offset + all.length),
            Frames::Encapsulated(frames) => {
                // Behind the last fragment stands the end of the sequence.
                let last = frames.last()?.last()?;
                Some(last.offset + last.length + 8)
            }
            Frames::None | Frames::Within => None,
        }
    }

    /// How many frames there are by range.
    pub fn frame_count(&self) -> u32 {
        match &self.frames {
            Frames::Native { count, .. } => *count,
            Frames::Encapsulated(frames) => u32::try_from(frames.len()).unwrap_or(u32::MAX),
            Frames::None | Frames::Within => 0,
        }
    }

    /// Compact bytes for keeping beside the object.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![1];
        put(&mut out, self.dataset);
        match &self.frames {
            Frames::None => out.push(0),
            Frames::Within => out.push(1),
            Frames::Native { all, bits, count } => {
                out.push(2);
                for number in [all.offset, all.length, *bits, u64::from(*count)] {
                    put(&mut out, number);
                }
            }
            Frames::Encapsulated(frames) => {
                out.push(3);
                put(&mut out, frames.len() as u64);
                let mut at = 0;
                for spans in frames {
                    put(&mut out, spans.len() as u64);
                    for span in spans {
                        // Mostly the eight bytes of an item's head.
                        put(&mut out, span.offset.wrapping_sub(at));
                        put(&mut out, span.length);
                        at = span.offset + span.length;
                    }
                }
            }
        }
        put(&mut out, self.bulk.len() as u64);
        for (path, span) in &self.bulk {
            put(&mut out, path.len() as u64);
            out.extend_from_slice(path.as_bytes());
            put(&mut out, span.offset);
            put(&mut out, span.length);
        }
        out
    }

    /// Reads what [`Layout::to_bytes`] wrote.
    ///
    /// # Errors
    /// Anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Layout, ImagingError> {
        read(bytes).ok_or_else(|| ImagingError::Pixels("a layout that cannot be read".to_owned()))
    }
}

fn read(bytes: &[u8]) -> Option<Layout> {
    let (version, mut rest) = bytes.split_first()?;
    if *version != 1 {
        return None;
    }
    let rest = &mut rest;
    let dataset = take(rest)?;
    let (kind, after) = rest.split_first()?;
    *rest = after;
    let frames = match kind {
        0 => Frames::None,
        1 => Frames::Within,
        2 => Frames::Native {
            all: Span {
                offset: take(rest)?,
                length: take(rest)?,
            },
            bits: take(rest)?,
            count: u32::try_from(take(rest)?).ok()?,
        },
        3 => {
            let count = take(rest)?;
            let mut frames = Vec::new();
            let mut at = 0_u64;
            for _ in 0..count {
                let parts = take(rest)?;
                let mut spans = Vec::new();
                for _ in 0..parts {
                    let offset = at.wrapping_add(take(rest)?);
                    let length = take(rest)?;
                    at = offset.checked_add(length)?;
                    spans.push(Span { offset, length });
                }
                frames.push(spans);
            }
            Frames::Encapsulated(frames)
        }
        _ => return None,
    };
    let mut bulk = Vec::new();
    for _ in 0..take(rest)? {
        let length = usize::try_from(take(rest)?).ok()?;
        let (path, after) = rest.split_at_checked(length)?;
        *rest = after;
        let path = std::str::from_utf8(path).ok()?.to_owned();
        let (offset, length) = (take(rest)?, take(rest)?);
        bulk.push((path, Span { offset, length }));
    }
    Some(Layout {
        dataset,
        frames,
        bulk,
    })
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..70).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn gather(object: &Object, data: &Dataset, path: &mut String, out: &mut Vec<(String, Span)>) {
    for element in data.elements() {
        let length = path.len();
        match &element.data {
            Data::Bytes(bytes) if bulk_path(element, length == 0) => {
                if let Some(offset) = object.offset_of(bytes) {
                    let key = format!("{path}{}", crate::json::hex(element.tag));
                    let length = bytes.len() as u64;
                    out.push((key, Span { offset, length }));
                }
            }
            Data::Away(away) if bulk_path(element, length == 0) => {
                if let Away::Value { span, .. } = **away {
                    let key = format!("{path}{}", crate::json::hex(element.tag));
                    out.push((key, span));
                }
            }
            Data::Items(items) => {
                for (index, item) in items.iter().enumerate() {
                    use std::fmt::Write;
                    let _ = write!(path, "{}/{index}/", crate::json::hex(element.tag));
                    gather(object, item, path, out);
                    path.truncate(length);
                }
            }
            _ => {}
        }
    }
}

fn frames(object: &Object) -> Option<Frames> {
    let element = object.pixel_element()?;
    match &element.data {
        Data::Bytes(bytes) => native(object, || {
            Some(Span {
                offset: object.offset_of(bytes)?,
                length: bytes.len() as u64,
            })
        }),
        Data::Fragments(all) => {
            let (table, fragments) = all.split_first()?;
            let length = |n: usize| fragments[n].len() as u64;
            let begins = |n: usize| begins_stream(&fragments[n]);
            let frames = grouped(object, table, fragments.len(), length, begins);
            let span = |n: usize| {
                Some(Span {
                    offset: object.offset_of(&fragments[n])?,
                    length: length(n),
                })
            };
            spans(frames, span)
        }
        Data::Away(away) => match &**away {
            Away::Value { span, .. } => native(object, || Some(*span)),
            Away::Fragments { table, fragments } => {
                let length = |n: usize| fragments[n].span.length;
                let begins = |n: usize| fragments[n].begins;
                let frames = grouped(object, table, fragments.len(), length, begins);
                // What was inflated lies nowhere.
                let lies = !object.syntax().deflated;
                spans(frames, |n| lies.then(|| fragments[n].span))
            }
        },
        Data::Items(_) => None,
    }
}

fn native(object: &Object, all: impl FnOnce() -> Option<Span>) -> Option<Frames> {
    if object.syntax().deflated || object.syntax().big {
        return Some(Frames::Within);
    }
    let bits = frame_bits(object.dataset())?;
    let all = all()?;
    let said = object
        .dataset()
        .int(tags::NUMBER_OF_FRAMES)
        .unwrap_or(1)
        .max(1);
    let fit = (all.length * 8).checked_div(bits)?;
    let count = u32::try_from(said.unsigned_abs().min(fit)).ok()?;
    Some(Frames::Native { all, bits, count })
}

fn spans(frames: Vec<Range<usize>>, span: impl Fn(usize) -> Option<Span> + Copy) -> Option<Frames> {
    let frames = frames.into_iter().map(|parts| parts.map(span).collect());
    Some(Frames::Encapsulated(frames.collect::<Option<_>>()?))
}

/// Bits of one frame without compression (PS3.3 C.7.6.3, PS3.5 §8.1.1); with YBR_FULL_422 two samples a pixel (C.7.6.3.1.2).
pub(crate) fn frame_bits(data: &Dataset) -> Option<u64> {
    let number = |tag| data.int(tag).and_then(|n| u64::try_from(n).ok());
    let rows = number(tags::ROWS)?;
    let columns = number(tags::COLUMNS)?;
    let allocated = number(tags::BITS_ALLOCATED)?;
    let mut samples = number(tags::SAMPLES_PER_PIXEL).unwrap_or(1);
    if data.plain(tags::PHOTOMETRIC_INTERPRETATION) == Some("YBR_FULL_422") && samples == 3 {
        samples = 2;
    }
    let bits = rows
        .checked_mul(columns)?
        .checked_mul(samples)?
        .checked_mul(allocated)?;
    (bits > 0).then_some(bits)
}

/// The fragments of each frame (PS3.5 A.4).
pub(crate) fn encapsulated(object: &Object) -> Option<Vec<Vec<Bytes>>> {
    let Data::Fragments(all) = &object.pixel_element()?.data else {
        return None;
    };
    let (table, fragments) = all.split_first()?;
    let length = |n: usize| fragments[n].len() as u64;
    let begins = |n: usize| begins_stream(&fragments[n]);
    let frames = grouped(object, table, fragments.len(), length, begins);
    let parts = |parts: Range<usize>| fragments[parts].to_vec();
    Some(frames.into_iter().map(parts).collect())
}

/// Which of `all` fragments are a frame's: after the extended or basic offset table, else by what fragments are.
fn grouped(
    object: &Object,
    table: &[u8],
    all: usize,
    length: impl Fn(usize) -> u64,
    begins: impl Fn(usize) -> bool,
) -> Vec<Range<usize>> {
    let said = object
        .dataset()
        .int(tags::NUMBER_OF_FRAMES)
        .unwrap_or(1)
        .max(1);
    let count = usize::try_from(said)
        .unwrap_or(usize::MAX)
        .min(object.frames_max());
    if all == 0 {
        return Vec::new();
    }
    if count == 1 {
        return std::iter::once(0..all).collect();
    }
    if count == all {
        return (0..all).map(|n| n..n + 1).collect();
    }
    let extended = object.dataset().bytes(tags::EXTENDED_OFFSET_TABLE);
    let offsets: Vec<u64> = match extended {
        Some(bytes) => bytes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|w| u64::from_le_bytes(*w))
            .collect(),
        None => table
            .as_chunks::<4>()
            .0
            .iter()
            .map(|w| u64::from(u32::from_le_bytes(*w)))
            .collect(),
    };
    let by_table = (offsets.len() == count).then(|| by_offsets(all, &length, &offsets));
    let starts = by_table.flatten().unwrap_or_else(|| {
        // Without a table, a fragment that begins as a code stream begins is a new frame.
        (0..all).filter(|n| *n == 0 || begins(*n)).collect()
    });
    let ends = starts.iter().skip(1).copied().chain([all]);
    starts
        .iter()
        .copied()
        .zip(ends)
        .map(|(a, b)| a..b)
        .collect()
}

/// The first fragment of each frame; none where the table is not of these fragments.
fn by_offsets(all: usize, length: impl Fn(usize) -> u64, offsets: &[u64]) -> Option<Vec<usize>> {
    let mut starts = Vec::new();
    let mut at = 0;
    let mut next = offsets.iter().peekable();
    for n in 0..all {
        if next.peek() == Some(&&at) {
            next.next();
            starts.push(n);
        }
        at += length(n) + 8;
    }
    (starts.first() == Some(&0) && starts.len() == offsets.len()).then_some(starts)
}

/// Whether bytes begin as a code stream begins: JPEG, JPEG 2000, or JPEG 2000 or JPEG XL in its box, JPEG XL.
pub(crate) fn begins_stream(fragment: &[u8]) -> bool {
    matches!(
        fragment.get(..4),
        Some([0xff, 0xd8, 0xff, _] | [0xff, 0x4f, 0xff, 0x51] | [0, 0, 0, 0x0c] | [0xff, 0x0a, ..])
    )
}
