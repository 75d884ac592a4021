//! DICOM JSON (PS3.18 Annex F), written and read.

mod read;
mod write;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use kernel::limits;

use crate::dataset::{Data, Dataset, Element};
use crate::object::Object;
use crate::query::Level;
use crate::{ETHNIC_GROUP, OTHER_PATIENT_IDS};

pub(crate) use read::tag_of;
pub use read::{parse, parse_many};

/// The head of every BulkDataURI that is written here; what follows is the path of [`crate::Layout::bulk`], or the tag
/// of pixel data.
pub const BULK_HEAD: &str = "bulkdata/";

/// A whole object but for bulk data and group lengths: what WADO-RS gives as metadata, with the transfer syntax it is kept in
/// (0008,3002), so that a reader knows what comes when nothing else is asked for. BulkDataURIs are relative, see
/// [`with_bulk_base`].
pub fn metadata(object: &Object) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 << 10);
    let mut data = object.dataset().clone();
    if !object.transfer_syntax().is_empty() {
        let syntax = object.transfer_syntax();
        data.put_text(tags::AVAILABLE_TRANSFER_SYNTAX_UID, VR::UI, syntax);
    }
    write::dataset(&mut out, &data, &mut String::new(), &|_| true);
    out
}

/// A data set made here.
pub fn of(dataset: &Dataset) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 << 10);
    write::dataset(&mut out, dataset, &mut String::new(), &|_| true);
    out
}

/// The attributes of an object that belong to a level (PS3.3 A.1.2; patient and study together), as a JSON object. The
/// three objects of an object have no key in common, so that they can be joined as text.
pub fn level(object: &Object, level: Level) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 << 10);
    let wanted = |e: &Element| level_of(e.tag) == Some(level);
    write::dataset(&mut out, object.dataset(), &mut String::new(), &wanted);
    out
}

/// The attributes of [`level`] one by one, as they stand in the object: the tag in hexadecimal digits, and what DICOM JSON
/// has behind it.
pub fn attributes(object: &Object, level: Level, mut each: impl FnMut(&[u8], &[u8])) {
    let data = object.dataset();
    let (mut name, mut value) = (Vec::with_capacity(8), Vec::with_capacity(128));
    for e in data.elements() {
        if level_of(e.tag) != Some(level) {
            continue;
        }
        name.clear();
        value.clear();
        write::tag(&mut name, e.tag);
        write::attribute(&mut value, e, data.charset(), &mut String::new());
        each(&name, &value);
    }
}

/// The level whose row keeps an attribute; nothing for what only the metadata of an instance have.
pub fn level_of(tag: Tag) -> Option<Level> {
    if STUDY.contains(&tag) {
        Some(Level::Study)
    } else if SERIES.contains(&tag) {
        Some(Level::Series)
    } else if INSTANCE.contains(&tag) {
        Some(Level::Instance)
    } else {
        None
    }
}

/// Patient and study (PS3.3 C.7.1, C.7.2; PS3.4 C.6.1.1.2, C.6.2.1.2).
const STUDY: &[Tag] = &[
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::ACCESSION_NUMBER,
    tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::TIMEZONE_OFFSET_FROM_UTC,
    tags::STUDY_DESCRIPTION,
    tags::PROCEDURE_CODE_SEQUENCE,
    tags::NAME_OF_PHYSICIANS_READING_STUDY,
    tags::ADMITTING_DIAGNOSES_DESCRIPTION,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::TYPE_OF_PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_BIRTH_TIME,
    tags::PATIENT_SEX,
    OTHER_PATIENT_IDS,
    tags::OTHER_PATIENT_I_DS_SEQUENCE,
    tags::OTHER_PATIENT_NAMES,
    tags::PATIENT_AGE,
    tags::PATIENT_SIZE,
    tags::PATIENT_WEIGHT,
    ETHNIC_GROUP,
    tags::OCCUPATION,
    tags::ADDITIONAL_PATIENT_HISTORY,
    tags::PATIENT_COMMENTS,
    tags::STUDY_INSTANCE_UID,
    tags::STUDY_ID,
];

