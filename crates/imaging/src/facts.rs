//! What an object says of its patient, study, series, itself and its pixels, as text in Unicode.

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::error::ImagingError;
use crate::name::PersonName;
use crate::object::Object;

/// All facts of one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Whose images these are.
    pub patient: PatientFacts,
    /// The study (PS3.3 C.7.2).
    pub study: StudyFacts,
    /// The series (PS3.3 C.7.3).
    pub series: SeriesFacts,
    /// The object itself.
    pub instance: InstanceFacts,
    /// What was not as the standard has it: stable codes (`unknown-charset`, `undecodable-text`, `order` …).
    pub oddities: Vec<String>,
}

/// A patient's identifier with who gave it (PS3.3 C.7.1.1, 10.15).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PatientIdentifier {
    /// The identifier.
    pub id: String,
    /// Issuer of Patient ID (0010,0021).
    pub issuer: Option<String>,
    /// Universal Entity ID of the issuer (0040,0032), with its type (0040,0033): `ISO`, `URI`, `DNS` …
    pub issuer_universal: Option<(String, String)>,
    /// Type of Patient ID (0010,0022): `TEXT`, `RFID`, `BARCODE`.
    pub kind: Option<String>,
}

/// What is said of the patient.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PatientFacts {
    /// Patient ID with its issuer; absent if the object has none.
    pub identifier: Option<PatientIdentifier>,
    /// Other Patient IDs Sequence (0010,1002) and the retired (0010,1000).
    pub others: Vec<PatientIdentifier>,
    /// Patient's Name.
    pub name: PersonName,
    /// Patient's Birth Date as DICOM writes it: `YYYYMMDD`.
    pub birth_date: Option<String>,
    /// `M`, `F`, `O`.
    pub sex: Option<String>,
}

/// What is said of the study.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StudyFacts {
    /// Study Instance UID.
    pub uid: String,
    /// Study Date, `YYYYMMDD`.
    pub date: Option<String>,
    /// Study Time, `HHMMSS.FFFFFF` or its beginning.
    pub time: Option<String>,
    /// Timezone Offset From UTC (0008,0201), `+0800`.
    pub zone: Option<String>,
    /// Accession Number.
    pub accession: Option<String>,
    /// Who issued it (0008,0051): local namespace.
    pub accession_issuer: Option<String>,
    /// Study ID.
    pub id: Option<String>,
    /// Study Description.
    pub description: Option<String>,
    /// Referring Physician's Name.
    pub referring: PersonName,
}

/// What is said of the series.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SeriesFacts {
    /// Series Instance UID.
    pub uid: String,
    /// Modality.
    pub modality: Option<String>,
    /// Series Number.
    pub number: Option<i64>,
    /// Series Description.
    pub description: Option<String>,
    /// Body Part Examined.
    pub body_part: Option<String>,
    /// Laterality: `L`, `R`.
    pub laterality: Option<String>,
    /// Series Date, else Acquisition Date.
    pub date: Option<String>,
    /// Series Time, else Acquisition Time.
    pub time: Option<String>,
    /// Manufacturer of the equipment.
    pub manufacturer: Option<String>,
    /// Institution Name.
    pub institution: Option<String>,
    /// Station Name.
    pub station: Option<String>,
    /// Performing Physician's Name.
    pub performer: PersonName,
    /// Performed Procedure Step Start Date and Time.
    pub performed: (Option<String>, Option<String>),
    /// Scheduled Procedure Step ID and Requested Procedure ID of Request Attributes Sequence.
    pub requested: Vec<(Option<String>, Option<String>)>,
    /// Frame of Reference UID.
    pub frame_of_reference: Option<String>,
}

/// What is said of the object itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InstanceFacts {
    /// SOP Instance UID.
    pub uid: String,
    /// SOP Class UID.
    pub class: String,
    /// Transfer syntax as sent.
    pub transfer_syntax: String,
    /// Instance Number.
    pub number: Option<i64>,
    /// Rows; none for objects without pixels.
    pub rows: Option<u32>,
    /// Columns.
    pub columns: Option<u32>,
    /// Number of Frames: 1 where there are pixels and it is not said, 0 where there are none.
    pub frames: u32,
    /// Bits Allocated.
    pub bits_allocated: Option<u16>,
    /// Content Date, else Acquisition Date.
    pub date: Option<String>,
    /// Content Time, else Acquisition Time.
    pub time: Option<String>,
    /// Image Type, values joined by a backslash.
    pub image_type: Option<String>,
    /// Title of a structured report or document: Concept Name, Document Title or Content Label.
    pub title: Option<String>,
    /// Completion and verification of a structured report (0040,A491), (0040,A493).
    pub report_state: Option<(String, String)>,
    /// Whether the pixels have once been compressed with loss: the syntax or (0028,2110) says so.
    pub lossy: bool,
}

