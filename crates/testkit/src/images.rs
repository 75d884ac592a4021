//! Objects as a scanner sends them.

use bytes::Bytes;
use imaging::{Dataset, VR, file, tags};

pub const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub const STUDY: &str = "1.2.826.0.1.7";
const SIDE: u16 = 16;

/// An image of a patient of this number, `n` of its series, with pixels.
pub fn dataset_of(number: &str, study: &str, n: u32, modality: &str, accession: &str) -> Dataset {
    let mut d = Dataset::new();
    let uid = format!("{study}.1.{n}");
    for (tag, vr, text) in [
        (tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192"),
        (tags::SOP_CLASS_UID, VR::UI, CT),
        (tags::SOP_INSTANCE_UID, VR::UI, &uid),
        (tags::STUDY_DATE, VR::DA, "20261120"),
        (tags::STUDY_TIME, VR::TM, "101500"),
        (tags::ACCESSION_NUMBER, VR::SH, accession),
        (tags::MODALITY, VR::CS, modality),
        (tags::MANUFACTURER_MODEL_NAME, VR::LO, "Scanner 9"),
        (tags::STUDY_DESCRIPTION, VR::LO, "Chest of Wang"),
        (tags::PATIENT_NAME, VR::PN, "Wang^Xiaoming=王^小明"),
        (tags::PATIENT_ID, VR::LO, number),
        (tags::PATIENT_BIRTH_DATE, VR::DA, "19680314"),
        (tags::PATIENT_SEX, VR::CS, "M"),
        (tags::STUDY_INSTANCE_UID, VR::UI, study),
        (tags::SERIES_INSTANCE_UID, VR::UI, &format!("{study}.1")),
        (tags::SERIES_NUMBER, VR::IS, "1"),
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
    let pixels: Vec<u8> = (0..SIDE * SIDE)
        .flat_map(|p| (p + u16::try_from(n).unwrap_or(u16::MAX >> 1)).to_le_bytes())
        .collect();
    d.put(imaging::Element {
        tag: tags::PIXEL_DATA,
        vr: VR::OW,
        data: imaging::Data::Bytes(Bytes::from(pixels)),
    });
    d
}

/// The file of an image.
pub fn file_of(d: &Dataset) -> Bytes {
    let class = d.plain(tags::SOP_CLASS_UID).unwrap_or_default();
    let uid = d.plain(tags::SOP_INSTANCE_UID).unwrap_or_default();
    file::wrap(&imaging::write(d, true), class, uid, EXPLICIT, Some("CT1"))
}
