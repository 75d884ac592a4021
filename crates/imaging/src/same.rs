//! Whether two objects say the same in different encodings: an edge compresses without loss what a scanner also sends as
//! it is, and an archive hands on in another transfer syntax what it was given in its own.

use bytes::Bytes;
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use kernel::limits::IMAGE_FRAME_BYTES_MAX;

use crate::dataset::{Away, Data, Dataset, Element, is_text};
use crate::error::ImagingError;
use crate::layout::{self, Span};
use crate::object::Object;
use crate::pixel::{self, Description, Frame};
use crate::source::Source;

/// What says how pixels are written, not what they are: compared by the decoded values (PS3.5 §8.2, A.4).
const OF_ENCODING: [Tag; 7] = [
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::PLANAR_CONFIGURATION,
    tags::HIGH_BIT,
    tags::EXTENDED_OFFSET_TABLE,
    tags::EXTENDED_OFFSET_TABLE_LENGTHS,
    tags::PIXEL_DATA,
    tags::DATA_SET_TRAILING_PADDING,
];

/// Whether both hold the same attributes and, value for value, the same pixels, however each is encoded. Pixels that a
/// transfer syntax may have changed (with loss) are never taken for the same.
///
/// # Errors
/// Pixels that are not decoded, or are damaged.
pub fn same_content(one: &Object, other: &Object) -> Result<bool, ImagingError> {
    // Nothing of an object that is held lies elsewhere.
    if !alike(one, other, &|_, _| false) {
        return Ok(false);
    }
    same_frames(one, other, |frame| {
        Ok(pixel::decode(one, frame)? == pixel::decode(other, frame)?)
    })
}

/// As [`same_content`], of objects that were read where they lie: a frame of each is held at a time. With each object stands
/// where its large values lie, which is not the object itself when that is deflated.
///
/// # Errors
/// As [`same_content`].
pub fn same_outlines(
    one: (&Object, &dyn Source),
    other: (&Object, &dyn Source),
) -> Result<bool, ImagingError> {
    let same = |a: &Data, b: &Data| same_values((a, one.1), (b, other.1));
    if !alike(one.0, other.0, &same) {
        return Ok(false);
    }
    if one.0.pixel_element().is_none() {
        return Ok(true);
    }
    let (a, b) = (Frames::of(one)?, Frames::of(other)?);
    same_frames(one.0, other.0, |frame| {
        Ok(a.decoded(frame)? == b.decoded(frame)?)
    })
}

/// Whether all but the pixels is the same. `values` compares values of which one at least lies elsewhere.
fn alike(one: &Object, other: &Object, values: &Values<'_>) -> bool {
    same_attributes(one.dataset(), other.dataset(), true, values)
}

type Values<'a> = dyn Fn(&Data, &Data) -> bool + 'a;