impl Facts {
    pub(crate) fn of(object: &Object) -> Result<Facts, ImagingError> {
        let data = object.dataset();
        let mut oddities: Vec<String> = object
            .oddities()
            .iter()
            .map(|o| o.code.to_owned())
            .collect();
        let undecodable = data
            .elements()
            .iter()
            .any(|e| crate::dataset::has_repertoire(e.vr) && !e.texts(data.charset()).1);
        if undecodable {
            oddities.push("undecodable-text".to_owned());
        }
        Ok(Facts {
            patient: PatientFacts::of(data),
            study: StudyFacts::of(data)?,
            series: SeriesFacts::of(data)?,
            instance: InstanceFacts::of(object)?,
            oddities,
        })
    }
}

impl PatientFacts {
    /// From a data set (an object, an identifier, an answer).
    pub fn of(data: &Dataset) -> PatientFacts {
        let mut others: Vec<PatientIdentifier> = data
            .items(tags::OTHER_PATIENT_I_DS_SEQUENCE)
            .iter()
            .take(32)
            .filter_map(identifier)
            .collect();
        let retired = data.texts(crate::OTHER_PATIENT_IDS).into_iter().take(32);
        others.extend(
            retired
                .filter(|id| !id.is_empty())
                .map(|id| PatientIdentifier {
                    id,
                    ..PatientIdentifier::default()
                }),
        );
        PatientFacts {
            identifier: identifier(data),
            others,
            name: data.person(tags::PATIENT_NAME).unwrap_or_default(),
            birth_date: date(data, tags::PATIENT_BIRTH_DATE),
            sex: data.text(tags::PATIENT_SEX),
        }
    }
}

fn identifier(data: &Dataset) -> Option<PatientIdentifier> {
    let qualifiers = data.item(tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE);
    let universal = qualifiers.and_then(|q| {
        Some((
            q.text(tags::UNIVERSAL_ENTITY_ID)?,
            q.text(tags::UNIVERSAL_ENTITY_ID_TYPE).unwrap_or_default(),
        ))
    });
    Some(PatientIdentifier {
        id: data.text(tags::PATIENT_ID)?,
        issuer: data.text(tags::ISSUER_OF_PATIENT_ID),
        issuer_universal: universal,
        kind: data.text(tags::TYPE_OF_PATIENT_ID),
    })
}

impl StudyFacts {
    fn of(data: &Dataset) -> Result<StudyFacts, ImagingError> {
        Ok(StudyFacts {
            uid: uid(data, tags::STUDY_INSTANCE_UID)?,
            date: date(data, tags::STUDY_DATE),
            time: time(data, tags::STUDY_TIME),
            zone: zone(data),
            accession: data.text(tags::ACCESSION_NUMBER),
            accession_issuer: data
                .item(tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE)
                .and_then(|i| {
                    i.text(tags::LOCAL_NAMESPACE_ENTITY_ID)
                        .or_else(|| i.text(tags::UNIVERSAL_ENTITY_ID))
                }),
            id: data.text(tags::STUDY_ID),
            description: data.text(tags::STUDY_DESCRIPTION),
            referring: data
                .person(tags::REFERRING_PHYSICIAN_NAME)
                .unwrap_or_default(),
        })
    }
}

impl SeriesFacts {
    fn of(data: &Dataset) -> Result<SeriesFacts, ImagingError> {
        let requested = data
            .items(tags::REQUEST_ATTRIBUTES_SEQUENCE)
            .iter()
            .take(16)
            .map(|item| {
                (
                    item.text(tags::SCHEDULED_PROCEDURE_STEP_ID),
                    item.text(tags::REQUESTED_PROCEDURE_ID),
                )
            })
            .collect();
        let laterality = [tags::LATERALITY, tags::IMAGE_LATERALITY];
        Ok(SeriesFacts {
            uid: uid(data, tags::SERIES_INSTANCE_UID)?,
            modality: data.text(tags::MODALITY),
            number: data.int(tags::SERIES_NUMBER),
            description: data.text(tags::SERIES_DESCRIPTION),
            body_part: data.text(tags::BODY_PART_EXAMINED),
            laterality: laterality.into_iter().find_map(|t| data.text(t)),
            date: date(data, tags::SERIES_DATE).or_else(|| date(data, tags::ACQUISITION_DATE)),
            time: time(data, tags::SERIES_TIME).or_else(|| time(data, tags::ACQUISITION_TIME)),
            manufacturer: data.text(tags::MANUFACTURER),
            institution: data.text(tags::INSTITUTION_NAME),
            station: data.text(tags::STATION_NAME),
            performer: data
                .person(tags::PERFORMING_PHYSICIAN_NAME)
                .unwrap_or_default(),
            performed: (
                date(data, tags::PERFORMED_PROCEDURE_STEP_START_DATE),
                time(data, tags::PERFORMED_PROCEDURE_STEP_START_TIME),
            ),
            requested,
            frame_of_reference: data.plain(tags::FRAME_OF_REFERENCE_UID).map(str::to_owned),
        })
    }
}

