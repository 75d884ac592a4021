//! An object that is read where it lies says what the whole says.

use std::cell::Cell;

use super::*;
use crate::dataset::Element;
use crate::layout::Frames;
use crate::{Tag, file, json};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const RLE: &str = syntax::RLE;

struct Whole {
    bytes: Bytes,
    read: Cell<usize>,
}

impl Whole {
    fn of(bytes: &Bytes) -> Self {
        Self {
            bytes: bytes.clone(),
            read: Cell::new(0),
        }
    }
}

impl Source for Whole {
    fn size(&self) -> usize {
        self.bytes.len()
    }

    fn read(&self, at: usize, length: usize) -> Result<Bytes, ImagingError> {
        let end = self.bytes.len().min(at + length);
        self.read.set(self.read.get() + end - at.min(end));
        Ok(self.bytes.slice(at.min(end)..end))
    }
}

fn outline(bytes: &Bytes, limits: &Limits) -> Result<Object, ImagingError> {
    Object::outline(&Whole::of(bytes), limits, &|from| {
        let inflated = inflate(&bytes[from..], limits.inflated_bytes)?;
        Ok(Box::new(Whole::of(&inflated)))
    })
}

fn value(tag: Tag, vr: VR, bytes: Vec<u8>) -> Element {
    let data = Data::Bytes(bytes.into());
    Element { tag, vr, data }
}

/// What everything here has: names, a sequence with a large value, a long text, an overlay.
fn said(frames: u32) -> Dataset {
    let mut d = Dataset::new();
    for (tag, vr, text) in [
        (tags::SOP_CLASS_UID, VR::UI, CT),
        (tags::SOP_INSTANCE_UID, VR::UI, "1.2.3.4.5"),
        (tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3"),
        (tags::SERIES_INSTANCE_UID, VR::UI, "1.2.3.4"),
        (tags::PATIENT_NAME, VR::PN, "Wang^XiaoDong=王^小东"),
        (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
        (tags::NUMBER_OF_FRAMES, VR::IS, &frames.to_string()),
        (tags::TEXT_VALUE, VR::UT, &"word ".repeat(20_000)),
    ] {
        d.put_text(tag, vr, text);
    }
    for (tag, n) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, 10),
        (tags::COLUMNS, 20),
        (tags::BITS_ALLOCATED, 16),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        d.put_u16(tag, n);
    }
    let mut item = Dataset::item_of(&d);
    item.put(value(tags::WAVEFORM_DATA, VR::OW, vec![3; 70_000]));
    item.put(value(tags::CHANNEL_MINIMUM_VALUE, VR::OB, vec![3; 10]));
    d.put_items(tags::WAVEFORM_SEQUENCE, vec![item]);
    d.put(value(Tag(0x6000, 0x3000), VR::OW, vec![1; 3_000]));
    d
}

fn native(frames: u32, syntax: &'static str) -> Bytes {
    let mut d = said(frames);
    let pixels = (0..frames * 200).flat_map(|n| n.to_le_bytes()[..2].to_vec());
    d.put(value(tags::PIXEL_DATA, VR::OW, pixels.collect()));
    // Attributes may follow the pixels.
    d.put_text(Tag(0xfffa, 0x0010), VR::LO, "AFTER");
    file::of(&Object::made(d, syntax::of(syntax)))
}

/// Frames in these fragments, with a table or none.
fn encapsulated(fragments: &[&[u8]], frames: u32, table: &[u32], extended: &[u64]) -> Bytes {
    let mut d = said(frames);
    if !extended.is_empty() {
        let table = extended.iter().flat_map(|n| n.to_le_bytes()).collect();
        d.put(value(tags::EXTENDED_OFFSET_TABLE, VR::OV, table));
    }
    let table: Vec<u8> = table.iter().flat_map(|n| n.to_le_bytes()).collect();
    let mut all = vec![Bytes::from(table)];
    all.extend(fragments.iter().map(|f| Bytes::copy_from_slice(f)));
    d.put(Element {
        tag: tags::PIXEL_DATA,
        vr: VR::OB,
        data: Data::Fragments(all),
    });
    file::of(&Object::made(d, syntax::of(RLE)))
}