/// Whether both have pixels, as many frames, and each frame is the same.
fn same_frames(
    one: &Object,
    other: &Object,
    mut same: impl FnMut(u32) -> Result<bool, ImagingError>,
) -> Result<bool, ImagingError> {
    match (one.pixel_element(), other.pixel_element()) {
        (None, None) => return Ok(true),
        (Some(a), Some(b)) if a.tag == b.tag => {}
        _ => return Ok(false),
    }
    if !(one.syntax().lossless && other.syntax().lossless) {
        return Ok(false);
    }
    let frames = Description::of(one.dataset())?.frames;
    if frames != Description::of(other.dataset())?.frames {
        return Ok(false);
    }
    for frame in 0..frames {
        if !same(frame)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The frames of an object that was read where it lies.
struct Frames<'a> {
    object: &'a Object,
    source: &'a dyn Source,
    description: Description,
    lie: layout::Frames,
}

impl<'a> Frames<'a> {
    fn of((object, source): (&'a Object, &'a dyn Source)) -> Result<Self, ImagingError> {
        let native = match object.pixel_element().map(|e| &e.data) {
            Some(Data::Away(away)) => match **away {
                Away::Value { span, .. } => Some(span),
                Away::Fragments { .. } => None,
            },
            _ => None,
        };
        let lie = match native {
            // What is inflated lies in the source all the same.
            Some(all) if !object.syntax().big => layout::Frames::Native {
                all,
                bits: layout::frame_bits(object.dataset()).unwrap_or_default(),
                count: u32::MAX,
            },
            _ => object.layout().frames,
        };
        Ok(Self {
            object,
            source,
            description: Description::of(object.dataset())?,
            lie,
        })
    }

    fn decoded(&self, frame: u32) -> Result<Frame, ImagingError> {
        let none = || ImagingError::Pixels("no such frame".to_owned());
        let (bytes, bit) = match &self.lie {
            layout::Frames::Native { all, bits, .. } => {
                let start = bits.checked_mul(u64::from(frame)).ok_or_else(none)?;
                let end = start.checked_add(*bits).ok_or_else(none)?.div_ceil(8);
                let span = Span {
                    offset: all.offset + start / 8,
                    length: end - start / 8,
                };
                if end > all.length {
                    return Err(none());
                }
                (self.read(&[span])?, (start % 8) as usize)
            }
            layout::Frames::Encapsulated(frames) => {
                let parts = frames.get(frame as usize).ok_or_else(none)?;
                (self.read(parts)?, 0)
            }
            layout::Frames::None | layout::Frames::Within => return Err(none()),
        };
        pixel::decode_frame(&self.description, self.object.syntax(), &bytes, bit)
    }

    fn read(&self, spans: &[Span]) -> Result<Vec<u8>, ImagingError> {
        let length: u64 = spans.iter().map(|s| s.length).sum();
        if length > IMAGE_FRAME_BYTES_MAX as u64 {
            return Err(ImagingError::TooMuch("bytes of a frame"));
        }
        let mut bytes = Vec::new();
        for span in spans {
            bytes.extend_from_slice(&read(self.source, *span)?);
        }
        Ok(bytes)
    }
}

fn read(source: &dyn Source, span: Span) -> Result<Bytes, ImagingError> {
    let number = |n| usize::try_from(n).map_err(|_| ImagingError::Unread);
    let (at, length) = (number(span.offset)?, number(span.length)?);
    let bytes = source.read(at, length)?;
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(ImagingError::Unread)
    }
}

/// Whether two values are the same of which one at least lies elsewhere. What cannot be read is not the same.
fn same_values(one: (&Data, &dyn Source), other: (&Data, &dyn Source)) -> bool {
    let (Some(a), Some(b)) = (length(one.0), length(other.0)) else {
        return false;
    };
    if a != b {
        return false;
    }
    (0..a).step_by(COMPARED_AT_ONCE).all(|at| {
        let length = (COMPARED_AT_ONCE as u64).min(a - at);
        match (some(one, at, length), some(other, at, length)) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        }
    })
}

/// Bytes of large values that are compared at once.
const COMPARED_AT_ONCE: usize = 1 << 20;

fn length(data: &Data) -> Option<u64> {
    match data {
        Data::Bytes(bytes) => Some(bytes.len() as u64),
        Data::Away(away) => match &**away {
            Away::Value { span, .. } => Some(span.length),
            Away::Fragments { .. } => None,
        },
        Data::Items(_) | Data::Fragments(_) => None,
    }
}

fn some(value: (&Data, &dyn Source), at: u64, length: u64) -> Result<Bytes, ImagingError> {
    match value.0 {
        Data::Bytes(bytes) => {
            let at = usize::try_from(at).map_err(|_| ImagingError::Unread)?;
            let end = at + usize::try_from(length).map_err(|_| ImagingError::Unread)?;
            Ok(bytes.slice(at.min(bytes.len())..end.min(bytes.len())))
        }
        Data::Away(away) => match &**away {
            Away::Value { span, .. } => read(
                value.1,
                Span {
                    offset: span.offset + at,
                    length,
                },
            ),
            Away::Fragments { .. } => Err(ImagingError::Unread),
        },
        Data::Items(_) | Data::Fragments(_) => Err(ImagingError::Unread),
    }
}

fn same_attributes(one: &Dataset, other: &Dataset, outermost: bool, values: &Values<'_>) -> bool {
    let mut a = counted(one, outermost);
    let mut b = counted(other, outermost);
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(x), Some(y)) if same_element(x, y, values) => {}
            _ => return false,
        }
    }
}

/// The elements that are compared: no group lengths (PS3.5 §7.2), and of the outermost data set nothing of the encoding.
fn counted(data: &Dataset, outermost: bool) -> impl Iterator<Item = &Element> {
    data.elements()
        .iter()
        .filter(move |e| e.tag.1 != 0 && !(outermost && OF_ENCODING.contains(&e.tag)))
}