impl InstanceFacts {
    fn of(object: &Object) -> Result<InstanceFacts, ImagingError> {
        let data = object.dataset();
        let small = |tag| data.int(tag).and_then(|n| u32::try_from(n).ok());
        let pixels = object.pixel_element().is_some();
        let frames = match small(tags::NUMBER_OF_FRAMES) {
            Some(n) if pixels => n.max(1),
            _ => u32::from(pixels),
        };
        let title = data
            .item(tags::CONCEPT_NAME_CODE_SEQUENCE)
            .and_then(|c| c.text(tags::CODE_MEANING));
        let state = data
            .text(tags::COMPLETION_FLAG)
            .map(|c| (c, data.text(tags::VERIFICATION_FLAG).unwrap_or_default()));
        Ok(InstanceFacts {
            uid: uid(data, tags::SOP_INSTANCE_UID)?,
            class: uid(data, tags::SOP_CLASS_UID)?,
            transfer_syntax: object.transfer_syntax().to_owned(),
            number: data.int(tags::INSTANCE_NUMBER),
            rows: small(tags::ROWS),
            columns: small(tags::COLUMNS),
            frames,
            bits_allocated: data
                .int(tags::BITS_ALLOCATED)
                .and_then(|n| u16::try_from(n).ok()),
            date: date(data, tags::CONTENT_DATE).or_else(|| date(data, tags::ACQUISITION_DATE)),
            time: time(data, tags::CONTENT_TIME).or_else(|| time(data, tags::ACQUISITION_TIME)),
            image_type: Some(data.texts(tags::IMAGE_TYPE).join("\\")).filter(|t| !t.is_empty()),
            title: title
                .or_else(|| data.text(tags::DOCUMENT_TITLE))
                .or_else(|| data.text(tags::CONTENT_LABEL)),
            report_state: state,
            lossy: pixels && !object.syntax().lossless
                || data.plain(tags::LOSSY_IMAGE_COMPRESSION) == Some("01"),
        })
    }
}

/// Whether a text is a UID (PS3.5 §9.1). Components with a leading zero are met with and let through.
pub fn is_uid(text: &str) -> bool {
    text.len() <= 64
        && !text.is_empty()
        && text
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

fn uid(data: &Dataset, tag: Tag) -> Result<String, ImagingError> {
    let uid = data.plain(tag).ok_or(ImagingError::Missing(tag))?;
    if !is_uid(uid) {
        return Err(ImagingError::Malformed(tag, "no UID"));
    }
    Ok(uid.to_owned())
}

/// A date as `YYYYMMDD`; the form of ACR-NEMA with dots is rewritten, anything else is as if it were absent.
fn date(data: &Dataset, tag: Tag) -> Option<String> {
    let digits: String = data.plain(tag)?.chars().filter(|c| *c != '.').collect();
    is_date(&digits).then_some(digits)
}

/// Whether a text is a date of the calendar, `YYYYMMDD`.
pub fn is_date(text: &str) -> bool {
    let number = |range: std::ops::Range<usize>| {
        text.get(range)
            .and_then(|t| t.parse::<u8>().ok())
            .unwrap_or(0)
    };
    let (month, day) = (number(4..6), number(6..8));
    let Ok(year) = text.get(..4).unwrap_or_default().parse::<u32>() else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u8::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) && (1..=days).contains(&day)
}

/// A time as `HH`, `HHMM`, `HHMMSS` or `HHMMSS.F…`; colons go, anything else is as if it were absent.
fn time(data: &Dataset, tag: Tag) -> Option<String> {
    let digits: String = data.plain(tag)?.chars().filter(|c| *c != ':').collect();
    is_time(&digits).then_some(digits)
}

/// Whether a text is a time of day as TM has it.
pub fn is_time(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let part = |at: usize, most: u8| {
        whole.get(at..at + 2).is_none_or(|t| {
            t.bytes().all(|b| b.is_ascii_digit()) && t.parse::<u8>().is_ok_and(|n| n <= most)
        })
    };
    text.is_ascii()
        && matches!(whole.len(), 2 | 4 | 6)
        && part(0, 23)
        && part(2, 59)
        && part(4, 60)
        && (1..=6).contains(&fraction.len())
        && fraction.bytes().all(|b| b.is_ascii_digit())
        && (whole.len() == 6 || !text.contains('.'))
}

fn zone(data: &Dataset) -> Option<String> {
    let zone = data.plain(tags::TIMEZONE_OFFSET_FROM_UTC)?;
    let (sign, digits) = zone.split_at_checked(1)?;
    let minutes = digits.get(2..4)?.parse::<u8>().ok()?;
    let hours = digits.get(..2)?.parse::<u8>().ok()?;
    (matches!(sign, "+" | "-") && digits.len() == 4 && hours <= 14 && minutes < 60)
        .then(|| zone.to_owned())
}
