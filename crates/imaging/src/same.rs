//! Whether two objects say the same in different encodings: an edge compresses without loss what a scanner also sends as
//! it is, and an archive hands on in another transfer syntax what it was given in its own.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use crate::dataset::{Data, Dataset, Element, is_text};
use crate::error::ImagingError;
use crate::object::Object;
use crate::pixel::{self, Description};

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
    if !same_attributes(one.dataset(), other.dataset(), true) {
        return Ok(false);
    }
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
        if pixel::decode(one, frame)? != pixel::decode(other, frame)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn same_attributes(one: &Dataset, other: &Dataset, outermost: bool) -> bool {
    let mut a = counted(one, outermost);
    let mut b = counted(other, outermost);
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(x), Some(y)) if same_element(x, y) => {}
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

fn same_element(one: &Element, other: &Element) -> bool {
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
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_attributes(a, b, false))
        }
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
}
