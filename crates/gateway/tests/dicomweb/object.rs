//! A phantom: a magnetic resonance image of 64 × 64 pixels of 16 bit.

use axum::body::Bytes;
use imaging::{Data, Dataset, Element, VR, file, tags};

pub const STUDY: &str = "1.2.826.0.1.7";
pub const SERIES: &str = "1.2.826.0.1.7.1";
const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const SIDE: u16 = 64;

pub fn uid(n: u32) -> String {
    format!("{SERIES}.{n}")
}

/// Rings whose brightness depends on the number of the slice.
pub fn pixels(n: u32) -> Bytes {
    let mut out = Vec::new();
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (dx, dy) = (i32::from(x) - 32, i32::from(y) - 32);
            let value =
                u16::try_from((dx * dx + dy * dy) % 1000).unwrap() + u16::try_from(n).unwrap();
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
    Bytes::from(out)
}

pub fn file(n: u32) -> Bytes {
    let mut d = Dataset::new();
    d.put_text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
    for (tag, vr, text) in [
        (tags::SOP_CLASS_UID, VR::UI, MR),
        (tags::SOP_INSTANCE_UID, VR::UI, &uid(n)),
        (tags::STUDY_DATE, VR::DA, "20260301"),
        (tags::MODALITY, VR::CS, "MR"),
        (tags::STUDY_DESCRIPTION, VR::LO, "Head"),
        (tags::PATIENT_NAME, VR::PN, "Wang^XiaoDong=王^小东"),
        (tags::PATIENT_ID, VR::LO, "17"),
        (tags::STUDY_INSTANCE_UID, VR::UI, STUDY),
        (tags::SERIES_INSTANCE_UID, VR::UI, SERIES),
        (tags::INSTANCE_NUMBER, VR::IS, &n.to_string()),
        (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
    ] {
        d.put_text(tag, vr, text);
    }
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, SIDE),
        (tags::COLUMNS, SIDE),
        (tags::BITS_ALLOCATED, 16),
        (tags::BITS_STORED, 16),
        (tags::HIGH_BIT, 15),
        (tags::PIXEL_REPRESENTATION, 0),
    ] {
        d.put_u16(tag, value);
    }
    d.put(Element {
        tag: tags::PIXEL_DATA,
        vr: VR::OW,
        data: Data::Bytes(pixels(n)),
    });
    let bytes = imaging::write(&d, true);
    file::wrap(&bytes, MR, &uid(n), EXPLICIT, Some("PHANTOM"))
}