fn same_element(one: &Element, other: &Element, values: &Values<'_>) -> bool {
    if one.tag != other.tag {
        return false;
    }
    match (&one.data, &other.data) {
        // Implicit VR does not say the representation: the value counts.
        (Data::Bytes(a), Data::Bytes(b)) => {
            let text = is_text(one.vr) || is_text(other.vr);
            a == b || (text && unpadded(a) == unpadded(b))
        }
        (Data::Items(a), Data::Items(b)) => {
            let pairs = || a.iter().zip(b);
            a.len() == b.len() && pairs().all(|(a, b)| same_attributes(a, b, false, values))
        }
        (a @ Data::Away(_), b) | (a, b @ Data::Away(_)) => values(a, b),
        (a, b) => a == b,
    }
}

fn unpadded(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|b| !matches!(b, b' ' | 0));
    bytes.get(..end.map_or(0, |n| n + 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixel::{squeeze, transcode};
    use crate::{Limits, VR, file, syntax};

    fn made(change: impl FnOnce(&mut Dataset)) -> Object {
        let mut d = Dataset::new();
        for (tag, text) in [
            (tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.2"),
            (tags::SOP_INSTANCE_UID, "1.2.3"),
            (tags::STUDY_INSTANCE_UID, "1.2"),
            (tags::SERIES_INSTANCE_UID, "1.2.1"),
        ] {
            d.put_text(tag, VR::UI, text);
        }
        d.put_text(tags::PATIENT_ID, VR::LO, "17");
        let mut item = Dataset::item_of(&d);
        item.put_text(tags::CODE_MEANING, VR::LO, "chest");
        d.put_items(tags::ANATOMIC_REGION_SEQUENCE, vec![item]);
        d.put_text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
        for (tag, n) in [
            (tags::SAMPLES_PER_PIXEL, 1),
            (tags::ROWS, 32),
            (tags::COLUMNS, 48),
            (tags::BITS_ALLOCATED, 16),
            (tags::BITS_STORED, 12),
            (tags::HIGH_BIT, 11),
            (tags::PIXEL_REPRESENTATION, 1),
        ] {
            d.put_u16(tag, n);
        }
        let pixels: Vec<u8> = (0..32 * 48_i16)
            .flat_map(|n| (n * 7 % 900 - 400).to_le_bytes())
            .collect();
        d.put(Element {
            tag: tags::PIXEL_DATA,
            vr: VR::OW,
            data: Data::Bytes(pixels.into()),
        });
        change(&mut d);
        let made = Object::made(d, syntax::of(syntax::EXPLICIT_LITTLE));
        Object::read(file::of(&made), &Limits::default()).unwrap()
    }

    fn other(object: &Object, to: &str) -> Object {
        Object::read(transcode(object, to, 100).unwrap(), &Limits::default()).unwrap()
    }

    #[test]
    fn an_object_is_the_same_in_every_lossless_syntax() {
        let plain = made(|_| ());
        for to in [
            syntax::IMPLICIT_LITTLE,
            syntax::DEFLATED,
            syntax::RLE,
            syntax::JPEG_LS,
        ] {
            let there = other(&plain, to);
            assert_eq!(same_content(&plain, &there), Ok(true), "{to}");
            assert_eq!(same_content(&there, &plain), Ok(true), "{to}");
        }
        let squeezed = squeeze(plain.bytes().clone(), &Limits::default()).unwrap();
        let squeezed = Object::read(squeezed, &Limits::default()).unwrap();
        assert_ne!(squeezed.transfer_syntax(), plain.transfer_syntax());
        assert_eq!(same_content(&plain, &squeezed), Ok(true));
    }

    #[test]
    fn one_value_or_one_attribute_that_differs_makes_another_object() {
        let plain = made(|_| ());
        let differing: [fn(&mut Dataset); 4] = [
            |d| d.put_text(tags::PATIENT_ID, VR::LO, "18"),
            |d| d.put_text(tags::PATIENT_COMMENTS, VR::LT, "more"),
            |d| {
                let mut item = Dataset::item_of(d);
                item.put_text(tags::CODE_MEANING, VR::LO, "head");
                d.put_items(tags::ANATOMIC_REGION_SEQUENCE, vec![item]);
            },
            |d| {
                let mut pixels = d.bytes(tags::PIXEL_DATA).unwrap().to_vec();
                pixels[200] ^= 1;
                d.put(Element {
                    tag: tags::PIXEL_DATA,
                    vr: VR::OW,
                    data: Data::Bytes(pixels.into()),
                });
            },
        ];
        for change in differing {
            let there = other(&made(change), syntax::JPEG_LS);
            assert_eq!(same_content(&plain, &there), Ok(false));
        }
    }

    #[test]
    fn what_may_have_lost_something_is_never_the_same() {
        let eight = made(|d| {
            for (tag, n) in [
                (tags::BITS_ALLOCATED, 8),
                (tags::BITS_STORED, 8),
                (tags::HIGH_BIT, 7),
                (tags::PIXEL_REPRESENTATION, 0),
            ] {
                d.put_u16(tag, n);
            }
            d.put(Element {
                tag: tags::PIXEL_DATA,
                vr: VR::OB,
                data: Data::Bytes(vec![40; 32 * 48].into()),
            });
        });
        let lossy = other(&eight, syntax::JPEG_BASELINE);
        assert_eq!(same_content(&eight, &lossy), Ok(false));
    }

    struct Lying(Bytes);

    impl Source for Lying {
        fn size(&self) -> usize {
            self.0.len()
        }
        fn read(&self, at: usize, length: usize) -> Result<Bytes, ImagingError> {
            let end = self.0.len().min(at + length);
            Ok(self.0.slice(at.min(end)..end))
        }
    }

    /// As objects are compared that lie elsewhere.
    fn lying(one: &Object, other: &Object) -> Result<bool, ImagingError> {
        let outline = |object: &Object| {
            let values = std::cell::RefCell::new(Lying(object.bytes().clone()));
            let outline = Object::outline(
                &Lying(object.bytes().clone()),
                &Limits::default(),
                &|from| {
                    let mut inflated = Vec::new();
                    let mut from = flate2::read::DeflateDecoder::new(&object.bytes()[from..]);
                    std::io::Read::read_to_end(&mut from, &mut inflated).unwrap();
                    let inflated = Bytes::from(inflated);
                    values.replace(Lying(inflated.clone()));
                    Ok(Box::new(Lying(inflated)))
                },
            );
            (outline.unwrap(), values.into_inner())
        };
        let (one, other) = (outline(one), outline(other));
        same_outlines((&one.0, &one.1), (&other.0, &other.1))
    }

    #[test]
    fn objects_that_lie_elsewhere_are_compared_as_those_that_are_held() {
        let film = |d: &mut Dataset| {
            d.put_text(tags::NUMBER_OF_FRAMES, VR::IS, "3");
            let pixels: Vec<u8> = (0..3 * 32 * 48_i16)
                .flat_map(|n| (n % 1_700 - 800).to_le_bytes())
                .collect();
            d.put(Element {
                tag: tags::PIXEL_DATA,
                vr: VR::OW,
                data: Data::Bytes(pixels.into()),
            });
            d.put(Element {
                tag: tags::ICC_PROFILE,
                vr: VR::OB,
                data: Data::Bytes(vec![5; 2_000].into()),
            });
        };
        let plain = made(film);
        let changed = |change: fn(&mut Dataset, Tag, usize), tag, at| {
            made(|d| {
                film(d);
                change(d, tag, at);
            })
        };
        let flip = |d: &mut Dataset, tag, at: usize| {
            let mut bytes = d.bytes(tag).unwrap().to_vec();
            bytes[at] ^= 1;
            let vr = d.get(tag).unwrap().vr;
            d.put(Element {
                tag,
                vr,
                data: Data::Bytes(bytes.into()),
            });
        };
        let last = changed(flip, tags::PIXEL_DATA, 3 * 32 * 48 * 2 - 2);
        let profile = changed(flip, tags::ICC_PROFILE, 1_999);
        for to in [
            syntax::EXPLICIT_LITTLE,
            syntax::IMPLICIT_LITTLE,
            syntax::DEFLATED,
            syntax::RLE,
            syntax::JPEG_LS,
        ] {
            let there = other(&plain, to);
            assert_eq!(lying(&plain, &there), Ok(true), "{to}");
            assert_eq!(lying(&there, &plain), Ok(true), "{to}");
            assert_eq!(lying(&last, &there), Ok(false), "{to}");
            assert_eq!(lying(&there, &profile), Ok(false), "{to}");
        }
    }
}
