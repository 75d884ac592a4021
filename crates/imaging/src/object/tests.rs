use super::*;
use crate::dataset::Element;
use crate::facts::is_date;
use crate::layout::{Frames, Span};
use crate::{ImagingError, file, write};
use dicom_core::Tag;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

fn bytes(bytes: &[u8]) -> Data {
    Data::Bytes(Bytes::copy_from_slice(bytes))
}

/// A CT slice of 4 × 3 pixels of a patient whose name is Chinese.
fn slice() -> Dataset {
    let mut data = Dataset::new();
    for (tag, vr, text) in [
        (tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192"),
        (tags::SOP_CLASS_UID, VR::UI, CT),
        (tags::SOP_INSTANCE_UID, VR::UI, "1.2.3.4.5"),
        (tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3"),
        (tags::SERIES_INSTANCE_UID, VR::UI, "1.2.3.4"),
        (tags::STUDY_DATE, VR::DA, "2024.01.31"),
        (tags::STUDY_TIME, VR::TM, "10:30:05"),
        (tags::TIMEZONE_OFFSET_FROM_UTC, VR::SH, "+0600"),
        (tags::PATIENT_NAME, VR::PN, "Wang^XiaoDong=王^小东"),
        (tags::PATIENT_ID, VR::LO, "0012"),
        (tags::ISSUER_OF_PATIENT_ID, VR::LO, "YARQUM"),
        (tags::PATIENT_BIRTH_DATE, VR::DA, "19990230"),
        (tags::MODALITY, VR::CS, "CT"),
        (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
    ] {
        data.put_text(tag, vr, text);
    }
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, 3),
        (tags::COLUMNS, 4),
        (tags::BITS_ALLOCATED, 16),
        (tags::BITS_STORED, 12),
        (tags::HIGH_BIT, 11),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        data.put_u16(tag, value);
    }
    let mut other = Dataset::item_of(&data);
    other.put_text(tags::PATIENT_ID, VR::LO, "X9");
    other.put_text(tags::ISSUER_OF_PATIENT_ID, VR::LO, "AQTASH");
    data.put_items(tags::OTHER_PATIENT_I_DS_SEQUENCE, vec![other]);
    let pixels: Vec<u8> = (0..12_u16).flat_map(u16::to_le_bytes).collect();
    data.put(Element {
        tag: tags::PIXEL_DATA,
        vr: VR::OW,
        data: bytes(&pixels),
    });
    data
}

fn in_syntax(uid: &str) -> Bytes {
    let data = slice();
    let syntax = syntax::of(uid);
    let body = write(&data, syntax.explicit);
    let body = if syntax.deflated {
        file::deflate(&body)
    } else {
        body
    };
    file::wrap(&body, CT, "1.2.3.4.5", uid, Some("SCANNER"))
}

fn read(bytes: impl Into<Bytes>) -> Result<Object, ImagingError> {
    Object::read(bytes, &Limits::default())
}

#[test]
fn every_uncompressed_syntax_says_the_same() {
    for uid in [
        syntax::IMPLICIT_LITTLE,
        syntax::EXPLICIT_LITTLE,
        syntax::DEFLATED,
    ] {
        let object = read(in_syntax(uid)).unwrap();
        assert_eq!(object.dataset(), &slice(), "{uid}");
        assert_eq!(object.oddities(), []);
        let facts = object.facts().unwrap();
        assert_eq!(facts.patient.name.ideographic, "王^小东");
        let id = facts.patient.identifier.unwrap();
        assert_eq!(
            (id.id.as_str(), id.issuer.as_deref()),
            ("0012", Some("YARQUM"))
        );
        assert_eq!(facts.patient.others[0].issuer.as_deref(), Some("AQTASH"));
        assert_eq!(
            facts.patient.birth_date, None,
            "there is no thirtieth of February"
        );
        assert_eq!(
            facts.study.date.as_deref(),
            Some("20240131"),
            "ACR-NEMA's dots"
        );
        assert_eq!(facts.study.time.as_deref(), Some("103005"));
        assert_eq!(facts.study.zone.as_deref(), Some("+0600"));
        assert_eq!((facts.instance.rows, facts.instance.frames), (Some(3), 1));
        assert_eq!(facts.instance.transfer_syntax, uid);
        assert!(!facts.instance.lossy);
    }
}

#[test]
fn big_endian_says_the_same() {
    let mut out = Vec::new();
    for e in slice().elements() {
        let Data::Bytes(value) = &e.data else {
            continue;
        };
        let value = crate::read::swapped(value.clone(), e.vr);
        out.extend(e.tag.0.to_be_bytes());
        out.extend(e.tag.1.to_be_bytes());
        out.extend(e.vr.to_bytes());
        if crate::write::is_short(e.vr) {
            out.extend((value.len() as u16).to_be_bytes());
        } else {
            out.extend([0, 0]);
            out.extend((value.len() as u32).to_be_bytes());
        }
        out.extend(&value);
    }
    let object = Object::read_dataset(out, syntax::EXPLICIT_BIG, &Limits::default()).unwrap();
    let mut plain = slice();
    plain.remove(tags::OTHER_PATIENT_I_DS_SEQUENCE);
    assert_eq!(object.dataset(), &plain);
    assert_eq!(object.layout().frames, Frames::Within);
}

#[test]
fn frames_lie_where_the_layout_says() {
    let object = read(in_syntax(syntax::EXPLICIT_LITTLE)).unwrap();
    let layout = object.layout();
    let spans = layout.frame(0).unwrap();
    let Span { offset, length } = spans[0];
    let pixels = &object.bytes()[offset as usize..(offset + length) as usize];
    assert_eq!(pixels[..4], [0, 0, 1, 0]);
    assert_eq!((length, layout.frame(1)), (24, None));
    assert_eq!(Layout::from_bytes(&layout.to_bytes()).unwrap(), layout);
    let meta = object.bytes().slice(..object.dataset_offset());
    assert!(meta.ends_with(b"SCANNER "));
}

fn encapsulated(frames: usize, table: &[u32], fragments: &[&[u8]]) -> Object {
    let mut data = slice();
    data.put_text(tags::NUMBER_OF_FRAMES, VR::IS, &frames.to_string());
    let table: Vec<u8> = table.iter().flat_map(|o| o.to_le_bytes()).collect();
    let mut all = vec![Bytes::from(table)];
    all.extend(fragments.iter().map(|f| Bytes::copy_from_slice(f)));
    data.put(Element {
        tag: tags::PIXEL_DATA,
        vr: VR::OB,
        data: Data::Fragments(all),
    });
    read(file::wrap(
        &write(&data, true),
        CT,
        "1.2.3.4.5",
        syntax::JPEG_BASELINE,
        None,
    ))
    .unwrap()
}

fn frames_of(object: &Object) -> Vec<Vec<u8>> {
    let layout = object.layout();
    assert_eq!(Layout::from_bytes(&layout.to_bytes()).unwrap(), layout);
    let part =
        |s: &Span| object.bytes()[s.offset as usize..(s.offset + s.length) as usize].to_vec();
    (0..layout.frame_count())
        .map(|i| layout.frame(i).unwrap().iter().flat_map(part).collect())
        .collect()
}

#[test]
fn fragments_become_frames_by_table_by_number_and_by_what_they_are() {
    let whole: [&[u8]; 3] = [b"aa", b"bbbb", b"cc"];
    assert_eq!(frames_of(&encapsulated(3, &[], &whole)), whole);
    assert_eq!(frames_of(&encapsulated(1, &[], &whole)), [b"aabbbbcc"]);
    let by_table = encapsulated(2, &[0, 22], &whole);
    assert_eq!(frames_of(&by_table), [&b"aabbbb"[..], &b"cc"[..]]);
    let starts: [&[u8]; 3] = [b"\xff\xd8\xff\xe0", b"rest", b"\xff\xd8\xff\xdb"];
    assert_eq!(
        frames_of(&encapsulated(2, &[], &starts)),
        [&b"\xff\xd8\xff\xe0rest"[..], &b"\xff\xd8\xff\xdb"[..]]
    );
    // A table that lies is as none.
    assert_eq!(frames_of(&encapsulated(2, &[0, 7], &starts)).len(), 2);
}

#[test]
fn nested_and_undefined_lengths() {
    // (0008,1140) undefined, item undefined, inside it a sequence of defined length with an empty item.
    let mut out = Vec::new();
    out.extend(b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff");
    out.extend(b"\xfe\xff\x00\xe0\xff\xff\xff\xff");
    out.extend(b"\x08\x00\x50\x11UI\x04\x001.2\0");
    out.extend(b"\x08\x00\x99\x11SQ\0\0\x08\0\0\0\xfe\xff\x00\xe0\0\0\0\0");
    out.extend(b"\xfe\xff\x0d\xe0\0\0\0\0");
    out.extend(b"\xfe\xff\xdd\xe0\0\0\0\0");
    // UN of undefined length holds implicit VR (PS3.5 §6.2.2).
    out.extend(b"\x09\x00\x02\x10UN\0\0\xff\xff\xff\xff");
    out.extend(
        b"\xfe\xff\x00\xe0\x0c\0\0\0\x08\x00\x50\x11\x04\0\0\x001.3\0\xfe\xff\xdd\xe0\0\0\0\0",
    );
    let object = Object::read_dataset(out, syntax::EXPLICIT_LITTLE, &Limits::default()).unwrap();
    let data = object.dataset();
    let item = data.item(tags::REFERENCED_IMAGE_SEQUENCE).unwrap();
    assert_eq!(item.plain(tags::REFERENCED_SOP_CLASS_UID), Some("1.2"));
    assert_eq!(item.items(tags::REFERENCED_SOP_SEQUENCE).len(), 1);
    let private = data.item(Tag(0x0009, 0x1002)).unwrap();
    assert_eq!(private.plain(tags::REFERENCED_SOP_CLASS_UID), Some("1.3"));
}

#[test]
fn what_lies_about_lengths_is_refused() {
    let refuse = |bytes: Vec<u8>| {
        Object::read_dataset(bytes, syntax::EXPLICIT_LITTLE, &Limits::default()).unwrap_err()
    };
    assert_eq!(
        refuse(b"\x10\x00\x20\x00LO\xff\x00ab".to_vec()),
        ImagingError::Truncated(tags::PATIENT_ID)
    );
    assert_eq!(
        refuse(b"\x10\x00\x20\x00UT\0\0\xfe\xff\xff\xffab".to_vec()),
        ImagingError::Truncated(tags::PATIENT_ID)
    );
    assert!(matches!(
        refuse(b"\x10\x00\x20\x00UT\0\0\xff\xff\xff\xffab".to_vec()),
        ImagingError::Malformed(..)
    ));
    assert!(matches!(
        refuse(b"\x08\x00\x40\x11SQ\0\0\x10\0\0\0\xfe\xff\x00\xe0\x99\0\0\0".to_vec()),
        ImagingError::Truncated(_)
    ));
    // Sequences within sequences without end.
    let mut deep = Vec::new();
    for _ in 0..10_000 {
        deep.extend(b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff");
    }
    assert_eq!(refuse(deep), ImagingError::TooMuch("levels of sequences"));
    // More empty items than memory should hold.
    let mut many = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff".to_vec();
    for _ in 0..1_100_000 {
        many.extend(b"\xfe\xff\x00\xe0\0\0\0\0");
    }
    assert_eq!(refuse(many), ImagingError::TooMuch("elements"));
}

#[test]
fn a_deflate_bomb_is_refused() {
    let mut data = slice();
    data.put(Element {
        tag: tags::PIXEL_DATA,
        vr: VR::OW,
        data: Data::Bytes(Bytes::from(vec![0; 3 << 20])),
    });
    let bytes = file::wrap(
        &file::deflate(&write(&data, true)),
        CT,
        "1.2",
        syntax::DEFLATED,
        None,
    );
    assert!(bytes.len() < 20_000);
    let limits = Limits {
        inflated_bytes: 1 << 20,
        ..Limits::default()
    };
    assert_eq!(
        Object::read(bytes.clone(), &limits).unwrap_err(),
        ImagingError::TooMuch("bytes of an inflated data set")
    );
    assert!(read(bytes).is_ok());
    assert_eq!(
        read(file::wrap(&[0xff; 100], CT, "1.2", syntax::DEFLATED, None)).unwrap_err(),
        ImagingError::Deflate
    );
}

#[test]
fn files_without_preamble_or_meta_are_read_and_others_are_not() {
    let file = in_syntax(syntax::EXPLICIT_LITTLE);
    let bare = file.slice(132..);
    assert_eq!(read(bare).unwrap().oddities()[0].code, "no-preamble");
    for explicit in [true, false] {
        let object = read(write(&slice(), explicit)).unwrap();
        assert_eq!(object.dataset(), &slice());
        assert_eq!(object.oddities()[1].code, "no-transfer-syntax");
    }
    for junk in [
        &b""[..],
        b"DICM",
        b"%PDF-1.7 hello",
        &[0; 4096],
        b"GIF89a..........",
        &[0xff; 300],
    ] {
        assert!(read(Bytes::copy_from_slice(junk)).is_err());
    }
    let mut named = file.to_vec();
    named.truncate(200);
    assert!(read(named).is_err(), "cut in its meta information");
}

#[test]
fn an_image_of_65535_squared_without_pixels_costs_nothing() {
    let mut data = slice();
    data.put_u16(tags::ROWS, 65_535);
    data.put_u16(tags::COLUMNS, 65_535);
    data.put_text(tags::NUMBER_OF_FRAMES, VR::IS, "2147483647");
    let object = read(file::wrap(
        &write(&data, true),
        CT,
        "1.2",
        syntax::EXPLICIT_LITTLE,
        None,
    ))
    .unwrap();
    assert_eq!(object.layout().frame_count(), 0);
    assert_eq!(object.facts().unwrap().instance.rows, Some(65_535));
}

#[test]
fn what_has_no_uids_has_no_facts() {
    for (tag, text) in [
        (tags::STUDY_INSTANCE_UID, ""),
        (tags::SOP_INSTANCE_UID, "../../x"),
        (tags::SERIES_INSTANCE_UID, "1..2"),
    ] {
        let mut data = slice();
        data.put_text(tag, VR::UI, text);
        let object = read(file::wrap(
            &write(&data, true),
            CT,
            "1.2",
            syntax::EXPLICIT_LITTLE,
            None,
        ))
        .unwrap();
        assert!(object.facts().is_err(), "{tag}");
    }
}

#[test]
fn dates_are_those_of_the_calendar() {
    for good in ["20240229", "20000229", "19991231"] {
        assert!(is_date(good), "{good}");
    }
    for bad in [
        "20230229", "19000229", "20240431", "20241301", "2024010", "2024010a", "0", "",
    ] {
        assert!(!is_date(bad), "{bad}");
    }
}