/// Series (PS3.3 C.7.3; PS3.4 C.6.1.1.4; PS3.18 table 10.6.3-4).
const SERIES: &[Tag] = &[
    tags::SERIES_DATE,
    tags::SERIES_TIME,
    tags::MODALITY,
    tags::MANUFACTURER,
    tags::INSTITUTION_NAME,
    tags::INSTITUTIONAL_DEPARTMENT_NAME,
    tags::STATION_NAME,
    tags::SERIES_DESCRIPTION,
    tags::PERFORMING_PHYSICIAN_NAME,
    tags::OPERATORS_NAME,
    tags::MANUFACTURER_MODEL_NAME,
    tags::BODY_PART_EXAMINED,
    tags::PROTOCOL_NAME,
    tags::PATIENT_POSITION,
    tags::SERIES_INSTANCE_UID,
    tags::SERIES_NUMBER,
    tags::LATERALITY,
    tags::FRAME_OF_REFERENCE_UID,
    tags::PERFORMED_PROCEDURE_STEP_START_DATE,
    tags::PERFORMED_PROCEDURE_STEP_START_TIME,
    tags::REQUEST_ATTRIBUTES_SEQUENCE,
];

/// Instance (PS3.4 C.6.1.1.5; PS3.18 table 10.6.3-5).
const INSTANCE: &[Tag] = &[
    tags::IMAGE_TYPE,
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::ACQUISITION_DATE,
    tags::CONTENT_DATE,
    tags::ACQUISITION_TIME,
    tags::CONTENT_TIME,
    tags::INSTANCE_NUMBER,
    tags::ACQUISITION_NUMBER,
    tags::CONCEPT_NAME_CODE_SEQUENCE,
    tags::COMPLETION_FLAG,
    tags::VERIFICATION_FLAG,
    tags::DOCUMENT_TITLE,
    tags::CONTENT_LABEL,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::BITS_ALLOCATED,
    tags::SLICE_LOCATION,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
];

/// Makes the relative BulkDataURIs of metadata absolute: `base` ends in a slash and stands before `bulkdata/…`.
pub fn with_bulk_base(metadata: &[u8], base: &str) -> Vec<u8> {
    // Within a JSON string the quotation marks would be escaped, so this is found nowhere else.
    let needle = b"\"BulkDataURI\":\"";
    let mut out = Vec::with_capacity(metadata.len() + base.len());
    let mut rest = metadata;
    let finder = memchr::memmem::Finder::new(needle);
    while let Some(at) = finder.find(rest) {
        let (before, after) = rest.split_at(at + needle.len());
        out.extend_from_slice(before);
        if after.starts_with(BULK_HEAD.as_bytes()) {
            out.extend_from_slice(base.as_bytes());
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}

/// A tag as DICOM JSON writes it: `00100020`.
pub fn hex(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.0, tag.1)
}

/// Whether a value is fetched by its BulkDataURI rather than written: pixel data always, else what is large.
pub(crate) fn bulk_path(element: &Element, top: bool) -> bool {
    if top && is_pixels(element.tag) {
        return true;
    }
    match &element.data {
        Data::Bytes(bytes) => bytes.len() > inline_bytes_max(element.vr),
        Data::Fragments(_) | Data::Away(_) => true,
        Data::Items(_) => false,
    }
}

/// Bytes of a value that is written rather than named by its BulkDataURI.
pub(crate) fn inline_bytes_max(vr: VR) -> usize {
    match vr {
        VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN => {
            limits::IMAGE_INLINE_BYTES_MAX
        }
        _ => 64 * limits::IMAGE_INLINE_BYTES_MAX,
    }
}

pub(crate) fn is_pixels(tag: Tag) -> bool {
    matches!(
        tag,
        tags::PIXEL_DATA | tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA
    )
}

#[cfg(test)]
mod tests;