fn objects() -> Vec<Bytes> {
    let begin = [&[0xff, 0xd8, 0xff, 0xe0][..], &[7; 2_000]].concat();
    let more = [9; 500];
    let (begin, more) = (&begin[..], &more[..]);
    let many: Vec<&[u8]> = std::iter::repeat_n(more, 300).collect();
    let table: Vec<u64> = (0..150).map(|n| n * 2 * 508).collect();
    let mut float = said(1);
    float.put(value(tags::FLOAT_PIXEL_DATA, VR::OF, vec![0; 800]));
    let mut empty = said(1);
    empty.put(value(tags::PIXEL_DATA, VR::OW, Vec::new()));
    let made = |d| file::of(&Object::made(d, syntax::of(syntax::EXPLICIT_LITTLE)));
    let plain = native(3, syntax::EXPLICIT_LITTLE);
    let zeros = [&plain[..], &[0; 100_000]].concat().into();
    vec![
        native(1, syntax::IMPLICIT_LITTLE),
        native(40, syntax::DEFLATED),
        native(500, syntax::EXPLICIT_LITTLE),
        plain.slice(132..),
        plain.slice(..plain.len() - 300),
        zeros,
        made(said(1)),
        made(float),
        made(empty),
        encapsulated(&[begin], 1, &[], &[]),
        encapsulated(&[begin, more, more], 1, &[0], &[]),
        encapsulated(&[begin, begin], 2, &[], &[]),
        encapsulated(&[begin, more, begin, more], 2, &[], &[]),
        encapsulated(&[begin, more, begin], 2, &[0, 2_520], &[]),
        encapsulated(&many, 150, &[], &table),
        encapsulated(&[], 1, &[], &[]),
    ]
}

/// Everything that is kept of an object.
fn kept(object: &Object) -> (String, Vec<u8>, Vec<u8>) {
    let facts = object.facts().map(|mut facts| {
        // A text that is too long to be held is not decoded to see whether it can be.
        facts.oddities.retain(|o| o != "undecodable-text");
        format!("{facts:?}")
    });
    let facts = format!(
        "{facts:?} {} {}",
        object.dataset_offset(),
        object.transfer_syntax()
    );
    (facts, object.layout().to_bytes(), json::metadata(object))
}

fn agree(bytes: &Bytes, what: &str) {
    let limits = Limits::default();
    match (
        Object::read(bytes.clone(), &limits),
        outline(bytes, &limits),
    ) {
        (Ok(whole), Ok(outline)) => {
            let (whole, outline) = (kept(&whole), kept(&outline));
            assert_eq!(whole.0, outline.0, "{what}: facts");
            assert_eq!(whole.1, outline.1, "{what}: layout");
            assert!(whole.2 == outline.2, "{what}: metadata");
        }
        (whole, outline) => assert_eq!(whole.err(), outline.err(), "{what}"),
    }
}

#[test]
fn an_outline_says_what_the_whole_says() {
    for (n, bytes) in objects().iter().enumerate() {
        assert!(outline(bytes, &Limits::default()).is_ok(), "{n}");
        agree(bytes, &n.to_string());
    }
}

#[test]
fn a_damaged_object_is_refused_by_both_or_read_alike() {
    // A plain congruential generator: the same damage each time.
    let mut state = 7_u64;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % below
    };
    for (n, bytes) in objects().iter().enumerate() {
        for round in 0..60 {
            let mut damaged = bytes.to_vec();
            for _ in 0..1 + next(3) {
                // Most of what can be damaged stands at the beginning.
                let within = if round % 2 == 0 { 1_200 } else { damaged.len() };
                let at = next(within.min(damaged.len()));
                damaged[at] = next(256) as u8;
            }
            if round % 5 == 0 {
                damaged.truncate(next(damaged.len()));
            }
            agree(&damaged.into(), &format!("{n}, {round}"));
        }
    }
}

#[test]
fn the_pixels_of_a_large_object_are_not_read() {
    let bytes = native(60_000, syntax::EXPLICIT_LITTLE);
    let source = Whole::of(&bytes);
    let object = Object::outline(&source, &Limits::default(), &|_| Err(ImagingError::Unread));
    let layout = object.unwrap().layout();
    assert!(matches!(
        layout.frames,
        Frames::Native { count: 60_000, .. }
    ));
    assert!(
        source.read.get() < 600_000,
        "{} of {}",
        source.read.get(),
        bytes.len()
    );
    let few = Limits {
        attribute_bytes: 100,
        ..Limits::default()
    };
    let refused = outline(&bytes, &few).unwrap_err();
    assert_eq!(refused, ImagingError::TooMuch("bytes of attributes"));
}

#[test]
fn what_cannot_become_an_object_is_known_by_its_beginning() {
    let limits = Limits::default();
    for (n, bytes) in objects().iter().enumerate() {
        for cut in [300, 1_000, 80_000, bytes.len()] {
            let beginning = bytes.slice(..cut.min(bytes.len()));
            assert_eq!(Object::may_begin(&beginning, &limits), Ok(()), "{n}, {cut}");
        }
    }
    let noise = vec![0xff; 100_000];
    assert!(Object::may_begin(&noise.clone().into(), &limits).is_err());
    let head = file::head(CT, "1.2.3", syntax::EXPLICIT_LITTLE, None);
    assert!(Object::may_begin(&[head.clone(), noise].concat().into(), &limits).is_err());
    // A text of 2 GiB.
    let lie = [8, 0, 5, 0, b'U', b'T', 0, 0, 0, 0, 0, 0x80];
    assert!(Object::may_begin(&[&head[..], &lie].concat().into(), &limits).is_err());
}
